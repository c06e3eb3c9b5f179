use super::*;
use crate::{
    pdp::callers::token::Jwks,
    record::shipping::config::{Compression, Destination},
};
use std::{collections::BTreeMap, path::PathBuf};

fn read(file: &str, environment: &[(&str, &str)], flags: Flags) -> Result<(Settings, Vec<String>), Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("poort.toml");
    std::fs::write(&path, file).unwrap();
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    load(Some(&path), environment.collect::<Vec<_>>(), flags)
}

#[track_caller]
fn refused(file: &str, expected: &str) {
    let mistakes = read(file, &[], Flags::new()).unwrap_err().join("\n");
    assert!(mistakes.contains(expected), "{file}\n→ {mistakes}");
}

#[test]
fn nothing_written_gives_the_defaults_of_the_design() {
    let (settings, warnings) = read("", &[], Flags::new()).unwrap();
    assert_eq!(settings.listen, ["127.0.0.1:50051".parse().unwrap()]);
    assert_eq!(settings.admin, "127.0.0.1:9464".parse().unwrap());
    assert_eq!(settings.store.policies, PathBuf::from("policies"));
    assert_eq!(settings.store.directory, PathBuf::from("policies/directory"));
    assert_eq!(settings.log.records(), PathBuf::from("data/records"));
    assert!(warnings.is_empty());
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file() {
    let file = "policies = \"a\"\ndata = \"a\"\n[limits]\nbatch = 1\n[directory]\npath = \"a\"";
    let environment = [("POORT_DATA", "b"), ("POORT_POLICIES", "b"), ("POORT_LIMITS_BATCH", "2")];
    let flags = BTreeMap::from([("policies".to_owned(), vec!["c".to_owned()])]);
    let (settings, _) = read(file, &environment, flags).unwrap();
    assert_eq!(settings.store.policies, PathBuf::from("c"));
    assert_eq!(settings.store.directory, PathBuf::from("a"));
    assert_eq!(settings.log.data, PathBuf::from("b"));
    assert_eq!(settings.pdp.batch, 2);
}

#[test]
fn all_mistakes_come_at_once_with_their_keys_and_places() {
    let file = "lissten = \"127.0.0.1:1\"\n[limits]\nbatch = \"many\"\nmessage = 5\ndeadline = \"1w\"\n[cache]\nmemory = [1]\n";
    let mistakes = read(file, &[("POORT_LIMITS_DEPTH", "0")], Flags::new()).unwrap_err();
    let expected = [
        ("limits.message: `5` is not a size", "line 4"),
        ("limits.depth: `0` must be a whole number from 4 to 64", "environment variable POORT_LIMITS_DEPTH"),
        ("limits.deadline: `1w` is not a duration", "line 5"),
        ("limits.batch: `many` must be a whole number", "line 3"),
        ("cache.memory: is a list of something other than strings", "line 7"),
        ("lissten: is not a key that poort knows; did you mean `listen`?", "line 1"),
    ];
    assert_eq!(mistakes.len(), expected.len(), "{mistakes:#?}");
    for (mistake, (start, place)) in mistakes.iter().zip(expected) {
        assert!(mistake.starts_with(start) && mistake.contains(place), "{mistake}");
    }
}

#[test]
fn plain_tcp_beyond_loopback_must_be_said_out_loud() {
    refused("listen = \"0.0.0.0:50051\"", "in the clear");
    refused("listen = [\"127.0.0.1:1\", \"[::]:50051\"]", "in the clear");
    read("listen = \"0.0.0.0:50051\"\nplaintext = \"anywhere\"", &[], Flags::new()).unwrap();
    read("listen = [\"unix:/tmp/x.sock\", \"[::1]:50051\"]", &[], Flags::new()).unwrap();
    let beyond = "listen = \"0.0.0.0:1\"\n[tls]\ncertificate = \"c\"\nkey = \"k\"\nclient_ca = \"ca\"\n";
    refused(beyond, "listen: 0.0.0.0:1 is beyond this machine, and without callers whoever reaches it");
    read(&format!("{beyond}[callers.a]\ncertificate.dns = \"a.example\""), &[], Flags::new()).unwrap();
}

#[test]
fn each_application_has_credentials_of_its_own() {
    let tls =
        "[tls]\ncertificate = \"c\"\nkey = \"k\"\nclient_ca = \"ca\"\ntrust_domains.\"politie.example\" = \"d\"\n";
    let file = format!(
        "{tls}[callers.desk]\nspiffe = \"spiffe://politie.example/desk\"\nsocket.uid = 1201\n[callers.anpr]\ncertificate.dns = \
         \"ANPR.politie.example\"\n"
    );
    let (settings, _) = read(&file, &[], Flags::new()).unwrap();
    let applications = &settings.pdp.callers.applications;
    let [anpr, desk] = ["anpr", "desk"].map(|name| &applications[&name.parse().unwrap()]);
    assert_eq!((anpr.dns.as_deref(), desk.uid), (Some("anpr.politie.example"), Some(1201)));
    assert_eq!(desk.spiffe.as_ref().unwrap().trust_domain(), "politie.example");
    assert_eq!(settings.tls.unwrap().trust_domains["politie.example"], PathBuf::from("d"));
    refused("[callers]", "callers: holds no application");
    for (more, expected) in [
        ("[callers.x]", "callers.x: has nothing to recognise it by"),
        ("[callers.x]\nsocket.uid = 1201", "callers.x.socket.uid: `1201` is another application's too"),
        ("[callers.x]\nsocket.uid = 65534", "callers.x.socket.uid: is the user that Linux shows for everyone"),
        ("[callers.x]\nspiffe = \"politie.example/x\"", "callers.x.spiffe: `politie.example/x` is not the SPIFFE id"),
        ("[callers.x]\nspiffe = \"spiffe://other.example/x\"", "callers.x.spiffe: needs the roots of its trust domain"),
        ("[callers.x]\ncertificate.dns = \"*.example\"", "callers.x.certificate.dns: `*.example` is not one whole DNS"),
        ("[callers.x]\nspife = \"x\"", "callers.x.spife: is not a key that poort knows; did you mean `spiffe`?"),
        ("[callers.\"X y\"]\nsocket.uid = 1", "the name of an application is of 1 to 64"),
        ("[decisions]\napplication = \"desk\"", "decisions.application: means nothing with [callers]"),
    ] {
        refused(&format!("{file}{more}"), expected);
    }
    refused("[callers.x]\ncertificate.dns = \"x.example\"", "callers.x.certificate.dns: needs tls.client_ca");
    refused(
        "[tls]\ncertificate = \"c\"\nkey = \"k\"\ntrust_domains.\"A b\" = \"d\"",
        "is not the name of a trust domain",
    );
}

#[test]
fn what_does_not_go_together_is_refused() {
    refused("[tls]\ncertificate = \"c\"", "tls.key: is missing");
    refused("[limits]\nbatch = 20\nconcurrent = 10", "limits.batch: 20 is more than limits.concurrent (10)");
    refused("[log]\nsegment = \"2MiB\"\nmax = \"1MiB\"", "log.max: is less than log.segment");
    refused("public_url = \"http://pdp.example\"", "must be an https URL");
    refused("[decisions]\ntime_zone = \"Mars\"", "`Mars` is not a time zone");
    refused("admin = \"unix:/x\"", "admin: must be an IP address");
    refused("a = 1\nb = [", "line 2");
}

#[test]
fn a_stranger_in_the_environment_is_a_warning() {
    let (_, warnings) = read("", &[("POORT_SERVICE_HOST", "10.0.0.1"), ("PATH", "/bin")], Flags::new()).unwrap();
    assert_eq!(warnings, ["environment variable POORT_SERVICE_HOST is not one of poort's; it has no effect"]);
}

#[test]
fn the_example_file_holds_every_key_with_its_default() {
    let text = include_str!("../../poort.example.toml");
    // Every key is there as a comment, so that the file as it is changes nothing.
    let uncommented: String = text
        .lines()
        .filter_map(|line| line.strip_prefix("# ").filter(|line| line.contains(" = ") || line.starts_with('[')))
        .map(|line| format!("{line}\n"))
        .collect();
    let (source, _) = {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poort.toml");
        std::fs::write(&path, &uncommented).unwrap();
        Source::gather(Some(&path), [], Flags::new(), &keys()).unwrap()
    };
    for key in keys() {
        assert!(source.values.contains_key(&key), "{key} is not in poort.example.toml");
    }
    let (defaults, _) = read("", &[], Flags::new()).unwrap();
    let (example, _) = read(text, &[], Flags::new()).unwrap();
    assert_eq!(format!("{defaults:?}"), format!("{example:?}"));
    // The values in the comments are the defaults, but for those that have none. There is no sink and no caller by default.
    let mut table = "";
    let with_default: String = uncommented
        .lines()
        .filter(|line| {
            table = if line.starts_with('[') { line } else { table };
            !line.contains("no default")
                && !["[callers.", "[issuers.", "[ship."].iter().any(|several| table.starts_with(several))
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let (written, _) = read(&with_default, &[], Flags::new()).unwrap();
    assert_eq!(format!("{defaults:?}"), format!("{written:?}"));
    for key in callers::KEYS {
        assert!(source.values.contains_key(&format!("callers.bvh-desk.{key}")), "{key} is not in poort.example.toml");
    }
    for key in callers::ISSUER_KEYS {
        assert!(source.values.contains_key(&format!("issuers.police.{key}")), "{key} is not in poort.example.toml");
    }
    // The sinks hold every key of a sink, and where they state a default, it is one.
    for key in ship::KEYS {
        let of_a_sink = |name: &String| name.starts_with("ship.") && name.ends_with(&format!(".{key}"));
        assert!(source.values.keys().any(of_a_sink), "{key} is not in a sink of poort.example.toml");
    }
    // One of both names applications.
    let shown: String =
        uncommented.lines().filter(|line| !line.starts_with("application = ")).map(|it| format!("{it}\n")).collect();
    let (shown, _) = read(&shown, &[], Flags::new()).unwrap();
    assert_eq!(shown.pdp.callers.applications.len(), 1);
    let [collector, lines, risk, stream] = shown.ship.as_slice() else { panic!("{:?}", shown.ship) };
    assert_eq!((collector.timeout, collector.batch, collector.format), (lines.timeout, lines.batch, lines.format));
    assert!(matches!(&collector.to, Destination::OtlpGrpc(to) if to.compression == Compression::None));
    assert!(matches!(&risk.to, Destination::SsfPush(to) if to.issuer == "https://poort.example"));
    assert!(matches!(&stream.to, Destination::Nats(to) if to.subject == "poort.decisions"));
}

#[test]
fn each_issuer_says_what_its_tokens_are() {
    let caller = "[callers.desk]\nsocket.uid = 1201\n";
    let police = "[issuers.police]\nissuer = \"https://idp.politie.example\"\naudience = \"poort\"\njwks = \"jwks.json\"\n\
         algorithms = [\"ES256\", \"PS256\"]\ntype = \"Officer\"\n";
    let (settings, _) = read(&format!("{caller}{police}"), &[], Flags::new()).unwrap();
    let issuer = &settings.pdp.callers.issuers["police"];
    assert_eq!((issuer.subject.as_str(), issuer.kind.as_str()), ("sub", "Officer"));
    assert_eq!(issuer.jwks, Jwks::File("jwks.json".into()));
    let changed = |from: &str, to: &str| caller.to_owned() + &police.replacen(from, to, 1);
    let (settings, _) = read(&changed("\"jwks.json", "\"https://idp.politie.example/jwks"), &[], Flags::new()).unwrap();
    assert!(matches!(&settings.pdp.callers.issuers["police"].jwks, Jwks::Url(url) if url.path() == "/jwks"));
    refused(police, "issuers: mean nothing without [callers]");
    refused("[issuers]", "issuers: holds no issuer");
    refused(&changed("audience = \"poort\"\n", ""), "issuers.police.audience: is missing");
    refused(&changed("\"ES256\"", "\"HS256\""), "issuers.police.algorithms: `HS256` must be ES256,");
    refused(&changed("\"ES256\"", "\"none\""), "issuers.police.algorithms: `none` must be ES256,");
    refused(&changed("\"jwks.json", "\"http://idp.politie.example/jwks"), "issuers.police.jwks: `http://idp");
    refused(&changed("audience", "audiense"), "issuers.police.audiense: is not a key that poort knows; did you mean");
    refused(&(changed("", "") + &police.replace("police", "other")), "another table's too; each needs its own");
}

#[test]
fn every_key_has_its_environment_variable() {
    let keys = keys();
    assert!(keys.contains("log.key") && keys.contains("limits.unread"));
    let variables = keys.iter().map(|key| (source::variable(key), "x".to_owned()));
    let (source, warnings) = Source::gather(None, variables, Flags::new(), &keys).unwrap();
    assert_eq!(warnings, [""; 0]);
    assert_eq!(source.values.keys().cloned().collect::<BTreeSet<_>>(), keys);
}

#[test]
fn a_sink_must_be_whole_and_hold_nothing_that_it_does_not_use() {
    refused("[ship.a]\nformat = \"adl\"", "ship.a.kind: is missing; it is one of `otlp-grpc`");
    refused("[ship.a]\nkind = \"kafka\"", "ship.a.kind: `kafka` must be `otlp-grpc` or");
    refused("[ship.Collector]\nkind = \"nats\"", "`Collector` is not a name for a sink");
    refused("[ship.a]\nkind = \"otlp-http\"", "ship.a.endpoint: is missing");
    refused("[ship.a]\nkind = \"json-lines\"\npath = \"x\"\nsubject = \"y\"", "ship.a.subject: means nothing with");
    refused("[ship.a]\nkind = \"json-lines\"\npaht = \"x\"", "did you mean `path`?");
    refused("[ship.a]\nkind = \"nats\"\nendpoint = \"nats://localhost\"\nsubject = \"a.>\"", "is not a subject");
    refused("[ship.a]\nkind = \"nats\"\nendpoint = \"http://localhost\"\nsubject = \"a\"", "must be `nats` or `tls`");
    refused("[ship.a]\nkind = \"otlp-grpc\"\nendpoint = \"https://u:p@x\"", "secrets do not belong");
    refused("[ship.a]\nkind = \"otlp-grpc\"\nendpoint = \"https://x\"\ntls.key = \"k\"", "tls.certificate: is missing");
    let own = "[ship.a]\nkind = \"nats\"\nendpoint = \"nats://localhost\"\nsubject = \"a\"\nsubject_own = \"a.*\"";
    refused(own, "ship.a.subject_own: `a.*` is not a subject");
    refused("[ship.a]\nkind = \"json-lines\"\npath = \"x\"\nrecords = \"some\"", "must be `all` or `decisions`");
    let twice = "[ship.a]\nkind = \"json-lines\"\npath = \"x\"\n[ship.b]\nkind = \"json-lines\"\npath = \"x\"";
    refused(twice, "ship.b.path: is the path of ship.a too");
}

#[test]
fn two_sinks_share_a_subject_only_for_other_records() {
    let two = |one: &str, other: &str| {
        let sink = |name, keys| format!("[ship.{name}]\nkind = \"nats\"\nendpoint = \"nats://localhost\"\n{keys}\n");
        sink("a", one) + &sink("b", other)
    };
    let accepted = [
        ("subject = \"x\"\nrecords = \"decisions\"", "subject = \"x\"\nrecords = \"own\""),
        ("subject = \"x\"\nsubject_own = \"y\"", "subject = \"y\"\nsubject_own = \"x\""),
        ("subject = \"x\"\nsubject_own = \"y\"\nrecords = \"own\"", "subject = \"x\"\nrecords = \"decisions\""),
    ];
    for (one, other) in accepted {
        read(&two(one, other), &[], Flags::new()).unwrap();
    }
    let both = two("subject = \"x\"", "subject = \"x\"");
    refused(&both, "ship.b.subject: is the subject of ship.a too");
    let own = two("subject = \"x\"\nsubject_own = \"y\"", "subject = \"z\"\nsubject_own = \"y\"");
    refused(&own, "ship.b.subject_own: is the subject_own of ship.a too");
    let crossed = two("subject = \"x\"\nsubject_own = \"y\"", "subject = \"y\"\nrecords = \"own\"");
    refused(&crossed, "ship.b.subject: is the subject_own of ship.a too");
}

#[test]
fn records_cross_a_network_in_the_clear_only_if_that_is_said_out_loud() {
    let sink = |endpoint: &str| format!("[ship.a]\nkind = \"otlp-grpc\"\nendpoint = \"{endpoint}\"\n");
    refused(&sink("http://collector.example:4317"), "in the clear");
    refused(&sink("http://10.0.0.1:4317"), "in the clear");
    for near in ["http://localhost:4317", "http://127.0.0.2:4317", "http://[::1]:4317", "https://collector.example"] {
        read(&sink(near), &[], Flags::new()).unwrap();
    }
    let said = sink("http://collector.example:4317") + "plaintext = \"anywhere\"\n";
    read(&said, &[], Flags::new()).unwrap();
}

#[test]
fn the_sinks_of_the_shipping_page_are_what_poort_takes() {
    let (_, rest) = include_str!("../../docs/shipping.md").split_once("```toml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let (settings, _) = read(text, &[], Flags::new()).unwrap();
    let names: Vec<_> = settings.ship.iter().map(|sink| sink.name.as_str()).collect();
    assert_eq!(names, ["collector", "lines", "soc", "stream"]);
}
