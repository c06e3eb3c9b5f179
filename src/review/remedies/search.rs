//! Searches from the question to an allow: the states with the fewest changes first, those of the caller before those of
//! the account, the record and what others share.

use super::{
    MOST_CHANGES,
    change::{Change, changes},
    place::Root,
    state::{Edit, Scene, State, Target, Tried, named},
};
use crate::{
    pdp::{engine, explain::leaves_room},
    sources::{
        policy::cedar_core::ast::{Effect, EntityUID, Policy, PolicySet},
        snapshot::Snapshot,
    },
    types::{decision::PolicyFacts, evaluation::Evaluation, moment::Moment},
};
use cedar_policy as cedar;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
    rc::Rc,
    sync::Arc,
};

/// How many states the engine decides for one permit, and for all.
const STATES: usize = 400;
const ALL_STATES: usize = 2_000;
/// How many steps lead to an allow at most: an authorisation that is made from nothing takes one for each of its parts.
const STEPS: usize = 24;
/// How many remedies are told of one policy.
const REMEDIES: usize = 3;
/// How many entities of each type can be put into a place.
const KNOWN: usize = 64;

/// What would allow a question.
#[derive(Debug, Default)]
pub struct Remedies {
    /// For each permit with remedies, the smallest; the permits with the smallest first.
    pub policies: Vec<PolicyRemedies>,
    /// The permits about such questions for which no small change does.
    pub without: usize,
    /// Not all was tried: the bound of the search was met.
    pub is_cut: bool,
}

/// What would make a permit allow the question.
#[derive(Debug)]
pub struct PolicyRemedies {
    /// The permit.
    pub policy: Arc<PolicyFacts>,
    /// The smallest sets of changes.
    pub remedies: Vec<Remedy>,
}

/// Changes that allow the question together.
#[derive(Debug, Clone, PartialEq)]
pub struct Remedy {
    /// The changes, at most [`MOST_CHANGES`].
    pub changes: Vec<Change>,
}

/// Finds what would allow a question. Nothing, if it is allowed, or if the directory does not know a party.
#[must_use]
pub fn remedies(snapshot: &Snapshot, evaluation: &Evaluation, moment: &Moment, config: engine::Config) -> Remedies {
    let model = &snapshot.policies.model;
    let (Ok(subject), Ok(action), Ok(resource)) = (
        model.entity(&evaluation.subject.kind),
        model.action(&evaluation.action.name),
        model.entity(&evaluation.resource.kind),
    ) else {
        return Remedies::default();
    };
    let scene = Scene {
        snapshot,
        moment,
        config,
        subject: named(&subject.name, &evaluation.subject.id),
        action: action.uid.clone(),
        resource: named(&resource.name, &evaluation.resource.id),
        known: known(snapshot),
        today: moment.today.clone(),
    };
    Search { scene: &scene, tried: HashMap::new(), left: ALL_STATES }.run(evaluation)
}

/// The first entities of each type.
fn known(snapshot: &Snapshot) -> BTreeMap<crate::sources::policy::cedar_core::ast::EntityType, Vec<EntityUID>> {
    let mut known = BTreeMap::<_, BTreeSet<EntityUID>>::new();
    for uid in snapshot.directory.uids() {
        let few = known.entry(uid.entity_type().clone()).or_default();
        few.insert(uid.clone());
        if few.len() > KNOWN {
            few.pop_last();
        }
    }
    known.into_iter().map(|(kind, few)| (kind, few.into_iter().collect())).collect()
}

struct Search<'s> {
    scene: &'s Scene<'s>,
    /// What was decided of a state.
    tried: HashMap<String, Option<Rc<Tried<'s>>>>,
    left: usize,
}

/// What is looked at next: the least cost, and of that the state that is farthest on its way.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    cost: Reverse<usize>,
    steps: usize,
    /// First come, first served.
    number: Reverse<usize>,
}

impl<'s> Search<'s> {
    fn run(mut self, evaluation: &Evaluation) -> Remedies {
        let start =
            State { evaluation: evaluation.clone(), entities: BTreeMap::new(), targets: BTreeSet::new(), steps: 0 };
        let Some(tried) = self.decide(&start) else { return Remedies::default() };
        if tried.verdict.decision.is_allow() {
            return Remedies::default();
        }
        let snapshot = self.scene.snapshot;
        let set: &PolicySet = snapshot.policies.set.as_ref();
        let permits = set.policies().filter(|policy| policy.effect() == Effect::Permit);
        let mut permits: Vec<_> = permits.filter(|policy| leaves_room(snapshot, &tried.world, policy)).collect();
        permits.sort_by(|one, other| AsRef::<str>::as_ref(one.id()).cmp(other.id().as_ref()));
        let mut found = Remedies::default();
        let mut by_cost = Vec::new();
        for permit in permits {
            let remedies = self.for_permit(permit, &start);
            found.is_cut |= self.left == 0;
            if remedies.is_empty() {
                found.without += 1;
                continue;
            }
            let id = AsRef::<str>::as_ref(permit.id()).to_owned();
            let facts = snapshot.policies.facts.get(&cedar::PolicyId::new(&id)).cloned();
            let policy = facts.unwrap_or_else(|| Arc::new(PolicyFacts { id, ..PolicyFacts::default() }));
            let least = remedies.iter().map(|state| self.cost(state)).min();
            let remedies = remedies.iter().map(|state| Remedy { changes: changes(self.scene, &start, state) });
            by_cost.push((least, PolicyRemedies { policy, remedies: remedies.collect() }));
        }
        by_cost.sort_by(|(one, a), (other, b)| (one, &a.policy.id).cmp(&(other, &b.policy.id)));
        found.policies = by_cost.into_iter().map(|(_, policy)| policy).collect();
        found
    }

    /// The states with the fewest changes that this permit allows.
    fn for_permit(&mut self, permit: &Policy, start: &State) -> Vec<State> {
        let mut waiting = BinaryHeap::new();
        let mut states = vec![start.clone()];
        waiting.push((self.turn(start, 0), 0));
        let mut seen = BTreeSet::from([fingerprint(start)]);
        let mut found: Vec<State> = Vec::new();
        let mut left = STATES;
        while let Some((_, index)) = waiting.pop() {
            let Some(state) = states.get(index).cloned() else { continue };
            // A superset of changes that do is no smaller remedy.
            if found.iter().any(|known| known.targets.is_subset(&state.targets)) {
                continue;
            }
            let Some(rest) = left.checked_sub(1) else { break };
            left = rest;
            let Some(tried) = self.decide(&state) else { continue };
            let is_permitted = tried.verdict.policies.iter().any(|facts| facts.id == AsRef::<str>::as_ref(permit.id()));
            if tried.verdict.decision.is_allow() && is_permitted {
                found.push(state);
                if found.len() == REMEDIES {
                    break;
                }
                continue;
            }
            if state.steps == STEPS {
                continue;
            }
            for edit in self.edits(&tried, permit) {
                let Some(next) = self.scene.after(&state, &edit) else { continue };
                if next.targets.len() <= MOST_CHANGES && seen.insert(fingerprint(&next)) {
                    waiting.push((self.turn(&next, states.len()), states.len()));
                    states.push(next);
                }
            }
        }
        found
    }

    /// The changes that bring a state nearer to an allow by this permit: first of what forbids it, then of the permit.
    fn edits(&self, tried: &Tried<'_>, permit: &Policy) -> Vec<Edit> {
        if !tried.verdict.errors.is_empty() {
            return Vec::new();
        }
        let set: &PolicySet = self.scene.snapshot.policies.set.as_ref();
        let first = tried.verdict.policies.first().filter(|_| !tried.verdict.decision.is_allow());
        let forbid =
            first.and_then(|facts| set.policies().find(|policy| AsRef::<str>::as_ref(policy.id()) == facts.id));
        match forbid {
            Some(forbid) if forbid.effect() == Effect::Forbid => tried.flips(forbid, false),
            _ => tried.flips(permit, true),
        }
    }

    fn decide(&mut self, state: &State) -> Option<Rc<Tried<'s>>> {
        let key = fingerprint(state);
        if let Some(known) = self.tried.get(&key) {
            return known.clone();
        }
        self.left = self.left.checked_sub(1)?;
        let tried = self.scene.decide(state).map(Rc::new);
        self.tried.insert(key, tried.clone());
        tried
    }

    fn turn(&self, state: &State, number: usize) -> Turn {
        Turn { cost: Reverse(self.cost(state)), steps: state.steps, number: Reverse(number) }
    }

    fn cost(&self, state: &State) -> usize {
        state.targets.iter().map(|target| 10 + self.weight(target)).sum()
    }

    /// Of as many changes those are told first that are nearest to who asks.
    fn weight(&self, target: &Target) -> usize {
        let of = |uid: &EntityUID| {
            if *uid == self.scene.subject {
                1
            } else if *uid == self.scene.resource {
                3
            } else {
                5
            }
        };
        match target {
            Target::Value(place) => match &place.root {
                Root::Context | Root::Action => 0,
                Root::Entity(uid) | Root::Tag(uid, _) => of(uid),
            },
            Target::Membership(uid, _) => of(uid),
        }
    }
}

/// Equal for equal states.
fn fingerprint(state: &State) -> String {
    let State { evaluation, entities, targets: _, steps: _ } = state;
    let mut text = format!("{evaluation:?}");
    for entity in entities.values() {
        let mut above: Vec<_> = entity.parents().map(ToString::to_string).collect();
        above.sort_unstable();
        text.push_str(&format!("{entity}{above:?}"));
    }
    text
}
