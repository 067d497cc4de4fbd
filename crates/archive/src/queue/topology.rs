//! What the broker holds: one exchange, a quorum queue a lane, and a quorum queue for what was
//! delivered too often. Declared anew at every connection; what is there already stays.

use std::sync::atomic::{AtomicBool, Ordering};

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};
use schemas::message::Lane;
use tracing::warn;

/// Both lanes, those who are waited for first.
pub(super) const LANES: [Lane; 2] = [Lane::Counter, Lane::Backlog];

/// Where a message goes that was delivered too often.
const PARKED: &str = "parked";

/// Whether it was said that a queue is made otherwise.
static TOLD: AtomicBool = AtomicBool::new(false);

/// Names of the exchange and its queues. They hold no personal data: management tools and logs
/// of the broker show them to everybody.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    pub(super) fn exchange(&self) -> &str {
        &self.prefix
    }

    pub(super) fn lane(&self, lane: Lane) -> String {
        format!("{}.{}", self.prefix, lane.as_str())
    }

    pub(super) fn parked(&self) -> String {
        format!("{}.{PARKED}", self.prefix)
    }
}

/// Declares everything.
pub(super) async fn declare(
    connection: &Connection,
    names: &Names,
    delivery_limit: u32,
) -> lapin::Result<()> {
    let mut channel = connection.create_channel().await?;
    let exchange = names.exchange();
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel
        .exchange_declare(exchange.into(), ExchangeKind::Direct, durable, FieldTable::default())
        .await?;
    // First of all, so that no dead letter finds it missing.
    declare_queue(&channel, &names.parked(), quorum()).await?;
    bind(&channel, &names.parked(), exchange, PARKED).await?;
    for lane in LANES {
        let mut arguments = quorum();
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongUInt(delivery_limit));
        arguments.insert("x-dead-letter-exchange".into(), text(exchange));
        arguments.insert("x-dead-letter-routing-key".into(), text(PARKED));
        // At least once is to be had only by a queue that refuses what it has no room for.
        arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
        arguments.insert("x-overflow".into(), text("reject-publish"));
        match declare_queue(&channel, &names.lane(lane), arguments).await {
            // With another delivery limit, most likely. The ledger holds to the present one, and
            // sends again what this queue gives up sooner. The refusal took the channel along.
            Err(error) if is_made_otherwise(&error) => {
                channel = connection.create_channel().await?;
                lying(&channel, names, lane).await?;
                if !TOLD.swap(true, Ordering::Relaxed) {
                    warn!(
                        queue = names.lane(lane),
                        "the broker's queue was made with other settings, and stays as it is"
                    );
                }
            }
            declared => declared?,
        }
        bind(&channel, &names.lane(lane), exchange, lane.as_str()).await?;
    }
    Ok(())
}

/// Messages of a lane that lie at the broker and that no worker has.
pub(super) async fn lying(channel: &Channel, names: &Names, lane: Lane) -> lapin::Result<u32> {
    let looking = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare(names.lane(lane).into(), looking, FieldTable::default());
    Ok(queue.await?.message_count())
}

/// Whether the queue is there already, and not as it was declared.
fn is_made_otherwise(error: &lapin::Error) -> bool {
    match error.kind() {
        ErrorKind::ProtocolError(said) => {
            *said.kind() == AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED)
        }
        _ => false,
    }
}

async fn declare_queue(channel: &Channel, name: &str, arguments: FieldTable) -> lapin::Result<()> {
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.into(), durable, arguments).await?;
    Ok(())
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> lapin::Result<()> {
    let options = QueueBindOptions::default();
    channel
        .queue_bind(queue.into(), exchange.into(), key.into(), options, FieldTable::default())
        .await
}

/// Arguments of a queue that lives on most of the broker's nodes.
fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}
