//! Evaluates the policies in part for one account in one environment, and derives its access.

use super::{
    Access, Account, Part,
    failing::Failing,
    reach::{self, Reach},
    simplify::{conjuncts, simplify, truth},
};
use crate::{sources::snapshot::Snapshot, types::decision::PolicyFacts};
use cedar_policy::{self as cedar, pst};
use std::sync::Arc;

/// One combination that the schema allows, with the policies that can apply to it.
pub(super) struct Environment {
    pub(super) principal: cedar::EntityTypeName,
    pub(super) action: cedar::EntityUid,
    /// The action, as cells have it.
    pub(super) name: String,
    pub(super) resource: cedar::EntityTypeName,
    pub(super) policies: cedar::PolicySet,
}

pub(super) fn access(
    snapshot: &Snapshot,
    environment: &Environment,
    account: &Account,
    entities: &cedar::PartialEntities,
) -> Result<Access, String> {
    let Environment { principal, action, resource, policies, .. } = environment;
    let failing = Failing {
        schema: snapshot.policies.schema.as_ref(),
        model: &snapshot.policies.model,
        principal: principal.as_ref(),
        action: action.as_ref(),
        resource: resource.as_ref(),
    };
    let failed =
        |error: &dyn std::fmt::Display| format!("{}::\"{}\" {action} {resource}: {error}", account.kind, account.id);
    let principal = cedar::PartialEntityUid::new(principal.clone(), Some(cedar::EntityId::new(&account.id)));
    let resource = cedar::PartialEntityUid::new(resource.clone(), None);
    let request = cedar::PartialRequest::new(principal, action.clone(), resource, None, &snapshot.policies.schema)
        .map_err(|error| failed(&error))?;
    let response = policies.tpe(&request, entities, &snapshot.policies.schema).map_err(|error| failed(&error))?;

    let whole = |ids: Vec<cedar::PolicyId>| {
        sorted(
            ids.iter()
                .map(|id| Part {
                    policy: facts(snapshot, id),
                    conditions: Vec::new(),
                    reach: Reach::All,
                    opened_by: Default::default(),
                    can_fail: false,
                })
                .collect(),
        )
    };
    // The engine denies where any policy fails.
    let in_error: Vec<_> = response.error_permits().chain(response.error_forbids()).cloned().collect();
    let forbidding: Vec<_> = response.true_forbids().cloned().collect();
    if !in_error.is_empty() || !forbidding.is_empty() {
        return Ok(Access::Never { forbids: whole(forbidding.into_iter().chain(in_error).collect()) });
    }
    let left = |id: &cedar::PolicyId| -> Result<Left, String> {
        let policy = response.get_policy(id).ok_or_else(|| failed(&format!("nothing is left of `{id}`")))?;
        let expression = condition(&policy, &failing).map_err(|error| failed(&error))?;
        let conditions = conjuncts(&expression);
        // It can still fail before it reaches its `false`.
        let applies = conditions.iter().all(|condition| truth(condition) != Some(false));
        let open = conditions.iter().filter(|condition| truth(condition).is_none());
        // A forbid leaves the records for which it does not hold.
        let is_permit = policy.effect() == cedar::Effect::Permit;
        let reach = reach::reach(&expression, is_permit, account).unwrap_or(Reach::Own);
        let can_fail = failing.can_fail(&expression);
        let part = Part {
            policy: facts(snapshot, id),
            conditions: open.map(ToString::to_string).collect(),
            reach,
            opened_by: reach::opening(&expression, is_permit, account),
            can_fail,
        };
        Ok(Left { part: applies.then_some(part), can_fail })
    };
    let all = |ids: Vec<&cedar::PolicyId>| ids.into_iter().map(left).collect::<Result<Vec<_>, String>>();
    let permits = all(response.residual_permits().collect())?;
    let forbids = all(response.residual_forbids().collect())?;
    let can_fail = permits.iter().chain(&forbids).any(|left| left.can_fail);
    let whole_permits = whole(response.true_permits().cloned().collect());
    let parts = |left: Vec<Left>| left.into_iter().filter_map(|left| left.part);
    let permits = sorted(whole_permits.into_iter().chain(parts(permits)).collect());
    let forbids = sorted(parts(forbids).collect());
    let everything = |part: &Part| part.conditions.is_empty();
    if permits.is_empty() || forbids.iter().any(everything) {
        return Ok(Access::Never { forbids: forbids.into_iter().filter(everything).collect() });
    }
    if forbids.is_empty() && !can_fail && permits.iter().any(everything) {
        return Ok(Access::Always { permits: permits.into_iter().filter(everything).collect() });
    }
    Ok(Access::Under { permits, forbids })
}

/// What partial evaluation left of a policy.
struct Left {
    /// `None` if it cannot apply.
    part: Option<Part>,
    /// Whether it can fail to evaluate.
    can_fail: bool,
}

fn sorted(mut parts: Vec<Part>) -> Vec<Part> {
    parts.sort_by(|one, other| one.policy.id.cmp(&other.policy.id));
    parts
}

fn facts(snapshot: &Snapshot, id: &cedar::PolicyId) -> Arc<PolicyFacts> {
    snapshot
        .policies
        .facts
        .get(id)
        .cloned()
        .unwrap_or_else(|| Arc::new(PolicyFacts { id: AsRef::<str>::as_ref(id).to_owned(), ..PolicyFacts::default() }))
}

/// The condition that is left, as one expression.
fn condition(policy: &cedar::Policy, failing: &Failing<'_>) -> Result<Arc<pst::Expr>, String> {
    let body = match policy.to_pst().map_err(|error| error.to_string())? {
        pst::Policy::Static(policy) => policy.body().clone(),
        pst::Policy::Linked(link) => link.into_static_policy().map_err(|error| error.to_string())?.body().clone(),
    };
    let whole = body
        .clauses()
        .iter()
        .map(|clause| match clause {
            pst::Clause::When(expression) => expression.clone(),
            pst::Clause::Unless(expression) => {
                Arc::new(pst::Expr::UnaryOp { op: pst::UnaryOp::Not, expr: expression.clone() })
            }
        })
        .reduce(|left, right| Arc::new(pst::Expr::BinaryOp { op: pst::BinaryOp::And, left, right }));
    Ok(whole.map_or_else(|| Arc::new(pst::Expr::Literal(pst::Literal::Bool(true))), |whole| simplify(&whole, failing)))
}
