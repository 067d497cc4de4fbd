//! What a process leans on, and whether it is there: `/readyz`, and the same in `/metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::{Archive, Part};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::Mutex;
use tracing::warn;
use vitals::{Lane, Standing};
use worker::Readers;

/// How long a part may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long what was found is told to others who ask: whoever asks often costs no more.
const HOLDS: Duration = Duration::from_millis(200);

/// What a process leans on.
#[derive(Clone)]
pub(crate) struct Leaning {
    archive: Archive,
    /// Only where pages are read.
    readers: Option<Arc<Readers>>,
    seen: Arc<Mutex<Option<(Instant, Found)>>>,
    stood: Arc<Mutex<Option<(Instant, Standing)>>>,
}

/// Each dependency's name, and whether it is there.
type Found = Vec<(&'static str, bool)>;

/// The answer of `/readyz`.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    dependencies: BTreeMap<&'static str, &'static str>,
}

/// Which dependency is there and which is missing; 503 when one is that the process can't do
/// without. Without a broker scans are received all the same, and their jobs wait for it: only who
/// works on pages is idle then.
pub(crate) async fn ready(State(leaning): State<Leaning>) -> Response {
    let found = held(&leaning.seen, leaning.look()).await;
    let works = leaning.readers.is_some();
    let ready = found.iter().all(|(name, there)| *there || *name == Part::Broker.name() && !works);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |there| if there { "ok" } else { "missing" };
    let dependencies = found.into_iter().map(|(name, there)| (name, word(there))).collect();
    (status, Json(Readiness { ready, dependencies })).into_response()
}

/// Everything counted in this process, and how the system stands.
pub(crate) async fn metrics(State(leaning): State<Leaning>) -> Response {
    let text = vitals::text(&held(&leaning.stood, leaning.standing()).await);
    ([(axum::http::header::CONTENT_TYPE, vitals::CONTENT_TYPE)], text).into_response()
}

impl Leaning {
    pub(crate) fn new(archive: Archive, readers: Option<Arc<Readers>>) -> Self {
        Self { archive, readers, seen: Arc::default(), stood: Arc::default() }
    }

    async fn look(&self) -> Found {
        let Self { archive, readers, .. } = self;
        let (database, broker, store) = tokio::join!(
            there(archive, Part::Database),
            there(archive, Part::Broker),
            there(archive, Part::Store)
        );
        let mut found = vec![database, broker, store];
        if let Some(readers) = readers {
            let ready = tokio::time::timeout(PATIENCE, readers.ready()).await;
            found.push(("readers", ready.unwrap_or(false)));
        }
        found
    }

    /// How the system stands; what can't be asked is left out.
    async fn standing(&self) -> Standing {
        let Archive { records, queue, .. } = &self.archive;
        let (dependencies, depths, vitals) = tokio::join!(
            held(&self.seen, self.look()),
            tokio::time::timeout(PATIENCE, queue.depths()),
            tokio::time::timeout(PATIENCE, records.vitals()),
        );
        let depths = depths.ok().and_then(Result::ok).unwrap_or_default();
        let vitals = vitals.ok().and_then(Result::ok);
        let lane = |depth: archive::LaneDepth| Lane {
            name: depth.lane.as_str(),
            jobs: depth.jobs,
            oldest: depth.oldest,
        };
        Standing {
            lanes: depths.into_iter().map(lane).collect(),
            outbox_lag: vitals.map(|vitals| vitals.outbox_lag),
            parked: vitals.map(|vitals| vitals.parked),
            deliveries: vitals.map(|vitals| (vitals.hung, vitals.oldest_delivery)),
            dependencies,
        }
    }
}

/// What was found a moment ago, or else what is found now; who asks meanwhile waits for it.
async fn held<T: Clone>(last: &Mutex<Option<(Instant, T)>>, find: impl Future<Output = T>) -> T {
    let mut last = last.lock().await;
    if let Some((at, found)) = &*last
        && at.elapsed() < HOLDS
    {
        return found.clone();
    }
    let found = find.await;
    *last = Some((Instant::now(), found.clone()));
    found
}

async fn there(archive: &Archive, part: Part) -> (&'static str, bool) {
    let there = match tokio::time::timeout(PATIENCE, archive.reach(part)).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            warn!(part = part.name(), error = &error as &dyn std::error::Error, "part is missing");
            false
        }
        Err(_) => {
            warn!(part = part.name(), "part does not answer");
            false
        }
    };
    (part.name(), there)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use archive::{Broker, Place};
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn without_a_broker_an_intake_is_ready_and_says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let nobody = Broker::at("amqp://sohoa:sohoa@127.0.0.1:9/sohoa".parse().unwrap());
        let place = Place { broker: Some(nobody), ..Place::at(folder.path()) };
        let archive = Archive::open(&place).await.unwrap();
        let answer = ready(State(Leaning::new(archive.clone(), None))).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body = to_bytes(answer.into_body(), 4096).await.unwrap();
        let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let all = serde_json::json!({ "database": "ok", "broker": "missing", "store": "ok" });
        assert_eq!(said["dependencies"], all);

        std::fs::remove_dir_all(folder.path().join("blobs")).unwrap();
        let answer = ready(State(Leaning::new(archive, None))).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn whoever_asks_often_is_told_what_was_found() {
        let (last, count) = (Mutex::default(), AtomicU32::new(0));
        let find = async || held(&last, async { count.fetch_add(1, Ordering::Relaxed) }).await;
        assert_eq!([find().await, find().await], [0; 2]);
        tokio::time::sleep(HOLDS).await;
        assert_eq!(find().await, 1);
    }
}
