//! `sohoa all`: every role in one process, over the embedded forms.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use archive::{Archive, Place};
use filing::Kinds;
use schemas::catalogue::{national, shipped, shipped_earlier};
use schemas::clock::today;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;
use worker::Desk;

use crate::config::Config;
use crate::exit::Exit;
use crate::{http, outside, show};

/// Run every role in this process: SQLite, a folder, and the queue in the database.
///
/// Listens on this machine alone unless told otherwise. Stops on SIGTERM and Ctrl-C after the
/// pages in hand; whatever stops it, nothing acknowledged is lost.
///
/// Example:
///
///   sohoa all --data /var/lib/sohoa --listen 127.0.0.1:7070
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct All {
    /// Folder that holds everything.
    #[arg(long, default_value = "sohoa-data", value_name = "DIR")]
    data: PathBuf,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:7070", value_name = "ADDR")]
    listen: SocketAddr,
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl All {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let config = Config::read(self.config.as_deref())?;
        let readers = outside::readers(&config, config.reader.count()).await?;
        let place: Place = outside::place(&self.data, &config);
        let archive = Archive::open(&place)
            .await
            .with_context(|| format!("opening {}", self.data.display()))?;
        if archive.records.procedures(None, 1, 0).await?.is_empty() {
            load_shipped(&archive).await?;
        }

        let listener = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("listening on {}", self.listen))?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let desk = Arc::new(Desk {
            archive: archive.clone(),
            readers,
            kinds: Kinds::shipped(),
            quiet: Duration::from_secs(config.filing.quiet_seconds),
            made_by: concat!("Sohoa ", env!("CARGO_PKG_VERSION")).to_owned(),
        });
        let mut work = tokio::spawn(worker::run(desk, stop.clone()));
        let mut serve = tokio::spawn(http::serve(listener, archive, config, stop.clone()));
        show::note(&format!("Sohoa đang chạy tại http://{address}"));

        // A role that ends by itself takes the others along: half an office serves nobody.
        tokio::select! {
            asked = asked_to_stop() => asked?,
            served = &mut serve => return served?.map(|()| Exit::Failed),
            worked = &mut work => return worked?.map(|()| Exit::Failed),
        }
        info!("stopping");
        stop.cancel();
        serve.await??;
        work.await??;
        Ok(Exit::Done)
    }
}

/// A new office starts with the catalogue that comes with Sohoa.
async fn load_shipped(archive: &Archive) -> anyhow::Result<()> {
    for text in [shipped_earlier(), shipped()] {
        let import = national::import(text.as_bytes())?;
        let day = import.valid_from.unwrap_or_else(today);
        let counts = archive.records.import(&import.procedures, day).await?;
        info!(added = counts.added, changed = counts.changed, "shipped catalogue loaded");
    }
    Ok(())
}

async fn asked_to_stop() -> anyhow::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = term.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}
