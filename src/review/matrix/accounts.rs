//! The accounts of a directory: what is known of each by its entity, before its rights are.

use super::{Account, Group};
use crate::{
    review::account::{self, Authorisation},
    sources::{directory, policy::cedar_core::ast, snapshot::Snapshot},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

/// The accounts of the directory, before their authorisations and rights are known.
pub(super) fn accounts(snapshot: &Snapshot) -> Vec<Account> {
    let subjects: HashSet<_> = snapshot.policies.schema.request_envs().map(|each| each.principal().clone()).collect();
    let is_subject =
        |entity: &&Arc<ast::Entity>| subjects.iter().any(|kind| kind.as_ref() == entity.uid().entity_type());
    let entities: Vec<_> = snapshot.directory.iter().filter(is_subject).collect();
    let mut of_all = BTreeMap::<_, (usize, BTreeSet<ast::EntityUID>)>::new();
    for entity in &entities {
        let (number, groups) =
            of_all.entry(entity.uid().entity_type()).or_insert_with(|| (0, entity.ancestors().cloned().collect()));
        groups.retain(|group| entity.is_descendant_of(group));
        *number += 1;
    }
    // What holds the only account of a type says nothing of other accounts.
    let of_all: BTreeMap<_, _> = of_all
        .into_iter()
        .map(|(kind, (number, groups))| (kind, Arc::new(if number > 1 { groups } else { BTreeSet::new() })))
        .collect();
    let one = |entity: &Arc<ast::Entity>| {
        let of_all = of_all.get(entity.uid().entity_type()).cloned().unwrap_or_default();
        Account { of_all, ..account(snapshot, entity) }
    };
    entities.into_iter().map(one).collect()
}

/// What an account is authorised to do on a day.
pub(super) fn authorisations(snapshot: &Snapshot, uid: &ast::EntityUID, day: &str) -> Vec<Authorisation> {
    account::placement(snapshot, uid, day).map(|sheet| sheet.authorisations).unwrap_or_default()
}

/// What is known of an account by its entity alone.
pub(super) fn account(snapshot: &Snapshot, entity: &ast::Entity) -> Account {
    let mut groups: Vec<_> = entity
        .ancestors()
        .map(|uid| Group {
            kind: uid.entity_type().to_string(),
            id: AsRef::<str>::as_ref(uid.eid()).to_owned(),
            name: snapshot.directory.get(uid).and_then(|group| directory::name_of(group)),
        })
        .collect();
    groups.sort();
    Account {
        uid: entity.uid().clone(),
        kind: entity.uid().entity_type().to_string(),
        id: AsRef::<str>::as_ref(entity.uid().eid()).to_owned(),
        name: directory::name_of(entity),
        groups,
        of_all: Arc::default(),
        authorisations: Vec::new(),
        cells: BTreeMap::new(),
        is_test: false,
    }
}
