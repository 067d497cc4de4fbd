//! Opens the outside world as the configuration says.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use archive::{Archive, Place};
use schemas::audit::Actor;
use schemas::code::Reason;
use tracing::{info, warn};
use worker::{ReaderError, Readers};

use crate::config::Config;

/// Where the archive lies and what its codes look like.
pub(crate) fn place(data: &Path, config: &Config) -> anyhow::Result<Place> {
    let mut place = Place {
        code_template: config.office.dossier_code.clone(),
        digitisation_template: config.office.digitisation_code.clone(),
        max_waiting_jobs: config.intake.max_waiting_jobs,
        masters: config.keys.masters()?,
        ..Place::at(data)
    };
    if let Some(cluster) = config.cluster()? {
        place.database = Some(cluster.database);
        place.broker = Some(cluster.broker);
        place.store = Some(cluster.store);
    }
    Ok(place)
}

/// Where a command finds the archive.
#[derive(Debug, clap::Args)]
pub(crate) struct At {
    /// Folder that holds everything, where no cluster is configured.
    #[arg(long, global = true, default_value = "sohoa-data", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Configuration file.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl At {
    /// Reads the configuration.
    pub(crate) fn read_config(&self) -> anyhow::Result<Config> {
        Config::read(self.config.as_deref())
    }

    /// Opens the archive, which must be there, beside a server that may be running on the same
    /// folder.
    pub(crate) async fn open(&self, config: &Config) -> anyhow::Result<Archive> {
        self.must_be_there(config)?;
        self.open_or_make(config).await
    }

    /// The same; makes the archive where there is none.
    pub(crate) async fn open_or_make(&self, config: &Config) -> anyhow::Result<Archive> {
        failpoints::listen_in(&self.data);
        Archive::open_beside(&place(&self.data, config)?)
            .await
            .with_context(|| format!("opening {}", self.data.display()))
    }

    /// Refuses a folder that isn't there, for it would be made, and nothing found in it. Where a
    /// cluster is configured the folder holds nothing of the archive.
    pub(crate) fn must_be_there(&self, config: &Config) -> anyhow::Result<()> {
        let there = self.data.is_dir() || config.cluster()?.is_some();
        ensure!(there, "{} is not a folder; see --data", self.data.display());
        Ok(())
    }
}

/// Who runs this command line, for the audit: by their name on this machine, and by the one that
/// they had before `sudo`.
pub(crate) fn operator() -> Actor {
    let name = whoami::username().unwrap_or_else(|_| "nobody known".to_owned());
    #[expect(clippy::disallowed_methods, reason = "sudo says it nowhere else")]
    let before = std::env::var("SUDO_USER").ok().filter(|before| *before != name);
    Actor::Operator(before.map_or_else(|| name.clone(), |before| format!("{before} as {name}")))
}

/// `count` readers, of which one runs already: that a wall of its jail is missing is told before
/// anything is accepted, not page by page. A reader that can't be started for another reason may
/// be startable later, and nothing need wait for that.
pub(crate) async fn readers(config: &Config, count: usize) -> anyhow::Result<Readers> {
    warmed(config, Readers::new(config.reader.program()?, count)).await
}

/// As many as the configuration says, and one for the counter.
pub(crate) async fn office_readers(config: &Config) -> anyhow::Result<Readers> {
    let readers = Readers::new(config.reader.program()?, config.reader.count());
    warmed(config, readers.with_one_for_the_counter()).await
}

async fn warmed(config: &Config, readers: Readers) -> anyhow::Result<Readers> {
    match readers.warm().await {
        Ok(walls) => {
            let without = &config.reader.without_walls;
            info!(reader.walls = ?walls, reader.without_walls = ?without, "readers are jailed");
        }
        Err(ReaderError::NoWall { wall, detail }) => {
            let reason = Reason::ReaderNoWall;
            bail!(
                "{} [{}]\nThiếu: {wall} ({detail}).\nHãy dùng nhân Linux có {wall}; nếu chấp nhận \
                 chạy thiếu lớp này, ghi vào tệp cấu hình:\n\n[reader]\nwithout_walls = [\"{wall}\"]",
                reason.vi(),
                reason.code(),
            );
        }
        Err(error) => warn!(error = &error as &dyn std::error::Error, "no reader can be started"),
    }
    Ok(readers)
}
