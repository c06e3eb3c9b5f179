//! What a difference fixes in a question: the values of one part that a changed policy compares with literals.
//!
//! Where `["8"].contains(context.purpose)` became `["8", "9"].contains(context.purpose)` and nothing else changed, only
//! questions with `"9"` can be decided otherwise. With that value, most accounts need no solver.

use crate::{
    review::{partial, proof::Rule},
    sources::policy::cedar_core::ast::{BinaryOp, Expr, ExprKind, Literal},
};
use cedar_policy::{self as cedar, pst};
use std::collections::BTreeSet;

/// A part of the question, and one of the values that it must have.
#[derive(Debug, Clone)]
pub(super) struct Fixed {
    pub(super) part: Expr,
    pub(super) value: Expr,
}

impl Fixed {
    /// A policy with the value in place of the part.
    ///
    /// # Errors
    /// A policy that has no syntax tree.
    pub(super) fn put_into(&self, policy: &cedar::Policy) -> Result<cedar::Policy, String> {
        let tree = |expression: &Expr| pst::Expr::try_from(expression.clone()).map_err(|error| error.to_string());
        let (part, value) = (tree(&self.part)?, tree(&self.value)?);
        partial::rewritten(policy, &|expression| {
            (matches!(expression, pst::Expr::GetAttr { .. }) && *expression == part).then(|| value.clone())
        })
    }
}

/// How many values are looked at one by one.
const MOST: usize = 8;

/// The values that a part of the question must have to be decided otherwise by this policy, as the side that allows has it
/// and as the other one does. `None`: they are not known.
pub(super) fn values(to: &Rule, from: &Rule) -> Option<Vec<Fixed>> {
    // A policy that fails denies everything, whatever else it says.
    if to.permits != from.permits || to.may_fail() || from.may_fail() {
        return None;
    }
    // A permit must apply on the side that allows and not on the other one; a forbid the other way round.
    let (applies, other) = if to.permits { (to, from) } else { (from, to) };
    let (mut some, mut others) = (Vec::new(), Vec::new());
    conjuncts(applies.condition(), &mut some);
    conjuncts(other.condition(), &mut others);
    let only = |of: &[&Expr], other: &[&Expr]| -> Vec<Expr> {
        of.iter().filter(|part| !other.iter().any(|it| it.eq_shape(part))).map(|part| (*part).clone()).collect()
    };
    let [one] = only(&some, &others).try_into().ok()?;
    let [another] = only(&others, &some).try_into().ok()?;
    let ((part, wanted), (same, known)) = (compared(&one)?, compared(&another)?);
    let left: Vec<_> = wanted.difference(&known).cloned().collect();
    (part.eq_shape(&same) && left.len() <= MOST)
        .then(|| left.into_iter().map(|value| Fixed { part: part.clone(), value: Expr::val(value) }).collect())
}

fn conjuncts<'e>(expression: &'e Expr, found: &mut Vec<&'e Expr>) {
    match expression.expr_kind() {
        ExprKind::And { left, right } => {
            conjuncts(left, found);
            conjuncts(right, found);
        }
        _ => found.push(expression),
    }
}

/// The part that is compared with texts and numbers, and these: `["8"].contains(part)`, `part == "8"`, or one of several.
fn compared(expression: &Expr) -> Option<(Expr, BTreeSet<Literal>)> {
    match expression.expr_kind() {
        ExprKind::Or { left, right } => {
            let ((part, mut some), (same, more)) = (compared(left)?, compared(right)?);
            some.extend(more);
            part.eq_shape(&same).then_some((part, some))
        }
        ExprKind::BinaryApp { op: BinaryOp::Eq, arg1, arg2 } => match (literal(arg1), literal(arg2)) {
            (None, Some(value)) => Some((path(arg1)?, BTreeSet::from([value]))),
            (Some(value), None) => Some((path(arg2)?, BTreeSet::from([value]))),
            _ => None,
        },
        ExprKind::BinaryApp { op: BinaryOp::Contains, arg1, arg2 } => match arg1.expr_kind() {
            ExprKind::Set(elements) => Some((path(arg2)?, elements.iter().map(literal).collect::<Option<_>>()?)),
            _ => None,
        },
        _ => None,
    }
}

fn literal(expression: &Expr) -> Option<Literal> {
    match expression.expr_kind() {
        ExprKind::Lit(literal @ (Literal::String(_) | Literal::Long(_))) => Some(literal.clone()),
        _ => None,
    }
}

/// An attribute of a part of the question.
fn path(expression: &Expr) -> Option<Expr> {
    match expression.expr_kind() {
        ExprKind::GetAttr { expr, .. } if matches!(expr.expr_kind(), ExprKind::Var(_)) => Some(expression.clone()),
        _ => None,
    }
}
