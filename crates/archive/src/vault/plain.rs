//! What came before the archive had keys is encrypted as what comes now is. A blob's name stays,
//! for it is the hash of the clear. So it is written over in one step: whoever reads it has the one
//! or the other, whole, and there never is a second copy.
//!
//! Its key is kept before, as of every blob. A dossier that needs it is held while it is written
//! over: what is erased at that moment doesn't come back. Where it couldn't be held for so long,
//! what nobody needs any more is taken back.

use schemas::ids::{Blake3, DossierId};
use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use super::no_key;
use crate::Archive;
use crate::error::{ArchiveError, Doing};
use crate::needed;
use crate::records::held::{By, Held};
use crate::rows::Columns;

const DOING: &str = "encrypting a blob";

/// Names read at a time.
const BATCH: i64 = 500;

/// Blobs that are looked at, or encrypted, at once.
const AT_ONCE: usize = 4;

/// Bytes of each in memory.
const CHUNK: usize = 1 << 18;

/// What encrypting came to, in the end or so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Encrypted {
    /// Blobs that rows need, each looked at.
    pub seen: u64,
    /// Those of them that were plain and are encrypted now.
    pub encrypted: u64,
    /// Those that are still plain: they were only counted, or are not what their names promise.
    pub plain: u64,
    /// Those that are not there.
    pub missing: u64,
}

/// What became of a blob.
enum Fate {
    /// It is encrypted already, or needed by nobody any more.
    Done,
    Encrypted,
    Plain,
    Missing,
}

impl Archive {
    /// Encrypts every blob that a row needs and that is plain, or only counts them where `really`
    /// isn't set. Others may work meanwhile, if they have the master key. Cut off, it is called
    /// again.
    ///
    /// # Errors
    /// [`ArchiveError::NoKey`] where there is no master key, [`ArchiveError::Full`],
    /// [`ArchiveError::Unavailable`]; what is encrypted by then stays so.
    pub async fn encrypt_plain(
        &self,
        really: bool,
        hears: &(dyn Fn(&Encrypted) + Sync),
    ) -> Result<Encrypted, ArchiveError> {
        if !self.encrypts() {
            return Err(no_key("data key"));
        }
        let (mut last, mut sum) = (String::new(), Encrypted::default());
        loop {
            let batch = sqlx::query(needed::EVERY_AFTER).bind(&last).bind(BATCH);
            let batch = batch.fetch_all(&self.records.db.readers).await.doing(DOING)?;
            let Some(end) = batch.last() else { return Ok(sum) };
            last = end.take("blob")?;
            let names = batch.iter().map(|row| row.parsed("blob"));
            let names: Vec<Blake3> = names.collect::<Result<_, _>>()?;
            let mut working = JoinSet::new();
            for key in names {
                if working.len() == AT_ONCE {
                    sum.hear(&mut working, hears).await?;
                }
                let archive = self.clone();
                working.spawn(async move { archive.encrypt_one(key, really).await });
            }
            while !working.is_empty() {
                sum.hear(&mut working, hears).await?;
            }
        }
    }

    async fn encrypt_one(&self, key: Blake3, really: bool) -> Result<Fate, ArchiveError> {
        match self.blobs.key_of(key).await {
            Ok(Some(_)) => return Ok(Fate::Done),
            Ok(None) if really => {}
            Ok(None) => return Ok(Fate::Plain),
            Err(ArchiveError::Missing(_)) => return self.lost(key).await,
            Err(error) => return Err(error),
        }
        let (mut reader, len) = match self.blobs.reader(key).await {
            Err(ArchiveError::Missing(_)) => return self.lost(key).await,
            found => found?,
        };
        let mut incoming = self.blobs.receive(Some(len)).await?;
        let mut chunk = vec![0; CHUNK];
        loop {
            match reader.read(&mut chunk).await.doing(DOING)? {
                0 => break,
                read => incoming.write(&chunk[..read]).await?,
            }
        }
        if incoming.key() != key {
            return Ok(Fate::Plain);
        }
        let dossiers = self.needing(key).await?;
        if dossiers.is_empty() {
            return Ok(Fate::Done);
        }
        incoming.keep_key().await?;
        for dossier in dossiers {
            let mut change = self.records.db.change().await?;
            if Held::take(&mut change, By::Id(dossier)).await?.is_none() {
                continue;
            }
            let needs = sqlx::query(needed::NEEDS).bind(key.to_string()).bind(dossier.to_string());
            let needs = needs.fetch_one(change.on()).await.doing(DOING)?;
            if needs.flag("needs")? {
                // The dossier is only held: nothing of it changes.
                let finished = incoming.finish_as(key).await;
                // A server ends a transaction in which nothing is asked for a minute, and a large
                // blob may be on its way for longer: what was erased by then would be back. What is
                // still on its way then is left to a check.
                let held = sqlx::query(needed::IN_USE).bind(key.to_string());
                let held = held.fetch_one(change.on()).await.is_ok();
                drop(change);
                if !held && self.take_back(key).await? {
                    return Ok(Fate::Done);
                }
                return finished.map(|_| Fate::Encrypted);
            }
        }
        Ok(Fate::Done)
    }

    /// The fate of a blob that isn't there.
    async fn lost(&self, key: Blake3) -> Result<Fate, ArchiveError> {
        let needed = !self.needing(key).await?.is_empty();
        Ok(if needed { Fate::Missing } else { Fate::Done })
    }

    /// Dossiers that need it.
    async fn needing(&self, key: Blake3) -> Result<Vec<DossierId>, ArchiveError> {
        let rows = sqlx::query(needed::DOSSIERS).bind(key.to_string());
        let rows = rows.fetch_all(&self.records.db.readers).await.doing(DOING)?;
        rows.iter().map(|row| row.parsed("dossier_id")).collect()
    }
}

impl Encrypted {
    /// Waits for the next blob, counts it and tells of it.
    async fn hear(
        &mut self,
        working: &mut JoinSet<Result<Fate, ArchiveError>>,
        hears: &(dyn Fn(&Self) + Sync),
    ) -> Result<(), ArchiveError> {
        let fate = match working.join_next().await {
            None => return Ok(()),
            Some(Ok(fate)) => fate?,
            Some(Err(_)) => {
                let source = "it broke off".into();
                return Err(ArchiveError::Unavailable { what: DOING, source });
            }
        };
        self.seen += 1;
        match fate {
            Fate::Done => {}
            Fate::Encrypted => self.encrypted += 1,
            Fate::Plain => self.plain += 1,
            Fate::Missing => self.missing += 1,
        }
        let so_far = *self;
        hears(&so_far);
        Ok(())
    }
}
