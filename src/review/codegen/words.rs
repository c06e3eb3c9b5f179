//! Names and texts that the templates share.

use crate::{
    pdp::description::{Branch, Context, Description, Obligation},
    sources::policy::Limit,
    types::{authzen, escape},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// Names that are no words of a language and that differ from each other.
#[derive(Debug)]
pub(super) struct Names<'a> {
    reserved: &'a [&'a str],
    given: BTreeSet<String>,
}

impl<'a> Names<'a> {
    pub(super) fn without(reserved: &'a [&'a str]) -> Self {
        Self { reserved, given: BTreeSet::new() }
    }

    /// The name that is wanted, with `_` after it until it is free.
    pub(super) fn give(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while self.reserved.contains(&name.as_str()) || !self.given.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

/// A name for each part of a description that becomes a type, by the part's own name.
pub(super) fn type_names(description: &Description, reserved: &[&str]) -> BTreeMap<String, String> {
    let mut names = Names::without(reserved);
    let types = description.types.iter().map(|kind| &kind.name);
    let contexts = description.contexts.iter().flat_map(|context| {
        let action = context.action.as_ref().map(|action| &action.name);
        std::iter::once(&context.name).chain(action)
    });
    let records = description.records.iter().map(|record| &record.name);
    let references = description.references.iter().map(|reference| &reference.name);
    let all = types.chain(contexts).chain(records).chain(references);
    all.map(|name| (name.clone(), names.give(name))).collect()
}

/// An identifier in small letters: `share with/Team` is `share_with_team`, `AnprHit` is `anpr_hit`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut was_small = false;
    for character in name.chars() {
        if !character.is_ascii_alphanumeric() {
            was_small = false;
            if !snake.ends_with('_') && !snake.is_empty() {
                snake.push('_');
            }
            continue;
        }
        if character.is_ascii_uppercase() && was_small {
            snake.push('_');
        }
        was_small = character.is_ascii_lowercase() || character.is_ascii_digit();
        snake.push(character.to_ascii_lowercase());
    }
    let snake = snake.trim_end_matches('_');
    match snake.chars().next() {
        None => "unnamed".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{snake}"),
        Some(_) => snake.to_owned(),
    }
}

/// The same in the form of a type: `share with/Team` is `ShareWithTeam`.
pub(super) fn pascal(name: &str) -> String {
    let capitalised = |word: &str| {
        let mut characters = word.chars();
        characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters).collect::<String>()
    };
    let pascal: String = snake(name).split('_').map(capitalised).collect();
    if pascal.starts_with(|first: char| first.is_ascii_digit()) { format!("N{pascal}") } else { pascal }
}

/// A name that begins with a small letter.
pub(super) fn lower(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(characters).collect()
}

/// A text as JSON, ECMAScript and Java write it.
pub(super) fn json_text(text: &str) -> String {
    escape::json(&serde_json::Value::from(text).to_string()).into_owned()
}

/// A text as Python and Go write it: what is hidden is written as its number in eight digits.
pub(super) fn numbered_text(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            _ if escape::is_hidden(character) => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// The words about a branch: what the action is, and which obligations can come.
pub(super) fn about(description: &Description, branch: &Branch) -> Vec<String> {
    let doc = description.action(branch).and_then(|action| action.doc.clone());
    doc.into_iter().chain(branch.obligations.iter().map(obligation)).map(|line| one_line(&line)).collect()
}

fn obligation(of: &Obligation) -> String {
    let Obligation { policy, with, kind, properties, .. } = of;
    let mut written = Vec::new();
    authzen::write_map(&mut written, properties);
    format!("Obligation with {}: {kind} {} ({policy})", with.name(), String::from_utf8_lossy(&written))
}

/// Text of a schema for a comment: on one line, with no character that changes how a line is shown.
pub(super) fn one_line(text: &str) -> String {
    escape::line(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

/// The numbers of a range, if they are few enough to be listed.
pub(super) fn few(limit: Option<&Limit>) -> Option<Vec<i64>> {
    const FEW: i64 = 16;
    match limit {
        Some(Limit::Range(range)) if range.end().checked_sub(*range.start())? < FEW => Some(range.clone().collect()),
        _ => None,
    }
}

/// Whether a question with this context must have one.
pub(super) fn is_needed(context: &Context) -> bool {
    context.fields.iter().any(|field| field.required)
}

/// Whether an action with these properties must have some.
pub(super) fn needs_properties(context: &Context) -> bool {
    context.action.as_ref().is_some_and(|action| !action.optional && action.fields.iter().any(|field| field.required))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_the_language_and_differ() {
        let mut names = Names::without(&["from"]);
        let given = ["from", "from_", "a", "a"].map(|name| names.give(name));
        assert_eq!(given, ["from_", "from__", "a", "a_"]);
        assert_eq!(
            ["share with/Team", "AnprHit", "8", "…", "withHTTPBody"].map(snake),
            ["share_with_team", "anpr_hit", "_8", "unnamed", "with_httpbody"]
        );
    }
}
