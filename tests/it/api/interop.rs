//! poort beside the interoperability scenarios of the AuthZEN working group (github.com/openid/authzen): its certification
//! scenario for Authorization API 1.0 (levels Basic, Batch and Discovery), the Todo application, and API gateways.
//!
//! Each scenario has policies and a directory of its own. The requests and decisions are those of the scenarios, in a form
//! that shows what differs. Their runners compare whole answers, so the context is left out (`answers.context`).

use crate::support::{self, Reply, Sidecar, folder};
use hyper::Request;
use serde_json::{Value, json};
use std::{fs, path::Path};

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";

/// A sidecar with these policies and this directory, whose answers have no context.
fn sidecar(folder: &Path, schema: &str, policies: &[&str], directory: &Value) -> Sidecar {
    let policies = policies.iter().enumerate().map(|(index, policy)| {
        format!("@id(\"interop.{index}\")\n@title(\"Policy {index} of the scenario.\")\n{policy};\n")
    });
    fs::write(folder.join("schema.cedarschema"), schema).unwrap();
    fs::write(folder.join("interop.cedar"), policies.collect::<String>()).unwrap();
    fs::create_dir(folder.join("directory")).unwrap();
    fs::write(folder.join("directory/all.json"), directory.to_string()).unwrap();
    Sidecar::builder().policies(folder).config("[answers]\ncontext = \"none\"\n").start()
}

#[track_caller]
fn check(reply: &Reply, expected: &Value) {
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json(), *expected);
}

/// Users and records whose properties come with the question, as the certification's fixture has them.
fn certified(folder: &Path) -> Sidecar {
    let schema = "@source(\"request\") entity user { role?: String };
        @source(\"request\") entity record { status?: String };
        action read, write appliesTo { principal: user, resource: record };
        action delete appliesTo { principal: user, resource: record, context: { action?: { soft: Bool } } };";
    let policies = [
        "permit (principal, action == Action::\"read\", resource)",
        "permit (principal == user::\"alice\", action == Action::\"write\", resource)
            unless { resource has status && resource.status == \"archived\" }",
        "permit (principal, action == Action::\"write\", resource)
            when { principal has role && principal.role == \"admin\" }",
        "permit (principal, action == Action::\"delete\", resource)
            when { context has action && context.action.soft }",
    ];
    sidecar(folder, schema, &policies, &json!([]))
}

fn user(id: &str) -> Value {
    json!({"type": "user", "id": id})
}

fn record(id: &str) -> Value {
    json!({"type": "record", "id": id})
}

fn archived() -> Value {
    json!({"type": "record", "id": "record-2", "properties": {"status": "archived"}})
}

fn admin() -> Value {
    json!({"type": "user", "id": "bob", "properties": {"role": "admin"}})
}

fn question(subject: &Value, action: &Value, resource: &Value) -> Value {
    json!({"subject": subject, "action": action, "resource": resource})
}

#[tokio::test]
async fn single_questions_are_answered_as_the_certification_demands() {
    let folder = folder();
    let sidecar = certified(folder.path());
    let (read, write) = (json!({"name": "read"}), json!({"name": "write"}));
    let delete = |soft: bool| json!({"name": "delete", "properties": {"soft": soft}});
    let (alice, bob, first) = (user("alice"), user("bob"), record("record-1"));
    let with = |more: Value| {
        let mut question = question(&alice, &read, &first);
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        question
    };
    for (asked, allowed) in [
        (question(&alice, &read, &first), true),
        (question(&alice, &write, &first), true),
        (question(&bob, &read, &first), true),
        (question(&bob, &write, &first), false),
        (question(&alice, &write, &archived()), false),
        (question(&admin(), &write, &archived()), true),
        (question(&alice, &delete(true), &first), true),
        (question(&alice, &delete(false), &first), false),
        (with(json!({"context": {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}})), true),
        (with(json!({"foo": "bar", "futureField": {"nested": true}})), true),
        (
            json!({
                "subject": {"type": "user", "id": "alice", "properties": {"department": "Sales", "role": "manager"}},
                "action": {"name": "read", "properties": {"method": "GET"}},
                "resource": {"type": "record", "id": "record-1", "properties": {"status": "active", "owner": "bob"}},
            }),
            true,
        ),
    ] {
        // Twice: the same question has the same decision.
        for _ in 0..2 {
            check(&sidecar.post(EVALUATION, &asked).await, &json!({"decision": allowed}));
        }
        // A batch without items is a single question.
        check(&sidecar.post(EVALUATIONS, &asked).await, &json!({"decision": allowed}));
    }
    for (pointer, value) in [
        ("/subject", Value::Null),
        ("/action", Value::Null),
        ("/resource", Value::Null),
        ("/subject/type", Value::Null),
        ("/subject/id", Value::Null),
        ("/action/name", Value::Null),
        ("/resource/type", Value::Null),
        ("/resource/id", Value::Null),
        ("/subject", json!("alice")),
        ("/action/name", json!(123)),
    ] {
        let mut asked = with(json!({}));
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = asked.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Value::Null => drop(parent.remove(name)),
            value => parent[name] = value,
        }
        assert_eq!(sidecar.post(EVALUATION, &asked).await.status, 400, "{asked}");
    }
    for body in ["", "{", "[]"] {
        assert_eq!(sidecar.post_bytes(EVALUATION, body.into()).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn batches_are_answered_as_the_certification_demands() {
    let folder = folder();
    let sidecar = certified(folder.path());
    let (alice, bob) = (user("alice"), user("bob"));
    let all = |decisions: &[bool]| {
        let answers: Vec<_> = decisions.iter().map(|decision| json!({"decision": decision})).collect();
        json!({"evaluations": answers})
    };
    let active = json!({"type": "record", "id": "record-1", "properties": {"status": "active"}});
    for (asked, decisions) in [
        (
            json!({"subject": alice, "action": {"name": "read"},
                "evaluations": [{"resource": record("record-1")}, {"resource": record("record-2")}]}),
            [true, true],
        ),
        (
            json!({"subject": bob, "resource": record("record-1"),
                "evaluations": [{"action": {"name": "read"}}, {"action": {"name": "write"}}]}),
            [true, false],
        ),
        (
            json!({"action": {"name": "write"}, "resource": archived(),
                "evaluations": [{"subject": alice}, {"subject": admin()}]}),
            [false, true],
        ),
        (
            json!({"evaluations": [
                question(&alice, &json!({"name": "read"}), &record("record-1")),
                question(&bob, &json!({"name": "write"}), &record("record-1"))]}),
            [true, false],
        ),
        (
            json!({"subject": alice, "action": {"name": "read"}, "context": {"time": "2025-06-27T18:03-07:00"},
                "evaluations": [{"resource": record("record-1")},
                    {"resource": record("record-2"), "context": {"time": "2025-06-27T19:00-07:00", "source": "batch"}}]}),
            [true, true],
        ),
        (
            json!({"subject": alice, "action": {"name": "write"}, "resource": active,
                "evaluations": [{}, {"resource": archived()}]}),
            [true, false],
        ),
    ] {
        check(&sidecar.post(EVALUATIONS, &asked).await, &all(&decisions));
    }
    let mut empty = question(&alice, &json!({"name": "read"}), &record("record-1"));
    empty["evaluations"] = json!([]);
    check(&sidecar.post(EVALUATIONS, &empty).await, &json!({"decision": true}));
    let partly = json!({"subject": alice, "action": {"name": "read"}, "options": {"evaluations_semantic": "execute_all"},
        "evaluations": [{"resource": record("record-1")}, {}]});
    let reply = sidecar.post(EVALUATIONS, &partly).await.json();
    assert_eq!(reply["evaluations"][0], json!({"decision": true}));
    assert_eq!(reply["evaluations"][1]["decision"], false);
    assert_eq!(reply["evaluations"][1]["context"]["error"]["status"], 400);
}

#[tokio::test]
async fn the_metadata_has_the_addresses_that_the_certification_asks() {
    let folder = folder();
    let sidecar = certified(folder.path());
    let metadata = {
        let request = Request::get("/.well-known/authzen-configuration").header("host", "localhost");
        support::request(sidecar.address, request.body(Vec::new()).unwrap()).await
    };
    assert_eq!(metadata.status, 200);
    assert_eq!(metadata.headers["content-type"], "application/json");
    let metadata = metadata.json();
    let base = metadata["policy_decision_point"].as_str().unwrap();
    for (name, path) in [("access_evaluation_endpoint", EVALUATION), ("access_evaluations_endpoint", EVALUATIONS)] {
        assert_eq!(metadata[name], format!("{base}{path}"));
    }
}

/// The subjects of both applications: an id, an address, and roles.
const PEOPLE: [(&str, &str, &[&str]); 5] = [
    ("CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", "rick@the-citadel.com", &["admin", "evil_genius"]),
    ("CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", "morty@the-citadel.com", &["editor"]),
    ("CiRmZDI2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", "summer@the-smiths.com", &["editor"]),
    ("CiRmZDM2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", "beth@the-smiths.com", &["viewer"]),
    ("CiRmZDQ2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", "jerry@the-smiths.com", &["viewer"]),
];

/// The people as entities of a type, and their roles, each below the role that it extends.
fn people(kind: &str) -> Vec<Value> {
    let role = |name: &str| json!({"type": "role", "id": name});
    let roles =
        [("admin", Some("editor")), ("evil_genius", Some("editor")), ("editor", Some("viewer")), ("viewer", None)];
    let roles = roles.iter().map(|(name, above)| {
        json!({"uid": role(name), "attrs": {}, "parents": above.map(role).into_iter().collect::<Vec<_>>()})
    });
    let people = PEOPLE.iter().map(|(id, email, roles)| {
        let parents: Vec<_> = roles.iter().map(|name| role(name)).collect();
        json!({"uid": {"type": kind, "id": id}, "attrs": {"email": email}, "parents": parents})
    });
    roles.chain(people).collect()
}

#[tokio::test]
async fn the_todo_application_gets_the_decisions_of_its_scenario() {
    let schema = "entity role in [role];
        entity user in [role] { email: String };
        @source(\"request\") entity todo { ownerID?: String };
        action can_read_user appliesTo { principal: user, resource: user };
        action can_read_todos, can_create_todo, can_update_todo, can_delete_todo
            appliesTo { principal: user, resource: todo };";
    let policies = [
        "permit (principal, action == Action::\"can_read_user\", resource)",
        "permit (principal in role::\"viewer\", action == Action::\"can_read_todos\", resource)",
        "permit (principal in role::\"editor\", action == Action::\"can_create_todo\", resource)",
        "permit (principal in role::\"editor\", action in [Action::\"can_update_todo\", Action::\"can_delete_todo\"], resource)
            when { resource has ownerID && resource.ownerID == principal.email }",
        "permit (principal in role::\"evil_genius\", action == Action::\"can_update_todo\", resource)",
        "permit (principal in role::\"admin\", action == Action::\"can_delete_todo\", resource)",
    ];
    // A user is asked for by address too.
    let mut directory = people("user");
    directory.extend(
        PEOPLE.iter().map(
            |(_, email, _)| json!({"uid": {"type": "user", "id": email}, "attrs": {"email": email}, "parents": []}),
        ),
    );
    let folder = folder();
    let sidecar = sidecar(folder.path(), schema, &policies, &Value::from(directory));
    let todo = |owner: &str| json!({"type": "todo", "id": "7240d0db", "properties": {"ownerID": owner}});
    let any = json!({"type": "todo", "id": "todo-1"});
    let rick = PEOPLE[0].1;
    // Of each: reads a user (twice), reads, creates, updates Rick's and the own, deletes Rick's and the own.
    let expected = [
        [true, true, true, true, true, true, true, true],
        [true, true, true, true, false, true, false, true],
        [true, true, true, true, false, true, false, true],
        [true, true, true, false, false, false, false, false],
        [true, true, true, false, false, false, false, false],
    ];
    for ((id, email, _), expected) in PEOPLE.iter().zip(expected) {
        // Rick's own is Rick's, so the scenario has him change Morty's.
        let own = if *email == rick { PEOPLE[1].1 } else { email };
        let asked = [
            ("can_read_user", user(PEOPLE[3].1)),
            ("can_read_user", user(email)),
            ("can_read_todos", any.clone()),
            ("can_create_todo", any.clone()),
            ("can_update_todo", todo(rick)),
            ("can_update_todo", todo(own)),
            ("can_delete_todo", todo(rick)),
            ("can_delete_todo", todo(own)),
        ];
        for ((action, resource), allowed) in asked.iter().zip(expected) {
            let plain = question(&user(id), &json!({"name": action}), resource);
            // An earlier draft has members beside the properties.
            let mut drafted = plain.clone();
            drafted["subject"]["identity"] = json!(id);
            drafted["resource"]["userID"] = json!(email);
            for asked in [plain, drafted] {
                check(&sidecar.post(EVALUATION, &asked).await, &json!({"decision": allowed}));
            }
        }
    }
    for (who, other, decisions) in [(0, 4, [true, true]), (1, 1, [false, true]), (4, 4, [false, false])] {
        let asked = json!({"subject": user(PEOPLE[who].0), "action": {"name": "can_update_todo"},
            "evaluations": [{"resource": todo(rick)}, {"resource": todo(PEOPLE[other].1)}]});
        let [one, two] = decisions.map(|decision| json!({"decision": decision}));
        check(&sidecar.post(EVALUATIONS, &asked).await, &json!({"evaluations": [one, two]}));
    }
}

#[tokio::test]
async fn an_api_gateway_gets_the_decisions_of_its_scenario() {
    let schema = "entity role in [role];
        entity identity in [role] { email: String };
        @source(\"request\") entity route;
        action GET, POST, PUT, DELETE appliesTo { principal: identity, resource: route };";
    let policies = [
        "permit (principal in role::\"viewer\", action == Action::\"GET\", resource)",
        "permit (principal in role::\"editor\", action == Action::\"POST\", resource == route::\"/todos\")",
        "permit (principal in role::\"editor\", action in [Action::\"PUT\", Action::\"DELETE\"],
            resource == route::\"/todos/{todoId}\")",
    ];
    let folder = folder();
    let sidecar = sidecar(folder.path(), schema, &policies, &Value::from(people("identity")));
    for (index, (id, ..)) in PEOPLE.iter().enumerate() {
        for (action, route, allowed) in [
            ("GET", "/users/{userId}", true),
            ("GET", "/todos", true),
            ("POST", "/todos", index < 3),
            ("PUT", "/todos/{todoId}", index < 3),
            ("DELETE", "/todos/{todoId}", index < 3),
        ] {
            let subject = json!({"type": "identity", "id": id});
            let asked = question(&subject, &json!({"name": action}), &json!({"type": "route", "id": route}));
            check(&sidecar.post(EVALUATION, &asked).await, &json!({"decision": allowed}));
        }
    }
}
