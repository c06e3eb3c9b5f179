//! The shapes of directory entities: which attributes, tags and types of parents the schema declares.

use crate::sources::policy::{
    Attributes, Held, Limit, Schema, Shape,
    cedar_core::{
        ast,
        validator::{OpenTag, ValidatorEntityTypeKind, ValidatorSchema},
    },
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// The types of entities that can be read without Cedar, by name.
#[derive(Debug)]
pub(super) struct EntityShapes {
    types: HashMap<String, EntityShape>,
    /// The types whose ids are not free: a reference to one can be wrong.
    listed: HashSet<ast::EntityType>,
    /// The actions; a reference to another is wrong.
    actions: HashSet<ast::EntityUID>,
}

/// One type.
#[derive(Debug)]
pub(super) struct EntityShape {
    pub(super) kind: ast::EntityType,
    pub(super) attributes: Arc<Attributes>,
    /// The type of its tags; `None` if it has none.
    pub(super) tags: Option<Shape>,
    /// What these may be called.
    pub(super) tag_names: Option<Limit>,
    /// The types that its parents may have, by name.
    pub(super) parents: HashMap<String, ast::EntityType>,
}

impl EntityShapes {
    pub(super) fn of(schema: &Schema) -> Self {
        let declared: &ValidatorSchema = schema.cedar.as_ref();
        let is_standard = |kind: &ValidatorEntityTypeKind| matches!(kind, ValidatorEntityTypeKind::Standard(_));
        let listed = declared.entity_types().filter(|it| !is_standard(&it.kind)).map(|it| it.name().clone()).collect();
        let actions = declared.action_ids().map(|action| action.name().clone()).collect();
        let mut forms = Self { types: HashMap::new(), listed, actions };
        for entity in declared.entity_types() {
            let kind = entity.name();
            let Some(model) = schema.model.entity_type(kind) else { continue };
            if forms.is_listed(kind)
                || entity.open_attributes() != OpenTag::ClosedAttributes
                || model.held != Held::ByDirectory
            {
                continue;
            }
            let Some(attributes) = model.attributes.clone() else { continue };
            if entity.tag_type().is_some() && model.tags.is_none() {
                continue;
            }
            let (tags, tag_names) = (model.tags.clone(), model.tag_names.clone());
            let parents = declared
                .entity_types()
                .filter(|parent| parent.has_descendant_entity_type(kind) && !forms.is_listed(parent.name()))
                .map(|parent| (parent.name().to_string(), parent.name().clone()))
                .collect();
            let form = EntityShape { kind: kind.clone(), attributes, tags, tag_names, parents };
            forms.types.insert(kind.to_string(), form);
        }
        forms
    }

    /// The type with this whole name.
    pub(super) fn get(&self, name: &str) -> Option<&EntityShape> {
        self.types.get(name)
    }

    /// Whether a value may refer to it.
    pub(super) fn may_be_named(&self, uid: &ast::EntityUID) -> bool {
        !self.is_listed(uid.entity_type()) || self.actions.contains(uid)
    }

    /// Whether only some ids of this type are valid.
    pub(super) fn is_listed(&self, kind: &ast::EntityType) -> bool {
        kind.is_action() || self.listed.contains(kind)
    }
}

impl EntityShape {
    /// Whether a tag may be called so.
    pub(super) fn names_a_tag(&self, name: &str) -> bool {
        self.tag_names.as_ref().is_none_or(|names| names.text(name).is_ok())
    }
}
