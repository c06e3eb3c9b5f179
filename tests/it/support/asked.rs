//! The same question over both bindings, and raw bytes over gRPC.

use super::{BareChannel, Sidecar, message};
use poort::api::pb;
use prost::bytes::{Buf as _, BufMut as _};
use serde_json::Value;
use tonic::{
    Request, Response, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

/// A question in AuthZEN's JSON, as protobuf. Parts that are not there stay away.
pub fn parts(question: &Value) -> pb::EvaluateRequest {
    let mut parts = message(question);
    let there = |name: &str| question.get(name).is_some_and(Value::is_object);
    parts.subject = parts.subject.filter(|_| there("subject"));
    parts.action = parts.action.filter(|_| there("action"));
    parts.resource = parts.resource.filter(|_| there("resource"));
    parts
}

/// A batch in AuthZEN's JSON, as protobuf.
pub fn batch(body: &Value) -> pb::EvaluateBatchRequest {
    let pb::EvaluateRequest { subject, action, resource, context, explain } = parts(body);
    let items = body["evaluations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let semantic = match body["options"]["evaluations_semantic"].as_str() {
        None => "UNSPECIFIED".to_owned(),
        Some(name) => name.to_uppercase(),
    };
    let semantic = pb::EvaluationsSemantic::from_str_name(&format!("EVALUATIONS_SEMANTIC_{semantic}")).unwrap();
    pb::EvaluateBatchRequest {
        subject,
        action,
        resource,
        context,
        evaluations: items.iter().map(parts).collect(),
        evaluations_semantic: semantic.into(),
        explain,
    }
}

/// Calls a method of the service, such as `Evaluate`, with these bytes as the message.
pub async fn grpc_bytes(sidecar: &Sidecar, method: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Status> {
    let mut client = tonic::client::Grpc::new(BareChannel::to(sidecar).await);
    let path = format!("/poort.v1.AccessEvaluation/{method}").parse().unwrap();
    client.unary(Request::new(bytes), path, Bytes).await.map(Response::into_inner)
}

/// Messages as they are.
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining()).to_vec()))
    }
}
