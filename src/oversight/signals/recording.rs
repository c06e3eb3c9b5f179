//! Recording: which of the signals that decisions bring go on record, so that each is there once.
//!
//! What is on record is read from the log itself. So after an end at any moment, the decisions bring the same signals again, and
//! those that are on record already are left out. Only decisions after the record of the settings count: new settings say nothing of
//! what was before them.

use super::signal::Signal;
use crate::{
    record::decision_log::{Cause, SignalRecord},
    types::revision::Revision,
};
use std::collections::VecDeque;

/// What has to be on record.
#[derive(Debug)]
pub(super) struct Recording {
    settings: Revision,
    /// Whether these settings are active: their record is the last of its kind.
    is_active: bool,
    due: VecDeque<(Cause, Signal)>,
}

impl Recording {
    pub(super) const fn new(settings: Revision, is_active: bool) -> Self {
        Self { settings, is_active, due: VecDeque::new() }
    }

    /// Whether these settings are active.
    pub(super) const fn is_active(&self) -> bool {
        self.is_active
    }

    /// The signals that the decision of this record brings.
    pub(super) fn brought(&mut self, seq: u64, signals: Vec<Signal>) {
        if self.is_active {
            let numbered = (0..).zip(signals);
            self.due.extend(numbered.map(|(number, signal)| (Cause { seq, number }, signal)));
        }
    }

    /// This is on record. Returns whether these settings become active with it.
    pub(super) fn read(&mut self, record: &SignalRecord) -> bool {
        match record {
            SignalRecord::Settings { revision, .. } => {
                let was_active = self.is_active;
                self.is_active = *revision == self.settings.as_str();
                !was_active && self.is_active
            }
            SignalRecord::Signal { cause, .. } => {
                self.recorded(*cause);
                false
            }
        }
    }

    /// The signal of this cause is on record, and so are those before it.
    pub(super) fn recorded(&mut self, cause: Cause) {
        while self.due.front().is_some_and(|(due, _)| *due <= cause) {
            self.due.pop_front();
        }
    }

    /// The next one that has to be on record.
    pub(super) fn due(&self) -> Option<&(Cause, Signal)> {
        self.due.front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        oversight::signals::signal::{About, Change, Detector, Family},
        types::revision::Revision,
    };
    use proptest::prelude::*;
    use serde_json::json;
    use std::sync::Arc;

    fn revision(name: &str) -> Revision {
        Revision::of([("name", name.as_bytes())])
    }

    fn signal(account: u8, change: Change) -> Signal {
        Signal {
            id: format!("id-{account}"),
            change,
            time: 0,
            about: About::Account(format!("a{account}")),
            detector: Detector::Burst,
            family: Family::Volume,
            score: 3.0,
            threshold: 2.0,
            days: 1,
            observed: 1.0,
            of: None,
            expected: 0.0,
            surprise: 3.0,
            peers: String::new(),
            accounts: 0,
            evidence: Vec::new(),
            tried: Arc::from([]),
            circumstances: Vec::new(),
            verdict: None,
            settings: revision("a"),
        }
    }

    /// What is in a log: decisions, each with the changes that it brings, and records of signals.
    #[derive(Debug, Clone)]
    enum Entry {
        Decision(Vec<(u8, Change)>),
        Record(SignalRecord),
    }

    /// Reads a log from this place on, as the thread does, up to its present end; then what is due can go on record.
    fn read(recording: &mut Recording, log: &[Entry], from: usize) {
        for (seq, entry) in log.iter().enumerate().skip(from) {
            match entry {
                Entry::Decision(brought) => {
                    let signals = brought.iter().map(|(account, change)| signal(*account, *change)).collect();
                    recording.brought(seq as u64, signals);
                }
                Entry::Record(record) => {
                    recording.read(record);
                }
            }
        }
    }

    fn settings(name: &str) -> Entry {
        Entry::Record(SignalRecord::Settings { revision: revision(name).as_str().to_owned(), after: None })
    }

    /// The signals on record, as id, change and cause.
    fn on_record(log: &[Entry]) -> Vec<(String, Cause)> {
        let of = |entry: &Entry| match entry {
            Entry::Record(SignalRecord::Signal { cause, signal }) => Some((signal.to_string(), *cause)),
            _ => None,
        };
        log.iter().filter_map(of).collect()
    }

    /// Puts at most so many of what is due on record.
    fn write(recording: &mut Recording, log: &mut Vec<Entry>, most: usize) {
        for _ in 0..most {
            let Some((cause, signal)) = recording.due() else { return };
            let (cause, shown) = (*cause, json!([signal.id, signal.change.name()]));
            log.push(Entry::Record(SignalRecord::Signal { cause, signal: shown }));
            recording.recorded(cause);
        }
    }

    fn changes() -> impl Strategy<Value = Vec<Vec<(u8, Change)>>> {
        let change = proptest::sample::select(Change::ALL.to_vec());
        proptest::collection::vec(proptest::collection::vec((0..4_u8, change), 0..3), 1..40)
    }

    proptest! {
        /// At each decision it may end: with some of what is due on record, with or without a state that was kept.
        #[test]
        fn whenever_it_ends_each_signal_is_on_record_once(
            decisions in changes(),
            ends in proptest::collection::vec((0..4_usize, any::<bool>(), any::<bool>()), 40),
        ) {
            let expected = {
                let mut recording = Recording::new(revision("a"), false);
                let mut log = vec![settings("a")];
                log.extend(decisions.iter().cloned().map(Entry::Decision));
                read(&mut recording, &log, 0);
                write(&mut recording, &mut log, usize::MAX);
                on_record(&log).into_iter().map(|(shown, _)| shown).collect::<Vec<_>>()
            };
            let mut log = vec![settings("a")];
            let (mut kept, mut at) = (false, 0);
            let mut recording = Recording::new(revision("a"), false);
            let mut next = 0;
            for (changes, (most, is_killed, is_kept)) in decisions.iter().zip(ends) {
                log.push(Entry::Decision(changes.clone()));
                read(&mut recording, &log, next);
                next = log.len();
                write(&mut recording, &mut log, most);
                if is_kept && recording.due().is_none() {
                    (kept, at) = (recording.is_active(), next);
                }
                if is_killed {
                    recording = Recording::new(revision("a"), kept);
                    next = at;
                }
            }
            read(&mut recording, &log, next);
            write(&mut recording, &mut log, usize::MAX);
            let recorded = on_record(&log);
            prop_assert!(recorded.is_sorted_by(|(_, one), (_, other)| one < other));
            prop_assert_eq!(recorded.into_iter().map(|(shown, _)| shown).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn what_was_before_the_settings_is_not_told() {
        let decision = || Entry::Decision(vec![(1, Change::Opened), (2, Change::Raised)]);
        let mut log = vec![
            decision(),
            settings("a"),
            decision(),
            settings("b"),
            decision(),
            settings("a"),
            settings("a"),
            decision(),
        ];
        let mut recording = Recording::new(revision("a"), false);
        read(&mut recording, &log, 0);
        write(&mut recording, &mut log, usize::MAX);
        let causes: Vec<_> = on_record(&log).into_iter().map(|(_, Cause { seq, number })| (seq, number)).collect();
        assert_eq!(causes, [(2, 0), (2, 1), (7, 0), (7, 1)]);
        // The next settings begin with nothing that is open.
        let mut recording = Recording::new(revision("a"), false);
        let become_active = log.iter().filter_map(|entry| match entry {
            Entry::Record(record) => Some(recording.read(record)),
            Entry::Decision(_) => None,
        });
        assert_eq!(become_active.take(4).collect::<Vec<_>>(), [true, false, true, false]);
    }
}
