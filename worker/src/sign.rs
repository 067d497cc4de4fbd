//! Signing: the officer's signature and the agency's on a sealed document, and the agency's over
//! its record. What is signed once stays: a job done again finds the signed file and asks no key.

use std::sync::Arc;
use std::time::Duration;

use archive::ArchiveError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};
use schemas::Uuid;
use schemas::ids::{Blake3, RecordId};
use sealing::{Corner, Mark, Room, RoomError};
use signing::{SignFailed, Signature, Signer};

use crate::consume::{Desk, Failure};

/// Who signs for this office.
#[derive(Clone, Default)]
pub struct Signing {
    /// The officer who scanned; signs first, and shows at the top left.
    pub officer: Option<Arc<dyn Signer>>,
    /// The agency; signs last, and vouches for the record as well.
    pub agency: Option<Arc<dyn Signer>>,
    /// Whether the agency's signature shows, at the top right.
    pub agency_shows: bool,
    /// Who says when it was.
    pub authority: Option<Authority>,
}

impl Signing {
    fn is_none(&self) -> bool {
        self.officer.is_none() && self.agency.is_none()
    }
}

/// A time stamp authority (RFC 3161 over HTTP).
#[derive(Clone)]
pub struct Authority {
    url: Url,
    client: Client,
}

/// Nothing was signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SigningFailed {
    #[error(transparent)]
    Key(#[from] SignFailed),
    #[error(transparent)]
    Room(#[from] RoomError),
    #[error("time stamp authority can't be asked: {0}")]
    Authority(String),
    #[error("signing panicked")]
    Panicked,
}

/// How long an authority may take.
const ANSWER: Duration = Duration::from_secs(20);
/// Longest answer; with many certificates they have 8 kB.
const MAX_ANSWER: usize = 64 << 10;

impl Authority {
    /// The authority at that address.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn at(url: Url) -> anyhow::Result<Self> {
        Ok(Self { url, client: Client::builder().timeout(ANSWER).no_proxy().build()? })
    }

    async fn stamp(&self, signature: Signature) -> Result<Signature, SigningFailed> {
        // Without the address: it may hold a password.
        let failed =
            |error: reqwest::Error| SigningFailed::Authority(error.without_url().to_string());
        let (nonce, _) = Uuid::new_v4().as_u64_pair();
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/timestamp-query")
            .body(signature.stamp_request(nonce)?);
        let answer = request.send().await.and_then(|answer| answer.error_for_status());
        let (mut answer, mut bytes) = (answer.map_err(failed)?, Vec::new());
        while let Some(part) = answer.chunk().await.map_err(failed)? {
            bytes.extend(part);
            if MAX_ANSWER < bytes.len() {
                return Err(SigningFailed::Authority("its answer is too long".to_owned()));
            }
        }
        Ok(signature.stamped(&bytes, nonce)?)
    }
}

/// Signs a sealed document; answers with the signed one's hash and size, the file being kept.
/// Unsigned it stays where nobody signs.
pub(crate) async fn sign(desk: &Desk, sealed: Vec<u8>) -> Result<(Blake3, u64), Failure> {
    let blobs = &desk.archive.blobs;
    let put = async |pdf: &[u8]| Ok((blobs.put(pdf).await?, pdf.len() as u64));
    if desk.signing.is_none() {
        return put(&sealed).await;
    }
    let own = Blake3(*blake3::hash(&sealed).as_bytes());
    let before = desk.archive.records.signed_pdf(own).await?;
    if let Some(before) = before {
        match blobs.get(before).await {
            // Put once more, so that nobody takes it for one that no row needs.
            Ok(signed) => return put(&signed).await,
            Err(
                ArchiveError::Missing(_) | ArchiveError::Corrupt { .. } | ArchiveError::Erased(_),
            ) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let Signing { officer, agency, agency_shows, .. } = &desk.signing;
    let mut pdf = sealed;
    if let Some(officer) = officer {
        let corner = Some(Corner::TopLeft);
        pdf = add(desk, pdf, officer.clone(), "Người số hóa", corner).await?;
    }
    if let Some(agency) = agency {
        let corner = agency_shows.then_some(Corner::TopRight);
        pdf = add(desk, pdf, agency.clone(), "Cơ quan", corner).await?;
    }
    let (key, bytes) = put(&pdf).await?;
    let records = &desk.archive.records;
    let stands = records.put_signed_pdf(own, key, before, Timestamp::now()).await?;
    if stands == key {
        return Ok((key, bytes));
    }
    // Somebody else did the same job at the same time, and was first.
    put(&blobs.get(stands).await?).await
}

/// Has the agency sign every version of a record, as it was published, that it hasn't: a version
/// may have been corrected before its turn came.
pub(crate) async fn prove(desk: &Desk, record: RecordId) -> Result<(), Failure> {
    let Some(agency) = desk.signing.agency.clone() else { return Ok(()) };
    let records = &desk.archive.records;
    for (version, body) in records.unproven(record).await? {
        let (agency, digest) = (agency.clone(), signing::sha256(&[body.as_bytes()]));
        let signature = aside(move || signing::sign(&*agency, &digest)).await?;
        let signature = stamped(desk, signature).await?;
        let signature = STANDARD.encode(signature.to_der().map_err(SigningFailed::from)?);
        records.put_proof(record, version, &signature, Timestamp::now()).await?;
    }
    Ok(())
}

/// One signature more.
async fn add(
    desk: &Desk,
    pdf: Vec<u8>,
    signer: Arc<dyn Signer>,
    role: &'static str,
    corner: Option<Corner>,
) -> Result<Vec<u8>, Failure> {
    let name = signer.chain().name();
    let with_stamp = desk.signing.authority.is_some();
    let made = move || -> Result<(Room, Signature), SigningFailed> {
        let mark = Mark {
            name: name.as_ref().map_or("", |name| name.reveal()),
            role,
            at: Timestamp::now(),
            corner,
            room: signer.chain().room(with_stamp),
        };
        let room = sealing::make_room(&pdf, &mark)?;
        let digest = signing::sha256(&room.covered());
        Ok((room, signing::sign(&*signer, &digest)?))
    };
    let (room, signature) = aside(made).await?;
    let signature = stamped(desk, signature).await?;
    let signature = signature.to_der().map_err(SigningFailed::from)?;
    Ok(room.fill(&signature).map_err(SigningFailed::from)?)
}

async fn stamped(desk: &Desk, signature: Signature) -> Result<Signature, SigningFailed> {
    match &desk.signing.authority {
        Some(authority) => authority.stamp(signature).await,
        None => Ok(signature),
    }
}

/// Keys may block: a token takes a second.
async fn aside<T: Send + 'static, E: Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, SigningFailed>
where
    SigningFailed: From<E>,
{
    #[expect(clippy::disallowed_methods, reason = "the worker's one door to CPU work of its own")]
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_| SigningFailed::Panicked)??)
}
