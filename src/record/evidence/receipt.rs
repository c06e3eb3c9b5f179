//! A receipt: a record with the proof that it is in a log, in one file that needs nothing beside public keys (C2SP
//! `tlog-proof`).
//!
//! The record is the file's extra data, which the form does not authenticate. Here its hash is the leaf that is proven,
//! so it is authenticated all the same.

use super::{
    checkpoint::{Checkpoint, CheckpointError},
    key::PublicKeys,
    proof,
    tree::{Hash, leaf},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use thiserror::Error;

const TITLE: &str = "c2sp.org/tlog-proof@v1";

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The record, byte by byte as it is in the log.
    pub record: Vec<u8>,
    /// Its place in the log.
    pub index: u64,
    /// The path from it to the root.
    pub path: Vec<Hash>,
    /// The signed checkpoint, with its cosignatures.
    pub note: String,
}

/// A receipt that proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoReceipt {
    /// It has not the form.
    #[error("it has not the form of a receipt (c2sp.org/tlog-proof@v1, with the record as extra data)")]
    Malformed,
    /// Its checkpoint cannot be trusted.
    #[error("its checkpoint cannot be trusted: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The record is not the one that the log has at this place.
    #[error("its record is not record {index} of the log that was signed for")]
    OtherRecord {
        /// The place.
        index: u64,
    },
}

impl Receipt {
    /// Its text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { record, index, path, note } = self;
        let path: String = path.iter().map(|hash| format!("{}\n", BASE64.encode(hash))).collect();
        format!("{TITLE}\nextra {}\nindex {index}\n{path}\n{note}", BASE64.encode(record))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// It has not the form.
    pub fn parse(text: &str) -> Result<Self, NoReceipt> {
        let parse = || {
            // The path has no empty line, so the first one ends it.
            let (head, note) = text.split_once("\n\n")?;
            let mut lines = head.split('\n');
            lines.next().filter(|title| *title == TITLE)?;
            let record = BASE64.decode(lines.next()?.strip_prefix("extra ")?).ok()?;
            let number = lines.next()?.strip_prefix("index ")?;
            let index: u64 = number.parse().ok().filter(|index: &u64| index.to_string() == number)?;
            let path = lines.map(|line| Hash::try_from(BASE64.decode(line).ok()?).ok()).collect::<Option<_>>()?;
            Some(Self { record, index, path, note: note.to_owned() })
        };
        parse().ok_or(NoReceipt::Malformed)
    }

    /// Checks it, and returns the checkpoint that it is proven by. Cosignatures are not looked at.
    ///
    /// # Errors
    /// It proves nothing.
    pub fn check(&self, keys: &PublicKeys) -> Result<Checkpoint, NoReceipt> {
        let checkpoint = Checkpoint::open(&self.note, keys)?;
        let Checkpoint { size, root, .. } = &checkpoint;
        if proof::includes(&self.path, self.index, leaf(&self.record), *size, *root) {
            Ok(checkpoint)
        } else {
            Err(NoReceipt::OtherRecord { index: self.index })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::evidence::{Key, Tree};

    const ORIGIN: &str = "poort/here/1";

    fn receipt() -> Receipt {
        let mut tree = Tree::default();
        [b"one".as_slice(), b"two", b"three"].iter().for_each(|record| tree.push(leaf(record)));
        let note = Checkpoint::of(ORIGIN, &tree).sign(&Key::from_seed([1; 32])).unwrap();
        let path = vec![leaf(b"one"), leaf(b"three")];
        Receipt { record: b"two".to_vec(), index: 1, path, note }
    }

    #[test]
    fn a_receipt_is_read_back_and_verifies() {
        let keys = PublicKeys::parse([Key::from_seed([1; 32]).public(ORIGIN).as_str()]).unwrap();
        let read = Receipt::parse(&receipt().to_text()).unwrap();
        assert_eq!(read, receipt());
        assert_eq!(read.check(&keys).unwrap().size, 3);
    }

    #[test]
    fn no_receipt_with_any_other_byte_verifies() {
        let keys = PublicKeys::parse([Key::from_seed([1; 32]).public(ORIGIN).as_str()]).unwrap();
        let text = receipt().to_text();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let read = Receipt::parse(&text).and_then(|receipt| receipt.check(&keys));
            assert!(read.is_err(), "byte {at}: {text}");
        }
    }
}
