//! The matrix of rights: every account of the directory, every operation, every type of record.
//!
//! For each account the policies are evaluated as far as its own attributes, its groups and the day decide them, with
//! record and context unknown (Cedar's type-aware partial evaluation). The residual conditions are those that a
//! question must meet. So a cell says *always*, *never*, or *under these conditions*, for all questions at once. The
//! matrix serves the yearly review of rights (BIO2 5.18.02).
//!
//! What holds here:
//! - *never* and *always* are the engine's answer to every question of that kind. If answers can differ, or a policy
//!   could fail to evaluate, the cell says *under conditions* (`tests/it/review/matrix.rs` asks the engine).
//! - The day is given, so that placements and authorisations count as on that day. Records' own dates stay unknown.
//!
//! - `today`: puts the day into the policies
//! - `access`: one account's access, by partial evaluation
//! - `failing`: whether a residual condition can fail
//! - `simplify`: makes residual conditions readable
//! - `report`: as text, CSV, JSON and HTML

mod access;
mod failing;
mod report;
mod simplify;
mod today;

pub use report::{csv, csv_header, groups_text, html, json, text};

use crate::{
    review::partial,
    sources::{
        policy::{Scope, cedar_core::ast},
        snapshot::Snapshot,
    },
    types::decision::PolicyFacts,
};
use cedar_policy as cedar;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// The rights of accounts on a day.
#[derive(Debug)]
pub struct Matrix {
    /// The day, such as `2026-11-23`.
    pub day: String,
    /// The revision of the policies.
    pub revision: String,
    /// The revision of the directory.
    pub directory_revision: String,
    /// The types of records, as the schema names them, ordered.
    pub records: Vec<String>,
    /// The actions, ordered.
    pub actions: Vec<String>,
    /// The accounts, ordered by type and id.
    pub accounts: Vec<Account>,
}

/// An account and what it may do.
#[derive(Debug)]
pub struct Account {
    /// Its type, as the schema names it.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its attribute `name`, where it has one.
    pub name: Option<String>,
    /// All that it is in (units, roles, teams, organisations), ordered by type and id.
    pub groups: Vec<Group>,
    /// What it may do, by record and action. What the schema rules out has no cell.
    pub cells: BTreeMap<(String, String), Access>,
}

/// Something that accounts are in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// Its type, as the schema names it.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its attribute `name`, where it has one.
    pub name: Option<String>,
}

/// How many accounts of a group may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Those that always may.
    pub always: usize,
    /// Those that may under conditions.
    pub conditions: usize,
    /// Those that never may.
    pub never: usize,
}

/// What the accounts of a group may do, by record and action.
pub type Rights = BTreeMap<(String, String), Counts>;

impl Matrix {
    /// The types of groups that accounts are in, ordered.
    #[must_use]
    pub fn group_types(&self) -> Vec<&str> {
        let types: BTreeSet<_> =
            self.accounts.iter().flat_map(|account| &account.groups).map(|group| group.kind.as_str()).collect();
        types.into_iter().collect()
    }

    /// The groups of a type, ordered, with the number of their accounts and what these may do. A group counts all
    /// accounts in it, also through groups in it.
    #[must_use]
    pub fn groups(&self, kind: &str) -> BTreeMap<&Group, (usize, Rights)> {
        let mut groups = BTreeMap::<&Group, (usize, Rights)>::new();
        for account in &self.accounts {
            for group in account.groups.iter().filter(|group| group.kind == kind) {
                let (members, rights) = groups.entry(group).or_default();
                *members += 1;
                for (key, access) in &account.cells {
                    let counts = rights.entry(key.clone()).or_default();
                    match access {
                        Access::Always { .. } => counts.always += 1,
                        Access::Under { .. } => counts.conditions += 1,
                        Access::Never { .. } => counts.never += 1,
                    }
                }
            }
        }
        groups
    }
}

/// What an account may do with records of a type.
#[derive(Debug, Clone, PartialEq)]
pub enum Access {
    /// Every question is allowed.
    Always {
        /// The policies that allow it.
        permits: Vec<Part>,
    },
    /// A question is allowed if one of `permits` and none of `forbids` holds.
    Under {
        /// What can allow it.
        permits: Vec<Part>,
        /// What can still forbid it.
        forbids: Vec<Part>,
    },
    /// No question is allowed.
    Never {
        /// The policies that forbid all of it; empty if none permits any.
        forbids: Vec<Part>,
    },
}

/// The residual of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The policy.
    pub policy: Arc<PolicyFacts>,
    /// The conditions that all must hold for it to apply, in Cedar; empty if it applies whatever is asked.
    pub conditions: Vec<String>,
}

impl Access {
    /// One word: `always`, `conditions` or `never`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Always { .. } => "always",
            Self::Under { .. } => "conditions",
            Self::Never { .. } => "never",
        }
    }
}

/// Which accounts, records and actions to look at: those whose name or id contains the text; empty is all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of an account: its type, id, name or a group.
    pub account: String,
    /// Of a type of record.
    pub record: String,
    /// Of an action.
    pub action: String,
}

impl Filter {
    fn takes(wanted: &str, text: &str) -> bool {
        text.to_lowercase().contains(&wanted.to_lowercase())
    }
}

/// One combination that the schema allows, with the policies that can apply to it.
struct Environment {
    principal: cedar::EntityTypeName,
    action: cedar::EntityUid,
    resource: cedar::EntityTypeName,
    policies: cedar::PolicySet,
}

/// The stack of a thread that evaluates, in bytes: policies are walked by recursion.
const STACK: usize = 64 << 20;

/// Computes the rights. `progress` is called with the number of accounts that are done, and of all.
///
/// # Errors
/// A policy that cannot be evaluated in part, with its reason.
pub fn matrix(
    snapshot: &Snapshot,
    day: &str,
    filter: &Filter,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Matrix, String> {
    let environments = environments(snapshot, day, filter)?;
    let entities = partial::entities(snapshot)?;
    let subjects: BTreeSet<String> = environments.iter().map(|environment| environment.principal.to_string()).collect();
    let mut accounts: Vec<_> = snapshot
        .directory
        .iter()
        .filter(|entity| subjects.contains(&entity.uid().entity_type().to_string()))
        .map(|entity| account(snapshot, entity))
        .filter(|account| {
            std::iter::once(&account.id)
                .chain([&account.kind])
                .chain(&account.name)
                .chain(account.groups.iter().map(|group| &group.id))
                .chain(account.groups.iter().filter_map(|group| group.name.as_ref()))
                .any(|text| Filter::takes(&filter.account, text))
        })
        .collect();
    accounts.sort_by(|one, other| (&one.kind, &one.id).cmp(&(&other.kind, &other.id)));
    let accounts = fill(snapshot, accounts, &environments, &entities, progress)?;
    let names = |name: fn(&Environment) -> String| {
        let names: BTreeSet<_> = environments.iter().map(name).collect();
        names.into_iter().collect()
    };
    Ok(Matrix {
        day: day.to_owned(),
        revision: snapshot.policies.revision.to_string(),
        directory_revision: snapshot.directory.revision.to_string(),
        records: names(|environment| environment.resource.to_string()),
        actions: names(|environment| action_name(&environment.action)),
        accounts,
    })
}

fn action_name(action: &cedar::EntityUid) -> String {
    AsRef::<str>::as_ref(action.id()).to_owned()
}

/// Fills the cells of all accounts, on all cores.
fn fill(
    snapshot: &Snapshot,
    accounts: Vec<Account>,
    environments: &[Environment],
    entities: &cedar::PartialEntities,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<Account>, String> {
    let (done, total) = (AtomicUsize::new(0), accounts.len());
    progress(0, total);
    let fill_one = |mut account: Account| -> Result<Account, String> {
        for environment in environments.iter().filter(|environment| environment.principal.to_string() == account.kind) {
            let access = access::access(snapshot, environment, &account, entities)?;
            account.cells.insert((environment.resource.to_string(), action_name(&environment.action)), access);
        }
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
        Ok(account)
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut shares: Vec<Vec<(usize, Account)>> = (0..threads).map(|_| Vec::new()).collect();
    for (index, account) in accounts.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(index % threads) {
            share.push((index, account));
        }
    }
    let mut filled = thread::scope(|scope| {
        let handles: Vec<_> = shares
            .into_iter()
            .map(|share| {
                let fill_one = &fill_one;
                thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || {
                    share
                        .into_iter()
                        .map(|(index, account)| Ok((index, fill_one(account)?)))
                        .collect::<Result<Vec<_>, String>>()
                })
            })
            .collect();
        let mut filled = Vec::with_capacity(total);
        for handle in handles {
            let handle = handle.map_err(|error| error.to_string())?;
            filled.extend(handle.join().map_err(|_| "the evaluation broke off; this is a fault of poort".to_owned())??);
        }
        Ok::<_, String>(filled)
    })?;
    filled.sort_by_key(|(index, _)| *index);
    Ok(filled.into_iter().map(|(_, account)| account).collect())
}

fn account(snapshot: &Snapshot, entity: &ast::Entity) -> Account {
    let mut groups: Vec<_> = entity
        .ancestors()
        .map(|uid| Group {
            kind: uid.entity_type().to_string(),
            id: AsRef::<str>::as_ref(uid.eid()).to_owned(),
            name: snapshot.directory.get(uid).and_then(|group| name(group)),
        })
        .collect();
    groups.sort();
    Account {
        kind: entity.uid().entity_type().to_string(),
        id: AsRef::<str>::as_ref(entity.uid().eid()).to_owned(),
        name: name(entity),
        groups,
        cells: BTreeMap::new(),
    }
}

/// The attribute `name`, if it is a text.
fn name(entity: &ast::Entity) -> Option<String> {
    match entity.get("name")? {
        ast::PartialValue::Value(value) => match value.value_kind() {
            ast::ValueKind::Lit(ast::Literal::String(name)) => Some(name.to_string()),
            _ => None,
        },
        ast::PartialValue::Residual(_) => None,
    }
}

/// The combinations that the schema allows and the filter takes, ordered, each with the policies that can apply.
fn environments(snapshot: &Snapshot, day: &str, filter: &Filter) -> Result<Vec<Environment>, String> {
    let policies = &snapshot.policies;
    let mut found = BTreeMap::new();
    for environment in policies.schema.request_envs() {
        let action = action_name(environment.action());
        let key = (environment.principal().to_string(), environment.resource().to_string(), action);
        if Filter::takes(&filter.record, &key.1) && Filter::takes(&filter.action, &key.2) {
            found.insert(
                (key, environment.action().to_string()),
                Environment {
                    principal: environment.principal().clone(),
                    action: environment.action().clone(),
                    resource: environment.resource().clone(),
                    policies: cedar::PolicySet::new(),
                },
            );
        }
    }
    for policy in policies.set.policies() {
        let (scope, on_day) = (Scope::of(policy), today::on_day(policy, day)?);
        let on_day: &ast::Policy = on_day.as_ref();
        let condition = on_day.condition();
        for Environment { principal, action, resource, policies: met } in found.values_mut() {
            let (principal, action, resource) = (principal.as_ref(), action.as_ref(), resource.as_ref());
            if !scope.leaves_room(principal, action, resource, &policies.action_entities) {
                continue;
            }
            // What the types and the action fix need not be looked at for each account.
            let Some(condition) = policies.folded(principal, action, resource, &condition) else { continue };
            let folded = ast::Policy::from_when_clause(on_day.effect(), condition, on_day.id().clone(), None);
            met.add(folded.into()).map_err(|error| error.to_string())?;
        }
    }
    Ok(found.into_values().collect())
}
