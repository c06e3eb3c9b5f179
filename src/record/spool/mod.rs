//! The spool: bytes in, durable sequence numbers out.
//!
//! A caller submits an [`Entry`] and gets a [`Ticket`]. The ticket resolves when the entry is on disk, or with an error
//! when it never will be. The spool does not look into a payload: it knows no record format and no protocol, and it
//! imports nothing from the rest of the crate.
//!
//! ```text
//!   submit ──► bounded queue ──► one writer thread ──► one write, one fdatasync ──► every waiting caller
//! ```
//!
//! There is no timer: what arrives during one sync is the next commit. While entries come one at a time, a caller takes
//! the writer from its thread and writes its own (`inline_commit`).
//!
//! # On disk
//!
//! `<dir>/lock` is held with `flock` by the process that writes. `<dir>/<first seq as 16 hex digits>.seg` holds a header
//! that names the format (`segment_header`), and frames:
//!
//! ```text
//!   len u32 | crc32c u32 | seq u64 | base u64 | payload        little endian; the CRC covers seq, base and payload
//! ```
//!
//! `base` is the first seq of the commit that the frame belongs to. It tells a torn write from bit rot.
//!
//! Beside the segments are `head` (the last attestation in short), `reserve` (room for a full disk), `<sink>.cursor`
//! (the progress of a consumer) and `*.torn` (what was cut from a torn end).
//!
//! A complete segment is *packed* in the background (`packed`, `keeper`): compressed, with a footer that tells what is in
//! it, so that it takes little room and a start reads the newest segments alone. It keeps its name, and readers see
//! no difference.
//!
//! # Attestor and consumers
//!
//! An [`Attestor`] gets every record when it is on disk, and adds records of its own: first in every segment, at a
//! steady cadence, and last of all. A consumer reads below [`Spool::durable`] and keeps a [`Cursor`];
//! [`Spool::remove_below`] deletes segments that all consumers have.
//!
//! # What holds
//!
//! * **An answer has its record.** A ticket resolves to `Ok` only after `fdatasync` returned for its commit
//!   (`tests/writing.rs::nothing_is_answered_before_the_sync_returns`).
//! * **Commit n+1 is written only after commit n is on disk.** Recovery relies on it: bytes of the last commit may be
//!   torn, bytes that a later commit follows may not
//!   (`tests/recovering.rs::a_frame_of_a_later_commit_after_damage_is_corruption`).
//! * **The sequence has no gaps and never starts again** (`tests/recovering.rs::a_restart_continues_the_sequence`,
//!   `tests/recovering.rs::an_empty_segment_keeps_the_sequence_alive`).
//! * **A frame that was not acknowledged is never read with another meaning.** See `journal::Journal::settle`
//!   (`tests/failing.rs::a_failed_sync_poisons_and_nothing_acknowledged_is_lost`).
//! * **No wait without a bound.** `submit` never blocks. While the spool is full or failed, every entry is refused at
//!   once (`tests/failing.rs::a_full_disk_is_answered_at_once_and_ends_when_there_is_room`).
//! * **No power cut loses a record that was acknowledged, and no state that it can leave is refused**. This is tested
//!   over all states that a replay of the real calls can leave (`tests/crash_states`).
//! * **An attestation never speaks of a record that a power cut could take back**, and a log that ends before its head is
//!   refused (`tests/crash_states`).
//! * **A packed segment takes the place of its file in one step, and gives the same bytes**
//!   (`tests/packing.rs::all_but_the_newest_two_are_packed_and_read_as_before`, `tests/crash_states`).
//! * **Damage in a packed segment is said, and is never read for good**
//!   (`tests/packing.rs::a_start_reads_no_packed_segment_and_the_check_finds_damage_in_it`).
//! * **Nothing is acknowledged from a file that was deleted** (`tests/failing.rs::a_deleted_folder_is_noticed`) or cut
//!   (`tests/failing.rs::a_segment_that_is_cut_is_noticed_before_the_next_answer`).
//! * **What a newer poort wrote is refused by name, and what does not begin as a segment is never cut**
//!   (`tests/recovering.rs::what_does_not_begin_like_a_segment_is_refused_and_left`). What is cut is kept beside
//!   (`tests/recovering.rs::a_torn_tail_is_kept_beside_and_the_newest_few_stay`).
//! * **Record and answer agree.** See [`Entry`]
//!   (`tests/writing.rs::an_entry_whose_deadline_passed_is_written_as_late`).
//!
//! # Limits
//!
//! * A payload must not hold a byte image of a frame. Text without control characters cannot. With binary payloads a
//!   torn tail might be taken for corruption, and the spool would refuse to start; it would not lose anything.
//! * The newest two segments must stay, as [`Spool::remove_below`] leaves them: their names carry the sequence.
//! * A checksum finds rot, not an attacker. That is the attestor's business.

mod attestor;
mod callers_runtime;
mod config;
mod cursor;
mod damage;
mod double_slot;
mod entry;
mod files;
mod folder;
mod frame;
mod handle;
mod indexer;
mod inline_commit;
mod inspect;
mod journal;
mod keeper;
pub mod links;
mod metrics;
mod packed;
mod payload;
pub mod reader;
mod recovery;
mod reserve;
mod retention;
mod segment;
mod segment_bytes;
mod segment_header;
mod segment_scan;
mod start;
mod state;
mod ticket;
mod torn_tail;
mod unsettled;
mod writer;
mod writer_thread;

#[cfg(test)]
mod tests;

pub use attestor::{Attestation, Attestor, Occasion};
pub use config::Config;
pub use cursor::Cursor;
pub use damage::Damage;
pub use entry::{AppendError, Commit, Entry};
pub use folder::Lock;
pub use frame::MAX_PAYLOAD;
pub use handle::Spool;
pub use indexer::{Indexer, Indexing};
pub use inspect::{SegmentFile, cursors, disk_left, is_taken, segment_files};
pub use payload::{Edit, Payload};
pub use recovery::{OpenError, Recovery};
pub use state::{DamagedSegment, State};
pub use ticket::Ticket;

use std::{io, path::Path};

/// The seqs that the segments in this folder begin with, in order.
///
/// # Errors
/// The folder cannot be listed.
pub fn segments(dir: &Path) -> io::Result<Vec<u64>> {
    Ok(segment::list(dir)?.into_iter().map(|segment| segment.first).collect())
}

/// The index of a packed segment. `None` when the segment is not packed, or its index is missing or damaged.
///
/// # Errors
/// The segment cannot be read.
pub fn read_index(segment: &SegmentFile) -> io::Result<Option<Vec<u8>>> {
    packed::read_index(links::open_to_read(&segment.path)?, segment.first)
}

/// What the last attestation left beside the segments: [`Attestation::head`].
///
/// # Errors
/// The file cannot be read.
pub fn read_head(dir: &Path) -> io::Result<Option<Vec<u8>>> {
    double_slot::read(&recovery::head_path(dir))
}

/// Writes a segment as the writer would, whole records in commits of one, for tests of what reads them.
#[cfg(test)]
pub(crate) fn put_segment(dir: &Path, first: u64, payloads: &[Vec<u8>]) {
    let mut bytes = segment_header::encode(first).to_vec();
    for (seq, payload) in (first..).zip(payloads) {
        frame::encode(&mut bytes, seq, seq, &payload.clone().into());
    }
    let _ = std::fs::write(segment::path_of(dir, first), bytes);
}
