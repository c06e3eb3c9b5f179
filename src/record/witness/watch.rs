//! Watches the log with its witnesses: asks them about each new checkpoint, keeps what they sign, and stops answers
//! where they know another history.

use super::{
    age::{Age, now},
    client::Client,
    config::{Config, PolicyError},
    cosigned_file,
    metrics::Metrics,
    round::{ANSWERS, Fork, Proof, Subject, Verdict, ask_within},
};
use crate::record::{
    decision_log::{self, DecisionLog, last_synced, newest_checkpoint},
    evidence::{Checkpoint, Key, Policy, PublicKeys},
    shipping::SetupError,
};
use futures_util::future::join_all;
use opentelemetry::metrics::Meter;
use std::{fs, io, path::PathBuf, time::Duration};
use thiserror::Error;
use tokio::{
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// How often it looks for a new checkpoint, which costs one read of a number.
const LOOK: Duration = Duration::from_millis(200);
/// How long until a checkpoint is sent again to those that did not cosign it, where no newer one comes.
const AGAIN: Duration = Duration::from_secs(30);

/// The witnesses cannot be set up.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// The policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The address of a witness, or TLS.
    #[error("log.witness.policy: witness `{0}`")]
    Client(String, #[source] SetupError),
    /// The last checkpoint of the log.
    #[error("cannot read the last checkpoint of the log")]
    Head(#[from] io::Error),
    /// Another history.
    #[error(transparent)]
    Forked(#[from] Forked),
}

/// Witnesses cosigned another history of this log, or a longer one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Forked(String);

/// The witnesses of a log.
#[derive(Debug)]
pub struct Witnesses {
    config: Config,
    policy: Policy,
    clients: Vec<Client>,
    /// How far each was when it cosigned last, and what is wrong with it.
    states: Vec<State>,
    data: PathBuf,
    records: PathBuf,
    key: Option<Key>,
    /// How long ago a quorum cosigned last.
    quorum: Option<Age>,
    /// The size that was asked about at the start. With a full disk, the head may tell of less for a while.
    least: u64,
    /// What was cosigned before the log was open.
    waiting: Option<Cosigned>,
    metrics: Metrics,
}

#[derive(Debug, Clone, Default)]
struct State {
    known: u64,
    trouble: Option<String>,
}

/// A checkpoint with its cosignatures.
#[derive(Debug, Clone)]
struct Cosigned {
    note: String,
    witnesses: Vec<String>,
    is_quorum: bool,
}

impl Witnesses {
    /// Reads the policy.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn new(config: Config, log: &decision_log::Config, meter: &Meter) -> Result<Self, WitnessError> {
        let policy = config.read()?;
        let clients = policy.witnesses.iter().map(|witness| {
            Client::new(witness, config.ca.clone(), config.timeout)
                .map_err(|error| WitnessError::Client(witness.name.clone(), error))
        });
        let clients: Vec<_> = clients.collect::<Result<_, _>>()?;
        let names = policy.witnesses.iter().map(|witness| witness.name.as_str());
        let metrics = Metrics::new(meter, names);
        Ok(Self {
            states: vec![State::default(); clients.len()],
            data: log.data.clone(),
            records: log.records(),
            // One that is missing stops the log itself, with better words.
            key: log.read_key(false).ok(),
            quorum: None,
            least: 0,
            waiting: None,
            config,
            policy,
            clients,
            metrics,
        })
    }

    /// Asks about the last checkpoint before the log is opened: to open it is to sign for it. Witnesses that are away
    /// cost the time of one answer. None costs more than that of all its answers, so a proof that takes longer is made later.
    ///
    /// # Errors
    /// They know another history.
    pub async fn before_start(&mut self) -> Result<(), WitnessError> {
        let records = self.records.clone();
        // The head is not synced, so a power cut may have taken the last one. The records have it.
        let recorded = tokio::task::spawn_blocking(move || last_synced(&records)).await.ok().flatten();
        let head = newest_checkpoint(&self.records)?;
        let newest = [head, recorded].into_iter().filter_map(|newest| self.newest(newest));
        let Some(subject) = newest.max_by_key(|subject| subject.checkpoint.size) else { return Ok(()) };
        self.quorum = self.kept_quorum(&subject.checkpoint.origin);
        self.least = subject.checkpoint.size;
        let within = self.config.timeout.saturating_mul(ANSWERS);
        self.waiting = self.round(&subject, within).await?;
        Ok(())
    }

    /// Follows the log until it is stopped.
    #[must_use]
    pub fn start(mut self, log: DecisionLog, stopping: CancellationToken) -> JoinHandle<()> {
        if self.quorum.is_none() {
            // A log that no witness knows yet has from its beginning on to find a quorum.
            self.quorum = Some(Age::since(log.began().unwrap_or_else(now)));
        }
        self.bound(&log);
        tokio::spawn(async move {
            if let Err(Forked(why)) = self.follow(&log, &stopping).await {
                tracing::error!("{why}");
                log.hold(&why);
            }
        })
    }

    async fn follow(&mut self, log: &DecisionLog, stopping: &CancellationToken) -> Result<(), Forked> {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = None;
        let mut asked: Option<(u64, Instant)> = None;
        loop {
            if let Some(cosigned) = self.waiting.take() {
                self.keep(cosigned, log).await;
            }
            self.bound(log);
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            let attested = log.attested();
            let is_due = asked.is_some_and(|(_, at)| at.elapsed() >= AGAIN)
                && self.states.iter().any(|state| state.trouble.is_some());
            if seen.replace(attested) == Some(attested) && !is_due {
                continue;
            }
            let subject = match newest_checkpoint(&self.records).map(|newest| self.newest(newest)) {
                Ok(Some(subject)) => subject,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(%error, "The last checkpoint cannot be read, so no witness is asked.");
                    seen = None;
                    continue;
                }
            };
            // The checkpoint may be on disk before its head is.
            let size = subject.checkpoint.size;
            if size < self.least || asked.is_some_and(|(asked, _)| asked == size) && !is_due {
                seen = None;
                continue;
            }
            asked = Some((size, Instant::now()));
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                cosigned = self.round(&subject, Duration::MAX) => self.waiting = cosigned?,
            }
        }
    }

    /// What witnesses are asked about. The checkpoint of an orderly end has a line which they need not take, so the same
    /// size and root are signed without it. `None` for one of another key, which is refused when the log opens.
    fn newest(&self, newest: Option<(String, Checkpoint)>) -> Option<Subject> {
        let ((note, checkpoint), key) = newest.zip(self.key.as_ref())?;
        let public = key.public(&checkpoint.origin);
        Checkpoint::open(&note, &PublicKeys::parse([public.as_str()]).ok()?).ok()?;
        let plain = Checkpoint { is_end: false, ..checkpoint };
        Some(Subject::new(plain.sign(key)?, plain, &public, self.records.clone()))
    }

    /// Asks all witnesses at once, each for so long.
    async fn round(&mut self, subject: &Subject, within: Duration) -> Result<Option<Cosigned>, Forked> {
        let asking = self.policy.witnesses.iter().zip(&self.clients).zip(&mut self.states);
        let asking =
            asking.map(|((witness, client), state)| ask_within(client, witness, subject, &mut state.known, within));
        let verdicts = join_all(asking).await;
        let mut cosigned = Cosigned { note: subject.note.to_string(), witnesses: Vec::new(), is_quorum: false };
        for (witness, verdict) in self.policy.witnesses.iter().zip(&verdicts) {
            if let Verdict::Cosigned(cosignature) = verdict {
                cosigned.note.push_str(&cosignature.line);
                cosigned.witnesses.push(witness.name.clone());
            }
        }
        cosigned.is_quorum = self.policy.is_met(&|place| matches!(verdicts.get(place), Some(Verdict::Cosigned(_))));
        self.tell(subject, &verdicts);
        self.judge(subject, &verdicts)?;
        if cosigned.is_quorum {
            self.quorum = Some(Age::since(now()));
            self.metrics.quorum(now());
        }
        Ok((!cosigned.witnesses.is_empty()).then_some(cosigned))
    }

    /// A fork counts when it is proven, or when witnesses claim it that would be a quorum.
    fn judge(&self, subject: &Subject, verdicts: &[Verdict]) -> Result<(), Forked> {
        let is_claim = |place: usize| matches!(verdicts.get(place), Some(Verdict::Fork(_)));
        let proven = verdicts.iter().zip(&self.policy.witnesses).find_map(|(verdict, witness)| match verdict {
            Verdict::Fork(Fork { size, proof: Some(proof) }) => Some((witness, *size, proof)),
            _ => None,
        });
        if let Some((witness, size, proof)) = proven {
            let kept = self.keep_proof(subject, size, proof);
            return Err(forked(subject, &witness.name, size, &kept));
        }
        let claim = verdicts.iter().zip(&self.policy.witnesses).find_map(|(verdict, witness)| match verdict {
            Verdict::Fork(Fork { size, .. }) => Some((witness, *size)),
            _ => None,
        });
        match claim {
            Some((witness, size)) if self.policy.is_met(&is_claim) => Err(forked(
                subject,
                &witness.name,
                size,
                "It does not show that checkpoint, and enough witnesses say so.",
            )),
            _ => Ok(()),
        }
    }

    /// Keeps the checkpoint that the witness shows, and one of this log of the same size, and says where.
    fn keep_proof(&self, subject: &Subject, size: u64, Proof { note, own }: &Proof) -> String {
        let path = self.data.join(format!("fork-{size}.note"));
        if let Err(error) = fs::write(&path, note) {
            return format!("The checkpoint that it shows cannot be kept as `{}` ({error}).", path.display());
        }
        let own = own.map(|root| Checkpoint { size, root, ..(*subject.checkpoint).clone() });
        let signed = own.zip(self.key.as_ref()).and_then(|(own, key)| own.sign(key));
        let beside = self.data.join(format!("fork-{size}-here.note"));
        match signed.map(|signed| fs::write(&beside, signed)) {
            Some(Ok(())) => format!(
                "Two checkpoints prove it to anybody: `poort log verify-fork {} {} --key …`.",
                path.display(),
                beside.display()
            ),
            _ => format!("The checkpoint that it shows is kept as `{}`.", path.display()),
        }
    }

    /// Says what changed about each witness.
    fn tell(&mut self, subject: &Subject, verdicts: &[Verdict]) {
        for ((witness, state), verdict) in self.policy.witnesses.iter().zip(&mut self.states).zip(verdicts) {
            let (outcome, trouble) = match verdict {
                Verdict::Cosigned(_) => ("cosigned", None),
                Verdict::Fork(Fork { size, proof }) => {
                    let shown = if proof.is_some() { "" } else { ", and does not show it" };
                    ("fork", Some(format!("it says that it cosigned another history, of {size} records{shown}")))
                }
                Verdict::Without(why) => ("none", Some(why.clone())),
            };
            self.metrics.answered(&witness.name, outcome);
            if state.trouble == trouble {
                continue;
            }
            let (name, size) = (&witness.name, subject.checkpoint.size);
            match &trouble {
                Some(why) => tracing::warn!(witness = %name, size, %why, "A witness does not cosign."),
                None => tracing::info!(witness = %name, size, "A witness cosigns again."),
            }
            state.trouble = trouble;
        }
    }

    /// Puts cosignatures on record, and those of a quorum beside the log.
    async fn keep(&self, cosigned: Cosigned, log: &DecisionLog) {
        let Cosigned { note, witnesses, is_quorum } = &cosigned;
        if let Err(error) = log.record_cosigned(note, witnesses, *is_quorum).await {
            tracing::warn!(%error, "Cosignatures cannot be put on record.");
        }
        if *is_quorum {
            let (data, note) = (self.data.clone(), note.clone());
            let kept = tokio::task::spawn_blocking(move || cosigned_file::keep(&data, &note)).await;
            if let Ok(Err(error)) = kept {
                tracing::warn!(%error, "The last checkpoint that a quorum cosigned cannot be kept beside the log.");
            }
        }
    }

    /// Stops answers while the last quorum is too long ago.
    fn bound(&self, log: &DecisionLog) {
        let Some((required, quorum)) = self.config.required.zip(self.quorum) else { return };
        let age = quorum.elapsed();
        if age <= required {
            if log.release() {
                tracing::info!("A quorum of witnesses cosigned the log; questions are answered again.");
            }
        } else if !log.is_held() {
            let why = format!(
                "no quorum of witnesses cosigned the log for {} s, and log.witness.required allows {} s; the operators' log says \
                 why each of them does not",
                age.as_secs(),
                required.as_secs()
            );
            tracing::error!("Questions are not answered: {why}.");
            log.hold(&why);
        }
    }

    /// How long ago the quorum beside the log cosigned it under this name: since the earliest of its cosignatures.
    fn kept_quorum(&self, origin: &str) -> Option<Age> {
        let note = cosigned_file::read_cosigned(&self.data).ok().flatten()?;
        Checkpoint::read(&note).ok().filter(|checkpoint| checkpoint.origin == origin)?;
        let cosigned = self.policy.cosigned(&note).ok()?;
        let is_quorum = self.policy.is_met(&|place| cosigned.iter().any(|(found, _)| *found == place));
        let earliest = cosigned.iter().map(|(_, time)| time.saturating_mul(1000)).min();
        earliest.filter(|_| is_quorum).map(Age::since)
    }
}

fn forked(subject: &Subject, witness: &str, size: u64, shown: &str) -> Forked {
    let Checkpoint { origin, size: own, .. } = &*subject.checkpoint;
    let what = if size > *own {
        format!("the witness `{witness}` cosigned {size} records of the log {origin}, and this folder holds {own}")
    } else {
        format!(
            "the witness `{witness}` cosigned {size} records of the log {origin}, and this folder holds others in their place"
        )
    };
    Forked(format!(
        "{what}: the folder was put back from a backup, or is a copy of one that another poort writes, or records were changed. \
         {shown} If it was put back, say so with `poort log restored`: the log goes on under a new name. Else keep the folder for \
         inquiry (`poort log verify`, `poort log verify-fork`), and begin in another"
    ))
}
