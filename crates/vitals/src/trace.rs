//! Traces, as W3C Trace Context has them: a job's message carries the `traceparent` of whatever
//! announced it, so that the way of a page is one trace from its scan to its record. Where no
//! trace is exported, nothing is carried.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
};
use opentelemetry::{Context, global};
use schemas::reading::STAGES;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Name of the header, and of the field in a message.
pub const HEADER: &str = "traceparent";

/// The trace that the present span belongs to, to be carried along; none where nothing is
/// exported.
#[must_use]
pub fn parent() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| {
        let flags = span.trace_flags().to_u8();
        format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id())
    })
}

/// Makes a span the child of the one that a `traceparent` names. One that can't be understood
/// is left aside: the span begins a trace of its own.
pub fn follow(span: &Span, parent: &str) {
    if let Some(parent) = parsed(parent) {
        let context = Context::new().with_remote_span_context(parent);
        // It fails where nothing is exported.
        span.set_parent(context).unwrap_or_default();
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

/// Version, trace id, span id and flags; of a later version, its first four parts.
fn parsed(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lower = |part: &str, long| {
        part.len() == long && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let fits = lower(version, 2) && lower(trace, 32) && lower(span, 16) && lower(flags, 2);
    if !fits || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::default());
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_parent_is_followed() {
        let well = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(parsed(well).is_some_and(|span| span.is_sampled() && span.is_remote()));
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
