//! The signer of checkpoints: keeps the tree over the records of the log, and signs its root.

use super::{
    checkpoint::{self, Attested, Beside},
    clock::LogClock,
    keys::KeyChange,
    log_event,
    node_keeper::Complete,
    past::Past,
    producer::Producer,
    restored::Restored,
};
use crate::record::{
    evidence::{Checkpoint, Key, LEVEL, PublicKeys, Tree, leaf},
    spool::{Attestation, Attestor, Occasion},
};
use std::{
    fmt,
    sync::{Arc, OnceLock, mpsc::Sender},
    time::Duration,
};

/// The longest part of an origin that names the sidecar.
const INSTANCE: usize = 63;

/// The origin of a log, which is known when the log was read.
pub(super) type Origin = Arc<OnceLock<String>>;

/// Keeps the tree of the log.
pub(super) struct CheckpointSigner {
    tree: Tree,
    key: Key,
    instance: String,
    origin: Origin,
    cadence: Duration,
    producer: Producer,
    clock: Arc<LogClock>,
    /// The keys of pseudonyms that are at hand: `<id>:<sign>`. `None` where they are not needed.
    pseudonym_keys: Option<Vec<String>>,
    change: KeyChange,
    /// Takes the nodes of the tree that are kept for proofs.
    complete: Option<Sender<Complete>>,
    /// What the head says the log was.
    head: Option<Checkpoint>,
    /// What earlier processes left, while it is read.
    past: Option<Past>,
    /// Records that were found, until a checkpoint says so.
    found: Option<(u64, u64)>,
    /// What was put back from a backup, until a checkpoint says so.
    restored: Option<Restored>,
    /// What the head and the tree disagree about.
    trouble: Option<String>,
}

impl fmt::Debug for CheckpointSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckpointSigner").field("origin", &self.origin).field("size", &self.tree.size()).finish()
    }
}

impl CheckpointSigner {
    pub(super) fn new(key: Key, instance: &str, cadence: Duration, producer: Producer) -> (Self, Origin) {
        let origin = Origin::default();
        let signer = Self {
            tree: Tree::default(),
            key,
            instance: name(instance),
            origin: origin.clone(),
            cadence,
            producer,
            clock: Arc::new(LogClock::new()),
            pseudonym_keys: None,
            change: KeyChange::default(),
            complete: None,
            head: None,
            past: None,
            found: None,
            restored: None,
            trouble: None,
        };
        (signer, origin)
    }

    /// With the keys of pseudonyms that are at hand, and what was changed on purpose.
    pub(super) fn with_keys(self, pseudonym_keys: Vec<String>, change: KeyChange) -> Self {
        Self { pseudonym_keys: Some(pseudonym_keys), change, ..self }
    }

    /// Tells each node that is kept for proofs.
    pub(super) fn telling(self, complete: Option<Sender<Complete>>) -> Self {
        Self { complete, ..self }
    }

    /// The log's own clock.
    pub(super) fn clock(&self) -> Arc<LogClock> {
        self.clock.clone()
    }

    /// The life of one folder is an epoch. After the loss of a folder another log begins, and no checkpoint of the new
    /// one can contradict one of the old.
    fn begin(&mut self, origin: Option<String>) {
        let origin = origin.unwrap_or_else(|| format!("poort/{}/{:016x}", self.instance, rand::random::<u64>()));
        self.producer = self.producer.clone().in_log(&origin);
        // Set once: a signer reads one log.
        let _ = self.origin.set(origin);
    }

    fn goes_on_from(&self, seq: u64, opening: &[u8]) -> Result<Option<Attested>, String> {
        let untrusted = |error| format!("its last segment begins with a checkpoint that cannot be trusted: {error}");
        let Some(attested) = checkpoint::read(opening, None).map_err(untrusted)? else {
            // A log begins with one, and a segment as well.
            return if seq == 0 { Ok(None) } else { Err("its last segment does not begin with a checkpoint".into()) };
        };
        // `past` judges it, together with all that follows.
        Ok(Some(attested))
    }

    /// A record of an earlier process.
    fn look_at(&mut self, payload: &[u8]) {
        let Some(past) = &mut self.past else { return };
        let (seq, root) = (self.tree.size(), self.tree.root());
        // Few records are checkpoints, and to look for the name is quicker than to read.
        let attested = memchr::memmem::find(payload, checkpoint::CHECKPOINT.as_bytes())
            .and_then(|_| checkpoint::read(payload, None).transpose());
        match attested.transpose() {
            Ok(attested) => {
                let public = attested.as_ref().map(|attested| self.key.public(&attested.checkpoint.origin));
                let trust = public.and_then(|public| PublicKeys::parse([public.as_str()]).ok());
                past.record(seq, root, attested, trust.as_ref().filter(|_| !self.change.signing));
            }
            Err(error) => {
                let trouble = format!("the checkpoint at record {seq} cannot be trusted: {error}");
                self.trouble.get_or_insert(trouble);
            }
        }
    }

    fn compare(&mut self) {
        if let Some(Checkpoint { size, root, .. }) = &self.head
            && *size == self.tree.size()
            && *root != self.tree.root()
        {
            self.trouble = Some(format!("the first {size} records are not those that a checkpoint was signed for"));
        }
    }
}

impl Attestor for CheckpointSigner {
    fn resume(&mut self, head: Option<&[u8]>, opening: Option<(u64, &[u8])>) -> Result<(), String> {
        self.head = match head {
            Some(head) => {
                let note = str::from_utf8(head).ok().and_then(|note| Checkpoint::read(note).ok());
                Some(note.ok_or("its file `head` holds no checkpoint")?)
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
                if self.change.restored {
                    // Its size and root are known when the rest was read.
                    self.restored = Some(Restored { origin: checkpoint.origin, size: 0, root: [0; 32] });
                    self.begin(None);
                } else {
                    self.begin(Some(checkpoint.origin));
                }
            }
            None => self.begin(None),
        }
        self.past = Some(Past::new(self.head.clone()));
        self.compare();
        Ok(())
    }

    fn record(&mut self, payload: &[u8]) {
        if self.past.is_some() {
            self.look_at(payload);
        } else {
            // The first record of this process is the checkpoint that says it.
            self.found = None;
            self.restored = None;
        }
        self.tree.push_telling(leaf(payload), |level, index, hash| {
            if level >= LEVEL
                && let Some(complete) = &self.complete
            {
                // The keeper is gone if the file cannot be written.
                let _ = complete.send((level, index, hash));
            }
        });
        self.compare();
    }

    fn resumed(&mut self) -> Result<(), String> {
        let found = self.tree.size();
        match (self.trouble.take(), self.head.take()) {
            (Some(trouble), _) => return Err(trouble),
            // The head is kept when its checkpoint is on disk, as a record after those that it covers.
            (None, Some(Checkpoint { size, .. })) if size >= found => {
                return Err(format!(
                    "it ends at record {found}, and the checkpoint behind record {size} was signed: its end was cut off"
                ));
            }
            _ => {}
        }
        let past = self.past.take().unwrap_or_default();
        let judged = past.judge(found, self.pseudonym_keys.as_deref(), self.change)?;
        self.found = judged.records;
        if let Some((from, to)) = self.found {
            tracing::warn!(
                from,
                to,
                "Found records behind the last checkpoint: the process before this one did not end in order. The next checkpoint \
                 says so.",
            );
        }
        if let Some(restored) = &mut self.restored {
            (restored.size, restored.root) = (found, self.tree.root());
        }
        self.clock.go_on_from(judged.clock.unwrap_or_else(log_event::now));
        Ok(())
    }

    fn attest(&mut self, occasion: Occasion) -> Attestation {
        let beside = Beside {
            occasion,
            timestamp: log_event::now(),
            clock: self.clock.now(),
            found: self.found,
            restored: self.restored.as_ref(),
            pseudonym_keys: self.pseudonym_keys.as_deref().unwrap_or_default(),
        };
        let (note, record) = checkpoint::write(&self.tree, &self.key, beside, &self.producer);
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
