//! Finds probable mistakes in a valid directory: references to missing entities, dates in the wrong order, parents that
//! contradict attributes, and ids that look alike.
//!
//! These are findings of `poort validate`; a reload accepts such a directory. Refusing it would hold back revocations,
//! and policies treat a missing approver as none.

use super::{Directory, Sources};
use crate::{
    sources::policy::{
        Attribute, Attributes, EntityModel, Held, Schema, Shape,
        cedar_core::ast::{self, PartialValue, Value, ValueKind},
    },
    types::{
        problem::{Problem, SourceFile},
        suggest::nearest,
    },
};
use cedar_policy as cedar;
use serde_json::value::RawValue;
use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
};
use unicode_security::confusable_detection::skeleton;

/// For how many missing entities the most similar id is searched: each search goes through all ids of a type.
const HINTS: usize = 50;

/// All findings, in the order of the files. The directory is the one that was read from these files.
#[must_use]
pub fn findings(directory: &Directory, sources: &Sources, schema: &Schema) -> Vec<Problem> {
    let known = directory.uids().collect();
    let mut reader = Reader { schema, known, alike: BTreeMap::new(), hints: HINTS, problems: Vec::new() };
    for file in sources.files() {
        let items: Vec<&RawValue> = serde_json::from_str(&file.text).unwrap_or_default();
        for item in items {
            let start = item.get().as_ptr().addr().saturating_sub(file.text.as_ptr().addr());
            let Some(entity) = uid(item).and_then(|uid| directory.get(&uid)) else { continue };
            reader.entity(entity, &Entry { file, start, text: item.get() });
        }
    }
    reader.problems
}

fn uid(item: &RawValue) -> Option<ast::EntityUID> {
    #[derive(serde::Deserialize)]
    struct WithUid {
        uid: serde_json::Value,
    }
    let WithUid { uid } = serde_json::from_str(item.get()).ok()?;
    cedar::EntityUid::from_json(uid).ok().map(|uid| AsRef::<ast::EntityUID>::as_ref(&uid).clone())
}

/// An entity as a file has it.
struct Entry<'f> {
    file: &'f SourceFile,
    start: usize,
    text: &'f str,
}

impl Entry<'_> {
    /// The place of an attribute's name, or of the text after it; the first line, if it is not found.
    fn at(&self, path: &str, text: Option<&str>) -> Range<usize> {
        let mut found = None;
        let mut behind = 0;
        let names = path.split('.').map(|name| name.to_owned());
        for written in names.chain(text.map(str::to_owned)).filter_map(|name| serde_json::to_string(&name).ok()) {
            let Some(place) = self.text.get(behind..).and_then(|text| text.find(&written)) else { break };
            found = Some(behind + place..behind + place + written.len());
            behind += place + written.len();
        }
        let found = found.unwrap_or(0..self.text.find('\n').unwrap_or(self.text.len()));
        self.start + found.start..self.start + found.end
    }
}

struct Reader<'a> {
    schema: &'a Schema,
    known: HashSet<&'a ast::EntityUID>,
    /// The first id of each skeleton (Unicode Technical Standard 39), by type.
    alike: BTreeMap<(String, String), (String, String)>,
    hints: usize,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn entity(&mut self, entity: &ast::Entity, entry: &Entry<'_>) {
        let schema = self.schema;
        let Some(model) = schema.model.entity_type(entity.uid().entity_type()) else { return };
        self.look(entity.uid(), entry);
        let name = entity.uid().to_string();
        let declared = model.attributes.as_deref();
        let attributes = entity.attrs().filter_map(|(name, value)| Some((name.as_str(), plain(value)?)));
        self.record(&attributes.collect(), declared, &name, "", entry);
        let declared = model.tags.as_ref().map(|shape| Attribute::of(shape.clone(), false));
        for (tag, value) in entity.tags() {
            if let Some(value) = plain(value) {
                self.references(value, declared.as_ref(), &name, &format!("tags.{tag}"), entry);
            }
        }
        let mut parents: Vec<_> = entity.parents().collect();
        parents.sort();
        for parent in parents {
            self.reference(parent, false, &name, "parents", entry);
        }
        self.places(entity, model, entry);
    }

    /// Reports an id that looks like an earlier one.
    fn look(&mut self, uid: &ast::EntityUID, entry: &Entry<'_>) {
        let id: &str = uid.eid().as_ref();
        let key = (uid.entity_type().to_string(), skeleton(id).collect::<String>());
        let place = entry.at("uid", Some(id));
        let line = entry.file.text.get(..place.start).unwrap_or_default().matches('\n').count() + 1;
        match self.alike.get(&key) {
            Some((other, at)) if other != id => {
                let message = format!("the id `{id}` looks like the id `{other}` ({at}), and is another");
                let help = "make the two one account, or give one an id that nobody takes for the other";
                let problem = Problem::warning("directory::alike", entry.file, message);
                self.problems.push(problem.at(place, "here").help(help));
            }
            Some(_) => {}
            None => drop(self.alike.insert(key, (id.to_owned(), format!("{}:{line}", entry.file.name)))),
        }
    }

    fn record(
        &mut self,
        fields: &BTreeMap<&str, &Value>,
        declared: Option<&Attributes>,
        entity: &str,
        path: &str,
        entry: &Entry<'_>,
    ) {
        for (name, value) in fields {
            let path = if path.is_empty() { (*name).to_owned() } else { format!("{path}.{name}") };
            let attribute = declared.and_then(|declared| declared.get(*name));
            self.references(value, attribute, entity, &path, entry);
            let other = attribute.and_then(|attribute| attribute.asked.not_before.as_deref());
            if let Some(other) = other
                && let Some(first) = fields.get(other)
                && is_earlier(value, first)
            {
                let message = format!("`{path}` of {entity} is {value}, which is before `{other}`, {first}");
                let problem = Problem::warning("directory::dates", entry.file, message);
                let place = entry.at(&path, None);
                self.problems.push(problem.at(place, "here").help("exchange the two, or correct one"));
            }
        }
    }

    /// All that a value refers to.
    fn references(
        &mut self,
        value: &Value,
        attribute: Option<&Attribute>,
        entity: &str,
        path: &str,
        entry: &Entry<'_>,
    ) {
        match value.value_kind() {
            ValueKind::Record(fields) => {
                let declared = attribute.and_then(|attribute| match &attribute.shape {
                    Shape::Record(declared) => Some(declared.as_ref()),
                    _ => None,
                });
                let fields = fields.iter().map(|(name, value)| (name.as_str(), value)).collect();
                self.record(&fields, declared, entity, path, entry);
            }
            _ => {
                let must = attribute.is_some_and(|attribute| attribute.asked.known);
                let mut named: Vec<_> = value.all_literal_uids().into_iter().collect();
                named.sort();
                named.iter().for_each(|uid| self.reference(uid, must, entity, path, entry));
            }
        }
    }

    fn reference(&mut self, uid: &ast::EntityUID, must: bool, entity: &str, path: &str, entry: &Entry<'_>) {
        let held = self.schema.model.entity_type(uid.entity_type()).map(|model| &model.held);
        if held != Some(&Held::ByDirectory) || self.known.contains(uid) {
            return;
        }
        let id: &str = uid.eid().as_ref();
        let near = self.hints.checked_sub(1).and_then(|left| {
            self.hints = left;
            let ids = self.known.iter().filter(|known| known.entity_type() == uid.entity_type());
            nearest(id, ids.map(|known| known.eid().as_ref()))
        });
        let help = match near {
            Some(near) => format!("did you mean {}::\"{near}\"?", uid.entity_type()),
            None => "correct the id, or add the entity to the directory".to_owned(),
        };
        let message = format!("`{path}` of {entity} names {uid}, which the directory does not have");
        let problem = Problem::error("directory::unknown-reference", entry.file, message);
        let problem = problem.at(entry.at(path, Some(id)), "named here").help(help);
        self.problems.push(if must { problem } else { problem.as_warning() });
    }

    /// Reports an attribute that should name a parent (`@parents`) and names another entity.
    fn places(&mut self, entity: &ast::Entity, model: &EntityModel, entry: &Entry<'_>) {
        for name in &model.parents {
            let Some(value) = entity.get(name).and_then(plain) else { continue };
            let mut named: Vec<_> = value.all_literal_uids().into_iter().collect();
            named.sort();
            for uid in named.iter().filter(|uid| !entity.parents().any(|parent| parent == *uid)) {
                let message = format!("`{name}` of {} names {uid}, which is none of its parents", entity.uid());
                let problem = Problem::warning("directory::parents", entry.file, message);
                let place = entry.at(name, Some(uid.eid().as_ref()));
                let help = format!("add it to `parents`, or correct `{name}`: rules read the one or the other");
                self.problems.push(problem.at(place, "named here").help(help));
            }
        }
    }
}

fn plain(value: &PartialValue) -> Option<&Value> {
    match value {
        PartialValue::Value(value) => Some(value),
        PartialValue::Residual(_) => None,
    }
}

/// Whether both are values of one extension type, and the one is less.
fn is_earlier(one: &Value, other: &Value) -> bool {
    match (one.value_kind(), other.value_kind()) {
        (ValueKind::ExtensionValue(one), ValueKind::ExtensionValue(other)) => one < other,
        _ => false,
    }
}
