//! Compares two directories: each changed entity (an account, a team, a unit) with each fact that was added, removed or
//! changed.

use super::{Change, EntityChange, Fact};
use crate::{
    sources::{
        policy::cedar_core::ast::{self, PartialValue, Value, ValueKind},
        snapshot::Snapshot,
    },
    types::revision::Revision,
};
use std::collections::{BTreeMap, BTreeSet};

/// What the directory became, ordered by id.
pub(super) fn changes(base: &Snapshot, head: &Snapshot) -> Vec<EntityChange> {
    let uids: BTreeSet<_> = base.directory.uids().chain(head.directory.uids()).collect();
    uids.into_iter().filter_map(|uid| change(uid, base, head)).collect()
}

fn change(uid: &ast::EntityUID, base: &Snapshot, head: &Snapshot) -> Option<EntityChange> {
    let (before, after) = (base.directory.get(uid), head.directory.get(uid));
    let change = match (before, after) {
        (None, Some(_)) => Change::Added,
        (Some(_), None) => Change::Removed,
        _ => Change::Changed,
    };
    let (before, after) = (before.map(|entity| Facts::of(entity)), after.map(|entity| Facts::of(entity)));
    if before == after {
        return None;
    }
    let id = uid.to_string();
    let digest = digest(&id, before.as_ref(), after.as_ref());
    let mut facts = facts(&before.unwrap_or_default(), &after.unwrap_or_default());
    let [old, new] = [base, head].map(|side| side.directory.get(uid).map(|entity| sets(entity)).unwrap_or_default());
    for fact in &mut facts {
        if let (Some(old), Some(new)) = (old.get(&fact.name), new.get(&fact.name)) {
            fact.added = new.difference(old).cloned().collect();
            fact.removed = old.difference(new).cloned().collect();
        }
    }
    Some(EntityChange { id, change, facts, digest })
}

/// What the directory says of an entity.
#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    /// Attributes, parts of records and tags, by name.
    named: BTreeMap<String, String>,
    /// Its parents. Further ancestors are facts of those.
    parents: BTreeSet<String>,
}

impl Facts {
    fn of(entity: &ast::Entity) -> Self {
        let mut named = BTreeMap::new();
        all(entity, &mut |name, value| drop(named.insert(name, value.to_string())));
        Self { named, parents: entity.parents().map(ToString::to_string).collect() }
    }
}

/// The sets that the directory says of an entity, by name.
fn sets(entity: &ast::Entity) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    all(entity, &mut |name, value| {
        if let ValueKind::Set(set) = value.value_kind() {
            found.insert(name, set.iter().map(ToString::to_string).collect());
        }
    });
    found
}

/// Attributes, parts of records and tags, each with its name.
fn all(entity: &ast::Entity, found: &mut dyn FnMut(String, &Value)) {
    for (name, value) in entity.attrs() {
        if let PartialValue::Value(value) = value {
            leaves(word(name), value, found);
        }
    }
    for (name, value) in entity.tags() {
        if let PartialValue::Value(value) = value {
            leaves(format!("tag {name:?}"), value, found);
        }
    }
}

/// The values of a record, each by its path; any other value as it is.
fn leaves(path: String, value: &Value, found: &mut dyn FnMut(String, &Value)) {
    match value.value_kind() {
        ValueKind::Record(fields) if !fields.is_empty() => {
            for (name, value) in fields.iter() {
                leaves(format!("{path}.{}", word(name)), value, found);
            }
        }
        _ => found(path, value),
    }
}

/// A name; in quotes if it could be taken for more than one.
fn word(name: &str) -> String {
    let is_plain = name.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '-'));
    if is_plain && !name.is_empty() { name.to_owned() } else { format!("{name:?}") }
}

fn facts(before: &Facts, after: &Facts) -> Vec<Fact> {
    let names: BTreeSet<_> = before.named.keys().chain(after.named.keys()).collect();
    let named = names.into_iter().map(|name| Fact {
        name: name.clone(),
        before: before.named.get(name).cloned(),
        after: after.named.get(name).cloned(),
        added: Vec::new(),
        removed: Vec::new(),
    });
    let parents = before.parents.union(&after.parents).map(|parent| {
        let there = |facts: &Facts| facts.parents.contains(parent).then(|| parent.clone());
        let (before, after) = (there(before), there(after));
        Fact { name: "parent".to_owned(), before, after, added: Vec::new(), removed: Vec::new() }
    });
    named.chain(parents).filter(|fact| fact.before != fact.after).collect()
}

/// Names exactly this change: all that each side says of the entity.
fn digest(id: &str, before: Option<&Facts>, after: Option<&Facts>) -> String {
    let part = |side: &'static str, facts: Option<&Facts>| Some((format!("{side} {id}"), format!("{:?}", facts?)));
    let parts: Vec<_> = [part("before", before), part("after", after)].into_iter().flatten().collect();
    Revision::of(parts.iter().map(|(name, text)| (name.as_str(), text.as_bytes()))).to_string()
}
