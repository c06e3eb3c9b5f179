//! The keys that officers have, with the real `ssh-keygen`: files, an agent, and security keys made in software.

use super::*;
use ed25519_dalek::{Signer as _, SigningKey};
use poort::sources::bundle::{Signature, Trust, Verified};
use sha2::{Digest as _, Sha256};
use ssh_key::{
    Algorithm, HashAlg, LineEnding, PublicKey, SshSig,
    public::{Ed25519PublicKey, KeyData, SkEd25519},
};
use std::{
    io::{BufRead as _, BufReader},
    process::Child,
};

/// A security key made in software: its line, and its signature over a text with these flags.
fn security_key(flags: u8, text: &str) -> (String, String) {
    let secret = SigningKey::from_bytes(&[7; 32]);
    let key = SkEd25519::new(Ed25519PublicKey(secret.verifying_key().to_bytes()), "ssh:");
    let trailer = [flags, 0, 0, 0, 1];
    let data = SshSig::signed_data(BUNDLE, HashAlg::Sha512, text.as_bytes()).unwrap();
    let signed = [Sha256::digest("ssh:").to_vec(), trailer.to_vec(), Sha256::digest(data).to_vec()].concat();
    let bytes = [secret.sign(&signed).to_bytes().as_slice(), &trailer].concat();
    let signature = ssh_key::Signature::new(Algorithm::SkEd25519, bytes).unwrap();
    let key = KeyData::SkEd25519(key);
    let line = PublicKey::from(key.clone()).to_openssh().unwrap();
    let signature = SshSig::new(key, BUNDLE, HashAlg::Sha512, signature).unwrap();
    (line, signature.to_pem(LineEnding::LF).unwrap())
}

/// OpenSSH's own verdict on a signature over this text.
fn openssh_verifies(place: &Place, allowed: &str, principal: &str, pem: &str, text: &str) -> bool {
    let (signers, signature) = (place.path("allowed_signers"), place.path("one.sig"));
    fs::write(&signers, allowed).unwrap();
    fs::write(&signature, pem).unwrap();
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-n", BUNDLE, "-I", principal, "-f"])
        .arg(&signers)
        .arg("-s")
        .arg(&signature)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It may end before it has read all.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    child.wait().unwrap().success()
}

#[test]
fn openssh_verifies_what_poort_verifies_with_what_it_exports() {
    let place = Place::new();
    let bundle = place.sign(bundle(&files(1), 1, None), &["anna", "bram"]);
    let exported = run(["trust".as_ref(), "export".as_ref(), "--trust".as_ref(), place.path("trust.json").as_os_str()]);
    let (allowed, _) = check(&exported, 0);
    for (name, principal) in [("anna", "anna.Voorbeeld"), ("bram", "bram.Voorbeeld")] {
        let text = bundle.signed_text();
        let pem = ssh_keygen(&["-Y", "sign", "-q", "-n", BUNDLE, "-f"], Some(&place.path(name)), text);
        assert!(openssh_verifies(&place, &allowed, principal, &pem, text), "{name}");
        assert!(!openssh_verifies(&place, &allowed, principal, &pem, &format!("{text} ")), "{name}");
        let git = ssh_keygen(&["-Y", "sign", "-q", "-n", "git", "-f"], Some(&place.path(name)), text);
        assert!(!openssh_verifies(&place, &allowed, principal, &git, text), "{name}");
        assert!(Signature::verify(&stored(&git).unwrap(), BUNDLE, text).is_err(), "{name}");
    }
}

/// An agent of OpenSSH with one key, which is in no file any more: as with a PIV card.
struct Agent {
    process: Child,
    socket: PathBuf,
}

impl Agent {
    fn with(place: &Place, name: &str) -> Self {
        let (socket, key) = (place.path("agent.sock"), place.path(name));
        let mut command = Command::new("ssh-agent");
        command.arg("-D").arg("-a").arg(&socket).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        // It says where it listens.
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let agent = Self { process, socket };
        let added = Command::new("ssh-add").arg("-q").arg(&key).env("SSH_AUTH_SOCK", &agent.socket).status().unwrap();
        assert!(added.success(), "{line}");
        fs::remove_file(key).unwrap();
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_key_that_only_an_agent_has_signs() {
    let place = Place::new();
    let file = place.path("voorbeeld-1.tar");
    fs::write(&file, place.sign(bundle(&files(1), 1, None), &["bram"]).write().unwrap()).unwrap();
    let agent = Agent::with(&place, "anna");
    let sign = |socket: &Path| {
        let mut poort = Command::new(env!("CARGO_BIN_EXE_poort"));
        poort.args(["bundle", "sign"]).arg(&file).arg("--key").arg(place.path("anna.pub"));
        poort.env("SSH_AUTH_SOCK", socket).output().unwrap()
    };
    let (_, told) = check(&sign(Path::new("/nowhere")), 1);
    assert!(told.contains("ssh-keygen: it ended with"), "{told}");
    let (signed, _) = check(&sign(&agent.socket), 0);
    assert!(signed.contains("signed version 1 with SHA256:"), "{signed}");
    let trust = Trust::pinned(&fs::read(place.path("trust.json")).unwrap()).unwrap();
    let verified = Verified::new(&fs::read(file).unwrap(), &trust, Timestamp::now()).unwrap();
    let persons: Vec<_> = verified.tally().signers.iter().map(|signer| signer.person.as_str()).collect();
    assert_eq!(persons, ["anna Voorbeeld", "bram Voorbeeld"]);
}

/// `ssh-keygen` calls a signature good that nobody touched a key for. poort does not count it.
#[test]
fn a_security_key_that_nobody_touched_does_not_count() {
    let place = Place::new();
    let bundle = place.sign(bundle(&files(1), 1, None), &["bram"]);
    let text = bundle.signed_text().to_owned();
    let (line, _) = security_key(0, &text);
    let key = |key: String, pin| PersonalKey { key, from: None, until: None, pin };
    let person = |name: &str, key: PersonalKey| Person {
        name: name.to_owned(),
        organisation: "Voorbeeldkorps".to_owned(),
        acts: Act::ALL.into_iter().collect(),
        keys: vec![key],
    };
    let bram = key(fs::read_to_string(place.path("bram.pub")).unwrap(), false);
    for (pin, flags, counts) in [(false, 0, false), (false, 1, true), (true, 1, false), (true, 5, true)] {
        let persons = vec![person("Bram Voorbeeld", bram.clone()), person("Dirk Voorbeeld", key(line.clone(), pin))];
        let trust = Trust::read(&TrustFile::first("voorbeeld", 2, persons).write()).unwrap();
        let (_, pem) = security_key(flags, &text);
        assert!(openssh_verifies(&place, &trust.allowed_signers(), "Dirk.Voorbeeld", &pem, &text), "flags {flags}");
        let id = Key::parse(&line).unwrap().id();
        let bytes = bundle.clone().with_signature(id, pem).write().unwrap();
        let verified = Verified::new(&bytes, &trust, Timestamp::now());
        assert_eq!(verified.is_ok(), counts, "pin {pin}, flags {flags}: {verified:?}");
    }
}
