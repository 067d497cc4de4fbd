//! The suite on a running cluster: every role a process of its own over PostgreSQL, RabbitMQ and
//! an S3 store. What a person notices is the same as on one machine, whatever breaks. What of the
//! suite isn't here is about one program or one machine alone.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use tests::Cluster as Stage;

mod faults;
mod local;
mod rolling;
mod unfit;

#[path = "../suite/access.rs"]
mod access;
#[path = "../suite/adoption.rs"]
mod adoption;
#[path = "../suite/audit.rs"]
mod audit;
#[path = "../suite/backup.rs"]
mod backup;
#[path = "../suite/bad_input.rs"]
mod bad_input;
#[path = "../suite/commands.rs"]
mod commands;
#[path = "../suite/contracts.rs"]
mod contracts;
#[path = "../suite/dashboards.rs"]
mod dashboards;
#[path = "../suite/deliveries.rs"]
mod deliveries;
#[path = "../suite/directory.rs"]
mod directory;
#[path = "../suite/flaws.rs"]
mod flaws;
#[path = "../suite/guard.rs"]
mod guard;
#[path = "../suite/indicators.rs"]
mod indicators;
#[path = "../suite/lanes.rs"]
mod lanes;
#[path = "../suite/life.rs"]
mod life;
#[path = "../suite/main_job.rs"]
mod main_job;
#[path = "../suite/metrics.rs"]
mod metrics;
#[path = "../suite/other_kho.rs"]
mod other_kho;
#[path = "../suite/own_key.rs"]
mod own_key;
#[path = "../suite/people.rs"]
mod people;
#[path = "../suite/points.rs"]
mod points;
#[path = "../suite/privacy.rs"]
mod privacy;
#[path = "../suite/proof.rs"]
mod proof;
#[path = "../suite/readers.rs"]
mod readers;
#[path = "../suite/receiver.rs"]
mod receiver;
#[path = "../suite/stations.rs"]
mod stations;
#[path = "../suite/story.rs"]
mod story;
#[path = "../suite/succession.rs"]
mod succession;
#[path = "../suite/topic.rs"]
mod topic;
#[path = "../suite/traces.rs"]
mod traces;
