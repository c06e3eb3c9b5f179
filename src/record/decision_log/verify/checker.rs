//! The checker: compares the records of one log, in order, with the checkpoints among them.

use super::{
    super::checkpoint::Attested,
    Fault, Found, Known, LastCheckpoint, PutBack, Report, Witnessed,
    facts::{FactKind, Facts},
};
use crate::record::evidence::{Checkpoint, Hash, Tree};
use std::collections::VecDeque;

/// How many checkpoints are remembered for the cosignatures that follow: more than the least `log.checkpoint` makes in the
/// longest `log.witness.timeout`.
const REMEMBERED: usize = 1024;

/// The check of one log.
#[derive(Debug)]
pub(super) struct Checker<'a> {
    known: &'a Known,
    /// The tree of the records so far; unknown after a gap, until a checkpoint says what it is.
    tree: Option<Tree>,
    /// The seq of the next record.
    next: Option<u64>,
    /// The record before was the checkpoint of an orderly end.
    is_ended: bool,
    /// All records from here were seen since the last checkpoint that can be trusted.
    since: u64,
    /// Records below this may be gone.
    retired: u64,
    /// The same, by records that no checkpoint covers yet.
    retiring: u64,
    /// The size and the root of the last checkpoints that agree with the records.
    agreed: VecDeque<(u64, Hash)>,
    report: Report,
}

impl<'a> Checker<'a> {
    /// `expected`: the seq that the log should begin with, where that is known.
    pub(super) fn new(known: &'a Known, expected: u64) -> Self {
        Self {
            known,
            tree: None,
            next: None,
            is_ended: false,
            since: 0,
            retired: expected,
            retiring: 0,
            agreed: VecDeque::new(),
            report: Report::default(),
        }
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        self.report.faults.push(fault);
    }

    /// Notes that something is missing that cannot be counted: the check continues at the next checkpoint.
    pub(super) fn interrupt(&mut self) {
        self.tree = None;
    }

    /// Whether this record is not the one that comes next.
    pub(super) fn is_gap(&self, seq: u64) -> bool {
        self.next.is_some_and(|next| next != seq)
    }

    /// The next record.
    pub(super) fn record(&mut self, seq: u64, facts: &Facts) {
        match self.next {
            None => self.begin(seq, facts),
            Some(next) if next != seq => {
                self.fault(Fault::Missing { from: next, to: seq });
                self.tree = None;
                self.is_ended = false;
            }
            Some(_) => {}
        }
        if let FactKind::Checkpoint(attested) = &facts.kind
            && let Ok(attested) = &**attested
        {
            self.put_back(seq, attested);
        }
        self.place(seq, facts);
        if std::mem::take(&mut self.is_ended) && !matches!(facts.kind, FactKind::Checkpoint(_)) {
            self.fault(Fault::BehindEnd { seq });
        }
        match &facts.kind {
            FactKind::Checkpoint(attested) => match &**attested {
                Ok(attested) => self.checkpoint(seq, attested),
                Err(why) => self.fault(Fault::Untrusted { seq, why: why.clone() }),
            },
            FactKind::Cosigned(cosigned) => match &**cosigned {
                Ok((checkpoint, note)) => self.cosigned(seq, checkpoint, note),
                Err(why) => self.fault(Fault::Untrusted { seq, why: why.clone() }),
            },
            FactKind::Retention(below) => self.retiring = self.retiring.max(*below),
            FactKind::Any => {}
        }
        if let Some(tree) = &mut self.tree {
            tree.push(facts.leaf);
        }
        self.compare_known();
        self.next = Some(seq.saturating_add(1));
        self.report.records = self.report.records.saturating_add(1);
    }

    fn begin(&mut self, seq: u64, facts: &Facts) {
        self.report.first = seq;
        self.report.proven = seq;
        self.since = seq;
        if seq == 0 {
            self.tree = Some(Tree::default());
        }
        if let Some((origin, _)) = &facts.place {
            self.report.origin = origin.to_string();
        }
        self.compare_known();
    }

    /// Goes on under a new name, where this checkpoint says that all records before it were put back from a backup. It is
    /// signed under that name, for the tree of these records.
    fn put_back(&mut self, seq: u64, attested: &Attested) {
        let Some(restored) = &attested.restored else { return };
        let Checkpoint { origin, size, root, .. } = &attested.checkpoint;
        if (restored.size, restored.size, restored.root) != (seq, *size, *root) {
            return;
        }
        if self.next.is_none() || self.report.records == 0 {
            // What was received under the new name begins here.
            self.retired = self.retired.max(seq);
        } else if restored.origin == self.report.origin {
            self.report.restored.push(PutBack { origin: restored.origin.clone(), size: seq });
            self.report.origin.clone_from(origin);
        }
    }

    /// What a record says of itself must be so.
    fn place(&mut self, seq: u64, facts: &Facts) {
        let says = match &facts.place {
            None => "in no log".to_owned(),
            Some((origin, _)) if **origin != *self.report.origin => format!("in the log {origin}"),
            Some((_, says)) if *says != seq => format!("record {says}"),
            Some(_) => return,
        };
        self.fault(Fault::Moved { seq, says });
    }

    fn checkpoint(&mut self, seq: u64, attested: &Attested) {
        let Attested { checkpoint, tree, occasion, timestamp, .. } = attested;
        if checkpoint.origin != self.report.origin {
            let why = format!("it is one of the log {}", checkpoint.origin);
            return self.fault(Fault::Untrusted { seq, why });
        }
        if checkpoint.size != seq {
            let why = format!("it is one of {} records", checkpoint.size);
            return self.fault(Fault::Untrusted { seq, why });
        }
        match &self.tree {
            Some(own) if own.root() == checkpoint.root => {
                self.report.checkpoints = self.report.checkpoints.saturating_add(1);
                // What such a record says counts when it is signed for: anybody could put one at the end.
                self.retired = self.retired.max(self.retiring);
                if self.report.faults.is_empty() {
                    self.report.proven = seq;
                }
            }
            Some(_) => self.fault(Fault::Altered { from: self.since, to: seq }),
            // It covers more than is here: what was seen since the last one cannot be proven without what is missing.
            None if self.since < seq => self.fault(Fault::Unproven { from: self.since, to: seq }),
            None => self.report.checkpoints = self.report.checkpoints.saturating_add(1),
        }
        self.agreed.push_back((seq, checkpoint.root));
        if self.agreed.len() > REMEMBERED {
            self.agreed.pop_front();
        }
        self.is_ended = attested.is_end();
        self.report.found.extend(attested.found.map(|(from, to)| Found { from, to }));
        // It is signed, so what follows can be checked, whatever came before.
        self.tree = Some(tree.clone());
        self.since = seq;
        let last = LastCheckpoint { size: checkpoint.size, timestamp: *timestamp, occasion: occasion.clone() };
        self.report.last = Some(last);
    }

    /// What witnesses cosigned must be a checkpoint of this log, and counts where they suffice.
    fn cosigned(&mut self, seq: u64, checkpoint: &Checkpoint, note: &str) {
        let Checkpoint { origin, size, root, .. } = checkpoint;
        let is_agreed = self.agreed.iter().any(|agreed| *agreed == (*size, *root));
        if *origin != self.report.origin || (self.tree.is_some() && self.since >= *size && !is_agreed) {
            let why = format!("it is of {size} records of the log {origin}, and no checkpoint before it says the same");
            return self.fault(Fault::Untrusted { seq, why });
        }
        let Some(policy) = self.known.policy.as_ref().filter(|_| is_agreed) else { return };
        match policy.cosigned(note) {
            Err(wrong) => self.fault(Fault::Untrusted { seq, why: wrong.to_string() }),
            Ok(found) if policy.is_met(&|place| found.iter().any(|(found, _)| *found == place)) => {
                let named = |place: &usize| policy.witnesses.get(*place).map(|witness| witness.name.clone());
                let witnesses = found.iter().filter_map(|(place, _)| named(place)).collect();
                let time = found.iter().map(|(_, time)| *time).max().unwrap_or(0);
                self.report.witnessed = Some(Witnessed { size: *size, time, witnesses });
            }
            Ok(_) => {}
        }
    }

    /// A checkpoint that is kept elsewhere must agree at its size. Where it does, it proves as much as one in the log.
    fn compare_known(&mut self) {
        let Some(tree) = &self.tree else { return };
        let size = tree.size();
        let mut here =
            self.known.checkpoints.iter().filter(|known| known.origin == self.report.origin && known.size == size);
        let Some(first) = here.next() else { return };
        let root = tree.root();
        if first.root != root || here.any(|known| known.root != root) {
            self.fault(Fault::Contradiction { size });
        } else if self.report.faults.is_empty() {
            self.report.proven = size;
        }
    }

    /// The seq after the last record.
    pub(super) fn end(&self) -> u64 {
        self.next.unwrap_or(0)
    }

    pub(super) fn finish(mut self) -> Report {
        self.report.end = self.end();
        let end = self.report.end;
        // A checkpoint is a record itself, after those that it covers, and leaves the log only when it is there.
        let known = self.known.checkpoints.iter().filter(|known| known.origin == self.report.origin);
        let ahead = known.map(|known| known.size).filter(|size| *size >= end).max();
        self.report.faults.extend(ahead.map(|size| Fault::CutOff { end, size }));
        if self.next.is_some() && self.report.first > self.retired {
            self.report.faults.push(Fault::Missing { from: self.retired, to: self.report.first });
        }
        for PutBack { origin, size: end } in self.report.restored.clone() {
            let lost = self.known.checkpoints.iter().filter(|known| known.origin == origin).map(|known| known.size);
            let lost = lost.filter(|size| *size > end).max();
            self.report.faults.extend(lost.map(|size| Fault::CutOff { end, size }));
        }
        if self.known.policy.is_some() && self.report.witnessed.is_none() {
            self.report.faults.push(Fault::Unwitnessed);
        }
        // A first part that follows no checkpoint.
        if self.report.last.is_none() && self.report.first > 0 {
            self.report.faults.push(Fault::Unproven { from: self.report.first, to: end });
        }
        self.report.faults.sort();
        self.report.faults.dedup();
        self.report
    }
}
