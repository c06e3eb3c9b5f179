//! OTLP over HTTP, with protobuf.

use super::{
    super::{
        config::{Compression, Format, Remote},
        outgoing::Outgoing,
        reply::{Reason, Reply, SendOutcome, Trouble},
    },
    SetupError, Sink,
    client::{Client, Versions, client, headers, innermost},
    grpc::taken,
    otlp,
};
use flate2::write::GzEncoder;
use http::{HeaderMap, Request, StatusCode, Uri, header, uri::PathAndQuery};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use jiff::{Timestamp, fmt::rfc2822};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message as _;
use std::{io::Write as _, time::Duration};
use tonic::body::Body;

/// Where OTLP/HTTP takes logs, if the configuration names no path.
const PATH: &str = "/v1/logs";
/// The most that is read of an answer. A usual one is a few bytes; an endless one must not fill the memory.
pub(super) const ANSWER_BYTES: usize = 64 << 10;

/// An OTLP receiver over HTTP.
#[derive(Debug)]
pub(in super::super) struct Http {
    remote: Remote,
    uri: Uri,
    format: Format,
    timeout: Duration,
    client: Option<Client>,
}

impl Http {
    pub(super) fn new(remote: Remote, format: Format, timeout: Duration) -> Result<Self, SetupError> {
        let mut parts = remote.endpoint.uri().clone().into_parts();
        if parts.path_and_query.as_ref().is_none_or(|path| path == "/") {
            parts.path_and_query = Some(PathAndQuery::from_static(PATH));
        }
        let uri = Uri::from_parts(parts).map_err(|error| SetupError::Endpoint(error.to_string()))?;
        let mut sink = Self { remote, uri, format, timeout, client: None };
        headers(&sink.remote)?;
        sink.client()?;
        Ok(sink)
    }

    fn client(&mut self) -> Result<Client, SetupError> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let client = client(&self.remote, Versions::Any, self.timeout)?;
        self.client = Some(client.clone());
        Ok(client)
    }

    fn request(&self, batch: &[Outgoing]) -> Result<Request<Body>, SetupError> {
        let mut bytes = otlp::request(batch, self.format).encode_to_vec();
        let mut headers = headers(&self.remote)?;
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/x-protobuf"));
        if self.remote.compression == Compression::Gzip {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            let packed = encoder.write_all(&bytes).and_then(|()| encoder.finish());
            bytes = packed.map_err(|error| SetupError::Endpoint(error.to_string()))?;
            headers.insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
        }
        let mut request = Request::new(Body::new(Full::new(Bytes::from(bytes))));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        Ok(request)
    }

    async fn exchange(client: Client, request: Request<Body>, length: usize) -> SendOutcome {
        let answer = match client.request(request).await {
            Ok(answer) => answer,
            Err(error) => return SendOutcome::none(Trouble::retry(Reason::Transport, innermost(&error))),
        };
        let (head, body) = answer.into_parts();
        let body = match Limited::new(body, ANSWER_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            // The verdict is in the head already.
            Err(error) if error.is::<LengthLimitError>() && !head.status.is_success() => Bytes::new(),
            Err(error) => return SendOutcome::none(Trouble::retry(Reason::Transport, innermost(&*error))),
        };
        judge(head.status, &head.headers, &body, length)
    }
}

impl Sink for Http {
    async fn send(&mut self, batch: &[Outgoing]) -> SendOutcome {
        let request = self.client().and_then(|client| Ok((client, self.request(batch)?)));
        match request {
            Ok((client, request)) => Self::exchange(client, request, batch.len()).await,
            Err(error) => SendOutcome::none(Trouble::new(Reply::Hold, error.to_string())),
        }
    }

    fn reset(&mut self) {
        self.client = None;
    }
}

/// What an answer says: the table of OTLP/HTTP.
pub(super) fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8], length: usize) -> SendOutcome {
    if status.is_success() {
        return match ExportLogsServiceResponse::decode(body) {
            Ok(answer) => taken(answer.partial_success, length),
            // A server that is no OTLP receiver may accept everything, such as a page of a proxy.
            Err(error) => {
                let why = format!("{status}, and the answer is not OTLP's: {error}");
                SendOutcome::none(Trouble::new(Reply::Hold, why))
            }
        };
    }
    let verdict = match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Reply::Retry { reason: Reason::Unavailable, wait: retry_after(headers) },
        StatusCode::PAYLOAD_TOO_LARGE => Reply::TooLarge,
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        | StatusCode::UNSUPPORTED_MEDIA_TYPE => Reply::Hold,
        // A new address goes into the configuration: to follow a redirect is to send records to strangers.
        _ if status.is_redirection() => Reply::Hold,
        _ => Reply::Refused,
    };
    SendOutcome::none(Trouble::new(verdict, format!("{status}{}", words(body))))
}

/// What the receiver says beside its status: OTLP sends a `google.rpc.Status`.
fn words(body: &[u8]) -> String {
    match tonic_types::Status::decode(body) {
        Ok(status) if !status.message.is_empty() => format!(": {}", status.message),
        _ => String::new(),
    }
}

/// How long the receiver asks to wait: seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Duration::try_from(until.duration_since(Timestamp::now())).ok()
}
