//! Reasons: policies in `signals/*.cedar` of the policy folder that say what explains an access, and what is always a signal.
//!
//! A `permit` explains the accesses that it matches: the account is in the team of the record, say. A `forbid` is a rule: what it
//! matches is a signal by itself. Neither decides a question. They see what the policies saw: the question as it was recorded, and
//! the directory that decided. A reason that rests on what the caller says is as good as the caller.
//!
//! | annotation | |
//! |---|---|
//! | `@weight("0.5")` | a reason explains only so much of an access, since it explains many that are at random |
//! | `@explains("itself")` | a reason explains this access, and no later one to the same record |
//! | `@score("5")` | how much a rule weighs; 8 is the most |
//! | `@unless("explained")` | a rule holds only for an access that no reason explains |

use crate::{
    sources::{
        policy::{self, Policies, SCHEMA_FILE},
        snapshot::{Revisions, Snapshot},
    },
    types::{
        decision::{PolicyFacts, Wording},
        problem::{Problem, has_errors},
    },
};
use cedar_policy as cedar;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

/// How many revisions are held. A log changes them in order.
const HELD: usize = 4;

/// After so many records, directories are made anew: each keeps the accounts that it was asked about, some kilobytes each.
const RENEWED: u32 = 20_000;

/// A reason, or a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Its id.
    pub id: Arc<str>,
    /// What it says, in one sentence.
    pub title: Wording,
    /// Of a reason: how much of an access it explains, up to 1. Of a rule: its score.
    pub weight: f64,
    /// Of a reason: whether it explains no later access.
    pub only_itself: bool,
    /// Whether it is a rule.
    pub is_rule: bool,
    /// Of a rule: whether it holds only for an access that no reason explains.
    pub only_unexplained: bool,
}

/// The reasons and rules, under the schemas that records name.
#[derive(Debug, Clone)]
pub struct Reasons {
    sources: policy::Sources,
    held: VecDeque<(Revisions, Result<Arc<World>, String>)>,
    /// How often they were asked for since their directories were made.
    asked: u32,
}

/// Reasons with a directory.
#[derive(Debug)]
pub(super) struct World {
    /// The reasons in the place of policies.
    pub(super) snapshot: Snapshot,
    /// Reasons and rules, by id.
    pub(super) known: Arc<HashMap<String, Arc<Reason>>>,
    /// The reasons alone, ordered by id.
    pub(super) tried: Arc<[Arc<Reason>]>,
}

impl Reasons {
    pub(super) fn new(sources: policy::Sources) -> Self {
        Self { sources, held: VecDeque::new(), asked: 0 }
    }

    /// The files as they are written, by name.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sources.files().filter(|(name, _)| name.ends_with(".cedar")).map(|(name, file)| (name, &*file.text))
    }

    /// Checks them against the schema of these policies.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self, policies: &Policies) -> Result<Vec<Problem>, Vec<Problem>> {
        let (checked, mut problems) = self.policies(policies);
        if let Some(checked) = &checked {
            problems.extend(checked.facts.keys().filter_map(|id| reason(checked, id).err()).map(|problem| *problem));
        }
        // Problems of the schema are reported with the policies.
        problems.retain(|problem| !problem.file().ends_with(SCHEMA_FILE));
        if has_errors(&problems) || checked.is_none() { Err(problems) } else { Ok(problems) }
    }

    fn policies(&self, policies: &Policies) -> (Option<Policies>, Vec<Problem>) {
        let texts = self.sources.files().filter(|(name, _)| *name != SCHEMA_FILE);
        let texts = texts.map(|(name, file)| (name, file.text.as_ref())).chain([(SCHEMA_FILE, &*policies.schema_text)]);
        let (_, checked, problems) = Policies::from_sources(&policy::Sources::from_texts(self.sources.folder(), texts));
        (checked, problems)
    }

    /// The reasons in the place of the policies of a snapshot.
    ///
    /// # Errors
    /// They are not valid against its schema.
    pub(super) fn under(&mut self, snapshot: &Snapshot) -> Result<Arc<World>, String> {
        let named = snapshot.revisions();
        let held = |is_that: &dyn Fn(&Revisions) -> bool| {
            self.held.iter().find(|(held, _)| is_that(held)).map(|(_, found)| found.clone())
        };
        let is_due = self.asked >= RENEWED;
        if !is_due
            && let Some(found) = held(&|held| held.policies == named.policies && held.directory == named.directory)
        {
            self.asked += 1;
            return found;
        }
        let checked = match held(&|held| held.policies == named.policies) {
            Some(found) => {
                found.map(|world| (world.snapshot.policies.clone(), world.known.clone(), world.tried.clone()))
            }
            None => self.checked(&snapshot.policies),
        };
        let found = checked.map(|(policies, known, tried)| {
            let snapshot = Snapshot::of(policies, snapshot.directory.for_other_policies());
            Arc::new(World { snapshot, known, tried })
        });
        if is_due {
            self.asked = 0;
            self.held.clear();
        }
        self.held.push_front((named.clone(), found.clone()));
        self.held.truncate(HELD);
        found
    }

    /// Lets go of all but the newest, where a newer directory comes: each holds one.
    pub(super) fn let_go(&mut self) {
        self.held.truncate(1);
    }

    fn checked(&self, policies: &Policies) -> Result<Checked, String> {
        let (checked, problems) = self.policies(policies);
        let first = || problems.iter().find(|problem| problem.is_error()).map(Problem::one_line).unwrap_or_default();
        let checked = checked.ok_or_else(first)?;
        let mut known = HashMap::new();
        let mut tried = BTreeMap::new();
        for id in checked.facts.keys() {
            let reason = Arc::new(reason(&checked, id).map_err(|problem| problem.one_line())?);
            if !reason.is_rule {
                tried.insert(reason.id.clone(), reason.clone());
            }
            known.insert(reason.id.to_string(), reason);
        }
        Ok((Arc::new(checked), Arc::new(known), tried.into_values().collect()))
    }
}

type Checked = (Arc<Policies>, Arc<HashMap<String, Arc<Reason>>>, Arc<[Arc<Reason>]>);

impl World {
    /// The reasons that these policies are, heaviest first.
    pub(super) fn named(&self, policies: &[Arc<PolicyFacts>]) -> Vec<Arc<Reason>> {
        let mut named: Vec<_> = policies.iter().filter_map(|policy| self.known.get(&policy.id).cloned()).collect();
        named.sort_by(|one, other| other.weight.total_cmp(&one.weight));
        named
    }
}

/// The reason or rule of this id.
///
/// # Errors
/// An annotation that is none.
fn reason(policies: &Policies, id: &cedar::PolicyId) -> Result<Reason, Box<Problem>> {
    let policy = policies.set.policy(id);
    let is_rule = policy.is_some_and(|policy| policy.effect() == cedar::Effect::Forbid);
    let annotation = |name: &str| policy.and_then(|policy| policy.annotation(name)).map(str::trim);
    let wrong = |name: &str, message: &str| {
        let place = policies.places.get(id);
        let message = format!("@{name} {message}");
        match place {
            Some(place) => {
                Box::new(Problem::error("signals::annotation", &place.file, message).at(place.annotation(name), "here"))
            }
            None => Box::new(Problem::unreadable("signals::annotation", AsRef::<str>::as_ref(id), message)),
        }
    };
    let number = |name: &str, most: f64, message: &str| match annotation(name).map(str::parse::<f64>) {
        None => Ok(None),
        Some(Ok(number)) if number > 0.0 && number <= most => Ok(Some(number)),
        Some(_) => Err(wrong(name, message)),
    };
    let weight = number("weight", 1.0, "is above 0 and at most 1, such as \"0.5\"")?;
    let score = number("score", super::tail::HIGHEST, "is above 0 and at most 8, such as \"5\"")?;
    if is_rule && weight.is_some() {
        return Err(wrong("weight", "is for a `permit`; a `forbid` has @score"));
    }
    let only_itself = match annotation("explains") {
        None => false,
        Some("itself") if !is_rule => true,
        Some("itself") => return Err(wrong("explains", "is for a `permit`; a `forbid` explains nothing")),
        Some(_) => return Err(wrong("explains", "can only be \"itself\"")),
    };
    if !is_rule && (score.is_some() || annotation("unless").is_some()) {
        let name = if score.is_some() { "score" } else { "unless" };
        return Err(wrong(name, "is for a `forbid`, which is a rule"));
    }
    let only_unexplained = match annotation("unless") {
        None => false,
        Some("explained") => true,
        Some(_) => return Err(wrong("unless", "can only be \"explained\"")),
    };
    let facts = policies.facts.get(id);
    Ok(Reason {
        id: Arc::from(AsRef::<str>::as_ref(id)),
        title: facts.map(|facts| facts.title.clone()).unwrap_or_default(),
        weight: if is_rule { score.unwrap_or(super::tail::HIGHEST) } else { weight.unwrap_or(1.0) },
        only_itself,
        is_rule,
        only_unexplained,
    })
}
