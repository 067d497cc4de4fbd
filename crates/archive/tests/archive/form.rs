//! The embedded form: everything in a folder of the test's own.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use archive::Place;
use sqlx::{AnyConnection, Connection, Executor};
use tempfile::TempDir;

pub(crate) struct Form {
    dir: TempDir,
}

impl Form {
    pub(crate) async fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn place(&self) -> Place {
        crate::bed::at(self.dir())
    }

    /// The place's name, for another process.
    pub(crate) fn name(&self) -> OsString {
        self.dir().into()
    }

    /// The place that was so named.
    pub(crate) fn named(name: &OsStr) -> Place {
        crate::bed::at(name)
    }

    /// A connection of one's own to the database, which breaks what it likes.
    pub(crate) async fn tool(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}/sohoa.sqlite", self.dir().display());
        let mut tool = AnyConnection::connect(&url).await.unwrap();
        tool.execute("pragma foreign_keys = off").await.unwrap();
        tool
    }

    /// Whoever opens the folder next ends the leases.
    pub(crate) async fn leases_run_out(&self) {}
}
