//! The decision records of one trace, from the log in the data folder.

use super::{Exit, Output};
use crate::{
    config::Settings,
    record::decision_log::{Scan, Segments, Selection, Wanted},
    types::trace::TraceId,
};

/// The records, oldest first.
pub(in crate::commands) struct RecordsOfTrace(pub(in crate::commands) Vec<Vec<u8>>);

impl RecordsOfTrace {
    /// Reads them.
    pub(in crate::commands) fn read(settings: &Settings, trace: TraceId, output: &mut Output) -> Result<Self, Exit> {
        let dir = settings.log.records();
        let selection = Selection::new(Wanted { trace: Some(trace), ..Wanted::default() });
        let read = || -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
            let scan = Scan::new(&dir, &selection, Segments::Likely)?;
            scan.map(|frame| Ok(frame?.payload)).collect()
        };
        read().map(Self).map_err(|error| {
            output.error(&format!("cannot read `{}`: {error}", dir.display()));
            Exit::Failed
        })
    }
}
