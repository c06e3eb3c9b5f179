//! Substitutes the day for `context.pdp.today` in policies.
//!
//! Partial evaluation takes a whole context or none. A review of rights knows only the day of it: without the day, no
//! ended placement and no expired authorisation would count as ended.

use cedar_policy::{self as cedar, pst};
use std::sync::Arc;

/// The policy as it reads on a day. Links of templates become policies of their own.
///
/// # Errors
/// A policy that has no syntax tree.
pub(super) fn on_day(policy: &cedar::Policy, day: &str) -> Result<cedar::Policy, String> {
    let body = match policy.to_pst().map_err(|error| error.to_string())? {
        pst::Policy::Static(policy) => policy.body().clone(),
        pst::Policy::Linked(link) => link.into_static_policy().map_err(|error| error.to_string())?.body().clone(),
    };
    let clauses: Vec<_> = body
        .clauses()
        .iter()
        .map(|clause| match clause {
            pst::Clause::When(expression) => pst::Clause::When(put(expression, day)),
            pst::Clause::Unless(expression) => pst::Clause::Unless(put(expression, day)),
        })
        .collect();
    let body = body.try_with_clauses(clauses).map_err(|error| error.to_string())?;
    let body = pst::StaticPolicy::try_from(body).map_err(|error| error.to_string())?;
    let on_day = cedar::Policy::from_pst(pst::Policy::Static(body)).map_err(|error| error.to_string())?;
    Ok(on_day.new_id(policy.id().clone()))
}

fn put(expression: &Arc<pst::Expr>, day: &str) -> Arc<pst::Expr> {
    use pst::Expr;
    let put = |expression: &Arc<Expr>| put(expression, day);
    if is_today(expression) {
        let text = Expr::Literal(pst::Literal::String(day.into()));
        return Arc::new(Expr::UnaryOp { op: pst::UnaryOp::Datetime, expr: Arc::new(text) });
    }
    Arc::new(match expression.as_ref() {
        Expr::UnaryOp { op, expr } => Expr::UnaryOp { op: *op, expr: put(expr) },
        Expr::BinaryOp { op, left, right } => Expr::BinaryOp { op: *op, left: put(left), right: put(right) },
        Expr::GetAttr { expr, attr } => Expr::GetAttr { expr: put(expr), attr: attr.clone() },
        Expr::HasAttr { expr, attrs } => Expr::HasAttr { expr: put(expr), attrs: attrs.clone() },
        Expr::Like { expr, pattern } => Expr::Like { expr: put(expr), pattern: pattern.clone() },
        Expr::Is { expr, entity_type, in_expr } => {
            Expr::Is { expr: put(expr), entity_type: entity_type.clone(), in_expr: in_expr.as_ref().map(put) }
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            Expr::IfThenElse { cond: put(cond), then_expr: put(then_expr), else_expr: put(else_expr) }
        }
        Expr::Set(elements) => Expr::Set(elements.iter().map(put).collect()),
        Expr::Record(fields) => Expr::Record(fields.iter().map(|(name, field)| (name.clone(), put(field))).collect()),
        // Literals, variables and slots; what else may come is left as it is, and then the day stays open in it.
        _ => return expression.clone(),
    })
}

/// Whether this is `context.pdp.today`.
fn is_today(expression: &pst::Expr) -> bool {
    let inside = |expression: &pst::Expr, name: &str| match expression {
        pst::Expr::GetAttr { expr, attr } if attr == name => Some(expr.clone()),
        _ => None,
    };
    inside(expression, "today")
        .and_then(|pdp| inside(&pdp, "pdp"))
        .is_some_and(|context| matches!(context.as_ref(), pst::Expr::Var(pst::Var::Context)))
}
