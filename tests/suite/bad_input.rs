//! What bad input gets: a problem document with a code, a sentence in Vietnamese, and nothing
//! half-stored.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use schemas::api::{DossierView, OpenDossier, RawSubject};
use serde_json::{Value, json};
use tests::{Stage, jpeg_page, opening, problem, somebody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_that_cannot_be_is_refused_with_a_code_of_its_own() {
    let stage = Stage::start().await;
    let good = serde_json::to_value(opening(&somebody(1))).unwrap();
    let citizen = |number: &str, born: &str| json!({ "type": "citizen", "number": number, "name": "Nguyễn Thị Mẫu", "born": born });
    let with = |part: &str, value: Value| {
        let mut body = good.clone();
        body[part] = value;
        body
    };
    let cases = [
        (with("procedure", json!("9.999999")), 404, "procedure.unknown"),
        (with("procedure", json!("khai sinh")), 400, "request.invalid"),
        (with("case", json!("khong-co")), 422, "case.unknown"),
        (with("subject", citizen("00119900001", "1999-01-01")), 422, "subject.number.digits"),
        (with("subject", citizen("003199000013", "1999-01-01")), 422, "subject.number.province"),
        (with("subject", citizen("001199000013", "1998-01-01")), 422, "subject.born"),
        (
            with("subject", json!({ "type": "organisation", "number": "0100109105", "name": "X" })),
            422,
            "subject.number.check_digit",
        ),
        (with("colour", json!("red")), 400, "request.invalid"),
    ];
    for (body, status, code) in cases {
        let (got, refusal) = stage.refused("/v1/dossiers", &body).await;
        assert_eq!((got, refusal.code.as_str()), (status, code), "{body}");
        let text = serde_json::to_string(&refusal).unwrap();
        assert!(refusal.title.ends_with('.'), "{text}");
        assert!(!text.contains("001199000013") && !text.contains("Mẫu"), "{text}");
    }
    let (status, refusal) =
        problem(stage.http.get(stage.url("/v1/nowhere")).send().await.unwrap()).await;
    assert_eq!((status, refusal.code.as_str()), (404, "request.not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_number_cannot_have_two_names() {
    let stage = Stage::start().await;
    stage.open(&opening(&somebody(1))).await;
    let mut body: OpenDossier = opening(&somebody(1));
    let RawSubject::Citizen { name, .. } = &mut body.subject else { unreachable!() };
    *name = "Người Khác".to_owned();
    let (status, refusal) = stage.refused("/v1/dossiers", &body).await;
    assert_eq!((status, refusal.code.as_str()), (409, "subject.differs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_cannot_be_is_refused_at_once_or_parked_and_the_rest_goes_on() {
    let stage =
        Stage::start_with("[intake]\nmax_scan_bytes = 2000000\n[reader]\nmax_pages = 2\n").await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    let good = jpeg_page(1);
    for (scan, code) in [
        (Vec::new(), "scan.empty"),
        (b"MZ\x90\x00 a program".to_vec(), "scan.unknown_format"),
        ([good.clone(), vec![0; 2_000_000]].concat(), "scan.too_large"),
    ] {
        let (_, refusal) = problem(stage.send(&dossier, &scan).await).await;
        assert_eq!(refusal.code, code);
    }
    // The heading is right, the rest is not: only a reader can tell.
    let late: [(Vec<u8>, &str); 6] = [
        (b"%PDF-1.7\nnothing".to_vec(), "scan.broken"),
        (pdf(1, "/Encrypt 3 0 R"), "scan.encrypted"),
        (pdf(3, ""), "scan.too_many_pages"),
        (pdf(0, ""), "scan.no_pages"),
        (bmp(60_000, 60_000), "scan.too_many_pixels"),
        (good[..300].to_vec(), "scan.broken"),
    ];
    for (scan, _) in &late {
        stage.scan(&dossier, scan).await;
    }
    stage.scan(&dossier, &good).await;
    let view = stage.settled(&dossier).await;
    assert_eq!(view.scans.len(), late.len() + 1);
    for (scan, (_, code)) in view.scans.iter().zip(&late) {
        // Of some the pages can be counted, and then not be had.
        let page = scan.pages.first().map(|page| (&page.code, &page.reason));
        let (got, reason) = page.unwrap_or((&scan.code, &scan.reason));
        assert_eq!(got.as_deref(), Some(*code));
        assert!(reason.as_ref().is_some_and(|reason| reason.ends_with('.')), "{code}");
    }
    assert_eq!((view.pages.read, view.pages.waiting), (1, 0), "{:?}", view.pages);

    // Each is laid aside for a person to look at.
    let parked: Value = stage.get("/v1/parked").await;
    assert_eq!(parked.as_array().unwrap().len(), late.len());
    assert_sound(&stage);
}

/// A PDF of that many empty pages, with something added to its trailer.
fn pdf(pages: usize, trailer: &str) -> Vec<u8> {
    let mark = "<41414141414141414141414141414141 41414141414141414141414141414141>";
    let kids = "4 0 R ".repeat(pages);
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Count {pages} /Kids [{kids}] >>"),
        format!("<< /Filter /Standard /V 1 /R 2 /P -4 /O {mark} /U {mark} >>"),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>".to_owned(),
    ];
    let (mut pdf, mut places) = ("%PDF-1.4\n".to_owned(), String::new());
    for (i, object) in objects.iter().enumerate() {
        places.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.push_str(&format!("{} 0 obj\n{object}\nendobj\n", i + 1));
    }
    let place = pdf.len();
    pdf.push_str(&format!("xref\n0 5\n0000000000 65535 f \n{places}"));
    let id = "<00000000000000000000000000000000>";
    pdf.push_str(&format!("trailer\n<< /Size 5 /Root 1 0 R /ID [{id} {id}] {trailer} >>\n"));
    pdf.push_str(&format!("startxref\n{place}\n%%EOF\n"));
    pdf.into_bytes()
}

/// The heading of a picture of that size, and no picture.
fn bmp(width: i32, height: i32) -> Vec<u8> {
    let mut bmp = b"BM".to_vec();
    for part in [54 + 1000, 0, 54, 40, width, height] {
        bmp.extend(part.to_le_bytes());
    }
    bmp.extend([1, 0, 24, 0]);
    bmp.resize(54 + 1000, 0);
    bmp
}

/// `sohoa check` finds nothing amiss.
fn assert_sound(stage: &Stage) {
    let check = stage.check();
    assert_eq!(check["check"]["findings"], json!([]), "{check}");
}

/// What was being received when it was refused or its sender left.
fn left_behind(stage: &Stage) -> usize {
    std::fs::read_dir(stage.data().join("incoming")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_cut_short_leaves_nothing_behind() {
    let stage = Stage::start().await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    let scan = jpeg_page(1);
    let (whole, half) = (scan.len(), &scan[..scan.len() / 2]);
    let address = stage.address().strip_prefix("http://").unwrap();
    for (promise, part) in [
        (format!("content-length: {whole}"), half.to_vec()),
        (
            "transfer-encoding: chunked".to_owned(),
            [format!("{:x}\r\n", half.len()).as_bytes(), half, b"\r\n"].concat(),
        ),
    ] {
        let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /v1/dossiers/{}/scans HTTP/1.1\r\nhost: {address}\r\n\
             authorization: Bearer {}\r\n{promise}\r\n\r\n",
            dossier.code,
            stage.key()
        );
        line.write_all(head.as_bytes()).await.unwrap();
        line.write_all(&part).await.unwrap();
        line.shutdown().await.unwrap();
        let mut answer = Vec::new();
        drop(line.read_to_end(&mut answer).await);
        assert!(!String::from_utf8_lossy(&answer).contains(" 201 "), "{promise}");

        let view: DossierView = stage.get(&format!("/v1/dossiers/{}", dossier.code)).await;
        assert_eq!(view.scans, [], "{promise}");
        assert_eq!(left_behind(&stage), 0, "{promise}");
    }
    assert_eq!(stage.check()["check"]["blobs"], 0);
    assert_sound(&stage);
}

/// A small file system.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one on the folder; none where the test may not mount anything.
    fn mount(folder: &Path) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: mounting a small disk needs root");
            return None;
        }
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=32m", "tmpfs"]).arg(folder);
        assert!(mount.status().unwrap().success(), "root must be able to mount a tmpfs");
        Some(Self(folder.to_owned()))
    }

    /// Takes every byte that is left.
    fn fill(&self) {
        let mut filler = std::fs::File::create(self.0.join("filler")).unwrap();
        for size in [65_536, 4096, 1] {
            while filler.write_all(&vec![1; size]).is_ok() {}
        }
    }

    /// The operator makes room.
    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
        drop(std::fs::remove_dir(&self.0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_nothing_half_stored_and_work_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else { return };
    let stage = Stage::start_in(folder, "").await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    stage.scan(&dossier, &jpeg_page(1)).await;
    stage.settled(&dossier).await;

    disk.fill();
    let (status, refusal) = problem(stage.send(&dossier, &jpeg_page(2)).await).await;
    assert_eq!((status, refusal.code.as_str()), (507, "storage.full"));
    assert_eq!(left_behind(&stage), 0);
    let view: DossierView = stage.get(&format!("/v1/dossiers/{}", dossier.code)).await;
    assert_eq!(view.scans.len(), 1);

    // A disk that fills while a page is being read costs the page nothing.
    disk.make_room();
    stage.scan(&dossier, &jpeg_page(2)).await;
    disk.fill();
    tokio::time::sleep(Duration::from_secs(3)).await;
    disk.make_room();
    stage.scan(&dossier, &jpeg_page(3)).await;
    let view = stage.settled(&dossier).await;
    assert_eq!((view.pages.read, view.pages.parked), (3, 0), "{:?}", view.pages);
    assert_sound(&stage);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_dossier_takes_no_scans() {
    let stage = Stage::start().await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    let _: Value = stage.post(&format!("/v1/dossiers/{}/close", dossier.code), &json!({})).await;
    let (status, refusal) = problem(stage.send(&dossier, &jpeg_page(1)).await).await;
    assert_eq!((status, refusal.code.as_str()), (409, "dossier.closed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_scan_and_the_same_key_are_taken_once() {
    let stage = Stage::start().await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    let (one, other) = (jpeg_page(1), jpeg_page(2));
    let first = stage.scan(&dossier, &one).await;
    let again = stage.scan(&dossier, &one).await;
    assert_eq!((first.scan, first.repeated, again.repeated), (again.scan, false, true));

    let keyed = |body: &[u8]| {
        let url = stage.url(&format!("/v1/dossiers/{}/scans", dossier.code));
        stage.http.post(url).header("idempotency-key", "k1").body(body.to_vec()).send()
    };
    assert_eq!(keyed(&other).await.unwrap().status(), 201);
    assert_eq!(keyed(&other).await.unwrap().status(), 200);
    let (status, refusal) = problem(keyed(&jpeg_page(3)).await.unwrap()).await;
    assert_eq!((status, refusal.code.as_str()), (409, "idempotency.reused"));
    assert_eq!(stage.settled(&dossier).await.scans.len(), 2);
}
