//! Callers that may not ask: who asks, whether it may, and the record of a refusal.
//!
//! What is refused is no decision, so it can leave no record where there were many: [`super::callers::Callers`] bounds them.

use super::{Call, Pdp, Refusal, Run, callers, record};
use crate::{
    record::decision_log::{RecordedRequest, RecordedResponse, Unanswered},
    sources::snapshot::Snapshot,
    types::{
        escape::cut,
        evaluation::{Action, Batch, Entity, Evaluation, Item, Parts},
        moment::Moment,
    },
};
use std::borrow::Cow;

impl Pdp {
    /// The application that asks; `None` where nobody is recognised.
    pub(super) fn application<'c>(&self, call: &'c Call) -> Result<Option<&'c str>, Refusal> {
        if self.callers.is_none() {
            return Ok(None);
        }
        let application = call.identity.as_ref().and_then(|identity| identity.application.as_deref());
        application.map(Some).ok_or(Refusal::UnknownCaller)
    }

    /// Whether the caller may ask this.
    pub(super) fn permit(&self, call: &Call, snapshot: &Snapshot, asked: Parts<'_>) -> Result<(), Refusal> {
        match self.application(call)? {
            None => Ok(()),
            Some(application) => Ok(callers::check(snapshot, application, asked)?),
        }
    }

    pub(super) fn count_refused(&self, application: Option<&str>) {
        if let Some(callers) = &self.callers {
            callers.count(application);
        }
    }

    /// Records that the caller may not ask it, within a bound. Of the question the record has who asked for what, and nothing
    /// that can be long.
    pub(super) async fn refuse(
        &self,
        call: &Call,
        refusal: Refusal,
        asked: RecordedRequest<'_>,
        snapshot: &Snapshot,
        moment: &Moment,
        run: &Run,
    ) -> Refusal {
        let application = call.identity.as_ref().and_then(|identity| identity.application.as_deref());
        self.count_refused(application);
        let unrecorded = self.callers.as_ref().and_then(|callers| callers.record(application));
        let Some(unrecorded) = unrecorded else { return refusal };
        let why = match refusal {
            Refusal::UnknownCaller => Unanswered::UnknownCaller(unrecorded),
            _ => Unanswered::NotPermitted(unrecorded),
        };
        let record = record(call, asked, RecordedResponse::Nothing(why), snapshot, moment);
        // A record without an answer has no late form, so the deadline has no effect.
        self.keep(call, record, run).await.err().unwrap_or(refusal)
    }
}

/// A question without properties and context, and with names that are cut where they are long.
pub(super) fn one(evaluation: &Evaluation) -> RecordedRequest<'static> {
    let Evaluation { subject, action, resource, context: _ } = evaluation;
    RecordedRequest::One(Cow::Owned(Evaluation {
        subject: bare_entity(subject),
        action: bare_action(action),
        resource: bare_entity(resource),
        ..Evaluation::default()
    }))
}

/// The same of the first item of a batch and of its defaults.
pub(super) fn several(batch: &Batch) -> RecordedRequest<'static> {
    let bare = |item: &Item| Item {
        subject: item.subject.as_ref().map(bare_entity),
        action: item.action.as_ref().map(bare_action),
        resource: item.resource.as_ref().map(bare_entity),
        ..Item::default()
    };
    let Batch { defaults, items, semantic } = batch;
    let items = items.first().map(bare).into_iter().collect();
    RecordedRequest::Several(Cow::Owned(Batch { defaults: bare(defaults), items, semantic: *semantic }))
}

fn bare_entity(entity: &Entity) -> Entity {
    let Entity { kind, id, properties: _ } = entity;
    Entity { kind: cut(kind).into_owned(), id: cut(id).into_owned(), ..Entity::default() }
}

fn bare_action(action: &Action) -> Action {
    Action { name: cut(&action.name).into_owned(), ..Action::default() }
}
