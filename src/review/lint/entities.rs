//! Warns of entities that policies name and the directory lacks. Mostly the name is misspelt, and its condition never
//! holds.

use super::written;
use crate::{
    sources::policy::{Held, Place, Policies, cedar_core::ast},
    types::{problem::Problem, suggest::nearest},
};
use cedar_policy as cedar;
use std::collections::{BTreeMap, BTreeSet};

/// The ids that the directory has, by type.
type Known<'a> = BTreeMap<&'a ast::EntityType, BTreeSet<&'a str>>;

/// Warns of each named entity that the directory should hold and lacks. An empty directory is not compared with.
pub(super) fn unknown<'a>(
    policies: &Policies,
    directory: impl Iterator<Item = &'a ast::EntityUID>,
    problems: &mut Vec<Problem>,
) {
    let mut known = Known::new();
    for uid in directory {
        known.entry(uid.entity_type()).or_default().insert(uid.eid().as_ref());
    }
    if known.is_empty() {
        return;
    }
    for (uid, place) in named(policies) {
        let is_held =
            matches!(policies.model.entity_type(uid.entity_type()).map(|model| &model.held), Some(Held::ByDirectory));
        let ids = known.get(uid.entity_type());
        let id: &str = uid.eid().as_ref();
        if !is_held || ids.is_some_and(|ids| ids.contains(id)) {
            continue;
        }
        let help = match nearest(id, ids.into_iter().flatten().copied()) {
            Some(near) => format!("did you mean {}::\"{near}\"?", uid.entity_type()),
            None => "correct the name, or add it to the directory".to_owned(),
        };
        let message = format!("the directory has no {uid}");
        let written = place.text().find(&uid.to_string());
        let at = written.map_or_else(
            || place.first_line(),
            |start| place.span.start + start..place.span.start + start + uid.to_string().len(),
        );
        problems.push(Problem::warning("policy::unknown-entity", &place.file, message).at(at, "named here").help(help));
    }
}

/// The entities that policies, templates and links name, each once for each place.
fn named(policies: &Policies) -> Vec<(ast::EntityUID, &Place)> {
    let mut named = BTreeMap::new();
    let mut add = |id: &cedar::PolicyId, uid: &cedar::EntityUid| {
        let Some(place) = policies.places.get(id) else { return };
        let uid = AsRef::<ast::EntityUID>::as_ref(uid).clone();
        named.insert((place.file.name.clone(), place.span.start, uid.to_string()), (uid, place));
    };
    for policy in policies.set.policies() {
        // The text of a linked policy is that of its template.
        let says = policy.template_id().unwrap_or_else(|| policy.id());
        policy.entity_literals().iter().for_each(|uid| add(says, uid));
        policy.template_links().into_iter().flatten().for_each(|(_, uid)| add(policy.id(), &uid));
    }
    named.into_values().collect()
}

/// Warns of templates that no link uses: they decide nothing.
pub(super) fn not_linked(policies: &Policies, problems: &mut Vec<Problem>) {
    let linked: BTreeSet<_> = policies.set.policies().filter_map(cedar::Policy::template_id).collect();
    let unlinked = policies.set.templates().filter(|template| !linked.contains(template.id()));
    let ids: BTreeSet<_> = unlinked.map(cedar::Template::id).collect();
    for (id, place) in written(policies).filter(|(id, _)| ids.contains(id)) {
        let message = format!("no link uses the template `{id}`, so it allows and forbids nothing");
        problems.push(
            Problem::warning("policy::not-linked", &place.file, message)
                .at(place.first_line(), "this template")
                .help("name who and what it is about in a file *.links.json, or write it as a policy without ?principal and ?resource"),
        );
    }
}
