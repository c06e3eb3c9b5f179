//! The bytes of a record, with a place for its own number.

use std::fmt;

/// The most digits that a seq has.
const DIGITS: usize = 20;

/// The bytes of a record. A record may tell its own seq, which is known only when it is taken into a commit: then the
/// number is put in, in decimal digits, at the place that was kept for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    bytes: Vec<u8>,
    seq_at: Option<usize>,
}

impl Payload {
    /// A record that gets its seq at this offset. An offset behind the end counts as the end.
    #[must_use]
    pub fn numbered(bytes: Vec<u8>, seq_at: usize) -> Self {
        let seq_at = Some(seq_at.min(bytes.len()));
        Self { bytes, seq_at }
    }

    /// The most bytes that the record may come to have.
    #[must_use]
    pub fn max_len(&self) -> usize {
        self.bytes.len().saturating_add(self.seq_at.map_or(0, |_| DIGITS))
    }

    /// Puts the record, with its seq in its place, at the end of `out`.
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
        Self { bytes, seq_at: None }
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
        f.debug_struct("Payload").field("bytes", &self.bytes.len()).field("seq_at", &self.seq_at).finish()
    }
}
