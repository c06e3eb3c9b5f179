//! Reads a packed segment: the bytes of the segment at any place, and its index.

use super::{
    super::{damage::Damage, files::read_full_at, segment_header},
    layout::{self, CHUNK, Footer, HEADER, SKIPPABLE},
};
use crc32c::crc32c;
use std::{fmt, fs::File, io};
use zstd::bulk::Decompressor;

/// How much is read of the end at first: the footer and the table of a segment of some 128 MiB.
const TAIL: usize = 16 << 10;

/// An open packed segment.
pub(in crate::record::spool) struct PackedFile {
    pub(in crate::record::spool) file: File,
    pub(in crate::record::spool) footer: Footer,
    /// Where each frame begins, and where the last ends.
    starts: Vec<u64>,
    decoder: Decompressor<'static>,
    /// The frame that was read last, and its number.
    chunk: Vec<u8>,
    number: Option<usize>,
}

impl fmt::Debug for PackedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackedFile").field("footer", &self.footer).finish_non_exhaustive()
    }
}

/// Whether a file is a packed segment.
///
/// # Errors
/// It cannot be read; or it is one of another segment, or of a format that is not known ([`Damage`]).
pub(in crate::record::spool) fn is_packed(file: &File, first: u64) -> io::Result<bool> {
    let start = read_full_at(file, 0, HEADER)?;
    let Some(header) = layout::header_of(&start) else { return Ok(false) };
    segment_header::read_present(header, first)?;
    Ok(true)
}

impl PackedFile {
    /// Opens a file that [`is_packed`].
    ///
    /// # Errors
    /// It cannot be read, or its footer is damaged ([`Damage`]).
    pub(in crate::record::spool) fn open(file: File, first: u64) -> io::Result<Self> {
        let len = file.metadata()?.len();
        let tail_at = len.saturating_sub(TAIL as u64);
        let mut tail = read_full_at(&file, tail_at, TAIL)?;
        let end_len = layout::end_len(&tail).filter(|end_len| *end_len as u64 <= len).ok_or(Damage::Footer)?;
        let end_at = len.saturating_sub(end_len as u64);
        if end_len > tail.len() {
            tail = read_full_at(&file, end_at, end_len)?;
        }
        let end = tail.get(tail.len().saturating_sub(end_len)..).unwrap_or_default();
        let (footer, starts) = layout::read_end(end, first)?;
        let index_len = (SKIPPABLE as u64).saturating_add(footer.index_len.into());
        if starts.last().map(|frames_end| frames_end.saturating_add(index_len)) != Some(end_at) {
            return Err(Damage::Footer.into());
        }
        Ok(Self { file, footer, starts, decoder: Decompressor::new()?, chunk: Vec::new(), number: None })
    }

    /// Reads bytes of the segment from `offset`, as many as one frame has there. Returns how many; 0 at the end.
    ///
    /// # Errors
    /// The file cannot be read, or a frame is damaged ([`Damage`]).
    pub(in crate::record::spool) fn read_at(&mut self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.footer.bytes {
            return Ok(0);
        }
        let number = usize::try_from(offset / CHUNK as u64).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let at = usize::try_from(offset % CHUNK as u64).map_err(|_| io::ErrorKind::FileTooLarge)?;
        if self.number != Some(number) {
            self.number = None;
            self.unpack(number)?;
            self.number = Some(number);
        }
        let bytes = self.chunk.get(at..).unwrap_or_default();
        into.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        Ok(bytes.len().min(into.len()))
    }

    fn unpack(&mut self, number: usize) -> io::Result<()> {
        let place = self.starts.get(number).zip(self.starts.get(number.saturating_add(1)));
        let (from, to) = place.ok_or(Damage::Footer)?;
        // A frame of bytes that cannot be compressed is hardly longer than they are.
        let len = usize::try_from(to.saturating_sub(*from)).ok().filter(|len| *len <= 2 * CHUNK);
        let packed = read_full_at(&self.file, *from, len.ok_or(Damage::Footer)?)?;
        let expected = self.footer.bytes.saturating_sub((number as u64).saturating_mul(CHUNK as u64)).min(CHUNK as u64);
        self.chunk.clear();
        self.chunk.reserve(CHUNK);
        match self.decoder.decompress_to_buffer(&packed, &mut self.chunk) {
            Ok(len) if len as u64 == expected => Ok(()),
            _ => Err(Damage::Packed.into()),
        }
    }

    /// The index. `None` when there is none, or it is damaged.
    ///
    /// # Errors
    /// The file cannot be read.
    fn index(&self) -> io::Result<Option<Vec<u8>>> {
        let at = self.starts.last().copied().unwrap_or(0);
        let len = usize::try_from(self.footer.index_len).unwrap_or(0);
        let frame = read_full_at(&self.file, at, SKIPPABLE.saturating_add(len))?;
        let index = layout::index_of(&frame).filter(|index| !index.is_empty());
        Ok(index.filter(|index| crc32c(index) == self.footer.index_crc).map(<[u8]>::to_vec))
    }
}

/// The index of a segment. `None` when it is not packed, or has no index that can be trusted.
///
/// # Errors
/// The file cannot be read, or is damaged.
pub(in crate::record::spool) fn read_index(file: File, first: u64) -> io::Result<Option<Vec<u8>>> {
    if is_packed(&file, first)? { PackedFile::open(file, first)?.index() } else { Ok(None) }
}
