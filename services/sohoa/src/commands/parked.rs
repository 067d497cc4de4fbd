//! `sohoa parked`: what was laid aside, and having it tried again.

use reqwest::Method;
use schemas::Uuid;
use schemas::api::ParkedView;

use crate::client::{Client, Server};
use crate::exit::Exit;
use crate::show;

/// See what was laid aside because trying again can't help, and have it tried again after all.
///
/// Examples:
///
///   sohoa parked list
///   sohoa parked show 0193a3f2-…
///   sohoa parked retry 0193a3f2-…
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Parked {
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
    /// Everything laid aside, oldest first.
    List,
    /// One job, with its reason.
    Show {
        /// Its id.
        id: Uuid,
    },
    /// Try a job again.
    Retry {
        /// Its id.
        id: Uuid,
    },
}

impl Parked {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let client = Client::new(&self.server)?;
        match self.what {
            What::List => {
                let parked: Vec<ParkedView> = client.get("/v1/parked").await?;
                show::parked(&parked, self.json)?;
                Ok(if parked.is_empty() { Exit::Done } else { Exit::Amiss })
            }
            What::Show { id } => {
                let parked: ParkedView = client.get(&format!("/v1/parked/{id}")).await?;
                show::parked(std::slice::from_ref(&parked), self.json)?;
                Ok(Exit::Done)
            }
            What::Retry { id } => {
                let path = format!("/v1/parked/{id}/retry");
                client.send(client.request(Method::POST, &path)).await?;
                show::note("Đã đưa lại vào hàng đợi.");
                Ok(Exit::Done)
            }
        }
    }
}
