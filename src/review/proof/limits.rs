//! Turns the schema's limits on values (`@values`, `@range`) into assumptions: the engine refuses a question with
//! another value, and a directory with one is not accepted.
//!
//! Nothing is assumed of the elements of a set, since Cedar cannot state it for all of them. The engine may refute an
//! example that is then found; that is reported as undecided.

use super::cedar_text::quoted;
use crate::sources::policy::{Attributes, Limit, Shape};

/// The limits of the attributes of a record or an entity that policies read; `None` if there are none. Each part
/// follows the guard that Cedar requires before it is read.
pub(super) fn assumed(base: &str, attributes: &Attributes, is_read: &impl Fn(&str) -> bool) -> Option<String> {
    let parts: Vec<_> = attributes
        .iter()
        .filter(|(name, _)| is_read(name))
        .filter_map(|(name, attribute)| {
            let path = format!("{base}[{}]", quoted(name));
            let said = match (&attribute.shape, &attribute.limit) {
                (Shape::String, Some(Limit::Values(values))) => {
                    let values = values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", ");
                    format!("[{values}].contains({path})")
                }
                (Shape::Long, Some(Limit::Range(range))) => {
                    format!("({path} >= {} && {path} <= {})", range.start(), range.end())
                }
                (Shape::Record(inner), _) => assumed(&path, inner, is_read)?,
                _ => return None,
            };
            Some(if attribute.required {
                said
            } else {
                format!("(if {base} has {} then {said} else true)", quoted(name))
            })
        })
        .collect();
    (!parts.is_empty()).then(|| format!("({})", parts.join(" && ")))
}
