//! File descriptors: raises the soft limit to the hard one, and keeps some for files that are no connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What poort needs beside connections: the operators' port, segments that are written, read and shipped, files that are
/// reloaded, sinks, standard streams.
const RESERVED: u64 = 128;

/// Raises the soft limit to the hard one. Gives the limit that holds then; `None`: no limit.
pub fn raise_limit() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        // An unlimited number is not taken everywhere.
        Err(_) => current,
    }
}

/// How many of these connections leave room for what else needs descriptors.
#[must_use]
pub fn connections_within(limit: Option<u64>, connections: usize) -> usize {
    let room = limit.map_or(u64::MAX, |limit| limit.saturating_sub(RESERVED).max(1));
    connections.min(usize::try_from(room).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room() {
        assert_eq!(connections_within(None, 1024), 1024);
        assert_eq!(connections_within(Some(1 << 20), 1024), 1024);
        assert_eq!(connections_within(Some(1024), 1024), 896);
        assert_eq!(connections_within(Some(64), 1024), 1);
    }
}
