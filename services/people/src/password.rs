//! Passwords: what one must be like, and its hash.
//!
//! The rules are those of NIST SP 800-63B-4, section 3.1.1: length counts, no rules of composition,
//! no change for its own sake, none that is easily guessed. The hash is argon2id with what OWASP's
//! cheat sheet gives as the least (19 MiB, two passes, one lane), which is also the crate's default.

use std::collections::HashSet;
use std::sync::Arc;

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use problem::{Answer, Problem};
use schemas::access::Secret;
use schemas::code::Reason;
use schemas::text::{fold, nfc};
use tokio::sync::Semaphore;

/// Shortest and longest password, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=128;

/// Different characters that a password has at least: `111111222222` is long, and guessed first.
const DIFFERENT: usize = 5;

/// Beginnings of what is guessed first and long enough, without accents, blanks and signs.
const GUESSED: [&str; 11] = [
    "123456789",
    "abcdefghijk",
    "administrator",
    "iloveyou",
    "matkhau",
    "motcua",
    "password",
    "qwertyuiop",
    "sohoa",
    "vietnam",
    "zxcvbnm",
];

/// How much longer than a guess a password is that begins with it.
const BEYOND: usize = 8;

/// Passwords that are hashed at once: each takes 19 MiB, and a core for some 30 ms.
const AT_ONCE: usize = 2;

/// Passwords that may wait for that.
const WAITING: usize = 32;

/// How long a password is good that was given by another, in days.
pub const GIVEN_DAYS: i64 = 7;

/// Letters of what is typed once from paper: none looks like another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Hashes passwords, a few at once. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// A hash of what nobody knows, so that a name that nobody has takes as long as any other.
    nobodys: Secret,
}

impl Passwords {
    /// For a process.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn new() -> Answer<Self> {
        Ok(Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            nobodys: hash(&given_password()?)?,
        })
    }

    /// The hash of a password, as a PHC string.
    ///
    /// # Errors
    /// [`Reason::Busy`] when too many wait for theirs.
    pub async fn hash(&self, password: &Secret) -> Answer<Secret> {
        let password = password.clone();
        self.at_work(move || hash(&password)).await?
    }

    /// Whether a password is the one with that hash; false, after as long, where there is none.
    ///
    /// # Errors
    /// [`Reason::Busy`] when too many wait for theirs.
    pub async fn is(&self, password: &Secret, hash: Option<&Secret>) -> Answer<bool> {
        let (kept, known) = (hash.unwrap_or(&self.nobodys).clone(), hash.is_some());
        let password = password.clone();
        self.at_work(move || {
            let typed = typed(&password);
            let same = Argon2::default().verify_password(typed.as_bytes(), kept.reveal()).is_ok();
            same && known
        })
        .await
    }

    async fn at_work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Answer<T> {
        let _waiting = self.waiting.try_acquire().map_err(|_| Problem::new(Reason::Busy))?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| Problem::new(Reason::Internal))?;
        // The turn goes with the work: whoever hangs up doesn't make room before it is done.
        #[expect(clippy::disallowed_methods, reason = "the one door to hashing")]
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|_| Problem::new(Reason::Internal))
    }
}

/// A password as it is hashed: different keyboards write the same Vietnamese letter differently.
/// What is far too long is cut, which no password is that was ever set.
fn typed(password: &Secret) -> String {
    nfc(password.reveal()).chars().take(LENGTH.end() + 1).collect()
}

fn hash(password: &Secret) -> Answer<Secret> {
    let broken = || Problem::new(Reason::Internal);
    let mut salt = [0; argon2::RECOMMENDED_SALT_LEN];
    getrandom::fill(&mut salt).map_err(|_| broken())?;
    let hash = Argon2::default().hash_password_with_salt(typed(password).as_bytes(), &salt);
    Ok(Secret::new(hash.map_err(|_| broken())?.to_string()))
}

/// Whether somebody of that login name may choose a password.
///
/// # Errors
/// [`Reason::PasswordUnfit`], and in what way.
pub(crate) fn check(password: &Secret, name: &str) -> Answer<()> {
    let unfit = |why: &str| Err(Problem::new(Reason::PasswordUnfit).because(why));
    let typed = typed(password);
    if !LENGTH.contains(&typed.chars().count()) {
        return unfit("too short or too long");
    }
    if typed.chars().collect::<HashSet<_>>().len() < DIFFERENT {
        return unfit("too few different characters");
    }
    let plain = plain(&typed);
    let name = self::plain(name);
    if 3 <= name.len() && plain.contains(&name) {
        return unfit("the login name is in it");
    }
    let guessed = |guess: &&str| plain.starts_with(*guess) && plain.len() < guess.len() + BEYOND;
    if GUESSED.iter().any(guessed) {
        return unfit("it is among the first that are tried");
    }
    Ok(())
}

/// Without case, accents and signs.
fn plain(text: &str) -> String {
    fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// A password to be given to somebody: a hundred random bits, in four groups of five letters.
///
/// # Errors
/// When the system has no random bytes.
pub fn given_password() -> Answer<Secret> {
    Ok(Secret::new(random_letters(4)?))
}

/// Groups of five random letters, 25 bits each.
pub(crate) fn random_letters(groups: usize) -> Answer<String> {
    let mut bytes = vec![0; groups * 5];
    getrandom::fill(&mut bytes).map_err(|_| Problem::new(Reason::Internal))?;
    let letter = |byte: &u8| char::from(LETTERS[usize::from(byte % 32)]);
    let groups: Vec<String> =
        bytes.chunks(5).map(|group| group.iter().map(letter).collect()).collect();
    Ok(groups.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_however_it_was_typed() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash(&secret("một cửa quận Mẫu 7")).await.unwrap();
        assert!(hash.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.reveal());
        let apart: String = "một cửa quận Mẫu 7".to_owned();
        let decomposed =
            secret("mo\u{323}\u{302}t cu\u{31b}\u{309}a qua\u{323}\u{302}n Ma\u{302}\u{303}u 7");
        assert_ne!(decomposed.reveal(), apart);
        assert!(passwords.is(&decomposed, Some(&hash)).await.unwrap());
        assert!(!passwords.is(&secret("một cửa quận Mẫu 8"), Some(&hash)).await.unwrap());
        assert!(!passwords.is(&secret("một cửa quận Mẫu 7"), None).await.unwrap());
        let nobodys = passwords.nobodys.clone();
        assert!(!passwords.is(&nobodys, None).await.unwrap());
    }

    #[track_caller]
    fn check_choice(password: &str, fits: bool) {
        let checked = check(&secret(password), "can-bo-3");
        assert_eq!(checked.is_ok(), fits, "{password}: {checked:?}");
    }

    #[test]
    fn what_is_guessed_first_is_no_password() {
        check_choice("bốn con trâu trắng", true);
        check_choice("ngắn quá", false);
        check_choice("111111222222", false);
        check_choice("Mật khẩu 2026", false);
        check_choice("P@ssword1234", true);
        check_choice("password 1234", false);
        check_choice("toi la can.bo.3 day", false);
        check_choice("123456789 con trâu trắng", true);
        check_choice(&"trâu ".repeat(26), false);
    }

    #[tokio::test]
    async fn too_many_at_once_are_sent_away_and_the_others_served() {
        let passwords = Passwords::new().unwrap();
        let mut asked = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let passwords = passwords.clone();
            asked.spawn(async move { passwords.is(&secret("một hai ba bốn"), None).await });
        }
        let answers = asked.join_all().await;
        let busy = answers.iter().filter(|answer| answer.is_err()).count();
        assert!((1..100).contains(&busy), "{busy}");
        assert!(passwords.is(&secret("một hai ba bốn"), None).await.is_ok());
    }

    #[test]
    fn given_passwords_fit_and_differ() {
        let given: HashSet<String> =
            (0..100).map(|_| given_password().unwrap().reveal().to_owned()).collect();
        assert_eq!(given.len(), 100);
        given.iter().for_each(|given| check_choice(given, true));
    }
}
