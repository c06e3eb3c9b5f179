//! A signal: what was found about the use of an account, and the sentence that explains it.

use super::{follow_up::Verdict, reasons::Reason, tail::HIGHEST};
use crate::types::{language::Language, revision::Revision, texts::signals as texts, trace::RecordIdentity};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The name of the peers of an account that is compared with its own earlier days.
pub(super) const ITSELF: &str = "itself";

/// What found it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Detector {
    /// More accesses without a known reason than peers have.
    Unexplained,
    /// More records that it had no access to before than peers have.
    Breadth,
    /// More questions within minutes than peers have.
    Burst,
    /// More records in a row whose numbers follow each other than peers have.
    Enumeration,
    /// More denied questions, by several policies, than peers have.
    Probing,
    /// Records that were denied, and allowed within minutes under another purpose, task or application.
    Shopping,
    /// Many accounts with access to one record, each without a known reason.
    Crowd,
    /// More disclosures of a system in a flow than on its own earlier days.
    Disclosure,
    /// A flow of disclosures that a system did not have before.
    NewDisclosure,
    /// A rule.
    Rule(Arc<Reason>),
}

impl Detector {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Unexplained => "unexplained",
            Self::Breadth => "breadth",
            Self::Burst => "burst",
            Self::Enumeration => "enumeration",
            Self::Probing => "probing",
            Self::Shopping => "shopping",
            Self::Crowd => "crowd",
            Self::Disclosure => "disclosure",
            Self::NewDisclosure => "new-disclosure",
            Self::Rule(rule) => &rule.id,
        }
    }
}

/// Detectors that see the same kind of thing: of one family only the highest score counts, and one signal is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// Accesses without a reason.
    Reason,
    /// How much.
    Volume,
    /// Denies.
    Denial,
    /// Rules, crowds, and disclosures that there were not before.
    Exact,
}

impl Family {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Reason, Self::Volume, Self::Denial, Self::Exact];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reason => "reason",
            Self::Volume => "volume",
            Self::Denial => "denial",
            Self::Exact => "exact",
        }
    }
}

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Opened,
    /// Its score rose.
    Raised,
    /// Somebody follows it up.
    Followed,
    /// Somebody closed it.
    Closed,
    /// Nothing new came for a time.
    Faded,
}

impl Change {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Opened, Self::Raised, Self::Followed, Self::Closed, Self::Faded];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Raised => "raised",
            Self::Followed => "followed",
            Self::Closed => "closed",
            Self::Faded => "faded",
        }
    }
}

/// A decision that a signal rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The place of its record in the log.
    pub seq: u64,
    /// The key of its record.
    pub record: RecordIdentity,
    /// Which item, if it is a batch.
    pub item: Option<usize>,
}

/// What makes an act say more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circumstance {
    /// Peers seldom ask at that hour of the week.
    Hour,
    /// The account asked nothing for long.
    Dormant,
}

impl Circumstance {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Dormant => "dormant",
        }
    }
}

/// Whom or what a signal is about, as `Type::"id"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// An account.
    Account(String),
    /// A record.
    Record(String),
}

impl About {
    /// The name of it.
    #[must_use]
    pub fn name(&self) -> &str {
        let (Self::Account(name) | Self::Record(name)) = self;
        name
    }
}

/// A signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// Its id: the same log and settings give the same.
    pub id: String,
    /// What became of it.
    pub change: Change,
    /// When: the time of the decision that brought it, in milliseconds since 1970.
    pub time: i64,
    /// Whom or what it is about.
    pub about: About,
    /// What found it.
    pub detector: Detector,
    /// Of which family that is.
    pub family: Family,
    /// The score of the account in this family, with that of the days before.
    pub score: f64,
    /// The score that is needed.
    pub threshold: f64,
    /// On how many days with questions, up to today, the next three were counted.
    pub days: usize,
    /// What was counted.
    pub observed: f64,
    /// Of how many, or at how many records; `None` for a number by itself.
    pub of: Option<f64>,
    /// What is usual among peers.
    pub expected: f64,
    /// The score of today alone: -log10 of its probability.
    pub surprise: f64,
    /// The name of the peers; empty: all accounts; [`ITSELF`]: it is compared with its own earlier days.
    pub peers: String,
    /// How many accounts they are.
    pub accounts: u32,
    /// What made the act say more that brought it.
    pub circumstances: Vec<Circumstance>,
    /// The decisions that it rests on, the latest ones.
    pub evidence: Vec<Evidence>,
    /// The reasons that were looked for.
    pub tried: Arc<[Arc<Reason>]>,
    /// What a person found, where that closes it.
    pub verdict: Option<Verdict>,
    /// The revision of the settings.
    pub settings: Revision,
}

impl Signal {
    /// It in one sentence or two.
    #[must_use]
    pub fn sentence(&self, language: Language) -> String {
        let Self { days, observed, of, expected, surprise, peers, accounts, detector, tried, .. } = self;
        let number = |number: f64| if number < 9.5 { format!("{number:.1}") } else { format!("{number:.0}") };
        let (observed, expected) = (format!("{observed:.0}"), number(*expected));
        let of = of.map(|of| format!("{of:.0}")).unwrap_or_default();
        let among = match peers.as_str() {
            ITSELF => texts::on_own_days(language).to_owned(),
            "" => texts::among_peers(language, texts::everybody(language), accounts),
            name => texts::among_peers(language, name, accounts),
        };
        let mut sentences = vec![match (detector, self.change) {
            (_, Change::Faded) => texts::faded(language).to_owned(),
            (_, Change::Followed) => texts::followed(language).to_owned(),
            (_, Change::Closed) => {
                self.verdict.map(|verdict| verdict.sentence(language)).unwrap_or_default().to_owned()
            }
            (Detector::Unexplained, _) => texts::unexplained(language, days, observed, of, among, expected),
            (Detector::Breadth, _) => texts::breadth(language, observed, among, expected),
            (Detector::Burst, _) => texts::burst(language, observed, among, expected),
            (Detector::Enumeration, _) => texts::enumeration(language, observed, among, expected),
            (Detector::Probing, _) => texts::probing(language, observed, of, among, expected),
            (Detector::Shopping, _) => texts::shopping(language, observed, among, expected),
            (Detector::Crowd, _) if self.of.is_some() => texts::crowd_at_records(language, observed, days, of),
            (Detector::Crowd, _) => texts::crowd(language, observed, days),
            (Detector::Disclosure, _) => texts::disclosure(language, observed, among, expected),
            (Detector::NewDisclosure, _) => texts::new_disclosure(language).to_owned(),
            (Detector::Rule(rule), _) => texts::rule(language, rule.title.in_language(language)),
        }];
        let is_finding = matches!(self.change, Change::Opened | Change::Raised);
        if self.family != Family::Exact && is_finding {
            let odds = format!("{:.0}", 10f64.powf(*surprise));
            let is_capped = *surprise >= HIGHEST;
            sentences.push(if is_capped { texts::no_odds(language).to_owned() } else { texts::odds(language, odds) });
        }
        if matches!(detector, Detector::Unexplained) && !tried.is_empty() && is_finding {
            let titles: Vec<_> = tried.iter().map(|reason| reason.title.in_language(language)).collect();
            sentences.push(texts::tried(language, titles.join(" ")));
        }
        for circumstance in &self.circumstances {
            sentences.push(match circumstance {
                Circumstance::Hour => texts::at_rare_hour(language).to_owned(),
                Circumstance::Dormant => texts::after_pause(language).to_owned(),
            });
        }
        if self.change != Change::Closed {
            sentences.push(texts::no_judgement(language).to_owned());
        }
        sentences.join(" ")
    }
}
