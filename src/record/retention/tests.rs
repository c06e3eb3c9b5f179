//! A model of retention: in any order of activations, calls, records and deletions, what a record names is kept.

use super::Revisions;
use crate::{
    record::spool::put_segment,
    sources::{
        snapshot::{Snapshot, Sources},
        store::{Config, Store},
    },
    types::revision::Revision,
};
use proptest::{collection::vec, prelude::*, sample::Index};
use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::PathBuf,
    sync::Arc,
};

#[derive(Debug, Clone)]
enum Step {
    /// These policies and this directory are active.
    Activate(u8, u8),
    /// A call takes the active snapshot.
    Begin,
    /// A call ends with a record.
    Record(Index),
    /// It is noted what is idle, and on record that records go.
    Announce,
    /// So many of the oldest segments go, and revisions with them.
    Delete(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_u8, 0..3_u8).prop_map(|(policies, directory)| Step::Activate(policies, directory)),
        3 => Just(Step::Begin),
        4 => any::<Index>().prop_map(Step::Record),
        2 => Just(Step::Announce),
        3 => (0..4_u8).prop_map(Step::Delete),
    ]
}

struct World {
    folder: tempfile::TempDir,
    store: Arc<Store>,
    revisions: Revisions,
    calls: Vec<Arc<Snapshot>>,
    /// What each record names that is left, by its seq.
    records: BTreeMap<u64, [Revision; 2]>,
    next: u64,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["policies", "directory", "records"] {
            fs::create_dir(path(name)).unwrap();
        }
        let config = Config {
            policies: path("policies"),
            directory: path("directory"),
            archive: path("revisions"),
            within: Vec::new(),
            archive_max: u64::MAX,
            configuration: configuration(),
        };
        let meter = opentelemetry::global::meter("retention");
        let store = Arc::new(Store::new(config, &meter));
        let revisions = Revisions::new(store.clone(), path("records"));
        let mut world = Self { folder, store, revisions, calls: Vec::new(), records: BTreeMap::new(), next: 0 };
        world.activate(0, 0);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn activate(&mut self, policies: u8, directory: u8) {
        fs::write(self.path("policies/schema.cedarschema"), format!("entity A; // {policies}\n")).unwrap();
        fs::write(self.path("directory/a.json"), format!("[]{}", " ".repeat(directory.into()))).unwrap();
        self.store.load().unwrap();
        // In the server a thread does this, a moment later.
        let sources = Sources::read(&self.path("policies"), &self.path("directory")).unwrap();
        let archive = self.store.archive();
        archive.keep_configuration(&configuration()).unwrap();
        archive.keep(&sources).unwrap();
    }

    fn active(&self) -> Arc<Snapshot> {
        self.store.snapshot().unwrap()
    }

    fn record(&mut self, named: [Revision; 2]) {
        let ([policies, directory], configuration) = (&named, Revision::of_texts(&configuration()));
        let record = format!(
            r#"{{"attributes":{{"adl.core.configuration":{{"poort":{{"digest":"{configuration}"}}}},"adl.core.information":{{"directory":{{"revision":"{directory}"}}}},"adl.core.policies":{{"policies":{{"revision":"{policies}"}}}}}},"event_name":"adl.access_evaluation"}}"#
        );
        // Each in a segment of its own.
        put_segment(&self.path("records"), self.next, &[record.into_bytes()]);
        self.records.insert(self.next, named);
        self.next += 1;
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Activate(policies, directory) => self.activate(*policies, *directory),
            Step::Begin => self.calls.push(self.active()),
            Step::Record(which) => {
                if !self.calls.is_empty() {
                    let call = self.calls.remove(which.index(self.calls.len()));
                    self.record(names(&call));
                }
            }
            Step::Announce => {
                let idle = self.store.idle();
                self.revisions.announced(idle);
            }
            Step::Delete(count) => {
                for _ in 0..*count {
                    // The newest stays, as in the log.
                    if self.records.len() > 1
                        && let Some((seq, _)) = self.records.pop_first()
                    {
                        fs::remove_file(self.path(&format!("records/{seq:016x}.seg"))).unwrap();
                    }
                }
                self.revisions.deleted().unwrap();
            }
        }
    }

    /// What must be there: what is active, what a call was begun under, what a record names.
    fn needed(&self) -> HashSet<Revision> {
        let held = self.calls.iter().chain([&self.active()]).flat_map(|call| names(call)).collect::<Vec<_>>();
        let configuration = Revision::of_texts(&configuration());
        self.records.values().flatten().cloned().chain(held).chain([configuration]).collect()
    }

    /// Whether it is kept as files: policies and configuration.
    fn is_files(&self, revision: &Revision) -> bool {
        !self.path("revisions").join(revision.digits()).join("manifest").exists()
    }

    fn archived(&self) -> HashSet<Revision> {
        let name = |entry: fs::DirEntry| Revision::parse(&format!("sha256:{}", entry.file_name().to_str().unwrap()));
        let entries = fs::read_dir(self.path("revisions")).unwrap().map(Result::unwrap);
        let archived = entries.filter(|entry| entry.file_name() != "chunks");
        archived.map(|entry| name(entry).expect("whole")).collect()
    }
}

/// The facts of the configuration, which are active all the time.
fn configuration() -> Vec<(String, String)> {
    vec![("unknown".to_owned(), "deny".to_owned())]
}

fn names(snapshot: &Snapshot) -> [Revision; 2] {
    [snapshot.policies.revision.clone(), snapshot.directory.revision.clone()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_record_names_is_there_and_what_nothing_needs_goes(steps in vec(step(), 1..30)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            let (needed, archived) = (world.needed(), world.archived());
            let lost: Vec<_> = needed.difference(&archived).collect();
            prop_assert!(lost.is_empty(), "{lost:?} after {step:?}");
            let broken = archived.iter().find(|it| world.store.archive().directory(it).is_err() && !world.is_files(it));
            prop_assert!(broken.is_none(), "{broken:?} after {step:?}");
        }
        world.take(&Step::Announce);
        world.take(&Step::Delete(1));
        let (needed, archived) = (world.needed(), world.archived());
        prop_assert_eq!(archived, needed);
    }
}
