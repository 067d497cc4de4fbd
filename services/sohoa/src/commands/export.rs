//! `sohoa export`: what is known, in the form that others take.

use std::path::PathBuf;

use anyhow::Context;
use exchange::Synchronisation;
use reqwest::Method;
use schemas::Date;
use schemas::ids::OfficeCode;

use crate::client::{Client, Server};
use crate::exit::Exit;
use crate::show;

/// Write what is known in the form that others take (kết xuất).
///
/// Example:
///
///   sohoa export dossiers --from 2026-11-01 --to 2026-11-30 --out ho-so-thang-11.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Export {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Dossiers with the flags of the national contract: the body of `DongBoHoSoMC`, as JSON.
    Dossiers {
        /// First day on which they were taken in.
        #[arg(long, value_name = "DATE")]
        from: Date,
        /// Last day.
        #[arg(long, value_name = "DATE")]
        to: Date,
        /// Only this office and those below it.
        #[arg(long, value_name = "CODE")]
        office: Option<OfficeCode>,
        /// Write it into this file instead of printing it. It holds numbers and names of citizens.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

impl Export {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let client = Client::new(&self.server)?;
        let What::Dossiers { from, to, office, out } = self.what;
        let mut all = Synchronisation { is_updating: false, data: Vec::new() };
        let mut after: Option<String> = None;
        loop {
            let asked = [
                Some(("from", from.to_string())),
                Some(("to", to.to_string())),
                Some(("limit", "500".to_owned())),
                office.as_ref().map(|office| ("office", office.to_string())),
                after.take().map(|after| ("after", after)),
            ];
            let asked: Vec<_> = asked.into_iter().flatten().collect();
            let request = client.request(Method::GET, "/v1/export/dossiers").query(&asked);
            let answer = client.send(request).await?;
            let next = answer.headers().get("sohoa-next").and_then(|next| next.to_str().ok());
            after = next.map(str::to_owned);
            let part: Synchronisation =
                answer.json().await.map_err(|error| anyhow::anyhow!(error.without_url()))?;
            all.data.extend(part.data);
            if after.is_none() {
                break;
            }
        }
        let count = all.data.len();
        match out {
            None => show::json(&all)?,
            Some(path) => {
                let text = format!("{}\n", serde_json::to_string_pretty(&all)?);
                let written = std::fs::write(&path, text);
                written.with_context(|| format!("writing {}", path.display()))?;
                show::note(&format!("Đã kết xuất {count} hồ sơ vào {}.", path.display()));
            }
        }
        Ok(Exit::Done)
    }
}
