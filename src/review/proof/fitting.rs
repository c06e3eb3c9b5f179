//! Replaces values in the solver's requests that the schema excludes (`@values`, `@range`) and that no policy reads.
//!
//! The solver knows these limits only through assumptions about what policies read, and fills in the rest freely. Even
//! if a policy reads a value that is changed here, the result is sound: the engine decides the example again.

use crate::sources::policy::{
    Attribute, Attributes, EntityModel, Limit, Policies, Shape,
    cedar_core::ast::{self, Literal, PartialValue, Value, ValueKind},
};
use smol_str::SmolStr;
use std::sync::Arc;

/// The entity with values that its type allows.
pub(super) fn entity(entity: &ast::Entity, policies: &Policies) -> ast::Entity {
    let Some(model) = policies.model.entity_type(entity.uid().entity_type()) else { return entity.clone() };
    let attributes = entity.attrs().map(|(name, value)| {
        let declared = model.attributes.as_ref().and_then(|declared| declared.get(name));
        let value = match (value, declared) {
            (PartialValue::Value(value), Some(attribute)) => PartialValue::Value(fitted(value, attribute)),
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    ast::Entity::new_with_attr_partial_value(
        entity.uid().clone(),
        attributes,
        entity.ancestors().filter(|above| !entity.is_child_of(above)).cloned().collect(),
        entity.parents().cloned().collect(),
        entity.tags().map(|(name, value)| tag(name, value, model)),
    )
}

/// A tag, with a name that its type lists: what a policy computes the name from is replaced by the same one.
fn tag(name: &SmolStr, value: &PartialValue, model: &EntityModel) -> (SmolStr, PartialValue) {
    let listed = model.tag_names.as_ref().filter(|listed| listed.text(name).is_err());
    let name = listed.and_then(|listed| listed.names().next()).map_or_else(|| name.clone(), SmolStr::new);
    let value = match (value, &model.tags) {
        (PartialValue::Value(value), Some(tags)) => PartialValue::Value(within(value, tags, None)),
        _ => value.clone(),
    };
    (name, value)
}

/// A value of a record, as its declaration allows it.
pub(super) fn field(name: &SmolStr, value: &Value, declared: &Attributes) -> Value {
    declared.get(name).map_or_else(|| value.clone(), |attribute| fitted(value, attribute))
}

fn fitted(value: &Value, attribute: &Attribute) -> Value {
    within(value, &attribute.shape, attribute.limit.as_ref())
}

fn within(value: &Value, shape: &Shape, limit: Option<&Limit>) -> Value {
    match (value.value_kind(), shape) {
        (ValueKind::Lit(Literal::String(text)), _) if limit.is_some_and(|limit| limit.text(text).is_err()) => {
            limit.and_then(|limit| limit.names().next()).map_or_else(|| value.clone(), Value::from)
        }
        (ValueKind::Lit(Literal::Long(long)), _) => match limit {
            Some(Limit::Range(range)) => Value::from((*long).clamp(*range.start(), *range.end())),
            _ => value.clone(),
        },
        (ValueKind::Set(set), Shape::Set(element)) => {
            Value::set(set.iter().map(|value| within(value, element, limit)), None)
        }
        (ValueKind::Record(fields), Shape::Record(declared)) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), field(name, value, declared)));
            Value::record_arc(Arc::new(fields.collect()), None)
        }
        _ => value.clone(),
    }
}
