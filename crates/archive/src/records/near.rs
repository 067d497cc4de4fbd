//! Near matches: lookups that were stopped since their subject is nearly an owner, and what a
//! person found who compared the papers. And old numbers, which identity cards tell.

use jiff::Timestamp;
use jiff::civil::Date;
use schemas::Uuid;
use schemas::access::Reach;
use schemas::api::{LookupRequest, NearFound, NearMatch};
use schemas::audit::{Act, AuditLine};
use schemas::ids::{OfficeCode, PrincipalId, RecordId};
use schemas::record::{BoundBy, FieldName, FieldSource, Record};
use schemas::subject::{Likeness, Name, Subject};
use sqlx::any::AnyRow;

use super::Records;
use super::audit::leave;
use super::listing::Listing;
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing};
use crate::rows::{Columns, json};

/// Whom a lookup asks about. The number may be an old one of nine digits.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Digits only.
    pub number: String,
    /// Full name.
    pub name: Name,
    /// Date of birth; none of organisations.
    pub born: Option<Date>,
}

impl From<&Subject> for Asked {
    fn from(subject: &Subject) -> Self {
        let (number, name) = (subject.reveal_number().to_owned(), subject.name().clone());
        Self { number, name, born: subject.born() }
    }
}

impl Asked {
    /// What says that somebody else asks about the same: blake3 of all that is compared.
    fn key(&self) -> String {
        let born = self.born.map(|born| born.to_string()).unwrap_or_default();
        let told = [self.number.as_str(), &self.name.compared(), &born].join("|");
        blake3::hash(told.as_bytes()).to_string()
    }
}

/// A near match as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// What is shown of it.
    pub near: NearMatch,
    /// Office that the record came from.
    pub office: OfficeCode,
    /// Whose key or session the lookup was asked with.
    pub principal: Option<PrincipalId>,
}

/// Near matches in one list, at most.
const LONGEST: u32 = 1000;

const PUT_NEAR: &str = "
    insert into near_match (request, record_id, asked_at, asked_by, subject, differs, asked,
        number, principal, found)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9,
        (select count(*) from (select 1 from same_person where asked = $7 and number = $8 limit 1)
            as said))
    on conflict (request) do nothing";

macro_rules! near {
    ($which:literal) => {
        concat!(
            "select n.request, n.record_id, n.asked_at, n.asked_by, n.subject, n.differs,
                n.principal, s.same, s.reason, s.said_by, s.at,
                (select d.office from record r join dossier d on d.dossier_id = r.dossier_id
                 where r.record_id = n.record_id limit 1) as office
             from near_match n
             left join same_person s on s.asked = n.asked and s.number = n.number
                and s.place = (select max(place) from same_person l
                    where l.asked = n.asked and l.number = n.number) ",
            $which
        )
    };
}
const WAITING: Listing = Listing {
    doing: "reading near matches",
    everywhere: near!(
        "where n.found = 0 and s.same is null
            order by n.asked_at, n.request limit $1"
    ),
    of_office: concat!(
        "select * from (",
        near!("where n.found = 0 and s.same is null"),
        ") as waiting
         where office = $2 or substr(office, 1, length($2) + 1) = $2 || '.'
         order by asked_at, request limit $1"
    ),
    order: ("asked_at", "request"),
};

const BY_REQUEST: &str = near!("where n.request = $1");

// Nothing can be said of those that were kept before their subject was.
const FIND: &str = "
    insert into same_person (asked, number, place, same, reason, said_by, principal, at)
    select asked, number,
        coalesce((select max(place) from same_person s
            where s.asked = n.asked and s.number = n.number), 0) + 1,
        $2, $3, $4, $5, $6
    from near_match n where request = $1 and asked is not null and number is not null";

const RECORD: &str = "select record_id from near_match where request = $1";

// All who were asked about so wait no more.
const WAIT_NO_MORE: &str = "
    update near_match set found = 1
    where found = 0 and (asked, number) = (
        select o.asked, o.number from near_match o where o.request = $1)";

const FOUND: &str = "
    select same from same_person where asked = $1 and number = $2 order by place desc limit 1";

const PUT_OLD: &str = "
    insert into old_number (old, number) values ($1, $2) on conflict (old, number) do nothing";

const BY_OLD: &str = "select number from old_number where old = $1 limit 2";

impl Records {
    /// Keeps, for a person to look at, that a lookup was stopped since its subject is nearly that
    /// owner of the record. Whether it was kept: of a record that was erased meanwhile nothing is.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn put_near(
        &self,
        principal: PrincipalId,
        request: &LookupRequest,
        (asked, owner): (&Asked, &Subject),
        now: Timestamp,
    ) -> Result<bool, ArchiveError> {
        let differs = owner.differs(&asked.number, &asked.name, asked.born);
        let mut change = self.db.change().await?;
        if !is_there(&mut change, request.record).await? {
            return Ok(false);
        }
        sqlx::query(PUT_NEAR)
            .bind(request.request.to_string())
            .bind(request.record.to_string())
            .bind(micros(now))
            .bind(&request.asked_by)
            .bind(json(&request.subject)?)
            .bind(json(&differs)?)
            .bind(asked.key())
            .bind(owner.reveal_number())
            .bind(principal.to_string())
            .execute(change.on())
            .await
            .doing("keeping a near match")?;
        change.commit().await?;
        Ok(true)
    }

    /// Of the near matches of which nobody has said what they are, the thousand oldest of records
    /// from offices within reach.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn near_matches(&self, reach: &Reach) -> Result<Vec<Near>, ArchiveError> {
        let ask = |sql| sqlx::query(sql).bind(i64::from(LONGEST));
        let rows = WAITING.rows(&self.db, reach, LONGEST, ask).await?;
        rows.iter().filter_map(|row| near(row).transpose()).collect()
    }

    /// The near match of that lookup.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn near_match(&self, request: Uuid) -> Result<Option<Near>, ArchiveError> {
        let row = sqlx::query(BY_REQUEST).bind(request.to_string());
        let row = row.fetch_optional(&self.db.readers).await.doing("reading a near match")?;
        row.as_ref().map_or(Ok(None), near)
    }

    /// Keeps what a person found who compared the papers. It holds for whoever asks about the
    /// same subject and the same owner; what was found before is kept beside it. Whether there was
    /// anything to say it of.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn resolve_near(
        &self,
        principal: PrincipalId,
        request: Uuid,
        (same, reason, by): (bool, &str, &str),
        now: Timestamp,
    ) -> Result<bool, ArchiveError> {
        let doing = "keeping what was found of a near match";
        let mut change = self.db.change().await?;
        let record = sqlx::query(RECORD).bind(request.to_string()).fetch_optional(change.on());
        let Some(record) = record.await.doing(doing)? else { return Ok(false) };
        let record: RecordId = record.parsed("record_id")?;
        if !is_there(&mut change, record).await? {
            return Ok(false);
        }
        let find = sqlx::query(FIND).bind(request.to_string()).bind(i64::from(same));
        let find = find.bind(reason).bind(by).bind(principal.to_string());
        let found = find.bind(micros(now)).execute(change.on()).await;
        if found.doing(doing)?.rows_affected() == 0 {
            return Ok(false);
        }
        let note = sqlx::query(WAIT_NO_MORE).bind(request.to_string()).execute(change.on()).await;
        note.doing(doing)?;
        let line = AuditLine {
            principal: Some(principal),
            record: Some(record),
            ..AuditLine::new(if same { Act::FoundSame } else { Act::FoundOther }, now)
        };
        leave(&mut change, &[line]).await?;
        change.commit().await?;
        Ok(true)
    }

    /// Whether who is asked about is that owner, by a person's word; none where nobody said so.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn found_same(
        &self,
        asked: &Asked,
        owner: &Subject,
    ) -> Result<Option<bool>, ArchiveError> {
        let found = sqlx::query(FOUND).bind(asked.key()).bind(owner.reveal_number());
        let found = found.fetch_optional(&self.db.readers).await.doing("reading a near match")?;
        found.map(|row| Ok(row.int::<i64>("same")? != 0)).transpose()
    }

    /// The owner of one of the records that who is asked about is by a person's word, though
    /// their papers differ; none where nobody said so.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn found_to_be(
        &self,
        asked: &Asked,
        records: &[Record],
    ) -> Result<Option<Subject>, ArchiveError> {
        for owner in records.iter().flat_map(|record| &record.owners) {
            let like = owner.subject.likeness(&asked.number, &asked.name, asked.born);
            if like == Likeness::Near && self.found_same(asked, &owner.subject).await? == Some(true)
            {
                return Ok(Some(owner.subject.clone()));
            }
        }
        Ok(None)
    }

    /// The number of twelve digits whose holder had that old number, by an identity card; none
    /// where no card says so, or two say otherwise.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn number_of_old(&self, old: &str) -> Result<Option<String>, ArchiveError> {
        let rows = sqlx::query(BY_OLD).bind(old).fetch_all(&self.db.readers).await;
        match rows.doing("reading an old number")?.as_slice() {
            [only] => Ok(Some(only.take("number")?)),
            _ => Ok(None),
        }
    }
}

/// Keeps the old number that a card says its holder had. What was read as letters tells nothing
/// certain.
pub(super) async fn keep_old_number(
    change: &mut Change<'_>,
    record: &Record,
) -> Result<(), ArchiveError> {
    let certain = |source| matches!(source, FieldSource::Qr | FieldSource::Typed);
    let old = record
        .fields
        .iter()
        .find(|field| field.name == FieldName::HolderOldNumber && certain(field.source));
    // Of several owners it can't be told whose it was.
    let [holder] = record.owners.as_slice() else { return Ok(()) };
    let holder = Some(holder).filter(|owner| owner.bound_by == BoundBy::Number);
    let (Some(old), Some(holder)) = (old, holder) else { return Ok(()) };
    let put = sqlx::query(PUT_OLD).bind(&old.value).bind(holder.subject.reveal_number());
    put.execute(change.on()).await.doing("keeping an old number").map(|_| ())
}

/// Whether the record is there, and stays so until the transaction is over: what is kept of it goes
/// with it, and nothing may be added meanwhile.
async fn is_there(change: &mut Change<'_>, record: RecordId) -> Result<bool, ArchiveError> {
    let query = sqlx::query(change.db.dialect.is_there()).bind(record.to_string());
    let row = query.fetch_optional(change.on()).await.doing("looking for a record")?;
    Ok(row.is_some())
}

/// A near match; none where its record isn't there any more: there is nothing to compare.
fn near(row: &AnyRow) -> Result<Option<Near>, ArchiveError> {
    let Some(office) = row.parsed_or("office")? else { return Ok(None) };
    let found = match row.int_or::<i64>("same")? {
        None => None,
        Some(same) => Some(NearFound {
            same: same != 0,
            reason: row.take("reason")?,
            by: row.take("said_by")?,
            at: row.time("at")?.to_string(),
        }),
    };
    Ok(Some(Near {
        near: NearMatch {
            request: row.parsed("request")?,
            record: row.parsed("record_id")?,
            asked_at: row.time("asked_at")?.to_string(),
            asked_by: row.take("asked_by")?,
            subject: row.json_or("subject")?,
            differs: row.json_or("differs")?.unwrap_or_default(),
            found,
        },
        office,
        principal: row.parsed_or("principal")?,
    }))
}
