//! Values as they were written in the file, in the environment or as a flag, with their places.

use super::DEFAULT_FILE;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::Path,
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Flags by configuration key.
pub type Flags = BTreeMap<String, Vec<String>>;

/// All values that were given, the strongest for each key.
#[derive(Debug, Default)]
pub struct Source {
    pub(super) values: BTreeMap<String, Given>,
}

/// What was written for each key, to find what changed.
#[derive(Clone, Default)]
pub struct Written(BTreeMap<String, Raw>);

impl Written {
    /// The keys that have another value there, or none in one of both.
    #[must_use]
    pub fn changed(&self, other: &Self) -> BTreeSet<String> {
        let keys = self.0.keys().chain(other.0.keys());
        keys.filter(|key| self.0.get(*key) != other.0.get(*key)).cloned().collect()
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written")
    }
}

/// A value, and where it was given.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) raw: Raw,
    pub(super) origin: Origin,
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    /// Text; also whatever a flag or the environment gives.
    Text(String),
    /// A number or a truth value of the file, as text.
    Bare(String),
    /// A list of texts.
    List(Vec<String>),
    /// What no key takes: dates, lists of other things.
    Other(&'static str),
}

#[derive(Debug, Clone)]
pub(super) enum Origin {
    File { name: String, line: usize },
    Environment(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line } => write!(f, "{name}, line {line}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

impl Source {
    /// Gathers everything; `keys` are those that have a variable. It also returns warnings of environment variables that
    /// begin with `POORT_` and are no key: an orchestrator makes such variables for a service of this name.
    ///
    /// # Errors
    /// The file cannot be read or is not TOML.
    pub fn gather(
        named: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: Flags,
        keys: &BTreeSet<String>,
    ) -> Result<(Self, Vec<String>), Vec<String>> {
        let mut source = Self::default();
        source.read_file(named)?;
        let keys: BTreeMap<String, &str> = keys.iter().map(|key| (variable(key), key.as_str())).collect();
        let mut warnings = Vec::new();
        for (name, value) in environment {
            match keys.get(&name) {
                Some(key) => source.put(key, Raw::Text(value), Origin::Environment(name)),
                None if name.starts_with("POORT_") && name != "POORT_CONFIG" => {
                    warnings.push(format!("environment variable {name} is not one of poort's; it has no effect"));
                }
                None => {}
            }
        }
        for (key, values) in flags {
            let flag = format!("--{}", key.split('.').next().unwrap_or(&key));
            let raw = match <[String; 1]>::try_from(values) {
                Ok([value]) => Raw::Text(value),
                Err(values) => Raw::List(values),
            };
            source.put(&key, raw, Origin::Flag(flag));
        }
        Ok((source, warnings))
    }

    pub(super) fn written(&self) -> Written {
        Written(self.values.iter().map(|(key, given)| (key.clone(), given.raw.clone())).collect())
    }

    fn put(&mut self, key: &str, raw: Raw, origin: Origin) {
        self.values.insert(key.to_owned(), Given { raw, origin });
    }

    fn read_file(&mut self, named: Option<&Path>) -> Result<(), Vec<String>> {
        let path = named.unwrap_or_else(|| Path::new(DEFAULT_FILE));
        let name = path.display().to_string();
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => return Ok(()),
            Err(error) => return Err(vec![format!("{name}: cannot be read: {error}")]),
        };
        let (table, errors) = DeTable::parse_recoverable(&text);
        if !errors.is_empty() {
            let told = |error: &toml::de::Error| {
                let line = error.span().map_or(1, |span| line(&text, span.start));
                format!("{name}, line {line}: {}", error.message())
            };
            return Err(errors.iter().map(told).collect());
        }
        self.flatten("", table.get_ref(), &name, &text);
        Ok(())
    }

    fn flatten(&mut self, prefix: &str, table: &DeTable<'_>, name: &str, text: &str) {
        for (key, value) in table {
            let path = format!("{prefix}{}", key.get_ref());
            if let DeValue::Table(inner) = value.get_ref() {
                // One that is empty means nothing elsewhere. There it would let nobody be recognised.
                if inner.is_empty() && matches!(path.split('.').next(), Some("callers" | "issuers")) {
                    let origin = Origin::File { name: name.to_owned(), line: line(text, key.span().start) };
                    self.put(&path, Raw::Other("an empty table"), origin);
                }
                self.flatten(&format!("{path}."), inner, name, text);
                continue;
            }
            let origin = Origin::File { name: name.to_owned(), line: line(text, key.span().start) };
            self.put(&path, raw(value), origin);
        }
    }
}

fn raw(value: &Spanned<DeValue<'_>>) -> Raw {
    match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => Raw::Bare(number.to_string()),
        DeValue::Float(number) => Raw::Bare(number.to_string()),
        DeValue::Boolean(truth) => Raw::Bare(truth.to_string()),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Table(_) => Raw::Other("a table"),
        DeValue::Array(elements) => elements
            .iter()
            .map(|element| match element.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            })
            .collect::<Option<_>>()
            .map_or(Raw::Other("a list of something other than strings"), Raw::List),
    }
}

fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The environment variable of a key.
pub(super) fn variable(key: &str) -> String {
    // `directory.path` is what --directory sets.
    let key = key.strip_suffix(".path").unwrap_or(key);
    format!("POORT_{}", key.replace('.', "_").to_uppercase())
}
