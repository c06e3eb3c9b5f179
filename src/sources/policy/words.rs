//! What the schema says in words: `@doc` on types, attributes and actions, the names of its common types, and which accounts
//! are test accounts. For people that write questions and review rights; no decision reads it. Comments are for who reads the
//! file, and do not count.

use super::written::{DEPTH, Types, value};
use cedar_policy_core::{
    ast::InternalName,
    est::Annotations,
    validator::json_schema::{EntityTypeKind, Fragment, RecordType, Type, TypeVariant},
};
use smol_str::SmolStr;
use std::{collections::BTreeMap, sync::Arc};

/// The words of a schema.
#[derive(Debug, Default)]
pub struct Words {
    entities: BTreeMap<String, EntityWords>,
    actions: BTreeMap<String, ActionWords>,
}

/// The words about an entity type.
#[derive(Debug, Default)]
pub struct EntityWords {
    /// What it is.
    pub doc: Option<Arc<str>>,
    /// Its attributes.
    pub shape: ShapeWords,
    /// Its tags.
    pub tags: ShapeWords,
}

/// The words about an action.
#[derive(Debug, Default)]
pub struct ActionWords {
    /// What it is.
    pub doc: Option<Arc<str>>,
    /// Its context, with `action` and `pdp` where the schema declares them.
    pub context: ShapeWords,
}

/// The words about a type, in the form of that type.
#[derive(Debug, Default)]
pub struct ShapeWords {
    /// The name of the common type that it is, without namespace.
    pub name: Option<SmolStr>,
    /// The `@doc` of the attribute, else of the common type.
    pub doc: Option<Arc<str>>,
    /// The values of the attribute that say of an account that it is a test account (`@test_account`).
    pub test_account: Vec<Arc<str>>,
    /// The attributes of a record.
    pub fields: BTreeMap<SmolStr, ShapeWords>,
    /// The elements of a set.
    pub element: Option<Box<ShapeWords>>,
}

impl Words {
    /// Takes the words out of a schema as it is written.
    pub(super) fn of(fragment: &Fragment<InternalName>) -> Self {
        let types = Types::of(fragment);
        let mut words = Self::default();
        for (namespace, definition) in &fragment.0 {
            let whole =
                |name: &str| namespace.as_ref().map_or(name.to_owned(), |namespace| format!("{namespace}::{name}"));
            for (name, declared) in &definition.entity_types {
                let mut entity = EntityWords { doc: doc(&declared.annotations), ..EntityWords::default() };
                if let EntityTypeKind::Standard(standard) = &declared.kind {
                    entity.shape = shape(&types, &standard.shape.0, DEPTH);
                    entity.tags = standard.tags.as_ref().map(|tags| shape(&types, tags, DEPTH)).unwrap_or_default();
                }
                words.entities.insert(whole(name.as_ref()), entity);
            }
            for (id, declared) in &definition.actions {
                let context = declared.applies_to.as_ref().map(|applies| shape(&types, &applies.context.0, DEPTH));
                let action = ActionWords { doc: doc(&declared.annotations), context: context.unwrap_or_default() };
                words.actions.insert(format!("{}::{id}", whole("Action")), action);
            }
        }
        words
    }

    /// The words about the entity type with this whole name.
    #[must_use]
    pub fn entity(&self, name: &str) -> Option<&EntityWords> {
        self.entities.get(name)
    }

    /// The words about an action: its type, and its id.
    #[must_use]
    pub fn action(&self, kind: &str, id: &str) -> Option<&ActionWords> {
        self.actions.get(&format!("{kind}::{id}"))
    }
}

fn doc(annotations: &Annotations) -> Option<Arc<str>> {
    value(annotations, "doc").map(str::trim).filter(|doc| !doc.is_empty()).map(Arc::from)
}

/// What an annotation lists, separated by commas.
fn listed(annotations: &Annotations, name: &str) -> Vec<Arc<str>> {
    let text = value(annotations, name).unwrap_or_default();
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Arc::from).collect()
}

fn shape(types: &Types<'_>, ty: &Type<InternalName>, left: usize) -> ShapeWords {
    let mut words = ShapeWords::default();
    let Some(left) = left.checked_sub(1) else { return words };
    let (annotations, resolved) = types.named(ty);
    words.doc = annotations.iter().find_map(|annotations| doc(annotations));
    words.test_account = annotations.iter().flat_map(|annotations| listed(annotations, "test_account")).collect();
    if let (Type::CommonTypeRef { type_name, .. }, false) = (ty, annotations.is_empty()) {
        let name = type_name.to_string();
        words.name = name.rsplit("::").next().map(SmolStr::new);
    }
    match resolved {
        Some(TypeVariant::Record(RecordType { attributes, .. })) => {
            for (name, attribute) in attributes {
                let mut field = shape(types, &attribute.ty, left);
                field.doc = doc(&attribute.annotations).or(field.doc);
                field.test_account.extend(listed(&attribute.annotations, "test_account"));
                words.fields.insert(name.clone(), field);
            }
        }
        Some(TypeVariant::Set { element }) => words.element = Some(Box::new(shape(types, element, left))),
        _ => {}
    }
    words
}
