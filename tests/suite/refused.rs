//! What an intake refuses by itself, before anything of it is kept: one machine is enough.

use serde_json::{Value, json};
use tests::{Stage, jpeg_page, opening, problem, somebody};

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
async fn a_closed_dossier_takes_no_scans() {
    let stage = Stage::start().await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    let _: Value = stage.post(&format!("/v1/dossiers/{}/close", dossier.code), &json!({})).await;
    let (status, refusal) = problem(stage.send(&dossier, &jpeg_page(1)).await).await;
    assert_eq!((status, refusal.code.as_str()), (409, "dossier.closed"));
}
