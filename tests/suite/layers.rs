//! The architecture, as a table. A crate leans only on crates named above it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const LEANS_ON: [(&str, &[&str]); 20] = [
    ("schemas", &[]),
    ("failpoints", &[]),
    ("signing", &["schemas"]),
    ("imaging", &["schemas", "signing"]),
    ("reading", &["schemas"]),
    ("filing", &["schemas"]),
    ("sealing", &["schemas"]),
    ("tokens", &["signing"]),
    ("vitals", &["schemas"]),
    ("archive", &["failpoints", "schemas", "vitals"]),
    ("problem", &["archive", "schemas"]),
    ("access", &["archive", "problem", "schemas"]),
    ("worker", &["archive", "failpoints", "filing", "schemas", "sealing", "signing", "vitals"]),
    ("sohoa-reader", &["filing", "imaging", "reading", "schemas"]),
    ("intake", &["access", "archive", "failpoints", "filing", "problem", "schemas", "vitals"]),
    ("records", &["access", "archive", "filing", "problem", "schemas", "vitals"]),
    ("exchange", &["access", "archive", "problem", "schemas"]),
    ("review", &["access", "archive", "filing", "problem", "schemas"]),
    ("people", &["access", "archive", "problem", "schemas"]),
    (
        "sohoa",
        &[
            "access",
            "archive",
            "exchange",
            "failpoints",
            "filing",
            "intake",
            "people",
            "problem",
            "records",
            "review",
            "schemas",
            "sealing",
            "signing",
            "tokens",
            "vitals",
            "worker",
        ],
    ),
];

/// Crates that compute and never wait, and what they must not know.
const PURE: [&str; 6] = ["schemas", "signing", "imaging", "reading", "filing", "sealing"];
const WAITING: [&str; 7] = ["tokio", "sqlx", "axum", "hyper", "reqwest", "lapin", "aws-sdk-s3"];

/// Only the reader links native decoders and engines.
const NATIVE: [&str; 4] = ["tesseract-plumbing", "tesseract-sys", "pdfium-render", "zxing-cpp"];

#[test]
fn crates_lean_as_drawn() {
    let actual = dependencies();
    let ours: BTreeSet<&str> = LEANS_ON.iter().map(|(name, _)| *name).collect();
    for (name, drawn) in LEANS_ON {
        let found: BTreeSet<&str> =
            actual[name].iter().map(String::as_str).filter(|dep| ours.contains(dep)).collect();
        assert_eq!(found, drawn.iter().copied().collect(), "{name}");
    }
}

#[test]
fn the_table_leaves_no_crate_out() {
    let drawn: BTreeSet<&str> = LEANS_ON.iter().map(|(name, _)| *name).collect();
    let not_the_product = ["fuzz", "papers", "tests"];
    for name in dependencies().keys() {
        assert!(
            drawn.contains(name.as_str()) || not_the_product.contains(&name.as_str()),
            "{name}"
        );
    }
}

#[test]
fn pure_crates_know_no_runtime() {
    let actual = dependencies();
    for name in PURE {
        for waiting in WAITING {
            assert!(!actual[name].contains(waiting), "{name} uses {waiting}");
        }
    }
}

#[test]
fn only_the_reader_holds_native_code() {
    let actual = dependencies();
    let holders = ["imaging", "reading"];
    for (name, found) in &actual {
        let native = NATIVE.iter().any(|part| found.contains(*part));
        assert!(!native || holders.contains(&name.as_str()), "{name} links native code");
        let leans = holders.iter().any(|holder| found.contains(*holder));
        let may = ["sohoa-reader", "fuzz", "tests"].contains(&name.as_str());
        assert!(!leans || may, "{name} leans on native code");
    }
}

/// A vendor's library in the process that it is loaded into can do anything there.
#[test]
fn only_tokens_loads_the_library_of_a_token_and_no_reader_does() {
    for (name, found) in dependencies() {
        assert!(!found.contains("cryptoki") || name == "tokens", "{name} loads a library");
        assert!(!found.contains("tokens") || name == "sohoa", "{name} leans on tokens");
    }
}

/// And a bench that no office runs, which sets Sohoa beside bare SQL.
#[test]
fn only_the_archive_speaks_sql() {
    for (name, found) in dependencies() {
        let may = ["archive", "tests"].contains(&name.as_str());
        assert!(may || !found.contains("sqlx"), "{name} speaks SQL");
    }
}

/// A program that an office runs dies nowhere on command.
#[test]
fn only_tests_arm_fail_points() {
    for package in packages() {
        for dep in package["dependencies"].as_array().unwrap() {
            let armed = dep["name"] == "failpoints"
                && dep["features"].as_array().unwrap().contains(&"armed".into());
            assert!(!armed || package["name"] == "tests", "{}", package["name"]);
        }
    }
}

/// Direct dependencies of every crate of the workspace, those of tests and build scripts aside.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    packages()
        .iter()
        .map(|package| {
            let found = package["dependencies"].as_array().unwrap().iter();
            let found = found.filter(|dep| dep["kind"].is_null()).map(|dep| text(&dep["name"]));
            (text(&package["name"]), found.collect())
        })
        .collect()
}

/// Every crate of the workspace, as its manifest has it.
fn packages() -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}
