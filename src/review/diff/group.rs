//! Groups differences with equal causes over environments, so that a change that matters in thirty environments is read
//! once.

use super::{Comparison, Difference, Direction, Effect, EnvironmentChange};
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

/// A policy that causes a difference, in words: the texts before and after its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause<'a> {
    /// Such as `by` or `because the forbid`.
    pub lead: String,
    /// The policy.
    pub id: &'a str,
    /// Such as `is gone`.
    pub tail: &'static str,
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
        let mut because = |effect: Effect, tail| {
            because.push(Cause { lead: format!("because the {}", effect.name()), id, tail });
        };
        match change.map(|change| (change.before, change.after)) {
            Some((Some(effect), None)) => because(effect, "is gone"),
            Some((Some(before), Some(after))) if before == opposing && after == opposing => because(before, "changed"),
            _ => by.push(Cause { lead: if by.is_empty() { "by".to_owned() } else { String::new() }, id, tail: "" }),
        }
    }
    by.extend(because);
    by
}

impl Cause<'_> {
    /// In words, with its id written by `code`.
    pub fn words(&self, code: &dyn Fn(&str) -> String) -> String {
        let Self { lead, id, tail } = self;
        let parts = [lead.clone(), code(id), (*tail).to_owned()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// Several in words.
    #[must_use]
    pub fn all(causes: &[Self], code: &dyn Fn(&str) -> String) -> String {
        causes.iter().map(|cause| cause.words(code)).collect::<Vec<_>>().join(", ")
    }
}
