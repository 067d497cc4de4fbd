//! `sohoa deliveries`: what must leave, and what hangs.

use reqwest::Method;
use schemas::api::{DeliveryFate, DeliveryView};
use schemas::ids::DeliveryId;

use crate::client::{Client, Server};
use crate::exit::Exit;
use crate::show;

/// See what must leave (gửi đi): what waits, what hangs and why; try it again or drop it.
///
/// What can't be delivered is tried again with growing pauses, and hangs when it is too old
/// ([exchange] give_up_hours) until somebody decides. Of one dossier and one subscriber it leaves
/// in order; what hangs lets the next ones go.
///
/// Examples:
///
///   sohoa deliveries list
///   sohoa deliveries list --fate delivered --limit 20
///   sohoa deliveries retry 0193a3f2-…
///   sohoa deliveries drop 0193a3f2-…
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::doc_markdown, reason = "the configuration's words stand as they are typed")]
pub(crate) struct Deliveries {
    #[command(subcommand)]
    what: What,
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// What hangs, then what waits, oldest first.
    List {
        /// Only those of that fate: `waiting`, `delivered`, `hung` or `dropped`.
        #[arg(long, value_name = "FATE", value_parser = fate)]
        fate: Option<DeliveryFate>,
        /// How many at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Try one at once, its age counted anew.
    Retry {
        /// Its id.
        id: DeliveryId,
    },
    /// Give one up for good: the subscriber never hears of it.
    Drop {
        /// Its id.
        id: DeliveryId,
    },
}

fn fate(text: &str) -> Result<DeliveryFate, String> {
    use DeliveryFate::{Delivered, Dropped, Hung, Waiting};
    let found = [Waiting, Delivered, Hung, Dropped].into_iter().find(|fate| fate.as_str() == text);
    found.ok_or_else(|| "one of: waiting, delivered, hung, dropped".to_owned())
}

impl Deliveries {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let client = Client::new(&self.server)?;
        match self.what {
            What::List { fate, limit } => {
                let asked = [
                    fate.map(|fate| ("fate", fate.as_str().to_owned())),
                    Some(("limit", limit.to_string())),
                ];
                let asked: Vec<_> = asked.into_iter().flatten().collect();
                let request = client.request(Method::GET, "/v1/deliveries").query(&asked);
                let found: Vec<DeliveryView> = client.answer(request).await?;
                show::deliveries(&found, self.json)?;
                let hangs = found.iter().any(|one| one.fate == DeliveryFate::Hung);
                Ok(if hangs { Exit::Amiss } else { Exit::Done })
            }
            What::Retry { id } => {
                let path = format!("/v1/deliveries/{id}/retry");
                client.send(client.request(Method::POST, &path)).await?;
                show::note("Sẽ gửi lại ngay.");
                Ok(Exit::Done)
            }
            What::Drop { id } => {
                let path = format!("/v1/deliveries/{id}/drop");
                client.send(client.request(Method::POST, &path)).await?;
                show::note("Đã bỏ, không gửi nữa.");
                Ok(Exit::Done)
            }
        }
    }
}
