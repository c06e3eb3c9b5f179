//! The newest checkpoint of a log in a folder, and the origin that it names.

use super::checkpoint::{self, Attested};
use crate::record::{
    evidence::{Checkpoint, Key, PublicKeys},
    spool::{
        self,
        reader::{ReadCause, ReadError, Reader},
    },
};
use std::{collections::BTreeSet, fs::File, io, path::Path};

/// The origin of the log in this folder: that of its last checkpoint, or of its oldest record where the head is not there.
/// `None` when there is no log.
///
/// # Errors
/// The folder cannot be read.
pub fn origin(folder: &Path) -> Result<Option<String>, ReadError> {
    if !folder.exists() {
        return Ok(None);
    }
    if let Ok(Some((_, checkpoint))) = newest_checkpoint(folder) {
        return Ok(Some(checkpoint.origin));
    }
    let first = Reader::open(folder)?.next().transpose()?;
    let attested = first.and_then(|frame| checkpoint::read(&frame.payload, None).ok().flatten());
    Ok(attested.map(|attested| attested.checkpoint.origin))
}

/// The names that the log in this folder has had. It goes on under another after each restore, and each process begins a segment
/// with a checkpoint of its name. What cannot be read names none.
#[must_use]
pub fn origins(folder: &Path) -> BTreeSet<String> {
    let begin = |first: u64| Reader::open_at(folder, first).ok()?.next()?.ok();
    let begins = spool::segments(folder).unwrap_or_default().into_iter().filter_map(begin);
    let attested = begins.filter_map(|frame| checkpoint::read(&frame.payload, None).ok().flatten());
    attested.map(|attested| attested.checkpoint.origin).collect()
}

/// The newest checkpoint of the log in this folder, with its note: what its file `head` holds. Signatures are not
/// checked. `None` where there is none yet.
///
/// # Errors
/// The file cannot be read.
pub fn newest_checkpoint(folder: &Path) -> io::Result<Option<(String, Checkpoint)>> {
    let head = spool::read_head(folder)?.and_then(|head| String::from_utf8(head).ok());
    Ok(head.and_then(|note| Checkpoint::read(&note).ok().map(|checkpoint| (note, checkpoint))))
}

/// Whether this key signed the last checkpoint in this folder. `None` for a key that is not there.
///
/// # Errors
/// The records cannot be read.
pub fn last_signer(folder: &Path, origin: &str, key: Option<&Key>) -> Result<bool, ReadError> {
    let Some(key) = key else { return Ok(false) };
    let Ok(keys) = PublicKeys::parse([key.public(origin).as_str()]) else { return Ok(false) };
    Ok(last_recorded(folder)?.is_some_and(|last| Checkpoint::open(&last.note, &keys).is_ok()))
}

/// The last checkpoint among the records in this folder. Signatures are not checked.
///
/// # Errors
/// The records cannot be read.
pub fn last_recorded(folder: &Path) -> Result<Option<Attested>, ReadError> {
    let segments = match spool::segments(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        listed => {
            listed.map_err(|error| ReadError { segment: folder.into(), offset: 0, cause: ReadCause::Io(error) })?
        }
    };
    // The newest may hold no record.
    for first in segments.into_iter().rev() {
        let mut last = None;
        for frame in Reader::open_at(folder, first)? {
            last = checkpoint::read(&frame?.payload, None).ok().flatten().or(last);
        }
        if last.is_some() {
            return Ok(last);
        }
    }
    Ok(None)
}

/// The last checkpoint among the records, with its note, for those who are told of it: it is synced first, since a process
/// that was killed may not have done so. `None` where there is none or it cannot be read, which stops the log itself.
#[must_use]
pub fn last_synced(records: &Path) -> Option<(String, Checkpoint)> {
    let segments = spool::segment_files(records).ok()?;
    // The newest may hold no record.
    segments.iter().rev().take(2).try_for_each(|segment| File::open(&segment.path)?.sync_data()).ok()?;
    last_recorded(records).ok().flatten().map(|last| (last.note, last.checkpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_listed_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(last_recorded(folder.path()).unwrap().is_none());
        assert!(last_recorded(&folder.path().join("absent")).unwrap().is_none());
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(last_recorded(file.path()).is_err());
    }
}
