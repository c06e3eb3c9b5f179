//! `poort explain`: says why a question was decided as it was, and what would allow it. The question is given by flags, in a
//! file, or as a decision record, which is explained at the revisions that it names.

use super::{
    Common, Exit,
    active::active,
    explained::Lines,
    language_flag::LanguageFlag,
    log::{RecordsOfTrace, meaning},
    output::Output,
    question::{Asked, By},
    token_flag::TokenFlag,
};
use crate::{
    config::Settings,
    oversight::replay::{Local, Replay, Worlds},
    pdp::{
        Clock,
        conditions::{self, Conditioned},
        engine,
        explain::{Audience, Extent, explain},
    },
    record::decision_log::{RecordedRequest, StoredRecord},
    review::remedies::{Remedies, remedies},
    sources::{snapshot::Snapshot, store::Archive},
    types::{
        authzen,
        decision::{Evaluated, Explanation},
        evaluation::Evaluation,
        language::Language,
        moment::Moment,
        revision::Revision,
        texts::explain as explain_texts,
        trace::TraceId,
    },
};
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};
use std::{path::PathBuf, sync::Arc};

pub(super) const EXAMPLES: &str = r#"Examples:
  poort explain --subject officer-0021 --action consult --resource 'Registration::"2026-000123"' \
      --property unit=station-north-1 --property level=2 --property first_processed=2026-08-14T09:30:00Z \
      --property subjects_are_staff=false --context purpose=8
  poort explain question.json                  a question, or several, as AuthZEN JSON
  poort explain --trace 41c36574039cef5168c2d8c396644242      a record of the log in --data
  poort log cat --subject officer-0021 --decision deny | poort explain -
  poort explain --lang nl question.json        in Dutch

First it says which policies decide, with each condition that was looked at: met or not met, the values of both sides, and
its file and line. An `unless` is an exception: where it is met, the policy does not apply.

Then it says what would allow a question that is denied: the smallest changes of account, context or record, for each policy
that could permit it. The engine decided each change that is shown. A change is no advice to make it.

A record is explained at its moment and at the revisions that it names: from data/revisions, or from --policies and
--directory where their digest is the recorded one. Exits with 0 whatever the decision is."#;

/// How many permits are told where none applies: the nearest.
const NEAREST: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a person
    Human,
    /// For a program: a line of JSON for each question
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file with a question, a batch or decision records, or - for standard input
    #[arg(value_name = "FILE", conflicts_with_all = ["subject", "trace"], required_unless_present_any = ["subject", "trace"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    by: By,
    /// Explain the record of this trace in the decision log: 32 hexadecimal digits
    #[arg(long, value_name = "TRACE_ID", conflicts_with_all = ["subject", "token"])]
    trace: Option<String>,
    /// Take the revisions of records from this folder [default: `revisions` in the data folder]
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
    /// The day that counts, such as 2027-01-01, at noon [default: now]; a record has its own moment
    #[arg(long, value_name = "DATE")]
    today: Option<jiff::civil::Date>,
    /// The form of the result
    #[arg(long, value_enum, default_value = "human", value_name = "FORM")]
    format: Form,
    #[command(flatten)]
    token: TokenFlag,
    #[command(flatten)]
    language: LanguageFlag,
    #[command(flatten)]
    common: Common,
}

/// What questions are decided under.
struct World {
    snapshot: Arc<Snapshot>,
    conditions: Vec<Conditioned>,
    moment: Moment,
    config: engine::Config,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { file, by, trace, archive, today, format, token, language, common } = arguments;
    let (settings, _) = common.settings(Default::default(), output)?;
    let mut told = Told { form: *format, language: language.chosen(&settings), n_told: 0 };
    if let Some(trace) = trace {
        let trace = TraceId::parse(trace).ok_or_else(|| {
            output.error("--trace: a trace id has 32 hexadecimal digits, lowercase, not all zero");
            Exit::Usage
        })?;
        let records = RecordsOfTrace::read(&settings, trace, output)?;
        if records.0.is_empty() {
            output.error(&format!("no record of the trace {trace} is in {}", settings.log.records().display()));
            return Err(Exit::Failed);
        }
        return explain_records(&records.0, &settings, archive.as_ref(), &mut told, output);
    }
    let bytes = match file {
        Some(file) => super::question::read(file, output)?,
        None => Vec::new(),
    };
    let records = records_in(&bytes);
    if !records.is_empty() {
        if token.is_given() {
            output.error("--token: a record is explained with the token that it has");
            return Err(Exit::Usage);
        }
        return explain_records(&records, &settings, archive.as_ref(), &mut told, output);
    }
    let snapshot = Arc::new(active(&settings, output)?);
    let asked = if file.is_some() { Asked::read(&bytes, &settings) } else { by.question(&snapshot) };
    let asked = asked.map_err(|message| {
        output.error(&message);
        Exit::Failed
    })?;
    let clock = Clock::new(settings.time_zone.clone(), settings.application.as_deref()).on(*today);
    let conditions = conditions::of(&snapshot.policies);
    let world = World { snapshot, conditions, moment: token.at(clock.now()), config: settings.pdp.engine };
    for (place, evaluation) in asked.questions() {
        let evaluation = evaluation.map_err(|fault| {
            output.error(&fault);
            Exit::Failed
        })?;
        told.question(&world, &evaluation, place.as_deref(), output)?;
    }
    Ok(Exit::Done)
}

/// The decision records in a file: a line each.
fn records_in(bytes: &[u8]) -> Vec<Vec<u8>> {
    let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
    let is_record = |line: &&[u8]| matches!(StoredRecord::read(line), Ok(Some(_)));
    match lines.first() {
        Some(first) if is_record(first) => lines.into_iter().filter(is_record).map(<[u8]>::to_vec).collect(),
        // A record that was laid out for reading.
        _ if is_record(&bytes) => vec![bytes.to_vec()],
        _ => Vec::new(),
    }
}

fn explain_records(
    records: &[Vec<u8>],
    settings: &Settings,
    archive: Option<&PathBuf>,
    told: &mut Told,
    output: &mut Output,
) -> Result<Exit, Exit> {
    let local = Local::read(&settings.store.policies, &settings.store.directory);
    let archive = Archive::new(archive.unwrap_or(&settings.store.archive).clone(), settings.store.archive_max);
    let meaning = |digest: &Revision, application: Option<&str>| meaning(settings, digest, application);
    let mut replay = Replay::recorded(Worlds::new(archive, local), &meaning);
    let mut exit = Exit::Done;
    for record in records {
        let Ok(Some(recorded)) = StoredRecord::read(record) else { continue };
        let key = format!("{}/{}", recorded.trace_id, recorded.span_id);
        let name = format!("record {key}");
        let asked = match replay.questions(&recorded) {
            Ok(asked) => asked,
            Err(reason) => {
                output.error(&format!("{name}: {reason}"));
                exit = Exit::Failed;
                continue;
            }
        };
        let conditions = conditions::of(&asked.snapshot.policies);
        let world = World { snapshot: asked.snapshot, conditions, moment: asked.moment, config: asked.config };
        let name = explain_texts::record_of(told.language, key, recorded.moment().now_text);
        let asked = match asked.asked {
            RecordedRequest::One(evaluation) => Asked::One(evaluation.into_owned()),
            RecordedRequest::Several(batch) => Asked::Several(batch.into_owned()),
        };
        for (place, evaluation) in asked.questions() {
            let name = place.map_or_else(|| name.clone(), |place| format!("{name}, {place}"));
            match evaluation {
                Ok(evaluation) => told.question(&world, &evaluation, Some(&name), output)?,
                Err(fault) => output.error(&format!("{name}: {fault}")),
            }
        }
    }
    Ok(exit)
}

/// What was decided of a question, and why.
pub(super) struct Explained {
    pub(super) evaluated: Evaluated,
    pub(super) explanation: Explanation,
    pub(super) remedies: Remedies,
}

/// Decides and explains a question.
///
/// # Errors
/// It does not fit the schema.
pub(super) fn explained(
    snapshot: &Snapshot,
    conditions: &[Conditioned],
    evaluation: &Evaluation,
    moment: &Moment,
    config: engine::Config,
) -> Result<Explained, String> {
    let checked = engine::check_question(snapshot, evaluation, moment, config).map_err(|error| error.to_string())?;
    let question = checked.whole_question().map_err(|error| error.to_string())?;
    let verdict = Arc::new(engine::decide(snapshot, &question));
    let extent = Extent { audience: Audience::Officer, policies: verdict.policies.len() + NEAREST };
    let explanation = explain(snapshot, conditions, &question, &verdict, extent, &|| true)?;
    let evaluated = checked.answer(verdict, snapshot.revisions().clone(), false);
    let remedies = remedies(snapshot, evaluation, moment, config);
    Ok(Explained { evaluated, explanation, remedies })
}

/// Writes the explanations of a command.
struct Told {
    form: Form,
    language: Language,
    n_told: usize,
}

impl Told {
    fn question(
        &mut self,
        world: &World,
        evaluation: &Evaluation,
        name: Option<&str>,
        output: &mut Output,
    ) -> Result<(), Exit> {
        let World { snapshot, conditions, moment, config } = world;
        let explained = explained(snapshot, conditions, evaluation, moment, *config).map_err(|error| {
            output.error(&name.map_or_else(|| error.clone(), |name| format!("{name}: {error}")));
            Exit::Failed
        })?;
        let text = match self.form {
            Form::Json => json_of(evaluation, &explained, name, self.language) + "\n",
            Form::Human => {
                let paint = |code, text: &str| output.paint_result(code, text);
                let mut lines = Lines::new(&paint, self.language);
                let mut text = String::new();
                if self.n_told > 0 {
                    text.push('\n');
                }
                if let Some(name) = name {
                    text.push_str(&format!("{name}\n"));
                }
                explained.write(&mut lines);
                text + &lines.finish().join("\n") + "\n"
            }
        };
        self.n_told += 1;
        output.conclude(&text)
    }
}

impl Explained {
    /// For a person.
    pub(super) fn write(&self, lines: &mut Lines<'_>) {
        let Self { evaluated, explanation, remedies } = self;
        let decision = evaluated.verdict.decision;
        lines.decision(decision, evaluated);
        lines.explanation(explanation);
        if !decision.is_allow() && evaluated.verdict.unknown().is_none() {
            lines.remedies(remedies);
        }
    }
}

fn json_of(evaluation: &Evaluation, explained: &Explained, name: Option<&str>, language: Language) -> String {
    let Explained { evaluated, explanation, remedies } = explained;
    let text = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        serde_json::from_slice::<Json>(&out).unwrap_or_default()
    };
    let remedies = json!({
        "policies": remedies.policies.iter().map(|one| json!({
            "policy": one.policy.id,
            "title": one.policy.title.in_language(language),
            "remedies": one.remedies.iter().map(|remedy| remedy.changes.iter().map(|change| json!({
                "held": change.held.name(), "words": change.words.in_language(language), "change": change.json,
            })).collect::<Vec<_>>()).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "without": remedies.without,
        "cut": remedies.is_cut,
    });
    let question = text(&|out| authzen::write_evaluation(out, evaluation));
    let mut object = json!({
        "decision": evaluated.verdict.decision.is_allow(),
        "reason": evaluated.reason(language),
        "question": question,
        "explanation": text(&|out| authzen::write_explanation(out, explanation, language)),
        "remedies": remedies,
    });
    if let (Some(name), Some(members)) = (name, object.as_object_mut()) {
        members.insert("name".to_owned(), name.into());
    }
    crate::types::escape::json(&object.to_string()).into_owned()
}
