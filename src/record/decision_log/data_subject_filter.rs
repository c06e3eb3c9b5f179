//! The filter for a data subject: finds records by a value of which they hold pseudonyms alone.
//!
//! A record has the type of the id of each data subject. So the pseudonyms of the value are made for the types that
//! records are seen to have, under all keys. Records under an older schema or an older key are found too. Where records
//! were made under a key that is not there, the result may miss some, and a message says so.

use super::{Pseudonyms, stored_record::EntityName};
use crate::types::entity_id::EntityId;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

/// A data subject that is looked for.
#[derive(Debug)]
pub struct DataSubjectFilter {
    wanted: EntityId,
    pseudonyms: Pseudonyms,
    met: Mutex<Met>,
}

/// What was seen in records.
#[derive(Debug, Default)]
struct Met {
    /// The pseudonyms of what is wanted, by the type of the id. None: another type is wanted.
    types: BTreeMap<String, BTreeSet<String>>,
    unknown_keys: BTreeSet<String>,
    is_found: bool,
}

impl DataSubjectFilter {
    /// The type that is wanted is that of the schema's `@data_subject`.
    #[must_use]
    pub fn new(wanted: EntityId, pseudonyms: Pseudonyms) -> Self {
        Self { wanted, pseudonyms, met: Mutex::default() }
    }

    /// Whether a data subject of a record is the one that is looked for.
    pub(super) fn is(&self, EntityName { kind, id }: &EntityName) -> bool {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, _) = id.split_once(':').unwrap_or_default();
        if !self.pseudonyms.key_ids().contains(&key) {
            met.unknown_keys.insert(key.to_owned());
        }
        let is_it = self.pseudonyms_of(&mut met, kind).contains(id);
        met.is_found |= is_it;
        is_it
    }

    /// Whether the data subject may be in a segment, of which these are the types of data subjects with the keys of their
    /// pseudonyms, and `holds` says which pseudonyms it may hold. Where a key is not at hand, it may: then each record has
    /// to be looked at, so that a message tells what was missed.
    pub(super) fn may_be_among(&self, kinds: &BTreeSet<(String, String)>, holds: &dyn Fn(&str) -> bool) -> bool {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.pseudonyms.key_ids();
        kinds.iter().any(|(kind, key)| {
            !known.contains(&key.as_str())
                || self.pseudonyms_of(&mut met, kind).iter().any(|pseudonym| holds(pseudonym))
        })
    }

    /// The pseudonyms of what is wanted, if it is of this type.
    fn pseudonyms_of<'a>(&self, met: &'a mut Met, kind: &str) -> &'a BTreeSet<String> {
        met.types.entry(kind.to_owned()).or_insert_with(|| {
            self.wanted.ids_in(kind).flat_map(|value| self.pseudonyms.of_all_keys(kind, value)).collect()
        })
    }

    /// Why records about the data subject may not have been found, if they may not.
    #[must_use]
    pub fn doubt(&self) -> Option<String> {
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let list = |names: &mut dyn Iterator<Item = &String>| {
            names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        if !met.unknown_keys.is_empty() {
            return Some(format!(
                "some records have pseudonyms of keys that are not there: {}; whom these are about cannot be told. Put the \
                 keys back as further lines of the file that `log.pseudonyms.keys` names",
                list(&mut met.unknown_keys.iter())
            ));
        }
        let is_of_none = !met.types.keys().any(|kind| self.wanted.names_type(kind));
        if self.wanted.has_type() && is_of_none && !met.is_found && !met.types.is_empty() {
            return Some(format!(
                "no record has a data subject of the type in `{}`; the types on record are {}",
                self.wanted,
                list(&mut met.types.keys())
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BSN: &str = "https://politie.example/id-types/bsn";

    fn id(text: &str) -> EntityId {
        text.parse().unwrap()
    }

    fn keys(ids: &[(&str, u8)]) -> Pseudonyms {
        let keys: Vec<_> = ids.iter().map(|(id, byte)| (*id, [*byte; 32])).collect();
        Pseudonyms::from_keys(keys[0], &keys[1..])
    }

    fn recorded(keys: &Pseudonyms, kind: &str, value: &str) -> EntityName {
        EntityName { kind: kind.to_owned(), id: keys.of(kind, value) }
    }

    #[test]
    fn a_subject_is_found_by_value_under_every_key_with_its_type_in_each_form_and_without() {
        let (old, both) = (keys(&[("old", 1)]), keys(&[("new", 2), ("old", 1)]));
        for wanted in ["123".to_owned(), "bsn::123".to_owned(), format!("{BSN}::123"), "Bsn::\"123\"".to_owned()] {
            let sought = DataSubjectFilter::new(id(&wanted), both.clone());
            assert!(sought.is(&recorded(&old, BSN, "123")) && sought.is(&recorded(&both, BSN, "123")));
            assert!(!sought.is(&recorded(&both, BSN, "124")));
            assert_eq!(sought.doubt(), None);
        }
        let sought = DataSubjectFilter::new(id("bsn::123"), both.clone());
        assert!(!sought.is(&recorded(&both, "https://politie.example/id-types/plate", "123")));
        // An id may hold the separator of type and id.
        let sought = DataSubjectFilter::new(id("a::b"), both.clone());
        assert!(sought.is(&recorded(&both, BSN, "a::b")));
        assert_eq!(sought.doubt(), None);
    }

    #[test]
    fn what_may_be_missed_is_said() {
        let (old, new) = (keys(&[("old", 1)]), keys(&[("new", 2)]));
        let sought = DataSubjectFilter::new(id("123"), new.clone());
        assert!(!sought.is(&recorded(&old, BSN, "123")));
        assert!(sought.doubt().unwrap().contains("`old`"));

        let sought = DataSubjectFilter::new(id("PersonEntry::123"), new.clone());
        assert_eq!(sought.doubt(), None, "no record has any data subject");
        sought.is(&recorded(&new, BSN, "123"));
        assert!(sought.doubt().unwrap().contains(BSN));
    }
}
