//! Prepares policies for proofs: links made static, each with its condition, its scope and its text.

use super::{Environment, joined::from_the_right, missing_entities::looks_further};
use crate::sources::policy::{Policies, Scope, cedar_core::ast};
use cedar_policy::{self as cedar, pst};
use std::{collections::HashMap, sync::Arc};

/// A policy. A link of a template is a policy of its own.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// Whether it permits; it forbids otherwise.
    pub permits: bool,
    /// Scope and conditions as one expression.
    pub(crate) condition: ast::Expr,
    /// Effect and condition as text: two policies with equal texts are the same but for their annotations.
    pub text: Arc<str>,
    /// Whether its evaluation can end in an error though all entities are known, as far as can be seen from its text.
    /// `false` is sure.
    pub(crate) calculates: bool,
    /// Whether it may read an entity that the directory does not know. `false` is certain.
    pub(crate) looks_further: bool,
    scope: Scope,
}

impl Rule {
    /// All policies and links of a set, ordered by id.
    ///
    /// # Errors
    /// A policy that has no syntax tree.
    pub fn all(set: &cedar::PolicySet) -> Result<Vec<Self>, String> {
        let mut rules = set.policies().map(Self::of).collect::<Result<Vec<_>, _>>()?;
        rules.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(rules)
    }

    fn of(policy: &cedar::Policy) -> Result<Self, String> {
        let fault = |error: &dyn std::fmt::Display| format!("policy `{}`: {error}", policy.id());
        let fixed = match policy.to_pst().map_err(|error| fault(&error))? {
            pst::Policy::Linked(link) => {
                let fixed = link.into_static_policy().map_err(|error| fault(&error))?;
                cedar::Policy::from_pst(fixed.into()).map_err(|error| fault(&error))?
            }
            pst::Policy::Static(_) => policy.clone(),
        };
        let permits = fixed.effect() == cedar::Effect::Permit;
        let condition = AsRef::<ast::Policy>::as_ref(&fixed).condition();
        Ok(Self {
            id: AsRef::<str>::as_ref(policy.id()).to_owned(),
            permits,
            text: format!("{} {condition}", if permits { "permit" } else { "forbid" }).into(),
            calculates: calculates(&condition),
            looks_further: looks_further(&condition),
            scope: Scope::of(&fixed),
            condition: from_the_right(&condition),
        })
    }

    pub(crate) const fn condition(&self) -> &ast::Expr {
        &self.condition
    }

    /// Whether its evaluation can end in an error.
    pub(crate) const fn may_fail(&self) -> bool {
        self.calculates || self.looks_further
    }

    /// Whether a request of this environment can match its scope. `false` is certain: then it neither applies nor
    /// fails, since Cedar's scope cannot fail.
    #[must_use]
    pub fn applies(&self, environment: &Environment, actions: &HashMap<ast::EntityUID, Arc<ast::Entity>>) -> bool {
        let Environment { principal, action, resource, .. } = environment;
        self.scope.leaves_room(principal, action, resource, actions)
    }

    /// The policies of a set that can apply in an environment.
    #[must_use]
    pub fn applicable<'a>(rules: &'a [Self], environment: &Environment, policies: &Policies) -> Vec<&'a Self> {
        rules.iter().filter(|rule| rule.applies(environment, &policies.action_entities)).collect()
    }
}

/// Whether the evaluation of a strictly valid expression can end in an error. What is not known to be safe may fail:
/// arithmetic overflows, and so do some functions of dates.
fn calculates(expression: &ast::Expr) -> bool {
    !expression.subexpressions().all(|part| match part.expr_kind() {
        ast::ExprKind::Lit(_)
        | ast::ExprKind::Var(_)
        | ast::ExprKind::If { .. }
        | ast::ExprKind::And { .. }
        | ast::ExprKind::Or { .. }
        | ast::ExprKind::GetAttr { .. }
        | ast::ExprKind::HasAttr { .. }
        | ast::ExprKind::ExtHasAttr { .. }
        | ast::ExprKind::Like { .. }
        | ast::ExprKind::Is { .. }
        | ast::ExprKind::Set(_)
        | ast::ExprKind::Record(_) => true,
        ast::ExprKind::UnaryApp { op, .. } => matches!(op, ast::UnaryOp::Not | ast::UnaryOp::IsEmpty),
        ast::ExprKind::BinaryApp { op, .. } => {
            !matches!(op, ast::BinaryOp::Add | ast::BinaryOp::Sub | ast::BinaryOp::Mul)
        }
        // The validator refuses a constructor whose text has no meaning.
        ast::ExprKind::ExtensionFunctionApp { fn_name, args } => {
            ["ip", "decimal", "datetime", "duration"].contains(&fn_name.to_string().as_str())
                && args.iter().all(|argument| matches!(argument.expr_kind(), ast::ExprKind::Lit(_)))
        }
        _ => false,
    })
}
