//! The configuration of shipping: one table `[ship.NAME]` for each sink.

use super::{millis, reader::Reader};
use crate::{
    api::transport::Plaintext,
    oversight::signals::live::Streams,
    record::shipping::config::{
        Compression, Destination, Endpoint, Format, Identity, Name, Nats, NatsServer, Push, Records, Remote, Sink, Tls,
    },
};
use http::HeaderName;
use std::{collections::BTreeMap, path::PathBuf};

/// All keys of a sink, but for the names below `headers`, which are free.
pub(super) const KEYS: [&str; 18] = [
    "audience",
    "batch",
    "compression",
    "credentials",
    "endpoint",
    "format",
    "issuer",
    "key",
    "kind",
    "path",
    "plaintext",
    "records",
    "subject",
    "subject_own",
    "timeout",
    "tls.ca",
    "tls.certificate",
    "tls.key",
];
const OTLP: &[&str] = &["compression", "endpoint", "plaintext", "tls.ca", "tls.certificate", "tls.key"];
const NATS: &[&str] =
    &["credentials", "endpoint", "plaintext", "subject", "subject_own", "tls.ca", "tls.certificate", "tls.key"];
const PUSH: &[&str] = &["audience", "endpoint", "issuer", "key", "plaintext", "tls.ca", "tls.certificate", "tls.key"];
const STREAM: [&str; 8] =
    ["credentials", "decisions", "endpoint", "plaintext", "signals", "tls.ca", "tls.certificate", "tls.key"];
const ALL: &[&str] = &["batch", "format", "kind", "records", "timeout"];

#[derive(Debug, Clone, Copy)]
enum SinkKind {
    OtlpGrpc,
    OtlpHttp,
    Nats,
    SsfPush,
    JsonLines,
}

const KINDS: [(&str, SinkKind); 5] = [
    ("otlp-grpc", SinkKind::OtlpGrpc),
    ("otlp-http", SinkKind::OtlpHttp),
    ("nats", SinkKind::Nats),
    ("ssf-push", SinkKind::SsfPush),
    ("json-lines", SinkKind::JsonLines),
];

/// All sinks.
pub(super) fn sinks(reader: &mut Reader<'_>) -> Vec<Sink> {
    let mut sinks = Vec::new();
    for name in reader.names("ship") {
        match name.parse::<Name>() {
            Ok(name) => sinks.extend(Table { prefix: format!("ship.{name}"), reader }.sink(name)),
            Err(error) => {
                let key = format!("ship.{name}");
                reader.know(&key);
                reader.mistake(&key, &error);
            }
        }
    }
    sinks
}

/// The streams of all sidecars in which signals are looked for.
pub(super) fn signal_streams(reader: &mut Reader<'_>) -> Option<Streams> {
    let mut table = Table { prefix: "signals.stream".to_owned(), reader };
    let keys = STREAM.map(|name| table.key(name));
    let names_streams = |key: &&String| !key.ends_with(".plaintext");
    if !keys.iter().filter(names_streams).any(|key| table.reader.has(key)) {
        // They are known where none is given, too.
        keys.iter().for_each(|key| drop(table.reader.text(key)));
        return None;
    }
    let server = table.nats_server();
    let decisions = table.needed("decisions", "the subject to which sidecars ship their decisions");
    let signals = table.needed("signals", "the subject below which a stream of their own has the signals");
    let decisions = decisions.and_then(|subject| table.subject("decisions", subject));
    let signals = signals.and_then(|subject| table.subject("signals", subject));
    Some(Streams { server: server?, decisions: decisions?, signals: signals? })
}

/// Two sinks that would write over each other.
pub(super) fn conflicts(sinks: &[Sink]) -> Vec<String> {
    let mut seen: BTreeMap<Place, (&Name, &str)> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for sink in sinks {
        let conflicts = places(sink).into_iter().filter_map(|(key, place)| {
            let (other, its) = seen.insert(place, (&sink.name, key))?;
            Some(format!("ship.{}.{key}: is the {its} of ship.{other} too; each needs its own", sink.name))
        });
        mistakes.extend(conflicts);
    }
    // One subject for both kinds of records is one mistake.
    mistakes.dedup();
    mistakes
}

/// Where records go that no other sink may write to: a file; or a subject, with the kind of the records, because those of two
/// kinds never are duplicates.
type Place = (String, &'static str);

/// The places of a sink, each with its key.
fn places(sink: &Sink) -> Vec<(&'static str, Place)> {
    match &sink.to {
        Destination::File(path) => vec![("path", (path.display().to_string(), "file"))],
        Destination::StandardOutput => vec![("path", ("-".to_owned(), "file"))],
        Destination::Nats(nats) => {
            let at = |subject: &str| format!("{}{subject}", nats.server.endpoint);
            let (key, subject) = match &nats.subject_own {
                None => ("subject", &nats.subject),
                Some(own) => ("subject_own", own),
            };
            let takes_decisions = matches!(sink.records, Records::All | Records::Decisions);
            let decisions = takes_decisions.then(|| ("subject", (at(&nats.subject), "decisions")));
            let own = (sink.records != Records::Decisions).then(|| (key, (at(subject), "own")));
            decisions.into_iter().chain(own).collect()
        }
        Destination::OtlpGrpc(_) | Destination::OtlpHttp(_) | Destination::SsfPush(_) => Vec::new(),
    }
}

/// The table of one sink.
struct Table<'r, 'a> {
    prefix: String,
    reader: &'r mut Reader<'a>,
}

impl Table<'_, '_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    fn sink(mut self, name: Name) -> Option<Sink> {
        let key = self.key("kind");
        let kind = self.reader.choice(&key, &KINDS);
        let Some(kind) = kind else {
            if !self.reader.has(&key) {
                let kinds = KINDS.map(|(name, _)| format!("`{name}`")).join(", ");
                self.reader.mistake(&key, &format!("is missing; it is one of {kinds}"));
            }
            self.reader.know(&self.prefix);
            return None;
        };
        self.refuse_what_does_not_fit(kind);
        let to = self.destination(kind);
        let format = self.reader.choice(&self.key("format"), &[("adl", Format::Adl), ("ocsf", Format::Ocsf)]);
        let records = [
            ("all", Records::All),
            ("decisions", Records::Decisions),
            ("own", Records::Own),
            ("signals", Records::Signals),
        ];
        let records = self.reader.choice(&self.key("records"), &records);
        let records = match kind {
            SinkKind::SsfPush => Some(self.signals_alone(records)),
            _ => records,
        };
        let timeout = self.reader.duration(&self.key("timeout"), millis(100)..=millis(300_000));
        let batch = self.reader.count(&self.key("batch"), 1..=10_000);
        Some(Sink {
            name,
            to: to?,
            format: format.unwrap_or_default(),
            records: records.unwrap_or_default(),
            timeout: timeout.unwrap_or(Sink::DEFAULT_TIMEOUT),
            batch: batch.unwrap_or(Sink::DEFAULT_BATCH),
        })
    }

    fn refuse_what_does_not_fit(&mut self, kind: SinkKind) {
        let (fitting, name) = match kind {
            SinkKind::OtlpGrpc => (OTLP, "otlp-grpc"),
            SinkKind::OtlpHttp => (OTLP, "otlp-http"),
            SinkKind::Nats => (NATS, "nats"),
            SinkKind::SsfPush => (PUSH, "ssf-push"),
            SinkKind::JsonLines => (["path"].as_slice(), "json-lines"),
        };
        for other in KEYS.iter().filter(|key| !fitting.contains(key) && !ALL.contains(key)) {
            let key = self.key(other);
            if self.reader.has(&key) {
                self.reader.know(&key);
                self.reader.mistake(&key, &format!("means nothing with kind = \"{name}\""));
            }
        }
    }

    /// Nothing else is a security event.
    fn signals_alone(&mut self, records: Option<Records>) -> Records {
        if records.is_some_and(|records| records != Records::Signals) {
            self.reader.mistake(&self.key("records"), "can only be \"signals\" with kind = \"ssf-push\"");
        }
        let format = self.key("format");
        if self.reader.has(&format) {
            self.reader.mistake(&format, "means nothing with kind = \"ssf-push\": tokens have one form");
        }
        Records::Signals
    }

    fn destination(&mut self, kind: SinkKind) -> Option<Destination> {
        Some(match kind {
            SinkKind::OtlpGrpc => Destination::OtlpGrpc(self.remote()?),
            SinkKind::OtlpHttp => Destination::OtlpHttp(self.remote()?),
            SinkKind::Nats => {
                let server = self.nats_server();
                let subject = self.needed("subject", "the subject that a JetStream stream keeps");
                let own = self.reader.text(&self.key("subject_own"));
                let subject_own = own.and_then(|own| self.subject("subject_own", own));
                let subject = self.subject("subject", subject?)?;
                Destination::Nats(Nats { server: server?, subject, subject_own })
            }
            SinkKind::SsfPush => {
                let remote = self.remote();
                let issuer = self.needed("issuer", "who makes the tokens, such as https://poort.example");
                let audience = self.needed("audience", "for whom the tokens are, such as https://receiver.example");
                let key = self.needed("key", "a file with the RSA key that signs the tokens");
                Destination::SsfPush(Push { remote: remote?, issuer: issuer?, audience: audience?, key: key?.into() })
            }
            SinkKind::JsonLines => match self.needed("path", "a file, or \"-\" for standard output")?.as_str() {
                "-" => Destination::StandardOutput,
                path => Destination::File(path.into()),
            },
        })
    }

    fn nats_server(&mut self) -> Option<NatsServer> {
        let (endpoint, tls) = (self.endpoint("nats", "tls"), self.tls());
        let credentials = self.reader.path(&self.key("credentials"));
        Some(NatsServer { endpoint: endpoint?, tls, credentials })
    }

    fn remote(&mut self) -> Option<Remote> {
        let (endpoint, tls, headers) = (self.endpoint("http", "https"), self.tls(), self.headers());
        let choices = [("none", Compression::None), ("gzip", Compression::Gzip)];
        let compression = self.reader.choice(&self.key("compression"), &choices).unwrap_or_default();
        Some(Remote { endpoint: endpoint?, tls, headers, compression })
    }

    fn needed(&mut self, name: &str, what: &str) -> Option<String> {
        let key = self.key(name);
        if !self.reader.has(&key) {
            self.reader.mistake(&key, &format!("is missing: {what}"));
            return None;
        }
        self.reader.text(&key)
    }

    /// Wildcards are for those who listen.
    fn subject(&mut self, key: &str, subject: String) -> Option<String> {
        let fits = |token: &str| !token.is_empty() && !token.contains(|c: char| c.is_whitespace() || "*>".contains(c));
        if subject.split('.').all(fits) {
            return Some(subject);
        }
        self.reader.mistake(&self.key(key), &format!("`{subject}` is not a subject such as poort.decisions"));
        None
    }

    fn endpoint(&mut self, plain: &str, secure: &str) -> Option<Endpoint> {
        let key = self.key("endpoint");
        let plaintext = [("loopback", Plaintext::Loopback), ("anywhere", Plaintext::Anywhere)];
        let plaintext = self.reader.choice(&self.key("plaintext"), &plaintext).unwrap_or_default();
        let text = self.needed("endpoint", &format!("an address such as {secure}://receiver.example:4317"))?;
        let endpoint: Endpoint = match text.parse() {
            Ok(endpoint) => endpoint,
            Err(error) => {
                self.reader.mistake(&key, &error);
                return None;
            }
        };
        match endpoint.scheme() {
            scheme if scheme == secure => {}
            scheme if scheme == plain => {
                if !endpoint.is_loopback() && plaintext == Plaintext::Loopback {
                    let message = format!(
                        "{endpoint} is not a loopback address, and without TLS records would cross the network in the \
                         clear; use {secure}://, or plaintext = \"anywhere\" if something else protects the link"
                    );
                    self.reader.mistake(&key, &message);
                }
            }
            scheme => {
                self.reader.mistake(&key, &format!("`{scheme}` must be `{plain}` or `{secure}`"));
                return None;
            }
        }
        Some(endpoint)
    }

    fn tls(&mut self) -> Tls {
        let ca = self.reader.path(&self.key("tls.ca"));
        let certificate = self.reader.path(&self.key("tls.certificate"));
        let key = self.reader.path(&self.key("tls.key"));
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
            (None, None) => None,
            (certificate, _) => {
                let missing = if certificate.is_none() { "tls.certificate" } else { "tls.key" };
                self.reader.mistake(&self.key(missing), "is missing; a certificate and its key go together");
                None
            }
        };
        Tls { ca, identity }
    }

    fn headers(&mut self) -> Vec<(HeaderName, PathBuf)> {
        let key = self.key("headers");
        let mut headers = Vec::new();
        for (name, path) in self.reader.texts(&key) {
            match name.parse() {
                Ok(name) => headers.push((name, path.into())),
                Err(_) => self.reader.mistake(&format!("{key}.{name}"), "is not the name of a header"),
            }
        }
        headers
    }
}
