//! `poort diff`: what a change of policies would grant and take away.

use super::{
    Common, Exit,
    language_flag::LanguageFlag,
    output::Output,
    side::{Places, Unusable},
    solver_options,
};
use crate::{
    review::{
        all_cores::on_all_cores,
        diff::{
            Accepted, Options, Side, compare,
            report::{Report, html, invalid, json, junit, markdown, sarif, terminal},
            template,
        },
        proof::Cache,
        report::{self, findings},
    },
    types::{language::Language, problem::Problem},
};
use clap::{Args, ValueEnum};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

pub(super) const EXAMPLES: &str = "Examples:
  poort diff git:main policies                    the working tree against the main branch
  poort diff git:v1.4 git:v1.5                    two revisions
  poort diff git:main:old/place policies          a folder that moved
  poort diff git:main policies --accept accepted.yaml --report html=diff.html --report markdown=diff.md
  poort diff git:main policies --lang nl --report html=diff.html    the reports for people in Dutch
  poort diff git:main policies --accept-template >> accepted.yaml

BASE and HEAD are a folder, git:REVISION, git:REVISION:path/to/policies, archive:POLICIES or archive:POLICIES,DIRECTORY.
Without a path, a revision is read at the place of the --policies folder. The archive of a server has revisions as records
name them.

For every type of principal, action and type of resource, poort proves that both sides decide all questions equally, or
shows questions that they decide differently. The first line says who can now do what. Where the directory changed, poort
works out what that allows and denies, for each account that it touches.

Exits with 0 if nothing asks for acceptance that the --accept file does not list. Exits with 5 if something does: what is
newly allowed, what is undecided, guarantees that changed or are gone, policies that ask less of callers than before,
applications that may ask more, and whatever the directory says otherwise; also if --env left something out. Exits with 3 if a side is not valid, and with 64
without the solver cvc5, or for a revision that git does not know.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The side before the change: a folder, git:REVISION, git:REVISION:PATH, or archive:POLICIES,DIRECTORY
    #[arg(value_name = "BASE")]
    base: String,
    /// The side after the change
    #[arg(value_name = "HEAD")]
    head: String,
    /// The form of the report on standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also write a report to a file; may be given several times
    #[arg(long, value_name = "FORMAT=FILE", value_parser = report_file)]
    report: Vec<(Format, PathBuf)>,
    /// The differences that reviewers accepted, in YAML
    #[arg(long, value_name = "FILE")]
    accept: Option<PathBuf>,
    /// Print entries for the --accept file instead of a report; fill in `reason` and `approved_by`
    #[arg(long)]
    accept_template: bool,
    /// What is newly denied asks for acceptance too
    #[arg(long)]
    strict: bool,
    /// Only environments whose name holds this text, such as `Officer × consult`
    #[arg(long, value_name = "TEXT")]
    env: Option<String>,
    #[command(flatten)]
    effort: solver_options::SolverOptions,
    #[command(flatten)]
    language: LanguageFlag,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For a terminal
    #[default]
    Human,
    /// For a script
    Json,
    /// For a merge request
    Markdown,
    /// For code scanning: SARIF 2.1.0
    Sarif,
    /// For CI systems that show tests
    Junit,
    /// For an officer: one self-contained page
    Html,
}

fn report_file(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, file) = text.split_once('=').ok_or("write FORMAT=FILE, such as html=diff.html")?;
    if file.is_empty() {
        return Err("the file has no name".to_owned());
    }
    Ok((Format::from_str(format, true).map_err(|_| format!("unknown format `{format}`"))?, file.into()))
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let (settings, _) = arguments.common.settings(Default::default(), output)?;
    solver_options::check_meaning(&settings, output)?;
    let language = arguments.language.chosen(&settings);
    let accepted = accepted(arguments, output)?;
    let places = Places::of(&settings, arguments.common.directory.as_deref());
    let (base, head, untested) = sides(&places, arguments, language, output)?;
    let effort = arguments.effort.effort(output)?;
    let cache = arguments.effort.cache();
    let options = Options { effort, filter: arguments.env.clone(), cache, untested };
    let bar = output.progress("proofs");
    let comparison = compare(&base, &head, &options, &|count| bar.set_length(count as u64), &|| bar.inc(1));
    bar.finish_and_clear();
    options.cache.iter().for_each(Cache::prune);
    let comparison = comparison.map_err(|message| {
        output.error(&message);
        Exit::Failed
    })?;
    if let Some(filter) = &arguments.env
        && comparison.environments.is_empty()
    {
        output.error(&format!("--env: no environment has `{filter}` in its name"));
        return Err(Exit::Usage);
    }
    let report = Report::new(&comparison, &accepted, arguments.strict);
    write_files(arguments, output, |format| write(format, &report, language))?;
    for unused in &report.judged().unused {
        let file = arguments.accept.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
        let why = unused.reason.as_ref().map_or("leave it out", String::as_str);
        output.tell(&format!("warning: {file}: entry {} covers nothing in this change; {why}", unused.entry));
    }
    let text = if arguments.accept_template {
        template(&comparison, &accepted, arguments.strict)
    } else {
        match arguments.format {
            Format::Human => terminal(&report, language, output.result_is_coloured()),
            format => write(format, &report, language),
        }
    };
    output.conclude(&format!("{}\n", text.trim_end()))?;
    Ok(if report.passes() { Exit::Done } else { Exit::Differences })
}

/// The actions that the suites asked about before, that there still are, and that no suite asks about now.
fn untested(before: Option<BTreeSet<String>>, after: Option<BTreeSet<String>>, head: &Side) -> Vec<String> {
    let (Some(before), Some(after)) = (before, after) else { return Vec::new() };
    let left = before.into_iter().filter(|action| !after.contains(action));
    left.filter(|action| head.snapshot.policies.model.action(action).is_ok()).collect()
}

/// Reads both sides at once, and what their suites leave untested. If one is not valid, its problems are reported in the form
/// that was asked for.
fn sides(
    places: &Places,
    arguments: &Arguments,
    language: Language,
    output: &mut Output,
) -> Result<(Side, Side, Vec<String>), Exit> {
    let whole = |named: &str| rayon::join(|| places.read(named), || places.tested(named));
    let read = on_all_cores(|| rayon::join(|| whole(&arguments.base), || whole(&arguments.head)));
    let ((base, before), (head, after)) = read.map_err(|message| {
        output.error(&message);
        Exit::Failed
    })?;
    let (mut wrong, mut names) = (Vec::new(), Vec::new());
    let mut usable = |named: &String, read: Result<Side, Unusable>| match read {
        Ok(side) => Ok(Some(side)),
        Err(Unusable::Misnamed(message)) => {
            output.error(&message);
            Err(Exit::Usage)
        }
        Err(Unusable::NotValid(problems)) => {
            wrong.extend(problems);
            names.push(named.clone());
            Ok(None)
        }
    };
    if let (Some(base), Some(head)) = (usable(&arguments.base, base)?, usable(&arguments.head, head)?) {
        let untested = untested(before, after, &head);
        return Ok((base, head, untested));
    }
    // Both sides may have the same mistake in the same file.
    let mut seen = BTreeSet::new();
    wrong.retain(|problem: &Problem| seen.insert(problem.one_line()));
    write_files(arguments, output, |format| not_valid(format, &wrong, language))?;
    if arguments.format == Format::Human {
        output.problems(&wrong);
    } else {
        output.conclude(&format!("{}\n", not_valid(arguments.format, &wrong, language).trim_end()))?;
    }
    let folders: Vec<_> = names.iter().filter(|name| name.starts_with("git:") || Path::new(name).exists()).collect();
    for name in folders {
        output.error(&format!("{name} is not valid, so nothing can be said about the change"));
    }
    Err(Exit::NotValid)
}

fn write_files(arguments: &Arguments, output: &mut Output, text: impl Fn(Format) -> String) -> Result<(), Exit> {
    for (format, file) in &arguments.report {
        fs::write(file, text(*format)).map_err(|error| {
            output.error(&format!("{}: cannot be written: {error}", file.display()));
            Exit::Failed
        })?;
    }
    Ok(())
}

fn write(format: Format, report: &Report<'_>, language: Language) -> String {
    match format {
        Format::Human => terminal(report, language, false),
        Format::Json => json(report),
        Format::Markdown => markdown(report, language),
        Format::Sarif => sarif(report),
        Format::Junit => junit(report),
        Format::Html => html(report, language),
    }
}

/// The problems of a side, in each form.
fn not_valid(format: Format, problems: &[Problem], language: Language) -> String {
    match format {
        Format::Human => findings(problems, report::Format::Human, false),
        Format::Json => findings(problems, report::Format::Json, false),
        Format::Sarif => findings(problems, report::Format::Sarif, false),
        Format::Markdown => invalid::markdown(problems, language),
        Format::Junit => invalid::junit(problems),
        Format::Html => invalid::html(problems, language),
    }
}

fn accepted(arguments: &Arguments, output: &mut Output) -> Result<Accepted, Exit> {
    let Some(file) = &arguments.accept else { return Ok(Accepted::default()) };
    let text = fs::read_to_string(file).map_err(|error| error.to_string());
    text.and_then(|text| Accepted::read(&text)).map_err(|message| {
        output.error(&format!("{}: {message}", file.display()));
        Exit::Usage
    })
}
