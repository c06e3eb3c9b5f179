//! A decision record, read back from the log: its request, its response, and the revisions that decided.
//!
//! It is read from the bytes that were written, and borrows from them. What this version does not know is skipped.

use super::RecordKind;
use crate::types::{
    decision::Decision,
    language::Language,
    moment::{Moment, PolicyAge, TokenClaims},
    revision::Revision,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt, sync::Arc};
use thiserror::Error;

/// A decision record.
#[derive(Debug, Deserialize)]
pub struct StoredRecord<'a> {
    /// `adl.access_evaluation` or `adl.access_evaluations`.
    #[serde(borrow)]
    pub event_name: Cow<'a, str>,
    /// The first half of its key.
    #[serde(borrow)]
    pub trace_id: Cow<'a, str>,
    /// The second half.
    #[serde(borrow)]
    pub span_id: Cow<'a, str>,
    /// `Unset`, or `Error` when no decision could be made.
    #[serde(borrow)]
    pub status: Cow<'a, str>,
    /// When it was decided, in milliseconds since 1970.
    pub timestamp: i64,
    #[serde(borrow)]
    attributes: Attributes<'a>,
    #[serde(borrow)]
    body: Body<'a>,
}

#[derive(Debug, Deserialize)]
struct Attributes<'a> {
    #[serde(rename = "adl.core.configuration")]
    configuration: Configuration,
    #[serde(rename = "adl.core.policies")]
    policies: Policies,
    #[serde(rename = "adl.core.information")]
    information: Information,
    #[serde(rename = "poort.log.origin", default, borrow)]
    origin: Cow<'a, str>,
    #[serde(rename = "poort.log.seq")]
    seq: u64,
    #[serde(rename = "poort.log.concealed")]
    concealed: Option<Vec<String>>,
    #[serde(rename = "poort.language")]
    language: Option<String>,
    #[serde(rename = "poort.origin", default, borrow)]
    caller: CallerOrigin<'a>,
    #[serde(rename = "poort.outcome", borrow)]
    outcome: Option<Cow<'a, str>>,
    #[serde(rename = "poort.pdp")]
    pdp: Pdp,
    #[serde(rename = "dpl.core.data_subject_id")]
    data_subject_id: Option<String>,
    #[serde(rename = "dpl.core.data_subject_id_type")]
    data_subject_id_type: Option<String>,
    #[serde(rename = "poort.data_subjects", default)]
    data_subjects: Vec<EntityName>,
    #[serde(rename = "poort.batch.data_subjects", default)]
    batch_data_subjects: Vec<OfItem>,
}

/// Where the call came from, as far as it decides.
#[derive(Debug, Default, Deserialize)]
struct CallerOrigin<'a> {
    #[serde(default, borrow)]
    application: Option<Cow<'a, str>>,
}

/// A data subject of an item of a batch.
#[derive(Debug, Deserialize)]
struct OfItem {
    index: usize,
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

#[derive(Debug, Deserialize)]
struct Configuration {
    poort: Poort,
}

/// What decided, beside policies and directory.
#[derive(Debug, Deserialize)]
pub struct Poort {
    /// poort's version.
    pub version: String,
    /// The digest of the configuration that can change a decision.
    pub digest: String,
}

#[derive(Debug, Deserialize)]
struct Policies {
    policies: Reference,
}

#[derive(Debug, Deserialize)]
struct Information {
    directory: Reference,
}

#[derive(Debug, Deserialize)]
struct Reference {
    revision: String,
}

#[derive(Debug, Deserialize)]
struct Pdp {
    application: Option<String>,
    hour: u8,
    now: String,
    today: String,
    policies: Option<String>,
    token: Option<Arc<TokenClaims>>,
}

#[derive(Debug, Deserialize)]
struct Body<'a> {
    #[serde(rename = "adl.core.request", borrow)]
    request: &'a RawValue,
    #[serde(rename = "adl.core.response", borrow)]
    response: Option<&'a RawValue>,
}

/// A record that is no decision record, or cannot be read as one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// One decision of a record: that of a call, or of an item of a batch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OneDecision {
    /// The subject that wanted access: type and id. `None` where an item of a batch has none.
    pub subject: Option<EntityName>,
    /// The action.
    pub action: Option<String>,
    /// The resource.
    pub resource: Option<EntityName>,
    /// Whom it is about: pseudonyms, with the types of the ids.
    pub data_subjects: Vec<EntityName>,
    /// `context.purpose`, if it was given: a text, or any other JSON.
    pub purpose: Option<String>,
    /// The decision; `None` when none left.
    pub decision: Option<Decision>,
    /// The policies that determined it.
    pub policies: Vec<String>,
    /// Whether a policy failed, the item had a fault, or no decision left.
    pub is_error: bool,
}

/// A subject, a resource or a data subject.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EntityName {
    /// Its type, as the caller named it; of a data subject, the type of its id.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
}

impl fmt::Display for EntityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, id } = self;
        write!(f, "{kind}::{id:?}")
    }
}

#[derive(Debug, Deserialize)]
struct Request<'a> {
    subject: Option<EntityName>,
    action: Option<Action>,
    resource: Option<EntityName>,
    #[serde(borrow)]
    context: Option<Context<'a>>,
    #[serde(borrow)]
    evaluations: Option<Vec<Self>>,
}

#[derive(Debug, Deserialize)]
struct Action {
    name: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Context<'a> {
    #[serde(borrow)]
    purpose: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Response {
    decision: Option<bool>,
    context: Option<Why>,
    evaluations: Option<Vec<Self>>,
}

#[derive(Debug, Deserialize)]
struct Why {
    #[serde(default)]
    policies: Vec<Id>,
    #[serde(default)]
    errors: Vec<serde::de::IgnoredAny>,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Id {
    id: String,
}

impl<'a> StoredRecord<'a> {
    /// Reads a record. `None` when it is of another kind, such as a checkpoint.
    ///
    /// # Errors
    /// It calls itself a decision record and has not the form of one.
    pub fn read(record: &'a [u8]) -> Result<Option<Self>, Unreadable> {
        match serde_json::from_slice::<Self>(record) {
            Ok(recorded) if recorded.event_name.starts_with("adl.") => Ok(Some(recorded)),
            Ok(_) => Ok(None),
            Err(_) if RecordKind::of(record) != RecordKind::Decision => Ok(None),
            Err(error) => Err(Unreadable(format!("it has not the form of a decision record: {error}"))),
        }
    }

    /// Its place in the log.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.attributes.seq
    }

    /// The log that it is of; empty if it names none.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.attributes.origin
    }

    /// The revision of the policies; `None` if what is there is none.
    #[must_use]
    pub fn policies(&self) -> Option<Revision> {
        Revision::parse(&self.attributes.policies.policies.revision)
    }

    /// The revision of the directory; `None` if what is there is none.
    #[must_use]
    pub fn directory(&self) -> Option<Revision> {
        Revision::parse(&self.attributes.information.directory.revision)
    }

    /// What decided, beside policies and directory.
    #[must_use]
    pub const fn poort(&self) -> &Poort {
        &self.attributes.configuration.poort
    }

    /// The language of its sentences.
    #[must_use]
    pub fn language(&self) -> Language {
        self.attributes.language.as_deref().and_then(|tag| tag.parse().ok()).unwrap_or_default()
    }

    /// Why no decision was made, if none was.
    #[must_use]
    pub fn outcome(&self) -> Option<&str> {
        self.attributes.outcome.as_deref()
    }

    /// Whether parts of its request were concealed when it was written, so that the question is not known any more.
    #[must_use]
    pub fn is_concealed(&self) -> bool {
        self.concealed().next().is_some()
    }

    /// The same, where a pseudonym in the place of the resource's id is no matter: equal ids have equal ones.
    #[must_use]
    pub fn is_concealed_beyond_ids(&self) -> bool {
        self.concealed().any(|place| !place.ends_with("/resource/id"))
    }

    fn concealed(&self) -> impl Iterator<Item = &str> {
        let places = self.attributes.concealed.iter().flatten();
        places.map(String::as_str).filter(|place| place.starts_with("/adl.core.request"))
    }

    /// The application that the connection proved, if callers were recognised.
    #[must_use]
    pub fn proven_application(&self) -> Option<&str> {
        self.attributes.caller.application.as_deref()
    }

    /// What the policies saw of the time.
    #[must_use]
    pub fn moment(&self) -> Moment {
        let Pdp { application, hour, now, today, policies, token } = &self.attributes.pdp;
        let age = policies.as_ref().and_then(|name| PolicyAge::ALL.into_iter().find(|age| age.name() == *name));
        Moment {
            now: self.timestamp,
            now_text: now.clone(),
            today: today.clone(),
            hour: *hour,
            application: application.as_deref().map(Into::into),
            token: token.clone(),
            policies: age.unwrap_or_default(),
        }
    }

    /// The request, in AuthZEN's form.
    #[must_use]
    pub fn request(&self) -> &'a str {
        self.body.request.get()
    }

    /// The response, in AuthZEN's form; `None` when no answer left.
    #[must_use]
    pub fn response(&self) -> Option<&'a str> {
        self.body.response.map(RawValue::get)
    }

    /// Whether it is the record of a batch.
    #[must_use]
    pub fn is_batch(&self) -> bool {
        self.event_name == "adl.access_evaluations"
    }

    /// Its decisions, in the order of the request. An item of a batch that was not answered any more, because the batch
    /// stopped before it, is none.
    ///
    /// # Errors
    /// Request or response have not AuthZEN's form.
    pub fn decisions(&self) -> Result<Vec<OneDecision>, Unreadable> {
        let unreadable =
            |what: &str, error: serde_json::Error| Unreadable(format!("its {what} cannot be read: {error}"));
        let request: Request<'_> =
            serde_json::from_str(self.request()).map_err(|error| unreadable("request", error))?;
        let response = self.response().map(serde_json::from_str::<Response>).transpose();
        let response = response.map_err(|error| unreadable("response", error))?;
        if !self.is_batch() {
            let decision = one(&request, &request, response.as_ref());
            return Ok(vec![OneDecision { data_subjects: self.data_subjects(), ..decision }]);
        }
        let items = request.evaluations.as_deref().unwrap_or_default();
        let mut decisions: Vec<_> = match response {
            None => items.iter().map(|item| one(&request, item, None)).collect(),
            Some(response) => {
                let answers = response.evaluations.unwrap_or_default();
                items.iter().zip(&answers).map(|(item, answer)| one(&request, item, Some(answer))).collect()
            }
        };
        for OfItem { index, kind, id } in &self.attributes.batch_data_subjects {
            if let Some(decision) = decisions.get_mut(*index) {
                decision.data_subjects.push(EntityName { kind: kind.clone(), id: id.clone() });
            }
        }
        Ok(decisions)
    }

    /// Whom a single question is about.
    fn data_subjects(&self) -> Vec<EntityName> {
        let Attributes { data_subject_id, data_subject_id_type, data_subjects, .. } = &self.attributes;
        match (data_subject_id, data_subject_id_type) {
            // The list has all of them, the one that is named by itself too.
            (Some(id), Some(kind)) if data_subjects.is_empty() => {
                vec![EntityName { kind: kind.clone(), id: id.clone() }]
            }
            _ => data_subjects.clone(),
        }
    }
}

/// An item with the defaults, and its answer.
fn one(defaults: &Request<'_>, item: &Request<'_>, answer: Option<&Response>) -> OneDecision {
    let why = answer.and_then(|answer| answer.context.as_ref());
    let decision = answer.and_then(|answer| answer.decision);
    OneDecision {
        subject: item.subject.as_ref().or(defaults.subject.as_ref()).cloned(),
        action: item.action.as_ref().or(defaults.action.as_ref()).map(|action| action.name.clone()),
        resource: item.resource.as_ref().or(defaults.resource.as_ref()).cloned(),
        data_subjects: Vec::new(),
        purpose: item.context.or(defaults.context).and_then(|context| context.purpose).map(plain),
        decision: decision.map(|allowed| if allowed { Decision::Allow } else { Decision::Deny }),
        policies: why.map(|why| why.policies.iter().map(|policy| policy.id.clone()).collect()).unwrap_or_default(),
        is_error: decision.is_none() || why.is_some_and(|why| why.error.is_some() || !why.errors.is_empty()),
    }
}

/// A text without its quotation marks.
fn plain(value: &RawValue) -> String {
    serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned())
}
