//! Reads the sides of a comparison: a folder, a folder in a git revision, or revisions in the archive of a server.

use super::git::Commit;
use crate::{
    config::Settings,
    review::{diff::Side, proof::Guarantees, suite},
    sources::{
        directory,
        policy::{self, SCHEMA_FILE},
        snapshot::{Snapshot, Sources},
        store::Archive,
    },
    types::{
        problem::{Problem, SourceFile, has_errors},
        revision::Revision,
    },
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Default places for sides that name none.
pub(super) struct Places {
    /// The policy folder, whose place in the repository a revision without path is read at.
    policies: PathBuf,
    /// The directory for both sides; `None`: each has its own.
    directory: Option<PathBuf>,
    /// What a server kept of revisions that were active.
    archive: Archive,
}

/// The fewest digits of a revision that name it.
const FEWEST: usize = 8;

/// Why a side cannot be used.
pub(super) enum Unusable {
    /// Its files have mistakes.
    NotValid(Vec<Problem>),
    /// Its name is wrong.
    Misnamed(String),
}

/// A side that was read and checked.
struct Read {
    sources: Sources,
    /// The files of its guarantees.
    guarantees: Option<policy::Sources>,
}

impl Places {
    /// From the configuration. A flag takes effect also if it names the default.
    pub(super) fn of(settings: &Settings, flag: Option<&Path>) -> Self {
        let policies = settings.store.policies.clone();
        let configured = &settings.store.directory;
        let is_own = *configured == policies.join("directory");
        let directory = flag.map(Path::to_owned).or_else(|| (!is_own).then(|| configured.clone()));
        let archive = Archive::new(settings.store.archive.clone(), settings.store.archive_max);
        Self { policies, directory, archive }
    }

    /// Reads a side and checks it.
    pub(super) fn read(&self, named: &str) -> Result<Side, Unusable> {
        let read = match named.split_once(':') {
            Some(("git", revision)) => self.revision(revision),
            Some(("archive", revisions)) => self.archived(revisions),
            _ => self.folder(Path::new(named)).map_err(Unusable::NotValid),
        };
        let read = read.map_err(|unusable| match unusable {
            Unusable::Misnamed(message) => Unusable::Misnamed(format!("{named}: {message}")),
            other => other,
        })?;
        let Read { sources, guarantees } = read;
        let (snapshot, mut problems) = Snapshot::from_sources(&sources);
        let guarantees = match (&snapshot, guarantees) {
            (Some(_), Some(guarantees)) => Guarantees::of(&guarantees, &sources.policies).unwrap_or_else(|wrong| {
                problems.extend(wrong);
                Guarantees::default()
            }),
            _ => Guarantees::default(),
        };
        match snapshot {
            Some(snapshot) if !has_errors(&problems) => {
                Ok(Side { name: named.to_owned(), sources, snapshot, guarantees })
            }
            _ => Err(Unusable::NotValid(problems.into_iter().filter(Problem::is_error).collect())),
        }
    }

    /// The actions that the suites of a side ask about; `None` if a suite cannot be read. An archive has no suites.
    pub(super) fn tested(&self, named: &str) -> Option<BTreeSet<String>> {
        if named.starts_with("archive:") {
            return None;
        }
        let mut problems = Vec::new();
        let suites = match named.strip_prefix("git:") {
            Some(revision) => {
                let (revision, folder) = revision.split_once(':').map_or((revision, None), |(it, of)| (it, Some(of)));
                let commit = Commit::of(revision).ok()?;
                let folder = folder.map_or_else(|| commit.inside(&self.policies), |it| Ok(it.to_owned())).ok()?;
                let folder = [folder.trim_matches('/'), suite::FOLDER].join("/");
                let is_suite = |name: &str| {
                    !name.starts_with('.') && [".yaml", ".yml", ".json"].iter().any(|it| name.ends_with(it))
                };
                let files = commit.files(folder.trim_start_matches('/'), &is_suite).ok()?.unwrap_or_default();
                let files = files.into_iter().map(|(name, text)| SourceFile { name: name.into(), text: text.into() });
                files.filter_map(|file| suite::read_file(&file, &mut problems)).collect()
            }
            None if !Path::new(named).join(suite::FOLDER).exists() => Vec::new(),
            None => {
                let (suites, found) = suite::load(Path::new(named));
                problems.extend(found.into_iter().filter(|problem| problem.kind() != "suite::none"));
                suites
            }
        };
        let cases = suites.iter().flat_map(|suite| &suite.cases);
        let actions = cases.filter_map(|case| match &case.question {
            suite::Question::Wire { evaluation, .. } => Some(evaluation.action.name.clone()),
            suite::Question::Cedar(_) => None,
        });
        (!has_errors(&problems)).then(|| actions.collect())
    }

    fn folder(&self, folder: &Path) -> Result<Read, Vec<Problem>> {
        let policies = policy::Sources::read(folder).map_err(|problems| match meant_revision(folder) {
            Some(revision) => problems.into_iter().map(|it| it.help(format!("did you mean {revision}?"))).collect(),
            None => problems,
        })?;
        let own = folder.join("directory");
        let directory = match &self.directory {
            Some(directory) => directory::Sources::read(directory)?,
            None if own.exists() => directory::Sources::read(&own)?,
            None => directory::Sources::from_texts(&own.display().to_string(), []),
        };
        let directory = directory.with(folder, directory::PROFILES)?;
        let guarantees = folder.join(Guarantees::FOLDER);
        let guarantees = if guarantees.exists() { Some(policy::Sources::read(&guarantees)?) } else { None };
        Ok(Read { sources: Sources { policies, directory }, guarantees })
    }

    /// `POLICIES` or `POLICIES,DIRECTORY`: revisions as records name them, or the first of their digits. Without a directory it
    /// is that of now.
    fn archived(&self, named: &str) -> Result<Read, Unusable> {
        let misnamed = Unusable::Misnamed;
        let (policies, directory) = named.split_once(',').map_or((named, None), |(one, other)| (one, Some(other)));
        let policies = self.revision_in_archive(policies).map_err(misnamed)?;
        let policies = self.archive.policies(&policies).map_err(|error| misnamed(error.to_string()))?;
        let directory = match directory {
            Some(directory) => {
                let directory = self.revision_in_archive(directory).map_err(misnamed)?;
                self.archive.directory(&directory).map_err(|error| misnamed(error.to_string()))?
            }
            None => {
                let own = self.policies.join("directory");
                let directory = directory::Sources::read(self.directory.as_ref().unwrap_or(&own));
                let with = |it: directory::Sources| it.with(&self.policies, directory::PROFILES);
                directory.and_then(with).map_err(Unusable::NotValid)?
            }
        };
        Ok(Read { sources: Sources { policies, directory }, guarantees: None })
    }

    fn revision_in_archive(&self, named: &str) -> Result<Revision, String> {
        let digits = named.strip_prefix("sha256:").unwrap_or(named);
        if digits.len() < FEWEST {
            return Err(format!(
                "`{named}` is no revision; write {FEWEST} of its digits or more, as records have them"
            ));
        }
        let kept = self.archive.list().map_err(|error| format!("the archive cannot be read: {error}"))?;
        let mut fit = kept.into_iter().filter(|revision| revision.digits().starts_with(digits));
        match (fit.next(), fit.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(format!("the archive has no revision `{named}`")),
            (Some(_), Some(_)) => {
                Err(format!("several revisions of the archive begin with `{named}`; write more digits"))
            }
        }
    }

    /// `REVISION` or `REVISION:path/to/policies`.
    fn revision(&self, named: &str) -> Result<Read, Unusable> {
        let misnamed = Unusable::Misnamed;
        let (revision, folder) = match named.split_once(':') {
            Some((revision, folder)) => (revision, Some(folder.trim_matches('/').to_owned())),
            None => (named, None),
        };
        let commit = Commit::of(revision).map_err(misnamed)?;
        let folder = folder.map_or_else(|| commit.inside(&self.policies), Ok).map_err(misnamed)?;
        let is_policy = |name: &str| {
            !name.starts_with('.') && (name.ends_with(".cedar") || name.ends_with(".links.json") || name == SCHEMA_FILE)
        };
        let below = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let files = commit.files(&folder, &is_policy).map_err(misnamed)?;
        let is_there = files.is_some();
        let files = files.unwrap_or_default();
        if files.is_empty() {
            let shown = if folder.is_empty() { "its root".to_owned() } else { format!("the folder `{folder}`") };
            let why = if is_there { "" } else { ": it has no such folder" };
            return Err(misnamed(format!("`{revision}` has no policies in {shown}{why}")));
        }
        let policies = policy_sources(if folder.is_empty() { "." } else { &folder }, &files);
        let is_data = |name: &str| !name.starts_with('.') && name.ends_with(".json");
        let entities = |folder| commit.files(&below(folder), &is_data).map(Option::unwrap_or_default).map_err(misnamed);
        let directory = match &self.directory {
            Some(directory) => directory::Sources::read(directory).map_err(Unusable::NotValid)?,
            None => directory::Sources::from_texts(&below("directory"), texts(&entities("directory")?)),
        };
        let profiles = entities(directory::PROFILES)?;
        let directory = directory.with_texts(&folder, directory::PROFILES, texts(&profiles));
        let own = below(Guarantees::FOLDER);
        let guarantees = commit.files(&own, &is_policy).map_err(misnamed)?;
        let guarantees = guarantees.map(|files| policy_sources(&own, &files));
        Ok(Read { sources: Sources { policies, directory }, guarantees })
    }
}

/// The git revision that was probably meant by the name of a missing folder.
fn meant_revision(folder: &Path) -> Option<String> {
    let named = folder.to_str().filter(|_| !folder.exists())?;
    Commit::of(named).ok().map(|_| format!("git:{named}"))
}

fn texts(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}

fn policy_sources(folder: &str, files: &[(String, String)]) -> policy::Sources {
    policy::Sources::from_texts(folder, texts(files))
}
