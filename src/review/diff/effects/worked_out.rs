//! One case: changed entities in their places, on both sides, in one environment.

use super::{Alike, Effects, bodies::Bodies, facts::facts, place::Place, residual::Residual, root::Root};
use crate::{
    review::{
        diff::{AccountEffect, Direction, Question, SideAnswer},
        proof::{
            Assumed, Environment, Example, Rule, Scene, Search, Searched, Solver, assumptions, entity_json, is_absent,
            joined, meaning,
        },
    },
    sources::{
        directory::{self, Directory},
        policy::cedar_core::ast::{Eid, EntityType, EntityUID, ExprKind, Literal},
        snapshot::Snapshot,
    },
    types::{decision::Verdict, language::Language},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What is worked out.
pub(super) struct Case<'a> {
    pub(super) effects: &'a Effects<'a>,
    pub(super) environment: &'a Environment,
    pub(super) bodies: &'a Bodies<'a>,
    pub(super) places: &'a [Place],
    /// The entities of which the policies read something else.
    pub(super) affected: &'a BTreeSet<EntityUID>,
    pub(super) fixed: &'a [(&'a Place, Alike)],
}

/// What was found.
#[derive(Default)]
pub(super) struct Outcome<'a> {
    /// Questions are decided otherwise, or that is undecided.
    pub(super) differs: bool,
    pub(super) effects: Vec<AccountEffect>,
    pub(super) undecided: Vec<String>,
    /// Questions that name these entities in these places were not looked at. Both directories say something else of them, so
    /// that each is a case of its own.
    pub(super) left_out: Vec<(&'a Place, EntityUID)>,
}

/// What it is about.
impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.fixed.iter().map(|(place, alike)| format!("{} as {place}", alike.first())).collect();
        f.write_str(&parts.join(", "))
    }
}

impl<'a> Case<'a> {
    pub(super) fn work_out(&self, solver: &mut Solver) -> Result<Outcome<'a>, String> {
        let fixed: Vec<_> = self.fixed.iter().map(|(place, alike)| (*place, alike.first())).collect();
        let [before, after] = self.effects.sides();
        let [entities_before, entities_after] = &self.effects.entities;
        let residuals = |policies| -> Result<[Residual; 2], String> {
            let of = |side, entities| Residual::of(self.environment, policies, self.affected, &fixed, side, entities);
            Ok([of(before, entities_before)?, of(after, entities_after)?])
        };
        let open = |reason| Ok(Outcome { differs: true, undecided: vec![reason], ..Outcome::default() });
        // The other policies decide the same on both sides.
        match residuals(self.bodies.seeing()) {
            Ok([before, after]) if before.texts() == after.texts() => return Ok(Outcome::default()),
            Ok(_) => {}
            Err(reason) => return open(reason),
        }
        let sides = match self.bodies.all().and_then(residuals) {
            Ok(sides) => sides,
            Err(reason) => return open(reason),
        };
        let compared = self.compared(&sides);
        let left_out = self.free().flat_map(|place| {
            let named = compared.iter().filter(|uid| *uid.entity_type() == place.kind);
            named.map(move |uid| (place, uid.clone()))
        });
        let mut outcome = Outcome { left_out: left_out.collect(), ..Outcome::default() };
        for change in [Direction::NewlyAllowed, Direction::NewlyDenied] {
            match self.one_way(solver, change, &sides, (&compared, &outcome.left_out)) {
                Ok(found) => outcome.effects.extend(found),
                Err(reason) => outcome.undecided.push(format!("{}: {reason}", change.words(Language::English))),
            }
        }
        outcome.differs = !outcome.effects.is_empty() || !outcome.undecided.is_empty();
        Ok(outcome)
    }

    /// The entities that both sides describe differently and that the policies compare with.
    fn compared(&self, sides: &[Residual; 2]) -> BTreeSet<EntityUID> {
        let rules = sides.iter().flat_map(|side| &side.rules);
        let uids = rules.flat_map(|rule| rule.condition().subexpressions()).filter_map(|part| match part.expr_kind() {
            ExprKind::Lit(Literal::EntityUID(uid)) => Some(uid.as_ref().clone()),
            _ => None,
        });
        uids.filter(|uid| self.affected.contains(uid)).collect()
    }

    /// The account that asks, if it is fixed.
    fn account(&self) -> Option<&'a (&'a Place, Alike)> {
        self.fixed.iter().find(|(place, _)| place.root == Root::Principal && place.is_party())
    }

    fn free(&self) -> impl Iterator<Item = &'a Place> {
        self.places.iter().filter(|place| !self.fixed.iter().any(|(fixed, _)| fixed == place))
    }

    /// A question that one side allows and the other does not. `None`: there is none.
    fn one_way(
        &self,
        solver: &mut Solver,
        change: Direction,
        [before, after]: &[Residual; 2],
        (compared, left_out): (&BTreeSet<EntityUID>, &[(&Place, EntityUID)]),
    ) -> Result<Option<AccountEffect>, String> {
        let (to, from) = match change {
            Direction::NewlyAllowed => (after, before),
            Direction::NewlyDenied => (before, after),
        };
        if !to.rules.iter().any(|rule| rule.permits) {
            return Ok(None);
        }
        let of = |residual: &'_ Residual| -> Vec<Rule> { residual.rules.clone() };
        let (to_rules, from_rules) = (of(to), of(from));
        let (to_rules, from_rules): (Vec<&Rule>, Vec<&Rule>) = (to_rules.iter().collect(), from_rules.iter().collect());
        let read: Vec<&Rule> = to_rules.iter().chain(&from_rules).copied().collect();
        let policies = &self.effects.after.policies;
        let scene = Scene::new(self.effects.known, self.environment);
        let Assumed { light, heavy, narrow } = assumptions(policies, self.environment, &read)?;
        let denied = scene.compile(meaning::allowed(&from_rules))?;
        let mut holds = vec![light];
        let fixed = self.fixed.iter().map(|(place, alike)| place.names(alike.first()));
        let left_out = left_out.iter().map(|(place, uid)| format!("!({})", place.names(uid)));
        // What leads to such an entity is described differently too, and is a case of its own.
        let avoided =
            self.free().flat_map(|place| compared.iter().flat_map(|uid| place.avoids(uid, policies, self.environment)));
        for named in fixed.chain(left_out).chain(avoided) {
            holds.push(named.parse().map_err(|error| format!("`{named}` is not Cedar: {error}"))?);
        }
        holds.extend(facts(self.effects, self.affected, &read).unwrap_or_default());
        for uid in to.absent.union(&from.absent) {
            holds.push(is_absent(uid));
        }
        holds.push(meaning::allowed(&to_rules));
        let confirm = |example: &Example| Ok(self.differs(change, example)?.is_some());
        let snapshot = self.effects.after;
        let account = self.account().map(|(_, alike)| alike.first());
        let search = Search {
            scene,
            environment: self.environment,
            snapshot,
            heavy,
            narrow,
            read: &read,
            account,
            confirm: &confirm,
        };
        let example = match search.find(solver, &joined::all(holds.clone()), Some(&denied)) {
            Searched::None => return Ok(None),
            Searched::Undecided(reason) => return Err(reason),
            Searched::Example(example) => *example,
        };
        let same = |example: &Example| confirm(example).unwrap_or(false);
        let example = search.readable(solver, &holds, Some(&denied), example, &same);
        let [base, head] = self.differs(change, &example)?.ok_or("the engine does not confirm the difference")?;
        let uids: Vec<_> = self.fixed.iter().map(|(_, alike)| alike.first()).collect();
        let subjects = self.account();
        let named = self.fixed.iter().filter(|(place, _)| !(place.root == Root::Principal && place.is_party()));
        Ok(Some(AccountEffect {
            change,
            accounts: subjects.iter().flat_map(|(_, alike)| alike.members()).map(ToString::to_string).collect(),
            named: named
                .map(|(place, alike)| (place.to_string(), alike.members().iter().map(ToString::to_string).collect()))
                .collect(),
            because: self.effects.because(&uids),
            example: Question::of(&example, self.environment, &[policies]),
            base: SideAnswer::of(&base),
            head: SideAnswer::of(&head),
        }))
    }

    /// What both sides say, if the question is about these entities and the sides differ in this way.
    fn differs(&self, change: Direction, example: &Example) -> Result<Option<[Verdict; 2]>, String> {
        if !self.fixed.iter().all(|(place, alike)| place.is_in(&example.evaluation, alike.first())) {
            return Ok(None);
        }
        let [before, after] = self.effects.sides();
        let said = if example.real {
            [example.decide(before)?, example.decide(after)?]
        } else {
            [self.decide_with(example, before)?, self.decide_with(example, after)?]
        };
        let allowed = [said[0].decision.is_allow(), said[1].decision.is_allow()];
        let wanted = match change {
            Direction::NewlyAllowed => [false, true],
            Direction::NewlyDenied => [true, false],
        };
        Ok((allowed == wanted).then_some(said))
    }

    /// What a side says, where its directory also had the entities of the example that neither side describes.
    fn decide_with(&self, example: &Example, side: &Snapshot) -> Result<Verdict, String> {
        let mut own: BTreeMap<String, serde_json::Value> = BTreeMap::new();
        let mut known: BTreeSet<EntityUID> = BTreeSet::new();
        let roots = self.fixed.iter().map(|(_, alike)| alike.first()).chain(self.bodies.named());
        for uid in roots {
            for directory in self.effects.sides().map(|side| &side.directory) {
                known.insert(uid.clone());
                known.extend(reached(directory, uid));
            }
        }
        for uid in &known {
            if let Some(entity) = side.directory.get(uid) {
                own.insert(uid.to_string(), entity_json(entity)?);
            }
        }
        let known: BTreeSet<String> = known.iter().map(ToString::to_string).collect();
        for entity in &example.entities {
            let part = |name: &str| entity.pointer(&format!("/uid/{name}")).and_then(|part| part.as_str());
            let kind = EntityType::from_normalized_str(part("type").unwrap_or_default());
            let kind = kind.map_err(|error| error.to_string())?;
            let uid = EntityUID::from_components(kind, Eid::new(part("id").unwrap_or_default()), None).to_string();
            if !known.contains(&uid) {
                own.insert(uid, entity.clone());
            }
        }
        let text = serde_json::Value::Array(own.into_values().collect()).to_string();
        let sources = directory::Sources::from_texts("example", [("example.json", text.as_str())]);
        let (directory, problems) = Directory::from_sources(&sources, &side.policies.checked_schema());
        let directory = directory.ok_or_else(|| problems.first().map(ToString::to_string).unwrap_or_default())?;
        example.decide(&Snapshot::of(side.policies.clone(), directory))
    }
}

/// An entity, what it refers to and what it is in, directly or through others, also where the directory does not have it.
fn reached(directory: &Directory, uid: &EntityUID) -> BTreeSet<EntityUID> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![uid.clone()]);
    while let Some(uid) = next.pop() {
        if !seen.insert(uid.clone()) {
            continue;
        }
        if let Some(entity) = directory.get(&uid) {
            next.extend(directory::references(entity).chain(entity.ancestors().cloned()));
        }
    }
    seen
}
