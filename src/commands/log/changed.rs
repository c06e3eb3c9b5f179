//! Changes keys of the log on purpose: the files, and the record of the change.

use super::{Exit, Output};
use crate::{
    config::Settings,
    record::{
        decision_log::{self, DecisionLog, KeyChange, Producer},
        evidence::{Key, KeyError},
        owner,
        spool::{self, AppendError},
    },
    types::{build::Build, revision::Revision},
};
use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
};

pub(super) use crate::record::decision_log::KeyChange as Change;

/// Changes the keys and returns the public key that signs from now on. `origin` is the name of the log.
pub(super) fn run(settings: &Settings, origin: &str, change: Change, output: &mut Output) -> Result<String, Exit> {
    let failed = |output: &mut Output, error: &dyn Error| {
        output.failure(error);
        Exit::Failed
    };
    let log = &settings.log;
    refuse_taken(log, output)?;
    let path = log.key_path();
    let old = match Key::read(&path) {
        Ok(key) => Some(key),
        Err(KeyError::File(error)) if error.is_missing() => None,
        Err(error) => return Err(failed(output, &error)),
    };
    let before = decision_log::last_signer(&log.records(), origin, old.as_ref());
    let signed_last = before.map_err(|error| failed(output, &error))?;
    let mut before = old.as_ref().filter(|_| signed_last).map(|key| key.public(origin));
    if change.signing && (old.is_none() || signed_last) {
        if log.key.is_some() {
            output.error(&format!(
                "put the new key in `{}`, as the configuration names it, and say this again: `openssl genpkey -algorithm ed25519` \
                 makes one",
                path.display()
            ));
            return Err(Exit::Failed);
        }
        let next = beside(&path, "next");
        let _absent = fs::remove_file(&next);
        let new = Key::read_or_make(&next).map_err(|error| failed(output, &error))?;
        if let (Some(old), Some(old_public)) = (&old, before.as_deref()) {
            // Signed with the old key first, so that a holder of its public key can trust the new one.
            let pseudonyms = Change { signing: false, ..change };
            write(settings, pseudonyms, Some(old_public), &new.public(origin))
                .map_err(|error| failed(output, &*error))?;
            let kept = beside(&path, &format!("before-{}", id(&old.public(origin))));
            rename(&path, &kept).map_err(|error| failed(output, &error))?;
            output.tell(&format!("The key that signed until now is kept as `{}`.", kept.display()));
        }
        rename(&next, &path).map_err(|error| failed(output, &error))?;
    } else if !change.signing && old.is_none() {
        return Err(failed(output, &decision_log::OpenError::KeyGone { path }));
    }
    let key = Key::read(&path).map_err(|error| failed(output, &error))?;
    let public = key.public(origin);
    before = before.filter(|before| *before != public);
    write(settings, change, before.as_deref(), &public).map_err(|error| failed(output, &*error))?;
    Ok(public)
}

/// Stops where a server has the log open, or where it is another user's.
pub(super) fn refuse_taken(log: &decision_log::Config, output: &mut Output) -> Result<(), Exit> {
    if spool::is_taken(&log.records()).unwrap_or(true) {
        output.error(&format!("a server has the log in `{}` open; stop it first", log.records().display()));
        return Err(Exit::Failed);
    }
    refuse_other_user(log, output)
}

/// Stops where the log is another user's.
pub(super) fn refuse_other_user(log: &decision_log::Config, output: &mut Output) -> Result<(), Exit> {
    owner::refuse_other(&log.records()).map_err(|error| {
        output.error(&error.to_string());
        Exit::Failed
    })
}

fn write(settings: &Settings, change: KeyChange, before: Option<&str>, public: &str) -> Result<(), Box<dyn Error>> {
    with_log(settings, change, |log| log.record_keys(before, public).map(|_| ()))
}

/// Opens the log, writes a record, and closes it in order.
pub(super) fn with_log(
    settings: &Settings,
    change: KeyChange,
    write: impl FnOnce(&DecisionLog) -> Result<(), AppendError>,
) -> Result<(), Box<dyn Error>> {
    let configuration = Revision::of_texts(&settings.store.configuration);
    let producer = Producer::of_build(&Build::this(), &configuration, &settings.instance, &settings.log.producer);
    let meter = opentelemetry::global::meter("poort");
    let (log, _) = DecisionLog::open_changed(&settings.log, &settings.instance, producer, &meter, change)?;
    let written = write(&log);
    log.close();
    written?;
    Ok(())
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{what}"));
    path.with_file_name(name)
}

/// The id of a public key, which is the middle of its three parts.
fn id(public: &str) -> &str {
    public.split('+').nth(1).unwrap_or_default()
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}
