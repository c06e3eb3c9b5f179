//! What answers and their records name of a subject (`@recorded` in the schema): for each reference the id, and the
//! `version` of the entity if it has one, such as `"profile": "patrol@3"`.
//!
//! **Invariant:** it is what the directory says at the revision that the answer names. A change of an entity that others
//! name is read with the whole directory, so what was found for a subject is not found for a later version
//! (`tests/it/sources/recorded.rs::a_new_version_of_a_profile_is_named_after_a_reload`).
//!
//! It is found once for each subject and thread: a question takes a copy of a pointer.

use super::Directory;
use crate::{
    sources::policy::{
        EntityModel,
        cedar_core::ast::{Eid, Entity, EntityUID, Literal, PartialValue, ValueKind},
    },
    types::evaluation::{Map, Value},
};
use std::{fmt::Write as _, sync::Arc};

/// The attribute with the version of an entity.
const VERSION: &str = "version";

impl Directory {
    /// What is named of the subject with this type and id. `None` where there is nothing, or no such subject.
    #[must_use]
    pub fn recorded(&self, model: &EntityModel, id: &str) -> Option<Arc<Map>> {
        if model.recorded.is_empty() {
            return None;
        }
        let found = self.made(&model.name, id)?.recorded.get_or_init(|| self.find_recorded(model, id).map(Arc::new));
        found.clone()
    }

    fn find_recorded(&self, model: &EntityModel, id: &str) -> Option<Map> {
        let subject = self.get(&EntityUID::from_components(model.name.clone(), Eid::new(id), None))?;
        let named = model.recorded.iter().filter_map(|attribute| {
            let Literal::EntityUID(uid) = literal(subject, attribute)? else { return None };
            let mut text = AsRef::<str>::as_ref(uid.eid()).to_owned();
            // Writing into a string does not fail.
            let _ = match self.get(uid).and_then(|entity| literal(entity, VERSION)) {
                Some(Literal::Long(version)) => write!(text, "@{version}"),
                Some(Literal::String(version)) => write!(text, "@{version}"),
                _ => Ok(()),
            };
            Some((attribute.to_string(), Value::String(text)))
        });
        Some(named.collect::<Map>()).filter(|named| !named.is_empty())
    }
}

fn literal<'e>(entity: &'e Entity, attribute: &str) -> Option<&'e Literal> {
    match entity.get(attribute)? {
        PartialValue::Value(value) => match value.value_kind() {
            ValueKind::Lit(literal) => Some(literal),
            _ => None,
        },
        PartialValue::Residual(_) => None,
    }
}
