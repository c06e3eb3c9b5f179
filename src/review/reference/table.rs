//! A table of the values of an object: name, type, whether it must be there, and what it is.

use crate::{
    pdp::description::{Description, Field, Kind},
    review::report::markdown::{code, escaped},
    sources::policy::Limit,
};
use std::fmt::Write as _;

/// Writes the table; nothing, if there are no values.
pub(super) fn table(text: &mut String, description: &Description, fields: &[Field]) {
    if fields.is_empty() {
        return;
    }
    text.push_str("| name | type | | what it is |\n|---|---|---|---|\n");
    for field in fields {
        let Field { name, doc, required, kind, limit, constant } = field;
        let limit = limit.as_ref();
        let presence = match (constant, required) {
            (Some(_), _) => "poort knows it",
            (None, true) => "required",
            (None, false) => "optional",
        };
        let mut words = doc.as_deref().map(prose).unwrap_or_default();
        let allowed = match (constant, limit) {
            (Some(constant), _) => format!(" {} and nothing else.", code(constant)),
            (None, Some(limit @ Limit::Values(_))) => format!(" One of {}.", values(limit)),
            (None, Some(limit)) => format!(" {}.", limit.described()),
            (None, None) => String::new(),
        };
        words.push_str(&allowed);
        let words = words.trim();
        let _ = writeln!(text, "| {} | {} | {presence} | {words} |", code(name), kind_text(description, kind));
    }
    text.push('\n');
}

fn values(limit: &Limit) -> String {
    limit.names().map(code).collect::<Vec<_>>().join(", ")
}

/// A type in words, with a link to where it is described.
fn kind_text(description: &Description, kind: &Kind) -> String {
    match kind {
        Kind::Bool => "boolean".to_owned(),
        Kind::Long => "whole number".to_owned(),
        Kind::Text => "string".to_owned(),
        Kind::Entity(place) => match description.references.get(*place) {
            Some(reference) => {
                let named = reference.names.first().map_or("", String::as_str);
                match &reference.listed {
                    Some(ids) => format!("one of {}", ids.iter().map(|id| code(id)).collect::<Vec<_>>().join(", ")),
                    None => format!("id of {}", code(named)),
                }
            }
            None => String::new(),
        },
        Kind::Set(element) => format!("list of {}", kind_text(description, element)),
        Kind::Record(place) => match description.records.get(*place) {
            Some(record) => format!("[{}](#{})", escaped(&record.name), anchor(&record.name)),
            None => String::new(),
        },
        Kind::Tags(value) => format!("object, each value a {}", kind_text(description, value)),
        Kind::Extension(extension) => {
            let examples = extension.example().split(" or ").map(code).collect::<Vec<_>>().join(" or ");
            format!("{}, as {examples}", extension.type_name())
        }
    }
}

/// The anchor of a heading that is an identifier, on GitHub and GitLab.
pub(super) fn anchor(heading: &str) -> String {
    heading.to_lowercase()
}

/// Words of the schema: what it quotes is code, and the rest is text.
pub(super) fn prose(doc: &str) -> String {
    let parts = doc.split('`').enumerate();
    let is_paired = doc.matches('`').count().is_multiple_of(2);
    let written = parts.map(|(index, part)| match (index % 2, is_paired) {
        (1, true) if !part.is_empty() => code(part),
        _ => escaped(part),
    });
    written.collect()
}
