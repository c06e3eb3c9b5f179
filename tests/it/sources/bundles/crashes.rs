//! A crash at each file operation of an activation, as each thread counts them: afterwards the old or the new one is active, never neither and never both.

use super::{rotation::until_trust, trust_attacks::Rotation, *};
use crate::support::Starting;
use poort::sources::bundle::NextTrust;
use std::{collections::BTreeSet, ffi::OsString};

/// When the new trust file and the new bundle come.
#[derive(Debug, Clone, Copy)]
enum Comes {
    BeforeTheStart,
    AfterTheStart,
}

/// Waits until it says this. `None`: it was killed before that.
fn says(sidecar: Sidecar, line: &str) -> Option<Sidecar> {
    if !sidecar.ends_before(line) {
        return Some(sidecar);
    }
    let ended = sidecar.wait();
    assert_eq!(ended.code, None, "{}", ended.log);
    None
}

/// A place where version 1 was active under the first trust file, and what comes next.
struct Crashes {
    rotation: Rotation,
    trust: NextTrust,
    bundle: Bundle,
}

impl Crashes {
    async fn new() -> Self {
        let rotation = Rotation::new();
        let place = &rotation.place;
        let first = place.sign(bundle(&files(1), 1, None), &["anna", "dirk", "bram"]);
        place.bring(&first);
        let sidecar = place.sidecar("").start();
        assert_eq!(level(&sidecar).await, 1);
        sidecar.stop();
        let trust = rotation.second();
        let bundle = place.sign(bundle(&files(2), 2, Some(&first)), &["anna", "dirk"]);
        let crashes = Self { rotation, trust, bundle };
        crashes.copy("data", "before");
        crashes
    }

    fn copy(&self, from: &str, to: &str) {
        let [from, to] = [from, to].map(|name| self.rotation.place.path(name));
        fs::remove_dir_all(&to).unwrap_or_default();
        assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    }

    fn bring(&self) {
        self.rotation.bring(&self.trust);
        self.rotation.place.bring(&self.bundle);
    }

    fn take_away(&self) {
        let courier = self.rotation.place.path("courier");
        fs::remove_dir_all(&courier).unwrap();
        fs::create_dir(&courier).unwrap();
    }

    /// A sidecar that is killed before the `nth` time that one of its threads calls this on one of these files.
    fn killed_at(&self, call: &str, nth: usize, paths: &[PathBuf]) -> Starting {
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:signal=KILL:when={nth}"));
        let words = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject].map(OsString::from);
        let paths = paths.iter().flat_map(|path| ["-P".into(), path.into()]);
        self.rotation.place.sidecar("").wrapper(words.into_iter().chain(paths))
    }

    /// Kills it at one call after the other, until none is left. Returns what was active after each crash, and at last without one: the
    /// trust file, and the level of the bundle.
    async fn at_each(&self, call: &str, paths: &[PathBuf], comes: Comes) -> Vec<(u64, i64)> {
        let (mut active, mut nth) = (Vec::new(), 0);
        loop {
            nth += 1;
            self.copy("before", "data");
            self.take_away();
            let sidecar = match comes {
                Comes::BeforeTheStart => {
                    self.bring();
                    says(self.killed_at(call, nth, paths).spawn(), "Ready for questions.")
                }
                Comes::AfterTheStart => {
                    let ready = says(self.killed_at(call, nth, paths).spawn(), "Ready for questions.");
                    self.bring();
                    ready.and_then(|sidecar| says(sidecar, "A new bundle is active."))
                }
            };
            let is_killed = sidecar.is_none();
            drop(sidecar);
            assert!(is_killed || nth > 1, "{call} is not called");
            assert!(nth < 50, "{call} is called for ever");
            self.take_away();
            let sidecar = self.rotation.place.sidecar("").start();
            let trust = status(&sidecar).await["trust"]["version"].as_u64().unwrap();
            active.push((trust, level(&sidecar).await));
            // What was lost comes again, and is taken.
            self.bring();
            until_trust(&sidecar, 2).await;
            until_version(&sidecar, 2).await;
            assert_eq!(level(&sidecar).await, 2, "{call} {nth}");
            let data = sidecar.data.clone();
            sidecar.kill();
            check(&run(["log".as_ref(), "verify".as_ref(), "--data".as_ref(), data.as_os_str()]), 0);
            if !is_killed {
                return active;
            }
        }
    }

    /// The files that say what is active, with their folders.
    fn kept(&self) -> Vec<PathBuf> {
        let names = ["", "/bundle.tar", "/bundle.tar.new", "/trust", "/trust/2.trust", "/trust/2.trust.new"];
        names.map(|name| self.rotation.place.path(&format!("data{name}"))).into()
    }

    /// The files of the log, as they are after a start.
    async fn log(&self) -> Vec<PathBuf> {
        self.take_away();
        let sidecar = self.rotation.place.sidecar("").start();
        let records = sidecar.data.join("records");
        let files = fs::read_dir(records).unwrap().map(|entry| entry.unwrap().path()).collect();
        sidecar.kill();
        files
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_file_operation_leaves_one_bundle_active() {
    let crashes = Crashes::new().await;
    let (kept, log) = (crashes.kept(), crashes.log().await);
    let calls = [
        ("mkdir", &kept),
        ("write", &kept),
        ("fsync", &kept),
        ("rename", &kept),
        ("pwrite64", &log),
        ("fsync", &log),
        ("fdatasync", &log),
    ];
    let (mut found, mut n_crashes) = (BTreeSet::new(), 0);
    for (comes, (call, paths)) in
        [Comes::AfterTheStart, Comes::BeforeTheStart].into_iter().flat_map(|it| calls.map(|call| (it, call)))
    {
        let active = crashes.at_each(call, paths, comes).await;
        let told = format!("{call}, {comes:?}: {active:?}");
        // What is not killed takes both.
        assert!(active.last() == Some(&(2, 2)), "{told}");
        n_crashes += active.len() - 1;
        found.extend(active);
    }
    assert!(n_crashes >= 30, "{n_crashes}");
    // The trust file comes first. No bundle of two persons that it adds is there under the one before it.
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [(1, 1), (2, 1), (2, 2)]);
}
