//! The archive on a real SQLite and a real folder. The same tests run on PostgreSQL in `cluster`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod bed;
mod form;

mod dossiers;
mod scans;

mod queue;
mod vitals;

mod filing;
mod records;

mod check;
mod death;
mod disk;
mod folder;
