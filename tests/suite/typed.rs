//! What a person types where nothing runs, and how commands end. None of it leans on what an office
//! stands on: one machine is enough.

use std::process::Command;

use serde_json::Value;
use tests::{Stage, binary, jpeg_page};

fn sohoa(args: &[&str]) -> (Option<i32>, String, String) {
    let output =
        Command::new(binary("sohoa")).args(["--log", "error"]).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_what_went_wrong() {
    let stage = Stage::start().await;
    let file = tempfile::NamedTempFile::with_suffix(".jpg").unwrap();
    std::fs::write(file.path(), jpeg_page(1)).unwrap();
    let path = file.path().to_str().unwrap();
    let key = stage.key_file();
    let push = |server: &str, born: &str| {
        let who = ["--citizen", "001199000013", "--name", "Nguyễn Thị Mẫu", "--born", born];
        let mut args = vec!["push", path, "--procedure", "1.001193", "--server", server];
        args.extend(["--key-file", key]);
        args.extend(who);
        sohoa(&args)
    };
    let (code, _, told) = push(stage.address(), "1998-01-01");
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("Năm sinh không khớp") && !told.contains("001199000013"), "{told}");
    let (code, _, told) = push("http://127.0.0.1:9", "1999-01-01");
    assert_eq!(code, Some(4), "{told}");
    assert_eq!(sohoa(&["push"]).0, Some(2));
    assert_eq!(sohoa(&["read", "/does/not/exist"]).0, Some(1));
}

#[test]
fn read_gives_text_json_and_pdf_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("a.jpg"), jpeg_page(1)).unwrap();
    std::fs::write(path("b.jpg"), jpeg_page(2)).unwrap();
    std::fs::write(path("broken.pdf"), b"%PDF-1.7\nnothing").unwrap();
    let (a, b, broken) = (path("a.jpg"), path("b.jpg"), path("broken.pdf"));
    let (json, pdf) = (path("out.json"), path("out.pdf"));
    let (code, text, told) =
        sohoa(&["read", &a, &broken, &b, "--json", &json, "--pdf", &pdf, "--text", "-"]);
    assert_eq!(code, Some(5), "{told}");
    assert!(told.contains("scan.broken"), "{told}");
    assert_eq!(text.split('\u{c}').count(), 2);

    let entries: Vec<Value> = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[1]["error"]["code"], "scan.broken");
    for key in [
        "file",
        "seq",
        "width",
        "height",
        "dpi",
        "rotation_deg",
        "skew_deg",
        "blank",
        "blake3",
        "fingerprint",
        "text",
        "confidence",
        "words",
        "codes",
        "kind",
        "millis",
    ] {
        assert!(entries[0].get(key).is_some(), "{key}");
    }
    for key in ["text", "x", "y", "w", "h", "confidence", "line", "block"] {
        assert!(entries[0]["words"][0].get(key).is_some(), "{key}");
    }
    assert!(std::fs::read(pdf).unwrap().starts_with(b"%PDF-1.7"));
}

#[test]
fn importing_the_same_catalogue_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let import = || {
        let args = ["catalogue", "import", "--shipped", "--json", "--data", data.to_str().unwrap()];
        let (code, json, told) = sohoa(&args);
        assert_eq!(code, Some(0), "{told}");
        serde_json::from_str::<Value>(&json).unwrap()["stored"].clone()
    };
    let (first, second) = (import(), import());
    assert_eq!((&first["changed"], &first["refused"]), (&0.into(), &0.into()));
    assert_eq!((&second["added"], &second["changed"]), (&0.into(), &0.into()));
    assert_eq!(second["unchanged"], first["added"]);

    let show = ["catalogue", "show", "1.001193", "--data", data.to_str().unwrap()];
    let (_, json, _) = sohoa(&show);
    let shown: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(shown["procedure"]["name"], "Thủ tục đăng ký khai sinh");
}

#[test]
fn nothing_is_made_where_a_command_only_looks() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let (code, _, told) = sohoa(&["catalogue", "show", "--data", nowhere.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("is not a folder; see --data"), "{told}");
    assert!(!nowhere.exists());
}
