//! Which policies see a change of the directory: those that read something by a name under which the directories differ.
//!
//! A policy that sees nothing of the change decides the same with both directories, whatever the question. So an environment
//! without one that sees it is settled, and in the others these are evaluated first.

use super::root::Root;
use crate::{
    review::{partial, proof::Environment},
    sources::{
        directory::Directory,
        policy::{
            Held, Model, Policies, Scope,
            cedar_core::ast::{self, BinaryOp, EntityUID, ExprKind, Literal, PartialValue, Var},
        },
    },
};
use cedar_policy as cedar;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// In what the directories differ.
#[derive(Debug, Default)]
struct Changed {
    attributes: BTreeSet<SmolStr>,
    tags: BTreeSet<SmolStr>,
    /// What an entity is in.
    above: bool,
    /// Whether an entity is there.
    existence: bool,
}

impl Changed {
    fn of(before: &Directory, after: &Directory, changed: &BTreeSet<EntityUID>) -> Self {
        let mut found = Self::default();
        for uid in changed {
            let (Some(before), Some(after)) = (before.get(uid), after.get(uid)) else {
                found.existence = true;
                continue;
            };
            differing(before.attrs(), after.attrs(), &mut found.attributes);
            differing(before.tags(), after.tags(), &mut found.tags);
            let [one, other] = [before, after].map(|entity| entity.ancestors().collect::<BTreeSet<_>>());
            found.above |= one != other;
        }
        found
    }
}

/// Adds the names of fields that differ.
fn differing<'v>(
    before: impl Iterator<Item = (&'v SmolStr, &'v PartialValue)>,
    after: impl Iterator<Item = (&'v SmolStr, &'v PartialValue)>,
    found: &mut BTreeSet<SmolStr>,
) {
    let (before, after): (Vec<_>, Vec<_>) = (before.collect(), after.collect());
    for (one, others) in [(&before, &after), (&after, &before)] {
        found.extend(one.iter().filter(|field| !others.contains(field)).map(|(name, _)| (*name).clone()));
    }
}

/// What a policy sees of the change.
#[derive(Debug)]
enum Sight {
    /// Something, in every environment.
    Always,
    /// An attribute of a party: nothing where the question holds the party.
    Party(Root),
    /// The tag whose name is this attribute of a party.
    Tag(Root, SmolStr),
}

/// A policy with what it reads. A link of a template is a policy of its own.
#[derive(Debug)]
pub(super) struct Seeing {
    pub(super) policy: cedar::Policy,
    pub(super) scope: Scope,
    /// The attributes that it reads, of whatever it may be.
    pub(super) reads: BTreeSet<SmolStr>,
    /// The entities that it names.
    pub(super) named: BTreeSet<EntityUID>,
    sights: Vec<Sight>,
}

/// All policies, with what each sees of the change.
#[derive(Debug)]
pub(super) struct Sights {
    policies: Vec<Seeing>,
    tags: BTreeSet<SmolStr>,
}

impl Sights {
    pub(super) fn of(
        policies: &Policies,
        [before, after]: [&Directory; 2],
        changed: &BTreeSet<EntityUID>,
    ) -> Result<Self, String> {
        let changed = Changed::of(before, after, changed);
        let all = policies.set.policies().map(|policy| Seeing::of(policy, &changed));
        Ok(Self { policies: all.collect::<Result<_, _>>()?, tags: changed.tags })
    }

    /// The policies that can apply in an environment.
    pub(super) fn applicable(&self, policies: &Policies, environment: &Environment) -> Vec<&Seeing> {
        let Environment { principal, action, resource } = environment;
        let applies = |it: &&Seeing| it.scope.leaves_room(principal, action, resource, &policies.action_entities);
        self.policies.iter().filter(applies).collect()
    }

    /// Whether a policy sees the change in an environment. `false` is certain.
    pub(super) fn sees(&self, policy: &Seeing, model: &Model, environment: &Environment) -> bool {
        policy.sights.iter().any(|sight| match sight {
            Sight::Always => true,
            Sight::Party(root) => {
                let kind = root.kind(environment).and_then(|kind| model.entity_type(kind));
                kind.is_none_or(|model| model.held == Held::ByDirectory)
            }
            Sight::Tag(root, name) => {
                constant(model, environment, *root, name).is_none_or(|name| self.tags.contains(&name))
            }
        })
    }
}

impl Seeing {
    fn of(policy: &cedar::Policy, changed: &Changed) -> Result<Self, String> {
        let policy = partial::rewritten(policy, &|_| None)?;
        let condition = AsRef::<ast::Policy>::as_ref(&policy).condition();
        let mut found = Self {
            scope: Scope::of(&policy),
            policy,
            reads: BTreeSet::new(),
            named: BTreeSet::new(),
            sights: if changed.existence { vec![Sight::Always] } else { Vec::new() },
        };
        for part in condition.subexpressions() {
            match part.expr_kind() {
                ExprKind::GetAttr { expr, attr } => {
                    found.reads.insert(attr.clone());
                    found.attribute(expr, attr, changed);
                }
                ExprKind::HasAttr { expr, attr } => found.attribute(expr, attr, changed),
                ExprKind::ExtHasAttr { expr, attrs } => {
                    attrs.iter().for_each(|attr| found.attribute(expr, attr, changed));
                }
                ExprKind::BinaryApp { op: BinaryOp::GetTag | BinaryOp::HasTag, arg2, .. } => found.tag(arg2, changed),
                // The directory says nothing of actions.
                ExprKind::BinaryApp { op: BinaryOp::In, arg1, .. } => {
                    let is_of_action = matches!(arg1.expr_kind(), ExprKind::Var(Var::Action));
                    if changed.above && !is_of_action {
                        found.sights.push(Sight::Always);
                    }
                }
                ExprKind::Lit(Literal::EntityUID(uid)) => drop(found.named.insert(uid.as_ref().clone())),
                _ => {}
            }
        }
        Ok(found)
    }

    fn attribute(&mut self, of: &ast::Expr, name: &SmolStr, changed: &Changed) {
        if changed.attributes.contains(name) {
            match of.expr_kind() {
                ExprKind::Var(Var::Context) => {}
                _ => self.sights.push(party(of).map_or(Sight::Always, Sight::Party)),
            }
        }
    }

    fn tag(&mut self, name: &ast::Expr, changed: &Changed) {
        let sight = match name.expr_kind() {
            ExprKind::Lit(Literal::String(name)) if !changed.tags.contains(name) => return,
            _ if changed.tags.is_empty() => return,
            ExprKind::GetAttr { expr, attr } => party(expr).map(|root| Sight::Tag(root, attr.clone())),
            _ => None,
        };
        self.sights.push(sight.unwrap_or(Sight::Always));
    }
}

/// Which party an expression is.
fn party(expression: &ast::Expr) -> Option<Root> {
    match expression.expr_kind() {
        ExprKind::Var(Var::Principal) => Some(Root::Principal),
        ExprKind::Var(Var::Resource) => Some(Root::Resource),
        _ => None,
    }
}

/// The value of an attribute of a party that can have no other.
pub(super) fn constant(model: &Model, environment: &Environment, root: Root, name: &SmolStr) -> Option<SmolStr> {
    model.entity_type(root.kind(environment)?)?.attributes.as_ref()?.get(name)?.constant.clone()
}
