//! `poort schema`: describes the questions that a policy folder answers, for who writes a client.

use super::{Common, Exit, output::Output};
use crate::{
    pdp::description::{self, Description, json_schema, openapi},
    review::reference,
    sources::policy::{self, Policies},
    types::problem::has_errors,
};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "Examples:
  poort schema > questions.md                           a page for people: what to send, what can come of it
  poort schema --format json-schema > question.json     JSON Schema 2020-12 of one question
  poort schema --format openapi > openapi.json          OpenAPI 3.1 of the HTTP binding, with these schemas

A sidecar serves the last two for its active policies: /.well-known/authzen-evaluation-schema.json and /openapi.json.";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// A page for people
    Markdown,
    /// OpenAPI 3.1 of the HTTP binding
    Openapi,
    /// JSON Schema 2020-12 of one question
    JsonSchema,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policy folder; the same as --policies
    #[arg(value_name = "DIR", conflicts_with = "policies")]
    folder: Option<PathBuf>,
    /// The form of the description
    #[arg(long, value_enum, default_value = "markdown", value_name = "FORM")]
    format: Form,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { folder, format, common } = arguments;
    let description = describe(&common.in_folder(folder.as_deref()), output)?;
    let document = match format {
        Form::Markdown => {
            output.conclude(&reference::markdown(&description))?;
            return Ok(Exit::Done);
        }
        Form::Openapi => openapi(&description),
        Form::JsonSchema => json_schema(&description),
    };
    // With `#`, a JSON value is written on several lines.
    output.conclude(&format!("{document:#}\n"))?;
    Ok(Exit::Done)
}

/// The description of the questions that a policy folder answers. No account is read.
pub(super) fn describe(common: &Common, output: &mut Output) -> Result<Description, Exit> {
    let (settings, _) = common.settings(Default::default(), output)?;
    let (policies, problems) = match policy::Sources::read(&settings.store.policies) {
        Ok(sources) => {
            let (_, policies, problems) = Policies::from_sources(&sources);
            (policies, problems)
        }
        Err(problems) => (None, problems),
    };
    if has_errors(&problems) {
        output.problems(&problems);
    }
    let policies = policies.ok_or(Exit::NotValid)?;
    description::describe(&policies).map_err(|error| {
        output.error(&error.to_string());
        Exit::Failed
    })
}
