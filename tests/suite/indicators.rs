//! The indicators of a year, against another program's reckoning.

use std::process::Command;

use serde_json::Value;

use crate::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn the_indicators_of_a_year_are_what_another_program_reckons() {
    let stage = Stage::start().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/indicators/year.py");
    let office = "H26.01.02";
    let statements = tempfile::NamedTempFile::new().unwrap();
    let output = Command::new("python3")
        .arg(script)
        .arg(statements.path())
        .args(["2025", office, "H26.01.07"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    stage.sql_of(statements.path());
    let reckoned: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(reckoned["dossiers"].as_u64().unwrap() > 600, "{reckoned}");

    let report: Value = stage.get("/v1/reports?period=2025&by=office").await;
    let rows = report["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["key"] == office).unwrap();
    for (told, reckoned) in of(row).iter().zip(of(&reckoned)) {
        assert_eq!(numbers(told), numbers(reckoned), "{}", reckoned["figure"]);
    }
    for whole in ["dossiers", "median_seconds"] {
        assert_eq!(row[whole], reckoned[whole], "{whole}");
    }
}

fn of(row: &Value) -> &Vec<Value> {
    row["indicators"].as_array().unwrap()
}

/// A figure in an order of its own: 6 and 6.0 are the same number of points.
fn numbers(figure: &Value) -> (&Value, [Option<f64>; 5]) {
    let parts = ["of", "all", "percent", "score", "most"];
    (&figure["figure"], parts.map(|part| figure[part].as_f64()))
}
