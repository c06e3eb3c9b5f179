//! The bytes of a segment, whether its file holds them as they were written or packed.

use super::{
    damage::Damage,
    packed::{Footer, PackedFile, is_packed},
};
use rustix::{fs::SeekFrom, io::Errno};
use std::{fs::File, io, os::unix::fs::FileExt as _};

/// An open segment.
#[derive(Debug)]
pub(super) enum SegmentBytes {
    Plain(File),
    Packed(Box<PackedFile>),
}

impl SegmentBytes {
    /// Opens a file, and says what is wrong with it, if it cannot be used: it counts as plain then.
    pub(super) fn open(file: File, first: u64) -> io::Result<(Self, Option<Damage>)> {
        let packed = || {
            if is_packed(&file, first)? { PackedFile::open(file.try_clone()?, first).map(Some) } else { Ok(None) }
        };
        match packed() {
            Ok(Some(packed)) => Ok((Self::Packed(Box::new(packed)), None)),
            Ok(None) => Ok((Self::Plain(file), None)),
            Err(error) => match Damage::of(&error) {
                Some(damage) => Ok((Self::Plain(file), Some(damage))),
                None => Err(error),
            },
        }
    }

    /// The file that holds them.
    pub(super) const fn file(&self) -> &File {
        match self {
            Self::Plain(file) => file,
            Self::Packed(packed) => &packed.file,
        }
    }

    /// What the footer says, if they are packed.
    pub(super) fn footer(&self) -> Option<&Footer> {
        match self {
            Self::Plain(_) => None,
            Self::Packed(packed) => Some(&packed.footer),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> io::Result<u64> {
        match self {
            Self::Plain(file) => Ok(file.metadata()?.len()),
            Self::Packed(packed) => Ok(packed.footer.bytes),
        }
    }

    /// Where the written part ends, if it is written up to `end`. What a file system reports as a hole was taken from the
    /// disk but never written, and need not be read.
    pub(super) fn written(&self, mut end: u64) -> io::Result<u64> {
        let Self::Plain(file) = self else { return self.len() };
        loop {
            match rustix::fs::seek(file, SeekFrom::Data(end)) {
                Ok(data) => match rustix::fs::seek(file, SeekFrom::Hole(data)) {
                    Ok(hole) if hole > end => end = hole,
                    // It was cut meanwhile.
                    Ok(_) | Err(Errno::NXIO) => return Ok(end),
                    Err(error) => return Err(error.into()),
                },
                Err(Errno::NXIO) => return Ok(end),
                // Then everything counts as written.
                Err(Errno::INVAL | Errno::OPNOTSUPP) => return self.len(),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads from `offset`, perhaps less than `into` takes. 0 at the end.
    pub(super) fn read_at(&mut self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read_at(into, offset),
            Self::Packed(packed) => packed.read_at(into, offset),
        }
    }
}
