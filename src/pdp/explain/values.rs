//! The values that a condition compares, as a person reads them. What the schema keeps from records is concealed from callers:
//! attributes with `@log`, ids of types with `@log` or `@data_subject`, and names of secrets.

use super::{
    Audience,
    parts::{Explainer, Explaining},
};
use crate::{
    record::decision_log::is_secret,
    sources::policy::{
        CONCEALED,
        annotations::{Form, Mark},
        cedar_core::ast::{BinaryOp, EntityUID, Expr, ExprKind, Literal, Value, ValueKind, Var},
        shown,
    },
    types::escape,
};

/// How much of a value is shown, in characters.
const LONGEST: usize = 400;
/// How many of the groups that an entity is in are listed.
const GROUPS: usize = 8;

impl Explainer<'_> {
    /// The values of what a condition compares: expression and value.
    pub(super) fn values(&self, of: Explaining<'_>, condition: &Expr, is_met: bool) -> Vec<(String, String)> {
        let mut values: Vec<(String, String)> = Vec::new();
        for part in compared(condition) {
            let text = name(of, part, condition);
            let Ok(value) = self.evaluator.value(part, of.slots) else { continue };
            if text.is_empty() || values.iter().any(|(known, _)| *known == text) {
                continue;
            }
            let is_concealed = self.audience == Audience::Caller && self.reads_concealed(of, part);
            let shown = if is_concealed { CONCEALED.to_owned() } else { self.shown(&value) };
            // `principal.level` whose value is written out says nothing more.
            if shown != text {
                values.push((text, shown));
            }
        }
        if !is_met
            && let Some((part, uid)) = self.member(of, condition)
            && let Some(groups) = self.groups(&uid)
        {
            values.push((format!("{} is in", name(of, part, condition)), groups));
        }
        values
    }

    fn shown(&self, value: &Value) -> String {
        escape::cut_to(&shown(value, &|uid| self.is_concealed(uid)), LONGEST).into_owned()
    }

    /// The entity on the left of an `in`.
    fn member<'e>(&self, of: Explaining<'_>, condition: &'e Expr) -> Option<(&'e Expr, EntityUID)> {
        let ExprKind::BinaryApp { op: BinaryOp::In, arg1, .. } = condition.expr_kind() else { return None };
        let value = self.evaluator.value(arg1, of.slots).ok()?;
        let uid = entity(&value)?.clone();
        (!uid.is_action()).then_some((arg1.as_ref(), uid))
    }

    fn groups(&self, uid: &EntityUID) -> Option<String> {
        let mut above: Vec<_> = self.world.entity(uid)?.ancestors().collect();
        above.sort();
        let more = above.len().saturating_sub(GROUPS);
        let mut named: Vec<_> = above.into_iter().take(GROUPS).map(|uid| self.shown(&uid.clone().into())).collect();
        named.extend((more > 0).then(|| format!("and {more} more")));
        Some(if named.is_empty() { "nothing".to_owned() } else { named.join(", ") })
    }

    /// Whether anything is concealed from who reads this.
    pub(super) fn conceals_any(&self) -> bool {
        self.audience == Audience::Caller && self.snapshot.policies.model.marks.conceals()
    }

    fn is_concealed(&self, uid: &EntityUID) -> bool {
        let marks = &self.snapshot.policies.model.marks;
        self.audience == Audience::Caller && marks.entity(Some(uid.entity_type())).id.is_some()
    }

    /// Whether a value follows from something that is kept from records.
    fn reads_concealed(&self, of: Explaining<'_>, part: &Expr) -> bool {
        let marks = &self.snapshot.policies.model.marks;
        part.subexpressions().any(|part| match part.expr_kind() {
            ExprKind::GetAttr { attr, .. } => {
                is_secret(attr) || self.mark(of, part).is_some_and(|mark| marks.conceal(mark))
            }
            ExprKind::BinaryApp { op: BinaryOp::GetTag, arg2, .. } => {
                let name = self.evaluator.value(arg2, of.slots).ok();
                let name = name.as_ref().and_then(text);
                name.is_none_or(is_secret) || self.mark(of, part).is_some_and(|mark| marks.conceal(mark))
            }
            _ => false,
        })
    }

    /// What the schema says of an attribute, a tag or the part of one.
    fn mark(&self, of: Explaining<'_>, part: &Expr) -> Option<&Mark> {
        let marks = &self.snapshot.policies.model.marks;
        let (base, name) = match part.expr_kind() {
            ExprKind::GetAttr { expr, attr } => (expr.as_ref(), attr.clone()),
            ExprKind::BinaryApp { op: BinaryOp::GetTag, arg1, .. } => (arg1.as_ref(), "tags".into()),
            _ => return None,
        };
        if let ExprKind::Var(Var::Context) = base.expr_kind() {
            let (_, action, _) = self.world.parties()?;
            return marks.context(Some(action)).fields.get(&name);
        }
        let value = self.evaluator.value(base, of.slots).ok()?;
        if let Some(uid) = entity(&value) {
            let mark = marks.entity(Some(uid.entity_type())).properties.get(&name);
            return match (part.expr_kind(), mark.map(|mark| &mark.form)) {
                (ExprKind::BinaryApp { .. }, Some(Form::Tags(element))) => Some(element),
                _ => mark,
            };
        }
        match &self.mark(of, base)?.form {
            Form::Record(fields) => fields.get(&name),
            _ => None,
        }
    }
}

/// The text of a part. That in front of a method has the place of the whole call, so it is written anew.
fn name(of: Explaining<'_>, part: &Expr, condition: &Expr) -> String {
    let text = of.policy.part_text(part);
    if text == of.policy.part_text(condition) { part.to_string() } else { text }
}

/// What a condition compares.
fn compared(condition: &Expr) -> Vec<&Expr> {
    let is_known =
        |part: &Expr| matches!(part.expr_kind(), ExprKind::Lit(_) | ExprKind::Var(Var::Action | Var::Context));
    let is_told = |part: &&Expr| !is_known(part) && !is_literal_set(part);
    let parts: Vec<&Expr> = match condition.expr_kind() {
        ExprKind::BinaryApp { arg1, arg2, .. } => vec![arg1, arg2],
        ExprKind::UnaryApp { arg, .. } => return compared(arg),
        ExprKind::HasAttr { expr, .. } | ExprKind::Is { expr, .. } => {
            return Some(expr.as_ref())
                .filter(|part| !matches!(part.expr_kind(), ExprKind::Var(_)))
                .into_iter()
                .collect();
        }
        ExprKind::Like { expr, .. } => vec![expr],
        // `a has b.c` is two conditions for Cedar.
        ExprKind::And { left, right } | ExprKind::Or { left, right } => {
            return [compared(left), compared(right)].concat();
        }
        ExprKind::ExtensionFunctionApp { args, .. } => args.iter().collect(),
        _ => Vec::new(),
    };
    parts.into_iter().filter(is_told).collect()
}

fn is_literal_set(part: &Expr) -> bool {
    let is_literal = |element: &Expr| matches!(element.expr_kind(), ExprKind::Lit(_));
    matches!(part.expr_kind(), ExprKind::Set(elements) if elements.iter().all(is_literal))
}

/// The entity that a value is.
pub(super) fn entity(value: &Value) -> Option<&EntityUID> {
    match value.value_kind() {
        ValueKind::Lit(Literal::EntityUID(uid)) => Some(uid),
        _ => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value.value_kind() {
        ValueKind::Lit(Literal::String(text)) => Some(text),
        _ => None,
    }
}
