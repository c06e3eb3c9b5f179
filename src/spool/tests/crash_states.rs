//! Every state that a power cut could leave, as far as they can be counted.
//!
//! A small workload runs on a real disk, and each call that changes the disk is noted, with what callers were told and what
//! a sink took in between. Then the calls are replayed on a model: what was synced is there; of each write that was not, each
//! sector may be there or not; a name that was not synced may be there or not. After each call some of the states that could
//! be left are made for real, and the spool is opened on them (after ALICE, OSDI 2014).
//!
//! It is a model, not a pulled plug. What makes it worth having is the other half: with a fault planted, it must fail.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use super::support::payload;
use crate::spool::config::Pace;
use crate::spool::files::{Disk, Files};
use crate::spool::reader::Reader;
use crate::spool::recovery::{recover, resume};
use crate::spool::segment::list;
use crate::spool::walk::{Rest, Walk};
use crate::spool::{Attestation, Config, Cursor, Entry, Notary, Occasion, Spool};

const SECTOR: usize = 512;
const SEGMENT: u64 = 6 << 10;
const SINK: &str = "sink";

/// A call that changed the disk, or what somebody else knows at that point.
#[derive(Clone, Debug)]
enum Step {
    Create {
        path: PathBuf,
        file: u64,
    },
    Resize {
        file: u64,
        len: u64,
        only_grow: bool,
    },
    Write {
        file: u64,
        offset: u64,
        bytes: Vec<u8>,
    },
    SyncFile {
        file: u64,
    },
    SyncNames,
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
    /// Callers were told that this record is on disk.
    Told {
        seq: u64,
        payload: Vec<u8>,
    },
    /// A sink took all below.
    Taken(u64),
}

/// What the code does not do, though it believes that it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    NoDataSync,
    NoNameSync,
    CursorNotSynced,
}

/// The real disk, with a note of each call.
#[derive(Debug)]
struct Noting {
    steps: Mutex<Vec<Step>>,
    fault: Fault,
    /// The files of cursors.
    cursors: Mutex<Vec<u64>>,
}

impl Noting {
    fn note(&self, step: Step) {
        self.steps.lock().unwrap().push(step);
    }

    /// Does the call, and notes it if it went well. What is noted in between comes before or behind as a whole.
    fn noting<T>(&self, call: impl FnOnce() -> io::Result<T>, step: impl FnOnce(&T) -> Option<Step>) -> io::Result<T> {
        let mut steps = self.steps.lock().unwrap();
        let done = call()?;
        steps.extend(step(&done));
        Ok(done)
    }
}

fn id(file: &File) -> u64 {
    file.metadata().unwrap().ino()
}

impl Files for Noting {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        Disk.create_dir(path)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        let file =
            self.noting(|| Disk.create(path), |file| Some(Step::Create { path: path.into(), file: id(file) }))?;
        if path.extension().is_some_and(|extension| extension == "cursor") {
            self.cursors.lock().unwrap().push(id(&file));
        }
        Ok(file)
    }

    fn allocate(&self, file: &File, len: u64) -> io::Result<()> {
        let step = Step::Resize { file: id(file), len, only_grow: true };
        self.noting(|| Disk.allocate(file, len).or_else(|_| Disk.cut(file, len)), |()| Some(step))
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let step = |n: &usize| Some(Step::Write { file: id(file), offset, bytes: bytes[..*n].to_vec() });
        self.noting(|| Disk.write_at(file, bytes, offset), step)
    }

    fn cut(&self, file: &File, len: u64) -> io::Result<()> {
        let step = Step::Resize { file: id(file), len, only_grow: false };
        self.noting(|| Disk.cut(file, len), |()| Some(step))
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        let is_cursor = self.cursors.lock().unwrap().contains(&id(file));
        let is_forgotten = match self.fault {
            Fault::NoDataSync => !is_cursor,
            Fault::CursorNotSynced => is_cursor,
            Fault::None | Fault::NoNameSync => false,
        };
        self.noting(|| Disk.sync_data(file), |()| (!is_forgotten).then(|| Step::SyncFile { file: id(file) }))
    }

    fn sync_all(&self, file: &File) -> io::Result<()> {
        self.noting(|| Disk.sync_all(file), |()| Some(Step::SyncFile { file: id(file) }))
    }

    fn sync_dir(&self, dir: &File) -> io::Result<()> {
        self.noting(|| Disk.sync_dir(dir), |()| (self.fault != Fault::NoNameSync).then_some(Step::SyncNames))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let step = Step::Rename { from: from.into(), to: to.into() };
        self.noting(|| Disk.rename(from, to), |()| Some(step))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.noting(|| Disk.remove(path), |()| Some(Step::Remove { path: path.into() }))
    }
}

/// Counts, and refuses to go on when it counted more before.
#[derive(Debug, Default)]
struct Counting {
    count: u64,
    head: Option<u64>,
}

impl Notary for Counting {
    fn resume(&mut self, head: Option<&[u8]>, opening: Option<(u64, &[u8])>) -> Result<(), String> {
        self.head = head.map(|head| u64::from_le_bytes(head.try_into().unwrap()));
        self.count = opening.map_or(0, |(seq, _)| seq);
        match opening {
            Some((_, payload)) if !payload.starts_with(b"attests") => Err("the segment has no opening".to_owned()),
            _ => Ok(()),
        }
    }

    fn record(&mut self, _payload: &[u8]) {
        self.count += 1;
    }

    fn resumed(&mut self) -> Result<(), String> {
        match self.head.take() {
            Some(head) if head >= self.count => Err(format!("the head says {head} and there are {}", self.count)),
            _ => Ok(()),
        }
    }

    fn attest(&mut self, occasion: Occasion) -> Attestation {
        Attestation {
            record: format!("attests to {} {occasion:?}", self.count).as_str().into(),
            head: self.count.to_le_bytes().to_vec(),
        }
    }

    fn cadence(&self) -> Duration {
        Duration::from_millis(3)
    }
}

/// Runs the workload: commits of several records, segments that fill up, a sink that takes records, segments that go, and
/// restarts.
fn workload(seed: u64, fault: Fault) -> (PathBuf, Vec<Step>) {
    let folder = memory();
    let dir = folder.path().join("records");
    fs::create_dir(&dir).unwrap();
    let files = Arc::new(Noting { steps: Mutex::default(), fault, cursors: Mutex::default() });
    let mut chance = SmallRng::seed_from_u64(seed);
    let mut number = 0;
    for _ in 0..3 {
        let config = Config { segment_bytes: SEGMENT, queue: 64, ..Config::new(&dir) };
        let meter = opentelemetry::global::meter("spool");
        let pace = Pace { check: Duration::from_millis(5), probe: Duration::from_millis(5) };
        let (spool, _) =
            Spool::open_on(config, Some(Box::new(Counting::default())), &meter, files.clone(), pace).unwrap();
        let cursor = Cursor::open_on(files.clone(), &dir, SINK).unwrap();
        for round in 0..14 {
            let tickets: Vec<_> = (0..chance.random_range(1..6))
                .map(|_| {
                    number += 1;
                    let payload = payload(number, chance.random_range(10..1200));
                    (spool.submit(Entry::new(payload.clone())).unwrap(), payload)
                })
                .collect();
            for (ticket, payload) in tickets {
                let seq = ticket.wait().unwrap().seq;
                files.note(Step::Told { seq, payload });
            }
            if chance.random_range(0..3) > 0 {
                let taken = spool.durable().saturating_sub(chance.random_range(0..4));
                files.note(Step::Taken(taken));
                cursor.advance(taken).unwrap();
            }
            if round % 5 == 4 {
                let taken = cursor.sync().unwrap();
                spool.remove_below(taken).unwrap();
            }
        }
        spool.close();
    }
    let steps = std::mem::take(&mut *files.steps.lock().unwrap());
    (dir, steps)
}

/// A folder in memory where there is one: thousands of them are made.
fn memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// What is on disk, and what may be.
#[derive(Clone, Debug, Default)]
struct Model {
    /// The names that were synced, and what was done to names since.
    names: BTreeMap<PathBuf, u64>,
    names_since: Vec<Step>,
    /// The names as the process sees them.
    seen: BTreeMap<PathBuf, u64>,
    /// By file: what was synced, and what was done since.
    files: BTreeMap<u64, (Vec<u8>, Vec<Step>)>,
    /// A number of the file system may serve again.
    renumbered: BTreeMap<u64, u64>,
    next_file: u64,
    told: BTreeMap<u64, Vec<u8>>,
    taken: u64,
}

impl Model {
    fn step(&mut self, step: &Step) {
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
    fn state(&self, luck: &mut Luck) -> BTreeMap<PathBuf, Vec<u8>> {
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
enum Luck {
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

/// What a recovery makes of a folder: the records that it goes on with, or why it refuses.
type Recover = fn(&Path) -> Result<BTreeMap<u64, Vec<u8>>, String>;

fn real(dir: &Path) -> Result<BTreeMap<u64, Vec<u8>>, String> {
    let found = recover(dir).map_err(|error| error.to_string())?;
    resume(dir, found.tail.as_ref(), &mut Counting::default()).map_err(|error| error.to_string())?;
    let frames = Reader::open(dir).map_err(|error| error.to_string())?;
    frames.map(|frame| frame.map(|frame| (frame.seq, frame.payload)).map_err(|error| error.to_string())).collect()
}

/// A rule that is too simple: what stands behind the first bad frame is thrown away.
fn cutting_at_the_first_bad_frame(dir: &Path) -> Result<BTreeMap<u64, Vec<u8>>, String> {
    let mut records = BTreeMap::new();
    for segment in list(dir).unwrap() {
        let mut walk = Walk::new(File::open(&segment.path).unwrap(), &segment.path, segment.first);
        while let Some((header, payload)) = walk.next().unwrap() {
            records.insert(header.seq, payload.to_vec());
        }
    }
    Ok(records)
}

/// The other rule that is too simple: whatever stands behind a bad frame is corruption.
fn refusing_what_is_torn(dir: &Path) -> Result<BTreeMap<u64, Vec<u8>>, String> {
    for segment in list(dir).unwrap() {
        let mut walk = Walk::new(File::open(&segment.path).unwrap(), &segment.path, segment.first);
        while walk.next().unwrap().is_some() {}
        let len = fs::metadata(&segment.path).unwrap().len();
        if walk.rest(len).unwrap() != Rest::Empty {
            return Err("torn".to_owned());
        }
    }
    real(dir)
}

#[derive(Debug, Default)]
struct Tally {
    states: u64,
    /// Records that callers were told of, or that a sink never took, and that are gone.
    lost: u64,
    /// States that a power cut may leave, and that were refused.
    refused: u64,
    /// Cursors that say more than the sink took.
    ahead: u64,
    /// Rotten states that were taken for whole.
    rot_missed: u64,
}

/// Puts a state on disk and looks what comes of it.
fn check(
    model: &Model,
    dir: &Path,
    state: &BTreeMap<PathBuf, Vec<u8>>,
    recover: Recover,
    is_rotten: bool,
    tally: &mut Tally,
) {
    let folder = memory();
    for (path, bytes) in state {
        fs::write(folder.path().join(path.strip_prefix(dir).unwrap()), bytes).unwrap();
    }
    tally.states += 1;
    let records = match recover(folder.path()) {
        Ok(records) => records,
        Err(_) if is_rotten => return,
        Err(why) => {
            tally.refused += 1;
            tracing::debug!(why, "refused");
            return;
        }
    };
    let cursor = Cursor::read(folder.path(), SINK).unwrap().unwrap_or(0);
    let first = records.keys().next().copied().unwrap_or(cursor);
    let is_gone = |(seq, payload): &(&u64, &Vec<u8>)| **seq >= cursor && records.get(seq) != Some(payload);
    let lost = model.told.iter().filter(is_gone).count() as u64 + u64::from(first > cursor);
    if is_rotten {
        tally.rot_missed += u64::from(lost > 0);
        return;
    }
    tally.lost += lost;
    tally.ahead += u64::from(cursor > model.taken);
}

/// A bit of what callers were told of turns in a state, but not in the last commit, which may be torn.
fn rot(model: &Model, state: &mut BTreeMap<PathBuf, Vec<u8>>, chance: &mut SmallRng) -> bool {
    let Some((_, payload)) = model.told.iter().rev().nth(12) else { return false };
    for bytes in state.values_mut() {
        if let Some(at) = bytes.windows(payload.len()).position(|window| window == payload) {
            bytes[at + chance.random_range(0..payload.len())] ^= 1 << chance.random_range(0..8);
            return true;
        }
    }
    false
}

fn enumerate(seeds: std::ops::Range<u64>, per_step: u64, fault: Fault, recover: Recover) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let (dir, steps) = workload(seed, fault);
        let mut chance = SmallRng::seed_from_u64(seed ^ 0x5eed);
        let mut model = Model::default();
        for step in &steps {
            model.step(step);
            let mut lucks = vec![Luck::Nothing, Luck::Everything];
            lucks.extend((2..per_step).map(|_| Luck::Some(SmallRng::seed_from_u64(chance.next_u64()))));
            for mut luck in lucks {
                let state = model.state(&mut luck);
                check(&model, &dir, &state, recover, false, &mut tally);
            }
            if matches!(step, Step::Told { .. }) {
                let mut state = model.state(&mut Luck::Nothing);
                if rot(&model, &mut state, &mut chance) {
                    check(&model, &dir, &state, recover, true, &mut tally);
                }
            }
        }
    }
    tally
}

#[test]
fn no_power_cut_loses_a_record_and_none_that_may_be_is_refused() {
    let tally = enumerate(0..3, 5, Fault::None, real);
    assert!(tally.states >= 5_000, "{tally:?}");
    let Tally { states: _, lost, refused, ahead, rot_missed } = tally;
    assert_eq!((lost, refused, ahead, rot_missed), (0, 0, 0, 0), "{tally:?}");
}

#[test]
fn a_commit_without_a_sync_would_be_found() {
    let tally = enumerate(7..8, 3, Fault::NoDataSync, real);
    assert!(tally.lost > 0, "{tally:?}");
}

#[test]
fn a_name_without_a_sync_would_be_found() {
    let tally = enumerate(7..8, 3, Fault::NoNameSync, real);
    assert!(tally.lost + tally.refused > 0, "{tally:?}");
}

#[test]
fn a_cursor_that_is_not_synced_before_a_segment_goes_would_be_found() {
    let tally = enumerate(7..8, 3, Fault::CursorNotSynced, real);
    assert!(tally.lost > 0, "{tally:?}");
}

#[test]
fn a_cut_at_the_first_bad_frame_would_be_found() {
    let tally = enumerate(7..8, 3, Fault::None, cutting_at_the_first_bad_frame);
    assert!(tally.rot_missed > 0, "{tally:?}");
}

#[test]
fn a_refusal_of_what_is_merely_torn_would_be_found() {
    let tally = enumerate(7..8, 3, Fault::None, refusing_what_is_torn);
    assert!(tally.refused > 0, "{tally:?}");
}
