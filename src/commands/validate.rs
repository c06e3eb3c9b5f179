//! `poort validate`: checks schema, policies, directory, guarantees and suites, and lints them.

use super::{Common, Exit, output::Output, prove};
use crate::{
    config::Settings,
    oversight::signals::{self, SettingsFiles},
    pdp::Clock,
    review::{
        basis::{self, Bases, Kind},
        lint,
        proof::Guarantees,
        report::Format,
        suite::{self, Ran, Runner, report::Results},
    },
    sources::{
        directory::{self, OF_TESTS},
        policy::{self, Policies},
        snapshot::{Snapshot, Sources},
    },
    types::problem::{Problem, has_errors},
};
use clap::Args;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

pub(super) const EXAMPLES: &str = "Examples:
  poort validate                       the folder `policies`
  poort validate new-policies          another folder, with the directory in it
  poort validate --directory accounts  policies against other accounts
  poort validate --format sarif > poort.sarif     for code scanning
  poort validate --format gitlab > quality.json   for GitLab's merge requests
  poort validate --format github                  annotations in GitHub Actions
  poort validate --prove               also prove the guarantees for all requests

Exits with 3 if anything is an error. Warnings do not; --deny-warnings makes them errors.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policy folder; the same as --policies
    #[arg(value_name = "DIR", conflicts_with = "policies")]
    folder: Option<PathBuf>,
    /// The form of the findings; all but `human` go to standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Format,
    /// Exit with 3 for warnings too
    #[arg(long)]
    deny_warnings: bool,
    #[command(flatten)]
    prove: prove::Proving,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { folder, format, deny_warnings, prove, common } = arguments;
    let common = common.in_folder(folder.as_deref());
    let (settings, _) = common.settings(Default::default(), output)?;
    let Checked { snapshot, bases, mut problems, alone } = check(&settings);
    let proven = match &snapshot {
        Some(snapshot) => prove::run(prove, snapshot, &alone, &settings, output)?,
        None => None,
    };
    let (found, proven) = proven.map_or_else(Default::default, |found| (found.problems, found.summary));
    problems.extend(found);
    output.findings(&problems, *format)?;
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = problems.len() - errors;
    let Some(snapshot) = snapshot.filter(|_| errors == 0 && !(*deny_warnings && warnings > 0)) else {
        output.tell_painted(&format!("{}: {}", output.paint(31, "not valid"), counted(errors, warnings)));
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
    let summary = bases.map_or(summary.clone(), |bases| {
        let (cited, from_memory) = bases.cited();
        format!("{summary}\nlaws       {}", basis::summary(cited, from_memory))
    });
    let summary = if proven.is_empty() { summary } else { format!("{summary}\n{proven}") };
    match format {
        Format::Human => output.conclude(&format!("{summary}\n"))?,
        // Standard output is for what a machine reads.
        _ => output.tell(&summary),
    }
    Ok(Exit::Done)
}

/// What was found in a folder.
struct Checked {
    /// `None` if problems keep the policies from being used.
    snapshot: Option<Snapshot>,
    /// What rules rest on, if there is a list of laws.
    bases: Option<Bases>,
    problems: Vec<Problem>,
    /// The policies that alone determined an answer to a case of a suite.
    alone: BTreeSet<String>,
}

fn check(settings: &Settings) -> Checked {
    let policies = settings.store.policies.as_path();
    let (mut bases, unusable) = match Bases::read(policies) {
        Ok(bases) => (bases, None),
        Err(problem) => (None, Some(*problem)),
    };
    let mut alone = BTreeSet::new();
    let (snapshot, mut problems) = check_files(settings, policies, bases.as_mut(), &mut alone);
    problems.extend(unusable);
    problems.extend(bases.iter().flat_map(|bases| lint::invisible(&bases.laws.file)));
    problems.extend(basis::misnamed(policies));
    problems.extend(lint::unread(policies));
    Checked { snapshot: snapshot.filter(|_| !has_errors(&problems)), bases, problems, alone }
}

fn check_files(
    settings: &Settings,
    policies: &Path,
    mut bases: Option<&mut Bases>,
    alone: &mut BTreeSet<String>,
) -> (Option<Snapshot>, Vec<Problem>) {
    let sources = match Sources::read(policies, &settings.store.directory) {
        Ok(sources) => sources,
        Err(mut problems) => {
            // Problems of one folder are reported also if the other cannot be read.
            if let Ok(sources) = policy::Sources::read(policies) {
                problems.extend(Policies::from_sources(&sources).2);
            }
            return (None, problems);
        }
    };
    let (snapshot, mut problems) = Snapshot::from_sources(&sources);
    if let Some(snapshot) = &snapshot {
        problems.extend(lint::lint(&sources.policies, &snapshot.policies, snapshot.directory.uids()));
        problems.extend(bases.iter_mut().flat_map(|bases| bases.add(Kind::Policy, &snapshot.policies)));
        problems.extend(sources.directory.files().flat_map(lint::invisible_in_directory));
        let schema = snapshot.policies.checked_schema();
        problems.extend(directory::findings(&snapshot.directory, &sources.directory, &schema));
        problems.extend(guarantees(policies, snapshot, &sources, bases).unwrap_or_else(|problems| problems));
        problems.extend(signals(policies, snapshot).unwrap_or_else(|problems| problems));
        problems.extend(suites(policies, snapshot, sources, settings, alone).unwrap_or_else(|problems| problems));
    }
    (snapshot, problems)
}

/// The problems of the guarantees: warnings, or the errors that keep them from being used.
fn guarantees(
    policies: &Path,
    snapshot: &Snapshot,
    sources: &Sources,
    mut bases: Option<&mut Bases>,
) -> Result<Vec<Problem>, Vec<Problem>> {
    let Some(files) = Guarantees::sources(policies)? else { return Ok(Vec::new()) };
    let guarantees = Guarantees::of(&files, &sources.policies)?;
    let mut problems: Vec<_> = files.files().flat_map(|(_, file)| lint::invisible(file)).collect();
    let vacuous: Vec<_> =
        guarantees.stated().into_iter().flat_map(|stated| lint::guarantees(stated, &snapshot.policies)).collect();
    // Cedar's warning about a guarantee is dropped where poort has its own.
    let said = |warning: &&Problem| {
        let at = |problem: &Problem| (problem.file().to_owned(), problem.position());
        vacuous.iter().any(|problem| at(problem) == at(warning))
    };
    problems.extend(guarantees.warnings().iter().filter(|warning| !said(warning)).cloned());
    problems.extend(vacuous);
    let stated = guarantees.stated().zip(bases.as_mut());
    problems.extend(stated.into_iter().flat_map(|(stated, bases)| bases.add(Kind::Guarantee, stated)));
    Ok(problems)
}

/// The problems of the settings of signals, if there are any.
fn signals(policies: &Path, snapshot: &Snapshot) -> Result<Vec<Problem>, Vec<Problem>> {
    if !policies.join(signals::FOLDER).exists() {
        return Ok(Vec::new());
    }
    SettingsFiles::read(policies)?.check(&snapshot.policies)
}

/// The problems of the suites: mistakes in their files, and questions that do not fit the schema or the directory.
/// `poort test` checks whether cases pass.
fn suites(
    policies: &Path,
    snapshot: &Snapshot,
    sources: Sources,
    settings: &Settings,
    alone: &mut BTreeSet<String>,
) -> Result<Vec<Problem>, Vec<Problem>> {
    // Suites use the accounts of their own folder, not those of an organisation.
    let of_the_folder = policies.join("directory") == settings.store.directory;
    if !of_the_folder || !policies.join(suite::FOLDER).exists() {
        return Ok(Vec::new());
    }
    let Sources { policies: files, directory } = suite::with_entities(policies, sources)?;
    let (snapshot, found) = Snapshot::after(Some(snapshot), &files, &directory, &mut directory::Unobserved);
    let Some(snapshot) = snapshot else { return Err(found) };
    let own = policies.join(OF_TESTS);
    let findings = if own.exists() {
        directory::findings(&snapshot.directory, &directory::Sources::read(&own)?, &snapshot.policies.checked_schema())
    } else {
        Vec::new()
    };
    let (suites, problems) = suite::load(policies);
    let clock = Clock::new(settings.time_zone.clone(), settings.application.as_deref());
    let runner = Runner::new(&snapshot, &clock, settings.pdp.engine, &[]);
    let failed = |message| vec![Problem::unreadable("suite::internal", &policies.display().to_string(), message)];
    let ran = runner.run(suites).map_err(failed)?;
    alone.extend(ran.iter().flat_map(Ran::alone));
    Ok(findings.into_iter().chain(Results { ran, problems }.all_problems()).collect())
}

fn counted(errors: usize, warnings: usize) -> String {
    let some = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, warnings) => some(warnings, "warning"),
        (errors, 0) => some(errors, "error"),
        (errors, warnings) => format!("{}, {}", some(errors, "error"), some(warnings, "warning")),
    }
}
