//! Telemetry as a whole, with a collector on the loopback interface where one is needed.

use super::{
    Config, DecisionSpan, Otlp, SHUTDOWN_BOUND, Spans, StartError, Telemetry, fake_collector::FakeCollector, logging,
    metrics::DURATION_BOUNDARIES,
};
use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::{
    metrics::v1::ResourceMetrics,
    resource::v1::Resource,
    trace::v1::{ResourceSpans, Span, span::SpanKind, status::StatusCode},
};
use std::{
    error::Error,
    net::TcpListener,
    time::{Duration, Instant, SystemTime},
};

type TestResult = Result<(), Box<dyn Error>>;

/// What a shutdown may take beyond its bound on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

const TRACE_ID: [u8; 16] =
    [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];
const SPAN_ID: [u8; 8] = [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7];
const PARENT_ID: [u8; 8] = [0x11; 8];

fn config(otlp: Option<Otlp>) -> Config {
    Config {
        log: logging::Config::default(),
        otlp,
        service_version: "1.2.3".to_owned(),
        commit: "abc".to_owned(),
        cedar_version: Some("4.14.1".to_owned()),
        service_instance_id: "instance-1".to_owned(),
    }
}

/// Exports only at the shutdown, unless a test asks for less.
fn otlp(endpoint: String) -> Otlp {
    Otlp {
        endpoint,
        timeout: Duration::from_secs(10),
        trace_ratio: 1.0,
        spans: Spans::Calls,
        metrics_interval: Duration::from_secs(3600),
    }
}

fn decision_span() -> DecisionSpan {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    DecisionSpan {
        trace_id: TRACE_ID,
        span_id: SPAN_ID,
        parent_span_id: Some(PARENT_ID),
        trace_flags: 0x01,
        tracestate: Some("vendor=value".to_owned()),
        name: "evaluation",
        start,
        end: start + Duration::from_micros(250),
        attributes: vec![KeyValue::new("poort.decision", "deny")],
        error: None,
        parts: Vec::new(),
    }
}

/// The attribute `key` of `resource`.
fn attribute(resource: Option<&Resource>, key: &str) -> Option<String> {
    let found = resource?.attributes.iter().find(|attribute| attribute.key == key)?;
    Some(format!("{:?}", found.value.as_ref()?.value.as_ref()?))
}

fn spans(exported: &[ResourceSpans]) -> Vec<&Span> {
    exported.iter().flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans).collect()
}

fn metric_names(exported: &[ResourceMetrics]) -> Vec<&str> {
    exported
        .iter()
        .flat_map(|resource| &resource.scope_metrics)
        .flat_map(|scope| &scope.metrics)
        .map(|metric| metric.name.as_str())
        .collect()
}

#[test]
fn prometheus_text_names_metrics_by_its_own_rules() -> TestResult {
    let telemetry = Telemetry::start(&config(None))?;
    let meter = telemetry.meter();
    let questions = meter.u64_counter("poort.questions").with_unit("{question}").build();
    questions.add(2, &[KeyValue::new("decision", "permit")]);
    questions.add(1, &[KeyValue::new("decision", "deny")]);
    meter
        .f64_histogram("poort.question.duration")
        .with_unit("s")
        .with_boundaries(DURATION_BOUNDARIES.to_vec())
        .build()
        .record(0.000_04, &[]);

    let text = telemetry.prometheus_text()?;
    for line in [
        "# TYPE poort_questions_total counter",
        r#"poort_questions_total{decision="deny"} 1"#,
        r#"poort_questions_total{decision="permit"} 2"#,
        "# TYPE poort_question_duration_seconds histogram",
        r#"poort_question_duration_seconds_bucket{le="0.000025"} 0"#,
        r#"poort_question_duration_seconds_bucket{le="0.00005"} 1"#,
        r#"poort_question_duration_seconds_bucket{le="+Inf"} 1"#,
        "poort_question_duration_seconds_sum 0.00004",
        "poort_question_duration_seconds_count 1",
        r#"poort_build_info{cedar_version="4.14.1",commit="abc",version="1.2.3"} 1"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let n_types = text.lines().filter(|line| line.starts_with("# TYPE poort_questions_total ")).count();
    assert_eq!(n_types, 1, "{text}");
    for noise in ["otel_scope", "target_info"] {
        assert!(!text.contains(noise), "{noise}\n{text}");
    }
    let shared = telemetry.exposition().text()?;
    assert!(shared.contains("poort_questions_total"), "{shared}");
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn prometheus_text_has_what_operators_ask_of_a_process() -> TestResult {
    let telemetry = Telemetry::start(&config(None))?;
    let text = telemetry.prometheus_text()?;
    let value = |name: &str| -> Option<f64> {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?.parse().ok()
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64();
    let started = value("process_start_time_seconds").unwrap_or_default();
    assert!((now - 60.0..=now).contains(&started), "{text}");
    let resident = value("process_resident_memory_bytes").unwrap_or_default();
    assert!(resident > 100_000.0, "{text}");
    assert!(value("process_open_fds").unwrap_or_default() >= 3.0, "{text}");
    Ok(())
}

#[test]
fn without_otlp_there_are_no_spans_and_no_runtime_is_needed() -> TestResult {
    let telemetry = Telemetry::start(&config(None))?;
    assert!(telemetry.spans().is_none());
    Ok(())
}

#[tokio::test]
async fn a_span_reaches_the_collector_with_the_ids_of_its_record() -> TestResult {
    let mut collector = FakeCollector::start()?;
    let telemetry = Telemetry::start(&config(Some(otlp(collector.endpoint()))))?;
    let sink = telemetry.spans().ok_or("no spans")?;
    sink.record(decision_span());
    sink.record(DecisionSpan {
        span_id: [0x22; 8],
        parent_span_id: None,
        trace_flags: 0,
        tracestate: Some("no list member".to_owned()),
        error: Some("no active revision".to_owned()),
        ..decision_span()
    });
    telemetry.shutdown().await;

    let exported = collector.next_traces().await?.resource_spans;
    let resource = exported.first().and_then(|spans| spans.resource.as_ref());
    for (key, value) in [("service.name", "poort"), ("service.version", "1.2.3"), ("service.instance.id", "instance-1")]
    {
        let found = attribute(resource, key).unwrap_or_default();
        assert_eq!(found, format!("StringValue({value:?})"), "{key}");
    }

    let spans = spans(&exported);
    assert_eq!(spans.len(), 2);
    let received = spans.first().ok_or("no first span")?;
    assert_eq!(received.trace_id, TRACE_ID);
    assert_eq!(received.span_id, SPAN_ID);
    assert_eq!(received.parent_span_id, PARENT_ID);
    assert_eq!(received.trace_state, "vendor=value");
    assert_eq!(received.flags & 0xff, 0x01);
    assert_eq!(received.name, "evaluation");
    assert_eq!(received.kind, SpanKind::Server as i32);
    assert_eq!(received.start_time_unix_nano, 1_700_000_000_000_000_000);
    assert_eq!(received.end_time_unix_nano, 1_700_000_000_000_250_000);
    let status = received.status.as_ref().ok_or("no status")?;
    assert_eq!(status.code, StatusCode::Unset as i32);

    let root = spans.get(1).ok_or("no second span")?;
    assert_eq!(root.trace_id, TRACE_ID);
    assert_eq!(root.span_id, [0x22; 8]);
    assert!(root.parent_span_id.is_empty());
    assert_eq!(root.trace_state, "");
    assert_eq!(root.flags & 0xff, 0x01);
    let status = root.status.as_ref().ok_or("no status")?;
    assert_eq!(status.code, StatusCode::Error as i32);
    assert_eq!(status.message, "no active revision");
    Ok(())
}

#[tokio::test]
async fn metrics_reach_the_collector_at_their_interval() -> TestResult {
    let mut collector = FakeCollector::start()?;
    let telemetry = Telemetry::start(&config(Some(Otlp {
        metrics_interval: Duration::from_millis(50),
        ..otlp(collector.endpoint())
    })))?;
    telemetry.meter().u64_counter("poort.questions").build().add(1, &[]);

    // The first export may have been under way before the counter was.
    loop {
        let exported = collector.next_metrics().await?.resource_metrics;
        if metric_names(&exported).contains(&"poort.questions") {
            break;
        }
    }
    telemetry.shutdown().await;
    Ok(())
}

// The runtime has one thread, and the collector needs it while the shutdown is waited for.
#[tokio::test(flavor = "current_thread")]
async fn shutdown_sends_what_is_left_without_holding_the_runtime() -> TestResult {
    let mut collector = FakeCollector::start()?;
    let telemetry = Telemetry::start(&config(Some(otlp(collector.endpoint()))))?;
    let counter = telemetry.meter().u64_counter("poort.questions").build();
    counter.add(1, &[]);
    let sink = telemetry.spans().ok_or("no spans")?;
    sink.record(decision_span());
    let begun = Instant::now();
    telemetry.shutdown().await;
    assert!(begun.elapsed() < SHUTDOWN_BOUND, "{:?}", begun.elapsed());

    let exported = collector.next_metrics().await?.resource_metrics;
    let names = metric_names(&exported);
    assert!(names.contains(&"poort.questions"), "{names:?}");
    assert!(names.contains(&"process.start_time"), "{names:?}");
    assert_eq!(spans(&collector.next_traces().await?.resource_spans).len(), 1);

    // What comes later is dropped.
    sink.record(decision_span());
    counter.add(1, &[]);
    Ok(())
}

#[tokio::test(flavor = "current_thread")]
async fn shutdown_is_bounded_when_the_collector_is_down() -> TestResult {
    // A port that was just free refuses connections.
    let endpoint = {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        format!("http://{}", listener.local_addr()?)
    };
    shutdown_is_bounded(endpoint).await
}

#[tokio::test(flavor = "current_thread")]
async fn shutdown_is_bounded_when_the_collector_never_answers() -> TestResult {
    // Connections are accepted by the kernel, and nobody reads from them.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    shutdown_is_bounded(format!("http://{}", silent.local_addr()?)).await
}

/// Checks a shutdown with something left to send, where one export alone may exceed the bound.
async fn shutdown_is_bounded(endpoint: String) -> TestResult {
    let begun = Instant::now();
    let telemetry = Telemetry::start(&config(Some(Otlp { timeout: Duration::from_secs(120), ..otlp(endpoint) })))?;
    let sink = telemetry.spans().ok_or("no spans")?;
    // More than the queue holds: dropped, without waiting.
    for _ in 0..10_000 {
        sink.record(decision_span());
    }
    telemetry.shutdown().await;
    let taken = begun.elapsed();
    assert!(taken < SHUTDOWN_BOUND + SLACK, "{taken:?}");
    Ok(())
}

#[tokio::test]
async fn a_received_trace_is_sampled_as_its_caller_says_and_a_root_by_its_id() -> TestResult {
    let collector = FakeCollector::start()?;
    let id_of = |low: u64| {
        let mut trace_id = TRACE_ID;
        for (byte, value) in trace_id.iter_mut().skip(8).zip(low.to_be_bytes()) {
            *byte = value;
        }
        trace_id
    };
    for (ratio, lowest_sampled, highest_sampled) in [(0.0, false, false), (0.25, true, false), (1.0, true, true)] {
        let telemetry = Telemetry::start(&config(Some(Otlp { trace_ratio: ratio, ..otlp(collector.endpoint()) })))?;
        let sink = telemetry.spans().ok_or("no spans")?;
        assert!(sink.samples(Some(true), TRACE_ID));
        assert!(!sink.samples(Some(false), TRACE_ID));
        assert_eq!(sink.samples(None, id_of(0)), lowest_sampled, "{ratio}");
        assert_eq!(sink.samples(None, id_of(u64::MAX)), highest_sampled, "{ratio}");

        // Ids spread evenly over all values are sampled in the configured share.
        let n_ids = 1000_u32;
        let n_sampled =
            (0..n_ids).filter(|n| sink.samples(None, id_of(u64::from(*n) * (u64::MAX / u64::from(n_ids))))).count();
        let share = n_sampled as f64 / f64::from(n_ids);
        assert!((share - ratio).abs() < 0.01, "{share} instead of {ratio}");
        telemetry.shutdown().await;
    }
    Ok(())
}

/// Checks what is wrong with a configuration whose [`Otlp`] is made by `change`.
#[track_caller]
fn check_refused(change: impl FnOnce(&mut Otlp), expected: &str) {
    let mut otlp = otlp("http://127.0.0.1:4317".to_owned());
    change(&mut otlp);
    let error = Telemetry::start(&config(Some(otlp))).err();
    let message = error.map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(message, expected);
}

#[tokio::test]
async fn a_value_that_cannot_be_used_is_refused_with_its_key() {
    check_refused(
        |otlp| otlp.endpoint = "https://collector:4317".to_owned(),
        "telemetry.otlp.endpoint: `https://collector:4317` does not start with `http://`, the only scheme supported",
    );
    check_refused(
        |otlp| otlp.endpoint = "collector:4317".to_owned(),
        "telemetry.otlp.endpoint: `collector:4317` does not start with `http://`, the only scheme supported",
    );
    check_refused(
        |otlp| otlp.endpoint = "http://a collector".to_owned(),
        "telemetry.otlp.endpoint: cannot read `http://a collector`",
    );
    check_refused(|otlp| otlp.endpoint = "http://".to_owned(), "telemetry.otlp.endpoint: cannot read `http://`");
    check_refused(|otlp| otlp.timeout = Duration::ZERO, "telemetry.otlp.timeout: must be longer than zero");
    check_refused(
        |otlp| otlp.metrics_interval = Duration::ZERO,
        "telemetry.otlp.metrics_interval: must be longer than zero",
    );
    check_refused(|otlp| otlp.trace_ratio = 1.5, "telemetry.otlp.trace_ratio: 1.5 is not between 0 and 1");
    check_refused(|otlp| otlp.trace_ratio = f64::NAN, "telemetry.otlp.trace_ratio: NaN is not between 0 and 1");
}

#[test]
fn outside_a_runtime_otlp_is_refused_and_nothing_panics() {
    let refused = Telemetry::start(&config(Some(otlp("http://127.0.0.1:4317".to_owned()))));
    assert!(matches!(refused, Err(StartError::NoRuntime(_))));
}
