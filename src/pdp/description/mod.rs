//! The description of a decision point's questions, for who writes a client: what a question must and may hold, and what an
//! answer can ask of the caller. It is made of the schema and of the scopes of the policies, and of nothing else: no account
//! and no record is in it.
//!
//! - A *branch* is an action and a type of resource that the schema allows together.
//! - It says what [`check_question`](super::engine::check_question) accepts
//!   (`tests/it/api/description.rs::the_schema_accepts_what_the_sidecar_accepts`). It is stricter in four ways, so that a
//!   mistake is found early; each is named in the description of the JSON Schema ([`json_schema`]).
//! - The same policies make the same description, byte for byte.
//!
//! - `build`: from policies to a description
//! - `branches`: which obligations each branch can have
//! - `names`: a name for each part, once
//! - `json_schema`: the JSON Schema of a question
//! - `obligations`: what the schema declares that answers can ask
//! - `openapi`: the OpenAPI document of the HTTP binding
//! - `example`: a question that fits
//! - `object`: objects of JSON
//! - `served`: the documents that a sidecar serves, made once a revision

mod branches;
mod build;
mod example;
mod json_schema;
mod names;
mod object;
mod obligations;
mod openapi;
mod served;

pub use build::{TooLarge, describe};
pub use example::example;
pub use json_schema::json_schema;
pub use obligations::obligations;
pub use openapi::openapi;
pub use served::{Documents, Served, Unavailable};

use crate::{
    sources::policy::{Extension, Limit, obligations::Obligations},
    types::{decision::Decision, evaluation, revision::Revision},
};

/// What questions may hold, and what their answers can ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The version of the policies that it describes.
    pub revision: Revision,
    /// The types that are a subject or a resource of some action, by their whole names.
    pub types: Vec<EntityType>,
    /// The different contexts.
    pub contexts: Vec<Context>,
    /// The records that values can be.
    pub records: Vec<Record>,
    /// The types that values can refer to.
    pub references: Vec<Reference>,
    /// The actions that apply to something, by their whole names.
    pub actions: Vec<Action>,
    /// By action and type of resource.
    pub branches: Vec<Branch>,
    /// What the schema declares that answers can ask, by key.
    pub obligations: Obligations,
}

/// A type of subject or resource.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityType {
    /// Its own name in this description: an identifier.
    pub name: String,
    /// Its names in a question, the best one first.
    pub names: Vec<String>,
    /// What it is.
    pub doc: Option<String>,
    /// Who says what its entities are.
    pub held: Holder,
}

/// Who says what an entity is.
#[derive(Debug, Clone, PartialEq)]
pub enum Holder {
    /// The directory: the question gives the id alone.
    Directory,
    /// The question, in `properties`.
    Question(Vec<Field>),
    /// The schema: these are all ids that there are.
    Schema(Vec<String>),
}

/// A context of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// Its own name in this description: an identifier.
    pub name: String,
    /// What it is.
    pub doc: Option<String>,
    /// What the caller gives.
    pub fields: Vec<Field>,
    /// The properties of the action, if it takes any.
    pub action: Option<ActionProperties>,
    /// What poort itself puts into `context.pdp`, which a caller cannot set.
    pub pdp: Vec<&'static str>,
}

/// The properties of an action.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionProperties {
    /// Its own name in this description: an identifier.
    pub name: String,
    /// Whether an action without properties has none of them. If not, it has those that are required.
    pub optional: bool,
    /// What the caller gives.
    pub fields: Vec<Field>,
}

/// A record that values can be.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its own name in this description: an identifier.
    pub name: String,
    /// What it is.
    pub doc: Option<String>,
    /// Its attributes.
    pub fields: Vec<Field>,
}

/// A type that values can refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its own name in this description: an identifier.
    pub name: String,
    /// How it may be named: in full, or without its namespace.
    pub names: Vec<String>,
    /// All ids that there are, if the schema lists them.
    pub listed: Option<Vec<String>>,
}

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Its names in a question, the best one first.
    pub names: Vec<String>,
    /// What it is.
    pub doc: Option<String>,
    /// The types of subjects, as places in [`Description::types`].
    pub subjects: Vec<usize>,
    /// The place in [`Description::contexts`].
    pub context: usize,
}

/// An action and a type of resource that the schema allows together.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// Its own name in this description: an identifier.
    pub name: String,
    /// The place in [`Description::actions`].
    pub action: usize,
    /// The place in [`Description::types`].
    pub resource: usize,
    /// What answers can ask for: the obligations of the policies whose scopes leave room for such a question, by policy.
    pub obligations: Vec<Obligation>,
}

/// An obligation that an answer can have.
#[derive(Debug, Clone, PartialEq)]
pub struct Obligation {
    /// The policy that has it.
    pub policy: String,
    /// The decision that it comes with.
    pub with: Decision,
    /// Its id, type and properties, as in an answer.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Its properties.
    pub properties: evaluation::Map,
}

/// A named value.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name in a question.
    pub name: String,
    /// What it is.
    pub doc: Option<String>,
    /// Whether a question must give it.
    pub required: bool,
    /// Its type.
    pub kind: Kind,
    /// What the value, or each element of it, may be.
    pub limit: Option<Limit>,
    /// Its value where a question leaves it out.
    pub constant: Option<String>,
}

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Truth.
    Bool,
    /// A whole number.
    Long,
    /// Text.
    Text,
    /// A place in [`Description::references`].
    Entity(usize),
    /// Values of one type.
    Set(Box<Kind>),
    /// A place in [`Description::records`].
    Record(usize),
    /// Values of one type, under names of the caller.
    Tags(Box<Kind>),
    /// A moment, an address, a decimal or a span of time.
    Extension(Extension),
}

impl Description {
    /// The action of a branch.
    #[must_use]
    pub fn action(&self, branch: &Branch) -> Option<&Action> {
        self.actions.get(branch.action)
    }

    /// The type of the resource of a branch.
    #[must_use]
    pub fn resource(&self, branch: &Branch) -> Option<&EntityType> {
        self.types.get(branch.resource)
    }

    /// The context of an action.
    #[must_use]
    pub fn context(&self, action: &Action) -> Option<&Context> {
        self.contexts.get(action.context)
    }

    /// The types of subjects of an action.
    pub fn subjects<'a>(&'a self, action: &'a Action) -> impl Iterator<Item = &'a EntityType> {
        action.subjects.iter().filter_map(|place| self.types.get(*place))
    }
}

impl EntityType {
    /// How a question names it best.
    #[must_use]
    pub fn wire_name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// What the question says of it; nothing, if another says it.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        match &self.held {
            Holder::Question(fields) => fields,
            Holder::Directory | Holder::Schema(_) => &[],
        }
    }
}

impl Action {
    /// How a question names it best.
    #[must_use]
    pub fn wire_name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}
