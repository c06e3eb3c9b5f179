//! The decision log: one record of every call that was decided, on disk before its answer leaves.
//!
//! A record is Authorization Decision Log 1.0.0 JSON at level of detail 4: request, response, and the revisions of
//! policies, directory and configuration that the decision was made with. It is written once, in canonical form, and
//! those bytes are what the spool keeps and what is shipped.
//!
//! What holds here:
//! - **No answer without a record.** [`DecisionLog::append`] returns `Ok` only after `fdatasync` returned for the
//!   record. Configuration can say otherwise ([`Failure::Open`]); then the gap itself is recorded.
//! - One call is one record: a batch has one, a cached answer has its own, a late call has one that says so.
//! - A deny is `Unset`, like an allow. `Error` means that no decision could be made.
//! - With the public key, `verify` finds records that were changed, removed, inserted or cut off.
//!
//! - `record`: the record of a decision and its bytes
//! - `recorded_call`: what it says of the call
//! - `redact`: what a record carries of a call: what is left out of it, and what is replaced
//! - `config`: its configuration
//! - `newest`: its newest checkpoint, by its folder
//! - `caller`: where a call came from
//! - `pseudonyms`: replace values that must not be in a record
//! - `producer`: what all records of a process have in common
//! - `log_event`: records of poort's own
//! - `checkpoint`: the record of a signed checkpoint
//! - `cosigned`: the record of what witnesses cosigned
//! - `hold`: why nothing is answered although records can be written
//! - `damage`: the record of a damaged segment
//! - `clock`: the log's own clock, for the age of records
//! - `keys`: the record of keys that were changed on purpose
//! - `past`: what earlier processes left, and whether this one may continue it
//! - `gap`: the record of answers without a record
//! - `bundle`: the records of bundles that were activated or refused
//! - `signal`: the records of signals of atypical use
//! - `kind`: which of these a record is
//! - `retention`: the record that says what was deleted
//! - `restored`: the record that says that the folder was put back from a backup
//! - `verify`: proves that a log was not changed
//! - `signer`: keeps the tree over the records, and signs
//! - `index`: tells which packed segments hold nothing that is wanted
//! - `nodes`, `node_keeper`: nodes of that tree on disk, and proofs made with them
//! - `stored_record`, `selection`, `scan`: records read back, filtered, segment by segment
//! - `data_subject_filter`: finds the records about a data subject

mod bundle;
mod caller;
pub mod checkpoint;
mod clock;
mod config;
mod cosigned;
mod damage;
mod data_subject_filter;
pub mod export;
mod gap;
mod hold;
mod index;
mod keys;
mod kind;
mod log_event;
mod newest;
mod node_keeper;
mod nodes;
mod past;
mod producer;
mod pseudonyms;
mod record;
mod recorded_call;
mod redact;
mod restored;
mod retention;
mod scan;
mod selection;
mod signal;
mod signer;
mod stored_record;
pub mod verify;

pub use bundle::{BUNDLE_ACTIVATED, BUNDLE_ACTIVE, BUNDLE_REFUSED, Recorded, TRUST_ACTIVATED, recorded_bundle};
pub use caller::{Caller, Identity};
pub use config::{Config, Failure};
pub use cosigned::COSIGNED;
pub use damage::DAMAGE;
pub use data_subject_filter::DataSubjectFilter;
pub use gap::GAP;
pub use keys::{KEY, KeyChange};
pub use kind::RecordKind;
pub use newest::{last_recorded, last_signer, last_synced, newest_checkpoint, origin, origins};
pub use nodes::{NoProof, Prover, node_file};
pub use producer::Producer;
pub use pseudonyms::{Pseudonyms, PseudonymsError};
pub use record::{Record, TooLarge};
pub use recorded_call::{RecordedRequest, RecordedResponse, Unanswered};
pub use redact::is_secret;
pub use restored::{RESTORED, Restored};
pub use retention::RETENTION;
pub use scan::{Scan, Segments};
pub use selection::{Selection, Wanted, seq, timestamp};
pub use signal::{Cause, SIGNAL, SIGNAL_SETTINGS, SignalRecord};
pub use stored_record::{EntityName, OneDecision, Poort, StoredRecord, Unreadable};

use crate::{
    record::{
        evidence::KeyError,
        spool::{self, AppendError, Entry, Payload, Recovery, Spool, State, reader::Reader},
    },
    sources::policy::Model,
};
use clock::LogClock;
use gap::OpenGap;
use hold::Hold;
use opentelemetry::metrics::Meter;
use signer::CheckpointSigner;
use std::{path::PathBuf, sync::Arc, time::Instant};
use thiserror::Error;
use tokio::sync::watch;

/// The decision log, open for writing.
#[derive(Debug, Clone)]
pub struct DecisionLog {
    spool: Spool,
    producer: Arc<Producer>,
    failure: Failure,
    gap: Arc<OpenGap>,
    pseudonyms: Pseudonyms,
    clock: Arc<LogClock>,
    hold: Arc<Hold>,
}

/// What a record would say of these answers to a question in which nothing is concealed. Messages that could quote
/// values are concealed in it all the same, where the schema marks anything.
#[must_use]
pub fn on_record<'a>(
    asked: &'a RecordedRequest<'_>,
    decided: &'a RecordedResponse<'_>,
    model: &Model,
) -> RecordedResponse<'a> {
    // No key is needed: nothing in such a question gets a pseudonym.
    let pseudonyms = Pseudonyms::from_keys(("none", [0; 32]), &[]);
    redact::conceal(asked, decided, model, &pseudonyms).decided
}

/// The log cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The spool cannot start.
    #[error(transparent)]
    Spool(#[from] spool::OpenError),
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The keys of pseudonyms cannot be used.
    #[error(transparent)]
    Pseudonyms(#[from] PseudonymsError),
    /// The key that signed the records is gone.
    #[error(
        "the key of the log, `{}`, is not there, and records that it signed are. Put it back from a copy; if it is gone for good, \
         `poort log key --new` makes another and puts that on record",
        path.display()
    )]
    KeyGone {
        /// Where it should be.
        path: PathBuf,
    },
    /// The keys of pseudonyms that records name are gone.
    #[error(
        "the keys of pseudonyms, `{}`, are not there, and records are. Put the file back from a copy; if it is gone for good, \
         `poort log key --pseudonyms` makes another and puts that on record",
        path.display()
    )]
    PseudonymsGone {
        /// Where they should be.
        path: PathBuf,
    },
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is on disk.
    Durable,
    /// Its deadline passed before it was taken into a commit: on disk is a record that says so, without an answer.
    Late,
    /// It is not on disk and never will be; configuration allows that ([`Failure::Open`]).
    Unrecorded,
}

impl DecisionLog {
    /// Opens the log: takes its lock, reads what is there, starts the writer. Blocks on files.
    ///
    /// # Errors
    /// Another process has the log, it is damaged, or its key cannot be used: a person has to look. A full disk is no
    /// error; the log opens and waits for room.
    pub fn open(
        config: &Config,
        instance: &str,
        producer: Producer,
        meter: &Meter,
    ) -> Result<(Self, Recovery), OpenError> {
        Self::open_changed(config, instance, producer, meter, KeyChange::default())
    }

    /// The same, where keys were changed on purpose: [`DecisionLog::record_keys`] says so next.
    ///
    /// # Errors
    /// As [`DecisionLog::open`].
    pub fn open_changed(
        config: &Config,
        instance: &str,
        producer: Producer,
        meter: &Meter,
        change: KeyChange,
    ) -> Result<(Self, Recovery), OpenError> {
        let settings = spool::Config {
            dir: config.records(),
            segment_bytes: config.segment,
            max_bytes: config.max,
            queue: config.queue,
            compress: config.compress,
            indexing: Some(index::indexing()),
        };
        let pseudonyms = config.read_pseudonyms(change.pseudonyms).map_err(|error| match error {
            PseudonymsError::File(error) if error.is_missing() && !config.is_new() => {
                OpenError::PseudonymsGone { path: config.pseudonyms_path() }
            }
            error => error.into(),
        })?;
        let key = config.read_key(change.signing).map_err(|error| match error {
            KeyError::File(error) if error.is_missing() && !config.is_new() => {
                OpenError::KeyGone { path: config.key_path() }
            }
            error => error.into(),
        })?;
        let (signer, origin) = CheckpointSigner::new(key, instance, config.checkpoint, producer.clone());
        let complete = node_keeper::start(config.records()).inspect_err(
            |error| tracing::warn!(%error, "No thread can be had for the nodes of the log's tree; proofs take longer."),
        );
        let signer = signer.with_keys(pseudonyms.signs(), change).telling(complete.ok());
        let clock = signer.clock();
        let (spool, recovery) = Spool::open(&settings, Some(Box::new(signer)), meter)?;
        let producer = producer.in_log(origin.get().map(String::as_str).unwrap_or_default());
        let producer = Arc::new(producer);
        meter
            .u64_gauge("poort.log.failure_open")
            .with_description("1 if answers leave without a record while none can be written: log.failure = \"open\".")
            .build()
            .record(u64::from(config.failure == Failure::Open), &[]);
        let hold = Arc::<Hold>::default();
        let held = hold.clone();
        meter
            .u64_observable_gauge("poort.log.held")
            .with_description("1 while nothing is answered although records can be written; /readyz says why.")
            .with_callback(move |gauge| gauge.observe(u64::from(held.is_held()), &[]))
            .build();
        let log = Self { spool, producer, failure: config.failure, gap: Arc::default(), pseudonyms, clock, hold };
        Ok((log, recovery))
    }

    /// Writes a record and waits until it is on disk. With a deadline: if it passes before the record is taken into a
    /// commit, the record says that instead of the answer.
    ///
    /// # Errors
    /// The record is not on disk, so there must be no answer.
    pub async fn append(&self, record: Record<'_>, deadline: Option<Instant>) -> Result<Appended, AppendError> {
        // A gap is recorded before anything that follows it.
        self.end_gap();
        match self.write(record, deadline).await {
            Err(error) if self.bears(error) => {
                self.gap_grows(error);
                Ok(Appended::Unrecorded)
            }
            written => written,
        }
    }

    async fn write(&self, record: Record<'_>, deadline: Option<Instant>) -> Result<Appended, AppendError> {
        let payload = record.to_payload(&self.producer, &self.pseudonyms).map_err(|TooLarge| AppendError::TooLarge)?;
        let entry = Entry { deadline, ..Entry::new(payload) };
        let commit = self.spool.append(entry).await?;
        Ok(if commit.late { Appended::Late } else { Appended::Durable })
    }

    /// Whether an answer may leave although its record failed so. A closed log and a record that is too large are no
    /// failures of the disk.
    fn bears(&self, error: AppendError) -> bool {
        self.failure == Failure::Open
            && matches!(error, AppendError::QueueFull | AppendError::DiskFull | AppendError::Failed)
    }

    fn gap_grows(&self, cause: AppendError) {
        if let Some(began) = self.gap.grow(cause) {
            tracing::error!(%cause, "Answers leave without a record, as log.failure = \"open\" says, until one can be written.");
            // In the reserve, if there is no other room. If the process ends, the log says at least that much.
            let _ = self.submit_own(began.record(&self.producer, true));
        }
    }

    /// Records the gap, if there was one and it is over.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn end_gap(&self) {
        if !self.gap.is_open() || !self.spool.is_writable() {
            return;
        }
        let Some(gap) = self.gap.take() else { return };
        let entry = Entry { is_urgent: true, ..Entry::new(gap.record(&self.producer, false)) };
        let Ok(ticket) = self.spool.submit(entry) else {
            self.gap.put_back(gap);
            return;
        };
        let open = self.gap.clone();
        tokio::spawn(async move {
            match ticket.committed().await {
                Ok(_) => {
                    tracing::warn!(missing = gap.count, "Answers have a record again; how many have none is recorded.");
                }
                Err(_) => open.put_back(gap),
            }
        });
    }

    /// Submits a record of poort's own, and does not wait: it is written before what is submitted later.
    fn submit_own(&self, payload: Payload) -> Result<(), AppendError> {
        let _ticket = self.spool.submit(Entry { is_urgent: true, ..Entry::new(payload) })?;
        Ok(())
    }

    /// The same for a thread that may block: waits until it is on disk, and returns its seq.
    fn write_own(&self, payload: Payload) -> Result<u64, AppendError> {
        Ok(self.spool.submit(Entry { is_urgent: true, ..Entry::new(payload) })?.wait()?.seq)
    }

    /// Puts on record that keys were changed on purpose: the key that signed before, where it is known, and the one
    /// that signs from now on. Blocks until it is on disk.
    ///
    /// # Errors
    /// It is not on disk.
    pub fn record_keys(&self, before: Option<&str>, public: &str) -> Result<u64, AppendError> {
        self.write_own(keys::record(before, public, &self.pseudonyms.key_ids(), &self.producer))
    }

    /// Puts on record that witnesses cosigned a checkpoint. It uses no reserve: the next ones can be recorded as well.
    ///
    /// # Errors
    /// It is not on disk.
    pub async fn record_cosigned(&self, note: &str, witnesses: &[String], is_quorum: bool) -> Result<(), AppendError> {
        let entry = Entry::new(cosigned::record(note, witnesses, is_quorum, &self.producer));
        self.spool.submit(entry)?.committed().await.map(|_| ())
    }

    /// Answers nothing from now on, for this reason.
    pub fn hold(&self, why: &str) {
        self.hold.set(Some(why.to_owned()));
    }

    /// Lifts the hold. Returns whether there was one.
    #[must_use]
    pub fn release(&self) -> bool {
        self.hold.is_held() && self.hold.set(None)
    }

    /// Whether nothing is answered although records can be written.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.hold.is_held()
    }

    /// Follows why nothing is answered although records can be written.
    #[must_use]
    pub fn held(&self) -> watch::Receiver<Option<String>> {
        self.hold.watch()
    }

    /// When the oldest record that is kept was made, in milliseconds since 1970. Blocks on files.
    #[must_use]
    pub fn began(&self) -> Option<u64> {
        let first = Reader::open(self.spool.dir()).ok()?.next()?.ok()?;
        timestamp(&first.payload).and_then(|at| u64::try_from(at).ok())
    }

    /// All records below this are covered by a checkpoint that is on disk.
    #[must_use]
    pub fn attested(&self) -> u64 {
        self.spool.attested()
    }

    /// Puts on record that the folder was put back from a backup, where the log was opened for that. Blocks until it
    /// is on disk.
    ///
    /// # Errors
    /// It is not on disk.
    pub fn record_restored(&self) -> Result<(), AppendError> {
        let last = last_recorded(self.spool.dir()).map_err(|_| AppendError::Failed)?;
        match last.and_then(|last| last.restored) {
            Some(restored) => self.write_own(restored.record(&self.producer)).map(|_| ()),
            None => Err(AppendError::Failed),
        }
    }

    /// Whether the log lets questions be answered: nothing holds it, and records are taken, or answers may leave
    /// without.
    #[must_use]
    pub fn allows_answers(&self) -> bool {
        !self.hold.is_held() && (self.failure == Failure::Open || self.spool.is_writable())
    }

    /// The same in this state.
    #[must_use]
    pub fn allows_answers_in(&self, state: &State) -> bool {
        match state {
            _ if self.hold.is_held() => false,
            State::Writable => true,
            State::Full | State::Failed(_) => self.failure == Failure::Open,
            State::Closed => false,
        }
    }

    /// Whether records are taken.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.spool.is_writable()
    }

    /// All records with a lower number are on disk.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.spool.durable()
    }

    /// Follows whether records are taken.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<State> {
        self.spool.watch()
    }

    /// The name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.producer.origin()
    }

    /// The spool below, for consumers of records.
    #[must_use]
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// Writes what waits, syncs and closes. Blocks on files.
    pub fn close(&self) {
        if let Some(gap) = self.gap.take()
            && self.submit_own(gap.record(&self.producer, false)).is_err()
        {
            tracing::error!(missing = gap.count, "Answers left without a record, and the log cannot say so.");
        }
        self.spool.close();
    }
}
