//! The model of the disk: what is on it after some calls, and what may be.

use super::recorder::Step;
use rand::{Rng as _, rngs::SmallRng};
use std::{collections::BTreeMap, path::PathBuf};

const SECTOR: usize = 512;

/// What is on disk, and what may be.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    /// The names that were synced, and what was done to names since.
    names: BTreeMap<PathBuf, u64>,
    names_since: Vec<Step>,
    /// The names as the process sees them.
    seen: BTreeMap<PathBuf, u64>,
    /// By file: what was synced, and what was done since.
    files: BTreeMap<u64, (Vec<u8>, Vec<Step>)>,
    /// The file system may use a number again.
    renumbered: BTreeMap<u64, u64>,
    next_file: u64,
    pub(super) told: BTreeMap<u64, Vec<u8>>,
    pub(super) taken: u64,
}

impl Model {
    pub(super) fn step(&mut self, step: &Step) {
        let mut step = step.clone();
        if let Step::Create { file, .. } = &step {
            self.next_file += 1;
            self.renumbered.insert(*file, self.next_file);
            self.files.insert(self.next_file, (Vec::new(), Vec::new()));
        }
        if let Step::Create { file, .. }
        | Step::Resize { file, .. }
        | Step::Write { file, .. }
        | Step::SyncFile { file } = &mut step
        {
            *file = self.renumbered[file];
        }
        match &step {
            Step::Create { .. } | Step::Rename { .. } | Step::Remove { .. } => {
                name(&mut self.seen, &step, &BTreeMap::new());
                self.names_since.push(step);
            }
            Step::Resize { file, .. } | Step::Write { file, .. } => {
                self.files.get_mut(file).unwrap().1.push(step.clone());
            }
            Step::SyncFile { file } => {
                let (synced, since) = self.files.get_mut(file).unwrap();
                since.drain(..).for_each(|step| content(synced, &step, &mut |_| true));
            }
            Step::SyncNames => {
                self.names.clone_from(&self.seen);
                self.names_since.clear();
            }
            Step::Told { seq, payload } => drop(self.told.insert(*seq, payload.clone())),
            Step::Taken(taken) => self.taken = self.taken.max(*taken),
        }
    }

    /// One of the states that a power cut could leave now.
    pub(super) fn state(&self, luck: &mut Luck) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut names = self.names.clone();
        let mut behind = self.names.clone();
        for step in &self.names_since {
            if luck.keeps() {
                name(&mut names, step, &behind);
            }
            name(&mut behind, step, &BTreeMap::new());
        }
        let contents = names.into_iter().map(|(path, file)| {
            let (synced, since) = &self.files[&file];
            let mut bytes = synced.clone();
            since.iter().for_each(|step| content(&mut bytes, step, &mut |_| luck.keeps()));
            (path, bytes)
        });
        contents.collect()
    }
}

/// Does a step to names. `behind`: the names as they were for the process, for a rename whose source never got a name.
fn name(names: &mut BTreeMap<PathBuf, u64>, step: &Step, behind: &BTreeMap<PathBuf, u64>) {
    match step {
        Step::Create { path, file } => drop(names.insert(path.clone(), *file)),
        Step::Rename { from, to } => {
            let here = names.remove(from);
            if let Some(file) = here.or_else(|| behind.get(from).copied()) {
                names.insert(to.clone(), file);
            }
        }
        Step::Remove { path } => drop(names.remove(path)),
        other => panic!("{other:?} is no step to names"),
    }
}

/// Does a step to a file, as far as `keeps` says, sector by sector.
fn content(bytes: &mut Vec<u8>, step: &Step, keeps: &mut dyn FnMut(u64) -> bool) {
    match step {
        Step::Resize { len, only_grow, .. } => {
            let len = *len as usize;
            if keeps(0) && !(*only_grow && bytes.len() >= len) {
                bytes.resize(len, 0);
            }
        }
        Step::Write { offset, bytes: written, .. } => {
            let (mut at, mut rest) = (*offset as usize, written.as_slice());
            while !rest.is_empty() {
                let n = rest.len().min(SECTOR - at % SECTOR);
                if keeps(at as u64) {
                    if bytes.len() < at + n {
                        bytes.resize(at + n, 0);
                    }
                    bytes[at..at + n].copy_from_slice(&rest[..n]);
                }
                at += n;
                rest = &rest[n..];
            }
        }
        other => panic!("{other:?} is no step to a file"),
    }
}

/// How lucky a power cut is.
pub(super) enum Luck {
    Nothing,
    Everything,
    Some(SmallRng),
}

impl Luck {
    fn keeps(&mut self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Some(chance) => chance.next_u32().is_multiple_of(2),
        }
    }
}
