//! The policy for witnesses: which logs and witnesses are known, and how many of these must have cosigned (C2SP
//! `tlog-policy`).
//!
//! One file serves the log, which sends its checkpoints to the addresses in it, and all who check the log.

use super::cosignature::{WitnessKey, WrongCosignature};
use std::collections::{BTreeSet, HashMap};
use thiserror::Error;

/// The policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The public keys of logs, in the C2SP form.
    pub logs: Vec<String>,
    /// The witnesses, in the order of the file.
    pub witnesses: Vec<Witness>,
    /// `None`: nobody need cosign.
    quorum: Option<Member>,
    groups: Vec<Group>,
}

/// A witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its name in the file.
    pub name: String,
    /// Its key.
    pub key: WitnessKey,
    /// Where it takes checkpoints.
    pub url: Option<String>,
}

/// A witness or a group, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<Member>,
}

/// A text that is no policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {why}")]
pub struct BadPolicy {
    /// The line, from 1; that after the last where something is missing.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, BadPolicy> {
        let mut reading = Reading::default();
        let mut last = 0;
        for (line, text) in (1..).zip(text.lines()) {
            reading.line(text).map_err(|why| BadPolicy { line, why })?;
            last = line;
        }
        if !reading.has_quorum {
            let why = "there is no line `quorum NAME`, or `quorum none`".to_owned();
            return Err(BadPolicy { line: last.saturating_add(1), why });
        }
        Ok(reading.policy)
    }

    /// Whether it asks for any cosignature.
    #[must_use]
    pub const fn asks(&self) -> bool {
        self.quorum.is_some()
    }

    /// Whether those of its witnesses suffice for which this holds. It gets the place of the witness.
    #[must_use]
    pub fn is_met(&self, has: &dyn Fn(usize) -> bool) -> bool {
        self.quorum.is_none_or(|quorum| self.least(quorum, has).is_some())
    }

    /// Which of its witnesses cosigned a note: their places, with the times in seconds since 1970.
    ///
    /// # Errors
    /// It is no note, or one of their cosignatures is wrong.
    pub fn cosigned(&self, note: &str) -> Result<Vec<(usize, u64)>, WrongCosignature> {
        let mut found = Vec::new();
        for (place, witness) in self.witnesses.iter().enumerate() {
            found.extend(witness.key.find(note)?.map(|cosignature| (place, cosignature.time)));
        }
        Ok(found)
    }

    /// A note with the fewest of its witnesses' cosignatures that suffice, for receipts that are kept in number; with all of
    /// them where all do not.
    ///
    /// # Errors
    /// It is no note, or one of their cosignatures is wrong.
    pub fn fewest(&self, note: &str) -> Result<String, WrongCosignature> {
        let mut found = HashMap::new();
        for (place, witness) in self.witnesses.iter().enumerate() {
            found.extend(witness.key.find(note)?.map(|cosignature| (place, cosignature.line)));
        }
        let suffice = self.quorum.and_then(|quorum| self.least(quorum, &|place| found.contains_key(&place)));
        if let Some(suffice) = suffice {
            found.retain(|place, _| !suffice.contains(place));
        } else {
            found.clear();
        }
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(WrongCosignature)?;
        let is_left_out = |line: &&str| found.values().any(|found| found.trim_end() == *line);
        let kept: String = signatures.lines().filter(|line| !is_left_out(line)).flat_map(|line| [line, "\n"]).collect();
        Ok(format!("{text}\n\n{kept}"))
    }

    /// The fewest witnesses that suffice for a member, of those for which this holds. `None` where they do not.
    ///
    /// Each member is in one group, of a line behind its own. So this ends, and the groups share no witness.
    fn least(&self, member: Member, has: &dyn Fn(usize) -> bool) -> Option<Vec<usize>> {
        match member {
            Member::Witness(place) => has(place).then(|| vec![place]),
            Member::Group(place) => {
                let Group { threshold, members } = self.groups.get(place)?;
                let mut ways: Vec<_> = members.iter().filter_map(|member| self.least(*member, has)).collect();
                ways.sort_by_key(Vec::len);
                (ways.len() >= *threshold).then(|| ways.into_iter().take(*threshold).flatten().collect())
            }
        }
    }
}

#[derive(Default)]
struct Reading {
    policy: Policy,
    names: HashMap<String, Member>,
    /// The names that are in a group: each may be in one.
    taken: BTreeSet<String>,
    has_quorum: bool,
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<_> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", key] | ["log", key, _] => {
                if self.policy.logs.iter().any(|log| log == key) {
                    return Err(format!("`{key}` is there twice"));
                }
                self.policy.logs.push((*key).to_owned());
                Ok(())
            }
            ["witness", name, key] => self.witness(name, key, None),
            ["witness", name, key, url] => self.witness(name, key, Some((*url).to_owned())),
            ["group", name, threshold, members @ ..] => self.group(name, threshold, members),
            ["quorum", name] => self.quorum(name),
            [first, ..] => Err(format!("`{first}` begins no line of a policy, or has not so many words behind it")),
        }
    }

    fn witness(&mut self, name: &str, key: &str, url: Option<String>) -> Result<(), String> {
        let key = WitnessKey::parse(key).map_err(|_| {
            format!(
                "`{key}` is no Ed25519 key of a witness: <name>+<key id>+<base64>, as `poort witness key` prints it"
            )
        })?;
        if self.policy.witnesses.iter().any(|witness| witness.key.is_same_key(&key)) {
            return Err(format!("the key of `{name}` is there twice, and would count for two"));
        }
        self.name(name, Member::Witness(self.policy.witnesses.len()))?;
        self.policy.witnesses.push(Witness { name: name.to_owned(), key, url });
        Ok(())
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), String> {
        let threshold = match threshold {
            "any" => 1,
            "all" => members.len(),
            number => number.parse().map_err(|_| format!("`{number}` must be `any`, `all` or a number"))?,
        };
        if threshold == 0 || threshold > members.len() {
            return Err(format!("{threshold} of {} members is no threshold", members.len()));
        }
        let members = members.iter().map(|member| {
            let found = self.names.get(*member).ok_or_else(|| format!("`{member}` is no name of a line before"))?;
            // In two groups it would count twice.
            if !self.taken.insert((*member).to_owned()) {
                return Err(format!("`{member}` is in a group already"));
            }
            Ok(*found)
        });
        let members = members.collect::<Result<_, _>>()?;
        self.name(name, Member::Group(self.policy.groups.len()))?;
        self.policy.groups.push(Group { threshold, members });
        Ok(())
    }

    fn quorum(&mut self, name: &str) -> Result<(), String> {
        if std::mem::replace(&mut self.has_quorum, true) {
            return Err("there is more than one line `quorum`".to_owned());
        }
        if name != "none" {
            let found = self.names.get(name).ok_or_else(|| format!("`{name}` is no name of a line before"))?;
            self.policy.quorum = Some(*found);
        }
        Ok(())
    }

    fn name(&mut self, name: &str, member: Member) -> Result<(), String> {
        if name == "none" || self.names.insert(name.to_owned(), member).is_some() {
            return Err(format!("`{name}` cannot be a name: it is one already"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::evidence::{Checkpoint, Key};

    fn key(seed: u8) -> String {
        Key::from_seed([seed; 32]).public_witness(&format!("witness.example/{seed}"))
    }

    #[test]
    fn groups_say_which_witnesses_suffice() {
        let witnesses: String = (1..=5).map(|n| format!("witness w{n} {} http://127.0.0.1:{n}\n", key(n))).collect();
        let text = format!(
            "# Two of the police's, and one from elsewhere.\nlog poort/here/1+00000000+AAAA\n{witnesses}\
             group own 2 w1 w2 w3\n\tgroup  others any w4 w5 \ngroup all all own others\n\nquorum all\n"
        );
        let policy = Policy::parse(&text).unwrap();
        assert_eq!(policy.witnesses.len(), 5);
        assert_eq!(policy.witnesses[1].url.as_deref(), Some("http://127.0.0.1:2"));
        for met in 0_u8..32 {
            let own = (met & 0b111).count_ones() >= 2;
            let others = met >> 3 != 0;
            assert_eq!(policy.is_met(&|place| met >> place & 1 == 1), own && others, "{met:05b}");
        }
        assert!(policy.asks());
        let none = Policy::parse("quorum none").unwrap();
        assert!(!none.asks() && none.is_met(&|_| false));
    }

    #[test]
    fn the_fewest_cosignatures_that_suffice_are_kept() {
        let origin = "poort/here/1";
        let checkpoint = Checkpoint { origin: origin.to_owned(), size: 1, root: [1; 32], is_end: false };
        let note = checkpoint.sign(&Key::from_seed([9; 32])).unwrap();
        let line = |n: u8| Key::from_seed([n; 32]).cosign(&format!("witness.example/{n}"), &note, 1).unwrap();
        let witnesses: String = (1..=5).map(|n| format!("witness w{n} {}\n", key(n))).collect();
        for (groups, cosigned, kept) in [
            ("group g 2 w1 w2 w3\ngroup h any w4 w5\ngroup q all g h\n", vec![1, 2, 3, 4, 5], vec![1, 2, 4]),
            ("group g all w1 w2 w3\ngroup q any g w4\n", vec![1, 2, 3, 4], vec![4]),
            ("group g all w1 w2 w3\ngroup q any g w4\n", vec![1, 2, 3, 5], vec![1, 2, 3]),
            ("group q 3 w1 w2 w3\n", vec![1, 2, 5], vec![1, 2, 5]),
        ] {
            let policy = Policy::parse(&format!("{witnesses}{groups}quorum q\n")).unwrap();
            let with = |lines: &[u8]| lines.iter().fold(note.clone(), |note, n| note + &line(*n));
            assert_eq!(policy.fewest(&with(&cosigned)).unwrap(), with(&kept), "{groups}{cosigned:?}");
        }
    }

    #[test]
    fn what_is_no_policy_is_refused_with_its_line() {
        let (one, two) = (format!("witness a {}\n", key(1)), format!("witness b {}\n", key(2)));
        let renamed = Key::from_seed([1; 32]).public_witness("other");
        for (text, line, told) in [
            (String::new(), 1, "no line `quorum"),
            (format!("{one}quorum b\n"), 2, "`b` is no name"),
            (format!("{one}{one}quorum a\n"), 2, "is there twice"),
            (format!("{one}witness b {renamed}\nquorum a\n"), 2, "would count for two"),
            (format!("{one}quorum a\nquorum a\n"), 3, "more than one"),
            (format!("{one}{two}group g 3 a b\nquorum g\n"), 3, "3 of 2"),
            (format!("{one}{two}group g 0 a b\nquorum g\n"), 3, "0 of 2"),
            (format!("{one}{two}group g any a a\nquorum g\n"), 3, "in a group already"),
            (format!("{one}{two}group g any a\ngroup h any a\nquorum g\n"), 4, "in a group already"),
            (format!("group g any a\n{one}quorum g\n"), 1, "`a` is no name"),
            (format!("{one}{two}group a any b\nquorum a\n"), 3, "it is one already"),
            ("witness none x\n".to_owned(), 1, "no Ed25519 key"),
            ("quorum\n".to_owned(), 1, "begins no line"),
            ("witnesses a\n".to_owned(), 1, "begins no line"),
        ] {
            let bad = Policy::parse(&text).unwrap_err();
            assert!(bad.line == line && bad.why.contains(told), "{text}: {bad}");
        }
    }
}
