//! Simplifies the values of a made-up example, related ones together: dates keep their distances, and equal numbers
//! stay equal. Attributes that the example does not need are removed.

use super::Example;
use crate::types::{
    evaluation::{Map, Value},
    moment::moment_text,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// How often the engine is asked whether something of an entity can be left out.
const TRIES: usize = 300;
const DAY: i64 = 86_400_000;

/// Moves every date and the moment by the same number of days, so that the question is asked on a day.
pub(super) fn move_to(example: &mut Example, day: &str) {
    let midnight = |day: &str| format!("{day}T00:00:00Z").parse::<Timestamp>().ok();
    let (Some(from), Some(to)) = (midnight(&example.moment.today), midnight(day)) else { return };
    let days = (to.as_millisecond() - from.as_millisecond()).div_euclid(DAY);
    let by = SignedDuration::from_millis(days.saturating_mul(DAY));
    let moved = |text: &str| {
        let moment = text.parse::<Timestamp>().ok().filter(|_| text.len() > 10)?;
        let moment = moment.checked_add(by).ok()?;
        let text = moment_text(moment);
        Some(text.strip_suffix("T00:00:00.000Z").map_or(text.clone(), str::to_owned))
    };
    each_json(&mut example.entities, &mut |value| {
        if let serde_json::Value::String(text) = value
            && let Some(moved) = moved(text)
        {
            *text = moved;
        }
    });
    each_value(example, &mut |value| {
        if let Value::String(text) = value
            && let Some(moved) = moved(text)
        {
            *text = moved;
        }
    });
    example.moment.today = day.to_owned();
    if let Ok(now) = example.moment.now_text.parse::<Timestamp>().and_then(|now| now.checked_add(by)) {
        example.moment.now = now.as_millisecond();
        example.moment.now_text = format!("{now:.3}");
    }
}

/// All numbers of an example.
pub(super) fn numbers(example: &mut Example) -> BTreeSet<i64> {
    let mut found = BTreeSet::new();
    each_json(&mut example.entities, &mut |value| found.extend(value.as_i64()));
    each_value(example, &mut |value| {
        if let Value::Number(number) = value {
            #[expect(clippy::cast_possible_truncation, reason = "numbers of examples are whole and below 2^53")]
            found.insert(*number as i64);
        }
    });
    found
}

/// Replaces a number by another, wherever it occurs.
pub(super) fn replace(example: &mut Example, from: i64, to: i64) {
    each_json(&mut example.entities, &mut |value| {
        if value.as_i64() == Some(from) {
            *value = to.into();
        }
    });
    each_value(example, &mut |value| {
        #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "whole numbers below 2^53 are exact")]
        if let Value::Number(number) = value
            && *number == from as f64
        {
            *number = to as f64;
        }
    });
}

/// Leaves out attributes of made-up entities, as long as it stays the same case.
pub(super) fn leave_out(example: &mut Example, same: &dyn Fn(&Example) -> bool) {
    let mut paths = Vec::new();
    for (index, entity) in example.entities.iter().enumerate() {
        if let Some(attributes) = entity.get("attrs") {
            keys(attributes, &format!("/{index}/attrs"), &mut paths);
        }
    }
    // The outermost first: removing it removes its parts too.
    for path in paths.into_iter().take(TRIES) {
        let Some((parent, key)) = path.rsplit_once('/') else { continue };
        let mut changed = example.clone();
        let mut whole = serde_json::Value::Array(std::mem::take(&mut changed.entities));
        let removed = whole.pointer_mut(parent).and_then(|parent| parent.as_object_mut()?.remove(&unescaped(key)));
        let serde_json::Value::Array(entities) = whole else { continue };
        changed.entities = entities;
        if removed.is_some() && same(&changed) {
            *example = changed;
        }
    }
}

/// The JSON pointers (RFC 6901) of all members of records, but for the parts of references and extension values.
fn keys(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    let Some(fields) = value.as_object() else { return };
    if fields.contains_key("type") && fields.contains_key("id") || fields.keys().any(|key| key.starts_with("__")) {
        return;
    }
    found.extend(fields.keys().map(|key| format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"))));
    for (key, value) in fields {
        keys(value, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), found);
    }
}

fn unescaped(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

fn each_json(values: &mut [serde_json::Value], change: &mut dyn FnMut(&mut serde_json::Value)) {
    for value in values {
        match value {
            serde_json::Value::Array(inner) => each_json(inner, change),
            serde_json::Value::Object(fields) => {
                for (_, value) in fields.iter_mut() {
                    each_json(std::slice::from_mut(value), change);
                }
            }
            leaf => change(leaf),
        }
    }
}

fn each_value(example: &mut Example, change: &mut dyn FnMut(&mut Value)) {
    let evaluation = &mut example.evaluation;
    for map in [
        &mut evaluation.subject.properties,
        &mut evaluation.resource.properties,
        &mut evaluation.action.properties,
        &mut evaluation.context,
    ] {
        each_in_map(map, change);
    }
}

fn each_in_map(map: &mut Map, change: &mut dyn FnMut(&mut Value)) {
    map.values_mut().for_each(|value| each_in(value, change));
}

fn each_in(value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::List(values) => values.iter_mut().for_each(|value| each_in(value, change)),
        Value::Map(map) => each_in_map(map, change),
        leaf => change(leaf),
    }
}
