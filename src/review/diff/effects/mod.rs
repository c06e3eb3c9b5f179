//! Works out what a change of the directory changes in decisions: what becomes allowed or denied, for which accounts.
//!
//! The policies are those of the side after, on both sides. In each environment, every entity is looked at of which the
//! policies read something else than before. The policies are evaluated in part with that entity as each directory has it.
//! If the same is left of them on both sides, all questions about it are decided equally. If not, the solver looks for a
//! question that is decided differently, or proves that there is none.
//!
//! What holds here:
//! - Of an environment, either all differences are found that one changed entity can make in one place of a question (the
//!   subject, the resource, a reference in its properties or its context), or two of them together, or it says why not.
//! - Every difference has a question that the engine decided under both directories. What else the question refers to can
//!   be made up, and is then shown.
//! - Entities that are alike before and alike after, but for their ids, are worked out once.
//!
//! - `affected`: the entities of which policies read something else, and which are alike
//! - `both`: those that matter to a change of the policies too
//! - `sight`: which policies see the change at all
//! - `bodies`: the policies of an environment
//! - `place`: where a question names an entity; `root`: where a place begins
//! - `residual`: what partial evaluation leaves of the policies
//! - `expressions`: what is put in place of a part of them; `shapes`: their types
//! - `facts`: what the directory says of the entities that are left in them
//! - `worked_out`: one entity in one place
//! - `reach`: the accounts for whom a change of policies matters, by the same means; `fixed`: what it fixes in a question

mod affected;
mod bodies;
mod both;
mod expressions;
mod facts;
mod fixed;
mod place;
mod reach;
mod residual;
mod root;
mod shapes;
mod sight;
mod worked_out;

use super::{AccountEffect, Side};
use crate::{
    review::{
        partial,
        proof::{Environment, MissingEntities, Solver},
    },
    sources::{directory::Directory, policy::cedar_core::ast::EntityUID, snapshot::Snapshot},
};
pub(super) use both::Both;
pub(super) use reach::Reach;

use affected::{Affected, Alike};
use bodies::Bodies;
use cedar_policy as cedar;
use place::Place;
use sight::Sights;
use std::collections::BTreeSet;
use worked_out::{Case, Outcome};

/// How many cases are looked at in one environment.
const CASES: usize = 10_000;

/// Both directories, under the policies of the side after.
pub(super) struct Effects<'a> {
    before: Snapshot,
    after: &'a Snapshot,
    known: &'a MissingEntities,
    entities: [cedar::PartialEntities; 2],
    affected: Affected,
    sights: Sights,
}

/// What was found in one environment.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) effects: Vec<AccountEffect>,
    pub(super) undecided: Vec<String>,
}

impl<'a> Effects<'a> {
    /// `None` if the directory is the same. `known` are the missing entities of the policies of `head`.
    ///
    /// # Errors
    /// Why the directories cannot be compared.
    pub(super) fn of(base: &Side, head: &'a Side, known: &'a MissingEntities) -> Result<Option<Self>, String> {
        let after = &head.snapshot;
        if base.snapshot.directory.revision == after.directory.revision {
            return Ok(None);
        }
        let directory = if base.snapshot.policies.schema_text == after.policies.schema_text {
            base.snapshot.directory.for_other_policies()
        } else {
            let (directory, problems) =
                Directory::from_sources(&base.sources.directory, &after.policies.checked_schema());
            directory.ok_or_else(|| {
                let problem = problems.first().map(ToString::to_string).unwrap_or_default();
                format!("the old directory does not fit the new schema: {problem}")
            })?
        };
        let before = Snapshot::of(after.policies.clone(), directory);
        let affected = Affected::of(&before.directory, &after.directory);
        if affected.is_empty() {
            return Ok(None);
        }
        let sights = affected.sights(&after.policies, [&before.directory, &after.directory])?;
        let entities = [partial::entities(&before)?, partial::entities(after)?];
        Ok(Some(Self { before, after, known, entities, affected, sights }))
    }

    /// Whether there is anything to be worked out in an environment.
    pub(super) fn touches(&self, environment: &Environment) -> bool {
        let policies = &self.after.policies;
        let applicable = self.sights.applicable(policies, environment);
        applicable.iter().any(|policy| self.sights.sees(policy, &policies.model, environment))
            && !self.affected.kinds(self, environment).is_empty()
    }

    /// What the change of the directory changes in an environment.
    pub(super) fn find(&self, solver: &mut Solver, environment: &Environment) -> Found {
        let mut found = Found::default();
        if let Err(reason) = self.find_all(solver, environment, &mut found) {
            found.undecided.push(format!("the change of the directory: {reason}"));
        }
        found
    }

    fn find_all(&self, solver: &mut Solver, environment: &Environment, found: &mut Found) -> Result<(), String> {
        let kinds = self.affected.kinds(self, environment);
        let policies = &self.after.policies;
        let bodies = Bodies::of(self, environment)?;
        let (places, open) = Place::all(&policies.model, environment, &bodies);
        for place in open.iter().filter(|place| kinds.contains_key(&place.kind)) {
            found.undecided.push(format!(
                "the change of the directory: a question can name several entities of type {} in `{place}`, which is in them",
                place.kind
            ));
        }
        let affected = &Affected::all(&kinds);
        let (bodies, places, seen) = (&bodies, places.as_slice(), BTreeSet::new());
        let mut exploring = Exploring { effects: self, environment, bodies, places, affected, seen };
        // What makes a difference by itself, or could not be decided: only these can make another one together.
        let mut matter: Vec<(&Place, Alike)> = Vec::new();
        for place in places {
            for alike in kinds.get(&place.kind).into_iter().flatten() {
                if exploring.explore(solver, &[(place, alike.clone())], found)? {
                    matter.push((place, alike.clone()));
                }
            }
        }
        let places_that_matter: BTreeSet<_> = matter.iter().map(|(place, _)| place.to_string()).collect();
        if places_that_matter.len() > 2 {
            return Err("what three changed entities change together in one question was not looked at".to_owned());
        }
        for (index, one) in matter.iter().enumerate() {
            for other in matter.iter().skip(index + 1).filter(|other| other.0 != one.0) {
                exploring.explore(solver, &[one.clone(), other.clone()], found)?;
            }
        }
        Ok(())
    }

    fn sides(&self) -> [&Snapshot; 2] {
        [&self.before, self.after]
    }

    /// The changed entities through which the change reaches these.
    fn because(&self, uids: &[&EntityUID]) -> Vec<String> {
        let reached = self.affected.because(self, uids);
        reached.iter().map(ToString::to_string).collect()
    }
}

/// The cases of one environment.
struct Exploring<'a> {
    effects: &'a Effects<'a>,
    environment: &'a Environment,
    bodies: &'a Bodies<'a>,
    places: &'a [Place],
    affected: &'a BTreeSet<EntityUID>,
    seen: BTreeSet<String>,
}

impl Exploring<'_> {
    /// Works out a case, and says whether it makes a difference, as far as is known. Then it works out what the case leaves
    /// out.
    fn explore(&mut self, solver: &mut Solver, fixed: &[(&Place, Alike)], found: &mut Found) -> Result<bool, String> {
        let name = |(place, alike): &(&Place, Alike)| format!("{place} {:?}", alike.members());
        let names: BTreeSet<_> = fixed.iter().map(name).collect();
        if !self.seen.insert(format!("{names:?}")) {
            return Ok(false);
        }
        if self.seen.len() > CASES {
            return Err(format!("there are more than {CASES} cases"));
        }
        let Self { effects, environment, bodies, places, affected, seen: _ } = *self;
        let case = Case { effects, environment, bodies, places, affected, fixed };
        let Outcome { differs, effects, undecided, left_out } = case.work_out(solver)?;
        found.effects.extend(effects);
        found.undecided.extend(undecided.into_iter().map(|reason| format!("{case}: {reason}")));
        for (place, uid) in left_out {
            let more: Vec<_> = fixed.iter().cloned().chain([(place, Alike::only(uid))]).collect();
            self.explore(solver, &more, found)?;
        }
        Ok(differs)
    }
}
