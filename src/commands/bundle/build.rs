//! `poort bundle build`: makes a bundle of a policy folder.

use super::{Exit, Output, open, refused, write};
use crate::{
    commands::run_here,
    sources::bundle::{Bundle, Manifest, Rollback, archive::Members},
    types::problem::open_regular,
};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use std::{
    ffi::OsString,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

pub(super) const EXAMPLES: &str = "Examples:
  poort bundle build policies -o politie-nl-1.tar --store politie-nl --first
  poort bundle build policies -o politie-nl-43.tar --previous politie-nl-42.tar
  poort bundle build policies -o politie-nl-43.tar --previous politie-nl-42.tar --days 30
  poort bundle build old-policies -o politie-nl-44.tar --previous politie-nl-43.tar \\
      --rollback-to 42 --reason 'version 43 kept a unit from its work'
                             old content is a new version; those who may sign a bundle and a rollback sign it

It runs `poort validate` and `poort test` on the folder, and `poort diff` against the version before (which needs the solver
cvc5); the report of the last is in the bundle, and signers see it. It leaves hidden files out. The same folder, version before
and --created give the same bytes on every machine.

Exits as `validate` and `test` do where the folder is not good.";

#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    /// The policy folder
    #[arg(value_name = "DIR", default_value = "policies")]
    folder: PathBuf,
    /// The file of the bundle
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The store that it is for; the same as that of the version before
    #[arg(long, value_name = "NAME", required_unless_present = "previous", conflicts_with = "previous")]
    store: Option<String>,
    /// It is the first version of its store
    #[arg(long, required_unless_present = "previous", conflicts_with = "previous")]
    first: bool,
    /// The version before it
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// Its time is over after so many days
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
    /// Its time begins then, and not at once
    #[arg(long, value_name = "TIME")]
    not_before: Option<Timestamp>,
    /// When it is built [default: now]
    #[arg(long, value_name = "TIME")]
    created: Option<Timestamp>,
    /// It brings back the files of this version
    #[arg(long, value_name = "VERSION", requires = "reason", requires = "previous")]
    rollback_to: Option<u64>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", requires = "rollback_to")]
    reason: Option<String>,
    /// Do not compare with the version before: signers see no report
    #[arg(long, requires = "previous")]
    no_diff: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { folder, output: file, days, not_before, .. } = arguments;
    for check in ["validate", "test"] {
        // What it found is told.
        let exit = run_here(words(&["poort", check, "--policies"], &[folder]));
        if exit != Exit::Done {
            return Err(exit);
        }
    }
    let files = read(folder).map_err(|error| failed(folder, &error, output))?;
    let previous = arguments.previous.as_deref().map(|previous| open(previous, output)).transpose()?;
    let review = match &previous {
        Some(previous) if !arguments.no_diff => Some(diff(previous, folder, output)?),
        _ => None,
    };
    let now = Timestamp::now();
    let created = arguments.created.unwrap_or_else(|| Timestamp::from_second(now.as_second()).unwrap_or(now));
    let begin = not_before.unwrap_or(created);
    let expires = begin.checked_add(SignedDuration::from_hours(24 * i64::from(*days))).unwrap_or(begin);
    let (store, version) = match &previous {
        Some(previous) => (previous.manifest().store.as_str(), previous.manifest().version.saturating_add(1)),
        None => (arguments.store.as_deref().unwrap_or_default(), 1),
    };
    let rollback = arguments.rollback_to.zip(arguments.reason.clone()).map(|(to, reason)| Rollback { reason, to });
    let manifest = Manifest {
        not_before: *not_before,
        previous: previous.as_ref().map(|previous| previous.digest().to_string()),
        rollback,
        ..Manifest::new(store, version, created, expires, &files)
    };
    let review = previous.as_ref().map(|previous| previous.manifest().version).zip(review);
    let bundle = Bundle::new(manifest, files, review).map_err(|refusal| refused(folder, &refusal, output))?;
    let bytes = bundle.write().map_err(|refusal| refused(folder, &refusal, output))?;
    write(file, &bytes, output)?;
    output.conclude(&format!(
        "{}: version {version} of `{store}`, {} files, until {expires}\ndigest     {}\n",
        file.display(),
        bundle.files().len(),
        bundle.digest()
    ))?;
    Ok(Exit::Done)
}

/// What `poort diff` says of the version before and this folder.
fn diff(previous: &Bundle, folder: &Path, output: &mut Output) -> Result<String, Exit> {
    let scratch = tempfile::tempdir().map_err(|error| failed(folder, &error, output))?;
    let (before, report) = (scratch.path().join("before"), scratch.path().join("diff.md"));
    let written = previous.files().iter().try_for_each(|(path, text)| {
        let path = before.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&before))?;
        fs::write(path, text)
    });
    written.map_err(|error| failed(folder, &error, output))?;
    let mut arguments = words(&["poort", "diff"], &[&before, folder]);
    arguments.extend(words(&["--report", &format!("markdown={}", report.display())], &[]));
    // Whether differences are accepted is for those who sign.
    match run_here(arguments) {
        Exit::Done | Exit::Differences => {}
        exit => return Err(exit),
    }
    fs::read_to_string(&report).map_err(|error| failed(&report, &error, output))
}

fn words(first: &[&str], paths: &[&Path]) -> Vec<OsString> {
    first.iter().map(OsString::from).chain(paths.iter().map(|path| path.as_os_str().to_owned())).collect()
}

fn failed(path: &Path, error: &io::Error, output: &mut Output) -> Exit {
    output.error(&format!("{}: {error}", path.display()));
    Exit::Failed
}

/// The files of a policy folder by their paths in it, but for hidden ones.
fn read(folder: &Path) -> io::Result<Members> {
    let mut files = Members::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let bad = |what: &str| io::Error::other(format!("{}: {what}", entry.path().display()));
            let name = entry.file_name().into_string().map_err(|_| bad("has a name that is not UTF-8"))?;
            let path = format!("{prefix}{name}");
            match entry.file_type()? {
                _ if name.starts_with('.') => {}
                kind if kind.is_dir() => folders.push((entry.path(), format!("{path}/"))),
                kind if kind.is_file() => {
                    let mut text = String::new();
                    open_regular(&entry.path())?
                        .0
                        .read_to_string(&mut text)
                        .map_err(|error| bad(&error.to_string()))?;
                    files.insert(path, text);
                }
                _ => return Err(bad("is a link or a device; a bundle holds plain files alone")),
            }
        }
    }
    Ok(files)
}
