//! The place of a value, and what the schema allows there.

use crate::sources::{
    policy::{
        Attribute, Attributes, Held, Limit, Shape,
        cedar_core::ast::{EntityUID, Literal, Value, ValueKind},
    },
    snapshot::Snapshot,
};
use smol_str::SmolStr;
use std::sync::Arc;

/// What holds a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Root {
    /// The caller's context.
    Context,
    /// The properties of the action.
    Action,
    /// The attributes of an entity.
    Entity(EntityUID),
    /// A tag of an entity.
    Tag(EntityUID, SmolStr),
}

/// A value, by the names that lead to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) root: Root,
    pub(super) path: Vec<SmolStr>,
}

/// What may be at a place.
pub(super) struct Allowed {
    pub(super) shape: Shape,
    pub(super) limit: Option<Limit>,
    /// It must be there.
    pub(super) required: bool,
}

impl Place {
    pub(super) fn field(mut self, name: &SmolStr) -> Self {
        self.path.push(name.clone());
        self
    }
}

/// What the schema allows at a place. `None` if nothing there can be changed.
pub(super) fn allowed(snapshot: &Snapshot, action: &EntityUID, place: &Place) -> Option<Allowed> {
    let model = &snapshot.policies.model;
    let action = model.action_of(action)?;
    let within = |attributes: &Attributes| step_into(attributes, &place.path);
    match &place.root {
        Root::Context => within(&action.context),
        Root::Action => within(&action.properties.as_ref()?.attributes),
        Root::Entity(uid) => {
            let model = model.entity_type(uid.entity_type())?;
            match &model.held {
                Held::ByRequest { attributes, .. } => within(attributes),
                Held::ByDirectory => within(model.attributes.as_ref()?),
                Held::BySchema(_) => None,
            }
        }
        Root::Tag(uid, name) => {
            let model = model.entity_type(uid.entity_type())?;
            if model.tag_names.as_ref().is_some_and(|names| names.text(name).is_err()) {
                return None;
            }
            let shape = model.tags.clone()?;
            match (place.path.as_slice(), &shape) {
                ([], _) => Some(Allowed { shape, limit: None, required: false }),
                (path, Shape::Record(attributes)) => step_into(attributes, path),
                _ => None,
            }
        }
    }
}

fn step_into(attributes: &Attributes, path: &[SmolStr]) -> Option<Allowed> {
    let (first, rest) = path.split_first()?;
    let attribute = attributes.get(first)?;
    match (rest, &attribute.shape) {
        ([], _) => of_attribute(attribute),
        (rest, Shape::Record(inner)) => step_into(inner, rest),
        _ => None,
    }
}

/// What has one value alone, such as the system of a record, is what it is.
fn of_attribute(attribute: &Attribute) -> Option<Allowed> {
    let Attribute { shape, limit, required, constant, .. } = attribute;
    constant.is_none().then(|| Allowed { shape: shape.clone(), limit: limit.clone(), required: *required })
}

pub(super) fn entity(value: &Value) -> Option<&EntityUID> {
    match value.value_kind() {
        ValueKind::Lit(Literal::EntityUID(uid)) => Some(uid),
        _ => None,
    }
}

pub(super) fn text(value: &Value) -> Option<&SmolStr> {
    match value.value_kind() {
        ValueKind::Lit(Literal::String(text)) => Some(text),
        _ => None,
    }
}

pub(super) fn long(value: &Value) -> Option<i64> {
    match value.value_kind() {
        ValueKind::Lit(Literal::Long(long)) => Some(*long),
        _ => None,
    }
}

/// The elements of a set; of anything else, itself.
pub(super) fn elements(value: &Value) -> Vec<Value> {
    match value.value_kind() {
        ValueKind::Set(set) => set.iter().cloned().collect(),
        _ => vec![value.clone()],
    }
}

/// Puts a value at a path in a record, or takes away what is there. `None` if the path leads through something else.
pub(super) fn with(record: &Value, path: &[SmolStr], put: Option<Value>) -> Option<Value> {
    let Some((first, rest)) = path.split_first() else { return put };
    let ValueKind::Record(fields) = record.value_kind() else { return None };
    let mut fields = fields.as_ref().clone();
    let put = if rest.is_empty() { put } else { Some(with(fields.get(first)?, rest, put)?) };
    match put {
        Some(put) => drop(fields.insert(first.clone(), put)),
        None => drop(fields.remove(first)),
    }
    Some(Value::record_arc(Arc::new(fields), None))
}

/// What is at a path in a record.
pub(super) fn inside<'v>(value: &'v Value, path: &[SmolStr]) -> Option<&'v Value> {
    match (path.split_first(), value.value_kind()) {
        (None, _) => Some(value),
        (Some((first, rest)), ValueKind::Record(fields)) => inside(fields.get(first)?, rest),
        _ => None,
    }
}
