//! The check of what a pipeline stored: the records as they arrived, in any order, some of them twice.
//!
//! A line of the file is a record as `poort log cat --all` or a JSON Lines sink writes it, or an OTLP export in JSON with
//! the records as the bodies of log records.

use super::{
    Fault, Known, Report, VerifyError,
    checker::{Checker, Outline},
};
use crate::{
    evidence::{Hash, PublicKeys, leaf},
    spool::reader::Reader,
};
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read as _},
    path::Path,
};

/// The longest line that is read, in bytes.
const LINE: u64 = 256 << 20;

/// What a pipeline stored of one log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// The log, by what was stored of it.
    pub report: Report,
    /// How many records were stored more than once, counting each time but the first.
    pub duplicates: u64,
    /// The seq behind the newest record of the log on disk, when that was there to be compared.
    pub on_disk: Option<u64>,
}

/// Checks what was stored. `from` is the seq of the first record that should be there. `local` is the folder of the log, if
/// it is at hand: then each altered record is named. `progress` is told how many bytes were read, now and then.
///
/// # Errors
/// The file cannot be read. What is wrong with the records is in the reports, one for each log that the file tells of.
pub fn verify_received(
    file: &mut dyn BufRead,
    keys: &PublicKeys,
    known: &Known,
    from: u64,
    local: Option<&Path>,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Compared>, VerifyError> {
    let Stored { logs, strays } = Stored::read(file, keys, progress)?;
    let mut compared = Vec::new();
    for (origin, mut records) in logs {
        // The order in which they arrived says nothing; among equals it does not matter.
        records.sort_by_key(|(seq, outline)| (*seq, outline.leaf));
        let all = records.len();
        records.dedup_by_key(|(seq, outline)| (*seq, outline.leaf));
        let duplicates = all.saturating_sub(records.len()) as u64;
        let of_log =
            Known { checkpoints: known.checkpoints.iter().filter(|known| known.origin == origin).cloned().collect() };
        let local = local.map(|folder| Local::open(folder, &origin)).transpose()?.flatten();
        let named = local.map(|local| local.compare(&records)).transpose()?;
        let mut checker = Checker::new(&of_log, from);
        let mut before = None;
        for (seq, outline) in &records {
            if before == Some(*seq) {
                checker.fault(Fault::Conflict { seq: *seq });
                continue;
            }
            before = Some(*seq);
            checker.record(*seq, outline);
        }
        let mut report = checker.finish();
        let on_disk = named.map(|(altered, end)| {
            name_altered(&mut report, &altered);
            end
        });
        compared.push(Compared { report, duplicates, on_disk });
    }
    for known in &known.checkpoints {
        // Nothing at all arrived of a log that is known to have records.
        if compared.iter().all(|compared: &Compared| compared.report.origin != known.origin) {
            let faults = vec![Fault::CutOff { end: 0, size: known.size }];
            let report = Report { origin: known.origin.clone(), faults, ..Report::default() };
            compared.push(Compared { report, duplicates: 0, on_disk: None });
        }
    }
    if !strays.is_empty() {
        match compared.first_mut() {
            Some(first) => first.report.faults.extend(strays),
            None => {
                let report = Report { faults: strays, ..Report::default() };
                compared.push(Compared { report, duplicates: 0, on_disk: None });
            }
        }
    }
    Ok(compared)
}

/// Records by their log.
struct Stored {
    logs: BTreeMap<String, Vec<(u64, Outline)>>,
    strays: Vec<Fault>,
}

impl Stored {
    fn read(file: &mut dyn BufRead, keys: &PublicKeys, progress: &mut dyn FnMut(u64)) -> io::Result<Self> {
        let mut stored = Self { logs: BTreeMap::new(), strays: Vec::new() };
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = file.take(LINE).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            progress(read as u64);
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let records = records_of(text);
            if records.is_empty() {
                let why = "neither a record nor an OTLP export in JSON".to_owned();
                stored.strays.push(Fault::NoRecord { line: number, why });
            }
            for record in records {
                let outline = Outline::of(&record, keys);
                match &outline.place {
                    Some((origin, seq)) => stored.logs.entry(origin.clone()).or_default().push((*seq, outline)),
                    None => {
                        let why = "it does not say in which log it is, and where".to_owned();
                        stored.strays.push(Fault::NoRecord { line: number, why });
                    }
                }
            }
        }
        Ok(stored)
    }
}

/// The records in a line: itself, or the bodies of an OTLP export.
fn records_of(line: &[u8]) -> Vec<Vec<u8>> {
    let Ok(value) = serde_json::from_slice::<Value>(line) else { return Vec::new() };
    let list = |value: &Value, names: [&str; 2]| -> Vec<Value> {
        names.iter().find_map(|name| value.get(name)?.as_array().cloned()).unwrap_or_default()
    };
    if value.get("event_name").is_some() {
        return vec![line.to_vec()];
    }
    let mut records = Vec::new();
    for resource in list(&value, ["resourceLogs", "resource_logs"]) {
        for scope in list(&resource, ["scopeLogs", "scope_logs"]) {
            for record in list(&scope, ["logRecords", "log_records"]) {
                let body = record.get("body");
                let text = body.and_then(|body| body.get("stringValue").or_else(|| body.get("string_value")));
                // A body that is no text is no record; it shows as a line without one.
                records.push(text.and_then(Value::as_str).unwrap_or_default().as_bytes().to_vec());
            }
        }
    }
    records
}

/// The log itself, beside what was stored of it.
struct Local {
    reader: Reader,
}

impl Local {
    /// `None` when the folder holds another log, or none.
    fn open(folder: &Path, origin: &str) -> Result<Option<Self>, VerifyError> {
        let Some(first) = Reader::open(folder)?.next().transpose()? else { return Ok(None) };
        let Ok(keys) = PublicKeys::parse([]) else { return Ok(None) };
        let is_it = Outline::of(&first.payload, &keys).place.is_some_and(|(own, _)| own == origin);
        Ok(if is_it { Some(Self { reader: Reader::open(folder)? }) } else { None })
    }

    /// The seqs of stored records that differ from the log, and where the log ends.
    fn compare(self, stored: &[(u64, Outline)]) -> Result<(Vec<u64>, u64), VerifyError> {
        let mut altered = Vec::new();
        let mut rest = stored;
        let mut end = 0;
        for frame in self.reader {
            let frame = frame?;
            end = frame.seq.saturating_add(1);
            let behind = rest.partition_point(|(seq, _)| *seq < frame.seq);
            rest = rest.get(behind..).unwrap_or_default();
            let same: Hash = leaf(&frame.payload);
            let here = rest.iter().take_while(|(seq, _)| *seq == frame.seq);
            if here.into_iter().any(|(_, outline)| outline.leaf != same) {
                altered.push(frame.seq);
            }
        }
        Ok((altered, end))
    }
}

/// Puts the records that are altered in the place of the spans that they are in.
fn name_altered(report: &mut Report, altered: &[u64]) {
    let within = |from: u64, to: u64| altered.iter().any(|seq| (from..to).contains(seq));
    report.faults.retain(|fault| !matches!(fault, Fault::Altered { from, to } if within(*from, *to)));
    report.faults.extend(altered.iter().map(|seq| Fault::Altered { from: *seq, to: seq.saturating_add(1) }));
    report.faults.sort();
    report.faults.dedup();
}
