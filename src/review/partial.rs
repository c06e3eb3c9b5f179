//! Partial evaluation: what Cedar takes for it, and policies with a part of their conditions replaced.

use crate::sources::{
    policy::{
        Held,
        cedar_core::{self, ast},
    },
    snapshot::Snapshot,
};
use cedar_policy::{self as cedar, pst};
use std::sync::Arc;

/// The directory and the actions, as partial evaluation takes them.
///
/// Descendants of an entity whose attributes come from questions are left out, and so stay unknown. The question sets
/// that entity's parents, and so its descendants' ancestors too (`engine::decide`).
///
/// # Errors
/// The entities do not fit the schema.
pub(crate) fn entities(snapshot: &Snapshot) -> Result<cedar::PartialEntities, String> {
    let is_asked = |uid: &ast::EntityUID| {
        let model = snapshot.policies.model.entity_type(uid.entity_type());
        matches!(model.map(|model| &model.held), Some(Held::ByRequest { .. }))
    };
    let fixed = snapshot.directory.iter().filter(|entity| !entity.ancestors().any(is_asked));
    let all = fixed.cloned().chain(snapshot.policies.action_entities.values().cloned());
    let entities = cedar_core::closed(all)?;
    cedar::PartialEntities::from_concrete(entities, &snapshot.policies.schema).map_err(|error| error.to_string())
}

/// A policy with other expressions in its conditions. Links of templates become policies of their own. `change` says what
/// an expression becomes, after its parts were changed; `None` leaves it as it is.
///
/// # Errors
/// A policy that has no syntax tree.
pub(crate) fn rewritten(
    policy: &cedar::Policy,
    change: &dyn Fn(&pst::Expr) -> Option<pst::Expr>,
) -> Result<cedar::Policy, String> {
    let body = match policy.to_pst().map_err(|error| error.to_string())? {
        pst::Policy::Static(policy) => policy.body().clone(),
        pst::Policy::Linked(link) => link.into_static_policy().map_err(|error| error.to_string())?.body().clone(),
    };
    let clauses: Vec<_> = body
        .clauses()
        .iter()
        .map(|clause| match clause {
            pst::Clause::When(at) => pst::Clause::When(expression(at, change)),
            pst::Clause::Unless(at) => pst::Clause::Unless(expression(at, change)),
        })
        .collect();
    let body = body.try_with_clauses(clauses).map_err(|error| error.to_string())?;
    let body = pst::StaticPolicy::try_from(body).map_err(|error| error.to_string())?;
    let changed = cedar::Policy::from_pst(pst::Policy::Static(body)).map_err(|error| error.to_string())?;
    Ok(changed.new_id(policy.id().clone()))
}

fn expression(at: &Arc<pst::Expr>, change: &dyn Fn(&pst::Expr) -> Option<pst::Expr>) -> Arc<pst::Expr> {
    use pst::Expr;
    let go = |at: &Arc<Expr>| expression(at, change);
    let parts = match at.as_ref() {
        Expr::UnaryOp { op, expr } => Expr::UnaryOp { op: *op, expr: go(expr) },
        Expr::BinaryOp { op, left, right } => Expr::BinaryOp { op: *op, left: go(left), right: go(right) },
        Expr::GetAttr { expr, attr } => Expr::GetAttr { expr: go(expr), attr: attr.clone() },
        Expr::HasAttr { expr, attrs } => Expr::HasAttr { expr: go(expr), attrs: attrs.clone() },
        Expr::Like { expr, pattern } => Expr::Like { expr: go(expr), pattern: pattern.clone() },
        Expr::Is { expr, entity_type, in_expr } => {
            Expr::Is { expr: go(expr), entity_type: entity_type.clone(), in_expr: in_expr.as_ref().map(go) }
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            Expr::IfThenElse { cond: go(cond), then_expr: go(then_expr), else_expr: go(else_expr) }
        }
        Expr::Set(elements) => Expr::Set(elements.iter().map(go).collect()),
        Expr::Record(fields) => Expr::Record(fields.iter().map(|(name, field)| (name.clone(), go(field))).collect()),
        // Literals, variables and slots; what else may come is left as it is.
        other => return change(other).map_or_else(|| at.clone(), Arc::new),
    };
    Arc::new(change(&parts).unwrap_or(parts))
}
