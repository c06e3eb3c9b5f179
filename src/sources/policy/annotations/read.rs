//! Reads the record annotations of a schema and reports mistakes in them.
//!
//! They are read from the parsed schema, with the names of common types resolved: Cedar's checked schema drops
//! annotations on attributes.

use super::{ContextMarks, EntityMarks, Fields, Form, IdMark, Log, Mark, Marks, join};
use crate::{
    sources::policy::{
        Held, Model,
        written::{self, DEPTH, Types, value},
    },
    types::problem::{Problem, SourceFile},
};
use cedar_policy_core::{
    ast::{self, InternalName},
    est::Annotations,
    validator::json_schema::{EntityTypeKind, Fragment, NamespaceDefinition, RecordType, Type, TypeVariant},
};
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The annotations that are read here.
const NAMES: [&str; 3] = ["log", "data_subject", "origin"];

/// Reads the marks. `None` if something is wrong in them, which is then among the problems.
pub(in crate::sources::policy) fn read(file: &SourceFile, model: &Model, problems: &mut Vec<Problem>) -> Option<Marks> {
    // If this failed, nothing would be known of the marks.
    let fragment = written::fragment(file);
    let fragment = match fragment {
        Ok(fragment) => fragment,
        Err(message) => {
            problems.push(Problem::error("schema::invalid", file, message));
            return None;
        }
    };
    let mut reader = Reader { file, model, types: Types::of(&fragment), problems, told: BTreeSet::new() };
    let marks = reader.marks(&fragment);
    reader.told.is_empty().then_some(marks)
}

struct Reader<'a> {
    file: &'a SourceFile,
    model: &'a Model,
    types: Types<'a>,
    problems: &'a mut Vec<Problem>,
    /// What was reported, by place: a common type is visited wherever it is used.
    told: BTreeSet<(usize, &'static str)>,
}

/// Where an attribute is declared.
#[derive(Clone, Copy)]
struct Place<'p> {
    /// The attributes' own kind begins with this.
    path: &'p str,
    /// The record is a context, and not something in one.
    is_context: bool,
    /// The directory holds the entity, and not the question.
    is_held: bool,
    left: usize,
}

impl Place<'_> {
    fn within<'p>(&self, path: &'p str) -> Place<'p> {
        Place { path, is_context: false, is_held: self.is_held, left: self.left.saturating_sub(1) }
    }
}

/// What the annotations of an attribute or a type say.
#[derive(Default)]
struct AttributeMarks {
    log: Option<Log>,
    data_subject: Option<Arc<str>>,
    origin: Option<Origin>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Address,
    Device,
}

impl Reader<'_> {
    fn marks(&mut self, fragment: &Fragment<InternalName>) -> Marks {
        let mut marks = Marks::default();
        for (namespace, definition) in &fragment.0 {
            self.refuse(&definition.annotations, "a namespace");
            for declared in definition.common_types.values() {
                self.refuse(&declared.annotations, "a type with a name");
            }
            let whole =
                |name: &str| namespace.as_ref().map_or(name.to_owned(), |namespace| format!("{namespace}::{name}"));
            self.entities(definition, &whole, &mut marks);
            self.contexts(definition, &whole, &mut marks);
        }
        for entity in marks.entities.values() {
            join(&mut marks.any_entity.properties, &entity.properties);
        }
        for context in marks.contexts.values() {
            join(&mut marks.any_context.fields, &context.fields);
        }
        let any = |fields: &Fields| fields.values().any(Mark::conceals);
        marks.conceals = any(&marks.any_entity.properties)
            || any(&marks.any_context.fields)
            || marks.entities.values().any(|entity| entity.id.is_some());
        for declared in self.model.entity_types() {
            for name in &declared.recorded {
                let mark = marks.entity(Some(&declared.name)).properties.get(name);
                if mark.is_some_and(|mark| marks.conceal(mark)) {
                    let message =
                        format!("@recorded on `{}.{name}`, which a record must not have in the clear", declared.name);
                    let help = "leave out @recorded, or @log and @data_subject on it and on its type";
                    self.complain(&Annotations::default(), "recorded", "schema::recorded", message, help);
                }
            }
        }
        // What is in an attribute depends on the marks of all types, so this comes last.
        let known = marks.clone();
        for entity in marks.entities.values_mut() {
            entity.is_plain = entity.id.is_none() && known.are_plain(&entity.properties);
        }
        for context in marks.contexts.values_mut() {
            context.is_plain = known.are_plain(&context.fields);
        }
        marks
    }

    fn entities(
        &mut self,
        definition: &NamespaceDefinition<InternalName>,
        whole: &impl Fn(&str) -> String,
        marks: &mut Marks,
    ) {
        for (name, declared) in &definition.entity_types {
            let full = whole(name.as_ref());
            let Ok(model) = self.model.entity(&full).cloned() else { continue };
            let said = self.said(&declared.annotations);
            let (log, data_subject) = (said.log, said.data_subject);
            if log == Some(Log::Omit) {
                let message =
                    format!("@log(\"omit\") on the entity type `{full}`: a record names what was asked about");
                let help = "write @log(\"pseudonym\"), which replaces the ids of this type";
                self.complain(&declared.annotations, "log", "schema::log", message, help);
            }
            if said.origin.is_some() {
                self.misplaced_origin(&declared.annotations);
            }
            let id = match (data_subject, log) {
                (Some(kind), _) => Some(IdMark { kind, is_data_subject: true }),
                (None, Some(_)) => Some(IdMark { kind: full.as_str().into(), is_data_subject: false }),
                (None, None) => None,
            };
            let is_held = !matches!(model.held, Held::ByRequest { .. });
            let place = Place { path: &full, is_context: false, is_held, left: DEPTH };
            let mut properties = Fields::new();
            if let EntityTypeKind::Standard(standard) = &declared.kind {
                if let Some(tags) = &standard.tags {
                    let kind = format!("{full}.tags");
                    let element = self.form(tags, place.within(&kind));
                    let tags = Form::Tags(Box::new(Mark::clear(&kind, element)));
                    properties.insert(SmolStr::new_static("tags"), Mark::clear(&kind, tags));
                }
                if let Form::Record(fields) = self.form(&standard.shape.0, place) {
                    properties.extend(fields);
                }
            }
            marks.entities.insert(model.name.clone(), EntityMarks { id, properties, is_plain: false });
        }
    }

    fn contexts(
        &mut self,
        definition: &NamespaceDefinition<InternalName>,
        whole: &impl Fn(&str) -> String,
        marks: &mut Marks,
    ) {
        let kind = whole("Action");
        for (name, declared) in &definition.actions {
            self.refuse(&declared.annotations, "an action");
            let Some(applies) = &declared.applies_to else { continue };
            let full = ast::EntityType::from_normalized_str(&kind)
                .map(|kind| ast::EntityUID::from_components(kind, ast::Eid::new(name.as_str()), None));
            let Ok(uid) = full else { continue };
            let place = Place { path: "context", is_context: true, is_held: false, left: DEPTH };
            let Form::Record(fields) = self.form(&applies.context.0, place) else { continue };
            let (mut address, mut device) = (None, None);
            for (name, annotations) in self.attributes(&applies.context.0) {
                let slot = match self.said(&annotations).origin {
                    Some(Origin::Address) => &mut address,
                    Some(Origin::Device) => &mut device,
                    None => continue,
                };
                if let Some(other) = slot.replace(name.clone()) {
                    let message = format!("`{other}` and `{name}` of one context have the same @origin");
                    self.complain(&annotations, "origin", "schema::origin", message, "leave one of the two");
                }
            }
            marks.contexts.insert(uid, ContextMarks { fields, address, device, is_plain: false });
        }
    }

    /// The attributes of a record type, with their annotations.
    fn attributes(&self, ty: &Type<InternalName>) -> Vec<(SmolStr, Annotations)> {
        match self.types.resolved(ty) {
            Some(TypeVariant::Record(RecordType { attributes, .. })) => {
                attributes.iter().map(|(name, attribute)| (name.clone(), attribute.annotations.clone())).collect()
            }
            _ => Vec::new(),
        }
    }

    fn form(&mut self, ty: &Type<InternalName>, place: Place<'_>) -> Form {
        let Some(resolved) = self.types.resolved(ty).filter(|_| place.left > 0).cloned() else {
            return match ty {
                Type::CommonTypeRef { type_name, .. } if matches!(type_name.basename().as_ref(), "Bool" | "Long") => {
                    Form::Plain
                }
                _ => Form::Text,
            };
        };
        match resolved {
            TypeVariant::Boolean | TypeVariant::Long => Form::Plain,
            TypeVariant::String | TypeVariant::Extension { .. } => Form::Text,
            TypeVariant::Entity { name } | TypeVariant::EntityOrCommon { type_name: name } => {
                ast::Name::try_from(name).map_or(Form::Text, |name| Form::Entity(ast::EntityType::from(name)))
            }
            TypeVariant::Set { element } => {
                let element = self.form(&element, place.within(place.path));
                Form::Set(Box::new(Mark::clear(place.path, element)))
            }
            TypeVariant::Record(RecordType { attributes, .. }) => {
                let fields = attributes.iter().map(|(name, attribute)| {
                    (name.clone(), self.attribute(name, &attribute.ty, &attribute.annotations, place))
                });
                Form::Record(fields.collect::<BTreeMap<_, _>>())
            }
        }
    }

    fn attribute(&mut self, name: &str, ty: &Type<InternalName>, annotations: &Annotations, place: Place<'_>) -> Mark {
        let path = format!("{}.{name}", place.path);
        let form = self.form(ty, place.within(&path));
        let said = self.said(annotations);
        let one = matches!(form, Form::Plain | Form::Text | Form::Entity(_));
        if said.data_subject.is_some() && !one {
            let message = format!("@data_subject on `{path}`, which holds more than one value");
            let help = "write it on the attribute, in a record of its own, that holds the one id";
            self.complain(annotations, "data_subject", "schema::data-subject", message, help);
        } else if said.data_subject.is_some() && place.is_held {
            let message =
                format!("@data_subject on `{path}` has no effect: what a question says of it is not believed");
            let help = "write it on an attribute of a type with @source(\"request\"), or on the type whose id it is";
            self.complain(annotations, "data_subject", "schema::data-subject", message, help);
        }
        if said.origin.is_some() && !place.is_context {
            self.misplaced_origin(annotations);
        } else if said.origin.is_some() && !matches!(form, Form::Text | Form::Entity(_)) {
            let message = format!("@origin on `{path}`, which is no string, address or entity");
            self.complain(annotations, "origin", "schema::origin", message, "write it on the attribute with the name");
        }
        let is_data_subject = said.data_subject.is_some();
        // A pseudonym would hide nothing if the record also had the plain value.
        let implied = if is_data_subject { Log::Pseudonym } else { Log::Clear };
        let kind = said.data_subject.unwrap_or_else(|| path.as_str().into());
        Mark { log: said.log.unwrap_or(implied), kind, is_data_subject, form }
    }

    fn said(&mut self, annotations: &Annotations) -> AttributeMarks {
        let log = self.one_of(annotations, "log", "schema::log", &[("omit", Log::Omit), ("pseudonym", Log::Pseudonym)]);
        let origins = [("address", Origin::Address), ("device", Origin::Device)];
        let origin = self.one_of(annotations, "origin", "schema::origin", &origins);
        let data_subject = value(annotations, "data_subject");
        if data_subject.is_some_and(|text| !is_uri(text)) {
            let message = "@data_subject does not name a type of id as a URI".to_owned();
            let help = "write @data_subject(\"https://…/id-types/bsn\"): it becomes dpl.core.data_subject_id_type";
            self.complain(annotations, "data_subject", "schema::data-subject", message, help);
        }
        AttributeMarks { log, data_subject: data_subject.map(Arc::from), origin }
    }

    fn one_of<T: Copy>(
        &mut self,
        annotations: &Annotations,
        name: &str,
        code: &'static str,
        known: &[(&str, T)],
    ) -> Option<T> {
        let text = value(annotations, name)?;
        let found = known.iter().find(|(value, _)| *value == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let help: Vec<_> = known.iter().map(|(value, _)| format!("@{name}(\"{value}\")")).collect();
            let message = format!("@{name}(\"{text}\") is not known");
            self.complain(annotations, name, code, message, &format!("write {}", help.join(" or ")));
        }
        found
    }

    /// Reports annotations without effect here: their author relies on them.
    fn refuse(&mut self, annotations: &Annotations, on: &str) {
        for (name, code) in NAMES.into_iter().zip(["schema::log", "schema::data-subject", "schema::origin"]) {
            if value(annotations, name).is_some() {
                let message = format!("@{name} has no effect on {on}");
                self.complain(annotations, name, code, message, "write it on the attributes that it is about");
            }
        }
    }

    fn misplaced_origin(&mut self, annotations: &Annotations) {
        let message = "@origin has no effect here: it is read on the attributes of a context".to_owned();
        self.complain(
            annotations,
            "origin",
            "schema::origin",
            message,
            "write it on an attribute of the context itself",
        );
    }

    fn complain(&mut self, annotations: &Annotations, name: &str, code: &'static str, message: String, help: &str) {
        let place = written::place(self.file, annotations, name);
        if self.told.insert((place.start, code)) {
            let problem = Problem::error(code, self.file, message).help(help);
            self.problems.push(if place.is_empty() { problem } else { problem.at(place, "declared here") });
        }
    }
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
        && !rest.is_empty()
        && !rest.contains(|character: char| character.is_whitespace() || character.is_control())
}
