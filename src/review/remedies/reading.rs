//! Where a policy reads a value, if it can be changed, and what is there now.

use super::{
    place::{Place, Root, entity, inside, text},
    state::Tried,
};
use crate::sources::policy::cedar_core::ast::{BinaryOp, EntityUID, Expr, ExprKind, PartialValue, SlotEnv, Value, Var};
use smol_str::SmolStr;

impl Tried<'_> {
    /// The value of a part of a policy.
    pub(super) fn value(&self, part: &Expr, slots: &SlotEnv) -> Option<Value> {
        self.evaluator().value(part, slots).ok()
    }

    /// The entity that a part of a policy is.
    pub(super) fn entity(&self, part: &Expr, slots: &SlotEnv) -> Option<EntityUID> {
        entity(&self.value(part, slots)?).cloned()
    }

    /// The place that a part of a policy reads. `None` if it is none, or if nobody can change what is there.
    pub(super) fn place(&self, part: &Expr, slots: &SlotEnv) -> Option<Place> {
        match part.expr_kind() {
            ExprKind::Var(Var::Context) => Some(Place { root: Root::Context, path: Vec::new() }),
            ExprKind::GetAttr { expr, attr } => self.field(expr, attr, slots),
            ExprKind::BinaryApp { op: BinaryOp::GetTag, arg1, arg2 } => self.tag(arg1, arg2, slots),
            _ => None,
        }
    }

    /// The place of an attribute of what a part of a policy is.
    pub(super) fn field(&self, base: &Expr, name: &SmolStr, slots: &SlotEnv) -> Option<Place> {
        if let Some(uid) = self.entity(base, slots) {
            return Some(Place { root: Root::Entity(uid), path: vec![name.clone()] });
        }
        let base = self.place(base, slots)?;
        if base.root == Root::Context && base.path.is_empty() {
            match name.as_str() {
                // The moment is not the caller's.
                "pdp" => return None,
                "action" if self.is_about_action() => return Some(Place { root: Root::Action, path: Vec::new() }),
                _ => {}
            }
        }
        Some(base.field(name))
    }

    /// The place of a tag.
    pub(super) fn tag(&self, base: &Expr, name: &Expr, slots: &SlotEnv) -> Option<Place> {
        let uid = self.entity(base, slots)?;
        let name = text(&self.value(name, slots)?)?.clone();
        Some(Place { root: Root::Tag(uid, name), path: Vec::new() })
    }

    /// What is at a place now.
    pub(super) fn current(&self, place: &Place) -> Option<Value> {
        let (uid, tag) = match &place.root {
            Root::Entity(uid) => (uid, None),
            Root::Tag(uid, tag) => (uid, Some(tag)),
            Root::Context => return self.in_context(&place.path),
            Root::Action => return self.in_context(&[&["action".into()], place.path.as_slice()].concat()),
        };
        let entity = self.world.entity(uid)?;
        let (found, rest) = match tag {
            Some(tag) => (entity.get_tag(tag)?, place.path.as_slice()),
            None => {
                let (first, rest) = place.path.split_first()?;
                (entity.get(first)?, rest)
            }
        };
        match found {
            PartialValue::Value(value) => inside(value, rest).cloned(),
            PartialValue::Residual(_) => None,
        }
    }

    fn in_context(&self, path: &[SmolStr]) -> Option<Value> {
        let context = self.evaluator().value(&Expr::var(Var::Context), &SlotEnv::new()).ok()?;
        inside(&context, path).cloned()
    }
}
