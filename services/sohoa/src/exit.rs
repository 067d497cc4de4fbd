//! Exit codes: stable, so that scripts may branch on them.

use std::process::ExitCode;

use crate::client::ClientError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything done.
    Done = 0,
    /// Something failed.
    Failed = 1,
    /// Refused, by the server or by the command itself, with a reason.
    Refused = 3,
    /// The server can't be reached.
    Unreachable = 4,
    /// Done, but something was refused, parked or found amiss.
    Amiss = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Tells an error on the standard error output and chooses the exit code.
#[expect(clippy::print_stderr, reason = "a command speaks to the person who called it")]
pub(crate) fn told(error: &anyhow::Error) -> Exit {
    eprintln!("sohoa: {error:#}");
    match error.downcast_ref::<ClientError>() {
        Some(ClientError::Refused(_)) => Exit::Refused,
        Some(ClientError::Unreachable(_)) => Exit::Unreachable,
        Some(ClientError::Nonsense(_)) | None => Exit::Failed,
    }
}
