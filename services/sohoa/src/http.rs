//! The HTTP face: the services' routes in one router, with what every route needs.

use std::sync::Arc;
use std::time::Duration;

use archive::Archive;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use filing::Kinds;
use intake::{IntakeDesk, IntakeSettings};
use records::RecordsDesk;
use review::ReviewDesk;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::trace::TraceLayer;
use tracing::info_span;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::config::Config;

/// How long requests in hand may take after the process was asked to stop.
const DRAIN: Duration = Duration::from_secs(8);

/// Serves until `stop`, then finishes the requests in hand.
pub(crate) async fn serve(
    listener: TcpListener,
    archive: Archive,
    config: Config,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let kinds = Arc::new(Kinds::shipped());
    let settings = IntakeSettings {
        max_scan_bytes: config.intake.max_scan_bytes,
        max_uploads: config.intake.max_uploads,
        ..IntakeSettings::of(config.office.code.clone())
    };
    let intake = IntakeDesk::new(archive.clone(), kinds.clone(), settings);
    let routes = described(OpenApiRouter::new())
        .merge(intake::router(intake.clone()))
        .merge(records::router(RecordsDesk::new(archive.clone(), kinds.clone())))
        .merge(review::router(ReviewDesk::new(archive.clone(), kinds)));
    let (routes, face) = routes.split_for_parts();
    let face = Arc::new(face);
    let app = routes
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready).with_state(archive))
        .route("/v1/openapi.json", get(move || async move { Json(face.as_ref().clone()) }));
    let app = problem::everywhere(app).layer(TraceLayer::new_for_http().make_span_with(
        // The path holds ids and codes only; a citizen's number never travels in it.
        |request: &axum::extract::Request| {
            info_span!("http", method = %request.method(), path = request.uri().path())
        },
    ));

    let draining = stop.clone();
    let served = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.cancelled().await;
        intake.hang_up();
    });
    tokio::select! {
        served = served.into_future() => Ok(served?),
        () = async { draining.cancelled().await; tokio::time::sleep(DRAIN).await } => Ok(()),
    }
}

fn described(routes: OpenApiRouter) -> OpenApiRouter {
    #[derive(OpenApi)]
    #[openapi(info(
        title = "Sohoa",
        description = "A citizen's papers, digitised once and asked for by every procedure after. \
            Refusals are problem documents (RFC 9457) with a stable code and a sentence in \
            Vietnamese.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ))]
    struct Face;
    OpenApiRouter::with_openapi(Face::openapi()).merge(routes)
}

/// Whether every part that a request needs can be reached.
async fn ready(State(archive): State<Archive>) -> Result<&'static str, (StatusCode, String)> {
    match archive.records.waiting().await {
        Ok(_) => Ok("ready"),
        Err(error) => Err((StatusCode::SERVICE_UNAVAILABLE, format!("records: {error}"))),
    }
}
