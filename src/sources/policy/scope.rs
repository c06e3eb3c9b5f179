//! The scope of a policy: the types that it allows, and the entity that it names.

use cedar_policy as cedar;
use cedar_policy_core::ast;
use std::{collections::HashMap, sync::Arc};

/// The scope of a policy, or of a link of a template.
#[derive(Debug, Clone)]
pub struct Scope {
    principal: cedar::PrincipalConstraint,
    action: cedar::ActionConstraint,
    resource: cedar::ResourceConstraint,
}

impl Scope {
    /// The scope of a policy.
    #[must_use]
    pub fn of(policy: &cedar::Policy) -> Self {
        Self {
            principal: policy.principal_constraint(),
            action: policy.action_constraint(),
            resource: policy.resource_constraint(),
        }
    }

    /// An entity that the principal or the resource must be, or be in, for the policy to apply; `None` if its scope
    /// names none.
    #[must_use]
    pub fn anchor(&self) -> Option<&ast::EntityUID> {
        let principal = match &self.principal {
            cedar::PrincipalConstraint::Any | cedar::PrincipalConstraint::Is(_) => None,
            cedar::PrincipalConstraint::Eq(uid)
            | cedar::PrincipalConstraint::In(uid)
            | cedar::PrincipalConstraint::IsIn(_, uid) => Some(uid),
        };
        let resource = match &self.resource {
            cedar::ResourceConstraint::Any | cedar::ResourceConstraint::Is(_) => None,
            cedar::ResourceConstraint::Eq(uid)
            | cedar::ResourceConstraint::In(uid)
            | cedar::ResourceConstraint::IsIn(_, uid) => Some(uid),
        };
        principal.or(resource).map(AsRef::as_ref)
    }

    /// Whether a request of these types and this action can match the scope. `false` is certain: then the policy
    /// neither applies nor fails, since Cedar's scope cannot fail.
    #[must_use]
    pub fn leaves_room(
        &self,
        principal: &ast::EntityType,
        action: &ast::EntityUID,
        resource: &ast::EntityType,
        actions: &HashMap<ast::EntityUID, Arc<ast::Entity>>,
    ) -> bool {
        let is =
            |named: &cedar::EntityTypeName, wanted: &ast::EntityType| AsRef::<ast::EntityType>::as_ref(named) == wanted;
        let fits_principal = match &self.principal {
            cedar::PrincipalConstraint::Any | cedar::PrincipalConstraint::In(_) => true,
            cedar::PrincipalConstraint::Eq(uid) => is(uid.type_name(), principal),
            cedar::PrincipalConstraint::Is(kind) | cedar::PrincipalConstraint::IsIn(kind, _) => is(kind, principal),
        };
        let fits_resource = match &self.resource {
            cedar::ResourceConstraint::Any | cedar::ResourceConstraint::In(_) => true,
            cedar::ResourceConstraint::Eq(uid) => is(uid.type_name(), resource),
            cedar::ResourceConstraint::Is(kind) | cedar::ResourceConstraint::IsIn(kind, _) => is(kind, resource),
        };
        let asked = |named: &cedar::EntityUid| AsRef::<ast::EntityUID>::as_ref(named) == action;
        let above =
            |group: &cedar::EntityUid| actions.get(action).is_none_or(|action| action.is_descendant_of(group.as_ref()));
        let fits_action = match &self.action {
            cedar::ActionConstraint::Any => true,
            cedar::ActionConstraint::Eq(named) => asked(named),
            cedar::ActionConstraint::In(several) => several.iter().any(|named| asked(named) || above(named)),
        };
        fits_principal && fits_action && fits_resource
    }
}
