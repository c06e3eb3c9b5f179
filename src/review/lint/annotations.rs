//! Warns of unknown annotations whose names are similar to known ones, and of obligations that no policy names.

use super::written;
use crate::{
    sources::policy::{Policies, SCHEMA_FILE, SENTENCES, Sources, translation},
    types::{language::Language, problem::Problem, suggest::nearest},
};
use std::collections::BTreeSet;

/// The annotations that poort reads, and those for people.
const READ: [&str; 6] = ["id", "title", "basis", "obligation", "advice", "reason_user"];

/// Warns of each: no caller learns of a misspelt `@obligation`.
pub(super) fn misspelt(policies: &Policies, problems: &mut Vec<Problem>) {
    let in_each = |sentence| Language::ALL.map(|language| format!("{sentence}_{}", language.tag()));
    let translations: Vec<_> = SENTENCES.into_iter().flat_map(in_each).collect();
    for (id, place) in written(policies) {
        let policy = policies.set.policy(id).map(|policy| policy.annotations().map(|(name, _)| name).collect());
        let template =
            || policies.set.template(id).map(|template| template.annotations().map(|(name, _)| name).collect());
        let names: Vec<&str> = policy.or_else(template).unwrap_or_default();
        for name in names.into_iter().filter(|name| !READ.contains(name)) {
            let near = match translation(name) {
                Some((_, Ok(_))) => None,
                // A language that is not known is like another in its name alone; the first is as good as any.
                Some((sentence, Err(tag))) => {
                    let tags = Language::ALL.map(Language::tag);
                    let tag = nearest(tag, tags).unwrap_or(Language::Dutch.tag());
                    Some(format!("{sentence}_{tag}"))
                }
                None => {
                    nearest(name, READ.into_iter().chain(translations.iter().map(String::as_str))).map(str::to_owned)
                }
            };
            if let Some(near) = near {
                let message = format!("nothing reads @{name} of `{id}`");
                let problem = Problem::warning("policy::annotation", &place.file, message);
                problems.push(problem.at(place.annotation(name), "here").help(format!("did you mean `@{near}`?")));
            }
        }
    }
}

/// Warns of each obligation of the schema that no policy names.
pub(super) fn unused(sources: &Sources, policies: &Policies, problems: &mut Vec<Problem>) {
    let named = policies.facts.values().flat_map(|facts| &facts.obligations);
    let named: BTreeSet<&str> = named.flat_map(|obligation| obligation.keys()).collect();
    let Some((_, file)) = sources.files().find(|(name, _)| *name == SCHEMA_FILE) else { return };
    for (key, declared) in &policies.model.obligations {
        if !named.contains(declared.wire_key(key)) {
            let message = format!("no policy names the obligation `{key}`");
            let start = file.text.find(&format!("type {key} ")).map_or(0..0, |start| start..start + 5 + key.len());
            let problem = Problem::warning("schema::unused-obligation", file, message).at(start, "declared here");
            problems.push(problem.help("name it in a policy, or leave it out of the schema"));
        }
    }
}
