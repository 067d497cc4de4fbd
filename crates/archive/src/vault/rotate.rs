//! Another master key. Data keys are wrapped anew, and nothing that they encrypt is touched.
//!
//! With the former master key every earlier copy of the data keys is worth nothing any more: in a
//! backup of the database itself, in its log, on a disk that was put away. So this is also how
//! what was erased is gone from those.
//!
//! The former one is destroyed afterwards, so nothing may be left under it. First the new one
//! becomes the current one: from then on no data key comes under another. Then passes go over all of
//! them until one finds nothing to do, for what came meanwhile may stand where a pass had been.

use std::path::Path;

use super::cipher::Wrapping;
use super::{CHOOSE, Masters, Vault, no_key};
use crate::Archive;
use crate::database::dialect::Dialect;
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;

const DOING: &str = "wrapping keys anew";

/// Keys that are wrapped anew in one change.
const BATCH: i64 = 500;

macro_rules! hold {
    ($lock:literal) => {
        concat!("select master from schema_floor where master = $1", $lock)
    };
}

const PAGE: &str = "
    select key_id, about, wrapped from data_key where key_id > $1 order by key_id limit $2";

// Unless it was erased meanwhile.
const WRAP: &str = "
    update data_key set wrapped = $2 where key_id = $1 and wrapped is not null";

impl Archive {
    /// Makes the place's master key the current one, and wraps every data key under it that is
    /// under a former one; answers how many. Others may work meanwhile, if they know both: whoever
    /// knows the former one alone keeps nothing any more ([`ArchiveError::OtherMaster`]), and reads
    /// only what isn't wrapped anew yet. Cut off, it is called again.
    ///
    /// # Errors
    /// [`ArchiveError::NoKey`] where there is no master key, or a data key is under none that is
    /// known, every other one being wrapped by then; [`ArchiveError::OtherMaster`] when somebody
    /// makes another one the current one meanwhile.
    pub async fn rewrap_keys(&self) -> Result<u64, ArchiveError> {
        let vault = self.records.vault.as_ref().ok_or_else(|| no_key("data key"))?;
        vault.rewrap().await
    }

    /// Makes another master key in the folder of an archive that no other process has, and wraps
    /// every data key under it; answers how many. Whoever opened it beside before that
    /// ([`Archive::open_beside`]) keeps nothing any more. Cut off, it is called again.
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
        // What is lost is under neither.
        if matches!(wrapped, Ok(_) | Err(ArchiveError::NoKey(_))) {
            Masters::end_change(&place.dir)?;
        }
        wrapped
    }

    /// Whether what is kept from now on is encrypted.
    #[must_use]
    pub fn encrypts(&self) -> bool {
        self.records.vault.is_some()
    }

    /// Whether papers are encrypted under a master key that this process doesn't know: another one
    /// may.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn lacks_master(&self) -> Result<bool, ArchiveError> {
        match &self.records.vault {
            Some(vault) => vault.is_left_out().await,
            None => Ok(true),
        }
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
        let choose = sqlx::query(CHOOSE).bind(self.masters.current.name());
        choose.execute(self.db.writer()).await.doing(DOING)?;
        let mut wrapped = 0;
        loop {
            let pass = self.pass().await?;
            wrapped += pass.wrapped;
            if pass.wrapped == 0 {
                return pass.shut.map_or(Ok(wrapped), |about| Err(no_key(&about)));
            }
        }
    }

    async fn pass(&self) -> Result<Pass, ArchiveError> {
        let current = &self.masters.current;
        let (mut last, mut pass) = (String::new(), Pass::default());
        loop {
            let mut change = self.db.change().await?;
            let held = sqlx::query(hold(self.db.dialect)).bind(current.name());
            let held = held.fetch_optional(change.on()).await.doing(DOING)?;
            held.ok_or(ArchiveError::OtherMaster)?;
            let page = sqlx::query(PAGE).bind(&last).bind(BATCH);
            let page = page.fetch_all(change.on()).await.doing(DOING)?;
            let Some(end) = page.last() else { return Ok(pass) };
            last = end.take("key_id")?;
            for row in &page {
                let Some(under) = row.take::<Option<&str>>("wrapped")? else { continue };
                if Wrapping::is_under(current, under) {
                    continue;
                }
                let wrapping = Wrapping { id: row.parsed("key_id")?, about: row.take("about")? };
                let Some(key) = wrapping.open(&self.masters, under) else {
                    pass.shut = Some(wrapping.about.to_owned());
                    continue;
                };
                let anew = wrapping.wrap(current, &key)?;
                let wrap = sqlx::query(WRAP).bind(wrapping.id.to_string()).bind(anew);
                pass.wrapped += wrap.execute(change.on()).await.doing(DOING)?.rows_affected();
            }
            change.commit().await?;
        }
    }
}

/// What a pass over all data keys came to.
#[derive(Default)]
struct Pass {
    /// Those that are under the current master key since.
    wrapped: u64,
    /// What one of them is of that no master key opens.
    shut: Option<String>,
}

/// A row where that master key is the current one, and it stays so until the transaction is over.
fn hold(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => hold!(""),
        Dialect::Postgres => hold!(" for share"),
    }
}
