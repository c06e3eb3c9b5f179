//! Reads the facts of a policy for people and callers from its annotations: `@title`, `@basis`, `@obligation`,
//! `@advice`, `@reason_user`.
//!
//! An obligation names what the schema declares (`obligations`). Where the schema declares none it is a short text, which
//! becomes one of the type `custom` with the property `obligation`. Or it is a JSON object with `type` and `properties`, as
//! in the AuthZEN obligations profile. A list of objects gives several, since Cedar allows each annotation once. Advice is a
//! text.
//!
//! A sentence for people can have translations, such as `@title_nl`. It is read in its language where it has that one, else as
//! it is written without a language. An obligation is for a program, and has none.

use super::obligations::{self, Obligations};
use crate::types::{
    authzen,
    decision::{Obligation, PolicyFacts, Wording},
    evaluation::{Map, Value},
    language::Language,
};
use std::collections::BTreeMap;

/// The annotation with what a user is told.
pub(super) const REASON_USER: &str = "reason_user";

/// The annotations that are sentences for people, and so can have translations.
pub const SENTENCES: [&str; 3] = ["title", "advice", REASON_USER];

/// The sentence and the language of an annotation such as `title_nl`; `Err` for a language that poort does not know. `None`: it
/// is no translation.
#[must_use]
pub fn translation(annotation: &str) -> Option<(&'static str, Result<Language, &str>)> {
    SENTENCES.into_iter().find_map(|sentence| {
        let tag = annotation.strip_prefix(sentence)?.strip_prefix('_')?;
        Some((sentence, tag.parse().map_err(|_| tag)))
    })
}

/// The types of obligations that the AuthZEN obligations profile knows.
const TYPES: [&str; 4] = ["step-up", "notification", "session_termination", "custom"];

/// Reads the annotations of a policy.
///
/// # Errors
/// What is wrong with `@obligation`, and advice.
pub(super) fn read<'a>(
    id: &str,
    annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
    declared: &Obligations,
) -> Result<PolicyFacts, (String, String)> {
    let annotations: BTreeMap<&str, &str> = annotations.into_iter().collect();
    let sentence = |name| sentence(&annotations, name);
    let mut facts = PolicyFacts {
        id: id.to_owned(),
        title: sentence("title").unwrap_or_default(),
        basis: annotations.get("basis").map_or("", |text| text.trim()).to_owned(),
        advice: sentence("advice"),
        ..PolicyFacts::default()
    };
    facts.reason_user = sentence(REASON_USER).map(|told| told.or(&facts.title).map(ended));
    for (key, text) in &annotations {
        match *key {
            "obligation" if declared.is_empty() => {
                let help = "write a short text, or a JSON object such as {\"type\": \"custom\", \"properties\": {}}";
                facts.obligations = free(id, text).map_err(|message| (message, help.to_owned()))?;
            }
            "obligation" => facts.obligations = numbered(id, obligations::asked(declared, text)?),
            _ => {}
        }
    }
    Ok(facts)
}

/// A sentence with its translations.
fn sentence(annotations: &BTreeMap<&str, &str>, name: &str) -> Option<Wording> {
    let mut sentence = Wording::from(annotations.get(name)?.trim());
    for (annotation, text) in annotations {
        if let Some((of, Ok(language))) = translation(annotation)
            && of == name
            && !text.trim().is_empty()
        {
            sentence.translate(language, text.trim().to_owned());
        }
    }
    Some(sentence)
}

/// A sentence that others can follow.
fn ended(mut sentence: String) -> String {
    if !sentence.is_empty() && !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// The obligations of a policy, each with an id of its own.
fn numbered(policy: &str, asked: Vec<(String, Map)>) -> Vec<Obligation> {
    let several = asked.len() > 1;
    let with_id = |(index, (kind, properties))| {
        let id = if several { format!("{policy}#{}", index + 1) } else { policy.to_owned() };
        Obligation { id, kind, properties }
    };
    asked.into_iter().enumerate().map(with_id).collect()
}

fn free(policy: &str, text: &str) -> Result<Vec<Obligation>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("@obligation is empty".to_owned());
    }
    if !text.starts_with(['{', '[']) {
        let properties = Map::from([("obligation".to_owned(), Value::String(text.to_owned()))]);
        return Ok(vec![Obligation { id: policy.to_owned(), kind: "custom".to_owned(), properties }]);
    }
    let items = match authzen::read_value(text.as_bytes()).map_err(|error| format!("@obligation: {error}"))? {
        Value::List(items) => items,
        one => vec![one],
    };
    Ok(numbered(policy, items.into_iter().map(obligation).collect::<Result<_, _>>()?))
}

fn obligation(item: Value) -> Result<(String, Map), String> {
    let Value::Map(mut item) = item else {
        return Err(format!("@obligation holds {}; write an object with `type` and `properties`", item.kind()));
    };
    let kind = match item.remove("type") {
        Some(Value::String(kind)) if TYPES.contains(&kind.as_str()) => kind,
        Some(Value::String(kind)) => {
            return Err(format!("@obligation has the unknown type `{kind}`; the types are {}", TYPES.join(", ")));
        }
        _ => return Err(format!("@obligation has no `type`; the types are {}", TYPES.join(", "))),
    };
    let properties = match item.remove("properties") {
        Some(Value::Map(properties)) => properties,
        None => Map::new(),
        Some(other) => return Err(format!("@obligation has `properties` that are {}, not an object", other.kind())),
    };
    match item.into_keys().next() {
        Some(key) => Err(format!("@obligation has the unknown key `{key}`")),
        None => Ok((kind, properties)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<PolicyFacts, String> {
        let annotations = [("title", " A title. "), ("obligation", text), ("basis", "Wpg art. 8")];
        read("p", annotations, &Obligations::new()).map_err(|(message, _)| message)
    }

    #[test]
    fn a_plain_text_is_a_custom_obligation() {
        let facts = one("mask the victim").unwrap();
        assert_eq!((facts.title, facts.basis.as_str()), ("A title.".into(), "Wpg art. 8"));
        assert_eq!(facts.obligations[0].kind, "custom");
        assert_eq!(facts.obligations[0].properties["obligation"], Value::String("mask the victim".into()));
    }

    #[test]
    fn an_empty_translation_leaves_the_sentence() {
        let annotations = [
            ("title", "Nobody."),
            ("title_nl", "Niemand."),
            ("reason_user", ""),
            ("reason_user_nl", " "),
            ("title_en", ""),
        ];
        let facts = read("p", annotations, &Obligations::new()).unwrap();
        assert_eq!(facts.title.in_language(Language::English), "Nobody.");
        assert_eq!(facts.reason_user.unwrap().in_language(Language::Dutch), "Niemand.");
    }

    #[test]
    fn a_list_gives_several_with_ids_of_their_own() {
        let facts = one(r#"[{"type":"step-up","properties":{"acr_value":"x"}},{"type":"custom"}]"#).unwrap();
        let ids: Vec<_> = facts.obligations.iter().map(|obligation| obligation.id.as_str()).collect();
        assert_eq!(ids, ["p#1", "p#2"]);
    }

    #[test]
    fn a_malformed_obligation_says_what_is_wrong() {
        for (text, expected) in [
            ("", "empty"),
            ("{", "EOF"),
            ("[1]", "a number"),
            (r#"{"type":"shout"}"#, "unknown type `shout`"),
            (r#"{"properties":{}}"#, "no `type`"),
            (r#"{"type":"custom","properties":3}"#, "not an object"),
            (r#"{"type":"custom","until":"x"}"#, "unknown key `until`"),
        ] {
            let error = one(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
