//! What is wrong with a scan is told while its paper is still at the counter.

use std::io::Cursor;

use image::ImageFormat;
use papers::{Press, Scan, Wear};
use schemas::reading::Flaw;
use serde_json::Value;
use tests::{opening, somebody};

use crate::Stage;

/// A page that was laid on the glass too far to the left.
fn cut_page() -> Vec<u8> {
    let scan = Scan { dpi: 150, wear: Wear::light(5), ..Scan::default() };
    let whole = scan.jpeg(&Press::open().unwrap().page(5)).unwrap();
    let whole = image::load_from_memory(&whole).unwrap();
    let from = whole.width() / 5;
    let mut bytes = Cursor::new(Vec::new());
    let cut = whole.crop_imm(from, 0, whole.width() - from, whole.height());
    cut.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_cut_is_told_before_it_is_read_and_stays_told() {
    let stage = Stage::start().await;
    let view = stage.put_through(&opening(&somebody(3)), &[cut_page().as_slice()]).await;
    let page = &view.scans[0].pages[0];
    let codes: Vec<Flaw> = page.flaws.iter().map(|flaw| flaw.code).collect();
    assert_eq!(codes, [Flaw::CutOff]);
    assert_eq!(page.flaws[0].text, Flaw::CutOff.vi());

    // A closed dossier's events end.
    let _closed: Value = stage.post(&format!("/v1/dossiers/{}/close", view.code), &()).await;
    let url = stage.url(&format!("/v1/dossiers/{}/events", view.code));
    let told = stage.http.get(url).send().await.unwrap().text().await.unwrap();
    let about: Vec<Value> = told
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(|data| serde_json::from_str(data.trim()).unwrap())
        .filter(|event: &Value| !event["flaws"].is_null())
        .collect();
    let names: Vec<&str> = about.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["page_seen", "page_read"]);
    assert!(about.iter().all(|event| event["flaws"][0]["code"] == "cut_off"), "{about:?}");

    let server = stage.url("");
    let shown = stage.command(&["dossier", view.code.as_str(), "--server", &server]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("Quét lại") && shown.contains(Flaw::CutOff.vi()), "{shown}");
}
