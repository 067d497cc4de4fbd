//! `sohoa report`: the indicators of a period.

use reqwest::Method;
use schemas::api::Report as Made;

use crate::client::{Client, Server};
use crate::exit::Exit;
use crate::show;

/// Report on the dossiers taken in in a period: the indicators of Decision 766/QĐ-TTg, and how
/// often citizens were asked again for what was there.
///
/// Examples:
///
///   sohoa report 2026-11
///   sohoa report 2026-Q4 --by office --csv > quy-4.csv
///   sohoa report 2026-W47 --figure reused
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Report {
    /// 2026, 2026-H2, 2026-Q4, 2026-11 or 2026-W47.
    period: String,
    /// A row for each `office` or `procedure` as well.
    #[arg(long, value_name = "GROUP")]
    by: Option<String>,
    /// Only this office.
    #[arg(long)]
    office: Option<String>,
    /// Only this procedure.
    #[arg(long)]
    procedure: Option<String>,
    /// Name the dossiers behind this figure.
    #[arg(long)]
    figure: Option<String>,
    /// Print CSV instead of a table.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

impl Report {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let client = Client::new(&self.server)?;
        let asked = [
            ("by", &self.by),
            ("office", &self.office),
            ("procedure", &self.procedure),
            ("figure", &self.figure),
        ];
        let asked = asked.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let request = client.request(Method::GET, "/v1/reports");
        let request = request.query(&[("period", &self.period)]);
        let request = request.query(&asked.collect::<Vec<_>>());
        if self.csv {
            let answer = client.send(request.query(&[("format", "csv")])).await?;
            show::out(answer.text().await?.trim_end())?;
            return Ok(Exit::Done);
        }
        let report: Made = client.answer(request).await?;
        show::report(&report, self.json)?;
        Ok(Exit::Done)
    }
}
