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
//! - No account is left out unseen: test accounts are counted and named ([`Matrix::left_out`]).
//!
//! - `rights`: the accounts and their cells; `today` and `constant`: put the day into the policies, and what has one value
//! - `access`: one account's access, by partial evaluation; `reach`: whose records that is
//! - `failing`: whether a residual condition can fail
//! - `simplify`: makes residual conditions readable
//! - `test_accounts`: those that the schema marks as such
//! - `letters`: the letters of the operations
//! - `gives`: what a group gives to the accounts in it
//! - `changes`: what changed since an earlier matrix
//! - `report`: as text, CSV, JSON and HTML

mod access;
mod changes;
mod constant;
mod failing;
mod gives;
mod letters;
mod reach;
mod report;
mod rights;
mod simplify;
mod test_accounts;
mod today;

pub use changes::{AccountChange, Changes, Presence, RightChange};
pub use gives::{Given, Gives, gives};
pub use letters::Operation;
pub use reach::Reach;
pub use report::{Review, changes_text, csv, csv_header, gives_text, html, json, text, who_can_text};

use crate::{
    review::account::Authorisation,
    sources::{policy::cedar_core::ast::EntityUID, snapshot::Snapshot},
    types::{decision::PolicyFacts, entity_id::EntityId},
};
use rights::Environments;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use test_accounts::TestMarks;

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
    /// All operations of the schema, with their letters.
    pub operations: Vec<Operation>,
    /// The accounts, ordered by type and id.
    pub accounts: Vec<Account>,
    /// The test accounts that the filter leaves out, ordered by type and id.
    pub left_out: Vec<Account>,
    /// How test accounts are recognised, such as `Officer.function is tester`; empty if the schema marks none.
    pub test_marks: Vec<String>,
}

/// An account and what it may do.
#[derive(Debug)]
pub struct Account {
    uid: EntityUID,
    /// Its type, as the schema names it.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its attribute `name`, where it has one.
    pub name: Option<String>,
    /// All that it is in (units, roles, teams, organisations), ordered by type and id.
    pub groups: Vec<Group>,
    /// What it is authorised to do: itself, or by what it refers to.
    pub authorisations: Vec<Authorisation>,
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

impl Matrix {
    /// The types of groups that accounts are in, ordered.
    #[must_use]
    pub fn group_types(&self) -> Vec<&str> {
        let types: BTreeSet<_> =
            self.accounts.iter().flat_map(|account| &account.groups).map(|group| group.kind.as_str()).collect();
        types.into_iter().collect()
    }

    /// The letter of an action.
    #[must_use]
    pub fn letter<'m>(&'m self, action: &'m str) -> &'m str {
        let operation = self.operations.iter().find(|operation| operation.name == action);
        operation.map_or(action, |operation| &operation.letter)
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
    /// Whose records it reaches at most: of a permit, those that it permits; of a forbid, those that it leaves.
    pub reach: Reach,
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

    /// The policies that permit, and those that forbid.
    #[must_use]
    pub fn parts(&self) -> [&[Part]; 2] {
        match self {
            Self::Always { permits } => [permits, &[]],
            Self::Under { permits, forbids } => [permits, forbids],
            Self::Never { forbids } => [&[], forbids],
        }
    }
}

/// Which accounts, records and actions to look at; an empty text is all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of an account: its id in any form ([`EntityId`]), else a part of its type, id, name or a group.
    pub account: String,
    /// Of a type of record: its name, else a part of it.
    pub record: String,
    /// Of an action: its name, else a part of it.
    pub action: String,
    /// Test accounts too.
    pub test_accounts: bool,
}

impl Filter {
    fn takes(wanted: &str, text: &str) -> bool {
        text.to_lowercase().contains(&wanted.to_lowercase())
    }

    /// Those of the accounts that are wanted.
    fn accounts(&self, accounts: &mut Vec<Account>) {
        let named: Option<EntityId> = self.account.parse().ok();
        let is_named = |account: &Account| named.as_ref().is_some_and(|id| id.names(&account.kind, &account.id));
        if accounts.iter().any(is_named) {
            return accounts.retain(is_named);
        }
        accounts.retain(|account| {
            [&account.id, &account.kind]
                .into_iter()
                .chain(&account.name)
                .chain(account.groups.iter().flat_map(|group| std::iter::once(&group.id).chain(&group.name)))
                .any(|text| Self::takes(&self.account, text))
        });
    }
}

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
    let environments = Environments::of(snapshot, day, filter)?;
    let subjects = environments.names(|environment| environment.principal.to_string());
    let entities = snapshot.directory.iter();
    let entities = entities.filter(|entity| subjects.contains(&entity.uid().entity_type().to_string()));
    let mut accounts: Vec<_> = entities.map(|entity| rights::account(snapshot, entity, day)).collect();
    accounts.sort_by(|one, other| (&one.kind, &one.id).cmp(&(&other.kind, &other.id)));
    filter.accounts(&mut accounts);
    let marks = TestMarks::of(snapshot);
    let accounts = environments.fill(snapshot, accounts, progress)?;
    let is_left_out = |account: &Account| !filter.test_accounts && marks.is_test(snapshot, &account.uid);
    let (left_out, accounts) = accounts.into_iter().partition(is_left_out);
    Ok(Matrix {
        day: day.to_owned(),
        revision: snapshot.policies.revision.to_string(),
        directory_revision: snapshot.directory.revision.to_string(),
        records: environments.names(|environment| environment.resource.to_string()).into_iter().collect(),
        actions: environments.names(|environment| letters::name(&environment.action)).into_iter().collect(),
        operations: letters::operations(snapshot),
        accounts,
        left_out,
        test_marks: marks.words(),
    })
}
