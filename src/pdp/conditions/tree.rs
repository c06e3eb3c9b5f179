//! Builds the tree of a policy's conditions from its syntax tree: how `&&`, `||`, `!` and `if` combine them.

use super::{Clause, ClauseKind};
use crate::sources::policy::{
    Token,
    cedar_core::ast::{BinaryOp, Expr, ExprKind, Literal, UnaryOp},
};
use std::ops::Range;

/// A boolean expression over conditions.
#[derive(Debug)]
pub enum Tree {
    /// A condition, by its index in the list.
    Condition(usize),
    /// A literal `true` or `false`.
    Constant(bool),
    /// The opposite.
    Not(Box<Self>),
    /// Both.
    And(Box<Self>, Box<Self>),
    /// One of the two at least.
    Or(Box<Self>, Box<Self>),
    /// A test, what holds where it holds, and what holds else.
    If(Box<[Self; 3]>),
}

impl Tree {
    /// Walks as Cedar evaluates: from left to right, no further than needed. `holds` evaluates one condition.
    pub(super) fn walk<E>(&self, holds: &mut impl FnMut(usize) -> Result<bool, E>) -> Result<bool, E> {
        match self {
            Self::Condition(index) => holds(*index),
            Self::Constant(truth) => Ok(*truth),
            Self::Not(inner) => inner.walk(holds).map(|truth| !truth),
            Self::And(left, right) => Ok(left.walk(holds)? && right.walk(holds)?),
            Self::Or(left, right) => Ok(left.walk(holds)? || right.walk(holds)?),
            Self::If(parts) => {
                let [test, then, otherwise] = parts.as_ref();
                if test.walk(holds)? { then.walk(holds) } else { otherwise.walk(holds) }
            }
        }
    }
}

/// What is found while a tree is made.
pub(super) struct Finder<'t> {
    pub(super) tokens: &'t [Token<'t>],
    /// The conditions, in the order of the text, with their places in it.
    pub(super) found: Vec<(Expr, Range<usize>)>,
    /// The literals `true` and `false` in the place of conditions.
    pub(super) constants: Vec<(bool, Range<usize>)>,
    /// How many conditions the scope has; the others are counted from there.
    pub(super) first: usize,
}

impl Finder<'_> {
    /// The clauses of a body. Cedar joins them to one expression, `first && (second && third)`, and negates what stands in an
    /// `unless`; two literals it joins to one.
    pub(super) fn clauses(&mut self, body: &Expr) -> Vec<Clause> {
        let mut words = clause_words(self.tokens).into_iter().peekable();
        let mut clauses = Vec::new();
        let mut rest = body;
        while let Some((kind, place)) = words.next() {
            let (expression, after) = match rest.expr_kind() {
                ExprKind::And { left, right } if words.peek().is_some() => (left.as_ref(), Some(right.as_ref())),
                _ => (rest, None),
            };
            let tree = match (kind, expression.expr_kind()) {
                (ClauseKind::Unless, ExprKind::UnaryApp { op: UnaryOp::Not, arg }) => self.tree(arg),
                (ClauseKind::Unless, _) => Tree::Not(Box::new(self.tree(expression))),
                (ClauseKind::When, _) => self.tree(expression),
            };
            clauses.push(Clause { kind, place, tree });
            let Some(after) = after else { break };
            rest = after;
        }
        clauses
    }

    fn tree(&mut self, expression: &Expr) -> Tree {
        match expression.expr_kind() {
            ExprKind::Lit(Literal::Bool(truth)) => {
                self.constants.push((*truth, extent(expression).unwrap_or_default()));
                Tree::Constant(*truth)
            }
            ExprKind::And { left, right } if stand_apart(left, right) => {
                Tree::And(Box::new(self.tree(left)), Box::new(self.tree(right)))
            }
            ExprKind::Or { left, right } if stand_apart(left, right) => {
                Tree::Or(Box::new(self.tree(left)), Box::new(self.tree(right)))
            }
            ExprKind::UnaryApp { op: UnaryOp::Not, arg } if !self.is_comparison(arg) => {
                Tree::Not(Box::new(self.tree(arg)))
            }
            ExprKind::If { test_expr, then_expr, else_expr } => {
                Tree::If(Box::new([self.tree(test_expr), self.tree(then_expr), self.tree(else_expr)]))
            }
            _ => {
                self.found.push((expression.clone(), extent(expression).unwrap_or_default()));
                Tree::Condition(self.first + self.found.len() - 1)
            }
        }
    }

    /// Whether this is the inside of a `!=`, `>` or `>=`, which Cedar has as a negated `==`, `<=` or `<`: one condition,
    /// and not a negated one.
    fn is_comparison(&self, inner: &Expr) -> bool {
        let ExprKind::BinaryApp { op: BinaryOp::Eq | BinaryOp::Less | BinaryOp::LessEq, arg1, arg2 } =
            inner.expr_kind()
        else {
            return false;
        };
        let (Some(left), Some(right)) = (extent(arg1), extent(arg2)) else { return false };
        let mut between =
            self.tokens.iter().filter(|token| token.place.start >= left.end && token.place.end <= right.start);
        between.any(|token| ["!=", ">", ">="].contains(&token.text))
    }
}

/// The words `when` and `unless` that begin the clauses of a policy: those after its scope, outside of braces.
fn clause_words(tokens: &[Token<'_>]) -> Vec<(ClauseKind, Range<usize>)> {
    let mut depth = 0_usize;
    let mut words = Vec::new();
    let mut before = "";
    for token in tokens {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            // Names of annotations follow an @.
            "when" if depth == 0 && before != "@" => words.push((ClauseKind::When, token.place.clone())),
            "unless" if depth == 0 && before != "@" => words.push((ClauseKind::Unless, token.place.clone())),
            _ => {}
        }
        before = token.text;
    }
    words
}

/// Whether two operands are separate in the text. Those that Cedar makes of one form, such as `a has b.c`, are not.
fn stand_apart(left: &Expr, right: &Expr) -> bool {
    match (operand(left), operand(right)) {
        (Some(left), Some(right)) => left.end <= right.start,
        _ => true,
    }
}

/// The extent of an operand. In `a && b && c`, Cedar gives `a && b` the place of all three, so what combines is placed by
/// its parts.
fn operand(expression: &Expr) -> Option<Range<usize>> {
    match expression.expr_kind() {
        ExprKind::And { left, right } | ExprKind::Or { left, right } => {
            let (left, right) = (operand(left)?, operand(right)?);
            Some(left.start.min(right.start)..left.end.max(right.end))
        }
        _ => extent(expression),
    }
}

/// From the first to the last byte of an expression, its parts included.
pub(super) fn extent(expression: &Expr) -> Option<Range<usize>> {
    expression
        .subexpressions()
        .filter_map(Expr::source_loc)
        .map(|loc| loc.start()..loc.end())
        .reduce(|one, other| one.start.min(other.start)..one.end.max(other.end))
}
