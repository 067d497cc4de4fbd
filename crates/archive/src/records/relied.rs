//! What a dossier relies on: the records that stood for its components when it was opened, what
//! became of them since, and papers that were collected all the same.
//!
//! Whoever changes a record holds the dossier that it came with, so it must not take hold of
//! those that rely on it, too: two such changes could wait for each other. The change is written
//! down with the record's, and the dossiers are told of it one by one afterwards.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use schemas::api::{
    Answers, AskAgain, AskReason, AskedAgain, DossierEvent, LookupNote, RecordChange, RecordWarning,
};
use schemas::audit::{Act, AuditLine};
use schemas::clock::day_of;
use schemas::ids::{ComponentId, DossierCode, DossierId, PrincipalId, RecordId, ScanId};
use sqlx::any::AnyRow;

use super::Records;
use super::audit::leave;
use super::held::{By, Held};
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing};
use crate::rows::{Columns, word};

/// What a dossier is opened with beside the application itself.
#[derive(Debug, Clone, Default)]
pub struct Reliance {
    /// Answers to the questions of components that are asked for on a condition.
    pub answers: Answers,
    /// Records that stand for components.
    pub relied: Vec<Relied>,
}

/// The lawful reason for which a paper is taken although a record stands for its component.
#[derive(Debug, Clone)]
pub struct Stated {
    /// The component.
    pub component: ComponentId,
    /// The record that stands for it; none where it is another Kho's paper.
    pub relied: Option<Relied>,
    /// The reason.
    pub reason: AskReason,
    /// The officer who states it, or the station.
    pub said_by: Option<String>,
}

/// A record that stands for a component of a dossier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relied {
    /// The component.
    pub component: ComponentId,
    /// The record.
    pub record: RecordId,
    /// Its version.
    pub version: u32,
    /// Whether the paper must come in all the same.
    pub original: bool,
    /// Last day on which it stands for the component, where there is one.
    pub last_day: Option<Date>,
}

const RELY: &str = "
    insert into relied (dossier_id, component, record_id, version, original, noted_at, last_day)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (dossier_id, component) do nothing";

const RELIED: &str = "
    select component, record_id, version, original, last_day from relied where dossier_id = $1
    order by component";

// Only open dossiers: what was decided on is decided. Whoever relied on a version hears of what
// becomes of those after it, too.
const NOTE: &str = "
    insert into relied_change (dossier_id, component, record_id, version, change, at)
    select r.dossier_id, r.component, r.record_id, $2, $3, $4
    from relied r join dossier d on d.dossier_id = r.dossier_id
    where r.record_id = $1 and r.version <= $2 and d.state = 'open'
    on conflict (dossier_id, component, record_id, version) do nothing";

const NOTE_ONE: &str = "
    insert into relied_change (dossier_id, component, record_id, version, change, at)
    select r.dossier_id, r.component, r.record_id,
        coalesce((select max(v.version) from record v where v.record_id = r.record_id), r.version),
        'expired', $3
    from relied r where r.dossier_id = $1 and r.component = $2
    on conflict (dossier_id, component, record_id, version) do nothing
    returning record_id, version";

const CODE: &str = "select code from dossier where dossier_id = $1";

// A paper that came in all the same stands by itself.
const NOTE_RUN_OUT: &str = "
    insert into relied_change (dossier_id, component, record_id, version, change, at)
    select r.dossier_id, r.component, r.record_id,
        coalesce((select max(v.version) from record v where v.record_id = r.record_id), r.version),
        'expired', $2
    from relied r join dossier d on d.dossier_id = r.dossier_id
    where r.expired = 0 and r.last_day is not null and r.last_day < $1 and d.state = 'open'
      and not exists (select 1 from document p where p.dossier_id = r.dossier_id
        and p.component = r.component and p.verdict = 'filed')
    on conflict (dossier_id, component, record_id, version) do nothing
    returning dossier_id, record_id, version";

const RUN_OUT: &str = "
    update relied set expired = 1
    where expired = 0 and last_day is not null and last_day < $1";

// A component that takes no older paper keeps its own last day, unless the record's is before it.
const RUNS_UNTIL: &str = "
    update relied set last_day = $3
    where record_id = $1 and version <= $2 and expired = 0
      and (last_day = $4 or last_day > $3 or (last_day is null and $4 = ''))";

const UNTOLD: &str = "
    select distinct dossier_id from relied_change where told = 0 order by dossier_id limit 1000";

const UNTOLD_OF: &str = "
    select component, record_id, version, change, at from relied_change
    where dossier_id = $1 and told = 0 order by at, component";

const TOLD: &str = "update relied_change set told = 1 where dossier_id = $1 and told = 0";

const CHANGES: &str = "
    select component, record_id, version, change, at from relied_change
    where dossier_id = $1 order by at, component";

const PUT_AGAIN: &str = "
    insert into ask_again (scan_id, dossier_id, component, reason, said_by, at)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (scan_id, component) do nothing";

// A citizen who declined a record said so once, not with each scan.
const AGAIN: &str = "
    select component, reason, said_by, at from ask_again where dossier_id = $1
    union all
    select w.component, 'declined' as reason, w.said_by, w.at
    from lookup_word w join dossier d on d.code = w.dossier
    where d.dossier_id = $1 and w.component is not null and w.word = 'declined'
    union all
    select component, 'declined' as reason, said_by, at from inquiry_word
    where dossier_id = $1 and word = 'declined'
    order by at, component";

// Of the documents, those that are filed: an unsure one may yet go elsewhere.
const COLLECTED: &str = "
    select r.component, r.record_id, r.version, null as inquiry_id from relied r
    where r.dossier_id = $1 and r.original = 0
      and exists (select 1 from document d where d.dossier_id = r.dossier_id
        and d.component = r.component and d.verdict = 'filed')
    union all
    select w.component, null, null, min(w.inquiry_id) from inquiry_word w
    where w.dossier_id = $1 and w.word = 'used' and w.original = 0
      and exists (select 1 from document d where d.dossier_id = w.dossier_id
        and d.component = w.component and d.verdict = 'filed')
      and not exists (select 1 from relied r where r.dossier_id = w.dossier_id
        and r.component = w.component)
    group by w.component
    order by component";

const LOOKUPS: &str = "
    select body from lookup where dossier = $1 order by asked_at, lookup_id";

impl Records {
    /// The records that stood for components when the dossier was opened.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn relied(&self, dossier: DossierId) -> Result<Vec<Relied>, ArchiveError> {
        let rows = self.rows_of(RELIED, &dossier.to_string()).await?;
        let relied = |row: &AnyRow| {
            Ok(Relied {
                component: row.parsed("component")?,
                record: row.parsed("record_id")?,
                version: row.int("version")?,
                original: row.int::<i64>("original")? != 0,
                last_day: row.parsed_or("last_day")?,
            })
        };
        rows.iter().map(relied).collect()
    }

    /// What became of them since, oldest first.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn warnings(&self, dossier: DossierId) -> Result<Vec<RecordWarning>, ArchiveError> {
        let rows = self.rows_of(CHANGES, &dossier.to_string()).await?;
        rows.iter().map(warning).collect()
    }

    /// Components whose papers were collected although a record stood for them or another Kho's
    /// paper was used, with the reasons that were stated.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn asked_again(&self, dossier: DossierId) -> Result<Vec<AskedAgain>, ArchiveError> {
        let id = dossier.to_string();
        let said = self.rows_of(AGAIN, &id).await?;
        let said: Vec<(ComponentId, AskAgain)> =
            said.iter().map(reason).collect::<Result<_, ArchiveError>>()?;
        let mut again = Vec::new();
        for row in self.rows_of(COLLECTED, &id).await? {
            let component: ComponentId = row.parsed("component")?;
            let of_it = |(of, _): &&(ComponentId, AskAgain)| *of == component;
            again.push(AskedAgain {
                reasons: said.iter().filter(of_it).map(|(_, reason)| reason.clone()).collect(),
                record: row.parsed_or("record_id")?,
                version: row.int_or("version")?,
                inquiry: row.parsed_or("inquiry_id")?,
                component,
            });
        }
        Ok(again)
    }

    /// Lookups made for the dossier, oldest first, without their answers.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn lookups_for(&self, code: &DossierCode) -> Result<Vec<LookupNote>, ArchiveError> {
        let rows = self.rows_of(LOOKUPS, code.as_str()).await?;
        let note = |row: &AnyRow| {
            let lookup: schemas::api::Lookup = row.json("body")?;
            Ok(LookupNote {
                id: lookup.id,
                component: lookup.component,
                record: lookup.record.id,
                version: lookup.record.version,
                asked_at: lookup.asked_at,
                asked_by: lookup.asked_by,
                answer_hash: lookup.answer_hash,
                words: Vec::new(),
            })
        };
        let mut notes: Vec<LookupNote> = rows.iter().map(note).collect::<Result<_, _>>()?;
        let mut words = self.words_for(code).await?;
        for note in &mut notes {
            note.words = words.remove(&note.id).unwrap_or_default();
        }
        Ok(notes)
    }

    /// Notes that the records which the dossier relied on for these components stand for them no
    /// longer, and tells it.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn note_expired(
        &self,
        dossier: DossierId,
        components: &[ComponentId],
        now: Timestamp,
    ) -> Result<(), ArchiveError> {
        if components.is_empty() {
            return Ok(());
        }
        let mut change = self.db.change().await?;
        for component in components {
            let note = sqlx::query(NOTE_ONE).bind(dossier.to_string()).bind(component.as_str());
            let noted = note.bind(micros(now)).fetch_optional(change.on()).await;
            let Some(noted) = noted.doing("noting a change")? else { continue };
            let of = (noted.parsed("record_id")?, noted.int("version")?);
            line(&mut change, (Act::Expired, None), dossier, of).await?;
        }
        change.commit().await?;
        self.tell_changes().await
    }

    /// Notes which records stand no longer for the components of open dossiers since their last
    /// day is over, and tells these. Doing it again on the same day changes nothing.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn expire(&self, now: Timestamp) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let (doing, today) = ("noting what has run out", day_of(now).to_string());
        let note = sqlx::query(NOTE_RUN_OUT).bind(&today).bind(micros(now));
        for noted in note.fetch_all(change.on()).await.doing(doing)? {
            let of = (noted.parsed("record_id")?, noted.int("version")?);
            line(&mut change, (Act::Expired, None), noted.parsed("dossier_id")?, of).await?;
        }
        sqlx::query(RUN_OUT).bind(&today).execute(change.on()).await.doing(doing)?;
        change.commit().await?;
        self.tell_changes().await
    }

    /// Tells every dossier of the changes that it hasn't been told of. Whoever changed a record
    /// calls it; what a process that died left untold, the next one tells.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn tell_changes(&self) -> Result<(), ArchiveError> {
        let doing = "telling of changes";
        let rows = sqlx::query(UNTOLD).fetch_all(&self.db.readers).await.doing(doing)?;
        for row in rows {
            let id: DossierId = row.parsed("dossier_id")?;
            let mut change = self.db.change().await?;
            let Some(held) = Held::take(&mut change, By::Id(id)).await? else { continue };
            let untold = sqlx::query(UNTOLD_OF).bind(id.to_string()).fetch_all(change.on()).await;
            for row in untold.doing(doing)? {
                let RecordWarning { component, record, version, change: what, .. } = warning(&row)?;
                let event =
                    DossierEvent::RecordChanged { component, record, version, change: what };
                held.tell(&mut change, &event).await?;
            }
            held.run(&mut change, TOLD).await?;
            change.commit().await?;
        }
        Ok(())
    }

    async fn rows_of(&self, sql: &'static str, id: &str) -> Result<Vec<AnyRow>, ArchiveError> {
        let rows = sqlx::query(sql).bind(id).fetch_all(&self.db.readers).await;
        rows.doing("reading what a dossier relies on")
    }
}

/// Keeps the lawful reason for which a scan is taken. A record that stands since a while ago only
/// is relied on from now on.
pub(crate) async fn keep_reason(
    change: &mut Change<'_>,
    (dossier, scan): (DossierId, ScanId),
    stated: &Stated,
    now: Timestamp,
) -> Result<(), ArchiveError> {
    if let Some(relied) = &stated.relied {
        rely(change, dossier, relied, None).await?;
    }
    let put = sqlx::query(PUT_AGAIN)
        .bind(scan.to_string())
        .bind(dossier.to_string())
        .bind(stated.component.as_str())
        .bind(stated.reason.as_str())
        .bind(&stated.said_by)
        .bind(micros(now));
    put.execute(change.on()).await.doing("keeping a reason").map(drop)
}

/// Notes what a dossier relies on, unless the record was changed a moment ago: then it is as if
/// it hadn't stood.
pub(crate) async fn rely(
    change: &mut Change<'_>,
    dossier: DossierId,
    relied: &Relied,
    principal: Option<PrincipalId>,
) -> Result<(), ArchiveError> {
    let doing = "noting what a dossier relies on";
    let (record, version) = (relied.record.to_string(), i64::from(relied.version));
    let in_use = sqlx::query(change.db.dialect.in_use()).bind(&record).bind(version);
    if in_use.fetch_optional(change.on()).await.doing(doing)?.is_none() {
        return Ok(());
    }
    let now = change.now;
    let put = sqlx::query(RELY).bind(dossier.to_string()).bind(relied.component.as_str());
    let put = put.bind(record).bind(version).bind(i64::from(relied.original)).bind(now);
    let put = put.bind(relied.last_day.map(|day| day.to_string()));
    if put.execute(change.on()).await.doing(doing)?.rows_affected() == 0 {
        return Ok(());
    }
    line(change, (Act::Relied, principal), dossier, (relied.record, relied.version)).await
}

/// Leaves a line about a record that a dossier relies on.
async fn line(
    change: &mut Change<'_>,
    (act, principal): (Act, Option<PrincipalId>),
    dossier: DossierId,
    (record, version): (RecordId, u32),
) -> Result<(), ArchiveError> {
    let code = sqlx::query(CODE).bind(dossier.to_string()).fetch_one(change.on()).await;
    let line = AuditLine {
        principal,
        record: Some(record),
        version: Some(version),
        dossier: Some(code.doing("noting what a dossier relies on")?.parsed("code")?),
        ..AuditLine::new(act, Timestamp::now())
    };
    leave(change, &[line]).await
}

/// Writes down for every open dossier that relies on that version, or on one before it, what became
/// of it.
pub(crate) async fn note(
    on: &mut Change<'_>,
    (record, version): (RecordId, u32),
    change: RecordChange,
) -> Result<(), ArchiveError> {
    let now = on.now;
    let note = sqlx::query(NOTE).bind(record.to_string()).bind(i64::from(version));
    let note = note.bind(word(&change)?).bind(now).execute(on.on()).await;
    note.doing("noting a change").map(|_| ())
}

/// A later version of the same paper runs until another day than the one before it: so do the
/// components that it stands for.
pub(crate) async fn runs_until(
    change: &mut Change<'_>,
    (record, version): (RecordId, u32),
    (before, now): (Option<Date>, Option<Date>),
) -> Result<(), ArchiveError> {
    if before == now {
        return Ok(());
    }
    let text = |day: Option<Date>| day.map(|day| day.to_string());
    let update = sqlx::query(RUNS_UNTIL).bind(record.to_string()).bind(i64::from(version));
    let update = update.bind(text(now)).bind(text(before).unwrap_or_default());
    let update = update.execute(change.on()).await;
    update.doing("noting until when a record stands").map(|_| ())
}

fn warning(row: &AnyRow) -> Result<RecordWarning, ArchiveError> {
    let change: RecordChange = row.word("change")?;
    Ok(RecordWarning {
        component: row.parsed("component")?,
        record: row.parsed("record_id")?,
        version: row.int("version")?,
        change,
        text: change.vi().to_owned(),
        at: row.time("at")?.to_string(),
    })
}

fn reason(row: &AnyRow) -> Result<(ComponentId, AskAgain), ArchiveError> {
    let component = ComponentId::from_str(row.take("component")?);
    let component = component.map_err(|_| crate::rows::unreadable("component"))?;
    Ok((
        component,
        AskAgain {
            reason: row.word("reason")?,
            by: row.take::<Option<String>>("said_by")?,
            at: row.time("at")?.to_string(),
        },
    ))
}
