//! An export: records in a file that a pipeline stored, to be read without the folder of the log.
//!
//! A line of the file is a record, as `poort log cat` or a JSON Lines sink writes it. Or it is an OTLP export in JSON, with
//! the records as the bodies of log records. The file can be compressed with gzip or Zstandard. Its first bytes say so.

use super::verify::line::Line;
use crate::types::escape;
use std::{
    borrow::Cow,
    collections::VecDeque,
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::Path,
};

/// The longest line that is read, in bytes.
const LINE: u64 = 256 << 20;

/// Opens a file for reading, decompressed; `-` is standard input.
///
/// # Errors
/// It cannot be opened.
pub fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let file: Box<dyn BufRead> = match path == Path::new("-") {
        true => Box::new(BufReader::new(io::stdin())),
        false => Box::new(BufReader::new(File::open(path)?)),
    };
    // One read of a pipe can give fewer bytes.
    let mut start = Vec::new();
    let mut file = file.take(4);
    file.read_to_end(&mut start)?;
    let file: Box<dyn BufRead> = Box::new(io::Cursor::new(start.clone()).chain(file.into_inner()));
    Ok(match *start {
        [0x1f, 0x8b, ..] => Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(file))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(BufReader::new(zstd::stream::read::Decoder::with_buffer(file)?)),
        _ => file,
    })
}

/// What is in an export.
#[derive(Debug, PartialEq, Eq)]
pub enum Exported {
    /// A record, byte for byte as the log has it.
    Record(Vec<u8>),
    /// A line with this number that is no record.
    Stray(u64),
}

/// The records of an export in the order of the file, each as often as it is there.
pub struct Export<'f> {
    file: Box<dyn BufRead + 'f>,
    line: Vec<u8>,
    number: u64,
    found: VecDeque<Exported>,
}

impl std::fmt::Debug for Export<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export").field("number", &self.number).finish_non_exhaustive()
    }
}

impl<'f> Export<'f> {
    /// The records of this file.
    #[must_use]
    pub fn new(file: Box<dyn BufRead + 'f>) -> Self {
        Self { file, line: Vec::new(), number: 0, found: VecDeque::new() }
    }

    /// The number of the line that was read last, from one.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.number
    }

    /// Reads a line. Returns whether there was one.
    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        self.number = self.number.saturating_add(1);
        if self.file.by_ref().take(LINE).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(false);
        }
        let text = self.line.trim_ascii();
        match Line::parse(text) {
            _ if text.is_empty() => {}
            Some(Line::Record) => {
                // `log cat` prints what does not show in JSON's own way; the record has it as it is.
                let record = str::from_utf8(text).map_or(Cow::Borrowed(""), escape::from_json);
                self.found.push_back(Exported::Record(record.into_owned().into_bytes()));
            }
            Some(Line::Export(bodies)) => {
                let number = self.number;
                self.found.extend(bodies.into_iter().map(|body| match body.is_empty() {
                    true => Exported::Stray(number),
                    false => Exported::Record(body.into_owned().into_bytes()),
                }));
            }
            None => self.found.push_back(Exported::Stray(self.number)),
        }
        Ok(true)
    }
}

impl Iterator for Export<'_> {
    type Item = io::Result<Exported>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Some(Ok(found));
            }
            match self.read_line() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn records_come_out_of_every_form_and_compression() {
        let record = "{\"body\":\"\u{202e}a\",\"event_name\":\"adl.access_evaluation\"}";
        let otlp = serde_json::json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
            {"body": {"stringValue": record}}, {"body": {}},
        ]}]}]});
        let text = format!("{}\n\n{otlp}\nnothing\n", escape::json(record));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        let zstd = zstd::stream::encode_all(text.as_bytes(), 3).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [("plain", text.into_bytes()), ("gzip", gzip.finish().unwrap()), ("zstd", zstd)] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let found: Vec<_> = Export::new(open(&path).unwrap()).map(Result::unwrap).collect();
            let whole = || Exported::Record(record.as_bytes().to_vec());
            assert_eq!(found, [whole(), whole(), Exported::Stray(3), Exported::Stray(4)], "{name}");
        }
    }

    #[test]
    fn a_compressed_file_that_is_cut_off_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut");
        let whole = zstd::stream::encode_all("{\"event_name\":\"x\"}\n".repeat(1000).as_bytes(), 3).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        assert!(Export::new(open(&path).unwrap()).any(|found| found.is_err()));
    }
}
