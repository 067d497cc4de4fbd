//! What a person types at an office at work. What is typed where nothing runs, and how commands
//! end, is in `typed.rs`, on one machine alone.

use std::process::Output;

use serde_json::{Value, json};
use tests::{Story, opening, somebody};

use crate::Stage;
use crate::audit::text;

/// Exit code, what it answered, what it told a person.
fn ended(output: Output) -> (Option<i32>, String, String) {
    let [answer, told] = [output.stdout, output.stderr].map(|out| String::from_utf8(out).unwrap());
    (output.status.code(), answer, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn push_sends_a_stack_and_ends_with_the_table() {
    let stage = Stage::start().await;
    let story = Story::told("khai-sinh");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/papers/sample/khai-sinh/");
    let files: Vec<String> =
        story.dossier.files.iter().map(|file| format!("{folder}{}", file.name)).collect();
    let subject = &story.dossier.subject;
    let schemas::subject::Subject::Citizen { number, name, born } = subject else { unreachable!() };
    let born = born.to_string();
    let mut args = vec!["push", "--procedure", "1.001193", "--server", stage.address()];
    args.extend(["--citizen", number.reveal(), "--name", name.reveal(), "--born", &born]);
    args.extend(files.iter().map(String::as_str));
    let (code, table, notes) = ended(stage.command(&args));
    assert_eq!(code, Some(0), "{notes}");
    for part in ["đã nộp", "xuất trình", "nếu thuộc trường hợp", "Ngoài danh mục", "trắng 1"]
    {
        assert!(table.contains(part), "{part}: {table}");
    }

    let dossier = notes.lines().next().unwrap().strip_prefix("Hồ sơ ").unwrap();
    let shown = ["dossier", dossier, "--json", "--server", stage.address()];
    let (code, json, _) = ended(stage.command(&shown));
    let view: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, view["code"].as_str()), (Some(0), Some(dossier)));
    let list = ["parked", "list", "--json", "--server", stage.desk("/v1/parked")];
    let (code, list, _) = ended(stage.command(&list));
    assert_eq!((code, list.trim()), (Some(0), "[]"));
}

/// A procedure that no catalogue of ours has.
const PROCEDURE: &str = "1.990002";

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_imported_beside_an_office_at_work_is_known_there_at_once() {
    let stage = Stage::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.json");
    let import = |name: &str| {
        let procedure = json!({
            "code": PROCEDURE, "name": name,
            "components": [{ "id": "TP01", "name": "Tờ khai", "required": true, "order": 1 }],
        });
        let catalogue = json!({
            "format": "sohoa-catalogue/1", "valid_from": "2026-01-01", "procedures": [procedure],
        });
        std::fs::write(&file, catalogue.to_string()).unwrap();
        let words = ["catalogue", "import", text(&file), "--json"];
        let (code, told, notes) = ended(stage.command(&words));
        assert_eq!(code, Some(0), "{notes}");
        let stored = serde_json::from_str::<Value>(&told).unwrap()["stored"].clone();
        ["added", "changed", "unchanged", "refused"].map(|count| stored[count].as_u64().unwrap())
    };
    let applied = || {
        let mut body = serde_json::to_value(opening(&somebody(1))).unwrap();
        body["procedure"] = json!(PROCEDURE);
        body
    };
    assert_eq!(stage.refused("/v1/dossiers", &applied()).await.1.code, "procedure.unknown");
    assert_eq!(import("Cấp giấy phép"), [1, 0, 0, 0]);
    assert_eq!(stage.open(&applied()).await.procedure_name, "Cấp giấy phép");
    assert_eq!(import("Cấp giấy phép"), [0, 0, 1, 0], "the same again");
    assert_eq!(import("Cấp đổi giấy phép"), [0, 1, 0, 0]);
    assert_eq!(stage.open(&applied()).await.procedure_name, "Cấp đổi giấy phép");
    let (_, shown, _) = ended(stage.command(&["catalogue", "show", PROCEDURE]));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["procedure"]["name"], "Cấp đổi giấy phép");
}
