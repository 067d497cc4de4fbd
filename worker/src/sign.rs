//! Signing: the officer's signature and the agency's on a sealed document, and the agency's over
//! its record. What is signed once stays: a job done again finds the signed file and asks no key.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use archive::{ArchiveError, SealedPdf};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};
use schemas::Uuid;
use schemas::ids::{Blake3, PrincipalId, RecordId};
use sealing::{Corner, Mark, Room, RoomError};
use signing::{SignFailed, Signature, Signer};

use crate::consume::{Desk, Failure};

/// Who signs for this office.
#[derive(Clone, Default)]
pub struct Signing {
    /// Officers with a key of their own, by the name of the principal who scans; the one who
    /// scanned a paper's first page signs first, and shows at the top left.
    pub officers: HashMap<String, Arc<dyn Signer>>,
    /// Signs in place of whoever has no key of their own.
    pub officer: Option<Arc<dyn Signer>>,
    /// Whether that is only for what was scanned before it was kept by whom.
    pub personal_only: bool,
    /// The agency; signs last, and vouches for the record as well.
    pub agency: Option<Arc<dyn Signer>>,
    /// Whether the agency's signature shows, at the top right.
    pub agency_shows: bool,
    /// Who says when it was.
    pub authority: Option<Authority>,
}

impl Signing {
    fn is_none(&self) -> bool {
        self.officers.is_empty() && self.officer.is_none() && self.agency.is_none()
    }

    /// Who signs what somebody of that name scanned, if any officer does.
    fn officer(&self, scanner: Option<&str>) -> Result<Officer, SigningFailed> {
        if let Some(own) = scanner.and_then(|name| self.officers.get(name)) {
            return Ok(Officer::Own(own.clone()));
        }
        let for_others = scanner.is_none() || !self.personal_only;
        match self.officer.as_ref().filter(|_| for_others) {
            Some(officer) => Ok(Officer::Offices(officer.clone())),
            None if self.officers.is_empty() => Ok(Officer::Nobody),
            None => Err(SigningFailed::NoOfficer),
        }
    }
}

/// Which officer's key signs a paper.
enum Officer {
    /// That of whoever scanned it.
    Own(Arc<dyn Signer>),
    /// The office's, in their place.
    Offices(Arc<dyn Signer>),
    /// The agency alone signs here.
    Nobody,
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
    #[error("whoever scanned the first page has no key to sign with")]
    NoOfficer,
    #[error(transparent)]
    Room(#[from] RoomError),
    #[error("time stamp authority can't be asked: {0}")]
    Authority(String),
    #[error("signing panicked")]
    Panicked,
}

/// How long an authority may take.
const ANSWER: Duration = Duration::from_secs(20);
/// How long a key may take: on a token it waits half a minute for its turn, and signs in a second.
const KEY: Duration = Duration::from_secs(60);
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

/// Signs a sealed document, first for whoever scanned it; answers with the signed one's hash and
/// size, the file being kept. Unsigned it stays where nobody signs.
pub(crate) async fn sign(
    desk: &Desk,
    pdf: Vec<u8>,
    scanned_by: Option<PrincipalId>,
) -> Result<(Blake3, u64), Failure> {
    let records = &desk.archive.records;
    let blobs = &desk.archive.blobs;
    let put = async |pdf: &[u8]| Ok((blobs.put(pdf).await?, pdf.len() as u64));
    if desk.signing.is_none() {
        return put(&pdf).await;
    }
    let scanner = match scanned_by {
        Some(id) => Some(records.principal_name(id).await?.unwrap_or_default()),
        None => None,
    };
    let officer = desk.signing.officer(scanner.as_deref())?;
    let sealed = SealedPdf {
        blake3: Blake3::of(&pdf),
        officer: scanned_by.filter(|_| matches!(officer, Officer::Own(_))),
    };
    let before = records.signed_pdf(sealed).await?;
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
    let Signing { agency, agency_shows, .. } = &desk.signing;
    let mut pdf = pdf;
    if let Officer::Own(officer) | Officer::Offices(officer) = officer {
        let corner = Some(Corner::TopLeft);
        pdf = add(desk, pdf, officer, "Người số hóa", corner).await?;
    }
    if let Some(agency) = agency {
        let corner = agency_shows.then_some(Corner::TopRight);
        pdf = add(desk, pdf, agency.clone(), "Cơ quan", corner).await?;
    }
    let (key, bytes) = put(&pdf).await?;
    let stands = records.put_signed_pdf(sealed, key, before, Timestamp::now()).await?;
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
        let signature = aside(KEY, move || signing::sign(&*agency, &digest)).await?;
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
        let room = sealing::make_room(pdf, &mark)?;
        let digest = signing::sha256(&room.covered());
        Ok((room, signing::sign(&*signer, &digest)?))
    };
    let (room, signature) = aside(KEY, made).await?;
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

/// Keys may block: a token takes a second, and one that hangs for ever. A call that is late is left
/// behind, and signs nothing any more.
async fn aside<T: Send + 'static, E: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, SigningFailed>
where
    SigningFailed: From<E>,
{
    #[expect(clippy::disallowed_methods, reason = "the worker's one door to CPU work of its own")]
    let working = tokio::task::spawn_blocking(work);
    let Ok(done) = tokio::time::timeout(limit, working).await else {
        let detail = format!("no answer within {} s", limit.as_secs());
        return Err(SigningFailed::Key(SignFailed::Key(detail)));
    };
    Ok(done.map_err(|_| SigningFailed::Panicked)??)
}

#[cfg(test)]
mod tests {
    use signing::{OwnKey, SoftKey};

    use super::*;

    fn key(name: &str) -> Arc<dyn Signer> {
        let own = OwnKey::of(&[7; 32], name).unwrap();
        Arc::new(SoftKey::of_pem(&own.key, own.pem.as_bytes()).unwrap())
    }

    /// Who signs what was scanned by `can-bo-1`, who may have a key, by `can-bo-2`, who has none,
    /// and by nobody knows whom.
    #[track_caller]
    fn check(signing: &Signing, want: [&str; 3]) {
        let signs = |scanner| match signing.officer(scanner) {
            Ok(Officer::Own(key)) => format!("{} alone", key.chain().name().unwrap().reveal()),
            Ok(Officer::Offices(key)) => key.chain().name().unwrap().reveal().to_owned(),
            Ok(Officer::Nobody) => "nobody".to_owned(),
            Err(failed) => {
                assert!(matches!(failed, SigningFailed::NoOfficer), "{failed}");
                "waits".to_owned()
            }
        };
        assert_eq!([Some("can-bo-1"), Some("can-bo-2"), None].map(signs), want);
    }

    #[tokio::test]
    async fn a_key_that_never_answers_is_one_that_cannot_be_used_now() {
        let (over, waits) = std::sync::mpsc::channel::<()>();
        let signing = aside(Duration::from_millis(50), move || {
            // The runtime waits for whatever blocks.
            assert!(waits.recv().is_err());
            Ok::<(), SignFailed>(())
        });
        let failed = signing.await;
        assert!(matches!(failed, Err(SigningFailed::Key(SignFailed::Key(_)))), "{failed:?}");
        drop(over);
    }

    #[test]
    fn nobody_signs_in_place_of_another_but_whom_the_office_names_for_it() {
        let own = || HashMap::from([("can-bo-1".to_owned(), key("one"))]);
        let office = || Some(key("office"));
        let none = Signing::default();
        check(&none, ["nobody", "nobody", "nobody"]);
        check(&Signing { officer: office(), ..none.clone() }, ["office", "office", "office"]);
        check(&Signing { officers: own(), ..none.clone() }, ["one alone", "waits", "waits"]);
        let both = Signing { officers: own(), officer: office(), ..none };
        check(&both, ["one alone", "office", "office"]);
        check(&Signing { personal_only: true, ..both }, ["one alone", "waits", "office"]);
    }
}
