//! What can go wrong with the outside world, one variant for each decision a caller can take.
//! No text here ever holds a stored value: values may be personal.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use rustix::io::Errno;
use sqlx::error::DatabaseError;

/// The outside world failed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The disk, or the quota on it, is used up. Nothing was stored; tell the operator.
    #[error("the disk is full")]
    Full,
    /// Another process has this folder.
    #[error("{} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// A later version of the program wrote the database.
    #[error("the database was written by a later version of the program")]
    NewerSchema,
    /// The database is as an earlier version of the program left it: `sohoa migrate` is to be run.
    #[error("the database is of an earlier version of the program: run `sohoa migrate`")]
    OlderSchema,
    /// A template of codes can't be followed.
    #[error("template of {what}: {detail}")]
    Template {
        /// Codes of what.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// There is no such thing: `dossier 0190…`.
    #[error("no such {0}")]
    Missing(String),
    /// What is stored is not what was stored.
    #[error("{what} is damaged: {detail}")]
    Corrupt {
        /// Which thing, by its id or hash.
        what: String,
        /// How it shows. Never a value.
        detail: String,
    },
    /// It was there, and its key was erased: nobody can read it any more.
    #[error("{0} was erased")]
    Erased(String),
    /// It is encrypted, and no key is there that opens it.
    #[error("no key opens {0}")]
    NoKey(String),
    /// The archive's keys are under a master key that is not there.
    #[error("the archive's keys are under another master key than the one that is there")]
    OtherMaster,
    /// It may work later.
    #[error("{what} failed")]
    Unavailable {
        /// What was being done.
        what: &'static str,
        /// What the system or the database said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ArchiveError {
    /// Whether a disk can't give back what it was given, which is no better later.
    pub(crate) fn is_lost(&self) -> bool {
        let Self::Unavailable { source, .. } = self else { return false };
        let error = source.downcast_ref::<io::Error>();
        error.and_then(io::Error::raw_os_error) == Some(Errno::IO.raw_os_error())
    }
}

/// What the database said: its code and its own words, never a row's values.
#[derive(Debug, thiserror::Error)]
#[error("database: {says} (code {code})")]
pub struct DatabaseTrouble {
    /// The engine's code, or the class of the error where it came from the driver.
    pub code: String,
    /// The engine's words.
    pub says: String,
}

/// A dossier can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The subject's number is known with another name or birth date.
    #[error("the number is known with another name or birth date")]
    SubjectDiffers,
    /// The outside world failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// A scan can't be accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The dossier takes no more scans.
    #[error("the dossier is closed")]
    Closed,
    /// The idempotency key was used in this dossier for other bytes.
    #[error("the idempotency key was used for other bytes")]
    KeyReused,
    /// Other records are in use than the guard went by: it is to look again.
    #[error("other records are in use than the guard went by")]
    Changed,
    /// The outside world failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Documents can't be filed so.
#[derive(Debug, thiserror::Error)]
pub enum FilingError {
    /// Other records are in use than was gone by: it is to be worked out anew.
    #[error("other records are in use than was gone by")]
    Changed,
    /// The outside world failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// A parked job can't be announced again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// A later version of the program wrote its message.
    #[error("a later version of the program wrote the message")]
    MessageUnknown,
    /// The outside world failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// A lookup can't be answered.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The request id was used for another question.
    #[error("the request id was used for another question")]
    Reused,
    /// The record has run out, is not in use any more, or not at that version.
    #[error("the record is not in use any more")]
    NotUsable,
    /// The outside world failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// A paper is to be taken although a record stands for its component, and nobody says why.
#[derive(Debug, thiserror::Error)]
#[error("a record stands for the component, and no reason is stated")]
pub struct NotStated;

/// Turns errors of files and database into [`ArchiveError`], saying what was being done.
pub(crate) trait Doing<T> {
    /// `what` in a few words: `keeping a scan`.
    fn doing(self, what: &'static str) -> Result<T, ArchiveError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: &'static str) -> Result<T, ArchiveError> {
        self.map_err(|source| match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT) => ArchiveError::Full,
            _ => ArchiveError::Unavailable { what, source: source.into() },
        })
    }
}

impl<T> Doing<T> for Result<T, sqlx::Error> {
    fn doing(self, what: &'static str) -> Result<T, ArchiveError> {
        self.map_err(|error| {
            let trouble = match &error {
                sqlx::Error::Database(said) => DatabaseTrouble {
                    code: said.code().unwrap_or_default().into_owned(),
                    says: says(said.as_ref()),
                },
                sqlx::Error::Io(source) => {
                    DatabaseTrouble { code: "io".to_owned(), says: source.kind().to_string() }
                }
                other => {
                    DatabaseTrouble { code: class(other).to_owned(), says: "driver".to_owned() }
                }
            };
            // dialect: SQLITE_FULL, SQLITE_IOERR_SHMSIZE when the index of the WAL can't grow, and
            // PostgreSQL's disk_full.
            match trouble.code.as_str() {
                "13" | "4874" | "53100" => ArchiveError::Full,
                _ => ArchiveError::Unavailable { what, source: trouble.into() },
            }
        })
    }
}

/// The engine's code of an error, where the engine gave one.
pub(crate) fn code_of(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|said| said.code()).map(Cow::into_owned)
}

/// The engine's words.
// dialect: SQLite names tables, columns and constraints, never values. PostgreSQL keeps values to
// the detail of an error, which is not read here, but for data that it can't take (class 22).
fn says(said: &dyn DatabaseError) -> String {
    match said.code() {
        Some(code) if code.len() == 5 && code.starts_with("22") => "data exception".to_owned(),
        _ => said.message().to_owned(),
    }
}

/// Class of a driver's error; its own text might quote a value.
fn class(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::PoolTimedOut => "pool timed out",
        sqlx::Error::PoolClosed => "pool closed",
        sqlx::Error::WorkerCrashed => "worker crashed",
        sqlx::Error::RowNotFound => "row not found",
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => "decode",
        sqlx::Error::Encode(_) => "encode",
        sqlx::Error::Configuration(_) => "configuration",
        sqlx::Error::Protocol(_) => "protocol",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_disk_lost_is_lost_and_what_it_refuses_is_not() {
        for (errno, is_lost) in [(Errno::IO, true), (Errno::ACCESS, false), (Errno::NOSPC, false)] {
            let failed = Err::<(), _>(io::Error::from(errno)).doing("reading a blob");
            assert_eq!(failed.unwrap_err().is_lost(), is_lost, "{errno:?}");
        }
    }
}
