//! The question: may this subject do this to this resource, in this context?
//!
//! Plain values in AuthZEN's words (Authorization API 1.0, section 5), as both bindings make them and the decision
//! record shows them. They know nothing of wire forms, and nothing here has been checked against a schema.

mod path;

pub use path::Path;

use std::collections::BTreeMap;

/// One question (AuthZEN: an access evaluation).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// Who asks for access.
    pub subject: Entity,
    /// What they want to do.
    pub action: Action,
    /// What they want to do it to.
    pub resource: Entity,
    /// Circumstances of the request.
    pub context: Map,
}

/// One question by its parts, which several questions of a batch can have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parts<'a> {
    /// Who asks for access.
    pub subject: &'a Entity,
    /// What they want to do.
    pub action: &'a Action,
    /// What they want to do it to.
    pub resource: &'a Entity,
    /// Circumstances of the request.
    pub context: &'a Map,
}

impl<'a> From<&'a Evaluation> for Parts<'a> {
    fn from(evaluation: &'a Evaluation) -> Self {
        let Evaluation { subject, action, resource, context } = evaluation;
        Self { subject, action, resource, context }
    }
}

/// A subject or a resource, as the caller names it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entity {
    /// The type: a name of the Cedar schema, or one of its aliases.
    pub kind: String,
    /// Unique within the type. Any text, the empty text included.
    pub id: String,
    /// What the caller says about it. The schema decides whether that counts.
    pub properties: Map,
}

/// An action, as the caller names it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Action {
    /// The action's id in the Cedar schema.
    pub name: String,
    /// Becomes `context.action` where the schema declares that.
    pub properties: Map,
}

/// Several questions in one call (AuthZEN: access evaluations, section 7).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// What an item that leaves a part out takes instead.
    pub defaults: Item,
    /// The items, in the order of the request. Empty: the defaults are one question.
    pub items: Vec<Item>,
    /// When the batch stops.
    pub semantic: Semantic,
}

/// One item of a batch, or its defaults: what is there replaces the whole default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Item {
    /// Who asks for access.
    pub subject: Option<Entity>,
    /// What they want to do.
    pub action: Option<Action>,
    /// What they want to do it to.
    pub resource: Option<Entity>,
    /// Circumstances of the request.
    pub context: Option<Map>,
    /// A fault in the form of this item. It is answered with this text; the other items are not touched.
    pub fault: Option<String>,
}

/// When a batch stops (AuthZEN 1.0, section 7.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Semantic {
    /// Every item is answered.
    #[default]
    ExecuteAll,
    /// Up to and including the first deny or fault.
    DenyOnFirstDeny,
    /// Up to and including the first allow.
    PermitOnFirstPermit,
}

impl Semantic {
    /// AuthZEN's name for it, as in `options.evaluations_semantic`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExecuteAll => "execute_all",
            Self::DenyOnFirstDeny => "deny_on_first_deny",
            Self::PermitOnFirstPermit => "permit_on_first_permit",
        }
    }

    /// The semantic with this AuthZEN name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::ExecuteAll, Self::DenyOnFirstDeny, Self::PermitOnFirstPermit]
            .into_iter()
            .find(|semantic| semantic.name() == name)
    }

    /// Whether the batch ends after this item's decision. A fault counts as a deny.
    #[must_use]
    pub const fn stops_after(self, allowed: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !allowed,
            Self::PermitOnFirstPermit => allowed,
        }
    }
}

/// Named values. Ordered, so that equal maps are written equally.
pub type Map = BTreeMap<String, Value>;

/// A value of a property or of the context: JSON's kinds, which are also those of `google.protobuf.Struct`.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing. Counts as absent.
    Null,
    /// Truth.
    Bool(bool),
    /// A finite number. Both bindings carry IEEE 754 doubles (I-JSON, RFC 7493, section 2.2).
    Number(f64),
    /// Text.
    String(String),
    /// A list.
    List(Vec<Value>),
    /// Named values.
    Map(Map),
}

impl Value {
    /// What to call this kind of value in a message to a person.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }
}
