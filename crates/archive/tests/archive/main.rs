//! The archive on a real SQLite and a real folder.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod bed;

mod dossiers;
mod scans;

mod queue;

mod broker;
mod broker_faults;
mod pace;
mod rabbitmq;

mod filing;
mod records;

mod check;
mod death;
mod disk;
