//! `poort log report`: who asked for data about a person.

use super::{
    Common, Exit, LanguageFlag, Output, line,
    select::{self, Select},
    source::{Found, Received, Strays},
};
use crate::{
    oversight::{
        access_report::{Access, Reader, Rule, Scope, page},
        replay::{Local, Worlds},
    },
    review::report::inert,
    sources::store::Archive,
    types::{escape, language::Language},
};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use std::{error::Error, path::PathBuf};

pub(super) const EXAMPLES: &str = "Examples:
  poort log report --data-subject PersonEntry::person-884411 > report.html
  poort log report --data-subject PersonEntry::person-884411 --lang nl > overzicht.html      for the person
  poort log report --data-subject bsn::123456782 --since 2025-11-01 --format csv > report.csv
  poort log report --data-subject person-884411 --received stored.jsonl.zst --archive copy/revisions > report.html
                                                       what a pipeline stored, of all sidecars

Each decision about the data subject is a line: when (with the zone), who (account, name, unit), what, the decision, why (purpose,
justification and the rest of the context), the rules that decided with the articles they rest on, from where, and to whom. Names
are those of the directory that decided, from data/revisions. The page says what it does not cover.

Exits with 1 if the log cannot be read, or if some records are about persons that cannot be told, since they were made under a
key of pseudonyms that is not there any more.";

/// The columns of the CSV form.
const COLUMNS: [&str; 16] = [
    "time", "seq", "trace_id", "account", "name", "within", "action", "resource", "decision", "purpose", "context",
    "rules", "basis", "from", "to", "title",
];

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    received: Received,
    /// Take revisions from this folder, a copy of `revisions` in a data folder [default: the one in the data folder]
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
    #[command(flatten)]
    select: Select,
    /// The form of the result
    #[arg(long, value_enum, default_value = "html", value_name = "FORM")]
    format: Form,
    #[command(flatten)]
    language: LanguageFlag,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A page for a person
    Html,
    /// A line for each decision, for a spreadsheet
    Csv,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { received, archive, select, format, language, common } = arguments;
    let Some(data_subject) = select.data_subject() else {
        output.error("name the data subject: --data-subject TYPE::ID; the type is that of @data_subject in the schema");
        return Err(Exit::Usage);
    };
    let (settings, _) = common.settings(Default::default(), output)?;
    let selection = select.selection(&settings, false, output)?;
    let archive = Archive::new(archive.as_ref().unwrap_or(&settings.store.archive).clone(), settings.store.archive_max);
    let local = Local::read(&settings.store.policies, &settings.store.directory);
    let mut reader = Reader::new(Worlds::new(archive, local));
    let mut records = received.records(&settings, select.segments(), &selection, output)?;
    let (mut accesses, mut strays) = (Vec::new(), Strays::default());
    let bar = output.progress("records");
    let first = records.first();
    if let Ok(Some(length)) = records.length() {
        bar.set_length(length);
    }
    let read: Result<(), Box<dyn Error>> = loop {
        match records.next() {
            Ok(None) => break Ok(()),
            Ok(Some(Found::Stray(line))) => strays.add(line),
            Ok(Some(Found::Record(seq, payload))) => {
                match reader.accesses(&payload, &selection) {
                    Ok(found) => accesses.extend(found),
                    Err(error) => break Err(format!("record {seq} cannot be read: {error}").into()),
                }
                bar.set_position(seq.saturating_sub(first));
            }
            Err(error) => break Err(error),
        }
    };
    bar.finish_and_clear();
    if let Err(error) = read.and_then(|()| strays.message().map_or(Ok(()), |message| Err(message.into()))) {
        output.failure(&*error);
        return Err(Exit::Failed);
    }
    let wanted = selection.wanted();
    let scope = Scope {
        data_subject: data_subject.to_string(),
        zone: settings.time_zone.clone(),
        since: wanted.since,
        until: wanted.until,
        narrowing: select.narrowing(),
        made: Timestamp::now().as_millisecond(),
        language: language.chosen(&settings),
    };
    let missing: Vec<_> = reader.missing().collect();
    output.conclude(&match format {
        Form::Html => page(&scope, &accesses, &missing),
        Form::Csv => csv(&accesses, scope.language),
    })?;
    select::doubt(&selection, output).map(|()| Exit::Done)
}

fn csv(accesses: &[Access], language: Language) -> String {
    let joined = |members: &[(String, String)]| {
        members.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ")
    };
    let mut out = line::csv(&COLUMNS);
    for access in accesses {
        let rules = |part: &dyn Fn(&Rule) -> &str| {
            access.rules.iter().map(part).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
        };
        let row = [
            line::utc(access.time),
            access.seq.to_string(),
            access.trace.clone(),
            access.account.clone(),
            access.name.clone().unwrap_or_default(),
            access.within.join(" "),
            access.action.clone(),
            access.resource.clone(),
            access.decision.map(|decision| decision.name().to_owned()).unwrap_or_default(),
            access.purpose.clone().unwrap_or_default(),
            joined(&access.reasons),
            rules(&|rule| &rule.id),
            rules(&|rule| &rule.basis),
            joined(&access.origin),
            joined(&access.recipient),
            rules(&|rule| rule.title.in_language(language)),
        ];
        out.push(b'\n');
        out.extend(line::csv(&row.map(|field| inert(&escape::lines(&field)))));
    }
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}
