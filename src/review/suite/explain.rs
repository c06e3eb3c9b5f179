//! Explains why a case failed: which policies decided, and the value of each condition that was evaluated, up to the
//! decisive one.

use super::case::{Expected, ExpectedDecision};
use crate::{
    pdp::{
        conditions::{Condition, Conditioned},
        engine::World,
    },
    sources::policy::cedar_core::ast,
    types::{decision::Verdict, language::Language, texts::suite as texts},
};

/// How many permits are shown that are neither named nor determining. The first are enough to see what is missing.
const OTHERS: usize = 4;

/// The outcome of one condition.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Came {
    To(bool),
    Error(String),
}

/// A line of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line(What);

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// A policy, as `permit id`. `None`: it cannot be evaluated.
    Policy { policy: String, applies: Option<bool> },
    /// A condition of the policy above, with its place.
    Condition { text: String, came: Came, place: String },
}

impl Line {
    /// For a person. What is true and false of a condition are Cedar's words.
    #[must_use]
    pub fn words(&self, language: Language) -> String {
        match &self.0 {
            What::Policy { policy, applies: Some(true) } => texts::policy_applies(language, policy),
            What::Policy { policy, applies: Some(false) } => texts::policy_applies_not(language, policy),
            What::Policy { policy, applies: None } => texts::policy_fails(language, policy),
            What::Condition { text, came: Came::To(truth), place } => format!("  {truth:<5}  {text}  ({place})"),
            What::Condition { text, came: Came::Error(error), place } => {
                format!("  {:<5}  {text}: {error}  ({place})", texts::error(language))
            }
        }
    }
}

/// Explains a verdict that differs from what is expected.
pub(super) fn explain(conditions: &[Conditioned], world: &World, verdict: &Verdict, expected: &Expected) -> Vec<Line> {
    // Where a permit was missing, the permits that were nearest. Of the forbids, which are many and broad, only those that
    // the case names say something.
    let permit_is_missing = expected.decision == ExpectedDecision::Allow && !verdict.decision.is_allow();
    let evaluator = world.evaluator();
    let mut lines = Vec::new();
    let mut others = 0;
    for one in conditions {
        for policy in &one.deciding {
            let id: &str = policy.id().as_ref();
            let mut came = Vec::new();
            let applies = one.walk(|_, condition| {
                let holds = evaluator.holds(condition.expression(), policy.env());
                came.push((condition, holds.clone().map_or_else(Came::Error, Came::To)));
                holds
            });
            let is_named = verdict.policies.iter().any(|facts| facts.id == id)
                || expected.policies.named().iter().any(|named| named.name == id)
                || verdict.errors.iter().any(|error| error.policy == id);
            let reached_body = came.iter().any(|(condition, _)| !condition.part.is_scope());
            let is_other = permit_is_missing && reached_body && one.effect == ast::Effect::Permit;
            if !is_named {
                if !is_other || others == OTHERS {
                    continue;
                }
                others += 1;
            }
            lines.push(Line(What::Policy { policy: format!("{} {id}", one.effect), applies: applies.ok() }));
            for (condition, came) in came.iter().filter(|(condition, _)| reached_body != condition.part.is_scope()) {
                lines.push(line(one, condition, came));
            }
        }
    }
    lines
}

fn line(one: &Conditioned, condition: &Condition, came: &Came) -> Line {
    let place = format!("{}:{}", one.place.file.name, one.line(&condition.place));
    let text = one.text(condition).split_whitespace().collect::<Vec<_>>().join(" ");
    Line(What::Condition { text, came: came.clone(), place })
}
