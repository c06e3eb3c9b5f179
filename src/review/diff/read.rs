//! What policies read of a question and of the directory, by name.

use crate::{
    review::proof::Rule,
    sources::policy::cedar_core::ast::{BinaryOp, Expr, ExprKind, Literal, Var},
};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// What some policies read. It is more than they can read, and never less.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The types and actions that they name.
    pub(super) named: BTreeSet<String>,
    /// The attributes, of whatever it may be.
    attributes: BTreeSet<SmolStr>,
    /// Of these, those whose values are not looked into: a record is read whole.
    whole: BTreeSet<SmolStr>,
    /// A tag is not looked into.
    whole_tags: bool,
    /// The context is not looked into.
    whole_context: bool,
}

impl Read {
    /// What these policies read.
    pub(super) fn of<'a>(rules: impl Iterator<Item = &'a Rule>) -> Self {
        let mut read = Self::default();
        rules.for_each(|rule| read.expression(rule.condition(), false));
        read
    }

    /// Whether an attribute of this name is read.
    pub(super) fn reads(&self, attribute: &str) -> bool {
        self.whole_context || self.attributes.contains(attribute)
    }

    /// Whether the record that an attribute holds, or a tag, is read whole.
    pub(super) fn reads_whole(&self, attribute: Option<&str>) -> bool {
        self.whole_context || attribute.map_or(self.whole_tags, |name| self.whole.contains(name))
    }

    /// `looked_into`: something reads an attribute of it.
    fn expression(&mut self, expression: &Expr, looked_into: bool) {
        match expression.expr_kind() {
            ExprKind::GetAttr { expr, attr } => {
                self.attributes.insert(attr.clone());
                if !looked_into {
                    self.whole.insert(attr.clone());
                }
                self.expression(expr, true);
            }
            ExprKind::HasAttr { expr, attr } => {
                self.attributes.insert(attr.clone());
                self.expression(expr, true);
            }
            ExprKind::ExtHasAttr { expr, attrs } => {
                self.attributes.extend(attrs.iter().cloned());
                self.expression(expr, true);
            }
            ExprKind::BinaryApp { op, arg1, arg2 } => {
                self.whole_tags |= *op == BinaryOp::GetTag && !looked_into;
                self.expression(arg1, matches!(op, BinaryOp::GetTag | BinaryOp::HasTag));
                self.expression(arg2, false);
            }
            ExprKind::Var(Var::Context) => self.whole_context |= !looked_into,
            ExprKind::Lit(Literal::EntityUID(uid)) if uid.is_action() => drop(self.named.insert(uid.to_string())),
            ExprKind::Lit(Literal::EntityUID(uid)) => drop(self.named.insert(uid.entity_type().to_string())),
            ExprKind::Is { expr, entity_type } => {
                self.named.insert(entity_type.to_string());
                self.expression(expr, false);
            }
            ExprKind::If { test_expr, then_expr, else_expr } => {
                self.expression(test_expr, false);
                self.expression(then_expr, looked_into);
                self.expression(else_expr, looked_into);
            }
            ExprKind::And { left, right } | ExprKind::Or { left, right } => {
                self.expression(left, false);
                self.expression(right, false);
            }
            ExprKind::UnaryApp { arg, .. } => self.expression(arg, false),
            ExprKind::Like { expr, .. } => self.expression(expr, false),
            ExprKind::ExtensionFunctionApp { args, .. } => args.iter().for_each(|part| self.expression(part, false)),
            ExprKind::Set(parts) => parts.iter().for_each(|part| self.expression(part, false)),
            ExprKind::Record(fields) => fields.values().for_each(|part| self.expression(part, false)),
            ExprKind::Lit(_) | ExprKind::Var(_) => {}
            // What may come later is taken to read everything.
            _ => self.whole_context = true,
        }
    }
}
