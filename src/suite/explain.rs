//! Why a case came out otherwise: which policies decided, and by which condition.

use super::case::{Expected, ExpectedDecision};
use crate::{
    decision::Verdict,
    engine::{Explained, Outcome, World, explain_in},
    snapshot::Snapshot,
};
use cedar_policy as cedar;

/// How many policies are shown that are neither named nor determining. The first are enough to see what is missing.
const OTHERS: usize = 4;

/// Explains a verdict that differs from what is expected, a line each. The policies that the case names come first.
pub(super) fn explain(snapshot: &Snapshot, world: &World, verdict: &Verdict, expected: &Expected) -> Vec<String> {
    let explained = match explain_in(snapshot, world) {
        Ok(explained) => explained,
        Err(error) => return vec![error],
    };
    let determining = |one: &Explained| verdict.policies.iter().any(|facts| facts.id == one.policy.id);
    let named = |one: &Explained| expected.policies.named().iter().any(|named| named.name == one.policy.id);
    let failed = |one: &Explained| verdict.errors.iter().any(|error| error.policy == one.policy.id);
    // Where a permit was missing, the permits that were nearest. Of the forbids, which are many and broad, only those that
    // the case names say something.
    let permit_is_missing = expected.decision == ExpectedDecision::Allow && !verdict.decision.is_allow();
    let mut lines = Vec::new();
    let mut others = 0;
    for one in &explained {
        let is_other = permit_is_missing && one.in_scope && one.effect == "permit";
        if !(determining(one) || named(one) || failed(one)) {
            if !is_other || others == OTHERS {
                continue;
            }
            others += 1;
        }
        lines.push(policy(snapshot, one));
        for clause in &one.clauses {
            match &clause.outcome {
                Outcome::Holds => {}
                Outcome::Fails => lines.push(format!("  ✗ {}", clause.text)),
                Outcome::Error(error) => lines.push(format!("  ! {}: {error}", clause.text)),
            }
        }
    }
    lines
}

fn policy(snapshot: &Snapshot, one: &Explained) -> String {
    let id = &one.policy.id;
    let place = snapshot.policies.places.get(&cedar::PolicyId::new(id));
    let place = place.map(|place| format!(" ({}:{})", place.file.name, place.line())).unwrap_or_default();
    let what = if one.applies() {
        "applies"
    } else if one.in_scope {
        "does not apply, because of"
    } else {
        "does not apply: it is about other subjects, actions or resources"
    };
    format!("{} {id}{place} {what}", one.effect)
}
