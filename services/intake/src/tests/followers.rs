//! Many who follow dossiers: one principal has so many streams at a time, and another its own.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use axum::{Extension, Router};
use futures_util::StreamExt;
use schemas::code::Reason;
use serde_json::Value;
use tokio::time::timeout;
use tower::ServiceExt;

use super::{anyone, office};

/// Opens a stream of what happens to the dossier there.
async fn follow(router: &Router, place: &str) -> Response {
    let request = Request::get(place).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response
}

#[tokio::test]
async fn one_principal_follows_a_hundred_streams_at_a_time_and_any_that_ends_makes_room() {
    let office = office().await;
    let dossier = office.open().await;
    let place = format!("/v1/dossiers/{}/events", dossier.code);
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(follow(&office.router, &place).await);
    }
    let is_full = async || {
        let refused = timeout(Duration::from_secs(20), office.get(&place)).await.unwrap();
        refused.refused(Reason::Busy);
        assert_eq!(refused.headers[header::RETRY_AFTER], "5");
    };
    is_full().await;
    let router = crate::router(office.desk.clone()).split_for_parts().0;
    follow(&router.layer(Extension(anyone())), &place).await;

    // One whose listener goes away.
    drop(streams.pop());
    streams.push(follow(&office.router, &place).await);
    is_full().await;

    // One that comes to its end.
    office.post(&format!("/v1/dossiers/{}/close", dossier.code), &Value::Null).await;
    let mut ending = streams.pop().unwrap().into_body().into_data_stream();
    let told = async { while ending.next().await.is_some() {} };
    timeout(Duration::from_secs(10), told).await.unwrap();
    follow(&office.router, &place).await;
}
