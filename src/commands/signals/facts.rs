//! The flags of commands that look for signals in a log, and the walk through its records.

use super::{
    Common, Exit, Output,
    log::{Found, Received, Select, Strays, doubt},
};
use crate::{
    config::Settings,
    oversight::{
        replay::{Local, Worlds},
        signals::{Reader, SettingsFiles},
    },
    record::decision_log::StoredRecord,
    sources::store::Archive,
};
use clap::Args;
use std::{error::Error, path::PathBuf};

/// Which log is read, and under which settings.
#[derive(Debug, Args)]
pub(super) struct Facts {
    #[command(flatten)]
    received: Received,
    /// Take revisions from this folder, a copy of `revisions` in a data folder [default: the one in the data folder]
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
    /// Take the settings from the folder `signals` of this policy folder [default: --policies]
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    #[command(flatten)]
    select: Select,
    #[command(flatten)]
    common: Common,
}

/// What was read before the walk.
pub(super) struct Walk<'f> {
    facts: &'f Facts,
    pub(super) settings: Settings,
    pub(super) files: SettingsFiles,
    pub(super) reader: Reader,
}

impl Facts {
    /// Reads settings and revisions. What is wrong with them is told.
    pub(super) fn open(&self, output: &mut Output) -> Result<Walk<'_>, Exit> {
        let Self { archive, against, common, .. } = self;
        let (settings, _) = common.settings(Default::default(), output)?;
        let files = SettingsFiles::read(against.as_ref().unwrap_or(&settings.store.policies)).map_err(|problems| {
            output.problems(&problems);
            Exit::NotValid
        })?;
        let archive = archive.as_ref().unwrap_or(&settings.store.archive).clone();
        let archive = Archive::new(archive, settings.store.archive_max);
        let local = Local::read(&settings.store.policies, &settings.store.directory);
        let reader = Reader::new(Worlds::new(archive, local), &files);
        Ok(Walk { facts: self, settings, files, reader })
    }
}

impl Walk<'_> {
    /// Gives each decision record, in the order of the log. Tells what could not be read or judged.
    pub(super) fn each(
        &mut self,
        output: &mut Output,
        mut take: impl FnMut(&mut Reader, &StoredRecord<'_>) -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Exit> {
        let Facts { received, select, .. } = self.facts;
        let selection = select.selection(&self.settings, false, output)?;
        let mut records = received.records(&self.settings, select, &selection, output)?;
        let bar = output.progress("records");
        let first = records.first();
        let mut strays = Strays::default();
        let mut read = || -> Result<(), Box<dyn Error>> {
            if let Some(length) = records.length()? {
                bar.set_length(length);
            }
            while let Some(found) = records.next()? {
                match found {
                    Found::Stray(line) => strays.add(line),
                    Found::Record(seq, record) => {
                        bar.set_position(seq.saturating_sub(first));
                        let in_record = |error: Box<dyn Error>| format!("record {seq}: {error}");
                        if let Some(recorded) = StoredRecord::read(&record)? {
                            take(&mut self.reader, &recorded).map_err(in_record)?;
                        }
                    }
                }
            }
            Ok(())
        };
        let read = read();
        bar.finish_and_clear();
        if let Err(error) = read.and_then(|()| strays.message().map_or(Ok(()), |message| Err(message.into()))) {
            output.failure(&*error);
            return Err(Exit::Failed);
        }
        for (why, count) in self.reader.unjudged() {
            output.tell(&format!("{count} decisions could not be judged: {why}"));
        }
        doubt(&selection, output)
    }
}
