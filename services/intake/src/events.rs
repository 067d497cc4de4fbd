//! What happens to a dossier, told as it happens (server-sent events).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use access::Asker;
use archive::Records;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use problem::{Answer, Path};
use schemas::api::{DossierEvent, DossierState};
use schemas::ids::DossierId;
use tokio::sync::watch;

use crate::desk::IntakeDesk;
use crate::dossiers::dossier;

/// How long to wait for word before looking all the same: another process may have written.
const POLL: Duration = Duration::from_secs(2);
/// A comment as often as this keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Events fetched at a time.
const AT_ONCE: u32 = 100;

/// Follow a dossier.
///
/// Server-sent events from the first on, or after the one that `Last-Event-ID` names. The
/// stream ends when the dossier is closed and everything in it has found its fate.
#[utoipa::path(
    get,
    path = "/v1/dossiers/{code}/events",
    tag = "intake",
    extensions(("x-permission" = json!(["open", "correct"]))),
    params(
        ("code" = String, Path, description = "Code of the dossier", example = "H26-261120-0001"),
        ("Last-Event-ID" = Option<i64>, Header, description = "The last event that was seen"),
    ),
    responses(
        (status = 200, description = "Events; `data` is a DossierEvent as JSON", body = DossierEvent, content_type = "text/event-stream"),
        (status = 404, description = "`dossier.unknown`"),
    ),
)]
pub(crate) async fn dossier_events(
    State(desk): State<IntakeDesk>,
    asker: Asker,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let dossier = dossier(&desk, &asker, &code).await?;
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let listener = Listener {
        changed: desk.archive.records.changed(),
        records: desk.archive.records.clone(),
        hung_up: desk.hung_up.subscribe(),
        dossier: dossier.id,
        // What isn't a number of ours names nothing: from the first event on.
        seen: seen.unwrap_or(0),
        closed: dossier.state == DossierState::Closed,
        fetched: VecDeque::new(),
    };
    let events = stream::unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Somebody who follows a dossier.
struct Listener {
    records: Records,
    changed: watch::Receiver<u64>,
    hung_up: watch::Receiver<bool>,
    dossier: DossierId,
    /// Number of the last event told.
    seen: i64,
    closed: bool,
    fetched: VecDeque<(i64, DossierEvent)>,
}

impl Listener {
    /// The next event; none when there won't be another, or when the archive fails: the
    /// listener then comes back and goes on after the last event it saw.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((number, event)) = self.fetched.pop_front() {
                self.seen = number;
                self.closed |= event == DossierEvent::Closed;
                let told = Event::default().id(number.to_string()).event(name(&event));
                return told.json_data(&event).ok();
            }
            // In this order, so that nothing falls between looking and waiting, or between the
            // last event and the end.
            self.changed.borrow_and_update();
            let over = self.closed && !self.ask(self.records.unsettled(self.dossier).await)?;
            let events = self.records.events(self.dossier, self.seen, AT_ONCE).await;
            self.fetched = self.ask(events)?.into();
            if !self.fetched.is_empty() {
                continue;
            }
            if over || *self.hung_up.borrow() {
                return None;
            }
            tokio::select! {
                () = word(&mut self.changed) => {}
                () = word(&mut self.hung_up) => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    fn ask<T>(&self, answer: Result<T, archive::ArchiveError>) -> Option<T> {
        answer.inspect_err(|_| tracing::warn!(dossier.id = %self.dossier, "events broke off")).ok()
    }
}

/// Waits until something is said; for ever when nobody is left to say it.
async fn word<T>(from: &mut watch::Receiver<T>) {
    if from.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The event's name, the same as in its data.
fn name(event: &DossierEvent) -> &'static str {
    match event {
        DossierEvent::Opened => "opened",
        DossierEvent::ScanReceived { .. } => "scan_received",
        DossierEvent::ScanUnpacked { .. } => "scan_unpacked",
        DossierEvent::PageSeen { .. } => "page_seen",
        DossierEvent::PageRead { .. } => "page_read",
        DossierEvent::Parked { .. } => "parked",
        DossierEvent::Filed { .. } => "filed",
        DossierEvent::QuestionsAnswered => "questions_answered",
        DossierEvent::Published { .. } => "published",
        DossierEvent::Asked { .. } => "asked",
        DossierEvent::Answered { .. } => "answered",
        DossierEvent::Revoked { .. } => "revoked",
        DossierEvent::Superseded { .. } => "superseded",
        DossierEvent::RecordChanged { .. } => "record_changed",
        DossierEvent::Settled => "settled",
        DossierEvent::Closed => "closed",
    }
}
