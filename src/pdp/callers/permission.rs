//! Permission: whether an application may ask a question, before anything is decided.
//!
//! It costs some comparisons of names, and one look into the directory where the application is for some organisations alone.
//! A name that the schema does not know passes: the engine refuses it, and says which name was probably meant.

use crate::{
    sources::{
        policy::{ORGANISATION, OwnToken, Permitted},
        snapshot::Snapshot,
    },
    types::{
        decision::{Answer, Fault},
        escape::cut,
        evaluation::{Entity, Parts},
    },
};
use thiserror::Error;

/// An application may not ask a question.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the application `{application}` {why}")]
pub struct NotPermitted {
    application: String,
    why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
enum Why {
    #[error("may ask nothing: applications.toml does not name it")]
    Unnamed,
    #[error("may not ask for subjects of the type `{0}`")]
    Subject(String),
    #[error("may not ask for subjects of the organisation of this one")]
    Organisation,
    #[error("may not ask about the action `{0}`")]
    Action(String),
    #[error("may not ask about resources of the type `{0}`")]
    Resource(String),
}

/// Whether the application may ask this.
///
/// # Errors
/// It may not, and why.
pub fn check(snapshot: &Snapshot, application: &str, asked: Parts<'_>) -> Result<(), NotPermitted> {
    let permitted = snapshot.policies.applications.as_ref().and_then(|applications| applications.get(application));
    let why = match permitted {
        None => Some(Why::Unnamed),
        Some(permitted) => refused(snapshot, permitted, asked),
    };
    match why {
        None => Ok(()),
        Some(why) => Err(NotPermitted { application: application.to_owned(), why }),
    }
}

/// Whether the application may ask anything.
///
/// # Errors
/// No entry names it.
pub fn check_named(snapshot: &Snapshot, application: &str) -> Result<(), NotPermitted> {
    let is_named = snapshot.policies.applications.as_ref().is_some_and(|known| known.get(application).is_some());
    let not = || NotPermitted { application: application.to_owned(), why: Why::Unnamed };
    if is_named { Ok(()) } else { Err(not()) }
}

/// What becomes of the subject's own token in this application's questions. `None`: it is not looked at.
#[must_use]
pub fn own_token<'s>(snapshot: &'s Snapshot, application: &str) -> Option<&'s OwnToken> {
    snapshot.policies.applications.as_ref()?.get(application)?.token.as_ref()
}

/// The answer to an item of a batch that the application may not ask. `None`: it may, or no application is recognised.
#[must_use]
pub fn fault(snapshot: &Snapshot, application: Option<&str>, asked: Parts<'_>) -> Option<Answer> {
    let not = check(snapshot, application?, asked).err()?;
    Some(Answer::Fault(Fault { status: 403, message: not.to_string() }))
}

fn refused(snapshot: &Snapshot, permitted: &Permitted, asked: Parts<'_>) -> Option<Why> {
    let Permitted { subjects, organisations, actions, resources, token: _ } = permitted;
    let Parts { subject, action, resource, context: _ } = asked;
    let model = &snapshot.policies.model;
    let told = |name: &str| cut(name).into_owned();
    if !subjects.has(&subject.kind) && model.entity(&subject.kind).is_ok() {
        return Some(Why::Subject(told(&subject.kind)));
    }
    if !actions.has(&action.name) && model.action(&action.name).is_ok() {
        return Some(Why::Action(told(&action.name)));
    }
    if !resources.has(&resource.kind) && model.entity(&resource.kind).is_ok() {
        return Some(Why::Resource(told(&resource.kind)));
    }
    let organisations = organisations.as_ref()?;
    let is_theirs = organisation(snapshot, subject).is_some_and(|it| organisations.contains(it));
    (!is_theirs && model.entity(&subject.kind).is_ok()).then_some(Why::Organisation)
}

/// The organisation of a subject, as the directory has it and never as the question says it.
fn organisation<'s>(snapshot: &'s Snapshot, subject: &Entity) -> Option<&'s str> {
    let model = snapshot.policies.model.entity(&subject.kind).ok()?;
    snapshot.directory.reference(&model.name, &subject.id, ORGANISATION)
}
