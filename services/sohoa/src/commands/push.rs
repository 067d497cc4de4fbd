//! `sohoa push`: opens a dossier, sends scans, shows the progress, ends with the table.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Arg;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use schemas::Uuid;
use schemas::api::{DossierView, OpenDossier, Receipt};
use schemas::ids::{CaseId, ComponentId, DossierCode, ProcedureCode};
use schemas::message::Lane;

use crate::client::{Client, Server, come_back, refusal};
use crate::exit::Exit;
use crate::show;
use crate::who::{Other, Who};

/// Open a dossier, send scans, show the progress, end with the table of components.
///
/// Examples:
///
///   sohoa push to-khai.pdf chung-sinh.jpg --procedure 1.001193 \
///       --citizen 001199000013 --name 'Nguyễn Thị Mẫu' --born 1999-01-01
///   sohoa push giay-kham-suc-khoe.pdf --procedure 2.001263 \
///       --citizen 001199000013 --name 'Nguyễn Thị Mẫu' --born 1999-01-01 \
///       --other 001220000027,'Trần Thị Mẫu',2020-05-04
///   sohoa push them.jpg --dossier H26.01.02-261123-0007
///
/// Sending the same file again changes nothing: it is known by its content.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, mut_args(unless_dossier))]
pub(crate) struct Push {
    /// Scans: JPEG, PNG, TIFF, PDF, WebP, BMP, JPEG 2000.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Procedure applied for: 1.001193.
    #[arg(long, required_unless_present = "dossier")]
    procedure: Option<ProcedureCode>,
    /// Variant of the procedure, where it has several.
    #[arg(long)]
    case: Option<CaseId>,
    #[command(flatten)]
    who: Who,
    /// Somebody else whose papers the application needs, the child or the other spouse:
    /// 001199000013,'Nguyễn Thị Mẫu',1999-01-01, or an organisation's number and name. May be given
    /// several times.
    #[arg(long = "other", value_name = "NUMBER,NAME,BORN")]
    others: Vec<Other>,
    /// Their identity papers were compared with the names and dates given here. These stand where
    /// another dossier said otherwise, unless a record is bound to the number.
    #[arg(long)]
    identity_checked: bool,
    /// Send to this dossier instead of opening one.
    #[arg(long, conflicts_with_all = ["procedure", "case", "citizen", "organisation", "name", "born", "others", "identity_checked"])]
    dossier: Option<DossierCode>,
    /// The component that all these scans are for, where that is known.
    #[arg(long)]
    component: Option<ComponentId>,
    /// Nobody waits for it: work on it after the counters' dossiers.
    #[arg(long)]
    backlog: bool,
    /// Close the dossier afterwards: it takes no more scans.
    #[arg(long)]
    close: bool,
    /// Don't wait until the pages are read.
    #[arg(long)]
    no_wait: bool,
    /// Print the dossier as JSON instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// Who it is for need not be said again of a dossier that is there.
fn unless_dossier(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "citizen" | "name" | "born" => arg.required(false).required_unless_present("dossier"),
        _ => arg,
    }
}

impl Push {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        for file in &self.files {
            std::fs::metadata(file).with_context(|| format!("reading {}", file.display()))?;
        }
        let client = Client::new(&self.server)?;
        let code = match &self.dossier {
            Some(code) => code.clone(),
            None => self.open(&client).await?.code,
        };
        show::note(&format!("Hồ sơ {code}"));

        let bar = progress(self.files.len() as u64, "gửi");
        let mut refused = 0;
        for file in &self.files {
            match self.send(&client, &code, file).await {
                Ok(receipt) => {
                    for warning in receipt.warnings {
                        bar.suspend(|| {
                            show::note(&format!("{}: {}", file.display(), warning.text))
                        });
                    }
                }
                Err(error) => {
                    refused += 1;
                    bar.suspend(|| show::note(&format!("{}: {error:#}", file.display())));
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        if self.close {
            let path = format!("/v1/dossiers/{code}/close");
            client.send(client.request(Method::POST, &path)).await?;
        }
        let view = if self.no_wait {
            client.get(&format!("/v1/dossiers/{code}")).await?
        } else {
            settled(&client, &code).await?
        };
        show::dossier(&view, self.json)?;
        let amiss = refused != 0 || show::has_parked(&view);
        Ok(if amiss { Exit::Amiss } else { Exit::Done })
    }

    fn opening(&self) -> anyhow::Result<OpenDossier> {
        Ok(OpenDossier {
            procedure: self.procedure.clone().context("--procedure is needed")?,
            case: self.case.clone(),
            subject: self.who.raw()?,
            others: self.others.iter().map(|Other(other)| other.clone()).collect(),
            lane: if self.backlog { Lane::Backlog } else { Lane::Counter },
            office: None,
            answers: schemas::api::Answers::new(),
            identity_checked: self.identity_checked,
        })
    }

    /// Opens the dossier. It has a key of its own, so that one whose answer was lost is not opened
    /// again.
    async fn open(&self, client: &Client) -> anyhow::Result<DossierView> {
        const ATTEMPTS: u32 = 3;
        let (asked, key) = (self.opening()?, Uuid::new_v4().to_string());
        let mut attempt = 1;
        loop {
            let request = client.request(Method::POST, "/v1/dossiers");
            let request = request.header("idempotency-key", &key).json(&asked);
            let pause = match client.try_send(request).await {
                Ok(response) if response.status().is_success() => {
                    return Ok(response.json().await?);
                }
                Ok(response) => match come_back(&response) {
                    Some(pause) if attempt < ATTEMPTS => pause,
                    _ => return Err(refusal(response).await.into()),
                },
                Err(_) if attempt < ATTEMPTS => Duration::from_secs(u64::from(attempt)),
                Err(error) => return Err(error.into()),
            };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// Sends a file until it is taken or refused. Its content is its key, so that a file sent
    /// twice is kept once.
    async fn send(
        &self,
        client: &Client,
        code: &DossierCode,
        file: &Path,
    ) -> anyhow::Result<Receipt> {
        const ATTEMPTS: u32 = 10;
        let key = hash_of(file)?;
        let mut attempt = 1;
        loop {
            let body = tokio::fs::File::open(file).await?;
            let length = body.metadata().await?.len();
            let mut request = client
                .request(Method::POST, &format!("/v1/dossiers/{code}/scans"))
                .header("content-type", "application/octet-stream")
                .header("content-length", length)
                .header("idempotency-key", &key)
                .body(reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::new(body)));
            if let Some(component) = &self.component {
                request = request.header("sohoa-component", component.as_str());
            }
            let response = match client.try_send(request).await {
                Ok(response) if response.status().is_success() => {
                    return Ok(response.json().await?);
                }
                Ok(response) => response,
                Err(_) if attempt < ATTEMPTS => {
                    tokio::time::sleep(Duration::from_secs(u64::from(attempt))).await;
                    attempt += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            match come_back(&response) {
                Some(pause) if attempt < ATTEMPTS => tokio::time::sleep(pause).await,
                _ => return Err(refusal(response).await.into()),
            }
            attempt += 1;
        }
    }
}

/// Waits until every page sent has found its fate.
async fn settled(client: &Client, code: &DossierCode) -> anyhow::Result<DossierView> {
    let bar = progress(0, "đọc");
    loop {
        let view: DossierView = client.get(&format!("/v1/dossiers/{code}")).await?;
        bar.set_length(u64::from(view.pages.total));
        bar.set_position(u64::from(view.pages.total - view.pages.waiting));
        if view.settled {
            bar.finish_and_clear();
            return Ok(view);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

fn hash_of(file: &Path) -> anyhow::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut bytes = std::fs::File::open(file)?;
    std::io::copy(&mut bytes, &mut hasher)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// A bar on a terminal, nothing elsewhere.
fn progress(length: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {elapsed}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_prefix(what)
}
