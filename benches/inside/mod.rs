//! The path of a question inside the process, from the words of a caller to the bytes of the record, without a wire and
//! without a disk: what the benches of its parts share.

#![allow(dead_code, reason = "each bench uses what it needs of it")]
#![allow(clippy::allow_attributes, reason = "what a bench does not use differs from bench to bench")]

use poort::{
    pdp::{
        Clock,
        cache::{self, Cache},
        engine::{CheckedQuestion, UnknownEntities, check_question, decide},
    },
    record::decision_log::{Producer, Pseudonyms, Record, RecordedRequest, RecordedResponse},
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
    types::{
        decision::{Answer, Evaluated, Verdict},
        evaluation::{Action, Entity, Evaluation, Map, Value},
        moment::Moment,
        revision::Revision,
        trace::TraceContext,
    },
};
use std::{borrow::Cow, collections::BTreeMap, path::Path};

/// Policies and a directory, and what makes records.
pub(crate) struct Desk {
    pub(crate) snapshot: Snapshot,
    pub(crate) cache: Cache,
    pub(crate) clock: Clock,
    producer: Producer,
    pseudonyms: Pseudonyms,
}

impl Desk {
    /// With this repository's policies.
    pub(crate) fn shipped() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        Self::of(&Sources::read(&folder, &folder.join("directory")).unwrap())
    }

    /// The same, with what applications may ask.
    pub(crate) fn with_applications(applications: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        let Sources { policies, directory } = Sources::read(&folder, &folder.join("directory")).unwrap();
        let files = policies.files().map(|(name, file)| (name, file.text.as_ref()));
        let policies = files.chain([(policy::APPLICATIONS_FILE, applications)]);
        Self::of(&Sources { policies: policy::Sources::from_texts("policies", policies), directory })
    }

    /// With policies, schema and directory as texts.
    pub(crate) fn generated(schema: &str, policies: &str, directory: &str) -> Self {
        Self::of(&Sources {
            policies: policy::Sources::from_texts("p", [(policy::SCHEMA_FILE, schema), ("all.cedar", policies)]),
            directory: directory::Sources::from_texts("d", [("all.json", directory)]),
        })
    }

    fn of(sources: &Sources) -> Self {
        let (snapshot, problems) = Snapshot::from_sources(sources);
        Self {
            snapshot: snapshot.unwrap_or_else(|| panic!("{problems:#?}")),
            cache: Cache::new(&cache::Config::default(), &opentelemetry::global::meter("bench")),
            clock: Clock::new(jiff::tz::TimeZone::get("Europe/Amsterdam").unwrap(), None),
            producer: Producer::new("9.9.9", &Revision::of([]), "here", &BTreeMap::new()).in_log("poort/here/1"),
            pseudonyms: Pseudonyms::from_keys(("k", [1; 32]), &[]),
        }
    }

    pub(crate) fn check<'a>(&'a self, evaluation: &'a Evaluation, moment: &'a Moment) -> CheckedQuestion<'a> {
        check_question(&self.snapshot, evaluation, moment, UnknownEntities::Deny).unwrap()
    }

    /// The verdict on a question that is not in the cache.
    pub(crate) fn fresh(&self, evaluation: &Evaluation, moment: &Moment) -> Verdict {
        decide(&self.snapshot, &self.check(evaluation, moment).question().unwrap())
    }

    /// The answer to a question, from the cache if it is there.
    pub(crate) fn answer(&self, evaluation: &Evaluation, moment: &Moment) -> Evaluated {
        let checked = self.check(evaluation, moment);
        let decided = || checked.question().map(|question| decide(&self.snapshot, &question));
        let (verdict, cached) = self.cache.verdict(checked.key(), decided).unwrap();
        checked.answer(verdict, self.snapshot.revisions().clone(), cached)
    }

    /// How many bytes its record has.
    pub(crate) fn record(&self, asked: &Evaluation, moment: &Moment, answer: &Answer) -> usize {
        let Snapshot { policies, directory, .. } = &self.snapshot;
        let record = Record {
            trace: &TraceContext::from_headers(None, None),
            caller: None,
            identity: None,
            moment,
            asked: RecordedRequest::One(Cow::Borrowed(asked)),
            decided: RecordedResponse::One(Cow::Borrowed(answer)),
            model: &policies.model,
            policies: &policies.revision,
            directory: &directory.revision,
        };
        record.to_payload(&self.producer, &self.pseudonyms).unwrap().max_len()
    }

    /// The whole path of one question: clock, key, cache or evaluation, record.
    pub(crate) fn decide(&self, asked: &Evaluation) -> (bool, usize) {
        let moment = self.clock.now();
        let answer = self.answer(asked, &moment);
        let cached = answer.cached;
        (cached, self.record(asked, &moment, &Answer::Evaluated(answer)))
    }
}

/// A question that differs from those of other numbers in what the policies read: the justification. It is allowed.
pub(crate) fn question_with(number: i64) -> Evaluation {
    let mut question = question(3);
    question.context.insert("justification".into(), Value::String(format!("case {number}")));
    question
}

/// May this officer consult an investigation of their team at this level? Allowed up to level 3. The policies read the level,
/// and not which investigation it is.
pub(crate) fn question(level: i64) -> Evaluation {
    let text = |text: &str| Value::String(text.to_owned());
    #[expect(clippy::cast_precision_loss, reason = "levels are small")]
    let level = Value::Number(level as f64);
    let named = |kind: &str, id: &str, properties| Entity { kind: kind.into(), id: id.into(), properties };
    Evaluation {
        subject: named("Officer", "officer-0007", Map::new()),
        action: Action { name: "consult".into(), properties: Map::new() },
        resource: named(
            "Investigation",
            "inv-00000042",
            Map::from([
                ("unit".into(), text("detectives-north")),
                ("team".into(), text("heron")),
                ("level".into(), level),
                ("embargo".into(), Value::Bool(false)),
            ]),
        ),
        context: Map::from([("purpose".into(), text("9"))]),
    }
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
