//! The key that signs checkpoints, and the public keys that check them.

use ed25519_dalek::{
    Signer as _, SigningKey,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, spki::der::pem::LineEnding},
};
use rand::Rng as _;
use signed_note::{StandardVerifier, VerifierList, key_id, new_ed25519_verifier_key};
use std::{
    fmt, fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
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

/// The key cannot be used.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("cannot {what} the key of the log, `{}`", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// It is no key.
    #[error(
        "`{}` is no Ed25519 private key in PEM form (PKCS #8), as `openssl genpkey -algorithm ed25519` makes it",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// Others can read it.
    #[error(
        "others than its owner and group can read the key of the log, `{}` (mode {mode:03o}); take that away: chmod o-rwx",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

impl Key {
    /// Reads the key.
    ///
    /// # Errors
    /// The file is not there, is no key, or can be read by everybody.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Io { what: "read", path: path.into(), source };
        let text = fs::read_to_string(path).map_err(failed)?;
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o007 != 0 {
            return Err(KeyError::Exposed { path: path.into(), mode });
        }
        SigningKey::from_pkcs8_pem(&text).map(Self).map_err(|_| KeyError::NoKey { path: path.into() })
    }

    /// Reads the key, or makes one where there is no file.
    ///
    /// # Errors
    /// The file cannot be made, is no key, or can be read by everybody.
    pub fn read_or_make(path: &Path) -> Result<Self, KeyError> {
        match Self::read(path) {
            Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Self::make(path),
            read => read,
        }
    }

    fn make(path: &Path) -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        rand::rng().fill_bytes(&mut seed);
        let key = SigningKey::from_bytes(&seed);
        let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::NoKey { path: path.into() })?;
        let write = || {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            // Under another name first, so that a crash leaves no half key.
            let unfinished = path.with_extension(format!("{}.new", std::process::id()));
            let mut options = fs::OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            file.write_all(pem.as_bytes())?;
            file.sync_all()?;
            // Another process may have made one meanwhile. Its key stays.
            let linked = fs::hard_link(&unfinished, path);
            fs::remove_file(&unfinished)?;
            linked?;
            fs::File::open(folder)?.sync_all()
        };
        match write() {
            Ok(()) => Ok(Self(key)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::read(path),
            Err(source) => Err(KeyError::Io { what: "make", path: path.into(), source }),
        }
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

    /// The same key under a name, to sign notes.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> Named<'a> {
        Named { name, key: &self.0 }
    }
}

/// A key that signs under a name.
pub(super) struct Named<'a> {
    name: &'a str,
    key: &'a SigningKey,
}

impl signed_note::Signer for Named<'_> {
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
pub struct BadKey(String);

impl PublicKeys {
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
