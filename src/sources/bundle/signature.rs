//! Signatures of officers: SSHSIG, as `ssh-keygen -Y sign` makes them, over one text for one purpose.
//!
//! `ssh-keygen -Y verify` does not look at what a security key says of the touch and the PIN (tried with OpenSSH 9.2), nor does
//! the crate. So [`Signature`] tells it, and the trust file decides.

use sha2::{Digest as _, Sha256};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, LineEnding, PublicKey, SshSig, public::KeyData};

/// The namespace of signatures over manifests.
pub const BUNDLE: &str = "poort-bundle";
/// The namespace of signatures over trust files.
pub const TRUST: &str = "poort-trust";

/// Where archives hold signatures, and how the names of these end.
const FOLDER: &str = "signatures/";
const ENDING: &str = ".sig";

/// Somebody touched the key.
const TOUCHED: u8 = 0x01;
/// Somebody gave its PIN, or a fingerprint.
const VERIFIED: u8 = 0x04;

/// A signature that fits a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The key.
    pub key: Key,
    /// Of a security key: what it says of the person before it.
    pub presence: Option<Presence>,
}

/// What a security key says of the person before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// Somebody touched it.
    pub touched: bool,
    /// Somebody gave its PIN, or a fingerprint.
    pub verified: bool,
}

/// A public key that may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(KeyData);

impl Key {
    /// Reads a line as in `id_ed25519.pub`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(line: &str) -> Result<Self, String> {
        let key =
            PublicKey::from_openssh(line.trim()).map_err(|error| format!("is no public key of OpenSSH: {error}"))?;
        Self::of(key.key_data().clone())
    }

    fn of(data: KeyData) -> Result<Self, String> {
        match data.algorithm() {
            Algorithm::Ed25519 | Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => {}
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 | EcdsaCurve::NistP384 } => {}
            other => return Err(format!("is of the kind {other}; use Ed25519, P-256 or P-384, or a security key")),
        }
        let point = match &data {
            KeyData::Ed25519(key) => Some(&key.0),
            KeyData::SkEd25519(key) => Some(&key.public_key().0),
            _ => None,
        };
        // Anybody can sign for a key of small order.
        let is_sound = |point| ed25519_dalek::VerifyingKey::from_bytes(point).is_ok_and(|key| !key.is_weak());
        if point.is_some_and(|point| !is_sound(point)) { Err("is a weak key".to_owned()) } else { Ok(Self(data)) }
    }

    /// Its name in archives: the digest of its bytes, in hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        let bytes = PublicKey::from(self.0.clone()).to_bytes().unwrap_or_default();
        format!("{:x}", Sha256::digest(bytes))
    }

    /// Its fingerprint, as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Its kind and its bytes, as in `authorized_keys`.
    #[must_use]
    pub fn line(&self) -> String {
        PublicKey::from(self.0.clone()).to_openssh().unwrap_or_default()
    }

    /// Whether it is in a security key, which tells of touch and PIN.
    #[must_use]
    pub fn is_security_key(&self) -> bool {
        self.0.is_sk_ed25519() || self.0.is_sk_ecdsa_p256()
    }
}

impl Signature {
    /// Verifies a signature over this text in this namespace.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(pem: &str, namespace: &str, text: &str) -> Result<Self, String> {
        let signature = SshSig::from_pem(pem).map_err(|error| format!("cannot be read: {error}"))?;
        // One signature has one form: nothing can be hidden beside it.
        if canonical(&signature).as_deref() != Some(pem) || signature.version() != SshSig::VERSION {
            return Err("is not in the form that `poort bundle sign` and `poort trust sign` store".to_owned());
        }
        if !signature.reserved().is_empty() {
            return Err("has members that poort does not know".to_owned());
        }
        if signature.namespace() != namespace {
            return Err(format!("is for `{}`, not for `{namespace}`", signature.namespace()));
        }
        let key = Key::of(signature.public_key().clone()).map_err(|message| format!("has a key that {message}"))?;
        PublicKey::from(key.0.clone())
            .verify(namespace, text.as_bytes(), &signature)
            .map_err(|_| "does not fit what is signed".to_owned())?;
        let presence = key.is_security_key().then(|| {
            let flags = signature.signature_bytes().iter().rev().nth(4).copied().unwrap_or_default();
            Presence { touched: flags & TOUCHED != 0, verified: flags & VERIFIED != 0 }
        });
        Ok(Self { key, presence })
    }
}

/// The member of an archive that holds the signature of the key with this id.
pub(super) fn member_of(id: &str) -> String {
    format!("{FOLDER}{id}{ENDING}")
}

/// The id of the key whose signature this member of an archive holds.
pub(super) fn id_of(member: &str) -> Option<&str> {
    member.strip_prefix(FOLDER)?.strip_suffix(ENDING)
}

/// A signature as `ssh-keygen` wrote it, in the form that is stored. `None`: it is none.
#[must_use]
pub fn stored(pem: &str) -> Option<String> {
    canonical(&SshSig::from_pem(pem.trim()).ok()?)
}

fn canonical(signature: &SshSig) -> Option<String> {
    signature.to_pem(LineEnding::LF).ok()
}
