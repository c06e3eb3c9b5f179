//! `poort evaluate`: answers AuthZEN JSON from a file or standard input, on the same engine as the server.
//!
//! It is a tool for trials: nothing is recorded, so the answer names no record.

use super::{
    Common, Exit, active::active, explain::explained, explained::Lines, language_flag::LanguageFlag, output::Output,
    question, token_flag::TokenFlag,
};
use crate::{
    pdp::{
        self, Clock,
        conditions::{self, Conditioned},
        engine::{self, Mistakes},
    },
    sources::snapshot::Snapshot,
    types::{
        authzen::{self, Limits},
        decision::Answer,
        evaluation::{Batch, Evaluation, Parts},
        language::Language,
        moment::Moment,
    },
};
use clap::Args;
use std::{path::PathBuf, sync::Arc};

pub(super) const EXAMPLES: &str = r#"Examples:
  poort evaluate question.json
  poort evaluate --explain < question.json
  poort evaluate --lang nl question.json      with titles, reasons and advice in Dutch
  poort evaluate --token '{"acr": "high"}' question.json      as if the subject's own token said so

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
    /// Also say, on standard error, why: each condition that decides, and what would allow the question (as `poort explain`)
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    token: TokenFlag,
    #[command(flatten)]
    language: LanguageFlag,
    #[command(flatten)]
    common: Common,
}

/// What an evaluation needs.
struct World {
    snapshot: Snapshot,
    moment: Moment,
    config: engine::Config,
    /// The conditions of the policies, if the answers are explained.
    conditions: Option<Vec<Conditioned>>,
    language: Language,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { file, explain, token, language, common } = arguments;
    let (settings, _) = common.settings(Default::default(), output)?;
    let language = language.chosen(&settings);
    let bytes = question::read(file, output)?;
    let snapshot = active(&settings, output)?;
    let world = World {
        conditions: explain.then(|| conditions::of(&snapshot.policies)),
        snapshot,
        moment: token.at(Clock::new(settings.time_zone, settings.application.as_deref()).now()),
        config: settings.pdp.engine,
        language,
    };
    let limits = Limits { depth: settings.api.depth, batch: settings.pdp.batch };
    let mut out = Vec::new();
    let allowed = match authzen::read_batch(&bytes, limits) {
        Ok(authzen::EvaluationsBody::One(evaluation)) => {
            let answer = world.answer((&evaluation).into(), output).map_err(|error| {
                output.error(&error.to_string());
                Exit::Failed
            })?;
            authzen::write_answer(&mut out, &answer, language, None);
            answer.decision().is_allow()
        }
        Ok(authzen::EvaluationsBody::Several(batch)) => {
            let answers = world.answers(&batch, output);
            authzen::write_answers(&mut out, &answers, language, None);
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

impl World {
    fn answers(&self, batch: &Batch, output: &mut Output) -> Vec<Answer> {
        pdp::answers(batch, |parts, index| {
            if self.conditions.is_some() {
                output.tell(&format!("evaluations[{index}]"));
            }
            self.answer(parts, output)
        })
    }

    fn answer(&self, parts: Parts<'_>, output: &mut Output) -> Result<Answer, Mistakes> {
        let Self { snapshot, moment, config, conditions, language } = self;
        let checked = engine::check_question(snapshot, parts, moment, *config)?;
        let verdict = Arc::new(engine::decide(snapshot, &checked.question()?));
        if let Some(conditions) = conditions {
            let Parts { subject, action, resource, context } = parts;
            let evaluation = Evaluation {
                subject: subject.clone(),
                action: action.clone(),
                resource: resource.clone(),
                context: context.clone(),
            };
            match explained(snapshot, conditions, &evaluation, moment, *config) {
                Ok(explained) => {
                    let paint = |code, text: &str| output.paint(code, text);
                    let mut lines = Lines::new(&paint, *language);
                    explained.write(&mut lines);
                    lines.finish().iter().for_each(|line| output.tell_painted(line));
                }
                Err(message) => output.error(&message),
            }
        }
        Ok(Answer::Evaluated(checked.answer(verdict, snapshot.revisions().clone(), false)))
    }
}
