//! Jobs laid aside for a person, who has them tried again or gives them up.

use jiff::Timestamp;
use schemas::Uuid;
use schemas::access::Reach;
use schemas::api::{DossierEvent, DropWord, ParkedView};
use schemas::code::Reason;
use schemas::ids::{DossierId, PrincipalId};
use schemas::message::{Job, Message};
use sqlx::any::AnyRow;

use super::Records;
use super::held::{By, Held};
use super::listing::Listing;
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing, RetryError};
use crate::outbox::named;
use crate::queue::understood;
use crate::rows::{Columns, json};

/// Longest detail that is kept, in characters.
const DETAIL: usize = 2000;

const PARK_SCAN: &str = "
    update scan set state = 'parked', reason = $2 where scan_id = $1 and state = 'received'";

const PARK_PAGE: &str = "
    update page set state = 'parked', reason = $2 where page_id = $1 and state = 'waiting'";

// Filing that failed counts as done until somebody has it tried again.
const PARK_FILING: &str = "
    update dossier set filed_pages =
        (select count(*) from page where page.dossier_id = $1 and state = 'read')
    where dossier_id = $1 and cast($2 as text) is not null";

const PARK_DOCUMENT: &str = "
    update document set seal = 'parked'
    where document_id = $1 and seal = 'waiting' and revision = $3 and cast($2 as text) is not null";

const PUT: &str = "
    insert into parked (parked_id, dossier_id, job, target, message, attempts, reason, detail,
        parked_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (parked_id) do nothing";

// What is parked again is not given up any more.
const FORGET_DROPPED: &str = "delete from dropped where parked_id = $1";

macro_rules! list {
    ($which:literal) => {
        concat!(
            "select parked_id, job, target, code, attempts, reason, detail, parked_at
             from parked join dossier using (dossier_id)
             where parked_at >= $2 and (parked_at > $2 or parked_id > $3) ",
            $which,
            " order by parked_at, parked_id limit $1"
        )
    };
}
const LISTING: Listing = Listing {
    doing: "reading parked jobs",
    everywhere: list!(""),
    of_office: list!("and (office = $4 or substr(office, 1, length($4) + 1) = $4 || '.')"),
    order: ("parked_at", "parked_id"),
};

const ONE: &str = "
    select parked_id, job, target, code, attempts, reason, detail, parked_at
    from parked join dossier using (dossier_id)
    where parked_id = $1";

const ONE_DROPPED: &str = "
    select parked_id, job, target, code, attempts, reason, detail, parked_at, because, principal,
        dropped_at
    from dropped join dossier using (dossier_id)
    where parked_id = $1";

const WHOSE: &str = "select dossier_id from parked where parked_id = $1";

const TAKE: &str = "delete from parked where parked_id = $1 returning message";

const DROP: &str = "
    insert into dropped (parked_id, dossier_id, job, target, attempts, reason, detail, parked_at,
        because, principal, dropped_at)
    select parked_id, dossier_id, job, target, attempts, reason, detail, parked_at, $2, $3, $4
    from parked where parked_id = $1
    on conflict (parked_id) do update set because = excluded.because,
        principal = excluded.principal, dropped_at = excluded.dropped_at";

const TAKE_DROPPED: &str = "delete from parked where parked_id = $1 returning job, target, reason";

// A job that nobody understood is parked while what it was for still waits.
const AGAIN_SCAN: &str = "
    update scan set state = 'received', reason = null
    where scan_id = $1 and state in ('parked', 'received')";

const AGAIN_PAGE: &str = "
    update page set state = 'waiting', reason = null
    where page_id = $1 and state in ('parked', 'waiting')";

const AGAIN_DOCUMENT: &str = "
    update document set seal = 'waiting'
    where document_id = $1 and seal in ('parked', 'waiting') and revision = $2";

// A job that nobody understood doesn't say what exactly it was for. Where another is on its way that
// decides.
const DROP_DOCUMENT: &str = "
    update document set seal = 'parked'
    where document_id = $1 and seal = 'waiting' and cast($2 as text) is not null
      and not exists (select 1 from job where target = $1)
      and not exists (select 1 from outbox where target = $1)";

const DROP_FILING: &str = "
    update dossier set filed_pages =
        (select count(*) from page where page.dossier_id = $1 and state = 'read')
    where dossier_id = $1 and filed_pages < 0 and cast($2 as text) is not null
      and not exists (select 1 from job where target = $1)
      and not exists (select 1 from outbox where target = $1)";

impl Records {
    /// Lays a job aside for a person. What it was to be done to is parked with it; when that was
    /// the dossier's last unread page, filing is announced. A job that was done meanwhile, or
    /// that a later filing made void, is not parked.
    ///
    /// `detail` is what the program said, for the operator; it must not hold personal data.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn park(
        &self,
        message: &Message,
        attempts: u32,
        reason: Reason,
        detail: &str,
    ) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let held = Held::take(&mut change, By::Id(message.dossier)).await?;
        let Some(held) = held else { return Ok(()) };
        let (name, target) = named(&message.job, message.dossier);
        let (sql, revision) = match &message.job {
            Job::Unpack { .. } => (PARK_SCAN, None),
            Job::Read { .. } => (PARK_PAGE, None),
            Job::File { .. } => (PARK_FILING, None),
            Job::Seal { revision, .. } => (PARK_DOCUMENT, Some(revision)),
        };
        let mut park = sqlx::query(sql).bind(target.to_string()).bind(reason.code());
        if let Some(revision) = revision {
            park = park.bind(revision);
        }
        let doing = "parking a job";
        if park.execute(change.on()).await.doing(doing)?.rows_affected() == 0 {
            return Ok(());
        }
        let parked = Parked { dossier: held.id, job: name, target, attempts, reason, detail };
        parked.put(&mut change, &json(message)?).await?;
        let event = DossierEvent::Parked {
            what: target.to_string(),
            code: reason.code().to_owned(),
            reason: reason.vi().to_owned(),
        };
        held.tell(&mut change, &event).await?;
        match message.job {
            Job::Unpack { .. } | Job::Read { .. } => held.file_when_read(&mut change).await?,
            Job::File { .. } | Job::Seal { .. } => _ = held.settle(&mut change).await?,
        }
        change.commit().await
    }

    /// Parked jobs, those that wait longest first.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn parked(&self, limit: u32) -> Result<Vec<ParkedView>, ArchiveError> {
        self.parked_within(&Reach::Everywhere, None, limit).await
    }

    /// Parked jobs of the offices within reach, those that wait longest first, after the one that
    /// was parked at that moment and has that id.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn parked_within(
        &self,
        reach: &Reach,
        after: Option<(Timestamp, Uuid)>,
        limit: u32,
    ) -> Result<Vec<ParkedView>, ArchiveError> {
        let (at, id) = after.map_or((0, String::new()), |(at, id)| (micros(at), id.to_string()));
        let ask = |sql| sqlx::query(sql).bind(i64::from(limit)).bind(at).bind(id.clone());
        let rows = LISTING.rows(&self.db, reach, limit, ask).await?;
        rows.iter().map(view).collect()
    }

    /// A parked job, or one that was given up.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn parked_one(&self, id: Uuid) -> Result<Option<ParkedView>, ArchiveError> {
        let doing = "reading a parked job";
        let query = sqlx::query(ONE).bind(id.to_string());
        if let Some(row) = query.fetch_optional(&self.db.readers).await.doing(doing)? {
            return view(&row).map(Some);
        }
        let query = sqlx::query(ONE_DROPPED).bind(id.to_string());
        let row = query.fetch_optional(&self.db.readers).await.doing(doing)?;
        let Some(row) = row else { return Ok(None) };
        let dropped = DropWord {
            reason: row.take("because")?,
            principal: row.parsed("principal")?,
            at: row.time("dropped_at")?.to_string(),
        };
        Ok(Some(ParkedView { dropped: Some(dropped), ..view(&row)? }))
    }

    /// Announces a parked job again. False when there is none with that id.
    ///
    /// # Errors
    /// [`RetryError::MessageUnknown`]: it stays parked. [`ArchiveError::Full`],
    /// [`ArchiveError::Unavailable`].
    pub async fn retry_parked(&self, id: Uuid) -> Result<bool, RetryError> {
        let doing = "retrying a parked job";
        let mut change = self.db.change().await?;
        let Some(held) = hold(&mut change, id).await? else { return Ok(false) };
        let row = sqlx::query(TAKE).bind(id.to_string()).fetch_optional(change.on()).await;
        let Some(row) = row.doing(doing)? else { return Ok(false) };
        // What it says that this program doesn't know would be lost.
        let message = understood(&row)?.ok_or(RetryError::MessageUnknown)?;
        let (_, target) = named(&message.job, held.id);
        let target = target.to_string();
        let again = match &message.job {
            Job::Unpack { .. } => Some(sqlx::query(AGAIN_SCAN).bind(target)),
            Job::Read { .. } => Some(sqlx::query(AGAIN_PAGE).bind(target)),
            Job::File { .. } => None,
            Job::Seal { revision, .. } => {
                Some(sqlx::query(AGAIN_DOCUMENT).bind(target).bind(revision.clone()))
            }
        };
        match again {
            None => held.file(&mut change).await?,
            Some(again) => {
                if again.execute(change.on()).await.doing(doing)?.rows_affected() > 0 {
                    held.unsettle(&mut change).await?;
                    held.announce_now(&mut change, message.job).await?;
                }
            }
        }
        change.told = true;
        change.commit().await?;
        Ok(true)
    }

    /// Gives a parked job up for good, with what that principal says why: what it was for stays
    /// parked. False when there is none with that id.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn drop_parked(
        &self,
        id: Uuid,
        principal: PrincipalId,
        because: &str,
    ) -> Result<bool, ArchiveError> {
        let doing = "giving a parked job up";
        let mut change = self.db.change().await?;
        let Some(held) = hold(&mut change, id).await? else { return Ok(false) };
        let now = change.now;
        let drop = sqlx::query(DROP).bind(id.to_string()).bind(because);
        let drop = drop.bind(principal.to_string()).bind(now).execute(change.on()).await;
        drop.doing(doing)?;
        let row = sqlx::query(TAKE_DROPPED).bind(id.to_string()).fetch_optional(change.on()).await;
        let Some(row) = row.doing(doing)? else { return Ok(false) };
        let job: String = row.take("job")?;
        let park = match job.as_str() {
            "unpack" => Some(PARK_SCAN),
            "read" => Some(PARK_PAGE),
            "seal" => Some(DROP_DOCUMENT),
            "file" => Some(DROP_FILING),
            _ => None,
        };
        if let Some(park) = park {
            let (target, reason): (String, String) = (row.take("target")?, row.take("reason")?);
            let park = sqlx::query(park).bind(target).bind(reason).execute(change.on()).await;
            // What was waiting until now is no longer waited for.
            if park.doing(doing)?.rows_affected() > 0 {
                match job.as_str() {
                    "seal" | "file" => _ = held.settle(&mut change).await?,
                    _ => held.file_when_read(&mut change).await?,
                }
            }
        }
        change.commit().await?;
        Ok(true)
    }
}

/// Takes hold of the dossier of a parked job; none where there is no such job.
async fn hold(change: &mut Change<'_>, id: Uuid) -> Result<Option<Held>, ArchiveError> {
    let whose = sqlx::query(WHOSE).bind(id.to_string()).fetch_optional(change.on()).await;
    let Some(whose) = whose.doing("looking for a parked job")? else { return Ok(None) };
    let dossier: DossierId = whose.parsed("dossier_id")?;
    let held = Held::take(change, By::Id(dossier)).await?;
    held.ok_or_else(|| super::dossiers::missing(dossier)).map(Some)
}

/// A job to be laid aside.
pub(crate) struct Parked<'a> {
    pub(crate) dossier: DossierId,
    pub(crate) job: &'a str,
    pub(crate) target: Uuid,
    pub(crate) attempts: u32,
    pub(crate) reason: Reason,
    pub(crate) detail: &'a str,
}

impl Parked<'_> {
    /// What is kept of the detail. PostgreSQL keeps no NUL.
    fn detail(&self) -> String {
        self.detail.chars().filter(|&letter| letter != '\0').take(DETAIL).collect()
    }

    /// Lays it aside with its message. The same job of the same thing is parked once.
    pub(crate) async fn put(
        &self,
        change: &mut Change<'_>,
        message: &str,
    ) -> Result<(), ArchiveError> {
        let now = change.now;
        let id = Uuid::new_v5(&self.target, self.job.as_bytes()).to_string();
        let forget = sqlx::query(FORGET_DROPPED).bind(&id).execute(change.on()).await;
        forget.doing("parking a job")?;
        sqlx::query(PUT)
            .bind(id)
            .bind(self.dossier.to_string())
            .bind(self.job)
            .bind(self.target.to_string())
            .bind(message)
            .bind(i64::from(self.attempts))
            .bind(self.reason.code())
            .bind(self.detail())
            .bind(now)
            .execute(change.on())
            .await
            .doing("parking a job")?;
        Ok(())
    }
}

fn view(row: &AnyRow) -> Result<ParkedView, ArchiveError> {
    let reason: Reason = row.word("reason")?;
    Ok(ParkedView {
        id: row.parsed("parked_id")?,
        job: row.take("job")?,
        what: row.take("target")?,
        dossier: row.parsed("code")?,
        attempts: row.int("attempts")?,
        code: reason.code().to_owned(),
        reason: reason.vi().to_owned(),
        detail: row.take("detail")?,
        parked_at: row.time("parked_at")?.to_string(),
        dropped: None,
    })
}
