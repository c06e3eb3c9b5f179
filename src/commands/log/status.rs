//! `poort log status`: reports the log's size, age and sinks, reading only the ends of its files.

use super::{Common, Exit, Output, line::utc};
use crate::{
    config::Settings,
    record::{
        decision_log::{RecordKind, checkpoint, timestamp},
        shipping,
        spool::{
            self, SegmentFile,
            reader::{ReadError, Reader},
        },
    },
    sources::store::{self, Archive},
    types::escape,
};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{io, path::Path};

pub(super) const EXAMPLES: &str = "Examples:
  poort log status
  poort log status --data /var/lib/poort
  poort log status --format json | jq '.sinks[] | select(.pending > 0)'

Works beside a server that is writing, and without one. Reads the first record and the newest segment, not the whole log:
whether the records in between are whole and unchanged, `poort log cat` and `poort log verify` say. Sinks are those of the
configuration: give it the one of the server with --config. A sink that has a cursor and is not in it gets no records, and
log.keep does not wait for it.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// The form of the result
    #[arg(long, value_enum, default_value = "human", value_name = "FORM")]
    format: Form,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a person
    Human,
    /// For a script
    Json,
}

/// The state of the log in a folder.
#[derive(Debug, Default)]
struct Status {
    folder: String,
    is_taken: bool,
    segments: Vec<SegmentFile>,
    /// The seqs of the first record and of the next one.
    seqs: (u64, u64),
    /// When the oldest and the newest record were made.
    times: (Option<i64>, Option<i64>),
    checkpoint: Option<LastCheckpoint>,
    disk_left: u64,
    max: u64,
    /// The revisions in the archive: how many, their bytes, and how many they may take.
    revisions: (usize, u64, u64),
    sinks: Vec<Sink>,
    now: i64,
}

#[derive(Debug)]
struct LastCheckpoint {
    origin: String,
    seq: u64,
    at: i64,
}

/// How far a sink has come.
#[derive(Debug)]
struct Sink {
    status: shipping::Status,
    /// The records that it has not had yet; none for a sink that is not configured.
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    records: u64,
    /// When the oldest of them was made.
    oldest: Option<i64>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { format, common } = arguments;
    let (settings, _) = common.settings(Default::default(), output)?;
    let status = Status::read(&settings).map_err(|trouble| {
        match trouble {
            Trouble::Read(error) => output.failure(&error),
            Trouble::Io(what, error) => output.error(&format!("{what}: {error}")),
        }
        Exit::Failed
    })?;
    output.conclude(&match format {
        Form::Human => escape::lines(&status.human()).into_owned(),
        Form::Json => format!("{}\n", escape::json(&status.json().to_string())),
    })?;
    Ok(Exit::Done)
}

enum Trouble {
    Read(ReadError),
    Io(String, io::Error),
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl Status {
    fn read(settings: &Settings) -> Result<Self, Trouble> {
        let dir = settings.log.records();
        let io = |what: &str| {
            let what = format!("cannot {what} `{}`", dir.display());
            move |error| Trouble::Io(what, error)
        };
        let segments = spool::segment_files(&dir).map_err(io("read"))?;
        let mut status = Self {
            folder: dir.display().to_string(),
            is_taken: spool::is_taken(&dir).map_err(io("look at the lock of"))?,
            disk_left: spool::disk_left(&dir).map_err(io("ask for the room left in"))?,
            max: settings.log.max,
            now: Timestamp::now().as_millisecond(),
            ..Self::default()
        };
        if let Some(first) = segments.first() {
            let oldest = Reader::open_at(&dir, first.first)?.next().transpose()?;
            status.seqs = (first.first, first.first);
            status.times.0 = oldest.and_then(|frame| timestamp(&frame.payload));
        }
        // The newest segment may be empty; then the one before it has the newest record.
        for segment in segments.iter().rev().take(2) {
            if status.read_segment(&dir, segment.first)? {
                break;
            }
        }
        status.segments = segments;
        let store::Config { archive, archive_max, .. } = &settings.store;
        let archive = Archive::new(archive.clone(), *archive_max);
        let found = archive.list().and_then(|list| Ok((list.len(), archive.measure()?, *archive_max)));
        status.revisions = found.map_err(io("read the revisions beside"))?;
        let sinks = shipping::status(&settings.log.data, &dir, &settings.ship);
        for sink in sinks.map_err(io("read how far sinks are, in"))? {
            let sink = status.sink(&dir, sink)?;
            status.sinks.push(sink);
        }
        Ok(status)
    }

    /// Reads from here to the end. Returns whether there was a record.
    fn read_segment(&mut self, dir: &Path, first: u64) -> Result<bool, Trouble> {
        let mut reader = Reader::open_at(dir, first)?;
        let mut newest = None;
        while let Some(frame) = reader.next().transpose()? {
            if RecordKind::of(&frame.payload) == RecordKind::Checkpoint
                && let Ok(Some(attested)) = checkpoint::read(&frame.payload, None)
            {
                let at = i64::try_from(attested.timestamp).unwrap_or(i64::MAX);
                self.checkpoint = Some(LastCheckpoint { origin: attested.checkpoint.origin, seq: frame.seq, at });
            }
            newest = Some(frame);
        }
        self.seqs.1 = self.seqs.1.max(Reader::position(&reader));
        let Some(newest) = newest else { return Ok(false) };
        self.times.1 = timestamp(&newest.payload);
        Ok(true)
    }

    fn sink(&self, dir: &Path, status: shipping::Status) -> Result<Sink, Trouble> {
        if !status.is_configured {
            return Ok(Sink { status, waiting: None });
        }
        // Records before the oldest one are deleted, so they cannot be waiting.
        let next = status.acknowledged.unwrap_or(0).max(self.seqs.0);
        let records = self.seqs.1.saturating_sub(next);
        let oldest = if records == 0 { None } else { Reader::open_at(dir, next)?.next().transpose()? };
        let oldest = oldest.and_then(|frame| timestamp(&frame.payload));
        Ok(Sink { status, waiting: Some(Waiting { records, oldest }) })
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    fn records(&self) -> u64 {
        self.seqs.1.saturating_sub(self.seqs.0)
    }

    fn last_seq(&self) -> Option<u64> {
        (self.records() > 0).then(|| self.seqs.1.saturating_sub(1))
    }

    /// How long ago, in seconds; 0 for what a clock puts into the future.
    fn age(&self, at: i64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of centuries fit")]
        let seconds = self.now.saturating_sub(at).max(0) as f64 / 1000.0;
        seconds
    }

    fn json(&self) -> Value {
        let time = |at: Option<i64>| at.map(utc);
        let checkpoint = self.checkpoint.as_ref();
        json!({
            "folder": self.folder,
            "origin": checkpoint.map(|checkpoint| &checkpoint.origin),
            "server": self.is_taken,
            "records": self.records(),
            "first_seq": (self.records() > 0).then_some(self.seqs.0),
            "last_seq": self.last_seq(),
            "segments": self.segments.len(),
            "bytes": self.bytes(),
            "oldest": time(self.times.0),
            "newest": time(self.times.1),
            "checkpoint": checkpoint.map(|checkpoint| json!({
                "seq": checkpoint.seq, "time": utc(checkpoint.at), "age": self.age(checkpoint.at),
            })),
            "room": {"disk": self.disk_left, "log_max": self.max, "log_left": self.max.saturating_sub(self.bytes())},
            "revisions": {"count": self.revisions.0, "bytes": self.revisions.1, "max": self.revisions.2},
            "sinks": self.sinks.iter().map(|Sink { status, waiting }| json!({
                "name": status.sink.as_str(),
                "configured": status.is_configured,
                "acknowledged": status.acknowledged,
                "pending": waiting.as_ref().map(|waiting| waiting.records),
                "lag": waiting.as_ref().map(|waiting| waiting.oldest.map_or(0.0, |at| self.age(at))),
                "quarantined": status.quarantined,
                "waiting": status.waiting,
            })).collect::<Vec<_>>(),
        })
    }

    fn human(&self) -> String {
        let time = |at: Option<i64>| at.map_or_else(|| "-".to_owned(), utc);
        let mut lines = vec![
            ("folder", self.folder.clone()),
            ("server", if self.is_taken { "has the log open" } else { "none has the log open" }.to_owned()),
        ];
        lines.push(match self.last_seq() {
            Some(last) => ("records", format!("{}, from seq {} to {last}", self.records(), self.seqs.0)),
            None => ("records", "none".to_owned()),
        });
        lines.push(("time", format!("{} to {}", time(self.times.0), time(self.times.1))));
        lines.push(("size", format!("{} in {} segments", size(self.bytes()), self.segments.len())));
        let left = self.max.saturating_sub(self.bytes());
        lines.push((
            "room",
            format!("{} of log.max {}, {} on the disk", size(left), size(self.max), size(self.disk_left)),
        ));
        let (count, bytes, max) = self.revisions;
        lines.push(("revisions", format!("{count}, {} of archive.max {}", size(bytes), size(max))));
        match &self.checkpoint {
            Some(checkpoint) => {
                lines.push(("origin", checkpoint.origin.clone()));
                let ago = duration(self.age(checkpoint.at));
                lines.push(("checkpoint", format!("seq {}, {}, {ago} ago", checkpoint.seq, utc(checkpoint.at))));
            }
            None => lines.push(("checkpoint", "none in the newest segment".to_owned())),
        }
        for sink in &self.sinks {
            lines.push(("sink", self.sink_line(sink)));
            if let Some(shipping::Waiting { reason, why, since, attempts, next }) = &sink.status.waiting {
                lines.push(("", format!("waits since {since} ({reason}): {why}")));
                lines.push((
                    "",
                    match self.is_taken {
                        true => format!("tried {attempts} times; again at {next}"),
                        false => format!("tried {attempts} times, until the server ended"),
                    },
                ));
            }
        }
        lines.iter().map(|(name, value)| format!("{name:<11} {value}\n")).collect()
    }

    fn sink_line(&self, Sink { status, waiting }: &Sink) -> String {
        let shipping::Status { sink, acknowledged, quarantined, .. } = status;
        let acknowledged = match acknowledged {
            Some(seq) => format!("acknowledged up to seq {seq}"),
            None => "has not taken any record yet".to_owned(),
        };
        let waiting = match waiting {
            Some(Waiting { records, oldest: Some(at) }) => {
                format!("{records} waiting, the oldest for {}", duration(self.age(*at)))
            }
            Some(Waiting { oldest: None, .. }) => "nothing waits".to_owned(),
            None => "not configured: it gets no records, and none is kept for it".to_owned(),
        };
        format!("{sink}: {acknowledged}, {waiting}, {quarantined} in quarantine")
    }
}

fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    #[expect(clippy::cast_precision_loss, reason = "for a person")]
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {name}") }
}

fn duration(seconds: f64) -> String {
    match seconds {
        ..120.0 => format!("{seconds:.0} s"),
        ..7200.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{:.1} h", seconds / 3600.0),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}
