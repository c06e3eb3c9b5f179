//! Decides whether a residual condition can fail to evaluate; poort then denies.
//!
//! As all analyses, it rests on the list in `proof::assumptions`: the account and the record are known, and any other
//! entity that is referred to may be missing.

use crate::sources::policy::{
    Model,
    cedar_core::{
        ast,
        validator::{AttributeType, Attributes, EntityKind, Type, ValidatorSchema},
    },
};
use cedar_policy::pst::{BinaryOp, Expr, Literal, UnaryOp, Var};

/// The types of one combination, by which it is known what can fail.
pub(super) struct Failing<'a> {
    pub(super) schema: &'a ValidatorSchema,
    pub(super) model: &'a Model,
    pub(super) principal: &'a ast::EntityType,
    pub(super) action: &'a ast::EntityUID,
    pub(super) resource: &'a ast::EntityType,
}

/// What attributes are looked up in.
enum Owner<'a> {
    Entity(ast::EntityType),
    Record(&'a Attributes),
}

impl<'a> Failing<'a> {
    /// Whether the evaluation of a valid expression could fail: arithmetic that overflows, text that is no address or
    /// date, an attribute of a missing entity. An unknown form counts as able to.
    pub(super) fn can_fail(&self, expression: &Expr) -> bool {
        let can_fail = |expression: &Expr| self.can_fail(expression);
        match expression {
            Expr::Literal(_) | Expr::Var(_) | Expr::Slot(_) => false,
            Expr::UnaryOp { op: UnaryOp::Not | UnaryOp::IsEmpty, expr } => can_fail(expr),
            // Valid policies have only literals here that fit: the validator looks into them.
            Expr::UnaryOp { op: UnaryOp::Datetime | UnaryOp::Duration | UnaryOp::Decimal | UnaryOp::Ip, expr } => {
                !matches!(expr.as_ref(), Expr::Literal(_))
            }
            Expr::BinaryOp { op, left, right } => {
                // Validation requires a test before a tag is read, and a missing entity has none.
                !matches!(
                    op,
                    BinaryOp::And
                        | BinaryOp::Or
                        | BinaryOp::Eq
                        | BinaryOp::NotEq
                        | BinaryOp::Less
                        | BinaryOp::LessEq
                        | BinaryOp::Greater
                        | BinaryOp::GreaterEq
                        | BinaryOp::In
                        | BinaryOp::Contains
                        | BinaryOp::ContainsAll
                        | BinaryOp::ContainsAny
                        | BinaryOp::HasTag
                        | BinaryOp::GetTag
                        | BinaryOp::IsInRange
                ) || can_fail(left)
                    || can_fail(right)
            }
            Expr::GetAttr { expr, attr } => can_fail(expr) || self.can_be_missing(expr, attr),
            Expr::HasAttr { expr, .. } | Expr::Like { expr, .. } => can_fail(expr),
            Expr::Is { expr, in_expr, .. } => can_fail(expr) || in_expr.as_deref().is_some_and(can_fail),
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                can_fail(cond) || can_fail(then_expr) || can_fail(else_expr)
            }
            Expr::Set(elements) => elements.iter().any(|element| can_fail(element)),
            Expr::Record(fields) => fields.values().any(|field| can_fail(field)),
            _ => true,
        }
    }

    /// Whether an attribute that a valid policy reads can be missing. Validation requires a test before an optional one
    /// is read, and a missing entity has none.
    fn can_be_missing(&self, of: &Expr, attribute: &str) -> bool {
        match self.owner(of) {
            Some(Owner::Entity(kind)) => {
                !matches!(of, Expr::Var(_))
                    && self.model.may_be_nowhere(&kind)
                    && self.attribute(&kind, attribute).is_none_or(|declared| declared.is_required)
            }
            Some(Owner::Record(_)) => false,
            None => true,
        }
    }

    fn attribute(&self, kind: &ast::EntityType, attribute: &str) -> Option<&'a AttributeType> {
        self.schema.get_entity_type(kind)?.attr(attribute)
    }

    /// What an expression is, if attributes can be looked up in it.
    fn owner(&self, expression: &Expr) -> Option<Owner<'a>> {
        let ty = match expression {
            Expr::Var(Var::Principal) => return Some(Owner::Entity(self.principal.clone())),
            Expr::Var(Var::Resource) => return Some(Owner::Entity(self.resource.clone())),
            Expr::Var(Var::Action) => return Some(Owner::Entity(self.action.entity_type().clone())),
            Expr::Var(Var::Context) => self.schema.get_action_id(self.action)?.context_type()?,
            Expr::Literal(Literal::EntityUID(uid)) => {
                let uid = ast::EntityUID::from(uid.clone());
                return Some(Owner::Entity(uid.entity_type().clone()));
            }
            Expr::GetAttr { expr, attr } => match self.owner(expr)? {
                Owner::Entity(kind) => &self.attribute(&kind, attr)?.attr_type,
                Owner::Record(fields) => &fields.get_attr(attr)?.attr_type,
            },
            Expr::IfThenElse { then_expr, .. } => return self.owner(then_expr),
            _ => return None,
        };
        match ty {
            Type::Record { attrs, .. } => Some(Owner::Record(attrs)),
            Type::Entity(EntityKind::Entity(kinds)) => Some(Owner::Entity(kinds.get_single_entity()?.clone())),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::sources::policy::{Policies, Sources};
    use cedar_policy::{Policy, pst};

    const SCHEMA: &str =
        "entity Kind enum [\"a\"]; entity Team { leader: Officer, second?: Officer, facts: { size: Long } };
        entity Officer { team: Team, level: Long } tags Team;
        @source(\"request\") entity File { team: Team, facts: { size: Long, team: Team }, kind: Kind };
        action read appliesTo { principal: Officer, resource: File, context: { team: Team, facts: { size: Long } } };";

    /// What this makes of the combination of this schema.
    pub(in crate::review::matrix) fn failing<T>(look: impl FnOnce(&Failing<'_>) -> T) -> T {
        let sources = Sources::from_texts("p", [("schema.cedarschema", SCHEMA)]);
        let (_, policies, problems) = Policies::from_sources(&sources);
        let policies = policies.unwrap_or_else(|| panic!("{problems:?}"));
        let (principal, resource) = ("Officer".parse().unwrap(), "File".parse().unwrap());
        let action = "Action::\"read\"".parse().unwrap();
        look(&Failing {
            schema: policies.schema.as_ref(),
            model: &policies.model,
            principal: &principal,
            action: &action,
            resource: &resource,
        })
    }

    #[track_caller]
    fn check(condition: &str, expected: bool) {
        let policy = Policy::parse(None, format!("permit (principal, action, resource) when {{ {condition} }};"));
        let pst::Policy::Static(policy) = policy.unwrap().to_pst().unwrap() else { panic!("static") };
        let [pst::Clause::When(expression)] = policy.body().clauses().as_slice() else { panic!("one clause") };
        assert_eq!(failing(|failing| failing.can_fail(expression)), expected, "{condition}");
    }

    #[test]
    fn an_attribute_of_a_possibly_missing_entity_can_fail() {
        for condition in [
            "resource.team.leader == principal",
            "resource.facts.team.leader == principal",
            "context.team.facts.size == 1",
            "principal.team.leader.level > 1",
            "Team::\"heron\".leader == principal",
            "(if context.facts.size > 1 then resource.team else principal.team).leader == principal",
            "principal.getTag(\"a\").leader == principal",
            "resource.team has leader && resource.team.leader.level == 1",
        ] {
            check(condition, true);
        }
    }

    #[test]
    fn an_attribute_that_exists_or_was_tested_cannot_fail() {
        for condition in [
            "principal.level > 1 && resource.facts.size > 1 && context.facts.size > 1",
            "resource.team == context.team || resource.kind == Kind::\"a\"",
            "resource.team has leader",
            "resource.team has second && resource.team.second == principal",
            "principal.hasTag(\"a\") && principal.getTag(\"a\") == resource.team",
            "resource.team in principal.team",
        ] {
            check(condition, false);
        }
    }
}
