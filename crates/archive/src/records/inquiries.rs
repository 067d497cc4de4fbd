//! Questions to other Kho. A question is asked through a delivery, so it may take its time: it is
//! pending until an answer is there, and an answer that comes late is kept with its dossier as it
//! came. What becomes of an answer is said by a person, and every word is kept.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemas::api::{DeliveryFate, DossierEvent, DossierState, InquiryState, KhoPaper, LookupWord};
use schemas::audit::{Act, AuditLine};
use schemas::catalogue::Procedure;
use schemas::elsewhere::{Elsewhere, Heard};
use schemas::ids::{
    Blake3, ComponentId, DeliveryId, DossierCode, DossierId, EventId, InquiryId, PrincipalId,
};
use sqlx::any::AnyRow;

use super::Records;
use super::audit::leave;
use super::deliveries::deliver_to;
use super::held::{By, Held};
use crate::database::micros;
use crate::error::{ArchiveError, Doing};
use crate::removal;
use crate::rows::{Columns, number, word};

/// Questions that are asked for a dossier, at most: each is read whenever the dossier is.
pub const MOST_INQUIRIES: u32 = 100;

/// What came of asking another Kho.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedKho {
    /// It is asked, or was before.
    Asked,
    /// [`MOST_INQUIRIES`] were asked for the dossier: nothing is.
    TooMany,
    /// The dossier is closed: nothing is asked.
    Closed,
}

/// A question to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInquiry {
    /// Its id: asking twice with the same one asks once.
    pub id: InquiryId,
    /// Dossier that it is for.
    pub dossier: DossierId,
    /// The Kho, by the name of the subscriber that it is.
    pub kho: String,
    /// Whether that is the Kho of the national portal.
    pub national: bool,
    /// Component of the dossier that it is for.
    pub component: Option<ComponentId>,
    /// Who asks.
    pub principal: PrincipalId,
    /// The question as JSON.
    pub question: String,
}

/// A question, and its answer where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// Its id.
    pub id: InquiryId,
    /// Dossier that it is for.
    pub dossier: DossierId,
    /// The Kho.
    pub kho: String,
    /// Whether that is the Kho of the national portal.
    pub national: bool,
    /// Component of the dossier that it is for.
    pub component: Option<ComponentId>,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// The question as JSON.
    pub question: String,
    /// The answer as JSON.
    pub answer: Option<String>,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// What became of the delivery that asks it.
    pub delivery: Option<DeliveryFate>,
    /// Files that came with the answer.
    pub files: Vec<InquiryFile>,
    /// What became of the answer, earliest first.
    pub words: Vec<InquiryWord>,
}

impl Inquiry {
    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> InquiryState {
        match (&self.answer, self.delivery) {
            (Some(_), _) => InquiryState::Answered,
            (None, Some(DeliveryFate::Hung | DeliveryFate::Dropped)) => InquiryState::Silent,
            (None, Some(DeliveryFate::Waiting | DeliveryFate::Delivered) | None) => {
                InquiryState::Pending
            }
        }
    }

    /// Papers of the answer.
    #[must_use]
    pub fn papers(&self) -> Vec<KhoPaper> {
        let answer = self.answer.as_deref();
        answer.and_then(|answer| serde_json::from_str(answer).ok()).unwrap_or_default()
    }

    /// Whether the citizen has been shown that paper of it.
    #[must_use]
    pub fn was_shown(&self, paper: u32) -> bool {
        let shows =
            |said: &InquiryWord| said.word == LookupWord::Shown && said.paper == Some(paper);
        self.words.iter().any(shows)
    }
}

/// What becomes of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InquiryWord {
    /// What.
    pub word: LookupWord,
    /// Which paper of it, from 0; none where all are declined.
    pub paper: Option<u32>,
    /// Whether the paper must come in all the same.
    pub original: bool,
    /// Officer who says so.
    pub by: String,
    /// Why, in the citizen's words.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A paper of another Kho that is used for a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn<'a> {
    /// The component.
    pub component: &'a ComponentId,
    /// The question whose answer it is.
    pub inquiry: &'a Inquiry,
    /// Which paper of the answer, from 0.
    pub paper: u32,
    /// Whether the paper must come in all the same.
    pub original: bool,
}

/// What is used of these answers: for each component what was said last.
#[must_use]
pub fn drawn(inquiries: &[Inquiry]) -> Vec<Drawn<'_>> {
    let mut last: BTreeMap<&ComponentId, (&Inquiry, &InquiryWord)> = BTreeMap::new();
    for (component, inquiry) in inquiries.iter().filter_map(|i| Some((i.component.as_ref()?, i))) {
        for said in inquiry.words.iter().filter(|said| said.word != LookupWord::Shown) {
            let later = |(of, before): &(&Inquiry, &InquiryWord)| {
                (before.at, of.id) <= (said.at, inquiry.id)
            };
            if last.get(component).is_none_or(later) {
                last.insert(component, (inquiry, said));
            }
        }
    }
    let used = last.into_iter().filter(|(_, (_, said))| said.word == LookupWord::Used);
    used.filter_map(|(component, (inquiry, said))| {
        Some(Drawn { component, inquiry, paper: said.paper?, original: said.original })
    })
    .collect()
}

/// A file that came with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InquiryFile {
    /// What the other Kho calls it.
    pub name: String,
    /// Its bytes.
    pub blake3: Blake3,
    /// How many those are.
    pub bytes: u64,
}

const PUT: &str = "
    insert into inquiry (inquiry_id, dossier_id, store, component, asked_at, principal, question,
        delivery_id, national)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (inquiry_id) do nothing";

macro_rules! inquiry {
    ($which:literal) => {
        concat!(
            "select inquiry_id, i.dossier_id as dossier_id, store, national, component, asked_at,
                question, answer, answered_at, fate
             from inquiry i left join delivery d on d.delivery_id = i.delivery_id
             where ",
            $which
        )
    };
}
const ONE: &str = inquiry!("inquiry_id = $1");
const BY_DELIVERY: &str = inquiry!("i.delivery_id = $1");
// A dossier of a program that knew no limit may have more.
const OF_DOSSIER: &str =
    inquiry!("i.dossier_id = $1 order by asked_at desc, inquiry_id desc limit 1000");

const COUNT: &str = "select count(*) as asked from inquiry where dossier_id = $1";

const FILES: &str = "
    select f.inquiry_id, name, blake3, bytes
    from inquiry i join inquiry_file f on f.inquiry_id = i.inquiry_id
    where i.dossier_id = $1 order by f.inquiry_id, place";

const WORDS: &str = "
    select inquiry_id, word, paper, original, reason, said_by, at from inquiry_word
    where dossier_id = $1 order by inquiry_id, place";

const SAY: &str = "
    insert into inquiry_word (inquiry_id, place, dossier_id, component, word, paper, original,
        reason, said_by, principal, at)
    select $1, coalesce(max(place), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10
    from inquiry_word where inquiry_id = $1";

// The first answer stands.
const ANSWER: &str = "
    update inquiry set answer = $2, answered_at = $3 where inquiry_id = $1 and answer is null";

const PUT_FILE: &str = "
    insert into inquiry_file (inquiry_id, place, name, blake3, bytes) values ($1, $2, $3, $4, $5)
    on conflict (inquiry_id, place) do nothing";

impl Records {
    /// Asks another Kho: writes the question down with the delivery that asks it, and leaves a line
    /// of it.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`] when there is no such dossier.
    pub async fn ask(&self, new: &NewInquiry, now: Timestamp) -> Result<AskedKho, ArchiveError> {
        let doing = "asking another Kho";
        let mut change = self.db.change().await?;
        let held = Held::take(&mut change, By::Id(new.dossier)).await?;
        let held = held.ok_or_else(|| super::dossiers::missing(new.dossier))?;
        if held.state == DossierState::Closed {
            return Ok(AskedKho::Closed);
        }
        let delivery = DeliveryId::of(EventId::of(held.id, held.turn), &new.kho);
        let put = sqlx::query(PUT)
            .bind(new.id.to_string())
            .bind(new.dossier.to_string())
            .bind(&new.kho)
            .bind(new.component.as_ref().map(ComponentId::as_str))
            .bind(micros(now))
            .bind(new.principal.to_string())
            .bind(&new.question)
            .bind(delivery.to_string())
            .bind(i64::from(new.national));
        if put.execute(change.on()).await.doing(doing)?.rows_affected() == 0 {
            return Ok(AskedKho::Asked);
        }
        let count = sqlx::query(COUNT).bind(new.dossier.to_string()).fetch_one(change.on()).await;
        if MOST_INQUIRIES < count.doing(doing)?.int::<u32>("asked")? {
            return Ok(AskedKho::TooMany);
        }
        let event = DossierEvent::Asked { inquiry: new.id };
        let kho = std::slice::from_ref(&new.kho);
        deliver_to(&mut change, &held, held.turn, &event, kho).await?;
        let line = AuditLine {
            principal: Some(new.principal),
            dossier: Some(held.code.clone()),
            component: new.component.clone(),
            ..AuditLine::new(Act::KhoAsked, now)
        };
        leave(&mut change, &[line]).await?;
        change.commit().await?;
        Ok(AskedKho::Asked)
    }

    /// A question.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn inquiry(&self, id: InquiryId) -> Result<Option<Inquiry>, ArchiveError> {
        self.one_inquiry(ONE, id.to_string()).await
    }

    /// The question that a delivery asks.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn inquiry_of(&self, id: DeliveryId) -> Result<Option<Inquiry>, ArchiveError> {
        self.one_inquiry(BY_DELIVERY, id.to_string()).await
    }

    async fn one_inquiry(
        &self,
        sql: &'static str,
        id: String,
    ) -> Result<Option<Inquiry>, ArchiveError> {
        let row = sqlx::query(sql).bind(id).fetch_optional(&self.db.readers).await;
        let Some(row) = row.doing("reading a question")? else { return Ok(None) };
        let found = self.in_full(row.parsed("dossier_id")?, std::slice::from_ref(&row)).await?;
        Ok(found.into_iter().next())
    }

    /// The latest thousand questions that were asked for a dossier, oldest first.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn inquiries(&self, dossier: DossierId) -> Result<Vec<Inquiry>, ArchiveError> {
        let query = sqlx::query(OF_DOSSIER).bind(dossier.to_string());
        let rows = query.fetch_all(&self.db.readers).await.doing("reading questions")?;
        let mut found = self.in_full(dossier, &rows).await?;
        found.reverse();
        Ok(found)
    }

    /// How each question stands that was asked for a component of the dossier.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn elsewhere(
        &self,
        dossier: DossierId,
        procedure: &Procedure,
    ) -> Result<Vec<Elsewhere>, ArchiveError> {
        let inquiries = self.inquiries(dossier).await?;
        let used = drawn(&inquiries);
        let told = inquiries.iter().filter_map(|asked| {
            let component = asked.component.clone()?;
            let papers = asked.papers();
            let paper = used.iter().find(|drawn| drawn.inquiry.id == asked.id);
            let decided = asked.words.iter().any(|said| said.word != LookupWord::Shown);
            let heard = match (asked.state(), paper) {
                (_, Some(drawn)) => Heard::Used(name(&papers, drawn.paper)),
                // What was used once and isn't any more was declined since.
                (_, None) if decided => Heard::Declined,
                (InquiryState::Pending, None) => Heard::NotYet,
                (InquiryState::Silent, None) => Heard::Silence,
                (InquiryState::Answered, None) if takes(procedure, &component, &papers) => {
                    Heard::Paper
                }
                (InquiryState::Answered, None) => Heard::Nothing,
            };
            Some(Elsewhere { component, inquiry: asked.id, kho: asked.kho.clone(), heard })
        });
        Ok(told.collect())
    }

    /// Questions of one dossier, with the files that came and what became of the answers.
    async fn in_full(
        &self,
        dossier: DossierId,
        rows: &[AnyRow],
    ) -> Result<Vec<Inquiry>, ArchiveError> {
        let id = dossier.to_string();
        let files = sqlx::query(FILES).bind(&id).fetch_all(&self.db.readers).await;
        let mut files = by_inquiry(&files.doing("reading files of an answer")?, file)?;
        let words = sqlx::query(WORDS).bind(&id).fetch_all(&self.db.readers).await;
        let mut words = by_inquiry(&words.doing("reading what became of an answer")?, said)?;
        let inquiry = |row: &AnyRow| {
            let id: InquiryId = row.parsed("inquiry_id")?;
            let answered: Option<i64> = row.int_or("answered_at")?;
            Ok(Inquiry {
                id,
                dossier,
                kho: row.take("store")?,
                national: row.int::<i64>("national")? != 0,
                component: row.parsed_or("component")?,
                asked_at: row.time("asked_at")?,
                question: row.take("question")?,
                answer: row.take("answer")?,
                answered_at: answered.map(|_| row.time("answered_at")).transpose()?,
                delivery: row.word_or("fate")?,
                files: files.remove(&id).unwrap_or_default(),
                words: words.remove(&id).unwrap_or_default(),
            })
        };
        rows.iter().map(inquiry).collect()
    }

    /// Leaves a line that what another Kho answered for a dossier is read: all that it says, or
    /// that file of it.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn inquiry_read(
        &self,
        principal: PrincipalId,
        dossier: &DossierCode,
        file: Option<Blake3>,
        now: Timestamp,
    ) -> Result<(), ArchiveError> {
        let line = AuditLine {
            principal: Some(principal),
            dossier: Some(dossier.clone()),
            content: file,
            ..AuditLine::new(Act::InquiryRead, now)
        };
        self.leave_alone(&[line]).await
    }

    /// Keeps what becomes of an answer, beside what was said before, and leaves a line of it. Says
    /// whether it was kept: of a closed dossier, and of a question that names no component, nothing
    /// is.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn say_of_inquiry(
        &self,
        principal: PrincipalId,
        inquiry: &Inquiry,
        said: &InquiryWord,
    ) -> Result<bool, ArchiveError> {
        let Some(component) = &inquiry.component else { return Ok(false) };
        let mut change = self.db.change().await?;
        let held = Held::take(&mut change, By::Id(inquiry.dossier)).await?;
        let Some(held) = held.filter(|held| held.state == DossierState::Open) else {
            return Ok(false);
        };
        sqlx::query(SAY)
            .bind(inquiry.id.to_string())
            .bind(inquiry.dossier.to_string())
            .bind(component.as_str())
            .bind(word(&said.word)?)
            .bind(said.paper.map(i64::from))
            .bind(i64::from(said.original))
            .bind(&said.reason)
            .bind(&said.by)
            .bind(principal.to_string())
            .bind(micros(said.at))
            .execute(change.on())
            .await
            .doing("keeping what becomes of an answer")?;
        let act = match said.word {
            LookupWord::Shown => Act::KhoShown,
            LookupWord::Used => Act::KhoUsed,
            LookupWord::Declined => Act::KhoDeclined,
        };
        let answer =
            inquiry.answer.as_deref().map(|text| *blake3::hash(text.as_bytes()).as_bytes());
        let line = AuditLine {
            principal: Some(principal),
            dossier: Some(held.code.clone()),
            component: Some(component.clone()),
            content: answer.map(Blake3),
            ..AuditLine::new(act, said.at)
        };
        leave(&mut change, &[line]).await?;
        change.commit().await?;
        Ok(true)
    }

    /// Keeps an answer, with the files that came with it, which are kept as blobs already. The
    /// first answer stands; a later one changes nothing.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn put_answer(
        &self,
        inquiry: &Inquiry,
        answer: &str,
        (files, found): (&[InquiryFile], u32),
        now: Timestamp,
    ) -> Result<(), ArchiveError> {
        let doing = "keeping an answer";
        let mut change = self.db.change().await?;
        let Some(held) = Held::take(&mut change, By::Id(inquiry.dossier)).await? else {
            return Ok(());
        };
        let id = inquiry.id.to_string();
        let put = sqlx::query(ANSWER).bind(&id).bind(answer).bind(micros(now));
        if put.execute(change.on()).await.doing(doing)?.rows_affected() == 0 {
            return Ok(());
        }
        for (place, file) in (0_i64..).zip(files) {
            // PostgreSQL keeps no NUL in a text.
            let name = file.name.replace('\0', "");
            let put = sqlx::query(PUT_FILE).bind(&id).bind(place).bind(name);
            let put = put.bind(file.blake3.to_string()).bind(number(file.bytes));
            put.execute(change.on()).await.doing(doing)?;
            removal::refuse_during(&mut change, file.blake3).await?;
        }
        let event = DossierEvent::Answered { inquiry: inquiry.id, found };
        held.tell_others(&mut change, &event).await?;
        change.commit().await
    }
}

/// What rows tell of each question.
fn by_inquiry<T>(
    rows: &[AnyRow],
    tell: fn(&AnyRow) -> Result<T, ArchiveError>,
) -> Result<BTreeMap<InquiryId, Vec<T>>, ArchiveError> {
    let mut told: BTreeMap<InquiryId, Vec<T>> = BTreeMap::new();
    for row in rows {
        told.entry(row.parsed("inquiry_id")?).or_default().push(tell(row)?);
    }
    Ok(told)
}

fn file(row: &AnyRow) -> Result<InquiryFile, ArchiveError> {
    Ok(InquiryFile {
        name: row.take("name")?,
        blake3: row.parsed("blake3")?,
        bytes: row.int("bytes")?,
    })
}

fn said(row: &AnyRow) -> Result<InquiryWord, ArchiveError> {
    Ok(InquiryWord {
        word: row.word("word")?,
        paper: row.int_or("paper")?,
        original: row.int::<i64>("original")? != 0,
        by: row.take("said_by")?,
        reason: row.take("reason")?,
        at: row.time("at")?,
    })
}

/// What the other Kho calls a paper.
fn name(papers: &[KhoPaper], place: u32) -> String {
    let paper = usize::try_from(place).ok().and_then(|place| papers.get(place));
    paper.map_or_else(|| "giấy tờ".to_owned(), |paper| paper.name.clone())
}

/// Whether the component accepts one of the papers.
fn takes(procedure: &Procedure, component: &ComponentId, papers: &[KhoPaper]) -> bool {
    let component = procedure.components.iter().find(|one| one.id == *component);
    component.is_some_and(|component| papers.iter().any(|paper| component.takes(paper)))
}
