//! How far each sink is, from the files alone: for `poort log status`, also while no poort runs.

use super::{
    config::{Name, Sink},
    quarantine,
};
use crate::spool::Cursor;
use std::{io, path::Path};

/// How far a sink is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The sink.
    pub sink: Name,
    /// All records with a lower number were taken, or are in quarantine. `None` if there are none
    /// yet.
    pub acknowledged: Option<u64>,
    /// How many records lie in quarantine.
    pub quarantined: u64,
}

/// Reads how far each of these sinks is. `data` is the data folder, `records` that of the log.
///
/// # Errors
/// A file cannot be read.
pub fn status(data: &Path, records: &Path, sinks: &[Sink]) -> io::Result<Vec<Status>> {
    let read = |sink: &Sink| {
        Ok(Status {
            sink: sink.name.clone(),
            acknowledged: Cursor::read(records, sink.name.as_str())?,
            quarantined: quarantine::count(data, &sink.name)?,
        })
    };
    sinks.iter().map(read).collect()
}
