//! What kind of accounts they are: the type of each, and what it refers to or is in, such as its organisation and unit.

use super::facts;
use crate::sources::{
    policy::{
        cedar_core::ast::{Eid, Entity, EntityType, EntityUID, Literal, PartialValue, Value, ValueKind},
        id_of,
    },
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
            groups.entry(name).or_default().insert(id_of(uid).to_owned());
        };
        for (name, given) in entity.attrs() {
            if let PartialValue::Value(value) = given
                && let Some(uid) = reference(value)
            {
                add(name.to_string(), uid);
            }
        }
        entity.parents().for_each(|uid| add(facts::kind(uid), uid));
        Self { kind: facts::kind(entity.uid()), id: id_of(entity.uid()).to_owned(), groups }
    }
}

fn reference(value: &Value) -> Option<&EntityUID> {
    match value.value_kind() {
        ValueKind::Lit(Literal::EntityUID(uid)) => Some(uid),
        _ => None,
    }
}

/// The name of an entity, `Type::"id"`.
pub(super) fn name(kind: &str, id: &str) -> String {
    EntityType::from_normalized_str(kind)
        .map_or_else(|_| id.to_owned(), |kind| EntityUID::from_components(kind, Eid::new(id), None).to_string())
}

/// The id of an entity that is named `Type::"id"`; another text as it is.
pub(super) fn id(name: &str) -> String {
    name.parse().map_or_else(|_| name.to_owned(), |uid: EntityUID| id_of(&uid).to_owned())
}
