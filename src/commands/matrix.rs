//! `poort matrix`: reports which account may do what.

use super::{
    Common, Exit,
    language_flag::LanguageFlag,
    output::Output,
    side::{Places, Unusable},
};
use crate::{
    config::Settings,
    pdp::Clock,
    review::{
        diff::Side,
        matrix::{self, Changes, Filter, Gives, Matrix, Review, gives, matrix},
        report::Format,
    },
    sources::snapshot::{Snapshot, Sources},
    types::{
        entity_id::{EntityId, NoId, is_same_type},
        language::Language,
        problem::{Problem, has_errors},
    },
};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use jiff::civil::Date;
use std::{fs, path::PathBuf};

pub(super) const EXAMPLES: &str = "Examples:
  poort matrix --html review.html              the page for the yearly review of rights, also to print (A4, landscape)
  poort matrix --html review.html --since git:v2025 --since-day 2025-11-23
                                               with what changed since last year's review
  poort matrix --html review.html --lang nl    the same page in Dutch
  poort matrix --account officer-0007 --details        one account with its conditions
  poort matrix --resource AnprHit --action disclose    who of the directory can disclose hits, under which conditions
  poort matrix --by Role                       what each role gives to the accounts in it, not what attributes give that name it
  poort matrix --format csv > matrix.csv       for a spreadsheet
  poort matrix --today 2027-01-01              as of another day

Each cell says what every possible question would get: always allowed, never allowed, or allowed under conditions; and whose
records it reaches at most: all, those of a unit or another group that the account is in or that names it (unit), or those that
name the account itself (own). Accounts are those of the directory.

--since takes a folder, git:REVISION, git:REVISION:PATH, or archive:POLICIES or archive:POLICIES,DIRECTORY, which are revisions
as records name them, or their first 8 digits or more.

Test accounts are left out, and counted: those that the schema marks with @test_account. One that --account names by its id is
shown.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a terminal
    Table,
    /// A line for each account, type of record and action
    Csv,
    /// The same as JSON, with accounts, authorisations and what changed
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policy folder; the same as --policies
    #[arg(value_name = "DIR", conflicts_with = "policies")]
    folder: Option<PathBuf>,
    /// The form of the result
    #[arg(long, value_enum, default_value = "table", value_name = "FORM")]
    format: Form,
    /// Write a page for people to this file, instead of a result
    #[arg(long, value_name = "FILE", conflicts_with_all = ["format", "by", "details"])]
    html: Option<PathBuf>,
    /// In the table: what each group of this type, such as Role or Unit, gives to the accounts in it. Not what an attribute gives
    /// that names it, such as the account's unit
    #[arg(long, value_name = "TYPE", conflicts_with_all = ["details", "since"])]
    by: Option<String>,
    /// Also what changed since this side
    #[arg(long, value_name = "SIDE")]
    since: Option<String>,
    /// The day that counts on the side of --since [default: the same day]
    #[arg(long, value_name = "DATE", value_parser = day, requires = "since")]
    since_day: Option<Date>,
    /// Only this account ([TYPE::]ID), or those whose type, id, name or groups contain this
    #[arg(long, value_name = "ID|TEXT", default_value = "", hide_default_value = true, value_parser = account)]
    account: String,
    /// Only this type of record, or those whose name contains this. With one type and one action: who can
    #[arg(long, alias = "record", value_name = "TYPE|TEXT", default_value = "", hide_default_value = true)]
    resource: String,
    /// Only this action, or those whose name contains this
    #[arg(long, value_name = "NAME|TEXT", default_value = "", hide_default_value = true)]
    action: String,
    /// The day that counts, such as 2027-01-01 [default: today]
    #[arg(long, value_name = "DATE", value_parser = day)]
    today: Option<Date>,
    /// In the table: also the conditions
    #[arg(long)]
    details: bool,
    /// Test accounts too
    #[arg(long)]
    with_test_accounts: bool,
    #[command(flatten)]
    language: LanguageFlag,
    #[command(flatten)]
    common: Common,
}

/// An id, or a part of a name. What looks like an id with a type, or in quotes, must be one.
fn account(text: &str) -> Result<String, NoId> {
    let is_id = text.contains("::") || text.contains('"');
    if is_id { text.parse::<EntityId>().map(|_| text.to_owned()) } else { Ok(text.to_owned()) }
}

/// A day as it is written in a policy.
fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "this is no day; write year, month and day, as in 2027-01-01".to_owned())
}

/// An empty result, so that a program reads a whole document.
fn write_nothing(arguments: &Arguments, problems: &[Problem], output: &mut Output) -> Result<(), Exit> {
    match arguments.format {
        Form::Table => Ok(()),
        Form::Csv => output.conclude(&matrix::csv_header()),
        Form::Json => output.findings(problems, Format::Json),
    }
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let common = &arguments.common;
    let (settings, _) = common.in_folder(arguments.folder.as_deref()).settings(Default::default(), output)?;
    let language = arguments.language.chosen(&settings);
    if arguments.by.is_some() && arguments.format != Form::Table {
        output
            .error("--by is for the table; in CSV and JSON each line names an account, and the page shows groups too");
        return Ok(Exit::Usage);
    }
    let (snapshot, problems) = match Sources::read(&settings.store.policies, &settings.store.directory) {
        Ok(sources) => Snapshot::from_sources(&sources),
        Err(problems) => (None, problems),
    };
    if has_errors(&problems) {
        output.problems(&problems);
    }
    let Some(snapshot) = snapshot else {
        return write_nothing(arguments, &problems, output).map(|()| Exit::NotValid);
    };
    let earlier = earlier(arguments, &settings, output)?;
    let sides: Vec<_> = std::iter::once(&snapshot).chain(earlier.as_ref().map(|side| &side.snapshot)).collect();
    let filter = Filter {
        account: arguments.account.clone(),
        record: arguments.resource.clone(),
        action: arguments.action.clone(),
        test_accounts: arguments.with_test_accounts,
        named: None,
    };
    let filter = filter.on(&sides);
    let day =
        arguments.today.map_or_else(|| Clock::new(settings.time_zone.clone(), None).now().today, |day| day.to_string());
    let matrix = made(&snapshot, &day, &filter, output)?;
    let changes = match (&arguments.since, &earlier) {
        (Some(since), Some(side)) => {
            let day = arguments.since_day.map_or(day, |day| day.to_string());
            Some(Changes::between(since, &made(&side.snapshot, &day, &filter, output)?, &matrix))
        }
        _ => None,
    };
    let is_changed = changes.as_ref().is_some_and(|changes| !changes.accounts.is_empty());
    if (matrix.accounts.is_empty() || matrix.records.is_empty()) && matrix.left_out.is_empty() && !is_changed {
        output.error("nothing fits: no account, type of record or action has this text in its name");
        if arguments.resource.contains("::") {
            output.tell("  help: --resource takes a type; `poort explain` is about one record");
        }
        return Ok(Exit::Usage);
    }
    if let Some(file) = &arguments.html {
        let gives = given(&snapshot, &matrix, &matrix.group_types(), output)?;
        let review = Review { matrix: &matrix, changes: changes.as_ref(), gives: &gives };
        if let Err(error) = fs::write(file, matrix::html(&review, language)) {
            output.error(&format!("{}: cannot be written: {error}", file.display()));
            return Ok(Exit::Failed);
        }
        output.tell(&format!("wrote {}", file.display()));
        return Ok(Exit::Done);
    }
    let text = match arguments.format {
        Form::Table => table(arguments, &snapshot, &matrix, changes.as_ref(), language, output)?,
        Form::Json => matrix::json(&Review { matrix: &matrix, changes: changes.as_ref(), gives: &[] }),
        Form::Csv => {
            matrix::left_out(&matrix, language).into_iter().for_each(|line| output.tell(&line));
            matrix::csv(&matrix).map_err(|error| {
                output.failure(&error);
                Exit::Failed
            })?
        }
    };
    output.conclude(&text)?;
    Ok(Exit::Done)
}

/// The side of `--since`.
fn earlier(arguments: &Arguments, settings: &Settings, output: &mut Output) -> Result<Option<Side>, Exit> {
    let Some(since) = &arguments.since else { return Ok(None) };
    let places = Places::of(settings, arguments.common.directory.as_deref());
    let side = places.read(since).map_err(|unusable| match unusable {
        Unusable::Misnamed(message) => {
            output.error(&format!("--since: {message}"));
            Exit::Usage
        }
        Unusable::NotValid(problems) => {
            output.problems(&problems);
            output.error(&format!("--since: {since} is not valid, so nothing can be compared with it"));
            Exit::NotValid
        }
    })?;
    Ok(Some(side))
}

fn at(bar: &ProgressBar, done: usize, of: usize) {
    bar.set_length(of as u64);
    bar.set_position(done as u64);
}

fn made(snapshot: &Snapshot, day: &str, filter: &Filter, output: &mut Output) -> Result<Matrix, Exit> {
    let bar = output.progress("accounts");
    let made = matrix(snapshot, day, filter, &|done, of| at(&bar, done, of));
    bar.finish_and_clear();
    made.map_err(|error| failed(&error, output))
}

/// What the groups of each of these types give.
fn given(
    snapshot: &Snapshot,
    matrix: &Matrix,
    kinds: &[&str],
    output: &mut Output,
) -> Result<Vec<(String, Vec<Gives>)>, Exit> {
    let bar = output.progress("groups");
    let found = gives(snapshot, matrix, kinds, &|done, of| at(&bar, done, of));
    bar.finish_and_clear();
    found.map_err(|error| failed(&error, output))
}

fn table(
    arguments: &Arguments,
    snapshot: &Snapshot,
    matrix: &Matrix,
    changes: Option<&Changes>,
    language: Language,
    output: &mut Output,
) -> Result<String, Exit> {
    if let Some(wanted) = &arguments.by {
        let types = matrix.group_types();
        let Some(kind) = types.iter().find(|kind| is_same_type(wanted, kind)) else {
            output.error(&format!("no account is in a `{wanted}`; --by takes one of: {}", types.join(", ")));
            return Err(Exit::Usage);
        };
        let gives = given(snapshot, matrix, &[*kind], output)?;
        let gives = gives.first().map_or(&[][..], |(_, gives)| gives);
        let paint = |code, text: &str| output.paint_result(code, text);
        return Ok(matrix::gives_text(matrix, kind, gives, language, &paint) + "\n");
    }
    let paint = |code, text: &str| output.paint_result(code, text);
    let changed = changes.map(|changes| matrix::changes_text(matrix, changes, language, &paint) + "\n\n");
    let changed = changed.unwrap_or_default();
    let is_asked = !arguments.resource.is_empty() && !arguments.action.is_empty();
    let table = match (matrix.records.as_slice(), matrix.actions.as_slice()) {
        ([record], [action]) if is_asked => matrix::who_can_text(matrix, record, action, language, &paint),
        _ => matrix::text(matrix, arguments.details, language, &paint),
    };
    Ok(changed + &table + "\n")
}

fn failed(message: &str, output: &mut Output) -> Exit {
    output.error(message);
    Exit::Failed
}
