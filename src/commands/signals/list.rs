//! `poort signals list` and `follow`: the signals on record.

use super::{
    Exit, LanguageFlag, Output,
    log::{PAUSE, is_closed},
    recorded::{OfLog, minute, selection, short, take},
};
use crate::{
    commands::log::csv,
    oversight::signals::{History, Recorded, Status},
    record::decision_log::{Scan, Segments},
    types::{escape, language::Language},
};
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use std::io::{self, Write as _};

pub(super) const LIST: &str = "Examples:
  poort signals list                                   those that are open, the highest score first
  poort signals list --status all --family reason --format csv > signals.csv
  poort signals list --received stored.jsonl.zst       those of a store, of all sidecars

Accounts are pseudonyms: equal ones are the same account. `poort signals show ID` has the sentence and the decisions that a signal
rests on. A signal is a question to answer: it does not say that the use was wrong.";

pub(super) const FOLLOW: &str = "Examples:
  poort signals follow                                 signals as they come, until Ctrl-C
  poort signals follow --format json | jq -c .id

Works beside a server with `signals.enabled`. It begins with what is on record.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    of: OfLog,
    /// Where they are now
    #[arg(long, value_enum, default_value = "open")]
    status: Which,
    /// Of this family
    #[arg(long, value_parser = ["reason", "volume", "denial", "exact"])]
    family: Option<String>,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
pub(in crate::commands) struct Following {
    #[command(flatten)]
    common: super::Common,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
struct Shown {
    /// The form of the result
    #[arg(long, value_enum, default_value = "table", value_name = "FORM")]
    format: Form,
    #[command(flatten)]
    language: LanguageFlag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Nobody closed them, and something new can come to them
    Open,
    /// Somebody follows them up
    Followed,
    /// Somebody closed them
    Closed,
    /// Nothing new came for a time
    Faded,
    /// Other settings became active
    Superseded,
    /// Every one
    All,
}

impl Which {
    fn has(self, status: Status) -> bool {
        match self {
            Self::Open => status.is_open(),
            Self::Followed => status == Status::Followed,
            Self::Closed => status == Status::Closed,
            Self::Faded => status == Status::Faded,
            Self::Superseded => status == Status::Superseded,
            Self::All => true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A line for each signal and one for its sentence
    Table,
    /// A line of JSON for each signal
    Json,
    /// For a spreadsheet
    Csv,
}

const COLUMNS: [&str; 11] =
    ["id", "status", "opened", "last", "family", "detector", "score", "account", "record", "peers", "sentence"];

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { of, status, family, shown: Shown { format, language } } = arguments;
    let (settings, history) = of.history(output)?;
    let language = language.chosen(&settings);
    let of_family = |it: &Recorded| family.as_deref().is_none_or(|family| it.text("family") == family);
    let mut found: Vec<_> = history.signals().filter(|it| status.has(it.status) && of_family(it)).collect();
    found.sort_by(|one, other| other.score().total_cmp(&one.score()));
    let mut text = String::new();
    if *format == Form::Csv {
        text.push_str(&COLUMNS.join(","));
        text.push_str("\r\n");
    }
    for it in &found {
        text.push_str(&shown(it, *format, &settings.time_zone, language));
    }
    output.conclude(&text)?;
    if *format == Form::Table {
        output.tell(&told(&history, found.len()));
    }
    Ok(Exit::Done)
}

/// What is told below a table.
fn told(history: &History, shown: usize) -> String {
    let of = |status: Status| history.signals().filter(|it| it.status == status).count();
    let counts = Status::ALL.map(|status| format!("{} {}", of(status), status.name()));
    match history.settings() {
        Some(_) => format!("{shown} signals; on record are {}", counts.join(", ")),
        None => "signals were never looked for beside this log: `signals.enabled` in the configuration of the server does that, \
                 and `poort signals replay` finds them afterwards"
            .to_owned(),
    }
}

fn shown(it: &Recorded, format: Form, zone: &TimeZone, language: Language) -> String {
    let peers = it.signal.get("peers").and_then(|peers| peers.get("name")).and_then(|name| name.as_str());
    let sentence = it.sentence(language.tag());
    match format {
        Form::Json => {
            let mut signal = it.signal.clone();
            if let Some(members) = signal.as_object_mut() {
                members.insert("status".to_owned(), it.status.name().into());
                members.insert("opened".to_owned(), it.opened().into());
                members.insert("last".to_owned(), it.last().into());
            }
            format!("{}\n", escape::lines(&signal.to_string()))
        }
        Form::Csv => {
            let fields = [
                it.id(),
                it.status.name(),
                &minute(it.opened(), zone),
                &minute(it.last(), zone),
                it.text("family"),
                it.text("detector"),
                &format!("{:.1}", it.score()),
                it.text("account"),
                it.text("record"),
                peers.unwrap_or_default(),
                sentence,
            ];
            format!("{}\r\n", String::from_utf8_lossy(&csv(&fields.map(|field| escape::lines(field).into_owned()))))
        }
        Form::Table => {
            let (opened, last) = (minute(it.opened(), zone), minute(it.last(), zone));
            let (id, status, detector) = (escape::line(it.id()), it.status.name(), escape::line(it.text("detector")));
            let (score, (about, pseudonym)) = (it.score(), it.about());
            let pseudonym = short(pseudonym);
            format!(
                "{id}  {status:<10} {opened}, last {last}  {detector:<12} score {score:<5.1} {about} {pseudonym}\n  {}\n",
                escape::line(sentence)
            )
        }
    }
}

/// Shows what becomes of signals, as it comes.
pub(super) fn follow(arguments: &Following, output: &mut Output) -> Result<Exit, Exit> {
    let Following { common, shown: Shown { format, language } } = arguments;
    let (settings, _) = common.settings(Default::default(), output)?;
    let language = language.chosen(&settings);
    let selection = selection();
    let dir = settings.log.records();
    let mut scan = Scan::new(&dir, &selection, Segments::Likely).map_err(|error| {
        output.error(&format!("cannot read `{}`: {error}", dir.display()));
        Exit::Failed
    })?;
    let mut history = History::default();
    loop {
        let mut text = String::new();
        for frame in &mut scan {
            let frame = frame.map_err(|error| {
                output.failure(&error);
                Exit::Failed
            })?;
            take(&mut history, &frame.payload, &mut |changed| {
                text.push_str(&shown(changed, *format, &settings.time_zone, language));
            });
        }
        let written = io::stdout().lock().write_all(text.as_bytes()).and_then(|()| io::stdout().lock().flush());
        match written.and_then(|()| is_closed(PAUSE)) {
            Ok(false) => {}
            Ok(true) => return Ok(Exit::Done),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Done),
            Err(error) => {
                output.error(&format!("standard output cannot be written: {error}"));
                return Err(Exit::Failed);
            }
        }
    }
}
