//! The frame: the form of one payload on disk.
//!
//! `len u32 | crc32c u32 | seq u64 | base u64 | payload`, little endian. The CRC covers seq, base and payload. The
//! length needs no cover: a wrong one makes the CRC fail.

use super::payload::Payload;
use crc32c::crc32c;

/// The bytes before a payload.
pub(super) const HEADER: usize = 24;
/// The length and the CRC, which the CRC does not cover.
const UNCOVERED: usize = 8;

/// The longest payload, in bytes. A reader takes a greater length for damage and never makes room for it.
pub const MAX_PAYLOAD: usize = 64 << 20;

/// What a frame says about itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    len: u32,
    crc: u32,
    pub(super) seq: u64,
    pub(super) base: u64,
}

impl Header {
    /// Reads a header. `None` when the bytes are too few or cannot be one.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (len, bytes) = bytes.split_first_chunk()?;
        let (crc, bytes) = bytes.split_first_chunk()?;
        let (seq, bytes) = bytes.split_first_chunk()?;
        let base = bytes.first_chunk()?;
        let header = Self {
            len: u32::from_le_bytes(*len),
            crc: u32::from_le_bytes(*crc),
            seq: u64::from_le_bytes(*seq),
            base: u64::from_le_bytes(*base),
        };
        (header.payload_len() <= MAX_PAYLOAD && header.base <= header.seq).then_some(header)
    }

    pub(super) fn payload_len(&self) -> usize {
        // A target where this does not fit has no room for the payload either; MAX_PAYLOAD refuses it.
        usize::try_from(self.len).unwrap_or(usize::MAX)
    }

    pub(super) fn frame_len(&self) -> usize {
        HEADER.saturating_add(self.payload_len())
    }

    /// Whether `frame`, which starts with this header, is whole. Returns its payload.
    pub(super) fn intact<'a>(&self, frame: &'a [u8]) -> Option<&'a [u8]> {
        let covered = frame.get(UNCOVERED..self.frame_len())?;
        (crc32c(covered) == self.crc).then_some(())?;
        frame.get(HEADER..self.frame_len())
    }
}

/// Appends a frame to `buffer`. The payload is at most [`MAX_PAYLOAD`] long, which the writer has checked.
pub(super) fn encode(buffer: &mut Vec<u8>, seq: u64, base: u64, payload: &Payload) {
    debug_assert!(payload.max_len() <= MAX_PAYLOAD, "the writer lets no longer payload through");
    let start = buffer.len();
    buffer.extend_from_slice(&[0; UNCOVERED]);
    buffer.extend_from_slice(&seq.to_le_bytes());
    buffer.extend_from_slice(&base.to_le_bytes());
    payload.write(buffer, seq);
    let len = buffer.len().saturating_sub(start).saturating_sub(HEADER);
    let len = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    let crc = crc32c(buffer.get(start.saturating_add(UNCOVERED)..).unwrap_or_default()).to_le_bytes();
    let head = buffer.get_mut(start..).unwrap_or_default().iter_mut();
    head.zip(len.into_iter().chain(crc)).for_each(|(byte, value)| *byte = value);
}

/// The payloads of frames that were just encoded.
pub(super) fn payloads(frames: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = frames;
    std::iter::from_fn(move || {
        let header = Header::parse(rest)?;
        let (frame, behind) = rest.split_at_checked(header.frame_len())?;
        rest = behind;
        frame.get(HEADER..)
    })
}
