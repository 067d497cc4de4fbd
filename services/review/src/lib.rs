//! The back office: jobs laid aside, documents that a person must file, and the pages to look
//! at while doing so.

mod documents;
mod pages;
mod parked;
mod tiff;

use archive::Archive;
use filing::Kinds;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The desk that the back office's routes are served from. Cheap to clone.
#[derive(Clone)]
pub struct ReviewDesk {
    archive: Archive,
    kinds: Kinds,
}

impl ReviewDesk {
    /// A desk over that archive.
    #[must_use]
    pub fn new(archive: Archive, kinds: Kinds) -> Self {
        Self { archive, kinds }
    }
}

/// The back office's routes, served from that desk.
pub fn router(desk: ReviewDesk) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(parked::list_parked))
        .routes(routes!(parked::show_parked))
        .routes(routes!(parked::retry_parked))
        .routes(routes!(parked::drop_parked))
        .routes(routes!(documents::assign_document))
        .routes(routes!(pages::page_image))
        .routes(routes!(pages::page_reading))
        .with_state(desk)
}

#[cfg(test)]
mod tests;
