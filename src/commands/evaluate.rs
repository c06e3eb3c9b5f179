//! `poort evaluate`: answers AuthZEN JSON from a file or standard input, on the same engine as the server.
//!
//! It is a tool for trials: nothing is recorded, so the answer names no record.

use super::{Common, Exit, output::Output};
use crate::{
    pdp::{
        self, Clock,
        engine::{self, ClauseOutcome, Explained, Mistakes},
    },
    sources::snapshot::{Snapshot, Sources},
    types::{
        authzen::{self, Limits},
        decision::{Answer, Decision},
        escape,
        evaluation::{Batch, Parts},
        moment::Moment,
        problem::has_errors,
    },
};
use clap::Args;
use std::{
    fs,
    io::{self, Read as _},
    path::PathBuf,
    sync::Arc,
};

pub(super) const EXAMPLES: &str = r#"Examples:
  poort evaluate question.json
  poort evaluate --explain < question.json

A question:
  {"subject":  {"type": "Officer", "id": "officer-0007"},
   "action":   {"name": "consult"},
   "resource": {"type": "Investigation", "id": "inv-0042",
                "properties": {"unit": "detectives-north", "team": "heron", "level": 3, "embargo": false}},
   "context":  {"purpose": "9"}}

The answer goes to standard output as AuthZEN JSON. Exits with 0 if all is allowed, with 2 if anything is denied.
Nothing is recorded."#;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file with the question, or - for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Also say, on standard error, what each policy made of the question
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    common: Common,
}

/// What an evaluation needs.
struct World {
    snapshot: Snapshot,
    moment: Moment,
    config: engine::Config,
    explain: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { file, explain, common } = arguments;
    let (settings, _) = common.settings(Default::default(), output)?;
    let bytes = read(file).map_err(|error| {
        output.error(&format!("{}: {error}", file.display()));
        Exit::Failed
    })?;
    let (snapshot, problems) = match Sources::read(&settings.store.policies, &settings.store.directory) {
        Ok(sources) => Snapshot::from_sources(&sources),
        Err(problems) => (None, problems),
    };
    if has_errors(&problems) {
        output.problems(&problems);
    }
    let world = World {
        snapshot: snapshot.ok_or(Exit::NotValid)?,
        moment: Clock::new(settings.time_zone, settings.application.as_deref()).now(),
        config: settings.pdp.engine,
        explain: *explain,
    };
    let limits = Limits { depth: settings.api.depth, batch: settings.pdp.batch };
    let mut out = Vec::new();
    let allowed = match authzen::read_batch(&bytes, limits) {
        Ok(authzen::EvaluationsBody::One(evaluation)) => {
            let answer = world.answer((&evaluation).into(), output).map_err(|error| {
                output.error(&error.to_string());
                Exit::Failed
            })?;
            authzen::write_answer(&mut out, &answer, None);
            answer.decision().is_allow()
        }
        Ok(authzen::EvaluationsBody::Several(batch)) => {
            let answers = world.answers(&batch, output);
            authzen::write_answers(&mut out, &answers, None);
            answers.iter().all(|answer| answer.decision().is_allow())
        }
        Err(error) => {
            output.error(&error.to_string());
            return Ok(Exit::Failed);
        }
    };
    output.result(&out).map_err(|_| Exit::Failed)?;
    Ok(if allowed { Exit::Done } else { Exit::Denied })
}

fn read(file: &PathBuf) -> io::Result<Vec<u8>> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    fs::read(file)
}

impl World {
    fn answers(&self, batch: &Batch, output: &mut Output) -> Vec<Answer> {
        pdp::answers(batch, |parts, index| {
            if self.explain {
                output.tell(&format!("evaluations[{index}]"));
            }
            self.answer(parts, output)
        })
    }

    fn answer(&self, parts: Parts<'_>, output: &mut Output) -> Result<Answer, Mistakes> {
        let Self { snapshot, moment, config, explain } = self;
        let checked = engine::check_question(snapshot, parts, moment, *config)?;
        let question = checked.question()?;
        let verdict = Arc::new(engine::decide(snapshot, &question));
        if *explain {
            match engine::explain(snapshot, &question) {
                Ok(policies) => show(output, verdict.decision, &verdict.reason, &policies),
                Err(message) => output.error(&message),
            }
        }
        Ok(Answer::Evaluated(checked.answer(verdict, snapshot.revisions().clone(), false)))
    }
}

/// Policies that could matter, with each condition; the others in one line.
fn show(output: &mut Output, decision: Decision, reason: &str, policies: &[Explained]) {
    let colour = if decision.is_allow() { 32 } else { 31 };
    output.tell_painted(&format!("{}  {}", output.paint(colour, decision.name()), escape::line(reason)));
    for explained in policies.iter().filter(|explained| explained.in_scope) {
        let Explained { policy, effect, clauses, .. } = explained;
        let applies = if explained.applies() { "applies" } else { "does not apply" };
        let line = format!("  {effect} {} {applies}", policy.id);
        output.tell_painted(&if explained.applies() { output.paint(1, &line) } else { line });
        if !policy.title.is_empty() {
            output.tell(&format!("      {}", policy.title));
        }
        for clause in clauses {
            let (mark, more) = match &clause.outcome {
                ClauseOutcome::Holds => (output.paint(32, "✓"), String::new()),
                ClauseOutcome::Fails => (output.paint(31, "✗"), String::new()),
                ClauseOutcome::Error(error) => (output.paint(33, "!"), format!("   {error}")),
            };
            output.tell_painted(&format!("      {mark} {}", escape::line(&format!("{}{more}", clause.text))));
        }
    }
    let others = policies.iter().filter(|explained| !explained.in_scope).count();
    if others > 0 {
        output.tell(&format!("  {others} more are about other subjects, actions or resources"));
    }
}
