//! One page is one trace, from the request that brought its scan to its record.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tests::Story;

use crate::Stage;

/// What a caller's own trace is called.
const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A collector that keeps what it is sent.
#[derive(Clone, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<Span>>>,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let app = Router::new().route("/v1/traces", post(receive)).with_state(collector.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (collector, address)
    }

    fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }
}

async fn receive(
    State(collector): State<Collector>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Vec<u8>, StatusCode> {
    if headers.get(CONTENT_TYPE).is_none_or(|kind| kind != "application/x-protobuf") {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let request = ExportTraceServiceRequest::decode(body.clone());
    let request = request.map_err(|_| StatusCode::BAD_REQUEST)?;
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    collector.spans.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
    collector.bytes.lock().unwrap().extend_from_slice(&body);
    Ok(ExportTraceServiceResponse::default().encode_to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_page_is_one_trace_from_intake_to_record() {
    let (collector, address) = Collector::start().await;
    // Traces go out whatever is logged.
    let mut stage = Stage::start_telling("warn", &format!("telemetry.otlp = {address:?}")).await;
    let story = Story::told("khai-sinh");
    let dossier = stage.open(&story.opening(None)).await;
    let scan = stage.http.post(stage.url(&format!("/v1/dossiers/{}/scans", dossier.code)));
    let scan = scan.header("traceparent", CALLER).body(story.scans[0].clone());
    assert_eq!(scan.send().await.unwrap().status(), StatusCode::CREATED);
    let view = stage.settled(&dossier).await;
    assert!(view.documents[0].record.is_some(), "{view:?}");
    // What is left is sent at the end.
    assert!(stage.terminate().success());

    let trace = &CALLER[3..35];
    let spans = until(&collector, |spans| {
        let ours = spans.into_iter().filter(|span| hex(&span.trace_id) == trace);
        let ours: Vec<Span> = ours.collect();
        ours.iter().any(|span| span.name == "publish").then_some(ours)
    })
    .await;
    let by_id: BTreeMap<String, &Span> = spans.iter().map(|s| (hex(&s.span_id), s)).collect();
    let ways: Vec<String> = spans.iter().map(|span| way(span, &by_id)).collect();
    let up_to_read = "request > accept scan > job unpack > job read";
    for want in [
        format!("{up_to_read} > decode"),
        format!("{up_to_read} > read"),
        format!("{up_to_read} > kind"),
        format!("{up_to_read} > job file > job seal > publish"),
    ] {
        assert!(ways.contains(&want), "{want} is not in {ways:#?}");
    }
    eprintln!("{}", drawn(&spans));
    // Stages lie within their job.
    let read = spans.iter().find(|span| named(span) == "job read").unwrap();
    let decode = spans.iter().find(|span| span.name == "decode").unwrap();
    let inside = read.start_time_unix_nano..=read.end_time_unix_nano;
    assert!(inside.contains(&decode.end_time_unix_nano));

    // The collector may stand anywhere: it learns ids.
    let bytes = String::from_utf8_lossy(&collector.bytes.lock().unwrap()).into_owned();
    let subject = &story.dossier.subject;
    for secret in [subject.reveal_number(), subject.name().reveal()] {
        assert!(!bytes.contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_costs_nothing_but_the_traces() {
    let stage = Stage::start_with("telemetry.otlp = \"http://127.0.0.1:9\"").await;
    let story = Story::told("khai-sinh");
    let view = stage.put_through(&story.opening(None), &story.scans()[..1]).await;
    assert_eq!(view.pages.read, 1);
    assert!(stage.log().contains("traces not delivered"));
}

/// The names of the spans that lead to a span, from the first of ours.
fn way(span: &Span, by_id: &BTreeMap<String, &Span>) -> String {
    let (mut span, mut way) = (span, vec![named(span)]);
    while let Some(parent) = by_id.get(&hex(&span.parent_span_id)) {
        way.push(named(parent));
        span = parent;
    }
    assert_eq!(hex(&span.parent_span_id), &CALLER[36..52], "the caller's span is above all");
    way.reverse();
    way.join(" > ")
}

/// The trace as a person reads it: what began when, in milliseconds, and how long it took.
fn drawn(spans: &[Span]) -> String {
    let depth = |span: &Span| {
        let parent = |span: &Span| spans.iter().find(|other| other.span_id == span.parent_span_id);
        std::iter::successors(parent(span), |span| parent(span)).count()
    };
    let mut spans_in_order: Vec<&Span> = spans.iter().collect();
    spans_in_order.sort_by_key(|span| span.start_time_unix_nano);
    let first = spans_in_order[0].start_time_unix_nano;
    let line = |span: &&Span| {
        let began = (span.start_time_unix_nano - first) / 1_000_000;
        let took = (span.end_time_unix_nano - span.start_time_unix_nano) / 1_000_000;
        format!("{began:>7} ms {:indent$}{} ({took} ms)", "", named(span), indent = 2 * depth(span))
    };
    spans_in_order.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What a span is called; of a job, which.
fn named(span: &Span) -> String {
    let job = span.attributes.iter().find(|attribute| attribute.key == "job");
    let job = job.and_then(|job| job.value.as_ref()?.value.clone());
    match job {
        Some(Value::StringValue(job)) => format!("{} {job}", span.name),
        _ => span.name.clone(),
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn until<T>(collector: &Collector, found: impl Fn(Vec<Span>) -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = found(collector.spans()) {
            return found;
        }
        let names: Vec<String> = collector.spans().iter().map(named).collect();
        assert!(since.elapsed() < Duration::from_secs(15), "{names:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
