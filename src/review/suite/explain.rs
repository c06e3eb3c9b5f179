//! Explains why a case failed: which policies decided, and the value of each condition that was evaluated, up to the
//! decisive one.

use super::case::{Expected, ExpectedDecision};
use crate::{
    pdp::{
        conditions::{Condition, Conditioned},
        engine::World,
    },
    sources::policy::cedar_core::ast,
    types::decision::Verdict,
};

/// How many permits are shown that are neither named nor determining. The first are enough to see what is missing.
const OTHERS: usize = 4;

/// The outcome of one condition.
enum Came {
    To(bool),
    Error(String),
}

/// Explains a verdict that differs from what is expected, a line each.
pub(super) fn explain(
    conditions: &[Conditioned],
    world: &World,
    verdict: &Verdict,
    expected: &Expected,
) -> Vec<String> {
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
            lines.push(format!("{} {id} {}", one.effect, what(&applies)));
            for (condition, came) in came.iter().filter(|(condition, _)| reached_body != condition.part.is_scope()) {
                lines.push(line(one, condition, came));
            }
        }
    }
    lines
}

fn what(applies: &Result<bool, String>) -> &'static str {
    match applies {
        Ok(true) => "applies",
        Ok(false) => "does not apply",
        Err(_) => "cannot be evaluated",
    }
}

fn line(one: &Conditioned, condition: &Condition, came: &Came) -> String {
    let place = format!("{}:{}", one.place.file.name, one.line(&condition.place));
    let text = one.text(condition).split_whitespace().collect::<Vec<_>>().join(" ");
    match came {
        Came::To(truth) => format!("  {truth:<5}  {text}  ({place})"),
        Came::Error(error) => format!("  error  {text}: {error}  ({place})"),
    }
}
