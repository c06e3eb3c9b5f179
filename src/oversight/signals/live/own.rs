//! The own log of a sidecar: decisions and signals in one order.

use super::log::{Log, Position, Unavailable};
use crate::{
    record::{
        decision_log::{Cause, DecisionLog, SignalRecord},
        spool::{
            reader::{ReadError, Reader},
            segments,
        },
    },
    types::revision::Revision,
};
use serde_json::Value;
use tracing::error;

#[derive(Debug)]
pub(super) struct Own {
    log: DecisionLog,
    records: Option<Reader>,
    position: Position,
    /// How far the log was when it was opened. Until there, it is not known what is on record.
    known_at: u64,
}

impl Own {
    pub(super) fn new(log: DecisionLog) -> Self {
        let known_at = log.durable();
        Self { log, records: None, position: Position::default(), known_at }
    }

    /// Goes on after records that are damaged, if there are any.
    fn passes_over(&mut self, error: &ReadError) -> bool {
        let next = self.position.next;
        let later = error.damage().and_then(|_| {
            let segments = segments(self.log.spool().dir()).unwrap_or_default();
            segments.into_iter().find(|first| *first > next)
        });
        if let Some(later) = later {
            error!(%error, from = next, on = later, "Records cannot be read, so signals are not looked for in them.");
            self.position.next = later;
        }
        later.is_some()
    }
}

impl Log for Own {
    fn seek(&mut self, position: Position) -> bool {
        (self.position, self.records, self.known_at) = (position, None, self.log.durable());
        position.next <= self.known_at
    }

    fn position(&self) -> Position {
        self.position
    }

    fn end(&self) -> u64 {
        self.log.durable()
    }

    fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, Unavailable> {
        while self.position.next < self.log.durable() {
            let records = match &mut self.records {
                Some(records) => Ok(records),
                none => Reader::open_at(self.log.spool().dir(), self.position.next).map(|records| none.insert(records)),
            };
            match records.and_then(|records| records.next().transpose()) {
                Ok(Some(frame)) => {
                    self.position.next = frame.seq.saturating_add(1);
                    return Ok(Some((frame.seq, frame.payload)));
                }
                Ok(None) => break,
                Err(error) => {
                    self.records = None;
                    if !self.passes_over(&error) {
                        return Err(error.into());
                    }
                }
            }
        }
        Ok(None)
    }

    fn record(&mut self, cause: Cause, signal: Value) -> Result<bool, Unavailable> {
        if self.position.next < self.known_at {
            return Ok(false);
        }
        self.log.record_signal(&SignalRecord::Signal { cause, signal }, None)?;
        Ok(true)
    }

    fn activate(&mut self, settings: &Revision) -> Result<bool, Unavailable> {
        let revision = settings.as_str().to_owned();
        self.log.record_signal(&SignalRecord::Settings { revision, after: None }, None)?;
        Ok(true)
    }
}
