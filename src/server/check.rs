//! `poort serve --check`: looks for what would keep a start from succeeding, and changes nothing.
//!
//! It is for the moment before a restart, so an address that is in use is no fault: the poort that is to be replaced uses it.
//! The records themselves are not read; `poort log verify` does that.

use super::{StartError, log, ports::CannotListen};
use crate::{
    api::transport::Bound,
    config::Settings,
    record::{decision_log, shipping::Shipping},
    sources::{
        bundle::Bundle,
        policy::Policies,
        snapshot::{Snapshot, Sources},
    },
    telemetry::Telemetry,
    types::problem::Problem,
};
use rustix::fs::{Access, access};
use std::{
    io,
    path::{Path, PathBuf},
};

/// What was found beside faults.
#[derive(Debug, Default)]
pub struct Checked {
    /// Warnings about policies and directory.
    pub warnings: Vec<Problem>,
    /// Addresses that are in use now.
    pub in_use: Vec<String>,
}

/// The data folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the data folder cannot be used: `{}`: {error}", path.display())]
struct DataFolder {
    path: PathBuf,
    error: io::Error,
}

/// Checks everything that a start needs. Must be called within a runtime. Blocks on files.
///
/// # Errors
/// Why a start would fail, as the start itself says it.
pub fn check(settings: &Settings) -> Result<Checked, StartError> {
    if let Some(tls) = &settings.tls {
        tls.read().map_err(StartError::configuration)?;
    }
    Telemetry::check(&settings.telemetry).map_err(StartError::configuration)?;
    Shipping::check(&settings.ship).map_err(StartError::configuration)?;
    log::witnesses(settings, &opentelemetry::global::meter("poort"))?;
    let warnings = policies(settings)?;
    data_folder(&settings.log.data)?;
    keys(&settings.log)?;
    let mut checked = Checked { warnings, in_use: Vec::new() };
    for (whom, address) in
        settings.listen.iter().map(|address| ("callers", address)).chain([("operators", &settings.admin)])
    {
        match Bound::check(address) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                checked.in_use.push(format!("{address}, for {whom}, is in use now"));
            }
            Err(error) => return Err(StartError::system(CannotListen { whom, address: address.clone(), error })),
        }
    }
    Ok(checked)
}

/// Checks the policies that a start would use. Returns the warnings.
fn policies(settings: &Settings) -> Result<Vec<Problem>, StartError> {
    let check = |policies: &Policies, bundle: Option<&Bundle>| match &settings.signals {
        Some(signals) => signals.check(policies, bundle).map_err(StartError::configuration),
        None => Ok(()),
    };
    if let (_, Some(mut bundles)) = super::sources(settings, &opentelemetry::global::meter("poort"))? {
        let checked = bundles.find().map_err(StartError::Policies)?;
        check(&checked.snapshot().policies, Some(checked.bundle().bundle()))?;
        return Ok(checked.warnings().to_vec());
    }
    let sources = Sources::read(&settings.store.policies, &settings.store.directory).map_err(StartError::Policies)?;
    let (snapshot, warnings) = Snapshot::from_sources(&sources);
    let Some(snapshot) = snapshot else { return Err(StartError::Policies(warnings)) };
    check(&snapshot.policies, None)?;
    Ok(warnings)
}

/// Whether the folder, or the one in which it would be made, can be written.
fn data_folder(data: &Path) -> Result<(), StartError> {
    let failed = |path: &Path, error| StartError::system(DataFolder { path: path.to_owned(), error });
    let path = std::path::absolute(data).map_err(|error| failed(data, error))?;
    let there = path.ancestors().find(|path| path.symlink_metadata().is_ok()).unwrap_or(Path::new("/"));
    if !there.is_dir() {
        return Err(failed(there, io::ErrorKind::NotADirectory.into()));
    }
    access(there, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| failed(there, error.into()))
}

/// Whether the keys can be read. Those of a new log are made at its start.
fn keys(log: &decision_log::Config) -> Result<(), StartError> {
    let is_made = |path: PathBuf, given: &Option<PathBuf>| given.is_none() && log.is_new() && !path.exists();
    if !is_made(log.key_path(), &log.key) {
        log.read_key(false).map_err(StartError::system)?;
    }
    if !is_made(log.pseudonyms_path(), &log.pseudonyms) {
        log.read_pseudonyms(false).map_err(StartError::system)?;
    }
    Ok(())
}
