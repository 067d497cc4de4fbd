//! What a caller sees of refusals.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use axum::response::Response;
use axum::routing::{get, post};
use schemas::api::RawSubject;
use schemas::code::Reason;
use serde::Deserialize;
use tower::ServiceExt;

use crate::{Json, MAX_BODY, MEDIA_TYPE, Path, Problem, Query, everywhere, limit};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[expect(dead_code, reason = "only its parsing is looked at")]
    subject: RawSubject,
    #[expect(dead_code, reason = "only its parsing is looked at")]
    count: u8,
}

#[derive(Deserialize)]
struct Page {
    #[expect(dead_code, reason = "only its parsing is looked at")]
    limit: u8,
}

fn router() -> Router {
    everywhere(
        Router::new()
            .route("/orders", post(async |Json(_): Json<Order>| "fine"))
            .route("/list", get(async |Query(_): Query<Page>| "fine"))
            .route("/places/{id}", get(async |Path(_): Path<String>| "fine"))
            .route("/panic", get(async || -> &'static str { panic!("001199000013") }))
            .route("/busy", get(async || Problem::new(Reason::Busy).retry_after(17))),
    )
}

async fn answer(request: Request<Body>) -> Response {
    router().oneshot(request).await.unwrap()
}

/// Checks that the answer is a problem with that code, and gives its detail.
async fn check(response: Response, reason: Reason) -> String {
    assert_eq!(response.status().as_u16(), reason.status());
    assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
    let bytes = to_bytes(response.into_body(), 1 << 16).await.unwrap();
    let problem: schemas::api::Problem = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(problem.code, reason.code());
    assert_eq!(problem.kind, format!("urn:sohoa:problem:{}", reason.code()));
    assert_eq!(problem.title, reason.vi());
    problem.detail.unwrap_or_default()
}

async fn refused(body: impl Into<Body>) -> String {
    let request = Request::post("/orders").header(header::CONTENT_TYPE, "application/json");
    check(answer(request.body(body.into()).unwrap()).await, Reason::RequestInvalid).await
}

fn get_(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn what_the_router_refuses_by_itself_is_a_problem_too() {
    check(answer(get_("/nowhere")).await, Reason::NotFound).await;
    check(answer(get_("/orders")).await, Reason::MethodNotAllowed).await;
    check(answer(get_("/places/%FF")).await, Reason::NotFound).await;
    check(answer(get_("/list?limit=1000")).await, Reason::RequestInvalid).await;
}

#[tokio::test]
async fn a_panic_is_a_problem_that_quotes_nothing() {
    let detail = check(answer(get_("/panic")).await, Reason::Internal).await;
    assert_eq!(detail, "");
}

#[tokio::test]
async fn a_busy_server_says_when_to_come_back() {
    let response = answer(get_("/busy")).await;
    assert_eq!(response.headers()[header::RETRY_AFTER], "17");
    check(response, Reason::Busy).await;
}

#[tokio::test]
async fn a_wrong_body_is_told_by_its_field_and_never_quoted() {
    let subject = r#"{"type":"citizen","number":"1","name":"Mẫu","born":"1999-01-01"}"#;
    assert_eq!(
        refused(format!(r#"{{"subject":{subject},"count":"001199000013"}}"#)).await,
        "`count` is not as described at line 1, column 100"
    );
    let missing =
        refused(r#"{"subject":{"type":"citizen","number":"1","name":"x"},"count":1}"#).await;
    assert!(missing.starts_with("`born` is missing in `subject`"), "{missing}");
    for quoting in [
        format!(r#"{{"subject":{subject},"count":1,"001199000013":1}}"#),
        r#"{"subject":"001199000013"}"#.to_owned(),
        r#"{"subject":{"type":"001199000013"}}"#.to_owned(),
        "001199000013 x".to_owned(),
        format!(r#"{{"subject":{subject},"count":1}} 001199000013"#),
    ] {
        let detail = refused(quoting.clone()).await;
        assert!(!detail.is_empty() && !detail.contains("001199"), "{quoting} → {detail}");
    }
}

#[tokio::test]
async fn a_text_with_a_nul_is_refused_and_one_that_speaks_of_it_is_not() {
    let order = |name: &str| {
        let subject =
            format!(r#"{{"type":"citizen","number":"1","name":"{name}","born":"1999-01-01"}}"#);
        format!(r#"{{"subject":{subject},"count":1}}"#)
    };
    for name in [r"M\u0000u", r"\\\u0000"] {
        assert!(refused(order(name)).await.contains("U+0000"), "{name}");
    }
    for name in [r"M\u1eabu", r"\\u0000", "0000"] {
        let request = Request::post("/orders").header(header::CONTENT_TYPE, "application/json");
        let response = answer(request.body(Body::from(order(name))).unwrap()).await;
        assert_eq!(response.status(), 200, "{name}");
    }
}

#[tokio::test]
async fn a_body_is_capped_and_must_say_that_it_is_json() {
    let detail = refused(vec![b' '; MAX_BODY + 1]).await;
    assert!(detail.contains("1 MB"), "{detail}");
    let plain = Request::post("/orders").body(Body::from("{}")).unwrap();
    let detail = check(answer(plain).await, Reason::RequestInvalid).await;
    assert!(detail.contains("content type"), "{detail}");
}

#[test]
fn a_limit_out_of_its_range_is_refused_and_not_cut() {
    for (asked, want) in [(None, 100), (Some(1), 1), (Some(500), 500)] {
        assert_eq!(limit(asked, 100, 500), Ok(want));
    }
    let refusal = Problem::new(Reason::RequestInvalid).because("`limit` is from 1 to 500");
    for asked in [0, 501, u32::MAX] {
        assert_eq!(limit(Some(asked), 100, 500), Err(refusal.clone()), "{asked}");
    }
}
