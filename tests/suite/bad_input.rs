//! What bad input gets: a problem document with a code, a sentence in Vietnamese, and nothing
//! half-stored. What an intake refuses by itself is in `refused.rs`, a disk that is full in
//! `no_room.rs`, on one machine alone.

use schemas::api::{DossierView, OpenDossier, ParkedView, RawSubject};
use serde_json::json;
use tests::{jpeg_page, opening, problem, somebody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Stage;

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
async fn a_text_that_not_every_database_keeps_is_refused() {
    let stage = Stage::start().await;
    let nothing = schemas::Uuid::new_v4();
    for (path, body) in [
        ("/v1/session".to_owned(), json!({ "name": "can-bo\0", "password": "mật khẩu" })),
        (format!("/v1/records/{nothing}/revoke"), json!({ "reason": "Cấp sai\0", "by": "can-bo" })),
        (
            format!("/v1/documents/{nothing}/assign"),
            json!({ "component": "TP01", "by": "can-bo\0" }),
        ),
    ] {
        let (status, refusal) = stage.refused(&path, &body).await;
        assert_eq!((status, refusal.code.as_str()), (400, "request.invalid"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_cannot_be_is_refused_at_once_or_parked_and_the_rest_goes_on() {
    let config = "intake.max_scan_bytes = 2000000\nreader.max_pages = 2\n";
    let stage = Stage::start_with(config).await;
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
    let parked: Vec<ParkedView> = stage.get("/v1/parked").await;
    assert_eq!(parked.len(), late.len());
    assert_sound(&stage);

    // Whoever has looked gives it up: it stays parked in the dossier, and nothing is amiss.
    let server = ["--server", stage.desk("/v1/parked")];
    for view in &parked {
        let id = view.id.to_string();
        let words = ["parked", "drop", &id, "--reason", "Tệp hỏng, đã quét lại"];
        let dropped = stage.command(&[&words[..], &server].concat());
        assert!(dropped.status.success(), "{}", String::from_utf8_lossy(&dropped.stderr));
    }
    let list = stage.command(&[&["parked", "list", "--json"][..], &server].concat());
    assert_eq!(String::from_utf8_lossy(&list.stdout).trim(), "[]");
    assert_eq!(list.status.code(), Some(0));
    let shown: ParkedView = stage.get(&format!("/v1/parked/{}", parked[0].id)).await;
    assert_eq!(shown.dropped.unwrap().reason, "Tệp hỏng, đã quét lại");
    let after: DossierView = stage.get(&format!("/v1/dossiers/{}", dossier.code)).await;
    assert_eq!(after.scans, view.scans);
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
pub(crate) fn assert_sound(stage: &Stage) {
    let check = stage.check();
    assert_eq!(check["check"]["findings"], json!([]), "{check}");
}

/// What was being received when it was refused or its sender left.
pub(crate) fn left_behind(stage: &Stage) -> usize {
    std::fs::read_dir(stage.incoming()).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_cut_short_leaves_nothing_behind() {
    let stage = Stage::start().await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    // Half of it is more than is held in memory on its way to a store.
    let scan = [jpeg_page(1), vec![0; 3 << 20]].concat();
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
