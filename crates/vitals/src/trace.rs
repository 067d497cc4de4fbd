//! Traces, as W3C Trace Context has them: a job's message carries the `traceparent` of whatever
//! announced it, so that the way of a page is one trace from its scan to its record. Where no
//! trace is exported, nothing is carried.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span as _, TraceContextExt, Tracer};
use opentelemetry::{Context, global};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use schemas::reading::STAGES;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Name of the header, and of the field in a message.
pub const HEADER: &str = "traceparent";

/// The trace that the present span belongs to, to be carried along; none where nothing is
/// exported.
#[must_use]
pub fn parent() -> Option<String> {
    let mut carried: HashMap<String, String> = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carried);
    carried.remove(HEADER)
}

/// Makes a span the child of the one that a `traceparent` names. One that can't be understood
/// is left aside: the span begins a trace of its own.
pub fn follow(span: &Span, parent: &str) {
    if let Some(parent) = parsed(parent) {
        // It fails where nothing is exported.
        span.set_parent(parent).unwrap_or_default();
    }
}

/// Tells the stages of a page that has been read by now as spans within the present one. The
/// reader measured them in a process of its own, in this order, with little in between.
pub fn stages(millis: &BTreeMap<String, u32>) {
    let context = Span::current().context();
    if !context.span().span_context().is_sampled() {
        return;
    }
    let tracer = global::tracer("sohoa");
    let took = |stage: &str| Duration::from_millis(millis.get(stage).copied().unwrap_or(0).into());
    let mut at = SystemTime::now() - STAGES.iter().map(|stage| took(stage)).sum::<Duration>();
    for stage in STAGES.into_iter().filter(|stage| millis.contains_key(*stage)) {
        let span = tracer.span_builder(stage).with_start_time(at);
        let mut span = span.start_with_context(&tracer, &context);
        at += took(stage);
        span.end_with_timestamp(at);
    }
}

/// What a `traceparent` names, if it is one.
fn parsed(text: &str) -> Option<Context> {
    let carried = HashMap::from([(HEADER.to_owned(), text.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carried);
    context.has_active_span().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_parent_is_followed() {
        let well = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let parent = parsed(well).unwrap().span().span_context().clone();
        assert!(parent.is_sampled() && parent.is_remote());
        assert_eq!(parent.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(parent.span_id().to_string(), "b7ad6b7169203331");
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more";
        assert!(parsed(later).is_some());
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(parsed(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn nothing_is_carried_where_nothing_is_exported() {
        assert_eq!(parent(), None);
    }
}
