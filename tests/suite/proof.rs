//! Records that prove themselves: signed by a running office, looked at by others and by
//! `sohoa verify`, and tampered with.

use std::path::{Path, PathBuf};
use std::process::Command;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use failpoints::Point;
use schemas::api::DossierView;
use schemas::ids::RecordId;
use serde_json::Value;
use tempfile::TempDir;
use tests::{Story, binary, opening, with_key};

use crate::Stage;

/// Keys of an authority, an officer, an agency and of others, in files.
pub(crate) struct Keys(TempDir);

impl Keys {
    pub(crate) fn made() -> Self {
        let folder = TempDir::new().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/pyhanko/keys.sh");
        assert!(Command::new(script).arg(folder.path()).status().unwrap().success());
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What names the key of that file in the configuration.
    pub(crate) fn named(&self, name: &str) -> String {
        let (file, password) = (self.path(&format!("{name}.p12")), self.path("password"));
        format!(
            "pkcs12 = {:?}\npassword_file = {:?}\n",
            file.display().to_string(),
            password.display().to_string()
        )
    }

    fn config(&self, timestamp_url: &str) -> String {
        let key = |name: &str| format!("[signing.{name}]\n{}", self.named(name));
        let (officer, agency) = (key("officer"), key("agency"));
        format!("{officer}{agency}visible = true\n[signing]\ntimestamp_url = {timestamp_url:?}\n")
    }

    /// A time stamp authority: OpenSSL's, behind HTTP. Answers with where it listens.
    async fn authority(&self) -> String {
        let folder = self.0.path().to_owned();
        let answer = move |question: Bytes| {
            let folder = folder.clone();
            async move {
                std::fs::write(folder.join("question.tsq"), &question).unwrap();
                let output = Command::new("openssl")
                    .args(["ts", "-reply", "-config", "tsa.conf", "-queryfile", "question.tsq"])
                    .current_dir(&folder)
                    .output()
                    .unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                output.stdout
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/tsa", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        format!("http://{address}/tsa")
    }
}

/// A record's PDF and proof, in a folder.
pub(crate) struct Held {
    pub(crate) pdf: Vec<u8>,
    pub(crate) proof: Value,
}

impl Held {
    /// Once the agency has signed it, which comes a moment after it is published.
    pub(crate) async fn of(stage: &Stage, record: RecordId) -> Self {
        let get = async |what: &str| {
            let url = stage.url(&format!("/v1/records/{record}/{what}"));
            let request = stage.http.get(url).header("sohoa-purpose", "Kiem thu");
            let answer = request.header("sohoa-asked-by", "test").send().await.unwrap();
            assert_eq!(answer.status(), 200, "{what}");
            let named = answer.headers()["content-disposition"].to_str().unwrap();
            let ending = if what == "proof" { ".proof.json\"" } else { ".pdf\"" };
            assert!(named.contains(&format!("{record}-v")) && named.ends_with(ending), "{named}");
            answer.bytes().await.unwrap().to_vec()
        };
        let since = std::time::Instant::now();
        loop {
            let proof: Value = serde_json::from_slice(&get("proof").await).unwrap();
            if proof["signing"] == "signed" {
                return Self { pdf: get("file").await, proof };
            }
            assert!(since.elapsed().as_secs() < 60, "never signed");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// Exit code and the codes of the faults that `sohoa verify` finds.
    fn verified(&self, root: &Path) -> (Option<i32>, Vec<String>) {
        let folder = TempDir::new().unwrap();
        let (pdf, proof) = (folder.path().join("giay.pdf"), folder.path().join("giay.json"));
        std::fs::write(&pdf, &self.pdf).unwrap();
        std::fs::write(&proof, self.proof.to_string()).unwrap();
        let output = Command::new(binary("sohoa"))
            .args(["verify", "--json"])
            .arg(&pdf)
            .arg("--proof")
            .arg(&proof)
            .arg("--trust")
            .arg(root)
            .output()
            .unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let told: Value = serde_json::from_str(&told)
            .unwrap_or_else(|_| panic!("{told}{}", String::from_utf8_lossy(&output.stderr)));
        let faults = told[0]["faults"].as_array().unwrap().iter();
        let codes = faults.map(|fault| fault["code"].as_str().unwrap().to_owned()).collect();
        (output.status.code(), codes)
    }

    /// The same where the proof lies beside the PDF under the name it is handed out by; and what a
    /// person reads.
    fn verified_beside(&self, root: &Path) -> (Option<i32>, String) {
        let folder = TempDir::new().unwrap();
        let (pdf, proof) = (folder.path().join("giay-v1.pdf"), "giay-v1.proof.json");
        std::fs::write(&pdf, &self.pdf).unwrap();
        std::fs::write(folder.path().join(proof), self.proof.to_string()).unwrap();
        let mut verify = Command::new(binary("sohoa"));
        let output = verify.arg("verify").arg(&pdf).arg("--trust").arg(root).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    fn with_pdf(&self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut pdf = self.pdf.clone();
        change(&mut pdf);
        Self { pdf, proof: self.proof.clone() }
    }

    fn with_proof(&self, change: impl FnOnce(&mut Value)) -> Self {
        let mut proof = self.proof.clone();
        change(&mut proof);
        Self { pdf: self.pdf.clone(), proof }
    }
}

fn place(pdf: &[u8], text: &[u8], nth: usize) -> usize {
    let places = pdf.windows(text.len()).enumerate().filter(|(_, window)| *window == text);
    let places: Vec<usize> = places.map(|(at, _)| at).collect();
    places[nth]
}

pub(crate) fn first_record(view: &DossierView) -> (RecordId, Option<u32>) {
    let found = view.documents.iter().find_map(|own| Some((own.record?, own.record_version)));
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_record_proves_itself_and_whatever_is_changed_is_found() {
    let keys = Keys::made();
    let stage = Stage::start_with(&keys.config(&keys.authority().await)).await;
    let story = Story::told("khai-sinh");
    let dossier = stage.open(&opening(&story.dossier.subject)).await;
    for scan in &story.scans()[..2] {
        stage.scan(&dossier, scan).await;
    }
    let view = stage.settled(&dossier).await;
    let held = Held::of(&stage, first_record(&view).0).await;
    others_agree(&keys, &held);

    let (root, stranger) = (keys.path("root.pem"), keys.path("stranger-root.pem"));
    assert_eq!(held.verified(&root), (Some(0), vec![]));
    let (code, told) = held.verified_beside(&root);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("Tệp chứng minh: ") && told.contains("giay-v1.proof.json"), "{told}");
    assert!(told.contains(&format!("Giấy tờ số hoá {} bản 1", first_record(&view).0)), "{told}");
    let other = held.with_proof(|proof| proof["body"] = "{}".into()).verified_beside(&root);
    assert_eq!(other.0, Some(5), "{}", other.1);
    let check = |what: &str, held: Held, want: &[&str]| {
        let (code, found) = held.verified(&root);
        assert_eq!(
            (code, found),
            (Some(5), want.iter().map(|&s| s.to_owned()).collect()),
            "{what}"
        );
    };
    check(
        "a byte of a page",
        held.with_pdf(|pdf| {
            let at = place(pdf, b"stream", 1) + 4000;
            pdf[at] ^= 1;
        }),
        &["signature.altered", "proof.other_pdf", "proof.pages"],
    );
    let ends: Vec<usize> = {
        let end = |n| place(&held.pdf, b"%%EOF\n", n) + 6;
        vec![end(0), end(1)]
    };
    check(
        "the agency's signature taken away",
        held.with_pdf(|pdf| pdf.truncate(ends[1])),
        &["proof.other_signer", "proof.other_pdf"],
    );
    check(
        "both taken away",
        held.with_pdf(|pdf| pdf.truncate(ends[0])),
        &["signature.none", "proof.other_signer", "proof.other_pdf"],
    );
    check(
        "a signature blotted out",
        held.with_pdf(|pdf| {
            let at = place(pdf, b"/Contents<", 1) + 10;
            let length = pdf[at..].iter().position(|byte| *byte == b'>').unwrap();
            pdf[at..at + length].fill(b'0');
        }),
        &["signature.removed", "proof.other_signer", "proof.other_pdf"],
    );
    check(
        "something put behind",
        held.with_pdf(|pdf| pdf.extend(b"% one more remark\n")),
        &["file.appended", "proof.other_pdf"],
    );
    check(
        "a byte of the record",
        held.with_proof(|proof| {
            let body = proof["body"].as_str().unwrap().replace("\"version\":1", "\"version\":2");
            proof["body"] = body.into();
        }),
        &["proof.hash", "proof.altered", "proof.other_pdf"],
    );
    check(
        "no signature over the record",
        held.with_proof(|proof| {
            proof.as_object_mut().unwrap().remove("signature");
        }),
        &["proof.unsigned"],
    );
    let (code, faults) = held.verified(&stranger);
    assert_eq!(code, Some(5));
    assert!(faults.contains(&"signature.untrusted".to_owned()), "{faults:?}");
    assert!(faults.contains(&"proof.untrusted".to_owned()), "{faults:?}");
    told_in_vietnamese(&keys, &held);
}

/// What pyHanko says of each signature of a PDF.
pub(crate) fn pyhanko(keys: &Keys, pdf: &[u8]) -> Vec<String> {
    let file = keys.path("giay.pdf");
    std::fs::write(&file, pdf).unwrap();
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../.parts/pyhanko/bin/python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/pyhanko/verdict.py");
    let verdict = Command::new(python).arg(script).arg(keys.path("root.pem")).arg(&file).output();
    let told = String::from_utf8(verdict.unwrap().stdout).unwrap();
    told.lines().map(str::to_owned).collect()
}

/// What pyHanko and veraPDF say.
fn others_agree(keys: &Keys, held: &Held) {
    let told = pyhanko(keys, &held.pdf);
    let verapdf = concat!(env!("CARGO_MANIFEST_DIR"), "/verapdf/verapdf.sh");
    let verdict = Command::new(verapdf).arg(keys.path("giay.pdf")).output().unwrap();
    assert!(verdict.status.success(), "{}", String::from_utf8_lossy(&verdict.stdout));
    assert_eq!(
        told,
        [
            "giay.pdf [Nguyễn Thị Quét] intact valid trusted untouched stamped PASS",
            "giay.pdf [ỦY BAN NHÂN DÂN XÃ MẪU] intact valid trusted whole untouched stamped PASS",
        ]
    );
}

fn told_in_vietnamese(keys: &Keys, held: &Held) {
    let file = keys.path("giay.pdf");
    let told = |pdf: &[u8]| {
        std::fs::write(&file, pdf).unwrap();
        let mut verify = Command::new(binary("sohoa"));
        verify.arg("verify").arg(&file).arg("--trust").arg(keys.path("root.pem"));
        String::from_utf8(verify.output().unwrap().stdout).unwrap()
    };
    let fine = told(&held.pdf);
    for part in ["giay.pdf: HỢP LỆ", "Chữ ký của ỦY BAN NHÂN DÂN XÃ MẪU", "có dấu thời gian"]
    {
        assert!(fine.contains(part), "{fine}");
    }
    assert!(told(b"%PDF-1.7").contains("KHÔNG HỢP LỆ"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_signed_once_however_often_its_job_is_done() {
    let keys = Keys::made();
    let stage = Stage::start_with(&keys.config(&keys.authority().await)).await;
    let story = Story::told("khai-sinh");
    let dossier = stage.open(&opening(&story.dossier.subject)).await;
    stage.scan(&dossier, story.scans()[0]).await;
    let view = stage.settled(&dossier).await;
    let (record, version) = first_record(&view);
    assert_eq!(version, Some(1));
    let before = Held::of(&stage, record).await;

    // As if the job had not been acknowledged, and what it published forgotten.
    let again = "update document set seal = 'waiting', record_version = null where seal = 'sealed'";
    assert_eq!(mended(&stage, again, &dossier).await, (record, Some(2)));
    let after = Held::of(&stage, record).await;
    assert!(before.pdf == after.pdf, "signed anew");
    let body: Value = serde_json::from_str(after.proof["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["before"], before.proof["hash"], "versions are a chain");
    assert_eq!(after.verified(&keys.path("root.pem")), (Some(0), vec![]));

    assert_eq!(stage.check()["check"]["findings"], Value::Array(vec![]));

    let (mut pdfs, mut proofs) = (Vec::new(), Vec::new());
    for (n, version) in [&before, &after].into_iter().enumerate() {
        pdfs.push(keys.path(&format!("v{n}.pdf")));
        proofs.push(keys.path(&format!("v{n}.json")));
        std::fs::write(&pdfs[n], &version.pdf).unwrap();
        std::fs::write(&proofs[n], version.proof.to_string()).unwrap();
    }
    let mut both = Command::new(binary("sohoa"));
    both.arg("verify").args(&pdfs).arg("--trust").arg(keys.path("root.pem"));
    proofs.iter().for_each(|proof| {
        both.arg("--proof").arg(proof);
    });
    assert_eq!(both.output().unwrap().status.code(), Some(0));

    // The file is gone, and can't be made as it was: it is signed anew, and holds.
    stage.lose(before.proof["pdf"].as_str().unwrap()).await;
    assert_eq!(mended(&stage, "select 1", &dossier).await, (record, Some(3)));
    let anew = Held::of(&stage, record).await;
    assert!(anew.pdf != before.pdf);
    assert_eq!(anew.verified(&keys.path("root.pem")), (Some(0), vec![]));
}

/// Tampers, has `sohoa check` mend it, and tells the record that comes of it.
async fn mended(stage: &Stage, sql: &str, dossier: &DossierView) -> (RecordId, Option<u32>) {
    stage.sql(sql);
    let output = stage.command(&["check", "--mend"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("đã sửa 1"), "{told}");
    first_record(&stage.settled(dossier).await)
}

#[test]
fn a_key_that_cannot_be_opened_stops_the_office_before_it_accepts_anything() {
    let keys = Keys::made();
    std::fs::write(keys.path("wrong"), "mat khau khac").unwrap();
    let text = keys.config("http://127.0.0.1:9").replace("/password\"", "/wrong\"");
    std::fs::write(keys.path("sohoa.toml"), text).unwrap();
    let output = Command::new(binary("sohoa"))
        .args(["all", "--listen", "127.0.0.1:0", "--data"])
        .arg(keys.path("data"))
        .arg("--config")
        .arg(keys.path("sohoa.toml"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("signing.officer") && told.contains("password"), "{told}");
    assert!(!told.contains("mat khau khac"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_version_proves_itself_even_where_the_process_died_before_it_was_signed() {
    let keys = Keys::made();
    let mut stage = Stage::start_with(&keys.config(&keys.authority().await)).await;
    let story = Story::told("khai-sinh");
    let dossier = stage.open(&opening(&story.dossier.subject)).await;
    stage.scan(&dossier, story.scans()[0]).await;
    let (record, _) = first_record(&stage.settled(&dossier).await);
    let before = Held::of(&stage, record).await;
    let key = stage.new_key(&["dinh-chinh", "--role", "back_office", "--office", "H26.01"]);
    let office = with_key(&key);

    // Taken at once; whoever was to sign it dies with the job in hand.
    stage.arm(Point::RecordPublished);
    let fields = serde_json::json!([{ "name": "signer", "value": "Nguyễn Văn Mẫu" }]);
    let word = serde_json::json!({
        "version": 1, "fields": fields, "reason": "Đọc sai người ký", "by": "can-bo-7",
    });
    let place = stage.url(&format!("/v1/records/{record}/correct"));
    let taken = office.post(place).json(&word).send().await.unwrap();
    assert_eq!(taken.status(), 200);
    stage.died();
    let waits = stage.sql("select seal || record_version from document where seal = 'waiting'");
    assert!(waits.contains("waiting2"), "{waits}");

    stage.launch();
    let place = format!("/v1/records/{record}/versions");
    let proven = async || {
        let versions: Value = stage.get(&place).await;
        (versions[0]["version"] == 2 && versions[0]["proof"] == "signed").then_some(())
    };
    let since = std::time::Instant::now();
    while proven().await.is_none() {
        assert!(since.elapsed().as_secs() < 60, "never signed");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let root = keys.path("root.pem");
    let after = Held::of(&stage, record).await;
    assert_eq!(after.verified(&root), (Some(0), vec![]));
    assert!(before.pdf == after.pdf, "the paper is what it was");
    let body: Value = serde_json::from_str(after.proof["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["before"], before.proof["hash"]);
    let corrected = &body["corrected"];
    assert_eq!(
        (&corrected["fields"], &corrected["owners"]),
        (&serde_json::json!(["signer"]), &false.into())
    );
    let by = corrected["principal"].as_str().unwrap();
    assert!(schemas::Uuid::parse_str(by).is_ok(), "an id, and no name: {by}");

    // The field that was put right, changed afterwards: with its hash, and with a hash to match.
    let changed = |proof: &mut Value| {
        let body = proof["body"].as_str().unwrap().replace("Nguyễn Văn Mẫu", "Nguyễn Văn Mậu");
        proof["body"] = body.into();
    };
    let found = after.with_proof(changed).verified(&root);
    assert_eq!(found, (Some(5), vec!["proof.hash".to_owned(), "proof.altered".to_owned()]));
    let rehashed = after.with_proof(|proof| {
        changed(proof);
        let hash = blake3::hash(proof["body"].as_str().unwrap().as_bytes());
        proof["hash"] = hash.to_hex().to_string().into();
    });
    assert_eq!(rehashed.verified(&root), (Some(5), vec!["proof.altered".to_owned()]));

    // Alone neither knows what came after it; together the older one is told.
    let told = |held: &[&Held]| {
        let mut verify = Command::new(binary("sohoa"));
        verify.arg("verify").arg("--trust").arg(&root);
        for (n, held) in held.iter().enumerate() {
            let (pdf, proof) = (keys.path(&format!("{n}.pdf")), keys.path(&format!("{n}.json")));
            std::fs::write(&pdf, &held.pdf).unwrap();
            std::fs::write(&proof, held.proof.to_string()).unwrap();
            verify.arg(&pdf).arg("--proof").arg(&proof);
        }
        let output = verify.output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(told(&[&before]).contains("Tệp không cho biết sau đó"));
    let both = told(&[&before, &after]);
    assert!(both.contains("đã được đính chính, không còn dùng: xem bản 2"), "{both}");
    assert!(both.contains("Bản này đính chính bản 1: người ký; lúc"), "{both}");
    assert!(both.contains(by), "{both}");
    assert_eq!(stage.check()["check"]["findings"], Value::Array(vec![]));
}
