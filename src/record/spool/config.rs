//! The configuration of a spool, and the intervals of its writer.

use super::indexer::Indexing;
use std::{path::PathBuf, time::Duration};

/// How a spool is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the spool. It is made when it does not exist; then its parent is synced.
    pub dir: PathBuf,
    /// The size of a segment, which is taken from the disk in advance.
    pub segment_bytes: u64,
    /// The most that all segments may take together. It should hold several segments: a new one is made only when all
    /// of it fits. A warning is logged when less than a fifth is left.
    pub max_bytes: u64,
    /// How many entries may wait for the writer. One more is answered with `QueueFull`.
    pub queue: usize,
    /// Whether complete segments are compressed when they are packed.
    pub compress: bool,
    /// Makes the index of each packed segment, if there is to be one.
    pub indexing: Option<Indexing>,
}

impl Config {
    /// 64 MiB: a new segment each minute or so under heavy load, and recovery reads one in well under a second.
    pub const DEFAULT_SEGMENT_BYTES: u64 = 64 << 20;
    /// Ten segments.
    pub const DEFAULT_MAX_BYTES: u64 = 10 * Self::DEFAULT_SEGMENT_BYTES;
    /// About a tenth of a second of work for one disk.
    pub const DEFAULT_QUEUE: usize = 8192;

    /// A configuration with the default sizes.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            segment_bytes: Self::DEFAULT_SEGMENT_BYTES,
            max_bytes: Self::DEFAULT_MAX_BYTES,
            queue: Self::DEFAULT_QUEUE,
            compress: true,
            indexing: None,
        }
    }
}

/// The intervals of the writer. Only tests choose others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Between two checks that the files are still the same, while the spool is writable.
    pub(super) check: Duration,
    /// Between two attempts to write again, while it is not.
    pub(super) probe: Duration,
    /// After so many commits of one entry in a row, callers may write their entries themselves (`inline_commit`).
    pub(super) alone: u32,
    /// After a commit that took longer, the thread writes the next one: it may take much longer still.
    pub(super) slow: Duration,
    /// Between two checks of the thread whether a caller has the writer, while callers may have it.
    pub(super) glance: Duration,
    /// Between two looks of the keeper for complete segments. `None`: there is no keeper.
    pub(super) keep: Option<Duration>,
}

impl Pace {
    pub(super) const SERVING: Self = Self {
        // A deleted folder must be noticed within about a second.
        check: Duration::from_secs(1),
        // Short enough to be back soon after room was made, long enough to cost nothing.
        probe: Duration::from_millis(250),
        // Under load a commit holds many entries, and by chance now and then one.
        alone: 8,
        // Many times what a healthy disk takes.
        slow: Duration::from_millis(5),
        // A disk that hangs holds up a health check for so long at most.
        glance: Duration::from_millis(100),
        // A segment is complete each minute or so under heavy load.
        keep: Some(Duration::from_secs(5)),
    };
}
