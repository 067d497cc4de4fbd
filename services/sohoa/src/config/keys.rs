//! The master key, in a file of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use archive::{MasterKey, Masters};
use serde::Deserialize;

use super::file;

/// Keys over the keys of papers and second factors.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeysConfig {
    /// File of the master key: 64 hexadecimal digits. When left out, `master.key` in the data
    /// folder, made at the first start; in a cluster papers are then not encrypted.
    master_file: Option<PathBuf>,
    /// Files of those from before, until `sohoa keys rotate` is done.
    former_files: Vec<PathBuf>,
}

impl KeysConfig {
    /// The keys themselves; none where none is named.
    pub(crate) fn masters(&self) -> anyhow::Result<Option<Masters>> {
        let Some(file) = &self.master_file else {
            ensure!(self.former_files.is_empty(), "keys.master_file is missing");
            return Ok(None);
        };
        let current = read(file).context("keys.master_file")?;
        let former = self.former_files.iter().map(|file| read(file).context("keys.former_files"));
        Ok(Some(Masters { current, former: former.collect::<anyhow::Result<_>>()? }))
    }
}

fn read(path: &Path) -> anyhow::Result<MasterKey> {
    let key = file::secret(path)?;
    key.reveal().parse().map_err(|error| anyhow!("{}: {error}", path.display()))
}
