//! NATS with TLS and credentials. A fault in either is reported, and loses no record.

use super::{check, nats_server, stream_on};
use crate::{
    record::shipping::{ask, until_drained},
    support::{Authority, Exposition, Sidecar, folder, until},
};
use async_nats::{ConnectOptions, jetstream};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nkeys::KeyPair;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// The chain of NATS keys: an operator signs for an account, which signs for its users.
struct Operator {
    operator: KeyPair,
    account: KeyPair,
    /// That of the server itself, which JetStream needs.
    system: KeyPair,
}

impl Operator {
    fn new() -> Self {
        Self { operator: KeyPair::new_operator(), account: KeyPair::new_account(), system: KeyPair::new_account() }
    }

    /// What the server is configured with. The account may use JetStream without a bound.
    fn config(&self) -> String {
        let limits = ["subs", "data", "payload", "imports", "exports", "conn", "leaf", "mem_storage", "disk_storage"];
        let limits = limits.into_iter().chain(["streams", "consumer"]).map(|name| (name.to_owned(), json!(-1)));
        let limits: serde_json::Map<_, _> = limits.chain([("wildcards".to_owned(), json!(true))]).collect();
        let operator = token(&self.operator, &self.operator, &json!({"type": "operator", "version": 2}));
        let preload = |account: &KeyPair, limits: Value| {
            let says = json!({"type": "account", "version": 2, "limits": limits, "default_permissions": {}});
            format!("{}: {}", account.public_key(), token(&self.operator, account, &says))
        };
        let mut system = limits.clone();
        system.retain(|name, _| !["mem_storage", "disk_storage", "streams", "consumer"].contains(&name.as_str()));
        format!(
            "operator: {operator}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{\n{}\n{}\n}}\n",
            self.system.public_key(),
            preload(&self.account, limits.into()),
            preload(&self.system, system.into())
        )
    }

    /// The credentials of a new user, as `nsc` writes them.
    fn credentials(&self) -> String {
        let user = KeyPair::new_user();
        let says = json!({"type": "user", "version": 2, "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1});
        format!(
            "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            token(&self.account, &user, &says),
            user.seed().unwrap()
        )
    }
}

/// A signed claim of one about another.
fn token(issuer: &KeyPair, subject: &KeyPair, says: &Value) -> String {
    let claims = json!({"jti": "1", "iat": 1, "iss": issuer.public_key(), "sub": subject.public_key(), "nats": says});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"typ": "JWT", "alg": "ed25519-nkey"})), part(&claims));
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

/// Puts another file in the place of one, at once.
fn put(path: &Path, text: impl AsRef<[u8]>) {
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, text).unwrap();
    fs::rename(unfinished, path).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guarded_stream_gets_every_record() {
    let (files, authority, operator) = (folder(), Authority::new(), Operator::new());
    let server = authority.signs("127.0.0.1");
    let tls =
        format!("tls {{ cert_file: \"{}\", key_file: \"{}\" }}\n", server.certificate.display(), server.key.display());
    let (_peer, address) = nats_server(files.path(), &[tls, operator.config()].concat()).await;
    let port = address.rsplit(':').next().unwrap();
    let address = format!("tls://127.0.0.1:{port}");
    let client = until("the NATS server", async || {
        let options = ConnectOptions::new().add_root_certificates(authority.root()).require_tls(true);
        options.credentials(&operator.credentials()).unwrap().connect(&address).await.ok()
    })
    .await;
    let stream = stream_on(&jetstream::new(client)).await;

    let (ca, credentials) = (files.path().join("ca.pem"), files.path().join("poort.creds"));
    put(&ca, fs::read(Authority::new().root()).unwrap());
    put(&credentials, Operator::new().credentials());
    let config = format!(
        "[ship.test]\nkind = \"nats\"\nendpoint = \"{address}\"\nsubject = \"poort.records\"\ntimeout = \"2s\"\ntls.ca = \"{}\"\ncredentials = \"{}\"\n",
        ca.display(),
        credentials.display()
    );
    let data = folder();
    let start = || Sidecar::builder().config(&config).data(data.path()).start();
    let sidecar = start();
    ask(&sidecar, 20).await;
    let line = sidecar.wait_for_line("Records wait; sending is tried again.");
    assert!(line.contains("sink=test") && line.contains("invalid peer certificate"), "{line}");
    assert!(line.contains(&format!("`{}` (tls.ca)", ca.display())), "{line}");

    put(&ca, fs::read(authority.root()).unwrap());
    let line = sidecar.wait_for_line("Records wait for a person");
    let file = credentials.display().to_string();
    assert!(line.contains("does not accept the credentials") && line.contains(&file), "{line}");
    assert!(!sidecar.log().contains("NKEY SEED"), "{}", sidecar.log());
    ask(&sidecar, 20).await;
    let metrics = Exposition::of(&sidecar).await;
    assert_eq!(metrics.value("poort_ship_held", "sink=\"test\""), 1.0);
    assert!(metrics.value("poort_ship_backlog", "sink=\"test\"") >= 40.0);
    assert_eq!(stream.get_info().await.unwrap().state.messages, 0);

    // The last attempt of one that is stopped is made with the files as they are then.
    put(&credentials, operator.credentials());
    assert_eq!(sidecar.stop().code, Some(0));
    check(&stream, data.path()).await;
    let sidecar = start();
    ask(&sidecar, 20).await;
    until_drained(&sidecar, "test").await;
    assert_eq!(sidecar.stop().code, Some(0));
    check(&stream, data.path()).await;
}
