//! Signed bundles with the real binary and the real `ssh-keygen`: who gets policies live, and who does not.

mod activation;
mod crashes;
mod floor;
mod keys;
mod officers;
mod rotation;
mod times;
mod trust_attacks;

use crate::support::{Sidecar, check, folder, policies, run, until};
use jiff::{SignedDuration, Timestamp};
use poort::sources::bundle::{
    Act, BUNDLE, Bundle, Key, Manifest, Person, PersonalKey, Rollback, TrustFile, archive::Members, stored,
};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const SCHEMA: &str = "entity User;\n@source(\"request\")\nentity Doc { level: Long };\n\
                      action read appliesTo { principal: [User], resource: [Doc] };\n";
const USERS: &str = r#"[{"uid": {"type": "User", "id": "kim"}, "attrs": {}, "parents": []}]"#;

/// The files of a policy folder that lets everybody read up to this level.
fn files(level: i64) -> Members {
    let policy = format!(
        "@id(\"read\")\n@title(\"Read up to level {level}\")\n\
         permit (principal, action == Action::\"read\", resource)\nwhen {{ resource.level <= {level} }};\n"
    );
    let texts = [("read.cedar", policy.as_str()), ("schema.cedarschema", SCHEMA), ("directory/users.json", USERS)];
    texts.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

fn question(level: i64) -> Value {
    let resource = json!({"type": "Doc", "id": "d", "properties": {"level": level}});
    json!({"subject": {"type": "User", "id": "kim"}, "action": {"name": "read"}, "resource": resource})
}

/// A place with officers' keys, a trust file, and the folder of a courier.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: folder() };
        for (name, kind) in [("anna", "ed25519"), ("anna-too", "ed25519"), ("bram", "ecdsa"), ("cora", "ed25519")] {
            ssh_keygen(&["-q", "-t", kind, "-N", "", "-C", name, "-f"], Some(&place.path(name)), "");
        }
        fs::create_dir(place.path("courier")).unwrap();
        place.trust(&["anna", "bram", "cora"]);
        place
    }

    /// A place with a bundle of the repository's own policies.
    pub fn of_the_repository() -> Self {
        let place = Self::new();
        let (policies, mut files) = (policies(), Members::new());
        let mut folders = vec![policies.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&policies).unwrap().to_str().unwrap().to_owned();
                    files.insert(name, fs::read_to_string(path).unwrap());
                }
            }
        }
        place.bring(&place.sign(bundle(&files, 1, None), &["anna", "bram"]));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a trust file in which these keys count, and Anna's second one as hers.
    fn trust(&self, names: &[&str]) {
        let key = |name: &str| {
            let key = fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap();
            PersonalKey { key, from: None, until: None, pin: false }
        };
        let person = |name: &&str| Person {
            name: format!("{name} Voorbeeld"),
            organisation: "Voorbeeldkorps".to_owned(),
            acts: Act::ALL.into_iter().collect(),
            keys: if *name == "anna" { vec![key("anna"), key("anna-too")] } else { vec![key(name)] },
        };
        let file = TrustFile::first("voorbeeld", 2, names.iter().map(person).collect());
        fs::write(self.path("trust.json"), file.write()).unwrap();
    }

    /// Signs a bundle with `ssh-keygen`.
    fn sign(&self, bundle: Bundle, by: &[&str]) -> Bundle {
        let text = bundle.signed_text().to_owned();
        by.iter().fold(bundle, |bundle, name| {
            let pem = ssh_keygen(&["-Y", "sign", "-q", "-n", BUNDLE, "-f"], Some(&self.path(name)), &text);
            let key = Key::parse(&fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap()).unwrap();
            bundle.with_signature(key.id(), stored(&pem).unwrap())
        })
    }

    /// Brings a bundle to the courier's folder as a courier does: under another name first.
    fn bring(&self, bundle: &Bundle) {
        self.bring_bytes(&format!("voorbeeld-{:03}.tar", bundle.manifest().version), &bundle.write().unwrap());
    }

    fn bring_bytes(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path("unfinished"), bytes).unwrap();
        fs::rename(self.path("unfinished"), self.path("courier").join(name)).unwrap();
    }

    /// The configuration of a sidecar here, with more keys of its part on bundles.
    pub fn config(&self, more: &str) -> String {
        let (trust, courier) = (self.path("trust.json"), self.path("courier"));
        format!("[bundle]\ntrust = {trust:?}\nfolder = {courier:?}\nstore = \"voorbeeld\"\n{more}\n")
    }

    /// A sidecar here whose policy folder allows everything, if anybody reads it.
    fn sidecar(&self, more: &str) -> crate::support::Starting {
        let unsigned = self.path("policies");
        for (path, text) in files(1_000) {
            fs::create_dir_all(unsigned.join(&path).parent().unwrap()).unwrap();
            fs::write(unsigned.join(path), text).unwrap();
        }
        Sidecar::builder().policies(unsigned).data(self.path("data")).config(&self.config(more))
    }
}

/// What a start that failed said, on one line.
fn said(ended: &crate::support::Ended) -> String {
    ended.log.split_whitespace().filter(|word| !["│", "×", "╰─▶"].contains(word)).collect::<Vec<_>>().join(" ")
}

/// A bundle of these files, from an hour ago to a day from now.
fn bundle(files: &Members, version: u64, previous: Option<&Bundle>) -> Bundle {
    changed(files, version, previous, |_| {})
}

fn changed(files: &Members, version: u64, previous: Option<&Bundle>, change: impl FnOnce(&mut Manifest)) -> Bundle {
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let (created, expires) = (now - SignedDuration::from_hours(1), now + SignedDuration::from_hours(24));
    let mut manifest = Manifest::new("voorbeeld", version, created, expires, files);
    let first = (version > 1).then(|| format!("sha256:{}", "a".repeat(64)));
    manifest.previous = previous.map(|previous| previous.digest().to_string()).or(first);
    change(&mut manifest);
    Bundle::new(manifest, files.clone(), None).unwrap()
}

#[track_caller]
fn ssh_keygen(arguments: &[&str], key: Option<&Path>, input: &str) -> String {
    let mut command = Command::new("ssh-keygen");
    command.args(arguments).args(key).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // `tests/run` installs it.
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// What operators see of bundles.
async fn status(sidecar: &Sidecar) -> Value {
    sidecar.operators("/readyz").await.json()["bundle"].clone()
}

async fn until_version(sidecar: &Sidecar, version: u64) {
    until("the bundle", async || (status(sidecar).await["version"] == version).then_some(())).await;
}

async fn until_refused(sidecar: &Sidecar, code: &str) -> String {
    let refused = async || {
        let refused = status(sidecar).await["refused"].clone();
        (refused["code"] == code).then(|| refused["message"].as_str().unwrap().to_owned())
    };
    until("the refusal", refused).await
}

/// The highest level that may be read.
async fn level(sidecar: &Sidecar) -> i64 {
    let mut highest = 0;
    for level in [1, 2, 3, 4, 1_000] {
        if sidecar.evaluate(&question(level)).await["decision"] == true {
            highest = level;
        }
    }
    highest
}

/// The records of bundles in a data folder: event, version or code.
fn recorded(data: &Path) -> Vec<Value> {
    let output = run(["log".as_ref(), "cat".as_ref(), "--data".as_ref(), data.as_os_str()]);
    let (text, _) = check(&output, 0);
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|record| record["event_name"].as_str().unwrap().starts_with("poort.bundle.")).collect()
}

/// The same in short.
fn history(data: &Path) -> Vec<String> {
    let short = |record: Value| {
        let attributes = &record["attributes"];
        let what = match &attributes["poort.bundle.code"] {
            Value::String(code) => code.clone(),
            _ => attributes["poort.bundle.version"].to_string(),
        };
        format!("{} {what}", record["event_name"].as_str().unwrap().trim_start_matches("poort.bundle."))
    };
    recorded(data).into_iter().map(short).collect()
}

fn rollback(to: u64) -> impl FnOnce(&mut Manifest) {
    move |manifest| manifest.rollback = Some(Rollback { to, reason: "a unit could not work".to_owned() })
}
