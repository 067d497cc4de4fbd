//! The committed description of the interface is what the program answers.

use std::path::Path;

use tests::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn the_committed_openapi_document_is_the_one_served() {
    let stage = Stage::start().await;
    let served: serde_json::Value = stage.get("/v1/openapi.json").await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&served).unwrap());
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed != text {
        std::fs::write(&path, text).unwrap();
        panic!("schemas/openapi.json was stale and has been written anew: look at it, commit it");
    }
}
