//! Compares schemas by what they declare and not by how they are written.

use super::{
    Change, SchemaChange,
    new_questions::{NewQuestions, Part},
    read::Read,
};
use crate::{
    review::proof::Environment,
    sources::policy::{
        Attribute, Held, Policies, Reference, Shape,
        cedar_core::validator::{AttributeType, Type, ValidatorEntityTypeKind, ValidatorSchema},
    },
    types::{language::Language, texts::diff as texts},
};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// The line of a type with `@source("request")`.
const SPOKEN_FOR: &str = "questions speak for it";

/// What a schema declares: each type and action, as lines that differ where the declarations differ.
#[derive(Debug)]
pub(super) struct Declared {
    types: BTreeMap<String, Lines>,
    actions: BTreeMap<String, Lines>,
}

type Lines = Vec<Line>;

/// A part of a declaration.
#[derive(Debug, Default)]
struct Line {
    /// All of it.
    text: String,
    /// The attribute that it declares.
    attribute: Option<String>,
    /// What its text begins with, and the type of the attribute or of tags.
    value: Option<(String, Shape)>,
    /// Whether questions must have that attribute.
    is_asked: bool,
    /// Whether questions carry it.
    is_held: bool,
    /// The types that it refers to.
    refers: BTreeSet<String>,
}

impl Line {
    fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The line of an attribute, or of tags.
    fn value(start: String, attribute: Option<&SmolStr>, ty: &Type, schema: &ValidatorSchema) -> Self {
        let attribute = attribute.map(ToString::to_string);
        let mut refers = BTreeSet::new();
        match Shape::of(ty, schema) {
            Some(shape) => {
                let text = format!("{start}{}", shape_text(&shape, &mut refers, &|_| true));
                Self { text, attribute, value: Some((start, shape)), refers, ..Self::default() }
            }
            None => Self { text: format!("{start}{ty:?}"), attribute, ..Self::default() },
        }
    }

    /// As far as it matters to what policies read and to which questions there are, with the types that it refers to.
    fn read(&self, read: &Read) -> Option<(String, BTreeSet<String>)> {
        let name = self.attribute.as_deref();
        if name.is_some_and(|name| !self.is_asked && !read.reads(name)) {
            return None;
        }
        let Some((start, shape)) = self.value.as_ref().filter(|_| !read.reads_whole(name)) else {
            return Some((self.text.clone(), self.refers.clone()));
        };
        let mut refers = BTreeSet::new();
        let text =
            shape_text(shape, &mut refers, &|(name, field)| (self.is_held && field.required) || read.reads(name));
        Some((format!("{start}{text}"), refers))
    }
}

impl Declared {
    pub(super) fn of(policies: &Policies) -> Self {
        let schema = policies.schema.as_ref();
        let mut types = BTreeMap::new();
        for declared in schema.entity_types() {
            let mut lines = Vec::new();
            let held = policies.model.entity_type(declared.name()).map(|model| &model.held);
            let is_asked = matches!(held, Some(Held::ByRequest { .. }));
            if let ValidatorEntityTypeKind::Enum(choices) = &declared.kind {
                lines.extend(choices.iter().map(|choice| Line::plain(format!("one is {choice:?}"))));
            }
            for (name, attribute) in declared.attributes().iter() {
                lines.push(declares("", name, attribute, is_asked, schema));
            }
            if let Some(tags) = declared.tag_type() {
                let held = Line { is_held: is_asked, ..Line::value("tags: ".to_owned(), None, tags, schema) };
                lines.push(held);
            }
            for above in policies.schema.ancestors(&declared.name().clone().into()).into_iter().flatten() {
                let refers = BTreeSet::from([above.to_string()]);
                lines.push(Line { text: format!("in {above}"), refers, ..Line::default() });
            }
            if let Some(Held::ByRequest { parents, .. }) = held {
                lines.push(Line::plain(SPOKEN_FOR));
                lines.extend(parents.iter().map(|parent| Line::plain(format!("its parent is its {parent}"))));
                for line in &mut lines {
                    let is_parent = line.attribute.as_ref().is_some_and(|name| parents.iter().any(|it| it == name));
                    line.is_asked |= is_parent;
                }
            }
            lines.sort_by(|one, other| one.text.cmp(&other.text));
            types.insert(declared.name().to_string(), lines);
        }
        let mut actions = BTreeMap::new();
        for action in schema.action_ids() {
            let mut lines: Vec<_> =
                action.applies_to_principals().map(|kind| Line::plain(format!("for subjects {kind}"))).collect();
            lines.extend(action.applies_to_resources().map(|kind| Line::plain(format!("for resources {kind}"))));
            if let Some(Type::Record { attrs, .. }) = action.context() {
                lines.extend(attrs.iter().map(|(name, attribute)| declares("context ", name, attribute, true, schema)));
            }
            if let Some(entity) = policies.action_entities.get(action.name()) {
                lines.extend(entity.ancestors().map(|group| Line::plain(format!("in {group}"))));
            }
            lines.sort_by(|one, other| one.text.cmp(&other.text));
            actions.insert(action.name().to_string(), lines);
        }
        Self { types, actions }
    }

    /// Whether the attributes of this type's entities come from questions.
    fn is_asked(&self, name: &str) -> bool {
        self.types.get(name).is_some_and(|declared| declared.iter().any(|line| line.text == SPOKEN_FOR))
    }

    /// All declarations that matter to the questions of an environment. They are those of its types and its context,
    /// and of all that a policy can reach from these or from entities and actions that it names. Lines about other
    /// types that an action applies to are left out, and so are attributes that no policy reads and no question must have.
    pub(super) fn reachable(&self, environment: &Environment, read: &Read) -> BTreeMap<&str, Vec<String>> {
        let action = environment.action.to_string();
        let mut next: Vec<String> = Vec::new();
        let mut found = BTreeMap::new();
        for (name, lines) in read.named.iter().chain([&action]).filter_map(|name| self.actions.get_key_value(name)) {
            let is_own = *name == action;
            let lines =
                lines.iter().filter(|line| !line.text.starts_with("for ") && (is_own || line.attribute.is_none()));
            let (lines, refers): (_, Vec<_>) = lines.filter_map(|line| line.read(read)).unzip();
            next.extend(refers.into_iter().flatten());
            found.insert(name.as_str(), lines);
        }
        next.extend(read.named.iter().cloned());
        for kind in [&environment.principal, &environment.resource] {
            next.push(kind.to_string());
        }
        while let Some(name) = next.pop() {
            let Some((name, declared)) = self.types.get_key_value(&name) else { continue };
            if found.contains_key(name.as_str()) {
                continue;
            }
            let (lines, refers): (_, Vec<_>) = declared.iter().filter_map(|line| line.read(read)).unzip();
            found.insert(name, lines);
            next.extend(refers.into_iter().flatten());
        }
        found
    }
}

/// A change in the meaning of the same question, if there is one: where attributes come from, which entities can be in
/// which, and which questions are accepted. A comparison under the new schema alone would not show it.
pub(super) fn changed_meaning(
    (base, head): (&Declared, &Declared),
    environment: &Environment,
    read: &Read,
) -> Option<String> {
    meaning((base, head), (&base.reachable(environment, read), &head.reachable(environment, read)))
}

type Reachable<'a> = BTreeMap<&'a str, Vec<String>>;

fn meaning((base, head): (&Declared, &Declared), (before, after): (&Reachable<'_>, &Reachable<'_>)) -> Option<String> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (before, after) =
            (before.get(*name).cloned().unwrap_or_default(), after.get(*name).cloned().unwrap_or_default());
        let asked = |of: &Declared| of.actions.contains_key(*name) || of.is_asked(name);
        let is_asked = asked(base) || asked(head);
        for (line, other) in before.iter().map(|line| (line, &after)).chain(after.iter().map(|line| (line, &before))) {
            if !other.contains(line) && carries_meaning(line, other, is_asked, base.actions.contains_key(*name)) {
                return Some(format!("{name}: {line}"));
            }
        }
    }
    None
}

/// The questions that are new, if what changed in meaning is that attributes of questions became optional, and nothing else.
pub(super) fn loosened(
    (base, head): (&Declared, &Declared),
    environment: &Environment,
    read: &Read,
) -> Option<NewQuestions> {
    let mut missing = Vec::new();
    // Without these, the declarations must mean the same.
    let mut strict = head.reachable(environment, read);
    for (name, lines) in base.reachable(environment, read) {
        for line in lines {
            // Only the lines of attributes have a type after their name.
            let optional = line.replacen(": ", "?: ", 1);
            let is_optional = |of: &Lines| of.iter().any(|other| other.text == optional);
            let in_head = [&head.actions, &head.types].into_iter().filter_map(|all| all.get(name));
            if optional == line
                || line.split(": ").next().is_some_and(|start| start.ends_with('?'))
                || !in_head.into_iter().any(is_optional)
            {
                continue;
            }
            let parts = Part::declared_by(name, environment);
            let attribute = line.split(": ").next()?.trim_start_matches("context ").to_owned();
            missing.extend(parts.into_iter().map(|part| (part, attribute.clone())));
            let lines = strict.entry(name).or_default();
            lines.retain(|other| *other != optional);
            lines.push(line);
            lines.sort();
        }
    }
    let before = base.reachable(environment, read);
    (!missing.is_empty() && meaning((base, head), (&before, &strict)).is_none()).then_some(NewQuestions { missing })
}

/// Whether a line that only one side has changes what a question means.
fn carries_meaning(line: &str, other: &[String], is_asked: bool, is_action: bool) -> bool {
    if ["questions speak", "its parent is", "one is "].iter().any(|start| line.starts_with(start)) {
        return true;
    }
    if line.starts_with("in ") {
        return is_action;
    }
    if !is_asked {
        return false;
    }
    // An optional value that is new or gone refuses no question, and a policy that read it is not valid without it.
    let attribute = |line: &str| line.split(": ").next().unwrap_or_default().trim_end_matches('?').to_owned();
    let is_optional = line.split(": ").next().is_some_and(|name| name.ends_with('?'));
    !is_optional || other.iter().any(|other| attribute(other) == attribute(line))
}

/// What was added, removed and changed.
pub(super) fn changes(base: &Declared, head: &Declared) -> Vec<SchemaChange> {
    let mut all = Vec::new();
    compare(texts::entity_type(Language::English), &base.types, &head.types, &mut all);
    compare(texts::action(Language::English), &base.actions, &head.actions, &mut all);
    all
}

fn compare(what: &str, base: &BTreeMap<String, Lines>, head: &BTreeMap<String, Lines>, found: &mut Vec<SchemaChange>) {
    fn texts(lines: &Lines) -> impl Iterator<Item = &String> {
        lines.iter().map(|line| &line.text)
    }
    let names: BTreeSet<_> = base.keys().chain(head.keys()).collect();
    for name in names {
        let (before, after) = (base.get(name), head.get(name));
        let change = match (before, after) {
            (None, Some(_)) => Change::Added,
            (Some(_), None) => Change::Removed,
            (Some(before), Some(after)) if texts(before).ne(texts(after)) => Change::Changed,
            _ => continue,
        };
        let lines = |of: Option<&Lines>, other: Option<&Lines>| -> Vec<String> {
            let other: BTreeSet<_> = other.into_iter().flatten().map(|line| &line.text).collect();
            let texts = of.into_iter().flatten().map(|line| &line.text);
            texts.filter(|line| !other.contains(line)).cloned().collect()
        };
        found.push(SchemaChange {
            what: what.to_owned(),
            name: name.clone(),
            change,
            removed: lines(before, after),
            added: lines(after, before),
        });
    }
}

/// The line of an attribute. `is_held`: questions carry it.
fn declares(of: &str, name: &SmolStr, attribute: &AttributeType, is_held: bool, schema: &ValidatorSchema) -> Line {
    let mark = if attribute.is_required { "" } else { "?" };
    let line = Line::value(format!("{of}{name}{mark}: "), Some(name), &attribute.attr_type, schema);
    Line { is_asked: is_held && attribute.is_required, is_held, ..line }
}

/// A type in words, with the fields of records that are wanted. Elements of sets are taken whole.
fn shape_text(shape: &Shape, refers: &mut BTreeSet<String>, wanted: &dyn Fn((&SmolStr, &Attribute)) -> bool) -> String {
    match shape {
        Shape::Bool => "Bool".to_owned(),
        Shape::Long => "Long".to_owned(),
        Shape::String => "String".to_owned(),
        Shape::Entity(Reference { kind, .. }) => {
            refers.insert(kind.to_string());
            kind.to_string()
        }
        Shape::Set(element) => format!("Set<{}>", shape_text(element, refers, &|_| true)),
        Shape::Record(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .filter(|field| wanted(*field))
                .map(|(name, field)| {
                    let mark = if field.required { "" } else { "?" };
                    format!("{name}{mark}: {}", shape_text(&field.shape, refers, wanted))
                })
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Shape::Extension(extension) => extension.type_name().to_owned(),
    }
}
