//! The notary of the decision log: it keeps the tree, and signs what it was.

use super::{
    checkpoint::{self, Attested},
    own,
    producer::Producer,
};
use crate::{
    evidence::{Checkpoint, Hash, Key, PublicKeys, Tree, leaf},
    spool::{Attestation, Notary, Occasion},
};
use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// The longest part of an origin that names the sidecar.
const INSTANCE: usize = 63;

/// The origin of a log, which is known when the log was read.
pub(super) type Origin = Arc<OnceLock<String>>;

/// Keeps the tree of the log.
pub(super) struct LogNotary {
    tree: Tree,
    key: Key,
    instance: String,
    origin: Origin,
    cadence: Duration,
    producer: Producer,
    /// What the head says the log was, until the tree has come so far.
    head: Option<(u64, Hash)>,
    /// What the head and the tree disagree about.
    trouble: Option<String>,
}

impl fmt::Debug for LogNotary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogNotary").field("origin", &self.origin).field("size", &self.tree.size()).finish()
    }
}

impl LogNotary {
    pub(super) fn new(key: Key, instance: &str, cadence: Duration, producer: Producer) -> (Self, Origin) {
        let origin = Origin::default();
        let notary = Self {
            tree: Tree::default(),
            key,
            instance: name(instance),
            origin: origin.clone(),
            cadence,
            producer,
            head: None,
            trouble: None,
        };
        (notary, origin)
    }

    /// The life of one folder is an epoch. Whoever loses the folder begins another log, and no checkpoint of the new one
    /// can contradict one of the old.
    fn begin(&mut self, origin: Option<String>) {
        let origin = origin.unwrap_or_else(|| format!("poort/{}/{:016x}", self.instance, rand::random::<u64>()));
        self.producer = self.producer.clone().in_log(&origin);
        // Set once: a notary reads one log.
        let _ = self.origin.set(origin);
    }

    fn goes_on_from(&self, seq: u64, opening: &[u8]) -> Result<Option<Attested>, String> {
        let untrusted = |error| format!("its last segment begins with a checkpoint that cannot be trusted: {error}");
        let Some(attested) = checkpoint::read(opening, None).map_err(untrusted)? else {
            // A log begins with one, and a segment as well.
            return if seq == 0 { Ok(None) } else { Err("its last segment does not begin with a checkpoint".into()) };
        };
        if attested.checkpoint.size != seq {
            return Err(format!("record {seq} is a checkpoint of {} records", attested.checkpoint.size));
        }
        // A key that was changed since cannot check what the one before it signed. Its own signatures it can.
        let public = self.key.public(&attested.checkpoint.origin);
        let keys = PublicKeys::parse([public.as_str()]).map_err(|error| error.to_string())?;
        match checkpoint::read(opening, Some(&keys)) {
            Err(error)
                if Checkpoint::open(&attested.note, &keys) == Err(crate::evidence::CheckpointError::WrongSignature) =>
            {
                Err(untrusted(error))
            }
            _ => Ok(Some(attested)),
        }
    }

    fn compare(&mut self) {
        if let Some((size, root)) = self.head
            && size == self.tree.size()
            && root != self.tree.root()
        {
            self.trouble = Some(format!("the first {size} records are not those that a checkpoint was signed for"));
        }
    }
}

impl Notary for LogNotary {
    fn resume(&mut self, head: Option<&[u8]>, opening: Option<(u64, &[u8])>) -> Result<(), String> {
        self.head = match head {
            Some(head) => {
                let note = str::from_utf8(head).ok().and_then(|note| Checkpoint::read(note).ok());
                Some(note.map(|note| (note.size, note.root)).ok_or("its file `head` holds no checkpoint")?)
            }
            None => None,
        };
        let attested = match opening {
            Some((seq, payload)) => self.goes_on_from(seq, payload)?,
            None => None,
        };
        match attested {
            Some(Attested { checkpoint, tree, .. }) => {
                self.tree = tree;
                self.begin(Some(checkpoint.origin));
            }
            None => self.begin(None),
        }
        self.compare();
        Ok(())
    }

    fn record(&mut self, payload: &[u8]) {
        self.tree.push(leaf(payload));
        self.compare();
    }

    fn resumed(&mut self) -> Result<(), String> {
        let found = self.tree.size();
        match (self.trouble.take(), self.head.take()) {
            (Some(trouble), _) => Err(trouble),
            // The head is kept when its checkpoint is on disk, as a record behind those that it covers.
            (None, Some((size, _))) if size >= found => Err(format!(
                "it ends at record {found}, and the checkpoint behind record {size} was signed: its end was cut off"
            )),
            _ => Ok(()),
        }
    }

    fn attest(&mut self, occasion: Occasion) -> Attestation {
        let (note, record) = checkpoint::write(&self.tree, &self.key, occasion, own::now(), &self.producer);
        Attestation { record, head: note.into_bytes() }
    }

    fn cadence(&self) -> Duration {
        self.cadence
    }
}

/// The name of a sidecar as a part of an origin, which has no space, slash or plus.
fn name(instance: &str) -> String {
    let plain =
        |character: char| if character.is_ascii_alphanumeric() || "-._".contains(character) { character } else { '-' };
    let name: String = instance.chars().take(INSTANCE).map(plain).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}
