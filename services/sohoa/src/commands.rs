//! What can be called from a shell, one file a command.

pub(crate) mod access;
pub(crate) mod all;
pub(crate) mod backup;
pub(crate) mod catalogue;
pub(crate) mod check;
pub(crate) mod deliveries;
pub(crate) mod dossier;
pub(crate) mod export;
pub(crate) mod keys;
pub(crate) mod migrate;
pub(crate) mod parked;
pub(crate) mod push;
pub(crate) mod read;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod retention;
pub(crate) mod role;
pub(crate) mod subject;
pub(crate) mod verify;
