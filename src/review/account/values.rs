//! Reads values of the directory: those that are known, the entities that they name, and days.

use crate::{
    sources::policy::{
        cedar_core::ast::{EntityUID, Literal, PartialValue, Value, ValueKind},
        wire_value,
    },
    types::evaluation,
};
use smol_str::SmolStr;

pub(super) type Values = Vec<(SmolStr, Value)>;

/// Where a value names an entity.
pub(super) fn places_of(name: &str, value: &Value, wanted: &EntityUID) -> Vec<String> {
    match value.value_kind() {
        ValueKind::Lit(Literal::EntityUID(uid)) if **uid == *wanted => vec![name.to_owned()],
        ValueKind::Set(set) => {
            let names = set.iter().any(|element| !places_of(name, element, wanted).is_empty());
            names.then(|| name.to_owned()).into_iter().collect()
        }
        ValueKind::Record(fields) => {
            fields.iter().flat_map(|(field, value)| places_of(&format!("{name}.{field}"), value, wanted)).collect()
        }
        ValueKind::Lit(_) | ValueKind::ExtensionValue(_) => Vec::new(),
    }
}

pub(super) fn values<'e>(fields: impl Iterator<Item = (&'e SmolStr, &'e PartialValue)>) -> Values {
    let value = |(name, value): (&SmolStr, &PartialValue)| match value {
        PartialValue::Value(value) => Some((name.clone(), value.clone())),
        PartialValue::Residual(_) => None,
    };
    let mut values: Values = fields.filter_map(value).collect();
    values.sort_by(|one, other| one.0.cmp(&other.0));
    values
}

pub(super) fn uid_of(value: &Value) -> Option<&EntityUID> {
    match value.value_kind() {
        ValueKind::Lit(Literal::EntityUID(uid)) => Some(uid),
        _ => None,
    }
}

/// The day of a date.
pub(super) fn day(value: &Value) -> Option<String> {
    match (value.value_kind(), wire_value(value)) {
        (ValueKind::ExtensionValue(_), Ok(evaluation::Value::String(text))) => text.get(..10).map(str::to_owned),
        _ => None,
    }
}
