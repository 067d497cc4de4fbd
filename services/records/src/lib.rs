//! The records: what a citizen already has and must not be asked for again, lookups of records
//! for a stated purpose, and what proves a record.
//!
//! Whoever reads a record leaves a lookup behind, with who, why and for which dossier; there is
//! no other way to one.

mod audit;
mod lookups;
mod near;
mod proof;
mod reads;
mod reports;
mod requirements;
mod revise;
mod subjects;
mod words;

use archive::Archive;
use filing::Kinds;
use schemas::ids::OfficeCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use proof::{PageProof, Proof};

/// The desk that the records' routes are served from. Cheap to clone.
#[derive(Clone)]
pub struct RecordsDesk {
    archive: Archive,
    kinds: Kinds,
    office: OfficeCode,
}

impl RecordsDesk {
    /// A desk over that archive. `office` is the one that asks where none is named.
    #[must_use]
    pub fn new(archive: Archive, kinds: Kinds, office: OfficeCode) -> Self {
        Self { archive, kinds, office }
    }
}

/// The records' routes, served from that desk.
pub fn router(desk: RecordsDesk) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(requirements::ask_requirements))
        .routes(routes!(lookups::look_up))
        .routes(routes!(words::show_lookup))
        .routes(routes!(words::lookup_file))
        .routes(routes!(words::say_of_lookup))
        .routes(routes!(near::near_matches))
        .routes(routes!(near::resolve_near))
        .routes(routes!(reads::show_record))
        .routes(routes!(reads::record_file))
        .routes(routes!(reads::record_versions))
        .routes(routes!(proof::record_proof))
        .routes(routes!(revise::revoke_record))
        .routes(routes!(revise::supersede_record))
        .routes(routes!(revise::correct_record))
        .routes(routes!(reports::report))
        .routes(routes!(subjects::show_access))
        .routes(routes!(audit::audit_lines))
        .routes(routes!(audit::audit_heads))
        .with_state(desk)
}

#[cfg(test)]
mod tests;
