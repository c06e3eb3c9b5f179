//! Tells whether a changed policy is valid against the schema (strict), typing it as seldom as possible.
//!
//! Cedar types a policy in each request environment: two types, an action and its context. Two environments that differ in
//! the action alone are one to a policy that names no action which only one of the two is, is in, or has in it. Half of all the time of
//! mutation testing went into such environments.

use crate::sources::policy::cedar_core::{
    ast::{EntityType, EntityUID, ExprKind, Literal, Template},
    validator::{PolicyCheck, RequestEnv, Typechecker, ValidationMode, Validator, ValidatorSchema},
};
use std::collections::{BTreeSet, HashSet};

const MODE: ValidationMode = ValidationMode::Strict;

/// The environments of a schema.
pub(super) struct Validity<'a> {
    schema: &'a ValidatorSchema,
    /// Those that differ in the action alone are together.
    alike: Vec<Vec<RequestEnv<'a>>>,
}

impl<'a> Validity<'a> {
    pub(super) fn new(schema: &'a ValidatorSchema) -> Self {
        let mut alike: Vec<Vec<RequestEnv<'a>>> = Vec::new();
        for environment in schema.unlinked_request_envs(MODE) {
            let group =
                alike.iter_mut().find(|group| group.first().is_some_and(|one| differ_in_action(one, &environment)));
            match group {
                Some(group) => group.push(environment),
                None => alike.push(vec![environment]),
            }
        }
        Self { schema, alike }
    }

    /// Whether a policy or template is valid. Of a link, its template is; its values are those of a link that was valid.
    pub(super) fn of(&self, template: &Template) -> bool {
        if Validator::validate_entity_types_and_literals(self.schema, template).next().is_some() {
            return false;
        }
        let typechecker = Typechecker::new(self.schema, MODE);
        if !template.is_static() {
            return typechecker.typecheck_by_request_env(template).all(|(_, check)| is_typed(&check));
        }
        let named = self.actions(template);
        self.alike.iter().all(|group| {
            let mut seen = HashSet::new();
            let mut different = group.iter().filter(|environment| seen.insert(self.compared(environment, &named)));
            different.all(|environment| is_typed(&typechecker.typecheck_by_single_request_env(template, environment)))
        })
    }

    /// The actions that a policy names.
    fn actions(&self, template: &Template) -> BTreeSet<EntityUID> {
        let condition = template.condition();
        let named = condition.subexpressions().filter_map(|expression| match expression.expr_kind() {
            ExprKind::Lit(Literal::EntityUID(uid)) if self.schema.get_action_id(uid).is_some() => {
                Some(uid.as_ref().clone())
            }
            _ => None,
        });
        named.collect()
    }

    /// The type of an environment's action, and for each of these whether it is it, is in it, and has it in it.
    fn compared(
        &self,
        environment: &RequestEnv<'a>,
        named: &BTreeSet<EntityUID>,
    ) -> (Option<&'a EntityType>, Vec<[bool; 3]>) {
        let Some(action) = environment.action_entity_uid() else { return (None, Vec::new()) };
        let is_in = |one: &EntityUID, group: &EntityUID| {
            self.schema.get_action_id(group).is_some_and(|group| group.descendants().any(|within| within == one))
        };
        (
            Some(action.entity_type()),
            named.iter().map(|one| [one == action, is_in(action, one), is_in(one, action)]).collect(),
        )
    }
}

fn differ_in_action(one: &RequestEnv<'_>, other: &RequestEnv<'_>) -> bool {
    one.principal_entity_type() == other.principal_entity_type()
        && one.resource_entity_type() == other.resource_entity_type()
        && one.context_type() == other.context_type()
}

/// Cedar counts a policy that is always false as valid unless it found an error on its way there.
const fn is_typed(check: &PolicyCheck) -> bool {
    match check {
        PolicyCheck::Success(_) => true,
        PolicyCheck::Irrelevant(errors, _) => errors.is_empty(),
        PolicyCheck::Fail(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::policy::cedar_core;
    use cedar_policy as cedar;

    const SCHEMA: &str = r#"
        entity Team;
        entity Officer in [Team] { level: Long, "team"?: Team };
        entity System { level: Long };
        entity Register { team: Team, code: String };
        entity Photo { team: Team, day: datetime };
        action use appliesTo { principal: [Officer, System], resource: [Register, Photo], context: { reason: String } };
        action consult, search in [use] appliesTo { principal: [Officer, System], resource: [Register, Photo], context: { reason: String } };
        action erase appliesTo { principal: Officer, resource: [Register, Photo], context: { reason: String } };
        action disclose in [use] appliesTo { principal: Officer, resource: Register, context: { reason: String, to: Team } };
    "#;

    /// Each is made with each of the operations on the action, also where types then do not fit.
    const CONDITIONS: &[&str] = &[
        "true",
        "context.to == resource.team",
        "principal.level > 2",
        "principal.level > resource.code",
        "principal has team && principal.team == resource.team",
        "principal.team == resource.team",
        "resource.code like \"a*\"",
        "resource is Photo && resource.day < datetime(\"2026-01-01\")",
        "principal in resource.team",
        "context.reason.contains(\"x\")",
        "[action, Action::\"use\"].contains(Action::\"erase\")",
        "action == principal",
        "action in resource.team",
        "[principal, 1].contains(action)",
    ];

    const ON_ACTIONS: &[&str] = &[
        "action == Action::\"consult\"",
        "action == Action::\"disclose\"",
        "action in Action::\"use\"",
        "action in [Action::\"erase\", Action::\"disclose\"]",
        "action == Action::\"delete\"",
        "action is Action",
        "Action::\"consult\" in action",
        "Action::\"consult\" in [action, Action::\"erase\"]",
        "true",
        "action == context.reason",
    ];

    #[test]
    fn cedar_calls_the_same_policies_valid() {
        let schema = cedar::Schema::from_cedarschema_str(SCHEMA).unwrap().0;
        let validity = Validity::new(schema.as_ref());
        let all: usize = validity.alike.iter().map(Vec::len).sum();
        assert!(validity.alike.len() < all, "some differ in the action alone");
        let validator = cedar::Validator::new(schema.clone());
        let mut counts = [0, 0];
        for scope in [
            "principal, action, resource",
            "principal is Officer, action in Action::\"use\", resource",
            "principal in ?principal, action, resource",
        ] {
            for on_action in ON_ACTIONS {
                for condition in CONDITIONS {
                    for form in ["A && B", "A || B", "!(A) && B", "if A then B else true", "B && A"] {
                        let body = form.replace('A', "\0").replace('B', condition).replace('\0', on_action);
                        let text = format!("permit({scope}) when {{ {body} }};");
                        let template = cedar_core::parse(None, &text).unwrap();
                        let set: cedar::PolicySet = text.parse().unwrap();
                        let expected = validator.validate(&set, cedar::ValidationMode::Strict).validation_passed();
                        assert_eq!(validity.of(&template), expected, "{text}");
                        counts[usize::from(expected)] += 1;
                    }
                }
            }
        }
        assert!(counts.into_iter().all(|count| count > 100), "{counts:?}");
    }
}
