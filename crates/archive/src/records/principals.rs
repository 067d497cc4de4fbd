//! Who may ask for something: principals, what they were granted, and the keys they show.
//!
//! Secrets never come here, only hashes of them.

use jiff::Timestamp;
use schemas::access::{Grant, Permission, PrincipalKind};
use schemas::audit::{Act, Actor, AuditLine};
use schemas::ids::{Blake3, KeyId, OfficeCode, PrincipalId};
use sqlx::any::AnyRow;

use super::Records;
use super::audit::leave;
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing};
use crate::rows::{Columns, json};

/// A principal to be made.
#[derive(Debug, Clone)]
pub struct NewPrincipal {
    /// Its id.
    pub id: PrincipalId,
    /// What sort.
    pub kind: PrincipalKind,
    /// Its name, which no other has.
    pub name: String,
    /// What it may.
    pub grants: Vec<Grant>,
    /// Who makes it.
    pub made_by: Actor,
}

/// A principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its id.
    pub id: PrincipalId,
    /// What sort.
    pub kind: PrincipalKind,
    /// Its name.
    pub name: String,
    /// What it may.
    pub grants: Vec<Grant>,
    /// Whether nothing of its is taken.
    pub locked: bool,
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its id.
    pub id: KeyId,
    /// blake3 of its secret.
    pub digest: Blake3,
    /// All that it may do of what its holder may; everything when empty.
    pub only: Vec<Permission>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A key that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// blake3 of its secret.
    pub digest: Blake3,
    /// All that it may do of what its holder may; everything when empty.
    pub only: Vec<Permission>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it was taken back.
    pub revoked: bool,
    /// Whose it is.
    pub holder: Principal,
}

const ANY: &str = "select exists (select 1 from principal) as there";

const NAME: &str = "select name from principal where principal_id = $1";

const IS_NAME: &str = "select 1 from principal where name = $1";

const PUT: &str = "
    insert into principal (principal_id, kind, name, made_at, made_by)
    values ($1, $2, $3, $4, $5)
    on conflict do nothing";

const GRANT: &str = "
    insert into principal_grant (principal_id, role, office) values ($1, $2, $3)
    on conflict do nothing";

const PUT_KEY: &str = "
    insert into access_key (key_id, principal_id, digest, narrowed, made_at, expires_at)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (key_id) do nothing";

macro_rules! keys {
    ($which:literal) => {
        concat!(
            "select key_id, digest, narrowed, access_key.made_at as made_at, expires_at, ",
            "revoked_at, principal_id, kind, name, locked_at, role, office ",
            "from access_key join principal using (principal_id) ",
            "left join principal_grant using (principal_id) ",
            $which,
            " order by name, access_key.made_at, key_id, role, office"
        )
    };
}
const KEY: &str = keys!("where key_id = $1");
const KEYS: &str = keys!("");

const END_KEY: &str = "
    update access_key set expires_at = $2
    where key_id = $1 and revoked_at is null and expires_at > $2
    returning principal_id, key_id";

const REVOKE_KEY: &str = "
    update access_key set revoked_at = $2 where key_id = $1 and revoked_at is null
    returning principal_id, key_id";

const LOCK: &str = "
    update principal set locked_at = case when locked_at is null then $2 else locked_at end
    where name = $1
    returning principal_id, null as key_id";

const UNLOCK: &str = "
    update principal set locked_at = null where name = $1 returning principal_id, null as key_id";

const END_SESSIONS: &str = "
    delete from person_session
    where principal_id in (select principal_id from principal where name = $1)";

const TAKE_GRANTS: &str = "delete from principal_grant where principal_id = $1";

impl Records {
    /// Whether there is any principal yet.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn has_principals(&self) -> Result<bool, ArchiveError> {
        let row = sqlx::query(ANY).fetch_one(&self.db.readers).await;
        row.doing("looking for principals")?.flag("there")
    }

    /// A principal's name.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn principal_name(&self, id: PrincipalId) -> Result<Option<String>, ArchiveError> {
        let query = sqlx::query(NAME).bind(id.to_string());
        let row = query.fetch_optional(&self.db.readers).await.doing("reading a principal")?;
        row.map(|row| row.take("name")).transpose()
    }

    /// Whether a principal has that name.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`].
    pub async fn is_principal_name(&self, name: &str) -> Result<bool, ArchiveError> {
        let row = sqlx::query(IS_NAME).bind(name).fetch_optional(&self.db.readers).await;
        Ok(row.doing("reading a principal")?.is_some())
    }

    /// Makes a principal with a key, or with none; false, and nothing done, where another has
    /// its name.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn put_principal(
        &self,
        new: &NewPrincipal,
        key: Option<&NewKey>,
    ) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        if !put_principal(&mut change, new).await? {
            return Ok(false);
        }
        if let Some(key) = key {
            put_key(&mut change, new.id, key, &new.made_by).await?;
        }
        change.commit().await?;
        Ok(true)
    }

    /// Gives a principal another key, made by whoever `by` says.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn put_key(
        &self,
        holder: PrincipalId,
        key: &NewKey,
        by: &Actor,
    ) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        put_key(&mut change, holder, key, by).await?;
        change.commit().await
    }

    /// The key with that id, with whoever holds it.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn key(&self, id: KeyId) -> Result<Option<Key>, ArchiveError> {
        let rows = sqlx::query(KEY).bind(id.to_string()).fetch_all(&self.db.readers).await;
        Ok(gathered(&rows.doing("reading a key")?)?.pop())
    }

    /// All keys, those taken back and ended among them.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn keys(&self) -> Result<Vec<Key>, ArchiveError> {
        let rows = sqlx::query(KEYS).fetch_all(&self.db.readers).await;
        gathered(&rows.doing("reading keys")?)
    }

    /// Has a key end at that moment, if it would last longer.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn end_key(
        &self,
        id: KeyId,
        at: Timestamp,
        by: &Actor,
    ) -> Result<bool, ArchiveError> {
        self.change_one((END_KEY, Act::KeyEnded), &id.to_string(), Some(micros(at)), by).await
    }

    /// Takes a key back at once; false when there is none, or it was already.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn revoke_key(
        &self,
        id: KeyId,
        now: Timestamp,
        by: &Actor,
    ) -> Result<bool, ArchiveError> {
        self.change_one((REVOKE_KEY, Act::KeyEnded), &id.to_string(), Some(micros(now)), by).await
    }

    /// Takes nothing more of a principal, keys and sessions alike, or takes it again; false when
    /// nobody has that name.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn lock_principal(
        &self,
        name: &str,
        locked: bool,
        now: Timestamp,
        by: &Actor,
    ) -> Result<bool, ArchiveError> {
        let doing = "changing who may do what";
        if !locked {
            return self.change_one((UNLOCK, Act::Unlocked), name, None, by).await;
        }
        let mut change = self.db.change().await?;
        let row = sqlx::query(LOCK).bind(name).bind(micros(now)).fetch_optional(change.on()).await;
        let Some(row) = row.doing(doing)? else { return Ok(false) };
        sqlx::query(END_SESSIONS).bind(name).execute(change.on()).await.doing(doing)?;
        let holder = Some(row.parsed("principal_id")?);
        let line = AuditLine { holder, ..AuditLine::by(by, Act::Locked, now) };
        leave(&mut change, &[line]).await?;
        change.commit().await?;
        Ok(true)
    }

    /// Gives a principal these grants in place of those it has.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn set_grants(
        &self,
        id: PrincipalId,
        grants: &[Grant],
        by: &Actor,
    ) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let taken = sqlx::query(TAKE_GRANTS).bind(id.to_string()).execute(change.on()).await;
        taken.doing("taking grants")?;
        put_grants(&mut change, id, grants, by).await?;
        change.commit().await
    }

    /// Runs a statement about one row; whether it changed it.
    async fn change_one(
        &self,
        (sql, act): (&'static str, Act),
        which: &str,
        moment: Option<i64>,
        by: &Actor,
    ) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        let mut query = sqlx::query(sql).bind(which);
        if let Some(moment) = moment {
            query = query.bind(moment);
        }
        let row = query.fetch_optional(change.on()).await.doing("changing who may do what")?;
        let Some(row) = row else { return Ok(false) };
        let line = AuditLine {
            key: row.parsed_or("key_id")?,
            holder: Some(row.parsed("principal_id")?),
            ..AuditLine::by(by, act, Timestamp::now())
        };
        leave(&mut change, &[line]).await?;
        change.commit().await?;
        Ok(true)
    }
}

/// Makes a principal; false where another has its name.
pub(super) async fn put_principal(
    change: &mut Change<'_>,
    new: &NewPrincipal,
) -> Result<bool, ArchiveError> {
    let doing = "making a principal";
    let id = new.id.to_string();
    let now = change.now;
    let put = sqlx::query(PUT).bind(&id).bind(new.kind.as_str()).bind(&new.name).bind(now);
    let put = put.bind(new.made_by.to_string()).execute(change.on()).await.doing(doing)?;
    if put.rows_affected() == 0 {
        return Ok(false);
    }
    put_grants(change, new.id, &new.grants, &new.made_by).await?;
    Ok(true)
}

async fn put_grants(
    change: &mut Change<'_>,
    id: PrincipalId,
    grants: &[Grant],
    by: &Actor,
) -> Result<(), ArchiveError> {
    for grant in grants {
        let office = grant.office.as_ref().map_or("", OfficeCode::as_str);
        let put = sqlx::query(GRANT).bind(id.to_string()).bind(grant.role.as_str()).bind(office);
        put.execute(change.on()).await.doing("granting")?;
    }
    let line = AuditLine {
        holder: Some(id),
        grants: grants.to_vec(),
        ..AuditLine::by(by, Act::Granted, Timestamp::now())
    };
    leave(change, &[line]).await
}

async fn put_key(
    change: &mut Change<'_>,
    holder: PrincipalId,
    key: &NewKey,
    by: &Actor,
) -> Result<(), ArchiveError> {
    let now = change.now;
    let put = sqlx::query(PUT_KEY)
        .bind(key.id.to_string())
        .bind(holder.to_string())
        .bind(key.digest.to_string())
        .bind(json(&key.only)?)
        .bind(now)
        .bind(micros(key.expires_at));
    if put.execute(change.on()).await.doing("making a key")?.rows_affected() == 0 {
        return Ok(());
    }
    let line = AuditLine {
        key: Some(key.id),
        holder: Some(holder),
        ..AuditLine::by(by, Act::KeyGiven, Timestamp::now())
    };
    leave(change, &[line]).await
}

/// Keys of rows that hold one grant each, all of a key side by side.
fn gathered(rows: &[AnyRow]) -> Result<Vec<Key>, ArchiveError> {
    let mut keys: Vec<Key> = Vec::new();
    for row in rows {
        let id = row.parsed("key_id")?;
        if keys.last().is_none_or(|last| last.id != id) {
            keys.push(key(row, id)?);
        }
        if let (Some(last), Some(grant)) = (keys.last_mut(), grant(row)?) {
            last.holder.grants.push(grant);
        }
    }
    Ok(keys)
}

fn key(row: &AnyRow, id: KeyId) -> Result<Key, ArchiveError> {
    Ok(Key {
        id,
        digest: row.parsed("digest")?,
        only: row.json("narrowed")?,
        made_at: row.time("made_at")?,
        expires_at: row.time("expires_at")?,
        revoked: row.int_or::<i64>("revoked_at")?.is_some(),
        holder: principal(row)?,
    })
}

/// The principal of a row, without its grants.
pub(super) fn principal(row: &AnyRow) -> Result<Principal, ArchiveError> {
    Ok(Principal {
        id: row.parsed("principal_id")?,
        kind: row.word("kind")?,
        name: row.take("name")?,
        grants: Vec::new(),
        locked: row.int_or::<i64>("locked_at")?.is_some(),
    })
}

pub(super) fn grant(row: &AnyRow) -> Result<Option<Grant>, ArchiveError> {
    let Some(role) = row.word_or("role")? else { return Ok(None) };
    let office = match row.take::<&str>("office")? {
        "" => None,
        _ => Some(row.parsed("office")?),
    };
    Ok(Some(Grant { role, office }))
}
