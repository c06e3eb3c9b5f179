//! `poort signals take`, `close` and `reveal`: what people do with a signal. Each is a question to the sidecar that found it, and the
//! policies decide.

use super::{
    Common, Exit, Output,
    log::{PAUSE, is_closed},
    recorded::{named, selection, take},
};
use crate::{
    commands::{
        active::active,
        post::post,
        question::{Asked, By},
    },
    oversight::signals::{FollowUp, History, Recorded, SettingsFiles, Status, VERDICT, account_of},
    record::decision_log::{Pseudonyms, Scan, Segments},
    sources::{
        directory::{reference_of, text_of},
        policy::{Attributes, Held, Shape},
        snapshot::Snapshot,
    },
    types::{
        authzen, escape,
        evaluation::{Evaluation, Value},
    },
};
use clap::{Args, ValueEnum};
use serde_json::Value as Json;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

pub(super) const TAKE: &str = "Examples:
  poort signals take 5c9d --subject officer-0240 --property integrity_case=IC-2026-12 --property level=2 --context purpose=32a

Asks the sidecar whether this account may follow the signal up. If it may, the signal is *followed* on record.";

pub(super) const CLOSE: &str = "Examples:
  poort signals close 5c9d --verdict justified --subject officer-0054 --property level=2 --context purpose=32a \\
    --note \"Helped the neighbouring team that night.\"

Asks the sidecar whether this account may close the signal with this verdict. If it may, the signal is *closed* on record, and
the note with it.";

pub(super) const REVEAL: &str = "Examples:
  poort signals reveal 5c9d --subject officer-0240 --property integrity_case=IC-2026-12 --property level=2 --context purpose=32a \\
    --note \"The case cannot go on without the name.\"

Asks the sidecar whether this account may see whose the signal is. If it may, the account is printed, with what has to be done then.
The question and its answer are on record like any other. It is for the host of the sidecar: it reads the keys of pseudonyms there.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// The id of the signal, or its beginning
    #[arg(value_name = "ID")]
    id: String,
    /// Who asks: an account of the directory, or TYPE::ID
    #[arg(long, value_name = "[TYPE::]ID")]
    subject: String,
    /// A property of the signal; `status`, `account` and `unit` are filled in
    #[arg(long = "property", value_name = "NAME=VALUE")]
    properties: Vec<String>,
    /// Why, in words: `context.justification`
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// A member of the context, such as purpose=32a
    #[arg(long = "context", value_name = "NAME=VALUE")]
    context: Vec<String>,
    /// Where the sidecar is heard
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:50051")]
    url: String,
    /// PEM file: who may have signed its certificate [default: the roots of the system]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(in crate::commands) struct Closing {
    /// What was found
    #[arg(long, value_enum)]
    verdict: Verdict,
    #[command(flatten)]
    arguments: Arguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Verdict {
    /// The use had a reason that poort did not know
    Justified,
    /// It was not meant
    Mistake,
    /// It was wrong
    Misuse,
    /// It cannot be said
    Unclear,
}

/// How long the record of what was allowed may take.
const RECORDED: Duration = Duration::from_secs(10);

pub(super) fn take_up(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let mut place = Place::open(arguments, output)?;
    place.refuse_all_but(&[Status::Open], output)?;
    let action = place.follow_up.change.clone();
    let Some(answer) = place.ask(arguments, &action, None, output)? else { return Ok(Exit::Denied) };
    place.becomes(Status::Followed, &answer, output)
}

pub(super) fn close(Closing { verdict, arguments }: &Closing, output: &mut Output) -> Result<Exit, Exit> {
    let mut place = Place::open(arguments, output)?;
    place.refuse_all_but(&[Status::Open, Status::Followed], output)?;
    let action = place.follow_up.change.clone();
    let verdict = verdict.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let Some(answer) = place.ask(arguments, &action, Some(verdict), output)? else { return Ok(Exit::Denied) };
    place.becomes(Status::Closed, &answer, output)
}

pub(super) fn reveal(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let place = Place::open(arguments, output)?;
    if let ("record", _) = place.signal.about() {
        output.error("it is about a record and about no account: the decisions that it rests on name both, see `poort signals show`");
        return Err(Exit::Usage);
    }
    let action = place.follow_up.reveal.clone();
    let Some(answer) = place.ask(arguments, &action, None, output)? else { return Ok(Exit::Denied) };
    let Some(account) = &place.account else {
        output.error("no account of the directory has this pseudonym: it is gone from the directory, or the key of its pseudonym is");
        return Err(Exit::Failed);
    };
    output.conclude(&format!("{}\n", escape::line(account)))?;
    tell_duties(&answer, output);
    Ok(Exit::Done)
}

/// What is known before the question.
struct Place {
    dir: PathBuf,
    snapshot: Snapshot,
    follow_up: FollowUp,
    history: History,
    signal: Recorded,
    account: Option<String>,
    /// How many records of signals there were.
    known: usize,
}

impl Place {
    fn open(arguments: &Arguments, output: &mut Output) -> Result<Self, Exit> {
        let (settings, _) = arguments.common.settings(Default::default(), output)?;
        let files = SettingsFiles::read(&settings.store.policies).map_err(|problems| {
            output.problems(&problems);
            Exit::NotValid
        })?;
        let Some(follow_up) = files.settings.follow_up() else {
            output.error("signals/detectors.toml has no [follow_up], which names the questions about a signal");
            return Err(Exit::NotValid);
        };
        let snapshot = active(&settings, output)?;
        let dir = settings.log.records();
        let (history, known) = read(&dir, output)?;
        let signal = named(&history, &arguments.id, output)?.clone();
        let keys =
            settings.signals.as_ref().map_or_else(|| settings.log.data.join("signal-keys"), |it| it.pseudonyms_path());
        let account =
            Pseudonyms::read(&keys).ok().and_then(|keys| account_of(&keys, signal.text("account"), &snapshot));
        Ok(Self { dir, snapshot, follow_up: follow_up.clone(), history, signal, account, known })
    }

    /// Nothing becomes of a signal that is not in one of these.
    fn refuse_all_but(&self, fitting: &[Status], output: &mut Output) -> Result<(), Exit> {
        let status = self.signal.status;
        if fitting.contains(&status) {
            return Ok(());
        }
        output.error(&format!("the signal {} is {} already", self.signal.id(), status.name()));
        Err(Exit::Failed)
    }

    /// Asks. `None`: it is denied, and why is told.
    fn ask(
        &self,
        arguments: &Arguments,
        action: &str,
        verdict: Option<String>,
        output: &mut Output,
    ) -> Result<Option<Json>, Exit> {
        let asked = self.question(arguments, action, verdict).map_err(|message| {
            output.error(&message);
            Exit::Usage
        })?;
        let mut bytes = Vec::new();
        authzen::write_evaluation(&mut bytes, &asked);
        let answered = post(&arguments.url, "/access/v1/evaluation", bytes, arguments.ca.clone());
        let answer = answered.and_then(|answer| {
            serde_json::from_slice::<Json>(&answer).map_err(|error| format!("its answer cannot be read: {error}"))
        });
        let answer = answer.map_err(|why| {
            output.error(&format!("{}: {why}", arguments.url));
            Exit::Failed
        })?;
        if answer.get("decision").and_then(Json::as_bool) == Some(true) {
            return Ok(Some(answer));
        }
        let why = answer.get("context").and_then(|context| context.get("reason")).and_then(Json::as_str);
        output.error(why.unwrap_or("denied"));
        Ok(None)
    }

    /// The question, with what poort knows of the signal filled in where the schema has a place for it.
    fn question(&self, arguments: &Arguments, action: &str, verdict: Option<String>) -> Result<Evaluation, String> {
        let Arguments { subject, properties, context, note, .. } = arguments;
        let resource = format!("{}::{:?}", self.follow_up.resource, self.signal.id());
        let by = By::of(subject, action, &resource, properties.clone(), context.clone())?;
        let Asked::One(mut asked) = by.question(&self.snapshot)? else { return Err("it is no question".to_owned()) };
        let status = match self.signal.status {
            Status::Open => "open",
            Status::Followed => "followed",
            Status::Closed | Status::Faded | Status::Superseded => "closed",
        };
        let model = &self.snapshot.policies.model;
        let declared = match &model.entity(&asked.resource.kind)?.held {
            Held::ByRequest { attributes, .. } => attributes.as_ref().clone(),
            _ => Attributes::new(),
        };
        let entity = self.snapshot.directory.iter().find(|it| Some(it.uid().to_string()) == self.account);
        let unit = entity.and_then(|entity| reference_of(entity, "unit").or_else(|| text_of(entity, "unit")));
        let account = entity.filter(|entity| match declared.get("account").map(|attribute| &attribute.shape) {
            Some(Shape::Entity(reference)) => reference.kind == *entity.uid().entity_type(),
            Some(Shape::String) => true,
            _ => false,
        });
        let known =
            [("status", Some(status)), ("unit", unit), ("account", account.map(|entity| entity.uid().eid().as_ref()))];
        for (name, value) in known {
            if let (true, Some(value)) = (declared.contains_key(name), value) {
                asked.resource.properties.insert(name.to_owned(), Value::String(value.to_owned()));
            }
        }
        asked.resource.properties.extend(verdict.map(|verdict| (VERDICT.to_owned(), Value::String(verdict))));
        asked.context.extend(note.clone().map(|note| ("justification".to_owned(), Value::String(note))));
        Ok(asked)
    }

    /// Waits for the record of what was allowed.
    fn becomes(&mut self, status: Status, answer: &Json, output: &mut Output) -> Result<Exit, Exit> {
        let started = Instant::now();
        let id = self.signal.id().to_owned();
        loop {
            let is_so = self.history.beginning(&id).any(|it| it.status == status);
            if is_so {
                output.conclude(&format!("{} {}\n", escape::line(&id), status.name()))?;
                tell_duties(answer, output);
                return Ok(Exit::Done);
            }
            if started.elapsed() >= RECORDED {
                output.error(&format!(
                    "it is allowed, but not on record that the signal is {}: is it the sidecar that found the signal, with \
                     signals.enabled?",
                    status.name()
                ));
                return Err(Exit::Failed);
            }
            // Ctrl-C ends it, and so does the loss of the reader of standard output.
            if is_closed(PAUSE).unwrap_or(true) {
                return Ok(Exit::Done);
            }
            let (history, known) = read(&self.dir, output)?;
            if known > self.known {
                (self.history, self.known) = (history, known);
            }
        }
    }
}

/// What is on record of signals, and how many records that is.
fn read(dir: &std::path::Path, output: &mut Output) -> Result<(History, usize), Exit> {
    let selection = selection();
    let mut history = History::default();
    let mut count = 0;
    let scan = Scan::new(dir, &selection, Segments::Likely).map_err(|error| {
        output.error(&format!("cannot read `{}`: {error}", dir.display()));
        Exit::Failed
    })?;
    for frame in scan.once() {
        let frame = frame.map_err(|error| {
            output.failure(&error);
            Exit::Failed
        })?;
        take(&mut history, &frame.payload, &mut |_| ());
        count += 1;
    }
    Ok((history, count))
}

/// What has to be done with an allow, and where it is on record.
fn tell_duties(answer: &Json, output: &mut Output) {
    let context = answer.get("context");
    let of = |name: &str| context.and_then(|context| context.get(name));
    for obligation in of("obligations").and_then(Json::as_array).into_iter().flatten() {
        output.tell(&format!("obligation: {obligation}"));
    }
    let record =
        |name: &str| of("record").and_then(|record| record.get(name)).and_then(Json::as_str).unwrap_or_default();
    output.tell(&format!("on record: {}:{}", record("trace_id"), record("span_id")));
}
