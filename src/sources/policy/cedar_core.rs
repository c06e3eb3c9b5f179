//! What poort uses of Cedar's internals (`cedar-policy-core`): the syntax tree with its values and entities, the validator's
//! types, and two operations on them.
//!
//! Why one file: that crate is not semver-stable. The rooms above `policy` name its types through here, so a new release of
//! Cedar shows in this list what they use of it (`tests/it/house/layers.rs::few_rooms_know_what_is_inside_of_cedar`).

/// The syntax tree of policies, with requests, values and entities.
pub mod ast {
    pub use cedar_policy_core::ast::{
        ActionConstraint, BinaryOp, Context, Effect, Eid, Entity, EntityReference, EntityType, EntityUID,
        EntityUIDEntry, Expr, ExprBuilder, ExprKind, Literal, PartialValue, Pattern, Policy, PolicyID, PolicySet,
        PrincipalOrResourceConstraint, Request, RestrictedExpr, SlotEnv, Template, UnaryOp, Value, ValueKind, Var,
    };
}

/// The schema as the validator has it, and the type checker.
pub mod validator {
    pub use cedar_policy_core::validator::{
        ValidationMode, Validator, ValidatorEntityTypeKind, ValidatorSchema,
        typecheck::{PolicyCheck, Typechecker},
        types::{AttributeType, Attributes, EntityKind, OpenTag, RequestEnv, Type},
    };
}

use cedar_policy as cedar;
use cedar_policy_core::{
    entities::{Entities, TCComputation},
    extensions::Extensions,
    parser,
    validator::CoreSchema,
};
use std::sync::Arc;

/// Parses a policy or template, with the places of its parts. `None` if the text is not one.
#[must_use]
pub fn parse(id: Option<ast::PolicyID>, text: &str) -> Option<ast::Template> {
    parser::parse_policy_or_template(id, text).ok()
}

/// Entities that already hold all their ancestors, as Cedar's interface takes them.
///
/// # Errors
/// Two entities with one name that differ.
pub fn closed(entities: impl Iterator<Item = Arc<ast::Entity>>) -> Result<cedar::Entities, String> {
    Entities::new()
        .add_entities(
            entities,
            None::<&CoreSchema<'_>>,
            TCComputation::AssumeAlreadyComputed,
            Extensions::all_available(),
        )
        .map(Into::into)
        .map_err(|error| error.to_string())
}
