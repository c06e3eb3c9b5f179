//! A round: all witnesses are asked to cosign one checkpoint.
//!
//! **A claim is not a proof.** A witness may lie, and a lie must not stop poort. So where a witness says that it cosigned
//! a longer or another history, it is asked for that checkpoint. The log's own key signed it, or the claim counts for
//! no more than one of its cosignatures does.

use super::{
    client::{Answer, Client},
    wire::Submission,
};
use crate::{
    record::{
        decision_log::{NoProof, Prover},
        evidence::{Checkpoint, Cosignature, Hash, PublicKeys, Witness},
    },
    types::escape,
};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use tokio::{sync::oneshot, time::timeout};

/// How often a witness may name another size before it is given up for this round.
const TRIES: u32 = 3;
/// The most answers of a witness in a round: to each try, and the checkpoint that it shows.
pub(super) const ANSWERS: u32 = TRIES + 1;

/// What became of a witness in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It cosigned.
    Cosigned(Cosignature),
    /// It says that it cosigned what this log cannot have signed.
    Fork(Fork),
    /// It did not cosign, for another reason.
    Without(String),
}

/// A contradiction between a witness and this log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fork {
    /// The size of the checkpoint that it names.
    pub(super) size: u64,
    /// Where it shows that checkpoint, and this log's key signed it.
    pub(super) proof: Option<Proof>,
}

/// The proof of a fork.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof {
    /// The checkpoint that the witness cosigned.
    pub(super) note: String,
    /// The root of as many records of this log, where it has so many.
    pub(super) own: Option<Hash>,
}

/// The checkpoint of a round, and what proofs it takes.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) note: Arc<str>,
    pub(super) checkpoint: Arc<Checkpoint>,
    /// The log's public key.
    key: Arc<str>,
    proofs: Arc<Mutex<Proofs>>,
}

#[derive(Debug)]
struct Proofs {
    records: PathBuf,
    prover: Option<Prover>,
    /// Witnesses mostly cosigned the same checkpoint last.
    made: HashMap<u64, Vec<Hash>>,
}

impl Subject {
    /// A checkpoint that this key signed.
    pub(super) fn new(note: String, checkpoint: Checkpoint, key: &str, records: PathBuf) -> Self {
        let proofs = Arc::new(Mutex::new(Proofs { records, prover: None, made: HashMap::new() }));
        Self { note: note.into(), checkpoint: Arc::new(checkpoint), key: key.into(), proofs }
    }

    /// A checkpoint of this log that its key signed. `None` where the note is none.
    fn open(&self, note: &str) -> Option<Checkpoint> {
        let keys = PublicKeys::parse([&*self.key]).ok()?;
        Checkpoint::open(note, &keys).ok().filter(|opened| opened.origin == self.checkpoint.origin)
    }

    async fn consistency(&self, old: u64) -> Result<Vec<Hash>, String> {
        self.prove(move |proofs, checkpoint| {
            if let Some(made) = proofs.made.get(&old) {
                return Ok(made.clone());
            }
            let made = proofs.prover()?.consistency(old, checkpoint)?;
            proofs.made.insert(old, made.clone());
            Ok(made)
        })
        .await
    }

    async fn root(&self, size: u64) -> Result<Hash, String> {
        self.prove(move |proofs, checkpoint| proofs.prover()?.root(size, checkpoint)).await
    }

    /// Reads the log, on a thread of its own that may block and that nothing joins: a large log takes long.
    async fn prove<T: Send + 'static>(
        &self,
        make: impl FnOnce(&mut Proofs, &Checkpoint) -> Result<T, NoProof> + Send + 'static,
    ) -> Result<T, String> {
        let (proofs, checkpoint) = (self.proofs.clone(), self.checkpoint.clone());
        let (tell, told) = oneshot::channel();
        let made = move || {
            let made = make(&mut proofs.lock().unwrap_or_else(PoisonError::into_inner), &checkpoint);
            let _nobody_waits = tell.send(made);
        };
        let made = thread::Builder::new().name("poort-proof".to_owned()).spawn(made);
        made.map_err(|error| format!("no thread can be started: {error}"))?;
        told.await.map_err(|_| "the proof broke off".to_owned())?.map_err(|error| error.to_string())
    }
}

impl Proofs {
    fn prover(&mut self) -> Result<&mut Prover, NoProof> {
        Ok(match &mut self.prover {
            Some(prover) => prover,
            closed => closed.insert(Prover::open(&self.records)?),
        })
    }
}

/// Asks one witness, as [`ask`] does. One that needs more time than this, also for the proofs that poort makes for it, counts
/// as away.
pub(super) async fn ask_within(
    client: &Client,
    witness: &Witness,
    subject: &Subject,
    known: &mut u64,
    within: Duration,
) -> Verdict {
    let asked = timeout(within, ask(client, witness, subject, known)).await;
    asked.unwrap_or_else(|_| Verdict::Without(format!("it was not done within {within:?}")))
}

/// Asks one witness. `known` is the size that it cosigned last, as far as is known; it is brought up to date.
async fn ask(client: &Client, witness: &Witness, subject: &Subject, known: &mut u64) -> Verdict {
    let size = subject.checkpoint.size;
    // What another process of this log told it may be more than this one knows.
    let mut old = (*known).min(size);
    for _ in 0..TRIES {
        let proof = match subject.consistency(old).await {
            Ok(proof) => proof,
            Err(why) => return Verdict::Without(format!("it cosigned {old} records last; {why}")),
        };
        match client.submit(&Submission { old, proof, note: subject.note.to_string() }).await {
            Answer::Cosigned(lines) => {
                return match witness.key.find(&format!("{}{lines}", subject.note)) {
                    Ok(Some(cosignature)) => {
                        *known = size;
                        Verdict::Cosigned(cosignature)
                    }
                    _ => Verdict::Without("its answer holds no right cosignature of its key".to_owned()),
                };
            }
            Answer::Knows(knows) if knows > size => return fork(client, subject, knows).await,
            // It cosigned another checkpoint of this size.
            Answer::Knows(knows) if knows == old && old == size => return fork(client, subject, old).await,
            Answer::Knows(knows) if knows == old => {
                return Verdict::Without(format!("it refuses the size {knows}, and names the same"));
            }
            Answer::Knows(knows) => old = knows,
            // It cosigned `old` records, and the proof from these to the checkpoint was checked here.
            Answer::Contradicts if old > 0 => return fork(client, subject, old).await,
            Answer::Contradicts => return Verdict::Without("it refuses a first checkpoint".to_owned()),
            Answer::Refused(why) => return Verdict::Without(escape::line(&why).into_owned()),
        }
    }
    Verdict::Without("it names another size each time".to_owned())
}

/// The witness contradicts this log: asks it for the checkpoint that it cosigned.
async fn fork(client: &Client, subject: &Subject, size: u64) -> Verdict {
    let own = &subject.checkpoint;
    let Some(note) = client.latest(&own.origin).await else { return Verdict::Fork(Fork { size, proof: None }) };
    let Some(opened) = subject.open(&note) else { return Verdict::Fork(Fork { size, proof: None }) };
    let mut root = None;
    if opened.size <= own.size {
        match subject.root(opened.size).await {
            Err(why) => return Verdict::Without(format!("it cosigned {} records last; {why}", opened.size)),
            // What it shows is a checkpoint of this very history, and so its claim is wrong.
            Ok(own) if own == opened.root => return Verdict::Fork(Fork { size, proof: None }),
            Ok(own) => root = Some(own),
        }
    }
    Verdict::Fork(Fork { size: opened.size, proof: Some(Proof { note, own: root }) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::evidence::{Key, Policy};

    #[tokio::test(start_paused = true)]
    #[expect(clippy::await_holding_lock, reason = "so no proof is made meanwhile")]
    async fn a_witness_whose_proof_takes_long_counts_as_away() {
        let [key, cosigner] = [3, 4].map(|seed| Key::from_seed([seed; 32]));
        let line = format!("witness w {} http://127.0.0.1:1\nquorum w\n", cosigner.public_witness("witness.example/w"));
        let witness = Policy::parse(&line).unwrap().witnesses.remove(0);
        let client = Client::new(&witness, None, Duration::from_secs(2)).unwrap();
        let checkpoint = Checkpoint { origin: "poort/here/1".to_owned(), size: 1, root: [1; 32], is_end: false };
        let public = key.public(&checkpoint.origin);
        let subject = Subject::new(checkpoint.sign(&key).unwrap(), checkpoint, &public, PathBuf::new());
        let proofs = subject.proofs.clone();
        let _busy = proofs.lock().unwrap();
        let verdict = ask_within(&client, &witness, &subject, &mut 0, Duration::from_secs(8)).await;
        assert_eq!(verdict, Verdict::Without("it was not done within 8s".to_owned()));
    }
}
