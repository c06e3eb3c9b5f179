//! The template for Python: a frozen dataclass for each type and context, and a function for each action and type.

use super::{
    obligations,
    words::{Names, about, few, is_needed, needs_properties, numbered_text as quoted, one_line, snake, type_names},
};
use crate::{
    pdp::description::{Branch, Description, EntityType, Field, Holder, Kind},
    sources::policy::{Extension, Limit},
};
use std::{collections::BTreeMap, fmt::Write as _};

/// Keywords, and names that the module uses itself.
const RESERVED: &[&str] = &[
    "False",
    "None",
    "True",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
    "with",
    "yield",
    "match",
    "type",
    "str",
    "int",
    "bool",
    "object",
    "dict",
    "list",
    "tuple",
    "date",
    "datetime",
    "timezone",
    "dataclass",
    "field",
    "fields",
    "Any",
    "ClassVar",
    "Generic",
    "Literal",
    "Mapping",
    "Sequence",
    "TypeVar",
    "TypedDict",
    "Evaluation",
    "Obligations",
    "ObligationKey",
    "supporting",
    "Ref",
    "T",
    "isinstance",
    "getattr",
    "ValueError",
    "staticmethod",
    "annotations",
];

const HEAD: &str = r#"
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any, ClassVar, Generic, Literal, TypedDict, TypeVar

# A question, as `POST /access/v1/evaluation` takes it: `json.dumps` makes the body.
Evaluation = dict[str, Any]

T = TypeVar("T", bound=str)


@dataclass(frozen=True)
class Ref(Generic[T]):
    """An entity by its type and id. An id alone, as text, is the same."""

    type: T
    id: str


class _Record:
    _names: ClassVar[dict[str, str]] = {}


class _Entity(_Record):
    _type: ClassVar[str] = ""


def _wire(value: Any) -> Any:
    if isinstance(value, _Record):
        given = ((name, getattr(value, own)) for own, name in value._names.items())
        return {name: _wire(one) for name, one in given if one is not None}
    if isinstance(value, Ref):
        return {"type": value.type, "id": value.id}
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; give it one, such as datetime.now(timezone.utc)")
        moment = value.astimezone(timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{moment.microsecond // 1000:03d}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _wire(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_wire(one) for one in value]
    return value


def _entity(entity: Any) -> dict[str, Any]:
    properties = _wire(entity)
    return {"type": entity._type, "id": entity.id, **({"properties": properties} if properties else {})}


def _question(subject: Any, action: str, properties: Any, resource: Any, context: Any) -> Evaluation:
    given = _wire(properties) if properties is not None else {}
    question = {
        "subject": _entity(subject),
        "action": {"name": action, **({"properties": given} if given else {})},
        "resource": _entity(resource),
    }
    return {**question, **({"context": _wire(context)} if context is not None else {})}
"#;

pub(super) fn module(description: &Description) -> String {
    let names = type_names(description, RESERVED);
    let mut functions = Names::without(RESERVED);
    names.values().for_each(|name| drop(functions.give(name)));
    let writer = Writer { description, names };
    let mut text = format!(
        "\"\"\"Questions to poort, made by `poort codegen --lang python`. Do not edit.\n\nPolicies: {}\n\"\"\"\n{HEAD}",
        description.revision
    );
    obligations::python(&mut text, description);
    // Types that others name come first, so that they need no order.
    for record in &description.records {
        writer.record(&mut text, &record.name, record.doc.as_deref(), &record.fields);
    }
    for context in &description.contexts {
        writer.record(&mut text, &context.name, context.doc.as_deref(), &context.fields);
        if let Some(action) = &context.action {
            writer.record(&mut text, &action.name, None, &action.fields);
        }
    }
    for kind in &description.types {
        writer.entity(&mut text, kind);
    }
    for branch in &description.branches {
        writer.function(&mut text, branch, &mut functions);
    }
    text
}

struct Writer<'a> {
    description: &'a Description,
    names: BTreeMap<String, String>,
}

impl Writer<'_> {
    fn name<'n>(&'n self, name: &'n str) -> &'n str {
        self.names.get(name).map_or(name, String::as_str)
    }

    fn record(&self, text: &mut String, name: &str, doc: Option<&str>, fields: &[Field]) {
        let _ = write!(text, "\n\n@dataclass(frozen=True, kw_only=True)\nclass {}(_Record):\n", self.name(name));
        docstring(text, doc);
        self.attributes(text, fields, &mut Names::without(RESERVED));
    }

    fn entity(&self, text: &mut String, kind: &EntityType) {
        let name = self.name(&kind.name);
        // What has an id alone takes it without its name.
        let named = if kind.fields().is_empty() { "" } else { ", kw_only=True" };
        let _ = write!(text, "\n\n@dataclass(frozen=True{named})\nclass {name}(_Entity):\n");
        docstring(text, kind.doc.as_deref());
        let _ = writeln!(text, "    _type: ClassVar[str] = {}", quoted(kind.wire_name()));
        let id = match &kind.held {
            Holder::Schema(ids) => literal(ids.iter().map(|id| quoted(id))),
            Holder::Directory | Holder::Question(_) => "str".to_owned(),
        };
        let _ = writeln!(text, "    id: {id}");
        let mut names = Names::without(RESERVED);
        names.give("id");
        self.attributes(text, kind.fields(), &mut names);
    }

    fn attributes(&self, text: &mut String, fields: &[Field], names: &mut Names<'_>) {
        let mut wire = Vec::new();
        for field in fields {
            let name = names.give(&snake_kept(&field.name));
            if let Some(doc) = &field.doc {
                let _ = writeln!(text, "    # {}", one_line(doc));
            }
            let kind = match &field.constant {
                Some(constant) => format!("Literal[{}]", quoted(constant)),
                None => self.kind(&field.kind, field.limit.as_ref()),
            };
            let absent = if field.required { "" } else { " | None = None" };
            let _ = writeln!(text, "    {name}: {kind}{absent}");
            wire.push(format!("{}: {}", quoted(&name), quoted(&field.name)));
        }
        let _ = writeln!(text, "    _names: ClassVar[dict[str, str]] = {{{}}}", wire.join(", "));
    }

    fn kind(&self, kind: &Kind, limit: Option<&Limit>) -> String {
        match kind {
            Kind::Bool => "bool".to_owned(),
            Kind::Long => match few(limit) {
                Some(numbers) => literal(numbers.iter().map(ToString::to_string)),
                None => "int".to_owned(),
            },
            Kind::Text => match limit {
                Some(limit @ Limit::Values(_)) => literal(limit.names().map(quoted)),
                _ => "str".to_owned(),
            },
            Kind::Entity(place) => match self.description.references.get(*place) {
                Some(reference) => {
                    let id = match &reference.listed {
                        Some(ids) => literal(ids.iter().map(|id| quoted(id))),
                        None => "str".to_owned(),
                    };
                    format!("{id} | Ref[{}]", literal(reference.names.iter().map(|name| quoted(name))))
                }
                None => "None".to_owned(),
            },
            Kind::Set(element) => format!("Sequence[{}]", self.kind(element, limit)),
            Kind::Record(place) => {
                let record = self.description.records.get(*place);
                record.map_or("None", |record| self.name(&record.name)).to_owned()
            }
            Kind::Tags(value) => format!("Mapping[str, {}]", self.kind(value, limit)),
            Kind::Extension(Extension::Datetime) => "datetime | date | str".to_owned(),
            Kind::Extension(Extension::Ip | Extension::Decimal | Extension::Duration) => "str".to_owned(),
        }
    }

    fn function(&self, text: &mut String, branch: &Branch, names: &mut Names<'_>) {
        let description = self.description;
        let Some(action) = description.action(branch) else { return };
        let (Some(resource), Some(context)) = (description.resource(branch), description.context(action)) else {
            return;
        };
        let subjects: Vec<_> = description.subjects(action).map(|kind| self.name(&kind.name)).collect();
        let name = names.give(&format!("{}_{}", snake(action.wire_name()), snake(&resource.name)));
        let mut parameters =
            vec![format!("subject: {}", subjects.join(" | ")), format!("resource: {}", self.name(&resource.name))];
        let optional =
            |kind: &str, is_needed| if is_needed { kind.to_owned() } else { format!("{kind} | None = None") };
        let properties = match &context.action {
            Some(action) => {
                parameters.push(format!("action: {}", optional(self.name(&action.name), needs_properties(context))));
                "action"
            }
            None => "None",
        };
        parameters.push(format!("context: {}", optional(self.name(&context.name), is_needed(context))));
        let _ = write!(text, "\n\ndef {name}(*, {}) -> Evaluation:\n", parameters.join(", "));
        let about = about(description, branch).join("\n\n    ");
        docstring(text, (!about.is_empty()).then_some(about.as_str()));
        let _ = writeln!(
            text,
            "    return _question(subject, {}, {properties}, resource, context)",
            quoted(action.wire_name())
        );
    }
}

/// The name of an attribute, as it is if it is an identifier.
fn snake_kept(name: &str) -> String {
    let is_identifier = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
        && name.chars().next().is_some_and(|first| !first.is_ascii_digit() && first != '_');
    if is_identifier { name.to_owned() } else { snake(name) }
}

fn docstring(text: &mut String, doc: Option<&str>) {
    if let Some(doc) = doc {
        let lines: Vec<_> = doc.split("\n\n    ").map(one_line).collect();
        let doc = lines.join("\n\n    ").replace('\\', "\\\\").replace('"', "\\\"");
        let _ = write!(text, "    \"\"\"{doc}\"\"\"\n\n");
    }
}

fn literal(alternatives: impl Iterator<Item = String>) -> String {
    let alternatives: Vec<_> = alternatives.collect();
    if alternatives.is_empty() { "None".to_owned() } else { format!("Literal[{}]", alternatives.join(", ")) }
}
