//! Computes the rights of accounts: every combination that the schema allows, with the policies that can apply to it, on all
//! cores.

use super::{
    Account, Filter,
    access::{self, Environment},
    constant::Constants,
    letters, today,
};
use crate::{
    review::{all_cores::on_all_cores, partial},
    sources::{
        policy::{Scope, cedar_core::ast},
        snapshot::Snapshot,
    },
};
use cedar_policy as cedar;
use rayon::iter::{IndexedParallelIterator as _, IntoParallelIterator as _, ParallelIterator as _};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicUsize, Ordering},
};

/// The combinations that are wanted, ordered, as the policies are on a day.
pub(super) struct Environments(pub(super) Vec<Environment>);

/// Called with the number of accounts that are done, and of all.
pub(super) type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

impl Environments {
    /// The names that these have, ordered.
    pub(super) fn names(&self, name: fn(&Environment) -> String) -> BTreeSet<String> {
        self.0.iter().map(name).collect()
    }

    /// The combinations that the schema allows and the filter takes, ordered, each with the policies that can apply. The filter
    /// knows what it names.
    pub(super) fn of(snapshot: &Snapshot, day: &str, filter: &Filter) -> Result<Self, String> {
        let policies = &snapshot.policies;
        let mut found = BTreeMap::new();
        for environment in policies.schema.request_envs() {
            let name = letters::name(policies, environment.action());
            let key = (environment.principal().to_string(), environment.resource().to_string(), name.clone());
            let environment = Environment {
                name,
                principal: environment.principal().clone(),
                action: environment.action().clone(),
                resource: environment.resource().clone(),
                policies: cedar::PolicySet::new(),
            };
            found.insert(key, environment);
        }
        found.retain(|(_, record, name), environment| {
            filter.takes_record(record) && filter.takes_action(policies, &environment.action, name)
        });
        let types = found.values().map(|environment| &environment.resource);
        let constants: BTreeMap<_, _> =
            types.map(|kind| (kind.clone(), Constants::of(&policies.model, kind.as_ref()))).collect();
        for policy in policies.set.policies() {
            let (scope, on_day) = (Scope::of(policy), today::on_day(policy, day)?);
            let condition = |policy: &cedar::Policy| AsRef::<ast::Policy>::as_ref(policy).condition();
            let (text, whole, mut about) = (on_day.to_string(), condition(&on_day), BTreeMap::new());
            for (kind, constants) in &constants {
                about.extend(constants.put_into(&on_day, &text)?.map(|policy| (kind, condition(&policy))));
            }
            let on_day: &ast::Policy = on_day.as_ref();
            for Environment { principal, action, resource, policies: met, .. } in found.values_mut() {
                let condition = about.get(&&*resource).unwrap_or(&whole);
                let (principal, action, resource) = (principal.as_ref(), action.as_ref(), resource.as_ref());
                if !scope.leaves_room(principal, action, resource, &policies.action_entities) {
                    continue;
                }
                // What the types and the action fix need not be looked at for each account.
                let Some(condition) = policies.folded(principal, action, resource, condition) else {
                    continue;
                };
                let folded = ast::Policy::from_when_clause(on_day.effect(), condition, on_day.id().clone(), None);
                met.add(folded.into()).map_err(|error| error.to_string())?;
            }
        }
        Ok(Self(found.into_values().collect()))
    }

    /// Fills the cells of all accounts, on all cores.
    pub(super) fn fill(
        &self,
        snapshot: &Snapshot,
        accounts: Vec<Account>,
        progress: Progress<'_>,
    ) -> Result<Vec<Account>, String> {
        let entities = partial::entities(snapshot)?;
        let (done, total) = (AtomicUsize::new(0), accounts.len());
        progress(0, total);
        let fill_one = |mut account: Account| -> Result<Account, String> {
            for environment in self.0.iter().filter(|environment| environment.principal.to_string() == account.kind) {
                let access = access::access(snapshot, environment, &account, &entities)?;
                account.cells.insert((environment.resource.to_string(), environment.name.clone()), access);
            }
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
            Ok(account)
        };
        on_all_cores(|| accounts.into_par_iter().with_max_len(1).map(fill_one).collect())?
    }
}
