//! Renames made-up entities so that their names say it: the solver calls them "" and "A".

use super::{Example, search::Search};
use crate::{
    sources::policy::{Attributes, Listed, Reference, Shape, cedar_core::ast},
    types::evaluation::{Map, Value},
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

impl Search<'_> {
    /// Gives entities that were made up names that say so.
    pub(super) fn rename(&self, example: &mut Example, same: &dyn Fn(&Example) -> bool) {
        let mut found: BTreeSet<(String, String)> = BTreeSet::new();
        example.entities.iter().for_each(|entity| ids_in_json(entity, &mut found));
        let mut walked = example.clone();
        for (place, attributes) in self.declared() {
            rename_map(place.of_mut(&mut walked), &attributes, &mut |kind, id| {
                found.insert((kind.to_string(), id.clone()));
            });
        }
        let mut names: BTreeMap<(String, String), String> = BTreeMap::new();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (kind, id) in found {
            // An id that a policy names must stay, and such ids are words; so must one that the schema lists.
            if id.len() > 3 || self.is_listed(&kind) {
                continue;
            }
            let count = counts.entry(kind.clone()).or_default();
            *count += 1;
            let short = kind.rsplit("::").next().unwrap_or(&kind).to_lowercase();
            let name = format!("example-{short}-{count}");
            names.insert((kind, id), name);
        }
        let mut renamed = example.clone();
        for entity in &mut renamed.entities {
            rename_json(entity, &names);
        }
        let mut rename = |kind: &ast::EntityType, id: &mut String| {
            if let Some(name) = names.get(&(kind.to_string(), id.clone())) {
                id.clone_from(name);
            }
        };
        rename(&self.environment.principal, &mut renamed.evaluation.subject.id);
        rename(&self.environment.resource, &mut renamed.evaluation.resource.id);
        for (place, attributes) in self.declared() {
            rename_map(place.of_mut(&mut renamed), &attributes, &mut rename);
        }
        if same(&renamed) {
            *example = renamed;
        }
    }

    /// Whether the schema lists the entities of a type.
    fn is_listed(&self, kind: &str) -> bool {
        let policies = &self.snapshot.policies;
        kind.parse().is_ok_and(|kind| Listed::of(&kind, policies.schema.as_ref()).is_some())
    }
}

fn rename_map(map: &mut Map, attributes: &Attributes, rename: &mut dyn FnMut(&ast::EntityType, &mut String)) {
    for (name, value) in map {
        if let Some(attribute) = attributes.get(name.as_str()) {
            rename_value(value, &attribute.shape, rename);
        }
    }
}

fn rename_value(value: &mut Value, shape: &Shape, rename: &mut dyn FnMut(&ast::EntityType, &mut String)) {
    match (shape, value) {
        // What the schema lists keeps its name: there is no other.
        (Shape::Entity(Reference { kind, listed: None }), Value::String(id)) => rename(kind, id),
        (Shape::Set(element), Value::List(values)) => {
            values.iter_mut().for_each(|value| rename_value(value, element, rename));
        }
        (Shape::Record(attributes), Value::Map(map)) => rename_map(map, attributes, rename),
        _ => {}
    }
}

/// The types and ids of all that looks like `{"type", "id"}`.
fn ids_in_json(value: &serde_json::Value, found: &mut BTreeSet<(String, String)>) {
    match value {
        serde_json::Value::Object(fields) => match (fields.get("type"), fields.get("id")) {
            (Some(serde_json::Value::String(kind)), Some(serde_json::Value::String(id))) if fields.len() == 2 => {
                found.insert((kind.clone(), id.clone()));
            }
            _ => fields.values().for_each(|value| ids_in_json(value, found)),
        },
        serde_json::Value::Array(values) => values.iter().for_each(|value| ids_in_json(value, found)),
        _ => {}
    }
}

/// Renames all that looks like `{"type", "id"}`.
fn rename_json(value: &mut serde_json::Value, names: &BTreeMap<(String, String), String>) {
    match value {
        serde_json::Value::Object(fields) => {
            let uid = match (fields.get("type"), fields.get("id")) {
                (Some(serde_json::Value::String(kind)), Some(serde_json::Value::String(id))) if fields.len() == 2 => {
                    names.get(&(kind.clone(), id.clone())).cloned()
                }
                _ => None,
            };
            match uid {
                Some(name) => drop(fields.insert("id".to_owned(), json!(name))),
                None => fields.values_mut().for_each(|value| rename_json(value, names)),
            }
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| rename_json(value, names)),
        _ => {}
    }
}
