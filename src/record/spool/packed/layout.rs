//! The layout of a packed segment: the bytes of a complete segment as zstd frames, with a footer that tells what is in it.
//!
//! ```text
//!   skippable frame   "POORTLOG" | format u32 | crc32c u32 | first seq u64       the header of a segment (`segment_header`)
//!   zstd frames       64 KiB of the segment each, the last of less; compressed ones have a checksum
//!   skippable frame   the index (`indexer`)
//!   skippable frame   the footer
//!   skippable frame   the seek table
//! ```
//!
//! It is a file in the Zstandard Seekable Format (facebook/zstd, `contrib/seekable_format`, version 0.1.0). So `zstd -d` gives
//! the segment as it was written, byte for byte, and any tool of that format finds a place in it. Offsets in messages are
//! those in the segment.
//!
//! The footer holds how many records there are, the SHA-256 of the segment, and checksums of the index and the seek
//! table. No signature covers it, and none has to. Each of its facts follows from the records, and the checkpoint that the
//! next segment begins with is signed for those.
//!
//! The table is written and read here. No library with a licence that `.deny.toml` allows does it and allows other frames
//! beside it.

use super::super::{damage::Damage, segment_header};
use crc32c::crc32c;

/// How many bytes of the segment a frame holds.
pub(in crate::record::spool) const CHUNK: usize = 64 << 10;

const HEADER_MAGIC: u32 = 0x184D_2A50;
const INDEX_MAGIC: u32 = 0x184D_2A51;
const FOOTER_MAGIC: u32 = 0x184D_2A52;
const TABLE_MAGIC: u32 = 0x184D_2A5E;
/// The last bytes of the file.
const SEEKABLE: u32 = 0x8F92_EAB1;
/// Before the content of a skippable frame: its magic, and the length.
pub(super) const SKIPPABLE: usize = 8;
/// An entry of the table: the length of a frame, packed and unpacked.
const ENTRY: usize = 8;
/// The end of the table: the number of frames, a descriptor, and a magic.
const FOOT: usize = 9;
/// The length of the header with the frame around it.
pub(super) const HEADER: usize = SKIPPABLE + segment_header::LENGTH;
/// The length of a footer with the frame around it.
const FOOTER: usize = SKIPPABLE + 80;

/// What a footer tells of its segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::record::spool) struct Footer {
    /// The seq of its first record.
    pub(in crate::record::spool) first: u64,
    /// How many records it holds.
    pub(in crate::record::spool) count: u64,
    /// Where its frames begin.
    pub(in crate::record::spool) begin: u32,
    /// How long it is as it was written.
    pub(in crate::record::spool) bytes: u64,
    /// The SHA-256 of these bytes.
    pub(in crate::record::spool) digest: [u8; 32],
    /// The length of the index.
    pub(in crate::record::spool) index_len: u32,
    /// The CRC of the index.
    pub(in crate::record::spool) index_crc: u32,
}

/// Whether a file begins as a packed segment does. What follows is the header of the segment.
pub(super) fn header_of(start: &[u8]) -> Option<&[u8]> {
    let rest = start.strip_prefix(&HEADER_MAGIC.to_le_bytes())?;
    // A wrong length is left to the reader of the header: nothing is one then.
    Some(content(HEADER_MAGIC, start).unwrap_or(rest))
}

/// The first frame.
pub(super) fn header(first: u64) -> Vec<u8> {
    skippable(HEADER_MAGIC, &segment_header::encode(first))
}

/// The frame of the index.
pub(super) fn index(index: &[u8]) -> Vec<u8> {
    skippable(INDEX_MAGIC, index)
}

/// What the frame of the index holds.
pub(super) fn index_of(frame: &[u8]) -> Option<&[u8]> {
    content(INDEX_MAGIC, frame)
}

/// The last two frames: the footer, and the table. `packed` holds the lengths of the frames of the segment.
pub(super) fn end(footer: &Footer, packed: &[u32]) -> Vec<u8> {
    let mut table = Vec::new();
    let mut entry = |packed: u32, unpacked: u64| {
        table.extend_from_slice(&packed.to_le_bytes());
        table.extend_from_slice(&u32::try_from(unpacked).unwrap_or(u32::MAX).to_le_bytes());
    };
    entry(u32::try_from(HEADER).unwrap_or(0), 0);
    let mut left = footer.bytes;
    for packed in packed {
        let unpacked = left.min(CHUNK as u64);
        left = left.saturating_sub(unpacked);
        entry(*packed, unpacked);
    }
    let frames = u32::try_from(packed.len()).unwrap_or(u32::MAX).saturating_add(1);
    table.extend_from_slice(&frames.to_le_bytes());
    table.push(0);
    table.extend_from_slice(&SEEKABLE.to_le_bytes());

    let Footer { first, count, begin, bytes, digest, index_len, index_crc } = footer;
    let mut fields = Vec::with_capacity(FOOTER);
    [first, count, bytes].into_iter().for_each(|field| fields.extend_from_slice(&field.to_le_bytes()));
    fields.extend_from_slice(digest);
    let numbers = [*index_len, *index_crc, crc32c(&table), *begin, segment_header::FORMAT];
    numbers.into_iter().for_each(|field| fields.extend_from_slice(&field.to_le_bytes()));
    let crc = crc32c(&fields);
    fields.extend_from_slice(&crc.to_le_bytes());
    let mut end = skippable(FOOTER_MAGIC, &fields);
    end.extend(skippable(TABLE_MAGIC, &table));
    end
}

/// How long the last two frames are together, by the last bytes of the file.
pub(super) fn end_len(tail: &[u8]) -> Option<usize> {
    let (_, foot) = tail.split_last_chunk::<FOOT>()?;
    let (frames, rest) = foot.split_first_chunk()?;
    (rest.get(1..)? == SEEKABLE.to_le_bytes()).then_some(())?;
    let frames = usize::try_from(u32::from_le_bytes(*frames)).ok()?;
    frames.checked_mul(ENTRY)?.checked_add(FOOTER + SKIPPABLE + FOOT)
}

/// Reads the last two frames: the footer, and where each frame of the segment begins in the file, with the end of the last.
pub(super) fn read_end(end: &[u8], first: u64) -> Result<(Footer, Vec<u64>), Damage> {
    parse_end(end, first).ok_or(Damage::Footer)
}

fn parse_end(end: &[u8], first: u64) -> Option<(Footer, Vec<u64>)> {
    let (footer, table) = end.split_at_checked(FOOTER)?;
    let (fields, crc) = content(FOOTER_MAGIC, footer)?.split_last_chunk()?;
    (crc32c(fields) == u32::from_le_bytes(*crc)).then_some(())?;
    let (numbers, rest) = (|| {
        let (first, rest) = fields.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (bytes, rest) = rest.split_first_chunk()?;
        Some(([*first, *count, *bytes].map(u64::from_le_bytes), rest))
    })()?;
    let (digest, rest) = rest.split_first_chunk()?;
    let (index_len, rest) = rest.split_first_chunk()?;
    let (index_crc, rest) = rest.split_first_chunk()?;
    let (table_crc, rest) = rest.split_first_chunk()?;
    let (begin, _format) = rest.split_first_chunk()?;
    let [index_len, index_crc, table_crc, begin] = [*index_len, *index_crc, *table_crc, *begin].map(u32::from_le_bytes);
    let [named, count, bytes] = numbers;
    let footer = Footer { first: named, count, begin, bytes, digest: *digest, index_len, index_crc };

    let table = content(TABLE_MAGIC, table)?;
    (named == first && count > 0 && crc32c(table) == table_crc).then_some(())?;
    let mut starts = Vec::new();
    let mut at: u64 = 0;
    let (entries, _) = table.split_last_chunk::<FOOT>()?;
    for entry in entries.chunks_exact(ENTRY) {
        at = at.checked_add(u64::from(u32::from_le_bytes(*entry.first_chunk()?)))?;
        starts.push(at);
    }
    (starts.len().saturating_sub(1) as u64 == bytes.div_ceil(CHUNK as u64)).then_some((footer, starts))
}

fn skippable(magic: u32, content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).unwrap_or(u32::MAX);
    [&magic.to_le_bytes(), &len.to_le_bytes(), content].concat()
}

/// The content of a skippable frame that is all of `frame`.
fn content(magic: u32, frame: &[u8]) -> Option<&[u8]> {
    let (len, content) = frame.strip_prefix(&magic.to_le_bytes())?.split_first_chunk()?;
    (usize::try_from(u32::from_le_bytes(*len)).ok()? == content.len()).then_some(content)
}

/// A zstd frame that holds bytes as they are (RFC 8878, section 3.1.1), for those that want no compression: one segment with
/// a content size of four bytes, and one raw block.
pub(super) fn stored(chunk: &[u8]) -> Vec<u8> {
    const LAST_RAW: u32 = 1;
    let len = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
    let block = ((len << 3) | LAST_RAW).to_le_bytes();
    let block = block.get(..3).unwrap_or_default();
    [&0xFD2F_B528_u32.to_le_bytes()[..], &[0xA0], &len.to_le_bytes(), block, chunk].concat()
}
