//! Reads AuthZEN JSON into questions.
//!
//! Unknown fields are ignored (AuthZEN 1.0, section 13.1), unless one is similar to a field that is absent. That field
//! was probably meant, and an absent `properties` or `context` can grant access. A duplicate name in one object is
//! refused, as I-JSON asks (RFC 7493, section 2.3). Readers disagree on which of the two counts, and a decision must
//! not depend on that.

use crate::types::{
    escape,
    evaluation::{Action, Batch, Entity, Evaluation, Item, Map, Semantic, Value},
    suggest::nearest,
};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use thiserror::Error;

/// Bounds on what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How deep lists and objects may nest, the question itself included.
    pub depth: usize,
    /// How many items a batch may have.
    pub batch: usize,
}

/// The content of the body of a request to `evaluations`.
#[derive(Debug, PartialEq)]
pub enum EvaluationsBody {
    /// No items: one question.
    One(Evaluation),
    /// Several.
    Several(Batch),
}

/// A body that is not a question.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReadError {
    /// It is not JSON.
    #[error("the body is not JSON: {0}")]
    Syntax(String),
    /// It is JSON of another form.
    #[error("{path}: {message}")]
    Form {
        /// The field.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// Lists and objects nest too deep.
    #[error("lists and objects are nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// The batch has too many items.
    #[error("evaluations: has {found} items; the limit is {limit}")]
    TooMany {
        /// How many there are.
        found: usize,
        /// The limit.
        limit: usize,
    },
}

impl ReadError {
    fn form(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Form { path: path.into(), message: message.into() }
    }

    /// Whether a limit was exceeded; otherwise the body is malformed.
    #[must_use]
    pub const fn is_limit(&self) -> bool {
        matches!(self, Self::TooDeep { .. } | Self::TooMany { .. })
    }
}

/// Reads any JSON value, as deep as 64.
///
/// # Errors
/// What keeps it from being read.
pub fn read_value(bytes: &[u8]) -> Result<Value, ReadError> {
    value(bytes, 64)
}

/// Reads the body of a request to `evaluation`.
///
/// # Errors
/// What keeps it from being a question.
pub fn read_evaluation(bytes: &[u8], limits: Limits) -> Result<Evaluation, ReadError> {
    let item = item(object(value(bytes, limits.depth)?)?, "")?;
    one(item)
}

/// Reads the body of a request to `evaluations`.
///
/// # Errors
/// What is wrong with the request as a whole. What is wrong with one item is in that item.
pub fn read_batch(bytes: &[u8], limits: Limits) -> Result<EvaluationsBody, ReadError> {
    let mut body = object(value(bytes, limits.depth)?)?;
    let items = match body.remove("evaluations") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::List(items)) => items,
        Some(other) => return Err(ReadError::form("evaluations", format!("is {}; it must be a list", other.kind()))),
    };
    if items.len() > limits.batch {
        return Err(ReadError::TooMany { found: items.len(), limit: limits.batch });
    }
    let options = body.remove("options");
    let absent = [("evaluations", items.is_empty()), ("options", options.is_none())];
    check_unknown(&body, "", absent)?;
    let semantic = semantic(options)?;
    let defaults = item(body, "")?;
    if items.is_empty() {
        return one(defaults).map(EvaluationsBody::One);
    }
    let items = items
        .into_iter()
        .enumerate()
        .map(|(index, value)| {
            let path = format!("evaluations[{index}].");
            let read = match value {
                Value::Map(fields) => item(fields, &path),
                other => Err(ReadError::form(
                    path.trim_end_matches('.'),
                    format!("is {}; it must be an object", other.kind()),
                )),
            };
            read.unwrap_or_else(|error| Item { fault: Some(error.to_string()), ..Item::default() })
        })
        .collect();
    Ok(EvaluationsBody::Several(Batch { defaults, items, semantic }))
}

/// Whether the body of a request asks for an explanation: its member `explain` is true. AuthZEN knows no such member, and
/// callers that may not ask are not read for it.
#[must_use]
pub fn asks_why(bytes: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Asks {
        #[serde(default)]
        explain: bool,
    }
    const NAME: &[u8] = b"\"explain\"";
    bytes.windows(NAME.len()).any(|window| window == NAME)
        && serde_json::from_slice::<Asks>(bytes).is_ok_and(|asks| asks.explain)
}

fn semantic(options: Option<Value>) -> Result<Semantic, ReadError> {
    let mut options = match options {
        None | Some(Value::Null) => return Ok(Semantic::default()),
        Some(Value::Map(options)) => options,
        Some(other) => return Err(ReadError::form("options", format!("is {}; it must be an object", other.kind()))),
    };
    let path = "options.evaluations_semantic";
    match options.remove("evaluations_semantic") {
        None | Some(Value::Null) => Ok(Semantic::default()),
        Some(Value::String(name)) => Semantic::from_name(&name).ok_or_else(|| {
            let known = "execute_all, deny_on_first_deny and permit_on_first_permit";
            ReadError::form(path, format!("`{}` is unknown; there are {known}", escape::cut(&name)))
        }),
        Some(other) => Err(ReadError::form(path, format!("is {}; it must be a string", other.kind()))),
    }
}

fn one(item: Item) -> Result<Evaluation, ReadError> {
    let missing = |name: &str| ReadError::form(name, "is missing");
    Ok(Evaluation {
        subject: item.subject.ok_or_else(|| missing("subject"))?,
        action: item.action.ok_or_else(|| missing("action"))?,
        resource: item.resource.ok_or_else(|| missing("resource"))?,
        context: item.context.unwrap_or_default(),
    })
}

fn item(mut fields: Map, path: &str) -> Result<Item, ReadError> {
    let mut part = |name: &str| match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Map(part)) => Ok(Some((part, format!("{path}{name}")))),
        Some(other) => {
            Err(ReadError::form(format!("{path}{name}"), format!("is {}; it must be an object", other.kind())))
        }
    };
    let subject = part("subject")?.map(|(fields, path)| entity(fields, &path)).transpose()?;
    let action = part("action")?.map(|(fields, path)| action(fields, &path)).transpose()?;
    let resource = part("resource")?.map(|(fields, path)| entity(fields, &path)).transpose()?;
    let context = part("context")?.map(|(fields, _)| fields);
    let absent = [
        ("subject", subject.is_none()),
        ("action", action.is_none()),
        ("resource", resource.is_none()),
        ("context", context.is_none()),
    ];
    check_unknown(&fields, path, absent)?;
    Ok(Item { subject, action, resource, context, fault: None })
}

fn entity(mut fields: Map, path: &str) -> Result<Entity, ReadError> {
    Ok(Entity {
        kind: name(&mut fields, path, "type")?,
        id: string(&mut fields, path, "id")?,
        properties: properties(&mut fields, path)?,
    })
}

fn action(mut fields: Map, path: &str) -> Result<Action, ReadError> {
    Ok(Action { name: name(&mut fields, path, "name")?, properties: properties(&mut fields, path)? })
}

/// A name; an empty one is none, as in protobuf, which cannot tell the two apart.
fn name(fields: &mut Map, path: &str, name: &str) -> Result<String, ReadError> {
    let text = string(fields, path, name)?;
    if text.is_empty() { Err(ReadError::form(format!("{path}.{name}"), "is missing")) } else { Ok(text) }
}

fn string(fields: &mut Map, path: &str, name: &str) -> Result<String, ReadError> {
    match fields.remove(name) {
        Some(Value::String(text)) => Ok(text),
        None | Some(Value::Null) => Err(ReadError::form(format!("{path}.{name}"), "is missing")),
        Some(other) => {
            Err(ReadError::form(format!("{path}.{name}"), format!("is {}; it must be a string", other.kind())))
        }
    }
}

fn properties(fields: &mut Map, path: &str) -> Result<Map, ReadError> {
    match fields.remove("properties") {
        None | Some(Value::Null) => {
            check_unknown(fields, &format!("{path}."), [("properties", true)])?;
            Ok(Map::new())
        }
        Some(Value::Map(properties)) => Ok(properties),
        Some(other) => {
            Err(ReadError::form(format!("{path}.properties"), format!("is {}; it must be an object", other.kind())))
        }
    }
}

/// Refuses a field that is written almost like one of those that are absent. `path` ends with a point, unless it is empty.
fn check_unknown<const N: usize>(rest: &Map, path: &str, absent: [(&str, bool); N]) -> Result<(), ReadError> {
    for name in rest.keys() {
        let absent = absent.iter().filter(|(_, is_absent)| *is_absent).map(|(absent, _)| *absent);
        if let Some(meant) = nearest(name, absent) {
            let message = format!("is unknown, and `{meant}` is absent; did you mean it?");
            return Err(ReadError::form(format!("{path}{}", escape::cut(name)), message));
        }
    }
    Ok(())
}

fn object(value: Value) -> Result<Map, ReadError> {
    match value {
        Value::Map(fields) => Ok(fields),
        other => Err(ReadError::form("body", format!("is {}; it must be an object", other.kind()))),
    }
}

fn value(bytes: &[u8], limit: usize) -> Result<Value, ReadError> {
    let too_deep = std::cell::Cell::new(false);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed { left: limit, too_deep: &too_deep };
    seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value)).map_err(|error| {
        if too_deep.get() { ReadError::TooDeep { limit } } else { ReadError::Syntax(error.to_string()) }
    })
}

/// Reads a value whose lists and objects may nest `left` deep.
#[derive(Clone, Copy)]
struct Seed<'a> {
    left: usize,
    too_deep: &'a std::cell::Cell<bool>,
}

impl Seed<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Self { left, ..self }),
            None => {
                self.too_deep.set(true);
                Err(E::custom("nested too deep"))
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "I-JSON numbers are doubles; the schema check refuses what is inexact"
    )]
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "I-JSON numbers are doubles; the schema check refuses what is inexact"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut elements = Vec::new();
        while let Some(element) = access.next_element_seed(seed)? {
            elements.push(element);
        }
        Ok(Value::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut fields = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let value = access.next_value_seed(seed)?;
            if fields.contains_key(&name) {
                return Err(de::Error::custom(format_args!(
                    "the name `{}` is given twice in one object",
                    escape::cut(&name)
                )));
            }
            fields.insert(name, value);
        }
        Ok(Value::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::authzen::write_value;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { depth: 6, batch: 3 };
    const GOOD: &str = r#"{"subject":{"type":"t","id":"i"},"action":{"name":"a"},"resource":{"type":"r","id":""}}"#;

    #[track_caller]
    fn refused(body: &str, expected: &str) {
        let error = read_evaluation(body.as_bytes(), LIMITS).unwrap_err().to_string();
        assert!(error.contains(expected), "{body}: {error}");
    }

    #[test]
    fn each_mistake_names_its_field() {
        refused("", "not JSON");
        refused("[]", "body: is a list");
        refused("{}", "subject: is missing");
        refused(r#"{"subject":3}"#, "subject: is a number");
        refused(r#"{"subject":{"id":"x"}}"#, "subject.type: is missing");
        refused(r#"{"subject":{"type":"x","id":7}}"#, "subject.id: is a number");
        refused(&GOOD.replace(r#""name":"a""#, r#""name":null"#), "action.name: is missing");
        refused(&GOOD.replace(r#""id":"i""#, r#""id":"i","properties":[]"#), "subject.properties: is a list");
        refused(&format!("{GOOD}x"), "trailing");
        refused(&GOOD.replace(r#""id":"i""#, r#""id":"i","id":"j""#), "`id` is given twice");
        refused(r#"{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}"#, "nested more than 6 deep");
        refused(r#"{"subject":{"type":"\ud800","id":"x"}}"#, "not JSON");
    }

    #[test]
    fn unknown_fields_are_ignored_and_null_is_absent() {
        let body = GOOD.replacen('{', r#"{"later":1,"context":null,"#, 1);
        assert_eq!(read_evaluation(body.as_bytes(), LIMITS), read_evaluation(GOOD.as_bytes(), LIMITS));
    }

    #[test]
    fn a_misspelt_field_is_refused_where_the_right_one_is_absent() {
        refused(
            &GOOD.replacen('{', r#"{"contxt":{},"#, 1),
            "contxt: is unknown, and `context` is absent; did you mean it?",
        );
        refused(&GOOD.replace(r#""id":"i""#, r#""id":"i","propertys":{}"#), "subject.propertys: is unknown");
        refused(&GOOD.replace(r#""name":"a""#, r#""name":"a","Properties":{}"#), "action.Properties: is unknown");
        refused(&GOOD.replace(r#""subject""#, r#""subjekt""#), "subjekt: is unknown, and `subject` is absent");
        let misspelt = GOOD.replacen('{', r#"{"evaluatons":[{},{}],"#, 1);
        let error = read_batch(misspelt.as_bytes(), LIMITS).unwrap_err().to_string();
        assert!(error.contains("evaluatons: is unknown, and `evaluations` is absent"), "{error}");
        let in_item = GOOD.replacen('{', r#"{"evaluations":[{"contexts":{}}],"#, 1);
        let Ok(EvaluationsBody::Several(batch)) = read_batch(in_item.as_bytes(), LIMITS) else { panic!("a batch") };
        assert!(batch.items[0].fault.as_ref().unwrap().starts_with("evaluations[0].contexts: is unknown"));
        let both = GOOD.replacen('{', r#"{"context":{},"contxt":{},"#, 1);
        assert_eq!(read_evaluation(both.as_bytes(), LIMITS), read_evaluation(GOOD.as_bytes(), LIMITS));
    }

    #[test]
    fn a_fault_in_one_item_stays_in_it() {
        let body = GOOD.replacen('{', r#"{"evaluations":[{},{"subject":1},7],"#, 1);
        let Ok(EvaluationsBody::Several(batch)) = read_batch(body.as_bytes(), LIMITS) else { panic!("a batch") };
        let faults: Vec<_> = batch.items.iter().map(|item| item.fault.clone().unwrap_or_default()).collect();
        assert_eq!(
            faults,
            [
                "",
                "evaluations[1].subject: is a number; it must be an object",
                "evaluations[2]: is a number; it must be an object"
            ]
        );
    }

    #[test]
    fn no_items_are_one_question_and_too_many_are_refused() {
        let empty = GOOD.replacen('{', r#"{"evaluations":[],"#, 1);
        assert!(matches!(read_batch(empty.as_bytes(), LIMITS), Ok(EvaluationsBody::One(_))));
        let many = GOOD.replacen('{', r#"{"evaluations":[{},{},{},{}],"#, 1);
        assert_eq!(read_batch(many.as_bytes(), LIMITS), Err(ReadError::TooMany { found: 4, limit: 3 }));
        let odd = GOOD.replacen('{', r#"{"options":{"evaluations_semantic":"any"},"#, 1);
        assert!(read_batch(odd.as_bytes(), LIMITS).unwrap_err().to_string().contains("`any` is unknown"));
    }

    /// Reads a number and compares it with the standard library, which rounds to the nearest double.
    #[track_caller]
    fn check_number(text: &str) {
        let nearest: f64 = text.parse().unwrap();
        let read = read_value(text.as_bytes());
        let Ok(Value::Number(number)) = read else { panic!("{text}: {read:?}") };
        assert_eq!(number.to_bits(), nearest.to_bits(), "{text} was read as {number:e}");
        // RFC 8785, section 3.2.2.3: the shortest text of that double, and -0 is 0.
        let mut out = Vec::new();
        write_value(&mut out, &Value::Number(number));
        let written = String::from_utf8(out).unwrap();
        assert_eq!(written, ryu_js::Buffer::new().format(nearest), "{text}");
        assert_eq!(written.parse::<f64>().unwrap(), nearest, "{text} was written as {written}");
    }

    #[test]
    fn a_number_is_the_double_that_is_nearest() {
        let texts = [
            "-0",
            "-0.0",
            "0.9999999999999999",
            "1.5777777777770001",
            "333333333.33333329",
            "9007199254740991.0",
            "9007199254740993",
            "9007199254740993.0",
            "-9223372036854775808",
            "9223372036854775807",
            "18446744073709551615",
            "18446744073709551616",
            "18446744073709553665",
            "123456789012345678901234567890",
            "2.2250738585072011e-308",
            "4.9406564584124654e-324",
            "2.4703282292062328e-324",
            "1e-400",
            "1.7976931348623157e308",
            "1.7976931348623158e308",
            "0.1e1",
            "10E-1",
        ];
        texts.into_iter().for_each(check_number);
        // Digits beyond a double's precision decide on which side of a tie the number is.
        let tie = "9007199254740992.5".to_owned();
        check_number(&tie);
        check_number(&format!("{tie}{}1", "0".repeat(2000)));
        check_number(&format!("1{}.0e-2000", "0".repeat(2000)));
        refused(&GOOD.replacen('{', r#"{"context":{"x":1e400},"#, 1), "not JSON: number out of range");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

        #[test]
        fn every_number_is_the_double_that_is_nearest(
            bits: u64, whole: u64, negative: i64, digits in "[1-9][0-9]{0,40}", fraction in "[0-9]{1,40}", exponent in -340..300_i32,
        ) {
            let number = f64::from_bits(bits);
            if number.is_finite() {
                for text in [
                    ryu_js::Buffer::new().format(number).to_owned(),
                    format!("{number:e}"),
                    format!("{number:.15e}"),
                    format!("{number:.16e}"),
                    format!("{number:.40e}"),
                    format!("{number:.1}"),
                ] {
                    check_number(&text);
                }
            }
            for text in [
                whole.to_string(),
                negative.to_string(),
                format!("{whole}.0"),
                digits.clone(),
                format!("-{digits}.{fraction}"),
                format!("0.{fraction}"),
            ] {
                check_number(&text);
            }
            if digits.len() < 9 {
                check_number(&format!("{digits}.{fraction}e{exponent}"));
            }
        }
    }
}
