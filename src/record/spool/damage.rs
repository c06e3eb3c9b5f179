//! Damage: what can be wrong with a file of the spool.

use rustix::io::Errno;
use std::{error::Error, fmt, io};

/// What is wrong with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// A record of a later commit follows bytes that are no record. So what was there was on disk, and is not now.
    RecordsLost,
    /// Bytes that are no record, in a segment that has a successor and so was complete.
    NoRecord,
    /// It is in a format that this version does not know.
    Newer {
        /// Which.
        format: u32,
        /// The newest that it knows.
        known: u32,
    },
    /// It does not begin as a segment of any format.
    Foreign,
    /// Its header is not what was written.
    Header,
    /// The footer of a packed segment is not what was written.
    Footer,
    /// A part of a packed segment cannot be unpacked.
    Packed,
    /// A packed segment holds something else than its footer says.
    NotAsPacked,
    /// The disk cannot read it.
    Unreadable,
    /// The segment does not begin where the one before ended.
    OutOfPlace {
        /// The seq that it should begin with.
        expected: u64,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RecordsLost => f.write_str("records that were on disk cannot be read"),
            Self::NoRecord => f.write_str("there are bytes that are no record"),
            Self::Newer { format, known } => write!(
                f,
                "it was written by a newer poort (format {format}), and this one reads formats up to {known}: start that \
                 version again, or begin in another data folder"
            ),
            Self::Foreign => f.write_str("it does not begin as a segment of poort does"),
            Self::Header => f.write_str("its header is not what was written"),
            Self::Footer => f.write_str("its footer is not what was written"),
            Self::Packed => f.write_str("a part of it cannot be unpacked"),
            Self::NotAsPacked => f.write_str("it does not hold what its footer says"),
            Self::Unreadable => f.write_str("the disk cannot read it"),
            Self::OutOfPlace { expected } => write!(f, "the segment should begin with record {expected}"),
        }
    }
}

impl Error for Damage {}

impl From<Damage> for io::Error {
    fn from(damage: Damage) -> Self {
        Self::new(io::ErrorKind::InvalidData, damage)
    }
}

impl Damage {
    /// The damage that an error is of, if it is of any.
    pub(super) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }

    /// The same for an error of a read: what the disk cannot read is as lost as what it reads wrongly.
    pub(super) fn of_read(error: &io::Error) -> Option<Self> {
        Self::of(error).or_else(|| (Errno::from_io_error(error) == Some(Errno::IO)).then_some(Self::Unreadable))
    }

    /// An error of a read, as damage if it is that.
    pub(super) fn or_unreadable(error: io::Error) -> io::Error {
        Self::of_read(&error).map_or(error, io::Error::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_disk_cannot_read_is_damage() {
        let read = |error: Errno| Damage::of(&Damage::or_unreadable(error.into()));
        assert_eq!(read(Errno::IO), Some(Damage::Unreadable));
        assert_eq!([Errno::ACCESS, Errno::NOENT, Errno::INTR].map(read), [None; 3]);
        assert_eq!(Damage::of(&Damage::or_unreadable(Damage::Footer.into())), Some(Damage::Footer));
    }
}
