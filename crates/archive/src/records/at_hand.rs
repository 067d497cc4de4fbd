//! What is at hand for a dossier: all that decides how its components stand.

use std::collections::BTreeSet;

use schemas::api::DocumentView;
use schemas::catalogue::Procedure;
use schemas::elsewhere::Elsewhere;
use schemas::ids::{ComponentId, DossierId, RecordId};
use schemas::record::Record;
use schemas::situation::Situation;
use sqlx::any::AnyRow;

use super::Records;
use super::dossiers::Dossier;
use super::filing::DocumentRow;
use crate::database::Change;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

/// What decides how a dossier's components stand, beside what it was opened with.
#[derive(Debug, Clone)]
pub struct AtHand {
    /// Its documents, in order of filing.
    pub documents: Vec<DocumentView>,
    /// Records of its people that are in use, or whose place another paper took.
    records: Vec<Record>,
    declined: Vec<ComponentId>,
    elsewhere: Vec<Elsewhere>,
}

/// Which records of a dossier's people are in use, but for those that came with it: what may stand
/// for its components. Whoever goes by what is at hand asks this first; where it is otherwise by
/// the change that comes of it, nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InUse(BTreeSet<(RecordId, u32)>);

const IN_USE: &str = "
    select r.record_id, r.version
    from (select number from dossier where dossier_id = $1
        union select number from dossier_subject where dossier_id = $1) as people
    join record_owner o on o.number = people.number
    join record r on r.record_id = o.record_id and r.version = o.version
    where r.state = 'published' and r.dossier_id <> $1";

const LOOKING: &str = "looking which records are in use";

impl Records {
    /// Which records may stand for a dossier's components at this moment.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn in_use_for(&self, dossier: DossierId) -> Result<InUse, ArchiveError> {
        let query = sqlx::query(IN_USE).bind(dossier.to_string());
        InUse::of(&query.fetch_all(&self.db.readers).await.doing(LOOKING)?)
    }

    /// What is at hand for a dossier of that procedure.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn at_hand(
        &self,
        dossier: &Dossier,
        procedure: &Procedure,
    ) -> Result<AtHand, ArchiveError> {
        let documents = self.documents(dossier.id).await?;
        Ok(AtHand {
            documents: documents.into_iter().map(DocumentRow::view).collect(),
            records: self.papers_of_all(dossier.people()).await?,
            declined: self.declined(&dossier.code).await?,
            elsewhere: self.elsewhere(dossier.id, procedure).await?,
        })
    }
}

impl InUse {
    fn of(rows: &[AnyRow]) -> Result<Self, ArchiveError> {
        let version = |row: &AnyRow| Ok((row.parsed("record_id")?, row.int("version")?));
        rows.iter().map(version).collect::<Result<_, ArchiveError>>().map(Self)
    }

    /// Whether it is still so for the dossier, which is held.
    pub(super) async fn still(
        &self,
        change: &mut Change<'_>,
        dossier: DossierId,
    ) -> Result<bool, ArchiveError> {
        let query = sqlx::query(IN_USE).bind(dossier.to_string());
        Ok(Self::of(&query.fetch_all(change.on()).await.doing(LOOKING)?)? == *self)
    }
}

impl AtHand {
    /// The situation of the dossier that this is at hand for.
    #[must_use]
    pub fn situation<'a>(&'a self, dossier: &'a Dossier) -> Situation<'a> {
        Situation {
            case: dossier.case.as_ref(),
            answers: &dossier.answers,
            office: &dossier.office,
            people: dossier.people(),
            documents: &self.documents,
            records: &self.records,
            declined: &self.declined,
            elsewhere: &self.elsewhere,
        }
    }
}
