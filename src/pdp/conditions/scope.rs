//! Finds the conditions of a policy's scope: principal, action and resource. They are like those of its body, but the
//! schema limits their outcomes: where an action has one type of resource, `resource is` that type is never false.

use crate::sources::policy::{
    Policies, Token,
    cedar_core::ast::{
        ActionConstraint, EntityReference, EntityType, EntityUID, PrincipalOrResourceConstraint, Template,
    },
};
use std::ops::Range;

/// Which outcomes a condition can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides {
    /// It can hold.
    pub holds: bool,
    /// It can fail.
    pub fails: bool,
}

impl Sides {
    /// Either.
    pub const BOTH: Self = Self { holds: true, fails: true };

    fn of(truth: bool) -> Self {
        Self { holds: truth, fails: !truth }
    }

    fn or(self, other: Self) -> Self {
        Self { holds: self.holds || other.holds, fails: self.fails || other.fails }
    }
}

/// The places of principal, action and resource: in brackets after the effect, separated by commas.
pub(super) fn places(tokens: &[Token<'_>]) -> Option<[Range<usize>; 3]> {
    let mut rest = tokens.iter();
    // Names of annotations follow an @, so the effect is the first of these words that does not.
    let mut before = "";
    for token in rest.by_ref() {
        if ["permit", "forbid"].contains(&token.text) && before != "@" {
            break;
        }
        before = token.text;
    }
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut part: Option<Range<usize>> = None;
    let mut depth = 0_usize;
    for token in rest {
        match token.text {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        match token.text {
            "(" if depth == 1 => {}
            "," if depth == 1 => parts.extend(part.take()),
            _ if depth == 0 => break,
            _ => part = Some(part.map_or(token.place.start, |part| part.start)..token.place.end),
        }
    }
    parts.extend(part);
    parts.try_into().ok()
}

/// The outcomes that the parts of a scope can have under the schema, in the order in which Cedar evaluates them: each
/// only where those before it hold. `None` for a part that is not constrained.
pub(super) fn sides(template: &Template, policies: &Policies) -> [Option<Sides>; 3] {
    let none = Sides { holds: false, fails: false };
    let (mut principal, mut action, mut resource) = (none, none, none);
    for model in policies.model.actions() {
        let of_action = match template.action_constraint() {
            ActionConstraint::Any => Sides::of(true),
            ActionConstraint::Eq(uid) => Sides::of(**uid == model.uid),
            ActionConstraint::In(uids) => Sides::of(uids.iter().any(|uid| is_in(policies, &model.uid, uid))),
        };
        for subject in &model.subjects {
            let of_principal = entity_sides(template.principal_constraint().as_inner(), subject);
            principal = principal.or(of_principal);
            if !of_principal.holds {
                continue;
            }
            action = action.or(of_action);
            if !of_action.holds {
                continue;
            }
            for kind in &model.resources {
                resource = resource.or(entity_sides(template.resource_constraint().as_inner(), kind));
            }
        }
    }
    let is_any = |constraint: &PrincipalOrResourceConstraint| matches!(constraint, PrincipalOrResourceConstraint::Any);
    [
        (!is_any(template.principal_constraint().as_inner())).then_some(principal),
        (!matches!(template.action_constraint(), ActionConstraint::Any)).then_some(action),
        (!is_any(template.resource_constraint().as_inner())).then_some(resource),
    ]
}

fn is_in(policies: &Policies, action: &EntityUID, group: &EntityUID) -> bool {
    action == group || policies.action_entities.get(action).is_some_and(|entity| entity.is_descendant_of(group))
}

fn entity_sides(constraint: &PrincipalOrResourceConstraint, kind: &EntityType) -> Sides {
    match constraint {
        PrincipalOrResourceConstraint::Any => Sides::of(true),
        PrincipalOrResourceConstraint::Is(wanted) => Sides::of(**wanted == *kind),
        PrincipalOrResourceConstraint::IsIn(wanted, _) if **wanted != *kind => Sides::of(false),
        PrincipalOrResourceConstraint::Eq(EntityReference::EUID(uid)) if uid.entity_type() != kind => Sides::of(false),
        PrincipalOrResourceConstraint::In(_)
        | PrincipalOrResourceConstraint::Eq(_)
        | PrincipalOrResourceConstraint::IsIn(..) => Sides::BOTH,
    }
}
