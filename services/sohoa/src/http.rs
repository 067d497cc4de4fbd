//! The HTTP face: the routes of the process's roles in one router, with what every route needs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{Guard, GuardRules};
use anyhow::anyhow;
use archive::Archive;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use exchange::ExchangeDesk;
use filing::Kinds;
use intake::{IntakeDesk, IntakeSettings};
use people::PeopleDesk;
use records::RecordsDesk;
use review::ReviewDesk;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, debug, info_span};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use worker::Readers;

use crate::config::{Config, OpenIdConfig, Watching};
use crate::connections::{self, Limits};
use crate::office::Roles;
use crate::ready::{Leaning, metrics, ready};

/// How long requests in hand may take after the process was asked to stop.
const DRAIN: Duration = Duration::from_secs(7);

/// Routes for those who watch the process.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// What the process serves, and with what.
pub(crate) struct Served {
    pub(crate) roles: Roles,
    pub(crate) archive: Archive,
    pub(crate) readers: Option<Arc<Readers>>,
    pub(crate) config: Config,
}

/// Serves until `stop`, then finishes the requests in hand.
pub(crate) async fn serve(
    listener: TcpListener,
    served: Served,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let (app, intake) = router(served)?;
    let drained = async {
        stop.cancelled().await;
        if let Some(intake) = intake {
            intake.hang_up();
        }
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        () = connections::serve(listener, app, Limits::of_machine(), stop.clone()) => {}
        () = drained => {}
    }
    Ok(())
}

/// The routes of the roles, and the intake if it is one of them.
fn router(served: Served) -> anyhow::Result<(Router, Option<IntakeDesk>)> {
    let Served { roles, archive, readers, config } = served;
    let kinds = Kinds::shipped();
    let intake = roles.intake.then(|| {
        let settings = IntakeSettings {
            max_scan_bytes: config.intake.max_scan_bytes,
            max_uploads: config.intake.max_uploads,
            ..IntakeSettings::of(config.office.code.clone())
        };
        IntakeDesk::new(archive.clone(), kinds.clone(), settings)
    });
    let mut routes = described(OpenApiRouter::new());
    if let Some(intake) = &intake {
        routes = routes.merge(intake::router(intake.clone()));
    }
    if roles.records {
        let office = config.office.code.clone();
        let desk = RecordsDesk::new(archive.clone(), kinds.clone(), office);
        routes = routes.merge(records::router(desk));
        routes = routes.merge(exchange::router(exchange_desk(&archive, &config)));
    }
    if roles.review {
        routes = routes.merge(review::router(ReviewDesk::new(archive.clone(), kinds)));
    }
    let sessions = config.access.sessions();
    // Whatever role answers a person, they are known there: sessions are in the database.
    if roles.intake || roles.records || roles.review {
        let directory = config.access.openid.as_ref().map(OpenIdConfig::open).transpose()?;
        let desk = PeopleDesk::new(archive.clone(), sessions.clone(), directory);
        routes = routes.merge(people::router(desk.map_err(|_| anyhow!("no random bytes"))?));
    }
    let (routes, mut face) = routes.split_for_parts();
    access::describe(&mut face);
    let rules = GuardRules {
        open_metrics: config.access.metrics == Watching::Open,
        proxies: config.access.proxies.iter().map(|network| network.0).collect(),
        sessions,
    };
    let guard = Guard::new(archive.clone(), &face, rules);
    let face = Arc::new(face);
    let leaning = Leaning::new(archive, readers);
    let app = routes
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready).with_state(leaning.clone()))
        .route("/metrics", get(metrics).with_state(leaning))
        .route("/v1/openapi.json", get(move || async move { Json(face.as_ref().clone()) }));
    let guarded = problem::everywhere(app).layer(from_fn_with_state(guard, access::check));
    Ok((guarded.layer(from_fn(seen)), intake))
}

fn exchange_desk(archive: &Archive, config: &Config) -> ExchangeDesk {
    ExchangeDesk::new(archive.clone(), config.exchange.terms(), config.exchange.kho())
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

/// Gives every request its span, which goes on with the caller's trace, and counts it. What is
/// told of an address is the route it belongs to: the address itself is whatever somebody sent.
async fn seen(request: Request, next: Next) -> Response {
    let since = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str).to_owned();
    let method = known(request.method());
    // Who looks whether the process is well does so every few seconds.
    let span = match PROBES.contains(&route.as_str()) {
        true => Span::none(),
        false => info_span!("request", method, route),
    };
    let parent = request.headers().get(vitals::trace::HEADER);
    if let Some(parent) = parent.and_then(|parent| parent.to_str().ok()) {
        vitals::trace::follow(&span, parent);
    }
    let response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status().as_u16(), since.elapsed());
    if !span.is_none() {
        span.in_scope(|| debug!(status, took_ms = took.as_millis(), "answered"));
    }
    vitals::request(method, &route, status, took.as_secs_f64());
    response
}

/// A method may be any word that somebody sends, too.
fn known(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => "other",
    }
}
