//! Opens the outside world as the configuration says.

use std::path::Path;

use anyhow::Context;
use archive::{Archive, Place};

use crate::config::Config;

/// Where the archive lies and what its codes look like.
pub(crate) fn place(data: &Path, config: &Config) -> Place {
    Place {
        dir: data.to_owned(),
        code_template: config.office.dossier_code.clone(),
        digitisation_template: config.office.digitisation_code.clone(),
        max_waiting_jobs: config.intake.max_waiting_jobs,
    }
}

/// Opens the archive beside a server that may be running on the same folder.
pub(crate) async fn beside(data: &Path, config: &Config) -> anyhow::Result<Archive> {
    Archive::open_beside(&place(data, config))
        .await
        .with_context(|| format!("opening {}", data.display()))
}
