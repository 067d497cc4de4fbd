//! People who log in: what is theirs beyond being a principal.

use jiff::Timestamp;
use schemas::access::Secret;
use schemas::audit::{Act, Actor, AuditLine};
use schemas::ids::{Blake3, PrincipalId};
use schemas::subject::Name;
use sqlx::any::AnyRow;

use super::Records;
use super::audit::leave;
use super::directory::UNLINK;
use super::principals::{NewPrincipal, Principal, grant, principal, put_principal};
use crate::database::{Change, micros};
use crate::error::{ArchiveError, Doing};
use crate::rows::{Columns, unreadable};
use crate::vault::{self, Factor};

/// A person to be made.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// The principal; its name is what is typed at the door.
    pub principal: NewPrincipal,
    /// Name as a person has it.
    pub full_name: Option<Name>,
    /// Hash of the password that is given, and until when it is good.
    pub password: Option<(Secret, Timestamp)>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The principal; its name is what is typed at the door.
    pub principal: Principal,
    /// Name as a person has it.
    pub full_name: Option<Name>,
    /// Hash of the password (argon2id, a PHC string); none where nobody gets in by one.
    pub password: Option<Secret>,
    /// Until when a password that was given by another is good; none for one chosen by oneself.
    pub given_until: Option<Timestamp>,
    /// The second factor (RFC 6238); [`Records::factor_secret`] has its secret.
    pub factor: Option<Factor>,
    /// A second factor that no code has confirmed yet; [`Records::confirm_factor`] says whether one
    /// still does.
    pub factor_next: Option<Factor>,
}

/// How long a second factor that is offered may be confirmed, in microseconds: ten minutes.
const OFFERED: i64 = 10 * 60 * 1_000_000;

/// What a row holds of a person, beside `from` and the joins.
macro_rules! person_columns {
    () => {
        "principal_id, kind, name, locked_at, full_name, password, given_until, factor, \
         factor_next, role, office"
    };
}
pub(super) use person_columns;

macro_rules! persons {
    ($which:literal) => {
        concat!(
            "select ",
            person_columns!(),
            " from person join principal using (principal_id) ",
            "left join principal_grant using (principal_id) ",
            $which,
            " order by name, principal_id, role, office"
        )
    };
}
const PERSON: &str = persons!("where principal_id = $1");
const NAMED: &str = persons!("where name = $1");
const PERSONS: &str = persons!("");

const PUT: &str = "
    insert into person (principal_id, full_name, password, given_until) values ($1, $2, $3, $4)";

const GIVE_PASSWORD: &str = "
    update person set password = $2, given_until = $3 where principal_id = $1";

const CHANGE_PASSWORD: &str = "
    update person set password = $3, given_until = null
    where principal_id = $1 and password = $2";

const END_SESSIONS: &str = "delete from person_session where principal_id = $1";

const END_OTHERS: &str = "delete from person_session where principal_id = $1 and digest <> $2";

const OFFER_FACTOR: &str = "
    update person set factor_next = $2, factor_next_at = $3 where principal_id = $1";

// One whose moment wasn't kept is offered no longer.
const CONFIRM_FACTOR: &str = "
    update person set factor = factor_next, factor_next = null, factor_next_at = null,
        factor_step = $3
    where principal_id = $1 and factor_next = $2 and $4 < factor_next_at";

const FORGET_FACTOR: &str = "
    update person set factor = null, factor_next = null, factor_next_at = null, factor_step = null
    where principal_id = $1";

const TAKE_STEP: &str = "
    update person set factor_step = $2
    where principal_id = $1 and factor is not null
    and (factor_step is null or factor_step < $2)
    returning factor";

const KEEP_FACTOR: &str = "
    update person set factor = $3 where principal_id = $1 and factor = $2";

const FORGET_CODES: &str = "delete from recovery_code where principal_id = $1";

const PUT_CODE: &str = "
    insert into recovery_code (principal_id, digest) values ($1, $2) on conflict do nothing";

const TAKE_CODE: &str = "delete from recovery_code where principal_id = $1 and digest = $2";

impl Records {
    /// Makes a person; false, and nothing done, where another principal has that name.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn put_person(&self, new: &NewPerson) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        if !put_principal(&mut change, &new.principal).await? {
            return Ok(false);
        }
        let (hash, until) = new.password.as_ref().map(|(hash, until)| (hash, *until)).unzip();
        let put = sqlx::query(PUT)
            .bind(new.principal.id.to_string())
            .bind(new.full_name.as_ref().map(|name| name.reveal().to_owned()))
            .bind(hash.map(|hash| hash.reveal().to_owned()))
            .bind(until.map(micros));
        put.execute(change.on()).await.doing("making a person")?;
        change.commit().await?;
        Ok(true)
    }

    /// The person with that id.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn person(&self, id: PrincipalId) -> Result<Option<Person>, ArchiveError> {
        let rows = sqlx::query(PERSON).bind(id.to_string()).fetch_all(&self.db.readers).await;
        Ok(gathered(&rows.doing("reading a person")?)?.pop())
    }

    /// The person who types that name at the door.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn person_named(&self, name: &str) -> Result<Option<Person>, ArchiveError> {
        let rows = sqlx::query(NAMED).bind(name).fetch_all(&self.db.readers).await;
        Ok(gathered(&rows.doing("reading a person")?)?.pop())
    }

    /// Everybody, by name.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Corrupt`].
    pub async fn persons(&self) -> Result<Vec<Person>, ArchiveError> {
        let rows = sqlx::query(PERSONS).fetch_all(&self.db.readers).await;
        gathered(&rows.doing("reading who there is")?)
    }

    /// Gives a person a password, by its hash, that is good until a moment. The directory vouches
    /// for them no longer, and every session of theirs ends.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn give_password(
        &self,
        id: PrincipalId,
        hash: &Secret,
        (until, by): (Timestamp, &Actor),
    ) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let give = sqlx::query(GIVE_PASSWORD).bind(id.to_string()).bind(hash.reveal().to_owned());
        let give = give.bind(micros(until)).execute(change.on()).await;
        give.doing("giving a password")?;
        for sql in [UNLINK, END_SESSIONS] {
            run(&mut change, sql, id).await?;
        }
        note_reset(&mut change, id, by).await?;
        change.commit().await
    }

    /// Puts a password that a person chose in place of the one that they showed, both by their
    /// hashes, and ends every session of theirs. False, and nothing done, where they have another
    /// by now, or none.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn change_password(
        &self,
        id: PrincipalId,
        (shown, chosen): (&Secret, &Secret),
    ) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        let put = sqlx::query(CHANGE_PASSWORD).bind(id.to_string());
        let put = put.bind(shown.reveal().to_owned()).bind(chosen.reveal().to_owned());
        let put = put.execute(change.on()).await.doing("changing a password")?;
        if put.rows_affected() == 0 {
            return Ok(false);
        }
        run(&mut change, END_SESSIONS, id).await?;
        change.commit().await?;
        Ok(true)
    }

    /// The secret of a person's second factor, base32.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`], [`ArchiveError::Erased`], [`ArchiveError::NoKey`].
    pub async fn factor_secret(
        &self,
        id: PrincipalId,
        factor: &Factor,
    ) -> Result<Secret, ArchiveError> {
        vault::secret(self.vault.as_ref(), id, factor).await
    }

    /// Offers a person the secret of a second factor, which a code is to confirm within ten
    /// minutes.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn offer_factor(&self, id: PrincipalId, secret: &Secret) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        let factor = match &self.vault {
            Some(vault) => vault.shut_factor(&mut change, id, secret).await?,
            None => Factor(secret.reveal().to_owned()),
        };
        let put = sqlx::query(OFFER_FACTOR).bind(id.to_string()).bind(factor.0).bind(change.now);
        put.execute(change.on()).await.doing("offering a second factor")?;
        change.commit().await
    }

    /// Makes what was offered the second factor, the code of `step` being used, with new codes for
    /// recovery, and ends every other session of the person. False, and nothing done, where
    /// another was offered since, or it was offered too long ago.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn confirm_factor(
        &self,
        id: PrincipalId,
        (offered, step): (&Factor, i64),
        recovery: &[Blake3],
        session: Blake3,
    ) -> Result<bool, ArchiveError> {
        let doing = "confirming a second factor";
        let mut change = self.db.change().await?;
        let confirm = sqlx::query(CONFIRM_FACTOR).bind(id.to_string());
        let confirm = confirm.bind(offered.0.clone()).bind(step).bind(change.now - OFFERED);
        if confirm.execute(change.on()).await.doing(doing)?.rows_affected() == 0 {
            return Ok(false);
        }
        run(&mut change, FORGET_CODES, id).await?;
        for digest in recovery {
            let put = sqlx::query(PUT_CODE).bind(id.to_string()).bind(digest.to_string());
            put.execute(change.on()).await.doing(doing)?;
        }
        let end = sqlx::query(END_OTHERS).bind(id.to_string()).bind(session.to_string());
        end.execute(change.on()).await.doing(doing)?;
        change.commit().await?;
        Ok(true)
    }

    /// Takes a person's second factor away, with its codes for recovery, and ends every session.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn forget_factor(&self, id: PrincipalId, by: &Actor) -> Result<(), ArchiveError> {
        let mut change = self.db.change().await?;
        for sql in [FORGET_FACTOR, FORGET_CODES, END_SESSIONS] {
            run(&mut change, sql, id).await?;
        }
        let now = change.now;
        vault::erase(&mut change, &id.to_string(), now).await?;
        note_reset(&mut change, id, by).await?;
        change.commit().await
    }

    /// Uses the code of a step of time; false where that one or a later one was used before. A
    /// secret that was kept in the clear is encrypted by the way.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn take_step(&self, id: PrincipalId, step: i64) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        let take = sqlx::query(TAKE_STEP).bind(id.to_string()).bind(step);
        let taken = take.fetch_optional(change.on()).await.doing("using a code")?;
        let Some(row) = taken else { return Ok(false) };
        let factor = Factor(row.take("factor")?);
        if let Some(vault) = self.vault.as_ref().filter(|_| factor.is_clear()) {
            let secret = Secret::new(factor.0.clone());
            let shut = vault.shut_factor(&mut change, id, &secret).await?;
            let keep = sqlx::query(KEEP_FACTOR).bind(id.to_string()).bind(factor.0).bind(shut.0);
            keep.execute(change.on()).await.doing("keeping a second factor")?;
        }
        change.commit().await?;
        Ok(true)
    }

    /// Uses a code for recovery; false where there is none such, or no longer.
    ///
    /// # Errors
    /// [`ArchiveError::Full`], [`ArchiveError::Unavailable`].
    pub async fn take_recovery_code(
        &self,
        id: PrincipalId,
        digest: Blake3,
    ) -> Result<bool, ArchiveError> {
        let mut change = self.db.change().await?;
        let take = sqlx::query(TAKE_CODE).bind(id.to_string()).bind(digest.to_string());
        let taken = take.execute(change.on()).await.doing("using a code")?;
        change.commit().await?;
        Ok(taken.rows_affected() > 0)
    }
}

/// Leaves a line that what somebody logs in with was set anew by another.
pub(super) async fn note_reset(
    change: &mut Change<'_>,
    id: PrincipalId,
    by: &Actor,
) -> Result<(), ArchiveError> {
    let line = AuditLine::by(by, Act::LoginReset, Timestamp::now());
    leave(change, &[AuditLine { holder: Some(id), ..line }]).await
}

/// Runs a statement about one person.
async fn run(
    change: &mut Change<'_>,
    sql: &'static str,
    id: PrincipalId,
) -> Result<(), ArchiveError> {
    let done = sqlx::query(sql).bind(id.to_string()).execute(change.on()).await;
    done.doing("changing a person").map(|_| ())
}

/// Persons of rows that hold one grant each, all of a person side by side.
pub(super) fn gathered(rows: &[AnyRow]) -> Result<Vec<Person>, ArchiveError> {
    let mut persons: Vec<Person> = Vec::new();
    for row in rows {
        let id = row.parsed("principal_id")?;
        if persons.last().is_none_or(|last| last.principal.id != id) {
            persons.push(person(row)?);
        }
        if let (Some(last), Some(grant)) = (persons.last_mut(), grant(row)?) {
            last.principal.grants.push(grant);
        }
    }
    Ok(persons)
}

/// The person of a row, without grants.
pub(super) fn person(row: &AnyRow) -> Result<Person, ArchiveError> {
    let secret = |column| Ok(row.take::<Option<String>>(column)?.map(Secret::new));
    let factor = |column| Ok(row.take::<Option<String>>(column)?.map(Factor));
    let given_until = row.take::<Option<i64>>("given_until")?.map(Timestamp::from_microsecond);
    Ok(Person {
        principal: principal(row)?,
        full_name: row.parsed_or("full_name")?,
        password: secret("password")?,
        given_until: given_until.transpose().map_err(|_| unreadable("given_until"))?,
        factor: factor("factor")?,
        factor_next: factor("factor_next")?,
    })
}
