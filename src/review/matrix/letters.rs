//! Gives each operation a letter, by which a cell of the matrix names it.
//!
//! A capital is an operation that is in no other, such as *consult*; a small letter is a finer one, such as *watch*, which is in
//! *consult*. The letters follow from the schema alone, so a page about some accounts has those of the page about all.

use crate::sources::{policy::Policies, snapshot::Snapshot};
use cedar_policy as cedar;
use std::collections::{BTreeMap, BTreeSet};

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The action, as questions name it.
    pub name: String,
    /// Its letter.
    pub letter: String,
    /// The operations that it is in, such as `consult`; empty for one that is in no other.
    pub within: Vec<String>,
    /// What the schema says of it.
    pub doc: Option<String>,
}

/// The operations of a schema: those that are in no other first, then by the number of types they are about.
pub(super) fn operations(snapshot: &Snapshot) -> Vec<Operation> {
    let policies = &snapshot.policies;
    let mut types = BTreeMap::<&cedar::EntityUid, BTreeSet<String>>::new();
    let environments: Vec<_> = policies.schema.request_envs().collect();
    for environment in &environments {
        types.entry(environment.action()).or_default().insert(environment.resource().to_string());
    }
    let mut found: Vec<_> = types
        .iter()
        .map(|(action, about)| {
            let within = within(policies, action, &types.keys().copied().collect());
            (within.is_empty(), about.len(), *action, within)
        })
        .collect();
    found.sort_by(|one, other| (other.0, other.1, one.2.to_string()).cmp(&(one.0, one.1, other.2.to_string())));
    let mut taken = BTreeSet::new();
    let operation = |(is_whole, _, action, within): (bool, usize, &cedar::EntityUid, Vec<String>)| {
        let name = name(policies, action);
        let id: &str = action.id().as_ref();
        let words = policies.model.words.action(&action.type_name().to_string(), id);
        let doc = words.and_then(|words| words.doc.as_deref()).map(str::to_owned);
        Operation { letter: letter(id, is_whole, &mut taken), name, within, doc }
    };
    found.into_iter().map(operation).collect()
}

/// The shortest name by which questions name an action: its id, or its whole name where another action has that id too.
pub(super) fn name(policies: &Policies, action: &cedar::EntityUid) -> String {
    let names = policies.model.action_of(action.as_ref()).map(|model| policies.model.action_names(model));
    names.and_then(|names| names.first().map(|name| (*name).to_owned())).unwrap_or_else(|| action.to_string())
}

/// The operations that an action is in.
fn within(policies: &Policies, action: &cedar::EntityUid, all: &BTreeSet<&cedar::EntityUid>) -> Vec<String> {
    let Some(entity) = policies.action_entities.get(action.as_ref()) else { return Vec::new() };
    let is_above = |other: &&&cedar::EntityUid| entity.ancestors().any(|ancestor| ancestor == other.as_ref());
    all.iter().filter(is_above).map(|other| name(policies, other)).collect()
}

/// The first letter of the name that is free, consonants before vowels; else the first one with a number.
fn letter(name: &str, is_whole: bool, taken: &mut BTreeSet<String>) -> String {
    let cased = |sign: char| if is_whole { sign.to_uppercase().to_string() } else { sign.to_lowercase().to_string() };
    let is_vowel = |sign: &char| "aeiou".contains(*sign);
    let letters: Vec<_> = name.to_lowercase().chars().filter(|sign| sign.is_alphabetic()).collect();
    let first = letters.first().copied().unwrap_or('x');
    let (vowels, consonants): (Vec<_>, Vec<_>) = letters.iter().skip(1).copied().partition(is_vowel);
    let single = [first].into_iter().chain(consonants).chain(vowels).map(cased);
    let numbered = (2_usize..).map(|number| format!("{}{number}", cased(first)));
    let free = single.chain(numbered).find(|letter| !taken.contains(letter)).unwrap_or_default();
    taken.insert(free.clone());
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_operations_have_one_letter() {
        let mut taken = BTreeSet::new();
        let mut letters = |names: &[&str], is_whole| -> Vec<String> {
            names.iter().map(|name| letter(name, is_whole, &mut taken)).collect()
        };
        assert_eq!(
            letters(&["consult", "alter", "collect", "combine", "cc", "c"], true),
            ["C", "A", "L", "M", "C2", "C3"]
        );
        assert_eq!(letters(&["match", "obtain", "-"], false), ["m", "o", "x"]);
    }
}
