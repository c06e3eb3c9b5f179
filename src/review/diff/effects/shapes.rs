//! The types of expressions that are left, as far as they are entities.

use crate::{
    review::proof::Environment,
    sources::policy::{
        Model, Reference, Shape,
        cedar_core::ast::{EntityType, EntityUID},
    },
};
use cedar_policy::pst::{self, BinaryOp, Expr, Literal};

/// The questions of one environment under one schema.
#[derive(Clone, Copy)]
pub(super) struct Shapes<'a> {
    pub(super) model: &'a Model,
    pub(super) environment: &'a Environment,
}

impl Shapes<'_> {
    /// The type of the entities that an expression names, and whether it is a set of them.
    pub(super) fn kind_of(&self, expression: &Expr) -> Option<(EntityType, bool)> {
        match self.shape_of(expression)? {
            Shape::Entity(reference) => Some((reference.kind, false)),
            Shape::Set(element) => match element.as_ref() {
                Shape::Entity(reference) => Some((reference.kind.clone(), true)),
                _ => None,
            },
            _ => None,
        }
    }

    fn shape_of(&self, expression: &Expr) -> Option<Shape> {
        let entity = |kind: &EntityType| Shape::Entity(Reference { kind: kind.clone(), listed: None });
        match expression {
            Expr::Var(pst::Var::Principal) => Some(entity(&self.environment.principal)),
            Expr::Var(pst::Var::Resource) => Some(entity(&self.environment.resource)),
            Expr::Literal(Literal::EntityUID(uid)) => Some(entity(EntityUID::from(uid.clone()).entity_type())),
            Expr::IfThenElse { then_expr, .. } => self.shape_of(then_expr),
            Expr::GetAttr { expr, attr } => match expr.as_ref() {
                Expr::Var(pst::Var::Context) => {
                    let action = self.model.action_of(&self.environment.action)?;
                    match &action.properties {
                        Some(properties) if attr == "action" => Some(Shape::Record(properties.attributes.clone())),
                        _ => Some(action.context.get(attr)?.shape.clone()),
                    }
                }
                _ => match self.shape_of(expr)? {
                    Shape::Record(fields) => Some(fields.get(attr)?.shape.clone()),
                    Shape::Entity(Reference { kind, .. }) => {
                        Some(self.model.entity_type(&kind)?.attributes.as_ref()?.get(attr)?.shape.clone())
                    }
                    _ => None,
                },
            },
            Expr::BinaryOp { op: BinaryOp::GetTag, left, .. } => {
                let Shape::Entity(Reference { kind, .. }) = self.shape_of(left)? else { return None };
                self.model.entity_type(&kind)?.tags.clone()
            }
            _ => None,
        }
    }
}
