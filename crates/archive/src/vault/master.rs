//! The master key: 32 random bytes, as 64 hexadecimal digits in a file for its owner alone.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use schemas::ids::Blake3;

use super::cipher;
use crate::error::{ArchiveError, Doing};

/// Name of its file in an archive's own folder.
pub(super) const FILE: &str = "master.key";

const DOING: &str = "reading the master key";

/// The key over all others. It shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(pub(super) [u8; 32]);

impl MasterKey {
    /// What it is told from others by; says nothing of it.
    pub(super) fn digest(&self) -> [u8; 32] {
        blake3::derive_key("sohoa 2026 name of a master key", &self.0)
    }

    /// The same as text.
    pub(super) fn name(&self) -> String {
        Blake3(self.digest()).to_string()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

impl FromStr for MasterKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A hash is written the same way.
        let bytes = text.trim().parse::<Blake3>();
        bytes.map(|Blake3(bytes)| Self(bytes)).map_err(|_| "not 64 hexadecimal digits")
    }
}

/// The master key, and those from before whose data keys were not all taken over yet. Until
/// [`crate::Archive::rewrap_keys`] new data keys, too, are wrapped under the one from before, so
/// that whoever knows no other yet can read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masters {
    /// The one that data keys are wrapped under, or shall be.
    pub current: MasterKey,
    /// Those that open what was wrapped before.
    pub former: Vec<MasterKey>,
}

impl Masters {
    pub(super) fn all(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.current).chain(&self.former)
    }

    /// Those of a folder; where `make` is set and there is none, one is made. None where there is
    /// none.
    pub(crate) fn of_folder(dir: &Path, make: bool) -> Result<Option<Self>, ArchiveError> {
        let former: Vec<_> = read(&former(dir))?.into_iter().collect();
        let current = match read(&current(dir))? {
            // A change of keys was cut off before there was a new one.
            None if make || !former.is_empty() => Some(put(dir)?),
            current => current,
        };
        Ok(current.map(|current| Self { current, former }))
    }

    /// Begins a change of keys in a folder: the one there becomes a former one, and another is
    /// made.
    pub(super) fn begin_change(dir: &Path) -> Result<(), ArchiveError> {
        // One that was cut off goes on instead.
        if read(&former(dir))?.is_none() && read(&current(dir))?.is_some() {
            fs::rename(current(dir), former(dir)).doing(DOING)?;
            put(dir)?;
        }
        Ok(())
    }

    /// Ends it: nothing is wrapped under the former one any more.
    pub(super) fn end_change(dir: &Path) -> Result<(), ArchiveError> {
        fs::remove_file(former(dir)).doing(DOING)?;
        sync(dir).doing(DOING)
    }
}

fn current(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

fn former(dir: &Path) -> PathBuf {
    dir.join("master.key.former")
}

fn read(path: &Path) -> Result<Option<MasterKey>, ArchiveError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => text.doing(DOING)?.parse().map(Some).map_err(|detail: &str| {
            let what = path.display().to_string();
            ArchiveError::Corrupt { what, detail: detail.to_owned() }
        }),
    }
}

/// Makes a key, durable before anything is wrapped under it.
fn put(dir: &Path) -> Result<MasterKey, ArchiveError> {
    let doing = "writing the master key";
    let key = MasterKey(cipher::random()?);
    let beside = dir.join("master.key.new");
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside);
    let mut file = file.doing(doing)?;
    file.write_all(format!("{}\n", Blake3(key.0)).as_bytes()).doing(doing)?;
    file.sync_all().doing(doing)?;
    fs::rename(&beside, current(dir)).doing(doing)?;
    sync(dir).doing(doing)?;
    Ok(key)
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
