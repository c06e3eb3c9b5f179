//! Replay: decides recorded questions again, with the functions that decided them.
//!
//! A record names the revisions that it was decided under, and holds the question and the moment. So the replayed
//! answer must be the same, byte for byte. Under another revision, differences show what that revision would have
//! changed.
//!
//! What holds here:
//! - A record that cannot be decided again is never skipped: replay returns its [`Reason`].
//! - The moment is that of the record, never the present.
//! - Memory does not grow with the log: replay holds a few snapshots and a bounded cache.
//!
//! - `worlds`: the snapshots that records name
//! - `difference`: the differences between two answers

mod difference;
mod worlds;

pub use difference::{Difference, ResponseSummary};
pub use worlds::{Local, Worlds};

use crate::{
    pdp::{
        answers,
        cache::{self, Cache},
        callers,
        engine::{self, Mistakes, UnknownEntities},
    },
    record::decision_log::{RecordedRequest, RecordedResponse, StoredRecord, on_record},
    sources::snapshot::{Revisions, Snapshot},
    types::{
        authzen::{self, Limits},
        decision::Answer,
        evaluation::{Batch, Item, Parts},
        language::Language,
        moment::Moment,
        revision::Revision,
    },
};
use std::{borrow::Cow, fmt, sync::Arc};

/// Recorded questions were within the limits of their day; only the reader's own limit applies here.
const LIMITS: Limits = Limits { depth: 128, batch: usize::MAX };

/// Finds the configuration of the engine by the digest of a configuration that is not in the archive, given the
/// application that the record names. `None` where the digest does not tell.
pub type Meaning<'a> = dyn Fn(&Revision, Option<&str>) -> Option<engine::Config> + 'a;

/// Decides records again.
pub struct Replay<'a> {
    /// Under this one instead of those that the records name.
    against: Option<Arc<Snapshot>>,
    worlds: Worlds,
    cache: Cache,
    meaning: &'a Meaning<'a>,
}

impl fmt::Debug for Replay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("worlds", &self.worlds).finish_non_exhaustive()
    }
}

/// The outcome of deciding a record again.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplayOutcome {
    /// The same.
    Same,
    /// Something else.
    Differs(Vec<Difference>),
    /// It cannot be decided again.
    NotReplayable(Reason),
}

/// Why a record cannot be decided again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// No answer was sent: it was too late, or the caller may not ask. So there is nothing to compare with.
    Unanswered,
    /// A revision that it names is not available, or not valid any more.
    Revision(String),
    /// Parts of it were redacted when it was written.
    Concealed,
    /// `directory.unknown` or `decisions.undeclared` of then matters to the answer. The archive does not tell it.
    Meaning,
    /// An item of the batch had a fault in its form, and the record does not hold what was wrong.
    FaultyItem,
    /// It is no record that this version can read.
    Unreadable(String),
}

impl Reason {
    /// A word for it, for scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unanswered => "unanswered",
            Self::Revision(_) => "revision",
            Self::Concealed => "concealed",
            Self::Meaning => "configuration",
            Self::FaultyItem => "faulty-item",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanswered => f.write_str("no answer left, so there is none to compare with"),
            Self::Revision(message) => f.write_str(message),
            Self::Concealed => f.write_str("parts of the question were concealed when it was recorded"),
            Self::Meaning => f.write_str(
                "the answer depends on directory.unknown or decisions.undeclared; the archive does not have the record's \
                 configuration, and under this time zone its digest does not tell (time zone and application are in the record)",
            ),
            Self::FaultyItem => {
                f.write_str("an item of the batch had a fault in its form, which the record does not hold")
            }
            Self::Unreadable(message) => f.write_str(message),
        }
    }
}

/// What a record asked, and what decided it.
#[derive(Debug)]
pub struct RecordedQuestions {
    /// The revisions that it names.
    pub snapshot: Arc<Snapshot>,
    /// Its question or questions.
    pub asked: RecordedRequest<'static>,
    /// Its moment.
    pub moment: Moment,
    /// The configuration of the engine then; the default where that is not known.
    pub config: engine::Config,
}

/// The answers to a call: one, or those of a batch. `Err`: the question does not fit the schema.
type Answers = Result<Vec<Answer>, String>;

impl<'a> Replay<'a> {
    /// Under the revisions that the records name.
    #[must_use]
    pub fn recorded(worlds: Worlds, meaning: &'a Meaning<'a>) -> Self {
        // The metrics of this cache have no reader.
        let cache = Cache::new(&cache::Config::default(), &opentelemetry::global::meter("poort.replay"));
        Self { against: None, worlds, cache, meaning }
    }

    /// Under one other revision.
    #[must_use]
    pub fn against(self, snapshot: Arc<Snapshot>) -> Self {
        Self { against: Some(snapshot), ..self }
    }

    /// Decides a record again.
    pub fn decide(&mut self, recorded: &StoredRecord<'_>) -> ReplayOutcome {
        self.compare(recorded).unwrap_or_else(ReplayOutcome::NotReplayable)
    }

    /// What a record asked, with what decided it.
    ///
    /// # Errors
    /// Why that is not known any more.
    pub fn questions(&mut self, recorded: &StoredRecord<'_>) -> Result<RecordedQuestions, Reason> {
        let Found { snapshot, asked, moment, config, named: _ } = self.find(recorded)?;
        Ok(RecordedQuestions { snapshot, asked, moment, config: config.unwrap_or_default() })
    }

    fn find(&mut self, recorded: &StoredRecord<'_>) -> Result<Found, Reason> {
        if recorded.is_concealed() {
            return Err(Reason::Concealed);
        }
        let unreadable = |what: &str| Reason::Unreadable(format!("its {what} is no revision"));
        let named = (
            recorded.policies().ok_or_else(|| unreadable("adl.core.policies"))?,
            recorded.directory().ok_or_else(|| unreadable("adl.core.information"))?,
        );
        let snapshot = match &self.against {
            Some(snapshot) => snapshot.clone(),
            None => self.worlds.find(&named).map_err(Reason::Revision)?,
        };
        let asked = recorded_request(recorded)?;
        let moment = recorded.moment();
        let configuration = Revision::parse(&recorded.poort().digest);
        let configuration = configuration.ok_or_else(|| unreadable("adl.core.configuration"))?;
        let (policies, directory) = named;
        let named = Revisions { policies, directory };
        let meant = self.worlds.configuration(&configuration);
        let config = meant.or_else(|| (self.meaning)(&configuration, moment.application.as_deref()));
        Ok(Found { snapshot, asked, moment, config, named })
    }

    fn compare(&mut self, recorded: &StoredRecord<'_>) -> Result<ReplayOutcome, Reason> {
        let then = recorded.response().ok_or(Reason::Unanswered)?;
        let Found { snapshot, asked, moment, config, named } = self.find(recorded)?;
        let application = recorded.proven_application();
        let decider = Decider { snapshot: &snapshot, application, cache: &self.cache, moment: &moment, named: &named };
        let answers = match config {
            Some(config) => decider.answers(&asked, config),
            None => {
                let answers = decider.answers(&asked, engine::Config::default());
                if engine::Config::all().any(|config| decider.answers(&asked, config) != answers) {
                    return Err(Reason::Meaning);
                }
                answers
            }
        };
        let now = written(&answers, &asked, &snapshot, recorded.language());
        if now.as_deref() == Ok(then.as_bytes()) {
            return Ok(ReplayOutcome::Same);
        }
        let differences = difference::between(recorded, then, now.as_deref().map_err(String::as_str))?;
        if let RecordedRequest::Several(batch) = &asked
            && differences.iter().any(|it| it.then.is_fault && it.item.is_some_and(|item| is_empty(batch, item)))
        {
            return Err(Reason::FaultyItem);
        }
        Ok(if differences.is_empty() { ReplayOutcome::Same } else { ReplayOutcome::Differs(differences) })
    }
}

/// What decided a record.
struct Found {
    snapshot: Arc<Snapshot>,
    asked: RecordedRequest<'static>,
    moment: Moment,
    /// `None` where neither the archive nor the digest tells.
    config: Option<engine::Config>,
    named: Revisions,
}

/// An item with a fault in its form is recorded without anything in it.
fn is_empty(batch: &Batch, item: usize) -> bool {
    batch.items.get(item) == Some(&Item::default())
}

/// The question or questions of a record, as it has them.
///
/// # Errors
/// It cannot be read.
pub fn recorded_request(recorded: &StoredRecord<'_>) -> Result<RecordedRequest<'static>, Reason> {
    let request = recorded.request().as_bytes();
    let unreadable = |error: authzen::ReadError| Reason::Unreadable(format!("its request cannot be read: {error}"));
    if !recorded.is_batch() {
        return authzen::read_evaluation(request, LIMITS)
            .map(|it| RecordedRequest::One(Cow::Owned(it)))
            .map_err(unreadable);
    }
    match authzen::read_batch(request, LIMITS).map_err(unreadable)? {
        authzen::EvaluationsBody::Several(batch) => Ok(RecordedRequest::Several(Cow::Owned(batch))),
        authzen::EvaluationsBody::One(_) => {
            Err(Reason::Unreadable("it calls itself a batch and has no items".to_owned()))
        }
    }
}

/// Decides the questions of one record.
struct Decider<'a> {
    snapshot: &'a Snapshot,
    /// The application that its caller proved to be, if callers were recognised.
    application: Option<&'a str>,
    cache: &'a Cache,
    moment: &'a Moment,
    /// The revisions that the record names. The answer gets them, since another revision alone is no difference in the
    /// decision.
    named: &'a Revisions,
}

impl Decider<'_> {
    fn answers(&self, asked: &RecordedRequest<'_>, config: engine::Config) -> Answers {
        match asked {
            RecordedRequest::One(evaluation) => self
                .answer(evaluation.as_ref().into(), config)
                .map(|answer| vec![answer])
                .map_err(|error| error.to_string()),
            RecordedRequest::Several(batch) => Ok(answers(batch, |parts, _| {
                let fault = callers::fault(self.snapshot, self.application, parts);
                fault.map_or_else(|| self.answer(parts, config), Ok)
            })),
        }
    }

    fn answer(&self, parts: Parts<'_>, config: engine::Config) -> Result<Answer, Mistakes> {
        let checked = engine::check_question(self.snapshot, parts, self.moment, config)?;
        let decide = || checked.question().map(|question| engine::decide(self.snapshot, &question));
        // The key holds all that a verdict depends on but `directory.unknown`, which a server has only one of.
        let key = checked.key().filter(|_| config.unknown == UnknownEntities::Deny);
        let (verdict, _) = self.cache.verdict(key, decide)?;
        Ok(Answer::Evaluated(checked.answer(verdict, self.named.clone(), false)))
    }
}

/// The answers as the record has them, with sentences in its language.
fn written(
    answers: &Answers,
    asked: &RecordedRequest<'_>,
    snapshot: &Snapshot,
    language: Language,
) -> Result<Vec<u8>, String> {
    let answers = answers.as_ref().map_err(Clone::clone)?;
    let decided = match (answers.as_slice(), asked) {
        ([answer], RecordedRequest::One(_)) => RecordedResponse::One(Cow::Borrowed(answer)),
        (answers, _) => RecordedResponse::Several(Cow::Borrowed(answers)),
    };
    let mut out = Vec::new();
    match on_record(asked, &decided, &snapshot.policies.model) {
        RecordedResponse::One(answer) => authzen::write_answer(&mut out, &answer, language, None),
        RecordedResponse::Several(answers) => authzen::write_answers(&mut out, &answers, language, None),
        RecordedResponse::Nothing(_) => {}
    }
    Ok(out)
}
