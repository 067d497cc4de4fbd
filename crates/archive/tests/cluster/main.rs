//! The archive on a real PostgreSQL, its queue there and on RabbitMQ: every test of the embedded
//! form that is not of the folder, and those of the broker and of many processes at once.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "../archive/bed.rs"]
mod bed;
mod form;

#[path = "../archive/dossiers.rs"]
mod dossiers;
#[path = "../archive/scans.rs"]
mod scans;

#[path = "../archive/queue.rs"]
mod queue;
#[path = "../archive/rabbitmq.rs"]
mod rabbitmq;

#[path = "../archive/audit.rs"]
mod audit;
#[path = "../archive/filing.rs"]
mod filing;
#[path = "../archive/once.rs"]
mod once;
#[path = "../archive/other_kho.rs"]
mod other_kho;
#[path = "../archive/records.rs"]
mod records;
#[path = "../archive/subjects.rs"]
mod subjects;
#[path = "../archive/succession.rs"]
mod succession;

#[path = "../archive/persons.rs"]
mod persons;
#[path = "../archive/principals.rs"]
mod principals;

mod audit_cost;
mod beside;
mod broker;
mod broker_faults;
mod crowd;
mod deliveries;
mod growth;
mod hangs;
mod plans;
mod restart;
mod schema;
mod throughput;
mod tls;

#[path = "../archive/backup.rs"]
mod backup;
#[path = "../archive/check.rs"]
mod check;
#[path = "../archive/death.rs"]
mod death;
#[path = "../archive/keys.rs"]
mod keys;
mod plain;
