//! Packs a segment: writes it beside the original as compressed frames with its index and footer, and reads it back.

use super::{
    super::{
        damage::Damage,
        files::Files,
        indexer::Indexer,
        segment::write_all_at,
        segment_scan::{Rest, SegmentScan},
    },
    file::{PackedFile, is_packed},
    layout::{self, CHUNK, Footer},
};
use crc32c::crc32c;
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};
use zstd::{bulk::Compressor, zstd_safe::CParameter};

/// A packed segment that is being made has this extension.
pub(in crate::record::spool) const UNFINISHED: &str = "packing";

/// The level of zstd: a higher one takes many times as long, and these frames are too small to gain much.
const LEVEL: i32 = 3;

/// How a segment is packed.
pub(in crate::record::spool) struct Packing<'a> {
    pub(in crate::record::spool) files: &'a dyn Files,
    /// Its frames are compressed, or hold the bytes as they are.
    pub(in crate::record::spool) compresses: bool,
    /// Makes the index, if there is to be one.
    pub(in crate::record::spool) indexer: Option<Box<dyn Indexer>>,
    /// Called after each [`CHUNK`] that is read or written; an error ends the packing.
    pub(in crate::record::spool) pause: &'a dyn Fn() -> io::Result<()>,
}

/// Writes the packed form of a segment to a file beside it, and syncs it. Returns that file's path, or `None` when the
/// segment holds no record. It keeps the time of the last change, by which old segments are told.
///
/// # Errors
/// The disk fails, or the segment is damaged ([`Damage`]); nothing is left then.
pub(in crate::record::spool) fn pack(
    path: &Path,
    scan: SegmentScan,
    packing: Packing<'_>,
) -> io::Result<Option<PathBuf>> {
    let files = packing.files;
    let unfinished = path.with_extension(UNFINISHED);
    let _absent = files.remove(&unfinished);
    let packed = write(&unfinished, scan, packing);
    if !matches!(packed, Ok(true)) {
        let _left_over = files.remove(&unfinished);
    }
    Ok(packed?.then_some(unfinished))
}

/// False: there is nothing to pack.
fn write(unfinished: &Path, mut scan: SegmentScan, packing: Packing<'_>) -> io::Result<bool> {
    let Packing { files, compresses, mut indexer, pause } = packing;
    // First all of its records, so that nothing is packed that is damaged.
    let mut next = 0;
    while let Some((_, payload)) = scan.next().map_err(Damage::or_unreadable)? {
        if let Some(indexer) = &mut indexer {
            indexer.record(payload);
        }
        if scan.offset >= next {
            pause()?;
            next = scan.offset.saturating_add(CHUNK as u64);
        }
    }
    let len = scan.bytes.len()?;
    match scan.rest(len).map_err(Damage::or_unreadable)? {
        Rest::Empty => {}
        Rest::Unknown(damage) => return Err(damage.into()),
        Rest::LaterCommit => return Err(Damage::RecordsLost.into()),
        Rest::Torn { .. } => return Err(Damage::NoRecord.into()),
    }
    let mut footer = Footer {
        first: scan.first,
        count: scan.want.saturating_sub(scan.first),
        begin: u32::try_from(scan.begin()).unwrap_or(0),
        bytes: scan.offset,
        ..Footer::default()
    };
    if footer.count == 0 {
        return Ok(false);
    }
    let file = files.create(unfinished)?;
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        write_all_at(files, &file, bytes, at)?;
        at = at.saturating_add(bytes.len() as u64);
        io::Result::Ok(())
    };
    put(&layout::header(footer.first))?;
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    let (mut digest, mut lengths) = (Sha256::new(), Vec::new());
    scan.each_part(footer.bytes, CHUNK, &mut |chunk| {
        digest.update(chunk);
        let frame = if compresses { compressor.compress(chunk)? } else { layout::stored(chunk) };
        lengths.push(u32::try_from(frame.len()).unwrap_or(u32::MAX));
        put(&frame)?;
        pause()
    })?;
    footer.digest = digest.finalize().into();
    let index = indexer.map(Indexer::finish).unwrap_or_default();
    footer.index_len = u32::try_from(index.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    footer.index_crc = crc32c(&index);
    put(&layout::index(&index))?;
    put(&layout::end(&footer, &lengths))?;
    file.set_modified(scan.bytes.file().metadata()?.modified()?)?;
    files.sync_all(&file)?;
    read_back(file, &mut scan, &footer, pause)?;
    Ok(true)
}

/// Checks that a packed file gives the very bytes of its segment, before it takes its place.
fn read_back(
    file: File,
    scan: &mut SegmentScan,
    footer: &Footer,
    pause: &dyn Fn() -> io::Result<()>,
) -> io::Result<()> {
    let differs = || io::Error::other("what was packed does not read as what was written");
    if !is_packed(&file, footer.first)? {
        return Err(differs());
    }
    let mut packed = PackedFile::open(file, footer.first)?;
    let (mut at, mut unpacked) = (0, vec![0; CHUNK]);
    if packed.footer != *footer {
        return Err(differs());
    }
    scan.each_part(footer.bytes, CHUNK, &mut |chunk| {
        let n = packed.read_at(&mut unpacked, at)?;
        at = at.saturating_add(n as u64);
        if unpacked.get(..n) != Some(chunk) {
            return Err(differs());
        }
        pause()
    })
}
