//! Equal causes over environments, so that a change that matters in thirty environments is read once.

use super::{Comparison, Difference, Direction, Outcome};
use std::collections::{BTreeMap, BTreeSet};

/// Differences of one direction with the same cause.
#[derive(Debug)]
pub struct Group<'a> {
    /// What they are.
    pub change: Direction,
    /// The policies that cause them.
    pub policies: &'a [String],
    /// The differences with their environments, in order. The first has the easiest example to read.
    pub members: Vec<(&'a Outcome, &'a Difference)>,
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

    /// The policies, as text.
    #[must_use]
    pub fn causes(&self) -> String {
        self.policies.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
    }
}

/// The differences of a comparison by cause: first what is newly allowed, then what is newly denied.
#[must_use]
pub fn groups(comparison: &Comparison) -> Vec<Group<'_>> {
    type Members<'a> = Vec<(&'a Outcome, &'a Difference)>;
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
            Group { change, policies, members }
        })
        .collect()
}
