//! Scans the frames of one segment, and judges the place where they end.
//!
//! Recovery and the reader share it, so they cannot disagree about what is a record.

use super::{
    damage::Damage,
    files::read_full_at,
    frame::{HEADER, Header},
    segment_bytes::SegmentBytes,
    segment_header,
};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// How much is read at once.
const CHUNK: usize = 256 << 10;
/// How much is read to find a frame in the middle. Longer frames are not found, and are gone to one by one.
const PROBE: usize = 64 << 10;

/// What follows the last good frame of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing, or zeros: the frames end here.
    Empty,
    /// Bytes that are no frame, and no later commit. They reach so far from the place where the frames end.
    Torn { bytes: u64 },
    /// A frame of a later commit.
    LaterCommit,
    /// The segment does not begin as one does, so it is not known what is in it.
    Unknown(Damage),
}

/// A place in a segment.
#[derive(Debug)]
pub(super) struct SegmentScan {
    pub(super) path: PathBuf,
    pub(super) bytes: SegmentBytes,
    pub(super) first: u64,
    /// Where its frames begin, if it begins as a segment does.
    begin: Result<u64, Damage>,
    /// The seq of the next frame.
    pub(super) want: u64,
    /// Where the next frame begins.
    pub(super) offset: u64,
    /// Where the commit of the last frame begins, and its base.
    commit: Option<(u64, u64)>,
    window: Vec<u8>,
    window_at: u64,
}

impl SegmentScan {
    /// At the first frame of a segment.
    pub(super) fn open(file: File, path: &Path, first: u64) -> io::Result<Self> {
        let (bytes, damage) = SegmentBytes::open(file, first)?;
        let begin = match (damage, bytes.footer()) {
            (Some(damage), _) => Err(damage),
            (None, Some(footer)) => Ok(footer.begin.into()),
            (None, None) => segment_header::read(&read_full_at(bytes.file(), 0, segment_header::LENGTH)?, first),
        };
        let window = Vec::new();
        let mut scan =
            Self { path: path.into(), bytes, first, begin, want: first, offset: 0, commit: None, window, window_at: 0 };
        scan.offset = scan.begin();
        Ok(scan)
    }

    /// Where its frames begin.
    pub(super) fn begin(&self) -> u64 {
        self.begin.unwrap_or(0)
    }

    /// Whether it is known what is in it, and that is no record.
    pub(super) fn is_empty(&mut self) -> io::Result<bool> {
        Ok(self.begin.is_ok() && self.next()?.is_none())
    }

    /// The next frame, or `None` where there is no good one.
    pub(super) fn next(&mut self) -> io::Result<Option<(Header, &[u8])>> {
        if self.begin.is_err() {
            return Ok(None);
        }
        let (offset, want) = (self.offset, self.want);
        let Some(header) = Header::parse(self.view(offset, HEADER)?) else {
            return Ok(None);
        };
        // A seq at the very end of the numbers could not be followed by another.
        let (true, Some(next)) = (header.seq == want, want.checked_add(1)) else {
            return Ok(None);
        };
        let len = header.frame_len();
        if header.intact(self.view(offset, len)?).is_none() {
            return Ok(None);
        }
        self.want = next;
        self.offset = offset.saturating_add(len as u64);
        if self.commit.is_none_or(|(_, base)| base != header.base) {
            self.commit = Some((offset, header.base));
        }
        // Already in the window: this only borrows it again.
        let payload = self.view(offset, len)?.get(HEADER..).unwrap_or_default();
        Ok(Some((header, payload)))
    }

    /// Goes to a frame that is at or before `seq` and near it, by halves. What is before it is not checked. No payload
    /// holds the bytes of a frame, so what looks like one in the middle of a segment is one. In a damaged place none is
    /// found; whoever reads up to it gets the error.
    pub(super) fn seek(&mut self, seq: u64) -> io::Result<()> {
        if self.begin.is_err() || seq <= self.want {
            return Ok(());
        }
        let mut end = self.bytes.len()?;
        while end.saturating_sub(self.offset) > CHUNK as u64 {
            let middle = self.offset.midpoint(end);
            match self.frame_from(middle) {
                Ok(Some((offset, found))) if found <= seq => {
                    (self.offset, self.want, self.commit) = (offset, found, None);
                }
                Err(error) if Damage::of_read(&error).is_none() => return Err(error),
                _ => end = middle,
            }
        }
        Ok(())
    }

    /// The place and the seq of the first whole frame that begins near this offset or shortly behind it.
    fn frame_from(&mut self, offset: u64) -> io::Result<Option<(u64, u64)>> {
        // A frame has more bytes than its number is above that of a frame before it.
        let seqs = self.want..self.want.saturating_add(offset.saturating_add(PROBE as u64));
        self.fill(offset, PROBE, PROBE)?;
        let found = (0..self.window.len()).find_map(|start| {
            let at = self.window.get(start..).unwrap_or_default();
            let header = Header::parse(at).filter(|header| seqs.contains(&header.seq))?;
            header.intact(at).map(|_| (offset.saturating_add(start as u64), header.seq))
        });
        Ok(found)
    }

    /// Where the last commit of the segment begins.
    pub(super) fn last_commit(&self) -> u64 {
        self.commit.map_or(self.begin(), |(offset, _)| offset)
    }

    /// Forgets what was read, so that the next look sees what was written meanwhile.
    pub(super) fn refresh(&mut self) {
        self.window.clear();
    }

    /// Judges what follows the last good frame. `until` is where the file, or what was ever written of it, ends.
    ///
    /// A commit is written only after the one before is on disk. So a whole frame of a commit that begins after the
    /// next seq proves that all before it was on disk, also when it reads as zeros now. Frames of the *same* commit
    /// prove nothing: the sectors of one write that was never synced land in any order.
    pub(super) fn rest(&mut self, until: u64) -> io::Result<Rest> {
        if let Err(damage) = self.begin {
            return Ok(Rest::Unknown(damage));
        }
        let len = until.saturating_sub(self.offset);
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let want = self.want;
        let rest = self.view(self.offset, len)?;
        let Some(last) = last_written(rest) else {
            return Ok(Rest::Empty);
        };
        for start in 0..=last {
            let at = rest.get(start..).unwrap_or_default();
            let later = Header::parse(at)
                .is_some_and(|header| header.seq >= want && header.base > want && header.intact(at).is_some());
            if later {
                return Ok(Rest::LaterCommit);
            }
        }
        let bytes = (last as u64).saturating_add(1);
        // It may be large, and it is not needed again.
        self.window = Vec::new();
        Ok(Rest::Torn { bytes })
    }

    /// Goes past all frames of a packed segment, as its footer says. Nothing is read.
    pub(super) fn pass_over(&mut self) {
        if let Some(footer) = self.bytes.footer() {
            self.want = self.first.saturating_add(footer.count);
            self.offset = footer.bytes;
        }
    }

    /// Calls `each` with the first `len` bytes, in parts of `part`.
    pub(super) fn each_part(
        &mut self,
        len: u64,
        part: usize,
        each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut at = 0;
        while at < len {
            let wanted = usize::try_from(len.saturating_sub(at)).unwrap_or(part).min(part);
            let bytes = self.view(at, wanted)?;
            if bytes.len() != wanted {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            each(bytes)?;
            at = at.saturating_add(wanted as u64);
        }
        Ok(())
    }

    /// The bytes from `offset`, as far as the file has them, at most `len`.
    pub(super) fn view(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        let start = offset.checked_sub(self.window_at).and_then(|start| usize::try_from(start).ok());
        let held = start.and_then(|start| self.window.get(start..)).is_some_and(|bytes| bytes.len() >= len);
        if !held {
            self.fill(offset, len, len.max(CHUNK))?;
        }
        let start = offset.saturating_sub(self.window_at);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let bytes = self.window.get(start..).unwrap_or_default();
        Ok(bytes.get(..len).unwrap_or(bytes))
    }

    /// Reads `len` bytes ahead. What cannot be read matters only within the first `needed`.
    fn fill(&mut self, offset: u64, needed: usize, len: usize) -> io::Result<()> {
        // The length comes from the disk and may be wrong. The segment bounds it.
        let there = self.bytes.len()?.saturating_sub(offset);
        let size = len.min(usize::try_from(there).unwrap_or(usize::MAX));
        self.window.clear();
        self.window.resize(size, 0);
        self.window_at = offset;
        let mut n = 0;
        while let Some(free) = self.window.get_mut(n..).filter(|free| !free.is_empty()) {
            match self.bytes.read_at(free, offset.saturating_add(n as u64)) {
                Ok(0) => break,
                Ok(read) => n = n.saturating_add(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if n >= needed => break,
                Err(error) => {
                    self.window.clear();
                    return Err(error);
                }
            }
        }
        self.window.truncate(n);
        Ok(())
    }
}

/// The place of the last byte that is not zero. Space that a segment reserves is tens of megabytes of zeros, and every look at the
/// end of a growing log passes over it: whole blocks are compared.
fn last_written(bytes: &[u8]) -> Option<usize> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let mut rest = bytes;
    while let Some(start) = rest.len().checked_sub(ZEROS.len())
        && let Some((before, block)) = rest.split_at_checked(start)
        && block == ZEROS
    {
        rest = before;
    }
    rest.iter().rposition(|&byte| byte != 0)
}

#[cfg(test)]
mod tests {
    use super::last_written;

    #[test]
    fn the_last_written_byte_is_found_in_any_block() {
        for length in [0, 1, 4095, 4096, 4097, 8192, 20_000] {
            let mut bytes = vec![0; length];
            assert_eq!(last_written(&bytes), None, "{length}");
            for place in [0, 1, 4094, 4095, 4096, 8191, 12_345, length.saturating_sub(1)] {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = 1;
                    assert_eq!(last_written(&bytes), Some(place), "{length}");
                    bytes.fill(0);
                }
            }
        }
    }
}
