//! Which obligations the answers of a branch can have: those of the policies whose scopes leave room for its questions.
//! Their conditions are not looked at, so some of these obligations may never come.

use super::Obligation;
use crate::{
    sources::policy::{ActionModel, Policies, cedar_core::ast::EntityType},
    types::decision::Decision,
};
use std::collections::BTreeMap;

pub(super) fn obligations(policies: &Policies, action: &ActionModel, resource: &EntityType) -> Vec<Obligation> {
    let subjects = action.subjects.iter();
    let met = subjects.flat_map(|subject| policies.with_obligations(subject, &action.uid, resource));
    // By id, so that the order does not depend on that of the set.
    let met: BTreeMap<_, _> = met.map(|policy| (policy.facts.id.as_str(), policy)).collect();
    let due = met.values().flat_map(|policy| {
        // A policy determines the decision that is its effect.
        let with = if policy.permits { Decision::Allow } else { Decision::Deny };
        policy.facts.obligations.iter().map(move |obligation| Obligation {
            policy: policy.facts.id.clone(),
            with,
            id: obligation.id.clone(),
            kind: obligation.kind.clone(),
            properties: obligation.properties.clone(),
        })
    });
    due.collect()
}
