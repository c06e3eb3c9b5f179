//! What reviewers accepted: a file that is committed beside the change that it is about.
//!
//! An entry covers a difference if all that it names fits; what it leaves out fits everything, but for the change, the
//! policies and the digest, which every entry names. An entry covers a difference only if it names every policy that causes
//! it, with the texts that the reviewer saw.

use super::{Comparison, Difference, Direction, Group, Outcome, groups};
use serde::{Deserialize, Serialize};

/// The entries of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    entries: Vec<Entry>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What is accepted.
    pub change: Direction,
    /// For this type of principal.
    #[serde(default)]
    pub principal: Option<Names>,
    /// For this action.
    #[serde(default)]
    pub action: Option<Names>,
    /// For this type of resource.
    #[serde(default)]
    pub resource: Option<Names>,
    /// Caused by these policies.
    pub policies: Vec<String>,
    /// Exactly the change of them that was reviewed: [`Difference::digest`]. A later change of the same policies asks for
    /// a review of its own.
    pub digest: String,
    /// Why.
    pub reason: String,
    /// Who accepted it.
    pub approved_by: String,
}

/// One name or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Names {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Names {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Several(several) => several.iter().any(|one| one == name),
        }
    }
}

/// What the entries make of a comparison.
#[derive(Debug, Default)]
pub struct Judged<'a> {
    /// Differences that ask for acceptance and have none.
    pub open: Vec<(&'a Outcome, &'a Difference)>,
    /// How many differences are accepted.
    pub accepted: usize,
    /// Entries that cover nothing, by their number in the file, counted from one.
    pub unused: Vec<usize>,
}

impl Accepted {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with it, with the place.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Self::default());
        }
        let entries: Vec<Entry> = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        for (index, entry) in entries.iter().enumerate() {
            let empty = |what: &str| format!("entry {}: `{what}` is empty", index + 1);
            if entry.policies.is_empty() {
                return Err(empty("policies"));
            }
            if entry.reason.trim().is_empty() {
                return Err(empty("reason"));
            }
            if entry.approved_by.trim().is_empty() {
                return Err(empty("approved_by"));
            }
        }
        Ok(Self { entries })
    }

    /// Which differences are left. `strict`: what is newly denied asks for acceptance too.
    #[must_use]
    pub fn judge<'a>(&self, comparison: &'a Comparison, strict: bool) -> Judged<'a> {
        let mut judged = Judged::default();
        let mut used = vec![false; self.entries.len()];
        for outcome in &comparison.environments {
            for difference in &outcome.differences {
                let covering =
                    self.entries.iter().zip(&mut used).filter(|(entry, _)| entry.covers(outcome, difference));
                let mut covered = false;
                for (_, used) in covering {
                    (*used, covered) = (true, true);
                }
                if covered {
                    judged.accepted += 1;
                } else if strict || difference.change == Direction::NewlyAllowed {
                    judged.open.push((outcome, difference));
                }
            }
        }
        judged.unused = used.iter().enumerate().filter(|(_, used)| !**used).map(|(index, _)| index + 1).collect();
        judged
    }
}

impl Entry {
    fn covers(&self, outcome: &Outcome, difference: &Difference) -> bool {
        let fits = |names: &Option<Names>, name: &str| names.as_ref().is_none_or(|names| names.has(name));
        self.change == difference.change
            && fits(&self.principal, &outcome.principal)
            && fits(&self.action, &outcome.action)
            && fits(&self.resource, &outcome.resource)
            && self.digest == difference.digest
            && difference.policies.iter().all(|id| self.policies.contains(id))
    }
}

/// Entries to copy into a file, for what is not yet accepted; the reason and the name are left to be written.
#[must_use]
pub fn template(comparison: &Comparison, accepted: &Accepted, strict: bool) -> String {
    let open = accepted.judge(comparison, strict).open;
    let is_open = |group: &Group<'_>| {
        group.members.iter().any(|(outcome, difference)| {
            open.iter().any(|(other, found)| std::ptr::eq(*other, *outcome) && std::ptr::eq(*found, *difference))
        })
    };
    let mut text = String::new();
    for group in groups(comparison).into_iter().filter(|group| is_open(group)) {
        for (outcome, difference) in &group.members {
            let quoted = |name: &str| serde_json::Value::from(name).to_string();
            let policies: Vec<_> = group.policies.iter().map(|id| quoted(id)).collect();
            text.push_str(&format!(
                "- change: {}\n  principal: {}\n  action: {}\n  resource: {}\n  policies: [{}]\n  digest: \
                 {}\n  reason: \"\"\n  approved_by: \"\"\n",
                group.change.name(),
                quoted(&outcome.principal),
                quoted(&outcome.action),
                quoted(&outcome.resource),
                policies.join(", "),
                difference.digest,
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diff::{Question, Said, Settled},
        revision::Revision,
    };

    fn outcome(policies: &[&str]) -> Outcome {
        let said = |allowed| Said { allowed, policies: Vec::new(), reason: String::new() };
        let example = Question {
            question: serde_json::Value::Null,
            today: String::new(),
            hour: 0,
            now: String::new(),
            application: None,
            time_matters: false,
            real: true,
            entities: Vec::new(),
        };
        let policies = policies.iter().map(|id| (*id).to_owned()).collect();
        let change = Direction::NewlyAllowed;
        let digest = digest("as reviewed");
        Outcome {
            principal: "Officer".to_owned(),
            action: "consult".to_owned(),
            resource: "Record".to_owned(),
            differences: vec![Difference { change, policies, digest, example, base: said(false), head: said(true) }],
            undecided: Vec::new(),
            note: None,
            settled: Settled::Solver,
        }
    }

    fn digest(text: &str) -> String {
        Revision::of([("one", text.as_bytes())]).to_string()
    }

    #[track_caller]
    fn covers(entry: &str, policies: &[&str], expected: bool) {
        let outcome = outcome(policies);
        let digest =
            if entry.contains("digest") { String::new() } else { format!(", digest: \"{}\"", digest("as reviewed")) };
        let text = format!("- {{{entry}{digest}, reason: because, approved_by: someone}}");
        let accepted = Accepted::read(&text).unwrap();
        assert_eq!(accepted.entries[0].covers(&outcome, &outcome.differences[0]), expected, "{text}");
    }

    #[test]
    fn an_entry_covers_a_difference_only_if_it_names_every_policy_that_causes_it() {
        covers("change: newly-allowed, policies: [one, two]", &["one"], true);
        covers("change: newly-allowed, policies: [one, two]", &["one", "two"], true);
        covers("change: newly-allowed, policies: [one]", &["one", "two"], false);
    }

    #[test]
    fn an_entry_covers_the_change_that_was_reviewed_and_no_later_one() {
        let entry = |text| format!("change: newly-allowed, policies: [one], digest: \"{}\"", digest(text));
        covers(&entry("as reviewed"), &["one"], true);
        covers(&entry("as it became"), &["one"], false);
    }

    #[test]
    fn what_an_entry_names_must_fit() {
        covers("change: newly-allowed, principal: [Partner, Officer], policies: [one]", &["one"], true);
        covers("change: newly-allowed, principal: Partner, policies: [one]", &["one"], false);
        covers("change: newly-allowed, action: erase, policies: [one]", &["one"], false);
        covers("change: newly-allowed, resource: Other, policies: [one]", &["one"], false);
        covers("change: newly-denied, policies: [one]", &["one"], false);
    }

    #[test]
    fn a_file_that_is_not_understood_is_refused() {
        for text in [
            "change: newly-allowed",
            "- {change: newly-allowed}",
            "- {change: more, policies: [a], digest: d, reason: b, approved_by: c}",
            "- {change: newly-allowed, policies: [a], reason: b, approved_by: c}",
        ] {
            assert!(Accepted::read(text).is_err(), "{text}");
        }
        let unknown = "- {change: newly-allowed, polices: [a], policies: [a], digest: d, reason: b, approved_by: c}";
        assert!(Accepted::read(unknown).unwrap_err().contains("polices"));
        assert_eq!(Accepted::read("# nothing yet\n"), Ok(Accepted::default()));
    }
}
