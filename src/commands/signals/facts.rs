//! The flags of commands that look for signals in a log, and the walk through its records.

use super::{
    Common, Exit, Output,
    log::{Found, Received, Select, Strays, doubt},
};
use crate::{
    config::Settings,
    oversight::{
        replay::{Local, Worlds},
        signals::{LastRead, Reader, SettingsFiles},
    },
    record::decision_log::{StoredRecord, Unreadable},
    sources::store::Archive,
    types::escape,
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
    /// What of the log could not be read.
    failed: Option<String>,
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
        Ok(Walk { facts: self, settings, files, reader, failed: None })
    }
}

impl Walk<'_> {
    /// Gives each decision record, in the order of the log. Tells what could not be read or judged.
    pub(super) fn each(
        &mut self,
        output: &mut Output,
        mut take: impl FnMut(&mut Reader, &StoredRecord<'_>) -> Result<(), Unreadable>,
    ) -> Result<(), Exit> {
        let Facts { received, select, .. } = self.facts;
        let selection = select.selection(&self.settings, false, output)?;
        if let [flag, ..] = select.narrowing().as_slice() {
            output.error(&format!(
                "{flag}: a part of the records says nothing about what is usual; only --since and --until can be given"
            ));
            return Err(Exit::Usage);
        }
        let mut records = received.records(&self.settings, select.segments(), &selection, output)?;
        let bar = output.progress("records");
        let first = records.first();
        let (mut strays, mut unreadable) = (Strays::default(), None::<(u64, String)>);
        let (mut last_read, mut repeated) = (LastRead::default(), 0_u64);
        let mut read = || -> Result<(), Box<dyn Error>> {
            if let Some(length) = records.length()? {
                bar.set_length(length);
            }
            while let Some(found) = records.next()? {
                match found {
                    Found::Stray(line) => strays.add(line),
                    Found::Record(seq, record) => {
                        bar.set_position(seq.saturating_sub(first));
                        let taken = StoredRecord::read(&record).and_then(|recorded| match recorded {
                            Some(recorded) if last_read.is_new(&recorded) => take(&mut self.reader, &recorded),
                            Some(_) => {
                                repeated += 1;
                                Ok(())
                            }
                            None => Ok(()),
                        });
                        // One record that cannot be read must not hide what the others show.
                        if let Err(error) = taken {
                            unreadable.get_or_insert_with(|| (0, format!("record {seq}: {error}"))).0 += 1;
                        }
                    }
                }
            }
            Ok(())
        };
        let read = read();
        bar.finish_and_clear();
        if let Err(error) = read {
            output.failure(&*error);
            return Err(Exit::Failed);
        }
        if repeated > 0 {
            output.tell(&format!(
                "{repeated} records are left out: each comes a second time, or after a later one of its log"
            ));
        }
        for (why, count) in self.reader.unjudged() {
            output.tell(&format!("{count} decisions could not be judged: {}", escape::line(why)));
        }
        doubt(&selection, output)?;
        let message = unreadable.map(|(count, first)| format!("{count} records cannot be read; {first}"));
        self.failed = strays.message().or(message);
        Ok(())
    }

    /// How the command ends: with a failure if a part of the log could not be read.
    pub(super) fn ended(&self, output: &mut Output) -> Exit {
        match &self.failed {
            None => Exit::Done,
            Some(message) => {
                output.error(message);
                Exit::Failed
            }
        }
    }
}
