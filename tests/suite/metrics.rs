//! What is counted is what happened.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use tests::{Stage, Story};

/// Series and their values: `name{label="value"}`.
fn series(text: &str) -> BTreeMap<&str, f64> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series, value.parse().unwrap())
        })
        .collect()
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

    let text = stage.metrics().await;
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
    assert_eq!(count("sohoa_queue_jobs{lane=\"counter\"}"), 0.0);
    assert_eq!(count("sohoa_outbox_lag_seconds"), 0.0);
    assert!(1.0 <= count("sohoa_reader_starts_total"));
    let opened = "sohoa_http_requests_total{method=\"POST\",route=\"/v1/dossiers\",status=\"201\"}";
    assert_eq!(count(opened), 1.0);
    let lost = "sohoa_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"}";
    assert_eq!(count(lost), 1.0);
    assert!(!text.contains("001199000013") && !text.contains(view.code.as_str()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_and_a_dead_reader_are_counted() {
    let stage = Stage::start_with("[reader]\ncount = 1\n").await;
    let [reader] = stage.readers()[..] else { panic!("one reader is warm") };
    let killed = std::process::Command::new("kill").args(["-KILL", &reader.to_string()]).status();
    assert!(killed.unwrap().success());
    let story = Story::told("thuong-tru");
    let case = "dang-ky-thuong-tru-tai-cho-o-hop-phap-khong-57cf1af3";
    let view = stage.put_through(&story.opening(Some(case)), &story.scans()[1..2]).await;
    let record = view.documents.iter().find_map(|document| document.record).unwrap();
    let pdf = stage.http.get(stage.url(&format!("/v1/records/{record}/file")));
    let pdf = pdf.header("sohoa-purpose", "Kiem thu").header("sohoa-asked-by", "test");
    assert_eq!(pdf.send().await.unwrap().status(), StatusCode::OK);

    let text = stage.metrics().await;
    let told = series(&text);
    assert_eq!(told["sohoa_lookups_total"], 1.0, "{text}");
    assert_eq!(told["sohoa_reader_deaths_total{reason=\"crashed\"}"], 1.0, "{text}");
    assert_eq!(told["sohoa_reader_starts_total"], 2.0, "{text}");
    assert_eq!(told["sohoa_jobs_total{job=\"unpack\",fate=\"retried\"}"], 1.0, "{text}");
}
