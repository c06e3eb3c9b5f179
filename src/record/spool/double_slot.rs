//! A small value on disk that is written often and seldom synced.
//!
//! The file has two slots of one sector each, written in turn, each with a counter and a CRC. A sector is written whole
//! or not at all. A write that was torn all the same fails its CRC, and the other slot holds the value before. So a
//! power cut may take a value that was not synced, and an older one is read: only values that may grow old are kept
//! here.
//!
//! ```text
//!   crc32c u32 | len u24 | format u8 | count u64 | value      little endian; the CRC covers the rest up to the value's end
//! ```
//!
//! The format is 0, as it always was. A slot of another one that is whole was written by a newer poort: that is an
//! error, not an older value.
//!
//! The slots alternate by the counter and not by anything in the value, so that no pattern of values can hit one slot only.

use super::{
    damage::Damage,
    files::{Files, read_full_at},
    links,
    segment::write_all_at,
};
use crc32c::crc32c;
use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
    sync::Arc,
};

const SLOT: usize = 512;
const HEAD: usize = 16;
const CRC: usize = 4;
/// The bits of the length in its word; the format is above them.
const LEN_BITS: u32 = 24;

/// The longest value, in bytes.
pub(super) const MAX_VALUE: usize = SLOT - HEAD;

/// An open file of slots.
#[derive(Debug)]
pub(super) struct DoubleSlot {
    files: Arc<dyn Files>,
    file: File,
    /// The counter of the value that was written last.
    count: u64,
}

impl DoubleSlot {
    /// Opens the file, or makes it, and returns the value that it holds. `None` where no value was ever written, or
    /// none survived.
    pub(super) fn open(files: Arc<dyn Files>, path: &Path) -> io::Result<(Self, Option<Vec<u8>>)> {
        let file = match links::open(OpenOptions::new().read(true).write(true), path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(&*files, path)?,
            opened => opened?,
        };
        // A power cut while it was made, or a person, left it short. Both slots are in place again before a write.
        if file.metadata()?.len() < 2 * SLOT as u64 {
            files.cut(&file, 2 * SLOT as u64)?;
            files.sync_all(&file)?;
        }
        let newest = newest(&file)?;
        let (count, value) = newest.map_or((0, None), |(count, value)| (count, Some(value)));
        Ok((Self { files, file, count }, value))
    }

    /// Writes a value. A power cut may take it until [`DoubleSlot::sync`] returned.
    pub(super) fn write(&mut self, value: &[u8]) -> io::Result<()> {
        let len = u32::try_from(value.len()).ok().filter(|_| value.len() <= MAX_VALUE);
        let len = len.ok_or(io::ErrorKind::InvalidInput)?;
        let count = self.count.saturating_add(1);
        let mut covered = Vec::with_capacity(SLOT);
        covered.extend_from_slice(&len.to_le_bytes());
        covered.extend_from_slice(&count.to_le_bytes());
        covered.extend_from_slice(value);
        let mut slot = crc32c(&covered).to_le_bytes().to_vec();
        slot.append(&mut covered);
        let offset = if count.is_multiple_of(2) { SLOT as u64 } else { 0 };
        write_all_at(&*self.files, &self.file, &slot, offset)?;
        self.count = count;
        Ok(())
    }

    /// After this, the last value survives a power cut.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.files.sync_data(&self.file)
    }
}

/// Reads the value that the file holds, without opening it for writing.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match links::open_to_read(path) {
        Ok(file) => Ok(newest(&file)?.map(|(_, value)| value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the file with both slots in place, so that a later write changes no metadata, and its name is on disk.
fn create(files: &dyn Files, path: &Path) -> io::Result<File> {
    let file = files.create(path)?;
    write_all_at(files, &file, &[0; 2 * SLOT], 0)?;
    files.sync_all(&file)?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    files.sync_dir(&File::open(folder)?)?;
    Ok(file)
}

fn newest(file: &File) -> io::Result<Option<(u64, Vec<u8>)>> {
    let mut newest: Option<(u64, Vec<u8>)> = None;
    for offset in [0, SLOT as u64] {
        let found = slot(file, offset)?.filter(|(count, _)| newest.as_ref().is_none_or(|(best, _)| count > best));
        newest = found.or(newest);
    }
    Ok(newest)
}

fn slot(file: &File, offset: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    // What a short file does not have reads as zeros: a value that is whole in it counts.
    let mut slot = read_full_at(file, offset, SLOT)?;
    slot.resize(SLOT, 0);
    parse(&slot)
}

fn parse(slot: &[u8]) -> io::Result<Option<(u64, Vec<u8>)>> {
    let whole = || -> Option<(u32, u64, Vec<u8>)> {
        let (crc, rest) = slot.split_first_chunk()?;
        let (word, after) = rest.split_first_chunk()?;
        let (count, value) = after.split_first_chunk()?;
        let word = u32::from_le_bytes(*word);
        let len = usize::try_from(word & ((1 << LEN_BITS) - 1)).ok()?;
        let value = value.get(..len)?;
        let covered = rest.get(..len.checked_add(HEAD - CRC)?)?;
        // A slot that was never written is all zeros, and zeros have a CRC of their own.
        let count = u64::from_le_bytes(*count);
        let is_whole = count > 0 && crc32c(covered) == u32::from_le_bytes(*crc);
        is_whole.then(|| (word >> LEN_BITS, count, value.to_vec()))
    };
    match whole() {
        Some((0, count, value)) => Ok(Some((count, value))),
        Some((format, ..)) => Err(Damage::Newer { format, known: 0 }.into()),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::spool::files::Disk;

    fn open(path: &Path) -> (DoubleSlot, Option<Vec<u8>>) {
        DoubleSlot::open(Arc::new(Disk), path).unwrap()
    }

    #[test]
    fn the_last_value_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        assert_eq!(read(&path).unwrap(), None);
        assert_eq!(open(&path).1, None);
        for value in [b"one".as_slice(), b"", b"three", &[7; MAX_VALUE]] {
            let (mut slots, _) = open(&path);
            slots.write(value).unwrap();
            assert_eq!(open(&path).1.as_deref(), Some(value));
            assert_eq!(read(&path).unwrap().as_deref(), Some(value));
        }
        assert!(open(&path).0.write(&[0; MAX_VALUE + 1]).is_err());
    }

    #[test]
    fn a_damaged_slot_gives_way_to_the_value_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        let (mut slots, _) = open(&path);
        slots.write(b"before").unwrap();
        slots.write(b"after").unwrap();
        let whole = std::fs::read(&path).unwrap();
        for bit in 0..8 * (HEAD + b"after".len()) {
            let mut damaged = whole.clone();
            damaged[SLOT + bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &damaged).unwrap();
            assert_eq!(read(&path).unwrap().as_deref(), Some(b"before".as_slice()), "bit {bit}");
        }
        std::fs::write(&path, &whole[..SLOT + 3]).unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(b"before".as_slice()));
    }

    #[test]
    fn a_value_of_a_newer_format_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        open(&path).0.write(b"older").unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let mut newer = vec![5, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0, 0];
        newer.extend_from_slice(b"newer");
        newer.splice(..0, crc32c(&newer).to_le_bytes());
        bytes[SLOT..][..newer.len()].copy_from_slice(&newer);
        std::fs::write(&path, &bytes).unwrap();
        let told = read(&path).unwrap_err().to_string();
        assert!(told.contains("a newer poort (format 3)"), "{told}");
        assert!(DoubleSlot::open(Arc::new(Disk), &path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        // What is torn of it is no value of any format.
        bytes[SLOT] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(b"older".as_slice()));
    }

    #[test]
    fn a_damaged_file_is_whole_after_the_next_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        let (mut slots, _) = open(&path);
        slots.write(b"one").unwrap();
        slots.write(b"two").unwrap();
        let whole = std::fs::read(&path).unwrap();
        let mut left: Vec<Vec<u8>> = (0..=whole.len()).map(|len| whole[..len].to_vec()).collect();
        left.push([whole.as_slice(), &[7; 900]].concat());
        left.extend([vec![0xff; 2 * SLOT], vec![0; 5000], b"garbage".to_vec()]);
        for bytes in left {
            std::fs::write(&path, &bytes).unwrap();
            for value in [b"three".as_slice(), b"four", b"five"] {
                let (mut slots, _) = open(&path);
                slots.write(value).unwrap();
                assert_eq!(read(&path).unwrap().as_deref(), Some(value), "{} bytes were left", bytes.len());
                assert_eq!(open(&path).1.as_deref(), Some(value));
            }
        }
        // A file that is cut while it is open.
        let (mut slots, _) = open(&path);
        for value in [b"six".as_slice(), b"seven", b"eight"] {
            File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
            slots.write(value).unwrap();
            assert_eq!(read(&path).unwrap().as_deref(), Some(value));
        }
    }
}
