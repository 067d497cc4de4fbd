//! Events on a topic of a real RabbitMQ, as somebody hears them who binds a queue to it. On one
//! machine that broker is for nothing else, on a cluster it carries the jobs, too.

use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use schemas::event::EventKind;
use serde_json::Value;
use tests::{opening, somebody};

use crate::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_binds_a_queue_hears_of_their_offices_events_in_order() {
    // Of this run alone, on a broker that many use.
    let exchange = format!("sohoa.events.{}", std::process::id());
    let (config, url) = Stage::topic(&exchange);
    let stage = Stage::start_with(&config).await;
    let broker = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = broker.create_channel().await.unwrap();
    // The exchange is there as soon as something is told; until then nobody can bind to it.
    let first = stage.open(&opening(&somebody(1))).await;
    let queue = format!("{exchange}.test");
    let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.as_str().into(), exclusive, FieldTable::default()).await.unwrap();
    let mut bound = false;
    for _ in 0..200 {
        let looking = broker.create_channel().await.unwrap();
        let bind = looking.queue_bind(
            queue.as_str().into(),
            exchange.as_str().into(),
            "sohoa.dossier.*.H26.01.#".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        bound = bind.await.is_ok();
        if bound {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(bound);
    let close = |code| stage.url(&format!("/v1/dossiers/{code}/close"));
    let second = stage.open(&opening(&somebody(2))).await;
    stage.http.post(close(&second.code)).send().await.unwrap();
    let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    let mut heard = channel
        .basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default())
        .await
        .unwrap();
    let mut kinds = Vec::new();
    while kinds.len() < 2 {
        let message = tokio::time::timeout(Duration::from_secs(60), heard.next()).await;
        let message = message.expect("nothing is told").unwrap().unwrap();
        let data: Value = serde_json::from_slice(&message.data).unwrap();
        if data["dossier"] == first.code.as_str() {
            continue;
        }
        let says = &message.properties;
        let headers = says.headers().clone().unwrap();
        let header = |name: &str| {
            let value = headers.inner().get(name).and_then(|value| value.as_long_string()).unwrap();
            String::from_utf8(value.as_bytes().to_vec()).unwrap()
        };
        let kind: EventKind = header("cloudEvents_type").parse().unwrap();
        assert_eq!(header("cloudEvents_specversion"), "1.0");
        assert_eq!(header("cloudEvents_subject"), second.code.as_str());
        assert_eq!(header("cloudEvents_id"), says.message_id().as_ref().unwrap().as_str());
        assert_eq!(says.content_type().as_ref().unwrap().as_str(), "application/json");
        assert_eq!(*says.delivery_mode(), Some(2), "kept on disk");
        assert_eq!(message.routing_key.as_str(), format!("{}.H26.01.02", kind.as_str()));
        assert_eq!(data["dossier"], second.code.as_str());
        assert_eq!(data["office"], "H26.01.02");
        kinds.push(kind);
    }
    assert_eq!(kinds, [EventKind::Opened, EventKind::Closed]);
    channel.exchange_delete(exchange.as_str().into(), Default::default()).await.unwrap();
}
