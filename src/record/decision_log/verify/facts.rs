//! The facts of a record that the verification needs. They are small, whatever the record is.

use super::super::{
    checkpoint::{self, Attested, CHECKPOINT},
    cosigned::{self, COSIGNED},
    retention::RETENTION,
};
use crate::record::evidence::{Checkpoint, Hash, PublicKeys, leaf};
use serde::Deserialize;
use std::{borrow::Cow, sync::Arc};

/// A record, in short.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) leaf: Hash,
    /// The log that it says it is in, and its place there.
    pub(super) place: Option<(Arc<str>, u64)>,
    pub(super) kind: FactKind,
}

/// What a record is to the check.
#[derive(Debug, Clone)]
pub(super) enum FactKind {
    Checkpoint(Box<Result<Attested, String>>),
    /// A checkpoint with cosignatures, which are not checked yet.
    Cosigned(Box<Result<(Checkpoint, String), String>>),
    /// All records below this were deleted because they were old enough.
    Retention(u64),
    Any,
}

/// What a record says of itself, as far as it is read.
#[derive(Debug, Default, Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    event_name: Option<Name<'a>>,
    attributes: Option<Attributes<'a>>,
}

/// A text that is not copied where it need not be; serde borrows inside an `Option` only in a type of its own.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(in crate::record::decision_log) struct Name<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

#[derive(Debug, Default, Deserialize)]
struct Attributes<'a> {
    #[serde(rename = "poort.log.origin", borrow)]
    origin: Option<Name<'a>>,
    #[serde(rename = "poort.log.seq")]
    seq: Option<u64>,
    #[serde(rename = "poort.retention.below")]
    below: Option<u64>,
}

impl Facts {
    pub(super) fn of(record: &[u8], keys: &PublicKeys, origins: &mut Origins) -> Self {
        // What cannot be read is in no log, which is a fault.
        let Claims { event_name, attributes } = serde_json::from_slice(record).unwrap_or_default();
        let attributes = attributes.as_ref();
        let origin = attributes.and_then(|attributes| attributes.origin.as_ref()).map(|origin| origins.one(&origin.0));
        let kind = match event_name.as_ref().map(|name| &*name.0) {
            Some(CHECKPOINT) => match checkpoint::read(record, Some(keys)) {
                Ok(Some(attested)) => FactKind::Checkpoint(Box::new(Ok(attested))),
                Ok(None) => FactKind::Any,
                Err(untrusted) => FactKind::Checkpoint(Box::new(Err(untrusted.to_string()))),
            },
            Some(COSIGNED) => {
                FactKind::Cosigned(Box::new(cosigned::note(record).ok_or_else(malformed).and_then(|note| {
                    let checkpoint = Checkpoint::open(&note, keys).map_err(|error| error.to_string())?;
                    Ok((checkpoint, note))
                })))
            }
            Some(RETENTION) => {
                attributes.and_then(|attributes| attributes.below).map_or(FactKind::Any, FactKind::Retention)
            }
            _ => FactKind::Any,
        };
        Self { leaf: leaf(record), place: origin.zip(attributes.and_then(|attributes| attributes.seq)), kind }
    }
}

fn malformed() -> String {
    "it has not the form of a cosigned checkpoint".to_owned()
}

/// The name of the log that was met last. Records of one log follow each other, so most of them have it.
#[derive(Debug, Default)]
pub(super) struct Origins(Option<Arc<str>>);

impl Origins {
    fn one(&mut self, origin: &str) -> Arc<str> {
        match &self.0 {
            Some(last) if **last == *origin => last.clone(),
            _ => self.0.insert(origin.into()).clone(),
        }
    }
}
