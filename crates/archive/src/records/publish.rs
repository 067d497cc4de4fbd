//! Records proper: published, versioned, never edited.

use jiff::Timestamp;
use jiff::civil::Date;
use schemas::api::{DossierEvent, RecordChange, RecordStanding, RecordVersion};
use schemas::audit::{Act, AuditLine};
use schemas::clock::today;
use schemas::ids::{Blake3, DocumentId, PrincipalId, RecordId};
use schemas::record::{Field, FieldName, Record, RecordState};
use schemas::subject::People;
use sqlx::any::AnyRow;

use super::Records;
use super::audit::leave;
use super::filing::{FORGET_PARKED, withdrawn};
use super::held::{By, Held};
use super::near::keep_old_number;
use super::proofs::proof_state;
use super::relied::{note, runs_again, runs_until};
use crate::codes::{Slot, day};
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing};
use crate::removal;
use crate::rows::{Columns, json, word};

const AT: &str = concat!(
    "select revision, record_version, seal <> 'none' as wanted,
        assigned_by is not null as by_person, assigned_principal, ",
    withdrawn!(),
    " as withdrawn from document where document_id = $1"
);

/// What a row holds of a record, beside `from` and the joins.
macro_rules! record_columns {
    () => {
        "state, superseded_by, hash, body"
    };
}
pub(crate) use record_columns;

macro_rules! record {
    ($which:literal) => {
        concat!("select ", record_columns!(), " from record ", $which)
    };
}
const VERSION: &str = record!("where record_id = $1 and version = $2");
const LATEST: &str = record!("where record_id = $1 order by version desc limit 1");
const VERSIONS: &str = concat!(
    "select ",
    record_columns!(),
    ", published_at, pdf, ended_why, ended_reason,
        p.signature is not null as signed, d.record_version is not null as pending
     from record r
     left join record_proof p on p.record_id = r.record_id and p.version = r.version
     left join document d on d.document_id = r.document_id and d.record_version = r.version
        and d.seal in ('waiting', 'parked')
     where r.record_id = $1 order by r.version desc"
);
const OWNED: &str = record!(
    "join record_owner using (record_id, version) where number = $1 and state = 'published'
     order by published_at, record_id"
);
// What took a version's place may be its own document, published again by a person's word.
const PAPERS: &str = concat!(
    record!(
        "join record_owner using (record_id, version) where number = $1 and (state = 'published' or "
    ),
    replaced!(),
    ") and ",
    is_latest!("record"),
    " order by published_at, record_id"
);

// What a person ended before stays so by their word.
const END: &str = "
    update record set state = 'superseded', ended_why = $2, ended_reason = $3,
        ended_by = coalesce($4, ended_by), ended_at = $5, superseded_by = $7
    where record_id = $1 and version = $6
      and (state = 'published' or (state = 'superseded' and $2 = 'revoked'))
    returning hash";

const CODE: &str = "select code from digitisation where record_id = $1 and prefix = $2";

const PUT_CODE: &str = "
    insert into digitisation (code, prefix, record_id) values ($1, $2, $3)
    on conflict (code) do nothing";

const PUT: &str = "
    insert into record (record_id, version, document_id, dossier_id, revision, digitisation_code,
        state, published_at, hash, pdf, body, result, scanned_at)
    values ($1, $2, $3, $4, $5, $6, 'published', $7, $8, $9, $10, $11,
        (select s.received_at from page p join scan s on s.scan_id = p.scan_id
         where p.page_id = $12))";

const PUT_OWNER: &str = "
    insert into record_owner (number, record_id, version) values ($1, $2, $3)
    on conflict (number, record_id, version) do nothing";

const SEALED: &str = "
    update document set seal = 'sealed', record_version = $2 where document_id = $1";

impl Records {
    /// Publishes a document as the next version of its record; the version before is superseded.
    /// Id, version, digitisation code, state, time and hashes of the draft are filled in here. The
    /// hash is that of the record as published: a later change of state doesn't change it.
    ///
    /// None when the document is not at that revision any more, or not to be published any more:
    /// a later filing made it void, or a person withdrew the version before and none assigned the
    /// document since.
    /// Publishing the same revision twice answers with the same record. What it ends beside that is
    /// ended by [`Records::succeed`].
    ///
    /// The draft must hold what a person corrected in the version before, no more and no less
    /// ([`Record::corrections`], [`Record::said_owners`]).
    ///
    /// # Errors
    /// [`ArchiveError::Full`]; [`ArchiveError::Unavailable`], also when the version before was
    /// corrected after the draft was made. Nothing is published then.
    pub async fn publish(
        &self,
        document: DocumentId,
        revision: &str,
        draft: Record,
        now: Timestamp,
    ) -> Result<Option<Record>, ArchiveError> {
        let doing = "publishing a record";
        let mut change = self.db.change().await?;
        let held = Held::take(&mut change, By::Document(document)).await?;
        let Some(held) = held else { return Ok(None) };
        let at = sqlx::query(AT).bind(document.to_string()).fetch_optional(change.on()).await;
        // A filing that this one waited for may have taken it away.
        let Some(at) = at.doing(doing)? else { return Ok(None) };
        if at.take::<&str>("revision")? != revision || !at.flag("wanted")? {
            return Ok(None);
        }
        let id = RecordId::of(document);
        if let Some(version) = at.int_or::<u32>("record_version")? {
            let query = sqlx::query(VERSION).bind(id.to_string()).bind(i64::from(version));
            let row = query.fetch_optional(change.on()).await.doing(doing)?;
            return row.as_ref().map(record).transpose();
        }
        if at.flag("withdrawn")? {
            sealed(&mut change, document, None).await?;
            held.settle(&mut change).await?;
            change.commit().await?;
            return Ok(None);
        }
        let latest = latest(&mut change, id).await?;
        let is_stale = |latest: &Record| {
            corrections(latest) != corrections(&draft)
                || latest.said_owners() != draft.said_owners()
        };
        if latest.as_ref().is_some_and(is_stale) {
            return Err(ArchiveError::Unavailable {
                what: doing,
                source: "it was corrected meanwhile".into(),
            });
        }
        let mut record = Record {
            id,
            version: latest.as_ref().map_or(0, |latest| latest.version) + 1,
            before: latest.as_ref().and_then(|latest| latest.hash),
            document,
            digitisation_code: self.code(&mut change, id, &draft, now).await?,
            state: RecordState::Published,
            published_at: now.to_string(),
            hash: None,
            ..draft
        };
        let principal: Option<PrincipalId> = at.parsed_or("assigned_principal")?;
        if let Some(latest) = &latest {
            let by_person = at.flag("by_person")?;
            let what = if by_person { RecordChange::Corrected } else { RecordChange::Superseded };
            let corrected = by_person.then(|| record.corrected_from(latest, (principal, now)));
            record.corrected = corrected;
            let why = End { change: what, reason: None, by: None, principal, superseded_by: None };
            end(&mut change, (id, latest.version), why, now).await?;
            // Of what had ended before, whoever relies on it has heard.
            if latest.state == RecordState::Published {
                note(&mut change, (id, latest.version), what).await?;
            }
        }
        let hash = put(&mut change, &held, &record, revision, (principal, now)).await?;
        record.hash = Some(hash);
        if let Some(latest) = &latest {
            runs_again(&mut change, id).await?;
            let until = (latest.valid_until, record.valid_until);
            runs_until(&mut change, (id, latest.version), until).await?;
        }
        let version = record.version;
        sealed(&mut change, document, Some(version)).await?;
        let event = DossierEvent::Published { document, record: id, version };
        held.tell(&mut change, &event).await?;
        held.settle(&mut change).await?;
        change.commit().await?;
        if latest.is_some() {
            self.tell_changes().await?;
        }
        Ok(Some(record))
    }

    /// A record at a version, or at its latest.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn record(
        &self,
        id: RecordId,
        version: Option<u32>,
    ) -> Result<Option<Record>, ArchiveError> {
        let query = match version {
            Some(version) => sqlx::query(VERSION).bind(id.to_string()).bind(i64::from(version)),
            None => sqlx::query(LATEST).bind(id.to_string()),
        };
        let row = query.fetch_optional(&self.db.readers).await.doing("reading a record")?;
        row.as_ref().map(record).transpose()
    }

    /// Versions of a record, latest first.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn versions(&self, id: RecordId) -> Result<Vec<RecordVersion>, ArchiveError> {
        let query = sqlx::query(VERSIONS).bind(id.to_string());
        let rows = query.fetch_all(&self.db.readers).await.doing("reading versions")?;
        let today = today();
        let version = |row: &AnyRow| {
            let record = record(row)?;
            let ended: Option<RecordChange> = row.word_or("ended_why")?;
            Ok(RecordVersion {
                version: record.version,
                state: record.state,
                standing: standing(&record, ended, today),
                ended_reason: row.take::<Option<String>>("ended_reason")?,
                superseded_by: record.superseded_by,
                published_at: row.time("published_at")?.to_string(),
                hash: row.parsed("hash")?,
                pdf: row.parsed("pdf")?,
                proof: proof_state(row)?,
            })
        };
        rows.iter().map(version).collect()
    }

    /// Records in use whose owner has that number, earliest first.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn records_of(&self, number: &str) -> Result<Vec<Record>, ArchiveError> {
        let query = sqlx::query(OWNED).bind(number);
        let rows = query.fetch_all(&self.db.readers).await.doing("reading records")?;
        rows.iter().map(record).collect()
    }

    /// Records whose owner has that number that are in use, or whose place another paper took,
    /// earliest first.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn papers_of(&self, number: &str) -> Result<Vec<Record>, ArchiveError> {
        let query = sqlx::query(PAPERS).bind(number);
        let rows = query.fetch_all(&self.db.readers).await.doing("reading records")?;
        rows.iter().map(record).collect()
    }

    /// Records of any of these people that are in use, or whose place another paper took, each
    /// once.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn papers_of_all(&self, people: People<'_>) -> Result<Vec<Record>, ArchiveError> {
        let mut records: Vec<Record> = Vec::new();
        for person in people.all() {
            for record in self.papers_of(person.reveal_number()).await? {
                if !records.iter().any(|known| known.id == record.id) {
                    records.push(record);
                }
            }
        }
        Ok(records)
    }

    /// The digitisation code: a record keeps the one it has while its template fills the same.
    async fn code(
        &self,
        change: &mut Change<'_>,
        id: RecordId,
        draft: &Record,
        now: Timestamp,
    ) -> Result<String, ArchiveError> {
        let doing = "coding a record";
        let series = self.db.digitisation_codes.fill(|slot| match slot {
            Slot::Owner => draft
                .owners
                .first()
                .map_or_else(String::new, |owner| owner.subject.reveal_number().to_owned()),
            Slot::Kind => {
                draft.result.as_ref().map_or_else(|| draft.kind.to_string(), ToString::to_string)
            }
            Slot::Number => number_symbol(draft),
            Slot::Procedure => draft.procedure.to_string(),
            Slot::Component => draft.component.to_string(),
            Slot::Office => draft.office.to_string(),
            Slot::Day => day(now),
        });
        let prefix = series.key();
        let query = sqlx::query(CODE).bind(id.to_string()).bind(&prefix);
        if let Some(row) = query.fetch_optional(change.on()).await.doing(doing)? {
            return row.take("code");
        }
        loop {
            let code = series.next(change).await?;
            let put = sqlx::query(PUT_CODE).bind(&code).bind(&prefix).bind(id.to_string());
            if put.execute(change.on()).await.doing(doing)?.rows_affected() > 0 {
                return Ok(code);
            }
        }
    }
}

/// Nothing is left to be done with a document, published as that version of its record or as none.
async fn sealed(
    change: &mut Change<'_>,
    document: DocumentId,
    version: Option<u32>,
) -> Result<(), ArchiveError> {
    let doing = "publishing a record";
    let id = document.to_string();
    let sealed = sqlx::query(SEALED).bind(&id).bind(version.map(i64::from));
    sealed.execute(change.on()).await.doing(doing)?;
    sqlx::query(FORGET_PARKED).bind(&id).execute(change.on()).await.doing(doing)?;
    Ok(())
}

/// What a person corrected, in one order.
fn corrections(record: &Record) -> Vec<Field> {
    let mut corrections = record.corrections();
    corrections.sort_by_key(|field| field.name);
    corrections
}

/// A record's latest version.
pub(super) async fn latest(
    change: &mut Change<'_>,
    id: RecordId,
) -> Result<Option<Record>, ArchiveError> {
    let query = sqlx::query(LATEST).bind(id.to_string()).fetch_optional(change.on()).await;
    query.doing("reading a record")?.as_ref().map(record).transpose()
}

/// Why a version is not in use any more.
#[derive(Debug, Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) change: RecordChange,
    pub(super) reason: Option<&'a str>,
    pub(super) by: Option<&'a str>,
    pub(super) principal: Option<PrincipalId>,
    /// The record of another paper that took its place.
    pub(super) superseded_by: Option<RecordId>,
}

/// Ends a version, if it is in use; withdraws it also where another paper had ended it.
pub(super) async fn end(
    change: &mut Change<'_>,
    (id, version): (RecordId, u32),
    why: End<'_>,
    now: Timestamp,
) -> Result<(), ArchiveError> {
    let end = sqlx::query(END).bind(id.to_string()).bind(word(&why.change)?);
    let end = end.bind(why.reason).bind(why.by).bind(micros(now));
    let end = end.bind(i64::from(version)).bind(why.superseded_by.map(|by| by.to_string()));
    let end = end.fetch_optional(change.on()).await;
    let Some(ended) = end.doing("ending a version of a record")? else { return Ok(()) };
    let act = match why.change {
        RecordChange::Superseded => Act::Superseded,
        RecordChange::Corrected => Act::Corrected,
        RecordChange::Revoked => Act::Revoked,
        RecordChange::Expired => Act::Expired,
    };
    let line = AuditLine {
        principal: why.principal,
        record: Some(id),
        version: Some(version),
        content: Some(ended.parsed("hash")?),
        ..AuditLine::new(act, now)
    };
    leave(change, &[line]).await
}

/// Where a version stands as of today.
fn standing(record: &Record, ended: Option<RecordChange>, today: Date) -> RecordStanding {
    match (record.state, ended) {
        (RecordState::Published, _) if record.valid_until.is_some_and(|last| last < today) => {
            RecordStanding::Expired
        }
        (RecordState::Published, _) => RecordStanding::Published,
        (RecordState::Superseded, Some(RecordChange::Corrected)) => RecordStanding::Corrected,
        (RecordState::Superseded, _) => RecordStanding::Superseded,
        (RecordState::Revoked, _) => RecordStanding::Revoked,
    }
}

/// Confidence below which số ký hiệu is left out of a code: a code is for ever, and numbers are
/// often written by hand.
const SURE_NUMBER: f32 = 0.8;

/// Số ký hiệu as part of a code: no white space, and no longer than the 60 letters that running
/// systems keep.
fn number_symbol(record: &Record) -> String {
    let sure =
        |field: &&Field| field.name == FieldName::NumberSymbol && SURE_NUMBER <= field.confidence;
    let field = record.fields.iter().find(sure);
    let letters = field.map_or("", |field| &field.value).chars();
    letters.filter(|letter| !letter.is_whitespace()).take(60).collect()
}

/// Keeps a version, published by somebody or by the program itself; answers with its hash.
pub(super) async fn put(
    change: &mut Change<'_>,
    held: &Held,
    record: &Record,
    revision: &str,
    (principal, now): (Option<PrincipalId>, Timestamp),
) -> Result<Blake3, ArchiveError> {
    let doing = "publishing a record";
    let body = json(record)?;
    let hash = Blake3::of(body.as_bytes());
    let (id, version) = (record.id.to_string(), i64::from(record.version));
    sqlx::query(PUT)
        .bind(&id)
        .bind(version)
        .bind(record.document.to_string())
        .bind(held.id.to_string())
        .bind(revision)
        .bind(&record.digitisation_code)
        .bind(micros(now))
        .bind(hash.to_string())
        .bind(record.pdf.to_string())
        .bind(body)
        .bind(record.result.as_ref().map(ToString::to_string))
        .bind(record.pages.first().map(|page| page.page.to_string()))
        .execute(change.on())
        .await
        .doing(doing)?;
    removal::refuse_during(change, record.pdf).await?;
    for owner in &record.owners {
        let put = sqlx::query(PUT_OWNER).bind(owner.subject.reveal_number());
        put.bind(&id).bind(version).execute(change.on()).await.doing(doing)?;
    }
    let line = AuditLine {
        principal,
        record: Some(record.id),
        version: Some(record.version),
        dossier: Some(record.dossier.clone()),
        content: Some(hash),
        ..AuditLine::new(Act::Published, now)
    };
    leave(change, &[line]).await?;
    keep_old_number(change, record).await?;
    Ok(hash)
}

/// A record as it was published, but for where it stands now.
pub(crate) fn record(row: &AnyRow) -> Result<Record, ArchiveError> {
    let mut record: Record = row.json("body")?;
    record.state = row.word("state")?;
    record.superseded_by = row.parsed_or("superseded_by")?;
    record.hash = Some(row.parsed("hash")?);
    Ok(record)
}
