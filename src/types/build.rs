//! This build of poort: its version, the commit that it was built from, and the digest of its executable.
//!
//! Records name all three: a decision can be made again for certain only by the program that made it.

use super::revision::Revision;
use std::{fs::File, io, sync::OnceLock};

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit, or `unknown`. `build.rs` beside `proto/` says where it comes from.
pub const COMMIT: &str = env!("BUILD_COMMIT");

/// Version and commit, for `poort --version`.
pub const LONG_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("BUILD_COMMIT"), ")");

/// What a record says of the program that wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The version of the package.
    pub version: String,
    /// The commit, if it is known.
    pub commit: Option<String>,
    /// The digest of the executable's file, as `sha256sum` has it, if the file can be read.
    pub executable: Option<Revision>,
}

impl Build {
    /// That of this process. The first call reads the executable: tens of milliseconds.
    #[must_use]
    pub fn this() -> Self {
        static EXECUTABLE: OnceLock<Option<Revision>> = OnceLock::new();
        // The link names the file that was started, also when another has its name by now.
        let digest = || File::open("/proc/self/exe").and_then(|mut file| digest(&mut file)).ok();
        Self {
            version: VERSION.to_owned(),
            commit: Some(COMMIT.to_owned()).filter(|commit| commit != "unknown"),
            executable: EXECUTABLE.get_or_init(digest).clone(),
        }
    }
}

fn digest(file: &mut File) -> io::Result<Revision> {
    use sha2::{Digest as _, Sha256};
    let mut digest = Sha256::new();
    io::copy(file, &mut digest)?;
    Ok(Revision::of_digest(digest))
}
