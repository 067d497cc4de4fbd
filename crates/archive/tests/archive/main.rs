//! The archive on a real SQLite, a real folder and a real S3 store.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod bed;
mod proxy;
mod shelf;

mod blobs;
mod store;

mod dossiers;
mod scans;

mod queue;

mod filing;
mod records;

mod check;
mod death;
mod disk;
