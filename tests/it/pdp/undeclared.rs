//! What the schema does not declare is refused where it may be a misspelt attribute, and named in the answer elsewhere.

use crate::{
    pdp::cedar::{
        tape::{Tape, cases, fixed, numbers},
        world::{question, small_world},
    },
    support::{Exposition, Sidecar, allowed, batch, check, parts, policies, run, run_with_input},
};
use poort::{
    api::pb::{self, evaluate_stream_response::Result as Outcome},
    pdp::{
        Clock,
        engine::{Config, UndeclaredMembers, check_question, decide},
    },
    sources::{
        directory,
        policy::{self, Attribute, Attributes, Held, Limit, Shape},
        snapshot::{Snapshot, Sources},
    },
    types::{
        authzen::{Limits, read_evaluation},
        decision::Decision,
        evaluation::{Action, Entity, Evaluation, Map, Value as Given},
        language::Language,
        moment::Moment,
        problem::report,
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{cell::Cell, collections::BTreeSet};
use tokio_stream::StreamExt as _;
use tonic::Code;

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";

const SCHEMA: &str = r#"
    entity User;
    type Part = { name: String, mark?: String, idle?: String };
    type Seal = { name: String, mark?: String, idle?: String };
    @source("request")
    entity Doc {
        level: Long,
        first?: String,
        idle?: String,
        part: Part,
        more?: Part,
        parts?: Set<Seal>,
        idle_parts?: Set<Part>,
        whole?: Seal,
    } tags { value: Long, until?: String };
    @source("request")
    entity Paper { level: Long } tags Long;
    entity Colour enum ["red"];
    action read appliesTo {
        principal: [User], resource: [Doc, Paper],
        context: { purpose?: String, idle?: String, action?: { automated?: Bool, idle?: Bool } },
    };
    action print appliesTo { principal: [User], resource: [Paper], context: { purpose?: String } };
    action paint appliesTo { principal: [User], resource: [Colour], context: {} };
"#;

const POLICIES: &str = r#"
    permit (principal, action, resource);
    forbid (principal, action == Action::"read", resource is Doc) when { resource has first && resource.first == "me" };
    forbid (principal, action == Action::"read", resource is Doc) when { resource.part has mark };
    forbid (principal, action == Action::"read", resource is Doc) when { resource has more && resource.more.name == "me" };
    forbid (principal, action == Action::"read", resource is Doc)
      when { resource has parts && resource has whole && resource.parts.contains(resource.whole) };
    forbid (principal, action == Action::"read", resource is Doc) when { resource.hasTag("x") };
    forbid (principal, action == Action::"read", resource is Doc) when { context has purpose && context.purpose == "8" };
    forbid (principal, action == Action::"read", resource is Doc) when { context has action && context.action has automated };
"#;

fn snapshot() -> Snapshot {
    let directory = r#"[{"uid": {"type": "User", "id": "u"}, "attrs": {}, "parents": []}]"#;
    let (snapshot, problems) = Snapshot::from_sources(&Sources {
        policies: policy::Sources::from_texts("p", [(policy::SCHEMA_FILE, SCHEMA), ("all.cedar", POLICIES)]),
        directory: directory::Sources::from_texts("d", [("all.json", directory)]),
    });
    snapshot.unwrap_or_else(|| panic!("{}", report(&problems, false)))
}

fn moment() -> Moment {
    Clock::new(jiff::tz::TimeZone::UTC, None).now()
}

/// A question in which all is there that the policies read.
fn full() -> Value {
    let part = json!({"name": "a", "mark": "b"});
    json!({
        "subject": {"type": "User", "id": "u", "properties": {"never": "looked at"}},
        "action": {"name": "read", "properties": {"automated": true}},
        "resource": {"type": "Doc", "id": "d", "properties": {
            "level": 1, "first": "me", "part": part, "more": part, "parts": [], "idle_parts": [{"name": "a"}],
            "whole": {"name": "a", "mark": "b", "idle": "c"}, "tags": {"x": {"value": 1, "until": "now"}},
        }},
        "context": {"purpose": "8"},
    })
}

/// The lines of an answer, or what a refusal says.
fn asked(snapshot: &Snapshot, question: &Value, undeclared: UndeclaredMembers) -> Result<Vec<String>, String> {
    let evaluation = read_evaluation(question.to_string().as_bytes(), Limits { depth: 16, batch: 1 }).unwrap();
    let moment = moment();
    let config = Config { undeclared, ..Config::default() };
    let checked = check_question(snapshot, &evaluation, &moment, config).map_err(|error| error.to_string())?;
    checked.question().map_err(|error| error.to_string())?;
    Ok(checked.into_undeclared().lines(Language::English).map(Into::into).collect())
}

/// Sets members, by JSON pointer; null takes one away.
fn with(mut question: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (holder, name) = pointer.rsplit_once('/').unwrap();
        let holder = question.pointer_mut(holder).unwrap_or_else(|| panic!("{pointer}"));
        let Value::Object(holder) = holder else { panic!("{pointer}") };
        match value {
            Value::Null => drop(holder.remove(name)),
            value => drop(holder.insert(name.to_owned(), value.clone())),
        }
    }
    question
}

#[test]
fn a_likely_misspelt_member_is_refused_by_name() {
    let snapshot = snapshot();
    let properties = "/resource/properties";
    // What is missing, what is there instead, and what is said.
    let cases: &[(&str, &str, Value, &str)] = &[
        ("/first", "/First", json!("me"), "resource.properties.First: is not declared; did you mean `first`?"),
        ("/first", "/firts", json!("me"), "resource.properties.firts: is not declared; did you mean `first`?"),
        (
            "/first",
            "/quite_else",
            json!(1),
            "resource.properties.quite_else: is not declared, and may be meant as what is absent and policies can read: `first`",
        ),
        ("/more", "/mor", json!({"name": "me"}), "resource.properties.mor: is not declared; did you mean `more`?"),
        (
            "/part/mark",
            "/part/Mark",
            json!("b"),
            "resource.properties.part.Mark: is not declared; did you mean `mark`?",
        ),
        (
            "/whole/idle",
            "/whole/Idle",
            json!("b"),
            "resource.properties.whole.Idle: is not declared; did you mean `idle`?",
        ),
        (
            "/none",
            "/parts",
            json!([{"name": "x", "mark": "y", "idle": "z"}, {"name": "me", "marc": "y", "idle": "z"}]),
            "resource.properties.parts[1].marc: is not declared; did you mean `mark`?",
        ),
        (
            "/tags",
            "/Tags",
            json!({"x": {"value": 1}}),
            "resource.properties.Tags: is not declared; did you mean `tags`?",
        ),
        (
            "/tags/x/until",
            "/tags/x/untill",
            json!("now"),
            "resource.properties.tags.x.untill: is not declared; did you mean `until`?",
        ),
    ];
    for (missing, instead, value, message) in cases {
        let missing = format!("{properties}{missing}");
        let question = with(full(), &[(&missing, Value::Null), (&format!("{properties}{instead}"), value.clone())]);
        let error = asked(&snapshot, &question, UndeclaredMembers::UnlessHarmless).expect_err(instead);
        assert!(error.starts_with(message), "{error}");
        // Without the member that is undeclared, the same question is one.
        assert!(
            asked(&snapshot, &question, UndeclaredMembers::Ignore).is_ok_and(|named| named.len() == 1),
            "{instead}"
        );
    }
    let elsewhere = [
        ("/context/purpose", "/context/porpose", "context.porpose: is not declared; did you mean `purpose`?"),
        (
            "/action/properties/automated",
            "/action/properties/automatic",
            "action.properties.automatic: is not declared; did you mean `automated`?",
        ),
    ];
    for (missing, instead, message) in elsewhere {
        let question = with(full(), &[(missing, Value::Null), (instead, json!(true))]);
        let error = asked(&snapshot, &question, UndeclaredMembers::UnlessHarmless).expect_err(instead);
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn a_member_that_cannot_matter_is_ignored_and_named() {
    let snapshot = snapshot();
    let question = full();
    assert_eq!(asked(&snapshot, &question, UndeclaredMembers::Refuse), Ok(vec![]));
    let changes = [
        ("/resource/properties/colour", json!("red")),
        ("/resource/properties/part/colour", json!({"deep": [1, 2]})),
        ("/resource/properties/more/colour", json!(1)),
        ("/resource/properties/idle_parts", json!([{"name": "a", "colour": 1}])),
        ("/resource/properties/tags/x/colour", json!(1)),
        ("/context/colour", json!(false)),
        ("/action/properties/colour", json!(0)),
    ];
    let named = asked(&snapshot, &with(question.clone(), &changes), UndeclaredMembers::UnlessHarmless);
    let expected = [
        "resource.properties.idle_parts[0].colour",
        "resource.properties.more.colour",
        "resource.properties.part.colour",
        "resource.properties.colour",
        "resource.properties.tags.x.colour",
        "context.colour",
        "action.properties.colour",
    ];
    assert_eq!(named.unwrap(), expected);
    for (pointer, value) in &changes {
        let changed = with(question.clone(), &[(pointer, value.clone())]);
        let error = asked(&snapshot, &changed, UndeclaredMembers::Refuse).expect_err(pointer);
        assert!(error.contains("colour: is not declared"), "{error}");
    }
    // What no policy reads may be absent, and what is null is.
    let changes = [("/resource/properties/Idle", json!("x")), ("/context/Idle", json!("x"))];
    let named = asked(&snapshot, &with(question.clone(), &changes), UndeclaredMembers::UnlessHarmless);
    assert_eq!(named.unwrap(), ["resource.properties.Idle", "context.Idle"]);
    let null = json!({"type": "Doc", "id": "d", "properties": {
        "level": 1, "First": null, "part": {"name": "a", "Mark": null}}});
    let null = with(question, &[("/resource", null), ("/action/properties", Value::Null)]);
    assert_eq!(asked(&snapshot, &null, UndeclaredMembers::Refuse), Ok(vec![]));
}

#[test]
fn what_counts_is_what_the_policies_of_this_question_read() {
    let snapshot = snapshot();
    let paper = |action: &str, properties: Value| {
        json!({
            "subject": {"type": "User", "id": "u"}, "action": {"name": action, "properties": {"spare": 1}},
            "resource": {"type": "Paper", "id": "p", "properties": properties}, "context": {"porpose": "8"},
        })
    };
    // No policy about papers reads anything, so nothing can be meant; `print` has no properties at all.
    let named = asked(&snapshot, &paper("print", json!({"level": 1, "Tags": {}})), UndeclaredMembers::UnlessHarmless);
    assert_eq!(named.unwrap(), ["resource.properties.Tags", "context.porpose", "action.properties.spare"]);
    let named = asked(&snapshot, &paper("read", json!({"level": 1})), UndeclaredMembers::UnlessHarmless);
    assert_eq!(named.unwrap(), ["context.porpose", "action.properties.spare"]);
    // An entity that the schema lists has no attributes, and its properties are not looked at.
    let paint = json!({
        "subject": {"type": "User", "id": "u"}, "action": {"name": "paint"},
        "resource": {"type": "Colour", "id": "red", "properties": {"colour": 1}},
    });
    assert_eq!(asked(&snapshot, &paint, UndeclaredMembers::Refuse), Ok(vec![]));
}

#[test]
fn messages_and_answers_do_not_grow_with_names() {
    let snapshot = snapshot();
    let long = "é".repeat(200_000);
    let mut question = with(full(), &[(&format!("/context/{long}"), json!(1))]);
    for number in 0..5_000 {
        question["resource"]["properties"][format!("{number:05}{long}").get(..41).unwrap()] = json!(1);
    }
    let named = asked(&snapshot, &question, UndeclaredMembers::UnlessHarmless).unwrap();
    assert_eq!((named.len(), named.last().unwrap().as_str()), (17, "and 4985 more"));
    let question = with(full(), &[("/context", json!({long: 1}))]);
    let error = asked(&snapshot, &question, UndeclaredMembers::UnlessHarmless).unwrap_err();
    assert!(error.len() < 500 && error.contains("é…: is not declared"), "{error}");
}

// ---- Any schema, any policies ---------------------------------------------------------------------------------------

/// One member under another name, or one more. False if there is none to change.
fn misspell(tape: &mut Tape<'_>, map: &mut Map, is_tags: bool) -> bool {
    let inner: Vec<_> =
        map.iter().filter(|(_, value)| matches!(value, Given::Map(_))).map(|(name, _)| name.clone()).collect();
    if !inner.is_empty() && (is_tags || tape.below(2) == 1) {
        let name = tape.pick(&inner);
        let Some(Given::Map(inner)) = map.get_mut(&name) else { return false };
        return misspell(tape, inner, !is_tags && name == "tags");
    }
    // Tags have any names, and what stands beside an escape of Cedar's is no member.
    if is_tags || map.keys().any(|name| name.starts_with("__") || name == "type" || name == "fn") {
        return false;
    }
    let names: Vec<_> = map.keys().cloned().collect();
    if names.is_empty() || tape.one_in(4) {
        map.insert("undeclaredMember".to_owned(), Given::Bool(true));
        return true;
    }
    let name = tape.pick(&names);
    let value = map.remove(&name).unwrap();
    map.insert(format!("{name}_"), value.clone());
    value != Given::Null
}

#[test]
fn a_misspelt_member_never_changes_an_answer_unnamed() {
    let [refused, same, allowed] = [const { Cell::new(0_usize) }; 3];
    let count = |cell: &Cell<usize>| cell.set(cell.get() + 1);
    fixed(cases(60).cases)
        .run(&numbers(2_000), |numbers| {
            let mut tape = numbers.tape();
            let world = small_world(&mut tape);
            let snapshot = world.snapshot();
            for _ in 0..40 {
                let right = question(&mut tape, &world);
                let mut wrong = right.evaluation.clone();
                let changed = match tape.below(4) {
                    0 => misspell(&mut tape, &mut wrong.context, false),
                    1 => misspell(&mut tape, &mut wrong.action.properties, false),
                    2 => misspell(&mut tape, &mut wrong.subject.properties, false),
                    _ => misspell(&mut tape, &mut wrong.resource.properties, false),
                };
                if !changed {
                    continue;
                }
                let decided = |evaluation| {
                    let checked = check_question(&snapshot, evaluation, &right.moment, right.unknown)?;
                    let verdict = decide(&snapshot, &checked.question()?);
                    let named: Vec<String> =
                        checked.into_undeclared().lines(Language::English).map(Into::into).collect();
                    Ok::<_, poort::pdp::engine::Mistakes>((verdict, named))
                };
                let Ok((expected, before)) = decided(&right.evaluation) else { continue };
                match decided(&wrong) {
                    Err(_) => count(&refused),
                    Ok((verdict, named)) => {
                        prop_assert_eq!(verdict.decision, expected.decision, "{:#?}\n{:#?}", right.evaluation, wrong);
                        prop_assert_eq!(&verdict.policies, &expected.policies);
                        // Claims about entities that the question does not speak for are not looked at.
                        let speaks_for = |entity: &Entity| {
                            let model = snapshot.policies.model.entity(&entity.kind).unwrap();
                            matches!(model.held, Held::ByRequest { .. })
                        };
                        let is_claim = wrong.subject != right.evaluation.subject && !speaks_for(&wrong.subject)
                            || wrong.resource != right.evaluation.resource && !speaks_for(&wrong.resource);
                        prop_assert!(is_claim || named != before, "{:#?}\n{:#?}", right.evaluation, wrong);
                        count(&same);
                        if verdict.decision == Decision::Allow {
                            count(&allowed);
                        }
                    }
                }
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    let seen = format!("refused {refused:?}, same {same:?}, allowed {allowed:?}");
    assert!(refused.get() > 200 && same.get() > 200 && allowed.get() > 50, "{seen}");
}

// ---- The sample policies, and the wire ------------------------------------------------------------------------------

/// Ways in which people and libraries write another name than is meant.
fn misspelt(name: &str) -> Vec<String> {
    let camel: String = name
        .split('_')
        .enumerate()
        .map(|(index, part)| match part.chars().next() {
            Some(first) if index > 0 => first.to_uppercase().collect::<String>() + &part[first.len_utf8()..],
            _ => part.to_owned(),
        })
        .collect();
    let short = name[..name.len() - 1].to_owned();
    [camel, short, format!("{name}s"), name.to_uppercase(), name.replace('_', "-")]
        .into_iter()
        .filter(|other| other != name)
        .collect()
}

/// Any value of a type.
fn some(shape: &Shape) -> Given {
    match shape {
        Shape::Bool => Given::Bool(false),
        Shape::Long => Given::Number(1.0),
        Shape::Entity(of) if of.kind.is_action() => Given::String("consult".to_owned()),
        Shape::String | Shape::Entity(_) => Given::String("x".to_owned()),
        Shape::Set(element) => Given::List(vec![some(element)]),
        Shape::Record(fields) => Given::Map(required(fields)),
        Shape::Extension(kind) => {
            let text = match kind.type_name() {
                "ipaddr" => "10.0.0.7",
                "decimal" => "1.25",
                "duration" => "1d",
                _ => "2026-01-31",
            };
            Given::String(text.to_owned())
        }
    }
}

fn required(attributes: &Attributes) -> Map {
    let required = attributes.iter().filter(|(_, attribute)| attribute.required);
    required.map(|(name, attribute)| (name.to_string(), within(attribute))).collect()
}

/// Any value that an attribute may have.
fn within(attribute: &Attribute) -> Given {
    #[expect(clippy::cast_precision_loss, reason = "a level")]
    let element = match &attribute.limit {
        Some(Limit::Values(values)) => Given::String(values.first().unwrap().to_string()),
        Some(Limit::Range(range)) => Given::Number(*range.start() as f64),
        None => return some(&attribute.shape),
    };
    if matches!(attribute.shape, Shape::Set(_)) { Given::List(vec![element]) } else { element }
}

#[test]
fn every_misspelt_optional_attribute_of_the_sample_is_found() {
    let sources = Sources::read(&policies(), &policies().join("directory")).unwrap();
    let (snapshot, _) = Snapshot::from_sources(&sources);
    let snapshot = snapshot.unwrap();
    let moment = moment();
    let (mut refused, mut ignored) = (BTreeSet::new(), BTreeSet::new());
    for action in snapshot.policies.model.actions() {
        for (subject, resource) in
            action.subjects.iter().flat_map(|one| action.resources.iter().map(move |two| (one, two)))
        {
            let Held::ByRequest { attributes, .. } = &snapshot.policies.model.entity_type(resource).unwrap().held
            else {
                continue;
            };
            let footprint = snapshot.policies.footprint(subject, &action.uid, resource);
            let reads = footprint.reads.as_ref().map(|reads| &reads.entity(resource).attributes.fields);
            let entity = |kind: String, properties| Entity { kind, id: "1".to_owned(), properties };
            for (name, attribute) in attributes.iter().filter(|(_, attribute)| !attribute.required) {
                let is_read = reads.is_none_or(|reads| reads.contains_key(name));
                for wrong in misspelt(name) {
                    let mut evaluation = Evaluation {
                        subject: entity(subject.to_string(), Map::new()),
                        action: Action { name: action.uid.to_string(), properties: Map::new() },
                        resource: entity(resource.to_string(), required(attributes)),
                        context: required(&action.context),
                    };
                    evaluation.resource.properties.insert(wrong.clone(), within(attribute));
                    match check_question(&snapshot, &evaluation, &moment, Config::default()) {
                        Ok(checked) => {
                            assert!(!is_read, "{resource}.{wrong} for {}", action.uid);
                            let named: Vec<String> =
                                checked.into_undeclared().lines(Language::English).map(Into::into).collect();
                            assert_eq!(named, [format!("resource.properties.{wrong}")]);
                            ignored.insert(format!("{resource}.{name}"));
                        }
                        Err(mistakes) => {
                            let [error] = mistakes.told() else { panic!("{mistakes}") };
                            assert_eq!(error.path, format!("resource.properties.{wrong}"));
                            if !is_read {
                                // It may be another that is absent.
                                assert!(error.message.contains("may be meant as what is absent"), "{error}");
                                continue;
                            }
                            assert!(error.message.contains(&format!("did you mean `{name}`?")), "{error}");
                            refused.insert(format!("{resource}.{name}"));
                        }
                    }
                }
            }
        }
    }
    for name in ["Investigation.access_code", "SourceRecord.access_code", "AuthorisationRequest.first_approver"] {
        assert!(refused.contains(&format!("Politie::{name}")), "{refused:?}");
    }
    assert!(refused.len() + ignored.len() >= 9, "{refused:?} {ignored:?}");
}

/// Questions that the sample policies answer: one with a member that may be a misspelt attribute, one with members that
/// cannot matter.
fn wrong_and_harmless() -> (Value, Value) {
    let mut wrong = allowed();
    wrong["action"]["name"] = "combine".into();
    wrong["context"]["justification"] = "two cases with one suspect".into();
    wrong["resource"]["properties"]["accessCode"] = "c".into();
    // A policy may read what the record lacks, such as the day it was removed, but nothing of how it is consulted.
    let mut harmless = allowed();
    harmless["action"]["properties"] = json!({"colour": "red"});
    harmless["later"] = true.into();
    (wrong, harmless)
}

/// What was decided can be decided again, with what was named.
fn check_replay(sidecar: Sidecar) {
    // What it still archives is there when it has stopped.
    let data = sidecar.data.clone();
    let ended = sidecar.stop();
    assert_eq!(ended.code, Some(0));
    let (told, _) = check(&run(["log", "replay", "--data", data.to_str().unwrap()]), 0);
    assert!(told.contains(" 0 differ"), "{told}");
}

const REFUSED: &str = "resource.properties.accessCode: is not declared; did you mean `access_code`? It is absent, and policies can read it";

#[tokio::test]
async fn every_binding_refuses_names_and_records_the_same() {
    let sidecar = Sidecar::builder().start();
    let (wrong, harmless) = wrong_and_harmless();
    let mut grpc = sidecar.grpc().await;

    let reply = sidecar.post(EVALUATION, &wrong).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (400, REFUSED.into()));
    let status = grpc.evaluate(parts(&wrong)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, REFUSED));
    assert!(sidecar.records().is_empty());

    let named = json!(["action.properties.colour"]);
    let answer = sidecar.post(EVALUATION, &harmless).await.json();
    assert_eq!((&answer["decision"], &answer["context"]["undeclared"]), (&true.into(), &named));
    let answer = grpc.evaluate(parts(&harmless)).await.unwrap().into_inner();
    assert_eq!((answer.decision, json!(answer.undeclared)), (true, named.clone()));
    // Found in the cache, under a name of its own; and where all is declared, nothing is said.
    let mut other = harmless.clone();
    other["action"]["properties"] = json!({"shade": "red"});
    let answer = sidecar.post(EVALUATION, &other).await.json();
    assert_eq!(answer["context"]["undeclared"], json!(["action.properties.shade"]));
    assert!(sidecar.post(EVALUATION, &allowed()).await.json()["context"].get("undeclared").is_none());

    let asked = |id: &str, question: &Value| pb::EvaluateStreamRequest {
        id: id.to_owned(),
        evaluation: Some(parts(question)),
        ..Default::default()
    };
    let stream = tokio_stream::iter([asked("wrong", &wrong), asked("harmless", &harmless)]);
    let answers = grpc.evaluate_stream(stream).await.unwrap().into_inner();
    for answer in answers.map(Result::unwrap).collect::<Vec<_>>().await {
        match answer.result.unwrap() {
            Outcome::Error(error) => assert_eq!((answer.id.as_str(), error.message.as_str()), ("wrong", REFUSED)),
            Outcome::Evaluation(answer) => assert_eq!(json!(answer.undeclared), named),
        }
    }

    // In a batch each item has its own.
    let mut body = allowed();
    body["evaluations"] = json!([{}, wrong, {"action": harmless["action"]}]);
    let over_http = sidecar.post(EVALUATIONS, &body).await.json();
    let over_grpc = grpc.evaluate_batch(batch(&body)).await.unwrap().into_inner().evaluations;
    let message = format!("evaluations[1].{REFUSED}");
    assert_eq!(over_http["evaluations"][1]["context"]["error"]["message"], message);
    assert_eq!(over_grpc[1].error.as_ref().unwrap().message, message);
    assert!(!over_grpc[1].decision && over_grpc[0].undeclared.is_empty());
    assert_eq!(over_http["evaluations"][2]["context"]["undeclared"], named);
    assert_eq!(json!(over_grpc[2].undeclared), named);

    // As the command line answers it.
    let output =
        run_with_input(["evaluate", "--policies", policies().to_str().unwrap(), "-"], harmless.to_string().as_bytes());
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["context"]["undeclared"], named);

    assert_eq!(Exposition::of(&sidecar).await.value("poort_questions_undeclared_total", ""), 6.0);
    let records = sidecar.records();
    let in_record = records.iter().filter(|record| {
        let response = &record["body"]["adl.core.response"];
        response["context"]["undeclared"] == named || response["evaluations"][2]["context"]["undeclared"] == named
    });
    assert_eq!(in_record.count(), 5);
    check_replay(sidecar);
}

#[tokio::test]
async fn the_configuration_says_what_becomes_of_it() {
    let (wrong, harmless) = wrong_and_harmless();
    let digest = |sidecar: &Sidecar| {
        let records = sidecar.records();
        records[0]["attributes"]["adl.core.configuration"]["poort"]["digest"].clone()
    };
    let refusing = Sidecar::builder().variable("POORT_DECISIONS_UNDECLARED", "refuse").start();
    let reply = refusing.post(EVALUATION, &harmless).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("action.properties.colour: is not declared"), "{}", reply.text());
    refusing.evaluate(&allowed()).await;

    let ignoring = Sidecar::builder().config("[decisions]\nundeclared = \"ignore\"\n").start();
    let answer = ignoring.post(EVALUATION, &wrong).await.json();
    assert_eq!(answer["context"]["undeclared"], json!(["resource.properties.accessCode"]));
    assert_eq!(answer["decision"], true);

    let usual = Sidecar::builder().start();
    usual.evaluate(&allowed()).await;
    // It can change an answer, so records tell it.
    let digests: BTreeSet<_> = [&refusing, &ignoring, &usual].map(|sidecar| digest(sidecar).to_string()).into();
    assert_eq!(digests.len(), 3);
    for sidecar in [refusing, ignoring, usual] {
        check_replay(sidecar);
    }
}

#[tokio::test]
async fn a_record_names_nothing_inside_a_concealed_property() {
    let sidecar = Sidecar::builder().start();
    let mut question = allowed();
    question["context"]["citizen"] = json!({"id": "1", "assurance": "low", "Jan Jansen": true});
    let answer = sidecar.evaluate(&question).await;
    assert_eq!(answer["context"]["undeclared"], json!(["context.citizen.Jan Jansen"]));
    let record = sidecar.records().remove(0);
    assert_eq!(record["body"]["adl.core.response"]["context"]["undeclared"], json!(["context.citizen"]));
    let concealed = record["attributes"]["poort.log.concealed"].as_array().unwrap();
    assert!(concealed.contains(&"/adl.core.response/context/undeclared/0".into()), "{concealed:?}");
}
