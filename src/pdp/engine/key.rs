//! The cache key of a question: bytes that are equal only where the verdict is.
//!
//! **Invariant:** the key holds all that the policies of the question's slice can read of it and of the directory, as
//! `policy::footprint` says. Where that is everything, it holds all that the schema declares, and the snapshot's generation.
//! Each part carries its length or its kind, and what the key leaves out is the same for all questions of one footprint.
//! (`tests/it/pdp/cached.rs::a_cached_answer_is_the_fresh_one`)
//!
//! The walk that makes the key is the one that makes the engine's values, so a part that is not in the key is checked too: a
//! question that does not fit the schema has no key.

use super::{
    undeclared::{Members, UndeclaredMembers},
    values::read_extension,
};
use crate::{
    sources::{
        directory::Directory,
        policy::{
            Attributes, Extension, Ids, Reading, Reads,
            value_visitor::{Invalid, Terms},
        },
    },
    types::{
        decision::{self, Undeclared},
        evaluation::{Map, Path},
    },
};
use cedar_policy_core::ast;
use smol_str::SmolStr;
use std::sync::Arc;

/// What becomes of members that the schema does not declare.
pub(super) struct Watch<'a> {
    pub undeclared: UndeclaredMembers,
    /// Those that are ignored. They are not in the key: they cannot matter.
    pub ignored: &'a mut Undeclared,
    /// The references that the directory does not know, of any type: only the schema says which ones it should.
    pub unknown: &'a mut Vec<(String, ast::EntityType, String)>,
    /// Collects all that does not fit, and reads what a question in the cache need not read again. `None`: the first ends it.
    pub unfit: Option<&'a mut Vec<Invalid>>,
}

/// How many references that the directory does not know are looked at.
const LOOKED_AT: usize = 4 * decision::MOST;

pub(super) struct Key<'a> {
    bytes: Vec<u8>,
    directory: &'a Directory,
    reads: Option<&'a Reads>,
    /// What is read of the value that the walk is at, and of those that it lies in.
    reading: Vec<Reading<'a>>,
    undeclared: UndeclaredMembers,
    ignored: &'a mut Undeclared,
    /// The references that the directory does not know.
    unknown: &'a mut Vec<(String, ast::EntityType, String)>,
    /// What does not fit, where all of it is collected.
    unfit: Option<&'a mut Vec<Invalid>>,
    /// Where the walk is at an entity that has tags: whether they are read.
    tags: Option<bool>,
}

impl<'a> Key<'a> {
    /// A key of what is read; `None`: of everything.
    pub(super) fn new(directory: &'a Directory, reads: Option<&'a Reads>, watch: Watch<'a>) -> Self {
        let Watch { undeclared, ignored, unknown, unfit } = watch;
        let (bytes, reading) = (Vec::with_capacity(256), Vec::with_capacity(8));
        Self { bytes, directory, reads, reading, undeclared, ignored, unknown, unfit, tags: None }
    }

    pub(super) fn tag(&mut self, tag: u8) {
        self.bytes.push(tag);
    }

    pub(super) fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn name(&mut self, name: &str) {
        self.number(name.len() as u64);
        self.bytes.extend_from_slice(name.as_bytes());
    }

    pub(super) fn uid(&mut self, uid: &ast::EntityUID) {
        self.name(&uid.entity_type().to_string());
        self.name(uid.eid().as_ref());
    }

    /// An id, if it is read.
    pub(super) fn id(&mut self, kind: &ast::EntityType, id: &str, read: &Ids) {
        let is_read = read.kinds.contains(kind)
            || !read.named.is_empty()
                && read.named.contains(&ast::EntityUID::from_components(kind.clone(), ast::Eid::new(id), None));
        self.tag(u8::from(is_read));
        if is_read {
            self.name(id);
        }
    }

    /// What is read of an entity that the directory holds. False if it does not know it.
    pub(super) fn contents(&mut self, kind: &ast::EntityType, id: &str) -> bool {
        let profile = self.reads.and_then(|reads| reads.profile(kind));
        let contents = profile.and_then(|profile| self.directory.contents(kind, id, profile));
        self.tag(u8::from(contents.is_some()));
        if let Some(contents) = contents {
            self.bytes.extend_from_slice(&contents.digest);
        }
        contents.is_some()
    }

    /// Walks values of which this is read.
    pub(super) fn within<T>(&mut self, read: Reading<'a>, walk: impl FnOnce(&mut Self) -> T) -> T {
        self.reading.push(read);
        let walked = walk(self);
        self.reading.pop();
        walked
    }

    /// Walks the attributes of an entity of which this is read; `tags`: whether the tags are, if it has any.
    pub(super) fn within_entity<T>(
        &mut self,
        read: Reading<'a>,
        tags: Option<bool>,
        walk: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.tags = tags;
        let walked = self.within(read, walk);
        self.tags = None;
        walked
    }

    pub(super) fn finish(self) -> Arc<[u8]> {
        self.bytes.into()
    }

    fn at(&self) -> Reading<'a> {
        self.reading.last().copied().unwrap_or(Reading::ALL)
    }
}

impl Terms for Key<'_> {
    type Term = ();
    type Fields = ();

    fn truth(&mut self, truth: bool) {
        if self.at().whole {
            self.tag(u8::from(truth));
        }
    }

    fn long(&mut self, long: i64) {
        if self.at().whole {
            self.number(long.cast_unsigned());
        }
    }

    fn text(&mut self, text: &str) {
        if self.at().whole {
            self.name(text);
        }
    }

    /// The type is declared, and so the same for all questions about this action and these types.
    fn entity(&mut self, kind: &ast::EntityType, _: Option<&str>, id: &str, path: Path<'_>) -> Result<(), Invalid> {
        self.text(id);
        if self.at().is_something() && self.unknown.len() < LOOKED_AT && !self.directory.knows(kind, id) {
            self.unknown.push((path.to_string(), kind.clone(), id.to_owned()));
        }
        if let Some(kind) = self.at().followed()
            && !self.contents(kind, id)
            && let Some(reads) = self.reads
        {
            self.id(kind, id, &reads.entity(kind).id);
        }
        Ok(())
    }

    /// As it was written. A key that is in the cache was read before; what is not in the key is read each time.
    fn extension(&mut self, kind: Extension, text: &str, path: Path<'_>) -> Result<(), Invalid> {
        if self.at().whole && self.unfit.is_none() {
            self.text(text);
            return Ok(());
        }
        read_extension(kind, text, path).map(drop)
    }

    fn enter_set(&mut self, elements: usize) {
        if self.at().is_something() {
            self.number(elements as u64);
        }
    }

    fn set(&mut self, _: Vec<()>) {}

    fn attribute(&mut self, name: &str, present: bool) {
        let read = self.at().field(name);
        if read.is_something() {
            self.tag(u8::from(present));
        }
        if present {
            self.reading.push(read);
        }
    }

    fn field(&mut self, (): &mut (), _: &SmolStr, (): ()) {
        self.reading.pop();
    }

    fn unfit_field(&mut self, invalid: Invalid) -> Result<(), Invalid> {
        self.reading.pop();
        self.unfit(invalid)
    }

    fn unfit(&mut self, invalid: Invalid) -> Result<(), Invalid> {
        let Some(unfit) = &mut self.unfit else { return Err(invalid) };
        unfit.push(invalid);
        Ok(())
    }

    fn record(&mut self, (): ()) {}

    fn leave(&mut self, declared: &Attributes, given: &Map, seen: usize, path: Path<'_>) -> Result<(), Invalid> {
        if given.len() == seen {
            return Ok(());
        }
        // Tags are a member of the entity itself, not of a record in it.
        let tags = self.tags.filter(|_| self.reading.len() == 1);
        self.undeclared.check(&Members { declared, given, reading: self.at(), tags }, path, self.ignored)
    }
}
