//! Who alone sends: one of the processes that share a database, until its lease is over.

use std::time::Duration;

use crate::database::Change;
use crate::error::{ArchiveError, Doing};
use crate::rows::number;

const HOLD: &str = "
    update relay_lease set holder = $2, held_until = $3
    where name = $1 and (holder = $2 or held_until <= $4)";

const LET_GO: &str = "
    update relay_lease set held_until = 0 where name = $1 and holder = $2";

/// What one process alone sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// Jobs, to the broker.
    Jobs,
    /// What others asked to hear of.
    Deliveries,
}

impl Sending {
    fn name(self) -> &'static str {
        match self {
            Self::Jobs => "queue",
            Self::Deliveries => "deliveries",
        }
    }

    /// Becomes, or stays, the one that sends, for so long; says whether it is.
    pub(crate) async fn hold(
        self,
        change: &mut Change<'_>,
        holder: &str,
        long: Duration,
    ) -> Result<bool, ArchiveError> {
        let now = change.now;
        let until = now.saturating_add(number(long.as_micros()));
        let hold = sqlx::query(HOLD).bind(self.name()).bind(holder).bind(until).bind(now);
        let held = hold.execute(change.on()).await.doing("becoming the one that sends")?;
        Ok(held.rows_affected() > 0)
    }

    /// Leaves the sending to the next process.
    pub(crate) async fn let_go(
        self,
        change: &mut Change<'_>,
        holder: &str,
    ) -> Result<(), ArchiveError> {
        let let_go = sqlx::query(LET_GO).bind(self.name()).bind(holder);
        let_go.execute(change.on()).await.doing("leaving the sending to another").map(drop)
    }
}
