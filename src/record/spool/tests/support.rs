//! What the tests share: a spool in a folder of its own, and waiting with a bound.

use super::faulty::{Faulty, PATIENCE};
use crate::record::spool::{
    AppendError, Commit, Config, Entry, OpenError, Payload, Recovery, Spool, State, Ticket,
    config::Pace,
    frame,
    reader::{Frame, Reader},
    segment::{list, path_of},
    segment_header::START,
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

pub(super) const SEGMENT: u64 = 4096;

/// Quick, so that no test waits long; not so quick that a state is over before it is seen.
const PACE: Pace = Pace {
    check: Duration::from_millis(20),
    probe: Duration::from_millis(20),
    alone: 1,
    slow: PATIENCE,
    keep: None,
    ..Pace::SERVING
};

/// A folder for a spool, and the disk below it.
pub(super) struct Place {
    _outer: tempfile::TempDir,
    pub(super) config: Config,
    pub(super) files: Arc<Faulty>,
    /// How often the keeper looks, if it runs.
    pub(super) keep: Option<Duration>,
}

impl Place {
    pub(super) fn new() -> Self {
        let outer = tempfile::tempdir().unwrap();
        let config = Config {
            segment_bytes: SEGMENT,
            max_bytes: 1 << 30,
            queue: 1024,
            ..Config::new(outer.path().join("spool"))
        };
        Self { _outer: outer, config, files: Arc::default(), keep: None }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.config.dir
    }

    pub(super) fn try_open(&self) -> Result<(Spool, Recovery), OpenError> {
        self.try_open_at(Pace { keep: self.keep, ..PACE })
    }

    fn try_open_at(&self, pace: Pace) -> Result<(Spool, Recovery), OpenError> {
        let meter = opentelemetry::global::meter("spool");
        Spool::open_on(&self.config, None, &meter, self.files.clone(), pace)
    }

    /// Opens it so that each sync is taken for a slow one.
    pub(super) fn open_for_a_slow_disk(&self) -> Spool {
        self.try_open_at(Pace { slow: Duration::ZERO, ..PACE }).unwrap().0
    }

    pub(super) fn open(&self) -> (Spool, Recovery) {
        self.try_open().unwrap()
    }

    /// A power cut is over: the same folder, a disk that works.
    pub(super) fn repair(&mut self) {
        self.files = Arc::default();
    }

    pub(super) fn segments(&self) -> Vec<PathBuf> {
        list(self.dir()).unwrap().into_iter().map(|segment| segment.path).collect()
    }

    pub(super) fn segment(&self, first: u64) -> PathBuf {
        path_of(self.dir(), first)
    }

    /// Puts a segment in the folder.
    pub(super) fn put(&self, first: u64, bytes: &[u8]) {
        fs::create_dir_all(self.dir()).unwrap();
        fs::write(self.segment(first), bytes).unwrap();
    }

    #[track_caller]
    pub(super) fn read(&self) -> Vec<Frame> {
        Reader::open(self.dir()).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[track_caller]
    pub(super) fn check_payloads<P: AsRef<[u8]>>(&self, expected: impl IntoIterator<Item = P>) {
        let frames = self.read();
        let payloads = frames.iter().map(|frame| frame.payload.clone());
        assert_eq!(payloads.map(text).collect::<Vec<_>>(), expected.into_iter().map(text).collect::<Vec<_>>());
        let first = frames.first().map_or(0, |frame| frame.seq);
        assert!(frames.iter().map(|frame| frame.seq).eq(first..first + frames.len() as u64));
    }
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(bytes.as_ref()).into_owned()
}

/// A payload that can be told from others and has the wanted length.
pub(super) fn payload(n: u64, len: usize) -> Vec<u8> {
    let mut payload = format!("{{\"n\":{n}}}").into_bytes();
    payload.resize(len.max(payload.len()), b'.');
    payload
}

/// The frames of commits, as the writer would write them.
pub(super) fn commits(first: u64, commits: &[&[&[u8]]]) -> Vec<Vec<u8>> {
    let mut seq = first;
    let mut out = Vec::new();
    for commit in commits {
        let base = seq;
        let mut bytes = Vec::new();
        for payload in *commit {
            frame::encode(&mut bytes, seq, base, &payload.to_vec().into());
            seq += 1;
        }
        out.push(bytes);
    }
    out
}

/// Records an entry that comes alone: the thread writes the first one, the caller those after it.
pub(super) fn record(spool: &Spool, payload: impl Into<Payload>) -> Result<Commit, AppendError> {
    block_on(spool.append(Entry::new(payload)))
}

/// Records until this thread writes an entry itself: the writer's thread may have the writer for a moment. Returns how
/// many entries that took.
#[track_caller]
pub(super) fn record_alone(spool: &Spool, place: &Place, payload: &str) -> usize {
    let here = Some(thread::current().id());
    let mut count = 0;
    await_that(|| {
        record(spool, payload).unwrap();
        count += 1;
        place.files.synced_by() == here
    });
    count
}

pub(super) fn committed(ticket: Ticket) -> Result<Commit, AppendError> {
    block_on(ticket.committed())
}

#[track_caller]
pub(super) fn await_state(spool: &Spool, wanted: impl Fn(&State) -> bool) -> State {
    let mut watch = spool.watch();
    block_on(async move { watch.wait_for(|state| wanted(state)).await.unwrap().clone() })
}

#[track_caller]
pub(super) fn await_writable(spool: &Spool) {
    await_state(spool, |state| *state == State::Writable);
}

#[track_caller]
pub(super) fn await_failed(spool: &Spool) -> String {
    match await_state(spool, |state| matches!(state, State::Failed(_))) {
        State::Failed(text) => text,
        other => panic!("{other:?}"),
    }
}

/// Waits for a condition of which no channel notifies.
#[track_caller]
pub(super) fn await_that(mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "it did not come true");
        thread::park_timeout(Duration::from_millis(1));
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[track_caller]
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let until = Instant::now() + PATIENCE;
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        let left = until.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "no answer came");
        thread::park_timeout(left);
    }
}

/// Whether a segment holds frames of so many bytes, and nothing after them.
pub(super) fn ends_at(path: &Path, frames: u64) -> bool {
    File::open(path).unwrap().metadata().unwrap().len() == START + frames
}

/// How many frames of `len` bytes a segment holds.
pub(super) const fn fit(len: u64) -> u64 {
    (SEGMENT - START - 1) / len
}
