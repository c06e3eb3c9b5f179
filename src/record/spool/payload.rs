//! The payload of an entry: the bytes of a record, the place of its seq, and the edits that make its late form.

use std::{borrow::Cow, fmt, ops::Range};

/// The most digits that a seq has.
const DIGITS: usize = 20;

/// The bytes of a record. A record may hold its own seq, which is known only when it is taken into a commit: then the
/// number is written, in decimal digits, at the place that was kept for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    bytes: Vec<u8>,
    seq_at: Option<usize>,
    /// The edits that make its late form, in order and without overlap.
    late: Vec<Edit>,
}

/// A part of a payload, and what replaces it in the late form.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// The range of the part.
    pub part: Range<usize>,
    /// What replaces it.
    pub with: Cow<'static, [u8]>,
}

impl Payload {
    /// A record that gets its seq at this offset. An offset past the end counts as the end.
    #[must_use]
    pub fn numbered(bytes: Vec<u8>, seq_at: usize) -> Self {
        let seq_at = Some(seq_at.min(bytes.len()));
        Self { bytes, seq_at, late: Vec::new() }
    }

    /// The same record with a late form, which is written instead when its deadline passed. The edits are in the order
    /// of their parts, and none overlaps another or the place of the seq.
    #[must_use]
    pub fn or_late(self, edits: Vec<Edit>) -> Self {
        Self { late: edits, ..self }
    }

    /// Whether it has a late form.
    #[must_use]
    pub const fn knows_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// The late form: the record of an answer that comes too late.
    #[must_use]
    pub fn into_late(self) -> Self {
        let Self { bytes, seq_at, late } = self;
        let mut edited = Vec::with_capacity(bytes.len());
        let (mut seq_at_late, mut done) = (seq_at, 0);
        for Edit { part, with } in &late {
            edited.extend_from_slice(bytes.get(done..part.start).unwrap_or_default());
            edited.extend_from_slice(with);
            done = part.end;
            if seq_at.is_some_and(|seq_at| part.end <= seq_at) {
                // All before it is in place, so the rest keeps its distance.
                seq_at_late = seq_at.map(|seq_at| edited.len().saturating_add(seq_at.saturating_sub(part.end)));
            }
        }
        edited.extend_from_slice(bytes.get(done..).unwrap_or_default());
        Self { bytes: edited, seq_at: seq_at_late, late: Vec::new() }
    }

    /// The most bytes that the record can have, in time or late.
    #[must_use]
    pub fn max_len(&self) -> usize {
        let late = self.late.iter().map(|edit| edit.with.len()).fold(0, usize::saturating_add);
        self.bytes.len().saturating_add(self.seq_at.map_or(0, |_| DIGITS)).saturating_add(late)
    }

    /// Appends the record, with its seq in its place, to `out`.
    pub fn write(&self, out: &mut Vec<u8>, seq: u64) {
        let (before, after) = self.bytes.split_at_checked(self.seq_at.unwrap_or(0)).unwrap_or((&self.bytes, &[]));
        out.extend_from_slice(before);
        if self.seq_at.is_some() {
            out.extend_from_slice(seq.to_string().as_bytes());
        }
        out.extend_from_slice(after);
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, seq_at: None, late: Vec::new() }
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Self {
        text.as_bytes().to_vec().into()
    }
}

impl fmt::Debug for Payload {
    // The bytes are not shown: they may name people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("bytes", &self.bytes.len())
            .field("seq_at", &self.seq_at)
            .field("late", &self.late.len())
            .finish()
    }
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edit").field("part", &self.part).field("with", &self.with.len()).finish()
    }
}
