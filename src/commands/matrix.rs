//! `poort matrix`: reports which account may do what.

use super::{Common, Exit, output::Output};
use crate::{
    pdp::Clock,
    review::{
        matrix::{self, Filter, matrix},
        report::Format,
    },
    sources::snapshot::{Snapshot, Sources},
    types::problem::{Problem, has_errors},
};
use clap::{Args, ValueEnum};
use std::{fs, path::PathBuf};

pub(super) const EXAMPLES: &str = "Examples:
  poort matrix --html matrix.html              a page for the yearly review of rights
  poort matrix --account officer-0007 --details    one account with its conditions
  poort matrix --record AnprHit --action disclose  who can disclose hits
  poort matrix --by Role                       what the accounts of each role may do
  poort matrix --format csv > matrix.csv       for a spreadsheet
  poort matrix --today 2027-01-01              as of another day

Each cell says what every possible question would get: always allowed, never allowed, or allowed under conditions.";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// For a terminal
    Table,
    /// A line for each account, type of record and action
    Csv,
    /// The same as JSON
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
    /// In the table: one paragraph for each group of this type, such as Role or Unit, in the place of each account
    #[arg(long, value_name = "TYPE", conflicts_with = "details")]
    by: Option<String>,
    /// Only accounts whose type, id, name or groups contain this
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    account: String,
    /// Only types of record whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    record: String,
    /// Only actions whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    action: String,
    /// The day that counts, such as 2027-01-01 [default: today]
    #[arg(long, value_name = "DATE", value_parser = day)]
    today: Option<jiff::civil::Date>,
    /// In the table: also the conditions
    #[arg(long)]
    details: bool,
    #[command(flatten)]
    common: Common,
}

/// A day as it is written in a policy.
fn day(text: &str) -> Result<jiff::civil::Date, String> {
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
    let Arguments { folder, format, html, by, account, record, action, today, details, common } = arguments;
    let (settings, _) = common.in_folder(folder.as_deref()).settings(Default::default(), output)?;
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
    let day = today.map_or_else(|| Clock::new(settings.time_zone, None).now().today, |day| day.to_string());
    let filter = Filter { account: account.clone(), record: record.clone(), action: action.clone() };
    let bar = output.progress("accounts");
    let made = matrix(&snapshot, &day, &filter, &|done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let matrix = made.map_err(|error| {
        output.error(&error);
        Exit::Failed
    })?;
    if matrix.accounts.is_empty() || matrix.records.is_empty() {
        output.error("nothing fits: no account, type of record or action has this text in its name");
        return Ok(Exit::Usage);
    }
    if let Some(file) = html {
        if let Err(error) = fs::write(file, matrix::html(&matrix)) {
            output.error(&format!("{}: cannot be written: {error}", file.display()));
            return Ok(Exit::Failed);
        }
        output.tell(&format!("wrote {}", file.display()));
        return Ok(Exit::Done);
    }
    let paint = |code, text: &str| output.paint(code, text);
    let text = match (format, by) {
        (Form::Table, Some(wanted)) => {
            let types = matrix.group_types();
            let is_wanted = |kind: &&&str| kind.rsplit("::").next() == Some(wanted) || *kind == wanted;
            let Some(kind) = types.iter().find(is_wanted) else {
                output.error(&format!("no account is in a `{wanted}`; --by takes one of: {}", types.join(", ")));
                return Ok(Exit::Usage);
            };
            matrix::groups_text(&matrix, kind, &paint) + "\n"
        }
        (_, Some(_)) => {
            output.error(
                "--by is for the table; in CSV and JSON each line names an account, and the page shows groups too",
            );
            return Ok(Exit::Usage);
        }
        (Form::Table, None) => matrix::text(&matrix, *details, &paint) + "\n",
        (Form::Json, None) => matrix::json(&matrix),
        (Form::Csv, None) => matrix::csv(&matrix).map_err(|error| {
            output.failure(&error);
            Exit::Failed
        })?,
    };
    output.conclude(&text)?;
    Ok(Exit::Done)
}
