//! What changed between two matrices: accounts, what they are in, authorisations, and rights.
//!
//! Conditions are compared as they are written. Two that are written otherwise can mean the same; `poort diff` proves that.

use super::{Access, Account, Group, Matrix};
use crate::review::account::{Authorisation, State};
use std::collections::{BTreeMap, BTreeSet};

/// What changed.
#[derive(Debug)]
pub struct Changes {
    /// How the earlier side is named.
    pub since: String,
    /// The day that counts on the earlier side.
    pub day: String,
    /// The revision of its policies.
    pub revision: String,
    /// The revision of its directory.
    pub directory_revision: String,
    /// The accounts of which something changed, ordered by type and id.
    pub accounts: Vec<AccountChange>,
}

/// What changed of an account.
#[derive(Debug)]
pub struct AccountChange {
    /// Its type.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its attribute `name`.
    pub name: Option<String>,
    /// Whether it is new, gone, or on both sides.
    pub presence: Presence,
    /// Whether it is a test account now, where it was none, or the reverse.
    pub became_test: Option<bool>,
    /// What it is in now and was not.
    pub joined: Vec<Group>,
    /// What it was in and is not.
    pub left: Vec<Group>,
    /// The authorisations that are new, gone or other: before and after.
    pub authorisations: Vec<(Option<Authorisation>, Option<Authorisation>)>,
    /// The rights that are other, by record and action.
    pub rights: BTreeMap<(String, String), RightChange>,
}

/// On which sides an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// On the later one alone.
    New,
    /// On the earlier one alone.
    Gone,
    /// On both.
    Both,
}

impl Presence {
    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Both => "changed",
        }
    }
}

/// How a right changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RightChange {
    /// Nothing was allowed, and something is.
    Gained,
    /// All that was allowed still is, and the policies show that more is.
    Wider,
    /// Its conditions are other, and it can reach records that it did not: its reach, which is the most that it can be, is wider.
    Further,
    /// Its conditions or policies are other.
    Conditions,
    /// All that is allowed was so, and the policies show that less is.
    Narrower,
    /// Something was allowed, and nothing is.
    Lost,
}

impl RightChange {
    /// All of them.
    pub const EACH: [Self; 6] =
        [Self::Gained, Self::Wider, Self::Further, Self::Conditions, Self::Narrower, Self::Lost];

    /// Its words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gained => "gained",
            Self::Wider => "wider",
            Self::Further => "other conditions, may reach further",
            Self::Conditions => "other conditions",
            Self::Narrower => "narrower",
            Self::Lost => "lost",
        }
    }

    /// `None` if nothing changed.
    fn of(before: Option<&Access>, after: Option<&Access>) -> Option<Self> {
        let never = Access::Never { forbids: Vec::new() };
        let (before, after) = (before.unwrap_or(&never), after.unwrap_or(&never));
        match (before.reach(), after.reach()) {
            (None, None) => None,
            (None, Some(_)) => Some(Self::Gained),
            (Some(_), None) => Some(Self::Lost),
            _ if before == after => None,
            (earlier, later) => Some(match (after.covers(before), before.covers(after)) {
                (true, false) => Self::Wider,
                (false, true) => Self::Narrower,
                (false, false) if earlier < later => Self::Further,
                _ => Self::Conditions,
            }),
        }
    }
}

impl Changes {
    /// From an earlier matrix, which is named so, to a later one.
    #[must_use]
    pub fn between(since: &str, before: &Matrix, after: &Matrix) -> Self {
        let (earlier, later) = (by_name(before), by_name(after));
        // What is left out on one side is compared all the same.
        let shown: BTreeSet<_> = before.accounts.iter().chain(&after.accounts).map(name).collect();
        let changes = shown.iter().map(|name| AccountChange::of(earlier.get(name).copied(), later.get(name).copied()));
        Self {
            since: since.to_owned(),
            day: before.day.clone(),
            revision: before.revision.clone(),
            directory_revision: before.directory_revision.clone(),
            accounts: changes.flatten().filter(AccountChange::is_any).collect(),
        }
    }

    /// For each record and action, the accounts whose right changed, by how it did.
    #[must_use]
    pub fn by_right(&self) -> BTreeMap<&(String, String), BTreeMap<RightChange, Vec<&AccountChange>>> {
        let mut found = BTreeMap::<_, BTreeMap<_, Vec<_>>>::new();
        for account in &self.accounts {
            for (cell, change) in &account.rights {
                found.entry(cell).or_default().entry(*change).or_default().push(account);
            }
        }
        found
    }
}

impl AccountChange {
    fn of(before: Option<&Account>, after: Option<&Account>) -> Option<Self> {
        let account = after.or(before)?;
        let groups = |account: Option<&Account>| -> BTreeSet<Group> {
            account.map(|account| account.groups.iter().cloned().collect()).unwrap_or_default()
        };
        let (earlier, later) = (groups(before), groups(after));
        let cells: BTreeSet<_> =
            [before, after].into_iter().flatten().flat_map(|account| account.cells.keys()).collect();
        let cell = |account: Option<&Account>, cell: &(String, String)| account?.cells.get(cell).cloned();
        let rights = cells.into_iter().filter_map(|name| {
            Some((name.clone(), RightChange::of(cell(before, name).as_ref(), cell(after, name).as_ref())?))
        });
        Some(Self {
            kind: account.kind.clone(),
            id: account.id.clone(),
            name: account.name.clone(),
            presence: match (before, after) {
                (None, _) => Presence::New,
                (_, None) => Presence::Gone,
                _ => Presence::Both,
            },
            became_test: before.zip(after).filter(|(b, a)| b.is_test != a.is_test).map(|(_, after)| after.is_test),
            joined: later.difference(&earlier).cloned().collect(),
            left: earlier.difference(&later).cloned().collect(),
            authorisations: authorisations(before, after),
            rights: rights.collect(),
        })
    }

    fn is_any(&self) -> bool {
        self.presence != Presence::Both
            || self.became_test.is_some()
            || !(self.joined.is_empty() && self.left.is_empty())
            || !(self.authorisations.is_empty() && self.rights.is_empty())
    }
}

fn by_name(matrix: &Matrix) -> BTreeMap<(&str, &str), &Account> {
    matrix.accounts.iter().chain(&matrix.left_out).map(|account| (name(account), account)).collect()
}

fn name(account: &Account) -> (&str, &str) {
    (&account.kind, &account.id)
}

/// The authorisations that are on one side alone, or are other on the other side.
fn authorisations(
    before: Option<&Account>,
    after: Option<&Account>,
) -> Vec<(Option<Authorisation>, Option<Authorisation>)> {
    let of = |account: Option<&Account>| -> BTreeMap<(String, String), Authorisation> {
        let all = account.into_iter().flat_map(|account| &account.authorisations);
        all.map(|one| ((one.of.clone(), one.tag.clone()), one.clone())).collect()
    };
    let (earlier, later) = (of(before), of(after));
    let names: BTreeSet<_> = earlier.keys().chain(later.keys()).collect();
    let pairs = names.into_iter().map(|name| (earlier.get(name).cloned(), later.get(name).cloned()));
    pairs.filter(|(before, after)| before.as_ref().map(content) != after.as_ref().map(content)).collect()
}

/// What counts of an authorisation: its values, and not what is known of whom they name.
fn content(one: &Authorisation) -> (State, Vec<(&str, &str)>) {
    let facts = one.facts.iter().chain(&one.of_facts);
    (one.state, facts.map(|fact| (fact.name.as_str(), fact.value.as_str())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::matrix::{Part, Reach};
    use std::sync::Arc;

    #[test]
    fn a_right_is_wider_or_narrower_where_its_policies_show_it() {
        let part = |reach, condition: &str| Part {
            policy: Arc::default(),
            conditions: vec![condition.to_owned()],
            reach,
            opened_by: Default::default(),
            can_fail: false,
        };
        let under =
            |reach, condition: &str| Access::Under { permits: vec![part(reach, condition)], forbids: Vec::new() };
        let limited = |condition: &str| Access::Under {
            permits: vec![part(Reach::All, condition)],
            forbids: vec![part(Reach::Unit, "limit")],
        };
        let (never, always) = (Access::Never { forbids: Vec::new() }, Access::Always { permits: Vec::new() });
        for (before, after, expected) in [
            (&never, &under(Reach::Own, "a"), Some(RightChange::Gained)),
            (&under(Reach::All, "a"), &never, Some(RightChange::Lost)),
            (&limited("a"), &under(Reach::All, "a"), Some(RightChange::Wider)),
            (&under(Reach::All, "a"), &limited("a"), Some(RightChange::Narrower)),
            // The reach is the most that it can be: what reaches less far can be other records.
            (&under(Reach::All, "a"), &under(Reach::Unit, "b"), Some(RightChange::Conditions)),
            (&under(Reach::Unit, "a"), &under(Reach::All, "b"), Some(RightChange::Further)),
            (&under(Reach::All, "a"), &limited("b"), Some(RightChange::Conditions)),
            (&under(Reach::All, "a"), &always, Some(RightChange::Wider)),
            (&always, &under(Reach::All, "a"), Some(RightChange::Narrower)),
            (&under(Reach::All, "a"), &under(Reach::All, "b"), Some(RightChange::Conditions)),
            (&under(Reach::All, "a"), &under(Reach::All, "a"), None),
            (&never, &never, None),
        ] {
            assert_eq!(RightChange::of(Some(before), Some(after)), expected, "{before:?} {after:?}");
        }
        assert_eq!(RightChange::of(None, Some(&always)), Some(RightChange::Gained));
    }
}
