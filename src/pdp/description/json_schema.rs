//! The JSON Schema (2020-12) of an AuthZEN evaluation request: one branch for each action and type of resource.
//!
//! Each branch has a name in `$defs`, such as `ConsultInvestigation`, so that a client can check a question against the one
//! branch that it means, and gets a message about that.

use super::{
    ActionProperties, Branch, Context, Description, EntityType, Field, Holder, Kind, Obligation, Reference, example,
    object::object, obligations,
};
use crate::{sources::policy::Limit, types::authzen};
use serde_json::{Map, Value, json};

/// How the schema differs from what poort takes. A reader of the schema has these words and no others.
const STRICTER: &str = "poort takes a little more than this schema. It takes `null` for what is left out. It takes Cedar's own \
     forms of references and of values of extension types (`__entity`, `__extn`). It ignores members that are not declared here \
     where they cannot be a mistake, and names them in the answer (`decisions.undeclared`). It takes any member beside those of \
     the message, unless it looks like a misspelt one. And it takes a little less: a text of the right form must also have a \
     meaning (30 February has none), an entity must not be its own parent, and the limits of message, batch and nesting hold.";

/// The JSON Schema of one question.
#[must_use]
pub fn json_schema(description: &Description) -> Value {
    let mut schema = object([
        ("$schema", "https://json-schema.org/draft/2020-12/schema".into()),
        ("title", "AuthZEN evaluation request".into()),
        ("description", format!("A question to poort under the policies {}. {STRICTER}", description.revision).into()),
    ]);
    schema.extend(alternatives("anyOf", branch_references(description, "#/$defs/")));
    if !description.obligations.is_empty() {
        schema.insert("x-obligations".to_owned(), obligations(&description.obligations));
    }
    schema.insert("$defs".to_owned(), Value::Object(definitions(description, "#/$defs/")));
    Value::Object(schema)
}

/// What every context can have.
const SUPPORTED: &str = "supported_obligations";

fn supported() -> Value {
    let said =
        "The keys or types of the obligations that the application can do. An allow that asks for another is a deny.";
    json!({"description": said, "type": "array", "items": {"type": "string"}})
}

/// A reference to each branch, in order.
pub(super) fn branch_references(description: &Description, place: &str) -> Vec<Value> {
    description.branches.iter().map(|branch| reference(place, &branch.name)).collect()
}

/// Everything that has a name: types, contexts, records, references and branches. `place` is where they are put.
pub(super) fn definitions(description: &Description, place: &str) -> Map<String, Value> {
    let writer = Writer { description, place };
    let mut all = Map::new();
    for kind in &description.types {
        all.insert(kind.name.clone(), writer.entity(kind));
    }
    for context in &description.contexts {
        let mut written = writer.record(context.doc.as_deref(), &context.fields);
        if let Some(properties) = written.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert(SUPPORTED.to_owned(), supported());
        }
        all.insert(context.name.clone(), written);
        if let Some(action) = &context.action {
            all.insert(action.name.clone(), writer.action_properties(action));
        }
    }
    for record in &description.records {
        all.insert(record.name.clone(), writer.record(record.doc.as_deref(), &record.fields));
    }
    for reference in &description.references {
        all.insert(reference.name.clone(), entity_reference(reference));
    }
    for branch in &description.branches {
        all.extend(writer.branch(branch).map(|written| (branch.name.clone(), written)));
    }
    all
}

struct Writer<'a> {
    description: &'a Description,
    place: &'a str,
}

impl Writer<'_> {
    fn branch(&self, branch: &Branch) -> Option<Value> {
        let description = self.description;
        let (action, resource) = (description.action(branch)?, description.resource(branch)?);
        let context = description.context(action)?;
        let subjects = description.subjects(action).map(|kind| self.reference(&kind.name)).collect();
        let properties = object([
            ("subject", Value::Object(alternatives("anyOf", subjects))),
            ("action", self.action(&action.names, context)),
            ("resource", self.reference(&resource.name)),
            ("context", self.reference(&context.name)),
        ]);
        let mut required = vec!["subject", "action", "resource"];
        if context.fields.iter().any(|field| field.required) {
            required.push("context");
        }
        let mut written = object([("title", format!("{} {}", action.wire_name(), resource.wire_name()).into())]);
        written.extend(action.doc.iter().map(|doc| ("description".to_owned(), doc.as_str().into())));
        written.extend(closed(properties, &required));
        written.extend(example(description, branch).map(|example| ("examples".to_owned(), json!([example]))));
        if !branch.obligations.is_empty() {
            written.insert("x-obligations".to_owned(), branch.obligations.iter().map(obligation).collect());
        }
        Some(Value::Object(written))
    }

    fn action(&self, names: &[String], context: &Context) -> Value {
        let mut properties = object([("name", one_of(names))]);
        let mut required = vec!["name"];
        match &context.action {
            None => properties.extend(object([("properties", json!({"type": "object", "maxProperties": 0}))])),
            Some(action) => {
                properties.insert("properties".to_owned(), self.reference(&action.name));
                if !action.optional && action.fields.iter().any(|field| field.required) {
                    required.push("properties");
                }
            }
        }
        Value::Object(closed(properties, &required))
    }

    fn action_properties(&self, action: &ActionProperties) -> Value {
        let record = self.record(None, &action.fields);
        // No property at all is no record at all, where that may be.
        let is_nothing = action.optional && action.fields.iter().any(|field| field.required);
        if is_nothing { json!({"anyOf": [{"type": "object", "maxProperties": 0}, record]}) } else { record }
    }

    fn entity(&self, kind: &EntityType) -> Value {
        let EntityType { names, doc, held, name: _ } = kind;
        let mut properties = object([("type", one_of(names)), ("id", some_text())]);
        let mut required = vec!["type", "id"];
        match held {
            Holder::Question(fields) => {
                properties.insert("properties".to_owned(), self.record(None, fields));
                if fields.iter().any(|field| field.required) {
                    required.push("properties");
                }
            }
            Holder::Directory => {
                let said = "Not looked at: the directory says what this is.";
                properties.insert("properties".to_owned(), json!({"type": "object", "description": said}));
            }
            Holder::Schema(ids) => {
                properties.insert("id".to_owned(), one_of(ids));
                properties.insert("properties".to_owned(), json!({"type": "object", "description": "Not looked at."}));
            }
        }
        let mut written = object(doc.iter().map(|doc| ("description", doc.as_str().into())));
        written.extend(closed(properties, &required));
        Value::Object(written)
    }

    fn record(&self, doc: Option<&str>, fields: &[Field]) -> Value {
        let properties = fields.iter().map(|field| (field.name.clone(), self.field(field))).collect();
        let required: Vec<_> = fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
        let mut written = object(doc.map(|doc| ("description", doc.into())));
        written.extend(closed(properties, &required));
        Value::Object(written)
    }

    fn field(&self, field: &Field) -> Value {
        let Field { doc, kind, limit, constant, .. } = field;
        let mut written = object(doc.iter().map(|doc| ("description", doc.as_str().into())));
        written.extend(self.kind(kind, limit.as_ref()));
        if let Some(constant) = constant {
            written.shift_remove("enum");
            written.insert("const".to_owned(), constant.as_str().into());
            written.insert("default".to_owned(), constant.as_str().into());
        }
        Value::Object(written)
    }

    fn kind(&self, kind: &Kind, limit: Option<&Limit>) -> Map<String, Value> {
        match kind {
            Kind::Bool => object([("type", "boolean".into())]),
            Kind::Long => {
                let (least, most) = match limit {
                    Some(Limit::Range(range)) => (*range.start(), *range.end()),
                    _ => (-EXACT, EXACT),
                };
                object([
                    ("type", "integer".into()),
                    ("minimum", least.max(-EXACT).into()),
                    ("maximum", most.min(EXACT).into()),
                ])
            }
            Kind::Text => {
                let mut text = object([("type", "string".into())]);
                if let Some(limit @ Limit::Values(_)) = limit {
                    text.insert("enum".to_owned(), limit.names().collect());
                }
                text
            }
            Kind::Entity(place) => self.to(self.description.references.get(*place).map(|it| it.name.as_str())),
            Kind::Record(place) => self.to(self.description.records.get(*place).map(|it| it.name.as_str())),
            Kind::Set(element) => {
                object([("type", "array".into()), ("items", Value::Object(self.kind(element, limit)))])
            }
            Kind::Tags(value) => {
                object([("type", "object".into()), ("additionalProperties", Value::Object(self.kind(value, limit)))])
            }
            Kind::Extension(extension) => object([
                ("type", "string".into()),
                ("pattern", extension.pattern().into()),
                ("examples", extension.example().split(" or ").collect()),
            ]),
        }
    }

    fn to(&self, name: Option<&str>) -> Map<String, Value> {
        object(name.map(|name| ("$ref", format!("{}{name}", self.place).into())))
    }

    fn reference(&self, name: &str) -> Value {
        reference(self.place, name)
    }
}

/// The largest whole number that a question carries exactly (I-JSON, RFC 7493, section 2.2).
const EXACT: i64 = 9_007_199_254_740_991;

/// An id alone, or with its type.
fn entity_reference(of: &Reference) -> Value {
    let id = match &of.listed {
        Some(ids) => one_of(ids),
        None => some_text(),
    };
    let properties = object([("type", one_of(&of.names)), ("id", id.clone())]);
    let named = Value::Object(closed(properties, &["type", "id"]));
    let said =
        format!("The id of an entity of type {}, alone or with its type.", of.names.last().map_or("", String::as_str));
    json!({"description": said, "anyOf": [id, named]})
}

fn obligation(of: &Obligation) -> Value {
    let mut properties = Vec::new();
    authzen::write_map(&mut properties, &of.properties);
    let properties: Value = serde_json::from_slice(&properties).unwrap_or_default();
    json!({
        "policy": of.policy,
        "with": of.with.name(),
        "id": of.id,
        "type": of.kind,
        "properties": properties,
    })
}

/// An object with these properties and no others.
fn closed(properties: Map<String, Value>, required: &[&str]) -> Map<String, Value> {
    let mut written = object([("type", "object".into()), ("properties", Value::Object(properties))]);
    if !required.is_empty() {
        written.insert("required".to_owned(), required.into());
    }
    written.insert("additionalProperties".to_owned(), false.into());
    written
}

/// One of several; the one, if there is no other.
fn alternatives(keyword: &str, mut schemas: Vec<Value>) -> Map<String, Value> {
    match (schemas.len(), schemas.pop()) {
        (1, Some(Value::Object(one))) => one,
        (_, last) => {
            schemas.extend(last);
            // What nothing fits, where there is nothing to choose from.
            let nothing = json!({"not": {}});
            object([(keyword, if schemas.is_empty() { vec![nothing] } else { schemas }.into())])
        }
    }
}

fn one_of(texts: &[String]) -> Value {
    match texts {
        [one] => json!({"type": "string", "const": one}),
        several => json!({"type": "string", "enum": several}),
    }
}

/// The text of an id: an empty one names nothing.
fn some_text() -> Value {
    json!({"type": "string", "minLength": 1})
}

fn reference(place: &str, name: &str) -> Value {
    json!({"$ref": format!("{place}{name}")})
}
