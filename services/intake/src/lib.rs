//! The intake: opens dossiers, receives scans, tells how a dossier stands, shows the catalogue.
//!
//! A scan is acknowledged only when its bytes are durable and the job that reads it is written
//! down with it. What can be refused is refused before anything is kept.

mod desk;

mod dossiers;
mod elsewhere;
mod view;

mod again;
mod pressure;
mod scans;
mod upload;

mod events;
mod procedures;

use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use desk::{IntakeDesk, IntakeSettings};

/// The intake's routes, served from that desk.
pub fn router(desk: IntakeDesk) -> OpenApiRouter {
    described().with_state(desk)
}

/// What the routes are, for `schemas/openapi.json`.
#[must_use]
pub fn openapi() -> OpenApi {
    described().into_openapi()
}

fn described() -> OpenApiRouter<IntakeDesk> {
    OpenApiRouter::new()
        .routes(routes!(dossiers::open_dossier))
        .routes(routes!(dossiers::show_dossier))
        .routes(routes!(dossiers::close_dossier))
        .routes(routes!(events::dossier_events))
        .routes(routes!(scans::receive_scan))
        .routes(routes!(procedures::list_procedures))
        .routes(routes!(procedures::show_procedure))
}

#[cfg(test)]
mod tests;
