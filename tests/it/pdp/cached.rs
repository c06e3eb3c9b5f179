//! A cached answer is the fresh one: whatever is asked, in whatever order, across changes of policies and directory.

use super::small_world::{POLICIES, activate, small_world};
use crate::pdp::cedar::tape::{Tape, cases, fixed, numbers};
use poort::{
    pdp::{
        cache::{Cache, Config},
        engine::{UnknownEntities, check_question, decide, translate},
    },
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
    types::{
        decision::Decision,
        evaluation::{Action, Entity, Evaluation, Map, Value},
        moment::Moment,
    },
};
use proptest::prelude::*;
use std::{cell::Cell, sync::Arc};

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// What the caller says of a record: texts that would be equal if parts ran into each other, or if one were taken for
/// another.
fn parts_of_a_record(tape: &mut Tape<'_>) -> Map {
    let tag = |name: &str, value: &str| Value::Map(Map::from([(name.to_owned(), text(value))]));
    let parts: &[(&str, Value)] = &match tape.below(13) {
        1 => vec![("first", text("ab"))],
        2 => vec![("second", text("ab"))],
        3 => vec![("first", text("a")), ("second", text("b"))],
        4 => vec![("labels", Value::List(vec![text("ab")]))],
        5 => vec![("labels", Value::List(vec![text("a"), text("b")]))],
        6 => vec![("labels", Value::List(vec![]))],
        7 | 8 => vec![("tags", tag("a", "b"))],
        9 | 10 => vec![("tags", tag("c", "b"))],
        11 => vec![("tags", tag("ab", ""))],
        12 => vec![("tags", tag("", "ab")), ("undeclared", Value::Bool(true))],
        _ => vec![],
    };
    parts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn small_context(tape: &mut Tape<'_>, action: &str) -> Map {
    let mut context = Map::new();
    if matches!(action, "view" | "edit") {
        context.insert("purpose".to_owned(), text(tape.pick(&["8", "9"])));
        let (name, value) = tape.pick(&[
            ("device", "phone"),
            ("device", "127.0.0.1"),
            ("network", "127.0.0.1"),
            ("network", "10.0.0.1"),
            ("network", "127.0.0.1.1"),
            ("undeclared", "at all"),
        ]);
        context.insert(name.to_owned(), text(value));
    }
    context
}

fn small_properties(tape: &mut Tape<'_>, action: &str) -> Map {
    match (action, tape.below(3)) {
        ("quiet", number @ 1..) => Map::from([("force".to_owned(), Value::Bool(number == 1))]),
        ("bare", 1..) => Map::from([("undeclared".to_owned(), Value::Null)]),
        _ => Map::new(),
    }
}

fn small_question(tape: &mut Tape<'_>, action: &str) -> Evaluation {
    let entity = |kind: &str, id: &str, properties| Entity { kind: kind.to_owned(), id: id.to_owned(), properties };
    let mut properties = parts_of_a_record(tape);
    properties.insert("unit".to_owned(), text(tape.pick(&["north", "desk", "desk", "elsewhere"])));
    properties.insert("level".to_owned(), Value::Number(tape.pick(&[1.0, 2.0, 3.0])));
    Evaluation {
        subject: entity("Account", tape.pick(&["anna", "anna", "bart", "nobody", "nobodyCase"]), Map::new()),
        action: Action { name: action.to_owned(), properties: small_properties(tape, action) },
        resource: entity("Case", tape.pick(&["1", "2", "Case1"]), properties),
        context: small_context(tape, action),
    }
}

/// Questions that differ in one thing, so that a key that forgets this thing takes one for the other. The action is one
/// that this policy is about, and the thing is mostly one that it reads.
fn small_pool(tape: &mut Tape<'_>, policy: usize) -> Vec<Evaluation> {
    let action = match policy {
        1 | 2 | 16 => "view",
        3 | 5 | 17 => "edit",
        4 | 15 => tape.pick(&["view", "edit"]),
        7 | 10 => "quiet",
        21 => "bare",
        _ => tape.pick(&["view", "edit", "quiet", "bare"]),
    };
    let thing = match policy {
        _ if tape.one_in(4) => tape.below(6),
        10 | 21 => 0,
        11..=14 => 1,
        15 | 16 => 2,
        _ => tape.below(6),
    };
    let base = small_question(tape, action);
    let varied = |tape: &mut Tape<'_>| {
        let mut question = base.clone();
        let other = small_question(tape, action);
        match thing {
            0 => question.action = other.action,
            1 => {
                let parts = ["first", "second", "labels", "tags"];
                question.resource.properties.retain(|name, _| !parts.contains(&name.as_str()));
                let others = other.resource.properties.into_iter();
                question.resource.properties.extend(others.filter(|(name, _)| parts.contains(&name.as_str())));
            }
            2 => question.context = other.context,
            3 => (question.subject.id, question.resource.id) = (other.subject.id, other.resource.id),
            4 => question.resource.id = other.resource.id,
            _ => question = other,
        }
        question
    };
    (0..6).map(|_| varied(tape)).collect()
}

fn moment(tape: &mut Tape<'_>) -> Moment {
    Moment {
        // The application of one sidecar is always the same.
        application: Some(Arc::from("desk")),
        ..crate::pdp::cedar::world::moment(tape)
    }
}

#[test]
fn a_cached_answer_is_the_fresh_one() {
    let [hits, misses, reloads, allows, invalid] = [const { Cell::new(0) }; 5];
    let count = |cell: &Cell<usize>| cell.set(cell.get() + 1);
    let tally = |cell: &Cell<usize>, which: bool| cell.set(cell.get() + usize::from(which));
    fixed(cases(4).cases)
        .run(&numbers(12_000), |numbers| {
            let mut tape = numbers.tape();
            // In some runs answers are forgotten all the time.
            let memory = [1 << 24, 20_000][tape.below(2)];
            let cache = Cache::new(&Config { memory, recheck: 0 }, &opentelemetry::global::meter("test"));
            let mut past = vec![(0, 0)];
            let unknown = tape.pick(&[UnknownEntities::Deny, UnknownEntities::Evaluate]);
            let mut pool = small_pool(&mut tape, 0);
            let mut clock = moment(&mut tape);
            let mut turns: Vec<_> = (0..POLICIES.len()).collect();
            tape.shuffle(&mut turns);
            while !turns.is_empty() {
                let (policies, directory) = *past.last().unwrap();
                let next = match tape.below(6) {
                    3 => (policies ^ (1 << tape.below(POLICIES.len())), directory),
                    4 => (policies, tape.below(5)),
                    5 => tape.pick(&past),
                    _ => {
                        let turn = turns.pop().unwrap();
                        pool = small_pool(&mut tape, turn);
                        // Few, so that there is much that they do not read.
                        let more = [tape.below(POLICIES.len()), tape.below(POLICIES.len())];
                        let more = tape.some(&more);
                        (more.iter().fold(1 << turn, |all, one| all | 1 << one), directory)
                    }
                };
                past.push(next);
                let snapshot = activate(&small_world(next.0, next.1));
                count(&reloads);
                for _ in 0..24 {
                    if tape.below(4) == 3 {
                        clock = moment(&mut tape);
                    }
                    let asked = tape.pick(&pool);
                    // As the decision point does it.
                    let cached = check_question(&snapshot, &asked, &clock, unknown).and_then(|checked| {
                        cache.verdict(checked.key(), || checked.question().map(|question| decide(&snapshot, &question)))
                    });
                    // Nothing that the cache saw has a part in this one.
                    let fresh =
                        translate(&snapshot, &asked, &clock, unknown).map(|question| decide(&snapshot, &question));
                    let hit = matches!(cached, Ok((_, true)));
                    let cached = cached.map(|(verdict, _)| verdict.as_ref().clone());
                    prop_assert_eq!(&cached, &fresh, "hit: {} {:?} at {:?}, changes {:?}", hit, asked, clock, past);
                    tally(&hits, hit);
                    tally(&misses, !hit);
                    tally(&invalid, fresh.is_err());
                    tally(&allows, fresh.is_ok_and(|verdict| verdict.decision == Decision::Allow));
                }
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    let seen = format!("hits {hits:?}, misses {misses:?}, reloads {reloads:?}, allows {allows:?}, invalid {invalid:?}");
    assert!(invalid.get() > 10, "{seen}");
    assert!(hits.get() > 300 && misses.get() > 300 && reloads.get() > 30 && allows.get() > 100, "{seen}");
}

#[test]
fn a_changed_account_leaves_cached_answers_about_others() {
    let schema = "entity User { level: Long, name: String }; @source(\"request\") entity Doc { level: Long };
        action read appliesTo { principal: User, resource: Doc };";
    let permit = "permit (principal, action, resource) when { resource.level <= principal.level };";
    let world = |level: u8, name: &str| {
        let user = |id: &str, level: u8, name: &str| {
            format!(
                r#"{{"uid": {{"type": "User", "id": "{id}"}}, "attrs": {{"level": {level}, "name": "{name}"}}, "parents": []}}"#
            )
        };
        let directory = format!("[{}, {}]", user("anna", 2, "Anna"), user("bert", level, name));
        Sources {
            policies: policy::Sources::from_texts("p", [("schema.cedarschema", schema), ("all.cedar", permit)]),
            directory: directory::Sources::from_texts("d", [("d.json", directory.as_str())]),
        }
    };
    let moment = poort::pdp::Clock::new(jiff::tz::TimeZone::UTC, None).now();
    let keys = |snapshot: &Snapshot| {
        ["anna", "bert"].map(|id| {
            let question = format!(
                r#"{{"subject": {{"type": "User", "id": "{id}"}}, "action": {{"name": "read"}},
                "resource": {{"type": "Doc", "id": "d", "properties": {{"level": 1}}}}}}"#
            );
            let limits = poort::types::authzen::Limits { depth: 16, batch: 1 };
            let question = poort::types::authzen::read_evaluation(question.as_bytes(), limits).unwrap();
            let unknown = UnknownEntities::Deny;
            check_question(snapshot, &question, &moment, unknown).unwrap().key().cloned().unwrap()
        })
    };
    let before = Snapshot::from_sources(&world(2, "Bert")).0.unwrap();
    let after = |earlier, Sources { policies, directory }: &Sources| {
        Snapshot::after(Some(earlier), policies, directory, &mut directory::Unobserved).0.unwrap()
    };
    let renamed = after(&before, &world(2, "Bart"));
    let raised = after(&renamed, &world(3, "Bart"));
    let [[anna, bert], after_rename, [anna_after, bert_after]] = [keys(&before), keys(&renamed), keys(&raised)];
    // Equal in all that the policy reads, they share an answer; which of them it is, it does not read.
    assert_eq!(anna, bert);
    assert_eq!(after_rename, [anna.clone(), bert.clone()]);
    assert_eq!(anna_after, anna);
    assert_ne!(bert_after, bert);
}
