//! Loads a directory from its files and reports every mistake with its place.
//!
//! **Invariant:** a directory that Cedar refuses is refused here, with Cedar's reason. Cedar reads the entities that
//! [`fast_reader`] is not sure of, and checks the hierarchy where it has a cycle or actions.

use super::{
    Directory, Sources,
    base::Base,
    entity_shapes::EntityShapes,
    fast_reader, hierarchy,
    node::Kept,
    pool::{Gathering, Number},
    references,
    strict::{self, Refused},
};
use crate::{
    sources::policy::{Held, Schema, cedar_core::ast},
    types::problem::{Problem, SourceFile, causes, json_place},
};
use cedar_policy as cedar;
use serde_json::value::RawValue;
use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher as _, RandomState},
    ops::Range,
    sync::Arc,
};

/// A directory, and how many of its entities Cedar read.
pub(super) struct Loaded {
    pub(super) directory: Directory,
    pub(super) read_by_cedar: usize,
}

/// Checks the files against the schema.
pub(super) fn load(sources: &Sources, schema: &Schema) -> (Option<Loaded>, Vec<Problem>) {
    let forms = Arc::new(EntityShapes::of(schema));
    let mut loader = Loader {
        schema,
        gathering: Gathering::new(&forms),
        hasher: RandomState::new(),
        entities: HashMap::new(),
        places: HashMap::new(),
        problems: Vec::new(),
    };
    for file in sources.files() {
        loader.file(file);
    }
    if !loader.problems.is_empty() {
        return (None, loader.problems);
    }
    match loader.finish(sources, forms.clone()) {
        Ok(loaded) => (Some(loaded), Vec::new()),
        Err(problem) => (None, vec![*problem]),
    }
}

struct Loader<'a> {
    schema: &'a Schema,
    gathering: Gathering<'a>,
    hasher: RandomState,
    entities: HashMap<Number, (Read, u64)>,
    places: Places<'a>,
    problems: Vec<Problem>,
}

type Places<'a> = HashMap<Number, (&'a SourceFile, Range<usize>)>;

/// An entity that was read.
enum Read {
    Quick(Kept),
    /// By Cedar, with its parents and no further ancestors.
    Whole(Box<ast::Entity>),
}

impl<'a> Loader<'a> {
    fn file(&mut self, file: &'a SourceFile) {
        let items: Vec<&RawValue> = match serde_json::from_str(&file.text) {
            Ok(items) => items,
            Err(error) => {
                let place = json_place(&file.text, &error);
                self.problems.push(
                    Problem::error("directory::syntax", file, error.to_string()).at(place, "here").help(
                        "a list of entities: [{\"uid\": {\"type\": …, \"id\": …}, \"attrs\": {…}, \"parents\": […]}]",
                    ),
                );
                return;
            }
        };
        let mut twice = Vec::new();
        for item in items {
            // Each is a part of the text.
            let start = item.get().as_ptr().addr().saturating_sub(file.text.as_ptr().addr());
            let place = start..start + item.get().len();
            match self.entity(item) {
                Ok((number, _)) if self.entities.contains_key(&number) => twice.push((number, place)),
                Ok((number, entity)) => {
                    self.entities.insert(number, (entity, self.hasher.hash_one(item.get())));
                    self.places.insert(number, (file, place));
                }
                Err(refused) => self.problems.push(refused.problem(file, item.get(), place)),
            }
        }
        for (number, place) in twice {
            let (Some(uid), Some((other, _))) = (self.gathering.uids.uids.get(number), self.places.get(&number)) else {
                continue;
            };
            let message = format!("{uid} is in the directory twice; also in {}", other.name);
            self.problems.push(
                Problem::error("directory::duplicate", file, message)
                    .at(place, "the second time")
                    .help("leave one of the two"),
            );
        }
    }

    /// Reads one entity by itself, so that each mistake has a place.
    fn entity(&mut self, item: &RawValue) -> Result<(Number, Read), Refused> {
        if let Some((number, kept)) = fast_reader::read(item.get(), &mut self.gathering) {
            return Ok((number, Read::Quick(kept)));
        }
        let entity = read_by_cedar(item.get(), self.schema)?;
        Ok((self.gathering.uids.number(entity.uid().clone()), Read::Whole(Box::new(entity))))
    }

    fn finish(self, sources: &Sources, forms: Arc<EntityShapes>) -> Result<Loaded, Box<Problem>> {
        let Self { schema, mut gathering, hasher, entities, places, problems: _ } = self;
        let mut kept = Vec::with_capacity(entities.len());
        let mut whole = Vec::new();
        for (number, (read, text)) in entities {
            match read {
                Read::Quick(entity) => kept.push((number, entity, text)),
                Read::Whole(entity) => {
                    for uid in references(&entity) {
                        gathering.uids.named(uid);
                    }
                    let parents = entity.parents().map(|parent| gathering.uids.named(parent.clone())).collect();
                    kept.push((number, Kept { parents, ..Kept::default() }, text));
                    whole.push((number, entity));
                }
            }
        }
        let (uids, pool) = gathering.finish();
        let mut base = Base::new(uids, pool, forms);
        (base.hasher, base.held) = (hasher, kept.len());
        for (number, entity, text) in kept {
            if let Some(node) = base.nodes.get_mut(number) {
                node.kept = Some(entity);
                node.text = text;
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
                Box::new(at_entity(message, &base, &places, sources))
            })?;
        }
        for (number, entity) in whole {
            base.put(number, *entity);
        }
        Ok(Loaded { directory: Directory::of(base, sources.revision()), read_by_cedar })
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

/// The error names the entity; its place is found by that name.
fn at_entity(message: String, base: &Base, places: &Places<'_>, sources: &Sources) -> Problem {
    let named = |(number, place): (&Number, _)| {
        let uid = base.nodes.get(*number)?.uid.to_string();
        Some((message.find(&uid)?, place))
    };
    match places.iter().filter_map(named).min_by_key(|(found, _)| *found) {
        Some((_, (file, place))) => {
            Problem::error("directory::invalid", file, message).at(Range::clone(place), "this entity")
        }
        None => Problem::unreadable("directory::invalid", &sources.shown, message),
    }
}

pub(super) fn read_by_cedar(item: &str, schema: &Schema) -> Result<ast::Entity, Refused> {
    strict::check(item, schema)?;
    let entity = cedar::Entity::from_json_str(item, Some(&schema.cedar)).map_err(|error| causes(&error))?;
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
