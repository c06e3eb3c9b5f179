//! What a group gives to the accounts in it: what each of them may do with it, and could not do without it.
//!
//! The rights of each account are computed twice: as they are, and with the account not in the group. What its holders may do
//! for other reasons is so left out. Where a record names the group itself, as in `principal in resource.team`, what is left of
//! a policy is the same on both sides: that is given for the group's own records.

use super::{Access, Account, Group, Matrix, Part, Reach, accounts, rights::Environments};
use crate::{
    sources::{
        policy::{EntityModel, Held, Shape, cedar_core::ast::Entity},
        snapshot::Snapshot,
    },
    types::decision::PolicyFacts,
};
use cedar_policy as cedar;
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What one group gives.
#[derive(Debug)]
pub struct Gives {
    /// The group.
    pub group: Group,
    /// The ids of the accounts that are in it themselves, ordered.
    pub accounts: Vec<String>,
    /// What it gives, by record and action.
    pub rights: BTreeMap<(String, String), Given>,
    /// The policies that name it, ordered.
    pub named_by: Vec<Arc<PolicyFacts>>,
}

/// What a group changes for one record and action.
#[derive(Debug, Default)]
pub struct Given {
    /// The accounts that may more with it.
    pub more: BTreeSet<String>,
    /// The accounts that may less with it.
    pub less: BTreeSet<String>,
    /// The accounts that may it under other conditions, of which the policies do not say whether they are more or less.
    pub other: BTreeSet<String>,
    /// How far the right reaches, of the account that it reaches furthest for.
    pub reach: Option<Reach>,
    /// What permits it with the group and not without it, for some account, or all that permits it where a policy forbids it whole
    /// without the group; policies with other conditions of another account once.
    pub permits: BTreeMap<String, Part>,
    /// What permits it for records that name the group, or forbids it for others: the account must be in what an attribute names.
    pub of_its_records: BTreeMap<String, Part>,
    /// What would forbid it without the group.
    pub lifts: BTreeMap<String, Arc<PolicyFacts>>,
    /// What forbids it with the group alone.
    pub forbids: BTreeMap<String, Arc<PolicyFacts>>,
    /// What permits it without the group alone.
    pub ends: BTreeMap<String, Arc<PolicyFacts>>,
    /// What permits or forbids it with the group and without it, under other conditions.
    pub others: BTreeMap<String, Arc<PolicyFacts>>,
}

/// What the groups of each of these types give to the accounts of a matrix that are in them themselves, ordered. `progress` is
/// called with the number of groups that are done, and of all.
///
/// # Errors
/// A policy that cannot be evaluated in part, with its reason.
pub fn gives(
    snapshot: &Snapshot,
    matrix: &Matrix,
    kinds: &[&str],
    progress: &dyn Fn(usize, usize),
) -> Result<Vec<(String, Vec<Gives>)>, String> {
    let environments = Environments::of(snapshot, &matrix.day, &matrix.filter)?;
    let groups: BTreeSet<_> = matrix.accounts.iter().flat_map(|account| &account.groups).collect();
    let groups: Vec<_> = groups.into_iter().filter(|group| kinds.contains(&group.kind.as_str())).collect();
    let (mut found, number) = (BTreeMap::<String, Vec<Gives>>::new(), groups.len());
    for (done, group) in groups.into_iter().enumerate() {
        progress(done, number);
        let gives = one(snapshot, matrix, &environments, group)?;
        found.entry(group.kind.clone()).or_default().extend(gives);
    }
    found.retain(|_, gives| !gives.is_empty());
    Ok(found.into_iter().collect())
}

/// What a group gives. `None` if no account is in it itself.
fn one(
    snapshot: &Snapshot,
    matrix: &Matrix,
    environments: &Environments,
    group: &Group,
) -> Result<Option<Gives>, String> {
    let is_in = |account: &&Account| entity(snapshot, account).is_some_and(|entity| is_direct(entity, group));
    let members: Vec<_> = matrix.accounts.iter().filter(is_in).collect();
    if members.is_empty() {
        return Ok(None);
    }
    let outside = members.iter().filter_map(|account| without(snapshot, entity(snapshot, account)?, group));
    let supposed = Snapshot::of(snapshot.policies.clone(), snapshot.directory.supposing(outside));
    // With the same groups: whose records those of a unit are does not change with the account.
    let bare = |with: &&Account| {
        let account = accounts::account(&supposed, supposed.directory.get(&with.uid)?);
        Some(Account { groups: with.groups.clone(), of_all: with.of_all.clone(), ..account })
    };
    let without = environments.fill(&supposed, members.iter().filter_map(bare).collect(), &|_, _| {})?;
    let mut gives = Gives {
        group: group.clone(),
        accounts: members.iter().map(|account| account.id.clone()).collect(),
        rights: BTreeMap::new(),
        named_by: named_by(snapshot, group),
    };
    let naming = naming(snapshot, group);
    for (with, without) in members.into_iter().zip(&without) {
        for (cell, with_it) in &with.cells {
            if let Some(given) = without.cells.get(cell).and_then(|without| Given::of(&with.id, with_it, without)) {
                gives.rights.entry(cell.clone()).or_default().add(given);
            }
            let Some(naming) = naming.get(&cell.0).filter(|_| with_it.reach().is_some()) else { continue };
            for part in with_it.parts().concat().iter().filter(|part| !part.opened_by.is_disjoint(naming)) {
                let given = gives.rights.entry(cell.clone()).or_default();
                given.more.insert(with.id.clone());
                given.of_its_records.insert(part.policy.id.clone(), part.clone());
            }
        }
    }
    Ok(Some(gives))
}

/// The attributes of records that can name a group, by the type of record: `team`, for teams.
fn naming(snapshot: &Snapshot, group: &Group) -> BTreeMap<String, BTreeSet<SmolStr>> {
    fn names(shape: &Shape, kind: &str) -> bool {
        match shape {
            Shape::Entity(reference) => reference.kind.to_string() == kind,
            Shape::Set(element) => names(element, kind),
            _ => false,
        }
    }
    let attributes = |kind: &Arc<EntityModel>| {
        let Held::ByRequest { attributes, .. } = &kind.held else { return None };
        let named = attributes.iter().filter(|(_, attribute)| names(&attribute.shape, &group.kind));
        Some((kind.name.to_string(), named.map(|(name, _)| name.clone()).collect()))
    };
    snapshot.policies.model.entity_types().filter_map(attributes).collect()
}

impl Given {
    /// What a group changes for an account, if it does: what a right is with it and without it.
    fn of(id: &str, with: &Access, without: &Access) -> Option<Self> {
        let mut given = Self::default();
        let side = match (with.covers(without), without.covers(with)) {
            (true, true) => return None,
            (true, false) => &mut given.more,
            (false, true) => &mut given.less,
            (false, false) => &mut given.other,
        };
        side.insert(id.to_owned());
        given.reach = with.reach();
        let ([permits, forbids], [other_permits, other_forbids]) = (with.parts(), without.parts());
        let has = |parts: &[Part], policy: &str| parts.iter().any(|part| part.policy.id == policy);
        let new = |parts: &[Part], others: &[Part]| -> Vec<Part> {
            parts.iter().filter(|part| !has(others, &part.policy.id)).cloned().collect()
        };
        let differ = |parts: &[Part], others: &[Part]| -> Vec<Part> {
            parts.iter().filter(|part| has(others, &part.policy.id) && !others.contains(part)).cloned().collect()
        };
        let facts = |parts: Vec<Part>| parts.into_iter().map(|part| (part.policy.id.clone(), part.policy)).collect();
        given.others = facts([differ(permits, other_permits), differ(forbids, other_forbids)].concat());
        // *Always* and *never* name only the policies that make it so: what else there is does not differ for that.
        if !matches!(without, Access::Always { .. }) {
            let permits = new(permits, other_permits).into_iter();
            given.permits = permits.map(|part| (part.policy.id.clone(), part)).collect();
        }
        if !matches!(with, Access::Never { .. }) {
            given.lifts = facts(new(other_forbids, forbids));
        }
        // What limits a right that is there by the group alone is not taken away by it.
        if without.reach().is_some() {
            given.forbids = facts(new(forbids, other_forbids));
            let is_whole = matches!(with, Access::Always { .. })
                || matches!(with, Access::Never { forbids } if !forbids.is_empty());
            given.ends = if is_whole { BTreeMap::new() } else { facts(new(other_permits, permits)) };
        }
        Some(given)
    }

    /// What it changes for another account too.
    fn add(&mut self, other: Self) {
        self.more.extend(other.more);
        self.less.extend(other.less);
        self.other.extend(other.other);
        self.reach = self.reach.max(other.reach);
        self.permits.extend(other.permits);
        self.lifts.extend(other.lifts);
        self.forbids.extend(other.forbids);
        self.ends.extend(other.ends);
        self.others.extend(other.others);
    }
}

fn is_direct(entity: &Entity, group: &Group) -> bool {
    entity.parents().any(|parent| group.is(parent))
}

fn entity<'s>(snapshot: &'s Snapshot, account: &Account) -> Option<&'s Arc<Entity>> {
    snapshot.directory.get(&account.uid)
}

/// The account as it would be outside of the group.
fn without(snapshot: &Snapshot, entity: &Entity, group: &Group) -> Option<Entity> {
    let mut outside = entity.clone();
    let parent = entity.parents().find(|parent| group.is(parent))?.clone();
    outside.remove_parent(&parent);
    let above: BTreeSet<_> = outside
        .parents()
        .filter_map(|parent| snapshot.directory.get(parent))
        .flat_map(|parent| parent.ancestors().cloned())
        .collect();
    outside.remove_all_indirect_ancestors();
    above.into_iter().for_each(|ancestor| outside.add_indirect_ancestor(ancestor));
    Some(outside)
}

/// The policies in whose text the group is.
fn named_by(snapshot: &Snapshot, group: &Group) -> Vec<Arc<PolicyFacts>> {
    let name = format!("{}::\"{}\"", group.kind, group.id.escape_debug());
    let names_it = |policy: &cedar::Policy| policy.to_string().contains(&name);
    let policies = snapshot.policies.set.policies().filter(|policy| names_it(policy));
    let mut named: Vec<_> = policies.filter_map(|policy| snapshot.policies.facts.get(policy.id()).cloned()).collect();
    named.sort_by(|one, other| one.id.cmp(&other.id));
    named
}
