//! `sohoa migrate`: brings the database up to date, as a step of its own.

use anyhow::Context;
use archive::Archive;

use crate::config::Config;
use crate::exit::Exit;
use crate::outside::At;
use crate::{office, outside, show};

/// Bring the database up to date, and end (cập nhật cấu trúc cơ sở dữ liệu).
///
/// In a cluster this runs before new programs start; those of the version before go on beside it,
/// since nothing that they need is taken away. On one machine `sohoa all` does it by itself when
/// it starts. A database without a catalogue gets the one that comes with Sohoa.
///
/// Examples:
///
///   sohoa migrate --config /etc/sohoa.toml
///   sohoa migrate --data ./sohoa-data
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) at: At,
}

impl Migrate {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<Exit> {
        Archive::migrate(&outside::place(&self.at.data, &config)?)
            .await
            .with_context(|| format!("opening {}", self.at.data.display()))?;
        let archive = self.at.open_or_make(&config).await?;
        office::load_shipped(&archive).await?;
        archive.close().await;
        show::note("Cơ sở dữ liệu đã được cập nhật.");
        Ok(Exit::Done)
    }
}
