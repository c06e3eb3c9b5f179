//! What an answer has of a verdict's obligations: the same verdict is that of many questions, and an obligation can name the
//! subject of one, or be more than its application can do.
//!
//! **Invariant:** an obligation is never dropped. An allow that asks for what the application cannot do is a deny.

use crate::{
    sources::policy::Invalid,
    types::{
        decision::{Cause, Decision, Obligation, PolicyFacts, SESSION_TERMINATION, Verdict},
        evaluation::{Map, Path, Value},
    },
};
use std::{collections::BTreeSet, sync::Arc};

/// The member of the context that lists what an application can do (AuthZEN obligations profile). poort itself reads it, and
/// policies do not.
pub(super) const SUPPORTED: &str = "supported_obligations";

/// What the application can do: keys, or types as AuthZEN has them. `None`: it does not say.
///
/// # Errors
/// It is no list of texts.
pub(super) fn supported<'a>(context: &'a Map, path: Path<'_>) -> Result<Option<BTreeSet<&'a str>>, Invalid> {
    let unfit = |value: &Value| {
        let message = format!("holds {}; list the obligations that the application can do, as strings", value.kind());
        Invalid::new(path.field(SUPPORTED), message)
    };
    match context.get(SUPPORTED) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::List(listed)) => {
            let texts = listed
                .iter()
                .map(|one| if let Value::String(text) = one { Ok(text.as_str()) } else { Err(unfit(one)) });
            texts.collect::<Result<_, _>>().map(Some)
        }
        Some(other) => Err(unfit(other)),
    }
}

/// The verdict on a question about this subject, for an application that can do these. Whose sessions end is the subject's
/// id (AuthZEN obligations profile).
pub(super) fn about(mut verdict: Arc<Verdict>, subject: &str, supported: Option<&BTreeSet<&str>>) -> Arc<Verdict> {
    if let Some(keys) = supported.filter(|_| verdict.decision.is_allow()).and_then(|can| beyond(&verdict, can)) {
        let (decision, policies, errors) = (Decision::Deny, Vec::new(), Vec::new());
        return Arc::new(Verdict { decision, policies, errors, cause: Cause::Unsupported(keys) });
    }
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

/// What an application that can do these would have to do more for this allow, by key, if anything.
fn beyond(verdict: &Verdict, supported: &BTreeSet<&str>) -> Option<Vec<String>> {
    let asked = verdict.policies.iter().flat_map(|facts| &facts.obligations);
    // An application that names the type says that it knows all of them.
    let asked = asked.filter(|due| !supported.contains(due.kind.as_str()));
    let beyond: BTreeSet<&str> = asked.flat_map(Obligation::keys).filter(|key| !supported.contains(key)).collect();
    (!beyond.is_empty()).then(|| beyond.into_iter().map(str::to_owned).collect())
}
