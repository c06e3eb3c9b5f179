//! Batches over both bindings: AuthZEN 1.0, section 7.

use crate::support::{Reply, Sidecar, allowed, batch, denied, key};
use serde_json::{Value, json};

/// An answer of a batch, as far as both bindings tell the same.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    decision: bool,
    policies: Vec<String>,
    revision: String,
    /// The fault of the item: its status, and what is said about it.
    error: Option<(i64, String)>,
}

impl Answer {
    fn of_json(answer: &Value) -> Self {
        let context = &answer["context"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let policies = context["policies"].as_array().map(Vec::as_slice).unwrap_or_default();
        let error = context.get("error").map(|error| (error["status"].as_i64().unwrap(), text(&error["message"])));
        Self {
            decision: answer["decision"].as_bool().unwrap(),
            policies: policies.iter().map(|policy| text(&policy["id"])).collect(),
            revision: text(&context["revision"]),
            error,
        }
    }
}

/// Asks over both bindings. What is checked of any batch: both give the same answers, each call leaves one record with
/// as many answers, every item names that record, and all were given under one revision.
async fn ask(sidecar: &Sidecar, body: &Value) -> Vec<Answer> {
    let over_http = http(sidecar, body).await;
    let over_grpc = grpc(sidecar, body).await;
    assert_eq!(over_http.0, over_grpc.0, "{body}");
    let records = sidecar.records();
    let [.., http_record, grpc_record] = records.as_slice() else { panic!("two records: {records:?}") };
    check_record(http_record, &over_http);
    check_record(grpc_record, &over_grpc);
    let mut revisions: Vec<_> =
        over_http.0.iter().map(|answer| &answer.revision).filter(|text| !text.is_empty()).collect();
    revisions.dedup();
    assert!(revisions.len() < 2, "{revisions:?}");
    over_http.0
}

/// Answers, and the key of the record that all of them name.
type Answered = (Vec<Answer>, (String, String));

async fn http(sidecar: &Sidecar, body: &Value) -> Answered {
    let reply = post(sidecar, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let json = reply.json();
    let answers = json["evaluations"].as_array().unwrap();
    let identity = |answer: &Value| {
        let text = |name: &str| answer["context"]["record"][name].as_str().unwrap().to_owned();
        (text("trace_id"), text("span_id"))
    };
    let mut identities: Vec<_> = answers.iter().map(identity).collect();
    identities.dedup();
    assert_eq!(identities.len(), 1, "{json}");
    (answers.iter().map(Answer::of_json).collect(), identities.remove(0))
}

async fn grpc(sidecar: &Sidecar, body: &Value) -> Answered {
    let response = sidecar.grpc().await.evaluate_batch(batch(body)).await.unwrap().into_inner();
    let record = response.record.unwrap();
    let identity = (record.trace_id, record.span_id);
    let answers = response.evaluations.into_iter().map(|answer| {
        assert_eq!(key(&answer), identity);
        let error = answer.error.map(|error| (error.status.into(), error.message));
        let policies = answer.policies.into_iter().map(|policy| policy.id).collect();
        Answer { decision: answer.decision, policies, revision: answer.revision, error }
    });
    (answers.collect(), identity)
}

async fn post(sidecar: &Sidecar, body: &Value) -> Reply {
    sidecar.post("/access/v1/evaluations", body).await
}

#[track_caller]
fn check_record(record: &Value, (answers, identity): &Answered) {
    assert_eq!(record["trace_id"], identity.0);
    assert_eq!(record["span_id"], identity.1);
    assert_eq!(record["event_name"], "adl.access_evaluations");
    assert_eq!(record["status"], "Unset");
    let recorded = record["body"]["adl.core.response"]["evaluations"].as_array().unwrap();
    // What is wrong with an item can quote values, which the schema may keep from the record.
    let as_recorded = |answer: &Answer| {
        let withheld = "does not fit the schema; what does not is not on record, since that could quote values";
        let error = answer.error.as_ref().map(|(status, _)| (*status, withheld.to_owned()));
        Answer { error, ..answer.clone() }
    };
    let expected: Vec<_> = answers.iter().map(as_recorded).collect();
    assert_eq!(recorded.iter().map(Answer::of_json).collect::<Vec<_>>(), expected);
}

/// A batch of these items over the parts of a question that is allowed, which ends as `semantic` says.
fn over_defaults(items: Value, semantic: &str) -> Value {
    let mut body = allowed();
    body["evaluations"] = items;
    body["options"] = json!({"evaluations_semantic": semantic});
    body
}

fn decisions(answers: &[Answer]) -> Vec<bool> {
    answers.iter().map(|answer| answer.decision).collect()
}

#[tokio::test]
async fn what_an_item_sets_replaces_the_whole_default() {
    let sidecar = Sidecar::builder().start();
    let items = json!([
        {},
        {"subject": denied()["subject"]},
        {"action": {"name": "erase"}},
        {"resource": {"type": "Investigation", "id": "inv-0042", "properties":
            {"unit": "detectives-north", "team": "kestrel", "level": 3, "embargo": false}}},
        {"resource": {"type": "Investigation", "id": "inv-0042"}},
        {"context": {"justification": "The purpose of the default does not count here."}},
        allowed(),
    ]);
    let answers = ask(&sidecar, &over_defaults(items, "execute_all")).await;
    assert_eq!(decisions(&answers), [true, false, false, false, false, false, true]);
    let errors: Vec<_> =
        answers.iter().map(|answer| answer.error.clone().map_or(String::new(), |error| error.1)).collect();
    let unset = String::new;
    assert_eq!(
        errors,
        [
            unset(),
            unset(),
            unset(),
            unset(),
            "evaluations[4].resource.properties.embargo: is missing; the schema requires a boolean; \
             evaluations[4].resource.properties.level: is missing; the schema requires a whole number; \
             evaluations[4].resource.properties.team: is missing; the schema requires the id of an entity of type \
             Politie::Team; evaluations[4].resource.properties.unit: is missing; the schema requires the id of an entity \
             of type Politie::Unit".to_owned(),
            "evaluations[5].context.purpose: is missing; the schema requires a string".to_owned(),
            unset(),
        ]
    );
    assert_eq!(answers[0].policies, ["summit.team"]);
}

#[tokio::test]
async fn items_need_no_defaults() {
    let sidecar = Sidecar::builder().start();
    let answers = ask(&sidecar, &json!({"evaluations": [allowed(), denied()]})).await;
    assert_eq!(decisions(&answers), [true, false]);
}

#[tokio::test]
async fn a_batch_ends_where_its_semantic_says() {
    let sidecar = Sidecar::builder().start();
    let (allow, deny, fault) = (json!({}), json!({"subject": denied()["subject"]}), json!({"action": {"name": "fly"}}));
    let item = |letter: char| match letter {
        'a' => allow.clone(),
        'd' => deny.clone(),
        _ => fault.clone(),
    };
    let cases = [
        ("execute_all", "adfa", 4),
        ("deny_on_first_deny", "aada", 3),
        ("deny_on_first_deny", "afa", 2),
        ("deny_on_first_deny", "aaa", 3),
        ("deny_on_first_deny", "daa", 1),
        ("permit_on_first_permit", "dfad", 3),
        ("permit_on_first_permit", "add", 1),
        ("permit_on_first_permit", "dfd", 3),
    ];
    for (semantic, items, expected) in cases {
        let answers = ask(&sidecar, &over_defaults(items.chars().map(item).collect(), semantic)).await;
        assert_eq!(answers.len(), expected, "{semantic} {items}");
        for (letter, answer) in items.chars().zip(&answers) {
            assert_eq!(answer.decision, letter == 'a', "{semantic} {items}");
            assert_eq!(answer.error.is_some(), letter == 'f', "{semantic} {items}");
        }
    }
}

#[tokio::test]
async fn a_fault_stays_in_its_item() {
    let sidecar = Sidecar::builder().start();
    let mut body = json!({"evaluations": [allowed(), {}, allowed(), allowed(), allowed()]});
    body["evaluations"][2]["subject"]["type"] = "Oficer".into();
    body["evaluations"][3]["resource"]["properties"]["level"] = 1.5.into();
    body["evaluations"][4]["context"]["pdp"] = json!({"hour": 3});
    let answers = ask(&sidecar, &body).await;
    assert_eq!(decisions(&answers), [true, false, false, false, false]);
    let expected = [
        "evaluations[1].subject: is missing, here and among the defaults",
        "evaluations[2].subject.type: unknown type `Oficer`; did you mean `Officer`?",
        "evaluations[3].resource.properties.level: 1.5 is not a whole number",
        "evaluations[4].context.pdp: is set by poort alone; leave it out",
    ];
    for (answer, message) in answers[1..].iter().zip(expected) {
        assert_eq!(answer.error, Some((400, message.to_owned())));
    }
}

#[tokio::test]
async fn a_faulty_default_fails_the_call() {
    let sidecar = Sidecar::builder().start();
    let mut body = over_defaults(json!([{}]), "execute_all");
    body["subject"] = json!({"id": "officer-0007"});
    let reply = post(&sidecar, &body).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (400, json!("subject.type: is missing")));
    let status = sidecar.grpc().await.evaluate_batch(batch(&body)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (tonic::Code::InvalidArgument, "subject.type: is missing"));
    assert_eq!(sidecar.records(), [Value::Null; 0]);
}

#[tokio::test]
async fn without_items_the_defaults_are_the_question() {
    let sidecar = Sidecar::builder().start();
    for (evaluations, question) in [(json!([]), allowed()), (Value::Null, denied())] {
        let mut body = question.clone();
        body["evaluations"] = evaluations;
        // JSON answers as its endpoint for one question does (AuthZEN 1.0, section 7.1).
        let reply = post(&sidecar, &body).await;
        let answer = reply.json();
        assert_eq!(answer["decision"], question == allowed(), "{answer}");
        assert_eq!(answer.get("evaluations"), None);
        let record = sidecar.records().pop().unwrap();
        assert_eq!(record["event_name"], "adl.access_evaluation");
        assert_eq!(record["body"]["adl.core.request"], question);
        // A gRPC response has one form, so it has one item.
        let answered = grpc(&sidecar, &body).await;
        assert_eq!(decisions(&answered.0), [question == allowed()]);
        check_record(&sidecar.records().pop().unwrap(), &answered);
    }
}

#[tokio::test]
async fn without_items_and_without_defaults_there_is_no_question() {
    let sidecar = Sidecar::builder().start();
    let reply = post(&sidecar, &json!({})).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (400, json!("subject: is missing")));
    let (answers, _) = grpc(&sidecar, &json!({})).await;
    let message = "evaluations[0].subject: is missing, here and among the defaults".to_owned();
    assert_eq!((answers[0].decision, answers[0].error.clone()), (false, Some((400, message))));
}

#[tokio::test]
async fn an_unknown_semantic_is_refused() {
    let sidecar = Sidecar::builder().start();
    let reply = post(&sidecar, &over_defaults(json!([{}]), "first_come_first_served")).await;
    assert_eq!(reply.status, 400);
    assert!(
        reply.text().contains("options.evaluations_semantic: `first_come_first_served` is unknown"),
        "{}",
        reply.text()
    );
    let mut message = batch(&over_defaults(json!([{}]), "execute_all"));
    message.evaluations_semantic = 9;
    let status = sidecar.grpc().await.evaluate_batch(message).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert!(status.message().starts_with("evaluations_semantic: "), "{status}");
    assert_eq!(sidecar.records(), [Value::Null; 0]);
}

#[tokio::test]
async fn the_record_of_a_batch_holds_the_request() {
    let sidecar = Sidecar::builder().start();
    let body =
        over_defaults(json!([{}, {"subject": denied()["subject"]}, {"context": {"purpose": "8"}}]), "execute_all");
    ask(&sidecar, &body).await;
    for record in sidecar.records() {
        assert_eq!(record["body"]["adl.core.request"], body);
    }
}

#[tokio::test]
async fn a_long_batch_is_answered_in_order() {
    let sidecar = Sidecar::builder().start();
    let items =
        (0..1000).map(|number| if number % 3 == 0 { json!({}) } else { json!({"subject": denied()["subject"]}) });
    let answers = ask(&sidecar, &over_defaults(items.collect(), "execute_all")).await;
    assert_eq!(decisions(&answers), (0..1000).map(|number| number % 3 == 0).collect::<Vec<_>>());
}
