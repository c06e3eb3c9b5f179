//! Reads values by type, and gathers all mistakes.

use super::{
    source::{Given, Raw, Source, variable},
    units,
};
use crate::types::suggest::nearest;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::RangeInclusive,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

/// The names below these keys are free.
const FREE: [&str; 2] = ["log.producer.", "tls.trust_domains."];

/// Reads values, and remembers what was wrong and what was asked for.
pub(super) struct Reader<'a> {
    source: &'a Source,
    asked: BTreeSet<String>,
    mistakes: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(source: &'a Source) -> Self {
        Self { source, asked: BTreeSet::new(), mistakes: Vec::new() }
    }

    /// All mistakes: also the keys that nobody asked for. `keys` are those that poort knows, `tables` those of each
    /// table that is there once for every name.
    pub(super) fn finish(mut self, keys: &BTreeSet<String>, tables: &[(&str, &[&str])]) -> Vec<String> {
        for (key, given) in &self.source.values {
            if self.asked.contains(key) || FREE.iter().any(|free| key.starts_with(free)) {
                continue;
            }
            let of_table = tables.iter().find_map(|(table, keys)| {
                let (_, key) = key.strip_prefix(table)?.strip_prefix('.')?.split_once('.')?;
                Some((key, keys))
            });
            let nearest = match of_table {
                Some((key, keys)) => nearest(key, keys.iter().copied()),
                None => nearest(key, keys.iter().map(String::as_str)),
            };
            let hint = nearest.map_or(String::new(), |known| format!("; did you mean `{known}`?"));
            self.mistakes.push(format!("{key}: is not a key that poort knows{hint} ({})", given.origin));
        }
        self.mistakes
    }

    /// The keys that were asked for.
    pub(super) fn asked(self) -> BTreeSet<String> {
        self.asked
    }

    pub(super) fn mistake(&mut self, key: &str, message: &str) {
        let place = match self.source.values.get(key) {
            Some(given) => format!(" ({})", given.origin),
            None if ["callers.", "issuers.", "ship."].iter().any(|table| key.starts_with(table)) => {
                " (in the file)".to_owned()
            }
            None => format!(" (in the file, or as {})", variable(key)),
        };
        self.mistakes.push(format!("{key}: {message}{place}"));
    }

    /// Whether a value was given.
    pub(super) fn has(&self, key: &str) -> bool {
        self.source.values.contains_key(key)
    }

    /// Asks for this key and all below it, so that no other mistake is found in them.
    pub(super) fn know(&mut self, key: &str) {
        let below = format!("{key}.");
        let known = self.source.values.keys().filter(|name| *name == key || name.starts_with(&below));
        self.asked.extend(known.cloned());
    }

    /// The names of the tables below a key.
    pub(super) fn names(&self, key: &str) -> BTreeSet<String> {
        let prefix = format!("{key}.");
        let below = self.source.values.keys().filter_map(|name| name.strip_prefix(&prefix));
        below.map(|rest| rest.split('.').next().unwrap_or(rest).to_owned()).collect()
    }

    fn given(&mut self, key: &str) -> Option<&'a Given> {
        self.asked.insert(key.to_owned());
        self.source.values.get(key)
    }

    /// A value that is one text, or a bare number.
    fn one(&mut self, key: &str) -> Option<&'a str> {
        let what = match &self.given(key)?.raw {
            Raw::Text(text) | Raw::Bare(text) => return Some(text),
            Raw::List(_) => "a list",
            Raw::Other(what) => what,
        };
        self.mistake(key, &format!("is {what}; it must be a single value"));
        None
    }

    fn check<T, E: fmt::Display>(&mut self, key: &str, read: Result<T, E>) -> Option<T> {
        read.map_err(|error| self.mistake(key, &error.to_string())).ok()
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        let text = self.one(key)?;
        if text.trim().is_empty() {
            self.mistake(key, "is empty");
            return None;
        }
        Some(text.to_owned())
    }

    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    pub(super) fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, key: &str) -> Option<T> {
        let text = self.one(key)?;
        self.check(key, text.parse())
    }

    /// A list, or one text with commas.
    pub(super) fn list<T: FromStr<Err: fmt::Display>>(&mut self, key: &str) -> Option<Vec<T>> {
        let texts = match &self.given(key)?.raw {
            Raw::Text(text) | Raw::Bare(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
            Raw::List(texts) => texts.clone(),
            Raw::Other(what) => {
                self.mistake(key, &format!("is {what}; it must be a string or a list of strings"));
                return None;
            }
        };
        if texts.is_empty() {
            self.mistake(key, "is an empty list");
            return None;
        }
        let read: Vec<_> = texts.iter().map(|text| self.check(key, text.parse())).collect();
        read.into_iter().collect()
    }

    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.one(key)?;
        let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let names = choices.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
            self.mistake(key, &format!("`{text}` must be {names}"));
        }
        found
    }

    pub(super) fn count<T>(&mut self, key: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + fmt::Display,
    {
        let text = self.one(key)?;
        match text.replace('_', "").parse() {
            Ok(number) if range.contains(&number) => Some(number),
            _ => {
                let message = format!("`{text}` must be a whole number from {} to {}", range.start(), range.end());
                self.mistake(key, &message);
                None
            }
        }
    }

    pub(super) fn size<T: TryFrom<u64>>(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<T> {
        let text = self.one(key)?;
        let size = self.check(key, units::size(text))?;
        if !range.contains(&size) {
            let message =
                format!("`{text}` must be from {} to {}", units::show(*range.start()), units::show(*range.end()));
            self.mistake(key, &message);
            return None;
        }
        T::try_from(size).ok()
    }

    pub(super) fn duration(&mut self, key: &str, range: RangeInclusive<Duration>) -> Option<Duration> {
        let text = self.one(key)?;
        let duration = self.check(key, units::duration(text))?;
        if !range.contains(&duration) {
            self.mistake(key, &format!("`{text}` must be from {:?} to {:?}", range.start(), range.end()));
            return None;
        }
        Some(duration)
    }

    pub(super) fn ratio(&mut self, key: &str) -> Option<f64> {
        let text = self.one(key)?;
        match text.parse() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => Some(ratio),
            _ => {
                self.mistake(key, &format!("`{text}` must be a number from 0 to 1"));
                None
            }
        }
    }

    /// The texts below a key whose names are free.
    pub(super) fn texts(&mut self, key: &str) -> BTreeMap<String, String> {
        let prefix = format!("{key}.");
        let mut texts = BTreeMap::new();
        let names: Vec<_> = self.source.values.keys().filter(|name| name.starts_with(&prefix)).cloned().collect();
        for name in names {
            if let Some(text) = self.text(&name) {
                texts.insert(name.trim_start_matches(&prefix).to_owned(), text);
            }
        }
        texts
    }
}
