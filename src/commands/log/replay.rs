//! `poort log replay`: decides recorded questions again and reports which answers differ.

use super::{
    Common, Exit, Output,
    replayed::{Form, Tally},
    select::{self, Select},
    source::{Found, Received, Records, Strays},
};
use crate::{
    commands::side::{Places, Unusable},
    config::Settings,
    oversight::replay::{Local, Reason, Replay, ReplayOutcome, Worlds},
    pdp::{Deciding, engine},
    record::decision_log::{StoredRecord, Unreadable},
    sources::store::Archive,
    types::revision::Revision,
};
use clap::Args;
use std::{
    error::Error,
    io::{self, BufWriter, Write as _},
    path::PathBuf,
    sync::Arc,
};

pub(super) const EXAMPLES: &str = "Examples:
  poort log replay                                     every decision again, as it was made
  poort log replay --since 2026-11-01 --subject officer-0007
  poort log replay --against policies --since \"7 days ago\"    what these policies would have changed
  poort log replay --against git:my-branch --format csv > changes.csv
  poort log replay --received stored.jsonl.zst --archive copy/revisions
                                                       what a pipeline stored, without the data folder

Each question is decided at its recorded moment, under the revisions that its record names: from data/revisions, where the
server keeps what was active, or from --policies and --directory where their digest is the recorded one. Then the answer is
the same, byte for byte, or poort says in what it differs. With --against DIR, git:REVISION or git:REVISION:PATH it is decided
under that one; the directory is the one of --directory, or else lies in that folder.

A record that cannot be decided again is counted, with the reason. Exits with 0 if nothing differs, with 5 if anything does or
cannot be decided again (but for questions that got no answer in time), with 1 if the log cannot be read.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// Decide under these policies: a folder, git:REVISION, or git:REVISION:PATH
    #[arg(long, value_name = "REVISION")]
    against: Option<String>,
    #[command(flatten)]
    received: Received,
    /// Take revisions from this folder, a copy of `revisions` in a data folder [default: the one in the data folder]
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
    #[command(flatten)]
    select: Select,
    /// No more than this many records
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// The form of the result
    #[arg(long, value_enum, default_value = "human", value_name = "FORM")]
    format: Form,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { against, received, archive, select, limit, format, common } = arguments;
    let (settings, _) = common.settings(Default::default(), output)?;
    let selection = select.selection(&settings, false, output)?;
    let meaning = |digest: &Revision, application: Option<&str>| meaning(&settings, digest, application);
    let local = Local::read(&settings.store.policies, &settings.store.directory);
    let archive = archive.as_ref().unwrap_or(&settings.store.archive).clone();
    let archive = Archive::new(archive, settings.store.archive_max);
    let mut replay = Replay::recorded(Worlds::new(archive, local), &meaning);
    if let Some(named) = against {
        let places = Places::of(&settings, common.directory.as_deref());
        let side = places.read(named).map_err(|unusable| refused(named, unusable, output))?;
        replay = replay.against(Arc::new(side.snapshot));
    }
    let records = received.records(&settings, select.segments(), &selection, output)?;
    let mut tally = Tally::new(*format, settings.time_zone.clone(), output.result_is_coloured());
    let strays = match go(&mut replay, records, &mut tally, limit.unwrap_or(u64::MAX), output) {
        Ok(strays) => strays,
        Err(Broken::Log(error)) => {
            output.failure(&*error);
            return Err(Exit::Failed);
        }
        Err(Broken::Output(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
            output.error(&format!("standard output cannot be written: {error}"));
            return Err(Exit::Failed);
        }
        // The reader is gone, so success cannot be reported.
        Err(Broken::Output(_)) => return Err(Exit::Failed),
    };
    if let Some(message) = strays.message() {
        output.error(&message);
        return Err(Exit::Failed);
    }
    select::doubt(&selection, output)?;
    Ok(if tally.is_clean() { Exit::Done } else { Exit::Differences })
}

fn refused(named: &str, unusable: Unusable, output: &mut Output) -> Exit {
    match unusable {
        Unusable::Misnamed(message) => {
            output.error(&message);
            Exit::Usage
        }
        Unusable::NotValid(problems) => {
            output.problems(&problems);
            output.error(&format!("{named} is not valid, so nothing can be decided under it"));
            Exit::NotValid
        }
    }
}

enum Broken {
    Log(Box<dyn Error>),
    Output(io::Error),
}

impl From<Box<dyn Error>> for Broken {
    fn from(error: Box<dyn Error>) -> Self {
        Self::Log(error)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

fn go(
    replay: &mut Replay<'_>,
    mut records: Records<'_>,
    tally: &mut Tally,
    limit: u64,
    output: &mut Output,
) -> Result<Strays, Broken> {
    let bar = output.progress("records");
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let first = records.first();
    if let Some(length) = records.length()? {
        bar.set_length(length);
    }
    let (mut taken, mut strays) = (0, Strays::default());
    while taken < limit
        && let Some(found) = records.next()?
    {
        let (seq, record) = match found {
            Found::Record(seq, record) => (seq, record),
            Found::Stray(line) => {
                strays.add(line);
                continue;
            }
        };
        bar.set_position(seq.saturating_sub(first));
        let recorded = match StoredRecord::read(&record) {
            Ok(Some(recorded)) => recorded,
            // Not the record of a decision.
            Ok(None) => continue,
            Err(Unreadable(message)) => {
                taken += 1;
                tally.unreadable(seq, &Reason::Unreadable(message), &mut out)?;
                continue;
            }
        };
        taken += 1;
        match replay.decide(&recorded) {
            ReplayOutcome::Same => tally.same(),
            found if bar.is_hidden() => tally.found(&recorded, found, &mut out)?,
            // The bar and the findings may share a terminal.
            found => bar.suspend(|| tally.found(&recorded, found, &mut out).and_then(|()| out.flush()))?,
        }
    }
    bar.finish_and_clear();
    tally.conclude(&mut out)?;
    out.flush()?;
    Ok(strays)
}

/// The engine's configuration that has this digest under this time zone: of records that are older than the archive of
/// configurations.
pub(in crate::commands) fn meaning(
    settings: &Settings,
    digest: &Revision,
    application: Option<&str>,
) -> Option<engine::Config> {
    let deciding = |config| Deciding::new(application, &settings.time_zone, config);
    engine::Config::all().find(|config| deciding(*config).revision() == *digest)
}
