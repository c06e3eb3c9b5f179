//! What a decision costs, counted and not timed: the instructions of one cached and one fresh decision with their records, of
//! a deny, of an allow for an application that says what it can do, and of whether an application may ask at all, under callgrind. A count does not depend on what else the machine does, so it can be held.
//!
//! It counts what the build of the tests runs, which is not optimised as a release is; what makes it grow by a tenth is
//! worth a look all the same. `UPDATE_EXPECT=1 cargo test --test it cost` accepts what it is now.

use poort::{
    pdp::{
        Clock,
        cache::{self, Cache},
        callers,
        engine::{UnknownEntities, check_question, decide},
    },
    record::decision_log::{Producer, Pseudonyms, Record, RecordedRequest, RecordedResponse},
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
    types::{
        authzen::{Limits, read_evaluation},
        decision::Answer,
        evaluation::Evaluation,
        moment::Moment,
        revision::Revision,
        trace::TraceContext,
    },
};
use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _, path::Path, process::Command};

/// How many decisions are counted.
const TIMES: u64 = 64;
/// By how many hundredths a count may grow.
const GROWTH: u64 = 10;

const APPLICATIONS: &str =
    "[desk]\nsubjects = [\"User\"]\norganisations = [\"g1\"]\nactions = [\"*\"]\nresources = [\"*\"]\n";

struct Desk {
    snapshot: Snapshot,
    moment: Moment,
    producer: Producer,
    pseudonyms: Pseudonyms,
}

impl Desk {
    fn new() -> Self {
        let schema =
            "entity Group in [Group]; entity User in [Group] { level: Long, tasks: Set<String>, organisation: Group };
            @source(\"request\") entity Doc { level: Long, owner: User, open: Bool };
            type Asked = { purpose: String, pdp: { today: datetime } };
            action read, write appliesTo { principal: User, resource: Doc, context: Asked };";
        let policies: String = (0..24)
            .map(|number| {
                format!(
                    "@id(\"p{number}\") @title(\"Rule {number}.\") permit (principal in Group::\"g{number}\", action == \
                     Action::\"read\", resource) when {{ resource.level <= principal.level && \
                     principal.tasks.contains(context.purpose) && context.pdp.today > datetime(\"2020-01-01\") }};\n"
                )
            })
            .collect();
        let directory = r#"[{"uid": {"type": "Group", "id": "g1"}, "attrs": {}, "parents": []},
            {"uid": {"type": "User", "id": "u"}, "attrs": {"level": 3, "tasks": ["8", "9"], "organisation": {"type": "Group", "id": "g1"}},
             "parents": [{"type": "Group", "id": "g1"}]}]"#;
        let sources = Sources {
            policies: policy::Sources::from_texts(
                "p",
                [
                    (policy::SCHEMA_FILE, schema),
                    ("all.cedar", policies.as_str()),
                    (policy::APPLICATIONS_FILE, APPLICATIONS),
                ],
            ),
            directory: directory::Sources::from_texts("d", [("all.json", directory)]),
        };
        let (snapshot, problems) = Snapshot::from_sources(&sources);
        Self {
            snapshot: snapshot.unwrap_or_else(|| panic!("{problems:#?}")),
            moment: Clock::new(jiff::tz::TimeZone::UTC, None).now(),
            producer: Producer::new("9.9.9", &Revision::of([]), "here", &BTreeMap::new()),
            pseudonyms: Pseudonyms::from_keys(("k", [1; 32]), &[]),
        }
    }

    /// From the question to the bytes of its record.
    fn decide(&self, cache: &Cache, evaluation: &Evaluation, (allowed, expect_cached): (bool, bool)) -> usize {
        let checked = check_question(&self.snapshot, evaluation, &self.moment, UnknownEntities::Deny).unwrap();
        let decided = || checked.question().map(|question| decide(&self.snapshot, &question));
        let (verdict, cached) = cache.verdict(checked.key(), decided).unwrap();
        assert_eq!((verdict.decision.is_allow(), cached), (allowed, expect_cached));
        let (policies, directory) = (&self.snapshot.policies.revision, &self.snapshot.directory.revision);
        let answer = checked.answer(verdict, self.snapshot.revisions().clone(), cached);
        let record = Record {
            trace: &TraceContext::from_headers(None, None),
            caller: None,
            identity: None,
            moment: &self.moment,
            asked: RecordedRequest::One(Cow::Borrowed(evaluation)),
            decided: RecordedResponse::One(Cow::Owned(Answer::Evaluated(answer))),
            model: &self.snapshot.policies.model,
            policies,
            directory,
        };
        record.to_payload(&self.producer, &self.pseudonyms).unwrap().max_len()
    }
}

/// Each differs in what the policies read, and in what they do not.
fn question(number: u64) -> Evaluation {
    asked(number, -1_000 - i64::try_from(number).unwrap(), "")
}

/// No policy permits it, so the user gets the general sentence.
fn denied(number: u64) -> Evaluation {
    asked(number, 1_000 + i64::try_from(number).unwrap(), "")
}

/// An allow for an application that says what it can do.
fn supported(number: u64) -> Evaluation {
    let listed = r#", "supported_obligations": ["hide", "record", "session_termination"]"#;
    asked(number, -1_000 - i64::try_from(number).unwrap(), listed)
}

fn asked(number: u64, level: i64, context: &str) -> Evaluation {
    let text = format!(
        r#"{{"subject": {{"type": "User", "id": "u"}}, "action": {{"name": "read"}}, "resource": {{"type": "Doc",
        "id": "doc-{number:06}", "properties": {{"level": {level}, "owner": "u", "open": true}}}},
        "context": {{"purpose": "9"{context}}}}}"#
    );
    read_evaluation(text.as_bytes(), Limits { depth: 16, batch: 1 }).unwrap()
}

// Counting begins and ends at calls of these by name, so they hold no closures, whose names begin with theirs.

#[inline(never)]
fn counted_cached(desk: &Desk, cache: &Cache, questions: &[Evaluation]) -> usize {
    let mut bytes = 0;
    for question in questions {
        bytes += desk.decide(cache, question, (true, true));
    }
    bytes
}

#[inline(never)]
fn counted_fresh(desk: &Desk, cache: &Cache, questions: &[Evaluation]) -> usize {
    let mut bytes = 0;
    for question in questions {
        bytes += desk.decide(cache, question, (true, false));
    }
    bytes
}

#[inline(never)]
fn counted_denied(desk: &Desk, cache: &Cache, questions: &[Evaluation]) -> usize {
    let mut bytes = 0;
    for question in questions {
        bytes += desk.decide(cache, question, (false, true));
    }
    bytes
}

#[inline(never)]
fn counted_supported(desk: &Desk, cache: &Cache, questions: &[Evaluation]) -> usize {
    let mut bytes = 0;
    for question in questions {
        bytes += desk.decide(cache, question, (true, true));
    }
    bytes
}

#[inline(never)]
fn counted_permitted(desk: &Desk, questions: &[Evaluation]) -> usize {
    let mut permitted = 0;
    for question in questions {
        permitted += usize::from(callers::check(&desk.snapshot, "desk", question.into()).is_ok());
    }
    permitted
}

/// What is counted, when the test below runs it under callgrind. By itself it shows that the first time is evaluated and the
/// second is not, and that their records are of one length.
#[test]
fn a_question_is_evaluated_once_and_then_found() {
    let desk = Desk::new();
    let cache =
        Cache::new(&cache::Config { recheck: 0, ..cache::Config::default() }, &opentelemetry::global::meter("cost"));
    let questions: Vec<_> = (0..TIMES).map(question).collect();
    assert_eq!(counted_permitted(&desk, &questions), questions.len());
    // What is made once, such as the policies of this kind of question, is not counted.
    desk.decide(&cache, &question(TIMES), (true, false));
    desk.decide(&cache, &question(TIMES), (true, true));
    let fresh = counted_fresh(&desk, &cache, &questions);
    assert_eq!(counted_cached(&desk, &cache, &questions), fresh);
    let refused: Vec<_> = (0..TIMES).map(denied).collect();
    for question in &refused {
        desk.decide(&cache, question, (false, false));
    }
    assert!(counted_denied(&desk, &cache, &refused) > 0);
    // The same key as without the list.
    let listed: Vec<_> = (0..TIMES).map(supported).collect();
    assert!(counted_supported(&desk, &cache, &listed) > fresh);
}

/// Instructions for one call of what this function repeats.
fn instructions(function: &str) -> u64 {
    // Of this crate's tests.
    let (_, module) = module_path!().split_once("::").unwrap();
    let test = format!("{module}::a_question_is_evaluated_once_and_then_found");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg(format!("--toggle-collect=*cost::{function}*"))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &test, "--test-threads=1"])
        .output()
        .unwrap_or_else(|error| panic!("valgrind, which tests/run installs: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stdout));
    let line = text.lines().find_map(|line| line.split_once("Collected :")).unwrap_or_else(|| panic!("{text}"));
    let count: u64 = line.1.trim().parse().unwrap();
    assert!(count > 0, "nothing was counted: {text}");
    count / TIMES
}

#[test]
fn a_decision_takes_no_more_instructions_than_it_did() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/pdp/cost.txt");
    let counts = ["counted_cached", "counted_fresh", "counted_denied", "counted_supported", "counted_permitted"];
    let counts = counts.map(|function| (function, instructions(function)));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let mut text = String::new();
        for (function, count) in counts {
            writeln!(text, "{function} {count}").unwrap();
        }
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    for (line, (function, count)) in expected.lines().zip(counts) {
        let (name, before) = line.split_once(' ').unwrap();
        assert_eq!(name, function);
        let most = before.parse::<u64>().unwrap() * (100 + GROWTH) / 100;
        assert!(
            count <= most,
            "{function}: {count} instructions, {before} before; if that is what it has to cost, accept it: \
             UPDATE_EXPECT=1 cargo test --test it cost"
        );
    }
}
