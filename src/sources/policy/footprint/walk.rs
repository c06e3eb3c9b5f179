//! Finds what the conditions of policies read, by walking their expressions with the types of one request environment.

use super::{EntityReads, Footprint, Ids, PdpReads, Profiles, Reads, ValueReads, profile::next};
use crate::sources::policy::{Attributes, Held, Model, PreparedPolicy, Reference, Shape};
use cedar_policy_core::{
    ast::{self, BinaryOp, Expr, ExprKind, Literal, Var},
    validator::{ValidatorActionId, ValidatorSchema},
};
use smol_str::SmolStr;
use std::{collections::BTreeSet, sync::Arc};

/// Beyond this many entities in a row, everything counts as read: references can branch at each step.
const MOST_HOPS: usize = 6;

/// The types of a question.
#[derive(Debug, Clone, Copy)]
pub(in crate::sources::policy) struct Environment<'a> {
    pub principal: &'a ast::EntityType,
    pub action: &'a ast::EntityUID,
    pub resource: &'a ast::EntityType,
}

impl Footprint {
    /// That of policies of which no more is known.
    pub(in crate::sources::policy) fn everything<'p>(policies: impl Iterator<Item = &'p PreparedPolicy>) -> Self {
        Self {
            number: next(),
            pdp: PdpReads::ALL,
            named: policies.flat_map(|ready| named(&ready.condition)).collect(),
            reads: None,
        }
    }

    /// That of these policies, for questions of these types.
    pub(in crate::sources::policy) fn of<'p>(
        policies: impl Iterator<Item = &'p PreparedPolicy> + Clone,
        environment: Environment<'_>,
        schema: &ValidatorSchema,
        model: &Model,
        profiles: &Profiles,
    ) -> Self {
        let mut walk = Walk { environment, schema, model, slots: None, reads: Reads::default(), is_everything: false };
        walk.parties();
        for policy in policies.clone() {
            walk.slots = Some(&policy.slots);
            let condition = walk.visit(&policy.condition);
            walk.consume(&condition);
        }
        walk.close();
        let footprint = Self::everything(policies);
        if walk.is_everything || walk.reads.hops > MOST_HOPS {
            return footprint;
        }
        let mut reads = walk.reads;
        reads.profiles = profiles.of(&reads);
        Self { pdp: reads.pdp(), reads: Some(reads), ..footprint }
    }
}

struct Walk<'a> {
    environment: Environment<'a>,
    schema: &'a ValidatorSchema,
    model: &'a Model,
    slots: Option<&'a ast::SlotEnv>,
    reads: Reads,
    is_everything: bool,
}

/// What an expression stands for.
#[derive(Debug, Clone)]
struct Seen {
    kind: ValueType,
    from: Vec<Origin>,
    /// How many entities in a row were looked into to get it.
    hops: usize,
}

/// The type of a value, as far as it matters.
#[derive(Debug, Clone, PartialEq)]
enum ValueType {
    Entity(ast::EntityType),
    Record(Arc<Attributes>),
    /// A set of entities of this type.
    Several(ast::EntityType),
    /// Another value that nothing can be looked up in.
    Plain,
    /// There is never such a value: the expression fails, or is not evaluated.
    Never,
    /// Not known here.
    Unknown,
}

/// Where a value can come from.
#[derive(Debug, Clone)]
enum Origin {
    /// It is the principal or the resource.
    Party,
    Action,
    Named(ast::EntityUID),
    /// It is there.
    Place(Owner, Vec<SmolStr>),
    /// It is computed.
    Made,
}

#[derive(Debug, Clone)]
enum Owner {
    Context,
    Entity(ast::EntityType),
    /// Any tag of an entity of this type.
    Tags(ast::EntityType),
}

impl Seen {
    fn made(kind: ValueType) -> Self {
        Self { kind, from: vec![Origin::Made], hops: 0 }
    }

    fn plain() -> Self {
        Self::made(ValueType::Plain)
    }

    fn never() -> Self {
        Self { kind: ValueType::Never, from: Vec::new(), hops: 0 }
    }

    fn entity(uid: &ast::EntityUID) -> Self {
        Self { kind: ValueType::Entity(uid.entity_type().clone()), from: vec![Origin::Named(uid.clone())], hops: 0 }
    }

    /// Whether it can be nothing but the principal or the resource.
    fn is_party(&self) -> bool {
        self.from.iter().all(|origin| matches!(origin, Origin::Party))
    }

    /// The entities that it can be, if they are all named.
    fn names(&self) -> Option<impl Iterator<Item = ast::EntityUID>> {
        let name = |origin: &Origin| match origin {
            Origin::Named(uid) => Some(uid.clone()),
            _ => None,
        };
        let names: Option<Vec<_>> = self.from.iter().map(name).collect();
        names.filter(|names| !names.is_empty()).map(IntoIterator::into_iter)
    }

    /// One or the other.
    fn or(self, other: Self) -> Self {
        let kind = match (self.kind, other.kind) {
            (one, other) if one == other => one,
            (kind, ValueType::Never) | (ValueType::Never, kind) => kind,
            _ => ValueType::Unknown,
        };
        Self { kind, from: self.from.into_iter().chain(other.from).collect(), hops: self.hops.max(other.hops) }
    }
}

impl From<Shape> for ValueType {
    fn from(shape: Shape) -> Self {
        match shape {
            Shape::Entity(Reference { kind, .. }) => Self::Entity(kind),
            Shape::Record(attributes) => Self::Record(attributes),
            Shape::Set(element) => match element.as_ref() {
                Shape::Entity(Reference { kind, .. }) => Self::Several(kind.clone()),
                _ => Self::Plain,
            },
            Shape::Bool | Shape::Long | Shape::String | Shape::Extension(_) => Self::Plain,
        }
    }
}

impl Walk<'_> {
    /// The principal and the resource are entities, whether a policy reads them or not.
    fn parties(&mut self) {
        for kind in [self.environment.principal, self.environment.resource] {
            self.entity(kind);
            // A question that sets an entity's parents also sets ancestors of the entities that can be in it.
            let has_below = self.schema.get_entity_type(kind).is_none_or(|declared| !declared.descendants.is_empty());
            self.is_everything |= has_below && self.is_by_request(kind);
        }
    }

    /// If its attributes come from the question, an entity's ancestors come from the attributes that hold its parents.
    fn close(&mut self) {
        for kind in [self.environment.principal, self.environment.resource] {
            let Some(Held::ByRequest { parents, attributes, .. }) = self.held(kind).cloned() else { continue };
            let above = self.entity(kind).above.clone();
            if above.is_empty() {
                continue;
            }
            for name in parents {
                let parent = match attributes.get(&name).map(|attribute| &attribute.shape) {
                    Some(Shape::Entity(parent)) => parent.kind.clone(),
                    Some(Shape::Set(element)) if matches!(element.as_ref(), Shape::Entity(_)) => {
                        let Shape::Entity(parent) = element.as_ref() else { continue };
                        parent.kind.clone()
                    }
                    _ => {
                        self.is_everything = true;
                        continue;
                    }
                };
                self.entity(&parent).above.add(&above);
                let place = self.entity(kind).attributes.fields.entry(name).or_default();
                place.whole = true;
                place.followed = Some(parent);
            }
        }
        self.reads.hops = self.reads.hops.max(1);
    }

    fn visit(&mut self, expression: &Expr) -> Seen {
        match expression.expr_kind() {
            ExprKind::Lit(Literal::EntityUID(uid)) => Seen::entity(uid),
            ExprKind::Lit(_) => Seen::plain(),
            ExprKind::Slot(slot) => match self.slots.and_then(|slots| slots.get(slot)) {
                Some(uid) => Seen::entity(uid),
                None => self.unknown(),
            },
            ExprKind::Var(variable) => self.variable(*variable),
            ExprKind::If { test_expr, then_expr, else_expr } => {
                self.take(test_expr);
                let then = self.visit(then_expr);
                then.or(self.visit(else_expr))
            }
            ExprKind::And { left, right } | ExprKind::Or { left, right } => {
                self.take(left);
                self.take(right);
                Seen::plain()
            }
            ExprKind::UnaryApp { arg, .. } | ExprKind::Like { expr: arg, .. } => {
                self.take(arg);
                Seen::plain()
            }
            ExprKind::BinaryApp { op, arg1, arg2 } => self.binary(*op, arg1, arg2),
            ExprKind::ExtensionFunctionApp { args, .. } => {
                args.iter().for_each(|argument| self.take(argument));
                Seen::plain()
            }
            ExprKind::GetAttr { expr, attr } => {
                let of = self.visit(expr);
                self.look_up(of, attr)
            }
            ExprKind::HasAttr { expr, attr } => {
                let of = self.visit(expr);
                self.look_up(of, attr);
                Seen::plain()
            }
            ExprKind::ExtHasAttr { expr, attrs } => {
                let of = self.visit(expr);
                attrs.iter().fold(of, |of, attr| self.look_up(of, attr));
                Seen::plain()
            }
            // The static types say it; what is evaluated on the way was visited.
            ExprKind::Is { expr, .. } => {
                self.visit(expr);
                Seen::plain()
            }
            ExprKind::Set(elements) => {
                elements.iter().for_each(|element| self.take(element));
                Seen::plain()
            }
            ExprKind::Record(fields) => {
                fields.values().for_each(|field| self.take(field));
                Seen::made(ValueType::Unknown)
            }
            _ => self.unknown(),
        }
    }

    fn variable(&self, variable: Var) -> Seen {
        let seen = |kind, from| Seen { kind, from: vec![from], hops: 0 };
        let Environment { principal, action, resource } = self.environment;
        match variable {
            Var::Principal => seen(ValueType::Entity(principal.clone()), Origin::Party),
            Var::Resource => seen(ValueType::Entity(resource.clone()), Origin::Party),
            Var::Action => seen(ValueType::Entity(action.entity_type().clone()), Origin::Action),
            Var::Context => {
                let declared = self.schema.get_action_id(action).and_then(ValidatorActionId::context_type);
                let kind =
                    declared.and_then(|ty| Shape::of(ty, self.schema)).map_or(ValueType::Unknown, ValueType::from);
                seen(kind, Origin::Place(Owner::Context, Vec::new()))
            }
        }
    }

    fn binary(&mut self, op: BinaryOp, one: &Expr, other: &Expr) -> Seen {
        match op {
            BinaryOp::Eq => {
                let (one, other) = (self.visit(one), self.visit(other));
                self.compare(&one, &other);
                self.compare(&other, &one);
                Seen::plain()
            }
            BinaryOp::In => {
                self.lies_in(one, other);
                Seen::plain()
            }
            BinaryOp::HasTag | BinaryOp::GetTag => {
                let of = self.visit(one);
                self.take(other);
                self.tags(&of, op == BinaryOp::GetTag)
            }
            BinaryOp::Less
            | BinaryOp::LessEq
            | BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Contains
            | BinaryOp::ContainsAll
            | BinaryOp::ContainsAny => {
                self.take(one);
                self.take(other);
                Seen::plain()
            }
        }
    }

    /// Reads a value for comparing it with another.
    fn compare(&mut self, one: &Seen, other: &Seen) {
        match (&one.kind, other.names()) {
            // Which of the others it is, does not matter.
            (ValueType::Entity(kind), Some(names)) if one.is_party() => self.entity(kind).id.named.extend(names),
            _ => self.consume(one),
        }
    }

    /// Reads what `one in other` reads: whether the entity is the other or a descendant of it.
    fn lies_in(&mut self, one: &Expr, other: &Expr) {
        let below = self.visit(one);
        let above = self.targets(other);
        let ValueType::Entity(kind) = below.kind.clone() else {
            self.is_everything |= below.kind != ValueType::Never;
            return;
        };
        self.entity(&kind).above.add(&above);
        if below.is_party() {
            let mut same = above;
            same.kinds.retain(|it| *it == kind);
            same.named.retain(|it| *it.entity_type() == kind);
            self.entity(&kind).id.add(&same);
        } else {
            self.consume(&below);
        }
        self.look_into(&below, &kind);
    }

    /// What is on the right side of `in`.
    fn targets(&mut self, expression: &Expr) -> Ids {
        let mut targets = Ids::default();
        if let ExprKind::Set(elements) = expression.expr_kind() {
            elements.iter().for_each(|element| targets.add(&self.targets(element)));
            return targets;
        }
        let seen = self.visit(expression);
        if let Some(names) = seen.names() {
            targets.named = names.collect();
            return targets;
        }
        self.consume(&seen);
        match seen.kind {
            ValueType::Entity(kind) | ValueType::Several(kind) => drop(targets.kinds.insert(kind)),
            ValueType::Never => {}
            // Of entities of any type, or something that cannot be on this side.
            ValueType::Plain | ValueType::Record(_) | ValueType::Unknown => {
                targets.kinds = self.schema.entity_types().map(|declared| declared.name().clone()).collect();
            }
        }
        targets
    }

    fn tags(&mut self, of: &Seen, are_taken: bool) -> Seen {
        match &of.kind {
            ValueType::Entity(kind) => {
                self.look_into(of, kind);
                // Which tag it is, is not known here: one place is all of them.
                let owner = Owner::Tags(kind.clone());
                self.place(&owner, &[]).whole = true;
                let Some(ty) = self.schema.get_entity_type(kind).and_then(|declared| declared.tag_type()) else {
                    return Seen::never();
                };
                if !are_taken {
                    return Seen::plain();
                }
                let kind = Shape::of(ty, self.schema).map_or(ValueType::Unknown, ValueType::from);
                Seen { kind, from: vec![Origin::Place(owner, Vec::new())], hops: of.hops.saturating_add(1) }
            }
            ValueType::Never => Seen::never(),
            ValueType::Several(_) | ValueType::Plain | ValueType::Record(_) | ValueType::Unknown => self.unknown(),
        }
    }

    /// Takes an attribute of an entity or a record, or asks whether it is there.
    fn look_up(&mut self, of: Seen, name: &SmolStr) -> Seen {
        let hops = of.hops;
        match &of.kind {
            ValueType::Entity(kind) => {
                self.look_into(&of, kind);
                let declared = self.schema.get_entity_type(kind).and_then(|declared| declared.attr(name));
                // No entity of this type has it.
                let Some(declared) = declared else { return Seen::never() };
                let value = Shape::of(&declared.attr_type, self.schema).map_or(ValueType::Unknown, ValueType::from);
                self.entity(kind).attributes.fields.entry(name.clone()).or_default();
                let from = vec![Origin::Place(Owner::Entity(kind.clone()), vec![name.clone()])];
                Seen { kind: value, from, hops: hops.saturating_add(1) }
            }
            ValueType::Record(declared) => {
                let Some(attribute) = declared.get(name) else { return Seen::never() };
                let kind = ValueType::from(attribute.shape.clone());
                let mut from = Vec::new();
                for origin in of.from {
                    let Origin::Place(owner, mut path) = origin else { return self.unknown() };
                    path.push(name.clone());
                    self.place(&owner, &path);
                    from.push(Origin::Place(owner, path));
                }
                Seen { kind, from, hops }
            }
            ValueType::Never => Seen::never(),
            ValueType::Several(_) | ValueType::Plain => {
                self.consume(&of);
                Seen::never()
            }
            ValueType::Unknown => self.unknown(),
        }
    }

    /// An entity is looked into.
    fn look_into(&mut self, of: &Seen, kind: &ast::EntityType) {
        self.reads.hops = self.reads.hops.max(of.hops.saturating_add(1));
        for origin in &of.from {
            match origin {
                Origin::Party | Origin::Action => {}
                Origin::Named(uid) => {
                    if self.is_by_request(kind) {
                        self.entity(kind).id.named.insert(uid.clone());
                    }
                    self.entity(kind);
                }
                // The key of a question does not follow references in tags.
                Origin::Place(Owner::Tags(of), _) if self.is_by_request(of) => self.is_everything = true,
                Origin::Place(owner, path) => {
                    self.entity(kind);
                    // What the question says of an entity is found through a reference only if the two ids are equal.
                    let is_by_request = self.is_by_request(kind);
                    if is_by_request {
                        self.entity(kind).id.kinds.insert(kind.clone());
                    }
                    let place = self.place(owner, path);
                    place.whole |= is_by_request;
                    place.followed = Some(kind.clone());
                }
                Origin::Made => self.is_everything = true,
            }
        }
    }

    /// Visits an expression whose value is used as a whole.
    fn take(&mut self, expression: &Expr) {
        let seen = self.visit(expression);
        self.consume(&seen);
    }

    fn consume(&mut self, seen: &Seen) {
        for origin in &seen.from {
            match (origin, &seen.kind) {
                (Origin::Party, ValueType::Entity(kind)) => drop(self.entity(kind).id.kinds.insert(kind.clone())),
                (Origin::Party, _) => self.is_everything = true,
                (Origin::Place(owner, path), _) => self.place(owner, path).whole = true,
                (Origin::Action | Origin::Named(_) | Origin::Made, _) => {}
            }
        }
    }

    fn unknown(&mut self) -> Seen {
        self.is_everything = true;
        Seen::made(ValueType::Unknown)
    }

    fn entity(&mut self, kind: &ast::EntityType) -> &mut EntityReads {
        self.reads.entities.entry(kind.clone()).or_default()
    }

    fn place(&mut self, owner: &Owner, path: &[SmolStr]) -> &mut ValueReads {
        let top = match owner {
            Owner::Entity(kind) => &mut self.entity(kind).attributes,
            Owner::Tags(kind) => self.entity(kind).tags.get_or_insert_default(),
            Owner::Context => &mut self.reads.context,
        };
        path.iter().fold(top, |place, name| place.fields.entry(name.clone()).or_default())
    }

    fn held(&self, kind: &ast::EntityType) -> Option<&Held> {
        self.model.entity_type(kind).map(|model| &model.held)
    }

    fn is_by_request(&self, kind: &ast::EntityType) -> bool {
        matches!(self.held(kind), Some(Held::ByRequest { .. }))
    }
}

/// The entities that an expression names where something is looked into. Which of them that is, is not asked.
fn named(expression: &Expr) -> BTreeSet<ast::EntityUID> {
    let looked_into = |part: &Expr| match part.expr_kind() {
        ExprKind::GetAttr { expr, .. } | ExprKind::HasAttr { expr, .. } | ExprKind::ExtHasAttr { expr, .. } => {
            Some(expr.clone())
        }
        ExprKind::BinaryApp { op: BinaryOp::In | BinaryOp::GetTag | BinaryOp::HasTag, arg1, .. } => Some(arg1.clone()),
        _ => None,
    };
    let mut named = BTreeSet::new();
    for part in expression.subexpressions().filter_map(looked_into) {
        let literal = |part: &Expr| match part.expr_kind() {
            ExprKind::Lit(Literal::EntityUID(uid)) => Some(uid.as_ref().clone()),
            _ => None,
        };
        named.extend(part.subexpressions().filter_map(literal));
    }
    named
}
