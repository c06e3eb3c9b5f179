//! The flags of commands that read the records of signals, and the walk through them.

use super::{
    Common, Exit, Output,
    log::{Found, Received, Strays},
};
use crate::{
    config::Settings,
    oversight::signals::{History, Recorded},
    record::decision_log::{Segments, Selection, SignalRecord, Wanted, timestamp},
    types::escape,
};
use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use std::error::Error;

/// Which log is read.
#[derive(Debug, Args)]
pub(super) struct OfLog {
    #[command(flatten)]
    received: Received,
    #[command(flatten)]
    pub(super) common: Common,
}

impl OfLog {
    /// Reads what is on record of signals.
    pub(super) fn history(&self, output: &mut Output) -> Result<(Settings, History), Exit> {
        let (settings, _) = self.common.settings(Default::default(), output)?;
        let mut history = History::default();
        let selection = selection();
        let mut records = self.received.records(&settings, Segments::Likely, &selection, output)?;
        let mut strays = Strays::default();
        let mut read = || -> Result<(), Box<dyn Error>> {
            while let Some(found) = records.next()? {
                match found {
                    Found::Stray(line) => strays.add(line),
                    Found::Record(_, record) => take(&mut history, &record, &mut |_| ()),
                }
            }
            Ok(())
        };
        if let Err(error) = read() {
            output.failure(&*error);
            return Err(Exit::Failed);
        }
        if let Some(message) = strays.message() {
            output.error(&message);
            return Err(Exit::Failed);
        }
        Ok((settings, history))
    }
}

/// Records of signals.
pub(super) fn selection() -> Selection {
    Selection::new(Wanted { signals: true, ..Wanted::default() })
}

/// Takes a record, and tells what it changed.
pub(super) fn take(history: &mut History, record: &[u8], tell: &mut dyn FnMut(&Recorded)) {
    if let Some(of) = SignalRecord::read(record)
        && let Some(changed) = history.add(timestamp(record).unwrap_or_default(), of)
    {
        tell(changed);
    }
}

/// The one signal whose id begins so.
pub(super) fn named<'h>(history: &'h History, id: &str, output: &mut Output) -> Result<&'h Recorded, Exit> {
    let mut found = history.beginning(id);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => {
            output.error(&format!(
                "no signal on record has an id that begins with `{id}`; `poort signals list` shows them"
            ));
            Err(Exit::Failed)
        }
        (Some(_), Some(_)) => {
            output.error(&format!("several signals have an id that begins with `{id}`; give more of it"));
            Err(Exit::Usage)
        }
    }
}

/// A moment, to the minute, in the organisation's time zone.
pub(super) fn minute(millis: i64, zone: &TimeZone) -> String {
    let time = Timestamp::from_millisecond(millis).unwrap_or_default();
    time.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// The pseudonym of an account, short enough for a line; equal ones stay equal.
pub(super) fn short(account: &str) -> String {
    let short: String = account.chars().take(20).collect();
    let cut = if short.len() < account.len() { "…" } else { "" };
    format!("{}{cut}", escape::line(&short))
}
