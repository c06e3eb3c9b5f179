//! The configuration of the decision log, and the files that it names.

use super::pseudonyms::{Pseudonyms, PseudonymsError};
use crate::record::{
    evidence::{Key, KeyError},
    spool,
};
use std::{collections::BTreeMap, io, path::PathBuf, time::Duration};

/// How the log is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The data folder; the records are in `records` in it.
    pub data: PathBuf,
    /// The size of a segment in bytes, taken from the disk when the segment begins.
    pub segment: u64,
    /// The most that all segments may take, in bytes. When it is reached, nothing is answered any more.
    pub max: u64,
    /// How many records may wait for the disk. One more is refused at once.
    pub queue: usize,
    /// Whether complete segments are compressed.
    pub compress: bool,
    /// The time between two signed checkpoints.
    pub checkpoint: Duration,
    /// The private key that signs them (PEM, PKCS #8). The default is `log-key.pem` in the data folder, which is made
    /// when it is not there; a file that is named here has to be there.
    pub key: Option<PathBuf>,
    /// How long records are kept at least, by the machine's clock and by the log's own (`clock`); without it, for ever.
    pub keep: Option<Duration>,
    /// What becomes of questions while no record can be written.
    pub failure: Failure,
    /// The keys of pseudonyms, one a line. The default is `pseudonym-keys` in the data folder, which is made when it
    /// is not there; a file that is named here has to be there.
    pub pseudonyms: Option<PathBuf>,
    /// Who produces the records (ADL 1.0.0: unambiguous when records leave the organisation), beside the service's name
    /// and version, such as `organisation.oin`.
    pub producer: BTreeMap<String, String>,
}

impl Config {
    /// The defaults, in this data folder.
    ///
    /// Segments of 64 MiB: about 60 000 records, read again in a tenth of a second after a crash. 64 GiB in all: some
    /// sixty million records as they are written, and several times as many packed, so that a full log is a matter of
    /// weeks and not of a busy afternoon. 8192 waiting records: what one disk takes in about a tenth of a second. A
    /// checkpoint each ten seconds: that much of the newest is not proven yet, for some six megabytes a day.
    #[must_use]
    pub fn new(data: PathBuf) -> Self {
        Self {
            data,
            segment: 64 << 20,
            max: 64 << 30,
            queue: 8192,
            compress: true,
            checkpoint: Duration::from_secs(10),
            key: None,
            keep: None,
            failure: Failure::Closed,
            pseudonyms: None,
            producer: BTreeMap::new(),
        }
    }

    /// The key that signs the checkpoints. One is made only for a log that has no records yet, or where `may_make`
    /// says so.
    ///
    /// # Errors
    /// It cannot be read, or not be made.
    pub fn read_key(&self, may_make: bool) -> Result<Key, KeyError> {
        match &self.key {
            Some(path) => Key::read(path),
            None if may_make || self.is_new() => Key::read_or_make(&self.key_path()),
            None => Key::read_own(&self.key_path()),
        }
    }

    /// Whether there is no log yet: no segment, and no head of one.
    #[must_use]
    pub fn is_new(&self) -> bool {
        let records = self.records();
        // A folder that cannot be listed does not count as new.
        let is_empty = spool::segments(&records)
            .map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |found| found.is_empty());
        is_empty && matches!(spool::read_head(&records), Ok(None))
    }

    /// The path of the key.
    #[must_use]
    pub fn key_path(&self) -> PathBuf {
        self.key.clone().unwrap_or_else(|| self.data.join("log-key.pem"))
    }

    /// The keys of pseudonyms. One is made only for a log that has no records yet, or where `may_make` says so.
    ///
    /// # Errors
    /// They cannot be read, or not be made.
    pub fn read_pseudonyms(&self, may_make: bool) -> Result<Pseudonyms, PseudonymsError> {
        match &self.pseudonyms {
            Some(path) => Pseudonyms::read(path),
            None if may_make || self.is_new() => Pseudonyms::read_or_make(&self.pseudonyms_path()),
            None => Pseudonyms::read_own(&self.pseudonyms_path()),
        }
    }

    /// The path of the keys of pseudonyms.
    #[must_use]
    pub fn pseudonyms_path(&self) -> PathBuf {
        self.pseudonyms.clone().unwrap_or_else(|| self.data.join("pseudonym-keys"))
    }

    /// The folder of the records.
    #[must_use]
    pub fn records(&self) -> PathBuf {
        self.data.join("records")
    }
}

/// What becomes of questions while no record can be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Failure {
    /// None is answered.
    #[default]
    Closed,
    /// They are answered without a record; what is missing is recorded as soon as that is possible.
    Open,
}
