//! Whether somebody is who they say: name, password, code, and how often that may be tried.

use access::Peer;
use archive::{Attempt, Person};
use jiff::Timestamp;
use problem::{Answer, Problem};
use schemas::access::Secret;
use schemas::api::LogIn;
use schemas::code::Reason;
use schemas::ids::Blake3;
use schemas::text::nfc;

use std::time::Instant;

use crate::{PeopleDesk, factor};

/// Attempts that nothing follows.
const FREE: u32 = 4;

/// The pause after the first that something follows, in seconds; each pause after is twice as long.
const FIRST_PAUSE: i64 = 30;

/// The longest pause, in seconds.
const LONGEST_PAUSE: i64 = 15 * 60;

/// Attempts without one that went well, after which none is taken any more (NIST SP 800-63B-4,
/// section 3.2.2: at most a hundred).
const MOST: u32 = 100;

/// How long no attempt is taken after so many, in seconds; none: until somebody says so.
#[must_use]
pub fn wait(attempts: u32) -> Option<i64> {
    match attempts {
        0..=FREE => Some(0),
        MOST.. => None,
        _ => Some((FIRST_PAUSE << (attempts - FREE - 1).min(10)).min(LONGEST_PAUSE)),
    }
}

/// What attempts under a login name are counted by. No name is kept for it: some type their
/// password where their name belongs.
#[must_use]
pub fn login_digest(name: &str) -> Blake3 {
    Blake3(blake3::derive_key("sohoa 2026-11 attempts to log in", name.as_bytes()))
}

/// A login name as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login(pub String);

impl Login {
    /// Whatever case it was typed in.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        Self(nfc(text.trim()).to_lowercase())
    }
}

impl PeopleDesk {
    /// The person that a login is. Whether nobody has that name, the password is another, or the
    /// person is disabled, the answer is the same and takes as long.
    pub(crate) async fn recognise(&self, login: &LogIn, peer: Peer) -> Answer<Person> {
        let from = peer.neighbourhood();
        self.wrong.count(from, Instant::now()).map_err(paused)?;
        let (name, now) = (Login::typed(&login.name).0, Timestamp::now());
        let digest = self.attempt(&name, now).await?;
        let records = &self.archive.records;
        let person = records.person_named(&name).await?;
        let hash = person.as_ref().and_then(|person| person.password.as_ref());
        let known = self.passwords.is(&login.password, hash).await;
        if known.is_err() {
            // Nothing was tried.
            self.wrong.uncount(&from);
        }
        let known = known?;
        let person = person.filter(|person| known && !person.principal.locked);
        let Some(person) = person else {
            tracing::info!("a login with a wrong name or password");
            return Err(Reason::LoginFailed.into());
        };
        let who = person.principal.id;
        if person.given_until.is_some_and(|until| until <= now) {
            tracing::info!(principal.id = %who, "a password that was given has ended");
            return Err(Reason::PasswordEnded.into());
        }
        if !factor::opens(records, &person, login.code.as_ref(), now).await? {
            tracing::info!(principal.id = %who, "a login without a good code");
            // Whoever is asked for the code next did nothing wrong. By name it stays counted.
            if login.code.is_none() {
                self.wrong.uncount(&from);
            }
            return Err(Reason::SecondFactorNeeded.into());
        }
        records.forget_attempts(digest).await?;
        self.wrong.uncount(&from);
        Ok(person)
    }

    /// Whether a password is that of somebody who is logged in already. It counts as an attempt:
    /// whoever finds a browser left open doesn't guess further than at the door.
    pub(crate) async fn confirm(
        &self,
        person: &Person,
        password: &Secret,
        code: Option<Option<&Secret>>,
    ) -> Answer<()> {
        let now = Timestamp::now();
        let digest = self.attempt(&person.principal.name, now).await?;
        if !self.passwords.is(password, person.password.as_ref()).await? {
            return Err(Reason::LoginFailed.into());
        }
        if let Some(code) = code
            && !factor::opens(&self.archive.records, person, code, now).await?
        {
            return Err(Reason::SecondFactorNeeded.into());
        }
        self.archive.records.forget_attempts(digest).await?;
        Ok(())
    }

    /// Counts an attempt under a name, or refuses it. Answers what to forget it by.
    pub(crate) async fn attempt(&self, name: &str, now: Timestamp) -> Answer<Blake3> {
        let digest = login_digest(name);
        match self.archive.records.attempt(digest, now, wait).await? {
            Attempt::Taken => Ok(digest),
            Attempt::LockedOut => Err(Reason::LockedOut.into()),
            Attempt::Wait(until) => {
                let seconds = until.duration_since(now).as_secs().saturating_add(1);
                Err(paused(u32::try_from(seconds).unwrap_or(u32::MAX)))
            }
        }
    }
}

pub(crate) fn paused(seconds: u32) -> Problem {
    Problem::new(Reason::LoginPaused).retry_after(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_the_hundredth_attempt_is_the_last() {
        let pauses: Vec<_> = (0..12).map(wait).collect();
        let seconds = [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900];
        assert_eq!(pauses, seconds.map(Some));
        assert_eq!((wait(99), wait(100), wait(u32::MAX)), (Some(900), None, None));
    }

    #[test]
    fn a_name_is_the_same_in_any_case() {
        assert_eq!(Login::typed(" Can-Bo-3 "), Login("can-bo-3".to_owned()));
        assert_ne!(login_digest("a"), Blake3(*blake3::hash(b"a").as_bytes()));
    }
}
