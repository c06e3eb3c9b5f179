//! A disk that fails on demand.

use crate::record::spool::files::{Disk, Files};
use rustix::io::Errno;
use std::{
    collections::HashMap,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{Condvar, Mutex},
    thread::{self, ThreadId},
    time::Duration,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Call {
    CreateDir,
    Create,
    Allocate,
    Write,
    Cut,
    SyncData,
    SyncAll,
    SyncDir,
    Rename,
    Remove,
}

/// The real disk with faults.
#[derive(Debug, Default)]
pub(super) struct Faulty {
    plan: Mutex<Plan>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Plan {
    counts: HashMap<Call, usize>,
    /// The error of a call, and how often.
    errors: HashMap<Call, (Errno, usize)>,
    /// How often it succeeds before.
    passes: HashMap<Call, usize>,
    /// Where the write ended that came furthest in its file.
    furthest_write: u64,
    /// A write takes no more than this.
    longest_write: Option<usize>,
    /// A cut makes room, so that no call fails any more.
    cut_heals: bool,
    /// While set, a sync of data waits.
    is_held: bool,
    /// The thread that last synced data.
    synced_by: Option<ThreadId>,
    is_waiting: bool,
    /// The power goes at this many more calls.
    calls_left: Option<u32>,
    /// What becomes of the call in which the power goes.
    chance: u64,
    is_dead: bool,
}

/// Longer than any test should take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

impl Faulty {
    pub(super) fn count(&self, call: Call) -> usize {
        self.plan.lock().unwrap().counts.get(&call).copied().unwrap_or(0)
    }

    /// Where the write ended that came furthest in its file.
    pub(super) fn furthest_write(&self) -> u64 {
        self.plan.lock().unwrap().furthest_write
    }

    /// The thread that last synced data.
    pub(super) fn synced_by(&self) -> Option<ThreadId> {
        self.plan.lock().unwrap().synced_by
    }

    /// The next `times` of these calls fail.
    pub(super) fn fail(&self, call: Call, error: Errno, times: usize) {
        self.plan.lock().unwrap().errors.insert(call, (error, times));
    }

    /// These calls succeed so many times, and then fail until [`Faulty::heal`].
    pub(super) fn fail_after(&self, call: Call, passes: usize, error: Errno) {
        let mut plan = self.plan.lock().unwrap();
        plan.passes.insert(call, passes);
        plan.errors.insert(call, (error, usize::MAX));
    }

    /// No file can be made until one was cut.
    pub(super) fn no_room_until_cut(&self) {
        self.fail(Call::Create, Errno::NOSPC, usize::MAX);
        self.plan.lock().unwrap().cut_heals = true;
    }

    pub(super) fn heal(&self) {
        let mut plan = self.plan.lock().unwrap();
        plan.errors.clear();
        plan.passes.clear();
    }

    pub(super) fn write_at_most(&self, bytes: usize) {
        self.plan.lock().unwrap().longest_write = Some(bytes);
    }

    /// From now on a sync of data waits for [`Faulty::release`].
    pub(super) fn hold(&self) {
        self.plan.lock().unwrap().is_held = true;
    }

    /// Waits until the writer waits in a sync.
    pub(super) fn await_held(&self) {
        let plan = self.plan.lock().unwrap();
        let (_plan, wait) = self.changed.wait_timeout_while(plan, PATIENCE, |plan| !plan.is_waiting).unwrap();
        assert!(!wait.timed_out(), "no sync was called");
    }

    pub(super) fn release(&self) {
        self.plan.lock().unwrap().is_held = false;
        self.changed.notify_all();
    }

    /// The power goes after so many calls. The call that it goes in may be done, or not, or in part.
    pub(super) fn cut_power_after(&self, calls: u32, chance: u64) {
        let mut plan = self.plan.lock().unwrap();
        plan.calls_left = Some(calls);
        plan.chance = chance;
    }

    fn step<T>(&self, call: Call, real: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let mut plan = self.plan.lock().unwrap();
        *plan.counts.entry(call).or_default() += 1;
        if plan.is_dead {
            return Err(Errno::IO.into());
        }
        if let Some(left) = plan.calls_left {
            if left == 0 {
                plan.is_dead = true;
                if plan.chance.is_multiple_of(2) {
                    let _done = real();
                }
                return Err(Errno::IO.into());
            }
            plan.calls_left = Some(left - 1);
        }
        let passes = plan.passes.get_mut(&call).filter(|passes| **passes > 0);
        if let Some(passes) = passes {
            *passes -= 1;
        } else if let Some((error, times)) = plan.errors.get_mut(&call)
            && *times > 0
        {
            *times -= 1;
            return Err((*error).into());
        }
        if call == Call::Cut && plan.cut_heals {
            plan.errors.clear();
        }
        if call == Call::SyncData {
            plan.synced_by = Some(thread::current().id());
        }
        if call == Call::SyncData && plan.is_held {
            plan.is_waiting = true;
            self.changed.notify_all();
            let (mut plan, wait) = self.changed.wait_timeout_while(plan, PATIENCE, |plan| plan.is_held).unwrap();
            assert!(!wait.timed_out(), "the sync was held for ever");
            plan.is_waiting = false;
        }
        real()
    }
}

impl Files for Faulty {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.step(Call::CreateDir, || Disk.create_dir(path))
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        self.step(Call::Create, || Disk.create(path))
    }

    fn allocate(&self, file: &File, len: u64) -> io::Result<()> {
        self.step(Call::Allocate, || Disk.allocate(file, len))
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        {
            let mut plan = self.plan.lock().unwrap();
            plan.furthest_write = plan.furthest_write.max(offset + bytes.len() as u64);
            if plan.calls_left == Some(0) && !plan.is_dead {
                // The sectors of one write land in any order.
                plan.is_dead = true;
                let mut chance = plan.chance | 1;
                let (mut at, mut rest) = (offset, bytes);
                while !rest.is_empty() {
                    let n = rest.len().min(512 - (at % 512) as usize);
                    chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    if chance >> 62 != 0 {
                        file.write_all_at(&rest[..n], at).unwrap();
                    }
                    at += n as u64;
                    rest = &rest[n..];
                }
            }
        }
        let longest = self.plan.lock().unwrap().longest_write.unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(longest)];
        self.step(Call::Write, || Disk.write_at(file, bytes, offset))
    }

    fn cut(&self, file: &File, len: u64) -> io::Result<()> {
        self.step(Call::Cut, || Disk.cut(file, len))
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        self.step(Call::SyncData, || Disk.sync_data(file))
    }

    fn sync_all(&self, file: &File) -> io::Result<()> {
        self.step(Call::SyncAll, || Disk.sync_all(file))
    }

    fn sync_dir(&self, dir: &File) -> io::Result<()> {
        self.step(Call::SyncDir, || Disk.sync_dir(dir))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Call::Rename, || Disk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(Call::Remove, || Disk.remove(path))
    }
}
