//! What proves a record beyond its hash: which signed PDF a sealed one became, and the agency's
//! signature over the record.

use jiff::Timestamp;
use schemas::ids::{Blake3, RecordId};

use super::Records;
use crate::database::micros;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

const SIGNED: &str = "select pdf from signed_pdf where sealed = $1";

// The first one stands, unless it is the one that is gone.
const PUT_SIGNED: &str = "
    insert into signed_pdf (sealed, pdf, signed_at) values ($1, $2, $3)
    on conflict (sealed) do update set pdf = excluded.pdf, signed_at = excluded.signed_at
    where signed_pdf.pdf = $4";

const PUT_PROOF: &str = "
    insert into record_proof (record_id, version, signature, signed_at) values ($1, $2, $3, $4)
    on conflict (record_id, version) do nothing";

const PROVEN: &str = "
    select body, signature from record
    left join record_proof using (record_id, version)
    where record_id = $1 and version = $2";

/// A record's own text, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The record's JSON as it was published, byte for byte: what its hash and its signature are
    /// over.
    pub body: String,
    /// The agency's signature over it (CMS, detached), as base64.
    pub signature: Option<String>,
}

impl Records {
    /// The signed PDF that a sealed one became. Its file may be gone.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn signed_pdf(&self, sealed: Blake3) -> Result<Option<Blake3>, ArchiveError> {
        let query = sqlx::query(SIGNED).bind(sealed.to_string());
        let row = query.fetch_optional(&self.db.readers).await.doing("reading a signing")?;
        row.map(|row| row.parsed("pdf")).transpose()
    }

    /// Keeps which signed PDF a sealed one became, and answers with the one that stands: the
    /// first, or this one where the first was `gone`.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn put_signed_pdf(
        &self,
        sealed: Blake3,
        pdf: Blake3,
        gone: Option<Blake3>,
        now: Timestamp,
    ) -> Result<Blake3, ArchiveError> {
        let doing = "keeping a signing";
        let mut change = self.db.change().await?;
        let put = sqlx::query(PUT_SIGNED).bind(sealed.to_string()).bind(pdf.to_string());
        let put = put.bind(micros(now)).bind(gone.unwrap_or(pdf).to_string());
        put.execute(change.on()).await.doing(doing)?;
        let row = sqlx::query(SIGNED).bind(sealed.to_string()).fetch_one(change.on()).await;
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
        Ok(Some(Proven { body: row.take("body")?, signature }))
    }
}
