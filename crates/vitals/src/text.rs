//! The answer of `/metrics`.

use prometheus_client::encoding::text::{encode_eof, encode_registry};

use crate::counts::COUNTS;
use crate::standing::Standing;

/// Media type of [`text`]: that of `OpenMetrics`, which Prometheus asks for first.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything counted in this process, and how the system stands.
#[must_use]
pub fn text(standing: &Standing) -> String {
    let mut text = String::new();
    let written = encode_registry(&mut text, &COUNTS.registry)
        .and_then(|()| encode_registry(&mut text, &standing.registry()))
        .and_then(|()| encode_eof(&mut text));
    // Writing to memory can't fail.
    if written.is_err() {
        text.clear();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Lane, PageFate};

    #[test]
    fn what_was_counted_is_told_and_what_could_not_be_asked_is_missing() {
        crate::page(PageFate::Blank);
        crate::stage("decode", 1500);
        crate::stage("no such stage", 1);
        let lane = Lane { name: "counter", jobs: 3, oldest: Duration::from_millis(2500) };
        let standing = Standing { lanes: vec![lane], parked: Some(2), ..Standing::default() };
        let text = text(&standing);
        for line in [
            "sohoa_pages_total{fate=\"blank\"} 1",
            "sohoa_pages_total{fate=\"parked\"} 0",
            "sohoa_page_stage_seconds_sum{stage=\"decode\"} 1.5",
            "sohoa_queue_jobs{lane=\"counter\"} 3",
            "sohoa_queue_oldest_due_seconds{lane=\"counter\"} 2.5",
            "sohoa_parked_jobs 2",
            "# EOF",
        ] {
            assert!(text.lines().any(|told| told.starts_with(line)), "{line}: {text}");
        }
        assert!(!text.contains("sohoa_outbox_lag") && !text.contains("no such stage"), "{text}");
    }
}
