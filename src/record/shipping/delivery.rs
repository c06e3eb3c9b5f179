//! The delivery to one sink: read, send, wait for the answer, move the cursor.
//!
//! It runs on a thread of its own, so files may block it; the network and the clock are the runtime's.

use super::{
    again::{Pass, Requests},
    backoff::Backoff,
    config,
    metrics::{DUPLICATE, Meters, REFUSED},
    outgoing::{Label, Outgoing},
    quarantine::Quarantine,
    reply::{Reason, Reply, SendOutcome, Trouble},
    sink::Sink,
    source::{Next, Records},
    waiting::Notice,
    window::Window,
};
use crate::record::spool::Cursor;
use futures_util::FutureExt as _;
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

/// The most bytes in one send: receivers take 4 MiB, and what we count is an estimate.
const BATCH_BYTES: usize = 2 << 20;
/// How soon a record is noticed. A delivery polls: the log's writer does not notify its readers.
const LOOK: Duration = Duration::from_millis(25);
/// How often the cursor is synced while it moves.
const SYNC: Duration = Duration::from_secs(1);
/// How often in a row a doubtful answer must be the same before it is believed.
const EQUAL_ANSWERS: u32 = 3;

/// What one delivery works with.
#[derive(Debug)]
pub(super) struct Delivery<S> {
    pub(super) settings: config::Sink,
    pub(super) records: Records,
    pub(super) cursor: Cursor,
    pub(super) quarantine: Quarantine,
    pub(super) sink: S,
    pub(super) meters: Arc<Meters>,
    pub(super) notice: Notice,
    pub(super) requests: Requests,
    /// When it is cancelled, what is on disk is still sent, and then the delivery ends.
    pub(super) stopping: CancellationToken,
    pub(super) state: Pace,
}

/// How the delivery goes.
#[derive(Debug)]
pub(super) struct Pace {
    window: Window,
    pub(super) backoff: Backoff,
    /// The last doubtful answer, and how often in a row it came.
    doubt: Option<(Reply, u32)>,
    /// Whether a fault was logged, so that it is logged once and not at every attempt.
    pub(super) is_told: bool,
    synced: Option<Instant>,
    /// What is being sent again.
    pub(super) pass: Option<Pass>,
    /// When a request for that was last looked for.
    pub(super) looked: Option<Instant>,
    /// Whether it was logged that a request cannot be read.
    pub(super) is_unreadable: bool,
    /// Told where a send failed although the delivery is to stop: then the rest can be left to the next process.
    pub(super) is_stuck: Arc<Notify>,
}

impl Pace {
    pub(super) fn new(batch: usize) -> Self {
        Self {
            window: Window::new(batch),
            backoff: Backoff::new(),
            doubt: None,
            is_told: false,
            synced: None,
            pass: None,
            looked: None,
            is_unreadable: false,
            is_stuck: Arc::default(),
        }
    }
}

impl<S: Sink> Delivery<S> {
    /// Delivers until it is to stop and all that can be read was taken. It may be dropped at any await: then what is
    /// under way is sent again by the next process.
    pub(super) async fn run(&mut self) {
        loop {
            if self.state.window.is_empty() {
                self.turn_to_requests();
            }
            if self.state.window.is_empty() && !self.fill().await {
                self.sync_cursor();
                if self.stopping.is_cancelled() {
                    return;
                }
                tokio::select! {
                    () = self.stopping.cancelled() => {}
                    () = sleep(LOOK) => {}
                }
                continue;
            }
            let outcome = self.send().await;
            self.settle(outcome).await;
            self.measure_front();
            if self.state.synced.is_none_or(|synced| synced.elapsed() >= SYNC) {
                self.sync_cursor();
            }
        }
    }

    /// Makes the cursor durable, so that nothing is sent twice after a power cut.
    pub(super) fn sync_cursor(&mut self) {
        if self.cursor.position() == self.meters.synced() {
            return;
        }
        self.state.synced = Some(Instant::now());
        match self.cursor.sync() {
            Ok(position) => self.meters.set_synced(position),
            Err(error) => warn!(sink = %self.settings.name, %error, "The cursor cannot be synced."),
        }
    }

    /// Reads records, as many as one batch may have. False if there are none.
    async fn fill(&mut self) -> bool {
        let mut weight: usize = 0;
        for _ in 0..self.settings.batch {
            match self.next() {
                Ok(Next::Record(frame)) => {
                    let mut parcel = Outgoing::pack(frame, self.settings.format, self.settings.records);
                    parcel.is_from_quarantine = matches!(self.state.pass, Some(Pass::Quarantine { .. }));
                    weight = weight.saturating_add(parcel.weight());
                    self.state.window.push(parcel);
                    if weight >= BATCH_BYTES {
                        break;
                    }
                }
                Ok(Next::Gone { oldest }) if self.state.window.is_empty() => self.pass_gone(oldest),
                // What was read goes first.
                Ok(Next::Gone { .. } | Next::End) => break,
                Err(_) if !self.state.window.is_empty() => break,
                Err(why) => {
                    self.retry(Reason::Io, None, &why).await;
                    break;
                }
            }
        }
        self.measure_front();
        !self.state.window.is_empty()
    }

    /// Notes which record waits for longest. What is sent again was taken before, and does not wait: the first that the
    /// sink has not had does, until that is over.
    fn measure_front(&self) {
        let front = match self.state.pass {
            None => self.state.window.first().map(|parcel| parcel.label.timestamp),
            Some(_) => {
                let waiting = self.records.look_at(self.cursor.position());
                waiting
                    .and_then(|frame| serde_json::from_slice::<Label>(&frame.payload).ok())
                    .map(|label| label.timestamp)
            }
        };
        self.meters.front(front);
    }

    /// Passes records that were deleted before they were sent. It must never happen, so it is logged as an error and
    /// counted.
    fn pass_gone(&mut self, oldest: u64) {
        self.records.skip_to(oldest);
        let from = self.cursor.position();
        let count = oldest.saturating_sub(from);
        if count == 0 {
            // The sink had them, and they were to be sent again.
            return;
        }
        error!(
            sink = %self.settings.name, from, to = oldest.saturating_sub(1), count,
            "Records were deleted before this sink had them; they cannot be sent any more."
        );
        self.meters.lost(count);
        self.advance(oldest);
    }

    async fn send(&mut self) -> SendOutcome {
        let batch = self.state.window.batch();
        if batch.iter().all(|parcel| parcel.documents().is_empty()) {
            return SendOutcome::all(batch.len());
        }
        let answered = AssertUnwindSafe(timeout(self.settings.timeout, self.sink.send(batch))).catch_unwind().await;
        let outcome = match answered {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => {
                let why = format!("no answer within {:?}", self.settings.timeout);
                SendOutcome::none(Trouble::retry(Reason::Deadline, why))
            }
            Err(_) => SendOutcome::none(Trouble::retry(Reason::Fault, "the sink failed; this is a mistake in poort")),
        };
        if outcome.trouble.is_some() {
            self.sink.reset();
        }
        outcome
    }

    async fn settle(&mut self, outcome: SendOutcome) {
        let SendOutcome { taken, trouble } = outcome;
        let sent = self.state.window.batch_len();
        if taken > 0 {
            self.state.backoff.reset();
            self.state.doubt = None;
            self.state.window.grow();
            self.all_is_well();
        }
        self.pass(taken);
        self.meters.shipped(taken);
        let left = sent.saturating_sub(taken);
        match trouble {
            None => self.set_unsendable_aside().await,
            Some(Trouble { verdict, why }) => self.mend(verdict, &why, left).await,
        }
    }

    /// Handles a reply, with the `left` records that were sent and not taken.
    async fn mend(&mut self, verdict: Reply, why: &str, left: usize) {
        if matches!(verdict, Reply::TakenInPart | Reply::TooLarge | Reply::Refused) {
            // The receiver is there, and judges records.
            self.end_wait();
        }
        match verdict {
            Reply::TakenInPart => {
                let why = format!("some of {left} records were refused, and it is not said which: {why}");
                if self.set_aside(left, &why).await {
                    self.state.backoff.reset();
                }
            }
            Reply::Retry { reason, wait } => self.retry(reason, wait, why).await,
            Reply::Hold => {
                let meaning = "the receiver refuses poort itself, so its configuration or ours is wrong";
                self.hold(REFUSED, why, meaning).await;
            }
            Reply::Duplicate => {
                self.meters.duplicate();
                self.hold(DUPLICATE, why, "the receiver has records that poort never sent before").await;
            }
            Reply::TooLarge | Reply::Refused => self.isolate(left, why).await,
            Reply::PerhapsTooLarge if self.believes(verdict) => self.isolate(left, why).await,
            // While it is not one record alone, fewer can do no harm.
            Reply::Exhausted if left > 1 || self.believes(verdict) => self.isolate(left, why).await,
            Reply::PerhapsTooLarge | Reply::Exhausted => self.retry(Reason::Unavailable, None, why).await,
        }
    }

    /// Whether this answer came often enough.
    fn believes(&mut self, verdict: Reply) -> bool {
        let count = match self.state.doubt {
            Some((before, count)) if before == verdict => count.saturating_add(1),
            _ => 1,
        };
        self.state.doubt = Some((verdict, count));
        count >= EQUAL_ANSWERS
    }

    /// Searches for the record that is at fault: sends half as many; one that is alone is it.
    async fn isolate(&mut self, left: usize, why: &str) {
        if self.state.window.halve(left) {
            self.meters.retried("halved");
            return;
        }
        self.set_aside(left, why).await;
        self.state.doubt = None;
        // Only what is taken ends this wait: a receiver that refuses everything must not empty the log into quarantine.
        let wait = self.state.backoff.wait(None);
        self.pause(wait).await;
    }

    async fn set_unsendable_aside(&mut self) {
        while let Some(Err(why)) = self.state.window.first().map(|parcel| parcel.documents.clone()) {
            if !self.set_aside(1, &why).await {
                return;
            }
        }
    }

    /// Puts the first records in quarantine and passes them. False if they cannot be kept: then they are not passed.
    async fn set_aside(&mut self, count: usize, why: &str) -> bool {
        let parcels = self.state.window.oldest(count);
        let records = parcels.iter().map(|parcel| (parcel.seq, parcel.record.as_str()));
        if let Err(error) = self.quarantine.keep(records, why) {
            let why = format!("cannot write `{}`: {error}", self.quarantine.path().display());
            self.retry(Reason::Io, None, &why).await;
            return false;
        }
        let from = self.state.window.first().map(|parcel| parcel.seq);
        error!(
            sink = %self.settings.name, from, count, why, file = %self.quarantine.path().display(),
            "Records were refused for good, and are kept in quarantine."
        );
        self.meters.quarantined(count);
        self.pass(count);
        true
    }

    /// Moves the cursor past the first records of the window. They were taken, or are in quarantine.
    fn pass(&mut self, count: usize) {
        let passed = self.state.window.take(count);
        // The cursor knows nothing of records that left the log into quarantine.
        if let Some(last) = passed.last()
            && !matches!(self.state.pass, Some(Pass::Quarantine { .. }))
        {
            self.advance(last.seq.saturating_add(1));
        }
    }

    fn advance(&mut self, position: u64) {
        // If it is not moved, records are sent twice after a restart, and nothing worse happens.
        if let Err(error) = self.cursor.advance(position) {
            warn!(sink = %self.settings.name, %error, "The cursor cannot be written.");
        }
        self.meters.set_acknowledged(position);
    }
}
