//! The trust file: which persons may sign, with which keys, and how many of them each act takes.
//!
//! The first is a file on the host of the sidecar, and the configuration names it; `rotation` says which others follow. What counts is persons: two keys of one person are
//! one, and a key belongs to one person.

use super::{
    manifest::{GREATEST, digest_of, is_store},
    signature::{Key, Presence, Signature},
};
use crate::types::revision::Revision;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// The form of trust files.
const FORMAT: u32 = 1;

/// No act takes fewer persons.
const FEWEST: usize = 2;

/// What persons sign for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// To put policies live.
    Bundle,
    /// To bring back earlier ones.
    Rollback,
    /// To change who may sign.
    Trust,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bundle, Self::Rollback, Self::Trust];

    /// Its name in trust files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Rollback => "rollback",
            Self::Trust => "trust",
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A trust file as it is written. **Invariant:** here and in its parts, the members are in the order of their names, as canonical JSON
/// asks (`src/sources/bundle/tests/rotation.rs::the_written_form_is_canonical`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustFile {
    /// Its form.
    pub format: u32,
    /// Who may sign.
    pub persons: Vec<Person>,
    /// The digest of the trust file before it. `None`: it is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The store whose bundles it is about.
    pub store: String,
    /// How many persons each act takes.
    pub thresholds: Thresholds,
    /// One above that of the trust file before it.
    pub version: u64,
}

/// How many persons each act takes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the acts are explained at `Act`")]
pub struct Thresholds {
    pub bundle: usize,
    pub rollback: usize,
    pub trust: usize,
}

impl Thresholds {
    /// That of an act.
    #[must_use]
    pub const fn of(&self, act: Act) -> usize {
        match act {
            Act::Bundle => self.bundle,
            Act::Rollback => self.rollback,
            Act::Trust => self.trust,
        }
    }
}

/// A person who may sign.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// What for.
    pub acts: BTreeSet<Act>,
    /// With which keys.
    pub keys: Vec<PersonalKey>,
    /// The name, by which records name the person.
    pub name: String,
    /// The organisation.
    pub organisation: String,
}

/// A key of a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonalKey {
    /// From when on it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The line of its `.pub` file.
    pub key: String,
    /// Whether a security key must have asked for its PIN. It must be touched in any case.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pin: bool,
    /// Until when it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A trust file that was checked.
#[derive(Debug, Clone)]
pub struct Trust {
    file: TrustFile,
    digest: Revision,
    /// The person and the place of each key, by the key's id.
    keys: BTreeMap<String, (usize, usize)>,
}

/// A person who signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signer {
    /// The name.
    pub person: String,
    /// The organisation.
    pub organisation: String,
    /// The fingerprint of the key.
    pub key: String,
}

/// Who signed, and who could still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// For what.
    pub act: Act,
    /// How many persons it takes.
    pub threshold: usize,
    /// The persons whose signatures count, each once.
    pub signers: Vec<Signer>,
    /// Signatures that do not count, and why.
    pub others: Vec<String>,
    /// The persons who may sign and did not.
    pub missing: Vec<String>,
}

impl Tally {
    /// Whether enough persons signed.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.signers.len() >= self.threshold
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { act, threshold, signers, others, missing } = self;
        let signed: Vec<_> = signers.iter().map(|signer| signer.person.as_str()).collect();
        let signed = if signed.is_empty() { "nobody".to_owned() } else { signed.join(", ") };
        write!(f, "`{act}` takes {threshold} persons; signed by {signed}")?;
        if !self.is_enough() {
            let missing = if missing.is_empty() { "nobody else may sign".to_owned() } else { missing.join(", ") };
            write!(f, "; missing {} of: {missing}", threshold - signers.len())?;
        }
        others.iter().try_for_each(|other| write!(f, "; not counted: {other}"))
    }
}

impl Trust {
    /// Reads a trust file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let file: TrustFile = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let TrustFile { format, store, version, previous, thresholds, persons } = &file;
        if *format != FORMAT {
            return Err(format!("`format` is {format}; this poort reads {FORMAT}"));
        }
        if !is_store(store) {
            return Err("`store` is not a name of ASCII letters, digits and `._-`".to_owned());
        }
        if *version == 0 || *version > GREATEST || (*version == 1) != previous.is_none() {
            return Err("`version` is at least 1 and less than 2⁵³, and `previous` is there exactly where it is more"
                .to_owned());
        }
        if previous.as_ref().is_some_and(|previous| Revision::parse(previous).is_none()) {
            return Err("`previous` is no digest".to_owned());
        }
        let (mut keys, mut names) = (BTreeMap::new(), BTreeSet::new());
        for (at, person) in persons.iter().enumerate() {
            if !is_name(&person.name) || !is_name(&person.organisation) {
                return Err(format!(
                    "`persons[{at}]`: name and organisation have 1 to 100 letters, digits, spaces and `.'-`"
                ));
            }
            if !names.insert(person.name.to_lowercase()) {
                return Err(format!(
                    "`persons[{at}]`: {} is there twice; a person has one entry with all keys",
                    person.name
                ));
            }
            for (place, personal) in person.keys.iter().enumerate() {
                let field = format!("`persons[{at}].keys[{place}]` of {}", person.name);
                let key = Key::parse(&personal.key).map_err(|message| format!("{field}: {message}"))?;
                if personal.pin && !key.is_security_key() {
                    return Err(format!("{field}: `pin` is for security keys (sk-…); another key does not tell of it"));
                }
                if personal.from.zip(personal.until).is_some_and(|(from, until)| from >= until) {
                    return Err(format!("{field}: `until` is not after `from`"));
                }
                if keys.insert(key.id(), (at, place)).is_some() {
                    return Err(format!("{field}: the key is there twice; a key belongs to one person"));
                }
            }
        }
        for act in Act::ALL {
            let takes = thresholds.of(act);
            let may = persons.iter().filter(|person| person.acts.contains(&act) && !person.keys.is_empty()).count();
            if takes < FEWEST {
                return Err(format!("`thresholds.{act}` is {takes}; an act takes at least {FEWEST} persons"));
            }
            if may < takes {
                return Err(format!("`thresholds.{act}` is {takes}, and {may} persons with a key may sign for it"));
            }
        }
        Ok(Self { digest: digest_of(text), keys, file })
    }

    /// What it says.
    #[must_use]
    pub const fn file(&self) -> &TrustFile {
        &self.file
    }

    /// The digest of its text.
    #[must_use]
    pub const fn digest(&self) -> &Revision {
        &self.digest
    }

    /// From when on keys count that have a beginning.
    pub(super) fn begins(&self) -> impl Iterator<Item = Timestamp> {
        self.file.persons.iter().flat_map(|person| &person.keys).filter_map(|key| key.from)
    }

    /// Counts who signed this text for an act. A key must be valid at all these times.
    ///
    /// # Errors
    /// A signature does not fit the text, or has another name than its key: somebody changed it.
    pub(super) fn tally(
        &self,
        act: Act,
        (namespace, text): (&str, &str),
        signatures: &BTreeMap<String, String>,
        times: &[Timestamp],
    ) -> Result<Tally, String> {
        let mut signers = BTreeMap::new();
        let (mut others, mut unknown) = (Vec::new(), 0_usize);
        for (id, pem) in signatures {
            // What somebody adds costs nothing to verify.
            if !self.keys.contains_key(id) {
                unknown += 1;
                continue;
            }
            let signature =
                Signature::verify(pem, namespace, text).map_err(|message| format!("signature `{id}` {message}"))?;
            if signature.key.id() != *id {
                return Err(format!("signature `{id}` is named after another key than its own"));
            }
            let key = signature.key.fingerprint();
            match self.person(&signature, act, times) {
                Ok(person) => {
                    let Person { name, organisation, .. } = person;
                    let signer = Signer { person: name.clone(), organisation: organisation.clone(), key };
                    signers.entry(name.clone()).or_insert(signer);
                }
                Err(why) => others.push(format!("{key} {why}")),
            }
        }
        if unknown > 0 {
            others.push(format!("{unknown} of keys that are in no entry of the trust file"));
        }
        let may = self.file.persons.iter().filter(|person| person.acts.contains(&act) && !person.keys.is_empty());
        let missing = may.map(|person| person.name.clone()).filter(|name| !signers.contains_key(name)).collect();
        let signers = signers.into_values().collect();
        Ok(Tally { act, threshold: self.file.thresholds.of(act), signers, others, missing })
    }

    /// The person for whom a signature counts, or why it does not.
    fn person(&self, signature: &Signature, act: Act, times: &[Timestamp]) -> Result<&Person, String> {
        let found = self.keys.get(&signature.key.id()).and_then(|(person, key)| {
            let person = self.file.persons.get(*person)?;
            Some((person, person.keys.get(*key)?))
        });
        let Some((person, personal)) = found else { return Err("is in no entry of the trust file".to_owned()) };
        let name = &person.name;
        if !person.acts.contains(&act) {
            return Err(format!("is of {name}, who may not sign for `{act}`"));
        }
        let is_valid = |at: &Timestamp| {
            personal.from.is_none_or(|from| from <= *at) && personal.until.is_none_or(|until| *at < until)
        };
        if !times.iter().all(is_valid) {
            return Err(format!("is of {name}, and not valid at this time"));
        }
        match signature.presence {
            Some(Presence { touched: false, .. }) => Err(format!("is of {name}, and nobody touched it")),
            Some(Presence { verified: false, .. }) if personal.pin => {
                Err(format!("is of {name}, and did not ask for its PIN"))
            }
            _ => Ok(person),
        }
    }

    /// The keys as `allowed_signers` of OpenSSH, so that `ssh-keygen -Y verify` is all that an auditor needs. It does not look at
    /// touch, PIN, thresholds, and for which of the two acts on bundles a person may sign.
    #[must_use]
    pub fn allowed_signers(&self) -> String {
        let mut lines = String::new();
        let stamp = |at: Timestamp| at.strftime("%Y%m%d%H%M%SZ").to_string();
        for person in &self.file.persons {
            let acts = &person.acts;
            let bundles = (acts.contains(&Act::Bundle) || acts.contains(&Act::Rollback)).then_some(super::BUNDLE);
            let trust = acts.contains(&Act::Trust).then_some(super::TRUST);
            let namespaces = bundles.into_iter().chain(trust).collect::<Vec<_>>().join(",");
            if namespaces.is_empty() {
                continue;
            }
            for personal in &person.keys {
                let line = Key::parse(&personal.key).map(|key| key.line()).unwrap_or_default();
                let name = person.name.split_whitespace().collect::<Vec<_>>().join(".");
                lines.push_str(&format!("{name} namespaces=\"{namespaces}\""));
                lines.extend(personal.from.map(|from| format!(",valid-after=\"{}\"", stamp(from))));
                lines.extend(personal.until.map(|until| format!(",valid-before=\"{}\"", stamp(until))));
                lines.push_str(&format!(" {line}\n"));
            }
        }
        lines
    }
}

impl TrustFile {
    /// The first trust file of a store.
    #[must_use]
    pub fn first(store: &str, threshold: usize, persons: Vec<Person>) -> Self {
        let thresholds = Thresholds { bundle: threshold, rollback: threshold, trust: threshold };
        Self { format: FORMAT, store: store.to_owned(), version: 1, previous: None, thresholds, persons }
    }

    /// Its text in canonical form, in which the next one is signed.
    #[must_use]
    pub fn canonical(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Its text.
    #[must_use]
    pub fn write(&self) -> String {
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }
}

/// Whether a text can be a name in a record, in a message and in `allowed_signers`.
fn is_name(name: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || " .'-".contains(character);
    !name.trim().is_empty() && name.trim() == name && name.chars().count() <= 100 && name.chars().all(is_part)
}
