//! What proves a record: the hashes of its scans, page images, PDF/A and of the record itself,
//! each with what it was computed over, so that anybody can compute it again.

use axum::extract::State;
use problem::{Answer, Json, Path, Problem};
use schemas::code::Reason;
use schemas::ids::{Blake3, PageId, RecordId};
use schemas::record::{Record, RecordState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::RecordsDesk;
use crate::reads::record_id;

/// What proves a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proof {
    /// The record.
    pub record: RecordId,
    /// Its version.
    pub version: u32,
    /// Where it stands.
    pub state: RecordState,
    /// When it was published; RFC 3339, UTC.
    pub published_at: String,
    /// blake3 of the record's compact JSON, in UTF-8, as `GET /v1/records/{id}` gives it, with
    /// `hash` left out and `state` as it was on publishing: `published`.
    pub hash: Blake3,
    /// Whether `hash`, computed again just now, is still the one that was stored.
    pub hash_holds: bool,
    /// blake3 of the PDF/A, as `GET /v1/records/{id}/file` gives it.
    pub pdf: Blake3,
    /// Size of the PDF/A in bytes.
    pub pdf_bytes: u64,
    /// Its pages, in order.
    pub pages: Vec<PageProof>,
}

/// What proves a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PageProof {
    /// The page.
    pub page: PageId,
    /// blake3 of the file that it was cut from, exactly as the station sent it.
    pub scan: Blake3,
    /// Place in that file, from 0.
    pub seq: u32,
    /// blake3 of the page image that stands in the PDF/A.
    pub image: Blake3,
}

/// Prove a record: hashes of scans, page images, PDF/A and record.
#[utoipa::path(
    get,
    path = "/v1/records/{id}/proof",
    tag = "records",
    extensions(("x-permission" = json!(["look_up", "audit"]))),
    params(("id" = String, Path, format = Uuid, description = "The record")),
    responses(
        (status = 200, description = "Hashes, and what they were computed over", body = Proof),
        (status = 404, description = "`record.unknown`", body = schemas::api::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn record_proof(
    State(desk): State<RecordsDesk>,
    Path(id): Path<String>,
) -> Answer<Json<Proof>> {
    let record = desk.archive.records.record(record_id(&id)?, None).await?;
    Ok(Json(prove(record.ok_or(Reason::RecordUnknown)?)?))
}

fn prove(mut record: Record) -> Answer<Proof> {
    let state = std::mem::replace(&mut record.state, RecordState::Published);
    let stored = record.hash.take();
    let json = serde_json::to_vec(&record).map_err(|_| Problem::new(Reason::Internal))?;
    let computed = Blake3(*blake3::hash(&json).as_bytes());
    let pages = record.pages.iter().map(|page| PageProof {
        page: page.page,
        scan: page.scan,
        seq: page.seq,
        image: page.image,
    });
    Ok(Proof {
        record: record.id,
        version: record.version,
        state,
        hash: stored.unwrap_or(computed),
        hash_holds: stored == Some(computed),
        pdf: record.pdf,
        pdf_bytes: record.pdf_bytes,
        pages: pages.collect(),
        published_at: record.published_at,
    })
}
