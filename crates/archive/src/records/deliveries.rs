//! What must leave. A delivery is written with the change that it tells of, one for each
//! subscriber who asked for such events, and is sent afterwards by whoever holds the sending.
//! Those of one dossier to one subscriber leave one after the other; one that hangs lets the next
//! ones go.

use std::time::Duration;

use jiff::Timestamp;
use schemas::access::Reach;
use schemas::api::{DeliveryFate, DeliveryTrouble, DeliveryView, DossierEvent};
use schemas::event::{CloudEvent, EventData, EventKind};
use schemas::ids::{DeliveryId, DossierId, EventId, OfficeCode, RecordId};
use sqlx::any::AnyRow;

use super::Records;
use super::held::Held;
use super::listing::Listing;
use crate::database::Change;
use crate::error::{ArchiveError, Doing};
use crate::lease::Sending;
use crate::rows::{Columns, json, number, unreadable, word};

/// Somebody who asked to hear of what happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// Its name, which stays the same wherever it moves.
    pub name: String,
    /// Whether it hears of what happens; only of what is meant for it alone where it doesn't.
    pub listens: bool,
    /// What it asked for; everything when empty.
    pub events: Vec<EventKind>,
    /// Of which office and those below it; of all when left out.
    pub office: Option<OfficeCode>,
}

/// A delivery whose turn it is.
#[derive(Debug, Clone, PartialEq)]
pub struct DueDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The event's.
    pub event: EventId,
    /// What happened.
    pub kind: EventKind,
    /// To which dossier.
    pub dossier: DossierId,
    /// At which office.
    pub office: OfficeCode,
    /// The event as JSON, byte for byte the same at every attempt.
    pub body: String,
    /// How often it was tried.
    pub attempts: u32,
    /// How long ago it was made, or last put back by a person, when it was looked for.
    pub age: Duration,
    /// Whether the subscriber has heard of the dossier before.
    pub known: bool,
}

/// What an attempt at a delivery came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The subscriber has it.
    Delivered,
    /// It is to be tried again after that pause.
    Again(DeliveryTrouble, Duration),
    /// It hangs until a person says what is to become of it.
    Hangs(DeliveryTrouble),
}

const SUBSCRIBERS: &str = "select name, listens, events, office from subscriber order by name";

const PUT_SUBSCRIBER: &str = "
    insert into subscriber (name, listens, events, office, since) values ($1, $2, $3, $4, $5)
    on conflict (name) do update set listens = excluded.listens, events = excluded.events,
        office = excluded.office";

const END_SUBSCRIBER: &str = "delete from subscriber where name = $1";

const ORPHANED: &str = "
    update delivery set fate = 'hung', ended_at = $1, trouble = $2
    where fate = 'waiting' and subscriber not in (select name from subscriber)";

const PUT: &str = "
    insert into delivery (delivery_id, subscriber, event_id, event, dossier_id, office, turn,
        body, fate, made_at, since, due_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9, $9, $9)
    on conflict (delivery_id) do nothing";

const DUE: &str = "
    select delivery_id, event_id, event, dossier_id, office, body, attempts, since,
        exists (select 1 from delivery k where k.dossier_id = d.dossier_id
            and k.subscriber = d.subscriber and k.fate = 'delivered') as known
    from delivery d
    where subscriber = $1 and fate = 'waiting' and due_at <= $2
      and not exists (select 1 from delivery e where e.subscriber = d.subscriber
        and e.dossier_id = d.dossier_id and e.fate = 'waiting' and e.turn < d.turn)
    order by due_at, turn limit $3";

// Unless a person was faster.
const TRIED: &str = "
    update delivery set fate = $2, attempts = attempts + 1, due_at = $3, tried_at = $4,
        ended_at = $5, trouble = $6, status = $7
    where delivery_id = $1 and fate = 'waiting'";

macro_rules! list {
    ($which:literal) => {
        concat!(
            "select delivery_id, subscriber, event_id, event, code, d.office as office, fate,
                attempts, made_at, due_at, tried_at, trouble, status
             from delivery d join dossier using (dossier_id)
             where fate = $1 ",
            $which,
            " order by made_at, delivery_id limit $2"
        )
    };
}
const LISTING: Listing = Listing {
    doing: "reading deliveries",
    everywhere: list!(""),
    of_office: list!("and (d.office = $3 or substr(d.office, 1, length($3) + 1) = $3 || '.')"),
    order: ("made_at", "delivery_id"),
};

const SYNCED: &str = "
    insert into synced_result (dossier_id, record_id, at) values ($1, $2, $3)
    on conflict (dossier_id, record_id) do nothing";

const OFFICE: &str = "select office from delivery where delivery_id = $1";

const RETRY: &str = "
    update delivery set fate = 'waiting', due_at = $2, since = $2, ended_at = null
    where delivery_id = $1 and fate in ('hung', 'dropped', 'waiting')";

const DROP: &str = "
    update delivery set fate = 'dropped', ended_at = $2
    where delivery_id = $1 and fate in ('hung', 'waiting')";

// The last one of each dossier stays: it says that the subscriber knows the dossier.
const FORGET: &str = "
    delete from delivery where fate = 'delivered' and ended_at < $1
      and exists (select 1 from delivery l where l.subscriber = delivery.subscriber
        and l.dossier_id = delivery.dossier_id and l.fate = 'delivered'
        and l.turn > delivery.turn)";

/// Writes what others shall hear of down for each who asked.
pub(super) async fn deliver(
    change: &mut Change<'_>,
    held: &Held,
    turn: i64,
    event: &DossierEvent,
) -> Result<(), ArchiveError> {
    let Some(kind) = EventKind::of(event) else { return Ok(()) };
    let rows = sqlx::query(SUBSCRIBERS).fetch_all(change.on()).await;
    let mut names = Vec::new();
    for row in rows.doing("looking who is to be told")? {
        let Subscriber { name, listens, events, office } = subscriber(&row)?;
        let wanted = listens && (events.is_empty() || events.contains(&kind));
        if wanted && office.is_none_or(|office| office.covers(&held.office)) {
            names.push(name);
        }
    }
    deliver_to(change, held, turn, event, &names).await
}

/// Writes it down for those alone.
pub(super) async fn deliver_to(
    change: &mut Change<'_>,
    held: &Held,
    turn: i64,
    event: &DossierEvent,
    names: &[String],
) -> Result<(), ArchiveError> {
    let Some(kind) = EventKind::of(event).filter(|_| !names.is_empty()) else { return Ok(()) };
    let (id, now) = (EventId::of(held.id, turn), change.now);
    let data = EventData {
        dossier: held.code.clone(),
        office: held.office.clone(),
        procedure: held.procedure.clone(),
        event: event.clone(),
    };
    let at = Timestamp::from_microsecond(now).map_err(|_| unreadable("made_at"))?;
    let body = json(&CloudEvent::new(id, kind, data, turn, at))?;
    for name in names {
        sqlx::query(PUT)
            .bind(DeliveryId::of(id, name).to_string())
            .bind(name)
            .bind(id.to_string())
            .bind(kind.as_str())
            .bind(held.id.to_string())
            .bind(held.office.as_str())
            .bind(turn)
            .bind(&body)
            .bind(now)
            .execute(change.on())
            .await
            .doing("writing down what must leave")?;
        change.told = true;
    }
    Ok(())
}

impl Records {
    /// Says who the subscribers are from now on. What waits for one that is none any more hangs.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn put_subscribers(&self, subscribers: &[Subscriber]) -> Result<(), ArchiveError> {
        let doing = "keeping who is to be told";
        let mut change = self.db.change().await?;
        let now = change.now;
        let rows = sqlx::query(SUBSCRIBERS).fetch_all(change.on()).await.doing(doing)?;
        for row in rows {
            let Subscriber { name, .. } = subscriber(&row)?;
            if !subscribers.iter().any(|one| one.name == name) {
                let end = sqlx::query(END_SUBSCRIBER).bind(name).execute(change.on()).await;
                end.doing(doing)?;
            }
        }
        for Subscriber { name, listens, events, office } in subscribers {
            let put = sqlx::query(PUT_SUBSCRIBER).bind(name).bind(i64::from(*listens));
            let put = put.bind(json(events)?);
            let put = put.bind(office.as_ref().map(OfficeCode::as_str)).bind(now);
            put.execute(change.on()).await.doing(doing)?;
        }
        let trouble = word(&DeliveryTrouble::NoSubscriber)?;
        let orphaned = sqlx::query(ORPHANED).bind(now).bind(trouble).execute(change.on()).await;
        orphaned.doing(doing)?;
        change.commit().await
    }

    /// What may be sent to a subscriber now, by the database's clock: of each dossier the first
    /// that waits, and that only when it is due. What a later program tells of is for it to send.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn due_deliveries(
        &self,
        subscriber: &str,
        limit: u32,
    ) -> Result<Vec<DueDelivery>, ArchiveError> {
        let now = self.db.now().await?;
        let query = sqlx::query(DUE).bind(subscriber).bind(now).bind(i64::from(limit));
        let rows = query.fetch_all(&self.db.readers).await.doing("looking for what must leave")?;
        let due = |row: &AnyRow| -> Result<Option<DueDelivery>, ArchiveError> {
            let kind = row.take::<&str>("event")?;
            let Ok(kind) = kind.parse::<EventKind>() else { return Ok(None) };
            let age = now.saturating_sub(row.int("since")?);
            Ok(Some(DueDelivery {
                id: row.parsed("delivery_id")?,
                event: row.parsed("event_id")?,
                kind,
                dossier: row.parsed("dossier_id")?,
                office: row.parsed("office")?,
                body: row.take("body")?,
                attempts: row.int("attempts")?,
                age: Duration::from_micros(age.try_into().unwrap_or_default()),
                known: row.flag("known")?,
            }))
        };
        rows.iter().filter_map(|row| due(row).transpose()).collect()
    }

    /// Writes down what an attempt came to, with the status of the answer where there was one.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]; it will be tried again then.
    pub async fn tried_delivery(
        &self,
        id: DeliveryId,
        outcome: Outcome,
        status: Option<u16>,
    ) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let now = change.now;
        let (fate, trouble, due_at, ended) = match outcome {
            Outcome::Delivered => (DeliveryFate::Delivered, None, now, Some(now)),
            Outcome::Again(trouble, pause) => {
                let due_at = now.saturating_add(number(pause.as_micros()));
                (DeliveryFate::Waiting, Some(trouble), due_at, None)
            }
            Outcome::Hangs(trouble) => (DeliveryFate::Hung, Some(trouble), now, Some(now)),
        };
        let tried = sqlx::query(TRIED).bind(id.to_string()).bind(fate.as_str()).bind(due_at);
        let tried = tried.bind(now).bind(ended).bind(trouble.map(|t| word(&t)).transpose()?);
        let tried = tried.bind(status.map(i64::from)).execute(change.on()).await;
        tried.doing("writing down what became of a delivery")?;
        change.commit().await
    }

    /// Notes that the taker of the national contract has taken these results of a dossier, each
    /// with the address of its file.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]; they are to be told again then.
    pub async fn synced(
        &self,
        dossier: DossierId,
        results: &[RecordId],
    ) -> Result<(), ArchiveError> {
        if results.is_empty() {
            return Ok(());
        }
        let mut change = self.db.change().await?;
        let now = change.now;
        for result in results {
            let put = sqlx::query(SYNCED).bind(dossier.to_string()).bind(result.to_string());
            put.bind(now).execute(change.on()).await.doing("noting what was taken")?;
        }
        change.commit().await
    }

    /// Deliveries of that fate within reach, oldest first.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn deliveries(
        &self,
        reach: &Reach,
        fate: DeliveryFate,
        limit: u32,
    ) -> Result<Vec<DeliveryView>, ArchiveError> {
        let ask = |sql| sqlx::query(sql).bind(fate.as_str()).bind(i64::from(limit));
        let rows = LISTING.rows(&self.db, reach, limit, ask).await?;
        rows.iter().map(view).collect()
    }

    /// Office of the dossier that a delivery tells of.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn delivery_office(
        &self,
        id: DeliveryId,
    ) -> Result<Option<OfficeCode>, ArchiveError> {
        let query = sqlx::query(OFFICE).bind(id.to_string());
        let row = query.fetch_optional(&self.db.readers).await.doing("reading a delivery")?;
        row.map(|row| row.parsed("office")).transpose()
    }

    /// Has a delivery tried at once, its age counted anew. Says whether there was one to be tried.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn retry_delivery(&self, id: DeliveryId) -> Result<bool, ArchiveError> {
        self.decide_delivery(RETRY, id).await
    }

    /// Gives a delivery up for good. Says whether there was one to be given up.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn drop_delivery(&self, id: DeliveryId) -> Result<bool, ArchiveError> {
        self.decide_delivery(DROP, id).await
    }

    async fn decide_delivery(
        &self,
        sql: &'static str,
        id: DeliveryId,
    ) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        let now = change.now;
        let done = sqlx::query(sql).bind(id.to_string()).bind(now).execute(change.on()).await;
        let done = done.doing("deciding on a delivery")?.rows_affected() > 0;
        change.told = done;
        change.commit().await?;
        Ok(done)
    }

    /// Becomes, or stays, the one process that sends; says whether it is.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn hold_sending(&self, holder: &str, long: Duration) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        let held = Sending::Deliveries.hold(&mut change, holder, long).await?;
        change.commit().await?;
        Ok(held)
    }

    /// Leaves the sending to the next process.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn leave_sending(&self, holder: &str) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        Sending::Deliveries.let_go(&mut change, holder).await?;
        change.commit().await
    }

    /// Forgets deliveries that subscribers have had for longer than that.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn forget_deliveries(&self, kept: Duration) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let before = change.now.saturating_sub(number(kept.as_micros()));
        let forget = sqlx::query(FORGET).bind(before).execute(change.on()).await;
        forget.doing("forgetting deliveries")?;
        change.commit().await
    }
}

fn subscriber(row: &AnyRow) -> Result<Subscriber, ArchiveError> {
    let wanted: Vec<String> = row.json("events")?;
    // Whoever wants only what a later program tells of hears nothing of this one.
    let events: Vec<EventKind> = wanted.iter().filter_map(|kind| kind.parse().ok()).collect();
    let is_told = wanted.is_empty() || !events.is_empty();
    Ok(Subscriber {
        name: row.take("name")?,
        listens: row.int::<i64>("listens")? != 0 && is_told,
        events,
        office: row.parsed_or("office")?,
    })
}

fn view(row: &AnyRow) -> Result<DeliveryView, ArchiveError> {
    let fate: DeliveryFate = row.word("fate")?;
    let trouble: Option<DeliveryTrouble> = row.word_or("trouble")?;
    let tried: Option<i64> = row.int_or("tried_at")?;
    let tried = tried.map(|at| Timestamp::from_microsecond(at).map_err(|_| unreadable("tried_at")));
    Ok(DeliveryView {
        id: row.parsed("delivery_id")?,
        subscriber: row.take("subscriber")?,
        event_id: row.parsed("event_id")?,
        event: row.parsed("event")?,
        dossier: row.parsed("code")?,
        office: row.parsed("office")?,
        fate,
        attempts: row.int("attempts")?,
        made_at: row.time("made_at")?.to_string(),
        due_at: match fate {
            DeliveryFate::Waiting => Some(row.time("due_at")?.to_string()),
            DeliveryFate::Delivered | DeliveryFate::Hung | DeliveryFate::Dropped => None,
        },
        tried_at: tried.transpose()?.map(|at| at.to_string()),
        trouble,
        trouble_vi: trouble.map(|trouble| trouble.vi().to_owned()),
        status: row.int_or("status")?,
    })
}
