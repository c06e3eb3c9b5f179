//! A change of a remedy, for a person and as JSON.

use super::{
    place::{Place, Root, inside},
    state::{Scene, State, Target},
};
use crate::{
    sources::policy::{
        cedar_core::ast::{Entity, EntityUID, PartialValue, Value, ValueKind},
        shown, value_json,
    },
    types::{
        authzen,
        evaluation::{self, Map},
        language::Language,
        texts::explain,
    },
};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// Who would make a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The caller, in the context of the question.
    Context,
    /// The caller, in the properties of the action.
    Action,
    /// Who keeps the account, in the directory.
    Account,
    /// Nobody: it is a question about another record.
    Record,
    /// Who keeps something that others share, such as a profile, in the directory.
    Shared,
}

/// One value that is other, or one entity that an account is in.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where it is.
    pub held: Held,
    /// The entity that is changed; `None` for the context and the action.
    pub entity: Option<String>,
    /// In words for a person: what it is now, and what it would be.
    pub words: Words,
    /// For a program.
    pub json: Json,
}

/// What a change is, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// A value that is other: its name, what it is now and what it would be.
    Value(String),
    /// The entity would be in this group also.
    Joins(String),
    /// The entity would be in this group no longer.
    Leaves(String),
}

impl Words {
    /// The words in this language.
    #[must_use]
    pub fn in_language(&self, language: Language) -> String {
        match self {
            Self::Value(words) => words.clone(),
            Self::Joins(group) => explain::also_in(language, group),
            Self::Leaves(group) => explain::no_longer_in(language, group),
        }
    }
}

/// The changes from one state to another, those of the caller first.
pub(super) fn changes(scene: &Scene<'_>, from: &State, to: &State) -> Vec<Change> {
    let mut changes: Vec<_> = to.targets.iter().filter_map(|target| change(scene, from, to, target)).collect();
    changes.sort_by_key(|change| change.held as u8);
    changes
}

fn change(scene: &Scene<'_>, from: &State, to: &State, target: &Target) -> Option<Change> {
    match target {
        Target::Membership(uid, group) => {
            let joins = to.entities.get(uid).is_some_and(|entity| entity.is_child_of(group));
            let group_name = group.to_string();
            let words = if joins { Words::Joins(group_name) } else { Words::Leaves(group_name) };
            let key = if joins { "join" } else { "leave" };
            let json = json!({ "entity": uid_json(uid), key: uid_json(group) });
            Some(told(scene, uid, words, json))
        }
        Target::Value(Place { root: Root::Context, path }) => {
            let name = path.first()?;
            let (before, after) =
                (from.evaluation.context.get(name.as_str()), to.evaluation.context.get(name.as_str()));
            Some(of_question(Held::Context, "context", name, before, after))
        }
        Target::Value(Place { root: Root::Action, path }) => {
            let name = path.first()?;
            let (before, after) = (&from.evaluation.action.properties, &to.evaluation.action.properties);
            Some(of_question(Held::Action, "action", name, before.get(name.as_str()), after.get(name.as_str())))
        }
        Target::Value(Place { root: root @ (Root::Entity(uid) | Root::Tag(uid, _)), path }) => {
            let name = match root {
                Root::Tag(_, tag) => tag,
                _ => path.first()?,
            };
            let is_tag = matches!(root, Root::Tag(..));
            match to.entities.get(uid) {
                Some(after) => {
                    let before = scene.snapshot.directory.get(uid);
                    let before = before.and_then(|before| value(before, name, is_tag));
                    let after = value(after, name, is_tag);
                    let kind = if is_tag { "tag" } else { "attribute" };
                    let shown_name = if is_tag { format!("tag \"{name}\"") } else { name.to_string() };
                    let words = Words::Value(differences(&shown_name, before, after).join("; "));
                    let after = after.map(value_json).transpose().ok()?;
                    let json = json!({ "entity": uid_json(uid), kind: name.as_str(), "value": after });
                    Some(told(scene, uid, words, json))
                }
                None => {
                    let of = |state: &State| -> Map {
                        let is_resource = *uid == scene.resource;
                        let Evaluated { subject, resource } = parties(state);
                        if is_resource { resource.clone() } else { subject.clone() }
                    };
                    let (before, after) = (of(from), of(to));
                    let (before, after) = (in_properties(&before, name, is_tag), in_properties(&after, name, is_tag));
                    let change = of_question(Held::Record, "resource", name, before, after);
                    let held = if *uid == scene.resource { Held::Record } else { Held::Account };
                    Some(Change { held, entity: Some(uid.to_string()), ..change })
                }
            }
        }
    }
}

struct Evaluated<'a> {
    subject: &'a Map,
    resource: &'a Map,
}

fn parties(state: &State) -> Evaluated<'_> {
    Evaluated { subject: &state.evaluation.subject.properties, resource: &state.evaluation.resource.properties }
}

fn in_properties<'m>(properties: &'m Map, name: &str, is_tag: bool) -> Option<&'m evaluation::Value> {
    match (is_tag, properties.get("tags")) {
        (false, _) => properties.get(name),
        (true, Some(evaluation::Value::Map(tags))) => tags.get(name),
        (true, _) => None,
    }
}

fn told(scene: &Scene<'_>, uid: &EntityUID, words: Words, json: Json) -> Change {
    let held = if *uid == scene.subject {
        Held::Account
    } else if *uid == scene.resource {
        Held::Record
    } else {
        Held::Shared
    };
    Change { held, entity: Some(uid.to_string()), words, json }
}

fn of_question(
    held: Held,
    part: &str,
    name: &str,
    before: Option<&evaluation::Value>,
    after: Option<&evaluation::Value>,
) -> Change {
    let text = |value: &evaluation::Value| {
        let mut out = Vec::new();
        authzen::write_value(&mut out, value);
        String::from_utf8(out).unwrap_or_default()
    };
    let words = Words::Value(arrow(name, before.map(text), after.map(text)));
    let after = after.map(|after| serde_json::from_str::<Json>(&text(after)).unwrap_or_default());
    Change { held, entity: None, words, json: json!({ "question": part, "name": name, "value": after }) }
}

fn value<'e>(entity: &'e Entity, name: &str, is_tag: bool) -> Option<&'e Value> {
    match if is_tag { entity.get_tag(name) } else { entity.get(name) }? {
        PartialValue::Value(value) => Some(value),
        PartialValue::Residual(_) => None,
    }
}

/// What differs between two values, field by field where both are records.
fn differences(name: &str, before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| shown(value, &|_| false);
    match (before, after) {
        (Some(one), Some(other)) => match (one.value_kind(), other.value_kind()) {
            (ValueKind::Record(fields), ValueKind::Record(others)) => {
                let names: BTreeSet<_> = fields.keys().chain(others.keys()).collect();
                let each = names.into_iter().filter(|field| fields.get(*field) != others.get(*field));
                let path = |field: &smol_str::SmolStr| [field.clone()];
                each.flat_map(|field| {
                    let name = format!("{name}.{field}");
                    differences(&name, inside(one, &path(field)), inside(other, &path(field)))
                })
                .collect()
            }
            _ => vec![arrow(name, Some(text(one)), Some(text(other)))],
        },
        (before, after) => vec![arrow(name, before.map(text), after.map(text))],
    }
}

fn arrow(name: &str, before: Option<String>, after: Option<String>) -> String {
    match (before, after) {
        (Some(before), Some(after)) => format!("{name} {before} → {after}"),
        (None, Some(after)) => format!("{name} + {after}"),
        (Some(before), None) => format!("{name} − {before}"),
        (None, None) => name.to_owned(),
    }
}

fn uid_json(uid: &EntityUID) -> Json {
    json!({ "type": uid.entity_type().to_string(), "id": AsRef::<str>::as_ref(uid.eid()) })
}

impl Held {
    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Action => "action",
            Self::Account => "account",
            Self::Record => "record",
            Self::Shared => "shared",
        }
    }
}
