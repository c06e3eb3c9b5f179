//! The policies of an environment, as their partial evaluation begins.

use super::{
    Effects,
    root::Root,
    sight::{Seeing, constant},
};
use crate::{
    review::{partial, proof::Environment},
    sources::policy::{Model, cedar_core::ast::EntityUID},
};
use cedar_policy::{self as cedar, pst};
use pst::{Expr, Literal};
use smol_str::SmolStr;
use std::cell::OnceCell;

/// The policies of an environment, with the attributes that have one value replaced by that value.
pub(super) struct Bodies<'a> {
    environment: &'a Environment,
    model: &'a Model,
    applicable: Vec<&'a Seeing>,
    seeing: Vec<cedar::Policy>,
    all: OnceCell<Result<Vec<cedar::Policy>, String>>,
}

impl<'a> Bodies<'a> {
    /// # Errors
    /// A policy that has no syntax tree.
    pub(super) fn of(effects: &'a Effects<'_>, environment: &'a Environment) -> Result<Self, String> {
        let policies = &effects.after.policies;
        let applicable = effects.sights.applicable(policies, environment);
        let mut bodies =
            Self { environment, model: &policies.model, applicable, seeing: Vec::new(), all: OnceCell::new() };
        let seeing = bodies.applicable.iter().filter(|it| effects.sights.sees(it, bodies.model, environment));
        bodies.seeing = seeing.map(|it| bodies.with_constants(it)).collect::<Result<_, _>>()?;
        Ok(bodies)
    }

    /// Those that see something of the change.
    pub(super) fn seeing(&self) -> &[cedar::Policy] {
        &self.seeing
    }

    /// # Errors
    /// A policy that has no syntax tree.
    pub(super) fn all(&self) -> Result<&[cedar::Policy], String> {
        let all = || self.applicable.iter().map(|it| self.with_constants(it)).collect();
        self.all.get_or_init(all).as_deref().map_err(Clone::clone)
    }

    /// Whether a policy reads an attribute of this name, of whatever it may be.
    pub(super) fn reads(&self, attribute: &SmolStr) -> bool {
        self.applicable.iter().any(|it| it.reads.contains(attribute))
    }

    /// The entities that they name.
    pub(super) fn named(&self) -> impl Iterator<Item = &EntityUID> {
        self.applicable.iter().flat_map(|it| &it.named)
    }

    fn with_constants(&self, seeing: &Seeing) -> Result<cedar::Policy, String> {
        with_constants(&seeing.policy, self.model, self.environment)
    }
}

/// A policy with the value of each attribute of a party that can have no other.
///
/// # Errors
/// A policy that has no syntax tree.
pub(super) fn with_constants(
    policy: &cedar::Policy,
    model: &Model,
    environment: &Environment,
) -> Result<cedar::Policy, String> {
    partial::rewritten(policy, &|expression| {
        let Expr::GetAttr { expr, attr } = expression else { return None };
        let root = match expr.as_ref() {
            Expr::Var(pst::Var::Principal) => Root::Principal,
            Expr::Var(pst::Var::Resource) => Root::Resource,
            _ => return None,
        };
        Some(Expr::Literal(Literal::String(constant(model, environment, root, attr)?)))
    })
}
