//! Broken, odd and malicious files of other projects' test suites: each ends as read or refused
//! with a reason, within its limits, and the next file is read as ever.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use schemas::code::Reason;
use serde_json::Value;
use tests::{binary, jpeg_page, shared, turn};

/// The limits that a reader has when nothing is configured.
const MOST_MEMORY_KB: u64 = 1536 << 10;
const LONGEST_PAGE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_file_is_read_or_refused_with_a_reason() {
    let Some(folder) = shared("hostile") else { return };
    let _turn = turn().await;
    let work = tempfile::tempdir().unwrap();
    let (good, out) = (work.path().join("good.jpg"), work.path().join("pages.json"));
    std::fs::write(&good, jpeg_page(7)).unwrap();
    let mut files = files_under(&folder);
    assert!(100 < files.len());
    files.push(good.clone());

    let since = Instant::now();
    let mut reading = Command::new(binary("sohoa"))
        .args(["--log", "warn", "read", "--json"])
        .arg(&out)
        .args(&files)
        .stderr(std::fs::File::create(work.path().join("notes")).unwrap())
        .spawn()
        .unwrap();
    let (mut readers, mut most_memory) = (BTreeSet::new(), 0);
    let status = loop {
        for (pid, memory) in readers_of(&reading) {
            readers.insert(pid);
            most_memory = most_memory.max(memory);
        }
        if let Some(status) = reading.try_wait().unwrap() {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let notes = std::fs::read_to_string(work.path().join("notes")).unwrap();
    assert_eq!(status.code(), Some(5), "{notes}");
    assert!((1..=MOST_MEMORY_KB).contains(&most_memory), "{most_memory} kB");

    let entries: Vec<Value> = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    let mut fates: BTreeMap<&str, u32> = BTreeMap::new();
    for file in &files {
        let of_file: Vec<&Value> =
            entries.iter().filter(|e| e["file"].as_str() == file.to_str()).collect();
        assert!(!of_file.is_empty(), "{} has no fate", file.display());
        for entry in of_file {
            let fate = match entry["error"]["code"].as_str() {
                Some(code) => Reason::from_code(code).unwrap().code(),
                None if entry["blank"] == true => "blank",
                None => "read",
            };
            // No file has a reader die or answer nonsense, and none keeps it too long: that all
            // is caught too, but each would be a decoder that doesn't check what it is given.
            assert!(!fate.starts_with("reader."), "{}: {fate}", file.display());
            let millis = entry["error"]["millis"].as_u64().unwrap_or(0);
            assert!(Duration::from_millis(millis) < LONGEST_PAGE, "{}", file.display());
            *fates.entry(fate).or_default() += 1;
        }
    }
    let last = entries.last().unwrap();
    assert_eq!(last["file"].as_str(), good.to_str());
    assert!(last["words"].as_array().is_some_and(|words| !words.is_empty()));
    eprintln!(
        "{} files in {} s by {} readers, at most {} MB address space each: {fates:?}",
        files.len(),
        since.elapsed().as_secs(),
        readers.len(),
        most_memory >> 10
    );
}

/// Process ids of a command's readers, and the address space each has had at most, in kB.
fn readers_of(command: &Child) -> Vec<(u32, u64)> {
    let mut found = Vec::new();
    // What ends while it is looked at is left out.
    for task in std::fs::read_dir(format!("/proc/{}/task", command.id())).into_iter().flatten() {
        let Ok(task) = task else { continue };
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for pid in children.split_whitespace().filter_map(|pid| pid.parse().ok()) {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
            let status = status.unwrap_or_default();
            let most = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
            let most = most.and_then(|most| most.split_whitespace().next()?.parse().ok());
            found.extend(most.map(|most| (pid, most)));
        }
    }
    found
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
