//! An OTLP collector for tests: takes traces and metrics, and passes them to a channel.

use opentelemetry_proto::tonic::collector::{
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use std::{error::Error, net::SocketAddr, time::Duration};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

/// How long a test waits for what it expects.
const PATIENCE: Duration = Duration::from_secs(20);

/// A collector on a port of its own, which serves until the runtime ends.
#[derive(Debug)]
pub(super) struct FakeCollector {
    address: SocketAddr,
    traces: UnboundedReceiver<ExportTraceServiceRequest>,
    metrics: UnboundedReceiver<ExportMetricsServiceRequest>,
}

impl FakeCollector {
    /// Starts to serve on the current runtime.
    pub(super) fn start() -> Result<Self, Box<dyn Error>> {
        let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into())?;
        let address = incoming.local_addr()?;
        let (traces_sender, traces) = unbounded_channel();
        let (metrics_sender, metrics) = unbounded_channel();
        let server = Server::builder()
            .add_service(TraceServiceServer::new(Inbox(traces_sender)))
            .add_service(MetricsServiceServer::new(Inbox(metrics_sender)));
        tokio::spawn(server.serve_with_incoming(incoming));
        Ok(Self { address, traces, metrics })
    }

    /// The address to configure.
    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next export of traces.
    pub(super) async fn next_traces(&mut self) -> Result<ExportTraceServiceRequest, Box<dyn Error>> {
        let received = timeout(PATIENCE, self.traces.recv()).await?;
        received.ok_or_else(|| "the collector has stopped".into())
    }

    /// The next export of metrics.
    pub(super) async fn next_metrics(&mut self) -> Result<ExportMetricsServiceRequest, Box<dyn Error>> {
        let received = timeout(PATIENCE, self.metrics.recv()).await?;
        received.ok_or_else(|| "the collector has stopped".into())
    }
}

/// A service that keeps what it is sent.
struct Inbox<T>(UnboundedSender<T>);

impl<T> Inbox<T> {
    fn put(&self, item: T) -> Result<(), Status> {
        self.0.send(item).map_err(|_gone| Status::unavailable("the test is over"))
    }
}

#[tonic::async_trait]
impl TraceService for Inbox<ExportTraceServiceRequest> {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.put(request.into_inner())?;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Inbox<ExportMetricsServiceRequest> {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.put(request.into_inner())?;
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
