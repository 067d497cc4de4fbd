//! Speaking with others: events to those who asked for them, as signed webhooks and on a topic of
//! a broker, and what hangs on its way, with the reason.
//!
//! What must leave was written down with the change that it tells of ([`archive::Subscriber`]).
//! Here it is sent, again and again with growing pauses, until the other side has it or a person
//! decides.

mod address;
mod deliveries;
mod export;
mod inquiries;
mod kho;
mod national;
mod post;
mod sender;
mod signature;
mod topic;

use std::sync::Arc;

use archive::Archive;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use inquiries::{AskKho, InquiryFileView, InquiryView, Kho, OtherKho};
pub use kho::{KhoAnswer, KhoFileQuestion, KhoQuestion, KhoResult, WantedResult};
pub use national::{Identity, NationalDossier, Paper, ResultPaper, Synchronisation, Terms};
pub use post::{Post, PostError, Reach};
pub use sender::{Backoff, Channel, Key, Sender, Target, run};
pub use signature::{Secret, SecretError, Secrets};

/// The desk that the exchange's routes are served from. Cheap to clone.
#[derive(Clone)]
pub struct ExchangeDesk {
    archive: Archive,
    terms: Arc<Terms>,
    kho: Arc<[Kho]>,
}

impl ExchangeDesk {
    /// A desk over that archive, which tells of dossiers on those terms, and asks those Kho.
    #[must_use]
    pub fn new(archive: Archive, terms: Arc<Terms>, kho: Arc<[Kho]>) -> Self {
        Self { archive, terms, kho }
    }
}

/// The exchange's routes, served from that desk.
pub fn router(desk: ExchangeDesk) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(deliveries::list_deliveries))
        .routes(routes!(deliveries::retry_delivery))
        .routes(routes!(deliveries::drop_delivery))
        .routes(routes!(export::export_dossiers))
        .routes(routes!(kho::ask_kho))
        .routes(routes!(kho::fetch_from_kho))
        .routes(routes!(inquiries::ask))
        .routes(routes!(inquiries::of_dossier))
        .routes(routes!(inquiries::file))
        .routes(routes!(inquiries::say))
        .with_state(desk)
}
