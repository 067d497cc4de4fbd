//! The committed description of the interface is what the program answers.

use std::path::Path;

use schemas::code::Reason;
use serde_json::Value;
use tests::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn the_committed_openapi_document_is_the_one_served() {
    let stage = Stage::start().await;
    let served: Value = stage.get("/v1/openapi.json").await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&served).unwrap());
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed != text {
        std::fs::write(&path, text).unwrap();
        panic!("schemas/openapi.json was stale and has been written anew: look at it, commit it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_says_what_it_is_for_and_how_it_refuses() {
    let stage = Stage::start().await;
    let face: Value = stage.get("/v1/openapi.json").await;
    assert_eq!(face["info"]["title"], "Sohoa");
    assert_eq!(face["info"]["license"]["identifier"], "Apache-2.0");
    assert_ne!(face["info"]["description"], "");
    let paths = face["paths"].as_object().unwrap();
    let asked = ["/v1/dossiers", "/v1/dossiers/{code}/scans", "/v1/requirements", "/v1/lookups"];
    assert!(asked.iter().all(|path| paths.contains_key(*path)), "{:?}", paths.keys());
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|s| s.ends_with('.')), "{what}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{what}");
            for (status, response) in responses.iter().filter(|(s, _)| s.starts_with(['4', '5'])) {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{what}: {status}");
                // Each names its codes, and they are codes that there are.
                let codes: Vec<&str> = codes(response["description"].as_str().unwrap()).collect();
                assert!(!codes.is_empty(), "{what}: {status}");
                for code in codes {
                    let reason =
                        Reason::from_code(code).unwrap_or_else(|| panic!("{what}: {code}"));
                    assert_eq!(reason.status().to_string(), *status, "{what}: {code}");
                }
            }
        }
    }
}

/// The codes that a text names: `like.this`.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}
