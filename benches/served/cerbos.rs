//! The nearest peer: Cerbos, installed by its name on npm, with one policy a kind of record.

use super::{Served, on_disk};
use prost::Message;
use prost_types::{Value, value::Kind};
use std::{
    collections::HashMap,
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tonic::{Request, codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_prost::ProstCodec;

/// The method that is asked.
pub(crate) const PATH: &str = "/cerbos.svc.v1.CerbosService/CheckResources";

/// `cerbos.request.v1.CheckResourcesRequest`, as far as it is used.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CheckResources {
    #[prost(message, optional, tag = "3")]
    principal: Option<Principal>,
    #[prost(message, repeated, tag = "4")]
    resources: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Principal {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, repeated, tag = "3")]
    roles: Vec<String>,
    #[prost(map = "string, message", tag = "4")]
    attr: HashMap<String, Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, repeated, tag = "1")]
    actions: Vec<String>,
    #[prost(message, optional, tag = "2")]
    resource: Option<Resource>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "3")]
    id: String,
    #[prost(map = "string, message", tag = "4")]
    attr: HashMap<String, Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Checked {
    #[prost(message, repeated, tag = "2")]
    results: Vec<Outcome>,
}

#[derive(Clone, PartialEq, Message)]
struct Outcome {
    /// 1 is allow, 2 deny.
    #[prost(map = "string, int32", tag = "2")]
    actions: HashMap<String, i32>,
}

/// The same question as `sets::question`.
pub(crate) fn question(level: f64) -> CheckResources {
    let attr = |name: &str, kind: Kind| HashMap::from([(name.to_owned(), Value { kind: Some(kind) })]);
    CheckResources {
        principal: Some(Principal {
            id: "account-0".into(),
            roles: (0..10).map(|role| format!("r{role}")).collect(),
            attr: attr("purpose", Kind::StringValue("9".into())),
        }),
        resources: vec![Entry {
            actions: vec!["read".into()],
            resource: Some(Resource {
                kind: "kind0".into(),
                id: "record-1".into(),
                attr: attr("level", Kind::NumberValue(level)),
            }),
        }],
    }
}

/// Its answer.
pub(crate) struct Answer(Checked);

impl Answer {
    pub(crate) fn is_allow(&self) -> bool {
        self.0.results[0].actions["read"] == 1
    }

    pub(crate) fn is_deny(&self) -> bool {
        self.0.results[0].actions["read"] == 2
    }
}

pub(crate) async fn answer(channel: Channel, question: CheckResources) -> Answer {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = ProstCodec::<CheckResources, Checked>::default();
    Answer(client.unary(Request::new(question), PathAndQuery::from_static(PATH), codec).await.unwrap().into_inner())
}

/// Installs it, once.
pub(crate) fn install() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cerbos");
    let package = folder.join("node_modules/@cerbos");
    if !package.exists() {
        let npm = Command::new("npm").args(["install", "--silent", "--prefix"]).arg(&folder).arg("cerbos").status();
        assert!(npm.expect("npm, which installs Cerbos").success(), "npm cannot install Cerbos");
    }
    // The program itself, and not the script that npm puts before it: so it can be ended, and its memory be read.
    let one = |folder: &Path| fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    let platform = one(&package);
    package.join(platform.file_name()).join(platform.file_name())
}

/// Starts it with this many policies; with its log in a file or without.
pub(crate) async fn start(program: &Path, policies: usize, log: bool) -> Served {
    let data = on_disk();
    let folder = data.path().join("policies");
    fs::create_dir(&folder).unwrap();
    for number in 0..policies {
        let text = format!(
            "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: kind{number}\n  version: default\n  rules:\n    \
             - actions: [read]\n      effect: EFFECT_ALLOW\n      roles: [r{}]\n      \
             condition: {{match: {{expr: 'R.attr.level <= 3 && P.attr.purpose == \"9\"'}}}}\n",
            number % 10
        );
        fs::write(folder.join(format!("kind{number}.yaml")), text).unwrap();
    }
    // It tells of no port that it chose itself.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let audit = if log {
        format!("audit: {{enabled: true, backend: file, file: {{path: {}/audit.log}}}}\n", data.path().display())
    } else {
        String::new()
    };
    let config = format!(
        "server: {{httpListenAddr: '127.0.0.1:0', grpcListenAddr: '{address}'}}\ntelemetry: {{disabled: true}}\n\
         storage: {{driver: disk, disk: {{directory: {}, watchForChanges: false}}}}\n{audit}",
        folder.display()
    );
    let file = data.path().join("config.yaml");
    fs::write(&file, config).unwrap();
    let mut command = Command::new(program);
    command.arg("server").arg("--config").arg(&file).arg("--log-level=error");
    let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let served = Served { process, address, data: Some(data) };
    wait(address).await;
    served
}

async fn wait(address: SocketAddr) {
    let until = Instant::now() + Duration::from_secs(120);
    while std::net::TcpStream::connect(address).is_err() {
        assert!(Instant::now() < until, "Cerbos does not listen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
