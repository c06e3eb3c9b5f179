//! The header of a segment: says in which format it is, and which record it begins with.
//!
//! ```text
//!   "POORTLOG" | format u32 | crc32c u32 | first seq u64        little endian; the CRC covers all but itself
//! ```
//!
//! Segments of format 1 have no header: they begin with a frame, or with zeros while they hold none. The first four
//! bytes of a header are no length that a frame can have, so the two cannot be taken for each other.
//!
//! **Invariant:** a segment of which the start is none of these is refused and never cut
//! (`tests/recovering.rs::what_does_not_begin_like_a_segment_is_refused_and_left`): a newer poort wrote it, or no poort.

use super::damage::Damage;
use crc32c::{crc32c, crc32c_append};

/// The format that is written.
pub(super) const FORMAT: u32 = 2;

/// The length of a header, in bytes.
pub(super) const LENGTH: usize = 24;

/// Where the frames of a new segment begin.
pub(super) const START: u64 = LENGTH as u64;

const MAGIC: [u8; 8] = *b"POORTLOG";

/// The header of a segment that begins with this seq.
pub(super) fn encode(first: u64) -> [u8; LENGTH] {
    let mut header = [0; LENGTH];
    let fields = [&MAGIC[..], &FORMAT.to_le_bytes(), &checksum(FORMAT, first).to_le_bytes(), &first.to_le_bytes()];
    header.iter_mut().zip(fields.concat()).for_each(|(place, byte)| *place = byte);
    header
}

/// Where the frames of a segment begin, by its first bytes and the seq in its name.
///
/// # Errors
/// It does not begin as a segment does.
pub(super) fn read(start: &[u8], first: u64) -> Result<u64, Damage> {
    if start.starts_with(&MAGIC) { read_present(start, first).map(|()| START) } else { without_header(start, first) }
}

/// Reads a header that has to be there.
///
/// # Errors
/// It is damaged, of another segment, or of a format that is not known.
pub(super) fn read_present(header: &[u8], first: u64) -> Result<(), Damage> {
    let fields = header.strip_prefix(&MAGIC).ok_or(Damage::Header)?;
    let fields = || -> Option<(u32, u32, u64)> {
        let (format, rest) = fields.split_first_chunk()?;
        let (crc, rest) = rest.split_first_chunk()?;
        let seq = rest.first_chunk()?;
        Some((u32::from_le_bytes(*format), u32::from_le_bytes(*crc), u64::from_le_bytes(*seq)))
    };
    match fields() {
        Some((format, ..)) if format > FORMAT => Err(Damage::Newer { format, known: FORMAT }),
        Some((FORMAT, crc, seq)) if seq == first && crc == checksum(FORMAT, first) => Ok(()),
        _ => Err(Damage::Header),
    }
}

/// A segment of format 1. The first sector of its first commit is there or is not: it begins with zeros, or with a frame
/// that names its place.
fn without_header(start: &[u8], first: u64) -> Result<u64, Damage> {
    let named = || -> Option<[u64; 2]> {
        let (seq, rest) = start.get(8..)?.split_first_chunk()?;
        Some([u64::from_le_bytes(*seq), u64::from_le_bytes(*rest.first_chunk()?)])
    };
    let is_one = start.iter().all(|byte| *byte == 0) || named() == Some([first, first]);
    if is_one { Ok(0) } else { Err(Damage::Foreign) }
}

fn checksum(format: u32, first: u64) -> u32 {
    let crc = crc32c_append(crc32c(&MAGIC), &format.to_le_bytes());
    crc32c_append(crc, &first.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_for_its_own_segment_alone() {
        let header = encode(7);
        assert_eq!(read(&header, 7), Ok(START));
        assert_eq!(read(&header, 8), Err(Damage::Header));
        assert_eq!(read(&header[..20], 7), Err(Damage::Header));
        for bit in 0..8 * LENGTH {
            let mut damaged = header;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&damaged, 7).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_format_is_told_by_its_number_alone() {
        let newer = [&MAGIC[..], &9_u32.to_le_bytes(), b"whatever else"].concat();
        assert_eq!(read(&newer, 7), Err(Damage::Newer { format: 9, known: FORMAT }));
    }

    #[test]
    fn the_start_of_an_old_segment_is_a_frame_or_zeros() {
        let mut frame = Vec::new();
        super::super::frame::encode(&mut frame, 7, 7, &"one".into());
        assert_eq!(read(&frame[..LENGTH], 7), Ok(0));
        assert_eq!(read(&[0; LENGTH], 7), Ok(0));
        assert_eq!(read(&[], 7), Ok(0));
        assert_eq!(read(&frame[..LENGTH], 8), Err(Damage::Foreign));
        assert_eq!(read(b"short", 7), Err(Damage::Foreign));
        assert_eq!(read(&[0xff; LENGTH], 7), Err(Damage::Foreign));
    }
}
