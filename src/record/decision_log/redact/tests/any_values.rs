//! Redaction of values of any form, at any place.

use super::{super::*, answer, bytes_with, decided, keys, model, one, question, several, verdict};
use crate::types::decision::{ErrorKind, EvaluationError};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;

/// Texts that are in no record by chance: long, and also such as JSON escapes.
fn hidden() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9]{12}", "[0-9]{12}", "[\"\\\\\n\u{7f}é\u{1f600}/~]{3}[a-z]{12}"]
}

/// A value under a mark, in the declared form or another; the texts in it are hidden.
fn value(texts: Vec<String>) -> impl Strategy<Value = serde_json::Value> {
    let [one, two, three] = <[String; 3]>::try_from(texts).unwrap();
    let number = one.parse::<u64>().map_or(json!(one), |number| json!(number));
    prop_oneof![
        Just(json!(one)),
        Just(number),
        Just(json!([one, two])),
        Just(json!({"type": "Source", "id": one})),
        Just(json!({"__entity": {"type": "Source", "id": two}})),
        Just(json!({"__extn": {"fn": "ip", "arg": three}})),
        Just(json!({"bsn": one, "where": [two], "x": {"y": three}})),
        Just(json!([{"type": "Source", "id": one}, {"bsn": two}])),
    ]
}

/// Where a hidden value can be, whatever its form.
const PROPERTIES: [&str; 3] = ["plate", "source", "api_key"];
const CONTEXT: [&str; 4] = ["note", "codes", "source", "sessionToken"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_concealed_value_is_in_the_bytes_of_a_record(
        texts in prop::collection::vec(hidden(), 3),
        values in prop::collection::vec(prop::collection::vec(hidden(), 3).prop_flat_map(|texts| {
            value(texts.clone()).prop_map(move |value| (texts.clone(), value))
        }), 8),
        in_batch in any::<bool>(),
        bsn in hidden(),
        clear in "[A-Z]{12}",
    ) {
        let mut asked = question(json!({"title": clear, "about": {"bsn": bsn}}), json!({"purpose": clear}));
        asked["subject"] = json!({"type": "Source", "id": texts[0]});
        let mut values = values.into_iter();
        let mut all: BTreeSet<String> = texts[..1].iter().cloned().chain([bsn.clone()]).collect();
        for name in PROPERTIES {
            let (texts, value) = values.next().unwrap();
            all.extend(texts);
            asked["resource"]["properties"][name] = value;
        }
        for name in CONTEXT {
            let (texts, value) = values.next().unwrap();
            all.extend(texts);
            asked["context"][name] = value;
        }
        let asked = if in_batch {
            several(&json!({"context": asked["context"], "action": asked["action"], "subject": asked["subject"],
                "evaluations": [{"resource": asked["resource"]}]}))
        } else {
            one(&asked)
        };
        let message = all.iter().cloned().collect::<String>();
        let errors = vec![EvaluationError { policy: "p".into(), kind: ErrorKind::Other, message: message.clone() }];
        let cause = Cause::Unknown { party: Party::Subject, uid: Some(message.clone()) };
        let unknown = Verdict { errors, cause, ..verdict() };
        let decided = match &asked {
            RecordedRequest::One(_) => decided(answer(unknown)),
            RecordedRequest::Several(_) => RecordedResponse::Several(vec![Answer::Fault(Fault { status: 400, message })].into()),
        };
        let bytes = bytes_with(asked.clone(), decided.clone(), &model(), &keys(1));
        let text = String::from_utf8(bytes).unwrap();
        for hidden in &all {
            let escaped = serde_json::to_string(hidden).unwrap();
            let escaped = escaped.trim_matches('"');
            prop_assert!(!text.contains(hidden.as_str()) && !text.contains(escaped), "{hidden}: {text}");
        }
        prop_assert!(text.contains(&clear));
        // A pseudonym that was hidden once more would be another.
        let subject = keys(1).of("https://x.example/bsn", &bsn);
        prop_assert!(text.contains(&subject));
        prop_assert!(text.contains(&keys(1).of("Source", &texts[0])));
        let other = String::from_utf8(bytes_with(asked, decided, &model(), &keys(2))).unwrap();
        prop_assert!(!other.contains(&subject) && other.contains(&keys(2).of("https://x.example/bsn", &bsn)));
    }
    #[test]
    fn a_plain_question_is_one_that_the_walk_leaves_as_it_is(
        types in prop::array::uniform2(prop::sample::select(vec!["User", "User", "User", "Note", "Note", "Note", "Source", "Doc", "Other"])),
        action in prop::sample::select(vec!["look", "look", "read", "paint", "other"]),
        values in prop::collection::vec((
            prop::sample::select(vec![
                "text", "where", "owner", "purpose", "with", "type", "plate", "api_key", "key", "note", "note", "codes", "codes", "colour",
            ]),
            prop::collection::vec(hidden(), 3).prop_flat_map(value),
        ), 1..4),
        split in any::<prop::sample::Index>(),
    ) {
        let (properties, context) = values.split_at(split.index(values.len() + 1));
        let map = |values: &[(&str, serde_json::Value)]| -> serde_json::Map<_, _> {
            values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        };
        let RecordedRequest::One(evaluation) = one(&json!({
            "subject": {"type": types[0], "id": "a"},
            "action": {"name": action, "properties": map(context)},
            "resource": {"type": types[1], "id": "b", "properties": map(properties)},
            "context": map(context),
        })) else { panic!("one question") };
        let (model, keys) = (model(), keys(1));
        let mut walk = Walk::new(&model, &keys);
        let (walked, facts) = walk.evaluation(&evaluation);
        if plain::is_plain(&evaluation, &model) {
            prop_assert_eq!(&walked, &*evaluation);
            prop_assert!(walk.places.is_empty() && facts.subjects.is_empty());
        }
    }
}
