//! The model: the schema as the translation of questions needs it. It holds names and aliases, where an entity's
//! attributes come from, and the shape of each action's context. `schema_reader` makes it.

use super::{
    annotations::Marks,
    limit::Limit,
    listed::Listed,
    names::Names,
    obligations::Obligations,
    reason_user::NeverTold,
    shape::{Attributes, Shape, attributes_per_thread},
    words::Words,
};
use crate::sources::per_thread;
use cedar_policy_core::ast;
use smol_str::SmolStr;
use std::sync::Arc;

/// Everything that a question can name.
#[derive(Debug, Default)]
pub struct Model {
    pub(super) entities: Names<EntityModel>,
    pub(super) actions: Names<ActionModel>,
    /// What a decision record may hold of questions.
    pub marks: Marks,
    /// What the schema says in words.
    pub words: Words,
    /// What policies can ask of callers.
    pub obligations: Obligations,
    /// What users are told nothing of.
    pub never_told: NeverTold,
}

/// An entity type.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityModel {
    /// Its name in the schema.
    pub name: ast::EntityType,
    /// Where the attributes of its entities come from.
    pub held: Held,
    /// The declared attributes. `None` if one has a type that no value of a file or a question can have.
    pub attributes: Option<Arc<Attributes>>,
    /// The type of its tags; `None` if the schema declares no tags.
    pub tags: Option<Shape>,
    /// The names that its tags may have in the directory (`@tags`); any, if `None`.
    pub tag_names: Option<Limit>,
    /// The attributes whose values should be among its parents in the directory (`@parents`); none for other types.
    pub parents: Vec<SmolStr>,
    /// The references of a subject of this type that answers name (`@recorded`).
    pub recorded: Vec<SmolStr>,
}

/// Where the attributes of a type's entities come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// The directory. What a caller claims about such an entity is never believed.
    ByDirectory,
    /// The question: attributes are its properties (`@source("request")`).
    ByRequest {
        /// The declared attributes.
        attributes: Arc<Attributes>,
        /// The attributes whose values are also its parents (`@parents`).
        parents: Vec<SmolStr>,
        /// The type of its tags, which are the property `tags`; `None` if the schema declares no tags.
        tags: Option<Shape>,
    },
    /// The schema: the type lists its entities (`enum`), and they have no attributes.
    BySchema(Arc<Listed>),
}

/// An action that questions can name.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionModel {
    /// Its name in the schema.
    pub uid: ast::EntityUID,
    /// The types of subjects that it applies to, ordered.
    pub subjects: Vec<ast::EntityType>,
    /// The types of resources that it applies to, ordered.
    pub resources: Vec<ast::EntityType>,
    /// What the caller's context may hold.
    pub context: Arc<Attributes>,
    /// What the action's properties may hold, where the schema declares `context.action`.
    pub properties: Option<ActionProperties>,
    /// What poort itself puts in the context, where the schema declares `context.pdp`.
    pub pdp: Option<PdpShape>,
}

/// The declaration of `context.action`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionProperties {
    /// The declared properties.
    pub attributes: Arc<Attributes>,
    /// Whether `context.action` is always there, with no properties if the caller gives none.
    pub required: bool,
}

/// Which parts of `context.pdp` an action's context declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PdpShape {
    /// `now`, a `datetime`: the moment of the decision.
    pub now: bool,
    /// `today`, a `datetime`: the local date, at 00:00Z, so that it compares with `datetime("2026-01-31")`.
    pub today: bool,
    /// `hour`, a `Long`: the local hour, 0 to 23.
    pub hour: bool,
    /// `application`, a `String`, optional: the calling application.
    pub application: bool,
    /// `policies`, a `String`: `late` where the time of a signed bundle is over, and otherwise `live`.
    pub policies: bool,
    /// `token`, a record, optional: what is known of the subject's own token.
    pub token: Option<TokenShape>,
}

/// Which parts of `context.pdp.token` an action's context declares. Each is optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenShape {
    /// `acr`, a `String`: the class of the authentication.
    pub acr: bool,
    /// `amr`, a `Set<String>`: its methods.
    pub amr: bool,
    /// `auth_time`, a `datetime`: when it was.
    pub auth_time: bool,
}

impl EntityModel {
    /// The same type, for one thread.
    pub(super) fn per_thread(&self) -> Self {
        let held = match &self.held {
            Held::ByDirectory | Held::BySchema(_) => self.held.clone(),
            Held::ByRequest { attributes, parents, tags } => Held::ByRequest {
                attributes: attributes_per_thread(attributes),
                parents: parents.clone(),
                tags: tags.as_ref().map(Shape::per_thread),
            },
        };
        Self { name: per_thread::entity_type(&self.name), held, ..self.clone() }
    }
}

impl ActionModel {
    /// The same action, for one thread.
    pub(super) fn per_thread(&self) -> Self {
        let properties = self.properties.as_ref().map(|properties| ActionProperties {
            attributes: attributes_per_thread(&properties.attributes),
            required: properties.required,
        });
        Self {
            uid: per_thread::uid(&self.uid),
            context: attributes_per_thread(&self.context),
            properties,
            ..self.clone()
        }
    }
}

impl Model {
    /// The entity type that a question names.
    ///
    /// # Errors
    /// A sentence that says why there is none, with the nearest name.
    pub fn entity(&self, name: &str) -> Result<&Arc<EntityModel>, String> {
        self.entities.find(name, "type")
    }

    /// The action that a question names.
    ///
    /// # Errors
    /// A sentence that says why there is none, with the nearest name.
    pub fn action(&self, name: &str) -> Result<&Arc<ActionModel>, String> {
        self.actions.find(name, "action")
    }

    /// The entity type with exactly this name.
    #[must_use]
    pub fn entity_type(&self, name: &ast::EntityType) -> Option<&Arc<EntityModel>> {
        self.entities.full.get(&name.to_string())
    }

    /// Whether an entity of this type can be referred to and not exist, and so have no attributes: the directory need
    /// not know it. What the schema lists always exists.
    #[must_use]
    pub fn may_be_nowhere(&self, kind: &ast::EntityType) -> bool {
        !kind.is_action() && !matches!(self.entity_type(kind).map(|model| &model.held), Some(Held::BySchema(_)))
    }

    /// The action with exactly this id.
    #[must_use]
    pub fn action_of(&self, uid: &ast::EntityUID) -> Option<&Arc<ActionModel>> {
        self.actions.full.get(&uid.to_string())
    }

    /// All names of an entity type in a question: the shortest of the schema first, then its whole name and its `@uri`.
    #[must_use]
    pub fn entity_names(&self, entity: &EntityModel) -> Vec<&str> {
        self.entities.of(&entity.name.to_string())
    }

    /// All names of an action in a question, the shortest first.
    #[must_use]
    pub fn action_names(&self, action: &ActionModel) -> Vec<&str> {
        self.actions.of(&action.uid.to_string())
    }

    /// All types of entities.
    pub fn entity_types(&self) -> impl Iterator<Item = &Arc<EntityModel>> {
        self.entities.full.values()
    }

    /// All actions.
    pub fn actions(&self) -> impl Iterator<Item = &Arc<ActionModel>> {
        self.actions.full.values()
    }
}
