//! The values that are tried at a place.

use super::{place::Allowed, state::Tried};
use crate::{
    sources::policy::{
        Attributes, Extension, Limit, Reference, Shape,
        cedar_core::ast::{Eid, EntityType, EntityUID, Literal, Value, ValueKind},
        value_visitor, wire_value,
    },
    types::{evaluation, moment::moment_text},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use smol_str::SmolStr;
use std::{collections::BTreeMap, sync::Arc};

/// What stands for a text that the caller must find.
pub(super) const ANY_TEXT: &str = "…";
/// How many entities of a type are tried.
const ENTITIES: usize = 3;
/// How many of the values that the schema lists are tried.
const LISTED: usize = 8;

impl Tried<'_> {
    /// A value to begin with where there is none. Steps that follow make of it what policies want.
    pub(super) fn first_value(&self, allowed: &Allowed) -> Option<Value> {
        self.first(&allowed.shape, allowed.limit.as_ref())
    }

    fn first(&self, shape: &Shape, limit: Option<&Limit>) -> Option<Value> {
        Some(match shape {
            Shape::Bool => Value::from(false),
            Shape::Long => Value::from(match limit {
                Some(Limit::Range(range)) => *range.start(),
                _ => 0,
            }),
            Shape::String => Value::from(limit.and_then(|limit| limit.names().next()).unwrap_or(ANY_TEXT)),
            Shape::Entity(reference) => Value::from(self.entities_of(reference).first()?.clone()),
            Shape::Set(_) => Value::set(Vec::new(), None),
            Shape::Record(attributes) => self.record(attributes)?,
            Shape::Extension(Extension::Datetime) => datetime(&self.today)?,
            Shape::Extension(Extension::Duration) => value_visitor::extension(Extension::Duration, "1d").ok()?,
            Shape::Extension(Extension::Decimal) => value_visitor::extension(Extension::Decimal, "0.0").ok()?,
            Shape::Extension(Extension::Ip) => return None,
        })
    }

    fn record(&self, attributes: &Attributes) -> Option<Value> {
        let required = attributes.iter().filter(|(_, attribute)| attribute.required);
        let fields = required.map(|(name, attribute)| {
            let value = self.first(&attribute.shape, attribute.limit.as_ref())?;
            Some((name.clone(), value))
        });
        Some(Value::record_arc(Arc::new(fields.collect::<Option<BTreeMap<SmolStr, Value>>>()?), None))
    }

    /// Some entities that a value can refer to, ordered by id; the subject is the last choice.
    pub(super) fn entities_of(&self, reference: &Reference) -> Vec<EntityUID> {
        let Reference { kind, listed } = reference;
        if let Some(listed) = listed {
            let uid = |id: &str| EntityUID::from_components(kind.clone(), Eid::new(id), None);
            return listed.ids().take(ENTITIES).map(uid).collect();
        }
        let mut found: Vec<_> =
            self.known(kind).iter().filter(|uid| **uid != self.subject).take(ENTITIES).cloned().collect();
        if found.is_empty() {
            found.extend(self.known(kind).first().cloned());
        }
        found
    }

    /// The entities of a type that are in a group, or are it.
    pub(super) fn members(&self, kind: &EntityType, group: &EntityUID) -> Vec<EntityUID> {
        let is_in = |uid: &&EntityUID| {
            *uid == group || self.snapshot.directory.get(uid).is_some_and(|it| it.is_descendant_of(group))
        };
        self.known(kind).iter().filter(|uid| **uid != self.subject).filter(is_in).take(ENTITIES).cloned().collect()
    }

    /// Other values than this one.
    pub(super) fn others(&self, value: Option<&Value>, allowed: &Allowed) -> Vec<Option<Value>> {
        let mut others: Vec<Option<Value>> = match (&allowed.shape, value.map(Value::value_kind)) {
            (Shape::Bool, Some(ValueKind::Lit(Literal::Bool(truth)))) => vec![Some(Value::from(!truth))],
            (Shape::Long, Some(ValueKind::Lit(Literal::Long(long)))) => [long.checked_add(1), long.checked_sub(1)]
                .into_iter()
                .flatten()
                .map(|long| Some(Value::from(long)))
                .collect(),
            (Shape::String, _) => match &allowed.limit {
                Some(limit) => limit.names().take(LISTED).map(|name| Some(Value::from(name))).collect(),
                None => vec![Some(Value::from(ANY_TEXT))],
            },
            (Shape::Entity(reference), _) => {
                self.entities_of(reference).into_iter().map(|uid| Some(Value::from(uid))).collect()
            }
            (Shape::Extension(Extension::Datetime), Some(_)) => {
                [1, -1].into_iter().filter_map(|days| value.and_then(|value| moved(value, days))).map(Some).collect()
            }
            _ => Vec::new(),
        };
        others.extend((!allowed.required && value.is_some()).then_some(None));
        others.retain(|other| other.as_ref() != value);
        others
    }

    /// Whether the schema allows a value.
    pub(super) fn fits(value: &Value, allowed: &Allowed) -> bool {
        has_shape(value, &allowed.shape)
            && allowed.limit.as_ref().is_none_or(|limit| {
                super::place::elements(value).iter().all(|element| match element.value_kind() {
                    ValueKind::Lit(Literal::Long(long)) => limit.long(*long).is_ok(),
                    ValueKind::Lit(Literal::String(text)) => limit.text(text).is_ok(),
                    _ => true,
                })
            })
    }
}

fn has_shape(value: &Value, shape: &Shape) -> bool {
    match (value.value_kind(), shape) {
        (ValueKind::Lit(Literal::Bool(_)), Shape::Bool)
        | (ValueKind::Lit(Literal::Long(_)), Shape::Long)
        | (ValueKind::Lit(Literal::String(_)), Shape::String) => true,
        (ValueKind::Lit(Literal::EntityUID(uid)), Shape::Entity(reference)) => *uid.entity_type() == reference.kind,
        (ValueKind::Set(set), Shape::Set(element)) => set.iter().all(|value| has_shape(value, element)),
        (ValueKind::Record(_), Shape::Record(_)) | (ValueKind::ExtensionValue(_), Shape::Extension(_)) => true,
        _ => false,
    }
}

pub(super) fn datetime(text: &str) -> Option<Value> {
    value_visitor::extension(Extension::Datetime, text).ok()
}

/// A value one step further: a number by one, a moment by one day.
pub(super) fn moved(value: &Value, steps: i64) -> Option<Value> {
    if let Some(long) = super::place::long(value) {
        return Some(Value::from(long.checked_add(steps)?));
    }
    let Ok(evaluation::Value::String(text)) = wire_value(value) else { return None };
    let moment = match text.parse::<Date>() {
        Ok(day) if text.len() == 10 => TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?,
        _ => text.parse::<Timestamp>().ok()?,
    };
    let moment = moment.checked_add(SignedDuration::from_hours(steps.checked_mul(24)?)).ok()?;
    let text = moment_text(moment);
    datetime(text.strip_suffix("T00:00:00.000Z").unwrap_or(&text))
}
