//! Keys. Every paper is encrypted with a data key of its own, and every second factor; data keys
//! lie in the database, encrypted under the master key, which lies elsewhere. Backups hold the
//! papers and not their keys: whose key is erased here can't be read in any of them.
//!
//! What is encrypted names its key, and a key is there before anything names it. So whoever writes
//! the same blob at the same time, or anew, does so with another key, and whichever is there in the
//! end can be read. Until the blob is erased no key of its is, for a backup may have an older
//! writing of it.

mod cipher;
pub(crate) mod copy;
mod factor;
mod master;
mod plain;
mod rotate;
pub(crate) mod stream;

use std::sync::Arc;

use schemas::Uuid;
use schemas::ids::Blake3;
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection};

use crate::Place;
use crate::database::{Change, Database};
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;
use cipher::Wrapping;

pub use factor::Factor;
pub(crate) use factor::secret;
pub use master::{MasterKey, Masters};
pub use plain::Encrypted;

/// A key of one thing, in the clear.
pub(crate) struct DataKey {
    pub(crate) id: Uuid,
    pub(crate) bytes: [u8; 32],
}

impl DataKey {
    pub(crate) fn new() -> Result<Self, ArchiveError> {
        Ok(Self { id: Uuid::new_v4(), bytes: cipher::random()? })
    }
}

/// The keys. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Vault {
    db: Arc<Database>,
    masters: Arc<Masters>,
}

const PUT: &str = "
    insert into data_key (key_id, about, wrapped, made_at) values ($1, $2, $3, $4)";

const GET: &str = "select about, wrapped from data_key where key_id = $1";

const ANY: &str = "
    select key_id, about, wrapped from data_key where wrapped is not null order by key_id limit 1";

const ERASE: &str = "
    update data_key set wrapped = null, erased_at = $2
    where about = $1 and wrapped is not null and made_at <= $3";

const ERASED: &str = "
    select distinct about from data_key k where wrapped is null
        and not exists (select 1 from data_key o where o.about = k.about and o.wrapped is not null)";

const OLD: &str = "select distinct about from data_key where wrapped is not null and made_at <= $1";

impl Vault {
    /// The keys of a place; none where it has no master key. The process that has a folder to
    /// itself makes one there.
    ///
    /// # Errors
    /// [`ArchiveError::OtherMaster`] when there are keys that no master key of the place opens.
    pub(crate) async fn open(
        db: &Arc<Database>,
        place: &Place,
        alone: bool,
    ) -> Result<Option<Self>, ArchiveError> {
        let any = sqlx::query(ANY).fetch_optional(&db.readers).await.doing("looking for keys")?;
        let masters = match (&place.masters, &place.database) {
            (Some(masters), _) => Some(masters.clone()),
            (None, Some(_)) => None,
            (None, None) => Masters::of_folder(&place.dir, alone && any.is_none())?,
        };
        let vault = masters.map(|masters| Self { db: Arc::clone(db), masters: masters.into() });
        if let Some(row) = any {
            let id = row.parsed("key_id")?;
            let opened = vault.as_ref().and_then(|vault| {
                let wrapped = Wrapping { id, about: row.take("about").ok()? };
                wrapped.open(&vault.masters, row.take("wrapped").ok()?)
            });
            opened.ok_or(ArchiveError::OtherMaster)?;
        }
        Ok(vault)
    }

    /// Keeps a new key, before anything that it encrypts is kept.
    pub(crate) async fn keep(&self, key: &DataKey, about: &str) -> Result<(), ArchiveError> {
        let now = self.db.now().await?;
        let put = self.put(key, about)?.bind(now).execute(self.db.writer()).await;
        put.doing("keeping a key").map(drop)
    }

    /// The same, with a change.
    async fn keep_with(
        &self,
        change: &mut Change<'_>,
        key: &DataKey,
        about: &str,
    ) -> Result<(), ArchiveError> {
        let now = change.now;
        let put = self.put(key, about)?.bind(now).execute(change.on()).await;
        put.doing("keeping a key").map(drop)
    }

    /// Puts a key in that was made at the moment which is still to be bound.
    fn put(
        &self,
        key: &DataKey,
        about: &str,
    ) -> Result<Query<'static, Any, AnyArguments>, ArchiveError> {
        let wrapped = Wrapping { id: key.id, about }.wrap(&self.masters.current, key)?;
        Ok(sqlx::query(PUT).bind(key.id.to_string()).bind(about.to_owned()).bind(wrapped))
    }

    /// The key of that id, if it is of what it should be of.
    ///
    /// # Errors
    /// [`ArchiveError::Erased`], [`ArchiveError::NoKey`].
    pub(crate) async fn key(&self, id: Uuid, about: &str) -> Result<DataKey, ArchiveError> {
        let row = sqlx::query(GET).bind(id.to_string()).fetch_optional(&self.db.readers).await;
        let row = row.doing("reading a key")?.ok_or_else(|| no_key(about))?;
        if row.take::<&str>("about")? != about {
            return Err(no_key(about));
        }
        let Some(wrapped) = row.take::<Option<&str>>("wrapped")? else {
            return Err(ArchiveError::Erased(about.to_owned()));
        };
        let opened = Wrapping { id, about }.open(&self.masters, wrapped);
        opened.ok_or_else(|| no_key(about))
    }
}

/// No key opens it.
pub(crate) fn no_key(about: &str) -> ArchiveError {
    ArchiveError::NoKey(about.to_owned())
}

/// Erases the keys of a blob or of a second factor that were made until then; answers how many.
/// What is being written at this moment has a younger one.
pub(crate) async fn erase(
    change: &mut Change<'_>,
    about: &str,
    until: i64,
) -> Result<u64, ArchiveError> {
    let erase = sqlx::query(ERASE).bind(about).bind(change.now).bind(until);
    Ok(erase.execute(change.on()).await.doing("erasing a key")?.rows_affected())
}

/// Blobs that had keys, all of which were erased.
pub(crate) async fn erased(view: &mut AnyConnection) -> Result<Vec<Blake3>, ArchiveError> {
    blobs(sqlx::query(ERASED).fetch_all(view).await)
}

/// Blobs that have keys, made until then.
pub(crate) async fn known(
    view: &mut AnyConnection,
    until: i64,
) -> Result<Vec<Blake3>, ArchiveError> {
    blobs(sqlx::query(OLD).bind(until).fetch_all(view).await)
}

/// What the rows are about, but for second factors.
fn blobs(rows: Result<Vec<sqlx::any::AnyRow>, sqlx::Error>) -> Result<Vec<Blake3>, ArchiveError> {
    let about = rows.doing("looking for keys")?;
    let mut blobs = Vec::with_capacity(about.len());
    for row in &about {
        blobs.extend(row.take::<&str>("about")?.parse::<Blake3>());
    }
    Ok(blobs)
}
