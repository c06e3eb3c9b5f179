//! A log in a folder, a scripted receiver, and the metrics.

use super::super::{
    again::Requests,
    config::{Destination, Format, Name, Records, Sink as Settings},
    delivery::{Delivery, Pace},
    metrics::Meters,
    outgoing::Outgoing,
    quarantine::{self, Quarantine},
    reply::SendOutcome,
    sink::Sink,
    source::Source,
    waiting::Notice,
};
use crate::record::spool::{self, Cursor, Entry, Spool};
use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// A log with records, and all that a delivery needs.
pub(super) struct Place {
    folder: tempfile::TempDir,
    spool: Spool,
    /// How far the log says that it is durable, if not to its end.
    pub(super) durable: Arc<AtomicU64>,
    registry: Registry,
    provider: SdkMeterProvider,
}

/// A record as the log holds it.
pub(super) fn record(seq: u64) -> String {
    format!(
        "{{\"attributes\":{{\"poort.log.origin\":\"origin\",\"poort.log.seq\":{seq}}},\"body\":{{}},\
         \"event_name\":\"adl.access_evaluation\",\"resource\":{{\"service.name\":\"poort\"}},\
         \"span_id\":\"00f067aa0ba9{seq:04x}\",\"status\":\"Unset\",\"timestamp\":1790000000123,\
         \"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\"}}"
    )
}

impl Place {
    /// With so many records.
    pub(super) fn with(count: u64) -> Self {
        Self::holding((0..count).map(record))
    }

    /// With these records.
    pub(super) fn holding(records: impl IntoIterator<Item = String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::new();
        let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone());
        let reader = reader.scope_info_enabled(false).without_target_info().build().unwrap();
        let provider = SdkMeterProvider::builder().with_reader(reader).build();
        let config = spool::Config { segment_bytes: 4096, ..spool::Config::new(folder.path().join("records")) };
        let (spool, _) = Spool::open(&config, None, &provider.meter("poort")).unwrap();
        let place = Self { folder, spool, durable: Arc::new(AtomicU64::new(u64::MAX)), registry, provider };
        place.append(records);
        place
    }

    pub(super) fn append(&self, records: impl IntoIterator<Item = String>) {
        let records: Vec<_> = records.into_iter().collect();
        // A commit is at most a few records, so that many records take several segments.
        for some in records.chunks(5) {
            let tickets = some.iter().map(|record| self.spool.submit(Entry::new(record.clone().into_bytes())).unwrap());
            for ticket in tickets.collect::<Vec<_>>() {
                // Not the blocking wait: a test runs inside a runtime.
                wait(ticket.committed()).unwrap();
            }
        }
    }

    pub(super) fn meter(&self) -> Meter {
        self.provider.meter("poort")
    }

    pub(super) fn data(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn records(&self) -> PathBuf {
        self.folder.path().join("records")
    }

    pub(super) fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.records()).unwrap().map(|entry| entry.unwrap().path());
        let mut segments: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "seg")).collect();
        segments.sort();
        segments
    }

    pub(super) fn source(&self) -> Source {
        let (spool, durable) = (self.spool.clone(), self.durable.clone());
        Source::new(self.records(), move || spool.durable().min(durable.load(Ordering::SeqCst)))
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor::open(&self.records(), "test").unwrap()
    }

    /// A delivery that ends when all is delivered.
    pub(super) fn delivery(&self, sink: Receiver) -> Delivery<Receiver> {
        let name: Name = "test".parse().unwrap();
        let (cursor, source) = (sink.cursor.clone(), self.source());
        let durable = source.clone();
        let meters = Meters::new(&self.provider.meter("poort"), &name, cursor.position(), move || durable.durable());
        let stopping = CancellationToken::new();
        stopping.cancel();
        Delivery {
            settings: Settings {
                name: name.clone(),
                to: Destination::StandardOutput,
                format: Format::Adl,
                records: Records::All,
                timeout: Settings::DEFAULT_TIMEOUT,
                batch: 16,
            },
            records: source.open_at(cursor.position()),
            quarantine: Quarantine::new(self.folder.path(), &name),
            notice: Notice::none(self.folder.path(), &name),
            requests: Requests::new(self.folder.path(), &name),
            meters: Arc::new(meters),
            stopping,
            state: Pace::new(16),
            cursor,
            sink,
        }
    }

    /// The numbers of the records in quarantine, each of which must be there as it was.
    pub(super) fn quarantined(&self) -> Vec<u64> {
        let name = "test".parse().unwrap();
        let Ok(text) = fs::read_to_string(quarantine::path_of(self.folder.path(), &name)) else { return Vec::new() };
        let lines = text.lines().map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(value["why"].is_string() && value["when"].is_string(), "{line}");
            assert!(line.contains(&value["record"].to_string()) || value["record"].is_string(), "{line}");
            value["seq"].as_u64().unwrap()
        });
        lines.collect()
    }

    /// The value of a metric; 0 if there is none.
    pub(super) fn metric(&self, name: &str) -> f64 {
        self.metric_of(name, "sink=\"test\"")
    }

    /// The value of a metric with these labels; 0 if there is none.
    pub(super) fn metric_of(&self, name: &str, labels: &str) -> f64 {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let start = format!("{name}{{{labels}}} ");
        let found = text.lines().find(|line| line.starts_with(&start));
        found.map_or(0.0, |line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
    }
}

/// Waits for a future that needs no runtime.
fn wait<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let waker = std::task::Waker::noop();
    loop {
        match future.as_mut().poll(&mut std::task::Context::from_waker(waker)) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::yield_now(),
        }
    }
}

/// What a receiver does with a batch.
pub(super) enum Reaction {
    Answer(SendOutcome),
    /// It takes this many and its answer is lost.
    TakeAndSaySo(usize, SendOutcome),
    /// It never answers.
    Silence,
    Panic,
}

type Behaviour = Box<dyn FnMut(&[u64]) -> Reaction + Send>;

/// A scripted receiver. It checks the cursor before each answer: nothing may be passed that was neither taken nor put
/// in quarantine.
pub(super) struct Receiver {
    behaviour: Behaviour,
    /// Every send: the numbers in it.
    pub(super) sends: Arc<Mutex<Vec<Vec<u64>>>>,
    /// What was taken, in the order of taking, with repetitions.
    pub(super) taken: Arc<Mutex<Vec<(u64, String)>>>,
    cursor: Cursor,
    quarantine: PathBuf,
    /// What the cursor passed and no receiver has. A panic in a send would count as a fault of the sink.
    passed: Vec<u64>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        assert!(
            std::thread::panicking() || self.passed.is_empty(),
            "the cursor passed {:?}, which nobody has",
            self.passed
        );
    }
}

impl Receiver {
    pub(super) fn new(place: &Place, behaviour: impl FnMut(&[u64]) -> Reaction + Send + 'static) -> Self {
        let name = "test".parse().unwrap();
        Self {
            behaviour: Box::new(behaviour),
            sends: Arc::default(),
            taken: Arc::default(),
            cursor: place.cursor(),
            quarantine: quarantine::path_of(place.folder.path(), &name),
            passed: Vec::new(),
        }
    }

    /// Reacts in this order, and takes everything afterwards.
    pub(super) fn in_turn(place: &Place, reactions: impl IntoIterator<Item = Reaction>) -> Self {
        let mut reactions: VecDeque<_> = reactions.into_iter().collect();
        Self::new(place, move |batch| reactions.pop_front().unwrap_or(Reaction::Answer(SendOutcome::all(batch.len()))))
    }

    /// The cursor has passed nothing that was not handled.
    fn check_cursor(&mut self) {
        let kept = fs::read_to_string(&self.quarantine).unwrap_or_default();
        let kept = kept.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].clone());
        let mut handled: BTreeSet<u64> = self.taken.lock().unwrap().iter().map(|(seq, _)| *seq).collect();
        handled.extend(kept.map(|seq| seq.as_u64().unwrap()));
        self.passed.extend((0..self.cursor.position()).filter(|seq| !handled.contains(seq)));
    }
}

impl Sink for Receiver {
    async fn send(&mut self, batch: &[Outgoing]) -> SendOutcome {
        self.check_cursor();
        let numbers: Vec<_> = batch.iter().map(|parcel| parcel.seq).collect();
        self.sends.lock().unwrap().push(numbers.clone());
        let take = |count: usize| {
            let mut taken = self.taken.lock().unwrap();
            let documents = batch.iter().take(count).map(|parcel| (parcel.seq, parcel.documents()[0].body.clone()));
            taken.extend(documents);
        };
        let reaction = (self.behaviour)(&numbers);
        match reaction {
            Reaction::Answer(outcome) => {
                take(outcome.taken);
                outcome
            }
            Reaction::TakeAndSaySo(count, outcome) => {
                take(count);
                outcome
            }
            Reaction::Silence => std::future::pending().await,
            Reaction::Panic => panic!("as the test asked"),
        }
    }

    fn reset(&mut self) {}
}

/// Checks that all of these were taken, in order but for repetitions, byte by byte.
#[track_caller]
pub(super) fn check_taken(taken: &Mutex<Vec<(u64, String)>>, expected: impl IntoIterator<Item = u64>) {
    let mut first = Vec::new();
    for (seq, body) in taken.lock().unwrap().iter() {
        assert_eq!(body, &record(*seq), "altered");
        if !first.contains(seq) {
            first.push(*seq);
        }
    }
    assert_eq!(first, expected.into_iter().collect::<Vec<_>>());
}
