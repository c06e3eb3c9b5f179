//! What a set of policies means to poort, as one Cedar expression.
//!
//! Cedar skips a policy that cannot be evaluated; poort then denies (`engine::decide`). So a request is allowed if
//! - no policy fails: `(condition || true)` of each is true unless the condition fails, and then the whole expression
//!   fails with it,
//! - a permit applies, and
//! - no forbid applies.
//!
//! The expression is true where poort allows, and false or in error where poort denies: "does not hold" means denied.

use super::Rule;
use cedar_policy_core::ast::Expr;

/// Holds where poort allows under these policies.
pub(crate) fn allowed(rules: &[&Rule]) -> Expr {
    let conditions = |permits: bool| -> Vec<Expr> {
        rules.iter().filter(|rule| rule.permits == permits).map(|rule| rule.condition.clone()).collect()
    };
    let failing: Vec<_> =
        rules.iter().filter(|rule| rule.may_fail()).map(|rule| does_not_fail(rule.condition.clone())).collect();
    all([all(failing), any(conditions(true)), Expr::not(any(conditions(false)))])
}

/// Holds where an expression can be evaluated.
pub(crate) fn does_not_fail(expression: Expr) -> Expr {
    Expr::or(expression, Expr::val(true))
}

/// Holds where all hold. Balanced, so that the depth grows with the logarithm of their number.
pub(crate) fn all(parts: impl IntoIterator<Item = Expr>) -> Expr {
    balanced(parts.into_iter().collect(), &Expr::and).unwrap_or_else(|| Expr::val(true))
}

/// Holds where one holds.
pub(crate) fn any(parts: impl IntoIterator<Item = Expr>) -> Expr {
    balanced(parts.into_iter().collect(), &Expr::or).unwrap_or_else(|| Expr::val(false))
}

fn balanced(mut parts: Vec<Expr>, join: &impl Fn(Expr, Expr) -> Expr) -> Option<Expr> {
    if parts.len() < 2 {
        return parts.pop();
    }
    let right = parts.split_off(parts.len() / 2);
    Some(join(balanced(parts, join)?, balanced(right, join)?))
}
