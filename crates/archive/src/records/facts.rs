//! What reports count: a few facts of each dossier taken in in a period.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures_util::TryStreamExt;
use jiff::Timestamp;
use schemas::access::Reach;
use schemas::api::LookupWord;
use schemas::facts::DossierFacts;
use schemas::ids::{OfficeCode, PageId};
use sqlx::any::AnyRow;

use super::Records;
use super::relied::lost;
use crate::database::micros;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

/// What is asked of the dossiers taken in from $1 until before $2.
struct Questions {
    dossiers: &'static str,
    lost: &'static str,
    drawn: &'static str,
    components: &'static str,
    records: &'static str,
    assigned: &'static str,
}

// Whether the paper of a component came in, and whether a reason for that was stated.
macro_rules! collected {
    () => {
        "exists (select 1 from document p where p.dossier_id = d.dossier_id
            and p.component = r.component and p.verdict = 'filed') as collected,
        exists (select 1 from ask_again a where a.dossier_id = d.dossier_id
            and a.component = r.component)
        or exists (select 1 from lookup_word w where w.dossier = d.code
            and w.component = r.component and w.word = 'declined')
        or exists (select 1 from inquiry_word w where w.dossier_id = d.dossier_id
            and w.component = r.component and w.word = 'declined') as reasoned"
    };
}

// A result is filed under its code, which no component of a procedure looks like.
macro_rules! questions {
    ($which:literal) => {
        Questions {
            dossiers: concat!(
                "select d.dossier_id, d.code, d.office, d.procedure, d.procedure_version, d.state,
                    (select count(*) from document f where f.dossier_id = d.dossier_id
                        and f.verdict = 'filed' and substr(f.component, 1, 3) <> 'KQ.') as filed,
                    exists (select 1 from synced_result s where s.dossier_id = d.dossier_id
                        and exists (select 1 from record r where r.record_id = s.record_id
                            and r.state = 'published')) as synced,
                    (select count(*) from page p where p.dossier_id = d.dossier_id
                        and p.state = 'read') as pages
                 from dossier d where d.opened_at >= $1 and d.opened_at < $2",
                $which
            ),
            lost: concat!(
                "select d.dossier_id, c.component
                 from dossier d join relied_change c on c.dossier_id = d.dossier_id
                 where d.opened_at >= $1 and d.opened_at < $2 and ",
                lost!(),
                $which
            ),
            drawn: concat!(
                "select d.dossier_id, r.component, r.word, r.original, i.national, ",
                collected!(),
                " from dossier d join inquiry_word r on r.dossier_id = d.dossier_id
                 join inquiry i on i.inquiry_id = r.inquiry_id
                 where d.opened_at >= $1 and d.opened_at < $2 and r.word in ('used', 'declined')",
                $which,
                " order by r.at, r.inquiry_id, r.place"
            ),
            components: concat!(
                "select d.dossier_id, r.component, r.original, ",
                collected!(),
                " from dossier d join relied r on r.dossier_id = d.dossier_id
                 where d.opened_at >= $1 and d.opened_at < $2",
                $which
            ),
            records: concat!(
                "select d.dossier_id, r.version, r.result, r.published_at, r.scanned_at,
                    r.state = 'published' and exists (select 1 from document f
                        where f.document_id = r.document_id and f.verdict = 'filed'
                        and f.component = r.result) as is_result
                 from dossier d join record r on r.dossier_id = d.dossier_id
                 where d.opened_at >= $1 and d.opened_at < $2
                    and (r.version = 1 or r.state = 'published')",
                $which
            ),
            assigned: concat!(
                "select d.dossier_id, p.pages
                 from dossier d join document p on p.dossier_id = d.dossier_id
                 where d.opened_at >= $1 and d.opened_at < $2 and p.assigned_by is not null",
                $which
            ),
        }
    };
}
const EVERYWHERE: Questions = questions!("");
const OF_OFFICE: Questions = questions!(" and d.office = $3");
// An office and those below it.
const BELOW: Questions =
    questions!(" and (d.office = $3 or substr(d.office, 1, length($3) + 1) = $3 || '.')");

/// Which dossiers are asked about.
#[derive(Clone, Copy)]
struct Which<'a> {
    first: Timestamp,
    end: Timestamp,
    office: Option<&'a OfficeCode>,
}

/// A component of a dossier, by the dossier's place.
type Place = (usize, String);

/// A component for which another Kho's paper was used.
struct Drawn {
    /// Whether it still is, by the last word.
    used: bool,
    national: bool,
    stood: Stood,
}

/// What became of a component that something stood for.
#[derive(Clone, Copy)]
struct Stood {
    again: bool,
    reasoned: bool,
}

impl Stood {
    // A component whose paper must come in as well isn't asked for again although the paper came.
    fn of(row: &AnyRow) -> Result<Self, ArchiveError> {
        let original = row.int::<i64>("original")? != 0;
        Ok(Self { again: row.flag("collected")? && !original, reasoned: row.flag("reasoned")? })
    }

    fn count(self, of: &mut DossierFacts) {
        of.reusable += 1;
        of.asked_again += u64::from(self.again);
        of.unreasoned += u64::from(self.again && !self.reasoned);
    }
}

impl Records {
    /// Facts of the dossiers within reach, and of that office alone where one is named, which were
    /// taken in from `first` until before `end`; in order of their codes.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn facts(
        &self,
        (first, end): (Timestamp, Timestamp),
        reach: &Reach,
        office: Option<&OfficeCode>,
    ) -> Result<Vec<DossierFacts>, ArchiveError> {
        let which = Which { first, end, office };
        let mut facts = match (office, reach) {
            (Some(office), reach) if !reach.covers(office) => Vec::new(),
            (Some(_), _) => self.facts_of(&OF_OFFICE, which).await?,
            (None, Reach::Everywhere) => self.facts_of(&EVERYWHERE, which).await?,
            (None, Reach::Offices(offices)) => {
                let mut facts = Vec::new();
                for office in highest(offices) {
                    let which = Which { office: Some(office), ..which };
                    facts.extend(self.facts_of(&BELOW, which).await?);
                }
                facts
            }
        };
        // One office came after the other, and a database may have an order of its own.
        facts.sort_by(|a, b| a.code.cmp(&b.code));
        Ok(facts)
    }

    async fn facts_of(
        &self,
        questions: &Questions,
        which: Which<'_>,
    ) -> Result<Vec<DossierFacts>, ArchiveError> {
        let mut facts = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        self.each(questions.dossiers, which, |row| {
            places.insert(row.take("dossier_id")?, facts.len());
            facts.push(DossierFacts {
                code: row.parsed("code")?,
                office: row.parsed("office")?,
                procedure: row.parsed("procedure")?,
                procedure_version: row.int("procedure_version")?,
                state: row.word("state")?,
                filed: row.int("filed")?,
                results: Vec::new(),
                reusable: 0,
                reused: 0,
                synced: row.flag("synced")?,
                asked_again: 0,
                unreasoned: 0,
                pages: row.int("pages")?,
                corrected: 0,
                waits: Vec::new(),
            });
            Ok(())
        })
        .await?;
        // A dossier that was opened since the first question is not counted.
        let place = |row: &AnyRow| -> Result<Option<usize>, ArchiveError> {
            Ok(places.get(row.take::<&str>("dossier_id")?).copied())
        };
        self.components(questions, which, &place, &mut facts).await?;
        self.each(questions.records, which, |row| {
            let Some(of) = place(row)? else { return Ok(()) };
            let of = &mut facts[of];
            if row.flag("is_result")? {
                of.results.push(row.parsed("result")?);
            }
            // A record is waited for until its first version.
            let is_first = row.int::<u32>("version")? == 1;
            let scanned: Option<i64> = row.int_or("scanned_at")?;
            if let Some(scanned) = scanned.filter(|_| is_first) {
                let wait = row.int::<i64>("published_at")? - scanned;
                of.waits.push(u64::try_from(wait).unwrap_or(0) / 1_000_000);
            }
            Ok(())
        })
        .await?;
        self.each(questions.assigned, which, |row| {
            let Some(of) = place(row)? else { return Ok(()) };
            let pages: Vec<PageId> = row.json("pages")?;
            facts[of].corrected += pages.len() as u64;
            Ok(())
        })
        .await?;
        Ok(facts)
    }

    /// Counts the components that something stood for. A record is counted before another Kho's
    /// paper, as the dossier is told to others.
    async fn components(
        &self,
        questions: &Questions,
        which: Which<'_>,
        place: impl Fn(&AnyRow) -> Result<Option<usize>, ArchiveError>,
        facts: &mut [DossierFacts],
    ) -> Result<(), ArchiveError> {
        let at = |row: &AnyRow| -> Result<Option<Place>, ArchiveError> {
            Ok(place(row)?.zip(Some(row.take("component")?)))
        };
        let mut lost: HashSet<Place> = HashSet::new();
        self.each(questions.lost, which, |row| {
            lost.extend(at(row)?);
            Ok(())
        })
        .await?;
        let mut drawn: BTreeMap<Place, Drawn> = BTreeMap::new();
        self.each(questions.drawn, which, |row| {
            let Some(at) = at(row)? else { return Ok(()) };
            let used = row.word::<LookupWord>("word")? == LookupWord::Used;
            if used {
                let national = row.int::<i64>("national")? != 0;
                drawn.insert(at, Drawn { used, national, stood: Stood::of(row)? });
            } else if let Some(before) = drawn.get_mut(&at) {
                before.used = false;
            }
            Ok(())
        })
        .await?;
        self.each(questions.components, which, |row| {
            let Some(at) = at(row)? else { return Ok(()) };
            let stood = Stood::of(row)?;
            let of = &mut facts[at.0];
            stood.count(of);
            let reused = !stood.again && !lost.contains(&at);
            of.reused += u64::from(reused);
            match drawn.remove(&at) {
                Some(drawn) if !reused => draw(&drawn, of),
                Some(_) | None => {}
            }
            Ok(())
        })
        .await?;
        for (at, drawn) in drawn {
            let of = &mut facts[at.0];
            drawn.stood.count(of);
            draw(&drawn, of);
        }
        Ok(())
    }

    /// Takes in each row of an answer as it comes: a year has millions.
    async fn each(
        &self,
        sql: &'static str,
        which: Which<'_>,
        mut take_in: impl FnMut(&AnyRow) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        let mut query = sqlx::query(sql).bind(micros(which.first)).bind(micros(which.end));
        if let Some(office) = which.office {
            query = query.bind(office.as_str());
        }
        let mut rows = query.fetch(&self.db.readers);
        while let Some(row) = rows.try_next().await.doing("reading what a report counts")? {
            take_in(&row)?;
        }
        Ok(())
    }
}

/// Counts another Kho's paper, if it is used and no other one came in.
fn draw(drawn: &Drawn, of: &mut DossierFacts) {
    let reused = drawn.used && !drawn.stood.again;
    of.reused += u64::from(reused);
    of.synced |= reused && drawn.national;
}

/// Offices of which none is below another, with the same below them.
fn highest(offices: &[OfficeCode]) -> BTreeSet<&OfficeCode> {
    let is_below =
        |office: &OfficeCode| offices.iter().any(|other| other != office && other.covers(office));
    offices.iter().filter(|office| !is_below(office)).collect()
}
