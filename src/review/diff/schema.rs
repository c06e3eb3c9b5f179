//! Compares schemas by what they declare and not by how they are written.

use super::{Change, SchemaChange};
use crate::{
    review::proof::Environment,
    sources::policy::{
        Held, Policies, Reference, Shape,
        cedar_core::validator::{Type, ValidatorEntityTypeKind, ValidatorSchema},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// The line of a type with `@source("request")`.
const SPOKEN_FOR: &str = "questions speak for it";

/// What a schema declares: each type and action, as lines that differ where the declarations differ.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Declared {
    types: BTreeMap<String, TypeLines>,
    actions: BTreeMap<String, Vec<String>>,
    contexts: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, PartialEq, Eq)]
struct TypeLines {
    lines: Vec<String>,
    /// The types that it refers to.
    refers: BTreeSet<String>,
}

impl Declared {
    pub(super) fn of(policies: &Policies) -> Self {
        let schema = policies.schema.as_ref();
        let mut types = BTreeMap::new();
        for declared in schema.entity_types() {
            let mut refers = BTreeSet::new();
            let mut lines = Vec::new();
            if let ValidatorEntityTypeKind::Enum(choices) = &declared.kind {
                lines.extend(choices.iter().map(|choice| format!("one is {choice:?}")));
            }
            for (name, attribute) in declared.attributes().iter() {
                let mark = if attribute.is_required { "" } else { "?" };
                lines.push(format!("{name}{mark}: {}", shown(&attribute.attr_type, schema, &mut refers)));
            }
            if let Some(tags) = declared.tag_type() {
                lines.push(format!("tags: {}", shown(tags, schema, &mut refers)));
            }
            for above in policies.schema.ancestors(&declared.name().clone().into()).into_iter().flatten() {
                lines.push(format!("in {above}"));
                refers.insert(above.to_string());
            }
            if let Some(Held::ByRequest { parents, .. }) =
                policies.model.entity_type(declared.name()).map(|model| &model.held)
            {
                lines.push(SPOKEN_FOR.to_owned());
                lines.extend(parents.iter().map(|parent| format!("its parent is its {parent}")));
            }
            lines.sort();
            types.insert(declared.name().to_string(), TypeLines { lines, refers });
        }
        let mut actions = BTreeMap::new();
        let mut contexts = BTreeMap::new();
        for action in schema.action_ids() {
            let mut refers = BTreeSet::new();
            let mut lines: Vec<_> = action.applies_to_principals().map(|kind| format!("for subjects {kind}")).collect();
            lines.extend(action.applies_to_resources().map(|kind| format!("for resources {kind}")));
            if let Some(Type::Record { attrs, .. }) = action.context() {
                for (name, attribute) in attrs.iter() {
                    let mark = if attribute.is_required { "" } else { "?" };
                    lines.push(format!("context {name}{mark}: {}", shown(&attribute.attr_type, schema, &mut refers)));
                }
            }
            if let Some(entity) = policies.action_entities.get(action.name()) {
                lines.extend(entity.ancestors().map(|group| format!("in {group}")));
            }
            lines.sort();
            actions.insert(action.name().to_string(), lines);
            contexts.insert(action.name().to_string(), refers);
        }
        Self { types, actions, contexts }
    }

    /// Whether the attributes of this type's entities come from questions.
    fn is_asked(&self, name: &str) -> bool {
        self.types.get(name).is_some_and(|declared| declared.lines.iter().any(|line| line == SPOKEN_FOR))
    }

    /// All declarations that matter to the questions of an environment. They are those of its types and its context,
    /// and of all that a policy can reach from these or from entities and actions that it names. Lines about other
    /// types that an action applies to are left out.
    pub(super) fn reachable(&self, environment: &Environment, named: &BTreeSet<String>) -> BTreeMap<&str, Vec<&str>> {
        let action = environment.action.to_string();
        let mut next: Vec<&str> = Vec::new();
        let mut found = BTreeMap::new();
        for (name, lines) in named.iter().chain([&action]).filter_map(|name| self.actions.get_key_value(name)) {
            let lines = lines.iter().filter(|line| !line.starts_with("for ")).map(String::as_str).collect();
            found.insert(name.as_str(), lines);
        }
        next.extend(named.iter().filter_map(|name| self.types.get_key_value(name)).map(|(name, _)| name.as_str()));
        if self.actions.contains_key(&action) {
            next.extend(self.contexts.get(&action).into_iter().flatten().map(String::as_str));
        }
        for kind in [&environment.principal, &environment.resource] {
            next.extend(self.types.get_key_value(&kind.to_string()).map(|(name, _)| name.as_str()));
        }
        while let Some(name) = next.pop() {
            let Some((name, declared)) = self.types.get_key_value(name) else { continue };
            if found.insert(name, declared.lines.iter().map(String::as_str).collect()).is_none() {
                next.extend(declared.refers.iter().map(String::as_str));
            }
        }
        found
    }
}

/// A change in the meaning of the same question, if there is one: where attributes come from, which entities can be in
/// which, and which questions are accepted. A comparison under the new schema alone would not show it.
pub(super) fn changed_meaning(
    (base, head): (&Declared, &Declared),
    environment: &Environment,
    named: &BTreeSet<String>,
) -> Option<String> {
    let (before, after) = (base.reachable(environment, named), head.reachable(environment, named));
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

/// Whether a line that only one side has changes what a question means.
fn carries_meaning(line: &str, other: &[&str], is_asked: bool, is_action: bool) -> bool {
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
    fn lines(of: &BTreeMap<String, TypeLines>) -> BTreeMap<&String, &Vec<String>> {
        of.iter().map(|(name, declared)| (name, &declared.lines)).collect()
    }
    let mut all = Vec::new();
    compare("entity type", &lines(&base.types), &lines(&head.types), &mut all);
    compare("action", &base.actions.iter().collect(), &head.actions.iter().collect(), &mut all);
    all
}

fn compare(
    what: &str,
    base: &BTreeMap<&String, &Vec<String>>,
    head: &BTreeMap<&String, &Vec<String>>,
    found: &mut Vec<SchemaChange>,
) {
    let names: BTreeSet<_> = base.keys().chain(head.keys()).collect();
    for name in names {
        let (before, after) = (base.get(name), head.get(name));
        let change = match (before, after) {
            (None, Some(_)) => Change::Added,
            (Some(_), None) => Change::Removed,
            (Some(before), Some(after)) if before != after => Change::Changed,
            _ => continue,
        };
        let lines = |of: Option<&&Vec<String>>, other: Option<&&Vec<String>>| -> Vec<String> {
            let other: BTreeSet<_> = other.into_iter().flat_map(|lines| lines.iter()).collect();
            of.into_iter().flat_map(|lines| lines.iter()).filter(|line| !other.contains(line)).cloned().collect()
        };
        found.push(SchemaChange {
            what: what.to_owned(),
            name: (*name).clone(),
            change,
            removed: lines(before, after),
            added: lines(after, before),
        });
    }
}

fn shown(ty: &Type, schema: &ValidatorSchema, refers: &mut BTreeSet<String>) -> String {
    match Shape::of(ty, schema) {
        Some(shape) => shape_text(&shape, refers),
        None => format!("{ty:?}"),
    }
}

fn shape_text(shape: &Shape, refers: &mut BTreeSet<String>) -> String {
    match shape {
        Shape::Bool => "Bool".to_owned(),
        Shape::Long => "Long".to_owned(),
        Shape::String => "String".to_owned(),
        Shape::Entity(Reference { kind, .. }) => {
            refers.insert(kind.to_string());
            kind.to_string()
        }
        Shape::Set(element) => format!("Set<{}>", shape_text(element, refers)),
        Shape::Record(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, field)| {
                    let mark = if field.required { "" } else { "?" };
                    format!("{name}{mark}: {}", shape_text(&field.shape, refers))
                })
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Shape::Extension(extension) => extension.type_name().to_owned(),
    }
}
