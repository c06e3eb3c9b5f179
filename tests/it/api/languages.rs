//! The language of an answer's sentences: chosen by the caller, else by the configuration; never a part of the decision.

use crate::support::{Reply, Sidecar, allowed, check, denied, folder, message, request, run};
use hyper::Request;
use poort::api::pb::{self, evaluate_stream_response::Result as Outcome};
use serde_json::{Value, json};
use tonic::metadata::MetadataMap;

const IN_TEAM: [&str; 2] = [
    "Allowed: A member of the investigation team may consult, combine, add and change.",
    "Toegestaan: Een lid van het onderzoeksteam mag raadplegen, in combinatie verwerken, toevoegen en wijzigen.",
];
const NO_PERMIT: [&str; 2] = ["Denied: no policy permits this.", "Geweigerd: geen regel staat dit toe."];
const FOR_USERS: [&str; 2] = [
    "The authorisation of this account does not cover this. Nothing is done for a purpose outside the tasks of the account.",
    "De autorisatie van dit account geldt hier niet voor. Er gebeurt niets voor een doel buiten de taken van het account.",
];
const REFERENCE: [&str; 2] = ["Reference: ", "Kenmerk: "];

/// A purpose outside the tasks of the account, for which users are told a policy's own sentence.
fn elsewhere() -> Value {
    let mut question = allowed();
    question["context"]["purpose"] = "12".into();
    question
}

async fn post(sidecar: &Sidecar, path: &str, body: &Value, languages: &[&str]) -> Reply {
    let mut request_of = Request::post(path).header("content-type", "application/json");
    for language in languages {
        request_of = request_of.header("accept-language", *language);
    }
    request(sidecar.address, request_of.body(body.to_string().into_bytes()).unwrap()).await
}

async fn ask(sidecar: &Sidecar, question: &Value, languages: &[&str]) -> Reply {
    let reply = post(sidecar, "/access/v1/evaluation", question, languages).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply
}

fn told_in(headers: &hyper::HeaderMap) -> Option<&str> {
    headers.get("content-language").map(|value| value.to_str().unwrap())
}

fn in_languages<T>(message: T, languages: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("accept-language", languages.parse().unwrap());
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_gets_the_language_that_it_prefers() {
    let sidecar = Sidecar::builder().start();
    for (languages, place) in [
        (&["nl"][..], 1),
        (&["nl-NL,nl;q=0.9,en;q=0.8"], 1),
        (&["en;q=0.8", "nl"], 1),
        (&["en, nl"], 0),
        (&["de, fr;q=0.5"], 0),
        (&["de, *;q=0.1"], 0),
        (&[""], 0),
        (&["nl;q=7, ;;=, \u{fc}\u{fc}, nl_NL"], 0),
    ] {
        for (question, reason) in [(allowed(), IN_TEAM), (denied(), NO_PERMIT)] {
            let reply = ask(&sidecar, &question, languages).await;
            assert_eq!(told_in(&reply.headers), Some(["en", "nl"][place]), "{languages:?}");
            assert_eq!(reply.headers["vary"], "accept-language");
            assert_eq!(reply.json()["context"]["reason"], reason[place], "{languages:?}");
        }
    }
    let reply = ask(&sidecar, &allowed(), &[]).await;
    assert_eq!((told_in(&reply.headers), reply.headers.get("vary")), (None, None));
    assert_eq!(reply.json()["context"]["reason"], IN_TEAM[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_bindings_give_the_same_sentences_in_each_language() {
    let sidecar = Sidecar::builder().config("answers.explain = true\n").start();
    let mut client = sidecar.grpc().await;
    let mut unknown = denied();
    unknown["subject"]["id"] = "officer-9999".into();
    let named = |metadata: &MetadataMap| metadata.get("content-language").unwrap().to_str().unwrap().to_owned();
    for (place, language) in ["en", "nl"].into_iter().enumerate() {
        let mut questions = [allowed(), denied(), elsewhere(), unknown.clone()];
        questions.iter_mut().for_each(|question| question["explain"] = true.into());
        let batch = json!({"evaluations": questions, "explain": true});
        let all = post(&sidecar, "/access/v1/evaluations", &batch, &[language]).await.json();
        let evaluations = questions.iter().map(message).collect();
        let asked = pb::EvaluateBatchRequest { evaluations, explain: true, ..pb::EvaluateBatchRequest::default() };
        let response = client.evaluate_batch(in_languages(asked, language)).await.unwrap();
        assert_eq!(named(response.metadata()), language);
        let batched = response.into_inner().evaluations;
        let stream = questions.iter().map(|question| pb::EvaluateStreamRequest {
            evaluation: Some(message(question)),
            ..pb::EvaluateStreamRequest::default()
        });
        let stream = tokio_stream::iter(stream.collect::<Vec<_>>());
        let response = client.evaluate_stream(in_languages(stream, language)).await.unwrap();
        assert_eq!(named(response.metadata()), language);
        let mut streamed = response.into_inner();
        let mut of_stream = Vec::new();
        while let Some(answer) = streamed.message().await.unwrap() {
            let Some(Outcome::Evaluation(answer)) = answer.result else { panic!("{answer:?}") };
            of_stream.push(answer.reason);
        }
        for (index, question) in questions.iter().enumerate() {
            let json = ask(&sidecar, question, &[language]).await.json();
            let context = &json["context"];
            let response = client.evaluate(in_languages(message(question), language)).await.unwrap();
            assert_eq!(named(response.metadata()), language);
            let single = response.into_inner();
            let item = &all["evaluations"][index]["context"];
            for (member, reason) in [
                (&single.reason, &batched[index].reason),
                (&single.policies.iter().map(|it| it.title.clone()).collect(), &titles(item)),
                (&single.advice.join("; "), &texts(&item["advice"])),
            ] {
                assert_eq!(member, reason);
            }
            assert_eq!((&context["reason"], &item["reason"]), (&json!(single.reason), &json!(single.reason)));
            assert!(of_stream.contains(&single.reason), "{of_stream:?}");
            assert_eq!(titles(context), titles(item));
            let why = |explained: &Value| titles(&explained["explanation"]);
            let explained: String =
                single.explanation.iter().flat_map(|it| &it.policies).map(|it| it.title.clone()).collect();
            assert_eq!((why(context), why(item)), (explained.clone(), explained));
            let reference = context["record"]["trace_id"].as_str().unwrap();
            if index == 2 {
                let told = format!("{} {}{reference}.", FOR_USERS[place], REFERENCE[place]);
                assert_eq!(context["reason_user"]["403"], told);
                let same = single.reason_user.split(REFERENCE[place]).next().unwrap();
                assert_eq!(same.trim_end(), FOR_USERS[place]);
            }
        }
        let reason = &all["evaluations"][3]["context"]["reason"];
        let words = ["does not know the subject", "de vrager Politie::Officer::\"officer-9999\" is niet bekend"];
        assert!(reason.as_str().unwrap().contains(words[place]), "{reason}");
    }
}

fn titles(context: &Value) -> String {
    context["policies"].as_array().into_iter().flatten().map(|policy| policy["title"].as_str().unwrap()).collect()
}

fn texts(list: &Value) -> String {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect::<Vec<_>>().join("; ")
}

/// What of a record depends on when it was made.
fn timeless(record: &Value) -> Value {
    let mut record = record.clone();
    for member in ["trace_id", "span_id", "timestamp"] {
        record[member].take();
    }
    for attribute in ["poort.cache.hits", "poort.log.seq", "poort.pdp", "poort.origin"] {
        record["attributes"][attribute].take();
    }
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cached_answers_are_right_in_each_language_and_records_are_equal() {
    let sidecar = Sidecar::builder().start();
    for (question, reason) in [(allowed(), IN_TEAM), (denied(), NO_PERMIT)] {
        for place in [1, 0, 1, 1, 0, 0, 1] {
            let answer = ask(&sidecar, &question, &[["en", "nl"][place]]).await.json();
            assert_eq!(answer["context"]["reason"], reason[place]);
        }
    }
    let records = sidecar.records();
    for of_one in records.chunks(7) {
        let hits: u64 = of_one.iter().map(|it| it["attributes"]["poort.cache.hits"].as_u64().unwrap()).sum();
        assert!(hits >= 5, "{hits}");
        let first = timeless(&of_one[0]);
        assert!(of_one.iter().all(|record| timeless(record) == first), "{of_one:#?}");
        assert_eq!(first["attributes"].get("poort.language"), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configured_language_is_that_of_records_and_of_callers_without_one() {
    let folder = folder();
    let data = folder.path().join("data");
    let sidecar = Sidecar::builder().data(&data).variable("POORT_ANSWERS_LANGUAGE", "nl").start();
    for (languages, place) in [(&[][..], 1), (&["en"], 0), (&["fr"], 1), (&["*"], 1)] {
        for (question, reason) in [(allowed(), IN_TEAM), (denied(), NO_PERMIT), (elsewhere(), ["", ""])] {
            let answer = ask(&sidecar, &question, languages).await.json();
            if !reason[0].is_empty() {
                assert_eq!(answer["context"]["reason"], reason[place], "{languages:?}");
            }
        }
    }
    let records = sidecar.records();
    assert_eq!(records.len(), 12);
    for of_one in records.chunks(3) {
        assert!(of_one.iter().all(|record| record["attributes"]["poort.language"] == "nl"));
        let context = |index: usize| &of_one[index]["body"]["adl.core.response"]["context"];
        assert_eq!((&context(0)["reason"], &context(1)["reason"]), (&json!(IN_TEAM[1]), &json!(NO_PERMIT[1])));
        assert_eq!(context(2)["reason_user"], json!({"403": FOR_USERS[1]}));
    }
    assert_eq!(sidecar.stop().code, Some(0));
    check(&run(["log", "replay", "--data", data.to_str().unwrap()]), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_question_is_told_in_english() {
    let sidecar = Sidecar::builder().start();
    let mut client = sidecar.grpc().await;
    let mut wrong = allowed();
    wrong["resource"]["properties"]["level"] = "three".into();
    let reply = post(&sidecar, "/access/v1/evaluation", &wrong, &["nl"]).await;
    assert_eq!((reply.status.as_u16(), told_in(&reply.headers)), (400, Some("en")), "it is for its developer");
    let mut without_subject = message(&wrong);
    without_subject.subject = None;
    for wrong in [message(&wrong), without_subject] {
        let status = client.evaluate(in_languages(wrong, "nl")).await.unwrap_err();
        assert_eq!(status.metadata().get("content-language").unwrap(), "en", "{status}");
    }
}
