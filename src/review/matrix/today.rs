//! Substitutes the day for `context.pdp.today` in policies.
//!
//! Partial evaluation takes a whole context or none. A review of rights knows only the day of it: without the day, no
//! ended placement and no expired authorisation would count as ended.

use crate::review::partial;
use cedar_policy::{self as cedar, pst};
use std::sync::Arc;

/// The policy as it reads on a day. Links of templates become policies of their own.
///
/// # Errors
/// A policy that has no syntax tree.
pub(super) fn on_day(policy: &cedar::Policy, day: &str) -> Result<cedar::Policy, String> {
    partial::rewritten(policy, &|expression| {
        let text = pst::Expr::Literal(pst::Literal::String(day.into()));
        is_today(expression).then(|| pst::Expr::UnaryOp { op: pst::UnaryOp::Datetime, expr: Arc::new(text) })
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
