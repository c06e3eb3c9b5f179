//! Reads the JSON of one entity in its usual form into plain values.
//!
//! **Invariant:** Cedar reads the same from every text that is accepted here. All that Cedar might read differently is
//! refused: duplicate names, fields that Cedar does not know, nulls, and numbers that are not written as whole numbers.

use crate::types::evaluation::{Map, Value};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use std::fmt;

/// An entity as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) uid: Plain,
    pub(super) attrs: PlainMap,
    pub(super) parents: Vec<Plain>,
    #[serde(default)]
    pub(super) tags: PlainMap,
}

/// Any value but null.
#[derive(Debug)]
pub(super) struct Plain(pub(super) Value);

/// Named values, each name once.
#[derive(Debug, Default)]
pub(super) struct PlainMap(pub(super) Map);

impl Written {
    /// Reads it. `None` if its form is not the usual one.
    pub(super) fn read(json: &str) -> Option<Self> {
        // A struct is also read from a list of its fields.
        json.starts_with('{').then(|| serde_json::from_str(json).ok()).flatten()
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Self)
    }
}

impl<'de> Deserialize<'de> for PlainMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Plain::deserialize(deserializer)?.0 {
            Value::Map(map) => Ok(Self(map)),
            other => Err(D::Error::custom(other.kind())),
        }
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    // A number that is too large for this to be exact is too large for the walk over values.
    #[expect(clippy::cast_precision_loss, reason = "what is not exact is refused later")]
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "what is not exact is refused later")]
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Plain(element)) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Plain(value))) = entries.next_entry::<String, Plain>()? {
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name comes twice"));
            }
        }
        Ok(Value::Map(map))
    }
}
