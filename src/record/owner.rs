//! The owner of a log: the one user that may write into its data folder from the command line.
//!
//! A server could not read or replace what another user leaves there, such as root.

use rustix::process::{Uid, geteuid};
use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

/// Fails if the folder of the records has another owner than this process. A folder that is absent has none. The data folder
/// itself may be a volume, whose owner is nobody's choice.
///
/// # Errors
/// It has another owner, or the file system does not say.
pub fn refuse_other(records: &Path) -> io::Result<()> {
    refuse_other_than(geteuid(), records)
}

fn refuse_other_than(user: Uid, records: &Path) -> io::Result<()> {
    let owner = match fs::metadata(records) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?.uid(),
    };
    if owner == user.as_raw() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "`{}` is of user {owner}, and this is user {}, whose files a server of that user could not read; run it as that user, \
         such as: sudo -u '#{owner}' poort log …",
        records.display(),
        user.as_raw()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_user_than_the_owner_is_refused_and_told() {
        let folder = tempfile::tempdir().unwrap();
        refuse_other(folder.path()).unwrap();
        refuse_other(&folder.path().join("absent")).unwrap();
        let owner = geteuid().as_raw();
        let error = refuse_other_than(Uid::from_raw(owner + 1), folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("is of user {owner}, and this is user {}", owner + 1)), "{error}");
    }
}
