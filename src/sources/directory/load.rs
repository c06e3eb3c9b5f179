//! Loads a directory from its files and reports every mistake with its place.
//!
//! **Invariant:** a directory that Cedar refuses is refused here, with Cedar's reason. Cedar reads the entities that
//! [`fast_reader`] is not sure of, and checks the hierarchy where it has a cycle or actions.

use super::{
    Directory,
    base::Base,
    entity_shapes::EntityShapes,
    fast_reader, hierarchy,
    node::{Kept, Node},
    pool::{Gathering, Number},
    reading::{Item, Problems, each_entity},
    references,
    sources::{Files, Observer, Unobserved},
    strict::{self, Refused},
};
use crate::{
    sources::policy::{Held, Schema, cedar_core::ast},
    types::{
        problem::{Problem, SourceFile, causes},
        revision::Revision,
    },
};
use cedar_policy as cedar;
use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
    ops::ControlFlow,
    sync::Arc,
};

/// A directory, and how many of its entities Cedar read.
pub(super) struct Loaded {
    pub(super) directory: Directory,
    pub(super) read_by_cedar: usize,
}

/// Checks the files against the schema. `observer` sees their bytes.
pub(super) fn load(files: &dyn Files, schema: &Schema, observer: &mut dyn Observer) -> (Option<Loaded>, Vec<Problem>) {
    let forms = Arc::new(EntityShapes::of(schema));
    let mut loader = Loader {
        schema,
        gathering: Gathering::new(&forms),
        hasher: RandomState::new(),
        entities: Vec::new(),
        names: files.names().into_iter().map(|(_, shown)| shown).collect(),
    };
    let mut problems = Problems::default();
    let mut take = |item: &mut Item<'_, '_>, problems: &mut Problems| {
        loader.take(item, problems);
        ControlFlow::Continue(())
    };
    let revision = each_entity(files, observer, &mut problems, &mut take);
    let Some(revision) = revision.filter(|_| problems.is_empty()) else {
        return (None, problems.finish(files.shown()));
    };
    match loader.finish(files, revision, forms.clone()) {
        Ok(loaded) => (Some(loaded), Vec::new()),
        Err(problem) => (None, vec![*problem]),
    }
}

struct Loader<'a> {
    schema: &'a Schema,
    gathering: Gathering<'a>,
    hasher: RandomState,
    /// By number.
    entities: Vec<Option<Entry>>,
    /// The names of the files.
    names: Vec<Arc<str>>,
}

/// An entity that was read.
struct Entry {
    read: Read,
    /// The hash of its text.
    text: u64,
    file: usize,
}

/// An entity as it was read.
enum Read {
    Quick(Kept),
    /// By Cedar, with its parents and no further ancestors.
    Whole(Box<ast::Entity>),
}

impl Loader<'_> {
    fn take(&mut self, item: &mut Item<'_, '_>, problems: &mut Problems) {
        let (number, read) = match self.entity(item.text()) {
            Ok(found) => found,
            Err(refused) => {
                if problems.takes_more() {
                    problems.add(item.file, item.problem(|file, text, place| refused.problem(file, text, place)));
                }
                return;
            }
        };
        if let Some(Some(first)) = self.entities.get(number) {
            let uid = self.gathering.uids.uids.get(number).map(ToString::to_string).unwrap_or_default();
            let other = self.names.get(first.file).cloned().unwrap_or_default();
            let message = format!("{uid} is in the directory twice; also in {other}");
            if problems.takes_more() {
                let problem = item.problem(|file, _, place| {
                    Problem::error("directory::duplicate", file, message)
                        .at(place, "the second time")
                        .help("leave one of the two")
                });
                problems.add_last(item.file, problem);
            }
            return;
        }
        if self.entities.len() <= number {
            self.entities.resize_with(number + 1, || None);
        }
        if let Some(place) = self.entities.get_mut(number) {
            *place = Some(Entry { read, text: self.hasher.hash_one(item.text()), file: item.file });
        }
    }

    /// Reads one entity by itself, so that each mistake has a place.
    fn entity(&mut self, item: &str) -> Result<(Number, Read), Refused> {
        if let Some((number, kept)) = fast_reader::read(item, &mut self.gathering) {
            return Ok((number, Read::Quick(kept)));
        }
        let entity = read_by_cedar(item, self.schema)?;
        Ok((self.gathering.uids.number(entity.uid().clone()), Read::Whole(Box::new(entity))))
    }

    fn finish(self, files: &dyn Files, revision: Revision, forms: Arc<EntityShapes>) -> Result<Loaded, Box<Problem>> {
        let Self { schema, mut gathering, hasher, mut entities, names: _ } = self;
        let mut whole = Vec::new();
        for (number, entry) in entities.iter_mut().enumerate() {
            let Some(Entry { read, .. }) = entry else { continue };
            if let Read::Whole(entity) = read {
                for uid in references(entity) {
                    gathering.uids.named(uid);
                }
                let parents = entity.parents().map(|parent| gathering.uids.named(parent.clone())).collect();
                let kept = Read::Quick(Kept { parents, ..Kept::default() });
                if let Read::Whole(entity) = std::mem::replace(read, kept) {
                    whole.push((number, entity));
                }
            }
        }
        let (uids, pool) = gathering.finish();
        let mut base = Base::new(uids, pool, forms);
        base.hasher = hasher;
        for (node, entry) in base.nodes.iter_mut().zip(entities) {
            if let Some(Entry { read: Read::Quick(kept), text, .. }) = entry {
                (node.kept, node.text) = (Some(kept), text);
                base.held += 1;
            }
        }
        let read_by_cedar = whole.len();
        let has_actions = whole.iter().any(|(_, entity)| entity.uid().is_action());
        let cycle = hierarchy::cycle(&base.nodes).and_then(|number| base.nodes.get(number));
        if has_actions || cycle.is_some() {
            judge(&base, &whole, schema).map_err(|message| {
                // Cedar names one entity of a cycle or another, at random.
                let named = cycle.filter(|_| message.contains("has a cycle")).zip(message.split_once('`'));
                let message = named.map(|(node, (what, _))| format!("{what}`{}`", node.uid)).unwrap_or(message);
                Box::new(at_entity(message, &base, files))
            })?;
        }
        for (number, entity) in whole {
            base.put(number, *entity);
        }
        Ok(Loaded { directory: Directory::of(base, revision), read_by_cedar })
    }
}

impl Base {
    /// Takes an entity as Cedar read it, and closes its ancestors. Actions are the schema's.
    fn put(&mut self, number: Number, mut entity: ast::Entity) {
        let Some(kept) = self.nodes.get(number).and_then(|node| node.kept.as_ref()) else { return };
        for above in hierarchy::above_parents(kept, &self.nodes) {
            if let Some(node) = self.nodes.get(above) {
                entity.add_indirect_ancestor(node.uid.as_ref().clone());
            }
        }
        let Some(node) = self.nodes.get_mut(number) else { return };
        if entity.uid().is_action() {
            node.kept = None;
            self.held -= 1;
        } else {
            node.whole = Some(Arc::new(entity));
        }
    }
}

/// Has Cedar judge the hierarchy, and the actions if there are any.
fn judge(base: &Base, whole: &[(Number, Box<ast::Entity>)], schema: &Schema) -> Result<(), String> {
    let is_whole: HashSet<_> = whole.iter().map(|(number, _)| number).collect();
    let quick = base.nodes.iter().enumerate().filter(|(number, _)| !is_whole.contains(number));
    let quick = quick.filter_map(|(_, node)| Some(base.make(node, node.kept.as_ref()?, HashSet::new())));
    let all = quick.chain(whole.iter().map(|(_, entity)| entity.as_ref().clone())).map(cedar::Entity::from);
    cedar::Entities::from_entities(all, Some(&schema.cedar)).map(drop).map_err(|error| causes(&error))
}

/// The error names the entity. Its place is found by reading the files again, if they have it still.
fn at_entity(message: String, base: &Base, files: &dyn Files) -> Problem {
    let named = |node: &Node| message.find(&node.uid.to_string());
    let named = base.held().filter_map(|node| Some((named(node)?, node))).min_by_key(|(found, _)| *found);
    let mut problem = None;
    if let Some((_, node)) = named {
        let mut find = |item: &mut Item<'_, '_>, _: &mut Problems| {
            if base.hasher.hash_one(item.text()) != node.text {
                return ControlFlow::Continue(());
            }
            let message = message.clone();
            let make = |file: &SourceFile, _: &str, place| {
                Problem::error("directory::invalid", file, message).at(place, "this entity")
            };
            problem = Some(item.problem(make));
            ControlFlow::Break(())
        };
        each_entity(files, &mut Unobserved, &mut Problems::default(), &mut find);
    }
    problem.unwrap_or_else(|| Problem::unreadable("directory::invalid", files.shown(), message))
}

pub(super) fn read_by_cedar(item: &str, schema: &Schema) -> Result<ast::Entity, Refused> {
    strict::check(item, schema)?;
    let entity = cedar::Entity::from_json_str(item, Some(&schema.cedar)).map_err(|error| {
        let message = causes(&error);
        Refused { place: strict::place(item, &message), ..Refused::from(message) }
    })?;
    let kind = AsRef::<ast::Entity>::as_ref(&entity).uid().entity_type();
    match schema.model.entity_type(kind).map(|model| &model.held) {
        Some(Held::ByRequest { .. }) => Err(format!(
            "{} is of a type that questions speak for (@source(\"request\") in the schema), so it cannot be in the directory",
            entity.uid()
        )
        .into()),
        _ => Ok(AsRef::<ast::Entity>::as_ref(&entity).clone()),
    }
}
