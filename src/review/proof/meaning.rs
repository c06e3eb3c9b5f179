//! Expresses poort's decision under a set of policies as one Cedar expression.
//!
//! Cedar skips a policy that cannot be evaluated; poort then denies (`engine::decide`). So a request is allowed if
//! - no policy fails: `(condition || true)` of each is true unless the condition fails, and then the whole expression
//!   fails with it,
//! - a permit applies, and
//! - no forbid applies.
//!
//! The expression is true where poort allows, and false or in error where poort denies: "does not hold" means denied.

use super::{
    Rule,
    joined::{all, any},
};
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
}
