//! The annotations of a schema that say what a decision record may hold of a question.
//!
//! Annotations that are read here; none of them changes a decision:
//!
//! | annotation | on | a record has |
//! |---|---|---|
//! | `@log("omit")` | an attribute | nothing of the value |
//! | `@log("pseudonym")` | an attribute | a pseudonym instead of the value |
//! | `@log("pseudonym")` | an entity type | a pseudonym instead of the ids of its entities, wherever they occur |
//! | `@data_subject("<type of id>")` | an attribute, an entity type | a pseudonym, also as the data subject of the record |
//! | `@origin("address")`, `@origin("device")` | an attribute of a context | the value, also as where the question came from |
//!
//! A pseudonym has a *kind*, under which equal values are found together. It is the type of id of a data subject, else
//! the name of the entity type, else the place of the attribute, such as `Registration.plate` or `context.device`.
//!
//! - `read`: the annotations of a schema, with what is wrong in them

mod read;
#[cfg(test)]
mod tests;

pub(super) use read::read;

use cedar_policy_core::ast;
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// What a record may carry: for each entity type and each action of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    entities: HashMap<ast::EntityType, EntityMarks>,
    contexts: HashMap<ast::EntityUID, ContextMarks>,
    any_entity: EntityMarks,
    any_context: ContextMarks,
    conceals: bool,
}

/// What a record may carry of an entity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntityMarks {
    /// The ids of this type have pseudonyms.
    pub id: Option<IdMark>,
    /// Its attributes.
    pub properties: Fields,
    /// A record may have its id and all of its attributes, and none of them names a data subject.
    pub is_plain: bool,
}

/// The ids of a type have pseudonyms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdMark {
    /// The kind of the pseudonyms.
    pub kind: Arc<str>,
    /// Whether they name data subjects; then the kind is the type of the id.
    pub is_data_subject: bool,
}

/// What a record may carry of a context.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContextMarks {
    /// Its attributes.
    pub fields: Fields,
    /// The attribute with the network location that was asked from.
    pub address: Option<SmolStr>,
    /// The attribute with the device that was asked from.
    pub device: Option<SmolStr>,
    /// A record may have all of its attributes, and none of them names a data subject.
    pub is_plain: bool,
}

/// Declared attributes, by name.
pub type Fields = BTreeMap<SmolStr, Mark>;

/// What a record may carry of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What it has of the value.
    pub log: Log,
    /// The kind of its pseudonyms.
    pub kind: Arc<str>,
    /// The value names a data subject; the kind is then the type of its id.
    pub is_data_subject: bool,
    /// What is in the value.
    pub form: Form,
}

/// What a record has of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// The value.
    Clear,
    /// Nothing.
    Omit,
    /// A pseudonym.
    Pseudonym,
}

/// What is in a value, as far as the record asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A boolean or a whole number.
    Plain,
    /// A string, or what is written as one.
    Text,
    /// The id of an entity of this type.
    Entity(ast::EntityType),
    /// Values of one type.
    Set(Box<Mark>),
    /// Named values.
    Record(Fields),
    /// Values of one type under names of the caller.
    Tags(Box<Mark>),
}

impl Marks {
    /// Whether anything is left out or replaced.
    #[must_use]
    pub const fn conceals(&self) -> bool {
        self.conceals
    }

    /// What a record may carry of entities of this type. `None`: of a type that the schema does not declare, so that all
    /// marks of all types count, since the caller may have meant any of them.
    #[must_use]
    pub fn entity(&self, kind: Option<&ast::EntityType>) -> &EntityMarks {
        kind.and_then(|kind| self.entities.get(kind)).unwrap_or(&self.any_entity)
    }

    /// What a record may carry of the context of this action. `None`: of several actions, or of one that the schema does
    /// not declare, so that all marks of all contexts count.
    #[must_use]
    pub fn context(&self, action: Option<&ast::EntityUID>) -> &ContextMarks {
        action.and_then(|action| self.contexts.get(action)).unwrap_or(&self.any_context)
    }

    /// Whether anything of a value is left out or replaced.
    #[must_use]
    pub fn conceal(&self, mark: &Mark) -> bool {
        mark.log != Log::Clear
            || match &mark.form {
                Form::Plain | Form::Text => false,
                Form::Entity(kind) => self.entity(Some(kind)).id.is_some(),
                Form::Set(element) | Form::Tags(element) => self.conceal(element),
                Form::Record(fields) => fields.values().any(|field| self.conceal(field)),
            }
    }

    /// Whether a record may have all of these values, and none of them names a data subject.
    fn are_plain(&self, fields: &Fields) -> bool {
        fields.values().all(|mark| self.is_plain(mark))
    }

    fn is_plain(&self, mark: &Mark) -> bool {
        mark.log == Log::Clear
            && !mark.is_data_subject
            && match &mark.form {
                Form::Plain | Form::Text => true,
                Form::Entity(kind) => self.entity(Some(kind)).id.is_none(),
                Form::Set(element) | Form::Tags(element) => self.is_plain(element),
                Form::Record(fields) => self.are_plain(fields),
            }
    }

    /// The types of ids of data subjects, as `@data_subject` names them: the kinds under which the pseudonym of a data
    /// subject can be in a record.
    #[must_use]
    pub fn data_subject_types(&self) -> BTreeSet<Arc<str>> {
        let mut found = BTreeSet::new();
        for entity in self.entities.values() {
            found.extend(entity.id.iter().filter(|id| id.is_data_subject).map(|id| id.kind.clone()));
            entity.properties.values().for_each(|mark| mark.data_subject_types(&mut found));
        }
        let contexts = self.contexts.values().flat_map(|context| context.fields.values());
        contexts.for_each(|mark| mark.data_subject_types(&mut found));
        found
    }
}

impl Mark {
    /// A value of which nothing is left out.
    fn clear(kind: &str, form: Form) -> Self {
        Self { log: Log::Clear, kind: kind.into(), is_data_subject: false, form }
    }

    /// Whether anything of the value is left out or replaced, for what the schema says of the value itself and not of the
    /// types of entities in it.
    fn conceals(&self) -> bool {
        self.log != Log::Clear
            || match &self.form {
                Form::Plain | Form::Text | Form::Entity(_) => false,
                Form::Set(element) | Form::Tags(element) => element.conceals(),
                Form::Record(fields) => fields.values().any(Self::conceals),
            }
    }

    fn data_subject_types(&self, found: &mut BTreeSet<Arc<str>>) {
        if self.is_data_subject {
            found.insert(self.kind.clone());
        }
        match &self.form {
            Form::Plain | Form::Text | Form::Entity(_) => {}
            Form::Set(element) | Form::Tags(element) => element.data_subject_types(found),
            Form::Record(fields) => fields.values().for_each(|field| field.data_subject_types(found)),
        }
    }

    /// The marks of a value that may be of either type: whatever one of the two redacts is redacted.
    fn or(self, other: &Self) -> Self {
        let one_more = matches!((self.log, other.log), (Log::Clear, _) | (Log::Pseudonym, Log::Omit));
        let (log, kind, is_data_subject) = if one_more {
            (other.log, other.kind.clone(), other.is_data_subject)
        } else {
            (self.log, self.kind.clone(), self.is_data_subject)
        };
        let form = match (self.form, &other.form) {
            (Form::Record(mut fields), Form::Record(more)) => {
                join(&mut fields, more);
                Form::Record(fields)
            }
            (Form::Set(one), Form::Set(other)) => Form::Set(Box::new(one.or(other))),
            (Form::Tags(one), Form::Tags(other)) => Form::Tags(Box::new(one.or(other))),
            (form, other_form) if form == *other_form => form,
            // Values of two types: the whole value, if one of them redacts any of it.
            (form, other_form) => {
                let hides = |form: &Form| Self::clear("", form.clone()).conceals() || matches!(form, Form::Entity(_));
                let log = if log == Log::Clear && (hides(&form) || hides(other_form)) { Log::Pseudonym } else { log };
                return Self { log, kind, is_data_subject, form: Form::Text };
            }
        };
        Self { log, kind, is_data_subject, form }
    }
}

fn join(fields: &mut Fields, more: &Fields) {
    for (name, mark) in more {
        let joined = match fields.remove(name) {
            Some(known) => known.or(mark),
            None => mark.clone(),
        };
        fields.insert(name.clone(), joined);
    }
}
