//! Dossiers: opened with a code of their own, closed once.

use jiff::Timestamp;
use schemas::access::Reach;
use schemas::api::{Answers, DossierEvent, DossierState};
use schemas::ids::{CaseId, DossierCode, DossierId, OfficeCode, PrincipalId, ProcedureCode};
use schemas::message::Lane;
use schemas::subject::{People, Subject};
use sqlx::any::AnyRow;

use super::Records;
use super::held::{By, Held};
use super::listing::{Listing, NO_MOMENT};
use super::relied::{Reliance, rely};
use crate::codes::{Slot, day};
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing, OpenError};
use crate::rows::{Columns, json};

/// A dossier to be opened.
#[derive(Debug, Clone)]
pub struct NewDossier {
    /// Chosen by the caller: opening twice with the same id opens one dossier.
    pub id: DossierId,
    /// Office that takes it in.
    pub office: OfficeCode,
    /// Procedure applied for.
    pub procedure: ProcedureCode,
    /// Version of the procedure, which the dossier keeps.
    pub procedure_version: u32,
    /// Variant, where the procedure has several.
    pub case: Option<CaseId>,
    /// Who waits.
    pub lane: Lane,
    /// Who applies.
    pub subject: Subject,
    /// Other people whose papers it needs, none of them twice.
    pub others: Vec<Subject>,
    /// Whether the identity papers of all of them were compared with what is said here.
    pub identity_checked: bool,
}

/// A dossier.
#[derive(Debug, Clone, PartialEq)]
pub struct Dossier {
    /// Its id.
    pub id: DossierId,
    /// Its code, unique and never given out again.
    pub code: DossierCode,
    /// Office that took it in.
    pub office: OfficeCode,
    /// Procedure applied for.
    pub procedure: ProcedureCode,
    /// Version of the procedure.
    pub procedure_version: u32,
    /// Variant, where the procedure has several.
    pub case: Option<CaseId>,
    /// Who waits.
    pub lane: Lane,
    /// Who applies.
    pub subject: Subject,
    /// Other people whose papers it needs, in the order in which they were named.
    pub others: Vec<Subject>,
    /// Whether it takes scans.
    pub state: DossierState,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Answers to the questions of components that are asked for on a condition.
    pub answers: Answers,
}

impl NewDossier {
    /// The people whose papers it needs.
    #[must_use]
    pub fn people(&self) -> People<'_> {
        People { applicant: &self.subject, others: &self.others }
    }
}

impl Dossier {
    /// The people whose papers it needs.
    #[must_use]
    pub fn people(&self) -> People<'_> {
        People { applicant: &self.subject, others: &self.others }
    }
}

macro_rules! dossier {
    ($which:literal) => {
        concat!(
            "select dossier_id, code, office, procedure, procedure_version, case_id, lane, ",
            "subject, others, state, opened_at, answers from dossier where ",
            $which
        )
    };
}
const BY_CODE: &str = dossier!("code = $1");
const BY_ID: &str = dossier!("dossier_id = $1");

const OPENED: Listing = Listing {
    doing: "reading dossiers",
    everywhere: dossier!("opened_at >= $1 and opened_at < $2 and code > $3 order by code limit $4"),
    of_office: dossier!(
        "opened_at >= $1 and opened_at < $2 and code > $3
           and (office = $5 or substr(office, 1, length($5) + 1) = $5 || '.')
         order by code limit $4"
    ),
    order: (NO_MOMENT, "code"),
};

const KNOW_SUBJECT: &str = "
    insert into subject (number, body) values ($1, $2) on conflict (number) do nothing";

const SUBJECT: &str = "select body from subject where number = $1";

// What a dossier said first may have been mistyped; what a paper bears out was not.
const CORRECT_SUBJECT: &str = "
    update subject set body = $2
    where number = $1 and not exists (select 1 from record_owner where number = $1)";

// The code may stand already where the template was changed; the next one will not. The id may
// stand when it was opened at the same time.
const PUT: &str = "
    insert into dossier (dossier_id, code, office, procedure, procedure_version, case_id, lane,
        subject, number, others, state, opened_at, answers)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'open', $11, $12)
    on conflict do nothing";

const NAME_OTHER: &str = "
    insert into dossier_subject (number, dossier_id) values ($1, $2)
    on conflict (number, dossier_id) do nothing";

const CLOSE: &str = "
    update dossier set state = 'closed' where dossier_id = $1 and state = 'open'";

// What waits only in case more pages come need not wait any more. What was sent is due already,
// and its message is known by when it was.
const HASTEN: [&str; 2] = [
    "update outbox set due_at = made_at where dossier_id = $1 and job = 'seal'",
    "update job set due_at = made_at
     where dossier_id = $1 and job = 'seal' and lease is null and sent_at is null
       and attempts = 0",
];

impl Records {
    /// Opens a dossier with the principal's key or session, gives it a code, and keeps what was
    /// answered and which records stand for components. With an id that was opened already,
    /// answers with that dossier.
    ///
    /// # Errors
    /// [`OpenError::SubjectDiffers`] when the number of the subject, or of another who is named, is
    /// known with another name or birth date, and their papers weren't compared or a record is
    /// bound to the number.
    pub async fn open_dossier(
        &self,
        principal: PrincipalId,
        new: &NewDossier,
        reliance: &Reliance,
        now: Timestamp,
    ) -> Result<Dossier, OpenError> {
        let mut change = self.db.change().await?;
        if let Some(row) = by_id(&mut change, new.id).await? {
            return Ok(dossier(&row)?);
        }
        // In one order, whoever applies: two who name each other don't wait for each other.
        let mut people: Vec<&Subject> = new.people().all().collect();
        people.sort_by_key(|person| person.reveal_number());
        for person in people {
            let stands = known(&mut change, person).await?.agrees(person)
                || new.identity_checked && corrected(&mut change, person).await?;
            if !stands {
                return Err(OpenError::SubjectDiffers);
            }
        }
        let series = self.db.dossier_codes.fill(|slot| match slot {
            Slot::Office => new.office.to_string(),
            Slot::Procedure => new.procedure.to_string(),
            Slot::Day => day(now),
            Slot::Owner | Slot::Kind | Slot::Number | Slot::Component => String::new(),
        });
        loop {
            let code = series.next(&mut change).await?;
            code.parse::<DossierCode>().map_err(|error| ArchiveError::Template {
                what: "dossier codes",
                detail: error.to_string(),
            })?;
            let put = sqlx::query(PUT)
                .bind(new.id.to_string())
                .bind(code)
                .bind(new.office.as_str())
                .bind(new.procedure.as_str())
                .bind(i64::from(new.procedure_version))
                .bind(new.case.as_ref().map(CaseId::as_str))
                .bind(new.lane.as_str())
                .bind(json(&new.subject)?)
                .bind(new.subject.reveal_number())
                .bind(json(&new.others)?)
                .bind(micros(now))
                .bind(json(&reliance.answers)?);
            let put = put.execute(change.on()).await.doing("opening a dossier")?;
            if put.rows_affected() > 0 {
                break;
            }
            if let Some(row) = by_id(&mut change, new.id).await? {
                return Ok(dossier(&row)?);
            }
        }
        for other in &new.others {
            let name = sqlx::query(NAME_OTHER).bind(other.reveal_number()).bind(new.id.to_string());
            name.execute(change.on()).await.doing("opening a dossier")?;
        }
        for relied in &reliance.relied {
            rely(&mut change, new.id, relied, Some(principal)).await?;
        }
        let row = by_id(&mut change, new.id).await?;
        let row = row.ok_or_else(|| missing(new.id))?;
        if let Some(held) = Held::take(&mut change, By::Id(new.id)).await? {
            held.tell_others(&mut change, &DossierEvent::Opened).await?;
        }
        change.commit().await?;
        Ok(dossier(&row)?)
    }

    /// The dossier with that code.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn dossier(&self, code: &DossierCode) -> Result<Option<Dossier>, ArchiveError> {
        let query = sqlx::query(BY_CODE).bind(code.as_str());
        let row = query.fetch_optional(&self.db.readers).await.doing("reading a dossier")?;
        row.as_ref().map(dossier).transpose()
    }

    /// The dossier with that id.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn dossier_by_id(&self, id: DossierId) -> Result<Option<Dossier>, ArchiveError> {
        let query = sqlx::query(BY_ID).bind(id.to_string());
        let row = query.fetch_optional(&self.db.readers).await.doing("reading a dossier")?;
        row.as_ref().map(dossier).transpose()
    }

    /// Dossiers within reach, taken in from `first` until before `end`, whose codes come after
    /// that one, in order of their codes.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn opened(
        &self,
        (first, end): (Timestamp, Timestamp),
        reach: &Reach,
        after: Option<&DossierCode>,
        limit: u32,
    ) -> Result<Vec<Dossier>, ArchiveError> {
        let (first, end) = (micros(first), micros(end));
        let after = after.map_or("", DossierCode::as_str).to_owned();
        let ask =
            |sql| sqlx::query(sql).bind(first).bind(end).bind(after.clone()).bind(i64::from(limit));
        let rows = OPENED.rows(&self.db, reach, limit, ask).await?;
        rows.iter().map(dossier).collect()
    }

    /// Closes a dossier: it takes no more scans, and what is filed is sealed without delay.
    /// Closing it twice changes nothing.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`] when there is no such dossier.
    pub async fn close_dossier(&self, id: DossierId) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let held = Held::take(&mut change, By::Id(id)).await?.ok_or_else(|| missing(id))?;
        if held.run(&mut change, CLOSE).await? == 0 {
            return Ok(());
        }
        for sql in HASTEN {
            held.run(&mut change, sql).await?;
        }
        change.announced = true;
        held.tell(&mut change, &DossierEvent::Closed).await?;
        change.commit().await
    }
}

pub(crate) fn missing(id: DossierId) -> ArchiveError {
    ArchiveError::Missing(format!("dossier {id}"))
}

/// The subject as it is known by its number, from now on if it wasn't.
async fn known(change: &mut Change<'_>, subject: &Subject) -> Result<Subject, ArchiveError> {
    let (doing, number) = ("opening a dossier", subject.reveal_number());
    let know = sqlx::query(KNOW_SUBJECT).bind(number).bind(json(subject)?);
    know.execute(change.on()).await.doing(doing)?;
    sqlx::query(SUBJECT).bind(number).fetch_one(change.on()).await.doing(doing)?.json("body")
}

/// The subject is known by its number as it is said here; false where a record is bound to that.
async fn corrected(change: &mut Change<'_>, subject: &Subject) -> Result<bool, ArchiveError> {
    let correct = sqlx::query(CORRECT_SUBJECT).bind(subject.reveal_number());
    let correct = correct.bind(json(subject)?).execute(change.on()).await;
    Ok(correct.doing("opening a dossier")?.rows_affected() > 0)
}

async fn by_id(change: &mut Change<'_>, id: DossierId) -> Result<Option<AnyRow>, ArchiveError> {
    let query = sqlx::query(BY_ID).bind(id.to_string());
    query.fetch_optional(change.on()).await.doing("reading a dossier")
}

pub(super) fn dossier(row: &AnyRow) -> Result<Dossier, ArchiveError> {
    Ok(Dossier {
        id: row.parsed("dossier_id")?,
        code: row.parsed("code")?,
        office: row.parsed("office")?,
        procedure: row.parsed("procedure")?,
        procedure_version: row.int("procedure_version")?,
        case: row.parsed_or("case_id")?,
        lane: row.word("lane")?,
        subject: row.json("subject")?,
        others: row.json("others")?,
        state: row.word("state")?,
        opened_at: row.time("opened_at")?,
        answers: row.json_or("answers")?.unwrap_or_default(),
    })
}
