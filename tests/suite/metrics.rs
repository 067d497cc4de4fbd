//! What is counted is what happened.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use tests::Story;

use crate::Stage;

/// Series and their values: `name{label="value"}`. What several processes have counted is added up;
/// how the system stands is the same whichever tells it.
pub(crate) fn series(text: &str) -> BTreeMap<&str, f64> {
    let mut told = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap();
        let name = series.split('{').next().unwrap();
        let is_counted =
            ["_total", "_count", "_sum", "_bucket"].iter().any(|end| name.ends_with(end));
        let all = told.entry(series).or_insert(0.0_f64);
        *all = if is_counted { *all + value } else { all.max(value) };
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_scan_and_request_is_counted_once() {
    let stage = Stage::start().await;
    let story = Story::told("khai-sinh");
    let view = stage.put_through(&story.opening(None), &story.scans()).await;
    let again = stage.send(&view, story.scans()[0]).await;
    assert_eq!(again.status(), StatusCode::OK);
    let unknown = stage.send(&view, b"not a scan").await;
    assert_eq!(unknown.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    // A page that is none, as its reader finds out.
    stage.scan(&view, b"\x89PNG\r\n\x1a\n and nothing after it").await;
    stage.settled(&view).await;
    let nowhere = stage.http.get(stage.url("/v1/citizens/001199000013")).send().await.unwrap();
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);

    // A job leaves the queue a moment after what it did is seen.
    let since = Instant::now();
    let text = loop {
        let text = stage.metrics().await;
        if series(&text)["sohoa_queue_jobs{lane=\"counter\"}"] == 0.0 {
            break text;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let told = series(&text);
    let count =
        |series: &str| *told.get(series).unwrap_or_else(|| panic!("{series} is not in {text}"));
    let (read, blank) = (f64::from(view.pages.read), f64::from(view.pages.blank));
    let pages = read + blank;
    assert_eq!(count("sohoa_pages_total{fate=\"read\"}"), read);
    assert_eq!(count("sohoa_pages_total{fate=\"blank\"}"), blank);
    assert_eq!(count("sohoa_page_stage_seconds_count{stage=\"decode\"}"), pages);
    assert!(0.0 < count("sohoa_page_stage_seconds_sum{stage=\"read\"}"));
    let scans = story.scans();
    assert_eq!(count("sohoa_scans_total{code=\"accepted\"}"), 1.0 + scans.len() as f64);
    assert_eq!(count("sohoa_scans_total{code=\"repeated\"}"), 1.0);
    assert_eq!(count("sohoa_scans_total{code=\"scan.unknown_format\"}"), 1.0);
    assert_eq!(count("sohoa_scan_bytes_total{code=\"repeated\"}"), scans[0].len() as f64);
    assert_eq!(count("sohoa_scan_bytes_total{code=\"scan.unknown_format\"}"), 10.0);
    assert_eq!(count("sohoa_pages_total{fate=\"parked\"}"), 1.0);
    assert_eq!(count("sohoa_jobs_total{job=\"read\",fate=\"parked\"}"), 1.0);
    assert_eq!(count("sohoa_jobs_total{job=\"read\",fate=\"done\"}"), pages);
    assert_eq!(count("sohoa_parked_jobs"), 1.0);
    let records = view.documents.iter().filter(|document| document.record.is_some()).count();
    assert_eq!(count("sohoa_records_published_total"), records as f64);
    assert_eq!(count("sohoa_outbox_lag_seconds"), 0.0);
    assert!(1.0 <= count("sohoa_reader_starts_total"));
    let opened = "sohoa_http_requests_total{method=\"POST\",route=\"/v1/dossiers\",status=\"201\"}";
    assert_eq!(count(opened), 1.0);
    let lost = "sohoa_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"}";
    assert_eq!(count(lost), 1.0);
    assert!(!text.contains("001199000013") && !text.contains(view.code.as_str()), "{text}");
}
