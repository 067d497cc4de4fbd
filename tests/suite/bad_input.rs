//! What bad input gets: a problem document with a code, a sentence in Vietnamese, and nothing
//! half-stored.

use schemas::api::{DossierView, OpenDossier, RawSubject};
use serde_json::{Value, json};
use tests::{Stage, jpeg_page, opening, problem, somebody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_that_cannot_be_is_refused_with_a_code_of_its_own() {
    let stage = Stage::start().await;
    let good = serde_json::to_value(opening(&somebody(1))).unwrap();
    let citizen = |number: &str, born: &str| {
        json!({ "type": "citizen", "number": number, "name": "Nguyễn Thị Mẫu", "born": born })
    };
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
    let (status, refusal) = problem(stage.http.get(stage.url("/v1/nowhere")).send().await.unwrap()).await;
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
    let stage = Stage::start_with("[intake]\nmax_scan_bytes = 2000000\n").await;
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
    stage.scan(&dossier, &good[..good.len() / 3]).await;
    stage.scan(&dossier, b"%PDF-1.7\nnothing").await;
    stage.scan(&dossier, &good).await;
    let view = stage.settled(&dossier).await;
    assert_eq!(view.scans.len(), 3);
    assert_eq!(view.scans[1].code.as_deref(), Some("scan.broken"));
    assert_eq!(view.pages.read, view.pages.total - view.pages.parked);
    assert!(view.pages.read >= 1);

    let parked: Value = stage.get("/v1/parked").await;
    assert!(!parked.as_array().unwrap().is_empty());
    let check = stage.check();
    assert_eq!(check["check"]["findings"], json!([]), "{check}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_cut_short_leaves_nothing_behind() {
    let stage = Stage::start().await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    let scan = jpeg_page(1);
    let address = stage.address().strip_prefix("http://").unwrap();
    let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/dossiers/{}/scans HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n",
        dossier.code,
        scan.len()
    );
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(&scan[..scan.len() / 2]).await.unwrap();
    line.shutdown().await.unwrap();
    let mut answer = Vec::new();
    drop(line.read_to_end(&mut answer).await);
    assert!(!String::from_utf8_lossy(&answer).contains(" 201 "));

    let view: DossierView = stage.get(&format!("/v1/dossiers/{}", dossier.code)).await;
    assert_eq!(view.scans, []);
    let check = stage.check();
    assert_eq!(check["check"]["blobs"], 0, "{check}");
    assert_eq!(check["check"]["findings"], json!([]), "{check}");
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
