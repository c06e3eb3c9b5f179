//! Constant folding: a condition without the parts whose value is fixed by the types and the action of a question.
//!
//! **Why it is the same.** A part is replaced only where its value is certain and its evaluation cannot fail, so a folded
//! condition is true, false or an error exactly where the whole one is. `e && true` is `e`, because strict validation
//! makes `e` a boolean or an error; `e && false` is kept, because `e` can fail.
//!
//! A rule that holds for every question names many types, actions and optional attributes, and most of it is fixed for
//! each kind of question. (`tests/it/pdp/cedar.rs::verdicts_equal_those_of_the_authorizer_over_everything` holds that
//! verdicts stay the same.)

use super::{Held, Model, footprint::Environment};
use cedar_policy_core::{
    ast::{self, BinaryOp, Expr, ExprKind, Literal, UnaryOp, Var},
    validator::{
        ValidatorActionId, ValidatorSchema,
        types::{AttributeType, Attributes, Type},
    },
};

/// What is fixed in one environment.
pub(super) struct Folding<'a> {
    pub(super) environment: Environment<'a>,
    pub(super) schema: &'a ValidatorSchema,
    pub(super) model: &'a Model,
    /// The action, with its groups.
    pub(super) action: Option<&'a ast::Entity>,
}

impl Folding<'_> {
    /// The expression without what is fixed.
    pub(super) fn fold(&self, expression: &Expr) -> Expr {
        match expression.expr_kind() {
            ExprKind::And { left, right } => self.junction(left, right, false),
            ExprKind::Or { left, right } => self.junction(left, right, true),
            ExprKind::UnaryApp { op: UnaryOp::Not, arg } => {
                let arg = self.fold(arg);
                truth(&arg).map_or_else(|| Expr::not(arg.clone()), |truth| Expr::val(!truth))
            }
            ExprKind::If { test_expr, then_expr, else_expr } => {
                let test = self.fold(test_expr);
                match truth(&test) {
                    Some(true) => self.fold(then_expr),
                    Some(false) => self.fold(else_expr),
                    None => Expr::ite(test, self.fold(then_expr), self.fold(else_expr)),
                }
            }
            _ => self.constant(expression).map_or_else(|| expression.clone(), Expr::val),
        }
    }

    /// `left && right`, which `false` decides, or `left || right`, which `true` decides.
    fn junction(&self, left: &Expr, right: &Expr, decides: bool) -> Expr {
        let left = self.fold(left);
        match truth(&left) {
            Some(truth) if truth == decides => left,
            Some(_) => self.fold(right),
            None => {
                let right = self.fold(right);
                match truth(&right) {
                    Some(truth) if truth != decides => left,
                    _ if decides => Expr::or(left, right),
                    _ => Expr::and(left, right),
                }
            }
        }
    }

    /// The value of a part, where it is certain and its evaluation cannot fail.
    fn constant(&self, expression: &Expr) -> Option<bool> {
        match expression.expr_kind() {
            ExprKind::Is { expr, entity_type } => Some(self.kind(expr)? == entity_type),
            ExprKind::BinaryApp { op: BinaryOp::Eq, arg1, arg2 } => self.equal(arg1, arg2),
            ExprKind::BinaryApp { op: BinaryOp::In, arg1, arg2 } => match arg2.expr_kind() {
                ExprKind::Set(above) => {
                    let lies: Option<Vec<_>> = above.iter().map(|above| self.lies_in(arg1, above)).collect();
                    Some(lies?.contains(&true))
                }
                _ => self.lies_in(arg1, arg2),
            },
            ExprKind::BinaryApp { op: BinaryOp::HasTag, arg1, arg2 } => {
                let has_tags = self.schema.get_entity_type(self.kind(arg1)?)?.tag_type().is_some();
                (!has_tags && self.is_there(arg2)).then_some(false)
            }
            ExprKind::HasAttr { expr, attr } => match self.attribute(expr, attr)? {
                None => Some(false),
                Some(attribute) => (attribute.is_required && self.has_data(expr)).then_some(true),
            },
            // `has a.b`, whose first step is not declared.
            ExprKind::ExtHasAttr { expr, attrs } => self.attribute(expr, attrs.first())?.is_none().then_some(false),
            _ => None,
        }
    }

    /// Whether two entities are the same.
    fn equal(&self, one: &Expr, other: &Expr) -> Option<bool> {
        match (self.named(one), self.named(other)) {
            (Some(one), Some(other)) => Some(one == other),
            _ => (self.kind(one)? != self.kind(other)?).then_some(false),
        }
    }

    /// Whether one entity is another or lies below it.
    fn lies_in(&self, below: &Expr, above: &Expr) -> Option<bool> {
        if let (ExprKind::Var(Var::Action), Some(above)) = (below.expr_kind(), self.named(above)) {
            return Some(above == self.environment.action || self.action?.is_descendant_of(above));
        }
        let (below, above) = (self.kind(below)?, self.kind(above)?);
        let can = below == above || self.schema.get_entity_type(above)?.has_descendant_entity_type(below);
        (!can && !below.is_action() && !above.is_action()).then_some(false)
    }

    /// The entity that an expression is.
    fn named<'e>(&'e self, expression: &'e Expr) -> Option<&'e ast::EntityUID> {
        match expression.expr_kind() {
            ExprKind::Lit(Literal::EntityUID(uid)) => Some(uid),
            ExprKind::Var(Var::Action) => Some(self.environment.action),
            _ => None,
        }
    }

    /// The type of the entity that an expression is.
    fn kind<'e>(&'e self, expression: &'e Expr) -> Option<&'e ast::EntityType> {
        match expression.expr_kind() {
            ExprKind::Var(Var::Principal) => Some(self.environment.principal),
            ExprKind::Var(Var::Resource) => Some(self.environment.resource),
            _ => self.named(expression).map(ast::EntityUID::entity_type),
        }
    }

    /// The declaration of an attribute of a party or of the context: `None` if that cannot be said, `Some(None)` if it has no
    /// such attribute.
    fn attribute(&self, of: &Expr, name: &str) -> Option<Option<&AttributeType>> {
        let attributes: &Attributes = match of.expr_kind() {
            ExprKind::Var(Var::Context) => {
                let declared = self.schema.get_action_id(self.environment.action);
                let Type::Record { attrs, .. } = declared.and_then(ValidatorActionId::context_type)? else {
                    return None;
                };
                attrs
            }
            ExprKind::Var(Var::Principal | Var::Resource) => self.schema.get_entity_type(self.kind(of)?)?.attributes(),
            _ => return None,
        };
        Some(attributes.get_attr(name))
    }

    /// Whether what is declared of it and required is there. The directory need not know an entity, which then has no
    /// attributes.
    fn has_data(&self, party: &Expr) -> bool {
        match party.expr_kind() {
            ExprKind::Var(Var::Context) => true,
            ExprKind::Var(Var::Principal | Var::Resource) => {
                let model = self.kind(party).and_then(|kind| self.model.entity_type(kind));
                model.is_some_and(|model| matches!(model.held, Held::ByRequest { .. }))
            }
            _ => false,
        }
    }

    /// Whether the evaluation of an expression cannot fail.
    fn is_there(&self, expression: &Expr) -> bool {
        match expression.expr_kind() {
            ExprKind::Lit(_) | ExprKind::Var(_) => true,
            ExprKind::GetAttr { expr, attr } => {
                let declared = self.attribute(expr, attr).flatten();
                declared.is_some_and(|attribute| attribute.is_required) && self.has_data(expr)
            }
            _ => false,
        }
    }
}

/// Whether an expression is `true` or `false`.
pub(super) fn truth(expression: &Expr) -> Option<bool> {
    match expression.expr_kind() {
        ExprKind::Lit(Literal::Bool(truth)) => Some(*truth),
        _ => None,
    }
}
