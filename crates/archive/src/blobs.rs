//! Bytes, named by their blake3 hash: files of a folder on one machine, objects of an S3 store on
//! many. Nobody above can tell which, nor whether they are encrypted: names are the hashes of the
//! clear.

mod bucket;
mod folder;
mod reader;
mod store;

use std::io::{self, Cursor};
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
use crate::vault::stream::{self, Encrypting, Wholeness, decrypting, key_id};
use crate::vault::{Vault, no_key};
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
    /// Keys of what is encrypted; without them blobs are kept as they come.
    vault: Option<Vault>,
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
        Ok(Self { form, incoming: Arc::new(incoming), vault: None })
    }

    /// The same with those keys.
    pub(crate) fn with(self, vault: Option<Vault>) -> Self {
        Self { vault, ..self }
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

    /// Begins to receive a blob. If it turns out as long as was promised, that spares copying it.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn receive(&self, promised: Option<u64>) -> Result<Incoming, ArchiveError> {
        let encrypting = self.vault.as_ref().map(|_| Encrypting::new()).transpose()?;
        let held = match &self.form {
            Form::Folder(_) => self.file().await?,
            Form::Bucket(_) => {
                let len = stream::shut_len(promised.unwrap_or_default());
                let room = usize::try_from(len).unwrap_or(IN_MEMORY).min(IN_MEMORY);
                Held::Memory(Vec::with_capacity(room))
            }
        };
        Ok(Incoming {
            blobs: self.clone(),
            held,
            written: 0,
            encrypting,
            hasher: blake3::Hasher::new(),
            len: 0,
            head: Vec::with_capacity(HEAD),
        })
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
        let mut incoming = self.receive(Some(bytes.len() as u64)).await?;
        for chunk in bytes.chunks(CHUNK) {
            incoming.write(chunk).await?;
        }
        Ok(incoming.finish().await?.blake3)
    }

    /// The bytes, checked against their hash.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`], [`ArchiveError::Corrupt`] when the hash differs,
    /// [`ArchiveError::Erased`], [`ArchiveError::NoKey`].
    pub async fn get(&self, key: Blake3) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = match &self.form {
            Form::Folder(folder) => folder.get(key).await?,
            Form::Bucket(bucket) => bucket.get(key).await?,
        };
        if key_id(&bytes).is_some() {
            let len = bytes.len() as u64;
            let (mut reader, _) =
                self.opened(key, BlobReader::new(Cursor::new(bytes)), len).await?;
            bytes = Vec::new();
            reader.read_to_end(&mut bytes).await.map_err(|error| damaged(key, &error))?;
        }
        if Blake3::of(&bytes) != key {
            let detail = "its hash differs".to_owned();
            return Err(ArchiveError::Corrupt { what: format!("blob {key}"), detail });
        }
        Ok(bytes)
    }

    /// The blob to stream from, not checked, and its size in bytes.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`], [`ArchiveError::Unavailable`], [`ArchiveError::Erased`],
    /// [`ArchiveError::NoKey`].
    pub async fn reader(&self, key: Blake3) -> Result<(BlobReader, u64), ArchiveError> {
        let (reader, len) = self.raw(key).await?;
        self.opened(key, reader, len).await
    }

    /// What is stored, which is so long, in the clear.
    async fn opened(
        &self,
        key: Blake3,
        mut reader: BlobReader,
        len: u64,
    ) -> Result<(BlobReader, u64), ArchiveError> {
        let mut head = Vec::with_capacity(stream::HEAD);
        let mut begin = (&mut reader).take(stream::HEAD as u64);
        begin.read_to_end(&mut head).await.doing("reading a blob")?;
        let Some(id) = key_id(&head) else {
            return Ok((BlobReader::new(Cursor::new(head).chain(reader)), len));
        };
        let about = key.to_string();
        let vault = self.vault.as_ref().ok_or_else(|| no_key(&about))?;
        let data_key = vault.key(id, &about).await?;
        let cut_off = || damaged(key, &io::ErrorKind::UnexpectedEof.into());
        let clear = stream::clear_len(len).ok_or_else(cut_off)?;
        Ok((BlobReader::new(decrypting(reader, len, data_key)), clear))
    }

    /// What is stored, encrypted or not, and its size in bytes.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`], [`ArchiveError::Unavailable`].
    pub(crate) async fn raw(&self, key: Blake3) -> Result<(BlobReader, u64), ArchiveError> {
        match &self.form {
            Form::Folder(folder) => folder.reader(key).await,
            Form::Bucket(bucket) => bucket.reader(key).await,
        }
    }

    /// The key that the blob is encrypted with; none when it isn't.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`], [`ArchiveError::Unavailable`].
    pub(crate) async fn key_of(&self, key: Blake3) -> Result<Option<Uuid>, ArchiveError> {
        let (reader, _) = self.raw(key).await?;
        let mut head = Vec::with_capacity(stream::HEAD);
        reader.take(stream::HEAD as u64).read_to_end(&mut head).await.doing("reading a blob")?;
        Ok(key_id(&head))
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

    /// Removes a blob; one that isn't there is removed already. A store is asked once.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`]: a store may remove it yet.
    pub async fn remove(&self, key: Blake3) -> Result<(), ArchiveError> {
        match &self.form {
            Form::Folder(folder) => folder.remove(key).await,
            Form::Bucket(bucket) => bucket.remove(key).await,
        }
    }

    /// Whether the bytes are those that the name promises; false when they differ.
    pub(crate) async fn is_true(&self, key: Blake3) -> Result<bool, ArchiveError> {
        Ok(self.look_at(key).await?.is_true)
    }

    /// The same, and whether they lie plain. A connection may break while the bytes come, which a
    /// store's client does not try again.
    pub(crate) async fn look_at(&self, key: Blake3) -> Result<Looked, ArchiveError> {
        let attempts = match &self.form {
            Form::Folder(_) => 1,
            Form::Bucket(bucket) => bucket.patience().attempts,
        };
        let mut attempt = 1;
        loop {
            match self.look_once(key).await {
                Err(ArchiveError::Unavailable { .. }) if attempt < attempts => attempt += 1,
                looked => return looked,
            }
        }
    }

    async fn look_once(&self, key: Blake3) -> Result<Looked, ArchiveError> {
        let (raw, stored) = self.raw(key).await?;
        let (reader, len) = self.opened(key, raw, stored).await?;
        // What is encrypted is longer.
        Ok(Looked { is_true: hashes_to(reader, key).await?, is_plain: len == stored })
    }

    /// Whether what is stored is what was written, encrypted or not: no key is needed.
    pub(crate) async fn is_whole(&self, key: Blake3) -> Result<bool, ArchiveError> {
        let (mut reader, _) = self.raw(key).await?;
        let (mut wholeness, mut chunk) = (Wholeness::default(), vec![0; CHUNK]);
        loop {
            match reader.read(&mut chunk).await.doing("checking a blob")? {
                0 => return Ok(wholeness.is_of(key)),
                read => wholeness.update(&chunk[..read]),
            }
        }
    }

    /// How long ago the blob was written, in seconds; 0 when it can't be told.
    pub(crate) async fn age_seconds(&self, key: Blake3) -> Result<u64, ArchiveError> {
        match &self.form {
            Form::Folder(folder) => folder.age_seconds(key).await,
            Form::Bucket(bucket) => bucket.age_seconds(key).await,
        }
    }

    /// How many bytes are stored: a few more than the blob has, where it is encrypted. None of them
    /// is read.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`], [`ArchiveError::Unavailable`].
    pub async fn stored(&self, key: Blake3) -> Result<u64, ArchiveError> {
        match &self.form {
            Form::Folder(folder) => folder.stored(key).await,
            Form::Bucket(bucket) => bucket.stored(key).await,
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

/// A blob that was read to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looked {
    /// Whether its bytes are those that its name promises.
    pub(crate) is_true: bool,
    /// Whether it isn't encrypted.
    pub(crate) is_plain: bool,
}

/// A blob that was received and is durable.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    /// Its hash, and so its name.
    pub blake3: Blake3,
    /// Size in bytes.
    pub bytes: u64,
    /// Whether the store says that nothing of that name was there. A folder doesn't tell.
    pub first: bool,
}

/// A blob being received. Dropped unfinished, it leaves nothing behind.
pub struct Incoming {
    blobs: Blobs,
    held: Held,
    /// Bytes that are held: more than came, where they are encrypted.
    written: u64,
    encrypting: Option<Encrypting>,
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
        match &mut self.encrypting {
            None => self.hold(chunk).await?,
            Some(encrypting) => {
                let shut = encrypting.write(chunk)?;
                self.hold(&shut).await?;
            }
        }
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

    /// Makes the blob durable under its hash.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`]; nothing is kept then.
    pub async fn finish(mut self) -> Result<Received, ArchiveError> {
        let (blake3, bytes) = (self.key(), self.len);
        self.keep_key().await?;
        let first = self.finish_as(blake3).await?;
        Ok(Received { blake3, bytes, first })
    }

    /// Keeps the key of what came, where that is encrypted; nothing more comes then.
    pub(crate) async fn keep_key(&mut self) -> Result<(), ArchiveError> {
        if let (Some(encrypting), Some(vault)) = (self.encrypting.take(), self.blobs.vault.clone())
        {
            let (rest, data_key) = encrypting.finish()?;
            self.hold(&rest).await?;
            self.flush().await?;
            vault.keep(&data_key, &self.key().to_string()).await?;
        }
        Ok(())
    }

    /// Makes what came durable under that name; true as [`Received::first`] is.
    pub(crate) async fn finish_as(mut self, key: Blake3) -> Result<bool, ArchiveError> {
        self.flush().await?;
        let (blobs, len) = (&self.blobs, self.written);
        match (&blobs.form, self.held) {
            (Form::Folder(folder), Held::File(file, path)) => {
                folder.keep(key, file, path).await.map(|()| false)
            }
            (Form::Bucket(bucket), Held::File(_, path)) => {
                bucket.keep(key, Source::File(&path), len, blobs).await
            }
            (Form::Bucket(bucket), Held::Memory(bytes)) => {
                bucket.keep(key, Source::Bytes(&bytes.into()), len, blobs).await
            }
            (Form::Folder(_), Held::Memory(_)) => unreachable!("a folder receives into files"),
        }
    }

    /// Full disks show here at the latest, before anything has a name.
    async fn flush(&mut self) -> Result<(), ArchiveError> {
        match &mut self.held {
            Held::File(file, _) => file.flush().await.doing("keeping a blob"),
            Held::Memory(_) => Ok(()),
        }
    }

    async fn hold(&mut self, chunk: &[u8]) -> Result<(), ArchiveError> {
        self.written += chunk.len() as u64;
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

/// An encrypted blob can't be read to its end.
fn damaged(key: Blake3, error: &io::Error) -> ArchiveError {
    let detail = error.kind().to_string();
    ArchiveError::Corrupt { what: format!("blob {key}"), detail }
}

/// Whether the bytes are those that the name promises.
async fn hashes_to(mut reader: BlobReader, key: Blake3) -> Result<bool, ArchiveError> {
    let (mut hasher, mut chunk) = (blake3::Hasher::new(), vec![0; CHUNK]);
    loop {
        match reader.read(&mut chunk).await {
            // It does not open.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(false),
            Err(error) => return Err(error).doing("checking a blob"),
            Ok(0) => return Ok(*hasher.finalize().as_bytes() == key.0),
            Ok(read) => _ = hasher.update(&chunk[..read]),
        }
    }
}
