//! The archive on a real SQLite, a real folder and a real S3 store. The same tests of records run
//! on PostgreSQL in `cluster`, and with them those of what a broker may do to jobs.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod bed;
mod form;
mod proxy;
mod shelf;

mod blobs;
mod encrypt;
mod store;

mod dossiers;
mod scans;

mod queue;
mod vitals;

#[expect(dead_code, reason = "what breaks a broker is for the tests of the cluster")]
mod rabbitmq;

mod audit;
mod filing;
mod once;
mod other_kho;
mod records;
mod subjects;
mod succession;

mod backup;
mod keys;
mod persons;
mod principals;

mod check;
mod death;
mod disk;
mod folder;
mod master;
