//! Objects of JSON whose members have an order.

use serde_json::{Map, Value};

/// An object with these members, in this order.
pub(super) fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
