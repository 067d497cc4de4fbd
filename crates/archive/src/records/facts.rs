//! What reports count: a few facts of each dossier taken in in a period.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt;
use jiff::Timestamp;
use schemas::access::Reach;
use schemas::facts::DossierFacts;
use schemas::ids::{OfficeCode, PageId, ResultCode};
use sqlx::any::AnyRow;

use super::Records;
use super::relied::still;
use crate::database::micros;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

/// What is asked of the dossiers taken in from $1 until before $2.
struct Questions {
    dossiers: &'static str,
    components: &'static str,
    records: &'static str,
    assigned: &'static str,
}

// A component whose paper must come in as well counts as reused although the paper came.
macro_rules! questions {
    ($which:literal) => {
        Questions {
            dossiers: concat!(
                "select d.dossier_id, d.code, d.office, d.procedure, d.procedure_version, d.state,
                    (select count(*) from document f where f.dossier_id = d.dossier_id
                        and f.verdict = 'filed') as filed,
                    (select count(*) from page p where p.dossier_id = d.dossier_id
                        and p.state = 'read') as pages
                 from dossier d where d.opened_at >= $1 and d.opened_at < $2",
                $which
            ),
            components: concat!(
                "select d.dossier_id, r.original,
                    exists (select 1 from document p where p.dossier_id = d.dossier_id
                        and p.component = r.component and p.verdict = 'filed') as collected,
                    exists (select 1 from ask_again a where a.dossier_id = d.dossier_id
                        and a.component = r.component)
                    or exists (select 1 from lookup_word w where w.dossier = d.code
                        and w.component = r.component and w.word = 'declined') as reasoned,
                    exists (select 1 from relied_change c where c.dossier_id = d.dossier_id
                        and c.component = r.component and ",
                still!(),
                ") as lost
                 from dossier d join relied r on r.dossier_id = d.dossier_id
                 where d.opened_at >= $1 and d.opened_at < $2",
                $which
            ),
            records: concat!(
                "select d.dossier_id, r.result, r.published_at, r.scanned_at
                 from dossier d join record r on r.dossier_id = d.dossier_id
                 where d.opened_at >= $1 and d.opened_at < $2 and r.version = 1",
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
        self.each(questions.components, which, |row| {
            let Some(of) = places.get(row.take::<&str>("dossier_id")?) else { return Ok(()) };
            let of = &mut facts[*of];
            let original = row.int::<i64>("original")? != 0;
            let again = row.flag("collected")? && !original;
            of.reusable += 1;
            of.asked_again += u64::from(again);
            of.unreasoned += u64::from(again && !row.flag("reasoned")?);
            of.reused += u64::from(!again && !row.flag("lost")?);
            Ok(())
        })
        .await?;
        self.each(questions.records, which, |row| {
            let Some(of) = places.get(row.take::<&str>("dossier_id")?) else { return Ok(()) };
            facts[*of].results.extend(row.parsed_or::<ResultCode>("result")?);
            if let Some(scanned) = row.int_or::<i64>("scanned_at")? {
                let wait = row.int::<i64>("published_at")? - scanned;
                facts[*of].waits.push(u64::try_from(wait).unwrap_or(0) / 1_000_000);
            }
            Ok(())
        })
        .await?;
        self.each(questions.assigned, which, |row| {
            let Some(of) = places.get(row.take::<&str>("dossier_id")?) else { return Ok(()) };
            let pages: Vec<PageId> = row.json("pages")?;
            facts[*of].corrected += pages.len() as u64;
            Ok(())
        })
        .await?;
        Ok(facts)
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

/// Offices of which none is below another, with the same below them.
fn highest(offices: &[OfficeCode]) -> BTreeSet<&OfficeCode> {
    let is_below =
        |office: &OfficeCode| offices.iter().any(|other| other != office && other.covers(office));
    offices.iter().filter(|office| !is_below(office)).collect()
}
