//! Cosignatures of witnesses: C2SP `tlog-cosignature`, `cosignature/v1` with Ed25519.
//!
//! A witness says with it: at this time I had seen no other history of this log, and none that is longer. The form with
//! ML-DSA-44 is not read: one such signature is longer than all the rest of a receipt.

use super::key::{BadKey, Key};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::{Signature as Ed25519, Signer as _, Verifier as _, VerifyingKey};
use signed_note::{Note, NoteError, Signature, Verifier, VerifierList, is_key_name_valid, key_id};

/// The C2SP number of timestamped Ed25519 cosignatures.
const COSIGNATURE: u8 = 4;

/// The public key of a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    id: u32,
    key: VerifyingKey,
}

/// A cosignature that verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// When it was made, by the clock of the witness, in seconds since 1970.
    pub time: u64,
    /// Its line in a note, with the line break.
    pub line: String,
}

/// A note with the name of a witness whose signature is wrong, or no note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has not the form of a signed note, or the signature of a witness in it is wrong")]
pub struct WrongCosignature;

impl WitnessKey {
    /// Reads a key in the C2SP form: `<name>+<key id>+<base64>`, of the kind of cosignatures.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let parse = || {
            let (name, rest) = text.split_once('+')?;
            let (id, key) = rest.split_once('+')?;
            let key = BASE64.decode(key).ok()?;
            let (kind, public) = key.split_first()?;
            let public = public.try_into().ok().filter(|_| *kind == COSIGNATURE && is_key_name_valid(name))?;
            // A key of small order verifies signatures that nobody made.
            let public = VerifyingKey::from_bytes(public).ok().filter(|public| !public.is_weak())?;
            let own = Self { name: name.to_owned(), id: key_id(name, &key), key: public };
            (format!("{:08x}", own.id) == id).then_some(own)
        };
        parse().ok_or_else(|| BadKey(text.to_owned()))
    }

    /// The name of the witness.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is the same key, under whatever name.
    #[must_use]
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.key == other.key
    }

    /// Its cosignature under a note. `None` where it has none.
    ///
    /// # Errors
    /// There is one, and it is wrong.
    pub fn find(&self, note: &str) -> Result<Option<Cosignature>, WrongCosignature> {
        let note = Note::from_bytes(note.as_bytes()).map_err(|_| WrongCosignature)?;
        let verified = match note.verify(&VerifierList::new(vec![Box::new(self.clone())])) {
            Ok((verified, _)) => verified,
            Err(NoteError::UnverifiedNote) => return Ok(None),
            Err(_) => return Err(WrongCosignature),
        };
        Ok(verified.first().and_then(|signature| {
            let (time, _) = split(signature.signature())?;
            Some(Cosignature { time, line: String::from_utf8(signature.to_bytes()).ok()? })
        }))
    }
}

impl Verifier for WitnessKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        split(signature).is_some_and(|(time, signature)| self.key.verify(&message(time, text), &signature).is_ok())
    }
}

impl Key {
    /// Its public part for cosignatures under this name.
    #[must_use]
    pub fn public_witness(&self, name: &str) -> String {
        let public = self.cosigner();
        format!("{name}+{:08x}+{}", key_id(name, &public), BASE64.encode(public))
    }

    /// Cosigns a note, at this time in seconds since 1970: the line of the cosignature. `None` where that is no note, or
    /// the name no name.
    #[must_use]
    pub fn cosign(&self, name: &str, note: &str, time: u64) -> Option<String> {
        let note = Note::from_bytes(note.as_bytes()).ok()?;
        let signed = self.signing().sign(&message(time, note.text()));
        let bytes = [time.to_be_bytes().as_slice(), &signed.to_bytes()].concat();
        let signature = Signature::new(name.to_owned(), key_id(name, &self.cosigner()), bytes).ok()?;
        String::from_utf8(signature.to_bytes()).ok()
    }

    fn cosigner(&self) -> Vec<u8> {
        [[COSIGNATURE].as_slice(), self.signing().verifying_key().as_bytes()].concat()
    }
}

fn message(time: u64, text: &[u8]) -> Vec<u8> {
    [format!("cosignature/v1\ntime {time}\n").as_bytes(), text].concat()
}

/// The time and the signature.
fn split(signature: &[u8]) -> Option<(u64, Ed25519)> {
    let (time, signature) = signature.split_at_checked(8)?;
    let time = u64::from_be_bytes(time.try_into().ok()?);
    Some((time, Ed25519::from_bytes(signature.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &str =
        "poort/here/1\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u{2014} poort/here/1 AAAAAAAA\n";

    #[test]
    fn a_cosignature_verifies_with_its_time_and_no_other() {
        let key = Key::from_seed([1; 32]);
        let witness = WitnessKey::parse(&key.public_witness("witness.example/one")).unwrap();
        let line = key.cosign("witness.example/one", NOTE, 1_790_000_000).unwrap();
        let note = format!("{NOTE}{line}");
        let expected = Cosignature { time: 1_790_000_000, line: line.clone() };
        assert_eq!(witness.find(&note), Ok(Some(expected)));
        assert_eq!(witness.find(NOTE), Ok(None));
        let other = WitnessKey::parse(&Key::from_seed([2; 32]).public_witness("witness.example/one")).unwrap();
        assert_eq!(other.find(&note), Ok(None));
        assert_eq!(witness.find(&note.replace("\n1\n", "\n2\n")), Err(WrongCosignature));
        let bytes = BASE64.decode(line.trim().rsplit(' ').next().unwrap()).unwrap();
        for at in 4..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let note = format!("{NOTE}\u{2014} witness.example/one {}\n", BASE64.encode(bytes));
            assert_eq!(witness.find(&note), Err(WrongCosignature), "byte {at}");
        }
    }

    #[test]
    fn what_is_no_key_of_a_witness_is_refused() {
        let key = Key::from_seed([1; 32]);
        let good = key.public_witness("one");
        assert!(WitnessKey::parse(&good).is_ok());
        // A key of a log, another name, another id, a key of small order.
        let weak = [[COSIGNATURE].as_slice(), &[0; 32]].concat();
        let weak = format!("one+{:08x}+{}", key_id("one", &weak), BASE64.encode(&weak));
        for text in [key.public("one"), good.replacen("one", "two", 1), good.replace('+', ""), weak, String::new()] {
            assert!(WitnessKey::parse(&text).is_err(), "{text}");
        }
    }
}
