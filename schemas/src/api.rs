//! Bodies of the HTTP interface. `schemas/openapi.json` is generated from these.

mod audit;
mod deliveries;
mod dossiers;
mod kho;
mod once;
mod people;
mod procedures;
mod reports;
mod requirements;
mod review;
mod scans;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use audit::{AccessAnswer, AccessRequest, AccessView, AuditPage, OwnedRecord};
pub use deliveries::{DeliveryFate, DeliveryTrouble, DeliveryView};
pub use dossiers::{
    Answers, ComponentStatus, ComponentView, DocumentVerdict, DocumentView, DossierEvent,
    DossierState, DossierView, MOST_OTHERS, OpenDossier, PageCounts, Party, RawSubject,
};
pub use kho::{InquirySaid, InquiryState, KhoFile, KhoPaper, SayOfInquiry};
pub use once::{
    AskAgain, AskReason, AskedAgain, CorrectRecord, HeldAgain, LookupNote, LookupSaid, LookupWord,
    NearFound, NearMatch, RecordChange, RecordStanding, RecordWarning, ResolveNear, RevokeRecord,
    SayOfLookup, SupersedeRecord, TypedField,
};
pub use people::{
    ChangePassword, ConfirmFactor, Duty, FactorOffer, GivenPassword, LogIn, MakePerson,
    OfferFactor, PersonView, RecoveryCodes, SessionView, SetGrants,
};
pub use procedures::{ImportCounts, ProcedureSummary};
pub use reports::{Figure, Indicator, Report, ReportGroup, ReportRow};
pub use requirements::{Lookup, LookupRequest, RecordVersion, Requirements, RequirementsRequest};
pub use review::{AssignDocument, DropParked, DropWord, ParkedView};
pub use scans::{FlawView, PageState, PageView, Receipt, ScanState, ScanView, Warning};

/// A refusal, as RFC 9457 has it, with a stable `code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:sohoa:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in Vietnamese.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Stable code: `dossier.closed`.
    pub code: String,
    /// What exactly, for the one who made the request. Never personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A file's bytes as a body, for the description of the interface only.
#[derive(Debug, Clone, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct Binary(pub Vec<u8>);
