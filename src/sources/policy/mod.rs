//! Policies: parses, validates and prepares Cedar text for evaluation.
//!
//! What holds here:
//! - [`Policies`] exists only if every file parsed, every policy is valid against the schema (strict), every id is
//!   unique and every annotation that poort reads is well formed. Holding one is permission to evaluate with it.
//! - Its [`Revision`] is the digest of exactly the files it was made from.
//! - The policies that are evaluated have no source locations: all locations of a text share one reference count, on
//!   which threads would contend (see `Policies::from_sources`).
//!
//! - `bounds`: how deep and long a text may be before it is parsed
//! - `sources`: the files of a policy folder, as bytes that have a revision
//! - `parse`: ids, annotations and template links
//! - `tokens`, `syntax`: the tokens of a policy's text; mistakes of syntax at the place where they were made
//! - `cedar_core`: what the rooms above may use of Cedar's internals
//! - `convert`: the syntax tree of what was parsed
//! - `hints`: deterministic hints in the place of Cedar's
//! - `obligations`: what the schema declares that policies can ask of callers
//! - `facts`: what a policy tells people and callers: title, obligations, advice
//! - `reason_user`: what users are told of a deny, and what they are told nothing of
//! - `pretty`: the one form of policy text
//! - `model`, `names`: the schema as the translation of questions needs it: names, aliases, and where attributes come from
//! - `schema_reader`: reads the schema file
//! - `annotations`: what a decision record may carry of a question
//! - `shape`: the types of values
//! - `limit`, `limits`: what values may be beyond their types, and where the schema says so
//! - `written`: the schema as it is written, with annotations
//! - `words`: what it says to people: `@doc`, and names of types
//! - `listed`: the entities that the schema lists, and no others of their type
//! - `value_visitor`: values by those types
//! - `value_text`: Cedar values as questions, files and people have them
//! - `prepared_policy`: a policy, ready to be evaluated
//! - `scope`, `slices`: which policies can apply to a question
//! - `folding`: their conditions without what the kind of question fixes
//! - `footprint`: what those policies can read
//! - `applications`: what each application may ask

pub mod annotations;
mod applications;
mod bounds;
pub mod cedar_core;
mod convert;
mod facts;
mod folding;
mod footprint;
mod hints;
mod limit;
mod limits;
mod listed;
mod model;
mod names;
pub mod obligations;
mod parse;
mod prepared_policy;
mod pretty;
mod reason_user;
mod schema_reader;
mod scope;
mod shape;
mod slices;
mod sources;
mod syntax;
mod tokens;
mod value_text;
pub(crate) mod value_visitor;
mod words;
mod written;

pub use annotations::Marks;
pub use applications::{Applications, Names, ORGANISATION, OwnToken, Permitted, organisation_type};
pub use facts::{SENTENCES, translation};
pub use footprint::{EntityReads, Footprint, Ids, PdpReads, Profile, Reading, Reads, ValueReads};
pub use limit::Limit;
pub use listed::Listed;
pub use model::{ActionModel, ActionProperties, EntityModel, Held, Model, PdpShape, TokenShape};
pub use parse::Place;
pub use prepared_policy::PreparedPolicy;
pub use pretty::pretty;
pub use reason_user::NeverTold;
pub use scope::Scope;
pub use shape::{Attribute, Attributes, DirectoryChecks, Extension, Reference, Shape};
pub use slices::{Slice, Slices, Types};
pub use sources::{APPLICATIONS_FILE, SCHEMA_FILE, Sources};
pub use tokens::{Token, tokens};
pub use value_text::{CONCEALED, id_of, shown, value_json, wire_value};
pub use value_visitor::Invalid;
pub use words::{ActionWords, EntityWords, ShapeWords, Words};

use crate::types::{
    decision::PolicyFacts,
    problem::{Problem, has_errors},
    revision::Revision,
};
use cedar_policy as cedar;
use cedar_policy_core::{ast, pst};
use std::{collections::HashMap, sync::Arc};

/// A checked set of policies with its schema.
#[derive(Debug)]
pub struct Policies {
    /// The policies, under their `@id`s.
    pub set: cedar::PolicySet,
    /// The schema that they were validated against.
    pub schema: cedar::Schema,
    /// The text of the schema, from which tools make others.
    pub schema_text: Arc<str>,
    /// The schema, as the translation of questions needs it.
    pub model: Arc<Model>,
    /// What each policy says about itself.
    pub facts: HashMap<cedar::PolicyId, Arc<PolicyFacts>>,
    /// The place of each policy, template and link.
    pub places: HashMap<cedar::PolicyId, Place>,
    /// The actions as entities, with all groups that they are in.
    pub action_entities: HashMap<ast::EntityUID, Arc<ast::Entity>>,
    /// Which of them can apply to a question.
    pub slices: Slices,
    /// What each application may ask, if the folder says it.
    pub applications: Option<Applications>,
    /// The version of all this.
    pub revision: Revision,
}

/// A checked schema. The directory is checked against it also where the policies have mistakes, so that all mistakes are
/// found at once.
#[derive(Debug, Clone)]
pub struct Schema {
    /// As Cedar has it.
    pub cedar: cedar::Schema,
    /// As the translation of questions needs it.
    pub model: Arc<Model>,
    /// As it is written.
    pub text: Arc<str>,
}

impl Policies {
    /// Checks the files of a policy folder. Returns all problems of all files, warnings too; the schema if it has no
    /// error; and the policies only if none of the problems is an error.
    #[must_use]
    pub fn from_sources(sources: &Sources) -> (Option<Schema>, Option<Self>, Vec<Problem>) {
        let mut problems = Vec::new();
        let schema = schema_reader::read_schema(sources, &mut problems);
        let obligations = schema.as_ref().map(|schema| schema.model.obligations.clone()).unwrap_or_default();
        let parsed = parse::parse(sources, obligations, &mut problems);
        let Some(schema) = schema else { return (None, None, problems) };
        parse::validate(&schema.cedar, &parsed, &mut problems);
        reason_user::check(&parsed, &schema.model.never_told, &mut problems);
        let applications = Applications::read(sources, &schema.model, &mut problems);
        let tree = convert::tree(&parsed, sources.folder(), &mut problems).filter(|_| !has_errors(&problems));
        let policies = tree.and_then(|tree| Self::build(sources, &schema, parsed, tree, &mut problems));
        let policies = policies.map(|policies| Self { applications, ..policies });
        (Some(schema), policies, problems)
    }

    /// The schema that the policies were validated against.
    #[must_use]
    pub fn checked_schema(&self) -> Schema {
        Schema { cedar: self.schema.clone(), model: self.model.clone(), text: self.schema_text.clone() }
    }

    /// Whether the schema lets an entity of one type be in an entity of another, or be that entity.
    #[must_use]
    pub fn can_be_in(&self, kind: &ast::EntityType, above: &ast::EntityType) -> bool {
        let above_declared = self.schema.as_ref().get_entity_type(above);
        kind == above || above_declared.is_none_or(|above| above.has_descendant_entity_type(kind))
    }

    /// Puts together what was checked.
    fn build(
        sources: &Sources,
        schema: &Schema,
        parsed: parse::Parsed,
        tree: pst::PolicySet,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let Schema { cedar: schema, model, text: schema_text } = schema.clone();
        // Built from the syntax tree, which drops the source locations. Each evaluated expression clones its location,
        // and all locations of a text share one reference count. With them, two threads together would be no faster
        // than one.
        let built = cedar::PolicySet::from_pst(tree).map_err(|error| error.to_string()).and_then(|set| {
            let actions = schema.action_entities().map_err(|error| error.to_string())?;
            let action_entities = actions
                .iter()
                .map(|action| {
                    let action: &ast::Entity = action.as_ref();
                    (action.uid().clone(), Arc::new(action.clone()))
                })
                .collect();
            Ok((set, action_entities))
        });
        match built {
            Ok((set, action_entities)) => {
                let revision = sources.revision();
                let parse::Parsed { facts, places, .. } = parsed;
                let slices = Slices::new(&set, &schema, &facts);
                let applications = None;
                Some(Self {
                    set,
                    schema,
                    schema_text,
                    model,
                    facts,
                    places,
                    action_entities,
                    slices,
                    applications,
                    revision,
                })
            }
            Err(message) => {
                problems.push(Problem::unreadable("policy::internal", sources.folder(), message));
                None
            }
        }
    }
}
