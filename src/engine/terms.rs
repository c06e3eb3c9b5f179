//! Values of a question to Cedar values, by the type that the schema declares.
//!
//! While a value is converted, it is also written into the question's key, so that the key holds what the engine sees and
//! nothing that it does not see.

use super::translate::Invalid;
use crate::{
    evaluation::{Map, Value},
    policy::{Attributes, Extension, Shape},
};
use cedar_policy_core::{
    ast::{self, RestrictedExpr},
    evaluator::RestrictedEvaluator,
    extensions::Extensions,
};
use smol_str::SmolStr;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// The largest whole number that both bindings carry exactly (I-JSON, RFC 7493, section 2.2).
const EXACT: f64 = 9_007_199_254_740_991.0;

/// Where a value stands in the question, such as `resource.properties.level`.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    pub(super) const fn root(name: &'a str) -> Self {
        Self { parent: None, step: Step::Name(name) }
    }

    pub(super) const fn field(&'a self, name: &'a str) -> Self {
        Path { parent: Some(self), step: Step::Name(name) }
    }

    const fn index(&'a self, index: usize) -> Self {
        Path { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match (self.step, self.parent) {
            (Step::Name(name), Some(_)) => write!(f, ".{name}"),
            (Step::Name(name), None) => f.write_str(name),
            (Step::Index(index), _) => write!(f, "[{index}]"),
        }
    }
}

/// Bytes that differ wherever two questions differ: every part carries its length or its kind.
#[derive(Debug, Default)]
pub(super) struct Key(Vec<u8>);

impl Key {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(super) fn tag(&mut self, tag: u8) {
        self.0.push(tag);
    }

    pub(super) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn uid(&mut self, uid: &ast::EntityUID) {
        self.text(&uid.entity_type().to_string());
        self.text(AsRef::<str>::as_ref(uid.eid()));
    }

    pub(super) fn finish(self) -> Arc<[u8]> {
        self.0.into()
    }
}

/// The declared attributes that the caller gives. What is not declared is left out: no valid policy can read it.
pub(super) fn record(
    declared: &Attributes,
    given: &Map,
    path: Path<'_>,
    key: &mut Key,
) -> Result<BTreeMap<SmolStr, ast::Value>, Invalid> {
    let mut record = BTreeMap::new();
    for (name, attribute) in declared {
        match given.get(name.as_str()) {
            None | Some(Value::Null) if attribute.required => {
                let message = format!("is missing; the schema requires {}", attribute.shape.describe());
                return Err(Invalid::new(path.field(name), message));
            }
            None | Some(Value::Null) => key.tag(0),
            Some(value) => {
                key.tag(1);
                let value = term(&attribute.shape, value, path.field(name), key)?;
                record.insert(name.clone(), value);
            }
        }
    }
    Ok(record)
}

/// A value of the declared type.
pub(super) fn term(shape: &Shape, value: &Value, path: Path<'_>, key: &mut Key) -> Result<ast::Value, Invalid> {
    let unfit = || Invalid::new(path, format!("is {}; the schema wants {}", value.kind(), shape.describe()));
    match (shape, value) {
        (Shape::Bool, Value::Bool(truth)) => {
            key.tag(u8::from(*truth));
            Ok(ast::Value::from(*truth))
        }
        (Shape::Long, Value::Number(number)) => {
            let long = long(*number, path)?;
            key.number(long.cast_unsigned());
            Ok(ast::Value::from(long))
        }
        (Shape::String, Value::String(text)) => {
            key.text(text);
            Ok(ast::Value::from(text.as_str()))
        }
        (Shape::Entity(kind), _) => {
            let id = entity_id(kind, value, path)?.ok_or_else(unfit)?;
            key.text(id);
            let uid = ast::EntityUID::from_components(kind.clone(), ast::Eid::new(id), None);
            Ok(ast::Value::from(uid))
        }
        (Shape::Set(element), Value::List(elements)) => {
            key.number(elements.len() as u64);
            let terms = elements
                .iter()
                .enumerate()
                .map(|(index, value)| term(element, value, path.index(index), key))
                .collect::<Result<Vec<_>, _>>()?;
            Ok(ast::Value::set(terms, None))
        }
        (Shape::Record(declared), Value::Map(given)) => {
            Ok(ast::Value::record_arc(Arc::new(record(declared, given, path, key)?), None))
        }
        (Shape::Extension(kind), _) => {
            let text = extension_text(*kind, value, path)?.ok_or_else(unfit)?;
            let made = extension(*kind, text).map_err(|error| {
                Invalid::new(
                    path,
                    format!("`{text}` is not a {}: {error}; an example is {}", kind.type_name(), kind.example()),
                )
            })?;
            key.text(text);
            Ok(made)
        }
        _ => Err(unfit()),
    }
}

fn long(number: f64, path: Path<'_>) -> Result<i64, Invalid> {
    if number.fract() != 0.0 {
        return Err(Invalid::new(path, format!("{number} is not a whole number")));
    }
    if number.abs() > EXACT {
        let message = format!("{number} is out of range; a whole number lies between -{EXACT} and {EXACT}");
        return Err(Invalid::new(path, message));
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and at most 2^53 - 1 in size")]
    Ok(number as i64)
}

/// The id of an entity: a string, or Cedar's `{"type", "id"}`, with or without the escape `__entity`. `None` if it is
/// none of these.
fn entity_id<'v>(kind: &ast::EntityType, value: &'v Value, path: Path<'_>) -> Result<Option<&'v str>, Invalid> {
    let fields = match value {
        Value::String(id) => return Ok(Some(id)),
        Value::Map(fields) => match fields.get("__entity") {
            Some(Value::Map(escaped)) if fields.len() == 1 => escaped,
            Some(_) => return Ok(None),
            None => fields,
        },
        _ => return Ok(None),
    };
    match (fields.get("type"), fields.get("id")) {
        (Some(Value::String(named)), Some(Value::String(id))) if fields.len() == 2 => {
            let expected = kind.to_string();
            if *named == expected || *named == kind.name().basename().to_string() {
                Ok(Some(id))
            } else {
                Err(Invalid::new(path, format!("is an entity of type `{named}`; the schema wants `{expected}`")))
            }
        }
        _ => Ok(None),
    }
}

/// The text of an extension value: a string, or Cedar's escape `{"__extn": {"fn", "arg"}}`. `None` if it is neither.
fn extension_text<'v>(kind: Extension, value: &'v Value, path: Path<'_>) -> Result<Option<&'v str>, Invalid> {
    let fields = match value {
        Value::String(text) => return Ok(Some(text)),
        Value::Map(fields) => match fields.get("__extn") {
            Some(Value::Map(escaped)) if fields.len() == 1 => escaped,
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    match (fields.get("fn"), fields.get("arg")) {
        (Some(Value::String(function)), Some(Value::String(argument))) if fields.len() == 2 => {
            if function == kind.constructor() {
                Ok(Some(argument))
            } else {
                let message = format!("is made by `{function}`; the schema wants a {}", kind.type_name());
                Err(Invalid::new(path, message))
            }
        }
        _ => Ok(None),
    }
}

/// Has Cedar itself make an extension value, so that what it accepts is what Cedar accepts.
pub(super) fn extension(kind: Extension, text: &str) -> Result<ast::Value, String> {
    let name = ast::Name::parse_unqualified_name(kind.constructor()).map_err(|error| error.to_string())?;
    let call = RestrictedExpr::call_extension_fn(name, [RestrictedExpr::val(text)]);
    RestrictedEvaluator::new(Extensions::all_available()).interpret(call.as_borrowed()).map_err(|error| {
        // Cedar's own text begins with what the caller of this function says anyway.
        error.to_string().replace("error while evaluating ", "")
    })
}
