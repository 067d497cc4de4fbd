//! `sohoa parked`: what was laid aside, having it tried again, and giving it up.

use reqwest::Method;
use schemas::Uuid;
use schemas::api::{DropParked, ParkedView};

use crate::client::{Client, Server};
use crate::exit::Exit;
use crate::show;

/// See what was laid aside because trying again can't help, have it tried again after all or give
/// it up.
///
/// Examples:
///
///   sohoa parked list
///   sohoa parked show 0193a3f2-…
///   sohoa parked retry 0193a3f2-…
///   sohoa parked drop 0193a3f2-… --reason 'Tệp có mật khẩu, đã quét lại'
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
    /// One job, with its reason; and why it was given up, where it was.
    Show {
        /// Its id.
        id: Uuid,
    },
    /// Try a job again.
    Retry {
        /// Its id.
        id: Uuid,
    },
    /// Give one up for good: the scan, page or document stays parked (tạm giữ).
    Drop {
        /// Its id.
        id: Uuid,
        /// Why: 5 to 500 characters.
        #[arg(long)]
        reason: String,
    },
}

impl Parked {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let client = Client::new(&self.server)?;
        match self.what {
            What::List => {
                let parked = all(&client).await?;
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
            What::Drop { id, reason } => {
                let path = format!("/v1/parked/{id}/drop");
                let request = client.request(Method::POST, &path).json(&DropParked { reason });
                client.send(request).await?;
                show::note("Đã bỏ, không thử lại nữa.");
                Ok(Exit::Done)
            }
        }
    }
}

/// All that is laid aside, in as many answers as it takes.
async fn all(client: &Client) -> anyhow::Result<Vec<ParkedView>> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let asked =
            [Some(("limit", "1000".to_owned())), after.take().map(|after| ("after", after))];
        let asked: Vec<_> = asked.into_iter().flatten().collect();
        let request = client.request(Method::GET, "/v1/parked").query(&asked);
        let answer = client.send(request).await?;
        let next = answer.headers().get("sohoa-next").and_then(|next| next.to_str().ok());
        after = next.map(str::to_owned);
        let part: Vec<ParkedView> =
            answer.json().await.map_err(|error| anyhow::anyhow!(error.without_url()))?;
        all.extend(part);
        if after.is_none() {
            return Ok(all);
        }
    }
}
