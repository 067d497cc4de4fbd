//! What is at hand for a dossier: all that decides how its components stand.

use schemas::api::DocumentView;
use schemas::catalogue::Procedure;
use schemas::elsewhere::Elsewhere;
use schemas::ids::ComponentId;
use schemas::record::Record;
use schemas::situation::Situation;

use super::Records;
use super::dossiers::Dossier;
use super::filing::DocumentRow;
use crate::error::ArchiveError;

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

impl Records {
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
