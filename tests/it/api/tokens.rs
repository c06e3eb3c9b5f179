//! Subjects' own tokens: an application asks in nobody's name but that of the account whose token it has.
//!
//! The issuer is a Python library (`tests/clients/python/issuer.py`): what signs here is not what verifies.

use crate::support::{
    Authority, BareChannel, Exposition, Reply, Sidecar, allowed, batch, check, copied_policies, folder, installed,
    message, repository, request_over, run, until,
};
use hyper::{Request, StatusCode};
use poort::api::pb;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{net::UnixStream, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic_types::StatusExt as _;

const ISSUER: &str = "https://idp.politie.example";

/// An identity provider that runs.
struct Issuer {
    process: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
    authority: Authority,
    port: String,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Issuer {
    /// One that publishes these keys.
    fn new(keys: &[&str]) -> Self {
        let authority = Authority::new();
        let identity = authority.signs("localhost");
        let mut python = Command::new(installed("target/tests/python/bin/python"));
        python.arg(repository().join("tests/clients/python/issuer.py")).arg(authority.folder.path().join("jwks.json"));
        python.arg(&identity.certificate).arg(&identity.key).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = python.spawn().unwrap();
        let asked = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let mut port = String::new();
        answers.read_line(&mut port).unwrap();
        let mut issuer = Self { process, asked, answers, authority, port: port.trim().to_owned() };
        issuer.publish(keys);
        issuer
    }

    fn ask(&mut self, request: &Value) -> String {
        writeln!(self.asked, "{request}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    }

    fn publish(&mut self, keys: &[&str]) {
        assert_eq!(self.ask(&json!({"do": "publish", "keys": keys})), "published");
    }

    /// How often its keys were asked for.
    fn served(&mut self) -> u64 {
        self.ask(&json!({"do": "served"})).parse().unwrap()
    }

    /// A token of this key with these claims and members of the header in the place of usual ones; `null`: without.
    fn token(&mut self, key: &str, claims: Value, header: Value) -> String {
        let mut request = json!({"do": "token", "key": key, "claims": self::claims(claims)});
        request["header"] = header;
        self.ask(&request)
    }

    /// What applications and issuers are in the configuration.
    fn config(&self, jwks: &str) -> String {
        let uid = rustix::process::getuid().as_raw();
        format!(
            "[callers.desk]\nsocket.uid = {uid}\n[issuers.police]\nissuer = \"{ISSUER}\"\naudience = \"poort\"\ntype = \"Officer\"\n\
             algorithms = [\"ES256\", \"PS256\"]\njwks = \"{jwks}\"\n"
        )
    }

    fn file(&self) -> String {
        self.authority.folder.path().join("jwks.json").display().to_string()
    }

    /// A sidecar that takes this process for `desk`, and its socket.
    fn sidecar(&self, jwks: &str, need: &str, folder: &Path, policies: PathBuf) -> (Sidecar, PathBuf) {
        let lists = "subjects = [\"*\"]\norganisations = [\"*\"]\nactions = [\"*\"]\nresources = [\"*\"]\n";
        let applications = format!("[desk]\n{lists}token = \"{need}\"\nclient_id = \"bvh-desk\"\n");
        fs::write(policies.join("applications.toml"), applications).unwrap();
        let path = folder.join("poort.sock");
        let log = "[telemetry]\nlog = \"debug,poort=trace\"\n";
        let starting = Sidecar::builder().policies(policies).config(&(self.config(jwks) + log));
        let starting = starting.variable("SSL_CERT_FILE", &self.authority.root().display().to_string());
        (starting.argument("--listen").argument(format!("unix:{}", path.display())).start(), path)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims(changed: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": ["other", "poort"], "azp": "bvh-desk", "sub": "officer-0007", "exp": now() + 600,
    });
    let Value::Object(changed) = changed else { panic!("{changed}") };
    claims.as_object_mut().unwrap().extend(changed);
    claims
}

async fn ask(path: &Path, way: &str, tokens: &[&str], body: &Value) -> Reply {
    let mut post = Request::post(format!("/access/v1/{way}")).header("content-type", "application/json");
    post = post.header("accept", "application/problem+json");
    for token in tokens {
        post = post.header("Poort-Subject-Token", *token);
    }
    request_over(UnixStream::connect(path).await.unwrap(), post.body(body.to_string().into_bytes()).unwrap()).await
}

/// The decision over HTTP, or the reason of the refusal.
async fn over_http(path: &Path, tokens: &[&str]) -> Result<bool, String> {
    let reply = ask(path, "evaluation", tokens, &allowed()).await;
    match reply.status {
        StatusCode::OK => Ok(reply.json()["decision"].as_bool().unwrap()),
        status => {
            assert_eq!(status, StatusCode::FORBIDDEN, "{}", reply.text());
            Err(reply.json()["reason"].as_str().unwrap().to_owned())
        }
    }
}

/// A request over gRPC with these tokens.
fn with<T>(message: T, tokens: &[&str]) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    for token in tokens {
        request.metadata_mut().append("poort-subject-token", token.parse().unwrap());
    }
    request
}

/// The same over gRPC.
async fn over_grpc(path: &Path, tokens: &[&str]) -> Result<bool, String> {
    let mut client = BareChannel::over(UnixStream::connect(path).await.unwrap()).await.client();
    match client.evaluate(with(message(&allowed()), tokens)).await {
        Ok(answer) => Ok(answer.into_inner().decision),
        Err(status) => {
            assert_eq!(status.code(), Code::PermissionDenied, "{status}");
            Err(status.get_error_details().error_info().unwrap().reason.clone())
        }
    }
}

/// Neither log nor records have a part of a token that says or proves something.
fn check_concealed(sidecar: &Sidecar, tokens: &[String]) {
    let records: String = sidecar.records().iter().map(Value::to_string).collect();
    let log = sidecar.log();
    for part in tokens.iter().flat_map(|token| token.split('.').skip(1)).filter(|part| part.len() > 8) {
        assert!(!records.contains(part) && !log.contains(part), "{part}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_needs_its_subjects_own_token() {
    let (mut issuer, folder) = (Issuer::new(&["es", "ps"]), folder());
    let file = issuer.file();
    let (sidecar, path) = issuer.sidecar(&file, "required", folder.path(), copied_policies(folder.path()));
    let mut given = Vec::new();
    for key in ["es", "ps"] {
        for (change, header) in [
            (json!({}), json!({})),
            (json!({"aud": "poort", "azp": null, "client_id": "bvh-desk"}), json!({"typ": "at+jwt"})),
            (json!({"exp": now() - 5, "nbf": now() + 5}), json!({"typ": null})),
        ] {
            let token = issuer.token(key, change, header);
            assert_eq!(over_http(&path, &[&token]).await, Ok(true), "{key}");
            assert_eq!(over_grpc(&path, &[&token]).await, Ok(true), "{key}");
            given.push(token);
        }
    }
    let good = issuer.token("es", json!({}), json!({}));
    assert_eq!(over_http(&path, &[]).await, Err("TOKEN_MISSING".to_owned()));
    assert_eq!(over_grpc(&path, &[]).await, Err("TOKEN_MISSING".to_owned()));
    assert_eq!(over_http(&path, &[&good, &good]).await, Err("TOKEN_UNREADABLE".to_owned()));
    let refused = [
        ("TOKEN_EXPIRED", json!({"exp": now() - 60}), json!({})),
        ("TOKEN_UNREADABLE", json!({"exp": null}), json!({})),
        ("TOKEN_UNREADABLE", json!({"exp": "soon"}), json!({})),
        ("TOKEN_NOT_YET_VALID", json!({"nbf": now() + 90}), json!({})),
        ("TOKEN_ISSUER", json!({"iss": "https://idp.example"}), json!({})),
        ("TOKEN_ISSUER", json!({"iss": null}), json!({})),
        ("TOKEN_UNREADABLE", json!({"iss": [ISSUER, "https://idp.example"]}), json!({})),
        ("TOKEN_AUDIENCE", json!({"aud": "other"}), json!({})),
        ("TOKEN_AUDIENCE", json!({"aud": []}), json!({})),
        ("TOKEN_AUDIENCE", json!({"aud": null}), json!({})),
        ("TOKEN_APPLICATION", json!({"azp": "other"}), json!({})),
        ("TOKEN_APPLICATION", json!({"azp": null}), json!({})),
        ("TOKEN_APPLICATION", json!({"client_id": "other"}), json!({})),
        ("TOKEN_UNREADABLE", json!({"azp": ["bvh-desk"]}), json!({})),
        ("TOKEN_ACCOUNT", json!({"sub": "officer-0008"}), json!({})),
        ("TOKEN_ACCOUNT", json!({"sub": "Officer-0007"}), json!({})),
        ("TOKEN_ACCOUNT", json!({"sub": ""}), json!({})),
        ("TOKEN_ACCOUNT", json!({"sub": null}), json!({})),
        ("TOKEN_UNREADABLE", json!({"sub": 7}), json!({})),
        ("TOKEN_UNREADABLE", json!({"amr": "pwd"}), json!({})),
        ("TOKEN_UNREADABLE", json!({"acr": 1}), json!({})),
        ("TOKEN_UNREADABLE", json!({"auth_time": now() + 3600}), json!({})),
        ("TOKEN_UNREADABLE", json!({}), json!({"kid": null})),
        ("TOKEN_KEY_UNKNOWN", json!({}), json!({"kid": "other"})),
        ("TOKEN_SIGNATURE", json!({}), json!({"kid": "ps"})),
        ("TOKEN_UNREADABLE", json!({}), json!({"typ": "logout+jwt"})),
        ("TOKEN_UNREADABLE", json!({"note": "x".repeat(9_000)}), json!({})),
    ];
    for (reason, change, header) in refused {
        let token = issuer.token("es", change.clone(), header.clone());
        assert_eq!(over_http(&path, &[&token]).await, Err(reason.to_owned()), "{change} {header}");
        assert_eq!(over_grpc(&path, &[&token]).await, Err(reason.to_owned()), "{change} {header}");
        let last = sidecar.records().pop().unwrap();
        assert_eq!(last["attributes"]["poort.origin"]["application"], "desk");
        given.push(token);
    }
    for odd in ["", "x", "a.b.c", &good[1..], good.rsplit_once('.').unwrap().0, &format!("Bearer {good}")] {
        assert_eq!(over_http(&path, &[odd]).await, Err("TOKEN_UNREADABLE".to_owned()), "{odd}");
    }
    // Another type of account has no token of this issuer, whatever its id.
    let mut partner = allowed();
    partner["subject"]["type"] = "Partner".into();
    let reply = ask(&path, "evaluation", &[&good], &partner).await;
    assert_eq!((reply.status, &reply.json()["reason"]), (StatusCode::FORBIDDEN, &json!("TOKEN_ACCOUNT")));
    assert_eq!(over_http(&path, &[&good]).await, Ok(true));
    given.push(good);
    check_concealed(&sidecar, &given);
    let outcomes = sidecar.records();
    let outcomes: Vec<_> = outcomes.iter().filter_map(|it| it["attributes"]["poort.outcome"].as_str()).collect();
    assert!(outcomes.contains(&"token_missing") && outcomes.contains(&"token_expired"), "{outcomes:?}");
    let exposition = Exposition::of(&sidecar).await;
    assert_eq!(exposition.value("poort_tokens_refused_total", "reason=\"token_expired\""), 2.0);
    assert!(exposition.value("poort_issuers_reads_total", "result=\"read\"") >= 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_algorithm_is_taken_for_another() {
    // `rs` and `ed` are published, and not allowed.
    let (mut issuer, folder) = (Issuer::new(&["es", "ps", "rs", "ed", "es384"]), folder());
    let file = issuer.file();
    let (sidecar, path) = issuer.sidecar(&file, "required", folder.path(), copied_policies(folder.path()));
    let mut given = Vec::new();
    for (how, key) in [("none", "es"), ("hmac-pem", "es"), ("hmac-jwk", "es"), ("none", "ps"), ("hmac-pem", "ps")] {
        given.push((issuer.ask(&json!({"do": "forge", "how": how, "key": key, "claims": claims(json!({}))})), how));
    }
    // Of the right kind of signature and another key, curve or padding, under the id of a key that is allowed.
    for key in ["es-other", "es384", "rs", "ed", "ps-other"] {
        for kid in ["es", "ps"] {
            given.push((issuer.token(key, json!({}), json!({"kid": kid})), key));
        }
        if ["es384", "rs", "ed"].contains(&key) {
            given.push((issuer.token(key, json!({}), json!({})), key));
        }
    }
    // The header names a key of its own.
    let own =
        json!({"do": "token", "key": "es-own", "claims": claims(json!({})), "embed": true, "header": {"kid": "es"}});
    given.push((issuer.ask(&own), "jwk"));
    for (token, how) in &given {
        for asked in [over_http(&path, &[token]).await, over_grpc(&path, &[token]).await] {
            let reason = asked.expect_err(how);
            assert!(
                ["TOKEN_SIGNATURE", "TOKEN_UNREADABLE", "TOKEN_KEY_UNKNOWN"].contains(&reason.as_str()),
                "{reason}"
            );
        }
    }
    let good = issuer.token("es", json!({}), json!({}));
    assert_eq!(over_http(&path, &[&good]).await, Ok(true));
    check_concealed(&sidecar, &given.into_iter().map(|(token, _)| token).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_about_one_account() {
    let (mut issuer, folder) = (Issuer::new(&["es"]), folder());
    let file = issuer.file();
    let (sidecar, path) = issuer.sidecar(&file, "required", folder.path(), copied_policies(folder.path()));
    let mut other = allowed();
    other["subject"]["id"] = "officer-0008".into();
    let body = json!({"evaluations": [allowed(), other, allowed()]});
    let token = issuer.token("es", json!({}), json!({}));
    let reply = ask(&path, "evaluations", &[&token], &body).await.json();
    let decisions: Vec<_> = (0..3).map(|index| reply["evaluations"][index]["decision"].clone()).collect();
    assert_eq!(decisions, [true, false, true], "{reply}");
    let error = &reply["evaluations"][1]["context"]["error"];
    assert_eq!(error["status"], 403, "{reply}");
    assert!(error["message"].as_str().unwrap().contains("of another account"), "{error}");
    let mut client = BareChannel::over(UnixStream::connect(&path).await.unwrap()).await.client();
    let answered = client.evaluate_batch(with(batch(&body), &[&token])).await.unwrap().into_inner().evaluations;
    assert_eq!(answered.iter().map(|item| item.decision).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(answered[1].error.as_ref().unwrap().status, 403);
    // Without a token that counts the whole of it is refused.
    for (tokens, reason) in [(vec![], "TOKEN_MISSING"), (vec!["x"], "TOKEN_UNREADABLE")] {
        let reply = ask(&path, "evaluations", &tokens, &body).await;
        assert_eq!((reply.status, &reply.json()["reason"]), (StatusCode::FORBIDDEN, &json!(reason)));
        assert_eq!(sidecar.records().pop().unwrap()["attributes"]["poort.outcome"], reason.to_lowercase());
    }
    let refused = Exposition::of(&sidecar).await;
    assert_eq!(refused.value("poort_tokens_refused_total", "reason=\"token_account\""), 2.0);
    check_concealed(&sidecar, &[token]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_answers_no_longer_than_its_token_holds() {
    let (mut issuer, folder) = (Issuer::new(&["es"]), folder());
    let file = issuer.file();
    let (sidecar, path) = issuer.sidecar(&file, "required", folder.path(), copied_policies(folder.path()));
    // Clocks may be 30 seconds apart, so it holds for some seconds more.
    let token = issuer.token("es", json!({"exp": now() - 15}), json!({}));
    let mut client = BareChannel::over(UnixStream::connect(&path).await.unwrap()).await.client();
    let (questions, received) = mpsc::channel(1);
    let mut answers =
        client.evaluate_stream(with(ReceiverStream::new(received), &[&token])).await.unwrap().into_inner();
    let mut ask = async |id: &str| {
        let mut question = allowed();
        question["subject"]["id"] = id.into();
        let evaluation = Some(message(&question));
        questions.send(pb::EvaluateStreamRequest { evaluation, ..Default::default() }).await.unwrap();
        match answers.message().await.unwrap().unwrap().result.unwrap() {
            pb::evaluate_stream_response::Result::Evaluation(answer) => Ok(answer.decision),
            pb::evaluate_stream_response::Result::Error(error) => Err((error.code, error.message)),
        }
    };
    assert_eq!(ask("officer-0007").await, Ok(true));
    let (code, told) = ask("officer-0008").await.unwrap_err();
    assert_eq!(code, Code::PermissionDenied as i32);
    assert!(told.contains("of another account"), "{told}");
    let (code, told) = until("the end", async || ask("officer-0007").await.err()).await;
    assert_eq!(code, Code::PermissionDenied as i32);
    assert!(told.contains("has expired"), "{told}");
    check_concealed(&sidecar, &[token]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_see_how_a_subject_authenticated() {
    let (mut issuer, folder) = (Issuer::new(&["es"]), folder());
    let policies = copied_policies(folder.path());
    let schema = policies.join("schema.cedarschema");
    let declared = "type Pdp = {\n        token?: { acr?: String, amr?: Set<String>, auth_time?: datetime },";
    let text = fs::read_to_string(&schema).unwrap();
    assert!(text.contains("type Pdp = {"));
    fs::write(schema, text.replacen("type Pdp = {", declared, 1)).unwrap();
    let rule = "@id(\"t.high\") @title(\"t\") forbid (principal, action, resource) unless {
        context has pdp && context.pdp has token && context.pdp.token has acr && context.pdp.token.acr == \"high\" };
        @id(\"t.key\") @title(\"t\") forbid (principal, action, resource) when { context has pdp && context.pdp has token
        && context.pdp.token has amr && context.pdp.token.amr.contains(\"pwd\") };
        @id(\"t.old\") @title(\"t\") forbid (principal, action, resource) when { context has pdp && context.pdp has token
        && context.pdp.token has auth_time && context.pdp.token.auth_time < datetime(\"2020-01-01\") };";
    fs::write(policies.join("own.cedar"), rule).unwrap();
    let file = issuer.file();
    let (sidecar, path) = issuer.sidecar(&file, "checked-if-given", folder.path(), policies);
    let mut told = Vec::new();
    for (changed, expected) in [
        (json!({"acr": "high"}), true),
        (json!({"acr": "low"}), false),
        (json!({}), false),
        (json!({"acr": "high", "amr": ["hwk", "pin"], "auth_time": now() - 60}), true),
        (json!({"acr": "high", "amr": ["hwk", "pwd"]}), false),
        (json!({"acr": "high", "auth_time": 1_500_000_000}), false),
    ] {
        let token = issuer.token("es", changed.clone(), json!({}));
        // Again and again, so that what is cached for one is not another's.
        for _ in 0..2 {
            assert_eq!(over_http(&path, &[&token]).await, Ok(expected), "{changed}");
            let seen = &sidecar.records().pop().unwrap()["attributes"]["poort.pdp"]["token"];
            assert_eq!((&seen["acr"], &seen["amr"]), (&changed["acr"], &changed["amr"]));
            assert_eq!(seen["auth_time"].is_string(), !changed["auth_time"].is_null(), "{seen}");
        }
        told.push(token);
    }
    // No token is needed, and one that does not count is refused.
    assert_eq!(over_http(&path, &[]).await, Ok(false));
    assert_eq!(sidecar.records().pop().unwrap()["attributes"]["poort.pdp"]["token"], Value::Null);
    assert_eq!(over_http(&path, &["x"]).await, Err("TOKEN_UNREADABLE".to_owned()));
    assert_eq!(over_http(&path, &[&told[0]]).await, Ok(true));
    check_concealed(&sidecar, &told);
    let data = sidecar.data.clone();
    // The folder goes with what ended.
    let ended = sidecar.stop();
    assert_eq!(ended.code, Some(0));
    let replayed = run(["log".as_ref(), "replay".as_ref(), "--data".as_ref(), data.as_os_str()]);
    let (shown, _) = check(&replayed, 0);
    assert!(shown.contains("14 the same"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_and_a_flood_asks_for_few() {
    let (mut issuer, folder) = (Issuer::new(&["es-1"]), folder());
    let url = format!("https://localhost:{}/jwks", issuer.port);
    let started = Instant::now();
    let (sidecar, path) = issuer.sidecar(&url, "required", folder.path(), copied_policies(folder.path()));
    let first = issuer.token("es-1", json!({}), json!({}));
    assert_eq!(over_http(&path, &[&first]).await, Ok(true));
    assert_eq!(issuer.served(), 1);
    for number in 0..300 {
        let unknown = issuer.token("es-1", json!({}), json!({"kid": format!("unknown-{number}")}));
        assert_eq!(over_http(&path, &[&unknown]).await, Err("TOKEN_KEY_UNKNOWN".to_owned()));
    }
    let most = 2 + started.elapsed().as_secs() / 10;
    let served = issuer.served();
    assert!(served <= most, "{served} readings, and {most} would be in time");
    // 32 at once, and one each ten seconds.
    let records = sidecar.records().len() as u64;
    assert!(records <= 34 + started.elapsed().as_secs() / 10, "{records}");
    // The next key signs, and the one before it does not count any more, remembered or not.
    assert_eq!(over_http(&path, &[&first]).await, Ok(true));
    issuer.publish(&["es-2"]);
    let next = issuer.token("es-2", json!({}), json!({}));
    until("the next key", async || over_http(&path, &[&next]).await.is_ok().then_some(())).await;
    assert_eq!(over_http(&path, &[&first]).await, Err("TOKEN_KEY_UNKNOWN".to_owned()));
    check_concealed(&sidecar, &[first, next]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_without_keys_is_told_and_verifies_nothing() {
    let (mut issuer, folder) = (Issuer::new(&["es"]), folder());
    let missing = folder.path().join("missing.json").display().to_string();
    let (sidecar, path) = issuer.sidecar(&missing, "required", folder.path(), copied_policies(folder.path()));
    sidecar.wait_for_line("issuers.police.jwks: `");
    let token = issuer.token("es", json!({}), json!({}));
    assert_eq!(over_http(&path, &[&token]).await, Err("TOKEN_KEYS_STALE".to_owned()));
    // It is read as soon as it is there.
    fs::copy(issuer.file(), missing).unwrap();
    until("the keys", async || over_http(&path, &[&token]).await.is_ok().then_some(())).await;
}
