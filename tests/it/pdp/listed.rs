//! Entities of a type whose entities the schema lists (an `enum`, and actions as values): there are no others, in questions,
//! suites and the directory alike. Proofs take the list for all that there is.

use crate::support::{Sidecar, check, folder, run};
use poort::{
    pdp::{
        Clock,
        engine::{UnknownEntities, decide, translate},
    },
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
    types::authzen::{Limits, read_evaluation},
};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// A listed entity in every place where a question can have one.
const SCHEMA: &str = r#"
entity User { kind: Kind, kinds?: Set<Kind> } tags Kind;
entity Kind enum ["open", "secret", "s"];
entity Who enum ["night-shift", "day-shift"];
@source("request")
@parents("kind, kinds")
entity Doc in [Kind] {
  kind: Kind, other?: Kind, kinds?: Set<Kind>, nested?: { deep: { kind: Kind } }, records?: Set<{ kind: Kind }>, done?: Action
} tags Kind;
@source("request")
entity Tagged tags Set<Kind>;
action view, edit appliesTo { principal: [User, Who], resource: [Doc, Who, Tagged],
  context: { kind?: Kind, done?: Set<Action>, action?: { kind?: Kind, done?: Action } } };
namespace Other { action erase appliesTo { principal: User, resource: User }; }
"#;

const POLICY: &str = "@id(\"all\")\n@title(\"All.\")\npermit (principal, action, resource);\n";

fn directory() -> Value {
    json!([{"uid": {"type": "User", "id": "u"}, "attrs": {"kind": {"type": "Kind", "id": "open"}}, "parents": []}])
}

fn snapshot() -> Snapshot {
    let texts = [("schema.cedarschema", SCHEMA), ("p.cedar", POLICY)];
    let sources = Sources {
        policies: policy::Sources::from_texts("p", texts),
        directory: directory::Sources::from_texts("d", [("d.json", directory().to_string().as_str())]),
    };
    let (snapshot, problems) = Snapshot::from_sources(&sources);
    snapshot.unwrap_or_else(|| panic!("{problems:?}"))
}

/// A question that names listed entities everywhere, as the schema lists them.
fn question() -> Value {
    json!({
        "subject": {"type": "User", "id": "u"},
        "action": {"name": "view", "properties": {"kind": "open", "done": "edit"}},
        "resource": {"type": "Doc", "id": "d", "properties": {
            "kind": "open", "other": {"__entity": {"type": "Kind", "id": "secret"}}, "kinds": ["open", "secret"],
            "nested": {"deep": {"kind": "s"}}, "records": [{"kind": "open"}, {"kind": {"type": "Kind", "id": "s"}}],
            "done": {"type": "Action", "id": "edit"}, "tags": {"any": "open", "more": "secret"}}},
        "context": {"kind": "secret", "done": ["view", "edit"]},
    })
}

fn asked(snapshot: &Snapshot, question: &Value) -> Result<bool, String> {
    let evaluation = read_evaluation(question.to_string().as_bytes(), Limits { depth: 16, batch: 1 }).unwrap();
    let moment = Clock::new(jiff::tz::TimeZone::UTC, None).now();
    let question =
        translate(snapshot, &evaluation, &moment, UnknownEntities::Deny).map_err(|error| error.to_string())?;
    Ok(decide(snapshot, &question).decision.is_allow())
}

#[test]
fn a_question_names_only_what_the_schema_lists() {
    let snapshot = snapshot();
    assert_eq!(asked(&snapshot, &question()), Ok(true));
    let escaped = |kind: &str, id: &str| json!({"__entity": {"type": kind, "id": id}});
    for (pointer, value, path, meant) in [
        ("/resource/properties/kind", json!("Secret"), "resource.properties.kind", Some("secret")),
        ("/resource/properties/kind", json!(""), "resource.properties.kind", None),
        ("/resource/properties/other", escaped("Kind", "secrets"), "resource.properties.other", Some("secret")),
        ("/resource/properties/kinds/1", json!("scret"), "resource.properties.kinds[1]", Some("secret")),
        ("/resource/properties/nested/deep/kind", json!("spoon"), "resource.properties.nested.deep.kind", None),
        ("/resource/properties/records/0/kind", json!("ope"), "resource.properties.records[0].kind", Some("open")),
        ("/resource/properties/done", escaped("Action", "Edit"), "resource.properties.done", Some("edit")),
        // Of another namespace, so not of this type.
        ("/resource/properties/done", json!("erase"), "resource.properties.done", None),
        ("/resource/properties/tags/more", json!("secret "), "resource.properties.tags.more", Some("secret")),
        ("/context/kind", json!("SECRET"), "context.kind", Some("secret")),
        ("/context/done/0", json!("vieuw"), "context.done[0]", Some("view")),
        ("/action/properties/kind", json!("opens"), "action.properties.kind", Some("open")),
        ("/action/properties/done", json!("views"), "action.properties.done", Some("view")),
    ] {
        let mut question = question();
        *question.pointer_mut(pointer).unwrap() = value;
        let message = asked(&snapshot, &question).unwrap_err();
        assert!(message.starts_with(&format!("{path}: is not an entity of type ")), "{message}");
        assert!(message.contains("that the schema lists"), "{message}");
        match meant {
            Some(meant) => assert!(message.contains(&format!("did you mean `{meant}`? It lists `")), "{message}"),
            None => assert!(message.contains("; it lists `"), "{message}"),
        }
    }
}

#[test]
fn a_party_is_one_that_the_schema_lists() {
    let snapshot = snapshot();
    let parties = |subject: &str, resource: &str| {
        json!({"subject": {"type": "Who", "id": subject}, "action": {"name": "view"},
            "resource": {"type": "Who", "id": resource}})
    };
    assert_eq!(asked(&snapshot, &parties("night-shift", "day-shift")), Ok(true));
    for (subject, resource, path) in [("intruder", "day-shift", "subject.id"), ("night-shift", "", "resource.id")] {
        let message = asked(&snapshot, &parties(subject, resource)).unwrap_err();
        assert!(
            message.starts_with(&format!("{path}: is not an entity of type Who that the schema lists")),
            "{message}"
        );
    }
}

#[test]
fn unlisted_tags_are_refused_though_no_policy_reads_them() {
    let snapshot = snapshot();
    let tagged = |kind: &str| {
        json!({"subject": {"type": "User", "id": "u"}, "action": {"name": "edit"},
            "resource": {"type": "Tagged", "id": "t", "properties": {"tags": {"a": ["open"], "b": [kind]}}}})
    };
    assert_eq!(asked(&snapshot, &tagged("s")), Ok(true));
    let message = asked(&snapshot, &tagged("t")).unwrap_err();
    assert!(message.starts_with("resource.properties.tags.b[0]: "), "{message}");
}

/// A policy folder with this directory and this suite, if any.
fn written(into: &Path, directory: &Value, suite: &str) {
    let directory = directory.to_string();
    for (name, text) in [
        ("schema.cedarschema", SCHEMA),
        ("p.cedar", POLICY),
        ("directory/d.json", directory.as_str()),
        ("tests/t.yaml", suite),
    ] {
        let file = into.join(name);
        if !text.is_empty() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
    }
}

#[tokio::test]
async fn a_caller_is_told_that_the_question_is_not_valid() {
    let folder = folder();
    written(folder.path(), &directory(), "");
    let sidecar = Sidecar::builder().policies(folder.path()).start();
    assert_eq!(sidecar.evaluate(&question()).await["decision"], true);
    let mut misspelt = question();
    misspelt["resource"]["properties"]["kind"] = "Secret".into();
    let reply = sidecar.post("/access/v1/evaluation", &misspelt).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(reply.text().contains("resource.properties.kind: is not an entity of type Kind"), "{}", reply.text());
}

#[test]
fn a_suite_that_names_another_is_mistaken() {
    let suite = |subject: &str, kind: &str, decision: &str| {
        format!(
            "cases:\n  - {{name: one, subject: \"{subject}\", action: view, decision: {decision},\n     \
             resource: {{type: Doc, id: d, properties: {{kind: {kind}}}}}}}\n"
        )
    };
    for (subject, kind, decision, exit) in [
        ("User::u", "secret", "allow", 0),
        ("User::u", "scret", "deny", 3),
        ("User::u", "scret", "invalid", 0),
        ("Who::nigth-shift", "secret", "deny", 3),
    ] {
        let folder = folder();
        written(folder.path(), &directory(), &suite(subject, kind, decision));
        let (out, told) = check(&run(["test".as_ref(), folder.path().as_os_str()]), exit);
        assert_eq!((out + &told).contains("that the schema lists; did you mean `"), exit != 0, "{told}");
        check(&run(["validate".as_ref(), folder.path().as_os_str()]), exit);
    }
}

#[test]
fn the_directory_names_only_what_the_schema_lists() {
    let entity = |kind: &str, id: &str| json!({"type": kind, "id": id});
    let user = |change: &dyn Fn(&mut Value)| {
        let mut user = directory()[0].clone();
        change(&mut user);
        json!([user])
    };
    let with = |name: &str, value: Value| user(&|user| user["attrs"][name] = value.clone());
    for (directory, exit) in [
        (directory(), 0),
        (with("kind", entity("Kind", "Secret")), 3),
        (with("kind", json!({"__entity": entity("Kind", "opne")})), 3),
        (with("kinds", json!([entity("Kind", "open"), entity("Kind", "secret")])), 0),
        (with("kinds", json!([entity("Kind", "open"), entity("Kind", "no")])), 3),
        (user(&|user| user["tags"] = json!({"a": entity("Kind", "s")})), 0),
        (user(&|user| user["tags"] = json!({"a": entity("Kind", "S")})), 3),
        (json!([{"uid": entity("Kind", "open"), "attrs": {}, "parents": []}]), 0),
        (json!([{"uid": entity("Kind", "opne"), "attrs": {}, "parents": []}]), 3),
        (json!([{"uid": entity("Who", "intruder"), "attrs": {}, "parents": []}]), 3),
    ] {
        let folder = folder();
        written(folder.path(), &directory, "");
        let (_, told) = check(&run(["validate".as_ref(), folder.path().as_os_str()]), exit);
        assert!(exit == 0 || told.contains("directory::invalid"), "{directory}: {told}");
    }
}
