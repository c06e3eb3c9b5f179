//! A checkpoint: the signed size and root of the tree.

use super::{
    key::{Key, PublicKeys},
    tree::{Hash, Tree},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use signed_note::{Note, NoteError};
use thiserror::Error;

/// The tree of a log at one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log: `poort/<instance>/<epoch>`.
    pub origin: String,
    /// How many records it had.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
    /// The log was closed in order after these records: only the next start follows.
    pub is_end: bool,
}

/// The extension line of a checkpoint of an orderly end (C2SP `tlog-checkpoint`, extension lines).
const END: &str = "poort shutdown";

/// A note is no checkpoint that can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// It has not the form of a checkpoint.
    #[error("it has not the form of a signed checkpoint")]
    Malformed,
    /// No known key signed it.
    #[error("it is signed by no key that was given")]
    UnknownKey,
    /// The signature of a known key is wrong.
    #[error("its signature is wrong")]
    WrongSignature,
}

impl Checkpoint {
    /// The checkpoint of this tree.
    #[must_use]
    pub fn of(origin: &str, tree: &Tree) -> Self {
        Self { origin: origin.to_owned(), size: tree.size(), root: tree.root(), is_end: false }
    }

    /// The same, of a log that is closed in order.
    #[must_use]
    pub fn at_end(self) -> Self {
        Self { is_end: true, ..self }
    }

    /// Signs it, as a note. `None` only for an origin that is no name: empty, or with a space, a line break or a `+`.
    #[must_use]
    pub fn sign(&self, key: &Key) -> Option<String> {
        let Self { origin, size, root, is_end } = self;
        let end = if *is_end { format!("{END}\n") } else { String::new() };
        let text = format!("{origin}\n{size}\n{}\n{end}", BASE64.encode(root));
        let mut note = Note::new(text.as_bytes(), &[]).ok()?;
        note.add_sigs(&[&key.named(origin)]).ok()?;
        String::from_utf8(note.to_bytes()).ok()
    }

    /// Reads a note and checks its signature. The key has the name of the log: the key of one log signs for no other.
    ///
    /// # Errors
    /// It cannot be trusted.
    pub fn open(note: &str, keys: &PublicKeys) -> Result<Self, CheckpointError> {
        Self::open_signed(note, keys).map(|(checkpoint, _)| checkpoint)
    }

    /// The same, and the note with the signatures of these keys alone.
    ///
    /// # Errors
    /// It cannot be trusted.
    pub fn open_signed(note: &str, keys: &PublicKeys) -> Result<(Self, String), CheckpointError> {
        let note = Note::from_bytes(note.as_bytes()).map_err(|_| CheckpointError::Malformed)?;
        let (signed, _) = note.verify(&keys.verifiers).map_err(|error| match error {
            NoteError::UnverifiedNote => CheckpointError::UnknownKey,
            _ => CheckpointError::WrongSignature,
        })?;
        let checkpoint = Self::parse(note.text())?;
        let is_own = signed.iter().any(|signature| signature.name() == checkpoint.origin);
        let note = Note::new(note.text(), &signed).ok().and_then(|note| String::from_utf8(note.to_bytes()).ok());
        note.filter(|_| is_own).map(|note| (checkpoint, note)).ok_or(CheckpointError::UnknownKey)
    }

    /// Reads a note without checking its signature.
    ///
    /// # Errors
    /// It has not the form.
    pub fn read(note: &str) -> Result<Self, CheckpointError> {
        let note = Note::from_bytes(note.as_bytes()).map_err(|_| CheckpointError::Malformed)?;
        Self::parse(note.text())
    }

    fn parse(text: &[u8]) -> Result<Self, CheckpointError> {
        let parse = || {
            let text = str::from_utf8(text).ok()?;
            // Lines after the third are extensions, which a reader skips.
            let mut lines = text.split('\n');
            let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
            let canonical = size == "0" || (!size.starts_with('0') && size.bytes().all(|byte| byte.is_ascii_digit()));
            let size = size.parse().ok().filter(|_| canonical)?;
            let root = BASE64.decode(root).ok()?.try_into().ok()?;
            let is_end = lines.any(|line| line == END);
            (!origin.is_empty()).then(|| Self { origin: origin.to_owned(), size, root, is_end })
        };
        parse().ok_or(CheckpointError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::evidence::leaf;

    fn checkpoint() -> Checkpoint {
        let mut tree = Tree::default();
        tree.push(leaf(b"one"));
        Checkpoint::of("poort/here/0123456789abcdef", &tree)
    }

    fn keys(key: &Key) -> PublicKeys {
        PublicKeys::parse([key.public(&checkpoint().origin).as_str()]).unwrap()
    }

    #[test]
    fn a_signed_checkpoint_is_a_note_that_opens_with_the_public_key() {
        let key = Key::from_seed([1; 32]);
        let note = checkpoint().sign(&key).unwrap();
        let (text, signature) = note.split_once("\n\n").unwrap();
        assert_eq!(text.lines().take(2).collect::<Vec<_>>(), ["poort/here/0123456789abcdef", "1"]);
        assert!(signature.starts_with("\u{2014} poort/here/0123456789abcdef "));
        assert_eq!(Checkpoint::open(&note, &keys(&key)), Ok(checkpoint()));
        assert_eq!(Checkpoint::read(&note), Ok(checkpoint()));
    }

    #[test]
    fn another_key_does_not_open_it() {
        let note = checkpoint().sign(&Key::from_seed([1; 32])).unwrap();
        let opened = Checkpoint::open(&note, &keys(&Key::from_seed([2; 32])));
        assert_eq!(opened, Err(CheckpointError::UnknownKey));
    }

    #[test]
    fn the_key_of_another_log_does_not_open_it() {
        let key = Key::from_seed([1; 32]);
        let named = "poort/there/0123456789abcdef";
        let mut note =
            Note::new(format!("{}\n0\n{}\n", checkpoint().origin, BASE64.encode([0; 32])).as_bytes(), &[]).unwrap();
        note.add_sigs(&[&key.named(named)]).unwrap();
        let keys = PublicKeys::parse([key.public(named).as_str(), key.public(&checkpoint().origin).as_str()]).unwrap();
        let opened = Checkpoint::open(&String::from_utf8(note.to_bytes()).unwrap(), &keys);
        assert_eq!(opened, Err(CheckpointError::UnknownKey));
    }

    #[test]
    fn any_other_text_breaks_the_signature() {
        let key = Key::from_seed([1; 32]);
        let note = checkpoint().sign(&key).unwrap();
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            let opened = String::from_utf8(bytes).map(|note| Checkpoint::open(&note, &keys(&key)));
            // The bits of base64 after the last byte carry nothing, and are refused as well.
            assert!(!matches!(opened, Ok(Ok(_))), "byte {at}");
        }
    }

    #[test]
    fn a_text_that_is_no_checkpoint_is_refused() {
        let signed = |text: &str| {
            let key = Key::from_seed([1; 32]);
            let origin = "a";
            let mut note = Note::new(text.as_bytes(), &[]).unwrap();
            note.add_sigs(&[&key.named(origin)]).unwrap();
            let keys = PublicKeys::parse([key.public(origin).as_str()]).unwrap();
            Checkpoint::open(&String::from_utf8(note.to_bytes()).unwrap(), &keys)
        };
        let root = BASE64.encode(checkpoint().root);
        assert!(signed(&format!("a\n1\n{root}\nan extension\n")).is_ok());
        for text in ["a\n", "a\n1\n", "a\n1\nAAAA\n"] {
            assert_eq!(signed(text), Err(CheckpointError::Malformed), "{text}");
        }
        for size in ["01", "-1", "+1", "", " 1", "18446744073709551616"] {
            assert_eq!(signed(&format!("a\n{size}\n{root}\n")), Err(CheckpointError::Malformed), "{size}");
        }
        assert_eq!(signed(&format!("\n1\n{root}\n")), Err(CheckpointError::Malformed));
    }
}
