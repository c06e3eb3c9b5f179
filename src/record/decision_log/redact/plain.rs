//! Plain questions and answers: with nothing to conceal and no data subject to name. Their record has them as they are,
//! so they are not copied. Most questions are plain.
//!
//! It errs on one side only: a question that is called plain is one that the walk would leave as it is
//! (`tests/any_values.rs` holds this). What it is not sure of takes the walk.

use super::secret_names::is_secret;
use crate::{
    sources::policy::Model,
    types::{
        decision::{Answer, Obligation, SESSION_TERMINATION, Verdict},
        evaluation::{Entity, Evaluation, Map, Value},
    },
};

/// Whether the record can have a question as it is.
pub(super) fn is_plain(evaluation: &Evaluation, model: &Model) -> bool {
    let Evaluation { subject, action, resource, context } = evaluation;
    let entity = |entity: &Entity| {
        let marks = model.entity(&entity.kind).map(|declared| model.marks.entity(Some(&declared.name)));
        marks.is_ok_and(|marks| marks.is_plain) && is_plain_map(&entity.properties)
    };
    let marks = model.action(&action.name).map(|declared| model.marks.context(Some(&declared.uid)));
    marks.is_ok_and(|marks| marks.is_plain)
        && entity(subject)
        && entity(resource)
        && is_plain_map(&action.properties)
        && is_plain_map(context)
}

/// Whether the record can have an answer as it is; `is_strict` if there is anything to conceal.
pub(super) fn is_plain_answer(answer: &Answer, is_strict: bool) -> bool {
    match answer {
        Answer::Fault(_) => !is_strict,
        Answer::Evaluated(evaluated) => {
            let Verdict { decision: _, policies, errors, cause: _ } = evaluated.verdict.as_ref();
            let obligations = || policies.iter().flat_map(|policy| &policy.obligations);
            ((errors.is_empty() && evaluated.undeclared.is_empty() && evaluated.unknown.is_empty()) || !is_strict)
                && evaluated.verdict.unknown().is_none()
                && evaluated.subject.as_deref().is_none_or(is_plain_map)
                && obligations().all(|obligation| is_plain_obligation(obligation, is_strict))
        }
    }
}

/// Whether the record can have an obligation as it is; `is_strict` if there is anything to conceal, such as the id of the
/// subject whose sessions end.
pub(super) fn is_plain_obligation(obligation: &Obligation, is_strict: bool) -> bool {
    is_plain_map(&obligation.properties) && !(is_strict && obligation.kind == SESSION_TERMINATION)
}

/// Whether nothing in these values is a secret, or could name an entity whose id is concealed.
pub(super) fn is_plain_map(map: &Map) -> bool {
    map.iter().all(|(name, value)| !is_secret(name) && name != "type" && is_plain_value(value))
}

fn is_plain_value(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::List(elements) => elements.iter().all(is_plain_value),
        Value::Map(map) => is_plain_map(map),
    }
}
