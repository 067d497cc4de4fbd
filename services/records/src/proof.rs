//! What proves a record: the hashes of its scans, page images, PDF/A and of the record itself,
//! each with what it was computed over, so that anybody can compute it again; and, for who may look
//! up and says why, the record's own text with the agency's signature over it, so that PDF and
//! proof prove the record where no server answers (`sohoa verify`).
//!
//! The proof lies beside the PDF and not in it: the record's hash is over the PDF's, and PDF/A-2
//! takes no attachment but PDF/A.

use access::Asker;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use problem::{Answer, Json, Path, Problem};
use schemas::access::Permission;
use schemas::code::Reason;
use schemas::ids::{Blake3, PageId, RecordId};
use schemas::record::{ProofState, Record, RecordState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::RecordsDesk;
use crate::reads::{found, read, record_id, states_why, with_lookup};

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
    /// What `hash` is over, byte for byte. Personal: only for who may look up and says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The agency's signature over `body` (CMS, detached, DER), as base64; with `body`, and only
    /// where the office signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Whether that signature is there, or still to come: a version that was corrected is in use
    /// at once, and signed where the keys are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing: Option<ProofState>,
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
///
/// With `Sohoa-Purpose` and `Sohoa-Asked-By` also the record's own text and the agency's signature
/// over it; that is a read of the record and leaves a lookup. Kept beside the PDF, each by the name
/// that it is handed out under, `sohoa verify FILE.pdf` finds it. Nothing of the text is for who
/// may `audit` and not `look_up`, whatever the headers say: they are given the hashes, whether
/// those hold, and whether the signature is there.
#[utoipa::path(
    get,
    path = "/v1/records/{id}/proof",
    tag = "records",
    extensions(("x-permission" = json!(["look_up", "audit"]))),
    params(
        ("id" = String, Path, format = Uuid, description = "The record"),
        ("Sohoa-Purpose" = Option<String>, Header, description = "What for: 5 to 500 characters, ASCII or percent-encoded UTF-8", example = "Kiem tra ho so"),
        ("Sohoa-Asked-By" = Option<String>, Header, description = "Officer or system that asks", example = "can-bo-quay-3"),
        ("Sohoa-Legal-Basis" = Option<String>, Header, description = "Law that allows it"),
        ("Sohoa-Dossier" = Option<String>, Header, description = "Dossier that it is for", example = "H26-261120-0001"),
    ),
    responses(
        (status = 200, description = "Hashes, and what they were computed over", body = Proof),
        (status = 400, description = "`request.invalid`: a purpose without who asks, or the other way"),
        (status = 404, description = "`record.unknown`, `dossier.unknown`"),
        (status = 410, description = "`record.erased`"),
        (status = 409, description = "`record.not_usable`"),
    ),
)]
pub(crate) async fn record_proof(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Response> {
    let reader = asker.with(Permission::LookUp).filter(|_| states_why(&headers));
    let Some(reader) = reader else {
        let record = found(&desk, record_id(&id)?).await?;
        let proven = desk.archive.records.proven(record.id, record.version).await?;
        let proof = prove(record)?;
        let signing = proven.map(|proven| proven.state);
        return Ok(Json(Proof { signing, ..proof }).into_response());
    };
    let lookup = read(&desk, &reader, &id, &headers).await?;
    let record = lookup.record.clone();
    let proven = desk.archive.records.proven(record.id, record.version).await?;
    let proven = proven.ok_or(Reason::RecordUnknown)?;
    let proof = prove(record)?;
    let (signature, signing) = (proven.signature, Some(proven.state));
    let proof = Proof { body: Some(proven.body), signature, signing, ..proof };
    let name = format!("attachment; filename=\"{}-v{}.proof.json\"", proof.record, proof.version);
    let headers = [(header::CONTENT_DISPOSITION, name)];
    Ok(with_lookup(&lookup, (headers, Json(proof)).into_response()))
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
        body: None,
        signature: None,
        signing: None,
    })
}
