//! The intake: opens dossiers, receives scans, tells how a dossier stands, shows the catalogue.
//!
//! A scan is acknowledged only when its bytes are durable and the job that reads it is written
//! down with it. What can be refused is refused before anything is kept.

mod desk;

mod dossiers;
mod view;

mod answers;

mod again;
mod pressure;
mod scans;
mod upload;

mod events;
mod procedures;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use desk::{IntakeDesk, IntakeSettings};

/// The intake's routes, served from that desk.
pub fn router(desk: IntakeDesk) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(dossiers::open_dossier))
        .routes(routes!(dossiers::show_dossier))
        .routes(routes!(answers::answer_questions))
        .routes(routes!(dossiers::close_dossier))
        .routes(routes!(events::dossier_events))
        .routes(routes!(scans::receive_scan))
        .routes(routes!(procedures::list_procedures))
        .routes(routes!(procedures::show_procedure))
        .with_state(desk)
}

#[cfg(test)]
mod tests;
