//! A question that fits a branch, with all that is required and nothing else. Its ids are invented: a sidecar whose directory
//! does not know them answers with a deny.

use super::{Branch, Description, Extension, Field, Holder, Kind, object::object};
use crate::sources::policy::Limit;
use serde_json::{Map, Value, json};

/// How deep records are filled in.
const DEPTH: usize = 64;

/// An example of a question. `None` if the branch is none of this description.
#[must_use]
pub fn example(description: &Description, branch: &Branch) -> Option<Value> {
    let (action, resource) = (description.action(branch)?, description.resource(branch)?);
    let (subject, context) = (description.subjects(action).next()?, description.context(action)?);
    let entity = |kind: &super::EntityType| {
        let id = match &kind.held {
            Holder::Schema(ids) => ids.first().cloned().unwrap_or_default(),
            Holder::Directory | Holder::Question(_) => some_id(&kind.name),
        };
        let mut entity = object([("type", kind.wire_name().into()), ("id", id.into())]);
        with(&mut entity, "properties", required(description, kind.fields(), DEPTH));
        Value::Object(entity)
    };
    let mut asked = object([("name", action.wire_name().into())]);
    if let Some(properties) = context.action.as_ref().filter(|properties| !properties.optional) {
        with(&mut asked, "properties", required(description, &properties.fields, DEPTH));
    }
    let mut question =
        object([("subject", entity(subject)), ("action", Value::Object(asked)), ("resource", entity(resource))]);
    with(&mut question, "context", required(description, &context.fields, DEPTH));
    Some(Value::Object(question))
}

fn with(object: &mut Map<String, Value>, name: &str, members: Map<String, Value>) {
    if !members.is_empty() {
        object.insert(name.to_owned(), Value::Object(members));
    }
}

fn required(description: &Description, fields: &[Field], left: usize) -> Map<String, Value> {
    let Some(left) = left.checked_sub(1) else { return Map::new() };
    let fields = fields.iter().filter(|field| field.required);
    fields.map(|field| (field.name.clone(), value(description, &field.kind, field.limit.as_ref(), left))).collect()
}

fn value(description: &Description, kind: &Kind, limit: Option<&Limit>, left: usize) -> Value {
    match kind {
        Kind::Bool => false.into(),
        Kind::Long => match limit {
            Some(Limit::Range(range)) => (*range.start()).into(),
            _ => 1.into(),
        },
        Kind::Text => limit.and_then(|limit| limit.names().next()).unwrap_or("text").into(),
        Kind::Entity(place) => match description.references.get(*place) {
            Some(reference) => {
                let listed = reference.listed.as_ref().and_then(|ids| ids.first().cloned());
                listed.unwrap_or_else(|| some_id(reference.names.first().map_or("", String::as_str))).into()
            }
            None => Value::Null,
        },
        Kind::Set(element) => json!([value(description, element, limit, left)]),
        Kind::Record(place) => {
            let fields = description.records.get(*place).map_or(&[][..], |record| &record.fields);
            Value::Object(required(description, fields, left))
        }
        Kind::Tags(_) => json!({}),
        Kind::Extension(extension) => example_of(*extension).into(),
    }
}

fn example_of(extension: Extension) -> &'static str {
    match extension {
        // A moment is what most of these are; a day is one too.
        Extension::Datetime => "2026-01-31T12:00:00Z",
        Extension::Ip | Extension::Decimal | Extension::Duration => {
            extension.example().split(" or ").next().unwrap_or_default()
        }
    }
}

/// `officer-1` for `Officer`.
fn some_id(kind: &str) -> String {
    format!("{}-1", kind.to_ascii_lowercase())
}
