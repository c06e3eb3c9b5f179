//! The active bundle in the data folder: one file, which holds its own proof.

use crate::sources::bundle::{Verified, archive};
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

/// Its name.
pub(super) const KEPT: &str = "bundle.tar";

/// Writes it: the old one or the new one is there, whenever poort ends.
pub(super) fn keep(data: &Path, bundle: &Verified) -> io::Result<()> {
    let bytes = bundle.bundle().write().map_err(io::Error::other)?;
    let (path, unfinished) = (data.join(KEPT), data.join(format!("{KEPT}.new")));
    if archive::read_file(&path).is_ok_and(|kept| kept == bytes) {
        return Ok(());
    }
    let mut file = File::create(&unfinished)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, &path)?;
    File::open(data)?.sync_all()
}
