//! What an answer has of a verdict's obligations: the same verdict is that of many questions, and an obligation can name the
//! subject of one.

use crate::types::{
    decision::{Obligation, PolicyFacts, SESSION_TERMINATION, Verdict},
    evaluation::Value,
};
use std::sync::Arc;

/// The verdict on a question about this subject. Whose sessions end is the subject's id (AuthZEN obligations profile).
pub(super) fn about(mut verdict: Arc<Verdict>, subject: &str) -> Arc<Verdict> {
    let is_open = |due: &Obligation| due.kind == SESSION_TERMINATION && !due.properties.contains_key("subject");
    let has_open = |facts: &Arc<PolicyFacts>| facts.obligations.iter().any(is_open);
    if verdict.policies.iter().any(has_open) {
        for facts in Arc::make_mut(&mut verdict).policies.iter_mut().filter(|facts| has_open(facts)) {
            for due in Arc::make_mut(facts).obligations.iter_mut().filter(|due| is_open(due)) {
                due.properties.insert("subject".to_owned(), Value::String(subject.to_owned()));
            }
        }
    }
    verdict
}
