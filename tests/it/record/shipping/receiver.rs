//! A scripted OTLP receiver: gRPC and HTTP on one port.

use axum::{Router, body::Bytes, response::IntoResponse as _, routing::post};
use flate2::read::GzDecoder;
use hyper::HeaderMap;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use opentelemetry_proto::tonic::{
    collector::logs::v1::{
        ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
        logs_service_server::{LogsService, LogsServiceServer},
    },
    common::v1::any_value::Value,
    logs::v1::LogRecord,
};
use poort::api::transport::Tls;
use prost::Message as _;
use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    io::Read as _,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// What the receiver does with one request.
#[derive(Debug, Clone, Copy)]
pub enum Reaction {
    Take,
    /// It takes all, and the answer is lost.
    TakeAndBreak,
    /// It never answers; what it was sent is not taken.
    Stall,
    Refuse(Code),
    /// It asks to wait this time.
    Busy(Duration),
    /// It takes all but one, and does not say which.
    TakeInPart,
}

type Behaviour = Box<dyn FnMut(&[u64]) -> Reaction + Send>;

/// What arrived: by the number of the record, a digest of its bytes, and how often it came.
type Arrived = HashMap<u64, (u64, usize)>;

/// What the receiver keeps, also while it is away.
#[derive(Clone)]
pub struct Receiver(Arc<Mutex<Inner>>);

struct Inner {
    behaviour: Behaviour,
    arrived: Arrived,
    altered: Vec<u64>,
    last_decision: Option<LogRecord>,
}

/// A receiver that listens. It goes away when this is dropped: then the port is closed, and all connections.
pub struct Listening {
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Listening {
    /// Closes, and returns only when the port is closed.
    pub async fn stop(&mut self) {
        self.serving.abort();
        let _aborted = (&mut self.serving).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A digest of bytes.
pub fn digest(bytes: &[u8]) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(bytes)
}

impl Receiver {
    pub fn new(behaviour: impl FnMut(&[u64]) -> Reaction + Send + 'static) -> Self {
        let (arrived, altered) = (HashMap::new(), Vec::new());
        Self(Arc::new(Mutex::new(Inner { behaviour: Box::new(behaviour), arrived, altered, last_decision: None })))
    }

    /// Takes everything.
    pub fn willing() -> Self {
        Self::new(|_| Reaction::Take)
    }

    /// Reacts in this order, and takes everything afterwards.
    pub fn in_turn(reactions: impl IntoIterator<Item = Reaction>) -> Self {
        let mut reactions: Vec<_> = reactions.into_iter().collect();
        reactions.reverse();
        Self::new(move |_| reactions.pop().unwrap_or(Reaction::Take))
    }

    /// Takes everything from now on.
    pub fn mend(&self) {
        self.0.lock().unwrap().behaviour = Box::new(|_| Reaction::Take);
    }

    /// Listens on a free port.
    pub async fn listen(&self) -> Listening {
        self.listen_on(([127, 0, 0, 1], 0).into(), None).await
    }

    pub async fn listen_on(&self, address: SocketAddr, tls: Option<&Tls>) -> Listening {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = tls.map(|tls| tls.acceptor().unwrap());
        let service = LogsServiceServer::new(self.clone()).accept_compressed(tonic::codec::CompressionEncoding::Gzip);
        let receiver = self.clone();
        let http =
            post(async move |headers: HeaderMap, body: Bytes| receiver.over_http(unpacked(&headers, body)).await);
        let router: Router = tonic::service::Routes::new(service).into_axum_router().route("/v1/logs", http);
        let serving = tokio::spawn(async move {
            // Dropped with the task, and all connections with it.
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (service, acceptor) = (TowerToHyperService::new(router.clone()), acceptor.clone());
                connections.spawn(async move {
                    let builder = auto::Builder::new(TokioExecutor::new());
                    match acceptor {
                        None => drop(builder.serve_connection(TokioIo::new(stream), service).await),
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                drop(builder.serve_connection(TokioIo::new(stream), service).await);
                            }
                        }
                    }
                });
            }
        });
        Listening { address, serving }
    }

    /// How many different records arrived.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap().arrived.len()
    }

    /// Forgets what arrived.
    pub fn forget(&self) {
        self.0.lock().unwrap().arrived.clear();
    }

    /// The last record of a decision as it came, with what is beside its body.
    pub fn last_decision(&self) -> Option<LogRecord> {
        self.0.lock().unwrap().last_decision.clone()
    }

    /// Checks that what arrived is the log in this data folder: every record but these, byte by byte. Returns how many
    /// came more than once.
    #[track_caller]
    pub fn check(&self, data: &Path, but: &[u64]) -> usize {
        let inner = self.0.lock().unwrap();
        assert_eq!(inner.altered, [0_u64; 0], "a record came twice with other bytes");
        let log: BTreeMap<u64, u64> = poort::record::spool::reader::Reader::open(data.join("records"))
            .unwrap()
            .map(|frame| frame.map(|frame| (frame.seq, digest(&frame.payload))).unwrap())
            .collect();
        let missing: Vec<_> = log.keys().filter(|seq| !inner.arrived.contains_key(seq) && !but.contains(seq)).collect();
        assert!(missing.is_empty(), "{} of {} did not arrive: {missing:?}", missing.len(), log.len());
        let altered: Vec<_> = inner.arrived.iter().filter(|(seq, (digest, _))| log.get(seq) != Some(digest)).collect();
        assert!(altered.is_empty(), "altered, or never in the log: {altered:?}");
        inner.arrived.values().map(|(_, times)| times - 1).sum()
    }

    fn react(&self, request: ExportLogsServiceRequest) -> Reaction {
        let logs = request.resource_logs.into_iter().flat_map(|logs| logs.scope_logs);
        let records: Vec<_> = logs.flat_map(|logs| logs.log_records).collect();
        let numbers: Vec<_> = records.iter().map(number).collect();
        let mut inner = self.0.lock().unwrap();
        let reaction = (inner.behaviour)(&numbers);
        // Which one is left out of a part is not said; this receiver leaves out the first.
        let skipped = match reaction {
            Reaction::Take | Reaction::TakeAndBreak => 0,
            Reaction::TakeInPart => 1,
            Reaction::Stall | Reaction::Refuse(_) | Reaction::Busy(_) => records.len(),
        };
        for (number, record) in numbers.into_iter().zip(records).skip(skipped) {
            let digest = digest(body(&record).as_bytes());
            let (before, times) = inner.arrived.entry(number).or_insert((digest, 0));
            *times += 1;
            if *before != digest {
                inner.altered.push(number);
            }
            if record.event_name.starts_with("adl.") {
                inner.last_decision = Some(record);
            }
        }
        reaction
    }

    async fn over_http(&self, body: Bytes) -> axum::response::Response {
        let status = match self.react(ExportLogsServiceRequest::decode(body).unwrap()) {
            Reaction::Take => return answer(None).encode_to_vec().into_response(),
            Reaction::TakeInPart => return answer(partial()).encode_to_vec().into_response(),
            Reaction::Stall => std::future::pending().await,
            // An answer that breaks off in the middle.
            Reaction::TakeAndBreak => {
                let broken = futures_util::stream::iter([Err::<Bytes, _>("lost")]);
                return axum::body::Body::from_stream(broken).into_response();
            }
            Reaction::Busy(wait) => {
                let wait = wait.as_secs().to_string();
                return (hyper::StatusCode::SERVICE_UNAVAILABLE, [("retry-after", wait)]).into_response();
            }
            Reaction::Refuse(Code::InvalidArgument) => hyper::StatusCode::BAD_REQUEST,
            Reaction::Refuse(Code::ResourceExhausted) => hyper::StatusCode::PAYLOAD_TOO_LARGE,
            Reaction::Refuse(Code::Unauthenticated) => hyper::StatusCode::UNAUTHORIZED,
            Reaction::Refuse(_) => hyper::StatusCode::SERVICE_UNAVAILABLE,
        };
        status.into_response()
    }
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        match self.react(request.into_inner()) {
            Reaction::Take => Ok(Response::new(answer(None))),
            Reaction::TakeInPart => Ok(Response::new(answer(partial()))),
            Reaction::Stall => std::future::pending().await,
            Reaction::TakeAndBreak => Err(Status::unavailable("the answer was lost")),
            Reaction::Refuse(code) => Err(Status::new(code, "as the test asked")),
            Reaction::Busy(wait) => {
                let details = ErrorDetails::with_retry_info(Some(wait));
                Err(Status::with_error_details(Code::ResourceExhausted, "busy", details))
            }
        }
    }
}

/// The message itself, which may have come compressed.
fn unpacked(headers: &HeaderMap, body: Bytes) -> Bytes {
    if headers.get("content-encoding").is_none_or(|encoding| encoding != "gzip") {
        return body;
    }
    let mut message = Vec::new();
    GzDecoder::new(&*body).read_to_end(&mut message).unwrap();
    message.into()
}

fn answer(partial_success: Option<ExportLogsPartialSuccess>) -> ExportLogsServiceResponse {
    ExportLogsServiceResponse { partial_success }
}

fn partial() -> Option<ExportLogsPartialSuccess> {
    Some(ExportLogsPartialSuccess { rejected_log_records: 1, error_message: "one of them".to_owned() })
}

/// The number of a record in its log, as it is beside the body.
fn number(record: &LogRecord) -> u64 {
    let attribute = record.attributes.iter().find(|attribute| attribute.key == "poort.log.seq").unwrap();
    let Some(Value::IntValue(number)) = attribute.value.as_ref().unwrap().value else { panic!("{attribute:?}") };
    number.try_into().unwrap()
}

/// The record itself.
pub fn body(record: &LogRecord) -> &str {
    let Some(Value::StringValue(body)) = &record.body.as_ref().unwrap().value else { panic!("{record:?}") };
    body
}
