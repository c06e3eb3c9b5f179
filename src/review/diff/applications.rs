//! Compares what applications may ask (`applications.toml`), by what the names mean under each side's schema.
//!
//! An application without an entry may ask nothing. So a file that is new widens, and one that is gone does not.

use super::{
    Change,
    application_lines::{ANY, ORGANISATIONS, WITHOUT_TOKEN},
    changes::ApplicationChange,
};
use crate::{
    sources::policy::{Applications, Permitted, Policies},
    types::{language::Language, revision::Revision, texts::diff as texts},
};
use std::collections::BTreeSet;

/// The applications that may ask something else than before, by name.
pub(super) fn changes(base: &Policies, head: &Policies) -> Vec<ApplicationChange> {
    let sides = [&base.applications, &head.applications];
    let names: BTreeSet<_> =
        sides.iter().copied().flatten().flat_map(Applications::iter).map(|(name, _)| name).collect();
    names
        .into_iter()
        .filter_map(|name| {
            let [before, after] = sides.map(|side| side.as_ref().and_then(|side| side.get(name)));
            let [was, is] = [before, after].map(|side| side.map(may_ask).unwrap_or_default());
            let digest = |side: &BTreeSet<String>| side.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
            let texts = [("application", name.to_owned()), ("before", digest(&was)), ("after", digest(&is))];
            (was != is).then(|| ApplicationChange {
                application: name.to_owned(),
                change: match (before, after) {
                    (None, _) => Change::Added,
                    (_, None) => Change::Removed,
                    _ => Change::Changed,
                },
                narrowed: without(&was, &is),
                widened: without(&is, &was),
                digest: Revision::of(texts.iter().map(|(name, text)| (*name, text.as_bytes()))).to_string(),
            })
        })
        .collect()
}

/// The lines of one side that say what the other does not permit.
fn without(side: &BTreeSet<String>, other: &BTreeSet<String>) -> Vec<String> {
    let is_permitted = |line: &&String| line.starts_with(ORGANISATIONS) && other.contains(ANY);
    side.difference(other).filter(|line| !is_permitted(line)).cloned().collect()
}

/// What an application may ask, in lines. Any organisation is a line of its own, which permits all others.
fn may_ask(permitted: &Permitted) -> BTreeSet<String> {
    let Permitted { subjects, organisations, actions, resources, token } = permitted;
    let lists = [("subjects", &subjects.whole), ("actions", &actions.whole), ("resources", &resources.whole)];
    let named = lists.into_iter().flat_map(|(what, names)| names.iter().map(move |name| format!("{what}: {name}")));
    let organisations = match organisations {
        None => vec![ANY.to_owned()],
        Some(ids) => ids.iter().map(|id| format!("{ORGANISATIONS}{id:?}")).collect(),
    };
    // Policies read tokens. So one that is believed permits something, and is no bound alone.
    let with = token.as_ref().map(|token| texts::with_token(Language::English, format!("{:?}", token.client_id)));
    let without = token.as_ref().is_none_or(|token| !token.required).then(|| WITHOUT_TOKEN.to_owned());
    named.chain(organisations).chain(with).chain(without).collect()
}
