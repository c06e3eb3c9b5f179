//! Cedar values as questions carry them, as files of the directory hold them, and as a person reads them.

use crate::types::{escape, evaluation::Value};
use cedar_policy_core::ast::{self, Literal, ValueKind};
use serde_json::json;

/// How many elements of a set or a record a person is shown.
const ELEMENTS: usize = 12;
/// How deep sets and records are shown.
const DEPTH: usize = 4;

/// A value as the wire carries it.
///
/// # Errors
/// It cannot be written in a question, such as a date beyond the year 9999.
pub fn wire_value(given: &ast::Value) -> Result<Value, String> {
    Ok(match given.value_kind() {
        ValueKind::Lit(Literal::Bool(truth)) => Value::Bool(*truth),
        #[expect(clippy::cast_precision_loss, reason = "what a double does not hold is refused by the engine")]
        ValueKind::Lit(Literal::Long(long)) => Value::Number(*long as f64),
        ValueKind::Lit(Literal::String(text)) => Value::String(text.to_string()),
        ValueKind::Lit(Literal::EntityUID(uid)) => Value::String(id_of(uid).to_owned()),
        ValueKind::Set(set) => Value::List(set.iter().map(wire_value).collect::<Result<_, _>>()?),
        ValueKind::Record(fields) => Value::Map(
            fields
                .iter()
                .map(|(name, field)| Ok((name.to_string(), wire_value(field)?)))
                .collect::<Result<_, String>>()?,
        ),
        ValueKind::ExtensionValue(_) => Value::String(extension_text(given)?),
    })
}

/// A value in Cedar's entity JSON.
///
/// # Errors
/// As [`wire_value`].
pub fn value_json(given: &ast::Value) -> Result<serde_json::Value, String> {
    Ok(match given.value_kind() {
        ValueKind::Lit(Literal::Bool(truth)) => json!(truth),
        ValueKind::Lit(Literal::Long(long)) => json!(long),
        ValueKind::Lit(Literal::String(text)) => json!(text.as_str()),
        ValueKind::Lit(Literal::EntityUID(uid)) => {
            json!({ "type": uid.entity_type().to_string(), "id": id_of(uid) })
        }
        ValueKind::Set(set) => json!(set.iter().map(value_json).collect::<Result<Vec<_>, _>>()?),
        ValueKind::Record(fields) => {
            let fields = fields.iter().map(|(name, field)| Ok((name.to_string(), value_json(field)?)));
            json!(fields.collect::<Result<serde_json::Map<_, _>, String>>()?)
        }
        ValueKind::ExtensionValue(_) => json!(extension_text(given)?),
    })
}

/// A value as a person reads it: a day without its time, and no more than fits a line or two. `conceals` says of which
/// entities the ids are not shown.
#[must_use]
pub fn shown(given: &ast::Value, conceals: &dyn Fn(&ast::EntityUID) -> bool) -> String {
    shown_within(given, conceals, DEPTH)
}

fn shown_within(given: &ast::Value, conceals: &dyn Fn(&ast::EntityUID) -> bool, left: usize) -> String {
    let Some(left) = left.checked_sub(1) else { return "…".to_owned() };
    let listed = |parts: &mut dyn ExactSizeIterator<Item = String>| {
        let more = parts.len().saturating_sub(ELEMENTS);
        let mut parts: Vec<_> = parts.take(ELEMENTS).collect();
        parts.extend((more > 0).then(|| format!("and {more} more")));
        parts.join(", ")
    };
    match given.value_kind() {
        ValueKind::Lit(Literal::Bool(truth)) => truth.to_string(),
        ValueKind::Lit(Literal::Long(long)) => long.to_string(),
        ValueKind::Lit(Literal::String(text)) => format!("\"{}\"", escape::cut(text)),
        ValueKind::Lit(Literal::EntityUID(uid)) if conceals(uid) => CONCEALED.to_owned(),
        ValueKind::Lit(Literal::EntityUID(uid)) => escape::cut(&uid.to_string()).into_owned(),
        ValueKind::Set(set) => {
            let elements: Vec<_> = set.iter().collect();
            format!("[{}]", listed(&mut elements.into_iter().map(|element| shown_within(element, conceals, left))))
        }
        ValueKind::Record(fields) => {
            let fields = fields.iter().map(|(name, field)| format!("{name}: {}", shown_within(field, conceals, left)));
            let fields: Vec<_> = fields.collect();
            format!("{{{}}}", listed(&mut fields.into_iter()))
        }
        ValueKind::ExtensionValue(_) => {
            let text = extension_text(given).unwrap_or_else(|_| given.to_string());
            escape::cut(text.strip_suffix("T00:00:00.000Z").unwrap_or(&text)).into_owned()
        }
    }
}

/// What stands in the place of a value that is not to be seen.
pub const CONCEALED: &str = "(concealed)";

/// The text of an extension value, which its constructor reads.
fn extension_text(given: &ast::Value) -> Result<String, String> {
    let call = ast::RestrictedExpr::from(given.clone()).to_string();
    let between = |start: &str, end: &str| {
        let (_, rest) = call.split_once(start)?;
        rest.split_once(end).map(|(text, _)| text.to_owned())
    };
    let first = between("(\"", "\")").ok_or_else(|| format!("`{call}` cannot be written in a question"))?;
    if !call.starts_with("datetime(") {
        return Ok(first);
    }
    let millis = between("duration(\"", "ms\")");
    let Some(millis) = millis else { return Ok(first) };
    let out_of_range = |_| format!("`{call}` cannot be written in a question");
    let millis: i64 = millis.parse().map_err(|_| format!("`{call}` cannot be written in a question"))?;
    let moment = jiff::Timestamp::from_millisecond(millis).map_err(out_of_range)?;
    let text = format!("{moment:.3}");
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        Ok(text)
    } else {
        Err(format!("`{text}` is before the year 0"))
    }
}

/// The id of an entity as a question names it. A solver calls the first of a type "", which a question cannot, so it gets
/// the shortest id that the solver does not make up by itself. The engine confirms that this changes nothing.
#[must_use]
pub fn id_of(uid: &ast::EntityUID) -> &str {
    let id = AsRef::<str>::as_ref(uid.eid());
    if id.is_empty() { "0" } else { id }
}
