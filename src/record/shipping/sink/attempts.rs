//! The attempts to send: which records may have been sent before, so that a receiver can have them already.

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
    use super::*;

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
