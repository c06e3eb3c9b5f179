//! Deep copies of Cedar's values, entities and expressions, which share no reference count with the original. They
//! recurse, as Cedar does: `policy::bounds` limits the depth of an expression, and the schema that of a value.

use cedar_policy_core::ast::{
    self, EntityType, EntityUID, Expr, ExprBuilder, ExprKind, InternalName, Literal, Name, PartialValue, Value,
    ValueKind,
};
use cedar_policy_core::expr_builder::ExprBuilder as _;
use smol_str::SmolStr;
use std::sync::Arc;

/// The same type.
pub(crate) fn entity_type(kind: &EntityType) -> EntityType {
    let name: &InternalName = kind.name().as_ref();
    let apart = InternalName::new(name.basename().clone(), name.namespace_components().cloned(), None);
    Name::try_from(apart).map_or_else(|_| kind.clone(), EntityType::from)
}

fn text(text: &str) -> SmolStr {
    SmolStr::new(text)
}

/// The same id.
pub(crate) fn uid(uid: &EntityUID) -> EntityUID {
    EntityUID::from_components(entity_type(uid.entity_type()), ast::Eid::new(text(uid.eid().as_ref())), None)
}

fn literal(literal: &Literal) -> Literal {
    match literal {
        Literal::Bool(_) | Literal::Long(_) => literal.clone(),
        Literal::String(string) => Literal::String(text(string)),
        Literal::EntityUID(named) => Literal::EntityUID(Arc::new(uid(named))),
    }
}

/// The same value.
fn value(of: &Value) -> Value {
    match of.value_kind() {
        ValueKind::Lit(found) => Value::from(literal(found)),
        ValueKind::Set(set) => Value::set(set.iter().map(value), None),
        ValueKind::Record(fields) => {
            let fields = fields.iter().map(|(name, field)| (text(name), value(field))).collect();
            Value::record_arc(Arc::new(fields), None)
        }
        ValueKind::ExtensionValue(extension) => {
            Value::new(ValueKind::ExtensionValue(Arc::new(extension.as_ref().clone())), None)
        }
    }
}

/// The same entity, with the same ancestors.
pub(crate) fn entity(of: &ast::Entity) -> ast::Entity {
    let parents: std::collections::HashSet<_> = of.parents().map(uid).collect();
    let above = of.ancestors().filter(|above| !parents.contains(*above)).map(uid).collect();
    let field = |(name, field): (&SmolStr, &PartialValue)| {
        let field = match field {
            PartialValue::Value(known) => PartialValue::Value(value(known)),
            PartialValue::Residual(_) => field.clone(),
        };
        (text(name), field)
    };
    ast::Entity::new_with_attr_partial_value(uid(of.uid()), of.attrs().map(field), above, parents, of.tags().map(field))
}

/// The same values of slots.
pub(crate) fn slots(of: &ast::SlotEnv) -> ast::SlotEnv {
    of.iter().map(|(slot, named)| (*slot, uid(named))).collect()
}

/// The same expression.
pub(crate) fn expression(of: &Expr) -> Expr {
    let apart = |of: &Arc<Expr>| Arc::new(expression(of));
    let kind = match of.expr_kind() {
        ExprKind::Lit(found) => ExprKind::Lit(literal(found)),
        ExprKind::Var(_) | ExprKind::Slot(_) | ExprKind::Unknown(_) => of.expr_kind().clone(),
        ExprKind::If { test_expr, then_expr, else_expr } => {
            ExprKind::If { test_expr: apart(test_expr), then_expr: apart(then_expr), else_expr: apart(else_expr) }
        }
        ExprKind::And { left, right } => ExprKind::And { left: apart(left), right: apart(right) },
        ExprKind::Or { left, right } => ExprKind::Or { left: apart(left), right: apart(right) },
        ExprKind::UnaryApp { op, arg } => ExprKind::UnaryApp { op: *op, arg: apart(arg) },
        ExprKind::BinaryApp { op, arg1, arg2 } => ExprKind::BinaryApp { op: *op, arg1: apart(arg1), arg2: apart(arg2) },
        ExprKind::ExtensionFunctionApp { fn_name, args } => ExprKind::ExtensionFunctionApp {
            fn_name: fn_name.clone(),
            args: Arc::new(args.iter().map(expression).collect()),
        },
        ExprKind::GetAttr { expr, attr } => ExprKind::GetAttr { expr: apart(expr), attr: text(attr) },
        ExprKind::HasAttr { expr, attr } => ExprKind::HasAttr { expr: apart(expr), attr: text(attr) },
        ExprKind::ExtHasAttr { expr, attrs } => ExprKind::ExtHasAttr { expr: apart(expr), attrs: attrs.clone() },
        ExprKind::Like { expr, pattern } => ExprKind::Like { expr: apart(expr), pattern: pattern.clone() },
        ExprKind::Is { expr, entity_type: kind } => ExprKind::Is { expr: apart(expr), entity_type: entity_type(kind) },
        ExprKind::Set(elements) => ExprKind::Set(Arc::new(elements.iter().map(expression).collect())),
        ExprKind::Record(fields) => {
            ExprKind::Record(Arc::new(fields.iter().map(|(name, field)| (text(name), expression(field))).collect()))
        }
    };
    ExprBuilder::<()>::new().with_expr_kind(kind)
}
