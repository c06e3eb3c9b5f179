//! The attempts to send: which records may have been sent before, so that a receiver can have them already.

use super::super::outgoing::Outgoing;

/// The number above all of this batch. Those from the quarantine do not count: they may be of an earlier log, with its
/// numbers. 0 without others.
pub(super) fn end_of(batch: &[Outgoing]) -> u64 {
    let of_the_log = batch.iter().filter(|parcel| !parcel.is_from_quarantine);
    of_the_log.map(|parcel| parcel.seq.saturating_add(1)).max().unwrap_or(0)
}

/// What was attempted.
#[derive(Debug)]
pub(super) struct Attempts {
    /// All records below this may have been sent before.
    tried: u64,
    /// Whether a receiver had a record that was sent for the first time. Until it takes a whole batch, each attempt
    /// counts as the first: what another process sent is not taken for what an earlier attempt left.
    is_alarmed: bool,
}

impl Attempts {
    /// Records below `found` may have been sent by an earlier process.
    pub(super) const fn after(found: u64) -> Self {
        Self { tried: found, is_alarmed: false }
    }

    /// Begins an attempt with the records below `end`. It counts from now on: the wait for its answers may be cut off.
    /// Records below what is returned may have been sent before it.
    pub(super) fn begin(&mut self, end: u64) -> u64 {
        let before = self.tried;
        if !self.is_alarmed {
            self.tried = before.max(end);
        }
        before
    }

    /// The receiver had this record, which was sent for the first time.
    pub(super) const fn alarm(&mut self, seq: u64) {
        (self.tried, self.is_alarmed) = (seq, true);
    }

    /// All records below `end` were taken.
    pub(super) fn taken(&mut self, end: u64) {
        (self.tried, self.is_alarmed) = (self.tried.max(end), false);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::config::{Format, Records},
        *,
    };
    use crate::record::spool::reader::Frame;

    #[test]
    fn numbers_of_an_earlier_log_are_no_attempt() {
        let parcel = |seq, is_from_quarantine| {
            let frame = Frame { seq, base: seq, payload: b"{}".to_vec() };
            Outgoing { is_from_quarantine, ..Outgoing::pack(frame, Format::Adl, Records::All) }
        };
        assert_eq!(end_of(&[parcel(9, false), parcel(3, false)]), 10);
        assert_eq!(end_of(&[parcel(90, true), parcel(3, false)]), 4);
        assert_eq!(end_of(&[parcel(90, true)]), 0);
    }

    #[test]
    fn an_attempt_counts_also_when_its_answers_are_lost() {
        let mut attempts = Attempts::after(10);
        assert_eq!(attempts.begin(15), 10, "those below were in the log at the start");
        assert_eq!(attempts.begin(15), 15, "the first attempt had no answer");
        assert_eq!(attempts.begin(12), 15, "half of it is no new attempt");
    }

    #[test]
    fn an_alarm_lasts_until_a_whole_batch_is_taken() {
        let mut attempts = Attempts::after(0);
        attempts.begin(20);
        attempts.alarm(10);
        assert_eq!(attempts.begin(20), 10);
        // It was cut off, and is no excuse for the next one.
        assert_eq!(attempts.begin(20), 10);
        attempts.taken(20);
        assert_eq!(attempts.begin(30), 20);
        assert_eq!(attempts.begin(30), 30);
    }
}
