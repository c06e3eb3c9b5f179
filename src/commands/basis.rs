//! `poort basis`: lists the rules that rest on an article of law.

use super::{Common, Exit, output::Output};
use crate::{
    review::{
        basis::{self, Asked, Bases, Kind},
        proof::Guarantees,
        report::Format,
    },
    sources::policy::{Policies, Sources},
    types::problem::Problem,
};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

pub(super) const EXAMPLES: &str = "Examples:
  poort basis                      every law and article of laws.json, and how many rules rest on each
  poort basis wpg:8                the rules that rest on article 8 of the Wpg or a part of it
  poort basis 'wpg:8(1)'           those that rest on its first paragraph, or on the whole article
  poort basis sv                   those that rest on any article of the Sv
  poort basis wpg:8 new-policies   in another folder
  poort basis --format json        for a program

Rules are the policies and the guarantees. An article from memory is one of which no text was read.";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// For a terminal
    Text,
    /// For a program
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A law, an article, or a part of one, as @basis has it
    #[arg(value_name = "REFERENCE")]
    reference: Option<String>,
    /// The policy folder; the same as --policies
    #[arg(value_name = "DIR", conflicts_with = "policies")]
    folder: Option<PathBuf>,
    /// The form of the result
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    format: Form,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { reference, folder, format, common } = arguments;
    let (settings, _) = common.in_folder(folder.as_deref()).settings(Default::default(), output)?;
    let policies = settings.store.policies.as_path();
    let bases = match read(policies) {
        Ok(Some(bases)) => bases,
        Ok(None) => {
            output.error(&format!("{}: has no {}, so each @basis is free text", policies.display(), basis::FILE));
            output.tell("  help: list the laws in it; the sample policies show its form");
            return Ok(Exit::Failed);
        }
        Err(problems) => {
            match format {
                Form::Text => output.problems(&problems),
                Form::Json => output.findings(&problems, Format::Json)?,
            }
            return Ok(Exit::NotValid);
        }
    };
    let Some(text) = reference else {
        let write = if matches!(format, Form::Json) { basis::overview_json } else { basis::overview };
        return output.conclude(&write(&bases)).map(|()| Exit::Done);
    };
    match Asked::read(text, &bases.laws) {
        Ok(asked) => {
            let write = if matches!(format, Form::Json) { basis::resting_json } else { basis::resting };
            output.conclude(&write(&bases, &asked)).map(|()| Exit::Done)
        }
        Err((message, help)) => {
            output.error(&message);
            output.tell(&format!("  help: {help}"));
            if Path::new(text).is_dir() {
                output.tell("  help: a policy folder comes after the reference, or with --policies");
            }
            Ok(Exit::Usage)
        }
    }
}

/// The rules of a folder; with a mistake in any of them the result would not be whole.
fn read(folder: &Path) -> Result<Option<Bases>, Vec<Problem>> {
    let Some(mut bases) = Bases::read(folder).map_err(|problem| vec![*problem])? else { return Ok(None) };
    let sources = Sources::read(folder)?;
    let (_, policies, problems) = Policies::from_sources(&sources);
    let Some(policies) = policies else { return Err(problems) };
    let guarantees = Guarantees::read(folder, &sources)?;
    let mut problems = bases.add(Kind::Policy, &policies);
    problems.extend(guarantees.stated().into_iter().flat_map(|stated| bases.add(Kind::Guarantee, stated)));
    if problems.is_empty() { Ok(Some(bases)) } else { Err(problems) }
}
