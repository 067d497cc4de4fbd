//! What proves a record beyond its hash: which signed PDF a sealed one became, and the agency's
//! signature over the record.

use jiff::Timestamp;
use schemas::ids::{Blake3, DocumentId, PrincipalId, RecordId};
use schemas::record::ProofState;
use sqlx::Any;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;

use super::Records;
use super::filing::FORGET_PARKED;
use super::held::{By, Held};
use crate::database::micros;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

const SIGNED: &str = "select pdf from signed_pdf where sealed = $1";

const SIGNED_BY: &str = "
    select pdf from officer_pdf where sealed = $1 and principal_id = $2";

// The first one stands, unless it is the one that is gone.
const PUT_SIGNED: &str = "
    insert into signed_pdf (sealed, pdf, signed_at) values ($1, $2, $3)
    on conflict (sealed) do update set pdf = excluded.pdf, signed_at = excluded.signed_at
    where signed_pdf.pdf = $4";

const PUT_SIGNED_BY: &str = "
    insert into officer_pdf (sealed, pdf, signed_at, principal_id) values ($1, $2, $3, $5)
    on conflict (sealed, principal_id)
    do update set pdf = excluded.pdf, signed_at = excluded.signed_at
    where officer_pdf.pdf = $4";

const PUT_PROOF: &str = "
    insert into record_proof (record_id, version, signature, signed_at) values ($1, $2, $3, $4)
    on conflict (record_id, version) do nothing";

const PROVEN: &str = "
    select body, signature, signature is not null as signed, d.record_version is not null as pending
    from record r
    left join record_proof using (record_id, version)
    left join document d on d.document_id = r.document_id and d.record_version = version
        and d.seal in ('waiting', 'parked')
    where record_id = $1 and version = $2";

const UNPROVEN: &str = "
    select r.version, body from record r
    left join record_proof p on p.record_id = r.record_id and p.version = r.version
    where r.record_id = $1 and p.signature is null
    order by r.version";

// Corrected once more meanwhile, it waits for the proof of that.
const SEALED: &str = "
    update document set seal = 'sealed'
    where document_id = $1 and record_version = $2 and seal in ('waiting', 'parked')";

/// A sealed PDF, and who signs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedPdf {
    /// blake3 of it, before it is signed.
    pub blake3: Blake3,
    /// The officer who signs with a key of their own; none where it is the office's, or nobody's.
    pub officer: Option<PrincipalId>,
}

impl SealedPdf {
    fn query(&self) -> Query<'static, Any, AnyArguments> {
        let sealed = self.blake3.to_string();
        match self.officer {
            None => sqlx::query(SIGNED).bind(sealed),
            Some(officer) => sqlx::query(SIGNED_BY).bind(sealed).bind(officer.to_string()),
        }
    }
}

/// A record's own text, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The record's JSON as it was published, byte for byte: what its hash and its signature are
    /// over.
    pub body: String,
    /// The agency's signature over it (CMS, detached), as base64.
    pub signature: Option<String>,
    /// Whether that is there, or still to come.
    pub state: ProofState,
}

/// Whether a version is `signed`, or `pending` with its document.
pub(super) fn proof_state(row: &AnyRow) -> Result<ProofState, ArchiveError> {
    Ok(match (row.flag("signed")?, row.flag("pending")?) {
        (true, _) => ProofState::Signed,
        (false, true) => ProofState::Pending,
        (false, false) => ProofState::None,
    })
}

impl Records {
    /// The signed PDF that a sealed one became. Its file may be gone.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn signed_pdf(&self, sealed: SealedPdf) -> Result<Option<Blake3>, ArchiveError> {
        let row = sealed.query().fetch_optional(&self.db.readers).await;
        let row = row.doing("reading a signing")?;
        row.map(|row| row.parsed("pdf")).transpose()
    }

    /// Keeps which signed PDF a sealed one became, and answers with the one that stands: the
    /// first, or this one where the first was `gone`.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn put_signed_pdf(
        &self,
        sealed: SealedPdf,
        pdf: Blake3,
        gone: Option<Blake3>,
        now: Timestamp,
    ) -> Result<Blake3, ArchiveError> {
        let doing = "keeping a signing";
        let mut change = self.db.change().await?;
        let sql = if sealed.officer.is_some() { PUT_SIGNED_BY } else { PUT_SIGNED };
        let put = sqlx::query(sql).bind(sealed.blake3.to_string()).bind(pdf.to_string());
        let put = put.bind(micros(now)).bind(gone.unwrap_or(pdf).to_string());
        let put = match sealed.officer {
            None => put,
            Some(officer) => put.bind(officer.to_string()),
        };
        put.execute(change.on()).await.doing(doing)?;
        let row = sealed.query().fetch_one(change.on()).await;
        let stands = row.doing(doing)?.parsed("pdf")?;
        change.commit().await?;
        Ok(stands)
    }

    /// Keeps the agency's signature over a record as it was published; the first one stands.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn put_proof(
        &self,
        record: RecordId,
        version: u32,
        signature: &str,
        now: Timestamp,
    ) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let put = sqlx::query(PUT_PROOF).bind(record.to_string()).bind(i64::from(version));
        let put = put.bind(signature).bind(micros(now));
        put.execute(change.on()).await.doing("keeping a proof")?;
        change.commit().await
    }

    /// A version of a record as it was published, with its signature.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn proven(
        &self,
        record: RecordId,
        version: u32,
    ) -> Result<Option<Proven>, ArchiveError> {
        let query = sqlx::query(PROVEN).bind(record.to_string()).bind(i64::from(version));
        let row = query.fetch_optional(&self.db.readers).await.doing("reading a proof")?;
        let Some(row) = row else { return Ok(None) };
        let signature = row.take::<Option<String>>("signature")?;
        Ok(Some(Proven { body: row.take("body")?, signature, state: proof_state(&row)? }))
    }

    /// Versions of a record that the agency doesn't vouch for yet, the first one first: each as it
    /// was published, byte for byte.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn unproven(&self, record: RecordId) -> Result<Vec<(u32, String)>, ArchiveError> {
        let query = sqlx::query(UNPROVEN).bind(record.to_string());
        let rows = query.fetch_all(&self.db.readers).await.doing("reading a proof")?;
        rows.iter().map(|row| Ok((row.int("version")?, row.take("body")?))).collect()
    }

    /// Nothing is left to be done with a document that was published as that version of its
    /// record: where it waited for the proof of a correction, it waits no longer.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn proof_done(&self, document: DocumentId, version: u32) -> Result<(), ArchiveError> {
        let doing = "ending a proof";
        let mut change = self.db.change().await?;
        let held = Held::take(&mut change, By::Document(document)).await?;
        let Some(held) = held else { return Ok(()) };
        let sealed = sqlx::query(SEALED).bind(document.to_string()).bind(i64::from(version));
        if sealed.execute(change.on()).await.doing(doing)?.rows_affected() > 0 {
            let forget = sqlx::query(FORGET_PARKED).bind(document.to_string());
            forget.execute(change.on()).await.doing(doing)?;
            held.settle(&mut change).await?;
        }
        change.commit().await
    }
}
