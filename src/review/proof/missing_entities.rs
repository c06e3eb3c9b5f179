//! Models missing entities: those that something refers to and the directory does not know.
//!
//! A caller or the directory may name a missing entity. A policy that reads a declared attribute of it then fails,
//! `has` is false, and it is in no other entity; Cedar's analysis takes every entity to exist. So every type gets one
//! more attribute that says whether the directory knows the entity, and [`Guard`] has expressions read it.

use super::guard::{Guard, KNOWN, Typed};
use crate::sources::policy::{
    Held, Policies,
    cedar_core::{
        ast::{self, Expr, ExprKind},
        validator::{PolicyCheck, RequestEnv, Typechecker, ValidationMode, ValidatorSchema},
    },
};
use cedar_policy as cedar;
use serde_json::json;
use std::collections::BTreeSet;

/// A schema in which every entity says whether the directory knows it.
#[derive(Debug, Clone)]
pub(crate) struct MissingEntities {
    schema: cedar::Schema,
    /// The types that questions speak for.
    asked: BTreeSet<ast::EntityType>,
}

impl MissingEntities {
    /// The schema of these policies, extended.
    ///
    /// # Errors
    /// A declaration that cannot be extended.
    pub(crate) fn of(policies: &Policies) -> Result<Self, String> {
        let schema = extended(policies)?;
        let declared: &ValidatorSchema = schema.as_ref();
        let is_asked = |kind: &&ast::EntityType| {
            let model = policies.model.entity_type(kind);
            model.is_some_and(|model| matches!(model.held, Held::ByRequest { .. }))
        };
        let asked = declared.entity_type_names().filter(is_asked).cloned().collect();
        Ok(Self { schema, asked })
    }

    /// The schema.
    pub(crate) const fn schema(&self) -> &cedar::Schema {
        &self.schema
    }

    /// The expression, false where it would fail since it reads an entity that the directory does not know.
    pub(crate) fn guarded(&self, expression: Expr, environment: &cedar::RequestEnv) -> Result<Expr, String> {
        if !looks_further(&expression) && !asks_in_steps(&expression) {
            return Ok(expression);
        }
        self.typed(expression, environment, |guard, typed| guard.guard(typed))
    }

    /// Holds where an expression reads no entity that the directory does not know. `None`: everywhere.
    pub(crate) fn is_read(&self, expression: Expr, environment: &cedar::RequestEnv) -> Result<Option<Expr>, String> {
        if !looks_further(&expression) {
            return Ok(None);
        }
        self.typed(expression, environment, |guard, typed| guard.read(typed, &mut Vec::new()))
    }

    /// What a guard makes of an expression with its types in an environment.
    fn typed<T>(
        &self,
        expression: Expr,
        environment: &cedar::RequestEnv,
        make: impl FnOnce(&Guard<'_>, &Typed) -> T,
    ) -> Result<T, String> {
        let schema: &ValidatorSchema = self.schema.as_ref();
        let request = schema.unlinked_request_envs(ValidationMode::Strict).find(|request| match request {
            RequestEnv::DeclaredAction { principal, action, resource, .. } => {
                *principal == AsRef::<ast::EntityType>::as_ref(environment.principal())
                    && *action == AsRef::<ast::EntityUID>::as_ref(environment.action())
                    && *resource == AsRef::<ast::EntityType>::as_ref(environment.resource())
            }
            RequestEnv::UndeclaredAction => false,
        });
        let request = request.ok_or("the schema does not have this environment")?;
        let policy = ast::Policy::from_when_clause(
            ast::Effect::Permit,
            expression,
            ast::PolicyID::from_string("question"),
            None,
        );
        let checker = Typechecker::new(schema, ValidationMode::Strict);
        let guard = Guard { schema, asked: &self.asked, environment };
        match checker.typecheck_by_single_request_env(policy.template(), &request) {
            PolicyCheck::Success(typed) => Ok(make(&guard, &typed)),
            PolicyCheck::Irrelevant(errors, typed) if errors.is_empty() => Ok(make(&guard, &typed)),
            PolicyCheck::Irrelevant(errors, _) | PolicyCheck::Fail(errors) => {
                Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            }
        }
    }
}

fn extended(policies: &Policies) -> Result<cedar::Schema, String> {
    let fault = |error: &dyn std::fmt::Display| format!("the schema cannot be prepared for proofs: {error}");
    let (fragment, _) =
        cedar::SchemaFragment::from_cedarschema_str(&policies.schema_text).map_err(|error| fault(&error))?;
    let mut whole = fragment.to_json_value().map_err(|error| fault(&error))?;
    for definition in whole.as_object_mut().into_iter().flat_map(|whole| whole.values_mut()) {
        let types = definition.get_mut("entityTypes").and_then(|types| types.as_object_mut());
        for (name, declared) in types.into_iter().flatten() {
            let Some(declared) = declared.as_object_mut().filter(|declared| !declared.contains_key("enum")) else {
                continue;
            };
            let shape = declared.entry("shape").or_insert_with(|| json!({ "type": "Record", "attributes": {} }));
            let attributes = shape.get_mut("attributes").and_then(|attributes| attributes.as_object_mut());
            let attributes = attributes
                .ok_or_else(|| fault(&format!("the attributes of `{name}` are a named type; write them out")))?;
            attributes.insert(KNOWN.to_owned(), json!({ "type": "Boolean", "required": true }));
        }
    }
    cedar::Schema::from_json_value(whole).map_err(|error| fault(&error))
}

/// Whether an expression tests an attribute through another, as `resource has owner.level` does. That never fails, and
/// its value differs if the entity in between is missing.
fn asks_in_steps(expression: &Expr) -> bool {
    expression.subexpressions().any(|part| matches!(part.expr_kind(), ExprKind::ExtHasAttr { .. }))
}

/// Whether an expression may read an entity through a reference. `false` is certain.
pub(crate) fn looks_further(expression: &Expr) -> bool {
    expression.subexpressions().any(|part| match part.expr_kind() {
        ExprKind::GetAttr { expr, .. } | ExprKind::HasAttr { expr, .. } | ExprKind::ExtHasAttr { expr, .. } => {
            !matches!(expr.expr_kind(), ExprKind::Var(_))
        }
        ExprKind::BinaryApp { op: ast::BinaryOp::HasTag | ast::BinaryOp::GetTag | ast::BinaryOp::In, arg1, .. } => {
            !matches!(arg1.expr_kind(), ExprKind::Var(_))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::policy::Sources;

    #[track_caller]
    fn knows(schema: &str, entity: &str) {
        let (_, policies, problems) =
            Policies::from_sources(&Sources::from_texts("p", [("schema.cedarschema", schema)]));
        let policies = policies.unwrap_or_else(|| panic!("{problems:?}"));
        let known = MissingEntities::of(&policies).unwrap();
        let schema: &ValidatorSchema = known.schema.as_ref();
        let declared = schema.get_entity_type(&entity.parse().unwrap()).unwrap();
        assert!(declared.attr(KNOWN).is_some(), "{entity}");
        assert!(declared.attr("level").is_some(), "{entity}");
    }

    #[test]
    fn attributes_of_named_types_stay_as_they_are() {
        let uses = "action read appliesTo { principal: [A::Officer], resource: [A::Officer], context: {} };";
        for schema in [
            "namespace A { type Level = Long; entity Officer { level: Level }; }",
            "type Facts = { level: Long }; namespace A { entity Officer { level: Facts } tags Facts; }",
            "namespace B { type Facts = Set<Long>; } namespace A { entity Officer { level?: B::Facts }; }",
        ] {
            knows(&format!("{schema} {uses}"), "A::Officer");
        }
    }
}
