//! The obligations that a schema declares, as JSON: the key, AuthZEN's type, what it asks, and the JSON Schema of its value
//! in an answer.

use crate::sources::policy::obligations::{Declared, Obligations, Parameters, Text};
use serde_json::{Map, Value, json};

/// The list of them, by key.
#[must_use]
pub fn obligations(declared: &Obligations) -> Value {
    declared.iter().map(|(key, declared)| one(key, declared)).collect()
}

fn one(key: &str, Declared { kind, meaning, parameters }: &Declared) -> Value {
    let value = match parameters {
        // poort says whose sessions end.
        Parameters::None if *kind != "custom" => {
            json!({"type": "object", "properties": {"subject": {"type": "string"}}, "required": ["subject"]})
        }
        Parameters::None => json!({"type": "string", "const": meaning}),
        Parameters::Text(one) => text(one),
        Parameters::Named(named) => {
            let properties: Map<String, Value> =
                named.iter().map(|(name, named)| (name.clone(), text(&named.text))).collect();
            let required: Vec<_> = named.iter().filter(|(_, named)| named.required).map(|(name, _)| name).collect();
            json!({"type": "object", "properties": properties, "required": required})
        }
    };
    json!({"key": key, "type": kind, "meaning": meaning, "value": value})
}

fn text(Text { is_list, limit }: &Text) -> Value {
    let one = match limit {
        Some(limit) => json!({"type": "string", "enum": limit.names().collect::<Vec<_>>()}),
        None => json!({"type": "string"}),
    };
    if *is_list { json!({"type": "array", "items": one}) } else { one }
}
