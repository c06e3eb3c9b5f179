//! Opens files below the data folder without following symbolic links.
//!
//! A person that could put a link there would choose what poort reads and writes elsewhere, with poort's rights. The
//! data folder itself, and what is above it, may be reached over links: that is the operator's business.

use rustix::fs::OFlags;
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Opens a file or folder as `options` say. The flags of these options are set here.
///
/// # Errors
/// It is a symbolic link, or cannot be opened.
pub fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
    options.custom_flags(flags).open(path).map_err(|error| {
        let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        if is_link { refusal() } else { error }
    })
}

/// Opens a file or folder to read it.
pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    open(OpenOptions::new().read(true), path)
}

/// Fails if there is a symbolic link at this path; it may also be absent.
///
/// # Errors
/// It is one, or the file system does not say.
pub fn refuse(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => Err(refusal()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn refusal() -> io::Error {
    io::Error::other("it is a symbolic link, and poort follows none below its data folder: put there what it points to")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::spool::{Config, Cursor, Spool, put_segment, read_head, reader::Reader};
    use std::os::unix::fs::symlink;

    #[test]
    fn no_file_of_a_spool_is_reached_over_a_link() {
        let meter = opentelemetry::global::meter("spool");
        for name in ["0000000000000000.seg", "lock", "head", "one.cursor", ""] {
            let folder = tempfile::tempdir().unwrap();
            let (dir, elsewhere) = (folder.path().join("records"), folder.path().join("elsewhere"));
            fs::create_dir(&elsewhere).unwrap();
            put_segment(&elsewhere, 0, &[b"one".to_vec()]);
            fs::write(elsewhere.join("value"), "kept").unwrap();
            if name.is_empty() {
                symlink(&elsewhere, &dir).unwrap();
            } else {
                fs::create_dir(&dir).unwrap();
                let target = if name.ends_with("seg") { elsewhere.join(name) } else { elsewhere.join("value") };
                symlink(target, dir.join(name)).unwrap();
            }
            let told = match name {
                "head" => read_head(&dir).unwrap_err().to_string(),
                "one.cursor" => Cursor::open(&dir, "one").unwrap_err().to_string(),
                _ => {
                    let error = Spool::open(&Config::new(&dir), None, &meter).unwrap_err();
                    format!("{error}: {}", std::error::Error::source(&error).unwrap())
                }
            };
            assert!(told.contains("is a symbolic link"), "{name}: {told}");
            if name.ends_with("seg") {
                let read = Reader::open(&dir).unwrap().next().unwrap();
                assert!(read.is_err(), "{read:?}");
            }
            assert_eq!(fs::read(elsewhere.join("value")).unwrap(), b"kept");
        }
    }
}
