//! The writer: gathers a commit, writes it, answers every caller.

use super::{
    attestor::{Attestation, Attestor, Occasion},
    config::{Config, Pace},
    double_slot::DoubleSlot,
    entry::{AppendError, Commit, Entry},
    frame::{self, HEADER, MAX_PAYLOAD},
    inspect::disk_left,
    journal::{Fault, FaultKind, Journal},
    payload::Payload,
    recovery::{OpenError, head_path},
    state::{FailOnPanic, Shared, State},
    ticket::{Queued, Waiter},
};
use std::{path::Path, sync::Arc, time::Instant};

/// The most that one commit holds. A disk takes a few milliseconds for it, and every caller in it waits that long.
const COMMIT_BYTES: usize = 8 << 20;

/// The room for an attestation at the start of a segment.
const OPENING_BYTES: u64 = 8 << 10;

/// The writer. One thread has it at a time (`inline_commit`).
pub(super) struct Writer {
    journal: Journal,
    attestor: Option<Box<dyn Attestor>>,
    shared: Arc<Shared>,
    pace: Pace,
    max_bytes: u64,
    commit_bytes: usize,
    /// The commit that is being gathered.
    waiting: Vec<Waiting>,
    /// The most bytes that its frames can take.
    gathered: usize,
    /// Its frames.
    frames: Vec<u8>,
    /// How many commits in a row held one entry.
    in_a_row: u32,
    is_low: bool,
    look_up_at: Instant,
    attest_at: Instant,
    /// All records below this were attested to, or are attestations.
    attested: u64,
}

/// A record of the commit that is being gathered, and its waiter.
struct Waiting {
    payload: Payload,
    waiter: Waiter,
    is_late: bool,
}

impl Writer {
    /// A writer that has written nothing yet: [`Writer::begin`] comes next.
    pub(super) fn new(
        journal: Journal,
        attestor: Option<Box<dyn Attestor>>,
        shared: Arc<Shared>,
        pace: Pace,
        config: &Config,
    ) -> Self {
        let now = Instant::now();
        let attested = journal.next_seq();
        Self {
            journal,
            attestor,
            shared,
            pace,
            max_bytes: config.max_bytes,
            commit_bytes: COMMIT_BYTES.min(usize::try_from(config.segment_bytes).unwrap_or(COMMIT_BYTES)),
            waiting: Vec::new(),
            gathered: 0,
            frames: Vec::new(),
            in_a_row: 0,
            is_low: false,
            look_up_at: now,
            attest_at: now,
            attested,
        }
    }

    /// Makes the first segment, and enters the state that follows from that.
    pub(super) fn begin(&mut self, dir: &Path) -> Result<(), OpenError> {
        match self.ready(0) {
            Ok(()) => {
                self.journal.keep_reserve();
                self.shared.enter(State::Writable);
            }
            Err(fault) if fault.kind == FaultKind::Full => {
                tracing::warn!(dir = %dir.display(), %fault, "The spool opens without room and takes no entries until there is.");
                // One that is left from an earlier process serves now.
                self.journal.keep_reserve();
                self.fail(&fault);
            }
            Err(Fault { what, path, source, .. }) => {
                let source = source.unwrap_or_else(|| std::io::Error::other("the folder is not usable"));
                return Err(OpenError::Io { what, path, source });
            }
        }
        self.measure();
        self.look_up_at = self.next_look();
        Ok(())
    }

    /// When the thread has to wake: at the latest for what is due; soon, if a caller may have the writer meanwhile.
    pub(super) fn look_at(&self) -> Instant {
        let due = self.attestor.as_ref().map_or(self.look_up_at, |_| self.look_up_at.min(self.attest_at));
        if self.is_alone() { due.min(Instant::now() + self.pace.glance) } else { due }
    }

    /// Does what is due.
    pub(super) fn keep_time(&mut self) {
        let now = Instant::now();
        if now >= self.look_up_at {
            self.look_up();
        }
        if self.attestor.is_some() && now >= self.attest_at {
            self.attest_in_time();
        }
    }

    /// Whether entries come one at a time.
    const fn is_alone(&self) -> bool {
        self.in_a_row >= self.pace.alone
    }

    /// Whether an entry can be written by its caller: it comes alone, and nothing takes longer than the write itself.
    pub(super) fn takes_alone(&self, entry: &Entry) -> bool {
        self.is_alone()
            && self.shared.refusal().is_none()
            && !self.journal.is_at_start()
            && self.journal.has_room_for(most_bytes(entry))
    }

    /// Writes one entry, for its caller.
    pub(super) fn write_alone(&mut self, entry: Entry) -> Result<Commit, AppendError> {
        let _guard = FailOnPanic(self.shared.clone());
        let (waiter, ticket) = Waiter::new(self.shared.clone());
        self.take(Queued { entry, waiter });
        self.commit();
        ticket.answered()
    }

    /// An entry that can be taken now. One that cannot is answered; one that may use the reserve is written there.
    pub(super) fn unless_gated(&mut self, queued: Queued) -> Option<Queued> {
        let Some(error) = self.shared.gate() else { return Some(queued) };
        let Queued { entry, waiter } = queued;
        if error == AppendError::DiskFull && entry.is_urgent && self.journal.has_room_for(most_bytes(&entry)) {
            self.take(Queued { entry, waiter });
            self.commit();
        } else {
            // It came in while the state changed, or the reserve is used up.
            waiter.answer(Err(error));
        }
        None
    }

    /// Whether the commit that is being gathered has a place for it. The first one always has.
    pub(super) fn has_place_for(&self, entry: &Entry) -> bool {
        let bytes = (self.gathered as u64).saturating_add(most_bytes(entry));
        self.waiting.is_empty() || bytes <= self.commit_bytes as u64
    }

    /// Takes an entry into the commit. This is the moment that decides whether it is late: what is chosen here is what
    /// the record says and what the caller gets.
    pub(super) fn take(&mut self, queued: Queued) {
        let Queued { entry: Entry { payload, deadline, is_urgent: _ }, waiter } = queued;
        let is_late = payload.knows_late() && deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let payload = if is_late { payload.into_late() } else { payload };
        if payload.max_len() > MAX_PAYLOAD {
            waiter.answer(Err(AppendError::TooLarge));
            return;
        }
        self.gathered = self.gathered.saturating_add(HEADER).saturating_add(payload.max_len());
        self.waiting.push(Waiting { payload, waiter, is_late });
    }

    /// Writes what was gathered, and answers only then.
    pub(super) fn commit(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let started = Instant::now();
        // Without other room, an entry that may use the reserve goes there: the journal is in it already.
        let ready = if self.is_writable() { self.ready(self.gathered as u64) } else { Ok(()) };
        let base = self.journal.next_seq();
        let written = ready.and_then(|()| {
            for (seq, Waiting { payload, .. }) in (base..).zip(&self.waiting) {
                frame::encode(&mut self.frames, seq, base, payload);
            }
            self.journal.append(&mut self.frames, self.waiting.len() as u64)
        });
        match written {
            Ok(()) => {
                self.written(started, self.waiting.len() as u64, self.frames.len());
                let is_alone = self.waiting.len() == 1 && started.elapsed() < self.pace.slow;
                self.in_a_row = if is_alone { self.in_a_row.saturating_add(1) } else { 0 };
                let on_disk = (base..).zip(self.waiting.drain(..));
                for (seq, Waiting { waiter, is_late, .. }) in on_disk {
                    waiter.answer(Ok(Commit { seq, late: is_late }));
                }
                if let Some(attestor) = &mut self.attestor {
                    frame::payloads(&self.frames).for_each(|payload| attestor.record(payload));
                }
            }
            Err(fault) => {
                self.in_a_row = 0;
                // The state first: a caller that gets the failure cannot submit after it any more.
                self.fail(&fault);
                let error = fault.state().refusal().unwrap_or(AppendError::Failed);
                for Waiting { waiter, .. } in self.waiting.drain(..) {
                    waiter.answer(Err(error));
                }
            }
        }
        self.gathered = 0;
        self.frames.clear();
        // The memory of one huge payload is not kept.
        self.frames.shrink_to(COMMIT_BYTES);
    }

    /// Makes room for so many bytes, in a segment that begins with an attestation.
    fn ready(&mut self, len: u64) -> Result<(), Fault> {
        let opening = if self.attestor.is_some() { OPENING_BYTES } else { 0 };
        if len == 0 || !self.journal.has_room_for(len) {
            self.journal.make_room(len.saturating_add(opening))?;
        }
        if self.journal.is_at_start() { self.attest(Occasion::Segment) } else { Ok(()) }
    }

    /// Writes an attestation, in a commit of its own. Without an attestor it does nothing.
    fn attest(&mut self, occasion: Occasion) -> Result<(), Fault> {
        let Some(attestor) = &mut self.attestor else { return Ok(()) };
        let started = Instant::now();
        let Attestation { record, head } = attestor.attest(occasion);
        let seq = self.journal.next_seq();
        let mut frames = Vec::new();
        frame::encode(&mut frames, seq, seq, &record);
        self.journal.append(&mut frames, 1)?;
        frame::payloads(&frames).for_each(|payload| attestor.record(payload));
        let cadence = attestor.cadence();
        self.written(started, 1, frames.len());
        self.attested = self.journal.next_seq();
        self.shared.attest(seq);
        self.shared.metrics.attested();
        self.attest_at = started.checked_add(cadence).unwrap_or(started);
        // It is written after the record, so it never speaks of more than is there.
        let path = head_path(self.journal.path());
        let kept = DoubleSlot::open(self.journal.files(), &path).and_then(|(mut slots, _)| slots.write(&head));
        if let Err(error) = kept {
            tracing::error!(path = %path.display(), %error, "The head of the log cannot be kept.");
        }
        Ok(())
    }

    /// An attestation at its time. Where there is only the reserve, it is made only if there is something new to attest to.
    fn attest_in_time(&mut self) {
        let is_new = self.journal.next_seq() > self.attested;
        let attested = match self.shared.gate() {
            None => self.ready(0).and_then(|()| self.attest(Occasion::Cadence)),
            Some(AppendError::DiskFull) if is_new && self.journal.has_room_for(OPENING_BYTES) => {
                self.attest(Occasion::Full)
            }
            Some(_) => Ok(()),
        };
        if let Err(fault) = attested {
            self.fail(&fault);
        }
        let (now, cadence) = (Instant::now(), self.attestor.as_ref().map(|attestor| attestor.cadence()));
        self.attest_at = cadence.and_then(|cadence| now.checked_add(cadence)).unwrap_or(now);
    }

    /// Counts what was written, and moves the durable mark.
    fn written(&self, started: Instant, records: u64, bytes: usize) {
        self.shared.metrics.committed(started.elapsed(), records, bytes as u64);
        self.shared.advance(self.journal.next_seq());
    }

    fn fail(&mut self, fault: &Fault) {
        let state = fault.state();
        // The probe runs four times a second; it says only what is new.
        if state != self.shared.state() {
            match fault.kind {
                FaultKind::Full => {
                    tracing::warn!(%fault, "The spool is full and takes no entries until there is room.");
                }
                FaultKind::Failed => tracing::error!(%fault, "The spool failed and takes no entries."),
            }
            self.shared.enter(state);
        }
        if fault.kind == FaultKind::Full {
            self.fall_back();
        }
        self.look_up_at = self.next_look();
    }

    /// Goes on in the reserve, and attests there to all that was recorded.
    fn fall_back(&mut self) {
        let attested =
            self.journal.fall_back().and_then(|fell| if fell { self.attest(Occasion::Full) } else { Ok(()) });
        if let Err(fault) = attested {
            tracing::error!(%fault, "The reserve of the log cannot be used.");
        }
    }

    /// Checks once a second that the files are still there; after a failure, more often, whether it is over.
    fn look_up(&mut self) {
        let looked = if self.is_writable() { self.journal.check() } else { self.come_back() };
        match looked {
            Ok(()) => {
                self.journal.keep_reserve();
                if !self.is_writable() {
                    let next_seq = self.journal.next_seq();
                    tracing::warn!(next_seq, "The spool takes entries again.");
                    self.shared.enter(State::Writable);
                }
            }
            Err(fault) => self.fail(&fault),
        }
        self.measure();
        self.look_up_at = self.next_look();
    }

    /// Recovers from a failure: makes a segment, and its attestation.
    fn come_back(&mut self) -> Result<(), Fault> {
        let opening = if self.attestor.is_some() { OPENING_BYTES } else { 0 };
        self.journal.make_ready(opening)?;
        if self.journal.is_at_start() { self.attest(Occasion::Segment) } else { Ok(()) }
    }

    fn is_writable(&self) -> bool {
        self.shared.gate().is_none()
    }

    fn next_look(&self) -> Instant {
        let wait = if self.is_writable() { self.pace.check } else { self.pace.probe };
        let now = Instant::now();
        now.checked_add(wait).unwrap_or(now)
    }

    fn measure(&mut self) {
        // If the folder cannot be read, the check says so.
        let Ok(bytes) = self.journal.disk_bytes() else {
            return;
        };
        let left = self.max_bytes.saturating_sub(bytes);
        self.shared.metrics.room(bytes, left, disk_left(self.journal.path()).ok());
        let is_low = left < self.max_bytes / 5;
        if is_low && !self.is_low {
            tracing::warn!(bytes, max_bytes = self.max_bytes, "Little room is left for the spool.");
        }
        self.is_low = is_low;
    }

    pub(super) fn finish(mut self) {
        let has_room = self.journal.has_room_for(OPENING_BYTES);
        if self.is_writable() || has_room {
            let ready = if has_room { Ok(()) } else { self.ready(0) };
            if let Err(fault) = ready.and_then(|()| self.attest(Occasion::Shutdown)) {
                tracing::error!(%fault, "The last records of the log could not be attested to.");
            }
        }
        let next_seq = self.journal.next_seq();
        match self.journal.seal() {
            Ok(()) => tracing::info!(next_seq, "Closed the spool."),
            // All that was acknowledged is on disk. The next start cuts the rest.
            Err(fault) => tracing::error!(next_seq, %fault, "Closed the spool, but not its last segment."),
        }
        let shared = self.shared.clone();
        // The lock is free before the state says so: a caller that sees `Closed` can open the folder.
        drop(self);
        shared.enter(State::Closed);
    }
}

/// The most bytes that an entry takes in a segment.
fn most_bytes(entry: &Entry) -> u64 {
    (HEADER as u64).saturating_add(entry.payload.max_len() as u64)
}
