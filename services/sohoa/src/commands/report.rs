//! `sohoa report`: the indicators of a period.

use std::path::PathBuf;

use anyhow::{Context, bail};
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
///   sohoa report 2026-H1 --by procedure --format xlsx --out nua-nam.xlsx
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
    /// How it is written: `table`, `csv`, `json` or `xlsx`.
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Form,
    /// The same as `--format csv`.
    #[arg(long, conflicts_with_all = ["json", "format"])]
    csv: bool,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write it into this file instead of printing it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    server: Server,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people.
    #[default]
    Table,
    /// Lines with commas.
    Csv,
    /// For programs.
    Json,
    /// A spreadsheet: figures, and the dossiers behind them.
    Xlsx,
}

impl Form {
    /// Its name in the interface; none where the interface has no such form.
    fn word(self) -> Option<&'static str> {
        match self {
            Self::Table => None,
            Self::Csv => Some("csv"),
            Self::Json => Some("json"),
            Self::Xlsx => Some("xlsx"),
        }
    }
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
        let form = match (self.csv, self.json) {
            (true, _) => Form::Csv,
            (_, true) => Form::Json,
            _ => self.format,
        };
        if let (Some(path), Some(word)) = (&self.out, form.word()) {
            let answer = client.send(request.query(&[("format", word)])).await?;
            let bytes = answer.bytes().await?;
            std::fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))?;
            return Ok(Exit::Done);
        }
        match form {
            Form::Csv => {
                let answer = client.send(request.query(&[("format", "csv")])).await?;
                show::out(answer.text().await?.trim_end())?;
                return Ok(Exit::Done);
            }
            Form::Xlsx => bail!("bảng tính cần ghi vào tệp: --out TỆP.xlsx"),
            Form::Table if self.out.is_some() => bail!("--out cần --format csv, json hoặc xlsx"),
            Form::Table | Form::Json => {}
        }
        let report: Made = client.answer(request).await?;
        show::report(&report, form == Form::Json)?;
        Ok(Exit::Done)
    }
}
