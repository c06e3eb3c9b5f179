//! The revisions that the records of a log name.

use crate::{
    record::spool::{self, reader::Reader},
    types::revision::Revision,
};
use memchr::memmem;
use serde::Deserialize;
use std::{
    collections::{HashMap, HashSet},
    io,
    path::Path,
};

/// The revisions that the records of a log name. A segment that is complete is read once.
#[derive(Debug, Default)]
pub(super) struct NamedRevisions {
    complete: HashMap<u64, HashSet<Revision>>,
}

impl NamedRevisions {
    /// What the records in this folder name now. Blocks on files; the first time it reads the whole log.
    ///
    /// # Errors
    /// A record cannot be read, so that it is not known what it names.
    pub(super) fn read(&mut self, folder: &Path) -> io::Result<HashSet<Revision>> {
        let segments = spool::segments(folder)?;
        self.complete.retain(|first, _| segments.contains(first));
        let mut named = HashSet::new();
        for (index, first) in segments.iter().enumerate() {
            let Some(end) = segments.get(index + 1) else {
                // The newest is still written.
                named.extend(read_segment(folder, *first, u64::MAX)?);
                break;
            };
            if !self.complete.contains_key(first) {
                self.complete.insert(*first, read_segment(folder, *first, *end)?);
            }
            named.extend(self.complete.get(first).into_iter().flatten().cloned());
        }
        Ok(named)
    }
}

/// What the records from `first` to below `end` name.
fn read_segment(folder: &Path, first: u64, end: u64) -> io::Result<HashSet<Revision>> {
    let mut named = HashSet::new();
    let mut reader = Reader::open_at(folder, first).map_err(io::Error::other)?;
    while Reader::position(&reader) < end
        && let Some(frame) = reader.next().transpose().map_err(io::Error::other)?
    {
        put(&frame.payload, &mut named);
    }
    Ok(named)
}

#[derive(Deserialize)]
struct Record<'a> {
    event_name: &'a str,
    #[serde(borrow)]
    attributes: Attributes<'a>,
}

#[derive(Deserialize)]
struct Attributes<'a> {
    #[serde(rename = "adl.core.configuration", borrow)]
    configuration: Configuration<'a>,
    #[serde(rename = "adl.core.policies", borrow)]
    policies: Policies<'a>,
    #[serde(rename = "adl.core.information", borrow)]
    information: Information<'a>,
}

#[derive(Deserialize)]
struct Configuration<'a> {
    #[serde(borrow)]
    poort: Digest<'a>,
}

#[derive(Deserialize)]
struct Digest<'a> {
    digest: &'a str,
}

#[derive(Deserialize)]
struct Policies<'a> {
    #[serde(borrow)]
    policies: Reference<'a>,
}

#[derive(Deserialize)]
struct Information<'a> {
    #[serde(borrow)]
    directory: Reference<'a>,
}

#[derive(Deserialize)]
struct Reference<'a> {
    revision: &'a str,
}

fn put(record: &[u8], named: &mut HashSet<Revision>) {
    match serde_json::from_slice::<Record<'_>>(record) {
        Ok(Record { event_name, attributes: Attributes { configuration, policies, information } })
            if event_name.starts_with("adl.") =>
        {
            // What a caller wrote elsewhere in the record names nothing, or callers could fill the disk.
            let names = [configuration.poort.digest, policies.policies.revision, information.directory.revision];
            named.extend(names.into_iter().filter_map(Revision::parse));
        }
        // A record of a form that this version does not know names whatever looks like a name in it.
        _ => named.extend(memmem::find_iter(record, b"sha256:").filter_map(|at| {
            let name = record.get(at..at.checked_add(71)?)?;
            Revision::parse(str::from_utf8(name).ok()?)
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::spool::put_segment;
    use std::fs;

    fn revision(number: u8) -> Revision {
        Revision::of([("n", [number].as_slice())])
    }

    fn record(policies: u8, directory: u8, said: &str) -> Vec<u8> {
        format!(
            r#"{{"attributes":{{"adl.core.configuration":{{"poort":{{"cedar":"4","digest":"{0}"}}}},"adl.core.information":{{"directory":{{"revision":"{1}"}}}},"adl.core.policies":{{"policies":{{"revision":"{2}"}}}},"poort.log.seq":1}},"body":{{"adl.core.request":"{said}"}},"event_name":"adl.access_evaluation"}}"#,
            revision(0),
            revision(directory),
            revision(policies)
        )
        .into_bytes()
    }

    #[test]
    fn what_is_named_is_found_in_every_segment_and_what_a_caller_says_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let later = format!(r#"{{"event_name":"adl.later","attributes":{{"under":"{}"}}}}"#, revision(7));
        let said = revision(8).to_string();
        put_segment(dir, 0, &[record(1, 2, ""), record(3, 2, &said)]);
        put_segment(dir, 2, &[record(4, 5, ""), later.into_bytes()]);
        put_segment(dir, 4, &[record(4, 6, "")]);
        let mut reader = NamedRevisions::default();
        let named = |reader: &mut NamedRevisions| {
            let found = reader.read(dir).unwrap();
            (0..10).filter(|number| found.contains(&revision(*number))).collect::<Vec<_>>()
        };
        assert_eq!(named(&mut reader), [0, 1, 2, 3, 4, 5, 6, 7]);
        // The newest grows, and what was complete may go.
        put_segment(dir, 4, &[record(4, 6, ""), record(9, 6, "")]);
        fs::remove_file(dir.join(format!("{:016x}.seg", 0))).unwrap();
        assert_eq!(named(&mut reader), [0, 4, 5, 6, 7, 9]);
        assert_eq!(named(&mut NamedRevisions::default()), [0, 4, 5, 6, 7, 9]);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        put_segment(folder.path(), 0, &[record(1, 2, ""), record(3, 2, "")]);
        put_segment(folder.path(), 2, &[record(1, 2, "")]);
        let path = folder.path().join(format!("{:016x}.seg", 0));
        let mut bytes = fs::read(&path).unwrap();
        bytes[100] ^= 1;
        fs::write(&path, bytes).unwrap();
        let mut reader = NamedRevisions::default();
        assert!(reader.read(folder.path()).is_err());
        assert!(reader.read(folder.path()).is_err(), "it is not taken for read");
    }
}
