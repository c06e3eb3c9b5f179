//! `poort validate`: checks schema, policies and directory, and proves if that is asked.

use super::{Common, Exit, output::Output, prove};
use crate::{
    problem::has_errors,
    snapshot::{Snapshot, Sources},
};
use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "Examples:
  poort validate                       the folder `policies`
  poort validate new-policies          another folder, with the directory in it
  poort validate --directory accounts  policies against other accounts
  poort validate --prove               also prove the guarantees for all requests

Exits with 3 if anything keeps the policies from being used. Warnings do not.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policy folder; the same as --policies
    #[arg(value_name = "DIR", conflicts_with = "policies")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    prove: prove::Proving,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { folder, prove, common } = arguments;
    let common = Common { policies: folder.clone().or_else(|| common.policies.clone()), ..common.clone() };
    let (settings, _) = common.settings(Default::default(), output)?;
    let (snapshot, mut problems) = match Sources::read(&settings.store.policies, &settings.store.directory) {
        Ok(sources) => Snapshot::from_sources(&sources),
        Err(problems) => (None, problems),
    };
    let proven = match snapshot.as_ref().filter(|_| !has_errors(&problems)) {
        Some(snapshot) => prove::run(prove, snapshot, &settings.store.policies, output)?,
        None => None,
    };
    let (found, proven) = proven.map_or_else(Default::default, |found| (found.problems, found.summary));
    problems.extend(found);
    output.problems(&problems);
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = problems.len() - errors;
    let Some(snapshot) = snapshot.filter(|_| !has_errors(&problems)) else {
        output.tell(&format!("{}: {}", output.paint(31, "not valid"), counted(errors, warnings)));
        if !proven.is_empty() {
            output.tell(&proven);
        }
        return Ok(Exit::NotValid);
    };
    let summary = format!(
        "valid: {} policies, {} entities in the directory{}\npolicies   {}\ndirectory  {}",
        snapshot.policies.facts.len(),
        snapshot.directory.len(),
        if warnings > 0 { format!(", {}", counted(errors, warnings)) } else { String::new() },
        snapshot.policies.revision,
        snapshot.directory.revision,
    );
    let summary = if proven.is_empty() { summary } else { format!("{summary}\n{proven}") };
    output.result(summary.as_bytes()).map_err(|_| Exit::Failed)?;
    Ok(Exit::Done)
}

fn counted(errors: usize, warnings: usize) -> String {
    let some = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, warnings) => some(warnings, "warning"),
        (errors, 0) => some(errors, "error"),
        (errors, warnings) => format!("{}, {}", some(errors, "error"), some(warnings, "warning")),
    }
}
