//! The template for TypeScript: an interface for each type and context, and `ask.<action>.<type>(…)`.

use super::{
    obligations,
    words::{about, few, is_needed, json_text as quoted, needs_properties, one_line, type_names},
};
use crate::{
    pdp::description::{Description, EntityType, Field, Holder, Kind},
    sources::policy::{Extension, Limit},
};
use std::{collections::BTreeMap, fmt::Write as _};

/// Names of the module's own, and of types that are everywhere.
const RESERVED: &[&str] = &[
    "Answer",
    "Evaluation",
    "Obligations",
    "ObligationKey",
    "ObligationHandlers",
    "supporting",
    "Reference",
    "Date",
    "ask",
    "string",
    "number",
    "boolean",
    "object",
    "any",
    "unknown",
    "never",
    "symbol",
    "bigint",
    "void",
    "undefined",
    "null",
];

const HEAD: &str = r#"
/** A question, as `POST /access/v1/evaluation` takes it: `JSON.stringify` makes the body. Make one with `ask`. */
export interface Evaluation {
  readonly subject: { readonly type: string; readonly id: string; readonly properties?: object };
  readonly action: { readonly name: string; readonly properties?: object };
  readonly resource: { readonly type: string; readonly id: string; readonly properties?: object };
  readonly context?: object;
}

/** The answer. Open the data only if `decision` is true and you do everything in `obligations`; do those of a deny too. */
export interface Answer {
  readonly decision: boolean;
  readonly context: {
    /** For who may know all of it; never for the user. */
    readonly reason: string;
    /** On a deny: what the user may be shown. */
    readonly reason_user?: { readonly [code: string]: string };
    readonly policies: readonly { readonly id: string; readonly title: string }[];
    readonly obligations: readonly { readonly id: string; readonly type: string; readonly properties: { readonly [name: string]: unknown } }[];
    readonly advice: readonly string[];
    readonly errors: readonly { readonly policy: string; readonly message: string }[];
    readonly undeclared?: readonly string[];
    readonly revision: string;
    readonly directory_revision: string;
    readonly record: { readonly trace_id: string; readonly span_id: string };
  };
}

/** The id of an entity, alone or with its type. */
export type Reference<Type extends string, Id extends string = string> = Id | { readonly type: Type; readonly id: Id };
"#;

pub(super) fn module(description: &Description) -> String {
    let writer = Writer { description, names: type_names(description, RESERVED) };
    let mut text = format!(
        "// Questions to poort, made by `poort codegen --lang typescript`. Do not edit.\n// Policies: {}\n{HEAD}",
        description.revision
    );
    obligations::typescript(&mut text, description);
    for kind in &description.types {
        writer.entity(&mut text, kind);
    }
    for context in &description.contexts {
        writer.interface(&mut text, &context.name, context.doc.as_deref(), &context.fields);
        if let Some(action) = &context.action {
            writer.interface(&mut text, &action.name, None, &action.fields);
        }
    }
    for record in &description.records {
        writer.interface(&mut text, &record.name, record.doc.as_deref(), &record.fields);
    }
    writer.ask(&mut text);
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

    fn entity(&self, text: &mut String, kind: &EntityType) {
        comment(text, "", kind.doc.iter().map(|doc| one_line(doc)));
        let id = match &kind.held {
            Holder::Schema(ids) => union(ids.iter().map(|id| quoted(id))),
            Holder::Directory | Holder::Question(_) => "string".to_owned(),
        };
        let _ = writeln!(text, "export interface {} {{", self.name(&kind.name));
        let _ = writeln!(text, "  readonly type: {};\n  readonly id: {id};", quoted(kind.wire_name()));
        let fields = kind.fields();
        if !fields.is_empty() {
            let is_needed = fields.iter().any(|field| field.required);
            let _ = writeln!(text, "  readonly properties{}: {{", if is_needed { "" } else { "?" });
            self.fields(text, fields, "    ");
            text.push_str("  };\n");
        }
        text.push_str("}\n");
    }

    fn interface(&self, text: &mut String, name: &str, doc: Option<&str>, fields: &[Field]) {
        comment(text, "", doc.map(one_line).into_iter());
        let _ = writeln!(text, "export interface {} {{", self.name(name));
        self.fields(text, fields, "  ");
        text.push_str("}\n");
    }

    fn fields(&self, text: &mut String, fields: &[Field], indent: &str) {
        for field in fields {
            if let Some(doc) = &field.doc {
                let _ = writeln!(text, "{indent}/** {} */", inside(&one_line(doc)));
            }
            let kind = match &field.constant {
                Some(constant) => quoted(constant),
                None => self.kind(&field.kind, field.limit.as_ref()),
            };
            let mark = if field.required { "" } else { "?" };
            let _ = writeln!(text, "{indent}readonly {}{mark}: {kind};", quoted(&field.name));
        }
    }

    fn kind(&self, kind: &Kind, limit: Option<&Limit>) -> String {
        match kind {
            Kind::Bool => "boolean".to_owned(),
            Kind::Long => match few(limit) {
                Some(numbers) => union(numbers.iter().map(ToString::to_string)),
                None => "number".to_owned(),
            },
            Kind::Text => match limit {
                Some(limit @ Limit::Values(_)) => union(limit.names().map(quoted)),
                _ => "string".to_owned(),
            },
            Kind::Entity(place) => match self.description.references.get(*place) {
                Some(reference) => {
                    let types = union(reference.names.iter().map(|name| quoted(name)));
                    match &reference.listed {
                        Some(ids) => format!("Reference<{types}, {}>", union(ids.iter().map(|id| quoted(id)))),
                        None => format!("Reference<{types}>"),
                    }
                }
                None => "never".to_owned(),
            },
            Kind::Set(element) => format!("readonly ({})[]", self.kind(element, limit)),
            Kind::Record(place) => {
                let record = self.description.records.get(*place);
                record.map_or("never", |record| self.name(&record.name)).to_owned()
            }
            Kind::Tags(value) => format!("{{ readonly [name: string]: {} }}", self.kind(value, limit)),
            Kind::Extension(Extension::Datetime) => "string | Date".to_owned(),
            Kind::Extension(Extension::Ip | Extension::Decimal | Extension::Duration) => "string".to_owned(),
        }
    }

    fn ask(&self, text: &mut String) {
        let description = self.description;
        text.push_str(
            "\n/** The questions that the policies know: `ask.<action>.<type>(…)`. */\nexport const ask = {\n",
        );
        for (place, action) in description.actions.iter().enumerate() {
            let Some(context) = description.context(action) else { continue };
            let _ = writeln!(text, "  {}: {{", quoted(action.wire_name()));
            for branch in description.branches.iter().filter(|branch| branch.action == place) {
                let Some(resource) = description.resource(branch) else { continue };
                comment(text, "    ", about(description, branch).into_iter());
                let subjects = union(description.subjects(action).map(|kind| self.name(&kind.name).to_owned()));
                let mut asked = format!("subject: {subjects}; ");
                let properties = context.action.as_ref().map(|properties| {
                    let mark = if needs_properties(context) { "" } else { "?" };
                    let _ = write!(asked, "action{mark}: {}; ", self.name(&properties.name));
                    if needs_properties(context) {
                        ", properties: question.action"
                    } else {
                        ", ...(question.action && { properties: question.action })"
                    }
                });
                let _ = write!(asked, "resource: Omit<{}, \"type\">; ", self.name(&resource.name));
                let mark = if is_needed(context) { "" } else { "?" };
                let _ = write!(asked, "context{mark}: {}", self.name(&context.name));
                let given = if is_needed(context) {
                    "context: question.context"
                } else {
                    "...(question.context && { context: question.context })"
                };
                let (kind, name) = (quoted(resource.wire_name()), quoted(action.wire_name()));
                let _ = writeln!(
                    text,
                    "    {kind}: (question: {{ {asked} }}): Evaluation => ({{\n      subject: question.subject,\n      \
                     action: {{ name: {name}{} }},\n      resource: {{ type: {kind}, ...question.resource }},\n      {given},\n    \
                     }}),",
                    properties.unwrap_or_default(),
                );
            }
            text.push_str("  },\n");
        }
        text.push_str("} as const;\n");
    }
}

fn comment(text: &mut String, indent: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<_> = lines.map(|line| inside(&line)).collect();
    match lines.as_slice() {
        [] => {}
        [one] => {
            let _ = writeln!(text, "{indent}/** {one} */");
        }
        several => {
            let _ = writeln!(text, "{indent}/**\n{indent} * {}\n{indent} */", several.join(&format!("\n{indent} * ")));
        }
    }
}

/// Text that does not end the comment that it is in.
fn inside(text: &str) -> String {
    text.replace("*/", "*\\/")
}

fn union(alternatives: impl Iterator<Item = String>) -> String {
    let alternatives: Vec<_> = alternatives.collect();
    if alternatives.is_empty() { "never".to_owned() } else { alternatives.join(" | ") }
}
