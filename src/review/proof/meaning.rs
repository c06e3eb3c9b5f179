//! Expresses poort's decision under a set of policies as one Cedar expression.
//!
//! Cedar skips a policy that cannot be evaluated; poort then denies (`engine::decide`). So a request is allowed if
//! - no policy fails: `(condition || true)` of each is true unless the condition fails, and then the whole expression
//!   fails with it,
//! - a permit applies, and
//! - no forbid applies.
//!
//! The expression is true where poort allows, and false or in error where poort denies: "does not hold" means denied.

use super::Rule;
use crate::sources::policy::cedar_core::ast::Expr;

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

#[cfg(test)]
mod tests {
    use super::*;
    use cedar_policy as cedar;

    /// `C0`, `C1` and so on stand for the conditions of the policies.
    #[track_caller]
    fn check(policies: &str, expected: &str) {
        let set: cedar::PolicySet = policies.parse().unwrap();
        let rules = Rule::all(&set).unwrap();
        let found = allowed(&rules.iter().collect::<Vec<_>>()).to_string();
        let found = rules
            .iter()
            .enumerate()
            .fold(found, |text, (index, rule)| text.replace(&rule.condition().to_string(), &format!("C{index}")));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_permit_must_apply_and_no_forbid() {
        check(
            "permit (principal, action, resource) when { context.a }; forbid (principal, action, resource) when { context.b };",
            "true && (C0 && (!(C1)))",
        );
    }

    #[test]
    fn without_a_permit_nothing_is_allowed() {
        check("", "true && (false && (!false))");
    }

    #[test]
    fn a_policy_that_can_fail_must_not_whatever_its_effect() {
        let condition = "(principal, action, resource) when { context.a + 1 > 2 };";
        check(&format!("permit {condition}"), "((C0) || true) && (C0 && (!false))");
        check(&format!("forbid {condition}"), "((C0) || true) && (false && (!(C0)))");
    }

    #[test]
    fn many_parts_are_joined_to_a_shallow_expression() {
        use crate::sources::policy::cedar_core::ast::ExprKind;

        fn depth(expression: &Expr) -> usize {
            match expression.expr_kind() {
                ExprKind::And { left, right } | ExprKind::Or { left, right } => 1 + depth(left).max(depth(right)),
                _ => 0,
            }
        }
        let parts = |count: usize| (0..count).map(|_| "context.a".parse::<Expr>().unwrap());
        assert_eq!(depth(&all(parts(1000))), 10);
        assert_eq!(depth(&any(parts(1000))), 10);
    }
}
