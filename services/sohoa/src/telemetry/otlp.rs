//! Traces on their way to a collector: OTLP over HTTP, as protobuf. What can't be delivered is
//! dropped and told once in a while: work never waits for somebody to watch it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter,
    SpanLimits,
};
use prost::Message;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Url};
use tokio::runtime::Handle;
use tracing::warn;

/// Longest time that a delivery may take.
const LONGEST: Duration = Duration::from_secs(2);

/// The same for the last one, at the end of the process.
pub(super) const LAST: Duration = Duration::from_secs(1);

/// How often finished spans are delivered.
const DELIVERY: Duration = Duration::from_secs(1);

/// Spans kept for delivery, at most; what comes on top is dropped.
const KEPT: usize = 4096;

/// Spans in a delivery, at most.
const AT_ONCE: usize = 512;

/// What delivers to that collector. Every setting is given here: the library would otherwise
/// look for it in the environment.
pub(super) fn provider(collector: &Url, runtime: &Handle) -> Option<SdkTracerProvider> {
    let to = collector.join("v1/traces").ok()?;
    let http = Client::builder().timeout(LONGEST).no_proxy().build().ok()?;
    let resource = Resource::builder_empty().with_attributes([
        KeyValue::new("service.name", "sohoa"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
    ]);
    let resource = resource.build();
    let exporter = Collector {
        to,
        http,
        runtime: runtime.clone(),
        resource: ResourceAttributesWithSchema::from(&resource),
        failing: AtomicBool::new(false),
    };
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(KEPT)
        .with_max_export_batch_size(AT_ONCE)
        .with_scheduled_delay(DELIVERY)
        .build();
    let batches = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    let limits = SpanLimits {
        max_events_per_span: 64,
        max_attributes_per_span: 32,
        max_links_per_span: 8,
        max_attributes_per_event: 32,
        max_attributes_per_link: 8,
    };
    let provider = SdkTracerProvider::builder()
        .with_span_processor(batches)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_span_limits(limits)
        .with_resource(resource);
    Some(provider.build())
}

/// Where spans are delivered.
#[derive(Debug)]
struct Collector {
    to: Url,
    http: Client,
    /// Spans are delivered from a thread that has no runtime of its own.
    runtime: Handle,
    resource: ResourceAttributesWithSchema,
    failing: AtomicBool,
}

impl SpanExporter for Collector {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        let request = self.http.post(self.to.clone()).header(CONTENT_TYPE, protobuf).body(body);
        let sent = self.runtime.spawn(async move { request.send().await });
        let sent = match sent.await {
            Ok(Ok(response)) => response.error_for_status().map(|_| ()),
            Ok(Err(error)) => Err(error),
            // The runtime is gone: the process ends.
            Err(_) => return Ok(()),
        };
        match sent {
            Ok(()) => {
                self.failing.store(false, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                let error = error.without_url();
                if !self.failing.swap(true, Ordering::Relaxed) {
                    warn!(error = &error as &dyn std::error::Error, "traces not delivered");
                }
                Err(OTelSdkError::InternalFailure(error.to_string()))
            }
        }
    }
}
