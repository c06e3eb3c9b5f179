//! Chunks: the parts of files that revisions share, each stored once, under the digest of its content.
//!
//! A file is cut where its content says so (FastCDC), so a change moves no cut but those beside it. A directory in which one
//! account changes adds a chunk or two. `chunks/<sha256>.zst` is a Zstandard frame: `zstd -dc` prints the chunk, and
//! `sha256sum` of that is its name.

use fastcdc::v2020::FastCDC;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// The folder of the chunks in the archive.
const FOLDER: &str = "chunks";
/// The ending of a chunk's name.
const ENDING: &str = ".zst";
/// The usual level of Zstandard: a directory shrinks to a tenth or less, at hundreds of megabytes a second.
const LEVEL: i32 = 3;
/// The largest chunk that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// The name of a chunk: the SHA-256 of its content, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct ChunkId(String);

impl ChunkId {
    pub(super) fn of(content: &[u8]) -> Self {
        Self(format!("{:x}", Sha256::digest(content)))
    }

    /// `None` if it is no name of a chunk.
    pub(super) fn parse(digits: &str) -> Option<Self> {
        let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (digits.len() == 64 && is_hex).then(|| Self(digits.to_owned()))
    }

    pub(super) fn digits(&self) -> &str {
        &self.0
    }

    /// The file that holds it, in this archive.
    pub(super) fn path(&self, archive: &Path) -> PathBuf {
        archive.join(FOLDER).join(format!("{}{ENDING}", self.0))
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FOLDER}/{}{ENDING}", self.0)
    }
}

/// The folder of the chunks in this archive.
pub(super) fn folder(archive: &Path) -> PathBuf {
    archive.join(FOLDER)
}

/// The chunk that a file of this name holds.
pub(super) fn named(name: &str) -> Option<ChunkId> {
    ChunkId::parse(name.strip_suffix(ENDING)?)
}

/// A chunk as its file holds it.
pub(super) fn pack(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = zstd::bulk::compress(content, LEVEL)?;
    // Zstandard asks for the room of the worst case. A recording would hold the whole directory.
    packed.shrink_to_fit();
    Ok(packed)
}

/// Reads a chunk.
///
/// # Errors
/// It is not there, or its content is not the one that its name says.
pub(super) fn read(archive: &Path, id: &ChunkId) -> io::Result<Vec<u8>> {
    let content = zstd::bulk::decompress(&fs::read(id.path(archive))?, LARGEST)?;
    if ChunkId::of(&content) == *id {
        Ok(content)
    } else {
        Err(io::Error::other("has another content than its name says"))
    }
}

/// Smallest, usual and largest size of chunks, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    least: usize,
    usual: usize,
    most: usize,
}

/// Chunks of files. A directory of 300 MB has some 2 300, and a change of one account adds one of them, some 10 KB compressed.
pub(super) const OF_FILES: Sizes = Sizes { least: 32 << 10, usual: 128 << 10, most: 512 << 10 };
/// Chunks of lists of chunks, 65 bytes a name: else each revision of that directory would add a list of 150 KB.
pub(super) const OF_LISTS: Sizes = Sizes { least: 1 << 10, usual: 4 << 10, most: 16 << 10 };

/// Cuts a stream of bytes into chunks.
#[derive(Debug)]
pub(super) struct Cutter {
    sizes: Sizes,
    /// What is not cut yet, from `start`.
    rest: Vec<u8>,
    start: usize,
}

impl Cutter {
    pub(super) const fn new(sizes: Sizes) -> Self {
        Self { sizes, rest: Vec::new(), start: 0 }
    }

    /// More bytes of the stream. `each` gets the chunks that are complete.
    pub(super) fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(&[u8])) {
        self.rest.extend_from_slice(bytes);
        while self.left().len() >= self.sizes.most {
            self.cut(each);
        }
        self.rest.drain(..std::mem::take(&mut self.start));
    }

    /// The end of the stream. The next bytes begin another.
    pub(super) fn end(&mut self, each: &mut dyn FnMut(&[u8])) {
        while !self.left().is_empty() {
            self.cut(each);
        }
        self.rest.clear();
        self.start = 0;
    }

    fn left(&self) -> &[u8] {
        self.rest.get(self.start..).unwrap_or_default()
    }

    fn cut(&mut self, each: &mut dyn FnMut(&[u8])) {
        let Sizes { least, usual, most } = self.sizes;
        let left = self.left();
        let (_, length) = FastCDC::new(left, least, usual, most).cut(0, left.len());
        // A cut of nothing would not end.
        let length = length.clamp(1, left.len());
        each(left.get(..length).unwrap_or_default());
        self.start = self.start.saturating_add(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(sizes: Sizes, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut cutter, mut chunks) = (Cutter::new(sizes), Vec::new());
        for piece in pieces {
            cutter.push(piece, &mut |chunk| chunks.push(chunk.to_vec()));
        }
        cutter.end(&mut |chunk| chunks.push(chunk.to_vec()));
        chunks
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn cuts_depend_on_the_content_and_not_on_its_pieces(bytes in proptest::collection::vec(0_u8..4, 0..60_000), at in any::<usize>()) {
            let (one, other) = bytes.split_at(at % (bytes.len() + 1));
            let chunks = cut(OF_LISTS, &[&bytes]);
            prop_assert_eq!(&chunks, &cut(OF_LISTS, &[one, other]));
            prop_assert_eq!(chunks.concat(), bytes);
            prop_assert!(chunks.iter().all(|chunk| chunk.len() <= OF_LISTS.most));
        }
    }

    #[test]
    fn a_change_in_the_middle_changes_few_chunks() {
        let line = |number: usize| {
            format!("{{\"id\":\"account-{number:06}\",\"digest\":\"{}\"}}\n", ChunkId::of(&number.to_be_bytes()).0)
        };
        let text = |changed: usize| {
            (0..40_000).map(|number| line(if number == changed { 99_999 } else { number })).collect::<String>()
        };
        let chunks = |text: String| cut(OF_FILES, &[text.as_bytes()]);
        let (before, after) = (chunks(text(usize::MAX)), chunks(text(20_000)));
        assert!(before.len() > 20, "{}", before.len());
        assert!(after.iter().filter(|chunk| !before.contains(chunk)).count() <= 2);
    }

    #[test]
    fn a_chunk_with_another_content_is_refused() {
        let archive = tempfile::tempdir().unwrap();
        let id = ChunkId::of(b"one");
        fs::create_dir(folder(archive.path())).unwrap();
        assert_eq!(read(archive.path(), &id).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::write(id.path(archive.path()), pack(b"two").unwrap()).unwrap();
        assert!(read(archive.path(), &id).unwrap_err().to_string().contains("another content"));
        fs::write(id.path(archive.path()), pack(b"one").unwrap()).unwrap();
        assert_eq!(read(archive.path(), &id).unwrap(), b"one");
        assert_eq!(id.path(archive.path()).file_name().and_then(|name| named(name.to_str()?)), Some(id));
    }

    #[test]
    fn a_packed_chunk_takes_the_memory_of_what_it_holds() {
        let packed = pack(&[b'a'; 100_000]).unwrap();
        assert!(packed.capacity() < 1_000, "{} bytes for {}", packed.capacity(), packed.len());
    }
}
