//! Questions as protobuf, and gRPC over any stream, without what tonic's own channel does by itself.

use super::Sidecar;
use hyper::{body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use poort::api::pb::{self, access_evaluation_client::AccessEvaluationClient};
use prost_types::{ListValue, Struct, Value, value::Kind};
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

/// A question in AuthZEN's JSON, as protobuf.
pub fn message(question: &serde_json::Value) -> pb::EvaluateRequest {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let properties = |value: &serde_json::Value| value.as_object().map(fields);
    let entity =
        |value: &serde_json::Value| (text(&value["type"]), text(&value["id"]), properties(&value["properties"]));
    let (subject, resource) = (entity(&question["subject"]), entity(&question["resource"]));
    let action = &question["action"];
    pb::EvaluateRequest {
        subject: Some(pb::Subject { r#type: subject.0, id: subject.1, properties: subject.2 }),
        action: Some(pb::Action { name: text(&action["name"]), properties: properties(&action["properties"]) }),
        resource: Some(pb::Resource { r#type: resource.0, id: resource.1, properties: resource.2 }),
        context: properties(&question["context"]),
        explain: question["explain"].as_bool().unwrap_or_default(),
    }
}

fn fields(object: &serde_json::Map<String, serde_json::Value>) -> Struct {
    Struct { fields: object.iter().map(|(name, value)| (name.clone(), field(value))).collect() }
}

fn field(value: &serde_json::Value) -> Value {
    let kind = match value {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(truth) => Kind::BoolValue(*truth),
        serde_json::Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
        serde_json::Value::String(text) => Kind::StringValue(text.clone()),
        serde_json::Value::Array(values) => Kind::ListValue(ListValue { values: values.iter().map(field).collect() }),
        serde_json::Value::Object(object) => Kind::StructValue(fields(object)),
    };
    Value { kind: Some(kind) }
}

/// The key of the record that an answer names.
pub fn key(answer: &pb::EvaluateResponse) -> (String, String) {
    let record = answer.record.as_ref().unwrap();
    (record.trace_id.clone(), record.span_id.clone())
}

/// An HTTP/2 connection that sends what it is given: `grpc-timeout` too, on which tonic's own channel would give up by
/// itself before the server does.
#[derive(Debug, Clone)]
pub struct BareChannel(http2::SendRequest<tonic::body::Body>);

impl BareChannel {
    /// Over this stream.
    pub async fn over<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// To a sidecar.
    pub async fn to(sidecar: &Sidecar) -> Self {
        Self::over(TcpStream::connect(sidecar.address).await.unwrap()).await
    }

    /// A client on it.
    pub fn client(self) -> AccessEvaluationClient<Self> {
        AccessEvaluationClient::new(self)
    }
}

impl tower::Service<http::Request<tonic::body::Body>> for BareChannel {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<tonic::body::Body>) -> Self::Future {
        // HTTP/2 has no request without scheme and authority; clients on a bare service send a path alone.
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = format!("http://localhost{path}").parse().unwrap();
        Box::pin(self.0.send_request(request))
    }
}

/// What the health service says of a service now: `SERVING` or `NOT_SERVING`.
pub async fn health(sidecar: &Sidecar, service: &str) -> String {
    let mut client = HealthClient::new(sidecar.channel().await);
    let answer = client.check(HealthCheckRequest { service: service.to_owned() }).await.unwrap();
    answer.into_inner().status().as_str_name().to_owned()
}
