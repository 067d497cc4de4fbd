//! Bytes, named by their blake3 hash: files of a folder on one machine, objects of an S3 store on
//! many. Nobody above can tell which.

mod bucket;
mod folder;
mod reader;
mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use schemas::Uuid;
use schemas::ids::Blake3;
use tempfile::TempPath;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Place;
use crate::error::{ArchiveError, Doing};
use bucket::{Bucket, Source};
use folder::Folder;

pub use bucket::StoreTrouble;
pub use reader::BlobReader;
pub use store::{Encryption, Patience, SecretKey, Store};

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// Longest blob on its way to a store that is held in memory: most scans of a page are shorter, and
/// an intake takes no more than some dozens at once.
const IN_MEMORY: usize = 1 << 20;

const RECEIVING: &str = "receiving a blob";

/// Longest beginning that [`Incoming::head`] keeps.
const HEAD: usize = 64;

/// Bytes, named by their hash. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    form: Form,
    /// Where blobs are written before they have a name; in a folder's form on the same file
    /// system.
    incoming: Arc<PathBuf>,
}

#[derive(Clone)]
enum Form {
    Folder(Folder),
    Bucket(Bucket),
}

impl Blobs {
    /// Opens the blobs; removes what was half received when the process before died.
    pub(crate) async fn open(place: &Place) -> Result<Self, ArchiveError> {
        let incoming = place.dir.join("incoming");
        let doing = "clearing what was half received";
        if fs::try_exists(&incoming).await.doing(doing)? {
            fs::remove_dir_all(&incoming).await.doing(doing)?;
        }
        Self::open_beside(place).await
    }

    /// Opens the blobs, whoever else works with them. A store is not asked for anything yet.
    pub(crate) async fn open_beside(place: &Place) -> Result<Self, ArchiveError> {
        let incoming = place.dir.join("incoming");
        fs::create_dir_all(&incoming).await.doing("opening the blobs")?;
        let form = match &place.store {
            None => Form::Folder(Folder::open(&place.dir).await?),
            Some(store) => {
                clear_old(&incoming, store.patience.abandoned).await?;
                Form::Bucket(Bucket::open(store).await?)
            }
        };
        Ok(Self { form, incoming: Arc::new(incoming) })
    }

    /// Whether blobs can be kept and read at this moment; tries once.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`] when they can't.
    pub async fn ready(&self) -> Result<(), ArchiveError> {
        match &self.form {
            Form::Folder(folder) => folder.ready().await,
            Form::Bucket(bucket) => bucket.ready().await,
        }
    }

    /// Begins to receive a blob of unknown size.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn receive(&self) -> Result<Incoming, ArchiveError> {
        let held = match &self.form {
            Form::Folder(_) => self.file().await?,
            Form::Bucket(_) => Held::Memory(Vec::new()),
        };
        let (blobs, hasher) = (self.clone(), blake3::Hasher::new());
        Ok(Incoming { blobs, held, hasher, len: 0, head: Vec::with_capacity(HEAD) })
    }

    /// A file to receive into.
    async fn file(&self) -> Result<Held, ArchiveError> {
        let path = self.incoming.join(Uuid::new_v4().to_string());
        let mut options = OpenOptions::new();
        let open = options.write(true).create_new(true).mode(0o600).open(&path);
        let file = open.await.doing(RECEIVING)?;
        Ok(Held::File(file, TempPath::try_from_path(path).doing(RECEIVING)?))
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
        let bytes = match &self.form {
            Form::Folder(folder) => folder.get(key).await?,
            Form::Bucket(bucket) => bucket.get(key).await?,
        };
        if *blake3::hash(&bytes).as_bytes() != key.0 {
            let detail = "its hash differs".to_owned();
            return Err(ArchiveError::Corrupt { what: format!("blob {key}"), detail });
        }
        Ok(bytes)
    }

    /// The blob to stream from, not checked, and its size in bytes.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`], [`ArchiveError::Unavailable`].
    pub async fn reader(&self, key: Blake3) -> Result<(BlobReader, u64), ArchiveError> {
        match &self.form {
            Form::Folder(folder) => folder.reader(key).await,
            Form::Bucket(bucket) => bucket.reader(key).await,
        }
    }

    /// Whether the blob is there; its bytes are not looked at.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn contains(&self, key: Blake3) -> Result<bool, ArchiveError> {
        match &self.form {
            Form::Folder(folder) => folder.contains(key).await,
            Form::Bucket(bucket) => bucket.contains(key).await,
        }
    }

    /// Every blob there is, in no order.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn list(&self) -> Result<Vec<Blake3>, ArchiveError> {
        match &self.form {
            Form::Folder(folder) => folder.list().await,
            Form::Bucket(bucket) => bucket.list().await,
        }
    }

    /// Removes a blob; one that isn't there is removed already. Only `sohoa check --mend` does.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn remove(&self, key: Blake3) -> Result<(), ArchiveError> {
        match &self.form {
            Form::Folder(folder) => folder.remove(key).await,
            Form::Bucket(bucket) => bucket.remove(key).await,
        }
    }

    /// Whether the bytes are those that the name promises; false when they differ.
    pub(crate) async fn is_true(&self, key: Blake3) -> Result<bool, ArchiveError> {
        let (reader, _) = self.reader(key).await?;
        hashes_to(reader, key).await
    }

    /// How long ago the blob was written, in seconds; 0 when it can't be told.
    pub(crate) async fn age_seconds(&self, key: Blake3) -> Result<u64, ArchiveError> {
        match &self.form {
            Form::Folder(folder) => folder.age_seconds(key).await,
            Form::Bucket(bucket) => bucket.age_seconds(key).await,
        }
    }

    /// Uploads that nobody is sending any more: their process died. What a folder holds of such,
    /// the next start clears.
    pub(crate) async fn abandoned(&self) -> Result<Vec<String>, ArchiveError> {
        match &self.form {
            Form::Folder(_) => Ok(Vec::new()),
            Form::Bucket(bucket) => bucket.abandoned().await,
        }
    }

    /// Removes what came of such an upload.
    pub(crate) async fn clear(&self, upload: &str) -> Result<(), ArchiveError> {
        match &self.form {
            Form::Folder(_) => Ok(()),
            Form::Bucket(bucket) => bucket.clear(upload).await,
        }
    }
}

/// A blob being received. Dropped unfinished, it leaves nothing behind.
pub struct Incoming {
    blobs: Blobs,
    held: Held,
    hasher: blake3::Hasher,
    len: u64,
    head: Vec<u8>,
}

/// Where the bytes are meanwhile.
enum Held {
    /// What goes to a store isn't written to a disk first, as long as it is small.
    Memory(Vec<u8>),
    File(File, TempPath),
}

impl Incoming {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), ArchiveError> {
        self.hold(chunk).await?;
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

    /// The name it would get, as far as it has come.
    pub(crate) fn key(&self) -> Blake3 {
        Blake3(*self.hasher.finalize().as_bytes())
    }

    /// Makes the blob durable under its hash; answers with that and the size in bytes.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]; nothing is kept then.
    pub async fn finish(mut self) -> Result<(Blake3, u64), ArchiveError> {
        let doing = "keeping a blob";
        let key = self.key();
        // Full disks show here at the latest, before anything has a name.
        if let Held::File(file, _) = &mut self.held {
            file.flush().await.doing(doing)?;
        }
        match (&self.blobs.form, self.held) {
            (Form::Folder(folder), Held::File(file, path)) => folder.keep(key, file, path).await?,
            (Form::Bucket(bucket), Held::File(_, path)) => {
                bucket.keep(key, Source::File(&path), self.len).await?;
            }
            (Form::Bucket(bucket), Held::Memory(bytes)) => {
                bucket.keep(key, Source::Bytes(&bytes), self.len).await?;
            }
            (Form::Folder(_), Held::Memory(_)) => unreachable!("a folder receives into files"),
        }
        Ok((key, self.len))
    }

    async fn hold(&mut self, chunk: &[u8]) -> Result<(), ArchiveError> {
        match &mut self.held {
            Held::Memory(bytes) if bytes.len() + chunk.len() <= IN_MEMORY => {
                bytes.extend_from_slice(chunk);
            }
            Held::Memory(bytes) => {
                let bytes = std::mem::take(bytes);
                self.held = self.blobs.file().await?;
                if let Held::File(file, _) = &mut self.held {
                    file.write_all(&bytes).await.doing(RECEIVING)?;
                    file.write_all(chunk).await.doing(RECEIVING)?;
                }
            }
            Held::File(file, _) => file.write_all(chunk).await.doing(RECEIVING)?,
        }
        Ok(())
    }
}

/// Removes what was half received so long ago that it is nobody's any more. Where the folder is
/// not one process's alone, nothing younger can be told from what is being received.
async fn clear_old(incoming: &Path, abandoned: Duration) -> Result<(), ArchiveError> {
    let doing = "clearing what was half received";
    let mut entries = fs::read_dir(incoming).await.doing(doing)?;
    while let Some(entry) = entries.next_entry().await.doing(doing)? {
        let written = entry.metadata().await.and_then(|meta| meta.modified());
        let age = written.ok().and_then(|written| written.elapsed().ok());
        if age.is_some_and(|age| abandoned <= age) {
            // Another process may have been quicker, and a later start comes by again.
            fs::remove_file(entry.path()).await.unwrap_or_default();
        }
    }
    Ok(())
}

/// Whether the bytes are those that the name promises.
async fn hashes_to(mut reader: BlobReader, key: Blake3) -> Result<bool, ArchiveError> {
    let (mut hasher, mut chunk) = (blake3::Hasher::new(), vec![0; CHUNK]);
    loop {
        match reader.read(&mut chunk).await.doing("checking a blob")? {
            0 => return Ok(*hasher.finalize().as_bytes() == key.0),
            read => _ = hasher.update(&chunk[..read]),
        }
    }
}
