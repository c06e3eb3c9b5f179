//! Joins many expressions to one, and the parts of one in the order that costs a solver the least.

use crate::sources::policy::cedar_core::ast::{Expr, ExprKind, UnaryOp};

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

/// The same expression, with `a && (b && c)` for `(a && b) && c`. The solver's terms name the first operand of each
/// conjunction several times, if it reads what is optional: from the left, they double with each operand.
pub(crate) fn from_the_right(expression: &Expr) -> Expr {
    match expression.expr_kind() {
        ExprKind::And { left, right } => before(
            left,
            from_the_right(right),
            &|of| match of.expr_kind() {
                ExprKind::And { left, right } => Some((left, right)),
                _ => None,
            },
            &Expr::and,
        ),
        ExprKind::Or { left, right } => before(
            left,
            from_the_right(right),
            &|of| match of.expr_kind() {
                ExprKind::Or { left, right } => Some((left, right)),
                _ => None,
            },
            &Expr::or,
        ),
        ExprKind::UnaryApp { op: UnaryOp::Not, arg } => Expr::not(from_the_right(arg)),
        ExprKind::If { test_expr, then_expr, else_expr } => {
            Expr::ite(from_the_right(test_expr), from_the_right(then_expr), from_the_right(else_expr))
        }
        _ => expression.clone(),
    }
}

type Operands = dyn Fn(&Expr) -> Option<(&Expr, &Expr)>;

fn before(first: &Expr, rest: Expr, operands: &Operands, join: &dyn Fn(Expr, Expr) -> Expr) -> Expr {
    match operands(first) {
        Some((left, right)) => before(left, before(right, rest, operands, join), operands, join),
        None => join(from_the_right(first), rest),
    }
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
