//! What a process leans on, and whether it is there: `/readyz`, and the same in `/metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, Part};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::warn;
use vitals::{Lane, Standing};
use worker::Readers;

/// How long a part may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a process leans on.
#[derive(Clone)]
pub(crate) struct Leaning {
    pub(crate) archive: Archive,
    /// Only where pages are read.
    pub(crate) readers: Option<Arc<Readers>>,
}

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
    let found = leaning.look().await;
    let works = leaning.readers.is_some();
    let ready = found.iter().all(|(name, there)| *there || *name == Part::Broker.name() && !works);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |there| if there { "ok" } else { "missing" };
    let dependencies = found.into_iter().map(|(name, there)| (name, word(there))).collect();
    (status, Json(Readiness { ready, dependencies })).into_response()
}

/// Everything counted in this process, and how the system stands.
pub(crate) async fn metrics(State(leaning): State<Leaning>) -> Response {
    let text = vitals::text(&leaning.standing().await);
    ([(axum::http::header::CONTENT_TYPE, vitals::CONTENT_TYPE)], text).into_response()
}

impl Leaning {
    /// Each dependency's name, and whether it is there.
    async fn look(&self) -> Vec<(&'static str, bool)> {
        let Self { archive, readers } = self;
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
            self.look(),
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
    use archive::{Broker, Place};
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn without_a_broker_an_intake_is_ready_and_says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let nobody = Broker::at("amqp://sohoa:sohoa@127.0.0.1:9/sohoa".parse().unwrap());
        let place = Place { broker: Some(nobody), ..Place::at(folder.path()) };
        let archive = Archive::open(&place).await.unwrap();
        let answer = ready(State(Leaning { archive: archive.clone(), readers: None })).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body = to_bytes(answer.into_body(), 4096).await.unwrap();
        let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let all = serde_json::json!({ "database": "ok", "broker": "missing", "store": "ok" });
        assert_eq!(said["dependencies"], all);

        std::fs::remove_dir_all(folder.path().join("blobs")).unwrap();
        let answer = ready(State(Leaning { archive, readers: None })).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
