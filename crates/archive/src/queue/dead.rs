//! Dead letters: messages that were delivered too often. A job that was given out too often is
//! parked, so that a person sees it; one whose message merely got carried about is sent again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::Connection;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::FieldTable;
use tracing::{error, warn};

use super::broker::{Trouble, in_time};
use super::consumer::due_at;
use super::topology::Names;
use super::{park_exhausted, understood};
use crate::database::Database;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

/// Dead letters looked at at a time.
const AT_ONCE: u16 = 8;

/// Pause after one could not be looked at.
const PAUSE: Duration = Duration::from_secs(1);

const DEAD: &str = "
    select job_id, dossier_id, job, target, message, attempts from job
    where job_id = $1 and due_at = $2 and lease is null";

const SEND_AGAIN: &str = "
    update job set sent_at = null where job_id = $1 and due_at = $2 and lease is null";

/// Takes dead letters until the broker is lost.
pub(super) async fn park(
    db: &Arc<Database>,
    connection: &Connection,
    names: &Names,
    delivery_limit: u32,
) -> Result<(), Trouble> {
    let mut letters = in_time(async {
        let channel = connection.create_channel().await?;
        channel.basic_qos(AT_ONCE, BasicQosOptions::default()).await?;
        let (queue, options) = (names.parked().into(), BasicConsumeOptions::default());
        Ok(channel.basic_consume(queue, "parked".into(), options, FieldTable::default()).await?)
    })
    .await?;
    while let Some(letter) = letters.next().await {
        let letter = letter?;
        let id = letter.properties.message_id().as_ref().map(|id| id.as_str());
        let at = letter.properties.headers().as_ref().and_then(due_at);
        let looked_at = match (id, at) {
            (Some(id), Some(at)) => {
                db.in_time("looking at a dead letter", look_at(db, id, at, delivery_limit)).await
            }
            _ => {
                warn!("a dead letter that is none of ours");
                Ok(())
            }
        };
        match looked_at {
            Ok(()) => {
                in_time(async {
                    letter.ack(BasicAckOptions::default()).await?;
                    Ok(())
                })
                .await?
            }
            Err(error) => {
                error!(error = &error as &dyn std::error::Error, "dead letter not parked");
                tokio::time::sleep(PAUSE).await;
                in_time(async {
                    letter.nack(BasicNackOptions { requeue: true, multiple: false }).await?;
                    Ok(())
                })
                .await?;
            }
        }
    }
    Err(Trouble::Gone)
}

async fn look_at(
    db: &Arc<Database>,
    id: &str,
    due_at: i64,
    delivery_limit: u32,
) -> Result<(), ArchiveError> {
    let doing = "looking at a dead letter";
    let row = sqlx::query(DEAD).bind(id).bind(due_at).fetch_optional(&db.readers).await;
    // Done, in hand, or to be sent again anyway.
    let Some(row) = row.doing(doing)? else { return Ok(()) };
    let attempts: u32 = row.int("attempts")?;
    match understood(&row)? {
        Some(message) if delivery_limit <= attempts => {
            warn!(job.id = id, attempts, "job given out too often");
            park_exhausted(db, &message, id, attempts).await
        }
        _ => {
            let mut change = db.change().await?;
            let again = sqlx::query(SEND_AGAIN).bind(id).bind(due_at);
            again.execute(change.on()).await.doing(doing)?;
            change.announced = true;
            change.commit().await
        }
    }
}
