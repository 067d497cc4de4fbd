//! Another master key. Data keys are wrapped anew, and nothing that they encrypt is touched.
//!
//! With the former master key every earlier copy of the data keys is worth nothing any more: in a
//! backup of the database itself, in its log, on a disk that was put away. So this is also how
//! what was erased is gone from those.

use std::path::Path;

use super::cipher::Wrapping;
use super::{Masters, Vault, no_key};
use crate::Archive;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

/// Keys that are wrapped anew in one change.
const BATCH: i64 = 500;

const PAGE: &str = "
    select key_id, about, wrapped from data_key where key_id > $1 order by key_id limit $2";

// Unless it was erased meanwhile.
const WRAP: &str = "
    update data_key set wrapped = $2 where key_id = $1 and wrapped is not null";

impl Archive {
    /// Wraps every data key under the present master key that is under a former one; answers how
    /// many. Others may work meanwhile, if they know both.
    ///
    /// # Errors
    /// [`ArchiveError::NoKey`] where there is no master key, or a data key is under none that is
    /// known.
    pub async fn rewrap_keys(&self) -> Result<u64, ArchiveError> {
        let vault = self.records.vault.as_ref().ok_or_else(|| no_key("data key"))?;
        vault.rewrap().await
    }

    /// Makes another master key in the folder of an archive that nobody else has open, and wraps
    /// every data key under it; answers how many. Cut off, it is called again.
    ///
    /// # Errors
    /// As [`Archive::open`], and as [`Archive::rewrap_keys`].
    pub async fn change_master(place: &crate::Place) -> Result<u64, ArchiveError> {
        // Open, it is ours alone.
        Self::open(place).await?.close().await;
        Masters::begin_change(&place.dir)?;
        let archive = Self::open(place).await?;
        let wrapped = archive.rewrap_keys().await;
        archive.close().await;
        let wrapped = wrapped?;
        Masters::end_change(&place.dir)?;
        Ok(wrapped)
    }

    /// Whether what is kept from now on is encrypted.
    #[must_use]
    pub fn encrypts(&self) -> bool {
        self.records.vault.is_some()
    }

    /// Whether the master key lies in the archive's own folder, where [`Archive::change_master`]
    /// changes it.
    #[must_use]
    pub fn has_own_master(place: &crate::Place) -> bool {
        place.masters.is_none() && place.database.is_none()
    }

    /// The file of the master key in an archive's own folder.
    #[must_use]
    pub fn own_master(dir: &Path) -> std::path::PathBuf {
        dir.join(super::master::FILE)
    }
}

impl Vault {
    async fn rewrap(&self) -> Result<u64, ArchiveError> {
        let doing = "wrapping keys anew";
        let (mut last, mut wrapped) = (String::new(), 0);
        loop {
            let mut change = self.db.change().await?;
            let page = sqlx::query(PAGE).bind(&last).bind(BATCH);
            let page = page.fetch_all(change.on()).await.doing(doing)?;
            let Some(end) = page.last() else { return Ok(wrapped) };
            last = end.take("key_id")?;
            for row in &page {
                let Some(under) = row.take::<Option<&str>>("wrapped")? else { continue };
                if Wrapping::is_under(&self.masters.current, under) {
                    continue;
                }
                let wrapping = Wrapping { id: row.parsed("key_id")?, about: row.take("about")? };
                let key = wrapping.open(&self.masters, under);
                let key = key.ok_or_else(|| no_key(wrapping.about))?;
                let anew = wrapping.wrap(&self.masters.current, &key)?;
                let wrap = sqlx::query(WRAP).bind(wrapping.id.to_string()).bind(anew);
                wrapped += wrap.execute(change.on()).await.doing(doing)?.rows_affected();
            }
            change.commit().await?;
        }
    }
}
