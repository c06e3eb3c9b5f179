//! Measures coverage: which policies applied in some case, and which conditions were seen to hold and seen to fail.
//!
//! A condition counts as seen only if Cedar evaluates it: what follows a false `&&` is not evaluated. Two conditions
//! with the same text are two. An outcome that the schema rules out need not be seen: the scope of an action with one
//! type of resource never fails there.

use super::run::Ran;
use crate::{
    pdp::{
        conditions::{Condition, Conditioned},
        engine::{self, WorldEvaluator},
    },
    sources::{
        policy::cedar_core::ast::{Effect, Policy},
        snapshot::Snapshot,
    },
    types::{
        decision::{ErrorKind, EvaluationError, Verdict},
        language::Language,
        texts::suite as texts,
    },
};
use std::{collections::BTreeSet, fmt};

/// What the cases of a run saw.
#[derive(Debug)]
pub struct Coverage<'a> {
    /// Each policy and template, in the order of the conditions.
    pub policies: Vec<Covered<'a>>,
    /// What each case found, in the order of suites and cases; empty where no policy was evaluated.
    pub found: Vec<Found>,
}

/// What was seen of a policy, or of all links of a template.
#[derive(Debug)]
pub struct Covered<'a> {
    /// The policy.
    pub policy: &'a Conditioned,
    /// The cases in which it applied: determined the decision, or would have without a forbid.
    pub applied: BTreeSet<usize>,
    /// The cases in which it could not be evaluated.
    pub errors: BTreeSet<usize>,
    /// What was seen of its conditions, in their order.
    pub conditions: Vec<Seen>,
}

/// The cases of each outcome of a condition.
#[derive(Debug, Default)]
pub struct Seen {
    /// Where it held.
    pub holds: BTreeSet<usize>,
    /// Where it failed.
    pub fails: BTreeSet<usize>,
    /// Where it could not be evaluated.
    pub errors: BTreeSet<usize>,
}

impl Seen {
    /// The cases in which it was looked at.
    pub fn reached(&self) -> impl Iterator<Item = usize> + '_ {
        self.holds.iter().chain(&self.fails).chain(&self.errors).copied()
    }
}

/// The policies that matter to the verdict of one case.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The permits that apply.
    pub permits: BTreeSet<String>,
    /// The forbids that apply.
    pub forbids: BTreeSet<String>,
    /// The policies that could not be evaluated.
    pub errors: Vec<EvaluationError>,
}

/// How well a condition is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Never looked at.
    Never,
    /// Seen to hold alone, though it can fail.
    OnlyTrue,
    /// Seen to fail alone, though it can hold.
    OnlyFalse,
    /// All outcomes that it can have were seen.
    Both,
}

impl Level {
    /// For a person.
    #[must_use]
    pub const fn words(self, language: Language) -> &'static str {
        match self {
            Self::Never => texts::never_reached(language),
            Self::OnlyTrue => texts::never_false(language),
            Self::OnlyFalse => texts::never_true(language),
            Self::Both => texts::both_ways(language),
        }
    }
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// How many are as they should be.
    pub covered: usize,
    /// How many there are.
    pub total: usize,
}

impl Share {
    /// Counts one more.
    pub(super) fn add(&mut self, covered: bool) {
        self.covered += usize::from(covered);
        self.total += 1;
    }

    /// Whether it is at least this much. Exact: 99.99 % is not 100 %.
    #[must_use]
    pub const fn reaches(self, threshold: Threshold) -> bool {
        self.covered as u128 * 100 * Threshold::UNIT as u128 >= self.total as u128 * threshold.0 as u128
    }
}

impl Share {
    /// For a person: per cent with one decimal, rounded down, so that only what is complete is shown as 100 %.
    #[must_use]
    pub fn words(self, language: Language) -> String {
        let Self { covered, total } = self;
        let tenths = (covered * 1000).checked_div(total).unwrap_or(1000);
        let point = match language {
            Language::English => '.',
            Language::Dutch => ',',
        };
        texts::share(language, covered, total, format!("{}{point}{}", tenths / 10, tenths % 10))
    }
}

/// A percentage from 0 to 100, exact to a millionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold(u64);

impl Threshold {
    const UNIT: u64 = 1_000_000;
}

impl std::str::FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("`{text}` is not a percentage; an example is 97.5");
        let (whole, part) =
            text.strip_suffix('%').unwrap_or(text).split_once('.').unwrap_or((text.trim_end_matches('%'), "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 6 {
            return Err(refuse());
        }
        let value = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(Self::UNIT));
        let part = format!("{part:0<6}").parse::<u64>().ok();
        let value = value.zip(part).and_then(|(whole, part)| whole.checked_add(part)).ok_or_else(refuse)?;
        if value > 100 * Self::UNIT { Err(format!("`{text}` is more than 100 per cent")) } else { Ok(Self(value)) }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = format!("{:06}", self.0 % Self::UNIT);
        let part = part.trim_end_matches('0');
        write!(f, "{}{}{part} %", self.0 / Self::UNIT, if part.is_empty() { "" } else { "." })
    }
}

impl<'a> Coverage<'a> {
    /// Evaluates the conditions of all policies on all questions that were asked.
    #[must_use]
    pub fn of(conditions: &'a [Conditioned], ran: &[Ran]) -> Self {
        let mut policies: Vec<_> = conditions
            .iter()
            .map(|policy| Covered {
                policy,
                applied: BTreeSet::new(),
                errors: BTreeSet::new(),
                conditions: policy.conditions.iter().map(|_| Seen::default()).collect(),
            })
            .collect();
        let mut found = Vec::new();
        for (case, outcome) in ran.iter().flat_map(|ran| &ran.outcomes).enumerate() {
            let mut of_case = Found::default();
            if let Some(world) = outcome.asked().and_then(|asked| asked.world.as_ref()) {
                let evaluator = world.evaluator();
                for covered in &mut policies {
                    covered.trace(case, &evaluator, &mut of_case);
                }
            }
            found.push(of_case);
        }
        Self { policies, found }
    }

    /// The policies that applied in some case.
    #[must_use]
    pub fn of_policies(&self) -> Share {
        let mut share = Share::default();
        self.policies.iter().filter(|covered| covered.can_apply()).for_each(|one| share.add(!one.applied.is_empty()));
        share
    }

    /// The conditions that were seen both ways.
    #[must_use]
    pub fn of_conditions(&self) -> Share {
        let mut share = Share::default();
        for covered in self.policies.iter().filter(|covered| covered.can_apply()) {
            covered.levels().for_each(|(_, _, level)| share.add(level == Level::Both));
        }
        share
    }

    /// Whether both shares reach a threshold.
    #[must_use]
    pub fn reaches(&self, threshold: Threshold) -> bool {
        self.of_policies().reaches(threshold) && self.of_conditions().reaches(threshold)
    }
}

impl Covered<'_> {
    /// Whether there is anything to cover. A template without links decides nothing.
    #[must_use]
    pub fn can_apply(&self) -> bool {
        !self.policy.deciding.is_empty()
    }

    /// Each condition with what was seen of it, and how well that covers it.
    pub fn levels(&self) -> impl Iterator<Item = (&Condition, &Seen, Level)> {
        self.policy.conditions.iter().zip(&self.conditions).map(|(condition, seen)| {
            let holds = !seen.holds.is_empty() || !condition.sides.holds;
            let fails = !seen.fails.is_empty() || !condition.sides.fails;
            let level = match (holds, fails) {
                _ if seen.holds.is_empty() && seen.fails.is_empty() => Level::Never,
                (true, true) => Level::Both,
                (true, false) => Level::OnlyTrue,
                (false, _) => Level::OnlyFalse,
            };
            (condition, seen, level)
        })
    }

    fn trace(&mut self, case: usize, evaluator: &WorldEvaluator<'_>, found: &mut Found) {
        let Self { policy, applied, errors, conditions } = self;
        for deciding in &policy.deciding {
            let id: &str = deciding.id().as_ref();
            let applies = policy.walk(|index, condition| {
                let holds = evaluator.holds(condition.expression(), deciding.env());
                if let Some(seen) = conditions.get_mut(index) {
                    match holds {
                        Ok(true) => seen.holds.insert(case),
                        Ok(false) => seen.fails.insert(case),
                        Err(_) => seen.errors.insert(case),
                    };
                }
                holds
            });
            match applies {
                Ok(false) => {}
                Ok(true) => {
                    applied.insert(case);
                    found.add(deciding, id);
                }
                Err(message) => {
                    errors.insert(case);
                    found.errors.push(EvaluationError { policy: id.to_owned(), kind: ErrorKind::Other, message });
                }
            }
        }
    }
}

impl Found {
    /// The verdict that Cedar's rules make of it: a forbid that applies beats every permit.
    #[must_use]
    pub fn verdict(&self, snapshot: &Snapshot) -> Verdict {
        let allowed = self.forbids.is_empty() && !self.permits.is_empty();
        let reasons = if allowed { &self.permits } else { &self.forbids };
        engine::verdict(snapshot, allowed, reasons.iter().cloned(), self.errors.clone())
    }

    /// Adds a policy that applies.
    pub fn add(&mut self, policy: &Policy, id: &str) {
        match policy.effect() {
            Effect::Permit => self.permits.insert(id.to_owned()),
            Effect::Forbid => self.forbids.insert(id.to_owned()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_compared_exactly() {
        let share = |covered, total| Share { covered, total };
        let reaches = |text: &str, share: Share| share.reaches(text.parse().unwrap());
        assert!(reaches("100", share(3, 3)) && !reaches("100", share(99_999, 100_000)));
        assert!(reaches("66.666666", share(2, 3)) && !reaches("66.666667", share(2, 3)));
        assert!(reaches("100", share(0, 0)) && reaches("0", share(0, 1)));
        assert_eq!(share(99_999, 100_000).words(Language::English), "99999 of 100000 (99.9 %)");
        assert_eq!(share(0, 0).words(Language::English), "0 of 0 (100.0 %)");
    }

    #[test]
    fn a_threshold_is_a_percentage() {
        for (text, shown) in [("97.5", "97.5 %"), ("100%", "100 %"), ("0", "0 %"), ("12.050%", "12.05 %")] {
            assert_eq!(text.parse::<Threshold>().unwrap().to_string(), shown);
        }
        for text in ["", "x", "-1", "100.1", "1.", ".5", "1.0000001", "1e2", "99999999999999999999"] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
    }
}
