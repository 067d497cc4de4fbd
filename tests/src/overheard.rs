//! What is said over the broker, as whoever listens to everything hears it.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties};

use crate::parts::Parts;

/// Where RabbitMQ copies to what is published and delivered, once it was asked to.
const TRACE: &str = "amq.rabbitmq.trace";

/// Listens for as long as it is there.
pub(crate) struct Overheard {
    parts: &'static Parts,
    told: Arc<Mutex<String>>,
    _line: Connection,
}

impl Overheard {
    /// Listens to everything that goes over these parts' broker from now on.
    pub(crate) async fn of(parts: &'static Parts) -> Self {
        parts.trace();
        let broker = parts.broker();
        let line = Connection::connect(&broker, ConnectionProperties::default()).await.unwrap();
        let channel = line.create_channel().await.unwrap();
        let own = QueueDeclareOptions { exclusive: true, ..Default::default() };
        let queue = channel.queue_declare("".into(), own, FieldTable::default()).await.unwrap();
        let (all, none) = (QueueBindOptions::default(), FieldTable::default());
        let bound = channel.queue_bind(queue.name().clone(), TRACE.into(), "#".into(), all, none);
        bound.await.unwrap();
        let none = FieldTable::default();
        let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let heard = channel.basic_consume(queue.name().clone(), "".into(), options, none).await;
        let mut heard = heard.unwrap();
        let told = Arc::<Mutex<String>>::default();
        let tell = told.clone();
        tokio::spawn(async move {
            while let Some(Ok(message)) = heard.next().await {
                note(&message, &mut tell.lock().unwrap());
            }
        });
        Self { parts, told, _line: line }
    }

    /// What was heard so far, and what queues and exchanges are called and bound by.
    pub(crate) fn told(&self) -> String {
        self.told.lock().unwrap().clone() + &self.parts.names()
    }
}

/// A message: by which exchange or queue, its headers, its body.
fn note(message: &Delivery, told: &mut String) {
    write!(told, "{} ", message.routing_key).unwrap();
    if let Some(headers) = message.properties.headers() {
        say(&AMQPValue::FieldTable(headers.clone()), told);
    }
    writeln!(told, "{}", String::from_utf8_lossy(&message.data)).unwrap();
}

fn say(value: &AMQPValue, told: &mut String) {
    match value {
        AMQPValue::LongString(text) => write!(told, "{text} ").unwrap(),
        AMQPValue::FieldArray(values) => {
            values.as_slice().iter().for_each(|value| say(value, told));
        }
        AMQPValue::FieldTable(table) => {
            for (name, value) in table.inner() {
                write!(told, "{name}=").unwrap();
                say(value, told);
            }
        }
        other => write!(told, "{other:?} ").unwrap(),
    }
}
