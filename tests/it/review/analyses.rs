//! All analyses against brute force, on generated schemas and policies. Each result (*always*, *never*, *equal*,
//! *proven*, *redundant*, *never applies*, *cannot fail*) is tried on all questions of a small universe, through the
//! path of the wire.
//!
//! In every run some thousand questions are asked. `POORT_QUESTIONS=1000000` asks at least that many, all of each universe and
//! each time of others: the nightly form. It takes 20 minutes without optimisation, on two cores.

mod world;

use self::world::{Policy, World, directory, world};
use crate::pdp::cedar::tape::{Tape, numbers};
use poort::{
    pdp::{
        Clock,
        engine::{UnknownEntities, check_question, decide},
    },
    review::{
        diff::{self, Options, Side, compare},
        matrix::{Access, Filter, matrix},
        proof::{Effort, Guarantees, Work, check, prove},
    },
    sources::{
        directory as accounts, policy,
        snapshot::{Snapshot, Sources},
    },
    types::{
        authzen::{Limits, read_evaluation},
        decision::Verdict,
        moment::Moment,
    },
};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{Config, TestRunner},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// How many questions of one universe are asked in the usual form: of a larger one, each so many-th.
const OF_ONE: usize = 400;

fn text(policies: &[Policy], name: &str) -> String {
    let one = |(index, Policy { permits, action, condition }): (usize, &Policy)| {
        let effect = if *permits { "permit" } else { "forbid" };
        let action = action.map_or("action".to_owned(), |action| format!("action == Action::\"{action}\""));
        format!("@id(\"{name}{index}\") {effect} (principal, {action}, resource) when {{ {condition} }};\n")
    };
    policies.iter().enumerate().map(one).collect()
}

fn sources(schema: &str, policies: &str) -> Sources {
    let texts = [("schema.cedarschema", schema), ("all.cedar", policies)];
    let directory = directory().to_string();
    Sources {
        policies: policy::Sources::from_texts("set", texts),
        directory: accounts::Sources::from_texts("set/directory", [("d.json", directory.as_str())]),
    }
}

fn snapshot(sources: &Sources) -> Snapshot {
    let (snapshot, problems) = Snapshot::from_sources(sources);
    snapshot.unwrap_or_else(|| panic!("{problems:?}"))
}

/// What poort answers; `None` if the question is not valid.
fn asked(snapshot: &Snapshot, question: &Value, moment: &Moment) -> Option<Verdict> {
    let evaluation = read_evaluation(question.to_string().as_bytes(), Limits { depth: 16, batch: 1 }).unwrap();
    let checked = check_question(snapshot, &evaluation, moment, UnknownEntities::Deny).ok()?;
    Some(decide(snapshot, &checked.question().ok()?))
}

/// The set with one policy alone, as a permit: it allows where that policy applies.
fn alone(world: &World, policy: &Policy) -> Snapshot {
    let alone = Policy { permits: true, ..policy.clone() };
    snapshot(&sources(&world.schema, &text(&[alone], "p")))
}

/// How many there were of each thing that analyses say.
#[derive(Debug, Default)]
struct Said {
    questions: usize,
    always: usize,
    never: usize,
    equal: usize,
    proven: usize,
    redundant: usize,
    idle: usize,
    safe: usize,
    undecided: usize,
}

/// A world whose questions were asked.
struct Tried<'a> {
    world: &'a World,
    of: Sources,
    base: Snapshot,
    moment: Moment,
    questions: Vec<&'a Value>,
    verdicts: Vec<Option<Verdict>>,
}

impl<'a> Tried<'a> {
    fn new(world: &'a World, of_one: usize) -> Self {
        let moment = Clock::new(jiff::tz::TimeZone::UTC, None).now();
        let of = sources(&world.schema, &text(&world.base, "p"));
        let base = snapshot(&of);
        let every = world.questions.len().div_ceil(of_one);
        let questions: Vec<_> = world.questions.iter().step_by(every).collect();
        let verdicts = questions.iter().map(|question| asked(&base, question, &moment)).collect();
        Self { world, of, base, moment, questions, verdicts }
    }
}

fn allows(verdict: &Option<Verdict>) -> bool {
    verdict.as_ref().is_some_and(|verdict| verdict.decision.is_allow())
}

fn check_matrix(tried: &Tried<'_>, said: &mut Said) {
    let Tried { world, base, questions, verdicts, .. } = tried;
    let rights = matrix(base, "2026-01-05", &Filter { test_accounts: true, ..Filter::default() }, &|_, _| ()).unwrap();
    for (question, verdict) in questions.iter().zip(verdicts) {
        // An unknown account has no rights, and an invalid question has no cell.
        let Some(account) = rights.accounts.iter().find(|account| question["subject"]["id"] == account.id) else {
            assert!(!allows(verdict), "{question}");
            continue;
        };
        let Some(verdict) = verdict else { continue };
        let action = question["action"]["name"].as_str().unwrap().to_owned();
        match &account.cells[&("Doc".to_owned(), action)] {
            Access::Always { .. } => {
                said.always += 1;
                assert!(verdict.decision.is_allow(), "always: {question}: {verdict:?}\n{world:#?}");
            }
            Access::Never { .. } => {
                said.never += 1;
                assert!(!verdict.decision.is_allow(), "never: {question}: {verdict:?}\n{world:#?}");
            }
            Access::Under { .. } => {}
        }
    }
}

fn check_proofs(tried: Tried<'_>, said: &mut Said) {
    let Tried { world, of, base, moment, questions, verdicts } = tried;
    let moment = &moment;
    let work = Work { effort: Effort::default(), cache: None, planned: &|_| (), done: &|| () };
    let checked = check(&base, &BTreeSet::new(), work);
    let named = |code: &str| -> BTreeSet<usize> {
        let of_kind = checked.problems.iter().filter(|problem| problem.kind() == code);
        let lines = of_kind.map(|problem| problem.position().unwrap().0 - 1);
        lines.collect()
    };
    let mut fails = named("policy::can-fail");
    fails.extend(checked.at_unknown.iter().map(|(id, _)| id[1..].parse::<usize>().unwrap()));
    fails.extend(named("policy::undecided"));
    said.undecided += checked.undecided;
    for (question, verdict) in questions.iter().zip(&verdicts) {
        for error in verdict.iter().flat_map(|verdict| &verdict.errors) {
            let index: usize = error.policy[1..].parse().unwrap();
            assert!(fails.contains(&index), "cannot fail: {question}: {error:?}\n{world:#?}");
        }
    }
    said.safe += world.base.len() - fails.len();
    for index in named("policy::never-matches") {
        said.idle += 1;
        let alone = alone(world, &world.base[index]);
        for question in &questions {
            assert!(!allows(&asked(&alone, question, moment)), "never applies: p{index}: {question}\n{world:#?}");
        }
    }
    let redundant = named("policy::redundant");
    if !redundant.is_empty() {
        said.redundant += redundant.len();
        let kept = world.base.iter().enumerate().filter(|(index, _)| !redundant.contains(index));
        let kept: Vec<_> = kept.map(|(_, policy)| policy.clone()).collect();
        let without = snapshot(&sources(&world.schema, &text(&kept, "p")));
        for (question, verdict) in questions.iter().zip(&verdicts) {
            let same = allows(&asked(&without, question, moment)) == allows(verdict);
            assert!(same, "without {redundant:?}: {question}\n{world:#?}");
        }
    }

    let stated = text(&world.guarantees, "g");
    let stated = policy::Sources::from_texts("guarantees", [("g.cedar", stated.as_str())]);
    let guarantees = Guarantees::of(&stated, &of.policies).unwrap();
    let proven = prove(&base, &guarantees, work);
    for (found, guarantee) in proven.guarantees.iter().zip(&world.guarantees) {
        said.undecided += usize::from(!found.undecided.is_empty());
        if !found.broken.is_empty() || !found.undecided.is_empty() {
            continue;
        }
        said.proven += 1;
        let alone = alone(world, guarantee);
        for (question, verdict) in questions.iter().zip(&verdicts) {
            if allows(&asked(&alone, question, moment)) {
                assert_eq!(allows(verdict), guarantee.permits, "proven: {question}: {guarantee:?}\n{world:#?}");
            }
        }
    }

    let side = |name: &str, sources: Sources| Side {
        name: name.to_owned(),
        snapshot: snapshot(&sources),
        sources,
        guarantees: Guarantees::default(),
    };
    let head = side("head", sources(&world.schema, &text(&world.head, "p")));
    let comparison = compare(&side("base", of), &head, &Options::default(), &|_| {}, &|| {}).unwrap();
    said.undecided += comparison.undecided();
    for outcome in &comparison.environments {
        said.equal += usize::from(outcome.is_equal());
        if !outcome.undecided.is_empty() {
            continue;
        }
        let may_differ = |allowed: bool| {
            let change = if allowed { diff::Direction::NewlyAllowed } else { diff::Direction::NewlyDenied };
            outcome.differences.iter().any(|difference| difference.change == change)
        };
        for (question, verdict) in questions.iter().zip(&verdicts) {
            if question["action"]["name"] != outcome.action {
                continue;
            }
            let after = allows(&asked(&head.snapshot, question, moment));
            assert!(after == allows(verdict) || may_differ(after), "equal: {question}\n{world:#?}");
        }
    }
}

/// Tries worlds until so many questions were asked, or as many as the environment says.
#[expect(clippy::print_stdout, reason = "the nightly form reports its counts")]
fn until(usual: usize, mut try_one: impl FnMut(Tried<'_>, &mut Said)) -> Said {
    let wanted: Option<usize> = std::env::var("POORT_QUESTIONS").ok().map(|wanted| wanted.parse().unwrap());
    // The usual form asks the same in every run.
    let (mut runner, of_one) = match wanted {
        Some(_) => (TestRunner::new(Config::default()), usize::MAX),
        None => (crate::pdp::cedar::tape::fixed(1), OF_ONE),
    };
    let mut said = Said::default();
    while said.questions < wanted.unwrap_or(usual) {
        let numbers = numbers(120).new_tree(&mut runner).unwrap().current();
        let mut tape: Tape<'_> = numbers.tape();
        let world = world(&mut tape);
        let tried = Tried::new(&world, of_one);
        said.questions += tried.questions.len();
        try_one(tried, &mut said);
    }
    println!("{said:?}");
    said
}

#[test]
fn what_the_matrix_says_of_all_questions_holds_of_each() {
    let said = until(40_000, |tried, said| check_matrix(&tried, said));
    assert!(said.always > 0 && said.never > 0, "{said:?}");
}

#[test]
fn what_proofs_say_of_all_questions_holds_of_each() {
    let said = until(6_000, check_proofs);
    assert!(said.equal > 0 && said.proven > 0 && said.safe > 0, "{said:?}");
}
