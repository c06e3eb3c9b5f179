//! The limit: a tonic server with the same messages that answers `true` and does nothing else.

use super::Served;
use poort::api::pb::{
    EvaluateBatchRequest, EvaluateBatchResponse, EvaluateRequest, EvaluateResponse, EvaluateStreamRequest,
    EvaluateStreamResponse,
    access_evaluation_server::{AccessEvaluation, AccessEvaluationServer},
};
use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status, Streaming, transport::Server};

/// The argument with which a bench is this server.
pub(crate) const FLAG: &str = "--do-nothing";

struct Nothing;

#[tonic::async_trait]
impl AccessEvaluation for Nothing {
    async fn evaluate(&self, _: Request<EvaluateRequest>) -> Result<Response<EvaluateResponse>, Status> {
        Ok(Response::new(EvaluateResponse { decision: true, ..EvaluateResponse::default() }))
    }

    async fn evaluate_batch(
        &self,
        _: Request<EvaluateBatchRequest>,
    ) -> Result<Response<EvaluateBatchResponse>, Status> {
        Ok(Response::new(EvaluateBatchResponse::default()))
    }

    type EvaluateStreamStream = tokio_stream::Empty<Result<EvaluateStreamResponse, Status>>;

    async fn evaluate_stream(
        &self,
        _: Request<Streaming<EvaluateStreamRequest>>,
    ) -> Result<Response<Self::EvaluateStreamStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}

/// Is that server, until it is killed.
pub(crate) async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("address={}", listener.local_addr().unwrap());
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    Server::builder().add_service(AccessEvaluationServer::new(Nothing)).serve_with_incoming(incoming).await.unwrap();
}

/// Starts it, as another process of this bench.
pub(crate) fn start() -> Served {
    let mut process = Command::new(std::env::current_exe().unwrap()).arg(FLAG).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("address=").expect("an address").parse().unwrap();
    Served { process, address, data: None }
}
