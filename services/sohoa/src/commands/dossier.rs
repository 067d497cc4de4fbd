//! `sohoa dossier`: a dossier as it stands.

use reqwest::Method;
use schemas::ids::DossierCode;

use crate::client::{Client, Server};
use crate::exit::Exit;
use crate::show;

/// Show a dossier as it stands: what is filed, missing, unsure, blank, and not on the list.
///
/// Example:
///
///   sohoa dossier H26.01.02-261123-0007
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Dossier {
    /// Its code.
    code: DossierCode,
    /// Close it first: it takes no more scans.
    #[arg(long)]
    close: bool,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

impl Dossier {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let client = Client::new(&self.server)?;
        let path = format!("/v1/dossiers/{}", self.code);
        if self.close {
            client.send(client.request(Method::POST, &format!("{path}/close"))).await?;
        }
        let view = client.get(&path).await?;
        show::dossier(&view, self.json)?;
        Ok(if show::has_parked(&view) { Exit::Amiss } else { Exit::Done })
    }
}
