//! A file of lines that knows its hash.

use std::path::Path;

use schemas::ids::Blake3;
use serde::{Deserialize, Serialize};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};

use super::BACKING_UP;
use crate::error::{ArchiveError, Doing};

/// Bytes gathered before they are written, or read at a time.
const CHUNK: usize = 1 << 20;

/// What a file must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SheetEntry {
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
    pub(crate) blake3: Blake3,
}

/// A file being written.
pub(crate) struct Sheet {
    file: File,
    text: Vec<u8>,
    hasher: blake3::Hasher,
    lines: u64,
    bytes: u64,
}

impl Sheet {
    /// Begins a file, for its owner alone.
    pub(crate) async fn begin(path: &Path) -> Result<Self, ArchiveError> {
        let mut options = OpenOptions::new();
        let open = options.write(true).create_new(true).mode(0o600).open(path);
        let file = open.await.doing(BACKING_UP)?;
        Ok(Self { file, text: Vec::new(), hasher: blake3::Hasher::new(), lines: 0, bytes: 0 })
    }

    /// Adds a line, which holds no line feed.
    pub(crate) async fn line(&mut self, line: &str) -> Result<(), ArchiveError> {
        self.text.extend_from_slice(line.as_bytes());
        self.text.push(b'\n');
        self.lines += 1;
        if self.text.len() >= CHUNK { self.write().await } else { Ok(()) }
    }

    /// What it is so far.
    pub(crate) async fn sum(&mut self) -> Result<SheetEntry, ArchiveError> {
        self.write().await?;
        let blake3 = Blake3(*self.hasher.finalize().as_bytes());
        Ok(SheetEntry { lines: self.lines, bytes: self.bytes, blake3 })
    }

    /// Makes it durable.
    pub(crate) async fn finish(mut self) -> Result<SheetEntry, ArchiveError> {
        let entry = self.sum().await?;
        self.file.sync_all().await.doing(BACKING_UP)?;
        Ok(entry)
    }

    async fn write(&mut self) -> Result<(), ArchiveError> {
        self.hasher.update(&self.text);
        self.bytes += self.text.len() as u64;
        self.file.write_all(&self.text).await.doing(BACKING_UP)?;
        self.file.flush().await.doing(BACKING_UP)?;
        self.text.clear();
        Ok(())
    }
}

impl SheetEntry {
    /// Whether the file is what was written; one that can't be read is not.
    pub(crate) async fn is_true(&self, path: &Path) -> bool {
        let Ok(mut file) = File::open(path).await else { return false };
        let (mut hasher, mut chunk) = (blake3::Hasher::new(), vec![0; CHUNK]);
        loop {
            match file.read(&mut chunk).await {
                Err(_) => return false,
                Ok(0) => return *hasher.finalize().as_bytes() == self.blake3.0,
                Ok(read) => _ = hasher.update(&chunk[..read]),
            }
        }
    }
}

/// Lines of a file, in order.
pub(crate) async fn lines(path: &Path) -> Result<Lines<BufReader<File>>, ArchiveError> {
    let file = File::open(path).await.doing("reading a backup")?;
    Ok(BufReader::with_capacity(CHUNK, file).lines())
}
