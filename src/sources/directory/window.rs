//! A window on a file of entities: reads it from start to end, a block at a time, and finds each entity in it.
//!
//! **Why.** A directory of 100 000 accounts is 300 MB of JSON, and a tenth of that when it is read. So no more of a file is
//! held than its longest entity. What a person sees of a mistake is the same: its text with the lines around it, line and column.
//!
//! **Invariant:** `serde_json` reads the elements of the list, and its messages are those that it has for the whole file
//! (`tests/reading.rs`).

use super::sources::{Observer, Opened};
use crate::types::{
    problem::{BYTE_ORDER_MARK, Place, Problem, SourceFile, json_place, not_utf8},
    revision::Digester,
};
use serde_json::value::RawValue;
use std::{io::Read as _, ops::Range, sync::Arc};

/// How much is read at once, in bytes: some eighty accounts.
const BLOCK: usize = if cfg!(test) { 64 } else { 256 << 10 };
/// How much is kept around an entity to show it, in bytes: a line before and a line after, if they are no longer.
const AROUND: usize = 2 << 10;
/// How far a value is read that is there instead of a list, in bytes.
const LONGEST: usize = 16 << 20;
/// The help of a mistake in the form of a file.
const FORM: &str = "a list of entities: [{\"uid\": {\"type\": …, \"id\": …}, \"attrs\": {…}, \"parents\": […]}]";

/// What comes next in the list.
#[derive(Debug, Clone, Copy)]
enum Expected {
    Start,
    FirstOrEnd,
    CommaOrEnd,
    Nothing,
}

/// A part of a file that is being read.
pub(super) struct Window<'a> {
    name: Arc<str>,
    opened: Opened<'a>,
    observer: &'a mut dyn Observer,
    digest: &'a mut Digester,
    /// How many bytes are still to come.
    left: u64,
    text: Vec<u8>,
    /// What of the file is before `text`.
    before: Place,
    offset: u64,
    /// So many bytes of `text` are known to be UTF-8.
    valid: usize,
    at: usize,
    expected: Expected,
}

impl<'a> Window<'a> {
    /// Opens the window on the file with this name.
    pub(super) fn new(
        name: Arc<str>,
        mut opened: Opened<'a>,
        observer: &'a mut dyn Observer,
        digest: &'a mut Digester,
    ) -> Result<Self, Box<Problem>> {
        let mut text = Vec::new();
        let read = opened.bytes.by_ref().take(opened.length.min(BYTE_ORDER_MARK.len() as u64)).read_to_end(&mut text);
        read.map_err(|error| unreadable(&name, &error.to_string()))?;
        if text == BYTE_ORDER_MARK {
            text.clear();
            opened.length = opened.length.saturating_sub(3);
        }
        digest.content_of(opened.length);
        digest.bytes(&text);
        observer.bytes(&text);
        let left = opened.length.saturating_sub(text.len() as u64);
        let (before, expected) = (Place::default(), Expected::Start);
        let mut window =
            Self { name, opened, observer, digest, left, text, before, offset: 0, valid: 0, at: 0, expected };
        window.check()?;
        Ok(window)
    }

    /// The next entity, as a part of the window. `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Range<usize>>, Box<Problem>> {
        self.drop_behind();
        loop {
            let next = self.peek()?;
            self.expected = match (self.expected, next) {
                (Expected::Start, Some(b'[')) => Expected::FirstOrEnd,
                (Expected::FirstOrEnd | Expected::CommaOrEnd, Some(b']')) => Expected::Nothing,
                (Expected::FirstOrEnd, Some(_)) => return self.element("[").map(Some),
                (Expected::CommaOrEnd, Some(b',')) => {
                    self.at += 1;
                    self.peek()?;
                    return self.element("[0,").map(Some);
                }
                (Expected::Nothing, None) => return Ok(None),
                (Expected::Start, _) => return Err(self.malformed("")),
                (Expected::FirstOrEnd, _) => return Err(self.malformed("[")),
                (Expected::CommaOrEnd, _) => return Err(self.malformed("[0 ")),
                (Expected::Nothing, _) => return Err(self.malformed("[]")),
            };
            self.at += 1;
        }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Result<Option<u8>, Box<Problem>> {
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let skipped = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
            self.at += skipped.unwrap_or(rest.len());
            match skipped {
                Some(_) => return Ok(self.text.get(self.at).copied()),
                None if self.read_block()? => {}
                None => return Ok(None),
            }
        }
    }

    /// The element that begins here. `before` is a list up to here, as the reader of JSON knows it.
    fn element(&mut self, before: &str) -> Result<Range<usize>, Box<Problem>> {
        let mut seen = None;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let mut elements = serde_json::Deserializer::from_slice(rest).into_iter::<&RawValue>();
            let found = elements.next();
            let end = self.at + elements.byte_offset();
            match found {
                // A number goes on where the window ends.
                Some(Ok(_)) if end < self.text.len() || self.left == 0 => {
                    self.expected = Expected::CommaOrEnd;
                    return Ok(std::mem::replace(&mut self.at, end)..end);
                }
                // A number that is cut counts as wrong, so only what is wrong with more of the text too is.
                Some(Err(error)) => {
                    let wrong = (!error.is_eof()).then(|| (error.line(), error.column()));
                    if self.left == 0 || (wrong.is_some() && wrong == seen) {
                        return Err(self.malformed(before));
                    }
                    seen = wrong;
                }
                _ => {}
            }
            if !self.read_block()? && self.left == 0 && self.at >= self.text.len() {
                return Err(self.malformed(before));
            }
        }
    }

    /// Drops what is behind, and reads more. Returns whether there was more.
    fn read_block(&mut self) -> Result<bool, Box<Problem>> {
        self.drop_behind();
        self.read_more()
    }

    fn drop_behind(&mut self) {
        let mut end = self.at.saturating_sub(AROUND);
        // A character stays whole.
        while self.text.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
            end = end.saturating_sub(1);
        }
        if end < BLOCK / 2 {
            return;
        }
        self.before = self.before.behind(self.text.get(..end).unwrap_or_default());
        self.text.drain(..end);
        self.offset = self.offset.saturating_add(end as u64);
        (self.at, self.valid) = (self.at - end, self.valid.saturating_sub(end));
    }

    fn read_more(&mut self) -> Result<bool, Box<Problem>> {
        let start = self.text.len();
        // A long element is parsed again after each read, so each read doubles what there is of it.
        let wanted = self.left.min(BLOCK.max(start.saturating_sub(self.at)) as u64);
        let read = self.opened.bytes.by_ref().take(wanted).read_to_end(&mut self.text);
        let read = read.map_err(|error| unreadable(&self.name, &error.to_string()))?;
        // A file that grows is read up to the length that it had, and is looked at again.
        if (read as u64) < wanted {
            return Err(unreadable(&self.name, "it became shorter while it was read; it is tried again"));
        }
        self.left -= wanted;
        let new = self.text.get(start..).unwrap_or_default();
        self.digest.bytes(new);
        self.observer.bytes(new);
        self.check()?;
        Ok(wanted > 0)
    }

    /// Checks that what was read is UTF-8. A character can go on in the next block.
    fn check(&mut self) -> Result<(), Box<Problem>> {
        let unchecked = self.text.get(self.valid..).unwrap_or_default();
        match str::from_utf8(unchecked) {
            Ok(_) => self.valid = self.text.len(),
            Err(error) => {
                self.valid += error.valid_up_to();
                if error.error_len().is_some() || self.left == 0 {
                    let start = if self.offset == 0 { self.text.as_slice() } else { &[] };
                    let place = self.offset.saturating_add(self.valid as u64);
                    return Err(Box::new(not_utf8("directory::not-utf8", &self.name, start, place)));
                }
            }
        }
        Ok(())
    }

    /// How many bytes it holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.text.len()
    }

    /// The text of an entity.
    pub(super) fn text(&self, place: Range<usize>) -> &str {
        self.text.get(place).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default()
    }

    /// A problem at this place in the window. `make` gets the file's text around the place, and the place in that.
    pub(super) fn problem(
        &mut self,
        place: Range<usize>,
        make: impl FnOnce(&SourceFile, Range<usize>) -> Problem,
    ) -> Problem {
        // What cannot be read shows up when it is read.
        while self.text.len() < place.end + AROUND && self.left > 0 && self.read_more().is_ok() {}
        let text = str::from_utf8(self.text.get(..self.valid).unwrap_or_default()).unwrap_or_default();
        let around = around(text, &place);
        let first = self.before.behind(text.get(..around.start).unwrap_or_default().as_bytes());
        let file = SourceFile { name: self.name.clone(), text: text.get(around.clone()).unwrap_or_default().into() };
        let place = place.start.saturating_sub(around.start)..place.end.saturating_sub(around.start);
        make(&file, place).first_at(first)
    }

    /// What is wrong with the form of the file here, in the words that the reader of JSON has for a list that begins with
    /// `before`.
    fn malformed(&mut self, before: &str) -> Box<Problem> {
        let mut seen = String::new();
        let (text, error) = loop {
            let rest = self.text.get(self.at..self.valid).unwrap_or_default();
            let text = String::from_utf8([before.as_bytes(), rest].concat()).unwrap_or_default();
            match serde_json::from_str::<Vec<&RawValue>>(&text) {
                // All that is wrong is a character that goes on in the next block.
                Ok(_) if self.left > 0 => {
                    if let Err(problem) = self.read_block() {
                        return problem;
                    }
                }
                // What is there instead of a list goes on where the window ends.
                Err(error)
                    if self.left > 0 && text.len() < LONGEST && (error.is_eof() || error.to_string() != seen) =>
                {
                    seen = error.to_string();
                    if let Err(problem) = self.read_block() {
                        return problem;
                    }
                }
                Err(error) => break (text, error),
                Ok(_) => return unreadable(&self.name, "is no list of entities"),
            }
        };
        // The message names line and column, which are those of the file.
        let here = self.before.behind(self.text.get(..self.at).unwrap_or_default());
        let (line, column) = match error.line() {
            1 => (here.lines + 1, here.bytes + error.column().saturating_sub(before.len())),
            line => (here.lines + line, error.column()),
        };
        let start = match error.line() {
            // At the end of the file, this is the last character, which can be behind.
            1 => (self.at + column.saturating_sub(1)).saturating_sub(here.bytes),
            _ => self.at + json_place(&text, &error).start.saturating_sub(before.len()),
        };
        let is_whole = |at: &usize| self.text.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
        let start = (0..=start.min(self.valid)).rev().find(is_whole).unwrap_or_default();
        let end = (start + 1..=self.valid).find(is_whole).unwrap_or(self.valid);
        let message = error.to_string();
        let what = message.strip_suffix(&format!(" at line {} column {}", error.line(), error.column()));
        let message = what.map_or_else(|| message.clone(), |what| format!("{what} at line {line} column {column}"));
        let make =
            |file: &SourceFile, place| Problem::error("directory::syntax", file, message).at(place, "here").help(FORM);
        Box::new(self.problem(start..end, make))
    }
}

/// The text around a place: from the line before it to the line after it, if they are not too long.
fn around(text: &str, place: &Range<usize>) -> Range<usize> {
    let least = (place.start.saturating_sub(AROUND)..=place.start).find(|at| text.is_char_boundary(*at));
    let least = least.unwrap_or(place.start);
    let most = (place.end..=(place.end + AROUND).min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    let most = most.unwrap_or(text.len());
    let before = text.get(least..place.start).unwrap_or_default();
    let after = text.get(place.end..most).unwrap_or_default();
    let start = before.rmatch_indices('\n').nth(1).map_or(least, |(at, _)| least + at + 1);
    let end = after.match_indices('\n').nth(1).map_or(most, |(at, _)| place.end + at + 1);
    start..end
}

pub(super) fn unreadable(name: &str, why: &str) -> Box<Problem> {
    let help = "put a file there, and let the account that runs poort read it";
    Box::new(Problem::unreadable("directory::unreadable", name, format!("cannot be read: {why}")).help(help))
}

impl std::fmt::Debug for Window<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window").field("name", &self.name).field("left", &self.left).finish_non_exhaustive()
    }
}
