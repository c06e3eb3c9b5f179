//! Expressions in place of what partial evaluation leaves and the solver does not take.

use crate::sources::policy::cedar_core::ast::EntityUID;
use cedar_policy::pst::{BinaryOp, Expr, Literal, UnaryOp};
use std::sync::Arc;

/// An operation on a set that holds nothing.
pub(super) fn without_empty(op: BinaryOp, left: &Arc<Expr>, right: &Arc<Expr>) -> Option<Expr> {
    let is_empty = |set: &Expr| Expr::UnaryOp { op: UnaryOp::IsEmpty, expr: Arc::new(set.clone()) };
    let nothing = |set: &Expr| matches!(set, Expr::Set(elements) if elements.is_empty());
    match (op, nothing(left), nothing(right)) {
        (BinaryOp::Contains | BinaryOp::ContainsAny, true, false) => Some(evaluated(right, never())),
        (BinaryOp::ContainsAny | BinaryOp::In, false, true) => Some(evaluated(left, never())),
        (BinaryOp::ContainsAll, false, true) => Some(evaluated(left, Expr::Literal(Literal::Bool(true)))),
        (BinaryOp::ContainsAll | BinaryOp::Eq, true, false) => Some(is_empty(right)),
        (BinaryOp::Eq, false, true) => Some(is_empty(left)),
        (BinaryOp::NotEq, true, false) => Some(Expr::UnaryOp { op: UnaryOp::Not, expr: Arc::new(is_empty(right)) }),
        (BinaryOp::NotEq, false, true) => Some(Expr::UnaryOp { op: UnaryOp::Not, expr: Arc::new(is_empty(left)) }),
        _ => None,
    }
}

/// This value, if the expression can be evaluated.
pub(super) fn evaluated(expression: &Expr, value: Expr) -> Expr {
    binary(BinaryOp::And, binary(BinaryOp::Eq, expression.clone(), expression.clone()), value)
}

/// A condition that cannot be evaluated: the solver knows no expression that is an error, and one that is too large.
pub(super) fn failing() -> Expr {
    let long = |value| Expr::Literal(Literal::Long(value));
    binary(BinaryOp::Eq, binary(BinaryOp::Add, long(i64::MAX), long(1)), long(0))
}

pub(super) fn never() -> Expr {
    Expr::Literal(Literal::Bool(false))
}

pub(super) fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp { op, left: Arc::new(left), right: Arc::new(right) }
}

pub(super) fn literal(uid: &EntityUID) -> Expr {
    Expr::Literal(Literal::EntityUID(uid.clone().into()))
}
