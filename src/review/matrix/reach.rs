//! Tells whose records a right reaches: those that name the account, those of its groups, or all.
//!
//! It reads the form of what is left of a policy: `resource in Unit::"…"` with a group that the account is in, or
//! `resource.author == Officer::"…"` with the account itself. A group that holds all accounts narrows nothing. What it does not
//! know reaches all records, so a right never reaches further than it says
//! (`tests/it/review/matrix/suites.rs::each_question_of_the_suites_fits_its_cell_and_reach`).

use super::{Access, Account};
use cedar_policy::pst::{BinaryOp, EntityUID, Expr, Literal, UnaryOp, Var};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// Whose records a right reaches at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Records that name the account itself.
    Own,
    /// Records of a unit, a team or another group that the account is in, or that names it, such as the team that it leads.
    Unit,
    /// Records of everyone, or of a group that holds every account of the type.
    All,
}

impl Reach {
    /// From the widest to the narrowest.
    pub const EACH: [Self; 3] = [Self::All, Self::Unit, Self::Own];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Unit => "unit",
            Self::All => "all",
        }
    }
}

impl Access {
    /// Whose records it reaches at most; `None` if it allows nothing.
    #[must_use]
    pub fn reach(&self) -> Option<Reach> {
        match self {
            Self::Always { .. } => Some(Reach::All),
            Self::Never { .. } => None,
            Self::Under { permits, forbids } => {
                let widest = permits.iter().map(|part| part.reach).max()?;
                Some(forbids.iter().map(|part| part.reach).fold(widest, Reach::min))
            }
        }
    }
}

/// What an expression can be tied to.
#[derive(PartialEq)]
enum Side {
    /// The record, or a value of it.
    Record,
    /// A value of something that the record refers to.
    BehindRecord,
    Account,
    Group,
    Other,
}

/// Whose records an expression leaves, where it is `truth`. `None`: no record's.
pub(super) fn reach(expression: &Expr, truth: bool, account: &Account) -> Option<Reach> {
    let of = |expression: &Expr, truth| reach(expression, truth, account);
    // `None` is less than all others.
    let both = |one: Option<Reach>, other: Option<Reach>| one.min(other);
    let either = |one: Option<Reach>, other: Option<Reach>| one.max(other);
    match expression {
        Expr::Literal(Literal::Bool(value)) => (*value == truth).then_some(Reach::All),
        Expr::UnaryOp { op: UnaryOp::Not, expr } => of(expr, !truth),
        Expr::BinaryOp { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } => {
            let (left, right) = (of(left, truth), of(right, truth));
            if (*op == BinaryOp::And) == truth { both(left, right) } else { either(left, right) }
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            either(both(of(cond, true), of(then_expr, truth)), both(of(cond, false), of(else_expr, truth)))
        }
        Expr::BinaryOp { op: BinaryOp::Eq, left, right } if truth => Some(tied(left, right, account)),
        Expr::BinaryOp { op: BinaryOp::NotEq, left, right } if !truth => Some(tied(left, right, account)),
        Expr::BinaryOp { op: BinaryOp::Contains, left, right } if truth => Some(tied(left, right, account)),
        Expr::BinaryOp { op: BinaryOp::In, left, right } if truth => Some(inside(left, right, account)),
        Expr::Is { expr, in_expr: Some(group), .. } if truth => Some(inside(expr, group, account)),
        _ => Some(Reach::All),
    }
}

/// One is in the other. What an account is in, or what is in it, is not the account alone, also where the record names it.
fn inside(one: &Expr, other: &Expr, account: &Account) -> Reach {
    let is_account = [one, other].into_iter().any(|one| side(one, account) == Side::Account);
    let tied = tied(one, other, account);
    if is_account { tied.max(Reach::Unit) } else { tied }
}

/// One is the other, or an element of it.
fn tied(one: &Expr, other: &Expr, account: &Account) -> Reach {
    let widest = |elements: &[std::sync::Arc<Expr>], side: &Expr| {
        elements.iter().map(|element| tied(element, side, account)).max().unwrap_or(Reach::All)
    };
    match (one, other) {
        (Expr::Set(elements), side) | (side, Expr::Set(elements)) => widest(elements, side),
        _ => match (side(one, account), side(other, account)) {
            (Side::Record, Side::Account) | (Side::Account, Side::Record) => Reach::Own,
            (Side::Record | Side::BehindRecord, Side::Account | Side::Group)
            | (Side::Account | Side::Group, Side::Record | Side::BehindRecord) => Reach::Unit,
            _ => Reach::All,
        },
    }
}

/// The attributes of the record that name a group by which an expression comes to be `truth`: the account has to be in it, as in
/// `principal in resource.team`.
pub(super) fn opening(expression: &Expr, truth: bool, account: &Account) -> BTreeSet<SmolStr> {
    let of = |expression: &Expr, truth| opening(expression, truth, account);
    let is_possible = |expression: &Expr| reach(expression, truth, account).is_some();
    let named = |one: &Expr, group: &Expr| {
        let groups = match group {
            Expr::Set(elements) => elements.iter().map(AsRef::as_ref).collect(),
            one => vec![one],
        };
        let of_record = |group: &Expr| match group {
            Expr::GetAttr { expr, attr } if matches!(**expr, Expr::Var(Var::Resource)) => Some(attr.clone()),
            _ => None,
        };
        let is_account = side(one, account) == Side::Account;
        groups.into_iter().filter(|_| is_account).filter_map(of_record).collect()
    };
    match expression {
        Expr::UnaryOp { op: UnaryOp::Not, expr } => of(expr, !truth),
        Expr::BinaryOp { op: BinaryOp::And | BinaryOp::Or, left, right } => &of(left, truth) | &of(right, truth),
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            // The condition opens nothing where its other outcome can open it too.
            let condition = match (is_possible(then_expr), is_possible(else_expr)) {
                (true, false) => of(cond, true),
                (false, true) => of(cond, false),
                _ => BTreeSet::new(),
            };
            &condition | &(&of(then_expr, truth) | &of(else_expr, truth))
        }
        Expr::BinaryOp { op: BinaryOp::In, left, right } if truth => named(left, right),
        Expr::Is { expr, in_expr: Some(group), .. } if truth => named(expr, group),
        _ => BTreeSet::new(),
    }
}

fn side(expression: &Expr, account: &Account) -> Side {
    match expression {
        Expr::Var(Var::Resource) => Side::Record,
        Expr::Var(Var::Principal) => Side::Account,
        Expr::GetAttr { expr, .. } => match side(expr, account) {
            Side::Record if matches!(expr.as_ref(), Expr::Var(_)) => Side::Record,
            Side::Record | Side::BehindRecord => Side::BehindRecord,
            _ => Side::Other,
        },
        Expr::Literal(Literal::EntityUID(EntityUID { ty, eid })) => {
            let kind = ty.to_string();
            if kind == account.kind && *eid == account.id {
                Side::Account
            } else if account.narrowing().any(|group| group.kind == kind && *eid == group.id) {
                Side::Group
            } else {
                Side::Other
            }
        }
        _ => Side::Other,
    }
}
