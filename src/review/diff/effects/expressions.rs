//! Expressions in place of what partial evaluation leaves and the solver does not take.

use crate::sources::policy::cedar_core::ast::EntityUID;
use cedar_policy::pst::{BinaryOp, Expr, Literal, UnaryOp};
use smol_str::SmolStr;
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

/// An attribute of one of several records, of which a condition chooses one. `None` for another expression, or if one of
/// them does not have it.
pub(super) fn chosen_field(expression: &Expr, name: &SmolStr) -> Option<Expr> {
    match expression {
        // Another field could fail.
        Expr::Record(fields) if is_value(expression) => Some(fields.get(name.as_str())?.as_ref().clone()),
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            let (one, other) = (chosen_field(then_expr, name)?, chosen_field(else_expr, name)?);
            let (cond, then_expr) = (cond.clone(), Arc::new(one));
            Some(Expr::IfThenElse { cond, then_expr, else_expr: Arc::new(other) })
        }
        _ => None,
    }
}

fn is_value(expression: &Expr) -> bool {
    match expression {
        Expr::Literal(_) => true,
        Expr::Set(elements) => elements.iter().all(|element| is_value(element)),
        Expr::Record(fields) => fields.values().all(|field| is_value(field)),
        // The directory has no value whose text has no meaning.
        Expr::UnaryOp { op: UnaryOp::Datetime | UnaryOp::Duration | UnaryOp::Decimal | UnaryOp::Ip, expr } => {
            matches!(expr.as_ref(), Expr::Literal(_))
        }
        _ => false,
    }
}

/// The entities that an expression can be, or that a record which it can be holds.
pub(super) fn may_be(expression: &Expr, found: &mut Vec<EntityUID>) {
    match expression {
        Expr::Literal(Literal::EntityUID(uid)) => found.push(EntityUID::from(uid.clone())),
        Expr::IfThenElse { then_expr, else_expr, .. } => {
            may_be(then_expr, found);
            may_be(else_expr, found);
        }
        Expr::Record(fields) => fields.values().for_each(|field| may_be(field, found)),
        Expr::GetAttr { expr, .. } => may_be(expr, found),
        _ => {}
    }
}
