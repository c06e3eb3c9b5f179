//! Joins many expressions to one.

use crate::sources::policy::cedar_core::ast::Expr;

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
