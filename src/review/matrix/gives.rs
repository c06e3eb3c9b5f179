//! What a group gives to the accounts in it: what each of them may do with it, and could not do without it.
//!
//! The rights of each account are computed twice: as they are, and with the account not in the group. What its holders may do
//! for other reasons is so left out. Where a record names the group itself, as in `principal in resource.team`, what is left of a
//! policy is the same on both sides: that is given for the group's own records.

use super::{
    Access, Account, Filter, Group, Matrix, Part, Reach,
    rights::{self, Environments},
};
use crate::{
    sources::{
        policy::{
            EntityModel, Held, Shape,
            cedar_core::ast::{Entity, EntityUID},
        },
        snapshot::Snapshot,
    },
    types::decision::PolicyFacts,
};
use cedar_policy as cedar;
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
    /// How far the right reaches, of the account that it reaches furthest for.
    pub reach: Option<Reach>,
    /// What permits it with the group alone, for some account; policies with other conditions of another account once.
    pub permits: BTreeMap<String, Part>,
    /// What permits it for records that name the group, by an attribute in which the account must be.
    pub of_its_records: BTreeMap<String, Part>,
    /// What would forbid it without the group.
    pub lifts: BTreeMap<String, Arc<PolicyFacts>>,
    /// What forbids it with the group alone.
    pub forbids: BTreeMap<String, Arc<PolicyFacts>>,
}

/// What the groups of each of these types give to the accounts of a matrix that are in them themselves, ordered. `progress` is
/// called with the number of groups, and after each with 0.
///
/// # Errors
/// A policy that cannot be evaluated in part, with its reason.
pub fn gives(
    snapshot: &Snapshot,
    matrix: &Matrix,
    filter: &Filter,
    kinds: &[&str],
    progress: &dyn Fn(usize),
) -> Result<Vec<(String, Vec<Gives>)>, String> {
    let environments = Environments::of(snapshot, &matrix.day, filter)?;
    let groups: BTreeSet<_> = matrix.accounts.iter().flat_map(|account| &account.groups).collect();
    let groups: Vec<_> = groups.into_iter().filter(|group| kinds.contains(&group.kind.as_str())).collect();
    progress(groups.len());
    let mut found = BTreeMap::<String, Vec<Gives>>::new();
    for group in groups {
        let gives = one(snapshot, matrix, &environments, group)?;
        found.entry(group.kind.clone()).or_default().extend(gives);
        progress(0);
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
        let account = rights::account(&supposed, supposed.directory.get(&with.uid)?, &matrix.day);
        Some(Account { groups: with.groups.clone(), ..account })
    };
    let without = environments.fill(&supposed, members.iter().filter_map(bare).collect(), &|_, _| {})?;
    let mut gives = Gives {
        group: group.clone(),
        accounts: members.iter().map(|account| account.id.clone()).collect(),
        rights: BTreeMap::new(),
        named_by: named_by(snapshot, group),
    };
    let of_its_records = OfItsRecords::of(snapshot, group);
    for (with, without) in members.into_iter().zip(&without) {
        for (cell, with_it) in &with.cells {
            if let Some(without_it) = without.cells.get(cell).filter(|without_it| *without_it != with_it) {
                gives.rights.entry(cell.clone()).or_default().add(&with.id, with_it, without_it);
            }
            for part in with_it.parts()[0].iter().filter(|part| of_its_records.holds(with, &cell.0, part)) {
                let given = gives.rights.entry(cell.clone()).or_default();
                given.more.insert(with.id.clone());
                given.of_its_records.insert(part.policy.id.clone(), part.clone());
            }
        }
    }
    Ok(Some(gives))
}

/// The attributes of records that can name a group, by the type of record: `team`, for teams.
struct OfItsRecords(BTreeMap<String, Vec<String>>);

impl OfItsRecords {
    fn of(snapshot: &Snapshot, group: &Group) -> Self {
        let names =
            |shape: &Shape| matches!(shape, Shape::Entity(reference) if reference.kind.to_string() == group.kind);
        let attributes = |kind: &Arc<EntityModel>| {
            let Held::ByRequest { attributes, .. } = &kind.held else { return None };
            let named = attributes.iter().filter(|(_, attribute)| names(&attribute.shape));
            Some((kind.name.to_string(), named.map(|(name, _)| format!(" in resource.{name}")).collect()))
        };
        Self(snapshot.policies.model.entity_types().filter_map(attributes).collect())
    }

    /// Whether the account must be in what the record names.
    fn holds(&self, account: &Account, record: &str, part: &Part) -> bool {
        let account = account.uid.to_string();
        let ends = |rest: &str| !rest.starts_with(|sign: char| sign.is_alphanumeric() || "_.".contains(sign));
        let is_in = |condition: &String, attribute: &String| {
            let wanted = format!("{account}{attribute}");
            condition.match_indices(&wanted).any(|(at, _)| condition.get(at + wanted.len()..).is_some_and(ends))
        };
        let attributes = self.0.get(record).map_or(&[][..], Vec::as_slice);
        attributes.iter().any(|attribute| part.conditions.iter().any(|condition| is_in(condition, attribute)))
    }
}

impl Given {
    fn add(&mut self, id: &str, with: &Access, without: &Access) {
        let ([permits, forbids], [other_permits, other_forbids]) = (with.parts(), without.parts());
        let new = |parts: &[Part], others: &[Part]| -> Vec<Part> {
            parts.iter().filter(|part| !others.contains(part)).cloned().collect()
        };
        let (opens, closes) = (new(permits, other_permits), new(forbids, other_forbids));
        let lifts = new(other_forbids, forbids);
        // A forbid whose conditions differ is in both lists: it is lifted in part.
        let is_more = !opens.is_empty() || !lifts.is_empty();
        let side = if is_more && with.reach().is_some() { &mut self.more } else { &mut self.less };
        side.insert(id.to_owned());
        self.reach = self.reach.max(with.reach());
        self.permits.extend(opens.into_iter().map(|part| (part.policy.id.clone(), part)));
        let facts = |parts: Vec<Part>| parts.into_iter().map(|part| (part.policy.id.clone(), part.policy));
        self.lifts.extend(facts(lifts));
        // What limits a right that is there by the group alone is not taken away by it.
        if without.reach().is_some() {
            self.forbids.extend(facts(closes));
        }
    }
}

fn is_direct(entity: &Entity, group: &Group) -> bool {
    entity.parents().any(|parent| is_group(parent, group))
}

fn is_group(uid: &EntityUID, group: &Group) -> bool {
    AsRef::<str>::as_ref(uid.eid()) == group.id && uid.entity_type().to_string() == group.kind
}

fn entity<'s>(snapshot: &'s Snapshot, account: &Account) -> Option<&'s Arc<Entity>> {
    snapshot.directory.get(&account.uid)
}

/// The account as it would be outside of the group.
fn without(snapshot: &Snapshot, entity: &Entity, group: &Group) -> Option<Entity> {
    let mut outside = entity.clone();
    let parent = entity.parents().find(|parent| is_group(parent, group))?.clone();
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
