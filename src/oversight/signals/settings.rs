//! Settings: what is signalled and when, in `signals/detectors.toml` of the policy folder.
//!
//! Works councils, data protection officers and the street decide whether signals are used at all (WOR art. 27(1)(k), (l)). So
//! each number that matters is in this file, with its unit, and each signal names the revision of the folder.

use super::{follow_up::FollowUp, reasons::Reasons, tail::HIGHEST};
use crate::{
    sources::policy::{self, Policies},
    types::{
        problem::{Problem, SourceFile},
        revision::Revision,
    },
};
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

/// The folder of signals in a policy folder.
pub const FOLDER: &str = "signals";

/// The file of the settings in it.
pub const SETTINGS_FILE: &str = "detectors.toml";

/// What is signalled, and when.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub(super) budget: Budget,
    pub(super) peers: Comparison,
    pub(super) accesses: Accesses,
    pub(super) unexplained: Option<Unexplained>,
    pub(super) breadth: Option<Counted>,
    pub(super) burst: Option<Counted>,
    pub(super) enumeration: Option<Counted>,
    pub(super) probing: Option<Probing>,
    pub(super) shopping: Option<Shopping>,
    pub(super) crowd: Option<Crowd>,
    pub(super) disclosure: Option<Disclosing>,
    pub(super) circumstances: Option<Circumstantial>,
    pub(super) follow_up: Option<FollowUp>,
}

/// How many signals there are.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budget {
    /// For each 1 000 active accounts and workday.
    pub(super) per_thousand: f64,
    /// So many days of the log make a baseline, and have no signals.
    pub(super) baseline_days: u32,
    /// No lower score is signalled.
    pub(super) least_score: f64,
    /// What days add up to is half after so many days.
    pub(super) half_life_days: f64,
    /// A signal without anything new is closed after so many days.
    pub(super) quiet_days: u32,
}

/// With whom an account is compared.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Comparison {
    /// Attributes of accounts: peers have the same values. The last is left out first where they would be too few.
    pub(super) same: Vec<String>,
    /// How many accounts a group needs.
    pub(super) accounts: u32,
    /// On how many days an account must have been active to count as one.
    pub(super) active_days: u32,
    /// Types of accounts, with or without their namespace. Each account of them is compared with its own earlier days: few do the
    /// like, and how many it asks about is a matter of how it is made.
    #[serde(default)]
    pub(super) itself: Vec<String>,
}

/// How long an access is known.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accesses {
    /// An explained access explains others by the same account to the same record for so many days, at most twice as long.
    pub(super) days: u32,
    /// So many accesses are known at most, which bounds memory.
    pub(super) most: usize,
}

/// Accesses without a known reason, as a share of first accesses.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unexplained {
    pub(super) weight: f64,
}

/// A number that is unlike that of peers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counted {
    pub(super) weight: f64,
    /// Fewer have no score.
    pub(super) least: f64,
}

/// Denied questions, as a share of all.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Probing {
    pub(super) weight: f64,
    /// Fewer denied questions have no score.
    pub(super) least: f64,
    /// They must be denied by so many different policies.
    pub(super) policies: usize,
}

/// A record that was denied, and allowed within minutes under something else.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shopping {
    /// The most that one of them says; twice as many say one more.
    pub(super) score: f64,
    /// Within so many minutes.
    pub(super) minutes: u32,
    /// What of the context is something else, beside the application.
    pub(super) context: Vec<String>,
}

/// Disclosures of accounts that are compared with their own earlier days.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Disclosing {
    /// The action that discloses.
    pub(super) action: String,
    /// What of the context makes a flow, beside the type of the record: names, of members with dots.
    pub(super) flow: Vec<String>,
    /// The score of a flow that there was not before.
    pub(super) score: f64,
    pub(super) weight: f64,
    /// Fewer a day have no score.
    pub(super) least: f64,
}

/// What makes an act say more.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Circumstantial {
    /// All together add so much to a score at most.
    pub(super) most: f64,
    /// An hour says more where at most this part of the work of peers is in hours as rare.
    pub(super) hour_share: f64,
    /// What the first day with questions adds, after so many days without.
    pub(super) dormant: f64,
    pub(super) dormant_days: u32,
}

/// One record with many accesses without a known reason.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Crowd {
    /// Fewer accounts are none.
    pub(super) accounts: usize,
    /// Within so many days.
    pub(super) days: u32,
}

/// The files of a folder of signals, checked.
#[derive(Debug)]
pub struct SettingsFiles {
    /// What is signalled, and when.
    pub settings: Settings,
    /// What explains an access, and what is always a signal.
    pub reasons: Reasons,
    /// The digest of the folder.
    pub revision: Revision,
    /// The settings as they are written.
    file: SourceFile,
}

impl SettingsFiles {
    /// Reads the folder of signals of a policy folder.
    ///
    /// # Errors
    /// What is wrong with the files, each with its place.
    pub fn read(policies: &Path) -> Result<Self, Vec<Problem>> {
        let folder = policies.join(FOLDER);
        let path = folder.join(SETTINGS_FILE);
        let file = SourceFile::read(&path, "signals::unreadable", "signals::not-utf8").map_err(|problem| {
            vec![problem.help(format!("signals need a file `{FOLDER}/{SETTINGS_FILE}` in the policy folder"))]
        })?;
        Self::of(&file, policy::Sources::read(&folder)?)
    }

    /// The same, of the texts of a policy folder by their paths in it.
    ///
    /// # Errors
    /// As [`SettingsFiles::read`].
    pub fn of_texts<'a>(
        shown: &str,
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Vec<Problem>> {
        let inside = |(path, text): (&'a str, &'a str)| Some((path.strip_prefix(FOLDER)?.strip_prefix('/')?, text));
        let texts: BTreeMap<_, _> = texts.into_iter().filter_map(inside).collect();
        let name = format!("{shown}/{FOLDER}/{SETTINGS_FILE}");
        let Some(text) = texts.get(SETTINGS_FILE) else {
            return Err(vec![Problem::unreadable("signals::unreadable", &name, "is not there".to_owned())]);
        };
        let file = SourceFile { name: name.into(), text: (*text).into() };
        Self::of(&file, policy::Sources::among(&format!("{shown}/{FOLDER}"), texts))
    }

    /// Settings with reasons and rules.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn of(file: &SourceFile, reasons: policy::Sources) -> Result<Self, Vec<Problem>> {
        let settings = Settings::parse(file).map_err(|problem| vec![*problem])?;
        let named = reasons.files().map(|(name, file)| (name, file.text.as_bytes()));
        let revision = Revision::of(named.chain([(SETTINGS_FILE, file.text.as_bytes())]));
        Ok(Self { settings, reasons: Reasons::new(reasons), revision, file: file.clone() })
    }

    /// Checks reasons, rules and settings against these policies and their schema.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self, policies: &Policies) -> Result<Vec<Problem>, Vec<Problem>> {
        let mut problems = self.settings.unknown_to(policies, &self.file);
        match self.reasons.check(policies) {
            Ok(warnings) if problems.is_empty() => Ok(warnings),
            Ok(found) | Err(found) => {
                problems.extend(found);
                Err(problems)
            }
        }
    }

    /// How many signals there are for each 1 000 active accounts and workday.
    #[must_use]
    pub const fn per_thousand(&self) -> f64 {
        self.settings.budget.per_thousand
    }

    /// How many days of a log have no signals but those of rules.
    #[must_use]
    pub const fn baseline_days(&self) -> u32 {
        self.settings.budget.baseline_days
    }

    /// The numbers that are set, by their keys with dots.
    pub(super) fn numbers(&self) -> BTreeMap<String, String> {
        let parts: BTreeMap<String, BTreeMap<String, serde_json::Value>> =
            toml::from_str(&self.file.text).unwrap_or_default();
        let of_part = |(part, values): (String, BTreeMap<String, serde_json::Value>)| {
            values.into_iter().map(move |(key, value)| (format!("{part}.{key}"), value.to_string()))
        };
        parts.into_iter().flat_map(of_part).collect()
    }
}

impl Settings {
    /// The questions about a signal, if there are any.
    #[must_use]
    pub const fn follow_up(&self) -> Option<&FollowUp> {
        self.follow_up.as_ref()
    }

    fn parse(file: &SourceFile) -> Result<Self, Box<Problem>> {
        let settings: Self = toml::from_str(&file.text).map_err(|error| {
            let problem = Problem::error("signals::settings", file, error.message().to_owned());
            Box::new(match error.span() {
                Some(span) => problem.at(span, "here"),
                None => problem,
            })
        })?;
        match settings.mistake() {
            Some((part, key, message)) => {
                let start = place(&file.text, part, key).unwrap_or(0);
                let problem = Problem::error("signals::settings", file, format!("`{key}` {message}"));
                Err(Box::new(problem.at(start..start + key.len(), "here")))
            }
            None => Ok(settings),
        }
    }

    /// What it names and the schema has not.
    fn unknown_to(&self, policies: &Policies, file: &SourceFile) -> Vec<Problem> {
        let Self { peers, shopping, disclosure, follow_up, .. } = self;
        let model = &policies.model;
        let mut unknown = Vec::new();
        let accounts: Vec<_> = model.actions().flat_map(|action| &action.subjects).collect();
        let has = |name: &&String| {
            let mut types = model.entity_types().filter(|kind| accounts.contains(&&kind.name));
            types.any(|kind| kind.attributes.iter().any(|attributes| attributes.contains_key(name.as_str())))
        };
        let missing = peers.same.iter().filter(|name| !has(name));
        unknown.extend(missing.map(|name| ("peers", "same", format!("no type of account has the attribute `{name}`"))));
        let has_context = |name: &str| model.actions().any(|action| action.context.contains_key(name));
        let missing = shopping.iter().flat_map(|it| &it.context).filter(|name| !has_context(name));
        unknown.extend(missing.map(|name| ("shopping", "context", format!("no context has the attribute `{name}`"))));
        if let Some(Disclosing { action, flow, .. }) = disclosure {
            unknown.extend(model.action(action).err().map(|message| ("disclosure", "action", message)));
            let missing = flow.iter().filter(|path| !path.split('.').next().is_some_and(&has_context));
            let message = |path: &String| format!("no context has the attribute `{path}`");
            unknown.extend(missing.map(|path| ("disclosure", "flow", message(path))));
        }
        unknown.extend(peers.itself.iter().filter_map(|kind| Some(("peers", "itself", model.entity(kind).err()?))));
        if let Some(FollowUp { resource, change, reveal }) = follow_up {
            unknown.extend(model.entity(resource).err().map(|message| ("follow_up", "resource", message)));
            for (key, action) in [("change", change), ("reveal", reveal)] {
                unknown.extend(model.action(action).err().map(|message| ("follow_up", key, message)));
            }
        }
        let problem = |(part, key, message): (&str, &str, String)| {
            let start = place(&file.text, part, key).unwrap_or(0);
            Problem::error("signals::settings", file, message).at(start..start + key.len(), "here")
        };
        unknown.into_iter().map(problem).collect()
    }

    /// A number that makes no sense, by its part and key.
    fn mistake(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let Self {
            budget,
            peers,
            accesses,
            unexplained,
            breadth,
            burst,
            enumeration,
            probing,
            shopping,
            crowd,
            disclosure,
            circumstances,
            follow_up: _,
        } = self;
        let is_positive = |number: f64| number.is_finite() && number > 0.0;
        let is_weight = |number: f64| is_positive(number) && number <= 1.0;
        let weight = "is above 0 and at most 1";
        let mut checks = vec![
            (
                "budget",
                "per_thousand",
                is_positive(budget.per_thousand) && budget.per_thousand <= 1e3,
                "is above 0, at most 1000",
            ),
            ("budget", "least_score", budget.least_score.is_finite() && budget.least_score >= 0.0, "is 0 or more"),
            ("budget", "half_life_days", is_positive(budget.half_life_days), "is above 0"),
            ("budget", "quiet_days", budget.quiet_days > 0, "is 1 or more"),
            ("peers", "accounts", peers.accounts > 0, "is 1 or more"),
            ("peers", "active_days", peers.active_days > 0, "is 1 or more"),
            ("accesses", "days", accesses.days > 0, "is 1 or more"),
            ("accesses", "most", accesses.most > 1, "is 2 or more"),
        ];
        checks.extend(unexplained.iter().map(|it| ("unexplained", "weight", is_weight(it.weight), weight)));
        for (part, it) in [("breadth", breadth), ("burst", burst), ("enumeration", enumeration)] {
            checks.extend(it.iter().map(|it| (part, "weight", is_weight(it.weight), weight)));
            checks.extend(it.iter().map(|it| (part, "least", is_positive(it.least), "is above 0")));
        }
        checks.extend(probing.iter().map(|it| ("probing", "weight", is_weight(it.weight), weight)));
        checks.extend(probing.iter().map(|it| ("probing", "least", is_positive(it.least), "is above 0")));
        let is_score = |score: f64| is_positive(score) && score <= HIGHEST;
        checks.extend(shopping.iter().map(|it| ("shopping", "score", is_score(it.score), "is above 0 and at most 8")));
        checks.extend(shopping.iter().map(|it| ("shopping", "minutes", it.minutes > 0, "is 1 or more")));
        if let Some(it) = disclosure {
            let text = "names a type of accounts, since [disclosure] compares these with their own days";
            checks.push(("peers", "itself", !peers.itself.is_empty(), text));
            checks.push(("disclosure", "score", is_score(it.score), "is above 0 and at most 8"));
            checks.push(("disclosure", "weight", is_weight(it.weight), weight));
            checks.push(("disclosure", "least", is_positive(it.least), "is above 0"));
        }
        if let Some(it) = circumstances {
            checks.push(("circumstances", "most", is_score(it.most), "is above 0 and at most 8"));
            checks.push(("circumstances", "hour_share", is_weight(it.hour_share), weight));
            checks.push(("circumstances", "dormant", is_score(it.dormant), "is above 0 and at most 8"));
            checks.push(("circumstances", "dormant_days", it.dormant_days > 0, "is 1 or more"));
        }
        checks.extend(crowd.iter().map(|it| ("crowd", "accounts", it.accounts > 1, "is 2 or more")));
        checks.extend(crowd.iter().map(|it| ("crowd", "days", it.days > 0, "is 1 or more")));
        let wrong = checks.into_iter().find(|(_, _, is_right, _)| !is_right);
        wrong.map(|(part, key, _, message)| (part, key, message))
    }
}

/// The place of a key in a part of the file.
fn place(text: &str, part: &str, key: &str) -> Option<usize> {
    let start = text.find(&format!("[{part}]"))?;
    let mut at = start;
    for line in text.get(start..)?.split_inclusive('\n') {
        if line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return Some(at + line.len() - line.trim_start().len());
        }
        at += line.len();
    }
    None
}
