//! What operators see: metrics for scraping, and spans and metrics over OTLP.

use crate::support::{Exposition, Sidecar, allowed, copied_policies, denied, folder, message, until};
use opentelemetry_proto::tonic::{
    collector::{
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use serde_json::json;
use std::{fs, net::SocketAddr};
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::spawn_blocking,
};
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

// ---- Metrics ----

#[tokio::test]
async fn the_metrics_count_what_was_asked() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    // Reading the attribute that may be missing is what the schema forbids; adding up is what fails only when it is done.
    let failing = "@id(\"fails\")\n@title(\"Fails at high levels.\")\nforbid (principal, action == Politie::Action::\"alter\", \
                   resource is Politie::Investigation) when { resource.level + 9223372036854775807 > 0 };\n";
    fs::write(policies.join("fails.cedar"), failing).unwrap();
    let sidecar = Sidecar::builder().policies(&policies).config("[limits]\nbatch = 3\n").start();
    let mut client = sidecar.grpc().await;
    for _ in 0..3 {
        client.evaluate(message(&allowed())).await.unwrap();
    }
    sidecar.evaluate(&denied()).await;
    // A batch counts item by item; one item is at fault and is denied.
    let batch = json!({"evaluations": [allowed(), denied(), {"subject": allowed()["subject"]}]});
    assert_eq!(sidecar.post("/access/v1/evaluations", &batch).await.status, 200);
    // One that fails, one that is malformed, one that is too large.
    let mut fails = allowed();
    fails["action"]["name"] = "alter".into();
    assert_eq!(sidecar.evaluate(&fails).await["context"]["errors"][0]["policy"], "fails");
    let mut malformed = allowed();
    malformed["resource"]["properties"]["level"] = "high".into();
    assert_eq!(sidecar.post("/access/v1/evaluation", &malformed).await.status, 400);
    client.evaluate(message(&malformed)).await.unwrap_err();

    let metrics = Exposition::of(&sidecar).await;
    let expected = [
        ("poort_questions_total", "decision=\"allow\"", 4.0),
        ("poort_questions_total", "decision=\"deny\"", 4.0),
        ("poort_cache_lookups_total", "result=\"hit\"", 4.0),
        ("poort_cache_lookups_total", "result=\"miss\"", 3.0),
        ("poort_policy_errors_total", "policy=\"fails\"", 1.0),
        ("poort_calls_refused_total", "reason=\"invalid\"", 2.0),
        ("poort_call_duration_seconds_count", "binding=\"grpc\",kind=\"one\"", 3.0),
        ("poort_call_duration_seconds_count", "binding=\"http\",kind=\"one\"", 2.0),
        ("poort_call_duration_seconds_count", "binding=\"http\",kind=\"batch\"", 1.0),
        ("poort_calls_unrecorded_total", "", 0.0),
        ("poort_log_failure_open", "", 0.0),
        // And the checkpoint that the segment begins with.
        ("poort_log_records_total", "", 7.0),
        ("poort_log_commit_duration_seconds_count", "", 7.0),
        ("poort_log_commit_records_sum", "", 7.0),
        ("poort_log_writable", "", 1.0),
        ("poort_reloads_total", "outcome=\"activated\"", 1.0),
        ("poort_reload_refused", "", 0.0),
        ("poort_questions_under_way", "", 0.0),
    ];
    for (metric, label, value) in expected {
        assert!(!metrics.series(metric).is_empty(), "there is no {metric}");
        assert_eq!(metrics.value(metric, label), value, "{metric} {label}: {:?}", metrics.series(metric));
    }
    assert!(metrics.value("poort_log_written_bytes_total", "") > 6.0 * 500.0);
    assert!(metrics.value("poort_build_info", "cedar_version") == 1.0);
    // Nothing in a label comes from a question.
    let text = sidecar.operators("/metrics").await;
    assert_eq!(text.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    // Policies are named after what they are about.
    let text = text.text();
    for line in text.lines().filter(|line| !line.starts_with("poort_policy_errors_total{")) {
        for word in ["officer", "inv-0042", "consult", "heron"] {
            assert!(!line.contains(word), "{word}: {line}");
        }
    }
    // How much may still be written, and how far it is proven.
    let status = crate::support::run(["log", "status", "--format", "json", "--data", sidecar.data.to_str().unwrap()]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    let [max, taken] = ["poort_log_max_bytes", "poort_log_disk_bytes"].map(|metric| metrics.value(metric, ""));
    assert_eq!(metrics.value("poort_log_room_bytes", "log.max"), max - taken);
    assert!(metrics.value("poort_log_room_bytes", "disk") > 0.0);
    let time = status["checkpoint"]["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let checkpoint = metrics.value("poort_log_checkpoint_timestamp_seconds", "");
    assert!((checkpoint - time.as_millisecond() as f64 / 1000.0).abs() < 60.0, "{checkpoint} {time}");
    assert!(metrics.value("poort_clock_shift_seconds", "").abs() < 60.0);
}

/// OpenTelemetry gives names to 2000 series of one metric.
#[tokio::test]
async fn a_failed_policy_among_thousands_has_its_series() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let policy = |id: &str, effect: &str, condition: &str| {
        format!(
            "@id(\"{id}\")\n@title(\"One of many.\")\n{effect} (principal, action == Politie::Action::\"alter\", \
             resource is Politie::Investigation) when {{ {condition} }};\n"
        )
    };
    let mut many: String = (0..2100).map(|n| policy(&format!("many.{n}"), "permit", "resource.level < 0")).collect();
    many.push_str(&policy("zz.fails", "forbid", "resource.level + 9223372036854775807 > 0"));
    fs::write(policies.join("many.cedar"), many).unwrap();
    let sidecar = Sidecar::builder().policies(&policies).start();
    assert_eq!(Exposition::of(&sidecar).await.series("poort_policy_errors_total").len(), 1_900);
    let mut fails = allowed();
    fails["action"]["name"] = "alter".into();
    assert_eq!(sidecar.evaluate(&fails).await["context"]["errors"][0]["policy"], "zz.fails");
    let metrics = Exposition::of(&sidecar).await;
    assert_eq!(metrics.value("poort_policy_errors_total", "policy=\"zz.fails\""), 1.0);
    assert_eq!(metrics.series("poort_policy_errors_total").len(), 1_900);
}

#[tokio::test]
async fn the_entities_of_the_directory_are_those_of_its_files() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let count = |folder: &str| -> usize {
        let texts =
            fs::read_dir(policies.join(folder)).unwrap().map(|it| fs::read_to_string(it.unwrap().path()).unwrap());
        texts.map(|text| serde_json::from_str::<Vec<serde_json::Value>>(&text).unwrap().len()).sum()
    };
    let sidecar = Sidecar::builder().policies(&policies).start();
    let metrics = Exposition::of(&sidecar).await;
    let expected = count("directory") + count("profiles");
    assert_eq!(metrics.value("poort_directory_entities", ""), expected as f64);
}

#[tokio::test]
async fn the_active_revisions_are_one_series_also_after_a_change() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let sidecar = Sidecar::builder().policies(&policies).start();
    let revisions = async || {
        let ready = sidecar.operators("/readyz").await.json();
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        (text("revision"), text("directory_revision"))
    };
    let before = revisions().await;
    let file = policies.join("summit.cedar");
    fs::write(&file, fs::read_to_string(&file).unwrap() + "// Changed.\n").unwrap();
    until("the change", async || (revisions().await != before).then_some(())).await;
    let (revision, directory_revision) = revisions().await;
    let metrics = Exposition::of(&sidecar).await;
    let series = metrics.series("poort_revision");
    assert_eq!(series.len(), 1, "{series:?}");
    assert_eq!(series[0].1, 1.0);
    for label in [format!("revision=\"{revision}\""), format!("directory_revision=\"{directory_revision}\"")] {
        assert!(series[0].0.contains(&label), "{series:?}");
    }
    assert_eq!(metrics.value("poort_reloads_total", "activated"), 2.0);
}

#[tokio::test]
async fn questions_beyond_the_limit_are_counted_as_busy() {
    let sidecar = Sidecar::builder().config("[limits]\nconcurrent = 4\nbatch = 4\n").start();
    // A batch of as many items as there may be questions leaves no room for another call meanwhile.
    let batch = json!({"evaluations": vec![allowed(); 4]});
    let calls = (0..32).map(|_| sidecar.post("/access/v1/evaluations", &batch));
    let replies = futures_util::future::join_all(calls).await;
    let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!(count(200) + count(429), 32);
    assert!(count(200) > 0);
    let metrics = Exposition::of(&sidecar).await;
    assert_eq!(metrics.value("poort_calls_refused_total", "busy"), count(429) as f64);
    assert_eq!(sidecar.records().len(), count(200));
}

// ---- OTLP ----

/// A collector on a port of its own, which serves until the test ends.
struct Collector {
    address: SocketAddr,
    traces: UnboundedReceiver<ExportTraceServiceRequest>,
    metrics: UnboundedReceiver<ExportMetricsServiceRequest>,
}

struct Inbox<T>(UnboundedSender<T>);

#[tonic::async_trait]
impl TraceService for Inbox<ExportTraceServiceRequest> {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let _ = self.0.send(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Inbox<ExportMetricsServiceRequest> {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let _ = self.0.send(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

impl Collector {
    fn start() -> Self {
        let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = incoming.local_addr().unwrap();
        let (to_traces, traces) = unbounded_channel();
        let (to_metrics, metrics) = unbounded_channel();
        let server = Server::builder()
            .add_service(TraceServiceServer::new(Inbox(to_traces)))
            .add_service(MetricsServiceServer::new(Inbox(to_metrics)));
        tokio::spawn(server.serve_with_incoming(incoming));
        Self { address, traces, metrics }
    }

    /// All spans that have come.
    fn spans(&mut self) -> Vec<Span> {
        let mut spans = Vec::new();
        while let Ok(request) = self.traces.try_recv() {
            let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
            spans.extend(scopes.flat_map(|scope| scope.spans));
        }
        spans
    }

    /// The names of all metrics that have come.
    fn names(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        while let Ok(request) = self.metrics.try_recv() {
            let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
            names.extend(scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name));
        }
        names
    }
}

fn otlp(address: SocketAddr, ratio: &str) -> String {
    format!(
        "[telemetry.otlp]\nendpoint = \"http://{address}\"\ntimeout = \"200ms\"\ntrace_ratio = {ratio}\n\
         metrics_interval = \"100ms\"\n"
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_has_the_ids_of_its_record() {
    let mut collector = Collector::start();
    let sidecar = Sidecar::builder().config(&otlp(collector.address, "1.0")).start();
    sidecar.evaluate(&allowed()).await;
    sidecar.evaluate(&denied()).await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut request = Request::new(message(&allowed()));
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    sidecar.grpc().await.evaluate(request).await.unwrap();
    sidecar.post("/access/v1/evaluations", &json!({"evaluations": [allowed(), denied()]})).await;
    let mut names = Vec::new();
    until("metrics", async || {
        names.extend(collector.names());
        names.iter().any(|name| name == "poort.questions").then_some(())
    })
    .await;
    let records = sidecar.records();
    // At the end all that is queued is sent.
    let ended = spawn_blocking(|| sidecar.stop()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let spans = collector.spans();
    assert_eq!((records.len(), spans.len()), (4, 4));
    for record in &records {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let span = spans.iter().find(|span| hex(&span.span_id) == text("span_id")).unwrap();
        assert_eq!(hex(&span.trace_id), text("trace_id"));
        assert_eq!(hex(&span.parent_span_id), text("parent_span_id"));
        assert_eq!(span.name, text("event_name"));
        assert_eq!(span.kind(), SpanKind::Server);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
        // A deny is no error.
        assert!(span.status.as_ref().is_none_or(|status| status.code() == StatusCode::Unset));
        let shown = format!("{:?}", span.attributes);
        assert!(!shown.contains("officer") && !shown.contains("inv-0042"), "{shown}");
    }
    let with_parent = spans.iter().find(|span| !span.parent_span_id.is_empty()).unwrap();
    assert_eq!(hex(&with_parent.trace_id), parent[3..35]);
    assert_eq!(hex(&with_parent.parent_span_id), parent[36..52]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_of_a_calls_parts_are_sent_if_asked() {
    let mut collector = Collector::start();
    let config = otlp(collector.address, "1.0") + "spans = \"parts\"\n";
    let sidecar = Sidecar::builder().config(&config).start();
    sidecar.evaluate(&allowed()).await;
    assert_eq!(spawn_blocking(|| sidecar.stop()).await.unwrap().code, Some(0));
    let spans = collector.spans();
    assert_eq!(spans.len(), 3, "{spans:?}");
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let (call, decide, commit) = (named("adl.access_evaluation"), named("poort.decide"), named("poort.commit"));
    for part in [decide, commit] {
        assert_eq!((&part.trace_id, &part.parent_span_id), (&call.trace_id, &call.span_id));
        assert_ne!(part.span_id, call.span_id);
    }
    assert_eq!(decide.start_time_unix_nano, call.start_time_unix_nano);
    assert_eq!(decide.end_time_unix_nano, commit.start_time_unix_nano);
    assert_eq!(commit.end_time_unix_nano, call.end_time_unix_nano);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_traces_own_flag_decides_whether_it_is_sent() {
    let mut collector = Collector::start();
    let sidecar = Sidecar::builder().config(&otlp(collector.address, "0.0")).start();
    for (trace, flags) in [("4bf92f3577b34da6a3ce929d0e0e4736", "01"), ("5bf92f3577b34da6a3ce929d0e0e4736", "00")] {
        let request = hyper::Request::post("/access/v1/evaluation")
            .header("content-type", "application/json")
            .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-{flags}"))
            .body(allowed().to_string().into_bytes())
            .unwrap();
        let reply = crate::support::request(sidecar.address, request).await;
        assert_eq!(reply.json()["context"]["record"]["trace_id"], trace);
    }
    sidecar.evaluate(&allowed()).await;
    assert_eq!(sidecar.records().len(), 3);
    assert_eq!(spawn_blocking(|| sidecar.stop()).await.unwrap().code, Some(0));
    let sent: Vec<_> = collector.spans().iter().map(|span| hex(&span.trace_id)).collect();
    assert_eq!(sent, ["4bf92f3577b34da6a3ce929d0e0e4736"]);
}

/// Answers all the same, and ends in order.
async fn is_no_hindrance(endpoint: SocketAddr) {
    let sidecar = Sidecar::builder().config(&otlp(endpoint, "1.0")).start();
    for number in 0..50 {
        let (question, decision) = if number % 2 == 0 { (allowed(), true) } else { (denied(), false) };
        assert_eq!(sidecar.evaluate(&question).await["decision"], decision);
    }
    assert_eq!(sidecar.records().len(), 50);
    let ended = spawn_blocking(|| sidecar.stop()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let said = ended.log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR"));
    let (ours, others): (Vec<_>, Vec<_>) = said.partition(|line| line.contains("does not take telemetry"));
    assert!((1..=2).contains(&ours.len()), "one line a signal: {}", ended.log);
    assert!(others.len() <= 3, "what the end says: {}", ended.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_down_is_no_hindrance() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    is_no_hindrance(address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_never_answers_is_no_hindrance() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    is_no_hindrance(silent.local_addr().unwrap()).await;
}
