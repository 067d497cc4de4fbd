//! What time it is for leases, and for what is due: the database's time, for all processes alike.
//! A machine whose clock is off, or jumps, would end the leases of all the others, or let nobody
//! have what it announced.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sqlx::AnyPool;

use super::dialect::Dialect;
use super::micros;
use crate::error::{ArchiveError, Doing};
use crate::rows::{Columns, number};

/// How long the server isn't asked again, and its time counted on.
const FRESH: Duration = Duration::from_secs(5);

const ASK: &str = "
    select cast(extract(epoch from clock_timestamp()) * 1000000 as bigint) as now";

/// The database's clock. SQLite is on this machine, and has its time.
pub(super) struct Clock {
    dialect: Dialect,
    /// A clock that only counts, and can't be set.
    counting: Instant,
    told: Mutex<Option<Told>>,
}

/// What the server told.
#[derive(Clone, Copy)]
struct Told {
    /// When it was asked last, by the counting clock, in microseconds.
    asked: i64,
    /// How far its clock is ahead of the counting one, in microseconds.
    ahead: i64,
}

impl Clock {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, counting: Instant::now(), told: Mutex::new(None) }
    }

    /// Microseconds since 1970.
    pub(super) async fn now(&self, readers: &AnyPool) -> Result<i64, ArchiveError> {
        if self.dialect == Dialect::Sqlite {
            return Ok(micros(Timestamp::now()));
        }
        let (asked, told) = (self.counted(), *self.told());
        if let Some(told) = told.filter(|told| asked - told.asked < number(FRESH.as_micros())) {
            return Ok(asked + told.ahead);
        }
        let row = sqlx::query(ASK).fetch_one(readers).await;
        let now: i64 = row.doing("asking the database for the time")?.int("now")?;
        let answered = self.counted();
        // It looked at its clock between the two. What was believed stays where it agrees with
        // that, so that no slow answer makes time jump.
        let least = now - answered;
        let ahead = told.map_or(least, |told| told.ahead.clamp(least, now - asked));
        *self.told() = Some(Told { asked, ahead });
        Ok(answered + ahead)
    }

    fn counted(&self) -> i64 {
        number(self.counting.elapsed().as_micros())
    }

    fn told(&self) -> MutexGuard<'_, Option<Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
