//! What kind of accounts they are: the type of each, and what it refers to or is in, such as its organisation and unit.

use super::facts;
use crate::sources::{
    policy::cedar_core::ast::{Entity, EntityUID, Literal, PartialValue, Value, ValueKind},
    snapshot::Snapshot,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// An account of the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its type, as a word.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The ids of what it refers to or is directly in, by the name of the attribute, or by the type.
    pub groups: BTreeMap<String, BTreeSet<String>>,
}

/// Accounts by their names in a comparison. One that is gone is as it was.
pub(super) fn named<'n>(
    names: impl Iterator<Item = &'n String>,
    base: &Snapshot,
    head: &Snapshot,
) -> BTreeMap<String, Account> {
    let names: BTreeSet<&String> = names.collect();
    let account = |name: &str| {
        let uid: EntityUID = name.parse().ok()?;
        let entity = head.directory.get(&uid).or_else(|| base.directory.get(&uid))?;
        Some(Account::of(entity))
    };
    names.into_iter().filter_map(|name| Some((name.clone(), account(name)?))).collect()
}

impl Account {
    fn of(entity: &Entity) -> Self {
        let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut add = |name: String, uid: &EntityUID| {
            groups.entry(name).or_default().insert(id(uid));
        };
        for (name, given) in entity.attrs() {
            if let PartialValue::Value(value) = given
                && let Some(uid) = reference(value)
            {
                add(name.to_string(), uid);
            }
        }
        entity.parents().for_each(|uid| add(facts::kind(uid), uid));
        Self { kind: facts::kind(entity.uid()), id: id(entity.uid()), groups }
    }
}

fn reference(value: &Value) -> Option<&EntityUID> {
    match value.value_kind() {
        ValueKind::Lit(Literal::EntityUID(uid)) => Some(uid),
        _ => None,
    }
}

fn id(uid: &EntityUID) -> String {
    AsRef::<str>::as_ref(uid.eid()).to_owned()
}
