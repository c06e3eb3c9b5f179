//! Visits values by the type that the schema declares: those of a question, and the attributes of an account.
//!
//! All visitors ([`Terms`]) share one walk, so that they cannot differ in what they see.

use super::{Attributes, Extension, Reference, Shape};
use crate::types::{
    escape,
    evaluation::{Map, Path, Value},
    suggest::nearest,
};
use cedar_policy_core::{
    ast::{self, RestrictedExpr},
    evaluator::RestrictedEvaluator,
    extensions::Extensions,
};
use smol_str::SmolStr;
use std::{collections::HashMap, fmt, sync::LazyLock};

/// The largest whole number that both bindings carry exactly (I-JSON, RFC 7493, section 2.2).
const EXACT: f64 = 9_007_199_254_740_991.0;

/// What an id that names no entity is told.
pub(crate) const EMPTY_ID: &str = "is empty; give the id of the entity";

/// A value that does not fit the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The field, such as `resource.properties.level`.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl Invalid {
    pub(crate) fn new(path: Path<'_>, message: impl Into<String>) -> Self {
        Self { path: path.to_string(), message: message.into() }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for Invalid {}

/// What a walk makes of values. All implementations see the same values in the same order. So the key of a question
/// holds what the engine sees, and an account's attributes are read like a question's properties.
pub(crate) trait Terms {
    /// A finished value.
    type Term;
    /// The fields of a record, so far.
    type Fields: Default;

    fn truth(&mut self, truth: bool) -> Self::Term;
    fn long(&mut self, long: i64) -> Self::Term;
    fn text(&mut self, text: &str) -> Self::Term;
    /// A reference to an entity of the declared type. `named` is the type as it was written; `None` if only the id was.
    fn entity(
        &mut self,
        kind: &ast::EntityType,
        named: Option<&str>,
        id: &str,
        path: Path<'_>,
    ) -> Result<Self::Term, Invalid>;
    fn extension(&mut self, kind: Extension, text: &str, path: Path<'_>) -> Result<Self::Term, Invalid>;
    /// A set of this many elements begins.
    fn enter_set(&mut self, elements: usize);
    fn set(&mut self, elements: Vec<Self::Term>) -> Self::Term;
    /// A declared attribute is there or not; if it is, its value comes next, and then [`Terms::field`].
    fn attribute(&mut self, name: &str, present: bool);
    fn field(&mut self, fields: &mut Self::Fields, name: &SmolStr, term: Self::Term);
    /// A declared attribute that is there does not fit, instead of [`Terms::field`]. `Ok`: the walk goes on.
    fn unfit_field(&mut self, invalid: Invalid) -> Result<(), Invalid> {
        self.unfit(invalid)
    }
    /// Something does not fit. `Ok`: the walk goes on without it.
    fn unfit(&mut self, invalid: Invalid) -> Result<(), Invalid> {
        Err(invalid)
    }
    fn record(&mut self, fields: Self::Fields) -> Self::Term;
    /// All fields of a record were seen; of those that were given, this many are declared.
    fn leave(&mut self, declared: &Attributes, given: &Map, seen: usize, path: Path<'_>) -> Result<(), Invalid> {
        let _ = (declared, given, seen, path);
        Ok(())
    }
}

/// The declared attributes that the caller gives. What is not declared is left out: no valid policy can read it.
pub(crate) fn record<T: Terms>(
    terms: &mut T,
    declared: &Attributes,
    given: &Map,
    path: Path<'_>,
) -> Result<T::Fields, Invalid> {
    let mut fields = T::Fields::default();
    let mut seen = 0;
    for (name, attribute) in declared {
        match (given.get(name.as_str()), &attribute.constant) {
            (None | Some(Value::Null), Some(constant)) => {
                terms.attribute(name, true);
                let term = terms.text(constant);
                terms.field(&mut fields, name, term);
            }
            (None | Some(Value::Null), None) if attribute.required => {
                let message = format!("is missing; the schema requires {}", attribute.shape.describe());
                terms.unfit(Invalid::new(path.field(name), message + &meant(name, declared, given)))?;
            }
            (None | Some(Value::Null), None) => terms.attribute(name, false),
            (Some(value), _) => {
                terms.attribute(name, true);
                seen += 1;
                let path = path.field(name);
                let within = |term| match &attribute.limit {
                    Some(limit) => limit.value(value).map(|()| term).map_err(|message| Invalid::new(path, message)),
                    None => Ok(term),
                };
                match term(terms, &attribute.shape, value, path).and_then(within) {
                    Ok(term) => terms.field(&mut fields, name, term),
                    Err(invalid) => terms.unfit_field(invalid)?,
                }
            }
        }
    }
    if let Err(invalid) = terms.leave(declared, given, seen, path) {
        terms.unfit(invalid)?;
    }
    Ok(fields)
}

/// What may have been meant for a required attribute that is missing.
fn meant(name: &str, declared: &Attributes, given: &Map) -> String {
    let others = given.keys().map(String::as_str).filter(|other| !declared.contains_key(*other));
    let meant = nearest(name, others);
    meant.map_or_else(String::new, |meant| format!("; `{}` is not declared, is it that?", escape::cut(meant)))
}

/// A value of the declared type.
pub(crate) fn term<T: Terms>(terms: &mut T, shape: &Shape, value: &Value, path: Path<'_>) -> Result<T::Term, Invalid> {
    let unfit = || Invalid::new(path, format!("is {}; the schema wants {}", value.kind(), shape.describe()));
    match (shape, value) {
        (Shape::Bool, Value::Bool(truth)) => Ok(terms.truth(*truth)),
        (Shape::Long, Value::Number(number)) => Ok(terms.long(long(*number, path)?)),
        (Shape::String, Value::String(text)) => Ok(terms.text(text)),
        (Shape::Entity(Reference { kind, listed }), _) => {
            let (named, id) = entity_id(kind, value, path)?.ok_or_else(unfit)?;
            match listed {
                Some(listed) => listed.check(id).map_err(|message| Invalid::new(path, message))?,
                None if id.is_empty() => return Err(Invalid::new(path, EMPTY_ID)),
                None => {}
            }
            terms.entity(kind, named, id, path)
        }
        (Shape::Set(element), Value::List(elements)) => {
            terms.enter_set(elements.len());
            let mut fitting = Vec::with_capacity(elements.len());
            for (index, value) in elements.iter().enumerate() {
                match term(terms, element, value, path.index(index)) {
                    Ok(element) => fitting.push(element),
                    Err(invalid) => terms.unfit(invalid)?,
                }
            }
            Ok(terms.set(fitting))
        }
        (Shape::Record(declared), Value::Map(given)) => {
            let fields = record(terms, declared, given, path)?;
            Ok(terms.record(fields))
        }
        (Shape::Extension(kind), _) => {
            let text = extension_text(*kind, value, path)?.ok_or_else(unfit)?;
            terms.extension(*kind, text, path)
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

/// The type of an entity as it is named, and its id: a string, which is the id alone, or what [`type_and_id`] reads. `None`
/// if it is none of these.
fn entity_id<'v>(
    kind: &ast::EntityType,
    value: &'v Value,
    path: Path<'_>,
) -> Result<Option<(Option<&'v str>, &'v str)>, Invalid> {
    if let Value::String(id) = value {
        return Ok(Some((None, id)));
    }
    let Some((named, id)) = type_and_id(value) else { return Ok(None) };
    let base: &str = kind.name().basename_as_ref().as_ref();
    if is_whole_name(kind, named) || named == base {
        Ok(Some((Some(named), id)))
    } else {
        Err(Invalid::new(path, format!("is an entity of type `{}`; the schema wants `{kind}`", escape::cut(named))))
    }
}

/// Whether a type is named in full. Compares part by part: a name would have to be put together first.
pub(crate) fn is_whole_name(kind: &ast::EntityType, named: &str) -> bool {
    let name: &ast::InternalName = kind.name().as_ref();
    let parts = name.namespace_components().chain([name.basename()]).map(AsRef::<str>::as_ref);
    named.split("::").eq(parts)
}

/// Cedar's `{"type", "id"}`, with or without the escape `__entity`. `None` if it is neither.
pub(crate) fn type_and_id(value: &Value) -> Option<(&str, &str)> {
    let Value::Map(fields) = value else { return None };
    let fields = match fields.get("__entity") {
        Some(Value::Map(escaped)) if fields.len() == 1 => escaped,
        Some(_) => return None,
        None => fields,
    };
    match (fields.get("type"), fields.get("id")) {
        (Some(Value::String(named)), Some(Value::String(id))) if fields.len() == 2 => Some((named, id)),
        _ => None,
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
                let message =
                    format!("is made by `{}`; the schema wants `{}`", escape::cut(function), kind.constructor());
                Err(Invalid::new(path, message))
            }
        }
        _ => Ok(None),
    }
}

/// Makes an extension value with Cedar's own constructor, so that it accepts what Cedar accepts.
pub(crate) fn extension(kind: Extension, text: &str) -> Result<ast::Value, String> {
    let name = CONSTRUCTORS.get(&kind).ok_or("Cedar does not know its constructor")?.clone();
    let call = RestrictedExpr::call_extension_fn(name, [RestrictedExpr::val(text)]);
    RestrictedEvaluator::new(Extensions::all_available()).interpret(call.as_borrowed()).map_err(|error| {
        // Cedar's own text begins with what the caller of this function says anyway.
        error.to_string().replace("error while evaluating ", "")
    })
}

/// The names of the constructors. Cedar reads a name with its whole parser, which costs more than the value.
static CONSTRUCTORS: LazyLock<HashMap<Extension, ast::Name>> = LazyLock::new(|| {
    let named = |kind: Extension| Some((kind, ast::Name::parse_unqualified_name(kind.constructor()).ok()?));
    Extension::ALL.into_iter().filter_map(named).collect()
});
