//! Finds the accounts of the directory for whom one environment is decided otherwise, because policies changed.
//!
//! Accounts are finite, so each is looked at: the policies of both sides are evaluated in part with that account. If the
//! same is left of them, nothing changes for it. If not, questions that are known to differ are asked for it; the solver is
//! asked for the others, once for all of whom the same is left.
//!
//! What holds here:
//! - An account is named if the engine decided a question of it, or of one that is alike, otherwise on both sides.
//! - An account that is not named is proven to be unconcerned, or is counted as open.

use super::{
    bodies::with_constants,
    fixed::{self, Fixed},
    place::Place,
    residual::Residual,
    root::Root,
};
use crate::{
    review::{
        diff::{
            Direction, Reached,
            new_questions::NewQuestions,
            pairing::{Half, PartialDirectories},
        },
        proof::{
            Assumed, Environment, Example, MissingEntities, Rule, Scene, Search, Searched, Solver, assumptions,
            is_absent, joined, meaning,
        },
    },
    sources::{
        policy::{
            Held,
            cedar_core::ast::{self, EntityUID, Expr},
        },
        snapshot::Snapshot,
    },
};
use cedar_policy as cedar;
use std::collections::{BTreeMap, BTreeSet};

/// For how many kinds of accounts the solver is asked in one environment and direction.
const ASKED: usize = 16;

/// What changed in one direction in one environment.
pub(in crate::review::diff) struct Reach<'a> {
    pub(in crate::review::diff) environment: &'a Environment,
    pub(in crate::review::diff) change: Direction,
    pub(in crate::review::diff) known: &'a MissingEntities,
    pub(in crate::review::diff) directories: &'a PartialDirectories,
    /// The side that allows, and the one that denies; a side without the environment refuses.
    pub(in crate::review::diff) to: &'a Half<'a>,
    pub(in crate::review::diff) from: Option<&'a Half<'a>>,
    /// The policies whose texts differ.
    pub(in crate::review::diff) changed: &'a BTreeSet<String>,
    /// Accounts that are left out: they changed too.
    pub(in crate::review::diff) apart: &'a BTreeSet<EntityUID>,
    /// Whose directory counts.
    pub(in crate::review::diff) world: &'a Snapshot,
    /// Only these questions are looked at.
    pub(in crate::review::diff) only: Option<&'a NewQuestions>,
    /// Asks the engine whether a question is decided otherwise in this direction.
    pub(in crate::review::diff) differs: &'a dyn Fn(&Example) -> bool,
}

/// What is left of the policies of both sides for one account.
type Left = [Option<Residual>; 2];

impl Reach<'_> {
    /// `examples` are questions that are decided otherwise. Returns questions of real accounts beside it.
    pub(in crate::review::diff) fn find(&self, solver: &mut Solver, examples: Vec<Example>) -> (Reached, Vec<Example>) {
        let kind = &self.environment.principal;
        let held = self.world.policies.model.entity_type(kind).map(|model| &model.held);
        let is_held = matches!(held, Some(Held::ByDirectory));
        let mut reached = Reached { change: self.change, accounts: Vec::new(), open: 0, whoever: !is_held };
        if !is_held {
            return (reached, Vec::new());
        }
        let mut examples: Vec<_> = examples.into_iter().map(real).collect();
        let fixed = self.fixed();
        let (mut found, mut concerned, mut open) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        let mut alike: BTreeMap<_, (Vec<EntityUID>, Left, Option<&Fixed>)> = BTreeMap::new();
        let is_looked_at = |uid: &&EntityUID| uid.entity_type() == kind && !self.apart.contains(*uid);
        let mut accounts: Vec<_> = self.world.directory.uids().filter(is_looked_at).collect();
        accounts.sort();
        for uid in accounts {
            match self.seen(uid, &examples, &fixed) {
                Ok(Seen::Concerned(example)) => {
                    concerned.insert(uid.clone());
                    found.push(*example);
                }
                Ok(Seen::Left(left)) => {
                    for (index, left) in left {
                        let texts = left.each_ref().map(|side| side.as_ref().map(Residual::texts).unwrap_or_default());
                        let group = alike.entry((index, texts));
                        group.or_insert_with(|| (Vec::new(), left, fixed.get(index))).0.push(uid.clone());
                    }
                }
                Err(_) => drop(open.insert(uid.clone())),
            }
        }
        let mut groups: Vec<_> = alike.into_values().collect();
        groups.sort_by_key(|(members, ..)| std::cmp::Reverse(members.len()));
        for (index, (members, left, fixed)) in groups.iter().enumerate() {
            let Some(first) = members.first() else { continue };
            let asked = if index < ASKED { self.ask(solver, first, (left, *fixed), &examples) } else { Asked::Open };
            match asked {
                Asked::Never => {}
                Asked::Found(example) => {
                    concerned.extend(members.iter().cloned());
                    examples.push((*example).clone());
                    found.push(*example);
                }
                Asked::Open => open.extend(members.iter().cloned()),
            }
        }
        reached.accounts = concerned.iter().map(ToString::to_string).collect();
        reached.open = open.difference(&concerned).count();
        (reached, found)
    }

    /// The values of which a question must have one to be decided otherwise; none, if they are not known.
    fn fixed(&self) -> Vec<Fixed> {
        let Some(from) = self.from else { return Vec::new() };
        let rules = self.to.rules.iter().chain(&from.rules).filter(|rule| self.changed.contains(&rule.id));
        let ids: BTreeSet<_> = rules.map(|rule| &rule.id).collect();
        let [id] = ids.into_iter().collect::<Vec<_>>()[..] else { return Vec::new() };
        let rule = |half: &Half<'_>| half.rules.iter().find(|rule| rule.id == *id).map(|rule| (*rule).clone());
        let (Some(to), Some(from)) = (rule(self.to), rule(from)) else { return Vec::new() };
        fixed::values(&to, &from).unwrap_or_default()
    }

    /// What can be seen of an account without a solver.
    fn seen(&self, uid: &EntityUID, examples: &[Example], fixed: &[Fixed]) -> Result<Seen, String> {
        let named = |rule: &Rule| self.changed.contains(&rule.id);
        if !self.changed.is_empty() && self.from.is_some() {
            let [to, from] = self.residuals(uid, &named, None)?;
            if to.map(|it| it.texts()) == from.map(|it| it.texts()) {
                return Ok(Seen::Left(Vec::new()));
            }
        }
        let mut asked = examples.iter().map(|example| of(example, uid));
        if let Some(example) = asked.find(|example| (self.differs)(example)) {
            return Ok(Seen::Concerned(Box::new(example)));
        }
        let ways: Vec<_> = if fixed.is_empty() { vec![None] } else { fixed.iter().map(Some).collect() };
        let mut open = Vec::new();
        for (index, fixed) in ways.into_iter().enumerate() {
            let left = self.residuals(uid, &|_| true, fixed)?;
            let [to, from] = &left;
            let allows = to.as_ref().is_some_and(|to| to.rules.iter().any(|rule| rule.permits));
            let is_same = from.as_ref().is_some_and(|from| to.as_ref().is_some_and(|to| to.texts() == from.texts()));
            if allows && !is_same {
                open.push((index, left));
            }
        }
        Ok(Seen::Left(open))
    }

    /// What is left of these policies for an account, where no value is free that can have but one, on the side that allows and the other one.
    fn residuals(
        &self,
        uid: &EntityUID,
        wanted: &dyn Fn(&Rule) -> bool,
        fixed: Option<&Fixed>,
    ) -> Result<Left, String> {
        let of = |half: &Half<'_>| -> Result<Residual, String> {
            let entities = self.directories.of(half.snapshot);
            let entities = entities.as_ref().as_ref().map_err(Clone::clone)?;
            let policies = half.rules.iter().filter(|rule| wanted(rule)).filter_map(|rule| self.folded(half, rule));
            let policies = policies.map(|policy| {
                let policy = with_constants(&policy, &half.snapshot.policies.model, self.environment)?;
                fixed.map_or_else(|| Ok(policy.clone()), |fixed| fixed.put_into(&policy))
            });
            let policies: Vec<_> = policies.collect::<Result<_, String>>()?;
            let place = Place::party(Root::Principal, uid.entity_type());
            let account = [(&place, uid)];
            Residual::of(self.environment, &policies, &BTreeSet::new(), &account, half.snapshot, entities)
        };
        Ok([Some(of(self.to)?), self.from.map(of).transpose()?])
    }

    /// A policy without what the environment decides of it; `None` if that is all.
    fn folded(&self, half: &Half<'_>, rule: &Rule) -> Option<cedar::Policy> {
        let Environment { principal, action, resource } = self.environment;
        let condition = half.snapshot.policies.folded(principal, action, resource, rule.condition())?;
        let effect = if rule.permits { ast::Effect::Permit } else { ast::Effect::Forbid };
        Some(ast::Policy::from_when_clause(effect, condition, ast::PolicyID::from_string(&rule.id), None).into())
    }

    /// Looks for a question of this account, of whom this is left.
    fn ask(&self, solver: &mut Solver, uid: &EntityUID, left: (&Left, Option<&Fixed>), examples: &[Example]) -> Asked {
        self.try_ask(solver, uid, left, examples).unwrap_or(Asked::Open)
    }

    fn try_ask(
        &self,
        solver: &mut Solver,
        uid: &EntityUID,
        ([to, from], fixed): (&Left, Option<&Fixed>),
        examples: &[Example],
    ) -> Result<Asked, String> {
        let (Some(to), policies) = (to, &self.world.policies) else { return Ok(Asked::Open) };
        let rules = |side: &Option<Residual>| side.iter().flat_map(|side| side.rules.clone()).collect::<Vec<_>>();
        let (allowing, denying): (Vec<Rule>, Vec<Rule>) = (to.rules.clone(), rules(from));
        let (allowing, denying): (Vec<&Rule>, Vec<&Rule>) = (allowing.iter().collect(), denying.iter().collect());
        let read: Vec<_> = allowing.iter().chain(&denying).copied().collect();
        let Assumed { light, heavy, narrow } = assumptions(policies, self.environment, &read)?;
        let scene = Scene::new(self.known, self.environment);
        let denied = from.is_some().then(|| scene.compile(meaning::allowed(&denying))).transpose()?;
        let named = format!("principal == {uid}");
        let mut holds = vec![light, named.parse().map_err(|error| format!("`{named}` is not Cedar: {error}"))?];
        let absent = [Some(to), from.as_ref()].into_iter().flatten().flat_map(|side| &side.absent);
        holds.extend(absent.map(is_absent));
        holds.extend(fixed.map(|fixed| Expr::is_eq(fixed.part.clone(), fixed.value.clone())));
        holds.push(meaning::allowed(&allowing));
        holds.extend(self.only.map(NewQuestions::expression).transpose()?);
        // A question may only name what the directory has: what it does not have can do nothing today.
        let confirm = |example: &Example| Ok((self.differs)(&real(example.clone())));
        let search = Search {
            scene,
            environment: self.environment,
            snapshot: self.world,
            heavy,
            narrow,
            read: &read,
            account: Some(uid),
            confirm: &confirm,
        };
        for example in examples {
            if let Some(found) = search.with_real_accounts(example, self.differs) {
                return Ok(Asked::Found(Box::new(found)));
            }
        }
        match search.find(solver, &joined::all(holds.clone()), denied.as_ref()) {
            Searched::None => Ok(Asked::Never),
            Searched::Example(example) => Ok(Asked::Found(Box::new(real(*example)))),
            Searched::Undecided(_) => {
                let found = search.find_real(solver, &holds, denied.as_ref(), self.differs);
                Ok(found.map_or(Asked::Open, |found| Asked::Found(Box::new(found))))
            }
        }
    }
}

/// What a first look at an account shows.
enum Seen {
    /// A known question is decided otherwise for it.
    Concerned(Box<Example>),
    /// It depends on what is left, for each value that is fixed; on nothing, if nothing changes for it.
    Left(Vec<(usize, Left)>),
}

/// What was found for accounts that are alike.
enum Asked {
    Never,
    Found(Box<Example>),
    Open,
}

/// The question to the directory as it is.
fn real(mut example: Example) -> Example {
    (example.real, example.entities) = (true, Vec::new());
    example
}

/// The same question of another account.
fn of(example: &Example, uid: &EntityUID) -> Example {
    let mut other = example.clone();
    other.evaluation.subject.id = AsRef::<str>::as_ref(uid.eid()).to_owned();
    other
}
