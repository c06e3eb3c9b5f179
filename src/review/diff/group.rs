//! Groups differences with equal causes over environments, so that a change that matters in thirty environments is read
//! once.

use super::{Comparison, Difference, Direction, Effect, EnvironmentChange};
use crate::types::{language::Language, texts::diff as texts};
use std::collections::{BTreeMap, BTreeSet};

/// Differences of one direction with the same cause.
#[derive(Debug)]
pub struct Group<'a> {
    /// What they are.
    pub change: Direction,
    /// The policies that cause them.
    pub policies: &'a [String],
    /// What they did to cause them.
    pub causes: Vec<Cause<'a>>,
    /// The differences with their environments, in order. The first has the easiest example to read.
    pub members: Vec<(&'a EnvironmentChange, &'a Difference)>,
}

impl Group<'_> {
    /// The environments, gathered: `Officer, Partner × consult × Registration`. Several parts if they are no product.
    #[must_use]
    pub fn environments(&self) -> String {
        type Names<'a> = BTreeSet<&'a str>;
        let mut by_rest: BTreeMap<(&str, &str), Names<'_>> = BTreeMap::new();
        for (outcome, _) in &self.members {
            by_rest.entry((&outcome.action, &outcome.resource)).or_default().insert(&outcome.principal);
        }
        let mut by_action: BTreeMap<(Names<'_>, &str), Names<'_>> = BTreeMap::new();
        for ((action, resource), principals) in by_rest {
            by_action.entry((principals, action)).or_default().insert(resource);
        }
        let mut all: BTreeMap<(Names<'_>, Names<'_>), Names<'_>> = BTreeMap::new();
        for ((principals, action), resources) in by_action {
            all.entry((principals, resources)).or_default().insert(action);
        }
        let list = |names: &Names<'_>| names.iter().copied().collect::<Vec<_>>().join(", ");
        all.iter()
            .map(|((principals, resources), actions)| {
                format!("{} × {} × {}", list(principals), list(actions), list(resources))
            })
            .collect::<Vec<_>>()
            .join("; ")
    }
}

/// The differences of a comparison by cause: first what is newly allowed, then what is newly denied.
#[must_use]
pub fn groups(comparison: &Comparison) -> Vec<Group<'_>> {
    type Members<'a> = Vec<(&'a EnvironmentChange, &'a Difference)>;
    let mut found: BTreeMap<(Direction, &[String]), Members<'_>> = BTreeMap::new();
    for outcome in &comparison.environments {
        for difference in &outcome.differences {
            found.entry((difference.change, &difference.policies)).or_default().push((outcome, difference));
        }
    }
    found
        .into_iter()
        .map(|((change, policies), mut members)| {
            // Stable: equally readable examples keep the order of the environments.
            members.sort_by_key(|(_, difference)| {
                (!difference.example.real, difference.example.question.to_string().len())
            });
            Group { change, policies, causes: causes(comparison, change, policies), members }
        })
        .collect()
}

/// A policy that causes a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause<'a> {
    /// The policy.
    pub id: &'a str,
    did: Did,
}

/// What a policy did to cause a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Did {
    /// It decides; the first of those that do.
    Decides,
    /// It decides too.
    DecidesToo,
    /// It is gone.
    IsGone(Effect),
    /// It changed.
    Changed(Effect),
}

/// What policies did to cause a difference. A policy that takes part in the decision as it is now decides it; one that no
/// longer does is the cause by being gone or by having changed.
#[must_use]
pub fn causes<'a>(comparison: &Comparison, direction: Direction, policies: &'a [String]) -> Vec<Cause<'a>> {
    let opposing = match direction {
        Direction::NewlyAllowed => Effect::Forbid,
        Direction::NewlyDenied => Effect::Permit,
    };
    let (mut by, mut because) = (Vec::new(), Vec::new());
    for id in policies {
        let change = comparison.policies.iter().find(|change| change.id == *id);
        let mut because = |did| because.push(Cause { id, did });
        match change.map(|change| (change.before, change.after)) {
            Some((Some(effect), None)) => because(Did::IsGone(effect)),
            Some((Some(before), Some(after))) if before == opposing && after == opposing => {
                because(Did::Changed(before));
            }
            _ => by.push(Cause { id, did: if by.is_empty() { Did::Decides } else { Did::DecidesToo } }),
        }
    }
    by.extend(because);
    by
}

impl Cause<'_> {
    /// What is said before its id, such as `by` or `because the forbid`.
    #[must_use]
    pub fn lead(&self, language: Language) -> String {
        match self.did {
            Did::Decides => texts::by(language).to_owned(),
            Did::DecidesToo => String::new(),
            Did::IsGone(effect) | Did::Changed(effect) => texts::because_the(language, effect.name()),
        }
    }

    /// What is said after its id, such as `is gone`.
    #[must_use]
    pub const fn tail(&self, language: Language) -> &'static str {
        match self.did {
            Did::Decides | Did::DecidesToo => "",
            Did::IsGone(_) => texts::is_gone(language),
            Did::Changed(_) => texts::has_changed(language),
        }
    }

    /// In words, with its id written by `code`.
    pub fn words(&self, language: Language, code: &dyn Fn(&str) -> String) -> String {
        let parts = [self.lead(language), code(self.id), self.tail(language).to_owned()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// Several in words.
    #[must_use]
    pub fn all(causes: &[Self], language: Language, code: &dyn Fn(&str) -> String) -> String {
        causes.iter().map(|cause| cause.words(language, code)).collect::<Vec<_>>().join(", ")
    }
}
