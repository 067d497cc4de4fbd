//! Keys. Every paper is encrypted with a data key of its own, and every second factor; data keys
//! lie in the database, encrypted under the master key, which lies elsewhere. Backups hold the
//! papers and not their keys: whose key is erased here can't be read in any of them.
//!
//! What is encrypted names its key, and a key is there before anything names it. So whoever writes
//! the same blob at the same time, or anew, does so with another key, and whichever is there in the
//! end can be read. Until the blob is erased no key of its is, for a backup may have an older
//! writing of it.
//!
//! Which master key is the current one is said in the database, by its name, and data keys are put
//! under that one alone. So nothing comes under one that was given up ([`rotate`]), whoever still
//! has it.

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
use sqlx::AnyConnection;

use crate::Place;
use crate::database::dialect::Dialect;
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

const LOOKING: &str = "looking for keys";
const KEEPING: &str = "keeping a key";
const CHOOSING: &str = "choosing a master key";

/// Keys looked at at a time.
const BATCH: i64 = 500;

const CURRENT: &str = "
    select master, (select key_id from data_key where wrapped is not null
        order by key_id limit 1) as any_key
    from schema_floor";

const CHOOSE: &str = "update schema_floor set master = $1";

const BEGIN: &str = "update schema_floor set master = $1 where master is null";

const KEPT: &str = "
    select key_id, about, wrapped from data_key where wrapped is not null and key_id > $1
    order by key_id limit $2";

macro_rules! put {
    ($lock:literal) => {
        concat!(
            "insert into data_key (key_id, about, wrapped, made_at)
             select cast($1 as text), cast($2 as text), cast($3 as text), cast($4 as bigint)
             from schema_floor where master = $5",
            $lock
        )
    };
}

const GET: &str = "select about, wrapped from data_key where key_id = $1";

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
    /// [`ArchiveError::OtherMaster`] when the current master key is none of the place's, unless
    /// there is no key and the place is `alone`; or none is the current one yet, and no key is
    /// under one of the place's.
    pub(crate) async fn open(
        db: &Arc<Database>,
        place: &Place,
        alone: bool,
    ) -> Result<Option<Self>, ArchiveError> {
        let row = sqlx::query(CURRENT).fetch_one(&db.readers).await.doing(LOOKING)?;
        let has_keys = row.take::<Option<&str>>("any_key")?.is_some();
        let current: Option<String> = row.take("master")?;
        let masters = match (&place.masters, &place.database) {
            (Some(masters), _) => Some(masters.clone()),
            (None, Some(_)) => None,
            (None, None) => Masters::of_folder(&place.dir, alone && !has_keys)?,
        };
        let vault = masters.map(|masters| Self { db: Arc::clone(db), masters: masters.into() });
        match (&vault, current) {
            (Some(vault), Some(name)) if vault.knows(&name) => {}
            // All that was under the other one was erased.
            (Some(vault), Some(_)) if alone && !has_keys => {
                let choose = sqlx::query(CHOOSE).bind(vault.masters.current.name());
                choose.execute(db.writer()).await.doing(CHOOSING)?;
            }
            (Some(_), Some(_)) => return Err(ArchiveError::OtherMaster),
            (Some(vault), None) if has_keys => vault.settle().await?,
            (None, _) if has_keys => return Err(ArchiveError::OtherMaster),
            (_, None) | (None, _) => {}
        }
        Ok(vault)
    }

    fn knows(&self, name: &str) -> bool {
        self.masters.all().any(|master| master.name() == name)
    }

    /// Whether the current master key is another than those that are known here: data keys that
    /// came since can't be opened.
    pub(crate) async fn is_left_out(&self) -> Result<bool, ArchiveError> {
        let row = sqlx::query(CURRENT).fetch_one(&self.db.readers).await.doing(LOOKING)?;
        Ok(row.take::<Option<&str>>("master")?.is_some_and(|name| !self.knows(name)))
    }

    /// Makes the master key the current one that keys are under which are there, in an archive that
    /// was restored, or is from before there was a current one.
    async fn settle(&self) -> Result<(), ArchiveError> {
        let mut last = String::new();
        loop {
            let page = sqlx::query(KEPT).bind(&last).bind(BATCH);
            let page = page.fetch_all(&self.db.readers).await.doing(LOOKING)?;
            let Some(end) = page.last() else { return Err(ArchiveError::OtherMaster) };
            last = end.take("key_id")?;
            for row in &page {
                let wrapping = Wrapping { id: row.parsed("key_id")?, about: row.take("about")? };
                let wrapped: &str = row.take("wrapped")?;
                let under = self.masters.all().find(|one| Wrapping::is_under(one, wrapped));
                // One that is lost says nothing of the others.
                if let Some(master) = under
                    && wrapping.open(&self.masters, wrapped).is_some()
                {
                    let mut on = self.db.writer().acquire().await.doing(LOOKING)?;
                    return begin(&mut on, master).await;
                }
            }
        }
    }

    /// Keeps a new key, before anything that it encrypts is kept.
    ///
    /// # Errors
    /// [`ArchiveError::OtherMaster`] when the current master key is not known here, or no longer.
    pub(crate) async fn keep(&self, key: &DataKey, about: &str) -> Result<(), ArchiveError> {
        let now = self.db.now().await?;
        let mut on = self.db.writer().acquire().await.doing(KEEPING)?;
        self.put(&mut on, key, about, now).await
    }

    /// The same, with a change.
    async fn keep_with(
        &self,
        change: &mut Change<'_>,
        key: &DataKey,
        about: &str,
    ) -> Result<(), ArchiveError> {
        let now = change.now;
        self.put(change.on(), key, about, now).await
    }

    /// Puts a key in that was made at that moment.
    async fn put(
        &self,
        on: &mut AnyConnection,
        key: &DataKey,
        about: &str,
        made_at: i64,
    ) -> Result<(), ArchiveError> {
        if self.put_under_current(on, key, about, made_at).await? {
            return Ok(());
        }
        // It is the first key of all, or another master key became the current one in between.
        begin(on, &self.masters.current).await?;
        if self.put_under_current(on, key, about, made_at).await? {
            return Ok(());
        }
        Err(ArchiveError::OtherMaster)
    }

    /// Puts a key in under whichever master key is the current one; false where none that is known
    /// is.
    async fn put_under_current(
        &self,
        on: &mut AnyConnection,
        key: &DataKey,
        about: &str,
        made_at: i64,
    ) -> Result<bool, ArchiveError> {
        for master in self.masters.all() {
            let wrapped = Wrapping { id: key.id, about }.wrap(master, key)?;
            let put = sqlx::query(put(self.db.dialect))
                .bind(key.id.to_string())
                .bind(about)
                .bind(wrapped)
                .bind(made_at)
                .bind(master.name());
            if put.execute(&mut *on).await.doing(KEEPING)?.rows_affected() > 0 {
                return Ok(true);
            }
        }
        Ok(false)
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

/// Puts a key in where the master key that it is wrapped under is the current one, and stays so
/// until the transaction is over: whoever makes another one the current one sees the key from then
/// on, or it isn't put.
fn put(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => put!(""),
        Dialect::Postgres => put!(" for share"),
    }
}

/// Makes a master key the current one where none is.
async fn begin(on: &mut AnyConnection, master: &MasterKey) -> Result<(), ArchiveError> {
    let begun = sqlx::query(BEGIN).bind(master.name()).execute(on).await;
    begun.doing(CHOOSING).map(drop)
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
    let about = rows.doing(LOOKING)?;
    let mut blobs = Vec::with_capacity(about.len());
    for row in &about {
        blobs.extend(row.take::<&str>("about")?.parse::<Blake3>());
    }
    Ok(blobs)
}
