//! `poort log verify`: checks that no record of the log, or of what a pipeline stored of it, is missing or altered.

use super::{Common, Exit, Output, given, key::own_keys};
use crate::{
    config::Settings,
    record::{
        decision_log::{
            export,
            verify::{Compared, Found, Known, PutBack, Report, VerifyError, Witnessed, verify_folder, verify_received},
        },
        evidence::{Checkpoint, PublicKeys},
    },
    types::escape,
};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "Examples:
  poort log verify                                    the log on disk, with its own public key
  poort log verify --key auditor/log.key              with the key that somebody else kept
  poort log verify --key auditor/log.key --checkpoint auditor/last.note
                                                      and a checkpoint that somebody else kept
  poort log verify --key auditor/log.key --witness-policy auditor/witness.policy
                                                      and that enough witnesses cosigned it
  poort log verify --key auditor/log.key --received stored.jsonl
                                                      what the pipeline stored: records in JSON Lines, or an OTLP
                                                      export in JSON, also compressed with gzip or Zstandard; `-` is
                                                      standard input

Works beside a server that is writing. Exits with 3 when something is missing, altered or not to be trusted.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// A public key as `poort log key` prints it, or a file of such lines; can be given several times, as after a change
    /// of the key [default: the log's own]
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// A signed checkpoint that was kept elsewhere; can be given several times
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Which witnesses must have cosigned (C2SP tlog-policy)
    #[arg(long, value_name = "FILE")]
    witness_policy: Option<PathBuf>,
    /// Check what a pipeline stored, and not the log on disk; if that is at hand, each altered record is named
    #[arg(long, value_name = "FILE")]
    received: Option<PathBuf>,
    /// With --received: the first record that should be there
    #[arg(long, value_name = "SEQ", default_value_t = 0, requires = "received")]
    from: u64,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let (settings, _) = arguments.common.settings(Default::default(), output)?;
    let keys = keys(arguments, &settings, output)?;
    let known = known(arguments, &keys, output)?;
    let progress = output.progress("bytes of records read");
    let mut read = |bytes| progress.inc(bytes);
    let folder = settings.log.records();
    let compared = match &arguments.received {
        None => verify_folder(&folder, &keys, &known, &mut read)
            .map(|report| vec![Compared { report, duplicates: 0, on_disk: None }]),
        Some(path) => export::open(path).map_err(VerifyError::Io).and_then(|mut file| {
            let local = folder.is_dir().then_some(folder.as_path());
            verify_received(&mut *file, &keys, &known, arguments.from, local, &mut read)
        }),
    };
    progress.finish_and_clear();
    let compared = compared.map_err(|error| {
        if let Some(path) = &arguments.received {
            output.error(&format!("cannot check `{}`", path.display()));
        }
        output.failure(&error);
        Exit::Failed
    })?;
    let is_sound = !compared.is_empty() && compared.iter().all(|compared| compared.report.faults.is_empty());
    match arguments.format {
        Format::Human => {
            let mut text: String = compared.iter().map(|compared| human(compared, output)).collect();
            if compared.is_empty() {
                text.push_str("No records were received.\n");
            }
            output.conclude(&text)?;
        }
        Format::Json => {
            let text = serde_json::to_string_pretty(&compared).unwrap_or_default();
            output.conclude(&format!("{}\n", escape::json(&text)))?;
        }
    }
    Ok(if is_sound { Exit::Done } else { Exit::NotValid })
}

fn keys(arguments: &Arguments, settings: &Settings, output: &mut Output) -> Result<PublicKeys, Exit> {
    let mut lines = given::keys(&arguments.key, output)?;
    if arguments.key.is_empty() {
        lines.extend(own_keys(&settings.log, output)?);
        output.tell(
            "The key is the log's own. It proves nothing against whoever can read that key: give the one that you keep \
             elsewhere with --key.",
        );
    }
    given::public(&lines, output)
}

fn known(arguments: &Arguments, keys: &PublicKeys, output: &mut Output) -> Result<Known, Exit> {
    let policy = arguments.witness_policy.as_deref().map(|path| given::policy(path, output)).transpose()?;
    let mut known = Known { policy, ..Known::default() };
    for path in &arguments.checkpoint {
        let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
        let opened = read.and_then(|note| Checkpoint::open(&note, keys).map_err(|error| error.to_string()));
        known.checkpoints.push(opened.map_err(|error| {
            output.error(&format!("`{}` is no checkpoint that can be used: {error}", path.display()));
            Exit::Usage
        })?);
    }
    Ok(known)
}

fn human(compared: &Compared, output: &Output) -> String {
    let Compared { report, duplicates, on_disk } = compared;
    let Report { origin, first, end, records, checkpoints, proven, last, restored, witnessed, found, faults } = report;
    let mut lines = Vec::new();
    let mut line = |name: &str, text: String| lines.push(format!("  {name:<11}{text}"));
    let name = if origin.is_empty() { "no log".into() } else { escape::line(origin) };
    match records {
        0 => line("records", "none".into()),
        _ => line("records", format!("{records}: {first} to {}", end.saturating_sub(1))),
    }
    if *duplicates > 0 {
        line("duplicates", format!("{duplicates}, stored more than once and equal"));
    }
    if proven > first {
        line("proven", format!("{first} to {}, by {checkpoints} signed checkpoints", proven.saturating_sub(1)));
    } else {
        line("proven", "nothing".into());
    }
    if let Some(last) = last {
        let at = i64::try_from(last.timestamp).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        let at = at.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string());
        line("last", format!("checkpoint of {} records, {at} ({})", last.size, escape::line(&last.occasion)));
        let newer = end.saturating_sub(last.size).saturating_sub(1);
        if newer > 0 {
            line("newer", format!("{newer} records that the next checkpoint will cover"));
        }
    }
    for PutBack { origin, size } in restored {
        let last = size.saturating_sub(1);
        line("put back", format!("0 to {last} from a backup: until there it was {}", escape::line(origin)));
    }
    if let Some(Witnessed { size, time, witnesses }) = witnessed {
        let at = i64::try_from(*time).ok().and_then(|at| Timestamp::from_second(at).ok());
        let at = at.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string());
        let names = escape::line(&witnesses.join(", ")).into_owned();
        line("witnessed", format!("0 to {}, {at}, by {names}", size.saturating_sub(1)));
    }
    for Found { from, to } in found {
        let last = to.saturating_sub(1);
        line("found", format!("{from} to {last} after a process that did not end in order: it did not sign for them"));
    }
    if let Some(on_disk) = on_disk.filter(|on_disk| on_disk > end) {
        line("on disk", format!("{} newer records, not received yet", on_disk.saturating_sub(*end)));
    }
    let mut text = format!("{name}\n{}\n", lines.join("\n"));
    if faults.is_empty() {
        text.push_str(&format!("  {} nothing is missing or altered\n", output.paint(32, "✓")));
    }
    for fault in faults {
        text.push_str(&format!("  {} {}\n", output.paint(31, "✗"), escape::line(&fault.to_string())));
    }
    text
}
