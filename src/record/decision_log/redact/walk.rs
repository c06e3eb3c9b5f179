//! The walk over the values of a question: leaves out and replaces what a record must not hold.

use super::secret_names::is_secret;
use crate::{
    record::{decision_log::Pseudonyms, spool::MAX_PAYLOAD},
    sources::policy::{
        ActionModel, Model,
        annotations::{Fields, Form, IdMark, Log, Mark},
    },
    types::{
        authzen,
        evaluation::{Action, Entity, Map, Value},
    },
};
use smol_str::SmolStr;
use std::{fmt, sync::Arc};

/// Whom a question is about, as a pseudonym.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::record::decision_log) struct DataSubject {
    /// The pseudonym of the id.
    pub id: String,
    /// The type of the id.
    pub kind: Arc<str>,
}

impl DataSubject {
    /// About as many bytes as a record has of it.
    pub(super) fn len(&self) -> usize {
        self.id.len() + self.kind.len() + 32
    }
}

/// A place in the body of a record, as a JSON pointer (RFC 6901).
#[derive(Clone, Copy)]
pub(super) struct Pointer<'p> {
    parent: Option<&'p Self>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Name(&'p str),
    Index(usize),
}

impl<'p> Pointer<'p> {
    pub(super) const fn root(name: &'p str) -> Self {
        Self { parent: None, step: Step::Name(name) }
    }

    pub(super) const fn field(&'p self, name: &'p str) -> Self {
        Pointer { parent: Some(self), step: Step::Name(name) }
    }

    pub(super) const fn index(&'p self, index: usize) -> Self {
        Pointer { parent: Some(self), step: Step::Index(index) }
    }

    /// At least as many bytes as it has in words, but for escapes.
    fn len(&self) -> usize {
        let step = match self.step {
            Step::Name(name) => name.len() + 1,
            Step::Index(_) => 8,
        };
        step + self.parent.map_or(0, Self::len)
    }
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Name(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => write!(f, "/{index}"),
        }
    }
}

/// How much a record can say of a question beside itself. The question takes the most of a record that is that large.
const ROOM: usize = MAX_PAYLOAD / 4;

/// The walk, and what it has found.
pub(super) struct Walk<'a> {
    pub(super) model: &'a Model,
    pseudonyms: &'a Pseudonyms,
    /// What was left out or replaced.
    pub(super) places: Vec<String>,
    subjects: Vec<DataSubject>,
    /// How much more may be said of the question beside itself. `None`: a record could not hold it.
    room: Option<usize>,
}

impl<'a> Walk<'a> {
    pub(super) const fn new(model: &'a Model, pseudonyms: &'a Pseudonyms) -> Self {
        Self { model, pseudonyms, places: Vec::new(), subjects: Vec::new(), room: Some(ROOM) }
    }

    /// The data subjects that were met since the last call.
    pub(super) fn take_subjects(&mut self) -> Vec<DataSubject> {
        std::mem::take(&mut self.subjects)
    }

    pub(super) fn note(&mut self, at: Pointer<'_>) {
        if self.has_room(at.len()) {
            self.places.push(at.to_string());
        }
    }

    /// Takes this many bytes of what a record can hold. A place has the names of all that it is in, and what is said of
    /// the defaults of a batch is said of each item. So both can be far more than the question itself.
    pub(super) fn has_room(&mut self, bytes: usize) -> bool {
        self.room = self.room.and_then(|room| room.checked_sub(bytes));
        self.room.is_some()
    }

    /// Whether a record could not hold what was found, so that not all of it was kept.
    pub(super) const fn is_too_large(&self) -> bool {
        self.room.is_none()
    }

    fn add_subject(&mut self, id: String, kind: &Arc<str>) {
        let subject = DataSubject { id, kind: kind.clone() };
        if self.has_room(subject.len()) {
            self.subjects.push(subject);
        }
    }

    /// A subject or a resource.
    pub(super) fn entity(&mut self, entity: &mut Entity, at: Pointer<'_>) {
        let Entity { kind, id, properties } = entity;
        let declared = self.model.entity(kind).ok();
        let marks = self.model.marks.entity(declared.map(|declared| &declared.name));
        match &marks.id {
            Some(mark) => {
                *id = self.id(mark, id);
                self.note(at.field("id"));
            }
            // It may have been meant as a type whose ids are not to be seen.
            None if declared.is_none() && self.model.marks.conceals() => {
                *id = self.pseudonyms.of(kind, id);
                self.note(at.field("id"));
            }
            None => {}
        }
        self.map(Some(&marks.properties), properties, at.field("properties"));
    }

    /// The action, whose properties are `context.action` of the schema.
    pub(super) fn action(&mut self, action: &mut Action, at: Pointer<'_>) {
        let declared = self.declared_action(Some(&action.name));
        let context = self.model.marks.context(declared.map(|declared| &declared.uid));
        let fields = match context.fields.get("action").map(|mark| &mark.form) {
            Some(Form::Record(fields)) => Some(fields),
            _ => None,
        };
        self.map(fields, &mut action.properties, at.field("properties"));
    }

    /// The context of an action. `None`: of several, or of one that is not known.
    pub(super) fn context(&mut self, action: Option<&str>, context: &mut Map, at: Pointer<'_>) {
        let declared = self.declared_action(action);
        let marks = self.model.marks.context(declared.map(|declared| &declared.uid));
        self.map(Some(&marks.fields), context, at);
    }

    pub(super) fn declared_action(&self, name: Option<&str>) -> Option<&'a ActionModel> {
        name.and_then(|name| self.model.action(name).ok()).map(Arc::as_ref)
    }

    /// Named values; what the schema does not declare is looked at too.
    pub(super) fn map(&mut self, declared: Option<&Fields>, map: &mut Map, at: Pointer<'_>) {
        map.retain(|name, value| {
            let at = at.field(name);
            let mark = declared.and_then(|declared| declared.get(name.as_str()));
            // A flag about a secret is none.
            let is_plain = matches!(value, Value::Null | Value::Bool(_) | Value::Number(_));
            let is_secret = !(is_plain && mark.is_some_and(|mark| mark.form == Form::Plain)) && is_secret(name);
            if is_secret && mark.is_none_or(|mark| mark.log == Log::Clear) {
                self.note(at);
                return false;
            }
            match mark {
                Some(mark) => self.value(mark, value, at),
                None => {
                    self.undeclared(value, at);
                    true
                }
            }
        });
    }

    /// A value that the schema declares. False: it is left out.
    fn value(&mut self, mark: &Mark, value: &mut Value, at: Pointer<'_>) -> bool {
        if *value == Value::Null {
            return true;
        }
        if mark.is_data_subject {
            self.add_subject(self.pseudonyms.of(&mark.kind, &text(value)), &mark.kind);
        }
        match mark.log {
            Log::Omit => {
                self.note(at);
                return false;
            }
            Log::Pseudonym => self.replace(mark, value, at),
            Log::Clear => self.clear(mark, value, at),
        }
        true
    }

    /// A value of which the record may have what the types in it allow.
    fn clear(&mut self, mark: &Mark, value: &mut Value, at: Pointer<'_>) {
        match (&mark.form, value) {
            (Form::Record(fields), Value::Map(map)) => self.map(Some(fields), map, at),
            (Form::Tags(element), Value::Map(map)) => {
                let names = map.keys().map(|name| (SmolStr::new(name), element.as_ref().clone())).collect();
                self.map(Some(&names), map, at);
            }
            (Form::Set(element), Value::List(elements)) => {
                for (index, value) in elements.iter_mut().enumerate() {
                    self.value(element, value, at.index(index));
                }
            }
            (Form::Entity(kind), value) => match (&self.model.marks.entity(Some(kind)).id, id_in(value)) {
                (Some(mark), Some(id)) => {
                    *id = self.id(mark, id);
                    self.note(at);
                }
                (Some(_), None) => self.replace(mark, value, at),
                (None, _) => self.undeclared(value, at),
            },
            // It is not what the schema declares, so it cannot be told where in it the concealed value is.
            (Form::Record(_) | Form::Tags(_) | Form::Set(_), value) if self.model.marks.conceal(mark) => {
                self.replace(mark, value, at);
            }
            (_, value) => self.undeclared(value, at),
        }
    }

    /// A value that the schema does not declare.
    fn undeclared(&mut self, value: &mut Value, at: Pointer<'_>) {
        match value {
            Value::List(elements) => {
                for (index, value) in elements.iter_mut().enumerate() {
                    self.undeclared(value, at.index(index));
                }
            }
            Value::Map(map) => {
                if let (Some(mark), Some(id)) = (self.named(map), map.get_mut("id")) {
                    *id = Value::String(self.id(mark, &text(id)));
                    self.note(at.field("id"));
                }
                self.map(None, map, at);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// The mark of the entity that a map names by its type.
    fn named(&self, map: &Map) -> Option<&'a IdMark> {
        let Some(Value::String(kind)) = map.get("type") else { return None };
        let declared = self.model.entity(kind).ok()?;
        self.model.marks.entity(Some(&declared.name)).id.as_ref()
    }

    /// The pseudonym of an id.
    fn id(&mut self, mark: &IdMark, id: &str) -> String {
        let pseudonym = self.pseudonyms.of(&mark.kind, id);
        if mark.is_data_subject {
            self.add_subject(pseudonym.clone(), &mark.kind);
        }
        pseudonym
    }

    /// Replaces a value, or each element of a list, with its pseudonym.
    fn replace(&mut self, mark: &Mark, value: &mut Value, at: Pointer<'_>) {
        if let (Form::Set(element), Value::List(elements)) = (&mark.form, &mut *value) {
            let element = Mark { kind: mark.kind.clone(), ..element.as_ref().clone() };
            for (index, value) in elements.iter_mut().enumerate() {
                self.replace(&element, value, at.index(index));
            }
            return;
        }
        let pseudonym = match &mark.form {
            Form::Entity(kind) if !mark.is_data_subject => match &self.model.marks.entity(Some(kind)).id {
                // One id has one pseudonym.
                Some(mark) => self.id(mark, &text(value)),
                None => self.pseudonyms.of(&mark.kind, &text(value)),
            },
            _ => self.pseudonyms.of(&mark.kind, &text(value)),
        };
        *value = Value::String(pseudonym);
        self.note(at);
    }
}

/// What a pseudonym is made of: the text, the id of an entity, the argument of an extension function; else canonical JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Map(map) => {
            let argument = match map.get("__extn") {
                Some(Value::Map(escaped)) if map.len() == 1 => escaped.get("arg"),
                _ => None,
            };
            match (argument, id_in_map(&mut map.clone())) {
                (Some(Value::String(text)), _) => text.clone(),
                (_, Some(id)) => id.clone(),
                _ => json(value),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => json(value),
    }
}

fn json(value: &Value) -> String {
    let mut out = Vec::new();
    authzen::write_value(&mut out, value);
    String::from_utf8(out).unwrap_or_default()
}

/// The id in a reference to an entity, in the forms that the engine takes. `None` if it is none of these.
fn id_in(value: &mut Value) -> Option<&mut String> {
    match value {
        Value::String(id) => Some(id),
        Value::Map(map) => id_in_map(map),
        _ => None,
    }
}

fn id_in_map(map: &mut Map) -> Option<&mut String> {
    let fields = if map.contains_key("__entity") && map.len() == 1 {
        match map.get_mut("__entity") {
            Some(Value::Map(fields)) => fields,
            _ => return None,
        }
    } else {
        map
    };
    let is_reference = fields.len() == 2 && matches!(fields.get("type"), Some(Value::String(_)));
    match fields.get_mut("id") {
        Some(Value::String(id)) if is_reference => Some(id),
        _ => None,
    }
}
