//! What holds whatever is asked, in whatever order, with whatever bytes.

use crate::{
    cedar::{
        tape::{Tape, cases, fixed, numbers},
        world::{World, effective_id, question, wide_world},
    },
    support::{self, BareChannel, Reply, Sidecar, allowed, parts, run},
};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Bytes, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use poort::{
    api::pb,
    pdp::{
        cache::{Cache, Config},
        engine::{UnknownEntities, check_question, decide, translate},
    },
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
    types::{
        decision::{Decision, Verdict},
        evaluation::{Action, Entity, Evaluation, Map, Value},
        moment::Moment,
        problem::{Problem, has_errors, report},
    },
};
use proptest::{prelude::*, strategy::ValueTree as _};
use prost::Message as _;
use serde_json::json;
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

// ---- Cached = fresh ------------------------------------------------------------------------------------------------

const SCHEMA: &str = r#"
    entity Unit in [Unit] { name: String };
    entity Account in [Unit] { level: Long, active: Bool, unit: Unit };
    @source("request") @parents("unit")
    entity Case in [Unit] { unit: Unit, level: Long, first?: String, second?: String, labels?: Set<String> } tags String;
    type Pdp = { now: datetime, today: datetime, hour: Long, application?: String };
    action any;
    action view, edit in [any] appliesTo {
        principal: [Account], resource: [Case],
        context: { purpose: String, device?: String, network?: ipaddr, pdp: Pdp },
    };
    action quiet appliesTo { principal: [Account], resource: [Case], context: { action?: { force: Bool } } };
    action bare appliesTo { principal: [Account], resource: [Case], context: { action?: {} } };
"#;

/// Policies that read one thing each; a revision has some of them.
const POLICIES: [&str; 22] = [
    "permit (principal, action, resource) when { resource in principal.unit };",
    "permit (principal, action == Action::\"view\", resource) when { context.pdp.hour < 12 };",
    "permit (principal, action == Action::\"view\", resource) when { context.pdp.today < datetime(\"2026-02-01\") };",
    "permit (principal, action == Action::\"edit\", resource) when { context.pdp.now < datetime(\"2026-01-31T12:00:00.100Z\") };",
    "forbid (principal, action in Action::\"any\", resource) when { context.pdp.hour >= 23 };",
    "forbid (principal, action == Action::\"edit\", resource) when { context has pdp.application };",
    "permit (principal == Account::\"anna\", action, resource);",
    "permit (principal in Unit::\"north\", action == Action::\"quiet\", resource);",
    "forbid (principal, action, resource) unless { principal.active };",
    "forbid (principal, action, resource) when { resource.level > principal.level };",
    "permit (principal, action == Action::\"quiet\", resource) when { context has action && context.action.force };",
    "permit (principal, action, resource) when { resource has first && resource.first == \"ab\" };",
    "permit (principal, action, resource) when { resource has second && resource.second == \"ab\" };",
    "permit (principal, action, resource) when { resource has labels && resource.labels.contains(\"ab\") };",
    "permit (principal, action, resource) when { resource.hasTag(\"a\") && resource.getTag(\"a\") == \"b\" };",
    "forbid (principal, action in Action::\"any\", resource) when { context has network && context.network.isLoopback() };",
    "permit (principal, action == Action::\"view\", resource) when { context.purpose == \"8\" };",
    "permit (principal, action == Action::\"edit\", resource) when { {c: context}.c.pdp.today >= datetime(\"2026-02-01\") };",
    "forbid (principal, action, resource == Case::\"2\") when { principal.level + resource.level < 0 };",
    "permit (principal, action, resource) when { resource.unit.name == \"North\" };",
    "permit (principal, action, resource == Case::\"2\");",
    "permit (principal, action == Action::\"bare\", resource) when { context has action };",
];

/// The directory at four moments: as it was, an account moved, an account left, an account with another level.
fn directory_at(version: usize) -> String {
    let account = |id: &str, unit: &str, level: i64| {
        json!({"uid": {"type": "Account", "id": id}, "parents": [{"type": "Unit", "id": unit}],
            "attrs": {"level": level, "active": level > 0, "unit": {"type": "Unit", "id": unit}}})
    };
    let unit = |id: &str, name: &str, above: &[&str]| {
        let above: Vec<_> = above.iter().map(|id| json!({"type": "Unit", "id": id})).collect();
        json!({"uid": {"type": "Unit", "id": id}, "parents": above, "attrs": {"name": name}})
    };
    let mut entities = vec![
        unit("north", "North", &[]),
        unit("desk", if version == 4 { "North" } else { "Desk" }, if version == 3 { &[] } else { &["north"] }),
        account("anna", if version == 1 { "north" } else { "desk" }, if version == 3 { 0 } else { 2 }),
    ];
    if version != 2 {
        entities.push(account("bart", "desk", if version == 4 { i64::MAX } else { 1 }));
    }
    json!(entities).to_string()
}

fn small_world(policies: usize, version: usize) -> Sources {
    let text = (0..POLICIES.len())
        .filter(|index| policies >> index & 1 == 1)
        .map(|index| format!("@id(\"p{index}\") {}\n", POLICIES[index]))
        .collect::<String>();
    let directory = directory_at(version);
    // A file without policies is refused.
    let file = Some(("all.cedar", text.as_str())).filter(|_| policies != 0);
    let files = [(policy::SCHEMA_FILE, SCHEMA)].into_iter().chain(file);
    Sources {
        policies: policy::Sources::from_texts("policies", files),
        directory: directory::Sources::from_texts("directory", [("all.json", directory.as_str())]),
    }
}

fn activate(sources: &Sources) -> Snapshot {
    let (snapshot, problems) = Snapshot::from_sources(sources);
    snapshot.unwrap_or_else(|| panic!("{}", report(&problems, false)))
}

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
        ..crate::cedar::world::moment(tape)
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

// ---- The order of policies -----------------------------------------------------------------------------------------

/// The same policies under the same ids: in another order, in other files.
fn reordered(world: &World, tape: &mut Tape<'_>) -> World {
    let mut policies: Vec<_> = world.files.iter().flat_map(|(_, policies)| policies.clone()).collect();
    tape.shuffle(&mut policies);
    let mut files: Vec<(String, Vec<_>)> =
        ["z", "a", "0 \"x\""].iter().map(|stem| ((*stem).to_owned(), vec![])).collect();
    let n = 1 + tape.below(files.len());
    for policy in policies {
        files[tape.below(n)].1.push(policy);
    }
    let (mut links, mut directory) = (world.links.clone(), world.directory.clone());
    tape.shuffle(&mut links);
    tape.shuffle(&mut directory);
    World { files, links, directory, dropped: 0 }
}

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn the_order_of_policies_never_changes_an_answer(numbers in numbers(4_000)) {
        let mut tape = numbers.tape();
        let mut world = wide_world(&mut tape);
        // A policy without an id is named by its place, which is what changes here.
        let named = |policy: &crate::cedar::policies::Written| policy.id.as_deref().is_some_and(|id| !id.trim().is_empty());
        for (stem, policies) in &mut world.files {
            for (position, policy) in policies.iter().enumerate() {
                let id = effective_id(stem, position, policy);
                if !named(policy) {
                    world.links.retain(|link| link.template != id);
                }
            }
            policies.retain(named);
        }
        let one = world.snapshot();
        let other = reordered(&world, &mut tape).snapshot();
        for _ in 0..24 {
            let asked = question(&mut tape, &world);
            let answer = |snapshot: &Snapshot| -> Result<Verdict, String> {
                let question = translate(snapshot, &asked.evaluation, &asked.moment, asked.config())
                    .map_err(|error| error.to_string())?;
                Ok(decide(snapshot, &question))
            };
            prop_assert_eq!(answer(&one), answer(&other));
        }
    }
}

// ---- JSON = gRPC ---------------------------------------------------------------------------------------------------

fn json_entity(properties: serde_json::Value, tape: &mut Tape<'_>, kinds: &[&str], ids: &[&str]) -> serde_json::Value {
    let mut entity = json!({"type": tape.pick(kinds), "id": tape.pick(ids)});
    if tape.below(8) > 0 {
        entity["properties"] = properties;
    }
    entity
}

/// A value of no particular type.
fn any_json(tape: &mut Tape<'_>, depth: usize) -> serde_json::Value {
    match tape.below(if depth == 0 { 8 } else { 10 }) {
        0 => json!(null),
        1 => json!(true),
        2 => json!(tape.pick(&[0.0, -0.0, 1.5, 3.0, 1e300, 9_007_199_254_740_993.0, 1e-7])),
        3..=5 => json!(tape.pick(&["", "8", "2026-01-31", "é\u{0}\"\\\u{2028}👩‍👩‍👧", "desk"])),
        6 => json!({"type": "Unit", "id": "north"}),
        7 => json!({"__entity": {"type": "Politie::Unit", "id": "north"}}),
        8 => (0..tape.below(4)).map(|_| any_json(tape, depth - 1)).collect(),
        _ => {
            let names = ["a", "\u{e000}", "👻", "", "type", "__extn"];
            tape.some(&names)
                .into_iter()
                .map(|name| (name.to_owned(), any_json(tape, depth - 1)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
    }
}

/// A question under the repository's policies: often good, sometimes with a part that is wrong.
fn json_question(tape: &mut Tape<'_>) -> serde_json::Value {
    let subjects =
        ["Officer", "Officer", "Politie::Officer", "Partner", "System", "https://politie.example/id-types/officer"];
    let ids = [
        "officer-0007",
        "officer-0001",
        "officer-0002",
        "officer-0008",
        "partner-0003",
        "system-0001",
        "nobody",
        "é \"\\\n👩‍👩‍👧",
    ];
    let mut question = if tape.below(3) == 0 {
        allowed()
    } else if tape.below(2) == 0 {
        json!({
            "subject": json_entity(json!({"level": 4, "x": any_json(tape, 2)}), tape, &subjects, &ids),
            "action": {"name": tape.pick(&["consult", "combine", "erase", "alter", "Politie::Action::\"consult\""])},
            "resource": json_entity(json!({
                "unit": tape.pick(&["station-north-1", "detectives-north"]), "level": tape.pick(&[1, 2, 4]),
                "first_processed": tape.pick(&["2026-11-01", "2024-11-01T08:00:00Z", "1999-01-01"]),
                "subjects_are_staff": tape.below(4) == 3,
            }), tape, &["Registration", "Politie::Registration"], &["r-1", "é"]),
            "context": {"purpose": tape.pick(&["8", "9", "10"]), "justification": "why not"},
        })
    } else {
        json!({
            "subject": json_entity(json!({}), tape, &subjects, &ids),
            "action": {"name": tape.pick(&["consult", "disclose", "combine"]), "properties": {"automated": tape.below(2) == 1}},
            "resource": json_entity(json!({
                "unit": "detectives-north", "team": tape.pick(&["heron", "kestrel", "nobody"]), "level": tape.pick(&[3, 1]),
                "embargo": tape.one_in(4), "access_code": tape.pick(&["a", "b", "c"]),
            }), tape, &["Investigation"], &["inv-0042", ""]),
            "context": {"purpose": "9", "consent": {"functionary": "officer-0006", "id": tape.pick(&["", "c-1"])},
                "recipient": {"organisation": "om", "id": "x"}, "legal_basis": "16", "location": tape.pick(&["10.0.0.7", "::1"])},
        })
    };
    for _ in 0..[0, 0, 0, 1, 1, 2][tape.below(6)] {
        spoil(tape, &mut question);
    }
    if tape.one_in(12) {
        question.as_object_mut().unwrap().remove(tape.pick(&["subject", "action", "resource", "context"]));
    }
    question
}

fn spoil(tape: &mut Tape<'_>, question: &mut serde_json::Value) {
    let value = any_json(tape, 3);
    let deep = (0..20).fold(json!(1), |inner, _| json!([inner]));
    match tape.below(16) {
        0 => question["subject"]["type"] = json!(tape.pick(&["Nobody", "Registration", "officer", "Action"])),
        1 => question["action"]["name"] = json!(tape.pick(&["read", "consul", "Action::\"consult\"", "ééé"])),
        2 => question["resource"]["type"] = json!(tape.pick(&["Unit", "Regstration", "Politie::Nothing"])),
        3 => question["context"]["pdp"] = json!({"hour": 3}),
        4 => question["context"]["action"] = json!({"automated": true}),
        5 => question["resource"]["properties"]["level"] = value,
        6 => question["resource"]["properties"]["unit"] = value,
        7 => question["context"]["consent"] = value,
        8 => question["context"]["location"] = value,
        9 => question["context"]["undeclared"] = value,
        10 => question["action"]["properties"] = json!({"automated": value}),
        11 => question["resource"]["properties"] = json!({}),
        12 => question["context"] = json!({}),
        13 => question["context"]["deep"] = deep,
        14 => question["resource"]["properties"]["first_processed"] = value,
        _ => question["context"]["purpose"] = value,
    }
}

fn json_of_value(value: &prost_types::Value) -> serde_json::Value {
    use prost_types::value::Kind;
    match value.kind.as_ref() {
        None | Some(Kind::NullValue(_)) => json!(null),
        Some(Kind::BoolValue(truth)) => json!(truth),
        Some(Kind::NumberValue(number)) => json!(number),
        Some(Kind::StringValue(text)) => json!(text),
        Some(Kind::ListValue(list)) => list.values.iter().map(json_of_value).collect(),
        Some(Kind::StructValue(fields)) => json_of_struct(fields),
    }
}

fn json_of_struct(fields: &prost_types::Struct) -> serde_json::Value {
    let fields = fields.fields.iter().map(|(name, value)| (name.clone(), json_of_value(value)));
    fields.collect::<serde_json::Map<_, _>>().into()
}

/// What gRPC answered, as JSON would say it, but for the record.
fn json_of_answer(answer: &pb::EvaluateResponse) -> serde_json::Value {
    if let Some(pb::ItemError { status, message }) = &answer.error {
        return json!({"decision": answer.decision, "context": {"error": {"status": status, "message": message}}});
    }
    let policies: Vec<_> =
        answer.policies.iter().map(|policy| json!({"id": policy.id, "title": policy.title})).collect();
    let errors: Vec<_> =
        answer.errors.iter().map(|error| json!({"policy": error.policy, "message": error.message})).collect();
    let obligations: Vec<_> = answer
        .obligations
        .iter()
        .map(|obligation| {
            let properties = obligation.properties.as_ref().map_or_else(|| json!({}), json_of_struct);
            json!({"id": obligation.id, "type": obligation.r#type, "properties": properties})
        })
        .collect();
    let mut json = json!({"decision": answer.decision, "context": {
        "policies": policies, "errors": errors, "obligations": obligations, "advice": answer.advice,
        "reason": answer.reason, "revision": answer.revision, "directory_revision": answer.directory_revision,
    }});
    if !answer.undeclared.is_empty() {
        json["context"]["undeclared"] = json!(answer.undeclared);
    }
    json
}

fn without_record(mut answer: serde_json::Value) -> serde_json::Value {
    let record = answer["context"].as_object_mut().unwrap().remove("record");
    assert!(record.is_some_and(|record| record["trace_id"].is_string()), "{answer}");
    answer
}

/// Numbers as doubles, as JSON has them: `3` and `3.0` are the same.
fn doubles(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Number(number) => json!(number.as_f64()),
        serde_json::Value::Array(values) => values.iter().map(doubles).collect(),
        serde_json::Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), doubles(value))).collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

const fn code_of(status: u16) -> tonic::Code {
    match status {
        400 => tonic::Code::InvalidArgument,
        413 => tonic::Code::ResourceExhausted,
        _ => tonic::Code::Unknown,
    }
}

struct Both {
    sidecar: Sidecar,
    runtime: tokio::runtime::Runtime,
    client: RefCell<pb::access_evaluation_client::AccessEvaluationClient<tonic::transport::Channel>>,
    /// Trace ids that belong together, and what they asked.
    pairs: RefCell<Vec<(String, String, serde_json::Value)>>,
    seen: RefCell<BTreeMap<&'static str, usize>>,
}

impl Both {
    fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sidecar = Sidecar::builder().start();
        let client = RefCell::new(runtime.block_on(sidecar.grpc()));
        Self { sidecar, runtime, client, pairs: RefCell::default(), seen: RefCell::default() }
    }

    fn saw(&self, what: &'static str) {
        *self.seen.borrow_mut().entry(what).or_default() += 1;
    }

    /// Trace ids for a question over JSON and over gRPC.
    fn traces(&self) -> (String, String) {
        let number = self.pairs.borrow().len();
        (format!("a{number:031x}"), format!("b{number:031x}"))
    }

    fn over_json(&self, path: &str, body: &serde_json::Value, trace: &str) -> Reply {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
            .body(body.to_string().into_bytes())
            .unwrap();
        self.runtime.block_on(support::request(self.sidecar.address, request))
    }

    fn one(&self, question: &serde_json::Value) -> Result<(), TestCaseError> {
        let (json_trace, grpc_trace) = self.traces();
        let reply = self.over_json("/access/v1/evaluation", question, &json_trace);
        let request = traced(parts(question), &grpc_trace);
        let answer = self.runtime.block_on(self.client.borrow_mut().evaluate(request));
        match answer {
            Ok(answer) => {
                let answer = json_of_answer(answer.get_ref());
                prop_assert_eq!(reply.status, 200, "{} {}", reply.text(), question);
                let reply = without_record(reply.json());
                prop_assert_eq!(doubles(&reply), doubles(&answer), "{}", question);
                self.saw(if answer["decision"] == true { "allow" } else { "deny" });
            }
            Err(status) => self.refused(&reply, &status, question)?,
        }
        self.pairs.borrow_mut().push((json_trace, grpc_trace, question.clone()));
        Ok(())
    }

    fn refused(&self, reply: &Reply, status: &tonic::Status, asked: &serde_json::Value) -> Result<(), TestCaseError> {
        prop_assert_eq!(status.code(), code_of(reply.status.as_u16()), "{} {} {}", reply.text(), status, asked);
        if reply.status == 400 {
            prop_assert_eq!(reply.json(), status.message(), "{}", asked);
            self.saw("invalid");
        } else {
            self.saw("above a limit");
        }
        Ok(())
    }

    fn batch(&self, batch: &serde_json::Value) -> Result<(), TestCaseError> {
        let (json_trace, grpc_trace) = self.traces();
        let reply = self.over_json("/access/v1/evaluations", batch, &json_trace);
        let answer =
            self.runtime.block_on(self.client.borrow_mut().evaluate_batch(traced(support::batch(batch), &grpc_trace)));
        match answer {
            Ok(answer) => {
                prop_assert_eq!(reply.status, 200, "{} {}", reply.text(), batch);
                let answers: Vec<_> = answer.get_ref().evaluations.iter().map(json_of_answer).collect();
                let reply: Vec<_> =
                    reply.json()["evaluations"].as_array().unwrap().iter().cloned().map(without_record).collect();
                prop_assert_eq!(doubles(&json!(reply)), doubles(&json!(answers)), "{}", batch);
                self.saw("batch");
                if answers.iter().any(|answer| answer["context"].get("error").is_some()) {
                    self.saw("batch with a fault");
                }
                if answers.len() < batch["evaluations"].as_array().unwrap().len() {
                    self.saw("batch that stopped");
                }
            }
            Err(status) => self.refused(&reply, &status, batch)?,
        }
        self.pairs.borrow_mut().push((json_trace, grpc_trace, batch.clone()));
        Ok(())
    }

    /// Compares the records of all pairs.
    #[track_caller]
    fn check_records(&self) {
        let records: HashMap<_, _> = self
            .sidecar
            .records()
            .into_iter()
            .map(|record| (record["trace_id"].as_str().unwrap().to_owned(), record))
            .collect();
        for (json_trace, grpc_trace, asked) in self.pairs.borrow().iter() {
            let (one, other) = (records.get(json_trace), records.get(grpc_trace));
            assert_eq!(one.map(|record| &record["body"]), other.map(|record| &record["body"]), "{asked}");
            assert_eq!(one.map(|record| &record["status"]), other.map(|record| &record["status"]), "{asked}");
            assert_eq!(one.map(|record| &record["event_name"]), other.map(|record| &record["event_name"]), "{asked}");
        }
    }
}

fn traced<T>(message: T, trace: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let parent = format!("00-{trace}-00f067aa0ba902b7-01").parse().unwrap();
    request.metadata_mut().insert("traceparent", parent);
    request
}

#[test]
fn json_and_grpc_give_the_same_decision_and_the_same_record_body() {
    let both = Both::start();
    fixed(cases(60).cases)
        .run(&numbers(400), |numbers| {
            let mut tape = numbers.tape();
            for _ in 0..3 {
                both.one(&json_question(&mut tape))?;
            }
            let mut batch = if tape.below(2) == 0 { json!({}) } else { json_question(&mut tape) };
            let items: Vec<_> = (0..=tape.below(5))
                .map(|_| {
                    let mut item = json_question(&mut tape);
                    let parts = item.as_object_mut().unwrap();
                    tape.some(&["subject", "action", "resource", "context"])
                        .iter()
                        .for_each(|part| drop(parts.remove(*part)));
                    item
                })
                .collect();
            batch["evaluations"] = json!(items);
            let name =
                tape.pick(&[None, Some("execute_all"), Some("deny_on_first_deny"), Some("permit_on_first_permit")]);
            if let Some(name) = name {
                batch["options"] = json!({"evaluations_semantic": name});
            }
            both.batch(&batch)
        })
        .unwrap_or_else(|error| panic!("{error}"));
    both.check_records();
    let seen = both.seen.borrow();
    for kind in ["allow", "deny", "invalid", "above a limit", "batch", "batch with a fault", "batch that stopped"] {
        assert!(seen.get(kind).is_some_and(|n| *n > 2), "{kind}: {seen:?}");
    }
}

/// Protobuf cannot tell an empty text from none, so JSON does not either where a name must be.
#[test]
fn an_empty_name_is_a_missing_one_in_both_bindings() {
    let both = Both::start();
    for (part, name) in [("subject", "type"), ("action", "name"), ("resource", "type")] {
        let mut question = allowed();
        question[part][name] = "".into();
        both.one(&question).unwrap_or_else(|error| panic!("{error}"));
        both.batch(&json!({"evaluations": [question, allowed()]})).unwrap_or_else(|error| panic!("{error}"));
    }
    both.check_records();
}

// ---- Any bytes -----------------------------------------------------------------------------------------------------

/// Bytes near these: some taken out, put in, changed or said twice.
fn mutated(tape: &mut Tape<'_>, bytes: &[u8], words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..[1, 1, 2, 4][tape.below(4)] {
        let start = tape.below(bytes.len() + 1);
        let end = (start + tape.below(12)).min(bytes.len());
        match tape.below(9) {
            0 => drop(bytes.drain(start..end)),
            1 => bytes.truncate(start),
            // One letter for another, which often leaves the form as it was.
            6.. => {
                if let Some(letter) = bytes[start..].iter_mut().find(|byte| byte.is_ascii_alphanumeric()) {
                    *letter = b'q';
                }
            }
            2 => {
                let word = tape.pick(words);
                bytes.splice(start..end, word.iter().copied());
            }
            3 => {
                let word = tape.pick(words);
                bytes.splice(start..start, word.iter().copied());
            }
            4 => {
                let twice = bytes[start..end].to_vec();
                bytes.splice(start..start, twice);
            }
            _ => {
                let random: Vec<u8> = (0..tape.below(6)).map(|_| u8::try_from(tape.below(256)).unwrap()).collect();
                bytes.splice(start..end, random);
            }
        }
    }
    bytes
}

fn random(tape: &mut Tape<'_>, most: usize) -> Vec<u8> {
    (0..tape.below(most)).map(|_| u8::try_from(tape.below(256)).unwrap()).collect()
}

/// Answers in the bytes of a gRPC body: as far as they are whole.
fn frames(mut body: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    while let [_, one, two, three, four, rest @ ..] = body {
        let length = u32::from_be_bytes([*one, *two, *three, *four]) as usize;
        let Some((frame, after)) = rest.split_at_checked(length) else { break };
        frames.push(frame);
        body = after;
    }
    frames
}

const JSON_WORDS: [&[u8]; 14] = [
    b"{",
    b"}",
    b"[",
    b"\"",
    b":",
    b"null",
    b"1e999",
    b"-0",
    b"\\ud800",
    b"\xff\xfe",
    b"\"decision\":true",
    b"\x00",
    b"{\"a\":{\"a\":{\"a\":[[[[[[[[[[[[[[[[[[",
    "é👩‍👩‍👧".as_bytes(),
];

const WIRE_WORDS: [&[u8]; 8] = [
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x0a",
    b"\x12\x00",
    b"\x1a\x7f",
    b"\x2a\x04\x2a\x02\x0a\x00",
    b"\x00",
    b"\x0b\x0c",
    "é".as_bytes(),
];

#[tokio::test]
async fn any_bytes_on_the_wire_never_panic() {
    let sidecar = Sidecar::builder().start();
    // Far from anything that is allowed: no few bytes make a good question of it.
    let mut question = allowed();
    question["subject"] = json!({"type": "Officer", "id": "nobody that the directory has ever heard of"});
    let batch = json!({"evaluations": [{}, question, {"subject": 3}], "action": question["action"], "resource": question["resource"]});
    let message = parts(&question);
    let several = pb::EvaluateBatchRequest {
        evaluations: vec![message.clone(), pb::EvaluateRequest::default()],
        evaluations_semantic: 1,
        ..pb::EvaluateBatchRequest::default()
    };
    let streamed =
        pb::EvaluateStreamRequest { id: "1".into(), evaluation: Some(message.clone()), ..Default::default() };
    let calls: [(&str, Vec<u8>); 3] = [
        ("Evaluate", message.encode_to_vec()),
        ("EvaluateBatch", several.encode_to_vec()),
        ("EvaluateStream", streamed.encode_to_vec()),
    ];
    let mut runner = fixed(1);
    let strategy = numbers(2_000);
    let (mut answered, mut refused) = (0, 0);
    for round in 0..60 {
        let numbers = strategy.new_tree(&mut runner).unwrap().current();
        let mut tape = numbers.tape();
        // JSON.
        for (path, body) in [("/access/v1/evaluation", &question), ("/access/v1/evaluations", &batch)] {
            let body = match tape.below(8) {
                7 => random(&mut tape, 200),
                _ => mutated(&mut tape, body.to_string().as_bytes(), &JSON_WORDS),
            };
            let reply = sidecar.post_bytes(path, body.clone()).await;
            assert!([200, 400, 413].contains(&reply.status.as_u16()), "{} {body:?}", reply.status);
            assert!(!reply.text().contains("\"decision\":true"), "{} {body:?}", reply.text());
            *(if reply.status == 200 { &mut answered } else { &mut refused }) += 1;
        }
        // gRPC. What breaks the connection breaks this one alone.
        let stream = TcpStream::connect(sidecar.address).await.unwrap();
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        for (method, body) in &calls {
            let body = match tape.below(8) {
                7 => random(&mut tape, 200),
                _ => mutated(&mut tape, body, &WIRE_WORDS),
            };
            let mut framed = vec![u8::from(tape.one_in(8))];
            framed.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
            framed.extend(&body);
            match tape.below(6) {
                4 => framed = random(&mut tape, 60),
                5 => framed = mutated(&mut tape, &framed, &WIRE_WORDS),
                _ => {}
            }
            let request = Request::post(format!("http://localhost/poort.v1.AccessEvaluation/{method}"))
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .body(Full::new(Bytes::from(framed.clone())))
                .unwrap();
            let response = sender.send_request(request).await.unwrap();
            let mut status = response.headers().get("grpc-status").cloned();
            let body = response.into_body().collect().await.unwrap();
            status = status.or_else(|| body.trailers().and_then(|trailers| trailers.get("grpc-status").cloned()));
            let status = status.unwrap_or_else(|| panic!("no status: {method} {framed:?}"));
            // Never UNKNOWN (2) or INTERNAL (13) by poort's own hand: tonic says INTERNAL of broken frames.
            assert_ne!(status, "2", "{method} {framed:?}");
            for frame in frames(&body.to_bytes()) {
                let allowed = match *method {
                    "Evaluate" => pb::EvaluateResponse::decode(frame).unwrap().decision,
                    "EvaluateBatch" => pb::EvaluateBatchResponse::decode(frame)
                        .unwrap()
                        .evaluations
                        .iter()
                        .any(|answer| answer.decision),
                    _ => matches!(
                        pb::EvaluateStreamResponse::decode(frame).unwrap().result,
                        Some(pb::evaluate_stream_response::Result::Evaluation(answer)) if answer.decision
                    ),
                };
                assert!(!allowed, "{method} {framed:?}");
            }
            *(if status == "0" { &mut answered } else { &mut refused }) += 1;
        }
        // The bare socket.
        let head = b"POST /access/v1/evaluation HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
        let words: [&[u8]; 5] =
            [b"\r\n", b"\x00\x00\x09\x01\x05\x00\x00\x00\x01", b"transfer-encoding: chunked\r\n", b"\xff", b" "];
        let bytes = match round % 4 {
            0 => random(&mut tape, 400),
            1 => mutated(&mut tape, head, &words),
            2 => [preface.as_slice(), &random(&mut tape, 200)].concat(),
            _ => mutated(&mut tape, preface, &words),
        };
        garbage(&sidecar, &bytes).await;
    }
    for n in [20, 200] {
        let many = (0..n).map(|index| format!("x-{index}: {}\r\n", "é".repeat(2_000))).collect::<String>();
        garbage(&sidecar, format!("POST /access/v1/evaluation HTTP/1.1\r\nhost: x\r\n{many}\r\n").as_bytes()).await;
    }
    let request = Request::post("http://localhost/poort.v1.AccessEvaluation/Evaluate")
        .header("content-type", "application/grpc")
        .header("traceparent", "0".repeat(100_000))
        .body(tonic::body::Body::empty())
        .unwrap();
    let mut bare = BareChannel::to(&sidecar).await;
    // Refused with a status or a reset, as the library likes.
    let _ = tower::Service::call(&mut bare, request).await;

    assert!(answered > 10 && refused > 100, "answered {answered}, refused {refused}");
    for record in sidecar.records() {
        assert!(!record["body"].to_string().contains("\"decision\":true"), "{record}");
    }
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    assert!(!sidecar.log().contains("panicked"), "{}", sidecar.log());
}

/// Sends bytes and reads what comes back until the other side is done.
async fn garbage(sidecar: &Sidecar, bytes: &[u8]) {
    let mut stream = TcpStream::connect(sidecar.address).await.unwrap();
    // The other side may have had enough before all of it is sent.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("\"decision\":true"), "{bytes:?}");
}

// ---- Any files -----------------------------------------------------------------------------------------------------

const TEMPLATE: &str = "@id(\"é👩‍👩‍👧\") @title(\"Eén.\") permit (principal in ?principal, action, resource == ?resource) when { resource.level > 1 };";
const LINKS: &str = r#"[{"template_id": "é👩‍👩‍👧", "link_id": "één", "args": {"?principal": "Unit::\"north\"", "?resource": "Case::\"1\""}}]"#;

/// Text near this one, or any text.
fn text_near(tape: &mut Tape<'_>, text: &str) -> String {
    const WORDS: [&str; 34] = [
        "",
        "é",
        "👩‍👩‍👧",
        "\u{feff}",
        "\u{0}",
        "\t",
        "\r\n",
        "\n",
        "\"",
        "\\",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ";",
        "@id(\"p0\")",
        "@id",
        "principal",
        "?principal",
        "unless { ",
        "permit",
        "forbid (principal, action, resource);",
        "// é",
        "@parents(\"é\")",
        "@source(\"é\")",
        "@uri(\"x\")",
        "namespace É {",
        "entity Case;",
        "9223372036854775808",
        "like \"\\u{110000}\"",
        "has é",
        "@obligation(\"[{\\\"type\\\": \\\"é\\\"}]\")",
    ];
    if tape.one_in(12) {
        return String::new();
    }
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..[0, 1, 1, 2, 4, 12][tape.below(6)] {
        let start = tape.below(characters.len() + 1);
        let end = (start + [0, 1, 3, 40][tape.below(4)]).min(characters.len());
        match tape.below(5) {
            0 => drop(characters.drain(start..end)),
            1 => characters.truncate(start),
            2 => {
                let twice = characters[start..end].to_vec();
                characters.splice(end..end, twice);
            }
            _ => {
                let word = tape.pick(&WORDS);
                characters.splice(start..end, word.chars());
            }
        }
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_policy_file_of_any_text_never_panics(numbers in numbers(200), wild in any::<String>()) {
        let mut tape = numbers.tape();
        let policies = POLICIES.iter().enumerate().map(|(index, policy)| format!("@id(\"p{index}\") {policy}\n"));
        let policies: Vec<String> = policies.skip(tape.below(15)).take(1 + tape.below(5)).collect();
        let mut texts = [SCHEMA.to_owned(), policies.concat(), TEMPLATE.to_owned(), LINKS.to_owned(), directory_at(0)];
        // Mostly one file is odd, so that what comes after it is looked at too.
        let odd = tape.below(texts.len());
        let second = if tape.one_in(3) { tape.below(texts.len()) } else { odd };
        for index in [odd, second] {
            texts[index] = if tape.one_in(10) { wild.clone() } else { text_near(&mut tape, &texts[index]) };
        }
        let [schema, policies, template, links, directory] = &texts;
        let sources = Sources {
            policies: policy::Sources::from_texts("p", [
                (policy::SCHEMA_FILE, schema.as_str()), ("a.cedar", policies), ("é.cedar", template), ("l.links.json", links),
            ]),
            directory: directory::Sources::from_texts("d", [("é.json", directory.as_str())]),
        };
        let (snapshot, problems) = Snapshot::from_sources(&sources);
        prop_assert_eq!(snapshot.is_none(), has_errors(&problems), "{:?}", problems);
        for colour in [false, true] {
            let shown = report(&problems, colour);
            prop_assert_eq!(shown.is_empty(), problems.is_empty());
        }
        for problem in &problems {
            prop_assert!(!problem.one_line().is_empty());
            if let Some((line, column)) = problem.position() {
                prop_assert!(line > 0 && column > 0);
            }
        }
        prop_assert!(problems.iter().filter(|problem| Problem::is_error(problem)).all(|problem| !problem.file().is_empty()));
    }
}

/// In a process of its own, because a stack that runs over ends the whole process.
#[test]
fn a_file_that_is_nested_without_end_ends_nothing() {
    let nested = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(3_000), close.repeat(3_000));
    let policy = |condition: String| {
        ("all.cedar", format!("@id(\"p\") permit (principal, action, resource) when {{ {condition} }};"))
    };
    let schema = |ty: String| ("schema.cedarschema", format!("{SCHEMA} entity Deep {{ a: {ty} }};"));
    let files = [
        policy(nested("(", "true", ")")),
        policy(nested("[", "1", "]") + " == [1]"),
        policy(nested("if true then true else ", "true", "")),
        policy(nested("true && ", "true", "")),
        policy(nested("principal.active || ", "true", "")),
        policy(nested("1 + ", "1", "") + " == 1"),
        policy(format!("principal{}.active", ".unit".repeat(3_000))),
        schema(nested("Set<", "Long", ">")),
        schema(nested("{ a: ", "Long", "}")),
        schema("Set\n< ".repeat(20_000) + "Long" + &">".repeat(20_000)),
        // Long, and within the bounds: what is taken must be explained too.
        policy(format!("{}1 == 280", "1 + ".repeat(279))),
        ("all.links.json", nested("[", "", "]")),
        ("directory/all.json", nested("[", "", "]")),
        ("directory/all.json", format!("[{{\"uid\": {}}}]", nested("[", "", "]"))),
    ];
    let mut ended = Vec::new();
    for (file, text) in files {
        let folder = support::folder();
        std::fs::create_dir(folder.path().join("directory")).unwrap();
        std::fs::write(folder.path().join("schema.cedarschema"), SCHEMA).unwrap();
        std::fs::write(folder.path().join("directory/known.json"), directory_at(0)).unwrap();
        std::fs::write(folder.path().join(file), &text).unwrap();
        let output = run(["validate".as_ref(), folder.path().as_os_str()]);
        let mut ends = vec![output.status];
        if output.status.success() {
            let question = json!({"subject": {"type": "Account", "id": "anna"}, "action": {"name": "quiet"},
                "resource": {"type": "Case", "id": "1", "properties": {"unit": "north", "level": 1}}});
            let explain = ["evaluate".as_ref(), "--explain".as_ref(), "--policies".as_ref(), folder.path().as_os_str()];
            ends.push(support::run_with_input(explain, question.to_string().as_bytes()).status);
        }
        // A signal has no code. Refused, or taken where it is long and no more.
        if ends.iter().any(|end| end.code().is_none()) {
            let middle = text.len() / 4;
            ended.push(format!("{file} …{}…: {ends:?}", &text[middle..middle + 30]));
        }
    }
    assert!(ended.is_empty(), "{ended:#?}");
}

#[test]
fn a_change_of_one_account_leaves_the_cached_answers_of_the_others_and_of_what_no_policy_reads() {
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
    let renamed = Snapshot::after(Some(&before), &world(2, "Bart")).0.unwrap();
    let raised = Snapshot::after(Some(&renamed), &world(3, "Bart")).0.unwrap();
    let [[anna, bert], after_rename, [anna_after, bert_after]] = [keys(&before), keys(&renamed), keys(&raised)];
    // Equal in all that the policy reads, they share an answer; which of them it is, it does not read.
    assert_eq!(anna, bert);
    assert_eq!(after_rename, [anna.clone(), bert.clone()]);
    assert_eq!(anna_after, anna);
    assert_ne!(bert_after, bert);
}
