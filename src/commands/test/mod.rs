//! `poort test`: runs the suites of a policy folder.
//!
//! - `watch`: runs them again after each change

mod watch;

use super::{Common, Exit, language_flag::LanguageFlag, output::Output};
use crate::{
    config::Settings,
    pdp::{Clock, conditions},
    review::{
        proof::Guarantees,
        suite::{
            self, Coverage, Filter, Runner, Threshold,
            mutate::{self, Mutation},
            report::{self, More, Results},
        },
    },
    sources::{
        directory::OF_TESTS,
        policy::Policies,
        snapshot::{Snapshot, Sources},
    },
    types::{
        language::Language,
        problem::{Problem, has_errors},
    },
};
use clap::{Args, ValueEnum};
use std::{fs, path::PathBuf};

pub(super) const EXAMPLES: &str = "Examples:
  poort test                                  the suites of `policies`: policies/tests/*.yaml, *.json
  poort test new-policies --filter 'bvh*'     those whose `suite / case / subject action resource` fits
  poort test --format junit > report.xml      for CI
  poort test --mutate                         which rules could be lost without a test failing?
  poort test --lang nl --html c.html          the page and the report in Dutch
  poort test --coverage-min 100 --html c.html is every policy and condition seen? And a page that shows it

Exits with 0 if all is as expected, with 3 if policies or suites cannot be used, with 4 if a case
fails, if coverage is below the threshold, if no change breaks a guarantee in any case, or if a change
goes unnoticed that no comment in the policy explains, on the line of the changed place or alone
on the line above it:
  // poort: equivalent, because …";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policy folder; the same as --policies
    #[arg(value_name = "DIR", conflicts_with = "policies")]
    folder: Option<PathBuf>,
    /// How results are written
    #[arg(long, value_enum, default_value_t)]
    format: Form,
    /// Only cases whose `suite / case / subject action resource` holds this text, or fits it as a pattern with * and ?
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Name the cases and run none
    #[arg(long)]
    list: bool,
    /// Also say which policies applied in some case, and which conditions were seen both true and false
    #[arg(long)]
    coverage: bool,
    /// Fail if fewer policies applied, or fewer conditions were seen both ways, than this; exact, as in 97.5
    #[arg(long, value_name = "PERCENT")]
    coverage_min: Option<Threshold>,
    /// Write a page with the text of the policies, marked by coverage
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Change one condition at a time; list the changes that no case notices, and the guarantees that none breaks
    #[arg(long, conflicts_with_all = ["list", "filter"])]
    mutate: bool,
    /// Print the JSON Schema of suites, for editors, and run none
    #[arg(long)]
    schema: bool,
    /// Run again whenever policies, directory or suites change; ends with Ctrl-C
    #[arg(long, conflicts_with_all = ["list", "schema"])]
    watch: bool,
    #[command(flatten)]
    language: LanguageFlag,
    #[command(flatten)]
    common: Common,
}

/// The form of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Form {
    /// For a terminal
    #[default]
    Human,
    /// For scripts
    Json,
    /// For CI systems
    Junit,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let common = Common {
        policies: arguments.folder.clone().or_else(|| arguments.common.policies.clone()),
        ..arguments.common.clone()
    };
    if arguments.schema {
        output.conclude(suite::SCHEMA)?;
        return Ok(Exit::Done);
    }
    let (settings, _) = common.settings(Default::default(), output)?;
    if arguments.watch { watch::watch(arguments, &settings, output) } else { run_once(arguments, &settings, output) }
}

fn run_once(arguments: &Arguments, settings: &Settings, output: &mut Output) -> Result<Exit, Exit> {
    let policies = settings.store.policies.as_path();
    let language = arguments.language.chosen(settings);
    // For a missing folder, that message is enough.
    let (suites, suite_problems) = if policies.exists() { suite::load(policies) } else { Default::default() };
    if arguments.list {
        if !policies.exists() {
            output.error(&format!("{}: there is no such folder", policies.display()));
            return Ok(Exit::NotValid);
        }
        output.problems(&suite_problems);
        let suites = select(arguments, suites, &[], output)?;
        output.conclude(&report::listing(&suites))?;
        return Ok(if has_errors(&suite_problems) { Exit::NotValid } else { Exit::Done });
    }
    let sources =
        Sources::read(policies, &settings.store.directory).and_then(|Sources { policies: read, directory }| {
            Ok(Sources { policies: read, directory: directory.with(policies, OF_TESTS)? })
        });
    let (snapshot, guarantees, problems) = match sources {
        Ok(sources) => {
            let (snapshot, mut problems) = Snapshot::from_sources(&sources);
            let guarantees = arguments.mutate.then(|| Guarantees::read(policies, &sources.policies)).transpose();
            let guarantees = guarantees.unwrap_or_else(|found| {
                problems.extend(found);
                None
            });
            (snapshot, guarantees.unwrap_or_default(), problems)
        }
        Err(problems) => (None, Guarantees::default(), problems),
    };
    let Some(snapshot) = snapshot.filter(|_| !has_errors(&problems)) else {
        let results = Results { ran: Vec::new(), problems: problems.into_iter().chain(suite_problems).collect() };
        output.problems(&results.problems);
        output.error("the policies are not valid, so no case was run");
        if arguments.format != Form::Human {
            write(arguments, &results, None, More::default(), language, output)?;
        }
        return Ok(Exit::NotValid);
    };
    let suites = select(arguments, suites, &suite_problems, output)?;
    let clock = Clock::new(settings.time_zone.clone(), settings.application.as_deref());
    let conditions = conditions::of(&snapshot.policies);
    let runner = Runner::new(&snapshot, &clock, settings.pdp.engine, &conditions);
    let ran = runner.run(suites).map_err(|message| {
        output.error(&message);
        Exit::Failed
    })?;
    let results = Results { ran, problems: suite_problems };
    let wants_coverage = arguments.coverage || arguments.coverage_min.is_some() || arguments.html.is_some();
    let coverage = (wants_coverage || arguments.mutate).then(|| Coverage::of(&conditions, &results.ran));
    output.problems(&results.all_problems());
    let mutation = match &coverage {
        Some(coverage) if arguments.mutate => {
            Some(mutated(&snapshot, coverage, &results, guarantees.stated(), output)?)
        }
        _ => None,
    };
    let mutation = mutation.flatten();
    let more = More { coverage: coverage.as_ref().filter(|_| wants_coverage), mutation: mutation.as_ref() };
    write(arguments, &results, Some(&snapshot), more, language, output)?;
    if let (Some(file), Some(coverage)) = (&arguments.html, &coverage) {
        fs::write(file, report::html(&results, coverage, mutation.as_ref(), language)).map_err(|error| {
            output.error(&format!("{}: cannot be written: {error}", file.display()));
            Exit::Failed
        })?;
    }
    let is_below = coverage.as_ref().zip(arguments.coverage_min).filter(|(coverage, least)| !coverage.reaches(*least));
    if let Some((coverage, least)) = is_below {
        output.error(&format!(
            "coverage is below {least}: policies that applied: {}; conditions seen both ways: {}",
            coverage.of_policies().words(Language::English),
            coverage.of_conditions().words(Language::English),
        ));
    }
    let is_empty = results.counts().total() == 0;
    if is_empty {
        output.error("the suites hold no case, so nothing was tested");
    }
    Ok(if results.are_invalid() || is_empty {
        Exit::NotValid
    } else if results.counts().failed > 0
        || is_below.is_some()
        || mutation.is_some_and(|it| it.unexplained().next().is_some() || it.unbroken().next().is_some())
    {
        Exit::TestsFailed
    } else {
        Exit::Done
    })
}

/// Writes the results to standard output.
fn write(
    arguments: &Arguments,
    results: &Results,
    snapshot: Option<&Snapshot>,
    more: More<'_>,
    language: Language,
    output: &mut Output,
) -> Result<(), Exit> {
    let written = match arguments.format {
        Form::Human => {
            let coverage = more.coverage.filter(|_| arguments.coverage);
            let coverage = coverage.map(|coverage| report::coverage_lines(coverage, language));
            let mutation = more.mutation.map(|mutation| report::mutation_lines(mutation, language));
            let results = report::human(results, language);
            coverage.into_iter().chain(mutation).chain([results]).collect::<Vec<_>>().join("\n")
        }
        Form::Json => format!("{:#}", report::json(results, snapshot, more)),
        Form::Junit => report::junit(results, more).map_err(|error| {
            output.failure(&error);
            Exit::Failed
        })?,
    };
    output.conclude(&format!("{}\n", written.trim_end()))
}

/// Tries all mutations. `None` if a case fails, since the result would then say nothing.
fn mutated<'a>(
    snapshot: &Snapshot,
    coverage: &'a Coverage<'a>,
    results: &Results,
    guarantees: Option<&Policies>,
    output: &mut Output,
) -> Result<Option<Mutation<'a>>, Exit> {
    if results.are_invalid() || !mutate::all_passed(&results.ran) {
        output.error("--mutate needs suites whose cases all pass; no change was tried");
        return Ok(None);
    }
    let bar = output.progress("changes");
    let begun = |total| bar.set_length(total as u64);
    let tried = mutate::mutate(snapshot, coverage, &results.ran, guarantees, begun, || bar.inc(1));
    bar.finish_and_clear();
    let mutation = tried.map_err(|error| {
        output.error(&error);
        Exit::Failed
    })?;
    output.problems(&mutation.problems);
    Ok(Some(mutation))
}

/// The selected suites. Selecting none is a failure, since nothing would be tested; a suite that cannot be read may hold what
/// was meant.
fn select(
    arguments: &Arguments,
    suites: Vec<suite::Suite>,
    problems: &[Problem],
    output: &mut Output,
) -> Result<Vec<suite::Suite>, Exit> {
    let Some(text) = &arguments.filter else { return Ok(suites) };
    let selected = Filter::new(text).select(suites);
    if selected.is_empty() {
        if has_errors(problems) {
            output.problems(problems);
            return Err(Exit::NotValid);
        }
        output.error(&format!("no case fits --filter {text:?}; poort test --list names them all"));
        return Err(Exit::Usage);
    }
    Ok(selected)
}
