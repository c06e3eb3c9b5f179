//! The archive of a bundle: a ustar file of named texts, with exactly one form for each content.
//!
//! Members are sorted by name; times, owners and modes are fixed. So the same content is the same bytes on every machine.
//!
//! **Invariant:** [`read`] takes what [`write`] writes, byte for byte, and nothing else: no link, folder, extension, duplicate,
//! other order, other header or trailing byte (`src/sources/bundle/tests/archive.rs::only_what_was_written_is_read`).

use super::refusal::{Code, Refusal};
use crate::types::problem::open_regular;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read as _},
    path::Path,
};

/// The largest archive, in bytes: fifty times a bundle of 173 policies with tests.
pub const LARGEST: u64 = 16 << 20;

/// The most members.
const MOST: usize = 10_000;

/// The longest name, in bytes: what the name field of ustar holds.
const LONGEST: usize = 100;

const BLOCK: usize = 512;

/// Where a header has the name and the size.
const NAME: std::ops::Range<usize> = 0..LONGEST;
const SIZE: std::ops::Range<usize> = 124..136;

/// The members of an archive: texts by name.
pub type Members = BTreeMap<String, String>;

/// Reads a file of at most [`LARGEST`] bytes, once.
///
/// # Errors
/// It cannot be read, is no regular file, or is larger.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let (file, _) = open_regular(path)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    let is_larger = bytes.len() as u64 > LARGEST;
    if is_larger { Err(io::Error::other(format!("is larger than {LARGEST} bytes"))) } else { Ok(bytes) }
}

/// Writes an archive.
///
/// # Errors
/// A name or the whole cannot be in one.
pub fn write(members: &Members) -> Result<Vec<u8>, Refusal> {
    check_names(members.keys())?;
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in members {
        archive
            .append(&header(name, text.len() as u64)?, text.as_bytes())
            .map_err(|error| refused(error.to_string()))?;
    }
    let bytes = archive.into_inner().map_err(|error| refused(error.to_string()))?;
    if bytes.len() as u64 > LARGEST { Err(too_large(bytes.len())) } else { Ok(bytes) }
}

fn header(name: &str, size: u64) -> Result<tar::Header, Refusal> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).map_err(|error| refused(format!("`{name}`: {error}")))?;
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    Ok(header)
}

/// Reads an archive.
///
/// # Errors
/// It is not one that [`write`] writes.
pub fn read(bytes: &[u8]) -> Result<Members, Refusal> {
    if bytes.len() as u64 > LARGEST {
        return Err(too_large(bytes.len()));
    }
    let mut members = Members::new();
    let mut rest = bytes;
    while let Some((found, after)) = rest.split_first_chunk::<BLOCK>() {
        if found.iter().all(|byte| *byte == 0) {
            break;
        }
        let (name, size) = name_and_size(found).ok_or_else(|| refused("a header is damaged"))?;
        let expected = header(name, size)?;
        if expected.as_bytes() != found {
            return Err(refused(format!("`{name}` is no plain file as poort writes it: its header has more or else")));
        }
        let padded = usize::try_from(size).ok().and_then(|size| size.checked_next_multiple_of(BLOCK));
        let (content, after) = padded
            .and_then(|padded| after.split_at_checked(padded))
            .ok_or_else(|| refused(format!("`{name}` is cut off")))?;
        let (content, padding) = content.split_at(usize::try_from(size).unwrap_or_default().min(content.len()));
        if padding.iter().any(|byte| *byte != 0) {
            return Err(refused(format!("bytes are hidden behind `{name}`")));
        }
        let text = str::from_utf8(content).map_err(|_| refused(format!("`{name}` is not UTF-8")))?;
        if members.last_key_value().is_some_and(|(last, _)| last.as_str() >= name) {
            return Err(refused(format!("`{name}` is there twice or out of order")));
        }
        if members.len() >= MOST {
            return Err(refused(format!("it has more than {MOST} members")));
        }
        members.insert(name.to_owned(), text.to_owned());
        rest = after;
    }
    if rest.len() != 2 * BLOCK || rest.iter().any(|byte| *byte != 0) {
        return Err(refused("it does not end as an archive ends: it is cut off, or bytes follow"));
    }
    check_names(members.keys())?;
    Ok(members)
}

fn name_and_size(header: &[u8; BLOCK]) -> Option<(&str, u64)> {
    let name = header.get(NAME)?.split(|byte| *byte == 0).next()?;
    let size = str::from_utf8(header.get(SIZE)?).ok()?;
    Some((str::from_utf8(name).ok()?, u64::from_str_radix(size.trim_end_matches('\0'), 8).ok()?))
}

/// Names are plain paths that every file system keeps apart.
fn check_names<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), Refusal> {
    let mut files = BTreeSet::new();
    let mut folders = BTreeSet::new();
    for name in names {
        if !is_plain(name) {
            return Err(refused(format!(
                "`{name}` is no name for a member: at most {LONGEST} ASCII letters, digits and `._-` between slashes, no part \
                 of it hidden"
            )));
        }
        let folded = name.to_ascii_lowercase();
        folders.extend(folded.match_indices('/').filter_map(|(at, _)| folded.get(..at)).map(str::to_owned));
        if !files.insert(folded) {
            return Err(refused(format!("`{name}` differs from another member in upper and lower case alone")));
        }
    }
    match files.intersection(&folders).next() {
        Some(name) => Err(refused(format!("`{name}` is a file and a folder"))),
        None => Ok(()),
    }
}

fn is_plain(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    name.len() <= LONGEST && name.split('/').all(is_part)
}

fn too_large(length: usize) -> Refusal {
    refused(format!("it has {length} bytes; {LARGEST} is the most"))
}

fn refused(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::Archive, message)
}
