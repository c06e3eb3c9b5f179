//! Tests of bundles: officers with keys of their own, and what they sign.

mod any_change;
mod archive;
mod attacks;
mod chain;
mod manifest;
mod rotation;
mod signatures;
mod trust;

use super::{
    Act, BUNDLE, Bundle, Floor, Key, Manifest, Refusal, Rollback, Trust, TrustFile, Verified,
    archive::Members,
    choose,
    trust::{Person, PersonalKey},
};
use ed25519_dalek::Signer as _;
use jiff::Timestamp;
use ssh_key::{
    Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey, Signature, SshSig,
    private::Ed25519Keypair,
    public::{Ed25519PublicKey, KeyData, SkEd25519},
};
use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

/// A key of an officer. The number is its secret.
#[derive(Debug, Clone, Copy)]
enum Officer {
    /// In a file.
    Plain(u8),
    /// In a security key that says this of the person before it.
    Security(u8, u8),
}

const ANNA: Officer = Officer::Plain(1);
const ANNA_TOO: Officer = Officer::Plain(11);
const BRAM: Officer = Officer::Plain(2);
/// May sign for trust alone.
const DIRK: Officer = Officer::Plain(4);
/// Her key is over.
const EMMA: Officer = Officer::Plain(5);
/// His key begins later.
const FRED: Officer = Officer::Plain(6);
/// They may sign for rollbacks alone.
const HANS: Officer = Officer::Plain(8);
const INES: Officer = Officer::Plain(9);
const NOBODY: Officer = Officer::Plain(99);

const TOUCHED: u8 = 0x01;
const TOUCHED_WITH_PIN: u8 = 0x05;

/// Her key asks for a PIN.
const fn cora(flags: u8) -> Officer {
    Officer::Security(3, flags)
}

/// His key does not.
const fn gijs(flags: u8) -> Officer {
    Officer::Security(7, flags)
}

impl Officer {
    fn key(self) -> KeyData {
        match self {
            Self::Plain(seed) => KeyData::Ed25519(Ed25519Keypair::from_seed(&[seed; 32]).public),
            Self::Security(seed, _) => {
                let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
                KeyData::SkEd25519(SkEd25519::new(Ed25519PublicKey(key.verifying_key().to_bytes()), "ssh:"))
            }
        }
    }

    fn line(self) -> String {
        PublicKey::from(self.key()).to_openssh().unwrap()
    }

    fn id(self) -> String {
        Key::parse(&self.line()).unwrap().id()
    }

    fn sign(self, namespace: &str, text: &str) -> String {
        let signature = match self {
            Self::Plain(seed) => PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
                .sign(namespace, HashAlg::Sha512, text.as_bytes())
                .unwrap(),
            Self::Security(seed, flags) => {
                let data = SshSig::signed_data(namespace, HashAlg::Sha512, text.as_bytes()).unwrap();
                let trailer = [flags, 0, 0, 0, 9];
                let signed = [sha256(b"ssh:"), trailer.to_vec(), sha256(&data)].concat();
                let signature = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).sign(&signed);
                let bytes = [signature.to_bytes().as_slice(), &trailer].concat();
                let signature = Signature::new(Algorithm::SkEd25519, bytes).unwrap();
                SshSig::new(self.key(), namespace, HashAlg::Sha512, signature).unwrap()
            }
        };
        signature.to_pem(LineEnding::LF).unwrap()
    }
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).to_vec()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The moment of the tests.
fn now() -> Timestamp {
    at("2026-11-23T12:00:00Z")
}

fn person(name: &str, acts: &[Act], keys: Vec<PersonalKey>) -> Person {
    let organisation = "Voorbeeldkorps".to_owned();
    Person { name: name.to_owned(), organisation, acts: acts.iter().copied().collect::<BTreeSet<_>>(), keys }
}

fn personal(officer: Officer) -> PersonalKey {
    PersonalKey { key: officer.line(), from: None, until: None, pin: false }
}

fn trust_file() -> TrustFile {
    let all = &Act::ALL;
    let until = Some(at("2026-11-01T00:00:00Z"));
    let from = Some(at("2026-12-01T00:00:00Z"));
    let persons = vec![
        person("Anna Voorbeeld", all, vec![personal(ANNA), personal(ANNA_TOO)]),
        person("Bram Voorbeeld", all, vec![personal(BRAM)]),
        person("Cora Voorbeeld", &[Act::Bundle], vec![PersonalKey { pin: true, ..personal(cora(0)) }]),
        person("Dirk Voorbeeld", &[Act::Trust], vec![personal(DIRK)]),
        person("Emma Voorbeeld", all, vec![PersonalKey { until, ..personal(EMMA) }]),
        person("Fred Voorbeeld", all, vec![PersonalKey { from, ..personal(FRED) }]),
        person("Gijs Voorbeeld", &[Act::Bundle], vec![personal(gijs(0))]),
        person("Hans Voorbeeld", &[Act::Rollback], vec![personal(HANS)]),
        person("Ines Voorbeeld", &[Act::Rollback], vec![personal(INES)]),
    ];
    TrustFile::first("voorbeeld", 2, persons)
}

fn trust() -> Trust {
    static TRUST: LazyLock<Trust> = LazyLock::new(|| Trust::read(&trust_file().write()).unwrap());
    TRUST.clone()
}

fn files() -> Members {
    let text = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    Members::from([
        text("desk.cedar", "permit (principal, action, resource);"),
        text("schema.cedarschema", "entity Officer;"),
        text("tests/desk.yaml", "suite: desk"),
    ])
}

/// The active bundle of the tests.
fn floor() -> Floor {
    static FLOOR: LazyLock<Floor> = LazyLock::new(|| {
        let bundle = Bundle::new(Manifest { previous: Some(digest('a')), ..manifest(42) }, files(), None).unwrap();
        Floor { version: 42, digest: bundle.digest() }
    });
    FLOOR.clone()
}

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

fn manifest(version: u64) -> Manifest {
    let (created, expires) = (at("2026-11-20T08:00:00Z"), at("2027-02-20T08:00:00Z"));
    Manifest::new("voorbeeld", version, created, expires, &files())
}

/// The manifest of a bundle that may follow the active one.
fn next() -> Manifest {
    Manifest { previous: Some(floor().digest.to_string()), ..manifest(43) }
}

fn signed(manifest: Manifest, by: &[Officer]) -> Vec<u8> {
    // A first version has nothing to compare with.
    let review = (manifest.version > 1).then(|| (1, "# What changes\n".to_owned()));
    sign(Bundle::new(manifest, files(), review).unwrap(), BUNDLE, by)
}

fn sign(bundle: Bundle, namespace: &str, by: &[Officer]) -> Vec<u8> {
    let text = bundle.signed_text().to_owned();
    let add = |bundle: Bundle, officer: &Officer| bundle.with_signature(officer.id(), officer.sign(namespace, &text));
    by.iter().fold(bundle, add).write().unwrap()
}

/// What a sidecar with the active bundle 42 says of one that comes.
fn judge(bytes: &[u8]) -> Result<Arc<Verified>, Refusal> {
    let bundle = Arc::new(Verified::new(bytes, &trust(), now())?);
    bundle.in_time(now())?;
    let mut choice = choose(Some(&floor()), 0, [bundle]);
    match choice.refused.pop() {
        Some((_, refusal)) => Err(refusal),
        None => Ok(choice.newer.pop().expect("it is newer or refused")),
    }
}

fn rollback() -> Manifest {
    let rollback = Some(Rollback { to: 40, reason: "version 42 kept a unit from its work".to_owned() });
    Manifest { rollback, ..next() }
}
