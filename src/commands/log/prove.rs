//! `poort log prove`: makes receipts, which prove to anybody that single records are in the log.

use super::{
    Common, Exit, Output,
    select::{self, Select},
};
use crate::{
    config::Settings,
    record::{
        decision_log::{Prover, Scan, StoredRecord, newest_checkpoint},
        evidence::{Checkpoint, Receipt},
        spool::reader::Frame,
        witness::read_cosigned,
    },
    types::trace::{SpanId, TraceId},
};
use clap::Args;
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

pub(super) const EXAMPLES: &str = "Examples:
  poort log prove 41c36574039cef5168c2d8c396644242:00f067aa0ba902b7 > one.tlog-proof
  poort log prove --data-subject person-entry::person-884411 --out receipts
                                                      a receipt for each record about a person
  poort log check one.tlog-proof --key auditor/log.key

A receipt is one file: the record, its path in the log's tree, and the newest checkpoint (C2SP tlog-proof, with the record as
extra data). Its checkpoint is one that witnesses cosigned, where there is one behind the record. Works beside a server that is
writing. What is newer than the last checkpoint has no receipt yet.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// The record: the two parts of its key, as answers name it
    #[arg(value_name = "TRACE:SPAN", value_parser = identity)]
    record: Option<(TraceId, SpanId)>,
    #[command(flatten)]
    select: Select,
    /// Write each receipt to a file in this folder, TRACE-SPAN.tlog-proof
    #[arg(long, value_name = "DIR", required_unless_present = "record")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

fn identity(text: &str) -> Result<(TraceId, SpanId), &'static str> {
    let (trace, span) = text.split_once(':').unwrap_or((text, ""));
    TraceId::parse(trace).zip(SpanId::parse(span)).ok_or(
        "a record is named by its trace id and its span id: 32 and 16 hexadecimal digits, with a colon between them",
    )
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { record, select, out, common } = arguments;
    let (settings, _) = common.settings(Default::default(), output)?;
    let select = record.map_or_else(|| select.clone(), |(trace, _)| select.of_trace(trace));
    let selection = select.selection(&settings, false, output)?;
    let span = record.map(|(_, span)| span.to_string());
    let written = Scan::new(&settings.log.records(), &selection, select.segments())
        .map_err(|error| format!("cannot read `{}`: {error}", settings.log.records().display()))
        .and_then(|scan| write(scan, span.as_deref(), out.as_deref(), &settings, output));
    let written = written.map_err(|message| {
        output.error(&message);
        Exit::Failed
    })?;
    select::doubt(&selection, output)?;
    if written == 0 {
        output.error("no record was found that fits");
        return Err(Exit::Failed);
    }
    if let Some(out) = out {
        output.tell(&format!("{written} in `{}`", out.display()));
    }
    Ok(Exit::Done)
}

/// Writes the receipts of what the scan finds, and returns how many. Of a trace, that of this span alone.
fn write(
    scan: Scan<'_>,
    span: Option<&str>,
    out: Option<&Path>,
    settings: &Settings,
    output: &mut Output,
) -> Result<u64, String> {
    let mut maker = Maker::new(settings)?;
    if let Some(out) = out {
        fs::create_dir_all(out).map_err(|error| format!("cannot make `{}`: {error}", out.display()))?;
    }
    let mut written = 0_u64;
    for frame in scan {
        let frame = frame.map_err(|error| chain(&error))?;
        // Records of poort's own have no name, and are proven by every checkpoint after them.
        let Some(name) = name(&frame)?.filter(|name| span.is_none_or(|span| name.ends_with(span))) else { continue };
        let text = maker.receipt(frame)?.to_text();
        match out {
            Some(out) => {
                let path = out.join(name).with_extension("tlog-proof");
                fs::write(&path, text).map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
            }
            None => output.conclude(&text).map_err(|_| "the receipt cannot be printed".to_owned())?,
        }
        written = written.saturating_add(1);
    }
    Ok(written)
}

/// TRACE-SPAN of a record. `None` for one that is no decision.
fn name(frame: &Frame) -> Result<Option<String>, String> {
    let read = StoredRecord::read(&frame.payload).map_err(|error| format!("record {}: {error}", frame.seq))?;
    Ok(read.map(|recorded| format!("{}-{}", recorded.trace_id, recorded.span_id)))
}

/// Makes receipts under one checkpoint each: a cosigned one where there is one behind the record, else the newest.
struct Maker {
    prover: Prover,
    /// Those to choose from, the best first.
    notes: Vec<(String, Checkpoint)>,
}

impl Maker {
    fn new(settings: &Settings) -> Result<Self, String> {
        let records = settings.log.records();
        let newest =
            newest_checkpoint(&records).map_err(|error| format!("cannot read the newest checkpoint: {error}"))?;
        let mut prover = Prover::open(&records).map_err(|error| chain(&error))?;
        // One of other records proves none: such as of those that were lost before a restore, or of another log.
        let cosigned = cosigned(settings)?.filter(|(_, own)| prover.consistency(own.size, own).is_ok());
        Ok(Self { prover, notes: cosigned.into_iter().chain(newest).collect() })
    }

    fn receipt(&mut self, frame: Frame) -> Result<Receipt, String> {
        let Frame { seq, payload: record, .. } = frame;
        let (note, checkpoint) = self.notes.iter().find(|(_, checkpoint)| checkpoint.size > seq).ok_or_else(|| {
            format!("no checkpoint covers record {seq} yet: poort signs the next one within `log.checkpoint`")
        })?;
        let path = self.prover.inclusion(seq, checkpoint).map_err(|error| chain(&error))?;
        Ok(Receipt { record, index: seq, path, note: note.clone() })
    }
}

/// The last checkpoint that a quorum cosigned, with as many cosignatures as the policy asks for. Its file is not synced, so what
/// is no such checkpoint counts as none.
fn cosigned(settings: &Settings) -> Result<Option<(String, Checkpoint)>, String> {
    let policy = settings.witness.as_ref().map(|witness| witness.read()).transpose().map_err(|error| chain(&error))?;
    let note = read_cosigned(&settings.log.data).ok().flatten();
    let note = note.and_then(|note| match &policy {
        Some(policy) => policy.fewest(&note).ok(),
        None => Some(note),
    });
    Ok(note.and_then(|note| Checkpoint::read(&note).ok().map(|checkpoint| (note, checkpoint))))
}

fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    causes.fold(error.to_string(), |message, cause| format!("{message}: {cause}"))
}
