//! `sohoa all`: every role in one process.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::Config;
use crate::exit::Exit;
use crate::office::{self, Roles};

/// Run every role in this process: SQLite, a folder, and the queue in the database.
///
/// Listens on this machine alone unless told otherwise. SIGTERM and Ctrl-C stop it within ten
/// seconds: what is in hand is finished, or handed back to be done later. A second one stops it
/// at once. Whatever stops it, nothing acknowledged is lost.
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
    pub(crate) config: Option<PathBuf>,
}

impl All {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<Exit> {
        office::run(Roles::ALL, config, &self.data, Some(self.listen)).await
    }
}
