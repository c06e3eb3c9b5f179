//! The changes of one value that make a condition come out otherwise. What cannot be changed, such as the action or the time,
//! gives none.

use super::{
    place::{Place, Root, allowed, elements, text},
    state::{Edit, Tried},
    values::moved,
};
use crate::sources::policy::{
    Held, Shape,
    cedar_core::ast::{BinaryOp, EntityUID, Expr, ExprKind, Literal, Policy, SlotEnv, UnaryOp, Value, ValueKind, Var},
};
use smol_str::SmolStr;

/// How many elements of a set are tried.
const ELEMENTS: usize = 6;
/// How many changes are tried for one condition.
const MOST: usize = 16;

impl Tried<'_> {
    /// The changes after which a policy may apply, or not.
    pub(super) fn flips(&self, policy: &Policy, applies: bool) -> Vec<Edit> {
        let mut flip = Flip { tried: self, slots: policy.env(), edits: Vec::new() };
        flip.part(&policy.condition(), applies);
        let mut edits = flip.edits;
        edits.truncate(MOST);
        edits
    }
}

struct Flip<'t> {
    tried: &'t Tried<'t>,
    slots: &'t SlotEnv,
    edits: Vec<Edit>,
}

impl Flip<'_> {
    fn value(&self, part: &Expr) -> Option<Value> {
        self.tried.value(part, self.slots)
    }

    fn holds(&self, part: &Expr) -> Option<bool> {
        match self.value(part)?.value_kind() {
            ValueKind::Lit(Literal::Bool(truth)) => Some(*truth),
            _ => None,
        }
    }

    /// Wants a boolean part to come out like this.
    fn part(&mut self, part: &Expr, wanted: bool) {
        if self.holds(part) == Some(wanted) {
            return;
        }
        match part.expr_kind() {
            ExprKind::UnaryApp { op: UnaryOp::Not, arg } => self.part(arg, !wanted),
            ExprKind::And { left, right } if wanted => {
                // What the other makes of it is seen at the next step.
                if self.holds(left) == Some(true) { self.part(right, true) } else { self.part(left, true) }
            }
            ExprKind::Or { left, right } if !wanted => {
                if self.holds(left) == Some(false) {
                    self.part(right, false);
                } else {
                    self.part(left, false);
                }
            }
            ExprKind::And { left, right } | ExprKind::Or { left, right } => {
                self.part(left, wanted);
                self.part(right, wanted);
            }
            ExprKind::If { test_expr, then_expr, else_expr } => {
                let Some(test) = self.holds(test_expr) else { return };
                self.part(if test { then_expr } else { else_expr }, wanted);
                self.part(test_expr, !test);
            }
            ExprKind::GetAttr { .. } | ExprKind::BinaryApp { op: BinaryOp::GetTag, .. } => {
                self.put(part, Some(Value::from(wanted)));
            }
            ExprKind::HasAttr { expr, attr } => {
                let place = self.tried.field(expr, attr, self.slots);
                self.presence(place, wanted);
            }
            ExprKind::BinaryApp { op: BinaryOp::HasTag, arg1, arg2 } => {
                let place = self.tried.tag(arg1, arg2, self.slots);
                self.presence(place, wanted);
            }
            ExprKind::ExtHasAttr { expr, attrs } => {
                let names: Vec<SmolStr> = attrs.iter().cloned().collect();
                self.presence_of_path(expr, &names, wanted);
            }
            ExprKind::UnaryApp { op: UnaryOp::IsEmpty, arg } if wanted => {
                self.put(arg, Some(Value::set(Vec::new(), None)));
            }
            ExprKind::BinaryApp { op, arg1, arg2 } => self.comparison(*op, arg1, arg2, wanted),
            _ => {}
        }
    }

    fn comparison(&mut self, op: BinaryOp, one: &Expr, other: &Expr, wanted: bool) {
        let (Some(left), Some(right)) = (self.value(one), self.value(other)) else { return };
        match (op, wanted) {
            (BinaryOp::Eq, true) => {
                self.put(one, Some(right));
                self.put(other, Some(left));
            }
            (BinaryOp::Eq, false) => {
                self.put_another(one);
                self.put_another(other);
            }
            // `a <= b` where `a` is too large, and not `a < b` where it is too small.
            (BinaryOp::LessEq, true) | (BinaryOp::Less, false) => {
                self.put(one, Some(right));
                self.put(other, Some(left));
            }
            (BinaryOp::Less, true) => {
                self.put(one, moved(&right, -1));
                self.put(other, moved(&left, 1));
            }
            (BinaryOp::LessEq, false) => {
                self.put(one, moved(&right, 1));
                self.put(other, moved(&left, -1));
            }
            (BinaryOp::In, _) => self.membership(one, other, &left, &right, wanted),
            (BinaryOp::Contains, true) => {
                self.put(one, Some(Value::set([elements(&left), vec![right]].concat(), None)));
                elements(&left).into_iter().take(ELEMENTS).for_each(|element| self.put(other, Some(element)));
            }
            (BinaryOp::Contains, false) => {
                let left = elements(&left).into_iter().filter(|element| *element != right).collect::<Vec<_>>();
                self.put(one, Some(Value::set(left, None)));
                self.put_another(other);
            }
            (BinaryOp::ContainsAll, true) => {
                self.put(one, Some(Value::set([elements(&left), elements(&right)].concat(), None)));
                self.put(
                    other,
                    Some(Value::set(elements(&right).into_iter().filter(|it| elements(&left).contains(it)), None)),
                );
            }
            (BinaryOp::ContainsAny, true) => {
                for element in elements(&right).into_iter().take(ELEMENTS) {
                    self.put(one, Some(Value::set([elements(&left), vec![element]].concat(), None)));
                }
                for element in elements(&left).into_iter().take(ELEMENTS) {
                    self.put(other, Some(Value::set([elements(&right), vec![element]].concat(), None)));
                }
            }
            (BinaryOp::ContainsAny, false) => {
                self.put(
                    one,
                    Some(Value::set(elements(&left).into_iter().filter(|it| !elements(&right).contains(it)), None)),
                );
            }
            _ => {}
        }
    }

    fn membership(&mut self, one: &Expr, other: &Expr, left: &Value, right: &Value, wanted: bool) {
        let Some(uid) = super::place::entity(left).cloned() else { return };
        if uid.is_action() {
            // What is asked stays; a set of actions can have it.
            let with = [elements(right), vec![uid.into()]].concat();
            return self.put(other, Some(Value::set(with, None)).filter(|_| wanted));
        }
        let groups: Vec<EntityUID> =
            elements(right).iter().filter_map(super::place::entity).take(ELEMENTS).cloned().collect();
        let place = self.tried.place(one, self.slots);
        for group in &groups {
            if matches!(one.expr_kind(), ExprKind::Var(Var::Principal | Var::Resource)) {
                self.join_or_leave(&uid, group, wanted);
            }
            if let (true, Some(place)) = (wanted, &place)
                && let Some(Shape::Entity(reference)) = self.allowed(place).map(|allowed| allowed.shape)
            {
                for member in self.tried.members(&reference.kind, group) {
                    self.put_at(place.clone(), Some(Value::from(member)));
                }
            }
        }
        if !wanted {
            self.put_another(one);
            return self.put_another(other);
        }
        // The group can be another: what the entity is in already.
        let above = self.tried.world.entity(&uid).map(|entity| entity.parents().cloned().collect::<Vec<_>>());
        for group in [above.unwrap_or_default(), vec![uid]].concat() {
            match right.value_kind() {
                ValueKind::Set(_) => {
                    self.put(other, Some(Value::set([elements(right), vec![group.into()]].concat(), None)));
                }
                _ => self.put(other, Some(Value::from(group))),
            }
        }
    }

    fn join_or_leave(&mut self, uid: &EntityUID, group: &EntityUID, joins: bool) {
        let snapshot = self.tried.snapshot;
        let Some(model) = snapshot.policies.model.entity_type(uid.entity_type()) else { return };
        match &model.held {
            Held::ByDirectory if joins => {
                let is_there = snapshot.directory.get(uid).is_some() && snapshot.directory.get(group).is_some();
                if is_there && uid != group && snapshot.policies.can_be_in(uid.entity_type(), group.entity_type()) {
                    self.edits.push(Edit::Join(uid.clone(), group.clone()));
                }
            }
            Held::ByDirectory => {
                if self.tried.world.entity(uid).is_some_and(|entity| entity.is_child_of(group)) {
                    self.edits.push(Edit::Leave(uid.clone(), group.clone()));
                }
            }
            Held::ByRequest { parents, .. } => {
                for name in parents {
                    let place = Place { root: Root::Entity(uid.clone()), path: vec![name.clone()] };
                    match self.allowed(&place).map(|allowed| allowed.shape) {
                        Some(Shape::Entity(_)) if joins => self.put_at(place, Some(Value::from(group.clone()))),
                        Some(Shape::Entity(_)) => self.put_another_at(&place),
                        _ => {}
                    }
                }
            }
            Held::BySchema(_) => {}
        }
    }

    /// What is not there is put there, or the other way round.
    fn presence(&mut self, place: Option<Place>, wanted: bool) {
        let Some(place) = place else { return };
        let Some(allowed) = self.allowed(&place) else { return };
        if !wanted {
            return self.put_at(place, None);
        }
        if let Shape::Entity(reference) = &allowed.shape {
            for uid in self.tried.entities_of(reference) {
                self.put_at(place.clone(), Some(Value::from(uid)));
            }
        } else if let Some(first) = self.tried.first_value(&allowed) {
            self.put_at(place, Some(first));
        }
    }

    /// `a has b.c.d`: the first that is not there, or the last one.
    fn presence_of_path(&mut self, base: &Expr, names: &[SmolStr], wanted: bool) {
        let Some((first, rest)) = names.split_first() else { return };
        let Some(place) = self.tried.field(base, first, self.slots) else { return };
        let base = Expr::get_attr(base.clone(), first.clone());
        match self.value(&base) {
            Some(_) if !rest.is_empty() => self.presence_of_path(&base, rest, wanted),
            _ => self.presence(Some(place), wanted),
        }
    }

    fn allowed(&self, place: &Place) -> Option<super::place::Allowed> {
        if let Root::Entity(uid) | Root::Tag(uid, _) = &place.root {
            let is_party = *uid == self.tried.subject || *uid == self.tried.resource;
            if !is_party && self.tried.snapshot.directory.get(uid).is_none() {
                return None;
            }
        }
        allowed(self.tried.snapshot, &self.tried.action, place)
    }

    fn put(&mut self, part: &Expr, value: Option<Value>) {
        if let (Some(place), Some(value)) = (self.tried.place(part, self.slots), value) {
            self.put_at(place, Some(value));
        }
    }

    fn put_at(&mut self, place: Place, value: Option<Value>) {
        let Some(allowed) = self.allowed(&place) else { return };
        let fits = match &value {
            Some(value) => Tried::fits(value, &allowed) && text(value).is_none_or(|text| !text.is_empty()),
            None => !allowed.required,
        };
        let edit = Edit::Put(place, value);
        if fits && !self.edits.contains(&edit) {
            self.edits.push(edit);
        }
    }

    fn put_another(&mut self, part: &Expr) {
        if let Some(place) = self.tried.place(part, self.slots) {
            self.put_another_at(&place);
        }
    }

    fn put_another_at(&mut self, place: &Place) {
        let Some(allowed) = self.allowed(place) else { return };
        let value = self.tried.current(place);
        for other in self.tried.others(value.as_ref(), &allowed) {
            self.put_at(place.clone(), other);
        }
    }
}
