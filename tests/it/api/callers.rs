//! Callers: which application asks, what it may ask, and what becomes of others.

use crate::support::{
    Authority, BareChannel, Exposition, Identity, Sidecar, Starting, allowed, copied_policies, folder, installed,
    message, request, request_over, until, within, workload,
};
use hyper::{Request, StatusCode};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyUsagePurpose, SanType};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime},
};
use tokio::{io::AsyncReadExt as _, net::TcpStream};
use tokio_rustls::client::TlsStream;
use tonic::Code;

const DESK: &str = "spiffe://politie.example/bvh/desk";

/// What the applications of these tests may ask.
const APPLICATIONS: &str = r#"
    [desk]
    subjects = ["Officer", "Partner"]
    organisations = ["politie"]
    actions = ["consult", "enter"]
    resources = ["Investigation"]

    [all]
    subjects = ["*"]
    organisations = ["*"]
    actions = ["*"]
    resources = ["*"]
"#;

/// A poort that reads these applications from the policies of the repository.
fn with_applications(into: &Path) -> Starting {
    let policies = copied_policies(into);
    fs::write(policies.join("applications.toml"), APPLICATIONS).unwrap();
    Sidecar::builder().policies(policies)
}

fn tls(server: &Identity) -> String {
    let Identity { certificate, key } = server;
    format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n")
}

fn trust(domain: &str, authority: &Authority) -> String {
    format!("trust_domains.\"{domain}\" = {:?}\n", authority.root())
}

fn question(body: &Value) -> Request<Vec<u8>> {
    let post = Request::post("/access/v1/evaluation").header("accept", "application/problem+json");
    post.header("content-type", "application/json").body(body.to_string().into_bytes()).unwrap()
}

/// A connection of a client that trusts `server` and shows this certificate.
async fn connect(
    server: &Authority,
    sidecar: &Sidecar,
    protocol: &str,
    identity: Option<&Identity>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(sidecar.address).await?;
    server.client(protocol, identity).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// Status and body of a question; `None` if the certificate is not taken. With TLS 1.3 a client learns only after the handshake.
async fn asked(server: &Authority, sidecar: &Sidecar, identity: Option<&Identity>) -> Option<(StatusCode, Value)> {
    let mut stream = connect(server, sidecar, "http/1.1", identity).await.ok()?;
    let body = allowed().to_string();
    let head = format!(
        "POST /access/v1/evaluation HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\naccept: application/problem+json\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some((status, serde_json::from_str(body).ok()?))
}

/// Waits until the log has this so many times. It blocks nothing, so a load goes on meanwhile.
async fn logged(sidecar: &Sidecar, part: &str, times: usize) {
    until(part, async || (sidecar.log().matches(part).count() >= times).then_some(())).await;
}

fn origin(record: &Value) -> &Value {
    &record["attributes"]["poort.origin"]
}

// ---- Who it is ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workload_is_known_by_its_spiffe_id() {
    let (server, domain, folder) = (Authority::new(), Authority::new(), folder());
    let config = tls(&server.signs("localhost")) + &trust("politie.example", &domain);
    let config = config + &format!("[callers.desk]\nspiffe = \"{DESK}\"\n");
    let sidecar = with_applications(folder.path()).config(&config).start();
    let desk = domain.signs_workload("desk", DESK);
    let stream = connect(&server, &sidecar, "h2", Some(&desk)).await.unwrap();
    let mut client = BareChannel::over(stream).await.client();
    assert!(client.evaluate(message(&allowed())).await.unwrap().into_inner().decision);
    let records = sidecar.records();
    assert_eq!(
        (&origin(&records[0])["application"], &origin(&records[0])["credential"]),
        (&json!("desk"), &json!(DESK))
    );
    assert_eq!(records[0]["attributes"]["poort.pdp"]["application"], "desk");
    // A workload of the same domain that is no application.
    let other = domain.signs_workload("other", "spiffe://politie.example/bvh/desk/other");
    let (status, problem) = asked(&server, &sidecar, Some(&other)).await.unwrap();
    assert_eq!((status, &problem["reason"]), (StatusCode::FORBIDDEN, &json!("UNKNOWN_CALLER")));
    let refused = sidecar.records().remove(1);
    assert_eq!(origin(&refused)["credential"], "spiffe://politie.example/bvh/desk/other");
    assert_eq!(origin(&refused)["application"], Value::Null);
    assert_eq!(refused["attributes"]["poort.outcome"], "unknown_caller");
    assert_eq!(refused["attributes"]["poort.pdp"]["application"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_proves_nothing_is_not_taken() {
    let (server, domain, folder) = (Authority::new(), Authority::new(), folder());
    let config = tls(&server.signs("localhost")) + &trust("politie.example", &domain);
    let config = config + &format!("[callers.all]\nspiffe = \"{DESK}\"\n");
    let sidecar = with_applications(folder.path()).config(&config).start();
    let is_taken = async |identity: &Identity| asked(&server, &sidecar, Some(identity)).await.is_some();
    assert!(is_taken(&domain.signs_workload("good", DESK)).await);
    let uri = |text: &str| SanType::URI(text.try_into().unwrap());
    type Change<'c> = &'c dyn Fn(&mut CertificateParams);
    let odd: [(&str, Change<'_>); 8] = [
        ("two ids", &|it| it.subject_alt_names.push(uri("spiffe://politie.example/other"))),
        ("an id and another URI", &|it| it.subject_alt_names.insert(0, uri("https://politie.example/"))),
        ("an authority", &|it| it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
        ("may sign certificates", &|it| it.key_usages.push(KeyUsagePurpose::KeyCertSign)),
        ("may sign lists", &|it| it.key_usages.push(KeyUsagePurpose::CrlSign)),
        ("may not sign", &|it| it.key_usages = vec![KeyUsagePurpose::KeyEncipherment]),
        ("says no usage", &|it| it.key_usages.clear()),
        ("is over", &|it| {
            it.not_before = rcgen::date_time_ymd(2019, 1, 1);
            it.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }),
    ];
    for (name, change) in odd {
        let identity = domain.signs_as(&name.replace(' ', "-"), |parameters| {
            workload(parameters, DESK);
            change(parameters);
        });
        assert!(!is_taken(&identity).await, "{name}");
    }
    for id in ["spiffe://other.example/bvh/desk", "spiffe://politie.example", "spiffe://politie.example/../bvh/desk"] {
        assert!(!is_taken(&domain.signs_workload("odd", id)).await, "{id}");
    }
    assert!(asked(&server, &sidecar, None).await.is_none(), "nothing");
    assert_eq!(sidecar.records().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_authority_speaks_for_a_trust_domain() {
    let (server, ours, theirs, others) = (Authority::new(), Authority::new(), Authority::new(), Authority::new());
    let folder = folder();
    let config = tls(&server.signs("localhost"))
        + &format!("client_ca = {:?}\n", others.root())
        + &trust("politie.example", &ours)
        + &trust("partner.example", &theirs)
        + &format!("[callers.desk]\nspiffe = \"{DESK}\"\n")
        + "[callers.all]\ncertificate.dns = \"all.politie.example\"\n";
    let sidecar = with_applications(folder.path()).config(&config).start();
    let named = async |identity: &Identity| {
        asked(&server, &sidecar, Some(identity)).await?;
        sidecar.records().pop().map(|record| origin(&record)["application"].clone())
    };
    assert_eq!(named(&ours.signs_workload("ours", DESK)).await, Some("desk".into()));
    assert_eq!(named(&others.signs("all.politie.example")).await, Some("all".into()));
    for (name, authority) in [("a domain", &theirs), ("the authority of names", &others), ("the server's", &server)] {
        assert_eq!(named(&authority.signs_workload("forged", DESK)).await, None, "{name}");
    }
    // The roots of a domain sign no names, with or without an id beside them.
    assert_eq!(named(&theirs.signs("all.politie.example")).await, None);
    let both = theirs.signs_as("both", |parameters| {
        workload(parameters, "spiffe://partner.example/x");
        parameters.subject_alt_names.push(SanType::DnsName("all.politie.example".try_into().unwrap()));
    });
    assert_eq!(named(&both).await, Some(Value::Null));
}

/// SO_PEERCRED says who connected. The tests run as root, so curl can be another user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_users_of_a_socket_are_two_applications() {
    let folder = folder();
    let path = folder.path().join("poort.sock");
    let config = "[callers.desk]\nsocket.uid = 12001\n[callers.all]\nsocket.uid = 12002\n";
    let listen = format!("unix:{}", path.display());
    let sidecar = with_applications(folder.path()).config(config).argument("--listen").argument(listen).start();
    for path in [folder.path(), &path] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let asks = |uid: u32| {
        let output = Command::new("setpriv")
            .args([&format!("--reuid={uid}"), "--clear-groups", "--regid=12000", "curl", "--silent"])
            .args(["--write-out", " %{http_code}", "--header", "content-type: application/json", "--unix-socket"])
            .arg(&path)
            .args(["--data", &allowed().to_string(), "http://localhost/access/v1/evaluation"])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let (body, status) = said.rsplit_once(' ').unwrap_or_else(|| panic!("{said} {:?}", output.stderr));
        (status.to_owned(), serde_json::from_str::<Value>(body).unwrap()["decision"].clone())
    };
    for (uid, status, application) in
        [(12001, "200", json!("desk")), (12002, "200", json!("all")), (12003, "403", Value::Null)]
    {
        assert_eq!(asks(uid).0, status);
        let record = sidecar.records().pop().unwrap();
        assert_eq!((&origin(&record)["application"], &origin(&record)["caller"]), (&application, &json!("unix")));
        assert_eq!(origin(&record)["credential"], format!("uid:{uid}"));
    }
    // A policy that reads the application is never answered from another's question.
    let rule = "@id(\"t\") @title(\"t\") forbid (principal, action, resource) when {
        context has pdp && context.pdp has application && context.pdp.application == \"all\" };";
    fs::write(folder.path().join("policies/own.cedar"), rule).unwrap();
    until("the rule", async || (asks(12002).1 == false).then_some(())).await;
    for _ in 0..3 {
        assert_eq!((asks(12001).1, asks(12002).1), (true.into(), false.into()));
    }
}

/// curl is nobody of ours: it and its TLS library show certificates as others do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_is_known_by_the_name_in_its_certificate() {
    let (server, folder) = (Authority::new(), folder());
    let config = tls(&server.signs("localhost"))
        + &format!("client_ca = {:?}\n[callers.desk]\ncertificate.dns = \"desk.politie.example\"\n", server.root());
    let sidecar = with_applications(folder.path()).config(&config).start();
    let asks = |identity: &Identity| {
        let output = Command::new("curl")
            .args([
                "--silent",
                "--write-out",
                " %{http_code}",
                "--header",
                "content-type: application/json",
                "--cacert",
            ])
            .arg(server.root())
            .arg("--cert")
            .arg(&identity.certificate)
            .arg("--key")
            .arg(&identity.key)
            .args(["--resolve", &format!("localhost:{}:127.0.0.1", sidecar.address.port())])
            .args(["--data", &allowed().to_string()])
            .arg(format!("https://localhost:{}/access/v1/evaluation", sidecar.address.port()))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().rsplit_once(' ').unwrap().1.to_owned()
    };
    assert_eq!(asks(&server.signs("desk.politie.example")), "200");
    assert_eq!(asks(&server.signs("other.politie.example")), "403");
    assert_eq!(asks(&server.signs("*.politie.example")), "403");
    assert_eq!(asks(&Authority::new().signs("desk.politie.example")), "000");
}

const GRPCIO: &str = r#"
import sys, grpc
target, ca, certificate, key, message = sys.argv[1:]
ca, key, certificate = (open(path, "rb").read() for path in (ca, key, certificate))
options = [("grpc.ssl_target_name_override", "localhost")]
with grpc.secure_channel(target, grpc.ssl_channel_credentials(ca, key, certificate), options) as channel:
    try:
        channel.unary_unary("/poort.v1.AccessEvaluation/Evaluate")(bytes.fromhex(message), timeout=30)
        print("OK")
    except grpc.RpcError as error:
        print(error.code().name)
"#;

/// grpcio has a TLS library and an HTTP/2 of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpcio_is_known_by_its_spiffe_id() {
    let (server, domain, folder) = (Authority::new(), Authority::new(), folder());
    let config = tls(&server.signs("localhost")) + &trust("politie.example", &domain);
    let config = config + &format!("[callers.desk]\nspiffe = \"{DESK}\"\n");
    let sidecar = with_applications(folder.path()).config(&config).start();
    let encoded = prost::Message::encode_to_vec(&message(&allowed()));
    let hex: String = encoded.iter().map(|byte| format!("{byte:02x}")).collect();
    let asks = |identity: &Identity| {
        let mut python = Command::new(installed("target/tests/python/bin/python"));
        python.args(["-c", GRPCIO, &sidecar.address.to_string()]).arg(server.root()).arg(&identity.certificate);
        let output = python.arg(&identity.key).arg(&hex).env("no_proxy", "127.0.0.1").output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(asks(&domain.signs_workload("desk", DESK)), "OK");
    assert_eq!(asks(&domain.signs_workload("other", "spiffe://politie.example/other")), "PERMISSION_DENIED");
    let two = domain.signs_as("two", |parameters| {
        workload(parameters, DESK);
        parameters.subject_alt_names.push(SanType::URI("spiffe://politie.example/other".try_into().unwrap()));
    });
    assert_eq!(asks(&two), "UNAVAILABLE");
}

// ---- What it may ask ----

/// A sidecar that takes this process, over a Unix socket, for an application.
fn as_application(application: &str, folder: &Path) -> (Sidecar, std::path::PathBuf) {
    let path = folder.join("poort.sock");
    let uid = rustix::process::getuid().as_raw();
    let config = format!("[callers.{application}]\nsocket.uid = {uid}\n");
    let listen = format!("unix:{}", path.display());
    (with_applications(folder).config(&config).argument("--listen").argument(listen).start(), path)
}

async fn over(path: &Path, request: Request<Vec<u8>>) -> crate::support::Reply {
    request_over(tokio::net::UnixStream::connect(path).await.unwrap(), request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_asks_only_what_it_may() {
    let folder = folder();
    let (sidecar, path) = as_application("desk", folder.path());
    let changed = |place: &str, value: &str| {
        let mut question = allowed();
        *question.pointer_mut(place).unwrap() = value.into();
        question
    };
    let partner = |id: &str| {
        let mut question = changed("/subject/type", "Partner");
        question["subject"]["id"] = id.into();
        question
    };
    for (question, part) in [
        (changed("/subject/type", "System"), "may not ask for subjects of the type `System`"),
        (changed("/subject/type", "Politie::System"), "may not ask for subjects of the type `Politie::System`"),
        (changed("/action/name", "remove"), "may not ask about the action `remove`"),
        (changed("/resource/type", "AnprPassage"), "may not ask about resources of the type `AnprPassage`"),
        // Whom the directory does not know is of no organisation, and what a question says of one is not believed.
        (changed("/subject/id", "officer-9999"), "the organisation of this one"),
        (partner("om-01"), "the organisation of this one"),
    ] {
        let mut question = question;
        question["subject"]["properties"] = json!({"organisation": "politie"});
        let reply = over(&path, self::question(&question)).await;
        assert_eq!((reply.status, &reply.json()["reason"]), (StatusCode::FORBIDDEN, &json!("NOT_PERMITTED")));
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("the application `desk` ") && detail.contains(part), "{detail}");
        let record = sidecar.records().pop().unwrap();
        assert_eq!(record["attributes"]["poort.outcome"], "not_permitted");
        assert_eq!((&origin(&record)["application"], &record["status"]), (&json!("desk"), &json!("Error")));
        let asked = &record["body"]["adl.core.request"];
        assert_eq!((&asked["subject"]["id"], &asked["context"]), (&question["subject"]["id"], &Value::Null));
    }
    // What the schema does not know is told, and no decision.
    let reply = over(&path, question(&changed("/subject/type", "Oficer"))).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(reply.text().contains("did you mean `Officer`?"), "{}", reply.text());
    assert_eq!(over(&path, question(&allowed())).await.status, StatusCode::OK);
    assert_eq!(
        over(&path, question(&changed("/subject/type", "https://politie.example/id-types/officer"))).await.status,
        200
    );
    let refused = Exposition::of(&sidecar).await;
    assert_eq!(refused.value("poort_callers_refused_total", "application=\"desk\""), 6.0);
    assert_eq!(refused.value("poort_calls_refused_total", "reason=\"not_permitted\""), 6.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_item_of_a_batch_is_judged_and_replayed() {
    let folder = folder();
    let (sidecar, path) = as_application("desk", folder.path());
    let mut foreign = allowed();
    foreign["action"]["name"] = "remove".into();
    let body = json!({"evaluations": [allowed(), foreign, allowed()]});
    let post = Request::post("/access/v1/evaluations").header("content-type", "application/json");
    let reply = over(&path, post.body(body.to_string().into_bytes()).unwrap()).await.json();
    let decisions: Vec<_> = (0..3).map(|index| reply["evaluations"][index]["decision"].clone()).collect();
    assert_eq!(decisions, [true, false, true]);
    assert_eq!(reply["evaluations"][1]["context"]["error"]["status"], 403, "{reply}");
    let data = sidecar.data.clone();
    // The folder goes with what ended.
    let ended = sidecar.stop();
    assert_eq!(ended.code, Some(0));
    let replayed = crate::support::run(["log".as_ref(), "replay".as_ref(), "--data".as_ref(), data.as_os_str()]);
    let (shown, _) = crate::support::check(&replayed, 0);
    assert!(shown.contains("1 records: 1 the same") || shown.contains("1 record: 1 the same"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_nobody_named_may_ask_nothing() {
    let folder = folder();
    let (sidecar, path) = as_application("forgotten", folder.path());
    sidecar.wait_for_line("applications.toml does not name `forgotten`");
    let reply = over(&path, question(&allowed())).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert!(reply.text().contains("applications.toml does not name it"), "{}", reply.text());
    // Nor in a batch, whose record has nothing that can be long.
    let mut long = allowed();
    long["context"]["note"] = "x".repeat(10_000).into();
    let post = Request::post("/access/v1/evaluations").header("content-type", "application/json");
    let body = json!({"evaluations": [long]}).to_string().into_bytes();
    assert_eq!(over(&path, post.body(body).unwrap()).await.status, StatusCode::FORBIDDEN);
    let last = sidecar.records().pop().unwrap();
    assert_eq!(last["attributes"]["poort.outcome"], "not_permitted");
    assert!(last.to_string().len() < 5_000, "{last}");
    // A change of the policies takes effect as any other.
    let file = folder.path().join("policies/applications.toml");
    fs::write(&file, APPLICATIONS.replace("[all]", "[forgotten]")).unwrap();
    let heard = async || (over(&path, question(&allowed())).await.status == StatusCode::OK).then_some(());
    until("the new rights", heard).await;
}

// ---- Who is nobody ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_caller_on_loopback_leaves_few_records() {
    let folder = folder();
    let sidecar = with_applications(folder.path()).config("[callers.desk]\nsocket.uid = 12001\n").start();
    let mut long = allowed();
    long["subject"]["id"] = "x".repeat(100_000).into();
    long["context"]["note"] = "y".repeat(100_000).into();
    for _ in 0..100 {
        let reply = request(sidecar.address, question(&long)).await;
        assert_eq!((reply.status, &reply.json()["reason"]), (StatusCode::FORBIDDEN, &json!("UNKNOWN_CALLER")));
    }
    let records = sidecar.records();
    assert!((32..40).contains(&records.len()), "{}", records.len());
    for record in &records {
        assert!(record.to_string().len() < 4_000, "{record}");
        assert_eq!(record["attributes"]["poort.outcome"], "unknown_caller");
        assert!(origin(record)["caller"].as_str().unwrap().starts_with("127.0.0.1:"));
        assert_eq!(origin(record)["credential"], Value::Null);
    }
    let refused = Exposition::of(&sidecar).await;
    assert_eq!(refused.value("poort_callers_refused_total", "application=\"unknown\""), 100.0);
    let mut client = sidecar.grpc().await;
    let status = client.evaluate(message(&allowed())).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let batch = crate::support::batch(&json!({"evaluations": [allowed(), allowed()]}));
    assert_eq!(client.evaluate_batch(batch).await.unwrap_err().code(), Code::PermissionDenied);
    // Health is told to everybody.
    assert_eq!(crate::support::health(&sidecar, "").await, "SERVING");
}

// ---- Rotation ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_and_roots_rotate_under_load_without_a_lost_call() {
    let (server, domain, folder) = (Authority::new(), Authority::new(), folder());
    // Both are the roots, while one follows the other.
    let roots = domain.folder.path().join("roots.pem");
    fs::copy(domain.root(), &roots).unwrap();
    let config = tls(&server.signs("localhost"))
        + &format!("trust_domains.\"politie.example\" = {roots:?}\n[callers.desk]\nspiffe = \"{DESK}\"\n");
    let sidecar = with_applications(folder.path()).config(&config).start();
    let desk = domain.signs_workload("desk", DESK);
    let next = Authority::new();
    let (next_desk, next_root) = (next.signs_workload("desk", DESK), fs::read_to_string(next.root()).unwrap());
    let is_over = AtomicBool::new(false);
    let load = async {
        let stream = connect(&server, &sidecar, "h2", Some(&desk)).await.unwrap();
        let mut open = BareChannel::over(stream).await.client();
        let mut asked = 0_u32;
        while !is_over.load(Ordering::Relaxed) {
            // One connection that stays, and a new one each time.
            assert!(open.evaluate(message(&allowed())).await.unwrap().into_inner().decision);
            assert_eq!(self::asked(&server, &sidecar, Some(&desk)).await.unwrap().0, StatusCode::OK);
            asked += 2;
        }
        asked
    };
    let rotation = async {
        assert!(asked(&server, &sidecar, Some(&next_desk)).await.is_none(), "nobody trusts it yet");
        let both = fs::read_to_string(domain.root()).unwrap() + &next_root;
        fs::write(&roots, &both).unwrap();
        until("the next roots", async || asked(&server, &sidecar, Some(&next_desk)).await).await;
        server.signs("localhost");
        logged(&sidecar, "New connections get the new certificate.", 2).await;
        // What is no root changes nothing.
        fs::write(&roots, "no certificate").unwrap();
        logged(
            &sidecar,
            "The new certificate is refused; the one before goes on. tls.trust_domains.politie.example",
            1,
        )
        .await;
        assert_eq!(Exposition::of(&sidecar).await.value("poort_tls_refused", ""), 1.0);
        assert!(asked(&server, &sidecar, Some(&next_desk)).await.is_some());
        fs::write(&roots, &both).unwrap();
        is_over.store(true, Ordering::Relaxed);
    };
    let (asked_meanwhile, ()) = tokio::join!(load, rotation);
    assert!(asked_meanwhile > 10, "{asked_meanwhile}");
    // Who is not trusted any more does not connect.
    fs::write(&roots, &next_root).unwrap();
    until("the end of the old root", async || asked(&server, &sidecar, Some(&desk)).await.is_none().then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_ends_with_its_certificate() {
    let (server, domain, folder) = (Authority::new(), Authority::new(), folder());
    let config = tls(&server.signs("localhost")) + &trust("politie.example", &domain);
    let config = config + &format!("[callers.desk]\nspiffe = \"{DESK}\"\n");
    let sidecar = with_applications(folder.path()).config(&config).start();
    let short = domain.signs_as("short", |parameters| {
        workload(parameters, DESK);
        parameters.not_after = (SystemTime::now() + Duration::from_secs(4)).into();
    });
    let mut stream = connect(&server, &sidecar, "http/1.1", Some(&short)).await.unwrap();
    let mut read = Vec::new();
    within("the end of the connection", async { drop(stream.read_to_end(&mut read).await) }).await;
    let closed = async || {
        Exposition::of(&sidecar).await.value("poort_connections_closed_total", "port=\"callers\",reason=\"expired\"")
    };
    until("that it is counted", async || (closed().await == 1.0).then_some(())).await;
    assert!(asked(&server, &sidecar, Some(&short)).await.is_none());
}
