//! Reports as spreadsheets, opened by another program.

use std::process::Command;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use schemas::api::Figure;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Stage, opening, somebody};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The sheets of a file, as openpyxl sees them.
fn sheets(bytes: &[u8]) -> Value {
    let file = tempfile::Builder::new().suffix(".xlsx").tempfile().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let output =
        Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.parts/openpyxl/bin/python"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/openpyxl/sheets.py"))
            .arg(file.path())
            .output()
            .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_a_spreadsheet_of_figures_and_of_the_dossiers_behind_them() {
    let stage = Stage::start().await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    let period = &dossier.opened_at[..7];
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bao-cao.xlsx");
    let told = ["--server", stage.address(), "--by", "office", "--format", "xlsx", "--out"];
    let args = [&["report", period][..], &told, &[path.to_str().unwrap()]].concat();
    let output = stage.command(&args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sheets_of = sheets(&std::fs::read(&path).unwrap());
    let (figures, dossiers) = (&sheets_of[0], &sheets_of[1]);

    assert_eq!((&figures["name"], &dossiers["name"]), (&json!("Chỉ số"), &json!("Hồ sơ")));
    assert_eq!((&figures["frozen"], &dossiers["frozen"]), (&json!("B3"), &json!("B2")));
    let rows = figures["rows"].as_array().unwrap();
    assert!(rows[0][0].as_str().unwrap().starts_with("Kỳ "), "{}", rows[0]);
    assert_eq!(rows[1][5], "Tỷ lệ (%)");
    assert_eq!(rows.len(), 2 + 2 * Figure::ALL.len(), "all together, and the one office");
    // Digitised: none of one, nought per cent, nought of four points.
    let digitised = &rows[2 + 1];
    assert_eq!(digitised[2], "Tỷ lệ số hoá hồ sơ");
    assert_eq!(
        *digitised.as_array().unwrap()[3..8].to_vec(),
        [json!(0), json!(1), json!(0), json!(0), json!(4)]
    );
    assert_eq!(rows[2 + Figure::ALL.len()][0], "H26.01.02");
    assert!(figures["formats"].as_array().unwrap().contains(&json!("0.00")));
    let rows = dossiers["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1][0], dossier.code.as_str());
    assert_eq!((&rows[1][3], &rows[1][10]), (&json!("Đang nhận"), &json!(0)), "a number");

    // The same is to be had by asking for it as browsers do, and narrowed to a figure.
    let url = stage.url(&format!("/v1/reports?period={period}&figure=reused"));
    let answer = stage.http.get(url).header(ACCEPT, format!("{XLSX}, */*;q=0.1"));
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.headers()[CONTENT_TYPE], XLSX);
    let behind = sheets(&answer.bytes().await.unwrap());
    assert_eq!(behind[1]["rows"].as_array().unwrap().len(), 1, "no dossier reused anything");
}
