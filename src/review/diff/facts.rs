//! The facts that matter in an example: what the changed parts of its policies read.

use crate::{
    review::proof::{Environment, Example, Rule},
    sources::{
        directory::Directory,
        policy::{
            cedar_core::ast::{
                BinaryOp, Eid, Entity, EntityUID, Expr, ExprKind, Literal, PartialValue, UnaryOp, Value, ValueKind, Var,
            },
            id_of,
        },
    },
    types::{authzen, evaluation},
};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// The facts that matter, each as `name value`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Of the account.
    pub account: Vec<String>,
    /// Of the record.
    pub record: Vec<String>,
    /// Of what else the question says.
    pub context: Vec<String>,
    /// When it is asked, and by which application.
    pub when: Option<String>,
    /// They name what the question lacks, each as `no name`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lacking: bool,
}

/// How many facts of one kind are shown, and how much of one.
const MOST: usize = 4;
const LENGTH: usize = 60;

/// A policy as it was and as it is.
pub(super) type Sides<'a> = (Option<&'a Rule>, Option<&'a Rule>);

impl Facts {
    pub(super) fn of(
        changed: &[Sides<'_>],
        example: &Example,
        environment: &Environment,
        directory: &Directory,
        when: Option<String>,
    ) -> Self {
        let mut read = Read::default();
        for part in changed.iter().flat_map(|sides| changed_parts(*sides)) {
            read.expression(part);
        }
        let mut facts = Self::default();
        let subject = Eid::new(example.evaluation.subject.id.as_str());
        let subject = EntityUID::from_components(environment.principal.clone(), subject, None);
        if let Some(account) = directory.get(&subject).filter(|_| example.real) {
            facts.account = of_account(account, &read);
        }
        let evaluation = &example.evaluation;
        facts.account.extend(of_map(&evaluation.subject.properties, &read.principal));
        facts.record = of_map(&evaluation.resource.properties, &read.resource);
        facts.context = of_map(&evaluation.context, &read.context);
        facts.context.extend(of_map(&evaluation.action.properties, &read.context));
        facts.when = when.filter(|_| read.context.contains("pdp"));
        for facts in [&mut facts.account, &mut facts.record, &mut facts.context] {
            facts.truncate(MOST);
        }
        facts
    }
}

/// The conjuncts that only one side has; all, if the policy is new or gone, or forbids.
fn changed_parts<'a>((base, head): Sides<'a>) -> Vec<&'a Expr> {
    let parts = |rule: Option<&'a Rule>| {
        let mut found = Vec::new();
        rule.into_iter().for_each(|rule| conjuncts(rule.condition(), &mut found));
        found
    };
    let (before, after) = (parts(base), parts(head));
    // Why a forbid applied is all of it, however little of it changed.
    if base.or(head).is_some_and(|rule| !rule.permits) {
        return before.into_iter().chain(after).collect();
    }
    let only = |of: &[&'a Expr], other: &[&'a Expr]| -> Vec<&'a Expr> {
        of.iter().filter(|part| !other.iter().any(|it| it.eq_shape(part))).copied().collect()
    };
    let (mut gone, new) = (only(&before, &after), only(&after, &before));
    gone.extend(new);
    gone
}

fn conjuncts<'a>(expression: &'a Expr, found: &mut Vec<&'a Expr>) {
    match expression.expr_kind() {
        ExprKind::And { left, right } => {
            conjuncts(left, found);
            conjuncts(right, found);
        }
        // `unless { a || b }`
        ExprKind::UnaryApp { op: UnaryOp::Not, arg } => match arg.expr_kind() {
            ExprKind::Or { .. } => disjuncts(arg, found),
            _ => found.push(expression),
        },
        _ => found.push(expression),
    }
}

fn disjuncts<'a>(expression: &'a Expr, found: &mut Vec<&'a Expr>) {
    match expression.expr_kind() {
        ExprKind::Or { left, right } => {
            disjuncts(left, found);
            disjuncts(right, found);
        }
        _ => found.push(expression),
    }
}

/// The names that conditions read of each part of a question.
#[derive(Default)]
struct Read {
    principal: BTreeSet<SmolStr>,
    resource: BTreeSet<SmolStr>,
    context: BTreeSet<SmolStr>,
    /// The entities that are named.
    named: BTreeSet<EntityUID>,
}

impl Read {
    fn expression(&mut self, expression: &Expr) {
        for part in expression.subexpressions() {
            match part.expr_kind() {
                ExprKind::GetAttr { expr, attr } | ExprKind::HasAttr { expr, attr } => {
                    let is_action = matches!(expr.expr_kind(), ExprKind::GetAttr { attr, .. } if attr == "action");
                    match expr.expr_kind() {
                        ExprKind::Var(Var::Principal) => drop(self.principal.insert(attr.clone())),
                        ExprKind::Var(Var::Resource) => drop(self.resource.insert(attr.clone())),
                        ExprKind::Var(Var::Context) => drop(self.context.insert(attr.clone())),
                        _ if is_action => drop(self.context.insert(attr.clone())),
                        _ => {}
                    }
                }
                ExprKind::BinaryApp { op: BinaryOp::GetTag, arg1, arg2 } => {
                    if let (ExprKind::Var(Var::Principal), ExprKind::Lit(Literal::String(name))) =
                        (arg1.expr_kind(), arg2.expr_kind())
                    {
                        self.principal.insert(name.clone());
                    }
                }
                ExprKind::Lit(Literal::EntityUID(uid)) => drop(self.named.insert(uid.as_ref().clone())),
                _ => {}
            }
        }
    }
}

fn of_account(account: &Entity, read: &Read) -> Vec<String> {
    let above =
        account.ancestors().filter(|uid| read.named.contains(uid)).map(|uid| format!("{} {}", kind(uid), id_of(uid)));
    let given = account.attrs().chain(account.tags()).filter(|(name, _)| read.principal.contains(*name));
    let given = given.filter_map(|(name, given)| match given {
        PartialValue::Value(value) => Some(format!("{name} {}", short(value))),
        PartialValue::Residual(_) => None,
    });
    above.chain(given).collect()
}

fn of_map(map: &evaluation::Map, read: &BTreeSet<SmolStr>) -> Vec<String> {
    let named = map.iter().filter(|(name, _)| read.contains(name.as_str()));
    named
        .map(|(name, value)| {
            let mut bytes = Vec::new();
            authzen::write_value(&mut bytes, value);
            format!("{name} {}", cut(&String::from_utf8_lossy(&bytes)))
        })
        .collect()
}

/// A value without the types of entities, which its name tells.
fn short(value: &Value) -> String {
    let text = match value.value_kind() {
        ValueKind::Lit(Literal::EntityUID(uid)) => id_of(uid).to_owned(),
        ValueKind::Set(set) => format!("[{}]", set.iter().map(short).collect::<Vec<_>>().join(", ")),
        _ => value.to_string(),
    };
    cut(&text)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LENGTH {
        text.to_owned()
    } else {
        format!("{}…", text.chars().take(LENGTH).collect::<String>())
    }
}

/// The type as a word.
pub(super) fn kind(uid: &EntityUID) -> String {
    uid.entity_type().name().basename().to_string().to_lowercase()
}
