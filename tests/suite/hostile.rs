//! Broken, odd and malicious files of other projects' test suites: each ends as read or refused
//! with a reason, within its limits, and the next file is read as ever.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schemas::code::Reason;
use serde_json::Value;
use tests::{Stage, jpeg_page, shared};

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_file_is_read_or_refused_with_a_reason() {
    let Some(folder) = shared("hostile") else { return };
    let stage = Stage::start().await;
    let work = tempfile::tempdir().unwrap();
    let good = work.path().join("good.jpg");
    std::fs::write(&good, jpeg_page(7)).unwrap();
    let mut files = files_under(&folder);
    assert!(100 < files.len());
    files.push(good.clone());
    let out = work.path().join("pages.json");

    let since = Instant::now();
    let mut args = vec!["read", "--json", out.to_str().unwrap()];
    args.extend(files.iter().map(|file| file.to_str().unwrap()));
    let output = stage.command(&args);
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(since.elapsed() < Duration::from_secs(1200), "{:?}", since.elapsed());

    let entries: Vec<Value> = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    for file in &files {
        let of_file: Vec<&Value> =
            entries.iter().filter(|e| e["file"].as_str() == file.to_str()).collect();
        assert!(!of_file.is_empty(), "{} has no fate", file.display());
        for entry in of_file {
            if let Some(code) = entry["error"]["code"].as_str() {
                assert!(Reason::from_code(code).is_some(), "{code}");
                assert_ne!(code, Reason::ReaderNonsense.code(), "{}", file.display());
            }
        }
    }
    let last = entries.last().unwrap();
    assert_eq!(last["file"].as_str(), good.to_str());
    assert!(last["words"].as_array().is_some_and(|words| !words.is_empty()));
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_under(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
