//! Blobs as files `blobs/ab/cdef…` of a folder. A file under its name is whole and durable: it is
//! written beside, synced, renamed, and the folder synced.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::ids::Blake3;
use tempfile::TempPath;
use tokio::fs::{self, File};

use super::reader::BlobReader;
use crate::error::{ArchiveError, Doing};

/// The folder `blobs`. Cheap to clone.
#[derive(Clone)]
pub(super) struct Folder {
    dir: Arc<PathBuf>,
}

impl Folder {
    pub(super) async fn open(place: &Path) -> Result<Self, ArchiveError> {
        let doing = "opening the blobs";
        let dir = place.join("blobs");
        fs::create_dir_all(&dir).await.doing(doing)?;
        // All at once and synced, so that a blob's durability needs no folder but its own.
        for shard in 0..=u8::MAX {
            match fs::create_dir(dir.join(format!("{shard:02x}"))).await {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(error).doing(doing);
                }
                _ => {}
            }
        }
        sync(&dir).await.doing(doing)?;
        sync(place).await.doing(doing)?;
        Ok(Self { dir: Arc::new(dir) })
    }

    pub(super) async fn ready(&self) -> Result<(), ArchiveError> {
        fs::metadata(&*self.dir).await.map(|_| ()).doing("looking at the blobs")
    }

    /// Makes what was written to `path` durable under its hash.
    pub(super) async fn keep(
        &self,
        key: Blake3,
        file: File,
        mut path: TempPath,
    ) -> Result<(), ArchiveError> {
        let doing = "keeping a blob";
        let target = self.path(key);
        file.sync_all().await.doing(doing)?;
        // Over a blob of that name, if there is one: it may be damaged, and this one is not.
        fs::rename(&path, &target).await.doing(doing)?;
        path.disable_cleanup(true);
        if let Some(shard) = target.parent() {
            sync(shard).await.doing(doing)?;
        }
        Ok(())
    }

    pub(super) async fn get(&self, key: Blake3) -> Result<Vec<u8>, ArchiveError> {
        fs::read(self.path(key)).await.map_err(|error| absent(error, key))
    }

    pub(super) async fn reader(&self, key: Blake3) -> Result<(BlobReader, u64), ArchiveError> {
        let file = File::open(self.path(key)).await.map_err(|error| absent(error, key))?;
        let bytes = file.metadata().await.doing("opening a blob")?.len();
        Ok((BlobReader::new(file), bytes))
    }

    pub(super) async fn contains(&self, key: Blake3) -> Result<bool, ArchiveError> {
        fs::try_exists(self.path(key)).await.doing("looking for a blob")
    }

    pub(super) async fn list(&self) -> Result<Vec<Blake3>, ArchiveError> {
        let doing = "listing the blobs";
        let mut found = Vec::new();
        for shard in 0..=u8::MAX {
            let shard = format!("{shard:02x}");
            let mut entries = fs::read_dir(self.dir.join(&shard)).await.doing(doing)?;
            while let Some(entry) = entries.next_entry().await.doing(doing)? {
                let name = format!("{shard}{}", entry.file_name().to_string_lossy());
                found.extend(name.parse::<Blake3>());
            }
        }
        Ok(found)
    }

    pub(super) async fn remove(&self, key: Blake3) -> Result<(), ArchiveError> {
        match fs::remove_file(self.path(key)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).doing("removing a blob")
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn age_seconds(&self, key: Blake3) -> Result<u64, ArchiveError> {
        let meta = fs::metadata(self.path(key)).await.map_err(|error| absent(error, key))?;
        let age = meta.modified().ok().and_then(|written| written.elapsed().ok());
        Ok(age.map_or(0, |age| age.as_secs()))
    }

    pub(super) async fn stored(&self, key: Blake3) -> Result<u64, ArchiveError> {
        let meta = fs::metadata(self.path(key)).await.map_err(|error| absent(error, key))?;
        Ok(meta.len())
    }

    fn path(&self, key: Blake3) -> PathBuf {
        let name = key.to_string();
        let (shard, rest) = name.split_at(2);
        self.dir.join(shard).join(rest)
    }
}

/// Makes the names in a folder durable.
async fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir).await?.sync_all().await
}

fn absent(error: io::Error, key: Blake3) -> ArchiveError {
    if error.kind() == io::ErrorKind::NotFound {
        return ArchiveError::Missing(format!("blob {key}"));
    }
    ArchiveError::Unavailable { what: "reading a blob", source: error.into() }
}
