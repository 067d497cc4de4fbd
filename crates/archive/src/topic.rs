//! A topic of the broker, on which others hear of what happens. Whoever wants to hear binds a
//! queue of their own to it; what nobody bound a queue for, nobody wanted to hear.

use std::fmt;
use std::sync::Arc;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ExchangeKind};
use tokio::sync::Mutex;
use tracing::warn;

use crate::error::ArchiveError;
use crate::queue::{Broker, Caller, Trouble, in_time};

/// A topic. Cheap to clone; its clones share a connection, which is made when it is needed.
#[derive(Clone)]
pub struct Topic {
    caller: Caller,
    exchange: String,
    line: Arc<Mutex<Option<Line>>>,
}

struct Line {
    connection: Connection,
    channel: Channel,
}

/// Something to be told.
#[derive(Debug, Clone, Copy)]
pub struct Telling<'a> {
    /// By what queues are bound to it.
    pub key: &'a str,
    /// The same at every attempt.
    pub id: &'a str,
    /// What it is about.
    pub kind: &'a str,
    /// What is said of the body, by name.
    pub headers: &'a [(&'static str, &'a str)],
    /// JSON.
    pub body: &'a [u8],
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topic({}, {:?})", self.exchange, self.caller)
    }
}

impl Topic {
    /// The topic of that name at a broker, which need not be there yet.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`] when the certificates can't be read.
    pub async fn open(broker: &Broker, name: &str) -> Result<Self, ArchiveError> {
        let caller = Caller::new(broker).await?;
        Ok(Self { caller, exchange: name.to_owned(), line: Arc::default() })
    }

    /// Tells it; it is told when the broker has written it down.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`]: whether the broker has it is not known then.
    pub async fn tell(&self, telling: Telling<'_>) -> Result<(), ArchiveError> {
        let mut line = self.line.lock().await;
        let told = in_time(self.tell_on(&mut line, telling)).await;
        told.map_err(|trouble| {
            // The next attempt begins with a connection of its own.
            *line = None;
            match trouble {
                Trouble::Archive(error) => error,
                trouble => {
                    warn!(error = &trouble as &dyn std::error::Error, "the topic is away");
                    ArchiveError::Unavailable { what: "telling the topic", source: trouble.into() }
                }
            }
        })
    }

    async fn tell_on(&self, line: &mut Option<Line>, telling: Telling<'_>) -> Result<(), Trouble> {
        let there = line.as_ref().is_some_and(|line| line.connection.status().connected());
        let channel = match line {
            Some(line) if there => &line.channel,
            _ => &line.insert(self.call().await?).channel,
        };
        let options = BasicPublishOptions::default();
        let (exchange, key) = (self.exchange.as_str().into(), telling.key.into());
        let promise =
            channel.basic_publish(exchange, key, options, telling.body, telling.says()).await?;
        match promise.await? {
            Confirmation::Ack(_) => Ok(()),
            Confirmation::Nack(_) | Confirmation::NotRequested => Err(Trouble::Refused(1)),
        }
    }

    async fn call(&self) -> Result<Line, Trouble> {
        let connection = self.caller.call("topic").await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let (name, none) = (self.exchange.as_str().into(), FieldTable::default());
        channel.exchange_declare(name, ExchangeKind::Topic, durable, none).await?;
        Ok(Line { connection, channel })
    }
}

impl Telling<'_> {
    fn says(&self) -> BasicProperties {
        let mut headers = FieldTable::default();
        for (name, value) in self.headers {
            headers.insert((*name).into(), AMQPValue::LongString((*value).into()));
        }
        BasicProperties::default()
            .with_message_id(self.id.into())
            .with_type(self.kind.into())
            .with_content_type("application/json".into())
            // Written to disk.
            .with_delivery_mode(2)
            .with_headers(headers)
    }
}
