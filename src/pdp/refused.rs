//! Callers that may not ask: who asks, whether it may, and the record of a refusal.
//!
//! What is refused is no decision, so it can leave no record where there were many: [`super::callers::Callers`] bounds them.

use super::{
    Call, Pdp, Refusal, Run,
    callers::{
        self,
        token::{TokenFault, Verified},
    },
    record,
};
use crate::{
    record::decision_log::{RecordedRequest, RecordedResponse, Unanswered},
    sources::snapshot::Snapshot,
    types::{
        decision::{Answer, Fault},
        escape::cut,
        evaluation::{Action, Batch, Entity, Evaluation, Item, Parts},
        moment::Moment,
    },
};
use std::{borrow::Cow, sync::Arc};

impl Pdp {
    /// The application that asks; `None` where nobody is recognised.
    pub(super) fn application<'c>(&self, call: &'c Call) -> Result<Option<&'c str>, Refusal> {
        if self.callers.is_none() {
            return Ok(None);
        }
        let application = call.identity.as_ref().and_then(|identity| identity.application.as_deref());
        application.map(Some).ok_or(Refusal::UnknownCaller)
    }

    /// Whether the caller may ask this. The moment gets what policies see of the subject's own token.
    pub(super) fn permit(
        &self,
        call: &Call,
        snapshot: &Snapshot,
        moment: &mut Moment,
        asked: Parts<'_>,
    ) -> Result<(), Refusal> {
        let Some(application) = self.application(call)? else { return Ok(()) };
        callers::check(snapshot, application, asked)?;
        if let Some(token) = self.token(call, snapshot, application)? {
            token.check_subject(snapshot, asked.subject)?;
            moment.token = Some(token.claims.clone());
        }
        Ok(())
    }

    /// The subject's own token, verified. `None`: there is none, and none is needed.
    pub(super) fn token(
        &self,
        call: &Call,
        snapshot: &Snapshot,
        application: &str,
    ) -> Result<Option<Arc<Verified>>, TokenFault> {
        let (Some(callers), Some(own)) = (&self.callers, callers::own_token(snapshot, application)) else {
            return Ok(None);
        };
        match &call.token {
            None if own.required => Err(TokenFault::Missing),
            None => Ok(None),
            Some(given) => callers.tokens().verify(given, &own.client_id).map(Some),
        }
    }

    /// The answer to an item of a batch that the application may not ask. `None`: it may.
    pub(super) fn fault(
        &self,
        snapshot: &Snapshot,
        application: Option<&str>,
        token: Option<&Verified>,
        asked: Parts<'_>,
    ) -> Option<Answer> {
        if let Some(fault) = callers::fault(snapshot, application, asked) {
            self.count_refused(application, None);
            return Some(fault);
        }
        let fault = token?.check_subject(snapshot, asked.subject).err()?;
        self.count_refused(application, Some(fault));
        Some(Answer::Fault(Fault { status: 403, message: fault.to_string() }))
    }

    fn count_refused(&self, application: Option<&str>, fault: Option<TokenFault>) {
        if let Some(callers) = &self.callers {
            callers.count(application);
            fault.into_iter().for_each(|fault| callers.tokens().count(fault));
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
        self.count_refused(application, if let Refusal::Token(fault) = refusal { Some(fault) } else { None });
        let unrecorded = self.callers.as_ref().and_then(|callers| callers.record(application));
        let Some(unrecorded) = unrecorded else { return refusal };
        let why = match refusal {
            Refusal::UnknownCaller => Unanswered::UnknownCaller(unrecorded),
            Refusal::Token(fault) => Unanswered::Token(fault.names().1, unrecorded),
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
