//! The configuration of signed bundles.

use std::{path::PathBuf, time::Duration};

/// Where bundles come from, and who must have signed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The trust file.
    pub trust: PathBuf,
    /// The folder into which a courier puts bundles.
    pub folder: PathBuf,
    /// The store: a bundle of another one is never taken.
    pub store: String,
    /// The lowest version that is taken.
    pub at_least: u64,
    /// How long policies still answer when their time is over.
    pub late: Duration,
    /// The directory, where it is not the folder `directory` of the bundle.
    pub accounts: Option<PathBuf>,
}

impl Config {
    /// A day: as long as it takes to find two officers on a holiday, and no unit works on old rules for longer.
    pub const DEFAULT_LATE: Duration = Duration::from_secs(24 * 60 * 60);
}
