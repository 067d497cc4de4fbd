//! What happens to a dossier, told as it happens (server-sent events).

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::Asker;
use archive::Records;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use problem::{Answer, Path, Problem};
use schemas::api::{DossierEvent, DossierState};
use schemas::code::Reason;
use schemas::ids::{DossierId, PrincipalId};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::desk::IntakeDesk;
use crate::dossiers::dossier;

/// How long to wait for word before looking all the same: another process may have written.
const POLL: Duration = Duration::from_secs(2);
/// How long to leave what is told soon after a look: an event of any dossier wakes all who listen,
/// and while a scan is worked off they come thick and fast.
const BREATH: Duration = Duration::from_millis(200);
/// Streams of one principal at a time in one process: a page at the counter holds one, a system
/// that follows its dossiers some dozens.
const MOST: u32 = 100;
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
        (status = 429, description = "`server.busy`: whoever asks has 100 streams open; come back after Retry-After seconds"),
    ),
)]
pub(crate) async fn dossier_events(
    State(desk): State<IntakeDesk>,
    asker: Asker,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let dossier = dossier(&desk, &asker, &code).await?;
    let seat = desk.seats.take(asker.id)?;
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let listener = Listener {
        bell: Bell::of(desk.archive.records.changed(), desk.hung_up.subscribe()),
        records: desk.archive.records.clone(),
        dossier: dossier.id,
        // What isn't a number of ours names nothing: from the first event on.
        seen: seen.unwrap_or(0),
        closed: dossier.state == DossierState::Closed,
        fetched: VecDeque::new(),
        _seat: seat,
    };
    let events = stream::unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// How many streams each principal has open.
#[derive(Default)]
pub(crate) struct Seats(Mutex<HashMap<PrincipalId, u32>>);

/// A stream that is counted until this is dropped, however it ends.
struct Seat {
    seats: Arc<Seats>,
    who: PrincipalId,
}

impl Seats {
    fn take(self: &Arc<Self>, who: PrincipalId) -> Answer<Seat> {
        let mut taken = self.taken();
        let count = taken.entry(who).or_default();
        if *count == MOST {
            return Err(Problem::new(Reason::Busy).because("too many streams are open"));
        }
        *count += 1;
        Ok(Seat { seats: self.clone(), who })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<PrincipalId, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.seats.taken().entry(self.who) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// Somebody who follows a dossier.
struct Listener {
    records: Records,
    bell: Bell,
    dossier: DossierId,
    /// Number of the last event told.
    seen: i64,
    closed: bool,
    fetched: VecDeque<(i64, DossierEvent)>,
    _seat: Seat,
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
            self.bell.look();
            let over = self.closed && !self.ask(self.records.unsettled(self.dossier).await)?;
            let events = self.records.events(self.dossier, self.seen, AT_ONCE).await;
            self.fetched = self.ask(events)?.into();
            if !self.fetched.is_empty() {
                continue;
            }
            if over || *self.bell.hung_up.borrow() {
                return None;
            }
            self.bell.wait().await;
        }
    }

    fn ask<T>(&self, answer: Result<T, archive::ArchiveError>) -> Option<T> {
        answer.inspect_err(|_| tracing::warn!(dossier.id = %self.dossier, "events broke off")).ok()
    }
}

/// What calls a listener to look again.
struct Bell {
    changed: watch::Receiver<u64>,
    hung_up: watch::Receiver<bool>,
    /// When the listener looked last.
    looked: Instant,
}

impl Bell {
    fn of(changed: watch::Receiver<u64>, hung_up: watch::Receiver<bool>) -> Self {
        Self { changed, hung_up, looked: Instant::now() }
    }

    /// The listener looks now: what is told from here on calls again.
    fn look(&mut self) {
        self.changed.borrow_and_update();
        self.looked = Instant::now();
    }

    /// Comes back when it is time to look: an event was told and the last look is a breath ago, or
    /// nothing was told for long, or everybody is to hang up.
    async fn wait(&mut self) {
        tokio::select! {
            () = word(&mut self.changed) => {}
            () = word(&mut self.hung_up) => return,
            () = sleep(POLL) => return,
        }
        tokio::select! {
            () = word(&mut self.hung_up) => {}
            () = sleep_until(self.looked + BREATH) => {}
        }
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

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    /// A bell, with who tells of events and who hangs up.
    fn bell() -> (Bell, watch::Sender<u64>, watch::Sender<bool>) {
        let (told, hung_up) = (watch::Sender::new(0), watch::Sender::new(false));
        (Bell::of(told.subscribe(), hung_up.subscribe()), told, hung_up)
    }

    #[tokio::test]
    async fn events_that_come_thick_and_fast_cost_one_look_a_breath() {
        let (mut bell, told, _hung_up) = bell();
        let began = Instant::now();
        let telling = async {
            for _ in 0..100 {
                told.send_modify(|count| *count += 1);
                sleep(Duration::from_millis(5)).await;
            }
        };
        let looking = async {
            let mut looks = 0;
            loop {
                bell.look();
                looks += 1;
                if *told.borrow() == 100 {
                    break looks;
                }
                bell.wait().await;
            }
        };
        let ((), looks) = tokio::join!(telling, looking);
        let breaths = began.elapsed().as_millis() / BREATH.as_millis();
        assert!(looks <= 1 + breaths, "{looks} looks in {breaths} breaths");
    }

    #[tokio::test]
    async fn after_a_quiet_time_an_event_is_seen_at_once_and_hanging_up_always() {
        let (mut bell, told, hung_up) = bell();
        bell.looked = Instant::now().checked_sub(BREATH).unwrap();
        told.send_replace(1);
        timeout(BREATH / 2, bell.wait()).await.expect("the event waits");
        bell.look();
        told.send_replace(2);
        let hanging_up = async {
            tokio::task::yield_now().await;
            hung_up.send_replace(true);
        };
        let (waited, ()) = tokio::join!(timeout(BREATH / 2, bell.wait()), hanging_up);
        waited.expect("hanging up waits");
    }
}
