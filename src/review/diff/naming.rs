//! Names types and actions with their namespaces where the short name is ambiguous.

use super::{EnvironmentChange, Whole};
use std::collections::{BTreeMap, BTreeSet};

/// Gives whole names to those whose short names are ambiguous.
pub(super) fn tell_apart(outcomes: &mut [EnvironmentChange]) {
    let mut types: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut actions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for EnvironmentChange { principal, action, resource, whole, .. } in outcomes.iter() {
        types.entry(principal.clone()).or_default().insert(whole.principal.clone());
        types.entry(resource.clone()).or_default().insert(whole.resource.clone());
        actions.entry(action.clone()).or_default().insert(whole.action.clone());
    }
    let name = |short: &mut String, whole: &String, all: &BTreeMap<String, BTreeSet<String>>| {
        if all.get(short).is_some_and(|meant| meant.len() > 1) {
            short.clone_from(whole);
        }
    };
    for EnvironmentChange { principal, action, resource, whole, .. } in outcomes {
        let Whole { principal: whole_principal, action: whole_action, resource: whole_resource } = whole;
        name(principal, whole_principal, &types);
        name(resource, whole_resource, &types);
        name(action, whole_action, &actions);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::diff::sample::outcome;

    #[test]
    fn only_an_ambiguous_name_gets_its_namespace() {
        let mut other = outcome(&["one"]);
        other.whole.principal = "Fire::Officer".to_owned();
        let mut outcomes = [outcome(&["one"]), other];
        tell_apart(&mut outcomes);
        assert_eq!(outcomes[0].name(), "Police::Officer × consult × Record");
        assert_eq!(outcomes[1].name(), "Fire::Officer × consult × Record");
    }
}
