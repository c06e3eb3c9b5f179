//! Adds a system to the text of a schema. Comments and the form of the rest stay as they are.

use super::NewSystem;
use crate::{
    sources::policy::{SCHEMA_FILE, Sources, Token, tokens},
    types::problem::SourceFile,
};
use std::ops::Range;

/// The actions that the policies of a new system speak of.
const ACTIONS: [&str; 3] = ["consult", "collect", "alter"];

pub(super) fn file(policies: &Sources) -> Result<&SourceFile, String> {
    let found = policies.files().find(|(name, _)| *name == SCHEMA_FILE).map(|(_, file)| file);
    found.ok_or_else(|| format!("{} has no {SCHEMA_FILE}", policies.folder()))
}

pub(super) fn namespace(schema: &str) -> Result<String, String> {
    let tokens = tokens(schema);
    let name = find(&tokens, &["namespace", ANY, "{"]).and_then(|at| tokens.get(at + 1));
    name.map(|name| name.text.to_owned()).ok_or_else(|| "the schema has no namespace of one word".to_owned())
}

/// A type's `@uri`, beside those that are there.
pub(super) fn uri(schema: &str, kind: &str) -> String {
    let tokens = tokens(schema);
    let written = find(&tokens, &["uri", "("]).and_then(|at| tokens.get(at + 2));
    let base = written.and_then(|uri| uri.text.trim_matches('"').rsplit_once('/')).map_or("", |(base, _)| base);
    let mut name = String::new();
    for character in kind.chars() {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(character.to_ascii_lowercase());
    }
    format!("{base}/{name}")
}

/// The schema with the type of the records, and with the system where it lists all systems.
pub(super) fn with(schema: &str, system: &NewSystem, entity: &str) -> Result<String, String> {
    let tokens = tokens(schema);
    if find(&tokens, &["entity", &system.kind]).is_some() {
        return Err(format!("--type: the schema has a type `{}` already; take another name", system.kind));
    }
    let mut edits = vec![(end_of_records(&tokens)?, entity.trim_end().to_owned())];
    let systems = systems(&tokens)?;
    if systems.iter().any(|it| *it == system.name) {
        return Err(format!("the schema has a system `{}` already; take another name", system.name));
    }
    for token in tokens.iter().filter(|token| list(token).is_some_and(|list| list == systems)) {
        let mut names = systems.clone();
        names.push(&system.name);
        names.sort_unstable();
        edits.push((token.place.clone(), format!("\"{}\"", names.join(", "))));
    }
    for action in ACTIONS {
        edits.push((end_of_resources(&tokens, action)?, format!(", {}", system.kind)));
    }
    edits.sort_by_key(|(place, _)| place.start);
    let mut text = schema.to_owned();
    for (place, with) in edits.into_iter().rev() {
        text.replace_range(place, &with);
    }
    Ok(text)
}

/// The systems that accounts can be authorised for: the names of the tags of the register.
fn systems<'t>(tokens: &[Token<'t>]) -> Result<Vec<&'t str>, String> {
    let register = find(tokens, &["entity", "ProcessingRegister"]).unwrap_or_default();
    let before = tokens.get(..register).unwrap_or_default();
    let tags = before.iter().rposition(|token| token.text == "tags");
    let found = tags.and_then(|at| before.get(at + 2)).and_then(list);
    found.ok_or_else(|| {
        "the schema has no `@tags(\"…\")` at `entity ProcessingRegister`, which lists the systems".to_owned()
    })
}

/// Behind the last type of records.
fn end_of_records(tokens: &[Token<'_>]) -> Result<Range<usize>, String> {
    let none = || "the schema has no type of records (@source(\"request\"))".to_owned();
    let last = tokens.iter().rposition(|token| token.text == "\"request\"").ok_or_else(none)?;
    let after = tokens.get(last..).unwrap_or_default();
    let end = find(after, &["}", ";"]).and_then(|at| after.get(at + 1)).ok_or_else(none)?.place.end;
    Ok(end..end)
}

/// Behind the last resource of an action.
fn end_of_resources(tokens: &[Token<'_>], action: &str) -> Result<Range<usize>, String> {
    let end = || {
        let declared = tokens.get(find(tokens, &["action", action])?..)?;
        let declared = declared.get(..declared.iter().position(|token| token.text == ";")?)?;
        let resources = declared.get(find(declared, &["resource", ":", "["])?..)?;
        let close = resources.iter().position(|token| token.text == "]")?;
        Some(resources.get(close.checked_sub(1)?)?.place.end)
    };
    let end = end().ok_or_else(|| format!("the schema has no action `{action}` with a list of resources"))?;
    Ok(end..end)
}

fn list<'t>(token: &Token<'t>) -> Option<Vec<&'t str>> {
    let text = token.text.strip_prefix('"')?.strip_suffix('"')?;
    Some(text.split(',').map(str::trim).collect())
}

/// Stands for any token.
const ANY: &str = "";

/// Where these tokens follow each other first.
fn find(tokens: &[Token<'_>], wanted: &[&str]) -> Option<usize> {
    let fits = |(token, wanted): (&Token<'_>, &&str)| *wanted == ANY || token.text == *wanted;
    tokens.windows(wanted.len()).position(|window| window.iter().zip(wanted).all(fits))
}
