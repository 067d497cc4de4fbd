//! Answers to the questions of a dossier's components, given after it was opened.

use schemas::api::{Answers, DossierEvent, DossierState};
use schemas::ids::{ComponentId, DossierId, PrincipalId};

use super::Records;
use super::dossiers::missing;
use super::held::{By, Held};
use super::relied::{Relied, rely};
use crate::error::{ArchiveError, Doing};
use crate::rows::{Columns, json};

/// What came of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// The answers are kept.
    Kept,
    /// Others were given meanwhile: nothing is kept, and it is to be worked out anew.
    Changed,
    /// The dossier takes no more.
    Closed,
}

/// What answers change of what a dossier relies on.
#[derive(Debug, Clone, Default)]
pub struct Shift {
    /// Records that stand for components which are asked for by now.
    pub relied: Vec<Relied>,
    /// Components that are asked for no longer.
    pub spared: Vec<ComponentId>,
}

const ANSWERS: &str = "select answers from dossier where dossier_id = $1";

const ANSWER: &str = "update dossier set answers = $2 where dossier_id = $1";

// What a paper came in for all the same stays, and so does the reason for which it did.
const RELY_NO_MORE: &str = "
    delete from relied where dossier_id = $1 and component = $2
      and not exists (select 1 from document d where d.dossier_id = $1
        and d.component = $2 and d.verdict = 'filed')
      and not exists (select 1 from ask_again a where a.dossier_id = $1 and a.component = $2)";

// What became of a record tells nothing of another that is relied on later.
const FORGET_CHANGES: &str = "
    delete from relied_change where dossier_id = $1 and component = $2
      and not exists (select 1 from relied r where r.dossier_id = $1 and r.component = $2)";

impl Records {
    /// Keeps a dossier's answers, given with the principal's key or session, where they still are
    /// `before`, and what is relied on by them.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`] when there is no such dossier.
    pub async fn answer(
        &self,
        principal: PrincipalId,
        dossier: DossierId,
        (before, answers): (&Answers, &Answers),
        shift: &Shift,
    ) -> Result<Answered, ArchiveError> {
        let doing = "keeping answers";
        let mut change = self.db.change().await?;
        let held = Held::take(&mut change, By::Id(dossier)).await?;
        let held = held.ok_or_else(|| missing(dossier))?;
        if held.state == DossierState::Closed {
            return Ok(Answered::Closed);
        }
        let id = dossier.to_string();
        let kept = sqlx::query(ANSWERS).bind(&id).fetch_one(change.on()).await.doing(doing)?;
        if kept.json_or::<Answers>("answers")?.unwrap_or_default() != *before {
            return Ok(Answered::Changed);
        }
        let answer = sqlx::query(ANSWER).bind(&id).bind(json(answers)?);
        answer.execute(change.on()).await.doing(doing)?;
        for component in &shift.spared {
            for sql in [RELY_NO_MORE, FORGET_CHANGES] {
                let spare = sqlx::query(sql).bind(&id).bind(component.as_str());
                spare.execute(change.on()).await.doing(doing)?;
            }
        }
        for relied in &shift.relied {
            rely(&mut change, dossier, relied, Some(principal)).await?;
        }
        held.tell(&mut change, &DossierEvent::QuestionsAnswered).await?;
        change.commit().await?;
        Ok(Answered::Kept)
    }
}
