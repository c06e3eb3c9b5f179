//! Which accounts, records and actions a matrix is about.

use super::{Account, accounts};
use crate::{
    sources::{policy::Policies, snapshot::Snapshot},
    types::entity_id::{EntityId, is_same_type},
};
use cedar_policy as cedar;
use std::collections::BTreeSet;

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
    /// What these texts name ([`Filter::on`]).
    pub named: Option<Named>,
}

/// What the texts of a filter name.
#[derive(Debug, Clone)]
pub struct Named {
    /// The accounts, by type and id; `None` for all.
    accounts: Option<BTreeSet<(String, String)>>,
    /// The text is the name of a type of record, and not a part of names.
    is_record: bool,
    /// The text is the name of an action, and not a part of names.
    is_action: bool,
}

impl Filter {
    /// The same, with what its texts name on these sides together: an account that it takes on one side it takes on each. An
    /// account that it names is that one alone, also if it is a test account.
    #[must_use]
    pub fn on(self, sides: &[&Snapshot]) -> Self {
        let sought = if self.account.is_empty() { &[][..] } else { sides };
        let accounts: Vec<_> = sought.iter().flat_map(|side| accounts::accounts(side)).collect();
        let id: Option<EntityId> = self.account.parse().ok();
        let names = |account: &&Account| id.as_ref().is_some_and(|id| id.names(&account.kind, &account.id));
        let holds = |account: &&Account| {
            [&account.id, &account.kind]
                .into_iter()
                .chain(&account.name)
                .chain(account.groups.iter().flat_map(|group| std::iter::once(&group.id).chain(&group.name)))
                .any(|text| takes(&self.account, text))
        };
        let key = |account: &Account| (account.kind.clone(), account.id.clone());
        let one: BTreeSet<_> = accounts.iter().filter(names).map(key).collect();
        let is_one = !one.is_empty();
        let accounts = if is_one { one } else { accounts.iter().filter(holds).map(key).collect() };
        let mut policies = sides.iter().map(|side| &side.policies);
        let is_action = policies.clone().any(|policies| {
            policies.schema.request_envs().any(|environment| self.is_action(policies, environment.action()))
        });
        let is_record = policies.any(|policies| {
            policies.schema.request_envs().any(|it| is_same_type(&self.record, &it.resource().to_string()))
        });
        let named = Named { accounts: (!self.account.is_empty()).then_some(accounts), is_record, is_action };
        Self { named: Some(named), test_accounts: self.test_accounts || is_one, ..self }
    }

    fn is_action(&self, policies: &Policies, action: &cedar::EntityUid) -> bool {
        let model = policies.model.action_of(action.as_ref());
        model.is_some_and(|model| policies.model.action_names(model).contains(&self.action.as_str()))
    }

    pub(super) fn takes_account(&self, account: &Account) -> bool {
        let accounts = self.named.as_ref().and_then(|named| named.accounts.as_ref());
        accounts.is_none_or(|accounts| accounts.contains(&(account.kind.clone(), account.id.clone())))
    }

    pub(super) fn takes_record(&self, record: &str) -> bool {
        let is_named = self.named.as_ref().is_some_and(|named| named.is_record);
        if is_named { is_same_type(&self.record, record) } else { takes(&self.record, record) }
    }

    /// `name` is the name of the action in cells.
    pub(super) fn takes_action(&self, policies: &Policies, action: &cedar::EntityUid, name: &str) -> bool {
        let is_named = self.named.as_ref().is_some_and(|named| named.is_action);
        if is_named { self.is_action(policies, action) } else { takes(&self.action, name) }
    }
}

/// Whether a text holds what is wanted.
fn takes(wanted: &str, text: &str) -> bool {
    text.to_lowercase().contains(&wanted.to_lowercase())
}
