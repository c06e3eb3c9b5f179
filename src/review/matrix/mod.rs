//! The matrix of rights: every account of the directory, every operation, every type of record.
//!
//! For each account the policies are evaluated as far as its own attributes, its groups and the day decide them, with
//! record and context unknown (Cedar's type-aware partial evaluation). The residual conditions are those that a
//! question must meet. So a cell says *always*, *never*, or *under these conditions*, for all questions at once. The
//! matrix serves the yearly review of rights (BIO2 5.18.02).
//!
//! What holds here:
//! - *never* and *always* are the engine's answer to every question of that kind. If answers can differ, or a policy
//!   could fail to evaluate, the cell says *under conditions* (`tests/it/review/matrix/suites.rs` asks the engine).
//! - The day is given, so that placements and authorisations count as on that day. Records' own dates stay unknown.
//! - No account is left out unseen: test accounts are counted and named ([`Matrix::left_out`]).
//!
//! - `filter`: what is asked
//! - `accounts`: the accounts; `rights`: their cells; `today` and `constant`: put the day into the policies, and what has one value
//! - `access`: one account's access, by partial evaluation; `reach`: whose records that is; `covers`: whether it allows all that
//!   another does
//! - `failing`: whether a residual condition can fail
//! - `simplify`: makes residual conditions readable
//! - `test_accounts`: those that the schema marks as such
//! - `letters`: the letters of the operations
//! - `gives`: what a group gives to the accounts in it
//! - `changes`: what changed since an earlier matrix
//! - `report`: as text, CSV, JSON and HTML

mod access;
mod accounts;
mod changes;
mod constant;
mod covers;
mod failing;
mod filter;
mod gives;
mod letters;
mod reach;
mod report;
mod rights;
mod simplify;
mod test_accounts;
mod today;

pub use changes::{AccountChange, Changes, Presence, RightChange};
pub use filter::{Filter, Named};
pub use gives::{Given, Gives, gives};
pub use letters::Operation;
pub use reach::Reach;
pub use report::{
    Review, access_json, changes_text, csv, csv_header, gives_text, html, json, left_out, text, who_can_text,
};
pub use test_accounts::TestMark;

use crate::{
    review::account::Authorisation,
    sources::{
        policy::{Applications, cedar_core::ast::EntityUID},
        snapshot::Snapshot,
    },
    types::decision::PolicyFacts,
};
use rights::Environments;
use smol_str::SmolStr;
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
    /// How test accounts are recognised; empty if the schema marks none.
    pub test_marks: Vec<TestMark>,
    /// What was asked, with what it names.
    pub filter: Filter,
    /// What applications may ask, if the folder says it.
    pub applications: Option<Applications>,
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
    /// The groups that hold every account of its type.
    of_all: Arc<BTreeSet<EntityUID>>,
    /// What it is authorised to do: itself, or by what it refers to.
    pub authorisations: Vec<Authorisation>,
    /// What it may do, by record and action. What the schema rules out has no cell.
    pub cells: BTreeMap<(String, String), Access>,
    /// The schema marks it as a test account.
    pub is_test: bool,
}

impl Account {
    /// The groups whose records are fewer than all: those that do not hold every account of its type.
    fn narrowing(&self) -> impl Iterator<Item = &Group> {
        let is_of_all = |group: &Group| {
            let is_it = |uid: &EntityUID| group.is(uid);
            self.of_all.iter().any(is_it)
        };
        self.groups.iter().filter(move |group| !is_of_all(group))
    }
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

impl Group {
    fn is(&self, uid: &EntityUID) -> bool {
        AsRef::<str>::as_ref(uid.eid()) == self.id && uid.entity_type().to_string() == self.kind
    }
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
    /// The attributes of records by which a group opens them for the accounts in it: `team`, of `principal in resource.team`.
    pub opened_by: BTreeSet<SmolStr>,
    /// It may fail to evaluate, which denies.
    pub can_fail: bool,
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
    let filter = if filter.named.is_some() { filter.clone() } else { filter.clone().on(&[snapshot]) };
    let environments = Environments::of(snapshot, day, &filter)?;
    let subjects = environments.names(|environment| environment.principal.to_string());
    let is_asked = |account: &Account| subjects.contains(&account.kind) && filter.takes_account(account);
    let mut accounts: Vec<_> = accounts::accounts(snapshot).into_iter().filter(is_asked).collect();
    accounts.sort_by(|one, other| (&one.kind, &one.id).cmp(&(&other.kind, &other.id)));
    let marks = TestMarks::of(snapshot);
    for account in &mut accounts {
        account.authorisations = accounts::authorisations(snapshot, &account.uid, day);
        account.is_test = marks.is_test(snapshot, &account.uid);
    }
    let accounts = environments.fill(snapshot, accounts, progress)?;
    let (left_out, accounts) = accounts.into_iter().partition(|account| account.is_test && !filter.test_accounts);
    Ok(Matrix {
        day: day.to_owned(),
        revision: snapshot.policies.revision.to_string(),
        directory_revision: snapshot.directory.revision.to_string(),
        records: environments.names(|environment| environment.resource.to_string()).into_iter().collect(),
        actions: environments.names(|environment| environment.name.clone()).into_iter().collect(),
        operations: letters::operations(snapshot),
        accounts,
        left_out,
        test_marks: marks.all(),
        filter,
        applications: snapshot.policies.applications.clone(),
    })
}
