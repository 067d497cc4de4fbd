//! People whom an office's directory vouches for, and browsers on their way there and back.

use jiff::Timestamp;
use schemas::audit::Actor;
use schemas::ids::{Blake3, PrincipalId};

use super::Records;
use super::persons::{Person, gathered, note_reset, person_columns};
use crate::database::micros;
use crate::error::{ArchiveError, Doing};

/// Somebody as the directory knows them.
#[derive(Debug, Clone, Copy)]
pub struct InDirectory<'a> {
    /// Whose directory it is.
    pub issuer: &'a str,
    /// What it calls them, and nobody else ever.
    pub subject: &'a str,
    /// Their login name there, which may once have been another's.
    pub name: Option<&'a str>,
}

/// Browsers that may be away at once: beyond that somebody only sends them. Those that left first
/// are forgotten then: refusing the next ones would let anybody keep everybody out.
const MOST_VISITS: i64 = 10_000;

const FORGET_LATE: &str = "delete from directory_visit where ends_at <= $1";

const MAKE_ROOM: &str = "
    delete from directory_visit where ends_at <=
        (select ends_at from directory_visit order by ends_at desc limit 1 offset $1)";

const PUT_VISIT: &str = "
    insert into directory_visit (digest, ends_at) values ($1, $2)
    on conflict (digest) do nothing";

const TAKE_VISIT: &str = "delete from directory_visit where digest = $1 and $2 < ends_at";

// Whoever has a password is vouched for by that alone, whatever link is left.
const KNOWN: &str = concat!(
    "select ",
    person_columns!(),
    " from directory_person join person using (principal_id) ",
    "join principal using (principal_id) left join principal_grant using (principal_id) ",
    "where issuer = $1 and subject = $2 and password is null order by role, office"
);

// Whoever has a password is somebody already: a name in the directory doesn't make one them.
const LINK: &str = "
    insert into directory_person (issuer, subject, principal_id, linked_at)
    select cast($1 as text), cast($2 as text), principal_id, cast($4 as bigint)
    from person join principal using (principal_id)
    where name = $3 and password is null and locked_at is null
    on conflict do nothing";

pub(super) const UNLINK: &str = "delete from directory_person where principal_id = $1";

const TAKE_PASSWORD: &str = "
    update person set password = null, given_until = null where principal_id = $1";

const END_SESSIONS: &str = "delete from person_session where principal_id = $1";

impl Records {
    /// Notes that a browser is sent to the directory. Where too many are away, those that left
    /// first come back in vain.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn put_visit(
        &self,
        digest: Blake3,
        now: Timestamp,
        ends_at: Timestamp,
    ) -> Result<(), ArchiveError> {
        let doing = "noting who goes to the directory";
        let mut change = self.db.change().await?;
        let forget = sqlx::query(FORGET_LATE).bind(micros(now));
        forget.execute(change.on()).await.doing(doing)?;
        let room = sqlx::query(MAKE_ROOM).bind(MOST_VISITS - 1);
        room.execute(change.on()).await.doing(doing)?;
        let put = sqlx::query(PUT_VISIT).bind(digest.to_string()).bind(micros(ends_at));
        put.execute(change.on()).await.doing(doing)?;
        change.commit().await
    }

    /// Ends a browser's way to the directory and back; false where there is none such, or no
    /// longer. Of many at once one gets true.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn take_visit(&self, digest: Blake3, now: Timestamp) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        let take = sqlx::query(TAKE_VISIT).bind(digest.to_string()).bind(micros(now));
        let taken = take.execute(change.on()).await.doing("seeing who comes back")?;
        change.commit().await?;
        Ok(taken.rows_affected() > 0)
    }

    /// The person whom the directory vouches for. The first time that is whoever has the name, was
    /// left to the directory ([`Records::leave_to_directory`]) and is nobody else's there.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn person_in_directory(
        &self,
        who: InDirectory<'_>,
        now: Timestamp,
    ) -> Result<Option<Person>, ArchiveError> {
        if let Some(known) = self.known_in_directory(who).await? {
            return Ok(Some(known));
        }
        let Some(name) = who.name else { return Ok(None) };
        let mut change = self.db.change().await?;
        let link = sqlx::query(LINK).bind(who.issuer).bind(who.subject).bind(name);
        let link = link.bind(micros(now)).execute(change.on()).await;
        link.doing("linking a person")?;
        change.commit().await?;
        self.known_in_directory(who).await
    }

    async fn known_in_directory(
        &self,
        who: InDirectory<'_>,
    ) -> Result<Option<Person>, ArchiveError> {
        let known = sqlx::query(KNOWN).bind(who.issuer).bind(who.subject);
        let rows = known.fetch_all(&self.db.readers).await.doing("reading a person")?;
        Ok(gathered(&rows)?.pop())
    }

    /// Has a person log in by the directory alone, as whoever has their name there next: takes the
    /// password and the link to who it was before, and ends every session.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn leave_to_directory(
        &self,
        id: PrincipalId,
        by: &Actor,
    ) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        for sql in [TAKE_PASSWORD, UNLINK, END_SESSIONS] {
            let done = sqlx::query(sql).bind(id.to_string()).execute(change.on()).await;
            done.doing("leaving a person to the directory")?;
        }
        note_reset(&mut change, id, by).await?;
        change.commit().await
    }
}
