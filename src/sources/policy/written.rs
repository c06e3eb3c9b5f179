//! Reads the schema as it is written, with the annotations on attributes that Cedar's checked schema drops.

use crate::types::problem::SourceFile;
use cedar_policy_core::{
    ast::{self, InternalName},
    est::Annotations,
    extensions::Extensions,
    validator::json_schema::{CommonType, Fragment, Type, TypeVariant},
};
use std::{collections::HashMap, ops::Range};

/// How deep types may nest; `Shape` has the same bound.
pub(super) const DEPTH: usize = 64;

/// Reads the file. The schema was read and checked before, so this fails only if Cedar reads a text in two ways.
///
/// # Errors
/// What is wrong with it.
pub(super) fn fragment(file: &SourceFile) -> Result<Fragment<InternalName>, String> {
    let (fragment, _) =
        Fragment::from_cedarschema_str(&file.text, Extensions::all_available()).map_err(|error| error.to_string())?;
    fragment.to_internal_name_fragment_with_resolved_types().map_err(|error| error.to_string())
}

/// The common types, by their whole names.
pub(super) struct Types<'f>(HashMap<InternalName, &'f CommonType<InternalName>>);

impl<'f> Types<'f> {
    pub(super) fn of(fragment: &'f Fragment<InternalName>) -> Self {
        let mut types = HashMap::new();
        for (namespace, definition) in &fragment.0 {
            for (name, declared) in &definition.common_types {
                let name = InternalName::from(ast::Id::from(name.as_ref().clone()));
                types.insert(name.qualify_with(namespace.clone().map(InternalName::from).as_ref()), declared);
            }
        }
        Self(types)
    }

    /// The type that a name stands for. `None` for names of Cedar's own types.
    pub(super) fn resolved<'t>(&'t self, ty: &'t Type<InternalName>) -> Option<&'t TypeVariant<InternalName>>
    where
        'f: 't,
    {
        self.named(ty).1
    }

    /// The same, with the annotations of the common types on the way.
    pub(super) fn named(
        &self,
        mut ty: &'f Type<InternalName>,
    ) -> (Vec<&'f Annotations>, Option<&'f TypeVariant<InternalName>>) {
        let mut annotations = Vec::new();
        for _ in 0..DEPTH {
            match ty {
                Type::Type { ty, .. } => return (annotations, Some(ty)),
                Type::CommonTypeRef { type_name, .. } => {
                    let Some(declared) = self.0.get(type_name) else { break };
                    annotations.push(&declared.annotations);
                    ty = &declared.ty;
                }
            }
        }
        (annotations, None)
    }
}

/// The value of an annotation, empty if it has none.
pub(super) fn value<'a>(annotations: &'a Annotations, name: &str) -> Option<&'a str> {
    let (_, value) = annotations.0.iter().find(|(key, _)| key.as_ref() == name)?;
    Some(value.as_ref().map_or("", |value| value.val.as_str()))
}

/// The place of an annotation; Cedar gives none for one without a value.
pub(super) fn place(file: &SourceFile, annotations: &Annotations, name: &str) -> Range<usize> {
    let written = annotations.0.iter().find(|(key, _)| key.as_ref() == name).and_then(|(_, value)| value.as_ref());
    match written.and_then(|value| value.loc.as_ref()) {
        Some(place) => place.start()..place.end(),
        None => {
            let word = format!("@{name}");
            file.text.find(&word).map_or(0..0, |start| start..start + word.len())
        }
    }
}
