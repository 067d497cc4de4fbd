//! `sohoa intake`, `records`, `review`, `work`: one role a process, over the cluster's parts.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::Config;
use crate::exit::Exit;
use crate::office::{self, Roles};

/// What a role that answers over HTTP is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Serving {
    /// Folder for what is on its way.
    #[arg(long, default_value = "sohoa-data", value_name = "DIR")]
    data: PathBuf,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:7070", value_name = "ADDR")]
    listen: SocketAddr,
    /// Configuration file; it names the cluster's parts.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl Serving {
    async fn run(self, roles: Roles, config: Config) -> anyhow::Result<Exit> {
        office::run(roles, config, &self.data, Some(self.listen)).await
    }
}

/// Run the intake alone: open dossiers, receive scans (tiếp nhận hồ sơ, bản quét).
///
/// Needs [database], [broker] and [store] in its configuration: on one machine without them run
/// `sohoa all`. As many may run as the counters ask for.
///
/// Example:
///
///   sohoa intake --config /etc/sohoa.toml --listen 0.0.0.0:7070
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Intake {
    #[command(flatten)]
    pub(crate) serving: Serving,
}

impl Intake {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<Exit> {
        self.serving.run(Roles { intake: true, ..Roles::NONE }, config).await
    }
}

/// Run the records alone: what a citizen already has (tra cứu, tái sử dụng giấy tờ).
///
/// Needs [database], [broker] and [store] in its configuration: on one machine without them run
/// `sohoa all`.
///
/// Example:
///
///   sohoa records --config /etc/sohoa.toml --listen 0.0.0.0:7070
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Records {
    #[command(flatten)]
    pub(crate) serving: Serving,
}

impl Records {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<Exit> {
        self.serving.run(Roles { records: true, ..Roles::NONE }, config).await
    }
}

/// Run the back office alone: what a person must look at (hiệu đính, việc tạm giữ).
///
/// Needs [database], [broker] and [store] in its configuration: on one machine without them run
/// `sohoa all`.
///
/// Example:
///
///   sohoa review --config /etc/sohoa.toml --listen 127.0.0.1:7070
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Review {
    #[command(flatten)]
    pub(crate) serving: Serving,
}

impl Review {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<Exit> {
        self.serving.run(Roles { review: true, ..Roles::NONE }, config).await
    }
}

/// Run a worker alone: read pages, file, seal, publish (đọc, phân loại, phát hành giấy tờ).
///
/// Needs [database], [broker] and [store] in its configuration: on one machine without them run
/// `sohoa all`. As many may run as there are pages for. SIGTERM stops it within ten seconds;
/// pages that take longer are handed back and go to another.
///
/// Example:
///
///   sohoa work --config /etc/sohoa.toml --listen 0.0.0.0:7071
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Work {
    /// Folder for what is on its way.
    #[arg(long, default_value = "sohoa-data", value_name = "DIR")]
    data: PathBuf,
    /// Address to answer /healthz, /readyz and /metrics on; nowhere when left out.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Configuration file; it names the cluster's parts.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl Work {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<Exit> {
        office::run(Roles { work: true, ..Roles::NONE }, config, &self.data, self.listen).await
    }
}
