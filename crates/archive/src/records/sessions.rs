//! Sessions of people, and attempts to begin one.

use jiff::Timestamp;
use schemas::access::Secret;
use schemas::ids::Blake3;

use super::Records;
use super::directory::InDirectory;
use super::persons::{Person, person, person_columns};
use super::principals::grant;
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing};
use crate::rows::Columns;
use crate::vault::Factor;

/// A session to be begun.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// blake3 of its token.
    pub digest: Blake3,
    /// Whose it is, as they were when they were recognised.
    pub person: &'a Person,
    /// Whom the office's directory vouches for; none where they were recognised by their password,
    /// and a code where they have a second factor.
    pub directory: Option<InDirectory<'a>>,
    /// When it begins.
    pub made_at: Timestamp,
    /// When it ends, however much it is used.
    pub ends_at: Timestamp,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// blake3 of its token.
    pub digest: Blake3,
    /// Whose it is.
    pub person: Person,
    /// Whether the office's directory vouched for them.
    pub by_directory: bool,
    /// When it began.
    pub made_at: Timestamp,
    /// When it was used last, to the minute.
    pub seen_at: Timestamp,
    /// When it ends, however much it is used.
    pub ends_at: Timestamp,
}

/// What becomes of an attempt to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// It is taken.
    Taken,
    /// It isn't: there were too many, and the next is taken at that moment.
    Wait(Timestamp),
    /// It isn't, and none will be until somebody says so ([`Records::forget_attempts`]).
    LockedOut,
}

/// Sessions that a person may have at once; beginning one more ends the oldest.
const MOST_SESSIONS: i64 = 20;

/// How long attempts are remembered that nothing followed, in microseconds: thirty days.
const REMEMBERED: i64 = 30 * 24 * 60 * 60 * 1_000_000;

const LINKED: &str = "
    select principal_id from directory_person join person using (principal_id)
    where issuer = $1 and subject = $2 and principal_id = $3 and password is null";

const PUT: &str = "
    insert into person_session (digest, principal_id, made_at, seen_at, ends_at, by_directory)
    values ($1, $2, $3, $3, $4, $5)";

const FORGET_ENDED: &str = "delete from person_session where ends_at <= $1";

const END_OLDEST: &str = "
    delete from person_session where principal_id = $1 and digest not in
        (select digest from person_session where principal_id = $1
         order by made_at desc, digest limit $2)";

const SESSION: &str = concat!(
    "select digest, person_session.made_at as made_at, seen_at, ends_at, by_directory, ",
    person_columns!(),
    " from person_session join person using (principal_id) join principal using (principal_id) ",
    "left join principal_grant using (principal_id) where digest = $1 order by role, office"
);

const SEE: &str = "update person_session set seen_at = $2 where digest = $1 and seen_at < $2";

const END: &str = "delete from person_session where digest = $1";

const FORGET_OLD_ATTEMPTS: &str = "delete from login_attempt where tried_at < $1";

const FIRST_ATTEMPT: &str = "
    insert into login_attempt (name_digest, attempts, tried_at, wait_until) values ($1, 0, $2, 0)
    on conflict (name_digest) do nothing";

// An update, so that whoever tries beside this one waits here.
const HOLD_ATTEMPTS: &str = "
    update login_attempt set attempts = attempts where name_digest = $1
    returning attempts, wait_until";

const COUNT_ATTEMPT: &str = "
    update login_attempt set attempts = attempts + 1, tried_at = $2, wait_until = $3
    where name_digest = $1";

const ATTEMPTS: &str = "
    select attempts, wait_until from login_attempt where name_digest = $1";

const FORGET_ATTEMPTS: &str = "delete from login_attempt where name_digest = $1";

impl Records {
    /// Begins a session, and forgets those that ended. False, and nothing done, where what the
    /// person was recognised by doesn't hold any more: since then they have another password or
    /// second factor, were left to the directory or taken off it, or are let in no more.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn put_session(&self, new: &NewSession<'_>) -> Result<bool, ArchiveError> {
        let doing = "beginning a session";
        let mut change = self.db.change().await?;
        // First of all: whoever changes it goes on after this, and ends this session, too.
        if !self.holds(&mut change, new).await? {
            return Ok(false);
        }
        let forget = sqlx::query(FORGET_ENDED).bind(micros(new.made_at));
        forget.execute(change.on()).await.doing(doing)?;
        let person = new.person.principal.id.to_string();
        let put = sqlx::query(PUT)
            .bind(new.digest.to_string())
            .bind(&person)
            .bind(micros(new.made_at))
            .bind(micros(new.ends_at))
            .bind(i64::from(new.directory.is_some()));
        put.execute(change.on()).await.doing(doing)?;
        let end = sqlx::query(END_OLDEST).bind(&person).bind(MOST_SESSIONS);
        end.execute(change.on()).await.doing(doing)?;
        change.commit().await?;
        Ok(true)
    }

    /// Whether what a person was recognised by still holds. It does so until the change is over.
    async fn holds(
        &self,
        change: &mut Change<'_>,
        new: &NewSession<'_>,
    ) -> Result<bool, ArchiveError> {
        let doing = "beginning a session";
        let id = new.person.principal.id;
        let let_in = sqlx::query(self.db.dialect.let_in()).bind(id.to_string());
        let let_in = let_in.fetch_optional(change.on()).await.doing(doing)?;
        let Some(kept) = let_in else { return Ok(false) };
        if let Some(who) = new.directory {
            let linked = sqlx::query(LINKED).bind(who.issuer).bind(who.subject);
            let linked = linked.bind(id.to_string()).fetch_optional(change.on()).await;
            return Ok(linked.doing(doing)?.is_some());
        }
        let password = new.person.password.as_ref().map(Secret::reveal);
        if password.is_none() || password != kept.take::<Option<&str>>("password")? {
            return Ok(false);
        }
        let factor = kept.take::<Option<String>>("factor")?.map(Factor);
        match (&new.person.factor, factor) {
            // One that was kept in the clear is encrypted when its code is used.
            (Some(shown), Some(factor)) if shown.is_clear() => {
                Ok(self.factor_secret(id, &factor).await?.reveal() == shown.0)
            }
            (shown, factor) => Ok(*shown == factor),
        }
    }

    /// The session whose token has that hash, ended or not.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn session(&self, digest: Blake3) -> Result<Option<Session>, ArchiveError> {
        let rows = sqlx::query(SESSION).bind(digest.to_string()).fetch_all(&self.db.readers).await;
        let rows = rows.doing("reading a session")?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut session = Session {
            digest,
            person: person(row)?,
            by_directory: row.flag("by_directory")?,
            made_at: row.time("made_at")?,
            seen_at: row.time("seen_at")?,
            ends_at: row.time("ends_at")?,
        };
        for row in &rows {
            session.person.principal.grants.extend(grant(row)?);
        }
        Ok(Some(session))
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn see_session(&self, digest: Blake3, now: Timestamp) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let see = sqlx::query(SEE).bind(digest.to_string()).bind(micros(now));
        see.execute(change.on()).await.doing("noting a session")?;
        change.commit().await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn end_session(&self, digest: Blake3) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let end = sqlx::query(END).bind(digest.to_string());
        end.execute(change.on()).await.doing("ending a session")?;
        change.commit().await
    }

    /// Counts an attempt to log in under a name, before it is looked at, so that many at once
    /// don't get more than one after the other. `wait` tells for how many attempts, this one
    /// among them, how long none is taken after it, in seconds; none: for good.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn attempt(
        &self,
        name: Blake3,
        now: Timestamp,
        wait: fn(u32) -> Option<i64>,
    ) -> Result<Attempt, ArchiveError> {
        let doing = "counting an attempt to log in";
        let (name, at) = (name.to_string(), micros(now));
        let mut change = self.db.change().await?;
        let forget = sqlx::query(FORGET_OLD_ATTEMPTS).bind(at.saturating_sub(REMEMBERED));
        forget.execute(change.on()).await.doing(doing)?;
        let first = sqlx::query(FIRST_ATTEMPT).bind(&name).bind(at);
        first.execute(change.on()).await.doing(doing)?;
        let row = sqlx::query(HOLD_ATTEMPTS).bind(&name).fetch_one(change.on()).await;
        let row = row.doing(doing)?;
        let before: u32 = row.int("attempts")?;
        if wait(before).is_none() {
            return Ok(Attempt::LockedOut);
        }
        let wait_until = row.time("wait_until")?;
        if now < wait_until {
            return Ok(Attempt::Wait(wait_until));
        }
        let pause = wait(before.saturating_add(1)).unwrap_or(0);
        let until = at.saturating_add(pause.saturating_mul(1_000_000));
        let count = sqlx::query(COUNT_ATTEMPT).bind(&name).bind(at).bind(until);
        count.execute(change.on()).await.doing(doing)?;
        change.commit().await?;
        Ok(Attempt::Taken)
    }

    /// Attempts under a name since the last that went well, and when the next is taken.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn attempts(&self, name: Blake3) -> Result<Option<(u32, Timestamp)>, ArchiveError> {
        let row = sqlx::query(ATTEMPTS).bind(name.to_string());
        let row = row.fetch_optional(&self.db.readers).await.doing("reading attempts")?;
        row.map(|row| Ok((row.int("attempts")?, row.time("wait_until")?))).transpose()
    }

    /// Forgets the attempts under a name; false where there were none.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn forget_attempts(&self, name: Blake3) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        let forget = sqlx::query(FORGET_ATTEMPTS).bind(name.to_string());
        let done = forget.execute(change.on()).await.doing("forgetting attempts")?;
        change.commit().await?;
        Ok(done.rows_affected() > 0)
    }
}
