//! What the schema says of values (`@values`, `@range`), as assumptions: the engine refuses a question with another value,
//! and no directory with one is read.
//!
//! Of the elements of a set nothing is assumed: it cannot be said of all of them. What is then found may be refuted by the
//! engine, and is reported as undecided.

use super::assumptions::quoted;
use crate::sources::policy::{Attributes, Limit, Shape};

/// The limits of the attributes of a record or an entity that policies read; `None` if there are none. Each part stands
/// behind the guard without which Cedar does not let it be read.
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
