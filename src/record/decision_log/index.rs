//! The index of a packed segment: tells that a segment holds no record that is wanted, so that it need not be read.
//!
//! It holds a binary fuse filter over the subjects, resources, data subjects and traces that the segment's records
//! name, the least and the greatest time of a record, and the types of its data subjects. A filter has nine bits for
//! each name. It knows every name that it was made of, and takes one in 256 others for one of them: then the segment
//! is read for nothing.
//!
//! **Invariant:** it is used to skip alone. A segment without an index, or with one that cannot be read, is read
//! (`tests/it/record/log/filters.rs::with_and_without_the_index_the_same_records_are_found`).
//!
//! ```text
//!   a line of JSON | the descriptor of the filter, 20 bytes | its fingerprints
//! ```
//!
//! The names are hashed without a key: whoever reads the index reads the records beside it.

use super::{
    selection::{Selection, timestamp},
    stored_record::StoredRecord,
};
use crate::record::spool::{Indexer, Indexing};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeSet, HashSet};
use xorf::{BinaryFuse8, BinaryFuse8Ref, DmaSerializable as _, Filter as _, FilterRef as _};

/// The form of the index. Another one is not read.
const FORM: u32 = 1;

/// The most names in a filter: it takes some 40 MiB to make one of as many. A segment that names more has no filter.
const MOST: usize = 1 << 20;

/// The most pairs of type and key of data subjects. A segment that has more is read for every data subject.
const MOST_KINDS: usize = 64;

const DESCRIPTOR: usize = BinaryFuse8::DESCRIPTOR_LEN;

/// What the line of JSON says.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Head {
    form: u32,
    /// The least and the greatest time of a record, in milliseconds since 1970.
    times: Option<(i64, i64)>,
    /// The types of data subjects, each with the id of a key that pseudonyms of it were made with. `None`: too many.
    data_subjects: Option<BTreeSet<(String, String)>>,
    /// How many names are in the filter. 0: the segment names nothing. `None`: too many. There is no filter then.
    names: Option<usize>,
}

/// What a name is of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Role {
    Subject,
    Resource,
    /// The pseudonym.
    DataSubject,
    Trace,
}

/// The hash of a name, which must never change: it is on disk.
fn hash(role: Role, name: &str) -> u64 {
    let role = match role {
        Role::Subject => b's',
        Role::Resource => b'r',
        Role::DataSubject => b'd',
        Role::Trace => b't',
    };
    let digest = Sha256::new().chain_update([role]).chain_update(name).finalize();
    digest.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

/// Makes the index of each packed segment of a log.
pub(super) fn indexing() -> Indexing {
    Indexing::new(|| {
        let head = Head { form: FORM, data_subjects: Some(BTreeSet::new()), ..Head::default() };
        Box::new(Maker { head, names: Some(HashSet::new()) })
    })
}

/// Makes one index.
struct Maker {
    head: Head,
    names: Option<HashSet<u64>>,
}

impl Maker {
    fn name(&mut self, role: Role, name: &str) {
        if let Some(names) = &mut self.names {
            names.insert(hash(role, name));
            if names.len() > MOST {
                self.names = None;
            }
        }
    }

    fn data_subject(&mut self, kind: &str, id: &str) {
        self.name(Role::DataSubject, id);
        if let Some(kinds) = &mut self.head.data_subjects {
            let (key, _) = id.split_once(':').unwrap_or_default();
            kinds.insert((kind.to_owned(), key.to_owned()));
            if kinds.len() > MOST_KINDS {
                self.head.data_subjects = None;
            }
        }
    }
}

impl Indexer for Maker {
    fn record(&mut self, payload: &[u8]) {
        if let Some(at) = timestamp(payload) {
            let (least, most) = self.head.times.unwrap_or((at, at));
            self.head.times = Some((least.min(at), most.max(at)));
        }
        // What cannot be read is wanted by no name.
        let Ok(Some(record)) = StoredRecord::read(payload) else { return };
        self.name(Role::Trace, &record.trace_id);
        for one in record.decisions().unwrap_or_default() {
            one.subject.iter().for_each(|named| self.name(Role::Subject, &named.id));
            one.resource.iter().for_each(|named| self.name(Role::Resource, &named.id));
            one.data_subjects.iter().for_each(|named| self.data_subject(&named.kind, &named.id));
        }
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        let Self { mut head, names } = *self;
        // In this order the filter of equal records is the same.
        let names = names.map(|names| names.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
        let filter =
            names.as_ref().filter(|names| !names.is_empty()).and_then(|names| BinaryFuse8::try_from(names).ok());
        head.names = names.map(|names| names.len()).filter(|count| *count == 0 || filter.is_some());
        let mut index = serde_json::to_vec(&head).unwrap_or_default();
        index.push(b'\n');
        if let Some(filter) = filter {
            let mut descriptor = [0; DESCRIPTOR];
            filter.dma_copy_descriptor_to(&mut descriptor);
            index.extend_from_slice(&descriptor);
            index.extend_from_slice(filter.dma_fingerprints());
        }
        index
    }
}

/// An index that was read.
#[derive(Debug)]
pub(super) struct Index<'a> {
    head: Head,
    filter: Option<BinaryFuse8Ref<'a>>,
}

impl<'a> Index<'a> {
    /// `None` when it is in another form, or in none. The spool has compared its checksum.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let line = bytes.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(bytes.get(..line)?).ok()?;
        (head.form == FORM).then_some(())?;
        let rest = bytes.get(line.checked_add(1)?..)?;
        let filter = match head.names {
            None | Some(0) => None,
            Some(_) => {
                let (descriptor, fingerprints) = rest.split_at_checked(DESCRIPTOR)?;
                // The filter looks at a place in each of three segments; a wrong length would be one that is not there.
                let number = |at: usize| Some(u32::from_le_bytes(*descriptor.get(at..)?.first_chunk()?));
                let (segment, mask, count) = (number(8)?, number(12)?, number(16)?);
                let expected = u64::from(count).checked_add(u64::from(segment).checked_mul(2)?)?;
                let fits = fingerprints.len() as u64 == expected
                    && segment.is_power_of_two()
                    && count >= segment
                    && count.is_multiple_of(segment)
                    && mask == segment - 1;
                Some(fits.then(|| BinaryFuse8Ref::from_dma(descriptor, fingerprints))?)
            }
        };
        Some(Self { head, filter })
    }

    /// Whether a record of the segment may be wanted.
    pub(super) fn may_hold(&self, selection: &Selection) -> bool {
        let wanted = selection.wanted();
        let is_in_time = self.head.times.is_none_or(|(least, most)| {
            wanted.since.is_none_or(|since| most >= since) && wanted.until.is_none_or(|until| least < until)
        });
        if !is_in_time || wanted.all || wanted.signals {
            return is_in_time;
        }
        let holds = |role, name: &str| self.holds(role, name);
        wanted.trace.is_none_or(|trace| holds(Role::Trace, &trace.to_string()))
            && wanted.subject.as_ref().is_none_or(|named| named.readings().any(|(_, id)| holds(Role::Subject, id)))
            && wanted.resource.as_ref().is_none_or(|named| named.readings().any(|(_, id)| holds(Role::Resource, id)))
            && wanted.data_subject.as_ref().is_none_or(|sought| {
                let Some(kinds) = &self.head.data_subjects else { return true };
                sought.may_be_among(kinds, &|pseudonym| holds(Role::DataSubject, pseudonym))
            })
    }

    fn holds(&self, role: Role, name: &str) -> bool {
        self.head.names != Some(0) && self.filter.as_ref().is_none_or(|filter| filter.contains(&hash(role, name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    #[test]
    fn the_filter_on_disk_knows_its_names_for_ever() {
        // Made by the first version. A library that reads it otherwise would hide records.
        let names: Vec<_> = (0..20).map(|n| format!("officer-{n:04}")).collect();
        let mut maker = Maker { head: Head { form: FORM, ..Head::default() }, names: Some(HashSet::new()) };
        names.iter().for_each(|name| maker.name(Role::Subject, name));
        let made = Box::new(maker).finish();
        let stored = "eyJmb3JtIjoxLCJ0aW1lcyI6bnVsbCwiZGF0YV9zdWJqZWN0cyI6bnVsbCwibmFtZXMiOjIwfQrBXAKJ7C0KkRAAAAAPAAAAEAAAAAAA\
                      AAAAAABpli8AABMAAAAAAAAAzz8AAADPAAAKZgDoAIAWblsAm98AAC8A2w4AVA==";
        for index in [made, STANDARD.decode(stored).unwrap()] {
            let index = Index::parse(&index).unwrap();
            assert!(names.iter().all(|name| index.holds(Role::Subject, name)));
            let others = (20..1020).filter(|n| index.holds(Role::Subject, &format!("officer-{n:04}"))).count();
            assert!(others < 30, "{others} of 1000");
            assert!(!names.iter().all(|name| index.holds(Role::Resource, name)));
        }
    }

    #[test]
    fn an_index_that_is_none_is_not_used() {
        let head = |names| serde_json::to_vec(&Head { form: FORM, names, ..Head::default() }).unwrap();
        let with = |names, rest: &[u8]| [&head(names), b"\n".as_slice(), rest].concat();
        assert!(Index::parse(b"").is_none());
        assert!(Index::parse(&head(None)).is_none());
        assert!(Index::parse(b"{\"form\":2}\n").is_none());
        assert!(Index::parse(&with(Some(3), &[0; 10])).is_none());
        assert!(Index::parse(&with(Some(3), &[0xff; 90])).is_none());
        assert!(Index::parse(&with(None, b"")).unwrap().holds(Role::Trace, "anything"));
        // Segments of 16: with 17 places to begin at, the last segment is cut, and with none it is not there.
        for (count, is_one) in [(0_u32, false), (16, true), (17, false)] {
            let descriptor = [[0; 8].as_slice(), &[16, 15, count].map(u32::to_le_bytes).concat()].concat();
            let fingerprints = vec![0; count as usize + 32];
            assert_eq!(Index::parse(&with(Some(3), &[descriptor, fingerprints].concat())).is_some(), is_one, "{count}");
        }
    }

    #[test]
    fn a_segment_that_names_nothing_holds_no_name() {
        let maker = Maker { head: Head { form: FORM, ..Head::default() }, names: Some(HashSet::new()) };
        let made = Box::new(maker).finish();
        assert!(!Index::parse(&made).unwrap().holds(Role::Subject, "officer-0001"));
    }
}
