//! What partial evaluation leaves of the policies of an environment, with entities in their places as one directory has
//! them.
//!
//! Nothing that is left reads an entity that the directories describe differently: Cedar puts in what it knows, and what
//! it leaves about a known entity is replaced here (`Officer::"ann" in resource.team` by a comparison with the teams that she is in). So
//! equal residual policies decide equally.

use super::{
    expressions::{binary, chosen_field, evaluated, failing, literal, may_be, never, without_empty},
    place::Place,
    root::Root,
    shapes::Shapes,
};
use crate::{
    review::{
        partial,
        proof::{Environment, Rule},
    },
    sources::{
        directory::Directory,
        policy::{
            Attributes, Held, Model, Shape,
            cedar_core::ast::{self, EntityType, EntityUID},
        },
        snapshot::Snapshot,
    },
};
use cedar_policy::{self as cedar, pst};
use pst::{BinaryOp, Expr, Literal};
use smol_str::SmolStr;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What is left on one side; no policy, if no question is allowed.
pub(super) struct Residual {
    pub(super) rules: Vec<Rule>,
    /// Every question is denied, whatever other policies say.
    denies: bool,
    /// Ids that stand for entities that are not in the directory.
    pub(super) absent: BTreeSet<EntityUID>,
}

impl Residual {
    /// `side`: 0 before, 1 after.
    ///
    /// # Errors
    /// Why what is left cannot be compared with the other side.
    pub(super) fn of(
        environment: &Environment,
        policies: &[cedar::Policy],
        affected: &BTreeSet<EntityUID>,
        fixed: &[(&Place, &EntityUID)],
        side: &Snapshot,
        entities: &cedar::PartialEntities,
    ) -> Result<Self, String> {
        let none = || Ok(Self { rules: Vec::new(), denies: true, absent: BTreeSet::new() });
        let party = |root: Root| fixed.iter().find(|(place, _)| place.root == root && place.is_party());
        for root in [Root::Principal, Root::Resource] {
            // poort denies what is about an account that it does not know.
            if party(root).is_some_and(|(_, uid)| side.directory.get(uid).is_none()) {
                return none();
            }
        }
        let mut set = cedar::PolicySet::new();
        for policy in policies {
            let named = fixed.iter().filter(|(place, _)| !place.is_party());
            let named: Vec<_> = named.collect();
            let put = |expression: &Expr| {
                let (_, uid) = named.iter().find(|(place, _)| place.is(expression))?;
                Some(literal(uid))
            };
            let policy = if named.is_empty() { policy.clone() } else { partial::rewritten(policy, &put)? };
            set.add(policy).map_err(|error| error.to_string())?;
        }
        let Environment { principal, action, resource } = environment;
        let uid = |kind: &EntityType, root| {
            let id = party(root).map(|(_, uid)| cedar::EntityId::new(AsRef::<str>::as_ref(uid.eid())));
            cedar::PartialEntityUid::new(kind.clone().into(), id)
        };
        let schema = &side.policies.schema;
        let (principal, resource) = (uid(principal, Root::Principal), uid(resource, Root::Resource));
        let request = cedar::PartialRequest::new(principal, action.clone().into(), resource, None, schema)
            .map_err(|error| error.to_string())?;
        let response = set.tpe(&request, entities, schema).map_err(|error| error.to_string())?;
        if response.true_forbids().chain(response.error_permits()).chain(response.error_forbids()).next().is_some() {
            return none();
        }
        let left = Left {
            affected,
            environment,
            directory: &side.directory,
            model: &side.policies.model,
            fixed,
            absent: RefCell::default(),
            open: RefCell::default(),
        };
        let mut kept = cedar::PolicySet::new();
        let ids = response.residual_permits().chain(response.true_permits()).chain(response.residual_forbids());
        for id in ids {
            let policy = response.get_policy(id).ok_or_else(|| format!("nothing is left of `{id}`"))?;
            let policy = partial::rewritten(&policy, &|expression| left.settled(expression))?;
            kept.add(policy).map_err(|error| error.to_string())?;
        }
        if let Some(open) = left.open.into_inner() {
            return Err(open);
        }
        Ok(Self { rules: Rule::all(&kept)?, denies: false, absent: left.absent.into_inner() })
    }

    /// Equal where the rules are. That nothing is left of some policies is not that they deny everything.
    pub(super) fn texts(&self) -> Vec<Arc<str>> {
        let mut texts: Vec<Arc<str>> = self.rules.iter().map(|rule| rule.text.clone()).collect();
        texts.extend(self.denies.then(|| Arc::from("everything is denied")));
        texts.sort();
        texts
    }
}

/// What is left after partial evaluation.
struct Left<'a> {
    affected: &'a BTreeSet<EntityUID>,
    environment: &'a Environment,
    directory: &'a Directory,
    model: &'a Model,
    fixed: &'a [(&'a Place, &'a EntityUID)],
    absent: RefCell<BTreeSet<EntityUID>>,
    /// Why it cannot be compared.
    open: RefCell<Option<String>>,
}

impl Left<'_> {
    const fn shapes(&self) -> Shapes<'_> {
        Shapes { model: self.model, environment: self.environment }
    }

    /// An expression without what the directory decides, and without sets that hold nothing, which have no type.
    fn settled(&self, expression: &Expr) -> Option<Expr> {
        self.check_chosen(expression);
        match expression {
            Expr::Is { expr, entity_type, in_expr: Some(within) } => {
                let within = binary(BinaryOp::In, expr.as_ref().clone(), within.as_ref().clone());
                let within = self.settled(&within)?;
                let is = Expr::Is { expr: expr.clone(), entity_type: entity_type.clone(), in_expr: None };
                Some(binary(BinaryOp::And, is, within))
            }
            Expr::BinaryOp { op: BinaryOp::In, left, right } if matches!(left.as_ref(), Expr::Var(_)) => {
                self.is_party_in(left, right)
            }
            Expr::BinaryOp { op: BinaryOp::In, left, right } => {
                let uid = self.held(left)?;
                let settled = self.is_in(&uid, right);
                if settled.is_none() {
                    self.check(&uid);
                }
                settled
            }
            Expr::BinaryOp { op: op @ (BinaryOp::GetTag | BinaryOp::HasTag), left, right } => {
                if let Some(settled) = self.tag(*op, left, right) {
                    return Some(settled);
                }
                let left = self.read(left)?;
                Some(Expr::BinaryOp { op: *op, left, right: right.clone() })
            }
            Expr::GetAttr { expr, attr } if chosen_field(expr, attr).is_some() => chosen_field(expr, attr),
            Expr::GetAttr { expr, attr } => Some(Expr::GetAttr { expr: self.read(expr)?, attr: attr.clone() }),
            Expr::HasAttr { expr, attrs } => Some(Expr::HasAttr { expr: self.read(expr)?, attrs: attrs.clone() }),
            Expr::BinaryOp { op, left, right } => without_empty(*op, left, right),
            Expr::ResidualError => Some(failing()),
            _ => None,
        }
    }

    /// The entity that a literal names, if the directory would hold it.
    fn held(&self, expression: &Expr) -> Option<EntityUID> {
        let Expr::Literal(Literal::EntityUID(uid)) = expression else { return None };
        let uid = EntityUID::from(uid.clone());
        let model = self.model.entity_type(uid.entity_type())?;
        (model.held == Held::ByDirectory).then_some(uid)
    }

    /// A tag of a changed entity whose name is in the question: one of those that it has. `None` if it has none, or is as it
    /// was.
    ///
    /// A valid policy reads a tag only where it has found that it is there.
    fn tag(&self, op: BinaryOp, of: &Expr, name: &Arc<Expr>) -> Option<Expr> {
        let uid = self.held(of).filter(|uid| self.affected.contains(uid))?;
        let tags: BTreeMap<_, _> = self.directory.get(&uid)?.tags().collect();
        let text = |name: &SmolStr| Expr::Literal(Literal::String(name.clone()));
        if op == BinaryOp::HasTag {
            let names = Expr::Set(tags.into_keys().map(|name| Arc::new(text(name))).collect());
            let names = Arc::new(names);
            let settled = without_empty(BinaryOp::Contains, &names, name);
            return Some(
                settled.unwrap_or_else(|| binary(BinaryOp::Contains, names.as_ref().clone(), name.as_ref().clone())),
            );
        }
        let mut chosen = None;
        for (tag, value) in tags.into_iter().rev() {
            let value = Arc::new(Expr::try_from(ast::Expr::from(value.clone())).ok()?);
            chosen = Some(match chosen {
                None => value,
                Some(other) => Arc::new(Expr::IfThenElse {
                    cond: Arc::new(binary(BinaryOp::Eq, name.as_ref().clone(), text(tag))),
                    then_expr: value,
                    else_expr: other,
                }),
            });
        }
        chosen.map(|chosen| chosen.as_ref().clone())
    }

    /// An entity of which something is still read: one that is not in the directory.
    fn read(&self, expression: &Expr) -> Option<Arc<Expr>> {
        let uid = self.held(expression)?;
        if self.directory.get(&uid).is_some() {
            self.check(&uid);
            return None;
        }
        let id = format!("{} (not in the directory)", AsRef::<str>::as_ref(uid.eid()));
        let absent = EntityUID::from_components(uid.entity_type().clone(), ast::Eid::new(id), None);
        let read = Arc::new(literal(&absent));
        self.absent.borrow_mut().insert(absent);
        Some(read)
    }

    /// What is left reads an entity that a condition chooses.
    fn check_chosen(&self, expression: &Expr) {
        let of = match expression {
            Expr::BinaryOp { op: BinaryOp::In | BinaryOp::GetTag | BinaryOp::HasTag, left, .. } => left,
            Expr::GetAttr { expr, attr } if chosen_field(expr, attr).is_none() => expr,
            Expr::HasAttr { expr, .. } => expr,
            _ => return,
        };
        if !matches!(of.as_ref(), Expr::Literal(_)) {
            let mut entities = Vec::new();
            may_be(of, &mut entities);
            entities.iter().for_each(|uid| self.check(uid));
        }
    }

    /// What is left reads an entity that the directory has.
    fn check(&self, uid: &EntityUID) {
        if self.affected.contains(uid) {
            self.leave_open(uid);
        }
    }

    fn leave_open(&self, uid: &EntityUID) {
        let reason = format!("what the policies read of {uid} depends on the question");
        self.open.borrow_mut().get_or_insert(reason);
    }

    /// Whether a party whose attributes come from the question is in what an expression names: if it is that, or if one of
    /// its `@parents` is in it. `None` if none of these is fixed.
    fn is_party_in(&self, party: &Expr, right: &Expr) -> Option<Expr> {
        let (root, kind) = match party {
            Expr::Var(pst::Var::Principal) => (Root::Principal, &self.environment.principal),
            Expr::Var(pst::Var::Resource) => (Root::Resource, &self.environment.resource),
            _ => return None,
        };
        let Held::ByRequest { attributes, parents, .. } = &self.model.entity_type(kind)?.held else { return None };
        let is_fixed = |(place, _): &&(&Place, &EntityUID)| place.root == root && place.is_parent;
        let fixed: Vec<_> = self.fixed.iter().filter(is_fixed).collect();
        let (_, first) = fixed.first()?;
        let settled = self.in_parents(party, right, kind, (attributes, parents), &fixed);
        if settled.is_none() {
            self.leave_open(first);
        }
        settled
    }

    fn in_parents(
        &self,
        party: &Expr,
        right: &Expr,
        kind: &EntityType,
        (attributes, parents): (&Attributes, &[SmolStr]),
        fixed: &[&(&Place, &EntityUID)],
    ) -> Option<Expr> {
        if let Expr::Set(elements) = right {
            let of = |element: &Arc<Expr>| self.in_parents(party, element, kind, (attributes, parents), fixed);
            let ways: Option<Vec<_>> = elements.iter().map(of).collect();
            return Some(ways?.into_iter().reduce(|all, way| binary(BinaryOp::Or, all, way)).unwrap_or(never()));
        }
        let mut ways = Vec::new();
        for parent in parents {
            let read = Expr::GetAttr { expr: Arc::new(party.clone()), attr: parent.clone() };
            let attribute = attributes.get(parent)?;
            if !matches!(attribute.shape, Shape::Entity(_)) {
                return None;
            }
            let way = match fixed.iter().find(|(place, _)| place.is(&read)) {
                Some((_, uid)) => self.is_in(uid, right)?,
                None => binary(BinaryOp::In, read, right.clone()),
            };
            let has = Expr::HasAttr { expr: Arc::new(party.clone()), attrs: pst::NonEmpty::new(parent.clone()) };
            ways.push(if attribute.required { way } else { binary(BinaryOp::And, has, way) });
        }
        let (of, is_set) = self.shapes().kind_of(right)?;
        if of == *kind {
            let op = if is_set { BinaryOp::Contains } else { BinaryOp::Eq };
            ways.push(binary(op, right.clone(), party.clone()));
        }
        ways.into_iter().reduce(|all, way| binary(BinaryOp::Or, all, way))
    }

    /// Whether an entity is in what an expression names. `None`: that is not known.
    fn is_in(&self, uid: &EntityUID, right: &Expr) -> Option<Expr> {
        if let Expr::Set(elements) = right {
            let ways: Option<Vec<_>> = elements.iter().map(|element| self.is_in(uid, element)).collect();
            return Some(ways?.into_iter().reduce(|all, way| binary(BinaryOp::Or, all, way)).unwrap_or(never()));
        }
        let (kind, is_set) = self.shapes().kind_of(right)?;
        let entity = self.directory.get(uid);
        let is_asked = |above: &EntityUID| {
            let model = self.model.entity_type(above.entity_type());
            matches!(model.map(|model| &model.held), Some(Held::ByRequest { .. }))
        };
        let mut above: Vec<_> = entity.iter().flat_map(|entity| entity.ancestors()).collect();
        if above.iter().copied().any(is_asked) {
            return None;
        }
        above.push(uid);
        above.retain(|above| *above.entity_type() == kind);
        above.sort();
        let these: Vec<_> = above.into_iter().map(|above| Arc::new(literal(above))).collect();
        Some(match (these.as_slice(), is_set) {
            ([], _) => evaluated(right, never()),
            ([only], false) => Expr::BinaryOp { op: BinaryOp::Eq, left: Arc::new(right.clone()), right: only.clone() },
            (_, false) => binary(BinaryOp::Contains, Expr::Set(these), right.clone()),
            (_, true) => binary(BinaryOp::ContainsAny, right.clone(), Expr::Set(these)),
        })
    }
}
