//! `poort signals diff`: what a change of the settings of signals changes, in words.

use super::{Common, Exit, Output};
use crate::{
    commands::{git::Commit, side::Unusable},
    oversight::signals::{FOLDER, SETTINGS_FILE, SettingsFiles, changes},
    sources::policy,
    types::problem::SourceFile,
};
use clap::Args;
use std::{path::Path, sync::Arc};

pub(super) const EXAMPLES: &str = "Examples:
  poort signals diff git:main              the settings of the policy folder, beside those of the branch `main`
  poort signals diff before policies       two policy folders

It is made to be shown to those who decide about signals, such as the works council: each number with its meaning, before and
after, and each reason and rule that is new, gone or changed. Exits with 0 if nothing differs, with 5 if anything does.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// The settings before: a policy folder, or git:REVISION
    #[arg(value_name = "BASE")]
    base: String,
    /// The settings after [default: --policies]
    #[arg(value_name = "HEAD")]
    head: Option<String>,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { base, head, common } = arguments;
    let (settings, _) = common.settings(Default::default(), output)?;
    let policies = settings.store.policies.as_path();
    let mut read = |side: &str| {
        read(side, policies).map_err(|unusable| match unusable {
            Unusable::NotValid(problems) => {
                output.problems(&problems);
                Exit::NotValid
            }
            Unusable::Misnamed(message) => {
                output.error(&message);
                Exit::Usage
            }
        })
    };
    let before = read(base)?;
    let after = match head {
        Some(head) => read(head)?,
        None => read(&policies.display().to_string())?,
    };
    let changes = changes(&before, &after).map_err(|message| {
        output.error(&message);
        Exit::NotValid
    })?;
    if changes.is_empty() {
        output.conclude("nothing differs in what is signalled\n")?;
        return Ok(Exit::Done);
    }
    output
        .conclude(&changes.iter().map(|change| format!("- {}\n", change.replace('\n', "\n  "))).collect::<String>())?;
    Ok(Exit::Differences)
}

fn read(side: &str, policies: &Path) -> Result<SettingsFiles, Unusable> {
    let Some(revision) = side.strip_prefix("git:") else {
        return SettingsFiles::read(Path::new(side)).map_err(Unusable::NotValid);
    };
    let misnamed = Unusable::Misnamed;
    let commit = Commit::of(revision).map_err(misnamed)?;
    let folder = format!("{}/{FOLDER}", commit.inside(policies).map_err(misnamed)?);
    let is_read = |name: &str| !name.starts_with('.') && (name.ends_with(".cedar") || name == SETTINGS_FILE);
    let files = commit.files(&folder, &is_read).map_err(misnamed)?.unwrap_or_default();
    let settings = files.iter().find(|(name, _)| name == SETTINGS_FILE);
    let (_, text) = settings.ok_or_else(|| misnamed(format!("`{side}` has no {FOLDER}/{SETTINGS_FILE}")))?;
    let file =
        SourceFile { name: Arc::from(format!("{side}:{folder}/{SETTINGS_FILE}")), text: Arc::from(text.as_str()) };
    let reasons = files.iter().filter(|(name, _)| name != SETTINGS_FILE);
    let reasons = policy::Sources::from_texts(&folder, reasons.map(|(name, text)| (name.as_str(), text.as_str())));
    SettingsFiles::of(&file, reasons).map_err(Unusable::NotValid)
}
