//! What reports count: a few facts of each dossier taken in in a period.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemas::facts::DossierFacts;
use schemas::ids::{PageId, ResultCode};

use super::Records;
use crate::database::micros;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

const DOSSIERS: &str = "
    select dossier_id, code, office, procedure, procedure_version, state,
        (select count(*) from document where document.dossier_id = dossier.dossier_id
            and verdict = 'filed') as filed,
        (select count(*) from page where page.dossier_id = dossier.dossier_id
            and state = 'read') as pages
    from dossier where opened_at >= $1 and opened_at < $2 order by code";

// A component whose paper must come in as well counts as reused although the paper came.
const COMPONENTS: &str = "
    select d.dossier_id, r.original,
        exists (select 1 from document p where p.dossier_id = d.dossier_id
            and p.component = r.component and p.verdict = 'filed') as collected,
        exists (select 1 from ask_again a where a.dossier_id = d.dossier_id
            and a.component = r.component)
        or exists (select 1 from lookup_word w where w.dossier = d.code
            and w.component = r.component and w.word = 'declined') as reasoned,
        exists (select 1 from relied_change c where c.dossier_id = d.dossier_id
            and c.component = r.component) as lost
    from dossier d join relied r on r.dossier_id = d.dossier_id
    where d.opened_at >= $1 and d.opened_at < $2";

const RECORDS: &str = "
    select d.dossier_id, r.result, r.published_at, r.scanned_at
    from dossier d join record r on r.dossier_id = d.dossier_id
    where d.opened_at >= $1 and d.opened_at < $2 and r.version = 1";

const ASSIGNED: &str = "
    select d.dossier_id, p.pages
    from dossier d join document p on p.dossier_id = d.dossier_id
    where d.opened_at >= $1 and d.opened_at < $2 and p.assigned_by is not null";

impl Records {
    /// Facts of the dossiers taken in from `first` until before `end`, in order of their codes.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn facts(
        &self,
        first: Timestamp,
        end: Timestamp,
    ) -> Result<Vec<DossierFacts>, ArchiveError> {
        let doing = "reading what a report counts";
        let ask = async |sql: &'static str| {
            let query = sqlx::query(sql).bind(micros(first)).bind(micros(end));
            query.fetch_all(&self.db.readers).await.doing(doing)
        };
        let mut facts = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for row in ask(DOSSIERS).await? {
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
        }
        // A dossier that was opened since the first question is not counted.
        for row in ask(COMPONENTS).await? {
            let Some(of) = places.get(row.take::<&str>("dossier_id")?) else { continue };
            let of = &mut facts[*of];
            let original = row.int::<i64>("original")? != 0;
            let again = row.flag("collected")? && !original;
            of.reusable += 1;
            of.asked_again += u64::from(again);
            of.unreasoned += u64::from(again && !row.flag("reasoned")?);
            of.reused += u64::from(!again && !row.flag("lost")?);
        }
        for row in ask(RECORDS).await? {
            let Some(of) = places.get(row.take::<&str>("dossier_id")?) else { continue };
            facts[*of].results.extend(row.parsed_or::<ResultCode>("result")?);
            if let Some(scanned) = row.int_or::<i64>("scanned_at")? {
                let wait = row.int::<i64>("published_at")? - scanned;
                facts[*of].waits.push(u64::try_from(wait).unwrap_or(0) / 1_000_000);
            }
        }
        for row in ask(ASSIGNED).await? {
            let Some(of) = places.get(row.take::<&str>("dossier_id")?) else { continue };
            let pages: Vec<PageId> = row.json("pages")?;
            facts[*of].corrected += pages.len() as u64;
        }
        Ok(facts)
    }
}
