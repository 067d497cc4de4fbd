//! Which dossiers a subject is in, and what was done with those that is theirs to know.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use schemas::audit::Act;
use schemas::catalogue::Whose;
use schemas::ids::{ComponentId, DossierCode};
use schemas::subject::Subject;

use super::Access;
use crate::error::ArchiveError;
use crate::records::Records;
use crate::records::dossiers::Dossier;

/// Dossiers that a subject is in, by number, name and birth date.
#[derive(Debug, Clone)]
pub struct DossiersOf {
    /// Their own.
    pub own: Vec<Dossier>,
    /// Those of somebody else that need papers of theirs.
    pub naming: Vec<Dossier>,
    /// Components that ask for a paper of whom the dossier names, and not of its applicant.
    of_others: BTreeSet<(DossierCode, ComponentId)>,
}

impl DossiersOf {
    /// Codes of all of them, their own first.
    #[must_use]
    pub fn codes(&self) -> Vec<DossierCode> {
        self.own.iter().chain(&self.naming).map(|dossier| dossier.code.clone()).collect()
    }

    /// Whether that is theirs to know. Of somebody else's dossier it is that another Kho was asked
    /// for their paper, and what became of the answer; of their own all but that. What was done
    /// with a record is for its owners.
    #[must_use]
    pub fn tells(&self, access: &Access) -> bool {
        let line = &access.line.line;
        let (Some(dossier), None) = (&line.dossier, line.record) else { return true };
        let is_own = self.own.iter().any(|own| own.code == *dossier);
        let is_of_other = line.component.as_ref().is_some_and(|component| {
            asks_kho(line.act) && self.of_others.contains(&(dossier.clone(), component.clone()))
        });
        is_own != is_of_other
    }
}

/// Whether it is a question to another Kho, or what became of its answer.
fn asks_kho(act: Act) -> bool {
    matches!(act, Act::KhoAsked | Act::KhoShown | Act::KhoUsed | Act::KhoDeclined)
}

impl Records {
    /// The dossiers that a subject is in.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn dossiers_with(&self, subject: &Subject) -> Result<DossiersOf, ArchiveError> {
        let mut own = self.dossiers_of(subject.reveal_number()).await?;
        own.retain(|dossier| dossier.subject.agrees(subject));
        let mut naming = self.dossiers_naming(subject.reveal_number()).await?;
        naming.retain(|dossier| dossier.others.iter().any(|other| other.agrees(subject)));
        let (mut of_others, mut procedures) = (BTreeSet::new(), HashMap::new());
        for dossier in own.iter().chain(&naming).filter(|dossier| !dossier.others.is_empty()) {
            let which = (dossier.procedure.clone(), dossier.procedure_version);
            let asking = match procedures.entry(which) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let asking = self.asking_others(dossier).await?;
                    new.insert(asking)
                }
            };
            let asking = asking.iter().cloned();
            of_others.extend(asking.map(|component| (dossier.code.clone(), component)));
        }
        Ok(DossiersOf { own, naming, of_others })
    }

    /// Components of a dossier's procedure that ask for a paper of whom the dossier names.
    async fn asking_others(&self, dossier: &Dossier) -> Result<Vec<ComponentId>, ArchiveError> {
        let (code, version) = (&dossier.procedure, dossier.procedure_version);
        let Some(entry) = self.procedure_version(code, version).await? else {
            return Ok(Vec::new());
        };
        let components = entry.procedure.components.into_iter();
        let asking = components.filter(|component| component.whose == Some(Whose::Other));
        Ok(asking.map(|component| component.id).collect())
    }
}
