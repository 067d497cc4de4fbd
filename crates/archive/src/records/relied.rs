//! What a dossier relies on: the records that stood for its components when it was opened, or that
//! came to stand for them since, by an answer, when it was filed or when a paper was taken all the
//! same; and what became of them.
//!
//! Whoever changes a record holds the dossier that it came with, so it must not take hold of
//! those that rely on it, too: two such changes could wait for each other. The change is written
//! down with the record's, and the dossiers are told of it one by one afterwards.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use schemas::api::{
    Answers, ComponentStatus, ComponentView, DossierEvent, LookupNote, RecordChange, RecordWarning,
};
use schemas::audit::{Act, AuditLine};
use schemas::clock::day_of;
use schemas::ids::{ComponentId, DossierCode, DossierId, PrincipalId, RecordId};
use sqlx::any::AnyRow;

use super::Records;
use super::audit::leave;
use super::dossiers::missing;
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

impl Relied {
    /// The record that stands for a component, where one does.
    #[must_use]
    pub fn of(component: &ComponentView) -> Option<Self> {
        let original = match component.status {
            ComponentStatus::Held => false,
            ComponentStatus::HeldOriginalNeeded => true,
            ComponentStatus::Filed
            | ComponentStatus::Unsure
            | ComponentStatus::Needed
            | ComponentStatus::Conditional
            | ComponentStatus::NotNeeded
            | ComponentStatus::PresentOnly
            | ComponentStatus::Database
            | ComponentStatus::Pending => return None,
        };
        Some(Self {
            component: component.id.clone(),
            record: component.record?,
            version: component.record_version?,
            original,
            last_day: component.valid_until,
        })
    }
}

/// Whether what became of a version is still so: where another paper had taken its place, it may
/// be in use again.
macro_rules! still {
    () => {
        "(c.change <> 'superseded' or not exists (select 1 from record again
            where again.record_id = c.record_id and again.version = c.version
              and again.state = 'published'))"
    };
}

/// Whether a record stands for no component any more by what became of it. One that was put right,
/// or that has pages more, is the same paper: its later version stands.
macro_rules! lost {
    () => {
        "(c.change in ('revoked', 'expired')
          or c.change = 'superseded' and not exists (select 1 from record again
              where again.record_id = c.record_id and again.state = 'published'))"
    };
}
pub(super) use lost;

const RELY: &str = "
    insert into relied (dossier_id, component, record_id, version, original, noted_at, last_day)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (dossier_id, component) do nothing";

const RELIED: &str = "
    select component, record_id, version, original, last_day from relied where dossier_id = $1
    order by component";

// Only open dossiers: what was decided on is decided. Whoever relied on a version hears of what
// becomes of those after it, too. A version that is ended a second time was in use again meanwhile,
// or is withdrawn.
const NOTE: &str = "
    insert into relied_change (dossier_id, component, record_id, version, change, at)
    select r.dossier_id, r.component, r.record_id, $2, $3, $4
    from relied r join dossier d on d.dossier_id = r.dossier_id
    where r.record_id = $1 and r.version <= $2 and d.state = 'open'
    on conflict (dossier_id, component, record_id, version) do update
        set change = excluded.change, at = excluded.at, told = 0
        where relied_change.change = 'superseded'";

/// Where a version that another paper had ended is in use again and has run out since, that is
/// what became of it.
macro_rules! unless_noted {
    () => {
        "on conflict (dossier_id, component, record_id, version) do update
            set change = excluded.change, at = excluded.at, told = 0
            where relied_change.change = 'superseded' and exists (select 1 from record again
                where again.record_id = relied_change.record_id
                  and again.version = relied_change.version and again.state = 'published')"
    };
}

const NOTE_ONE: &str = concat!(
    "
    insert into relied_change (dossier_id, component, record_id, version, change, at)
    select r.dossier_id, r.component, r.record_id,
        coalesce((select max(v.version) from record v where v.record_id = r.record_id), r.version),
        'expired', $3
    from relied r where r.dossier_id = $1 and r.component = $2 ",
    unless_noted!(),
    " returning record_id, version"
);

const CODE: &str = "select code from dossier where dossier_id = $1";

// A paper that came in all the same stands by itself.
const NOTE_RUN_OUT: &str = concat!(
    "
    insert into relied_change (dossier_id, component, record_id, version, change, at)
    select r.dossier_id, r.component, r.record_id,
        coalesce((select max(v.version) from record v where v.record_id = r.record_id), r.version),
        'expired', $2
    from relied r join dossier d on d.dossier_id = r.dossier_id
    where r.expired = 0 and r.last_day is not null and r.last_day < $1 and d.state = 'open'
      and not exists (select 1 from document p where p.dossier_id = r.dossier_id
        and p.component = r.component and p.verdict = 'filed') ",
    unless_noted!(),
    " returning dossier_id, record_id, version"
);

const RUN_OUT: &str = "
    update relied set expired = 1
    where expired = 0 and last_day is not null and last_day < $1";

// What ran out while another paper had its place is yet to be told.
const RUNS_AGAIN: &str = concat!(
    "
    update relied set expired = 0
    where record_id = $1 and expired = 1 and not exists (select 1 from relied_change c
        where c.dossier_id = relied.dossier_id and c.component = relied.component and ",
    lost!(),
    ")"
);

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

const CHANGES: &str = concat!(
    "select component, record_id, version, change, at from relied_change c
     where dossier_id = $1 and ",
    still!(),
    " order by at, component"
);

const LOST: &str =
    concat!("select component from relied_change c where dossier_id = $1 and ", lost!());

const LOOKUPS: &str = "
    select body from lookup where dossier = $1 order by asked_at, lookup_id";

impl Records {
    /// The records that the dossier relies on, each with the component that it stands for.
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

    /// Components for which the records that stood do so no longer.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn lost(&self, dossier: DossierId) -> Result<BTreeSet<ComponentId>, ArchiveError> {
        let rows = self.rows_of(LOST, &dossier.to_string()).await?;
        rows.iter().map(|row| row.parsed("component")).collect()
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

    /// Relies on records that stand for a dossier's components since it was opened.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`] when there is no such dossier.
    pub async fn rely_on(&self, dossier: DossierId, relied: &[Relied]) -> Result<(), ArchiveError> {
        if relied.is_empty() {
            return Ok(());
        }
        let mut change = self.db.change().await?;
        let held = Held::take(&mut change, By::Id(dossier)).await?;
        held.ok_or_else(|| missing(dossier))?;
        for relied in relied {
            rely(&mut change, dossier, relied, None).await?;
        }
        change.commit().await
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
            let line = line(&mut change, (Act::Expired, None), dossier, Some(of)).await?;
            leave(&mut change, &[line]).await?;
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
            let dossier = noted.parsed("dossier_id")?;
            let line = line(&mut change, (Act::Expired, None), dossier, Some(of)).await?;
            leave(&mut change, &[line]).await?;
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

    pub(super) async fn rows_of(
        &self,
        sql: &'static str,
        id: &str,
    ) -> Result<Vec<AnyRow>, ArchiveError> {
        let rows = sqlx::query(sql).bind(id).fetch_all(&self.db.readers).await;
        rows.doing("reading what a dossier relies on")
    }
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
    let of = (relied.record, relied.version);
    let line = line(change, (Act::Relied, principal), dossier, Some(of)).await?;
    leave(change, &[line]).await
}

/// A line about a record that a dossier relies on, or another Kho's paper.
pub(super) async fn line(
    change: &mut Change<'_>,
    (act, principal): (Act, Option<PrincipalId>),
    dossier: DossierId,
    record: Option<(RecordId, u32)>,
) -> Result<AuditLine, ArchiveError> {
    let code = sqlx::query(CODE).bind(dossier.to_string()).fetch_one(change.on()).await;
    Ok(AuditLine {
        principal,
        record: record.map(|(id, _)| id),
        version: record.map(|(_, version)| version),
        dossier: Some(code.doing("noting what a dossier relies on")?.parsed("code")?),
        ..AuditLine::new(act, Timestamp::now())
    })
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

/// A record is in use again: of where it has run out since, whoever still relies on it hears.
pub(crate) async fn runs_again(
    change: &mut Change<'_>,
    record: RecordId,
) -> Result<(), ArchiveError> {
    let update = sqlx::query(RUNS_AGAIN).bind(record.to_string()).execute(change.on()).await;
    update.doing("noting that a record is in use again").map(|_| ())
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
