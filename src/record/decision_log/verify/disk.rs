//! The verification of a log on disk.

use super::{
    Fault, Known, Report, VerifyError,
    checker::Checker,
    facts::{Facts, Origins},
};
use crate::record::{
    evidence::{Checkpoint, PublicKeys},
    spool::{
        self,
        reader::{ReadCause, ReadError, Reader},
    },
};
use std::path::Path;

/// Checks the log in this folder. `progress` gets now and then how many bytes of records were read.
///
/// # Errors
/// The folder cannot be read at all. What is wrong with the log is in the report.
pub fn verify_folder(
    folder: &Path,
    keys: &PublicKeys,
    known: &Known,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, VerifyError> {
    let mut known = known.clone();
    // The head is read before the records: the log may grow meanwhile, and must not seem cut off for that.
    let head = spool::read_head(folder)?;
    let head = head.as_deref().map(|head| str::from_utf8(head).unwrap_or_default());
    let no_head = match head.map(|head| Checkpoint::open(head, keys)) {
        Some(Ok(head)) => {
            known.checkpoints.push(head);
            None
        }
        Some(Err(error)) => Some(format!("what the file `head` holds cannot be trusted: {error}")),
        None => Some("the file `head` is not there, or empty; it tells of the last checkpoint".to_owned()),
    };
    // Old segments may be deleted while it reads. Each round needs that to happen again.
    let mut report = loop {
        if let Some(report) = pass(folder, keys, &known, progress)? {
            break report;
        }
    };
    report.faults.extend(no_head.map(|why| Fault::NoHead { why }));
    let is_of = |origin: &String| *origin == report.origin || report.restored.iter().any(|it| it.origin == *origin);
    if let Some(known) = known.checkpoints.iter().find(|known| !is_of(&known.origin)) {
        report.faults.push(Fault::OtherLog { origin: known.origin.clone() });
    }
    Ok(report)
}

/// Reads the log once. `None` if its beginning was deleted meanwhile: what was seen of it says nothing any more.
fn pass(
    folder: &Path,
    keys: &PublicKeys,
    known: &Known,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<Report>, VerifyError> {
    let oldest = || Ok::<_, VerifyError>(spool::segments(folder)?.first().copied());
    let began = oldest()?;
    let mut checker = Checker::new(known, 0);
    let mut reader = Reader::open(folder)?;
    let mut origins = Origins::default();
    loop {
        match reader.next() {
            Some(Ok(frame)) => {
                if checker.is_gap(frame.seq) && oldest()? > began {
                    return Ok(None);
                }
                checker.record(frame.seq, &Facts::of(&frame.payload, keys, &mut origins));
                progress(frame.payload.len() as u64);
            }
            Some(Err(error)) => {
                let place = format!("`{}` at byte {}", error.segment.display(), error.offset);
                checker.fault(Fault::Unreadable { place, why: why(&error) });
                checker.interrupt();
                // What follows can still be checked.
                let behind = spool::segments(folder)?.into_iter().find(|first| *first > reader.position());
                let Some(behind) = behind else { break };
                reader = Reader::open_at(folder, behind)?;
            }
            None => break,
        }
    }
    Ok(Some(checker.finish()))
}

fn why(error: &ReadError) -> String {
    match &error.cause {
        ReadCause::Damaged(damage) => damage.to_string(),
        ReadCause::Io(error) => error.to_string(),
    }
}
