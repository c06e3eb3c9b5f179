//! The names of a schema: whole names, the shorter ones that are unambiguous, and aliases.

use crate::types::{escape, suggest::nearest};
use std::{collections::BTreeMap, sync::Arc};

/// Things under their whole names, with their shorter names and aliases.
#[derive(Debug)]
pub(super) struct Names<T> {
    pub(super) full: BTreeMap<String, Arc<T>>,
    pub(super) short: BTreeMap<String, Vec<String>>,
    /// All names that mean one thing. Ordered, so that a name is compared and not hashed: it can be as long as a message.
    clear: BTreeMap<String, Arc<T>>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { full: BTreeMap::new(), short: BTreeMap::new(), clear: BTreeMap::new() }
    }
}

impl<T> Names<T> {
    /// Builds the index of all unambiguous names, after the last insertion.
    pub(super) fn settle(&mut self) {
        let short = self.short.iter().filter_map(|(short, full)| match full.as_slice() {
            [one] => Some((short, self.full.get(one)?)),
            _ => None,
        });
        // A whole name wins over another's short one.
        self.clear = short.chain(&self.full).map(|(name, thing)| (name.clone(), thing.clone())).collect();
    }

    /// All names that mean the thing with this whole name: the shorter one of the schema first, aliases last.
    pub(super) fn of(&self, full: &str) -> Vec<&str> {
        let is_named = |several: &Vec<String>| matches!(several.as_slice(), [one] if one == full);
        let short = self.short.iter().filter(|(name, several)| is_named(several) && !self.full.contains_key(*name));
        // A name of the schema is the end of the whole name; an alias is a URI.
        let (mut names, aliases): (Vec<_>, Vec<_>) =
            short.map(|(name, _)| name.as_str()).partition(|name| full.contains(name));
        names.extend(self.full.get_key_value(full).map(|(name, _)| name.as_str()));
        names.extend(aliases);
        names
    }

    pub(super) fn find(&self, name: &str, what: &str) -> Result<&Arc<T>, String> {
        if let Some(found) = self.clear.get(name) {
            return Ok(found);
        }
        match self.short.get(name) {
            Some(several) => {
                Err(format!("{what} `{name}` is in several namespaces of the schema; write one of {}", quoted(several)))
            }
            None => {
                let name = escape::cut(name);
                Err(match nearest(&name, self.full.keys().chain(self.short.keys()).map(String::as_str)) {
                    Some(nearest) => format!("unknown {what} `{name}`; did you mean `{nearest}`?"),
                    None => format!("unknown {what} `{name}`; the policy schema declares none with this name"),
                })
            }
        }
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
