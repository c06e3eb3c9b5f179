//! Explanations for callers that may ask. The conditions of the active policies are made when the first caller asks, beside the
//! threads that answer, and kept until other policies are active.

use super::{Audience, Extent, explain};
use crate::{
    pdp::{
        call::Call,
        conditions::{self, Conditioned},
        engine,
    },
    sources::{policy::Policies, snapshot::Snapshot},
    types::{
        decision::{Answer, Explanation, Verdict},
        evaluation::Parts,
        moment::Moment,
        revision::Revision,
    },
};
use std::sync::{Arc, Mutex, PoisonError};

/// How many policies an explanation has for a caller.
const POLICIES: usize = 12;

/// The conditions that were made last, with the revision of their policies.
#[derive(Debug, Default)]
pub struct KnownConditions(Mutex<Option<(Revision, Arc<Vec<Conditioned>>)>>);

impl KnownConditions {
    /// Why each question was answered so. It ends with the call's deadline, and lets other calls of this thread go on between
    /// two questions. A question that has no answer has no explanation.
    pub async fn explanations(
        &self,
        call: &Call,
        snapshot: &Arc<Snapshot>,
        moment: &Moment,
        config: engine::Config,
        asked: Vec<(Option<Parts<'_>>, &Answer)>,
    ) -> Vec<Option<Explanation>> {
        let Some(conditions) = self.of(&snapshot.policies).await else { return Vec::new() };
        let mut explanations = Vec::with_capacity(asked.len());
        for (parts, answer) in asked {
            explanations.push(match (parts, answer) {
                (Some(parts), Answer::Evaluated(evaluated)) if !call.is_late() => {
                    explanation(call, snapshot, moment, config, &conditions, parts, &evaluated.verdict)
                }
                _ => None,
            });
            tokio::task::yield_now().await;
        }
        explanations
    }

    /// The conditions of these policies. `None` if they could not be made, which is a fault of poort.
    async fn of(&self, policies: &Arc<Policies>) -> Option<Arc<Vec<Conditioned>>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((revision, conditions)) = known
            && revision == policies.revision
        {
            return Some(conditions);
        }
        let parsed = policies.clone();
        let made = tokio::task::spawn_blocking(move || Arc::new(conditions::of_any_depth(&parsed))).await.ok()?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((policies.revision.clone(), made.clone()));
        Some(made)
    }
}

fn explanation(
    call: &Call,
    snapshot: &Snapshot,
    moment: &Moment,
    config: engine::Config,
    conditions: &[Conditioned],
    parts: Parts<'_>,
    verdict: &Verdict,
) -> Option<Explanation> {
    let checked = engine::check_question(snapshot, parts, moment, config).ok()?;
    let question = checked.whole_question().ok()?;
    let extent = Extent { audience: Audience::Caller, policies: POLICIES };
    explain(snapshot, conditions, &question, verdict, extent, &|| !call.is_late()).ok()
}
