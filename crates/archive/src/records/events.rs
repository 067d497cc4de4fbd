//! What happens to a dossier, for those who follow it.

use schemas::api::DossierEvent;
use schemas::ids::DossierId;
use serde::Deserialize;
use sqlx::any::AnyRow;
use tokio::sync::watch;

use super::Records;
use crate::error::{ArchiveError, Doing};
use crate::rows::{Columns, unreadable};

const UNSETTLED: &str = "select settled from dossier where dossier_id = $1";

const AFTER: &str = "
    select turn, body from dossier_event where dossier_id = $1 and turn > $2
    order by turn limit $3";

impl Records {
    /// Whether something of the dossier is still to be read, filed or published.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn unsettled(&self, dossier: DossierId) -> Result<bool, ArchiveError> {
        let query = sqlx::query(UNSETTLED).bind(dossier.to_string());
        let row = query.fetch_optional(&self.db.readers).await.doing("reading a dossier")?;
        Ok(match row {
            Some(row) => row.int::<i64>("settled")? == 0,
            None => false,
        })
    }

    /// A dossier's events after the one numbered `after` (0: from the start), in order, with
    /// their numbers, which grow but may skip. What a later program tells of is left out.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn events(
        &self,
        dossier: DossierId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, DossierEvent)>, ArchiveError> {
        let mut after = after;
        loop {
            let query = sqlx::query(AFTER).bind(dossier.to_string()).bind(after);
            let rows = query.bind(i64::from(limit)).fetch_all(&self.db.readers).await;
            let rows = rows.doing("reading events")?;
            let Some(last) = rows.last() else { return Ok(Vec::new()) };
            let mut known = Vec::new();
            for row in &rows {
                known.extend(event(row)?);
            }
            // Where none is known, there may be others behind them.
            if !known.is_empty() {
                return Ok(known);
            }
            after = last.int("turn")?;
        }
    }

    /// Changes whenever an event was stored, of whichever dossier, by this process or another of
    /// the cluster. The word of another may be lost on its way, and a command beside this process
    /// gives none, so whoever waits here should also look now and then.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.db.calls.events()
    }
}

/// An event with its number; none where this program doesn't know such a one.
fn event(row: &AnyRow) -> Result<Option<(i64, DossierEvent)>, ArchiveError> {
    let body: &str = row.take("body")?;
    match serde_json::from_str(body) {
        Ok(event) => Ok(Some((row.int("turn")?, event))),
        Err(_) if serde_json::from_str::<Named>(body).is_ok() => Ok(None),
        Err(_) => Err(unreadable("body")),
    }
}

/// What every event has.
#[derive(Deserialize)]
struct Named {
    #[serde(rename = "event")]
    _name: String,
}
