//! Every target takes what it is fed at first, whole, cut short and with a bit turned; and what
//! once made it fall.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::Command;

/// The first corpus of a target, as `make fuzz` starts with.
fn seeds() -> tempfile::TempDir {
    let corpus = tempfile::tempdir().unwrap();
    let grow = concat!(env!("CARGO_MANIFEST_DIR"), "/grow.py");
    assert!(Command::new("python3").arg(grow).arg(corpus.path()).status().unwrap().success());
    corpus
}

fn check(corpus: &Path, target: &str, run: impl Fn(&[u8])) {
    let mut fed = 0;
    for seed in std::fs::read_dir(corpus.join(target)).unwrap() {
        let whole = std::fs::read(seed.unwrap().path()).unwrap();
        run(&whole);
        for part in 1..8 {
            let at = whole.len() * part / 8;
            run(&whole[..at]);
            let mut turned = whole.clone();
            turned[at] ^= 1 << (part & 7);
            run(&turned);
        }
        fed += 1;
    }
    assert_ne!(fed, 0, "{target} has no seed");
}

#[test]
fn every_target_takes_its_first_corpus() {
    let corpus = seeds();
    let text = |run: fn(&str)| move |bytes: &[u8]| run(&String::from_utf8_lossy(bytes));
    check(corpus.path(), "answers", fuzz::answers::run);
    check(corpus.path(), "bodies", fuzz::bodies::run);
    check(corpus.path(), "catalogue", fuzz::catalogue::run);
    check(corpus.path(), "codes", text(fuzz::codes::run));
    check(corpus.path(), "messages", fuzz::messages::run);
    check(corpus.path(), "mrz", text(fuzz::mrz::run));
    check(corpus.path(), "scans", fuzz::scans::run);
    check(corpus.path(), "sealing", fuzz::sealing::run);
}
