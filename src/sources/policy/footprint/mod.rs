//! The footprint of a slice: what its policies can read of a question and of the directory, and nothing else.
//!
//! **Why equal footprints give equal verdicts.** An evaluation starts from the principal, the action, the resource, the
//! context and the entities that policies name. It reads of them only what an expression of the slice reads. `walk`
//! finds every such place by the static types of the schema (the policies are valid against it, in strict mode) and how
//! it is read:
//! - a value that is compared, or passed on in any other way, is read *whole*;
//! - of an entity or record whose parts are accessed, those parts are read, and of every part at least whether it is
//!   there;
//! - a reference that is followed adds what is read of entities of its type ([`EntityReads`]). Reads are stored by type
//!   and not by path, so two paths to one entity agree on them;
//! - `in` reads ids and ancestors: those of given types, or only whether given entities are among them.
//!
//! So the parts that are read decide the value of each condition, and whether it fails. An error text can quote more
//! than that, so a cache of verdicts leaves out those with errors.
//!
//! Where the walk is not sure, the footprint is *everything* ([`Footprint::reads`] is `None`). (`tests/it/pdp/cedar.rs`
//! and `tests/it/pdp/cached.rs` hold this: one cache serves many questions, and each answer equals that of Cedar's
//! authorizer.)
//!
//! - `walk`: finds it in the conditions of policies
//! - `profile`: what is read of entities in the directory
//! - `pdp`: what is read of the moment

mod pdp;
mod profile;
mod walk;

pub use pdp::PdpReads;
pub use profile::Profile;
pub(super) use profile::Profiles;
pub(super) use walk::Environment;

use cedar_policy_core::ast;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// What the policies of a slice can read.
#[derive(Debug)]
pub struct Footprint {
    /// Different for any two footprints of this process.
    pub number: u64,
    /// Which parts of `context.pdp` are read.
    pub pdp: PdpReads,
    /// The entities that policies name and look into, ordered; at least those.
    pub named: BTreeSet<ast::EntityUID>,
    /// What is read; `None`: everything.
    pub reads: Option<Reads>,
}

/// What is read.
#[derive(Debug, Default)]
pub struct Reads {
    /// Of entities, by type.
    entities: BTreeMap<ast::EntityType, EntityReads>,
    /// Of entities as the directory holds them, with what their references lead to.
    profiles: BTreeMap<ast::EntityType, Profile>,
    /// Of the context.
    pub context: ValueReads,
    /// How many entities in a row are looked into, at most. `principal.unit.chief == …` looks into two: the principal and its
    /// unit.
    hops: usize,
}

/// What is read of an entity.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntityReads {
    /// Its id: all of it, or whether it is one of those named.
    pub id: Ids,
    /// Its ancestors.
    pub above: Ids,
    /// Its attributes, as a record that is never read whole.
    pub attributes: ValueReads,
    /// Its tags, all of them and whole, with the references in them that are followed; `None`: no tag is read.
    pub tags: Option<ValueReads>,
}

/// Which ids are read.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ids {
    /// All those of these types.
    pub kinds: BTreeSet<ast::EntityType>,
    /// Those that policies name.
    pub named: BTreeSet<ast::EntityUID>,
}

/// What is read of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValueReads {
    /// All of it; of a reference, the id.
    pub whole: bool,
    /// The references in it are followed, to entities of this type.
    pub followed: Option<ast::EntityType>,
    /// Parts of a record. One that is here is read at least for whether it is there.
    pub fields: BTreeMap<SmolStr, ValueReads>,
}

/// What is read of a value, on the way down into it.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// All of it.
    pub whole: bool,
    part: Option<&'a ValueReads>,
}

static NOTHING: EntityReads = EntityReads {
    id: Ids { kinds: BTreeSet::new(), named: BTreeSet::new() },
    above: Ids { kinds: BTreeSet::new(), named: BTreeSet::new() },
    attributes: ValueReads { whole: false, followed: None, fields: BTreeMap::new() },
    tags: None,
};

impl Footprint {
    /// How many entities in a row are looked into, at most; the largest number if that is not known.
    #[must_use]
    pub fn hops(&self) -> usize {
        self.reads.as_ref().map_or(usize::MAX, |reads| reads.hops)
    }
}

impl Reads {
    /// What is read of entities of a type.
    #[must_use]
    pub fn entity(&self, kind: &ast::EntityType) -> &EntityReads {
        self.entities.get(kind).unwrap_or(&NOTHING)
    }

    /// The same, of entities that the directory holds. `None` if no expression looks into an entity of this type.
    #[must_use]
    pub fn profile(&self, kind: &ast::EntityType) -> Option<&Profile> {
        self.profiles.get(kind)
    }
}

impl Ids {
    /// Whether this one is read: as itself, and not as one of all the others.
    #[must_use]
    pub fn has(&self, uid: &ast::EntityUID) -> bool {
        self.named.contains(uid) || self.kinds.contains(uid.entity_type())
    }

    fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.named.is_empty()
    }

    fn add(&mut self, other: &Self) {
        self.kinds.extend(other.kinds.iter().cloned());
        self.named.extend(other.named.iter().cloned());
    }
}

impl ValueReads {
    /// The references that are followed in this value and its parts, by type.
    fn followed(&self) -> Vec<&ast::EntityType> {
        self.followed.iter().chain(self.fields.values().flat_map(Self::followed)).collect()
    }
}

impl EntityReads {
    /// The types that references in the attributes and the tags are followed to.
    fn followed(&self) -> impl Iterator<Item = &ast::EntityType> {
        self.attributes.followed().into_iter().chain(self.tags.iter().flat_map(ValueReads::followed))
    }

    /// How the tags are read.
    #[must_use]
    pub fn reading_of_tags(&self) -> Reading<'_> {
        self.tags.as_ref().map_or(Reading::NOTHING, Reading::of)
    }
}

impl<'a> Reading<'a> {
    /// All, but no reference is followed.
    pub const ALL: Self = Self { whole: true, part: None };
    /// Nothing.
    pub const NOTHING: Self = Self { whole: false, part: None };

    /// What is read of this value.
    #[must_use]
    pub const fn of(part: &'a ValueReads) -> Self {
        Self { whole: part.whole, part: Some(part) }
    }

    /// What is read of the part with this name.
    #[must_use]
    pub fn field(self, name: &str) -> Self {
        let part = self.part.and_then(|part| part.fields.get(name));
        Self { whole: self.whole || part.is_some_and(|part| part.whole), part }
    }

    /// Whether anything of it is read, be it only whether it is there.
    #[must_use]
    pub const fn is_something(self) -> bool {
        self.whole || self.part.is_some()
    }

    /// The type that references lead to, if they are followed.
    #[must_use]
    pub fn followed(self) -> Option<&'a ast::EntityType> {
        self.part.and_then(|part| part.followed.as_ref())
    }
}
