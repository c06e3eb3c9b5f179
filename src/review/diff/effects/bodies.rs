//! The policies of an environment, as their partial evaluation begins.

use crate::{
    review::{partial, proof::Environment},
    sources::policy::{
        Model, Policies, Scope,
        cedar_core::ast::{self, EntityUID},
    },
};
use cedar_policy::{self as cedar, pst};
use pst::{Expr, Literal};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// The policies of an environment, with the attributes that have one value replaced by that value.
pub(super) struct Bodies {
    policies: Vec<cedar::Policy>,
    reads: BTreeSet<SmolStr>,
    /// The entities that they name.
    pub(super) named: BTreeSet<EntityUID>,
}

impl Bodies {
    pub(super) fn of(policies: &Policies, environment: &Environment) -> Result<Self, String> {
        let Environment { principal, action, resource } = environment;
        let mut bodies = Self { policies: Vec::new(), reads: BTreeSet::new(), named: BTreeSet::new() };
        for policy in policies.set.policies() {
            if !Scope::of(policy).leaves_room(principal, action, resource, &policies.action_entities) {
                continue;
            }
            let condition = AsRef::<ast::Policy>::as_ref(policy).condition();
            for part in condition.subexpressions() {
                match part.expr_kind() {
                    ast::ExprKind::GetAttr { attr, .. } => drop(bodies.reads.insert(attr.clone())),
                    ast::ExprKind::Lit(ast::Literal::EntityUID(uid)) => drop(bodies.named.insert(uid.as_ref().clone())),
                    _ => {}
                }
            }
            let constant = |expression: &Expr| constant(expression, &policies.model, environment);
            bodies.policies.push(partial::rewritten(policy, &constant)?);
        }
        Ok(bodies)
    }

    pub(super) fn policies(&self) -> &[cedar::Policy] {
        &self.policies
    }

    /// Whether a policy reads an attribute of this name, of whatever it may be.
    pub(super) fn reads(&self, attribute: &SmolStr) -> bool {
        self.reads.contains(attribute)
    }
}

/// The value of an attribute of a party that can have no other.
fn constant(expression: &Expr, model: &Model, environment: &Environment) -> Option<Expr> {
    let Expr::GetAttr { expr, attr } = expression else { return None };
    let kind = match expr.as_ref() {
        Expr::Var(pst::Var::Principal) => &environment.principal,
        Expr::Var(pst::Var::Resource) => &environment.resource,
        _ => return None,
    };
    let value = model.entity_type(kind)?.attributes.as_ref()?.get(attr)?.constant.clone()?;
    Some(Expr::Literal(Literal::String(value)))
}
