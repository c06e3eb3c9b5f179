//! The question and the directory with some changes, and what the engine decides of them.

use super::place::{Place, Root, with};
use crate::{
    pdp::engine::{self, World, WorldEvaluator},
    sources::{
        policy::{
            Held,
            cedar_core::ast::{Eid, Entity, EntityType, EntityUID, PartialValue, Value},
            wire_value,
        },
        snapshot::Snapshot,
    },
    types::{
        decision::Verdict,
        evaluation::{self, Evaluation, Map},
        moment::Moment,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What is held fixed in a search.
pub(super) struct Scene<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) moment: &'a Moment,
    pub(super) config: engine::Config,
    pub(super) subject: EntityUID,
    pub(super) action: EntityUID,
    pub(super) resource: EntityUID,
    /// The entities of each type, ordered by id: the first ones.
    pub(super) known: BTreeMap<EntityType, Vec<EntityUID>>,
    /// The day of the moment.
    pub(super) today: String,
}

/// A change of one value, or of what an entity is in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Edit {
    /// Another value, or none.
    Put(Place, Option<Value>),
    /// An entity is also in this one.
    Join(EntityUID, EntityUID),
    /// An entity is not in this one any more.
    Leave(EntityUID, EntityUID),
}

/// What is changed: one attribute, one tag, one membership.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// A value, by the first name of its path.
    Value(Place),
    /// An entity in another.
    Membership(EntityUID, EntityUID),
}

/// A question and a directory.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) evaluation: Evaluation,
    /// The entities of the directory that are other than they are.
    pub(super) entities: BTreeMap<EntityUID, Entity>,
    pub(super) targets: BTreeSet<Target>,
    /// How many steps led here.
    pub(super) steps: usize,
}

/// A state that the engine decided.
pub(super) struct Tried<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) world: World,
    /// What the caller is answered.
    pub(super) verdict: Arc<Verdict>,
}

impl<'a> std::ops::Deref for Tried<'a> {
    type Target = Scene<'a>;

    fn deref(&self) -> &Scene<'a> {
        self.scene
    }
}

impl Tried<'_> {
    pub(super) fn evaluator(&self) -> WorldEvaluator<'_> {
        self.world.evaluator()
    }
}

impl Scene<'_> {
    /// The first entities of a type.
    pub(super) fn known(&self, kind: &EntityType) -> &[EntityUID] {
        self.known.get(kind).map_or(&[], Vec::as_slice)
    }

    /// Whether the action has properties, which are `context.action`.
    pub(super) fn is_about_action(&self) -> bool {
        self.snapshot.policies.model.action_of(&self.action).is_some_and(|action| action.properties.is_some())
    }

    /// Has the engine decide. `None` if the question does not fit the schema any more, or names whom the directory does not know.
    pub(super) fn decide<'s>(&'s self, state: &State) -> Option<Tried<'s>> {
        let changed;
        let snapshot = if state.entities.is_empty() {
            self.snapshot
        } else {
            let directory = self.snapshot.directory.supposing(state.entities.values().cloned());
            changed = Snapshot::of(self.snapshot.policies.clone(), directory);
            &changed
        };
        let checked = engine::check_question(snapshot, &state.evaluation, self.moment, self.config).ok()?;
        let world = World::of(snapshot, &checked.whole_question().ok()?).ok()??;
        let verdict = Arc::new(engine::decide_in(snapshot, &world));
        // What the caller can do of obligations counts too.
        let verdict = checked.answer(verdict, snapshot.revisions().clone(), false).verdict;
        Some(Tried { scene: self, world, verdict })
    }

    /// Whether the question speaks for an entity.
    fn is_of_question(&self, uid: &EntityUID) -> bool {
        let model = self.snapshot.policies.model.entity_type(uid.entity_type());
        model.is_some_and(|model| matches!(model.held, Held::ByRequest { .. }))
    }

    /// The state after a change. `None` if it cannot be made, or changes nothing.
    pub(super) fn after(&self, state: &State, edit: &Edit) -> Option<State> {
        let mut after = state.clone();
        after.steps += 1;
        match edit {
            Edit::Put(place, value) => {
                after.targets.insert(Target::Value(first_of(place)));
                match &place.root {
                    Root::Context => put_in(&mut after.evaluation.context, &place.path, value.as_ref())?,
                    Root::Action => put_in(&mut after.evaluation.action.properties, &place.path, value.as_ref())?,
                    Root::Entity(uid) | Root::Tag(uid, _) if self.is_of_question(uid) => {
                        let properties = if *uid == self.resource {
                            &mut after.evaluation.resource.properties
                        } else if *uid == self.subject {
                            &mut after.evaluation.subject.properties
                        } else {
                            return None;
                        };
                        let tag = match &place.root {
                            Root::Tag(_, tag) => vec!["tags".into(), tag.clone()],
                            _ => Vec::new(),
                        };
                        put_in(properties, &[tag.as_slice(), &place.path].concat(), value.as_ref())?;
                    }
                    Root::Entity(uid) | Root::Tag(uid, _) => {
                        let entity = self.entity(&after, uid)?;
                        after.entities.insert(uid.clone(), self.put(&entity, place, value.clone())?);
                    }
                }
            }
            Edit::Join(uid, group) | Edit::Leave(uid, group) => {
                after.targets.insert(Target::Membership(uid.clone(), group.clone()));
                let entity = self.entity(&after, uid)?;
                let joins = matches!(edit, Edit::Join(..));
                let parents = entity.parents().filter(|parent| *parent != group).cloned();
                let parents: Vec<_> = parents.chain(joins.then(|| group.clone())).collect();
                let changed = self.with_parents(&entity, &parents);
                after.entities.insert(uid.clone(), changed);
            }
        }
        Some(after)
    }

    /// An entity of the directory, as it is in a state.
    fn entity(&self, state: &State, uid: &EntityUID) -> Option<Entity> {
        let known = || self.snapshot.directory.get(uid).map(|entity| entity.as_ref().clone());
        state.entities.get(uid).cloned().or_else(known)
    }

    fn put(&self, entity: &Entity, place: &Place, value: Option<Value>) -> Option<Entity> {
        let (mut attributes, mut tags) = (values(entity.attrs()), values(entity.tags()));
        let (fields, name, path) = match &place.root {
            Root::Tag(_, tag) => (&mut tags, tag, place.path.as_slice()),
            _ => {
                let (first, rest) = place.path.split_first()?;
                (&mut attributes, first, rest)
            }
        };
        let value = if path.is_empty() { value } else { Some(with(fields.get(name)?, path, value)?) };
        match value {
            Some(value) => drop(fields.insert(name.clone(), value)),
            None => drop(fields.remove(name)),
        }
        let parents: Vec<_> = entity.parents().cloned().collect();
        Some(self.made(entity.uid(), attributes, tags, &parents))
    }

    fn with_parents(&self, entity: &Entity, parents: &[EntityUID]) -> Entity {
        self.made(entity.uid(), values(entity.attrs()), values(entity.tags()), parents)
    }

    fn made(&self, uid: &EntityUID, attributes: Values, tags: Values, parents: &[EntityUID]) -> Entity {
        let above = parents.iter().filter_map(|parent| self.snapshot.directory.get(parent));
        let above = above.flat_map(|parent| parent.ancestors().cloned());
        let above = above.filter(|ancestor| !parents.contains(ancestor)).collect();
        let known = |(name, value)| (name, PartialValue::Value(value));
        Entity::new_with_attr_partial_value(
            uid.clone(),
            attributes.into_iter().map(known),
            above,
            parents.iter().cloned().collect(),
            tags.into_iter().map(known),
        )
    }
}

type Values = BTreeMap<smol_str::SmolStr, Value>;

fn values<'e>(fields: impl Iterator<Item = (&'e smol_str::SmolStr, &'e PartialValue)>) -> Values {
    let value = |(name, value): (&smol_str::SmolStr, &PartialValue)| match value {
        PartialValue::Value(value) => Some((name.clone(), value.clone())),
        PartialValue::Residual(_) => None,
    };
    fields.filter_map(value).collect()
}

/// The attribute or tag that a place is in.
fn first_of(place: &Place) -> Place {
    let first = match place.root {
        Root::Tag(..) => Vec::new(),
        _ => place.path.iter().take(1).cloned().collect(),
    };
    Place { root: place.root.clone(), path: first }
}

/// Puts a value into what a question says, or takes it away.
fn put_in(map: &mut Map, path: &[smol_str::SmolStr], value: Option<&Value>) -> Option<()> {
    let (first, rest) = path.split_first()?;
    if rest.is_empty() {
        match value {
            Some(value) => drop(map.insert(first.to_string(), wire_value(value).ok()?)),
            None => drop(map.remove(first.as_str())),
        }
        return Some(());
    }
    match map.entry(first.to_string()).or_insert_with(|| evaluation::Value::Map(Map::new())) {
        evaluation::Value::Map(inner) => put_in(inner, rest, value),
        _ => None,
    }
}

/// The entity that a question names.
pub(super) fn named(kind: &EntityType, id: &str) -> EntityUID {
    EntityUID::from_components(kind.clone(), Eid::new(id), None)
}
