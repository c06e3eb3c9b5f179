//! Where the commands of `poort log` take records from: the log in the data folder, or an export (`--received`).

use super::{Exit, Output};
use crate::{
    config::Settings,
    record::decision_log::{
        Scan, Segments, Selection,
        export::{Export, Exported, open},
        seq,
    },
};
use clap::Args;
use std::{error::Error, io, path::PathBuf};

/// The flag that names an export.
#[derive(Debug, Clone, Args)]
pub(in crate::commands) struct Received {
    /// Read what a pipeline stored, and no data folder: records in JSON Lines, or an OTLP export in JSON, also compressed
    /// with gzip or Zstandard; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(in crate::commands) received: Option<PathBuf>,
}

/// The records of either that are wanted, in order.
pub(in crate::commands) enum Records<'s> {
    Log(Box<Scan<'s>>),
    Export(Export<'static>, &'s Selection),
}

/// What is found there.
pub(in crate::commands) enum Found {
    /// A record, with its place in the log.
    Record(u64, Vec<u8>),
    /// A line of an export that is no record.
    Stray(u64),
}

/// The lines of an export that are no records.
#[derive(Default)]
pub(in crate::commands) struct Strays {
    count: u64,
    first: u64,
}

impl Strays {
    pub(in crate::commands) const fn add(&mut self, line: u64) {
        self.count += 1;
        if self.count == 1 {
            self.first = line;
        }
    }

    /// What to tell of them, if there are any.
    pub(in crate::commands) fn message(&self) -> Option<String> {
        let Self { count, first } = self;
        match count {
            0 => None,
            1 => Some(format!("line {first} is neither a record nor an OTLP export in JSON")),
            _ => Some(format!("{count} lines are no records, the first is line {first}")),
        }
    }
}

impl Received {
    /// Opens the export, or the log.
    pub(in crate::commands) fn records<'s>(
        &self,
        settings: &Settings,
        segments: Segments,
        selection: &'s Selection,
        output: &mut Output,
    ) -> Result<Records<'s>, Exit> {
        let dir = settings.log.records();
        let (path, opened) = match &self.received {
            Some(path) => (path, open(path).map(|file| Records::Export(Export::new(file), selection))),
            None => {
                let scan = Scan::new(&dir, selection, segments);
                (&dir, scan.map(|scan| Records::Log(Box::new(scan.once()))))
            }
        };
        opened.map_err(|error: io::Error| {
            output.error(&format!("cannot read `{}`: {error}", path.display()));
            Exit::Failed
        })
    }
}

impl Records<'_> {
    /// The place of the first that is looked at, as far as it is known.
    pub(in crate::commands) fn first(&self) -> u64 {
        match self {
            Self::Log(scan) => Scan::position(scan),
            Self::Export(..) => 0,
        }
    }

    /// How many there are, if that can be known.
    pub(in crate::commands) fn length(&self) -> Result<Option<u64>, Box<dyn Error>> {
        match self {
            Self::Log(scan) => Ok(Some(scan.length()?)),
            Self::Export(..) => Ok(None),
        }
    }

    /// The next one. `None` at the present end.
    pub(in crate::commands) fn next(&mut self) -> Result<Option<Found>, Box<dyn Error>> {
        match self {
            Self::Log(scan) => Ok(scan.next().transpose()?.map(|frame| Found::Record(frame.seq, frame.payload))),
            Self::Export(export, selection) => {
                for found in export {
                    match found? {
                        Exported::Record(record) if !selection.takes(&record) => {}
                        Exported::Record(record) => return Ok(Some(Found::Record(seq(&record), record))),
                        Exported::Stray(line) => return Ok(Some(Found::Stray(line))),
                    }
                }
                Ok(None)
            }
        }
    }
}
