//! Values of a question, by the type that the schema declares: into the question's key, and into Cedar values.
//!
//! One walk does both, so that the key holds what the engine sees and nothing that it does not see.

use super::translate::Invalid;
use crate::{
    evaluation::{Map, Path, Value},
    policy::{Attributes, Extension, Shape},
};
use cedar_policy_core::{
    ast::{self, RestrictedExpr},
    evaluator::RestrictedEvaluator,
    extensions::Extensions,
};
use smol_str::SmolStr;
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

/// The largest whole number that both bindings carry exactly (I-JSON, RFC 7493, section 2.2).
const EXACT: f64 = 9_007_199_254_740_991.0;

/// What a walk over the values of a question makes of them. There are two: [`Key`] and [`Make`]. They see the same values
/// in the same order, because the same walk leads them, so the key holds what the engine sees.
pub(super) trait Terms {
    /// A finished value.
    type Term;
    /// The fields of a record, so far.
    type Fields: Default;

    fn truth(&mut self, truth: bool) -> Self::Term;
    fn long(&mut self, long: i64) -> Self::Term;
    fn text(&mut self, text: &str) -> Self::Term;
    fn entity(&mut self, kind: &ast::EntityType, id: &str) -> Self::Term;
    fn extension(&mut self, kind: Extension, text: &str, path: Path<'_>) -> Result<Self::Term, Invalid>;
    /// A set of this many elements begins.
    fn enter_set(&mut self, elements: usize);
    fn set(&mut self, elements: Vec<Self::Term>) -> Self::Term;
    /// A declared attribute is there or not; if it is, its value comes next.
    fn attribute(&mut self, present: bool);
    fn field(&mut self, fields: &mut Self::Fields, name: &SmolStr, term: Self::Term);
    fn record(&mut self, fields: Self::Fields) -> Self::Term;
}

/// Bytes that differ wherever two questions differ: every part carries its length or its kind.
///
/// Extension values are in it as they were written and are not read. A key that is in the cache was read before.
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

    pub(super) fn uid(&mut self, uid: &ast::EntityUID) {
        self.text(&uid.entity_type().to_string());
        self.text(AsRef::<str>::as_ref(uid.eid()));
    }

    pub(super) fn finish(self) -> Arc<[u8]> {
        self.0.into()
    }
}

impl Terms for Key {
    type Term = ();
    type Fields = ();

    fn truth(&mut self, truth: bool) {
        self.tag(u8::from(truth));
    }

    fn long(&mut self, long: i64) {
        self.number(long.cast_unsigned());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// The type is declared, and so the same for all questions about this action and these types.
    fn entity(&mut self, _: &ast::EntityType, id: &str) {
        self.text(id);
    }

    fn extension(&mut self, _: Extension, text: &str, _: Path<'_>) -> Result<(), Invalid> {
        self.text(text);
        Ok(())
    }

    fn enter_set(&mut self, elements: usize) {
        self.number(elements as u64);
    }

    fn set(&mut self, _: Vec<()>) {}

    fn attribute(&mut self, present: bool) {
        self.tag(u8::from(present));
    }

    fn field(&mut self, (): &mut (), _: &SmolStr, (): ()) {}

    fn record(&mut self, (): ()) {}
}

/// Makes Cedar values.
#[derive(Debug)]
pub(super) struct Make;

impl Terms for Make {
    type Term = ast::Value;
    type Fields = BTreeMap<SmolStr, ast::Value>;

    fn truth(&mut self, truth: bool) -> ast::Value {
        ast::Value::from(truth)
    }

    fn long(&mut self, long: i64) -> ast::Value {
        ast::Value::from(long)
    }

    fn text(&mut self, text: &str) -> ast::Value {
        ast::Value::from(text)
    }

    fn entity(&mut self, kind: &ast::EntityType, id: &str) -> ast::Value {
        ast::Value::from(ast::EntityUID::from_components(kind.clone(), ast::Eid::new(id), None))
    }

    fn extension(&mut self, kind: Extension, text: &str, path: Path<'_>) -> Result<ast::Value, Invalid> {
        extension(kind, text).map_err(|error| {
            let (name, example) = (kind.type_name(), kind.example());
            Invalid::new(path, format!("`{text}` is no {name}: {error}; an example is {example}"))
        })
    }

    fn enter_set(&mut self, _: usize) {}

    fn set(&mut self, elements: Vec<ast::Value>) -> ast::Value {
        ast::Value::set(elements, None)
    }

    fn attribute(&mut self, _: bool) {}

    fn field(&mut self, fields: &mut Self::Fields, name: &SmolStr, term: ast::Value) {
        fields.insert(name.clone(), term);
    }

    fn record(&mut self, fields: Self::Fields) -> ast::Value {
        ast::Value::record_arc(Arc::new(fields), None)
    }
}

/// The declared attributes that the caller gives. What is not declared is left out: no valid policy can read it.
pub(super) fn record<T: Terms>(
    terms: &mut T,
    declared: &Attributes,
    given: &Map,
    path: Path<'_>,
) -> Result<T::Fields, Invalid> {
    let mut fields = T::Fields::default();
    for (name, attribute) in declared {
        match given.get(name.as_str()) {
            None | Some(Value::Null) if attribute.required => {
                let message = format!("is missing; the schema requires {}", attribute.shape.describe());
                return Err(Invalid::new(path.field(name), message));
            }
            None | Some(Value::Null) => terms.attribute(false),
            Some(value) => {
                terms.attribute(true);
                let term = term(terms, &attribute.shape, value, path.field(name))?;
                terms.field(&mut fields, name, term);
            }
        }
    }
    Ok(fields)
}

/// A value of the declared type.
pub(super) fn term<T: Terms>(terms: &mut T, shape: &Shape, value: &Value, path: Path<'_>) -> Result<T::Term, Invalid> {
    let unfit = || Invalid::new(path, format!("is {}; the schema wants {}", value.kind(), shape.describe()));
    match (shape, value) {
        (Shape::Bool, Value::Bool(truth)) => Ok(terms.truth(*truth)),
        (Shape::Long, Value::Number(number)) => Ok(terms.long(long(*number, path)?)),
        (Shape::String, Value::String(text)) => Ok(terms.text(text)),
        (Shape::Entity(kind), _) => {
            let id = entity_id(kind, value, path)?.ok_or_else(unfit)?;
            Ok(terms.entity(kind, id))
        }
        (Shape::Set(element), Value::List(elements)) => {
            terms.enter_set(elements.len());
            let elements = elements
                .iter()
                .enumerate()
                .map(|(index, value)| term(terms, element, value, path.index(index)))
                .collect::<Result<Vec<_>, _>>()?;
            Ok(terms.set(elements))
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
                let message = format!("is made by `{function}`; the schema wants `{}`", kind.constructor());
                Err(Invalid::new(path, message))
            }
        }
        _ => Ok(None),
    }
}

/// Has Cedar itself make an extension value, so that what it accepts is what Cedar accepts.
fn extension(kind: Extension, text: &str) -> Result<ast::Value, String> {
    let name = CONSTRUCTORS.get(&kind).ok_or("Cedar does not know its constructor")?.clone();
    let call = RestrictedExpr::call_extension_fn(name, [RestrictedExpr::val(text)]);
    RestrictedEvaluator::new(Extensions::all_available()).interpret(call.as_borrowed()).map_err(|error| {
        // Cedar's own text begins with what the caller of this function says anyway.
        error.to_string().replace("error while evaluating ", "")
    })
}

thread_local! {
    /// The newest day. Each thread has its own, so that none waits for another's reference count.
    static DAY: RefCell<Option<(String, ast::Value)>> = const { RefCell::new(None) };
}

/// The datetime of a day, which is the same for all questions of that day, and is read by a regular expression.
pub(super) fn day(text: &str) -> Result<ast::Value, String> {
    DAY.with_borrow_mut(|known| match known {
        Some((day, value)) if day == text => Ok(value.clone()),
        _ => {
            let value = extension(Extension::Datetime, text)?;
            *known = Some((text.to_owned(), value.clone()));
            Ok(value)
        }
    })
}

/// The names of the constructors. Cedar reads a name with its whole parser, which costs more than the value.
static CONSTRUCTORS: LazyLock<HashMap<Extension, ast::Name>> = LazyLock::new(|| {
    let named = |kind: Extension| Some((kind, ast::Name::parse_unqualified_name(kind.constructor()).ok()?));
    Extension::ALL.into_iter().filter_map(named).collect()
});
