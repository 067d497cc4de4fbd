//! Bytes, named by their blake3 hash, as files `blobs/ab/cdef…`. A file under its name is whole
//! and durable: it is written beside, synced, renamed, and the folder synced.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::Access;
use schemas::Uuid;
use schemas::ids::Blake3;
use tempfile::TempPath;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::{ArchiveError, Doing};

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// Longest beginning that [`Incoming::head`] keeps.
const HEAD: usize = 64;

/// Bytes, named by their hash. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    dir: Arc<PathBuf>,
    /// Where blobs are written before they have a name; on the same file system.
    incoming: Arc<PathBuf>,
}

impl Blobs {
    /// Opens the folder; removes what was half received when the process before died.
    pub(crate) async fn open(place: &Path) -> Result<Self, ArchiveError> {
        let incoming = place.join("incoming");
        let doing = "clearing what was half received";
        if fs::try_exists(&incoming).await.doing(doing)? {
            fs::remove_dir_all(&incoming).await.doing(doing)?;
        }
        Self::open_beside(place).await
    }

    /// Opens the folder, whoever else works in it.
    pub(crate) async fn open_beside(place: &Path) -> Result<Self, ArchiveError> {
        let doing = "opening the blobs";
        let (dir, incoming) = (place.join("blobs"), place.join("incoming"));
        fs::create_dir_all(&incoming).await.doing(doing)?;
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
        Ok(Self { dir: Arc::new(dir), incoming: Arc::new(incoming) })
    }

    /// Begins to receive a blob of unknown size.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn receive(&self) -> Result<Incoming, ArchiveError> {
        let path = self.incoming.join(Uuid::new_v4().to_string());
        let mut options = OpenOptions::new();
        let open = options.write(true).create_new(true).mode(0o600).open(&path);
        let file = open.await.doing("receiving a blob")?;
        let path = TempPath::try_from_path(path).doing("receiving a blob")?;
        let (blobs, hasher) = (self.clone(), blake3::Hasher::new());
        Ok(Incoming { blobs, file, path, hasher, len: 0, head: Vec::with_capacity(HEAD) })
    }

    /// Keeps `bytes`; when this returns they are durable. Doing so twice changes nothing.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]; nothing is kept then.
    pub async fn put(&self, bytes: &[u8]) -> Result<Blake3, ArchiveError> {
        let mut incoming = self.receive().await?;
        for chunk in bytes.chunks(CHUNK) {
            incoming.write(chunk).await?;
        }
        Ok(incoming.finish().await?.0)
    }

    /// The bytes, checked against their hash.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`], and [`ArchiveError::Corrupt`] when the hash differs.
    pub async fn get(&self, key: Blake3) -> Result<Vec<u8>, ArchiveError> {
        let bytes = fs::read(self.path(key)).await.map_err(|error| absent(error, key))?;
        if *blake3::hash(&bytes).as_bytes() != key.0 {
            return Err(differs(key));
        }
        Ok(bytes)
    }

    /// The blob as a file to stream from, not checked, and its size in bytes.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`].
    pub async fn open_file(&self, key: Blake3) -> Result<(File, u64), ArchiveError> {
        let file = File::open(self.path(key)).await.map_err(|error| absent(error, key))?;
        let bytes = file.metadata().await.doing("opening a blob")?.len();
        Ok((file, bytes))
    }

    /// Whether the blob is there; its bytes are not looked at.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn contains(&self, key: Blake3) -> Result<bool, ArchiveError> {
        fs::try_exists(self.path(key)).await.doing("looking for a blob")
    }

    /// Whether blobs can be kept: the folder is there and may be written to.
    pub(crate) async fn reach(&self) -> Result<(), ArchiveError> {
        let doing = "asking the folder of blobs";
        let there = rustix::fs::access(&*self.incoming, Access::WRITE_OK | Access::EXEC_OK);
        there.map_err(io::Error::from).doing(doing)?;
        fs::metadata(self.dir.join("00")).await.map(|_| ()).doing(doing)
    }

    /// Every blob there is, in no order.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn list(&self) -> Result<Vec<Blake3>, ArchiveError> {
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

    /// Removes a blob; one that isn't there is removed already. Only `sohoa check --mend` does.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn remove(&self, key: Blake3) -> Result<(), ArchiveError> {
        match fs::remove_file(self.path(key)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).doing("removing a blob")
            }
            _ => Ok(()),
        }
    }

    /// Whether the bytes are those that the name promises; false when they differ.
    pub(crate) async fn is_true(&self, key: Blake3) -> Result<bool, ArchiveError> {
        let doing = "checking a blob";
        let (mut file, _) = self.open_file(key).await?;
        let (mut hasher, mut chunk) = (blake3::Hasher::new(), vec![0; CHUNK]);
        loop {
            match file.read(&mut chunk).await.doing(doing)? {
                0 => return Ok(*hasher.finalize().as_bytes() == key.0),
                read => _ = hasher.update(&chunk[..read]),
            }
        }
    }

    /// How long ago the blob was written, in seconds; 0 when it can't be told.
    pub(crate) async fn age_seconds(&self, key: Blake3) -> Result<u64, ArchiveError> {
        let meta = fs::metadata(self.path(key)).await.map_err(|error| absent(error, key))?;
        let age = meta.modified().ok().and_then(|written| written.elapsed().ok());
        Ok(age.map_or(0, |age| age.as_secs()))
    }

    fn path(&self, key: Blake3) -> PathBuf {
        let name = key.to_string();
        let (shard, rest) = name.split_at(2);
        self.dir.join(shard).join(rest)
    }
}

/// A blob being received. Dropped unfinished, it leaves nothing behind.
pub struct Incoming {
    blobs: Blobs,
    file: File,
    path: TempPath,
    hasher: blake3::Hasher,
    len: u64,
    head: Vec<u8>,
}

impl Incoming {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), ArchiveError> {
        self.file.write_all(chunk).await.doing("receiving a blob")?;
        self.hasher.update(chunk);
        self.len += chunk.len() as u64;
        let missing = (HEAD - self.head.len()).min(chunk.len());
        self.head.extend_from_slice(&chunk[..missing]);
        Ok(())
    }

    /// Bytes so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing has come yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first bytes, at most 64, to tell the format by.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Makes the blob durable under its hash; answers with that and the size in bytes.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]; nothing is kept then.
    pub async fn finish(mut self) -> Result<(Blake3, u64), ArchiveError> {
        let doing = "keeping a blob";
        let key = Blake3(*self.hasher.finalize().as_bytes());
        let target = self.blobs.path(key);
        self.file.flush().await.doing(doing)?;
        self.file.sync_all().await.doing(doing)?;
        // Over a blob of that name, if there is one: it may be damaged, and this one is not.
        fs::rename(&self.path, &target).await.doing(doing)?;
        self.path.disable_cleanup(true);
        if let Some(shard) = target.parent() {
            sync(shard).await.doing(doing)?;
        }
        Ok((key, self.len))
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

fn differs(key: Blake3) -> ArchiveError {
    ArchiveError::Corrupt { what: format!("blob {key}"), detail: "its hash differs".to_owned() }
}
