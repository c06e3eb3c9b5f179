//! Reads what reviewers accepted: a file that is committed together with its change.
//!
//! An entry covers an item if all that it names matches; a field that it omits matches everything, but for the change,
//! the policies and the digest. Every entry has the digest of the texts that the reviewer saw, and names every policy
//! that causes a difference, or the guarantee or policy that changed. An entry about an undecided environment names it,
//! one about the directory names the account, and one about an application names that.

use super::{Comparison, EnvironmentChange, ItemKind, ReviewItem};
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
    pub change: ItemKind,
    /// For this type of principal.
    #[serde(default)]
    pub principal: Option<Names>,
    /// For this action.
    #[serde(default)]
    pub action: Option<Names>,
    /// For this type of resource.
    #[serde(default)]
    pub resource: Option<Names>,
    /// Caused by these policies; or the guarantee, or the policy whose obligations changed.
    #[serde(default)]
    pub policies: Vec<String>,
    /// The account that changed, as `Type::"id"`; also a team, a unit and whatever else the directory holds.
    #[serde(default)]
    pub account: Option<String>,
    /// The application that may ask something else.
    #[serde(default)]
    pub application: Option<String>,
    /// Exactly the texts that were reviewed: [`ReviewItem::digest`]. A later change of the same policies asks for a review of
    /// its own.
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

    fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

/// What the entries make of a comparison.
#[derive(Debug, Default)]
pub struct Judged<'a> {
    /// The items that need acceptance and have none.
    pub open: Vec<ReviewItem<'a>>,
    /// What is accepted.
    pub accepted: Vec<ReviewItem<'a>>,
    /// Entries that cover nothing, by their number in the file, counted from one, with the reason if one is known. None, if
    /// a part of the environments was not looked at: they may be about those.
    pub unused: Vec<Unused>,
}

/// An entry that covers nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unused {
    /// Its number in the file, counted from one.
    pub entry: usize,
    /// Why, if that is known.
    pub reason: Option<String>,
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
            entry.check().map_err(|mistake| format!("entry {}: {mistake}", index + 1))?;
        }
        Ok(Self { entries })
    }

    /// The items that still need acceptance. `strict`: what is newly denied needs it too.
    #[must_use]
    pub fn judge<'a>(&self, comparison: &'a Comparison, strict: bool) -> Judged<'a> {
        let mut judged = Judged::default();
        let mut used = vec![false; self.entries.len()];
        for matter in comparison.matters() {
            let mut covered = false;
            for (_, used) in self.entries.iter().zip(&mut used).filter(|(entry, _)| entry.covers(matter)) {
                (*used, covered) = (true, true);
            }
            if covered {
                judged.accepted.push(matter);
            } else if matter.asks(strict) {
                judged.open.push(matter);
            }
        }
        if comparison.filtered == 0 {
            let unused = self.entries.iter().zip(used).enumerate().filter(|(_, (_, used))| !used);
            judged.unused = unused
                .map(|(index, (entry, _))| Unused { entry: index + 1, reason: entry.says_too_little(comparison) })
                .collect();
        }
        judged
    }
}

impl Entry {
    /// Whether it says all that an entry of its kind must say, and nothing that it cannot mean.
    fn check(&self) -> Result<(), String> {
        let Self { change, principal, action, resource, policies, account, application, digest, reason, approved_by } =
            self;
        let places = [("principal", principal), ("action", action), ("resource", resource)];
        if change.has_policies() && policies.is_empty() {
            return Err("`policies` is empty".to_owned());
        }
        if account.is_some() != (*change == ItemKind::Account) {
            return Err(match account {
                Some(_) => format!("`account` has no meaning for `change: {}`; leave it out", change.name()),
                None => "`account` is missing; write which one, such as `Officer::\"officer-0007\"`".to_owned(),
            });
        }
        if application.is_some() != (*change == ItemKind::Application) {
            return Err(match application {
                Some(_) => format!("`application` has no meaning for `change: {}`; leave it out", change.name()),
                None => "`application` is missing; write which one".to_owned(),
            });
        }
        if !policies.is_empty() && matches!(change, ItemKind::Account | ItemKind::Application) {
            return Err(format!("`policies` has no meaning for `change: {}`; leave it out", change.name()));
        }
        for (name, value) in places {
            if value.is_some() && !change.has_environment() {
                return Err(format!("`{name}` has no meaning for `change: {}`; leave it out", change.name()));
            }
            if value.is_none() && *change == ItemKind::Undecided {
                return Err(format!("`{name}` is missing; what is undecided is accepted for a named environment"));
            }
        }
        for (name, value) in [("digest", digest), ("reason", reason), ("approved_by", approved_by)] {
            if value.trim().is_empty() {
                return Err(format!("`{name}` is empty"));
            }
        }
        Ok(())
    }

    fn covers(&self, matter: ReviewItem<'_>) -> bool {
        self.change == matter.kind()
            && self.digest == matter.digest()
            && matter.policies().iter().all(|id| self.policies.contains(id))
            && matter.account() == self.account.as_deref()
            && matter.application() == self.application.as_deref()
            && matter.outcome().is_none_or(|outcome| self.is_for(outcome))
    }

    fn is_for(&self, outcome: &EnvironmentChange) -> bool {
        // A short name of several types names none of them: `EnvironmentChange` has the whole name then.
        let fits = |names: &Option<Names>, name: &str, whole: &str| {
            names.as_ref().is_none_or(|names| names.has(name) || names.has(whole))
        };
        let EnvironmentChange { principal, action, resource, whole, .. } = outcome;
        fits(&self.principal, principal, &whole.principal)
            && fits(&self.action, action, &whole.action)
            && fits(&self.resource, resource, &whole.resource)
    }

    /// That it names types or actions by names that several have.
    fn says_too_little(&self, comparison: &Comparison) -> Option<String> {
        let names = [&self.principal, &self.action, &self.resource].into_iter().flatten().flat_map(Names::all);
        let mut names = names.filter_map(|name| {
            let meant = comparison.environments.iter().find_map(
                |EnvironmentChange { principal, action, resource, whole, .. }| {
                    let is_short = |shown: &String, whole: &String| {
                        let short = whole.rsplit("::").next().unwrap_or(whole).trim_matches('"');
                        shown == whole && short == name && shown != name
                    };
                    let all = [(principal, &whole.principal), (action, &whole.action), (resource, &whole.resource)];
                    all.into_iter().find(|(shown, whole)| is_short(shown, whole)).map(|(shown, _)| shown)
                },
            )?;
            Some(format!("several have the name `{name}`; write which one is meant, such as `{meant}`"))
        });
        names.next()
    }
}

/// Entries to copy into a file, for what is not yet accepted; the reason and the name are left to be written.
#[must_use]
pub fn template(comparison: &Comparison, accepted: &Accepted, strict: bool) -> String {
    let mut open = accepted.judge(comparison, strict).open;
    // Stable: items with the same cause are adjacent, in the order of the environments.
    open.sort_by(|one, other| (one.kind(), one.policies()).cmp(&(other.kind(), other.policies())));
    let quoted = |name: &str| serde_json::Value::from(name).to_string();
    let mut text = String::new();
    for matter in open {
        text.push_str(&format!("- change: {}\n", matter.kind().name()));
        if let Some(EnvironmentChange { principal, action, resource, .. }) = matter.outcome() {
            for (name, value) in [("principal", principal), ("action", action), ("resource", resource)] {
                text.push_str(&format!("  {name}: {}\n", quoted(value)));
            }
        }
        let policies: Vec<_> = matter.policies().iter().map(|id| quoted(id)).collect();
        if !policies.is_empty() {
            text.push_str(&format!("  policies: [{}]\n", policies.join(", ")));
        }
        if let Some(account) = matter.account() {
            text.push_str(&format!("  account: {}\n", quoted(account)));
        }
        if let Some(application) = matter.application() {
            text.push_str(&format!("  application: {}\n", quoted(application)));
        }
        text.push_str(&format!("  digest: {}\n  reason: \"\"\n  approved_by: \"\"\n", matter.digest()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::diff::sample::{digest, outcome};

    #[track_caller]
    fn covers(entry: &str, policies: &[&str], expected: bool) {
        let outcome = outcome(policies);
        let digest =
            if entry.contains("digest") { String::new() } else { format!(", digest: \"{}\"", digest("as reviewed")) };
        let text = format!("- {{{entry}{digest}, reason: because, approved_by: someone}}");
        let accepted = Accepted::read(&text).unwrap();
        assert_eq!(
            accepted.entries[0].covers(ReviewItem::Difference(&outcome, &outcome.differences[0])),
            expected,
            "{text}"
        );
    }

    #[test]
    fn an_entry_must_name_every_cause_of_a_difference() {
        covers("change: newly-allowed, policies: [one, two]", &["one"], true);
        covers("change: newly-allowed, policies: [one, two]", &["one", "two"], true);
        covers("change: newly-allowed, policies: [one]", &["one", "two"], false);
    }

    #[test]
    fn an_entry_covers_only_the_change_that_was_reviewed() {
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

    #[test]
    fn an_entry_says_what_its_kind_must_say() {
        for (text, mistake) in [
            ("change: undecided, principal: a, action: b", "`resource` is missing"),
            ("change: guarantee", "`policies` is empty"),
            ("change: guarantee, policies: [g], action: b", "`action` has no meaning"),
            ("change: obligations, policies: [p], resource: r", "`resource` has no meaning"),
            ("change: account", "`account` is missing"),
            ("change: account, account: a, policies: [p]", "`policies` has no meaning"),
            ("change: account, account: a, action: b", "`action` has no meaning"),
            ("change: guarantee, policies: [g], account: a", "`account` has no meaning"),
        ] {
            let text = format!("- {{{text}, digest: d, reason: b, approved_by: c}}");
            let found = Accepted::read(&text).unwrap_err();
            assert!(found.contains(mistake), "{text}: {found}");
        }
    }

    #[test]
    fn a_type_is_also_named_with_its_namespace() {
        covers("change: newly-allowed, principal: \"Police::Officer\", policies: [one]", &["one"], true);
        covers("change: newly-allowed, principal: \"Fire::Officer\", policies: [one]", &["one"], false);
    }
}
