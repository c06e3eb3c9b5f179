//! The selection of records: which of them are wanted.
//!
//! Most records are skipped by their bytes alone: what is wanted must be in them, in canonical form. Only those that
//! hold all of it are read (`tests/it/record/log/cat.rs::each_filter_finds_what_a_search_through_all_records_finds`).

use super::{
    RecordKind,
    data_subject_filter::DataSubjectFilter,
    signal::SIGNAL,
    stored_record::{EntityName, OneDecision, StoredRecord},
};
use crate::types::{authzen, decision::Decision, entity_id::EntityId, trace::TraceId};
use memchr::memmem;

/// What is wanted. What is `None` does not matter; all the rest must hold.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Decided at this moment or later, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Decided before this moment.
    pub until: Option<i64>,
    /// Of this trace.
    pub trace: Option<TraceId>,
    /// About this subject.
    pub subject: Option<EntityId>,
    /// About this resource.
    pub resource: Option<EntityId>,
    /// About this data subject.
    pub data_subject: Option<DataSubjectFilter>,
    /// About this action.
    pub action: Option<String>,
    /// Decided like this.
    pub decision: Option<Decision>,
    /// Determined by this policy.
    pub policy: Option<String>,
    /// A policy failed, an item of a batch had a fault, or no decision left.
    pub errors: bool,
    /// Records of signals of atypical use, and nothing else.
    pub signals: bool,
    /// Signed checkpoints with their cosignatures, and signals, too, whatever is wanted of decisions. Without it, none is.
    pub all: bool,
}

/// What is wanted, made ready to be looked for.
#[derive(Debug)]
pub struct Selection {
    wanted: Wanted,
    /// Each of these is in every record that is wanted.
    needles: Vec<memmem::Finder<'static>>,
    /// The names of records that are wanted only with all.
    rest: [memmem::Finder<'static>; 3],
    errors: [memmem::Finder<'static>; 3],
}

impl Selection {
    /// Makes it ready.
    #[must_use]
    pub fn new(wanted: Wanted) -> Self {
        let mut needles = Vec::new();
        for named in [&wanted.subject, &wanted.resource].into_iter().flatten() {
            needles.push(quoted(named.tail()).split_off(1));
        }
        // The names of all attributes that name data subjects hold this.
        needles.extend(wanted.data_subject.as_ref().map(|_| b"data_subject".to_vec()));
        needles.extend(wanted.action.as_deref().map(|action| [b"\"name\":", quoted(action).as_slice()].concat()));
        needles.extend(wanted.policy.as_deref().map(|policy| [b"{\"id\":", quoted(policy).as_slice()].concat()));
        needles.extend(wanted.trace.map(|trace| format!("\"trace_id\":\"{trace}\"").into_bytes()));
        needles.extend(wanted.decision.map(|decision| format!("\"decision\":{}", decision.is_allow()).into_bytes()));
        needles.extend(wanted.signals.then(|| format!("\"event_name\":\"{SIGNAL}").into_bytes()));
        let finder = |needle: &[u8]| memmem::Finder::new(needle).into_owned();
        Self {
            needles: needles.iter().map(|needle| finder(needle)).collect(),
            rest: [
                b"\"event_name\":\"poort.log.checkpoint\"".as_slice(),
                b"\"event_name\":\"poort.log.cosigned\"",
                b"\"event_name\":\"poort.signal",
            ]
            .map(finder),
            errors: [b"\"status\":\"Error\"".as_slice(), b"\"error\":{", b"\"errors\":[{"].map(finder),
            wanted,
        }
    }

    /// What is wanted.
    #[must_use]
    pub const fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Whether a record is wanted. Of a batch, one decision that is wanted is enough.
    #[must_use]
    pub fn takes(&self, record: &[u8]) -> bool {
        if !self.wanted.signals && self.is_of_the_rest(record) {
            return self.wanted.all && self.is_in_time(record);
        }
        if !self.may_take(record) || !self.is_in_time(record) {
            return false;
        }
        if !self.wanted.looks_into_decisions() && self.wanted.trace.is_none() {
            return true;
        }
        let Ok(Some(recorded)) = StoredRecord::read(record) else { return false };
        self.wanted.trace.is_none_or(|trace| recorded.trace_id == trace.to_string())
            && (!self.wanted.looks_into_decisions()
                || recorded.decisions().is_ok_and(|decisions| decisions.iter().any(|one| self.takes_decision(one))))
    }

    /// Whether one decision of a record that is taken is one of those that are wanted.
    #[must_use]
    pub fn takes_decision(&self, one: &OneDecision) -> bool {
        let Wanted { subject, resource, data_subject, action, decision, policy, errors, .. } = &self.wanted;
        let is = |wanted: &Option<EntityId>, named: &Option<EntityName>| {
            let is_it = |wanted: &EntityId| named.as_ref().is_some_and(|named| wanted.names(&named.kind, &named.id));
            wanted.as_ref().is_none_or(is_it)
        };
        is(subject, &one.subject)
            && is(resource, &one.resource)
            && data_subject.as_ref().is_none_or(|sought| one.data_subjects.iter().any(|named| sought.is(named)))
            && action.as_ref().is_none_or(|action| one.action.as_ref() == Some(action))
            && decision.is_none_or(|decision| one.decision == Some(decision))
            && policy.as_ref().is_none_or(|policy| one.policies.contains(policy))
            && (!errors || one.is_error)
    }

    fn is_of_the_rest(&self, record: &[u8]) -> bool {
        // The bytes may also be in a value that a caller gave.
        self.rest.iter().any(|name| name.find(record).is_some())
            && matches!(RecordKind::of(record), RecordKind::Checkpoint | RecordKind::Cosigned | RecordKind::Signal)
    }

    /// What the bytes alone say.
    fn may_take(&self, record: &[u8]) -> bool {
        self.needles.iter().all(|needle| needle.find(record).is_some())
            && (!self.wanted.errors || self.errors.iter().any(|needle| needle.find(record).is_some()))
    }

    fn is_in_time(&self, record: &[u8]) -> bool {
        let Wanted { since, until, .. } = self.wanted;
        if since.is_none() && until.is_none() {
            return true;
        }
        timestamp(record)
            .is_some_and(|at| since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until))
    }
}

impl Wanted {
    fn looks_into_decisions(&self) -> bool {
        let Self { subject, resource, data_subject, action, decision, policy, errors, .. } = self;
        subject.is_some()
            || resource.is_some()
            || data_subject.is_some()
            || action.is_some()
            || decision.is_some()
            || policy.is_some()
            || *errors
    }
}

/// The place of a record in its log, as it says itself; 0 if it does not.
#[must_use]
pub fn seq(record: &[u8]) -> u64 {
    #[derive(serde::Deserialize)]
    struct Placed {
        attributes: Place,
    }
    #[derive(serde::Deserialize)]
    struct Place {
        #[serde(rename = "poort.log.seq")]
        seq: u64,
    }
    serde_json::from_slice::<Placed>(record).map_or(0, |placed| placed.attributes.seq)
}

/// When a record was made, in milliseconds since 1970.
#[must_use]
pub fn timestamp(record: &[u8]) -> Option<i64> {
    #[derive(serde::Deserialize)]
    struct At {
        timestamp: i64,
    }
    // In canonical form it is at the end, and only the trace id follows, which poort writes itself.
    const NAME: &[u8] = b",\"timestamp\":";
    let tail = record.get(record.len().saturating_sub(96)..).unwrap_or_default();
    let quick = memmem::rfind(tail, NAME).and_then(|start| {
        let rest = tail.get(start + NAME.len()..)?;
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()
    });
    quick.or_else(|| serde_json::from_slice::<At>(record).ok().map(|At { timestamp }| timestamp))
}

fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    authzen::write_string(&mut out, text);
    out
}
