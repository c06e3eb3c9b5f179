//! What the policies can read: found by walking their syntax trees, never by guessing from an evaluation.
//!
//! Everything here errs on the side of reading too much. An expression that this walk does not know counts as reading all.

use super::Model;
use cedar_policy as cedar;
use cedar_policy::pst;
use cedar_policy_core::ast;
use std::collections::{BTreeSet, HashMap};

/// What evaluation can read.
#[derive(Debug, Default)]
pub struct Reads {
    by_action: HashMap<ast::EntityUID, PdpReads>,
    /// How many entities in a row a policy can dereference, at most. `principal.unit.chief == …` dereferences two: the
    /// principal and its unit. Entities further away than this cannot change any answer.
    pub hops: usize,
    /// Entities that policies name and dereference, ordered.
    pub literals: Vec<ast::EntityUID>,
}

/// Which parts of `context.pdp` the policies of an action can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PdpReads {
    /// The moment of the decision. An answer that depends on it is never reused.
    pub now: bool,
    /// The local date.
    pub today: bool,
    /// The local hour.
    pub hour: bool,
    /// The calling application.
    pub application: bool,
}

impl PdpReads {
    /// All of it.
    pub const ALL: Self = Self { now: true, today: true, hour: true, application: true };

    fn add(&mut self, other: Self) {
        self.now |= other.now;
        self.today |= other.today;
        self.hour |= other.hour;
        self.application |= other.application;
    }
}

impl Reads {
    /// Walks all policies; template links count through their template.
    pub(super) fn of(set: &pst::PolicySet, policies: &cedar::PolicySet, schema: &cedar::Schema, model: &Model) -> Self {
        let mut reads = Self::default();
        let mut literals = BTreeSet::new();
        let groups = schema.action_entities().ok();
        for policy in policies.policies() {
            let id: pst::PolicyID = policy.template_id().unwrap_or_else(|| policy.id()).clone().into();
            let clauses = set
                .policies
                .get(&id)
                .map(|policy| policy.body().clauses())
                .or_else(|| set.templates.get(&id).map(pst::Template::clauses));
            let mut walk = Walk::default();
            match clauses {
                Some(clauses) => {
                    for clause in clauses {
                        let (pst::Clause::When(expression) | pst::Clause::Unless(expression)) = clause;
                        walk.hops = walk.hops.max(walk.visit(expression));
                    }
                }
                None => walk.all(),
            }
            reads.hops = reads.hops.max(walk.hops);
            literals.extend(walk.literals);
            for action in model.actions() {
                if applies(&policy.action_constraint(), &action.uid, groups.as_ref()) {
                    reads.by_action.entry(action.uid.clone()).or_default().add(walk.pdp);
                }
            }
        }
        reads.literals = literals.into_iter().collect();
        reads
    }

    /// What the policies that can apply to this action read of `context.pdp`.
    #[must_use]
    pub fn pdp(&self, action: &ast::EntityUID) -> PdpReads {
        self.by_action.get(action).copied().unwrap_or_default()
    }
}

/// Whether a policy with this action scope can apply to an action.
fn applies(scope: &cedar::ActionConstraint, action: &ast::EntityUID, groups: Option<&cedar::Entities>) -> bool {
    let action = cedar::EntityUid::from(action.clone());
    let is_or_in = |scoped: &cedar::EntityUid| {
        *scoped == action || groups.is_none_or(|groups| groups.is_ancestor_of(scoped, &action))
    };
    match scope {
        cedar::ActionConstraint::Any => true,
        cedar::ActionConstraint::Eq(scoped) => *scoped == action,
        cedar::ActionConstraint::In(several) => several.iter().any(is_or_in),
    }
}

/// What one policy reads.
#[derive(Default)]
struct Walk {
    pdp: PdpReads,
    hops: usize,
    literals: BTreeSet<ast::EntityUID>,
}

impl Walk {
    fn all(&mut self) {
        self.pdp = PdpReads::ALL;
        self.hops = usize::MAX;
    }

    /// How many entities in a row the value of this expression takes, at most. An attribute of a record counts too,
    /// since it does not matter here and tells the walk nothing of types.
    fn visit(&mut self, expression: &pst::Expr) -> usize {
        match expression {
            pst::Expr::Literal(_) | pst::Expr::Slot(_) => 0,
            pst::Expr::Var(variable) => {
                // Bare: all of the context can be read.
                if matches!(variable, pst::Var::Context) {
                    self.pdp = PdpReads::ALL;
                }
                0
            }
            pst::Expr::UnaryOp { expr, .. } | pst::Expr::Like { expr, .. } => self.visit(expr),
            pst::Expr::BinaryOp { op, left, right } => {
                let right = self.visit(right);
                let left = if matches!(op, pst::BinaryOp::In | pst::BinaryOp::GetTag | pst::BinaryOp::HasTag) {
                    self.dereference(left, 1)
                } else {
                    self.visit(left)
                };
                left.max(right)
            }
            pst::Expr::GetAttr { expr, attr } => match context_path(expr) {
                Some([]) if attr != "pdp" => 1,
                Some(["pdp"]) => {
                    self.read_pdp(attr);
                    2
                }
                _ => self.dereference(expr, 1),
            },
            pst::Expr::HasAttr { expr, attrs } => match context_path(expr) {
                Some([]) if attrs.first() != "pdp" => attrs.len(),
                Some([]) if attrs.len() == 1 => 1,
                Some([]) => {
                    attrs.iter().skip(1).take(1).for_each(|attr| self.read_pdp(attr));
                    attrs.len()
                }
                Some(["pdp"]) => {
                    self.read_pdp(attrs.first());
                    1 + attrs.len()
                }
                _ => self.dereference(expr, attrs.len()),
            },
            pst::Expr::Is { expr, in_expr, .. } => match in_expr {
                Some(ancestor) => self.visit(ancestor).max(self.dereference(expr, 1)),
                None => self.visit(expr),
            },
            pst::Expr::IfThenElse { cond, then_expr, else_expr } => {
                self.visit(cond).max(self.visit(then_expr)).max(self.visit(else_expr))
            }
            pst::Expr::Set(elements) => elements.iter().map(|element| self.visit(element)).max().unwrap_or(0),
            pst::Expr::Record(fields) => fields.values().map(|field| self.visit(field)).max().unwrap_or(0),
            _ => {
                self.all();
                usize::MAX
            }
        }
    }

    /// Visits an expression whose value is looked into.
    fn dereference(&mut self, expression: &pst::Expr, hops: usize) -> usize {
        collect_literals(expression, &mut self.literals);
        self.visit(expression).saturating_add(hops)
    }

    fn read_pdp(&mut self, name: &str) {
        match name {
            "now" => self.pdp.now = true,
            "today" => self.pdp.today = true,
            "hour" => self.pdp.hour = true,
            "application" => self.pdp.application = true,
            _ => self.pdp = PdpReads::ALL,
        }
    }
}

/// The attributes from `context` to this expression: empty for `context` itself, `pdp` for `context.pdp`.
fn context_path(expression: &pst::Expr) -> Option<&'static [&'static str]> {
    match expression {
        pst::Expr::Var(pst::Var::Context) => Some(&[]),
        pst::Expr::GetAttr { expr, attr } if attr == "pdp" && context_path(expr) == Some(&[]) => Some(&["pdp"]),
        _ => None,
    }
}

/// All entities that an expression names. Which of them its value can be is not asked.
fn collect_literals(expression: &pst::Expr, found: &mut BTreeSet<ast::EntityUID>) {
    match expression {
        pst::Expr::Literal(pst::Literal::EntityUID(uid)) => drop(found.insert(uid.clone().into())),
        pst::Expr::UnaryOp { expr, .. }
        | pst::Expr::Like { expr, .. }
        | pst::Expr::GetAttr { expr, .. }
        | pst::Expr::HasAttr { expr, .. }
        | pst::Expr::Is { expr, .. } => collect_literals(expr, found),
        pst::Expr::BinaryOp { left, right, .. } => {
            collect_literals(left, found);
            collect_literals(right, found);
        }
        pst::Expr::IfThenElse { cond, then_expr, else_expr } => {
            for part in [cond, then_expr, else_expr] {
                collect_literals(part, found);
            }
        }
        pst::Expr::Set(elements) => elements.iter().for_each(|element| collect_literals(element, found)),
        pst::Expr::Record(fields) => fields.values().for_each(|field| collect_literals(field, found)),
        _ => {}
    }
}
