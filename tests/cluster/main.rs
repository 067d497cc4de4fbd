//! The suite on a running cluster: every role a process of its own over PostgreSQL, RabbitMQ and
//! an S3 store. What a person notices is the same as on one machine, whatever breaks.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use tests::Cluster as Stage;

mod faults;

#[path = "../suite/flaws.rs"]
mod flaws;
#[path = "../suite/main_job.rs"]
mod main_job;
#[path = "../suite/stations.rs"]
mod stations;
#[path = "../suite/traces.rs"]
mod traces;
