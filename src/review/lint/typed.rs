//! Finds the types that an expression of a policy can have, over all questions that match the policy's scope.
//!
//! **Invariant:** no possible type is left out, so an attribute that none of them has is one that no question has.

use crate::sources::policy::{
    ActionModel, Attribute, Attributes, Extension, Limit, PdpShape, Policies, Reference, Shape, TokenShape,
    cedar_core::ast::{
        self, ActionConstraint, BinaryOp, EntityReference, Expr, ExprKind, Literal,
        PrincipalOrResourceConstraint as Party, Var,
    },
};
use std::sync::Arc;

/// One thing that an expression can be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Typed {
    pub(super) shape: Shape,
    pub(super) limit: Option<Limit>,
}

/// The questions of one policy.
pub(super) struct Questions<'p> {
    policies: &'p Policies,
    principals: Vec<Typed>,
    resources: Vec<Typed>,
    contexts: Vec<Typed>,
}

impl<'p> Questions<'p> {
    pub(super) fn of(policies: &'p Policies, template: &ast::Template) -> Self {
        let mut questions = Self { policies, principals: Vec::new(), resources: Vec::new(), contexts: Vec::new() };
        for action in
            policies.model.actions().filter(|action| fits_action(template.action_constraint(), action, policies))
        {
            let party = |kinds: &[ast::EntityType], constraint: &Party| {
                let fitting = kinds.iter().filter(|kind| fits_party(constraint, kind)).cloned();
                fitting.map(|kind| typed(entity(kind))).collect::<Vec<_>>()
            };
            let principals = party(&action.subjects, template.principal_constraint().as_inner());
            let resources = party(&action.resources, template.resource_constraint().as_inner());
            if principals.is_empty() || resources.is_empty() {
                continue;
            }
            join(&mut questions.principals, principals);
            join(&mut questions.resources, resources);
            join(&mut questions.contexts, vec![typed(Shape::Record(Arc::new(context(action))))]);
        }
        questions
    }

    /// What the expression can be; nothing, if that is not known.
    pub(super) fn typed(&self, expression: &Expr) -> Vec<Typed> {
        match expression.expr_kind() {
            ExprKind::Var(Var::Principal) => self.principals.clone(),
            ExprKind::Var(Var::Resource) => self.resources.clone(),
            ExprKind::Var(Var::Context) => self.contexts.clone(),
            ExprKind::Lit(Literal::EntityUID(uid)) => vec![typed(entity(uid.entity_type().clone()))],
            ExprKind::Set(elements) => {
                let mut found = Vec::new();
                for element in elements.iter() {
                    join(&mut found, self.typed(element));
                }
                found.into_iter().map(|it| Typed { shape: Shape::Set(Arc::new(it.shape)), limit: it.limit }).collect()
            }
            ExprKind::GetAttr { expr, attr } => self.attribute(self.typed(expr), attr),
            ExprKind::If { then_expr, else_expr, .. } => {
                let mut found = self.typed(then_expr);
                join(&mut found, self.typed(else_expr));
                found
            }
            ExprKind::BinaryApp { op: BinaryOp::GetTag, arg1, .. } => {
                let tags = self.typed(arg1).into_iter().filter_map(|of| self.tags(&of.shape).cloned());
                tags.map(typed).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What an attribute of these can be.
    pub(super) fn attribute(&self, of: Vec<Typed>, name: &str) -> Vec<Typed> {
        let mut found = Vec::new();
        for of in of {
            let attribute = self.attributes(&of.shape).and_then(|attributes| attributes.get(name).cloned());
            let attribute = attribute.map(|it| Typed { shape: it.shape, limit: it.limit });
            join(&mut found, attribute.into_iter().collect());
        }
        found
    }

    /// The attributes that a value of this type can have. `None` if that is not known.
    pub(super) fn attributes(&self, shape: &Shape) -> Option<Arc<Attributes>> {
        match shape {
            Shape::Record(attributes) => Some(attributes.clone()),
            Shape::Entity(Reference { kind, .. }) => self.policies.model.entity_type(kind)?.attributes.clone(),
            _ => None,
        }
    }

    fn tags(&self, shape: &Shape) -> Option<&Shape> {
        match shape {
            Shape::Entity(Reference { kind, .. }) => self.policies.model.entity_type(kind)?.tags.as_ref(),
            _ => None,
        }
    }
}

/// A reference to an entity of this type. What the schema lists is checked elsewhere.
const fn entity(kind: ast::EntityType) -> Shape {
    Shape::Entity(Reference { kind, listed: None })
}

const fn typed(shape: Shape) -> Typed {
    Typed { shape, limit: None }
}

fn join(found: &mut Vec<Typed>, more: Vec<Typed>) {
    for one in more {
        if !found.contains(&one) {
            found.push(one);
        }
    }
}

/// The whole context of an action: what the caller gives, the action's properties, and what poort adds.
fn context(action: &ActionModel) -> Attributes {
    let mut context = action.context.as_ref().clone();
    if let Some(properties) = &action.properties {
        let record = Shape::Record(properties.attributes.clone());
        context.insert("action".into(), Attribute::of(record, properties.required));
    }
    if let Some(PdpShape { now, today, hour, application, policies, token }) = action.pdp {
        let given = [
            ("now", now, Shape::Extension(Extension::Datetime)),
            ("today", today, Shape::Extension(Extension::Datetime)),
            ("hour", hour, Shape::Long),
            ("application", application, Shape::String),
            ("policies", policies, Shape::String),
            ("token", token.is_some(), Shape::Record(Arc::new(token.map(self::token).unwrap_or_default()))),
        ];
        let given = given.into_iter().filter(|(_, is_there, _)| *is_there);
        let is_required = |name| !matches!(name, "application" | "token");
        let record = given.map(|(name, _, shape)| (name.into(), Attribute::of(shape, is_required(name)))).collect();
        context.insert("pdp".into(), Attribute::of(Shape::Record(Arc::new(record)), true));
    }
    context
}

fn token(TokenShape { acr, amr, auth_time }: TokenShape) -> Attributes {
    let given = [
        ("acr", acr, Shape::String),
        ("amr", amr, Shape::Set(Arc::new(Shape::String))),
        ("auth_time", auth_time, Shape::Extension(Extension::Datetime)),
    ];
    let given = given.into_iter().filter(|(_, is_there, _)| *is_there);
    given.map(|(name, _, shape)| (name.into(), Attribute::of(shape, false))).collect()
}

fn fits_party(constraint: &Party, kind: &ast::EntityType) -> bool {
    match constraint {
        Party::Any | Party::In(_) | Party::Eq(EntityReference::Slot(_)) => true,
        Party::Eq(EntityReference::EUID(uid)) => uid.entity_type() == kind,
        Party::Is(named) | Party::IsIn(named, _) => named.as_ref() == kind,
    }
}

fn fits_action(constraint: &ActionConstraint, action: &ActionModel, policies: &Policies) -> bool {
    let below = |group: &ast::EntityUID| {
        *group == action.uid
            || policies.action_entities.get(&action.uid).is_some_and(|action| action.is_descendant_of(group))
    };
    match constraint {
        ActionConstraint::In(groups) => groups.iter().any(|group| below(group)),
        ActionConstraint::Eq(uid) => **uid == action.uid,
        _ => true,
    }
}
