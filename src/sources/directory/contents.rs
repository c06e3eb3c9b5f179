//! The contents of an entity: what policies read of it and of the entities that it refers to, as a digest and as those
//! entities.
//!
//! **Invariant:** two entities with equal digests under one profile are equal in all that policies read of them, in any
//! directory. So they share verdicts, and a verdict stays valid through every change of the directory that leaves these
//! parts as they were. (Equal digests are taken for equal bytes, as with revisions.)
//!
//! It is computed once for each entity, profile and thread, and is stored with the entity, without a lock.

use super::Directory;
use crate::sources::policy::{
    EntityReads, Ids, Profile, Reading,
    cedar_core::ast::{self, Literal, Value, ValueKind},
};
use sha2::{Digest as _, Sha256};
use std::{
    fmt::Write as _,
    sync::{Arc, OnceLock},
};

/// What policies read of an entity.
#[derive(Debug, Clone)]
pub struct Contents {
    /// Equal for equal contents.
    pub digest: [u8; 32],
    /// The entity and those that it refers to, directly or through others, each once.
    pub entities: Arc<[Arc<ast::Entity>]>,
}

/// The contents of one entity under several profiles. Grows at its end and changes nowhere else.
#[derive(Debug, Default)]
pub(super) struct Known(OnceLock<Box<(u64, Contents, Known)>>);

impl Clone for Known {
    /// A copy is empty: it can become part of another directory.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Known {
    fn get_or_insert(&self, number: u64, find: impl Fn() -> Contents) -> &Contents {
        let mut known = self;
        loop {
            let (of, contents, next) = &**known.0.get_or_init(|| Box::new((number, find(), Self::default())));
            if *of == number {
                return contents;
            }
            known = next;
        }
    }
}

impl Directory {
    /// What policies read of the entity with this type and id. `None` if the directory does not know it.
    #[must_use]
    pub fn contents(&self, kind: &ast::EntityType, id: &str, profile: &Profile) -> Option<&Contents> {
        let uid = || ast::EntityUID::from_components(kind.clone(), ast::Eid::new(id), None);
        let made = self.made(kind, id)?;
        Some(made.contents.get_or_insert(profile.number, || {
            let mut gathering =
                Gathering { directory: self, profile, own: None, digest: Sha256::new(), entities: Vec::new() };
            gathering.entity(&uid(), profile.steps);
            Contents { digest: gathering.digest.finalize().into(), entities: gathering.entities.into() }
        }))
    }
}

impl Directory {
    /// What policies read of an entity but for its own id, unless they name it: equal for two entities that policies cannot
    /// tell apart but by the ids that questions have. `None` if the directory does not know it.
    #[must_use]
    pub fn likeness(&self, uid: &ast::EntityUID, profile: &Profile) -> Option<[u8; 32]> {
        self.get(uid)?;
        let mut gathering =
            Gathering { directory: self, profile, own: Some(uid), digest: Sha256::new(), entities: Vec::new() };
        gathering.entity(uid, profile.steps);
        Some(gathering.digest.finalize().into())
    }
}

struct Gathering<'a> {
    directory: &'a Directory,
    /// The entity whose id is left out.
    own: Option<&'a ast::EntityUID>,
    profile: &'a Profile,
    digest: Sha256,
    entities: Vec<Arc<ast::Entity>>,
}

impl Gathering<'_> {
    fn entity(&mut self, uid: &ast::EntityUID, steps: usize) {
        let Some(reads) = self.profile.entity(uid.entity_type()) else { return };
        let Some(left) = steps.checked_sub(1) else { return };
        self.id(uid, &reads.id);
        let entity = self.directory.get(uid);
        self.number(u64::from(entity.is_some()));
        let Some(entity) = entity else { return };
        if !self.entities.iter().any(|known| Arc::ptr_eq(known, entity)) {
            self.entities.push(entity.clone());
        }
        self.above(entity, &reads.above);
        self.attributes(entity, reads, left);
        if reads.tags.is_some() {
            self.fields(entity.tags(), reads.reading_of_tags(), left);
        }
    }

    fn id(&mut self, uid: &ast::EntityUID, read: &Ids) {
        let is_read = read.has(uid);
        self.number(u64::from(is_read));
        if is_read && read.named.contains(uid) {
            // Policies name it, so no other is like it.
            self.text(uid.eid().as_ref());
        } else if is_read {
            self.eid(uid);
        }
    }

    fn above(&mut self, entity: &ast::Entity, read: &Ids) {
        let mut above: Vec<_> = entity.ancestors().filter(|uid| read.has(uid)).collect();
        above.sort_unstable();
        self.number(above.len() as u64);
        for uid in above {
            self.uid(uid);
        }
    }

    fn attributes(&mut self, entity: &ast::Entity, reads: &EntityReads, left: usize) {
        for (name, read) in &reads.attributes.fields {
            let value = entity.get(name);
            self.number(u64::from(value.is_some()));
            if let Some(ast::PartialValue::Value(value)) = value {
                self.value(value, Reading::of(read), left);
            }
        }
    }

    fn fields<'v>(
        &mut self,
        fields: impl Iterator<Item = (&'v smol_str::SmolStr, &'v ast::PartialValue)>,
        read: Reading<'_>,
        left: usize,
    ) {
        let mut fields: Vec<_> = fields.collect();
        fields.sort_unstable_by_key(|(name, _)| *name);
        self.number(fields.len() as u64);
        for (name, value) in fields {
            self.text(name);
            if let ast::PartialValue::Value(value) = value {
                self.value(value, read, left);
            }
        }
    }

    fn value(&mut self, value: &Value, read: Reading<'_>, left: usize) {
        match value.value_kind() {
            ValueKind::Lit(Literal::EntityUID(uid)) => {
                if read.whole {
                    self.uid(uid);
                }
                if read.followed().is_some() {
                    self.entity(uid, left);
                }
            }
            ValueKind::Lit(literal) if read.whole => match literal {
                Literal::Bool(truth) => self.number(u64::from(*truth)),
                Literal::Long(long) => self.number(long.cast_unsigned()),
                Literal::String(text) => self.text(text),
                Literal::EntityUID(_) => {}
            },
            ValueKind::ExtensionValue(_) if read.whole => self.text(&value.to_string()),
            ValueKind::Set(set) => {
                if read.whole {
                    self.number(set.len() as u64);
                }
                set.iter().for_each(|element| self.value(element, read, left));
            }
            ValueKind::Record(fields) => {
                for (name, value) in fields.iter() {
                    let read = read.field(name);
                    if read.is_something() {
                        self.text(name);
                        self.value(value, read, left);
                    }
                }
                self.text("");
            }
            ValueKind::Lit(_) | ValueKind::ExtensionValue(_) => {}
        }
    }

    fn uid(&mut self, uid: &ast::EntityUID) {
        let mut kind = String::new();
        // Writing into a string does not fail.
        let _ = write!(kind, "{}", uid.entity_type());
        self.text(&kind);
        self.eid(uid);
    }

    fn eid(&mut self, uid: &ast::EntityUID) {
        let is_own = self.own == Some(uid);
        self.number(u64::from(is_own));
        if !is_own {
            self.text(uid.eid().as_ref());
        }
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.digest.update(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.digest.update(number.to_le_bytes());
    }
}
