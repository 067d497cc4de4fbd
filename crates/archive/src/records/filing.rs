//! Filing: a dossier's documents as they stand. A later filing takes the place of the one
//! before, but a person's word about a document outlives it.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use schemas::api::{
    AssignDocument, DocumentVerdict, DocumentView, DossierEvent, DossierState, RecordChange,
};
use schemas::ids::{ComponentId, DocumentId, DossierId, KindId, PageId, PrincipalId, RecordId};
use schemas::message::Job;
use schemas::reading::KindGuess;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::Records;
use super::again::{self, Stated, keep_reason};
use super::at_hand::InUse;
use super::dossiers;
use super::held::{By, Held};
use super::pages::guess;
use super::publish::End;
use super::revise::withdraw;
use super::succession::look_again;
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing, FilingError};
use crate::rows::{Columns, json, number, share, unreadable, word};

/// A document as filing sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct FiledDocument {
    /// Its id.
    pub id: DocumentId,
    /// Changes whenever pages, kind or component do: see [`revision_of`].
    pub revision: String,
    /// Its pages, in order.
    pub pages: Vec<PageId>,
    /// Kind of paper.
    pub kind: Option<KindGuess>,
    /// Component that it is filed under.
    pub component: Option<ComponentId>,
    /// How sure, 0 to 1.
    pub confidence: f32,
    /// How it stands.
    pub verdict: DocumentVerdict,
    /// Why, in Vietnamese.
    pub why: String,
}

/// A document as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentRow {
    /// The document.
    pub doc: FiledDocument,
    /// Officer who assigned it, where a person did.
    pub assigned_by: Option<String>,
    /// The record that it was published as at this revision, and its version.
    pub record: Option<(RecordId, u32)>,
    /// Whether a person withdrew its record or said that another paper took its place, and none
    /// assigned the document since. It is not published again until one does.
    pub withdrawn: bool,
}

/// How a filed document stands whose record a person withdrew, or said to be replaced.
const WITHDRAWN: &str = "Cán bộ đã thu hồi bản số hoá của giấy tờ này hoặc ghi nhận đã có giấy tờ \
                         khác thay thế; cán bộ xếp lại thì mới số hoá lại.";

/// The revision of a document's content: 32 hexadecimal digits that change whenever its pages,
/// kind or component do.
#[must_use]
pub fn revision_of(
    pages: &[PageId],
    kind: Option<&KindId>,
    component: Option<&ComponentId>,
) -> String {
    let mut hash = blake3::Hasher::new();
    for page in pages {
        hash.update(page.as_uuid().as_bytes());
    }
    for code in [kind.map(KindId::as_str), component.map(ComponentId::as_str)] {
        // A length that no code has stands for none.
        let length = code.map_or(u64::MAX, |code| code.len() as u64);
        hash.update(&length.to_be_bytes()).update(code.unwrap_or_default().as_bytes());
    }
    hash.finalize().to_hex().as_str()[..32].to_owned()
}

const COUNT_READ: &str =
    "select count(*) as sheets from page where dossier_id = $1 and state = 'read'";

/// Whether the latest version of a document's record was ended by a person, who withdrew it or said
/// that another paper took its place, and nobody assigned the document since.
macro_rules! withdrawn {
    () => {
        concat!(
            "exists (select 1 from record w
                where w.document_id = document.document_id
                  and w.state <> 'published' and w.ended_by is not null
                  and w.version > coalesce(document.assigned_after, 0)
                  and ",
            is_latest!("w"),
            ")"
        )
    };
}
pub(super) use withdrawn;

macro_rules! document {
    ($which:literal) => {
        concat!(
            "select document_id, dossier_id, revision, pages, kind, kind_confidence, component, ",
            "place, confidence, verdict, why, assigned_by, seal, record_version, ",
            withdrawn!(),
            " as withdrawn from document where ",
            $which
        )
    };
}
const OF_DOSSIER: &str = document!("dossier_id = $1 order by place, document_id");
const BY_ID: &str = document!("document_id = $1");

const PUT: &str = "
    insert into document (document_id, dossier_id, place, revision, pages, kind, kind_confidence,
        component, confidence, verdict, why, assigned_by, seal, record_version)
    values ($1, $2, $3, $4, $5, $6, cast($7 as double precision), $8, $9, $10, $11, $12, $13, $14)
    on conflict (document_id) do update set place = excluded.place,
        revision = excluded.revision, pages = excluded.pages, kind = excluded.kind,
        kind_confidence = excluded.kind_confidence, component = excluded.component,
        confidence = excluded.confidence, verdict = excluded.verdict, why = excluded.why,
        assigned_by = excluded.assigned_by, seal = excluded.seal,
        record_version = excluded.record_version";

const REMOVE: &str = "delete from document where document_id = $1";

// The latest version, also where another paper took its place: it must not go on ending others.
const NOT_WITHDRAWN: &str = concat!(
    "select record_id, version from record where document_id = $1 and state <> 'revoked' and ",
    is_latest!("record")
);

pub(crate) const FORGET_PARKED: &str = "delete from parked where target = $1";

const PLACE_LAST: &str = "update document set place = $2 where document_id = $1";

const CLEAR_SAME: &str =
    "update page set same_as = null where dossier_id = $1 and same_as is not null";

const SAME: &str = "update page set same_as = $3 where page_id = $1 and dossier_id = $2";

const FILED: &str = "update dossier set filed_pages = $2 where dossier_id = $1";

const SCAN_OF: &str = "select scan_id from page where page_id = $1";

const ASSIGNED: &str = concat!(
    "
    update document set assigned_principal = $2, assigned_after =
        (select max(version) from record
         where record.document_id = $1 and (state = 'revoked' or ",
    replaced!(),
    "))
    where document_id = $1"
);

const REPLACED: &str = concat!(
    "select version from record where document_id = $1 and ",
    replaced!(),
    " and ",
    is_latest!("record")
);

impl Records {
    /// Puts a filing in place of the one before.
    ///
    /// `seen` is how many sheets it was made from ([`Records::sheets`]). Where more have been
    /// read since, nothing changes and the answer is false: a later filing is announced already.
    /// `judged_by` is what told which of its papers are held, where any was looked at.
    ///
    /// A document whose revision is unchanged keeps its record. A document that a person assigned
    /// stays, under the person's kind and component; pages that filing added to it are taken
    /// over. Each filed document without a record at its revision is announced to be sealed,
    /// `quiet` from now, or at once when the dossier is closed. The record of a document that is
    /// not filed any more is revoked: nobody may rely on what turned out to be otherwise.
    ///
    /// # Errors
    /// [`FilingError::Changed`]; [`ArchiveError::Missing`] when there is no such dossier.
    pub async fn put_filing(
        &self,
        dossier: DossierId,
        (seen, judged_by): (usize, Option<&InUse>),
        documents: &[FiledDocument],
        same_as: &[(PageId, PageId)],
        quiet: Duration,
    ) -> Result<bool, FilingError> {
        let mut change = self.db.change().await?;
        let held = Held::take(&mut change, By::Id(dossier)).await?;
        let held = held.ok_or_else(|| dossiers::missing(dossier))?;
        if count_read(&mut change, dossier).await? != number(seen) {
            return Ok(false);
        }
        must_still_be(judged_by, &mut change, dossier).await?;
        let mut before: HashMap<DocumentId, Kept> = HashMap::new();
        for kept in of_dossier(change.on(), dossier).await? {
            before.insert(kept.row.doc.id, kept);
        }
        let stood = components(before.values());
        let wait = if held.state == DossierState::Closed { Duration::ZERO } else { quiet };
        let due_at = change.now.saturating_add(number(wait.as_micros()));
        for (place, document) in documents.iter().enumerate() {
            let next = successor(before.remove(&document.id), document);
            next.put(&mut change, &held, number(place), due_at).await?;
        }
        for (place, left) in before.into_values().enumerate() {
            let id = left.row.doc.id.to_string();
            let queries = match left.row.assigned_by {
                Some(_) => {
                    vec![sqlx::query(PLACE_LAST).bind(id).bind(number(documents.len() + place))]
                }
                None => {
                    withdraw_record(&mut change, &held, left.row.doc.id).await?;
                    let each = [FORGET_PARKED, REMOVE];
                    each.into_iter().map(|query| sqlx::query(query).bind(id.clone())).collect()
                }
            };
            for query in queries {
                query.execute(change.on()).await.doing("filing a dossier")?;
            }
        }
        mark_same(&mut change, dossier, same_as).await?;
        let filed = sqlx::query(FILED).bind(dossier.to_string()).bind(number(seen));
        filed.execute(change.on()).await.doing("filing a dossier")?;
        let event = how_filed(&mut change, dossier, &stood).await?;
        held.tell(&mut change, &event).await?;
        held.settle(&mut change).await?;
        change.commit().await?;
        self.tell_changes().await?;
        Ok(true)
    }

    /// A dossier's documents, in order of filing.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn documents(&self, dossier: DossierId) -> Result<Vec<DocumentRow>, ArchiveError> {
        let mut view = self.db.view().await?;
        let kept = of_dossier(&mut view, dossier).await?;
        Ok(kept.into_iter().map(|kept| kept.row).collect())
    }

    /// A document, with its dossier.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn document(
        &self,
        id: DocumentId,
    ) -> Result<Option<(DossierId, DocumentRow)>, ArchiveError> {
        let mut view = self.db.view().await?;
        Ok(by_id(&mut view, id).await?.map(|kept| (kept.dossier, kept.row)))
    }

    /// Files a document by the word of a person, said with the principal's key or session, and
    /// announces that it be sealed, unless it was published just so already and is in use. With the
    /// reason why its paper is taken, where a record stands for the component, and what the guard
    /// went by, where one looked at it. None when there is no such document.
    ///
    /// # Errors
    /// [`FilingError::Changed`]; [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn assign(
        &self,
        principal: PrincipalId,
        id: DocumentId,
        (word, stated, judged_by): (&AssignDocument, Option<&Stated>, Option<&InUse>),
        now: Timestamp,
    ) -> Result<Option<DocumentRow>, FilingError> {
        let mut change = self.db.change().await?;
        let Some(held) = Held::take(&mut change, By::Document(id)).await? else {
            return Ok(None);
        };
        let Some(mut kept) = by_id(change.on(), id).await? else { return Ok(None) };
        must_still_be(judged_by, &mut change, held.id).await?;
        let stood = components(&of_dossier(change.on(), held.id).await?);
        let replaced = sqlx::query(REPLACED).bind(id.to_string()).fetch_optional(change.on()).await;
        let replaced = replaced.doing("filing a document by a person's word")?.is_some();
        if kept.row.withdrawn || replaced {
            // By this word it is published again, be it filed as it was.
            kept.row.withdrawn = false;
            (kept.seal, kept.row.record) = (Seal::None, None);
        }
        let mut doc = kept.row.doc.clone();
        if let Some(kind) = &word.kind {
            doc.kind = Some(KindGuess { id: kind.clone(), confidence: 1.0 });
        }
        doc.component = Some(word.component.clone());
        doc.revision = revision(&doc);
        doc.verdict = DocumentVerdict::Filed;
        doc.confidence = 1.0;
        doc.why = "Cán bộ đã xếp giấy tờ này.".to_owned();
        let place = kept.place;
        let mut next = kept.at(doc);
        next.row.assigned_by = Some(word.by.clone());
        next.put(&mut change, &held, place, micros(now)).await?;
        let said = sqlx::query(ASSIGNED).bind(id.to_string()).bind(principal.to_string());
        said.execute(change.on()).await.doing("filing a document by a person's word")?;
        if let (Some(stated), Some(first)) = (stated, next.row.doc.pages.first()) {
            let scan = sqlx::query(SCAN_OF).bind(first.to_string());
            let scan = scan.fetch_one(change.on()).await.doing("reading a page's scan")?;
            keep_reason(&mut change, (held.id, scan.parsed("scan_id")?), stated, now).await?;
        }
        let event = how_filed(&mut change, held.id, &stood).await?;
        held.tell(&mut change, &event).await?;
        held.settle(&mut change).await?;
        let row = by_id(change.on(), id).await?.map(|kept| kept.row);
        change.commit().await?;
        Ok(row)
    }
}

/// Whether a document was made a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Seal {
    /// It is not to be.
    None,
    /// A job is on its way.
    Waiting,
    /// It was, or a person withdrew the record: nothing is left to be done.
    Sealed,
    /// The job is parked.
    Parked,
}

impl DocumentRow {
    /// The document as it is shown, but for what people call its kind.
    #[must_use]
    pub fn view(self) -> DocumentView {
        let doc = self.doc;
        let withdrawn = self.withdrawn && doc.verdict == DocumentVerdict::Filed;
        DocumentView {
            id: doc.id,
            kind: doc.kind.map(|guess| guess.id),
            kind_name: None,
            component: doc.component,
            confidence: doc.confidence,
            verdict: doc.verdict,
            why: if withdrawn { WITHDRAWN.to_owned() } else { doc.why },
            pages: doc.pages,
            record: self.record.map(|(id, _)| id),
            record_version: self.record.map(|(_, version)| version),
        }
    }
}

/// A document with what only this file needs to know.
struct Kept {
    row: DocumentRow,
    dossier: DossierId,
    place: i64,
    seal: Seal,
    /// Whether the job for this revision must be announced.
    announce: bool,
}

impl Kept {
    /// The same document with other content: its record stays its record only at an equal
    /// revision.
    fn at(mut self, doc: FiledDocument) -> Self {
        let changed = self.row.doc.revision != doc.revision;
        let filed = doc.verdict == DocumentVerdict::Filed;
        if changed {
            self.row.record = None;
            self.seal = Seal::None;
        }
        match (filed, self.seal) {
            // What a person withdrew comes back by a person's word alone.
            (true, Seal::None) if self.row.withdrawn => self.seal = Seal::Sealed,
            (true, Seal::None) => (self.seal, self.announce) = (Seal::Waiting, true),
            (false, _) => (self.seal, self.row.record) = (Seal::None, None),
            (true, Seal::Waiting | Seal::Sealed | Seal::Parked) => {}
        }
        self.row.doc = doc;
        self
    }

    async fn put(
        &self,
        change: &mut Change<'_>,
        held: &Held,
        place: i64,
        due_at: i64,
    ) -> Result<(), ArchiveError> {
        let DocumentRow { doc, assigned_by, record, withdrawn: _ } = &self.row;
        let pages: Vec<String> = doc.pages.iter().map(PageId::to_string).collect();
        let doing = "filing a document";
        sqlx::query(PUT)
            .bind(doc.id.to_string())
            .bind(held.id.to_string())
            .bind(place)
            .bind(&doc.revision)
            .bind(json(&pages)?)
            .bind(doc.kind.as_ref().map(|kind| kind.id.as_str()))
            .bind(share(doc.kind.as_ref().map(|kind| kind.confidence)))
            .bind(doc.component.as_ref().map(ComponentId::as_str))
            .bind(f64::from(doc.confidence))
            .bind(word(&doc.verdict)?)
            .bind(&doc.why)
            .bind(assigned_by)
            .bind(word(&self.seal)?)
            .bind(record.map(|(_, version)| i64::from(version)))
            .execute(change.on())
            .await
            .doing(doing)?;
        if doc.verdict != DocumentVerdict::Filed {
            withdraw_record(change, held, doc.id).await?;
        }
        if self.seal != Seal::Parked {
            let forget = sqlx::query(FORGET_PARKED).bind(doc.id.to_string());
            forget.execute(change.on()).await.doing(doing)?;
        }
        if self.announce {
            held.unsettle(change).await?;
            let job = Job::Seal { document: doc.id, revision: doc.revision.clone() };
            held.announce(change, job, due_at).await?;
        }
        Ok(())
    }
}

/// What becomes of a document when it is filed anew.
fn successor(before: Option<Kept>, filed: &FiledDocument) -> Kept {
    let Some(before) = before else {
        let row = DocumentRow {
            // No revision yet, so that the first differs.
            doc: FiledDocument { revision: String::new(), ..filed.clone() },
            assigned_by: None,
            record: None,
            // If it was, publishing sees it.
            withdrawn: false,
        };
        let dossier = DossierId::default();
        let new = Kept { row, dossier, place: 0, seal: Seal::None, announce: false };
        return new.at(filed.clone());
    };
    if before.row.assigned_by.is_none() {
        return before.at(filed.clone());
    }
    let mut doc = before.row.doc.clone();
    if doc.pages != filed.pages {
        doc.pages.clone_from(&filed.pages);
        doc.revision = revision(&doc);
    }
    before.at(doc)
}

fn revision(doc: &FiledDocument) -> String {
    revision_of(&doc.pages, doc.kind.as_ref().map(|kind| &kind.id), doc.component.as_ref())
}

/// Withdraws the record of a document that is not filed any more, if it has one.
async fn withdraw_record(
    change: &mut Change<'_>,
    held: &Held,
    document: DocumentId,
) -> Result<(), ArchiveError> {
    let row = sqlx::query(NOT_WITHDRAWN).bind(document.to_string());
    let row = row.fetch_optional(change.on()).await;
    let Some(row) = row.doing("withdrawing a record")? else { return Ok(()) };
    let (id, version): (RecordId, u32) = (row.parsed("record_id")?, row.int("version")?);
    let reason = Some("Giấy tờ không còn được xếp vào thành phần nào của hồ sơ.");
    let why = End {
        change: RecordChange::Revoked,
        reason,
        by: None,
        principal: None,
        superseded_by: None,
    };
    withdraw(change, (id, version), why, Timestamp::now()).await?;
    look_again(change, held, (id, version)).await
}

/// Components that documents are filed under.
fn components<'k>(documents: impl IntoIterator<Item = &'k Kept>) -> BTreeSet<ComponentId> {
    let docs = documents.into_iter().map(|kept| &kept.row.doc);
    let filed = docs.filter(|doc| doc.verdict == DocumentVerdict::Filed);
    filed.filter_map(|doc| doc.component.clone()).collect()
}

/// How a dossier's documents stand, and for which components that were not there before something
/// stands.
async fn how_filed(
    change: &mut Change<'_>,
    dossier: DossierId,
    stood: &BTreeSet<ComponentId>,
) -> Result<DossierEvent, ArchiveError> {
    let documents = of_dossier(change.on(), dossier).await?;
    let mut held_again = Vec::new();
    if !components(&documents).is_subset(stood) {
        held_again = again::held_again(change, dossier).await?;
        held_again.retain(|held| !stood.contains(&held.component));
    }
    let (mut filed, mut unsure, mut outside) = (0, 0, 0);
    for kept in &documents {
        match kept.row.doc.verdict {
            DocumentVerdict::Filed => filed += 1,
            DocumentVerdict::Unsure => unsure += 1,
            DocumentVerdict::Outside => outside += 1,
        }
    }
    Ok(DossierEvent::Filed { filed, unsure, outside, held_again })
}

/// Where what was gone by is otherwise by now, nothing is filed.
async fn must_still_be(
    judged_by: Option<&InUse>,
    change: &mut Change<'_>,
    dossier: DossierId,
) -> Result<(), FilingError> {
    if let Some(judged_by) = judged_by
        && !judged_by.still(change, dossier).await?
    {
        return Err(FilingError::Changed);
    }
    Ok(())
}

async fn count_read(change: &mut Change<'_>, dossier: DossierId) -> Result<i64, ArchiveError> {
    let row = sqlx::query(COUNT_READ).bind(dossier.to_string()).fetch_one(change.on()).await;
    row.doing("counting sheets")?.int("sheets")
}

async fn mark_same(
    change: &mut Change<'_>,
    dossier: DossierId,
    same_as: &[(PageId, PageId)],
) -> Result<(), ArchiveError> {
    let doing = "marking pages scanned twice";
    let clear = sqlx::query(CLEAR_SAME).bind(dossier.to_string());
    clear.execute(change.on()).await.doing(doing)?;
    for (page, earlier) in same_as {
        let mark = sqlx::query(SAME).bind(page.to_string()).bind(dossier.to_string());
        mark.bind(earlier.to_string()).execute(change.on()).await.doing(doing)?;
    }
    Ok(())
}

async fn of_dossier(on: &mut AnyConnection, dossier: DossierId) -> Result<Vec<Kept>, ArchiveError> {
    let rows = sqlx::query(OF_DOSSIER).bind(dossier.to_string()).fetch_all(on).await;
    rows.doing("reading documents")?.iter().map(kept).collect()
}

async fn by_id(on: &mut AnyConnection, id: DocumentId) -> Result<Option<Kept>, ArchiveError> {
    let row = sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(on).await;
    row.doing("reading a document")?.as_ref().map(kept).transpose()
}

fn kept(row: &AnyRow) -> Result<Kept, ArchiveError> {
    let id: DocumentId = row.parsed("document_id")?;
    let version: Option<u32> = row.int_or("record_version")?;
    let doc = FiledDocument {
        id,
        revision: row.take("revision")?,
        pages: row.json("pages")?,
        kind: guess(row)?,
        component: row.parsed_or("component")?,
        confidence: row.share_or("confidence")?.ok_or_else(|| unreadable("confidence"))?,
        verdict: row.word("verdict")?,
        why: row.take("why")?,
    };
    Ok(Kept {
        row: DocumentRow {
            doc,
            assigned_by: row.take("assigned_by")?,
            record: version.map(|version| (RecordId::of(id), version)),
            withdrawn: row.flag("withdrawn")?,
        },
        dossier: row.parsed("dossier_id")?,
        place: row.int("place")?,
        seal: row.word("seal")?,
        announce: false,
    })
}

#[cfg(test)]
mod tests {
    use schemas::Uuid;

    use super::*;

    #[test]
    fn a_filed_document_says_that_its_record_was_withdrawn() {
        let why = |verdict, withdrawn| {
            let doc = FiledDocument {
                id: DocumentId::from_uuid(Uuid::nil()),
                revision: String::new(),
                pages: Vec::new(),
                kind: None,
                component: None,
                confidence: 0.9,
                verdict,
                why: "Đúng tên giấy tờ.".to_owned(),
            };
            let row = DocumentRow { doc, assigned_by: None, record: None, withdrawn };
            row.view().why
        };
        assert_eq!(why(DocumentVerdict::Filed, true), WITHDRAWN);
        assert_eq!(why(DocumentVerdict::Filed, false), "Đúng tên giấy tờ.");
        assert_eq!(why(DocumentVerdict::Unsure, true), "Đúng tên giấy tờ.");
    }
}
