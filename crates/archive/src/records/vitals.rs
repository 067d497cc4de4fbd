//! How much waits, for metrics and for senders that are asked to come back. Every figure is
//! counted along an index, and counted up to a limit only.

use std::time::Duration;

use schemas::Uuid;
use schemas::message::Lane;

use super::Records;
use crate::error::{ArchiveError, Doing};
use crate::queue::Queue;
use crate::rows::{Columns, number};

/// Counting stops here: beyond it, whoever looks at the figure knows enough.
const MOST: i64 = 100_000;

/// How long what a worker said of its throughput is believed.
const BELIEVED: Duration = Duration::from_secs(60);

const HERE: &str = "select 1 as here";

const OUTBOX_AND_PARKED: &str = "
    select (select min(due_at) from outbox) as due_at,
        (select count(*) from (select 1 from parked limit $1) as counted) as parked,
        (select count(*) from (select 1 from delivery where fate = 'hung' limit $1) as counted)
            as hung,
        (select min(made_at) from delivery where fate = 'waiting') as made_at";

// Offices take turns, so a lane's oldest job is the oldest of its offices' next ones: one step
// into an index for each office.
const DEPTH: &str = "
    select (select count(*) from (select 1 from job where lane = $1 limit $2) as counted) as jobs,
        (select min((select min(j.due_at) from job j where j.lane = t.lane and j.office = t.office))
         from office_turn t where t.lane = $1) as due_at";

// The table has the name of what it was called first.
const PUT_THROUGHPUT: &str = "
    insert into pace (worker, at, jobs_per_hour) values ($1, $2, $3)
    on conflict (worker) do update set at = excluded.at, jobs_per_hour = excluded.jobs_per_hour";

const FORGET_THROUGHPUT: &str = "delete from pace where at < $1";

const THROUGHPUT: &str = "
    select cast(coalesce(sum(jobs_per_hour), 0) as bigint) as jobs_per_hour from pace
    where at >= $1";

/// What waits, beside the queue itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordVitals {
    /// How long the oldest announcement that is due has waited to go to the queue; zero where
    /// none is.
    pub outbox_lag: Duration,
    /// Jobs that a person must look at; counted up to 100,000 only.
    pub parked: u64,
    /// Deliveries that a person must decide on; counted up to 100,000 only.
    pub hung: u64,
    /// How long the oldest delivery has waited to leave; zero where none waits.
    pub oldest_delivery: Duration,
}

/// How much waits in a lane of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneDepth {
    /// The lane.
    pub lane: Lane,
    /// Jobs, those in hand included; counted up to 100,000 only.
    pub jobs: u64,
    /// How long the oldest job that is due has been; zero where none is.
    pub oldest: Duration,
}

impl Records {
    /// What waits, beside the queue itself.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn vitals(&self) -> Result<RecordVitals, ArchiveError> {
        let doing = "counting what waits";
        let query = sqlx::query(OUTBOX_AND_PARKED).bind(MOST);
        let row = query.fetch_one(&self.db.readers).await.doing(doing)?;
        let now = self.db.now().await?;
        Ok(RecordVitals {
            outbox_lag: since(row.take("due_at")?, now),
            parked: row.int("parked")?,
            hung: row.int("hung")?,
            oldest_delivery: since(row.take("made_at")?, now),
        })
    }

    /// A worker says how many jobs it ends in an hour, as things go now.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn put_throughput(
        &self,
        worker: Uuid,
        jobs_per_hour: u64,
    ) -> Result<(), ArchiveError> {
        let doing = "noting a worker's throughput";
        let mut change = self.db.change().await?;
        let now = change.now;
        let put = sqlx::query(PUT_THROUGHPUT).bind(worker.to_string()).bind(now);
        put.bind(number(jobs_per_hour)).execute(change.on()).await.doing(doing)?;
        let forget = sqlx::query(FORGET_THROUGHPUT).bind(now - number(BELIEVED.as_micros()));
        forget.execute(change.on()).await.doing(doing)?;
        change.commit().await
    }

    /// How many jobs all workers end in an hour, by what each said within the last minute.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn throughput(&self) -> Result<u64, ArchiveError> {
        let since = self.db.now().await? - number(BELIEVED.as_micros());
        let row = sqlx::query(THROUGHPUT).bind(since).fetch_one(&self.db.readers).await;
        row.doing("reading the throughput")?.int("jobs_per_hour")
    }

    pub(crate) async fn reach(&self) -> Result<(), ArchiveError> {
        sqlx::query(HERE).fetch_one(&self.db.readers).await.doing("asking the database")?;
        Ok(())
    }
}

impl Queue {
    /// How much waits, lane by lane.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn depths(&self) -> Result<Vec<LaneDepth>, ArchiveError> {
        let mut depths = Vec::new();
        let now = self.db.now().await?;
        for lane in Lane::ALL {
            let query = sqlx::query(DEPTH).bind(lane.as_str()).bind(MOST);
            let row = query.fetch_one(&self.db.readers).await.doing("counting the queue")?;
            let oldest = since(row.take("due_at")?, now);
            depths.push(LaneDepth { lane, jobs: row.int("jobs")?, oldest });
        }
        Ok(depths)
    }

    pub(crate) async fn reach(&self) -> Result<(), ArchiveError> {
        let doing = "asking the queue";
        sqlx::query(HERE).fetch_one(&self.db.readers).await.doing(doing)?;
        if self.flows() {
            return Ok(());
        }
        Err(ArchiveError::Unavailable { what: doing, source: "the broker is away".into() })
    }
}

/// How long ago that was; zero for what is still to come.
fn since(due_at: Option<i64>, now: i64) -> Duration {
    let micros = due_at.map_or(0, |due_at| now - due_at);
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
