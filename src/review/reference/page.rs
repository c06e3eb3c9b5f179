//! The page in Markdown, for GitHub, GitLab and editors.

use super::table::{anchor, prose, table};
use crate::{
    pdp::description::{Action, Branch, Context, Description, EntityType, Holder, Obligation, example},
    review::report::markdown::{code, escaped, fenced},
    sources::policy::{
        Limit,
        obligations::{Declared, Named, Parameters, Text},
    },
    types::{
        authzen::{self, addresses::EVALUATION},
        decision::Decision,
    },
};
use std::{collections::BTreeMap, fmt::Write as _};

/// The page.
#[must_use]
pub fn markdown(description: &Description) -> String {
    let mut text = String::with_capacity(64 << 10);
    let page = Page { description };
    page.head(&mut text);
    page.contents(&mut text);
    for (system, types) in page.systems() {
        for kind in types {
            page.resource(&mut text, kind, system.name());
        }
    }
    page.contexts(&mut text);
    page.records(&mut text);
    page.obligations(&mut text);
    page.directory(&mut text);
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

struct Page<'a> {
    description: &'a Description,
}

/// Types of resources by the one value that the schema gives one of their attributes, such as `system`.
type Systems<'a> = BTreeMap<System, Vec<(usize, &'a EntityType)>>;

/// Types without such an attribute come last.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum System {
    Named(String),
    None,
}

impl System {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::None => None,
        }
    }
}

impl<'a> Page<'a> {
    fn head(&self, text: &mut String) {
        let Description { revision, branches, .. } = self.description;
        let _ = write!(
            text,
            "# What to ask, and what can come of it\n\n\
             This page is for developers of applications that ask poort. It holds every question that the policies know: \
             {} pairs of an action and a type of resource. It is made of the policies `{revision}`.\n\n\
             Send each question as JSON to `POST {EVALUATION}`, or with the same names over gRPC. Open the data only if \
             `decision` is true **and** your application does everything in `obligations`; do those of a deny too. Show \
             your user `reason_user` of a deny, and never `reason`. What a table does not name is a mistake. The directory says what a subject is: give its type and its id, and nothing \
             else. poort itself knows the time (`context.pdp`).\n\n",
            branches.len(),
        );
    }

    fn systems(&self) -> Systems<'a> {
        let description = self.description;
        let mut systems = Systems::new();
        for (place, kind) in description.types.iter().enumerate() {
            if description.branches.iter().any(|branch| branch.resource == place) {
                let constant = kind.fields().iter().find_map(|field| field.constant.clone());
                systems.entry(constant.map_or(System::None, System::Named)).or_default().push((place, kind));
            }
        }
        systems
    }

    /// The branches of a type of resource.
    fn branches(&self, resource: usize) -> impl Iterator<Item = (&'a Branch, &'a Action)> {
        let description = self.description;
        let branches = description.branches.iter().filter(move |branch| branch.resource == resource);
        branches.filter_map(|branch| Some((branch, description.action(branch)?)))
    }

    fn contents(&self, text: &mut String) {
        text.push_str("## Contents\n\n");
        let systems = self.systems();
        let has_systems = systems.keys().any(|system| system.name().is_some());
        text.push_str(if has_systems {
            "| system | resource | actions |\n|---|---|---|\n"
        } else {
            "| resource | actions |\n|---|---|\n"
        });
        for (system, types) in &systems {
            for (place, kind) in types {
                let link = |(branch, action): (&Branch, &Action)| {
                    format!("[{}](#{})", escaped(action.wire_name()), anchor(&branch.name))
                };
                let actions: Vec<_> = self.branches(*place).map(link).collect();
                if has_systems {
                    let _ = write!(text, "| {} ", system.name().map(escaped).unwrap_or_default());
                }
                let _ =
                    writeln!(text, "| [{}](#{}) | {} |", escaped(&kind.name), anchor(&kind.name), actions.join(", "));
            }
        }
        text.push('\n');
        let links = |names: &[&str]| {
            names.iter().map(|name| format!("[{}](#{})", escaped(name), anchor(name))).collect::<Vec<_>>().join(", ")
        };
        let contexts: Vec<_> = self.description.contexts.iter().map(|context| context.name.as_str()).collect();
        let _ = writeln!(text, "Contexts: {}.\n", links(&contexts));
        let records: Vec<_> = self.description.records.iter().map(|record| record.name.as_str()).collect();
        if !records.is_empty() {
            let _ = writeln!(text, "Objects in records and contexts: {}.\n", links(&records));
        }
    }

    fn resource(&self, text: &mut String, (place, kind): (usize, &EntityType), system: Option<&str>) {
        let _ = writeln!(text, "## {}\n", kind.name);
        if let Some(doc) = &kind.doc {
            let _ = writeln!(text, "{}\n", prose(doc));
        }
        if let Some(system) = system {
            let _ = writeln!(text, "System: {}.\n", code(system));
        }
        let names: Vec<_> = kind.names.iter().map(|name| code(name)).collect();
        let _ = writeln!(
            text,
            "`resource.type`: {}. `resource.id`: {}\n",
            names.join(" or "),
            match &kind.held {
                Holder::Question(_) => "the id of the record. `resource.properties`:".to_owned(),
                Holder::Directory => "an id that the directory knows; the directory says what it is.".to_owned(),
                Holder::Schema(ids) =>
                    format!("one of {}.", ids.iter().map(|id| code(id)).collect::<Vec<_>>().join(", ")),
            }
        );
        table(text, self.description, kind.fields());
        for (branch, action) in self.branches(place) {
            self.branch(text, branch, action, kind);
        }
    }

    fn branch(&self, text: &mut String, branch: &Branch, action: &Action, kind: &EntityType) {
        let description = self.description;
        let _ = writeln!(text, "### {}\n", branch.name);
        if let Some(doc) = &action.doc {
            let _ = writeln!(text, "{}\n", prose(doc));
        }
        let subjects: Vec<_> = description.subjects(action).map(|subject| code(subject.wire_name())).collect();
        text.push_str("| | |\n|---|---|\n");
        let _ = writeln!(text, "| `subject` | `type`: {}; `id`: that of the account |", subjects.join(", "));
        let _ = write!(text, "| `action` | `name`: {}", code(action.wire_name()));
        let context = description.context(action);
        if let Some(action) = context.and_then(|context| context.action.as_ref()) {
            let _ = write!(text, "; `properties`: [{}](#{})", escaped(&action.name), anchor(&action.name));
        }
        let _ = writeln!(text, " |\n| `resource` | [{}](#{}) |", escaped(&kind.name), anchor(&kind.name));
        if let Some(context) = context {
            let required: Vec<_> =
                context.fields.iter().filter(|field| field.required).map(|field| code(&field.name)).collect();
            let asks = if required.is_empty() { String::new() } else { format!("; required: {}", required.join(", ")) };
            let _ = writeln!(text, "| `context` | [{}](#{}){asks} |", escaped(&context.name), anchor(&context.name));
        }
        for (with, what) in [(Decision::Allow, "may come with an allow"), (Decision::Deny, "may come with a deny")] {
            let due: Vec<_> = branch.obligations.iter().filter(|due| due.with == with).map(obligation).collect();
            if !due.is_empty() {
                let _ = writeln!(text, "| obligations that {what} | {} |", due.join("<br>"));
            }
        }
        text.push('\n');
        if let Some(example) = example(description, branch) {
            fenced("json", &one_line_a_part(&example), text);
        }
    }

    fn contexts(&self, text: &mut String) {
        for context in &self.description.contexts {
            let Context { name, doc, fields, action, pdp } = context;
            let _ = writeln!(text, "## {name}\n");
            if let Some(doc) = doc {
                let _ = writeln!(text, "{}\n", prose(doc));
            }
            text.push_str(if fields.is_empty() { "`context` holds nothing.\n\n" } else { "`context`:\n\n" });
            table(text, self.description, fields);
            if !pdp.is_empty() {
                let names: Vec<_> = pdp.iter().map(|name| code(&format!("pdp.{name}"))).collect();
                let _ =
                    writeln!(text, "poort itself adds {}; a question that sets `pdp` is refused.\n", names.join(", "));
            }
            if let Some(action) = action {
                let _ = writeln!(text, "### {}\n\n`action.properties`:\n", action.name);
                table(text, self.description, &action.fields);
            }
        }
    }

    fn records(&self, text: &mut String) {
        for record in &self.description.records {
            let _ = writeln!(text, "## {}\n", record.name);
            if let Some(doc) = &record.doc {
                let _ = writeln!(text, "{}\n", prose(doc));
            }
            table(text, self.description, &record.fields);
        }
    }

    fn obligations(&self, text: &mut String) {
        let declared = &self.description.obligations;
        if declared.is_empty() {
            return;
        }
        text.push_str(
            "## Obligations\n\nWhat an answer can ask of your application, by key. Those of the type `custom` are in one \
             obligation, with the keys as `properties`. A key without parameters has its meaning as value. Do those of a deny \
             too. What you cannot do makes an allow a deny; list the keys that you can do in `context.supported_obligations`, \
             and poort makes it one.\n\n| key | type | what it asks | parameters |\n|---|---|---|---|\n",
        );
        for (key, Declared { kind, meaning, parameters }) in declared {
            let parameters = match parameters {
                Parameters::None => String::new(),
                Parameters::Text(of) => texts(of),
                Parameters::Named(named) => {
                    let one = |(name, of): (&String, &Named)| {
                        let optional = if of.required { "" } else { ", optional" };
                        format!("{}: {}{optional}", code(name), texts(&of.text))
                    };
                    named.iter().map(one).collect::<Vec<_>>().join("<br>")
                }
            };
            let _ = writeln!(text, "| {} | {} | {} | {parameters} |", code(key), code(kind), prose(meaning));
        }
        text.push('\n');
    }

    /// The types of subjects, which the directory holds.
    fn directory(&self, text: &mut String) {
        let description = self.description;
        let is_subject = |place: &usize| description.actions.iter().any(|action| action.subjects.contains(place));
        let is_resource = |place: usize| description.branches.iter().any(|branch| branch.resource == place);
        let subjects: Vec<_> =
            (0..description.types.len()).filter(is_subject).filter(|place| !is_resource(*place)).collect();
        if subjects.is_empty() {
            return;
        }
        text.push_str("## Subjects\n\n| type | other names | what it is |\n|---|---|---|\n");
        for kind in subjects.into_iter().filter_map(|place| description.types.get(place)) {
            let others: Vec<_> = kind.names.iter().skip(1).map(|name| code(name)).collect();
            let doc = kind.doc.as_deref().map(prose).unwrap_or_default();
            let _ = writeln!(text, "| {} | {} | {doc} |", code(kind.wire_name()), others.join(", "));
        }
        text.push('\n');
    }
}

/// What the application must do, and which policy asks it.
fn obligation(of: &Obligation) -> String {
    let Obligation { policy, kind, properties, .. } = of;
    let what = match properties.get("obligation") {
        Some(crate::types::evaluation::Value::String(sentence)) if properties.len() == 1 => escaped(sentence),
        _ if properties.is_empty() => String::new(),
        _ => {
            let mut written = Vec::new();
            authzen::write_map(&mut written, properties);
            code(&String::from_utf8_lossy(&written)).replace('|', "\\|")
        }
    };
    let kind = if kind == "custom" { String::new() } else { code(kind) };
    let parts = [kind, what, format!("({})", code(policy))];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What a text, or each of a list of texts, can be.
fn texts(Text { is_list, limit }: &Text) -> String {
    let kind = if *is_list { "list of texts" } else { "text" };
    let named = limit.iter().flat_map(Limit::names).map(code).collect::<Vec<_>>().join(", ");
    if named.is_empty() { kind.to_owned() } else { format!("{kind}: {named}") }
}

/// A question with a line for each of its parts.
fn one_line_a_part(question: &serde_json::Value) -> String {
    let parts = question.as_object().into_iter().flatten();
    let lines: Vec<_> = parts.map(|(name, part)| format!("  \"{name}\": {part}")).collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}
