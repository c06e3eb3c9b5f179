//! Explains one policy: its scope where it does not fit, and its clauses, as far as Cedar comes.

use super::{Audience, SourceLine, effect};
use crate::{
    pdp::{
        conditions::{self, Condition, Conditioned, Tree},
        engine::{World, WorldEvaluator},
    },
    sources::{policy::cedar_core::ast, snapshot::Snapshot},
    types::decision::{
        ClauseKind, ExplainedClause, ExplainedCondition, ExplainedPart, ExplainedPolicy, Outcome, PartForm, PolicyFacts,
    },
};
use cedar_policy as cedar;
use std::{ops::Range, sync::Arc};

/// What explains policies on one question.
pub(super) struct Explainer<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) world: &'a World,
    pub(super) evaluator: WorldEvaluator<'a>,
    pub(super) audience: Audience,
}

/// A policy or template, with the values of its slots.
#[derive(Clone, Copy)]
pub(super) struct Explaining<'a> {
    pub(super) policy: &'a Conditioned,
    pub(super) slots: &'a ast::SlotEnv,
}

impl Explainer<'_> {
    pub(super) fn policy(&self, policy: &Conditioned, deciding: &ast::Policy) -> ExplainedPolicy {
        let explaining = Explaining { policy, slots: deciding.env() };
        let mut clauses = Vec::new();
        let mut outcome = Outcome::Met;
        for condition in policy.conditions.iter().filter(|condition| condition.part.is_scope()) {
            let part = self.condition(explaining, condition);
            if part.outcome != Outcome::Met {
                outcome = part.outcome.clone();
                clauses.push(ExplainedClause { kind: ClauseKind::Scope, part });
                break;
            }
        }
        for clause in &policy.clauses {
            let (kind, wanted) = match clause.kind {
                conditions::ClauseKind::When => (ClauseKind::When, Outcome::Met),
                conditions::ClauseKind::Unless => (ClauseKind::Unless, Outcome::NotMet),
            };
            let part = if outcome == Outcome::Met {
                self.tree(explaining, &clause.tree)
            } else {
                Self::unreached(explaining, &clause.tree)
            };
            outcome = match &part.outcome {
                came if outcome != Outcome::Met || *came == wanted => outcome,
                Outcome::Failed(message) => Outcome::Failed(message.clone()),
                _ => Outcome::NotMet,
            };
            clauses.push(ExplainedClause { kind, part });
        }
        ExplainedPolicy {
            facts: self.facts(deciding),
            effect: effect(policy.effect),
            place: line(policy, &policy.place.first_line()),
            outcome,
            clauses,
        }
    }

    fn facts(&self, policy: &ast::Policy) -> Arc<PolicyFacts> {
        let id = AsRef::<str>::as_ref(policy.id()).to_owned();
        let known = self.snapshot.policies.facts.get(&cedar::PolicyId::new(&id)).cloned();
        known.unwrap_or_else(|| Arc::new(PolicyFacts { id, ..PolicyFacts::default() }))
    }

    /// A tree, from left to right and no further than Cedar comes.
    fn tree(&self, of: Explaining<'_>, tree: &Tree) -> ExplainedPart {
        match tree {
            Tree::Condition(index) => match of.policy.conditions.get(*index) {
                Some(condition) => self.condition(of, condition),
                // The tree has no other conditions.
                None => constant(false),
            },
            Tree::Constant(truth) => constant(*truth),
            Tree::Not(inner) => {
                let inner = self.tree(of, inner);
                let outcome = match &inner.outcome {
                    Outcome::Met => Outcome::NotMet,
                    Outcome::NotMet => Outcome::Met,
                    other => other.clone(),
                };
                ExplainedPart { outcome, form: PartForm::Not(Box::new(inner)) }
            }
            Tree::And(..) => {
                let (outcome, parts) = self.several(of, &all_of(tree), &Outcome::Met);
                ExplainedPart { outcome, form: PartForm::All(parts) }
            }
            Tree::Or(..) => {
                let (outcome, parts) = self.several(of, &any_of(tree), &Outcome::NotMet);
                ExplainedPart { outcome, form: PartForm::Any(parts) }
            }
            Tree::If(parts) => {
                let [test, then, otherwise] = parts.as_ref();
                let test = self.tree(of, test);
                let (then, otherwise) = match test.outcome {
                    Outcome::Met => (self.tree(of, then), Self::unreached(of, otherwise)),
                    Outcome::NotMet => (Self::unreached(of, then), self.tree(of, otherwise)),
                    _ => (Self::unreached(of, then), Self::unreached(of, otherwise)),
                };
                let outcome = match test.outcome {
                    Outcome::Met => then.outcome.clone(),
                    Outcome::NotMet => otherwise.outcome.clone(),
                    ref other => other.clone(),
                };
                ExplainedPart { outcome, form: PartForm::If(Box::new([test, then, otherwise])) }
            }
        }
    }

    /// Parts one after the other, while each has the outcome that leads to the next.
    fn several(&self, of: Explaining<'_>, trees: &[&Tree], on: &Outcome) -> (Outcome, Vec<ExplainedPart>) {
        let mut outcome = on.clone();
        let explain = |tree: &&Tree| {
            if outcome != *on {
                return Self::unreached(of, tree);
            }
            let part = self.tree(of, tree);
            outcome = part.outcome.clone();
            part
        };
        let parts = trees.iter().map(explain).collect();
        (outcome, parts)
    }

    fn condition(&self, of: Explaining<'_>, condition: &Condition) -> ExplainedPart {
        let holds = self.evaluator.holds(condition.expression(), of.slots);
        let values = self.values(of, condition.expression(), holds == Ok(true));
        let outcome = match Outcome::from(holds) {
            // The message can quote values.
            Outcome::Failed(_) if self.conceals_any() => Outcome::Failed("it could not be evaluated".to_owned()),
            outcome => outcome,
        };
        ExplainedPart { outcome, form: PartForm::Condition(told(of.policy, condition, values)) }
    }

    /// What Cedar does not come to.
    fn unreached(of: Explaining<'_>, tree: &Tree) -> ExplainedPart {
        let each = |trees: Vec<&Tree>| trees.into_iter().map(|tree| Self::unreached(of, tree)).collect();
        let form = match tree {
            Tree::Condition(index) => match of.policy.conditions.get(*index) {
                Some(condition) => PartForm::Condition(told(of.policy, condition, Vec::new())),
                None => PartForm::Constant,
            },
            Tree::Constant(_) => PartForm::Constant,
            Tree::Not(inner) => PartForm::Not(Box::new(Self::unreached(of, inner))),
            Tree::And(..) => PartForm::All(each(all_of(tree))),
            Tree::Or(..) => PartForm::Any(each(any_of(tree))),
            Tree::If(parts) => PartForm::If(Box::new(parts.each_ref().map(|tree| Self::unreached(of, tree)))),
        };
        ExplainedPart { outcome: Outcome::NotReached, form }
    }
}

fn told(policy: &Conditioned, condition: &Condition, values: Vec<(String, String)>) -> ExplainedCondition {
    let text = policy.text(condition).split_whitespace().collect::<Vec<_>>().join(" ");
    ExplainedCondition { text, place: line(policy, &condition.place), values }
}

fn line(policy: &Conditioned, place: &Range<usize>) -> SourceLine {
    SourceLine { file: policy.place.file.name.clone(), line: policy.line(place) }
}

const fn constant(truth: bool) -> ExplainedPart {
    ExplainedPart { outcome: if truth { Outcome::Met } else { Outcome::NotMet }, form: PartForm::Constant }
}

/// The parts of `a && b && c`, in the order in which Cedar evaluates them.
fn all_of(tree: &Tree) -> Vec<&Tree> {
    match tree {
        Tree::And(left, right) => [all_of(left), all_of(right)].concat(),
        other => vec![other],
    }
}

/// The parts of `a || b || c`, likewise.
fn any_of(tree: &Tree) -> Vec<&Tree> {
    match tree {
        Tree::Or(left, right) => [any_of(left), any_of(right)].concat(),
        other => vec![other],
    }
}
