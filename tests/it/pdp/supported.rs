//! `context.supported_obligations`: an allow that asks for what the application cannot do is a deny, and no obligation is lost.

use crate::support::{Sidecar, check, folder, message, run};
use serde_json::{Value, json};

/// The security operations centre, which combines entries of the log under pseudonym.
fn obliged(supported: &Value) -> Value {
    json!({
        "subject": {"type": "Officer", "id": "officer-0054"},
        "action": {"name": "combine"},
        "resource": {"type": "LogEntry", "id": "t-1", "properties": {"level": 2, "account": "officer-0001"}},
        "context": {"purpose": "32a", "supported_obligations": supported},
    })
}

const BEYOND: &str = "Denied: the application does not support the obligations of this access: `pseudonymise`.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_allow_beyond_the_application_is_a_deny() {
    // What the schema does not declare is refused here; this member is poort's own.
    let folder = folder();
    let data = folder.path().join("data");
    let sidecar = Sidecar::builder().config("[decisions]\nundeclared = \"refuse\"\n").data(&data).start();
    let mut client = sidecar.grpc().await;
    for (supported, expected) in [
        (json!(null), true),
        (json!(["hide", "pseudonymise"]), true),
        (json!(["custom"]), true),
        (json!(["pseudonymise", "nobody_knows_this"]), true),
        (json!([]), false),
        (json!(["hide", "session_termination", "Pseudonymise"]), false),
    ] {
        let question = obliged(&supported);
        let answer = sidecar.evaluate(&question).await;
        let context = &answer["context"];
        assert_eq!(answer["decision"], expected, "{supported}: {answer}");
        assert_eq!(context["reason"] == BEYOND, !expected, "{context}");
        let due = if expected { json!(["log.signals"]) } else { json!([]) };
        let ids = |of: &str| of_each(&context[of], "id");
        assert_eq!((ids("policies"), ids("obligations")), (due.clone(), due), "{context}");
        assert!(context.get("undeclared").is_none(), "{context}");
        let same = client.evaluate(message(&question)).await.unwrap().into_inner();
        assert_eq!((same.decision, same.reason.as_str()), (expected, context["reason"].as_str().unwrap()));
        assert_eq!(json!(same.obligations.iter().map(|due| &due.id).collect::<Vec<_>>()), ids("obligations"));
        for record in sidecar.records().iter().rev().take(2) {
            assert_eq!(record["body"]["adl.core.request"]["context"]["supported_obligations"], supported);
        }
    }
    let batch = json!({"evaluations": [obliged(&json!(["pseudonymise"])), obliged(&json!(["hide"]))]});
    let answers = sidecar.post("/access/v1/evaluations", &batch).await.json();
    assert_eq!(of_each(&answers["evaluations"], "decision"), json!([true, false]));
    sidecar.stop();
    check(&run(["log", "replay", "--data", data.to_str().unwrap()]), 0);
}

fn of_each(list: &Value, name: &str) -> Value {
    list.as_array().unwrap().iter().map(|one| one[name].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deny_keeps_its_obligations() {
    let sidecar = Sidecar::builder().start();
    let mut question = obliged(&json!([]));
    question["subject"]["id"] = "officer-0002".into();
    let answer = sidecar.evaluate(&question).await;
    let due = &answer["context"]["obligations"];
    let ended = json!([{"id": "never.left", "type": "session_termination", "properties": {"subject": "officer-0002"}}]);
    assert_eq!((&answer["decision"], due), (&json!(false), &ended));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_something_else_is_refused() {
    let sidecar = Sidecar::builder().start();
    for (supported, what) in [
        (json!("pseudonymise"), "a string"),
        (json!(["pseudonymise", 1]), "a number"),
        (json!({"pseudonymise": true}), "an object"),
    ] {
        let refused = sidecar.post("/access/v1/evaluation", &obliged(&supported)).await;
        let expected = format!("context.supported_obligations: holds {what}; list the obligations");
        assert!(refused.status == 400 && refused.text().contains(&expected), "{}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minimal_deny_says_what_the_application_lacks() {
    let sidecar = Sidecar::builder().config("[answers]\ncontext = \"none\"\n").start();
    let mut client = sidecar.grpc().await;
    for (supported, expected, reason) in [
        (json!(["hide"]), json!({"decision": false, "context": {"reason": BEYOND}}), BEYOND),
        (json!(null), sidecar.evaluate(&obliged(&json!(["pseudonymise"]))).await, ""),
    ] {
        let question = obliged(&supported);
        assert_eq!(sidecar.evaluate(&question).await, expected);
        let same = client.evaluate(message(&question)).await.unwrap().into_inner();
        assert_eq!((same.decision, same.reason.as_str()), (expected["decision"] == true, reason));
        assert_eq!((same.reason_user.as_str(), same.record), ("", None));
    }
}
