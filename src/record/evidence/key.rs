//! The key that signs checkpoints, and the public keys that check them.

use super::secret_file::{self, SecretFileError};
use ed25519_dalek::{
    Signer as _, SigningKey,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, spki::der::pem::LineEnding},
};
use rand::Rng as _;
use signed_note::{StandardVerifier, VerifierList, key_id, new_ed25519_verifier_key};
use std::{
    fmt,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// The C2SP number of Ed25519.
const ED25519: u8 = 1;

/// The key that signs.
#[derive(Clone)]
pub struct Key(SigningKey);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// Its name in messages.
const SECRET: &str = "the key of the log";

/// The key cannot be used.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Its file cannot be used.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// It is no key.
    #[error(
        "`{}` is no Ed25519 private key in PEM form (PKCS #8), as `openssl genpkey -algorithm ed25519` makes it",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
}

impl Key {
    /// Reads the key.
    ///
    /// # Errors
    /// The file is not there, is no key, or can be read by everybody.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        Self::parse(&secret_file::read(path, SECRET)?, path)
    }

    /// Reads a key that was made here; a link is not followed to it.
    ///
    /// # Errors
    /// As [`Key::read`], or it is a link.
    pub fn read_own(path: &Path) -> Result<Self, KeyError> {
        Self::parse(&secret_file::read_own(path, SECRET)?, path)
    }

    /// Reads the key, or makes one where there is no file.
    ///
    /// # Errors
    /// The file cannot be made, is no key, or can be read by everybody.
    pub fn read_or_make(path: &Path) -> Result<Self, KeyError> {
        match Self::read_own(path) {
            Err(KeyError::File(error)) if error.is_missing() => Self::make(path),
            read => read,
        }
    }

    fn make(path: &Path) -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        rand::rng().fill_bytes(&mut seed);
        let pem = SigningKey::from_bytes(&seed).to_pkcs8_pem(LineEnding::LF);
        let pem = pem.map_err(|_| KeyError::NoKey { path: path.into() })?;
        Self::parse(&secret_file::make(path, SECRET, &pem)?, path)
    }

    fn parse(pem: &str, path: &Path) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_pem(pem).map(Self).map_err(|_| KeyError::NoKey { path: path.into() })
    }

    /// A key from its seed, for tests.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// Its public part under this name, in the C2SP form: `<name>+<key id>+<base64>`.
    #[must_use]
    pub fn public(&self, name: &str) -> String {
        new_ed25519_verifier_key(name, &self.0.verifying_key())
    }

    /// The key itself.
    pub(super) const fn signing(&self) -> &SigningKey {
        &self.0
    }

    /// The same key under a name, to sign notes.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> NamedKey<'a> {
        NamedKey { name, key: &self.0 }
    }
}

/// A key that signs under a name.
pub(super) struct NamedKey<'a> {
    name: &'a str,
    key: &'a SigningKey,
}

impl signed_note::Signer for NamedKey<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn key_id(&self) -> u32 {
        let mut public = vec![ED25519];
        public.extend_from_slice(self.key.verifying_key().as_bytes());
        key_id(self.name, &public)
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, ed25519_dalek::SignatureError> {
        Ok(self.key.sign(text).to_vec())
    }
}

/// Public keys that are trusted.
pub struct PublicKeys {
    pub(super) verifiers: VerifierList,
    names: Vec<String>,
}

impl fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKeys").field(&self.names).finish()
    }
}

/// It is no public key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no public key as `poort log key` prints it: <name>+<key id>+<base64>")]
pub struct BadKey(pub(super) String);

impl PublicKeys {
    /// The keys in the text of a file, a line each. Empty lines and those that begin with `#` say nothing.
    pub fn lines(text: &str) -> impl Iterator<Item = &str> {
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    }

    /// Reads keys as [`Key::public`] gives them.
    ///
    /// # Errors
    /// One of them is no such key.
    pub fn parse<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self, BadKey> {
        let (mut verifiers, mut names) = (Vec::new(), Vec::new());
        let mut keys: Vec<_> = keys.into_iter().map(str::trim).collect();
        // One that is given twice would count as two of the same name.
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let verifier = StandardVerifier::new(key).map_err(|_| BadKey(key.to_owned()))?;
            verifiers.push(Box::new(verifier) as Box<dyn signed_note::Verifier>);
            names.push(key.split('+').next().unwrap_or_default().to_owned());
        }
        Ok(Self { verifiers: VerifierList::new(verifiers), names })
    }

    /// The names of the keys: the logs that they belong to.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt as _};

    #[test]
    fn a_key_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/log-key.pem");
        let made = Key::read_or_make(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Key::read_or_make(&path).unwrap().public("a"), made.public("a"));
        let other = Key::read_or_make(&folder.path().join("other.pem")).unwrap();
        assert_ne!(other.public("a"), made.public("a"));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Key::read_or_make(&path).unwrap_err().to_string().contains("chmod o-rwx"));
    }

    #[test]
    fn what_is_no_key_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        fs::write(&path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let before = fs::read(&path).unwrap();
        assert!(matches!(Key::read_or_make(&path), Err(KeyError::NoKey { .. })));
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let key = Key::from_seed([7; 32]);
        assert_eq!(format!("{key:?}"), "Key");
    }
}
