use super::*;
use crate::record::evidence::{Nodes, WitnessKey, leaf};

const ORIGIN: &str = "poort/here/1";

/// A log as its leaves.
struct Log(Vec<Hash>);

impl Nodes for Log {
    fn node(&self, level: u8, index: u64) -> io::Result<Hash> {
        if level == 0 { Ok(self.0[usize::try_from(index).unwrap()]) } else { proof::above(self, level, index) }
    }
}

impl Log {
    fn new(size: u8, salt: u8) -> Self {
        Self((0..size).map(|n| leaf(&[n, if n < 4 { 0 } else { salt }])).collect())
    }

    fn checkpoint(&self, size: u64) -> Checkpoint {
        let root = proof::root(self, size).unwrap();
        Checkpoint { origin: ORIGIN.to_owned(), size, root, is_end: false }
    }

    fn submission(&self, old: u64, size: u64) -> String {
        let proof = if old == 0 || old > size { Vec::new() } else { proof::consistency(self, old, size).unwrap() };
        let note = self.checkpoint(size).sign(&key()).unwrap();
        Submission { old, proof, note }.to_text()
    }
}

fn key() -> Key {
    Key::from_seed([3; 32])
}

fn open(folder: &Path) -> Result<Store, StoreError> {
    let logs = folder.join("logs.keys");
    fs::write(&logs, format!("# The station's.\n\n{}\n", key().public(ORIGIN))).unwrap();
    Store::open(&folder.join("witness"), "witness.example/one", &logs)
}

#[test]
fn what_continues_is_cosigned_and_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path()).unwrap();
    let witness = WitnessKey::parse(&store.public()).unwrap();
    let log = Log::new(20, 0);
    let mut old = 0;
    for (time, size) in [(7, 3), (8, 3), (9, 4), (10, 9), (11, 20)] {
        let line = store.add(&log.submission(old, size), time).unwrap();
        let latest = store.latest(&hash(ORIGIN)).unwrap().unwrap();
        assert!(latest.ends_with(&line));
        assert_eq!(witness.find(&latest).unwrap().unwrap().time, time);
        assert_eq!(Checkpoint::read(&latest).unwrap(), log.checkpoint(size));
        old = size;
        // Another process knows the same.
        drop(store);
        store = open(folder.path()).unwrap();
    }
    assert_eq!(store.add(&log.submission(0, 20), 12), Err(Refusal::Conflict(20)));
    assert_eq!(store.add(&log.submission(9, 12), 12), Err(Refusal::Conflict(20)));
    assert_eq!(store.latest("../../logs.keys").unwrap(), None);
}

#[test]
fn what_does_not_continue_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let (log, fork) = (Log::new(20, 0), Log::new(20, 1));
    store.add(&log.submission(0, 9), 1).unwrap();
    assert_eq!(store.add(&fork.submission(9, 9), 2), Err(Refusal::Conflict(9)));
    assert_eq!(store.add(&fork.submission(9, 12), 2), Err(Refusal::Contradiction));
    assert_eq!(store.add(&fork.submission(5, 9), 2), Err(Refusal::Conflict(9)));
    assert_eq!(
        store.add(&log.submission(10, 9), 2),
        Err(Refusal::Malformed("the old size is above that of the checkpoint"))
    );
    let kept = fs::read_dir(store.dir.join(hash(ORIGIN))).unwrap().map(|entry| entry.unwrap().file_name());
    let kept: Vec<_> =
        kept.filter_map(|name| Some(name.to_str()?.to_owned())).filter(|name| name != "checkpoint").collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    // It goes on with what continues.
    store.add(&log.submission(9, 20), 3).unwrap();
}

#[test]
fn only_known_logs_are_cosigned_and_only_what_they_signed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let checkpoint = Log::new(3, 0).checkpoint(3);
    let submit = |note: &str| store.add(&format!("old 0\n\n{note}"), 1);
    let forged = checkpoint.sign(&Key::from_seed([4; 32])).unwrap();
    assert_eq!(submit(&forged), Err(Refusal::Unsigned(CheckpointError::UnknownKey)));
    let changed = checkpoint.sign(&key()).unwrap().replace("\n3\n", "\n4\n");
    assert_eq!(submit(&changed), Err(Refusal::Unsigned(CheckpointError::WrongSignature)));
    assert!(matches!(submit("nothing"), Err(Refusal::Malformed(_))));
    let empty = Checkpoint { size: 0, ..checkpoint };
    assert_eq!(submit(&empty.sign(&key()).unwrap()), Err(Refusal::Conflict(0)));
    let other = Checkpoint { origin: "poort/there/2".to_owned(), ..empty };
    assert_eq!(submit(&other.sign(&key()).unwrap()), Err(Refusal::UnknownLog));
    assert_eq!(store.latest(&hash(ORIGIN)).unwrap(), None);
}

#[test]
fn one_process_at_a_time_cosigns() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(StoreError::Io(..))));
    // Its key can be printed meanwhile.
    let public = Store::public_of(&folder.path().join("witness"), "witness.example/one").unwrap();
    assert_eq!(public, store.public());
    drop(store);
    open(folder.path()).unwrap();
}

#[test]
fn a_witness_that_forgot_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    fs::remove_dir_all(folder.path().join("witness/logs")).unwrap();
    assert!(matches!(open(folder.path()), Err(StoreError::Forgot(_))));
}
