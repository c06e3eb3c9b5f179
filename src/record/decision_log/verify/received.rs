//! The verification of what a pipeline stored: the records as they arrived, in any order, some of them twice.
//!
//! A line of the file is a record, as `poort log cat --all` or a JSON Lines sink writes it. Or it is an OTLP export in
//! JSON, with the records as the bodies of log records.

use super::{
    super::{
        export::{Export, Exported},
        newest::origins,
    },
    Fault, Known, Report, VerifyError,
    checker::Checker,
    facts::{FactKind, Facts, Origins},
};
use crate::record::{
    evidence::{Hash, PublicKeys},
    spool::reader::{Frame, Reader},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    io::{self, BufRead},
    path::Path,
    sync::Arc,
};

/// What a pipeline stored of one log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// The log, by what was stored of it.
    pub report: Report,
    /// How many records were stored more than once, counting each time but the first.
    pub duplicates: u64,
    /// The seq after the newest record of the log on disk, when that was there to be compared.
    pub on_disk: Option<u64>,
}

/// Checks what was stored. `from` is the seq of the first record that should be there. `local` is the folder of the
/// log, if it is at hand: then each altered record is named. `progress` gets now and then how many bytes were read.
///
/// # Errors
/// The file cannot be read. What is wrong with the records is in the reports, one for each log that is in the file.
pub fn verify_received(
    file: &mut dyn BufRead,
    keys: &PublicKeys,
    known: &Known,
    from: u64,
    local: Option<&Path>,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Compared>, VerifyError> {
    let Stored { logs, strays } = Stored::read(file, keys, progress)?;
    let here = local.map(origins).unwrap_or_default();
    let mut compared = Vec::new();
    for (origin, StoredLog { mut records, mut special }) in logs {
        // The order in which they arrived says nothing; among equals it does not matter.
        records.sort_unstable();
        let all = records.len();
        records.dedup();
        let duplicates = all.saturating_sub(records.len()) as u64;
        let of_log = Known {
            checkpoints: known.checkpoints.iter().filter(|known| *known.origin == *origin).cloned().collect(),
            policy: known.policy.clone(),
        };
        let local = local.filter(|_| here.contains(&*origin));
        let named = local.map(|folder| compare(folder, &origin, &records, keys)).transpose()?;
        let mut checker = Checker::new(&of_log, from);
        let mut before = None;
        for (seq, leaf) in records {
            if before == Some(seq) {
                checker.fault(Fault::Conflict { seq });
                continue;
            }
            before = Some(seq);
            let kind = special.remove(&leaf).unwrap_or(FactKind::Any);
            checker.record(seq, &Facts { leaf, place: Some((origin.clone(), seq)), kind });
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
#[derive(Default)]
struct Stored {
    logs: BTreeMap<Arc<str>, StoredLog>,
    strays: Vec<Fault>,
}

/// What was stored of one log. All of it is in memory, so a record takes no more than its place and its hash.
#[derive(Default)]
struct StoredLog {
    records: Vec<(u64, Hash)>,
    /// The few that are more to the check than any record, by their hash.
    special: HashMap<Hash, FactKind>,
}

impl Stored {
    fn read(file: &mut dyn BufRead, keys: &PublicKeys, progress: &mut dyn FnMut(u64)) -> io::Result<Self> {
        let (mut stored, mut origins) = (Self::default(), Origins::default());
        let mut export = Export::new(Box::new(file));
        while let Some(found) = export.next() {
            match found? {
                Exported::Record(record) => {
                    progress(record.len() as u64);
                    stored.put(export.line(), Facts::of(&record, keys, &mut origins));
                }
                Exported::Stray(line) => {
                    let why = "neither a record nor an OTLP export in JSON".to_owned();
                    stored.strays.push(Fault::NoRecord { line, why });
                }
            }
        }
        Ok(stored)
    }

    fn put(&mut self, line: u64, facts: Facts) {
        let Facts { leaf, place, kind } = facts;
        let Some((origin, seq)) = place else {
            let why = "it does not say in which log it is, and where".to_owned();
            self.strays.push(Fault::NoRecord { line, why });
            return;
        };
        let log = self.logs.entry(origin).or_default();
        log.records.push((seq, leaf));
        if !matches!(kind, FactKind::Any) {
            log.special.insert(leaf, kind);
        }
    }
}

/// The seqs of stored records that differ from those of the log in this folder, and where that ends. After a restore the numbers
/// of lost records are those of others under another name, so only those of this name count.
fn compare(
    folder: &Path,
    origin: &str,
    stored: &[(u64, Hash)],
    keys: &PublicKeys,
) -> Result<(Vec<u64>, u64), VerifyError> {
    let (mut altered, mut end) = (Vec::new(), 0);
    let (mut rest, mut origins) = (stored, Origins::default());
    for frame in Reader::open(folder)? {
        let Frame { seq, payload, .. } = frame?;
        let Facts { leaf, place, .. } = Facts::of(&payload, keys, &mut origins);
        if place.is_none_or(|(own, _)| *own != *origin) {
            continue;
        }
        end = seq.saturating_add(1);
        let behind = rest.partition_point(|(stored, _)| *stored < seq);
        rest = rest.get(behind..).unwrap_or_default();
        if rest.iter().take_while(|(stored, _)| *stored == seq).any(|(_, stored)| *stored != leaf) {
            altered.push(seq);
        }
    }
    Ok((altered, end))
}

/// Replaces the spans that hold altered records with these records.
fn name_altered(report: &mut Report, altered: &[u64]) {
    let within = |from: u64, to: u64| altered.iter().any(|seq| (from..to).contains(seq));
    report.faults.retain(|fault| !matches!(fault, Fault::Altered { from, to } if within(*from, *to)));
    report.faults.extend(altered.iter().map(|seq| Fault::Altered { from: *seq, to: seq.saturating_add(1) }));
    report.faults.sort();
    report.faults.dedup();
}
