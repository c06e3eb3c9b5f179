//! Obligations that the schema declares: each mistake is found at its place, and answers and descriptions have each key.

use super::{findings, finds, validate};
use crate::support::{Sidecar, check, folder, request, run};
use hyper::Request;
use serde_json::json;
use std::fs;
use tempfile::TempDir;

const SCHEMA: &str = r#"
@obligation @doc("Leave these out.") @values("reporter, address")
type hide = Set<String>;
@obligation @doc("Stay with the visitor.")
type stay = {};
@obligation @doc("Send this.")
type notification = { to: String, body: String, @values("fast, slow") topic?: String };
@obligation @doc("End all sessions.")
type session_termination = {};
entity User;
@source("request")
entity Doc { kind?: String };
action read appliesTo { principal: User, resource: Doc };
"#;

/// A folder with a policy that asks for each, and one that asks for this.
fn world(schema: &str, obligation: &str) -> TempDir {
    let folder = folder();
    fs::write(folder.path().join("schema.cedarschema"), schema).unwrap();
    let rule = |id: &str, obligation: &str, rest: &str| {
        format!("@id(\"{id}\")\n@title(\"{id}.\")\n@obligation(\"{obligation}\")\n{rest};\n")
    };
    let all = "hide: address; stay; notification: to = desk, body = Read.";
    let text = rule("all", all, "permit (principal, action, resource)")
        + &rule("left", "session_termination", "forbid (principal == User::\"leo\", action, resource)")
        + &rule("p", obligation, "permit (principal == User::\"pim\", action, resource)");
    fs::write(folder.path().join("a.cedar"), text).unwrap();
    fs::create_dir(folder.path().join("directory")).unwrap();
    let users = ["anna", "leo", "pim"].map(|id| json!({"uid": {"type": "User", "id": id}, "attrs": {}, "parents": []}));
    fs::write(folder.path().join("directory/users.json"), json!(users).to_string()).unwrap();
    folder
}

#[track_caller]
fn says(obligation: &str, message: &str, help: &str) {
    let folder = world(SCHEMA, obligation);
    finds(folder.path(), &[&format!("policy::annotation a.cedar:11: {help}")]);
    let (told, _) = check(&validate(folder.path(), &["--format", "json"]), 3);
    assert!(told.contains(message), "{told}");
}

#[test]
fn an_obligation_that_is_not_declared_is_an_error() {
    says("hied: address", "declares no obligation `hied`", "did you mean `hide`?");
    let known = "the schema declares hide, notification, session_termination, stay";
    says("encrypt", "declares no obligation `encrypt`", known);
    says("", "@obligation is empty", "the schema declares");
    says("stay; sty", "declares no obligation `sty`", "did you mean `stay`?");
    says("{\\\"type\\\": \\\"custom\\\"}", "declares no obligation", known);
}

#[test]
fn parameters_that_do_not_fit_are_an_error() {
    let hide = "hide is declared in the schema: Leave these out.";
    says("hide: adress", "has a parameter that is `adress`", hide);
    says("hide", "has an empty parameter", hide);
    says("hide: address,", "has an empty parameter", hide);
    says("stay: long", "takes no parameters, and has `long`", "stay is declared in the schema: Stay with the visitor.");
    let send = "notification is declared in the schema: Send this.";
    says("notification: to = desk", "needs the parameter `body`", send);
    says("notification: to = desk, boddy = x", "did you mean `body`?", send);
    says("notification: desk", "takes parameters as `name = text, other = text`", send);
    says("notification: to = desk, body = x, topic = quick", "is `quick`", send);
    says("hide: address; hide: reporter", "the obligation `hide` is there twice", "name it once");
    says("notification: to = a, body = b; notification: to = c, body = d", "is there twice", "name it once");
}

#[test]
fn a_declaration_that_says_too_little_is_an_error() {
    let help =
        "write @obligation @doc(\"What it asks.\") type key = {}; or = String; or = Set<String>; or a record of these";
    for (from, to, line) in [
        ("@doc(\"Stay with the visitor.\")", "", 5),
        ("type stay = {}", "type stay = Long", 5),
        ("to: String,", "", 7),
        ("type session_termination = {}", "type session_termination = String", 9),
        ("@obligation @doc(\"Stay", "@obligation(\"custom\") @doc(\"Stay", 5),
        ("type stay", "@values(\"a\") type stay", 5),
    ] {
        let folder = world(&SCHEMA.replace(from, to), "stay");
        let expected = format!("schema::obligation schema.cedarschema:{line}: {help}");
        assert!(findings(folder.path()).contains(&expected), "{to}: {:?}", findings(folder.path()));
    }
}

#[test]
fn an_obligation_that_no_policy_names_is_a_warning() {
    let schema = format!("{SCHEMA}@obligation @doc(\"Show it whole.\")\ntype show_whole = {{}};\n");
    let folder = world(&schema, "stay");
    finds(
        folder.path(),
        &["schema::unused-obligation schema.cedarschema:15: name it in a policy, or leave it out of the schema"],
    );
    check(&validate(folder.path(), &[]), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_and_metadata_have_the_keys() {
    let folder = world(SCHEMA, "stay");
    let sidecar = Sidecar::builder().policies(folder.path()).start();
    let ask = |id: &str| json!({"subject": {"type": "User", "id": id}, "action": {"name": "read"}, "resource": {"type": "Doc", "id": "d"}});
    let answer = sidecar.evaluate(&ask("anna")).await;
    assert_eq!(
        answer["context"]["obligations"],
        json!([
            {"id": "all#1", "type": "notification", "properties": {"to": "desk", "body": "Read."}},
            {"id": "all#2", "type": "custom", "properties": {"hide": ["address"], "stay": "Stay with the visitor."}},
        ])
    );
    // Twice, so that one is from the cache.
    for _ in 0..3 {
        let denied = sidecar.evaluate(&ask("leo")).await;
        let ended = json!([{"id": "left", "type": "session_termination", "properties": {"subject": "leo"}}]);
        assert_eq!((&denied["decision"], &denied["context"]["obligations"]), (&json!(false), &ended));
    }
    let metadata = Request::get("/.well-known/authzen-configuration").header("host", "localhost");
    let metadata = request(sidecar.address, metadata.body(Vec::new()).unwrap()).await.json();
    assert_eq!(metadata["supported_obligations"], json!(["custom", "notification", "session_termination"]));
    let listed = metadata["obligations"].as_array().unwrap();
    assert_eq!(listed[0]["key"], "hide");
    assert_eq!(
        listed[0]["value"],
        json!({"type": "array", "items": {"type": "string", "enum": ["address", "reporter"]}})
    );
    let (page, _) = check(&run(["schema", folder.path().to_str().unwrap()]), 0);
    assert!(page.contains("| `stay` | `custom` | Stay with the visitor. |"), "{page}");
}
