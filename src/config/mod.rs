//! Configuration: file, environment and flags, checked and turned into the settings of every module.
//!
//! A flag beats an environment variable, which beats the file, which beats the default. All mistakes are reported at once,
//! each with its key and its place. An unknown key is a mistake. Each default, with its reason, is in the module that it
//! configures.
//!
//! - `source`: values as they were written, with their places
//! - `reader`: values by type; gathers mistakes
//! - `units`: sizes and durations
//! - `ship`: the sinks
//! - `callers`: the applications, and by what each is recognised

mod callers;
mod reader;
mod ship;
mod source;
mod units;

pub use source::{Flags, Source, Written};

use crate::{
    api::{
        self, AnswerContext,
        transport::{Address, Exposed, Limits as ConnectionLimits, Plaintext, Tls},
    },
    oversight::signals::live,
    pdp::{
        self, Deciding, cache,
        engine::{self, UndeclaredMembers, UnknownEntities},
    },
    record::{decision_log, shipping, witness},
    sources::{bundle, directory, store},
    telemetry,
    types::{build, language::Language},
};
use jiff::{civil::Date, tz::TimeZone};
use reader::Reader;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

/// Everything that can be set, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where callers are heard.
    pub listen: Vec<Address>,
    /// Where operators are heard.
    pub admin: Address,
    /// Where TCP without TLS is allowed.
    pub plaintext: Plaintext,
    /// TLS for callers.
    pub tls: Option<Tls>,
    /// The wire.
    pub api: api::Config,
    /// Bounds on connections.
    pub connections: ConnectionLimits,
    /// The decision point.
    pub pdp: pdp::Config,
    /// The cache.
    pub cache: cache::Config,
    /// Policies and directory.
    pub store: store::Config,
    /// Signed bundles, if policies come from those.
    pub bundle: Option<bundle::Config>,
    /// The decision log.
    pub log: decision_log::Config,
    /// Who cosigns its checkpoints.
    pub witness: Option<witness::Config>,
    /// Whether signals of atypical use are looked for while poort answers.
    pub signals: Option<live::Config>,
    /// Where its records are shipped.
    pub ship: Vec<shipping::config::Sink>,
    /// The organisation's time zone.
    pub time_zone: TimeZone,
    /// The calling application, `context.pdp.application`.
    pub application: Option<String>,
    /// This sidecar, among its siblings.
    pub instance: String,
    /// Logs, metrics and traces for operators.
    pub telemetry: telemetry::Config,
    /// What `serve --ephemeral` sets: no key of the configuration does.
    pub ephemeral: Ephemeral,
    /// What was written, key by key.
    pub written: Written,
}

/// A sidecar for the tests of an application.
#[derive(Debug, Clone, Default)]
pub struct Ephemeral {
    /// The day that policies see.
    pub today: Option<Date>,
    /// Where the callers' port is written once questions are answered.
    pub port_file: Option<PathBuf>,
}

impl Settings {
    /// Checks what was written.
    ///
    /// # Errors
    /// All mistakes, a sentence each.
    pub fn read(source: &Source) -> Result<Self, Vec<String>> {
        let mut reader = Reader::new(source);
        let settings = Self { written: source.written(), ..settings(&mut reader) };
        let mut mistakes = reader
            .finish(&keys(), &[("callers", &callers::KEYS), ("issuers", &callers::ISSUER_KEYS), ("ship", &ship::KEYS)]);
        mistakes.extend(conflicts(&settings));
        if mistakes.is_empty() { Ok(settings) } else { Err(mistakes) }
    }

    /// Whether callers may be heard at this address.
    ///
    /// # Errors
    /// They may not, as it is configured.
    pub fn exposed(&self, address: &Address) -> Result<(), Exposed> {
        match &self.tls {
            None => self.plaintext.check(address)?,
            Some(_) if self.pdp.callers.applications.is_empty() => address.check_local()?,
            Some(_) => {}
        }
        Ok(())
    }
}

/// All keys, but for the names below `log.producer` and `tls.trust_domains`, which are free, and those of sinks and callers: what is asked for where
/// nothing is given.
fn keys() -> BTreeSet<String> {
    let nothing = Source::default();
    let mut reader = Reader::new(&nothing);
    settings(&mut reader);
    reader.asked()
}

fn settings(reader: &mut Reader<'_>) -> Settings {
    let loopback = |port| Address::Tcp(([127, 0, 0, 1], port).into());
    let policies = reader.path("policies").unwrap_or_else(|| "policies".into());
    let accounts = reader.path("directory.path");
    let directory = accounts.clone().unwrap_or_else(|| policies.join("directory"));
    let api = api::Config::default();
    let connections = ConnectionLimits::default();
    let pdp = pdp::Config::default();
    let cache = cache::Config::default();
    let log = decision_log::Config::new(reader.path("data").unwrap_or_else(|| "data".into()));
    let zone_name = reader.text("decisions.time_zone").unwrap_or_else(|| "Europe/Amsterdam".to_owned());
    let time_zone = TimeZone::get(&zone_name).unwrap_or_else(|_| {
        reader.mistake(
            "decisions.time_zone",
            &format!("`{zone_name}` is not a time zone; an example is Europe/Amsterdam"),
        );
        TimeZone::UTC
    });
    let application = reader.text("decisions.application");
    let unknown = reader
        .choice("directory.unknown", &UnknownEntities::ALL.map(|unknown| (unknown.name(), unknown)))
        .unwrap_or_default();
    let undeclared = reader
        .choice(
            "decisions.undeclared",
            &[
                ("unless-harmless", UndeclaredMembers::UnlessHarmless),
                ("refuse", UndeclaredMembers::Refuse),
                ("ignore", UndeclaredMembers::Ignore),
            ],
        )
        .unwrap_or_default();
    let engine = engine::Config { unknown, undeclared };
    let tls = tls(reader);
    let instance = reader.text("instance").unwrap_or_else(host_name);
    let signals = signals(reader, &policies, &log.data);
    Settings {
        ephemeral: Ephemeral::default(),
        listen: reader.list("listen").unwrap_or_else(|| vec![loopback(50051)]),
        admin: reader.parsed("admin").unwrap_or_else(|| loopback(9464)),
        plaintext: reader
            .choice("plaintext", &[("loopback", Plaintext::Loopback), ("anywhere", Plaintext::Anywhere)])
            .unwrap_or_default(),
        api: api::Config {
            message: reader.size("limits.message", 1024..=64 << 20).unwrap_or(api.message),
            unread: reader.size("limits.unread", 64 << 10..=1 << 40).unwrap_or(api.unread),
            depth: reader.count("limits.depth", 4..=64).unwrap_or(api.depth),
            deadline: reader.duration("limits.deadline", millis(1)..=pdp::LONGEST_DEADLINE).unwrap_or(api.deadline),
            public_url: reader.text("public_url"),
            tls: tls.is_some(),
            context: reader
                .choice("answers.context", &[("full", AnswerContext::Full), ("none", AnswerContext::None)])
                .unwrap_or(api.context),
            explain: reader.choice("answers.explain", &[("true", true), ("false", false)]).unwrap_or(api.explain),
            language: reader
                .choice("answers.language", &Language::ALL.map(|language| (language.tag(), language)))
                .unwrap_or(api.language),
        },
        connections: ConnectionLimits {
            connections: reader.count("limits.connections", 1..=1 << 20).unwrap_or(connections.connections),
            streams: reader.count("limits.streams", 1..=1 << 20).unwrap_or(connections.streams),
            handshake: reader
                .duration("limits.handshake", millis(10)..=millis(600_000))
                .unwrap_or(connections.handshake),
            idle: reader.duration("limits.idle", millis(10)..=Duration::from_secs(86_400)).unwrap_or(connections.idle),
            linger: reader.duration("limits.linger", millis(0)..=millis(600_000)).unwrap_or(connections.linger),
            grace: reader.duration("limits.grace", millis(0)..=millis(600_000)).unwrap_or(connections.grace),
        },
        pdp: pdp::Config {
            engine,
            callers: callers::callers(reader),
            concurrent: reader.count("limits.concurrent", 1..=1 << 24).unwrap_or(pdp.concurrent),
            batch: reader.count("limits.batch", 1..=1 << 20).unwrap_or(pdp.batch),
            share: reader.ratio("limits.share").unwrap_or(pdp.share),
        },
        cache: cache::Config {
            memory: reader.size("cache.memory", 0..=1 << 40).unwrap_or(cache.memory),
            recheck: reader.count("cache.recheck", 0..=u32::MAX).unwrap_or(cache.recheck),
        },
        store: store::Config {
            policies,
            directory,
            archive: log.data.join("revisions"),
            within: vec![directory::PROFILES],
            archive_max: reader.size("archive.max", 1 << 20..=1 << 50).unwrap_or(store::ARCHIVE_MAX),
            configuration: Deciding::new(application.as_deref(), &time_zone, engine).parts(),
        },
        bundle: bundle(reader, accounts),
        log: decision_log::Config {
            segment: reader.size("log.segment", 64 << 10..=4 << 30).unwrap_or(log.segment),
            max: reader.size("log.max", 64 << 10..=1 << 50).unwrap_or(log.max),
            queue: reader.count("log.queue", 1..=1 << 20).unwrap_or(log.queue),
            compress: reader.choice("log.compress", &[("true", true), ("false", false)]).unwrap_or(log.compress),
            checkpoint: reader.duration("log.checkpoint", millis(100)..=millis(3_600_000)).unwrap_or(log.checkpoint),
            key: reader.path("log.key"),
            keep: reader.duration("log.keep", millis(1000)..=Duration::from_secs(100 * 366 * 86_400)),
            failure: reader
                .choice(
                    "log.failure",
                    &[("closed", decision_log::Failure::Closed), ("open", decision_log::Failure::Open)],
                )
                .unwrap_or_default(),
            pseudonyms: reader.path("log.pseudonyms.keys"),
            producer: reader.texts("log.producer"),
            data: log.data,
        },
        witness: witness(reader),
        signals,
        ship: ship::sinks(reader),
        telemetry: telemetry(reader, &instance),
        written: Written::default(),
        tls,
        time_zone,
        application,
        instance,
    }
}

fn tls(reader: &mut Reader<'_>) -> Option<Tls> {
    let (certificate, key, client_ca) =
        (reader.path("tls.certificate"), reader.path("tls.key"), reader.path("tls.client_ca"));
    let trust_domains = callers::trust_domains(reader);
    match (certificate, key, client_ca) {
        (Some(certificate), Some(key), client_ca) => Some(Tls { certificate, key, client_ca, trust_domains }),
        (None, None, None) if trust_domains.is_empty() => None,
        (certificate, ..) => {
            let missing = if certificate.is_none() { "tls.certificate" } else { "tls.key" };
            reader.mistake(missing, "is missing; TLS needs tls.certificate and tls.key");
            None
        }
    }
}

fn bundle(reader: &mut Reader<'_>, accounts: Option<PathBuf>) -> Option<bundle::Config> {
    let trust = reader.path("bundle.trust");
    let folder = reader.path("bundle.folder");
    let store = reader.text("bundle.store");
    let at_least = reader.count("bundle.at_least", 0..=u64::MAX >> 11);
    let late = reader.duration("bundle.late", millis(0)..=Duration::from_secs(31 * 86_400));
    match (trust, folder, store) {
        (Some(trust), Some(folder), Some(store)) => {
            let (at_least, late) = (at_least.unwrap_or_default(), late.unwrap_or(bundle::Config::DEFAULT_LATE));
            Some(bundle::Config { trust, folder, store, at_least, late, accounts })
        }
        // The defaults alone, as in the example file, ask for nothing.
        (None, None, None)
            if at_least.unwrap_or_default() == 0 && late.is_none_or(|it| it == bundle::Config::DEFAULT_LATE) =>
        {
            None
        }
        (trust, folder, _) => {
            let missing = match (trust, folder) {
                (None, _) => "bundle.trust",
                (_, None) => "bundle.folder",
                _ => "bundle.store",
            };
            reader.mistake(missing, "is missing; signed bundles need bundle.trust, bundle.folder and bundle.store");
            None
        }
    }
}

fn witness(reader: &mut Reader<'_>) -> Option<witness::Config> {
    let policy = reader.path("log.witness.policy");
    let required = reader.duration("log.witness.required", millis(1000)..=Duration::from_secs(366 * 86_400));
    let timeout = reader.duration("log.witness.timeout", millis(100)..=millis(60_000));
    let ca = reader.path("log.witness.ca");
    if policy.is_none() && required.is_some() {
        reader.mistake("log.witness.required", "means nothing without log.witness.policy, which says who they are");
    }
    let timeout = timeout.unwrap_or(witness::Config::DEFAULT_TIMEOUT);
    policy.map(|policy| witness::Config { policy, required, timeout, ca })
}

fn signals(reader: &mut Reader<'_>, policies: &Path, data: &Path) -> Option<live::Config> {
    let enabled = reader.choice("signals.enabled", &[("true", true), ("false", false)]).unwrap_or_default();
    let pseudonyms = reader.path("signals.pseudonyms.keys");
    let streams = ship::signal_streams(reader);
    enabled.then(|| live::Config { policies: policies.to_owned(), data: data.to_owned(), pseudonyms, streams })
}

fn telemetry(reader: &mut Reader<'_>, instance: &str) -> telemetry::Config {
    use telemetry::{Otlp, Spans, logging};
    let log = logging::Config::default();
    let endpoint = reader.text("telemetry.otlp.endpoint");
    let otlp = Otlp {
        endpoint: endpoint.clone().unwrap_or_default(),
        timeout: reader.duration("telemetry.otlp.timeout", millis(10)..=millis(60_000)).unwrap_or(millis(5_000)),
        trace_ratio: reader.ratio("telemetry.otlp.trace_ratio").unwrap_or(0.01),
        spans: reader
            .choice("telemetry.otlp.spans", &[("calls", Spans::Calls), ("parts", Spans::Parts)])
            .unwrap_or_default(),
        metrics_interval: reader
            .duration("telemetry.otlp.metrics_interval", millis(100)..=millis(3_600_000))
            .unwrap_or(millis(15_000)),
    };
    telemetry::Config {
        log: logging::Config {
            filter: reader.text("telemetry.log").unwrap_or(log.filter),
            format: reader
                .choice("telemetry.format", &[("text", logging::Format::Text), ("json", logging::Format::Json)])
                .unwrap_or(log.format),
        },
        otlp: endpoint.map(|_| otlp),
        service_version: build::VERSION.to_owned(),
        commit: build::COMMIT.to_owned(),
        cedar_version: Some(cedar_policy::get_sdk_version().to_string()),
        service_instance_id: instance.to_owned(),
    }
}

/// What is well formed by itself and does not go together.
fn conflicts(settings: &Settings) -> Vec<String> {
    let mut mistakes = Vec::new();
    let exposed = settings.listen.iter().find_map(|address| settings.exposed(address).err());
    mistakes.extend(exposed.map(|error| format!("listen: {error}")));
    mistakes.extend(callers::conflicts(&settings.pdp.callers, settings.tls.as_ref(), settings.application.as_deref()));
    if matches!(settings.admin, Address::Unix(_)) {
        mistakes.push("admin: must be an IP address and a port".to_owned());
    }
    if settings.api.message > settings.api.unread {
        mistakes.push("limits.unread: is less than limits.message, so a full message could never be read".to_owned());
    }
    if settings.pdp.batch > settings.pdp.concurrent {
        mistakes.push(format!(
            "limits.batch: {} is more than limits.concurrent ({}), so a full batch could never be answered",
            settings.pdp.batch, settings.pdp.concurrent
        ));
    }
    if settings.log.max < settings.log.segment {
        mistakes.push("log.max: is less than log.segment, so there is no room for any record".to_owned());
    }
    if settings.api.public_url.as_ref().is_some_and(|url| !url.starts_with("https://") || url.contains(['?', '#'])) {
        mistakes
            .push("public_url: must be an https URL without query and fragment (AuthZEN 1.0, section 9)".to_owned());
    }
    mistakes.extend(ship::conflicts(&settings.ship));
    mistakes
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "unknown".to_owned() } else { name.to_owned() }
}

/// The configuration file that is read if none is named.
pub const DEFAULT_FILE: &str = "poort.toml";

/// Reads the file and the environment. `named` is the file that a flag or the environment names; without it, `poort.toml`
/// is read if it is there.
///
/// # Errors
/// All mistakes, a sentence each.
pub fn load(
    named: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: Flags,
) -> Result<(Settings, Vec<String>), Vec<String>> {
    let (source, warnings) = Source::gather(named, environment, flags, &keys())?;
    Settings::read(&source).map(|settings| (settings, warnings))
}

#[cfg(test)]
mod tests;
