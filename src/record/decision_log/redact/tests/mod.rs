//! Redaction over a schema with marks: nothing that is marked is in the bytes of a record.

mod any_values;
mod bounds;

use super::super::{Caller, Producer, Record, TooLarge, Unanswered};
use super::*;
use crate::{
    record::spool::Payload,
    sources::policy::{Policies, Sources},
    types::{
        authzen::{self, Limits},
        decision::{Decision, ErrorKind, EvaluationError, Obligation, Undeclared},
        moment::{Moment, PolicyAge},
        revision::Revision,
        trace::TraceContext,
    },
};
use serde_json::json;
use std::{collections::BTreeMap, sync::LazyLock};

const SCHEMA: &str = r#"
type Person = { @data_subject("https://x.example/bsn") bsn: String, name?: String };
type RecordedRequest = {
    purpose: String,
    @origin("address") location?: ipaddr,
    @origin("device") device?: String,
    @log("omit") note?: String,
    @log("pseudonym") codes?: Set<Long>,
    people?: Set<Person>,
    source?: Source,
    action?: { @log("pseudonym") tool?: String },
};
entity User { level: Long };
@log("pseudonym") @source("request")
entity Source;
@source("request")
entity Doc {
    title?: String,
    has_secret?: Bool,
    about?: Person,
    @log("pseudonym") plate?: String,
    source?: Source,
    sources?: Set<Source>,
    seen?: { @log("omit") where?: String, when?: String },
} tags { @log("pseudonym") x: String };
@source("request")
entity Note { text?: String, where?: { x: Long }, owner?: User };
action look appliesTo { principal: [User, Source], resource: [Note, Doc], context: { purpose?: String, with?: Set<User> } };
action read, write appliesTo { principal: [User, Source], resource: [Doc, Source], context: RecordedRequest };
action paint appliesTo { principal: [User], resource: [Doc], context: { purpose: String, @log("omit") colour?: String } };
"#;

fn model() -> Arc<Model> {
    static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| {
        let (schema, _, problems) = Policies::from_sources(&Sources::from_texts("p", [("schema.cedarschema", SCHEMA)]));
        schema.unwrap_or_else(|| panic!("{problems:#?}")).model
    });
    MODEL.clone()
}

fn keys(newest: u8) -> Pseudonyms {
    Pseudonyms::from_keys((&format!("k{newest}"), [newest; 32]), &[])
}

fn bytes_with(
    asked: RecordedRequest<'_>,
    decided: RecordedResponse<'_>,
    model: &Model,
    pseudonyms: &Pseudonyms,
) -> Vec<u8> {
    let moment = Moment {
        now: 1_790_000_000_123,
        now_text: "2026-09-21T14:13:20.123Z".into(),
        today: "2026-09-21".into(),
        hour: 16,
        application: None,
        token: None,
        policies: PolicyAge::Live,
    };
    let record = Record {
        trace: &TraceContext::from_headers(None, None),
        caller: Some(Caller::Tcp("[::ffff:10.0.0.7]:4711".parse().unwrap())),
        identity: None,
        moment: &moment,
        asked,
        decided,
        model,
        policies: &Revision::of([]),
        directory: &Revision::of([]),
    };
    let producer = Producer::new("9.9.9", &Revision::of([]), "here", &BTreeMap::new()).in_log("poort/here/1");
    let written = |payload: Payload| {
        let mut bytes = Vec::new();
        payload.write(&mut bytes, 42);
        String::from_utf8(bytes).unwrap()
    };
    let payload = record.to_payload(&producer, pseudonyms).unwrap();
    // Where the deadline passes before it is written, it is the record of a call that was not answered, byte for byte.
    let unanswered = Record { decided: RecordedResponse::Nothing(Unanswered::DeadlineExceeded), ..record };
    assert_eq!(written(payload.clone().into_late()), written(unanswered.to_payload(&producer, pseudonyms).unwrap()));
    assert!(written(payload.clone().into_late()).len() <= payload.max_len());
    let bytes = written(payload).into_bytes();
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let canonical = serde_json_canonicalizer::to_vec(&value).unwrap();
    assert_eq!(String::from_utf8(bytes.clone()).unwrap(), String::from_utf8(canonical).unwrap());
    bytes
}

fn record(asked: RecordedRequest<'_>, decided: RecordedResponse<'_>) -> serde_json::Value {
    serde_json::from_slice(&bytes_with(asked, decided, &model(), &keys(1))).unwrap()
}

const LIMITS: Limits = Limits { depth: 16, batch: 1_000 };

fn one(question: &serde_json::Value) -> RecordedRequest<'static> {
    RecordedRequest::One(Cow::Owned(authzen::read_evaluation(question.to_string().as_bytes(), LIMITS).unwrap()))
}

fn several(batch: &serde_json::Value) -> RecordedRequest<'static> {
    match authzen::read_batch(batch.to_string().as_bytes(), LIMITS).unwrap() {
        authzen::EvaluationsBody::Several(batch) => RecordedRequest::Several(Cow::Owned(batch)),
        authzen::EvaluationsBody::One(_) => panic!("{batch}"),
    }
}

fn verdict() -> Verdict {
    Verdict { decision: Decision::Deny, policies: vec![], errors: vec![], cause: Cause::Policies }
}

fn answer(verdict: Verdict) -> Answer {
    let revision = Revision::of([]);
    Answer::Evaluated(Evaluated {
        verdict: Arc::new(verdict),
        revision: revision.clone(),
        directory_revision: revision,
        cached: false,
        undeclared: Undeclared::default(),
        subject: None,
        unknown: Vec::new(),
    })
}

fn decided(answer: Answer) -> RecordedResponse<'static> {
    RecordedResponse::One(Cow::Owned(answer))
}

fn question(properties: serde_json::Value, context: serde_json::Value) -> serde_json::Value {
    let mut question = json!({
        "subject": {"type": "User", "id": "anna"},
        "action": {"name": "read"},
        "resource": {"type": "Doc", "id": "doc-1"},
    });
    question["resource"]["properties"] = properties;
    question["context"] = context;
    question
}

#[test]
fn a_record_holds_what_the_schema_allows_and_names_what_it_omits() {
    let pseudonyms = keys(1);
    let asked = question(
        json!({
            "title": "Bicycle", "has_secret": true, "plate": "12-ABC-3", "about": {"bsn": "123456782", "name": "Bo"},
            "source": "inf-7", "sources": [{"type": "Source", "id": "inf-8"}, {"__entity": {"type": "Source", "id": "inf-9"}}],
            "seen": {"where": "at home", "when": "May"}, "tags": {"a": {"x": "tagged"}},
        }),
        json!({
            "purpose": "9", "location": "10.1.2.3", "device": "mob-5512", "note": "hush", "codes": [42, 43],
            "headers": {"X-Api-Key": "sesame", "accept": "*/*"}, "colleague": {"type": "Source", "id": "inf-10"},
        }),
    );
    let record = record(one(&asked), decided(answer(verdict())));
    let request = &record["body"]["adl.core.request"];
    let id = |id: &str| pseudonyms.of("Source", id);
    let bsn = pseudonyms.of("https://x.example/bsn", "123456782");
    assert_eq!(
        *request,
        json!({
            "subject": {"type": "User", "id": "anna"},
            "action": {"name": "read"},
            "resource": {"type": "Doc", "id": "doc-1", "properties": {
                "title": "Bicycle", "has_secret": true, "plate": pseudonyms.of("Doc.plate", "12-ABC-3"),
                "about": {"bsn": bsn, "name": "Bo"},
                "source": id("inf-7"),
                "sources": [{"type": "Source", "id": id("inf-8")}, {"__entity": {"type": "Source", "id": id("inf-9")}}],
                "seen": {"when": "May"},
                "tags": {"a": {"x": pseudonyms.of("Doc.tags.x", "tagged")}},
            }},
            "context": {
                "purpose": "9", "location": "10.1.2.3", "device": "mob-5512",
                "codes": [pseudonyms.of("context.codes", "42"), pseudonyms.of("context.codes", "43")],
                "headers": {"accept": "*/*"}, "colleague": {"type": "Source", "id": id("inf-10")},
            },
        })
    );
    let attributes = &record["attributes"];
    assert_eq!(attributes["dpl.core.data_subject_id"], json!(bsn));
    assert_eq!(attributes["dpl.core.data_subject_id_type"], "https://x.example/bsn");
    assert_eq!(
        attributes["poort.origin"],
        json!({"address": "10.1.2.3", "caller": "10.0.0.7:4711", "device": "mob-5512"})
    );
    let places = [
        "context/codes/0",
        "context/codes/1",
        "context/colleague/id",
        "context/headers/X-Api-Key",
        "context/note",
        "resource/properties/about/bsn",
        "resource/properties/plate",
        "resource/properties/seen/where",
        "resource/properties/source",
        "resource/properties/sources/0",
        "resource/properties/sources/1",
        "resource/properties/tags/a/x",
    ]
    .map(|place| format!("/adl.core.request/{place}"));
    assert_eq!(attributes["poort.log.concealed"], json!(places));
    assert!(attributes.get("poort.data_subjects").is_none());
}

#[test]
fn a_question_without_anything_to_conceal_is_recorded_as_it_was_asked() {
    let asked = question(json!({"title": "Bicycle", "other": {"a/b": [1, null]}}), json!({"purpose": "9"}));
    let record = record(one(&asked), decided(answer(verdict())));
    assert_eq!(record["body"]["adl.core.request"], asked);
    assert_eq!(record["attributes"]["poort.origin"], json!({"caller": "10.0.0.7:4711"}));
    for absent in ["poort.log.concealed", "dpl.core.data_subject_id", "dpl.core.data_subject_id_type"] {
        assert!(record["attributes"].get(absent).is_none(), "{absent}");
    }
}

#[test]
fn secrets_are_left_out_without_any_mark() {
    let asked = question(json!({"password": "sesame"}), json!({"deep": [{"Set-Cookie": {"a": "sesame"}, "b": 1}]}));
    let bytes = bytes_with(one(&asked), decided(answer(verdict())), &Model::default(), &keys(1));
    let record: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert!(!String::from_utf8(bytes).unwrap().contains("sesame"));
    assert_eq!(record["body"]["adl.core.request"]["context"], json!({"deep": [{"b": 1}]}));
    let places = ["/adl.core.request/context/deep/0/Set-Cookie", "/adl.core.request/resource/properties/password"];
    assert_eq!(record["attributes"]["poort.log.concealed"], json!(places));
}

#[test]
fn texts_that_can_quote_values_are_replaced() {
    let asked = json!({
        "subject": {"type": "Source", "id": "inf-7"},
        "action": {"name": "read", "properties": {"tool": "drill"}},
        "resource": {"type": "Source", "id": "inf-7"},
    });
    let message = "cannot add `12` to Source::\"inf-7\"".to_owned();
    let errors = vec![EvaluationError { policy: "p".into(), kind: ErrorKind::Overflow, message }];
    let failed = record(one(&asked), decided(answer(Verdict { errors, ..verdict() })));
    let context = &failed["body"]["adl.core.response"]["context"];
    assert_eq!(context["errors"], json!([{"policy": "p", "message": "a number is too large"}]));
    assert_eq!(failed["status"], "Error");
    assert_eq!(
        failed["body"]["adl.core.request"]["action"]["properties"]["tool"],
        keys(1).of("context.action.tool", "drill")
    );

    let cause = Cause::Unknown { party: Party::Subject, uid: Some("Source::\"inf-7\"".to_owned()) };
    let unknown = Verdict { cause, ..verdict() };
    let denied = record(one(&asked), decided(answer(unknown.clone())));
    let context = &denied["body"]["adl.core.response"]["context"];
    assert_eq!(context["reason"], "Denied: the directory does not know the subject.");
    let places = denied["attributes"]["poort.log.concealed"].as_array().unwrap();
    assert!(places.contains(&json!("/adl.core.response/context/reason")), "{places:?}");

    // Of another type the id may be seen.
    let seen = record(one(&question(json!({}), json!({}))), decided(answer(unknown)));
    let reason = "Denied: the directory does not know the subject Source::\"inf-7\".";
    assert_eq!(seen["body"]["adl.core.response"]["context"]["reason"], reason);
}

#[test]
fn obligations_carry_no_secrets() {
    let properties = Map::from([
        ("token".to_owned(), Value::String("sesame".to_owned())),
        ("to".to_owned(), Value::String("desk".to_owned())),
    ]);
    let obligation = Obligation { id: "p.1".into(), kind: "custom".into(), properties };
    let policy = Arc::new(PolicyFacts {
        id: "p".into(),
        basis: "wpg:8(1)".into(),
        obligations: vec![obligation],
        ..PolicyFacts::default()
    });
    let verdict = Verdict { policies: vec![policy.clone()], ..verdict() };
    let record = record(one(&question(json!({}), json!({}))), decided(answer(verdict)));
    let context = &record["body"]["adl.core.response"]["context"];
    assert_eq!(context["obligations"][0]["properties"], json!({"to": "desk"}));
    assert_eq!(policy.obligations[0].properties.len(), 2, "the caller hears it");
}

#[test]
fn whose_sessions_end_is_concealed_as_the_subject_is() {
    let properties = Map::from([("subject".to_owned(), Value::String("inf-7".to_owned()))]);
    let obligation = Obligation { id: "p".into(), kind: SESSION_TERMINATION.into(), properties };
    let policy = Arc::new(PolicyFacts {
        id: "p".into(),
        basis: "wpg:8(1)".into(),
        obligations: vec![obligation],
        ..PolicyFacts::default()
    });
    let verdict = Verdict { policies: vec![policy], ..verdict() };
    let named = |kind: &str| {
        let resource = json!({"type": "Doc", "id": "d"});
        let asked = json!({"subject": {"type": kind, "id": "inf-7"}, "action": {"name": "read"}, "resource": resource});
        record(one(&asked), decided(answer(verdict.clone())))
    };
    let hidden = named("Source");
    assert!(!hidden.to_string().contains("inf-7"), "{hidden}");
    let place = json!("/adl.core.response/context/obligations/0/properties/subject");
    assert!(hidden["attributes"]["poort.log.concealed"].as_array().unwrap().contains(&place), "{hidden}");
    let seen = &named("User")["body"]["adl.core.response"]["context"]["obligations"];
    assert_eq!(seen[0]["properties"], json!({"subject": "inf-7"}));
}

#[test]
fn a_late_call_is_concealed_too() {
    let asked = question(json!({"plate": "12-ABC-3"}), json!({}));
    let bytes = bytes_with(one(&asked), RecordedResponse::Nothing(Unanswered::DeadlineExceeded), &model(), &keys(1));
    assert!(!String::from_utf8(bytes).unwrap().contains("12-ABC-3"));
}

#[test]
fn one_question_about_several_people_names_them_all() {
    let people = json!([{"bsn": "111222333"}, {"bsn": "123456782"}, {"bsn": "111222333"}]);
    let record = record(one(&question(json!({}), json!({"people": people}))), decided(answer(verdict())));
    let kind = "https://x.example/bsn";
    let (first, second) = (keys(1).of(kind, "111222333"), keys(1).of(kind, "123456782"));
    assert_eq!(record["attributes"]["dpl.core.data_subject_id"], json!(first));
    assert_eq!(
        record["attributes"]["poort.data_subjects"],
        json!([{"id": first, "type": kind}, {"id": second, "type": kind}])
    );
}

#[test]
fn a_batch_names_the_data_subject_of_each_question_that_was_answered() {
    let about = |bsn: &str| json!({"type": "Doc", "id": "d", "properties": {"about": {"bsn": bsn}}});
    let batch = json!({
        "subject": {"type": "User", "id": "anna"}, "action": {"name": "read"}, "resource": about("111222333"),
        "context": {"location": "10.1.2.3", "device": "a"},
        "evaluations": [
            {},
            {"resource": {"type": "Doc", "id": "d"}, "context": {"location": "10.1.2.3", "device": "b"}},
            {"resource": about("123456782")},
            {"resource": 5},
            {"resource": about("999999990")},
        ],
    });
    let answers: Vec<_> = (0..4)
        .map(|index| match index {
            3 => Answer::Fault(Fault { status: 400, message: "evaluations[3].resource: is a number".to_owned() }),
            _ => answer(verdict()),
        })
        .collect();
    let record = record(several(&batch), RecordedResponse::Several(answers.into()));
    let kind = "https://x.example/bsn";
    let subject = |index: usize, bsn: &str| json!({"id": keys(1).of(kind, bsn), "index": index, "type": kind});
    let attributes = &record["attributes"];
    assert_eq!(attributes["poort.batch.data_subjects"], json!([subject(0, "111222333"), subject(2, "123456782")]));
    assert!(attributes.get("dpl.core.data_subject_id").is_none(), "the questions are about several people");
    // All are from one address, and from two devices.
    assert_eq!(attributes["poort.origin"], json!({"address": "10.1.2.3", "caller": "10.0.0.7:4711"}));
    assert!(!record.to_string().contains("999999990"));
    let request = &record["body"]["adl.core.request"];
    assert_eq!(request["evaluations"].as_array().unwrap().len(), 5);
    let evaluations = record["body"]["adl.core.response"]["evaluations"].as_array().unwrap();
    assert_eq!((evaluations.len(), &evaluations[3]["context"]["error"]["status"]), (4, &json!(400)));
    assert!(!evaluations[3].to_string().contains("is a number"));
}

#[test]
fn a_batch_about_one_person_names_that_person() {
    let about = json!({"type": "Doc", "id": "d", "properties": {"about": {"bsn": "111222333"}}});
    let batch = json!({
        "subject": {"type": "User", "id": "anna"}, "resource": about, "context": {"location": "10.1.2.3"},
        "evaluations": [{"action": {"name": "read"}}, {"action": {"name": "write"}}],
    });
    let answers = vec![answer(verdict()), answer(verdict())];
    let record = record(several(&batch), RecordedResponse::Several(answers.into()));
    let pseudonym = keys(1).of("https://x.example/bsn", "111222333");
    assert_eq!(record["attributes"]["dpl.core.data_subject_id"], json!(pseudonym));
    assert_eq!(record["attributes"]["poort.origin"]["address"], "10.1.2.3");
}

#[test]
fn what_may_be_meant_as_something_marked_is_not_seen() {
    let batch = json!({
        "subject": {"type": "User", "id": "anna"},
        "context": {"note": "hush-1"},
        "evaluations": [
            {"action": {"name": "raed"}, "resource": {"type": "Suorce", "id": "inf-7", "properties": {"plate": "12-ABC-3"}}},
            {"action": {"name": "read"}, "resource": {"type": "Doc", "id": "d", "properties":
                {"about": "hush-2", "sources": {"a": "hush-3"}, "source": ["hush-4"], "plate": {"x": "hush-5"}, "tags": "hush-6"}}},
            {"action": {"name": "raed"}, "resource": {"type": "Doc", "id": "d"}, "context": {"note": "hush-7", "codes": 99999}},
        ],
    });
    let fault = || Answer::Fault(Fault { status: 400, message: "12-ABC-3 inf-7 hush-5".to_owned() });
    let decided = RecordedResponse::Several(vec![fault(), fault(), fault()].into());
    let text = record(several(&batch), decided).to_string();
    for hidden in ["hush", "inf-7", "12-ABC-3", "99999"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
}

#[test]
fn the_context_of_the_defaults_is_concealed_for_every_action_that_may_use_it() {
    let batch = json!({
        "subject": {"type": "User", "id": "anna"}, "resource": {"type": "Doc", "id": "d"}, "action": {"name": "read"},
        "context": {"purpose": "9", "colour": "hush"}, "evaluations": [{}, {"action": {"name": "paint"}}],
    });
    let record = record(several(&batch), RecordedResponse::Several(vec![answer(verdict()), answer(verdict())].into()));
    assert_eq!(record["body"]["adl.core.request"]["context"], json!({"purpose": "9"}));
    assert_eq!(record["attributes"]["poort.log.concealed"], json!(["/adl.core.request/context/colour"]));
}

#[test]
fn what_bio2_led_and_the_bpg_ask_for_is_on_record() {
    // BIO2 8.15.01: action, object, result, origin, actor, date and time. LED art. 25: justification, who consulted or
    // disclosed, recipients. Bpg art. 6:4(5): the requester, what the requester put in, date and time.
    let mut asked = question(
        json!({"title": "Bicycle"}),
        json!({"purpose": "8", "justification": "case 26-4471", "location": "10.1.2.3", "device": "mob-5512",
            "recipient": {"organisation": "cjib", "id": "desk-2"}, "legal_basis": "18"}),
    );
    asked["action"]["name"] = "write".into();
    let record = record(one(&asked), decided(answer(verdict())));
    let request = &record["body"]["adl.core.request"];
    assert_eq!(request["action"]["name"], "write");
    assert_eq!(request["resource"], asked["resource"]);
    assert_eq!(request["subject"], asked["subject"]);
    assert_eq!(request["context"], asked["context"]);
    assert_eq!(record["body"]["adl.core.response"]["decision"], false);
    assert_eq!(record["attributes"]["poort.origin"]["address"], "10.1.2.3");
    assert_eq!(record["timestamp"], 1_790_000_000_123_u64);
}

#[test]
fn records_look_like_the_golden_ones() {
    let question = question(
        json!({"title": "Bicycle", "about": {"bsn": "123456782"}, "sources": ["inf-8"], "password": "sesame"}),
        json!({"purpose": "9", "location": "10.1.2.3", "device": "mob-5512", "note": "hush"}),
    );
    let batch = json!({"subject": question["subject"], "action": question["action"], "context": question["context"],
        "evaluations": [{"resource": question["resource"]}, {"resource": 5}]});
    let fault = Answer::Fault(Fault { status: 400, message: "evaluations[1].resource: is a number".to_owned() });
    let records = [
        (one(&question), decided(answer(verdict()))),
        (several(&batch), RecordedResponse::Several(vec![answer(verdict()), fault].into())),
    ];
    let mut text = String::new();
    for (asked, decided) in records {
        let record = String::from_utf8(bytes_with(asked, decided, &model(), &keys(1))).unwrap();
        let value: serde_json::Value = serde_json::from_str(&record).unwrap();
        let [trace, span] = ["trace_id", "span_id"].map(|name| value[name].as_str().unwrap().to_owned());
        text += &record.replace(&trace, "TRACE").replace(&span, "SPAN");
        text.push('\n');
    }
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/record/decision_log/redact/tests/golden.jsonl");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "UPDATE_EXPECT=1 accepts what it is now");
}

#[test]
fn a_usual_question_is_plain_and_one_about_a_person_is_not() {
    let plain = |question: &serde_json::Value| match one(question) {
        RecordedRequest::One(evaluation) => plain::is_plain(&evaluation, &model()),
        RecordedRequest::Several(_) => panic!("one question"),
    };
    let mut question = json!({
        "subject": {"type": "User", "id": "a"},
        "action": {"name": "look"},
        "resource": {"type": "Note", "id": "b", "properties": {"text": "x", "where": {"x": 1}, "owner": "c"}},
        "context": {"purpose": "p", "with": ["a", "b"], "beside": [{"y": 1}]},
    });
    assert!(plain(&question));
    question["resource"]["type"] = "Doc".into();
    assert!(!plain(&question));
}

#[test]
fn what_is_named_of_a_subject_is_recorded_unless_its_name_is_that_of_a_secret() {
    let named = |name: &str| {
        let Answer::Evaluated(evaluated) = answer(verdict()) else { panic!() };
        let subject = Map::from([(name.to_owned(), Value::String("patrol@3".to_owned()))]);
        let evaluated = Evaluated { subject: Some(Arc::new(subject)), ..evaluated };
        let asked = one(&question(json!({}), json!({})));
        record(asked, decided(Answer::Evaluated(evaluated)))["body"]["adl.core.response"]["context"]["subject"].clone()
    };
    assert_eq!(named("profile"), json!({"profile": "patrol@3"}));
    assert_eq!(named("session"), json!({}));
}
