//! Backups of a running office, as a person makes them.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tests::{binary, jpeg_page, opening, somebody};

use crate::Stage;

/// Runs a command on a folder, or on none.
fn sohoa(args: &[&str]) -> (Option<i32>, Value, String) {
    let mut command = Command::new(binary("sohoa"));
    command.args(["--log", "error"]).args(args);
    ended(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// Exit code, what it answered, what it told a person.
fn ended(process: Child) -> (Option<i32>, Value, String) {
    let output = process.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default(), told)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The largest file of a folder of blobs.
fn largest(blobs: &Path) -> std::path::PathBuf {
    let shards = std::fs::read_dir(blobs).unwrap();
    let files = shards.flat_map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap());
    let files = files.map(|file| file.unwrap());
    files.max_by_key(|file| file.metadata().unwrap().len()).unwrap().path()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_office_is_backed_up_while_it_works_and_restored_on_another_machine() {
    let scripted = binary("scripted-reader");
    let stage = Stage::start_with(&format!("reader.program = {scripted:?}\n")).await;
    let folder = tempfile::tempdir().unwrap();
    let (backup, keys) = (folder.path().join("backup"), folder.path().join("keys"));
    let backing_up = ["backup", text(&backup), "--keys", text(&keys), "--json"];
    let back_up = || ended(stage.begin(&backing_up));
    let restore = |copy: &Path| {
        std::fs::create_dir(copy).unwrap();
        std::fs::copy(stage.master(), copy.join("master.key")).unwrap();
        let args = ["restore", text(&backup), "--keys", text(&keys), "--data", text(copy)];
        sohoa(&[args.as_slice(), &["--json"]].concat())
    };

    let mut acknowledged = Vec::new();
    for round in 0..3_u64 {
        // Scans arrive and are worked on before, during and after each backup.
        let saved = {
            let saving = stage.begin(&backing_up);
            let before = acknowledged.len();
            for nth in 0..6 {
                let dossier = stage.open(&opening(&somebody(round * 6 + nth))).await;
                stage.scan(&dossier, &jpeg_page(round * 6 + nth)).await;
                acknowledged.push(dossier);
            }
            let (code, saved, told) = ended(saving);
            assert_eq!(code, Some(0), "{told}");
            assert_eq!(saved["moment"], round + 1);
            (before, saved)
        };
        let copy = folder.path().join(format!("copy-{round}"));
        let (code, restored, told) = restore(&copy);
        assert_eq!(code, Some(0), "{told}");
        assert_eq!(restored["check"]["findings"], json!([]));
        assert_eq!(restored["restored"]["rows"], saved.1["rows"]);
        // What was acknowledged before the backup began is in it.
        assert!(restored["check"]["scans"].as_u64().unwrap() >= saved.0 as u64, "{restored}");
    }
    for dossier in &acknowledged {
        stage.settled(dossier).await;
    }
    let (code, last, _) = back_up();
    assert_eq!((code, &last["missing"]), (Some(0), &json!([])));
    let (code, verified, _) = sohoa(&["backup", text(&backup), "--verify", "--json"]);
    assert_eq!((code, &verified["blobs"]), (Some(0), &last["blobs"]));

    // Refusals say so, and change nothing.
    let copy = folder.path().join("copy-2");
    let refused = |(code, _, told): (Option<i32>, Value, String), why: &str| {
        assert_eq!(code, Some(3), "{told}");
        assert!(told.contains(why), "{told}");
    };
    let with_keys = ["--keys", text(&keys), "--data"];
    let into = |place| [["restore", text(&backup)].as_slice(), &with_keys, &[place]].concat();
    refused(sohoa(&into(text(&copy))), "nơi trống");
    let onto = ["backup", text(&copy), "--keys", text(&keys)];
    refused(ended(stage.begin(&onto)), "không phải bản sao lưu");
    refused(ended(stage.begin(&["backup", text(&backup)])), "--keys");
    // Nor is a backup restored that nobody could read.
    let bare = folder.path().join("bare");
    refused(sohoa(&["restore", text(&backup), "--data", text(&bare)]), "--keys");
    refused(sohoa(&into(text(&bare))), "Khoá chính");

    // A damaged blob is named by whoever reads the backup.
    let bad = largest(&backup.join("blobs"));
    let mut bytes = std::fs::read(&bad).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&bad, bytes).unwrap();
    let (code, verified, _) = sohoa(&["backup", text(&backup), "--verify", "--json"]);
    assert_eq!((code, verified["damaged"].as_array().unwrap().len()), (Some(5), 1));
    let copy = folder.path().join("copy-bad");
    let (code, restored, _) = restore(&copy);
    assert_eq!((code, &restored["restored"]["damaged"]), (Some(5), &verified["damaged"]));
    assert_ne!(restored["check"]["findings"], json!([]));

    // Another master key, and what was kept can be read as before.
    let copy = folder.path().join("copy-1");
    let before = std::fs::read(copy.join("master.key")).unwrap();
    let (code, _, told) = sohoa(&["keys", "rotate", "--data", text(&copy)]);
    assert_eq!(code, Some(0), "{told}");
    assert_ne!(std::fs::read(copy.join("master.key")).unwrap(), before);
    // A scan that lies plain, as one from before there was a master key, is encrypted.
    let page = jpeg_page(0);
    let name = blake3::hash(&page).to_string();
    let plain = copy.join("blobs").join(&name[..2]).join(&name[2..]);
    assert_ne!(std::fs::read(&plain).unwrap(), page);
    std::fs::write(&plain, &page).unwrap();
    let (code, _, told) = sohoa(&["check", "--data", text(&copy)]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("Chưa mã hoá: 1 tệp") && told.contains("sohoa keys encrypt"), "{told}");
    let encrypt = ["keys", "encrypt", "--data", text(&copy)];
    for more in [["--count"].as_slice(), &[]] {
        let (code, _, told) = sohoa(&[encrypt.as_slice(), more].concat());
        assert_eq!(code, Some(0), "{told}");
        assert_eq!(std::fs::read(&plain).unwrap() == page, !more.is_empty());
    }
    let (code, checked, told) = sohoa(&["check", "--data", text(&copy), "--json"]);
    assert_eq!((code, &checked["check"]["findings"]), (Some(0), &json!([])), "{told}");
}
