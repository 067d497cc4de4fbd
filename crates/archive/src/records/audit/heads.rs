//! Heads: the chain as it was at moments, signed. Who signs is not known here.

use jiff::{SignedDuration, Timestamp};
use schemas::audit::{AuditHead, SignedHead};
use schemas::ids::Blake3;
use sqlx::any::AnyRow;

use crate::database::micros;
use crate::error::{ArchiveError, Doing};
use crate::records::Records;
use crate::rows::{Columns, number, unreadable};

const CHAIN: &str = "select length, hash from chain where name = 'audit'";

const NEWEST: &str = "select place, at from audit_head order by place desc limit 1";

const PUT: &str = "
    insert into audit_head (place, hash, at, body, signature) values ($1, $2, $3, $4, $5)
    on conflict (place) do nothing";

const AFTER: &str = "
    select body, signature from audit_head where place > $1 order by place limit $2";

impl Records {
    /// The head that is to be signed: none where nothing was added since the newest one, or that
    /// one is younger than `apart`.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn head_due(
        &self,
        apart: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<AuditHead>, ArchiveError> {
        let doing = "looking at the audit";
        let chain = sqlx::query(CHAIN).fetch_one(&self.db.readers).await.doing(doing)?;
        let place: u64 = chain.int("length")?;
        let newest = sqlx::query(NEWEST).fetch_optional(&self.db.readers).await.doing(doing)?;
        let is_due = match newest {
            Some(head) => head.int::<u64>("place")? < place && head.time("at")? + apart <= now,
            None => 0 < place,
        };
        if !is_due {
            return Ok(None);
        }
        let hash: Blake3 = chain.parsed("hash")?;
        Ok(Some(AuditHead { place, hash, at: now.to_string() }))
    }

    /// Keeps a signed head; false where there is one of that place.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`] when it
    /// is no head.
    pub async fn put_head(&self, signed: &SignedHead) -> Result<bool, ArchiveError> {
        let head = signed.head().ok_or_else(|| unreadable("body"))?;
        let at: Timestamp = head.at.parse().map_err(|_| unreadable("at"))?;
        let mut change = self.db.change().await?;
        let put = sqlx::query(PUT).bind(number(head.place)).bind(head.hash.to_string());
        let put = put.bind(micros(at)).bind(&signed.body).bind(&signed.signature);
        let put = put.execute(change.on()).await.doing("keeping a head of the audit")?;
        change.commit().await?;
        Ok(put.rows_affected() > 0)
    }

    /// Signed heads after a place, in order.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn heads(&self, after: u64, limit: u32) -> Result<Vec<SignedHead>, ArchiveError> {
        let query = sqlx::query(AFTER).bind(number(after)).bind(i64::from(limit));
        let rows = query.fetch_all(&self.db.readers).await.doing("reading heads of the audit")?;
        rows.iter().map(signed).collect()
    }
}

pub(crate) fn signed(row: &AnyRow) -> Result<SignedHead, ArchiveError> {
    Ok(SignedHead { body: row.take("body")?, signature: row.take("signature")? })
}
