//! The status of each sink, from the files alone: for `poort log status`, also while no poort runs.

use super::{
    config::{Name, Sink},
    quarantine,
    waiting::{self, Waiting},
};
use crate::record::spool::{self, Cursor};
use std::{io, path::Path};

/// How far a sink is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The sink.
    pub sink: Name,
    /// Whether records are sent to it. One that was taken out of the configuration keeps its cursor, and goes on from there
    /// when it is put back; meanwhile no record is kept for it.
    pub is_configured: bool,
    /// All records with a lower number were taken, or are in quarantine. `None` if it has taken nothing yet.
    pub acknowledged: Option<u64>,
    /// How many records are in quarantine.
    pub quarantined: u64,
    /// Why it waits, as its process said last.
    pub waiting: Option<Waiting>,
}

/// Reads how far each of these sinks is, then those that have a cursor and are not configured any more. `data` is
/// the data folder, `records` that of the log.
///
/// # Errors
/// A file cannot be read.
pub fn status(data: &Path, records: &Path, sinks: &[Sink]) -> io::Result<Vec<Status>> {
    let read = |sink: Name, is_configured: bool| {
        let acknowledged = Cursor::read(records, sink.as_str())?;
        let quarantined = quarantine::count(data, &sink)?;
        let waiting = waiting::read(data, &sink)?.filter(|_| is_configured);
        Ok(Status { sink, is_configured, acknowledged, quarantined, waiting })
    };
    let left: Vec<Name> = spool::cursors(records)?
        .iter()
        .filter_map(|name| name.parse().ok())
        .filter(|name| sinks.iter().all(|sink| sink.name != *name))
        .collect();
    let configured = sinks.iter().map(|sink| read(sink.name.clone(), true));
    configured.chain(left.into_iter().map(|name| read(name, false))).collect()
}
