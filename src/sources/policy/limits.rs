//! Reads the annotations of a schema that say more of a value than its type, and attaches them to the attributes.
//!
//! | annotation | on an attribute, or on a type with a name | means |
//! |---|---|---|
//! | `@values("a, b")` | a string, or a set of them | the value, or each element, is one of these |
//! | `@range("1..4")` | a whole number, or a set of them | the value, or each element, is between these |
//! | `@known` | a reference, or a set of them | the directory has what it names; for types that the directory holds |
//! | `@not_before("from")` | a `datetime` | it is not earlier than that attribute beside it; for types that the directory holds |
//! | `@recorded` | a reference, an attribute of the entity type itself | answers name what it refers to; for types that the directory holds |
//! | `@test_account("a, b")` | a string, an attribute of the entity type itself | an account with one of these values is a test account; for types that the directory holds |
//! | `@tags("a, b")` | an entity type with tags | their names are among these; for types that the directory holds |
//!
//! A question may leave out a required string for which `@values` lists one value: it has that value.

use super::{
    ActionModel, Attribute, Attributes, EntityModel, Extension, Held, Shape,
    limit::Limit,
    written::{self, DEPTH, Types, value},
};
use crate::types::{
    problem::{Problem, SourceFile},
    suggest::nearest,
};
use cedar_policy_core::{
    ast::InternalName,
    est::Annotations,
    validator::json_schema::{EntityTypeKind, Fragment, NamespaceDefinition, RecordType, Type, TypeVariant},
};
use smol_str::SmolStr;
use std::{collections::BTreeSet, sync::Arc};

/// The annotations that are read here, with the codes of what is wrong in them.
const NAMES: [(&str, &str); 6] = [
    ("values", "schema::values"),
    ("range", "schema::range"),
    ("known", "schema::known"),
    ("not_before", "schema::not-before"),
    ("recorded", "schema::recorded"),
    ("test_account", "schema::test-account"),
];
/// All annotations of a schema that have a reader; `@doc` is for people.
const READ: [&str; 16] = [
    "doc",
    "source",
    "parents",
    "uri",
    "log",
    "data_subject",
    "origin",
    "values",
    "range",
    "known",
    "not_before",
    "recorded",
    "tags",
    "obligation",
    "reason_user",
    "test_account",
];

pub(super) struct Reader<'a> {
    file: &'a SourceFile,
    fragment: &'a Fragment<InternalName>,
    types: Types<'a>,
    problems: &'a mut Vec<Problem>,
    /// What was reported, by place: a common type is visited wherever it is used.
    told: BTreeSet<(usize, String)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        file: &'a SourceFile,
        fragment: &'a Fragment<InternalName>,
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        Self { file, fragment, types: Types::of(fragment), problems, told: BTreeSet::new() }
    }

    /// The whole schema: names of annotations that are misspelt, and annotations where they mean nothing.
    pub(super) fn annotations(&mut self) {
        for definition in self.fragment.0.values() {
            self.misplaced(&definition.annotations, "a namespace");
            for declared in definition.common_types.values() {
                self.misspelt(&declared.annotations);
                self.below(&declared.ty, DEPTH);
            }
            for declared in definition.entity_types.values() {
                self.misplaced(&declared.annotations, "an entity type");
                if let EntityTypeKind::Standard(standard) = &declared.kind {
                    self.below(&standard.shape.0, DEPTH);
                    if let Some(tags) = &standard.tags {
                        self.below(tags, DEPTH);
                    }
                }
            }
            for declared in definition.actions.values() {
                self.misplaced(&declared.annotations, "an action");
                if let Some(applies) = &declared.applies_to {
                    self.below(&applies.context.0, DEPTH);
                }
            }
        }
    }

    /// The annotations inside a type; those of common types are checked where these are declared.
    fn below(&mut self, ty: &'a Type<InternalName>, left: usize) {
        let Some(left) = left.checked_sub(1) else { return };
        match ty {
            Type::Type { ty: TypeVariant::Record(RecordType { attributes, .. }), .. } => {
                for attribute in attributes.values() {
                    self.misspelt(&attribute.annotations);
                    self.below(&attribute.ty, left);
                }
            }
            Type::Type { ty: TypeVariant::Set { element }, .. } => self.below(element, left),
            Type::Type { .. } | Type::CommonTypeRef { .. } => {}
        }
    }

    fn misplaced(&mut self, annotations: &Annotations, on: &str) {
        self.misspelt(annotations);
        for (name, code) in NAMES {
            if value(annotations, name).is_some() {
                let message = format!("@{name} has no effect on {on}");
                self.complain(annotations, name, code, message, "write it on the attributes that it is about");
            }
        }
    }

    /// Warns of an unknown annotation whose name is similar to a known one.
    fn misspelt(&mut self, annotations: &Annotations) {
        for name in annotations.0.keys() {
            let name: &str = name.as_ref();
            let near = if READ.contains(&name) { None } else { nearest(name, READ) };
            let place = written::place(self.file, annotations, name);
            if let Some(near) = near
                && self.told.insert((place.start, name.to_owned()))
            {
                let problem = Problem::warning("schema::annotation", self.file, format!("nothing reads @{name}"));
                self.problems.push(problem.at(place, "here").help(format!("did you mean `@{near}`?")));
            }
        }
    }

    /// Puts the limits of a type on its attributes.
    pub(super) fn entity(&mut self, entity: &mut EntityModel) {
        let full = entity.name.to_string();
        let (_, base) = full.rsplit_once("::").unwrap_or(("", &full));
        let is_it = |name: &str| name == base;
        let declared =
            self.definition(&full).and_then(|it| it.entity_types.iter().find(|(name, _)| is_it(name.as_ref())));
        let Some((_, declared)) = declared else { return };
        let EntityTypeKind::Standard(standard) = &declared.kind else { return };
        let is_held = entity.held == Held::ByDirectory;
        self.tag_names(&declared.annotations, entity, is_held);
        if let (Some(shape), Some(ty)) = (&mut entity.tags, &standard.tags) {
            let mut tag = Attribute::of(shape.clone(), false);
            self.through(&mut tag, ty, &format!("{full}.tags"), is_held, DEPTH);
            *shape = tag.shape;
        }
        let Some(attributes) = &mut entity.attributes else { return };
        self.record(Arc::make_mut(attributes), &standard.shape.0, &full, is_held, DEPTH);
        entity.recorded = attributes.iter().filter(|(_, it)| it.recorded).map(|(name, _)| name.clone()).collect();
        if let Held::ByRequest { attributes: given, tags, .. } = &mut entity.held {
            *given = attributes.clone();
            tags.clone_from(&entity.tags);
        }
    }

    /// `@tags` on a type.
    fn tag_names(&mut self, annotations: &Annotations, entity: &mut EntityModel, is_held: bool) {
        let Some(text) = value(annotations, "tags") else { return };
        let (message, help) = if entity.tags.is_none() || !is_held {
            let message = format!("@tags on `{}` has no effect", entity.name);
            (message, "write it on a type that the directory holds and that has tags".to_owned())
        } else {
            match Limit::read("values", text) {
                Ok(limit) => return entity.tag_names = Some(limit),
                Err(help) => {
                    (format!("@tags(\"{text}\") on `{}` says nothing", entity.name), help.replace("@values", "@tags"))
                }
            }
        };
        self.complain(annotations, "tags", "schema::tags", message, &help);
    }

    /// Puts the limits of a context on its attributes.
    pub(super) fn action(&mut self, action: &mut ActionModel) {
        let kind = action.uid.entity_type().to_string();
        let id: &str = action.uid.eid().as_ref();
        let declared = self.definition(&kind).and_then(|it| it.actions.get(id));
        let Some(applies) = declared.and_then(|declared| declared.applies_to.as_ref()) else { return };
        let context = &applies.context.0;
        self.record(Arc::make_mut(&mut action.context), context, "context", false, DEPTH);
        let Some(properties) = &mut action.properties else { return };
        let Some(TypeVariant::Record(record)) = self.types.named(context).1 else { return };
        let Some(given) = record.attributes.get("action") else { return };
        self.record(Arc::make_mut(&mut properties.attributes), &given.ty, "context.action", false, DEPTH);
    }

    /// The namespace of a whole name.
    fn definition(&self, full: &str) -> Option<&'a NamespaceDefinition<InternalName>> {
        let of = full.rsplit_once("::").map(|(namespace, _)| namespace);
        let found = self.fragment.0.iter().find(|(name, _)| name.as_ref().map(ToString::to_string).as_deref() == of);
        found.map(|(_, definition)| definition)
    }

    fn record(
        &mut self,
        attributes: &mut Attributes,
        ty: &'a Type<InternalName>,
        path: &str,
        is_held: bool,
        left: usize,
    ) {
        let Some(left) = left.checked_sub(1) else { return };
        let Some(TypeVariant::Record(record)) = self.types.named(ty).1 else { return };
        for (name, written) in &record.attributes {
            let Some(mut attribute) = attributes.get(name).cloned() else { continue };
            let path = format!("{path}.{name}");
            let beside = written.annotations.0.keys().any(|name| AsRef::<str>::as_ref(name) == "not_before");
            for (name, code) in NAMES {
                self.say(&mut attribute, &written.annotations, (name, code), &path, is_held);
            }
            if beside {
                self.check_beside(&attribute, attributes, &written.annotations, &path);
            }
            self.through(&mut attribute, &written.ty, &path, is_held, left);
            attributes.insert(name.clone(), attribute);
        }
    }

    /// What the types that an attribute's type is made of say.
    fn through(
        &mut self,
        attribute: &mut Attribute,
        ty: &'a Type<InternalName>,
        path: &str,
        is_held: bool,
        left: usize,
    ) {
        let Some(left) = left.checked_sub(1) else { return };
        let (annotations, resolved) = self.types.named(ty);
        for annotations in annotations {
            for (name, code) in NAMES {
                self.say(attribute, annotations, (name, code), path, is_held);
            }
        }
        match (&mut attribute.shape, resolved) {
            (Shape::Record(inner), Some(_)) => self.record(Arc::make_mut(inner), ty, path, is_held, left),
            (Shape::Set(element), Some(TypeVariant::Set { element: ty })) => {
                let mut one = Attribute { shape: element.as_ref().clone(), ..attribute.clone() };
                self.through(&mut one, ty, path, is_held, left);
                *attribute = Attribute { shape: Shape::Set(Arc::new(one.shape)), ..one };
            }
            _ => {}
        }
    }

    /// Takes one annotation over, or says why it cannot be.
    fn say(
        &mut self,
        attribute: &mut Attribute,
        annotations: &Annotations,
        (name, code): (&'static str, &'static str),
        path: &str,
        is_held: bool,
    ) {
        let Some(text) = value(annotations, name) else { return };
        let one = match &attribute.shape {
            Shape::Set(element) if !matches!(name, "not_before" | "recorded" | "test_account") => element.as_ref(),
            one => one,
        };
        // The path of an attribute of the entity type itself has one dot.
        let is_own = path.matches('.').count() == 1;
        let (fits, on) = match name {
            "values" => (matches!(one, Shape::String), "a string, or a set of strings"),
            "range" => (matches!(one, Shape::Long), "a whole number, or a set of them"),
            "known" => (matches!(one, Shape::Entity(_)), "an entity, or a set of them"),
            "recorded" => {
                (matches!(one, Shape::Entity(_)) && is_own, "an attribute of an entity type whose type is an entity")
            }
            "test_account" => {
                (*one == Shape::String && is_own, "an attribute of an entity type whose type is a string")
            }
            _ => (matches!(one, Shape::Extension(Extension::Datetime)), "a datetime"),
        };
        if !fits {
            let message = format!("@{name} on `{path}`, which is no value of that kind");
            return self.complain(annotations, name, code, message, &format!("write it on {on}"));
        }
        match name {
            "values" | "range" => match Limit::read(name, text) {
                Ok(limit) => {
                    let only =
                        limit.only().filter(|_| attribute.shape == Shape::String && attribute.required && !is_held);
                    attribute.constant = only.map(SmolStr::new);
                    attribute.limit = Some(limit);
                }
                Err(help) => {
                    let message = format!("@{name}(\"{text}\") on `{path}` says nothing");
                    self.complain(annotations, name, code, message, &help);
                }
            },
            _ if !is_held => {
                let message = format!("@{name} on `{path}` has no effect: the directory does not hold it");
                self.complain(annotations, name, code, message, "write it on a type without @source(\"request\")");
            }
            "known" => attribute.asked.known = true,
            "recorded" => attribute.recorded = true,
            // Words of the schema: the matrix reads it.
            "test_account" if text.split(',').all(|value| value.trim().is_empty()) => {
                let message = format!("@test_account(\"{text}\") on `{path}` names no value");
                self.complain(
                    annotations,
                    name,
                    code,
                    message,
                    "name the values of test accounts, separated by commas",
                );
            }
            "test_account" => {}
            _ => attribute.asked.not_before = Some(SmolStr::new(text)),
        }
    }

    fn check_beside(&mut self, attribute: &Attribute, beside: &Attributes, annotations: &Annotations, path: &str) {
        let Some(other) = &attribute.asked.not_before else { return };
        if !beside.get(other).is_some_and(|it| it.shape == Shape::Extension(Extension::Datetime)) {
            let message = format!("@not_before(\"{other}\") on `{path}` names no datetime beside it");
            let help = "name an attribute of the same record whose type is datetime";
            self.complain(annotations, "not_before", "schema::not-before", message, help);
        }
    }

    fn complain(&mut self, annotations: &Annotations, name: &str, code: &'static str, message: String, help: &str) {
        let place = written::place(self.file, annotations, name);
        if self.told.insert((place.start, name.to_owned())) {
            let problem = Problem::error(code, self.file, message).help(help);
            self.problems.push(if place.is_empty() { problem } else { problem.at(place, "declared here") });
        }
    }
}
