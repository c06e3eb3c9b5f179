//! Pseudonyms: replace values that must not be in a record.
//!
//! A pseudonym is `<key id>:<HMAC-SHA-256 in base64url>`, whole, over the kind of the value and the value. What holds:
//!
//! - Under one key, equal values of one kind have equal pseudonyms, so that records about the same can be found. Values
//!   of different kinds have nothing in common.
//! - Without the key, the pseudonym of a guess cannot be made. A plain digest of a number of nine digits would be found
//!   in a minute.
//! - The first key makes new pseudonyms; the others stay known, so that what was recorded under them is still found.
//! - No key is ever in a record, a message or a debug text.

use crate::record::evidence::secret_file::{self, SecretFileError};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, Mac as _};
use rand::Rng as _;
use sha2::Sha256;
use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};
use thiserror::Error;

/// What messages call the file.
const SECRET: &str = "the keys of pseudonyms";

/// The length of a key in bytes: as long as what SHA-256 gives, so that guessing the key is no easier than the digest.
const LENGTH: usize = 32;

/// The keys, and what is made with them.
#[derive(Clone)]
pub struct Pseudonyms {
    newest: Key,
    older: Arc<[Key]>,
}

#[derive(Clone)]
struct Key {
    id: Arc<str>,
    /// The HMAC after its key, which is not kept by itself.
    mac: Hmac<Sha256>,
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pseudonyms").field(&self.key_ids()).finish()
    }
}

/// The keys cannot be used.
#[derive(Debug, Error)]
pub enum PseudonymsError {
    /// Their file cannot be used.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// A line is no key.
    #[error("`{}`, line {line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it, without what is in it.
        message: &'static str,
    },
    /// There is no key in it.
    #[error("`{}` holds no key; {FORM}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The kind of value that the sign of a key is a pseudonym of. No type of the schema is called so.
const SIGN: &str = "poort key of pseudonyms";
/// 72 bits of an HMAC: far more than two keys could agree in by chance.
const SIGN_LENGTH: usize = 12;

/// What a line looks like.
const FORM: &str = "write one a line, the newest first: an id of letters, digits, `-` and `_`, a space, and 32 bytes in \
                    base64, as `openssl rand -base64 32` makes them";

impl Pseudonyms {
    /// Reads the keys: one a line, id and 32 bytes in base64, the newest first. Empty lines and lines that begin with `#`
    /// do not count.
    ///
    /// # Errors
    /// The file is not there, can be read by everybody, or a line of it is no key.
    pub fn read(path: &Path) -> Result<Self, PseudonymsError> {
        Self::parse(&secret_file::read(path, SECRET)?, path)
    }

    /// Reads keys that were made here; a link is not followed to them.
    ///
    /// # Errors
    /// As [`Pseudonyms::read`], or it is a link.
    pub fn read_own(path: &Path) -> Result<Self, PseudonymsError> {
        Self::parse(&secret_file::read_own(path, SECRET)?, path)
    }

    /// Reads the keys, or makes one where there is no file.
    ///
    /// # Errors
    /// As [`Pseudonyms::read`], or the file cannot be made.
    pub fn read_or_make(path: &Path) -> Result<Self, PseudonymsError> {
        match Self::read_own(path) {
            Err(PseudonymsError::File(error)) if error.is_missing() => {
                let (mut id, mut key) = ([0; 4], [0; LENGTH]);
                rand::rng().fill_bytes(&mut id);
                rand::rng().fill_bytes(&mut key);
                let text = format!("k{:08x} {}\n", u32::from_be_bytes(id), STANDARD.encode(key));
                Self::parse(&secret_file::make(path, SECRET, &text)?, path)
            }
            read => read,
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, PseudonymsError> {
        let mut keys = Vec::new();
        let mut ids = BTreeSet::new();
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |message| PseudonymsError::Line { path: path.into(), line: index + 1, message };
            let key = Key::parse(line).ok_or_else(|| wrong(FORM))?;
            if !ids.insert(key.id.clone()) {
                return Err(wrong("another key has the same id; give each an id of its own"));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        match keys.next() {
            Some(newest) => Ok(Self { newest, older: keys.collect() }),
            None => Err(PseudonymsError::Empty { path: path.into() }),
        }
    }

    /// Keys from what they are made of, for tests.
    #[must_use]
    pub fn from_keys(newest: (&str, [u8; LENGTH]), older: &[(&str, [u8; LENGTH])]) -> Self {
        let key = |(id, key): &(&str, [u8; LENGTH])| Key::new(id, key);
        Self { newest: key(&newest), older: older.iter().map(key).collect() }
    }

    /// The pseudonym of a value, under the newest key.
    ///
    /// The kind is what [`policy::annotations`](crate::sources::policy::annotations) says: the type of id of a data subject, as `@data_subject`
    /// names it; else the name of an entity type; else the place of the attribute.
    #[must_use]
    pub fn of(&self, kind: &str, value: &str) -> String {
        self.newest.pseudonym(kind, value)
    }

    /// The pseudonyms that a value of this kind has under all keys, the newest first: a record that was made under any of
    /// them has one of these.
    #[must_use]
    pub fn of_all_keys(&self, kind: &str, value: &str) -> Vec<String> {
        self.keys().map(|key| key.pseudonym(kind, value)).collect()
    }

    /// The ids of the keys, the newest first.
    #[must_use]
    pub fn key_ids(&self) -> Vec<&str> {
        self.keys().map(|key| key.id.as_ref()).collect()
    }

    /// What the log says of its keys: the id of each, and a sign that tells another key of the same id, and nothing of the key.
    #[must_use]
    pub fn signs(&self) -> Vec<String> {
        self.keys().map(|key| key.pseudonym(SIGN, "").chars().take(key.id.len() + 1 + SIGN_LENGTH).collect()).collect()
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.newest).chain(self.older.iter())
    }
}

impl Key {
    fn new(id: &str, key: &[u8; LENGTH]) -> Self {
        // A block of SHA-256 has 64 bytes, and a shorter key is one block with zeros after it (RFC 2104, section 2).
        let mut block = [0; 64];
        block.iter_mut().zip(key).for_each(|(place, byte)| *place = *byte);
        Self { id: id.into(), mac: Hmac::new(&block.into()) }
    }

    fn parse(line: &str) -> Option<Self> {
        let (id, key) = line.split_once(char::is_whitespace)?;
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let key: [u8; LENGTH] = STANDARD.decode(key.trim()).ok()?.try_into().ok()?;
        (!id.is_empty() && id.len() <= 32 && id.bytes().all(is_id)).then(|| Self::new(id, &key))
    }

    fn pseudonym(&self, kind: &str, value: &str) -> String {
        let mut mac = self.mac.clone();
        // The length goes first, so that no two pairs of kind and value give the same bytes.
        mac.update(&(kind.len() as u64).to_be_bytes());
        mac.update(kind.as_bytes());
        mac.update(value.as_bytes());
        let mut text = format!("{}:", self.id);
        URL_SAFE_NO_PAD.encode_string(mac.finalize().into_bytes(), &mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt as _};

    #[test]
    fn equal_values_of_one_kind_and_key_have_equal_pseudonyms_and_others_have_not() {
        let pseudonyms = Pseudonyms::from_keys(("a", [1; 32]), &[]);
        let known = pseudonyms.of("bsn", "123456782");
        assert_eq!(known, pseudonyms.of("bsn", "123456782"));
        assert_ne!(known, pseudonyms.of("bsn", "123456783"));
        assert_ne!(known, pseudonyms.of("plate", "123456782"));
        assert_ne!(pseudonyms.of("ab", "c"), pseudonyms.of("a", "bc"));
        let other = Pseudonyms::from_keys(("a", [2; 32]), &[]);
        assert_ne!(known, other.of("bsn", "123456782"));
    }

    #[test]
    fn a_pseudonym_is_the_key_id_and_a_whole_hmac() {
        // Made with Python's `hmac`, over eight bytes of length, the kind and the value.
        let expected = "k1:Q6mck-dmZeaWMeSXJfG3aCdZn71lwpxv1A1Lm_oJH1w";
        assert_eq!(Pseudonyms::from_keys(("k1", [1; 32]), &[]).of("bsn", "123456782"), expected);
    }

    #[test]
    fn after_a_rotation_new_and_old_records_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let old = Pseudonyms::read_or_make(&path).unwrap();
        let text =
            format!("# since March\nmarch {}\n\n{}", STANDARD.encode([3; 32]), fs::read_to_string(&path).unwrap());
        fs::write(&path, text).unwrap();
        let new = Pseudonyms::read_or_make(&path).unwrap();
        assert_eq!(new.key_ids(), [&["march"], old.key_ids().as_slice()].concat());
        assert_eq!(new.of_all_keys("bsn", "1"), [new.of("bsn", "1"), old.of("bsn", "1")]);
        assert_ne!(new.of("bsn", "1"), old.of("bsn", "1"));
    }

    #[test]
    fn keys_are_made_once_and_only_their_owner_can_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/pseudonym-keys");
        let made = Pseudonyms::read_or_make(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Pseudonyms::read_or_make(&path).unwrap().of("a", "b"), made.of("a", "b"));
        let other = Pseudonyms::read_or_make(&folder.path().join("other")).unwrap();
        assert_ne!(other.key_ids(), made.key_ids());

        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        let told = Pseudonyms::read_or_make(&path).unwrap_err().to_string();
        assert!(told.contains("the keys of pseudonyms") && told.contains("chmod o-rwx"), "{told}");
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_line_and_without_what_is_in_it() {
        let key = STANDARD.encode([7; 32]);
        let short = STANDARD.encode([7; 31]);
        let cases = [
            (format!("a {key}\nb{key}"), "line 2"),
            (format!("a {short}"), "line 1"),
            (format!("a:b {key}"), "line 1"),
            (format!("# keys\na {key}\na {key}"), "line 3: another key has the same id"),
            ("# none\n".to_owned(), "holds no key; write one a line"),
        ];
        for (text, expected) in cases {
            let told = Pseudonyms::parse(&text, Path::new("keys")).unwrap_err().to_string();
            assert!(told.contains(expected), "{told}");
            assert!(!told.contains(&key) && !told.contains(&short), "{told}");
        }
    }

    #[test]
    fn keys_do_not_show_themselves() {
        let shown = format!("{:?}", Pseudonyms::from_keys(("k1", [7; 32]), &[("k0", [8; 32])]));
        assert_eq!(shown, "Pseudonyms([\"k1\", \"k0\"])");
    }
}
