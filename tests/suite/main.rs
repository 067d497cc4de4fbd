//! The suite: a real `sohoa all` with real readers, and papers put through it.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use tests::Stage;

mod access;
mod audit;
mod layers;
mod messages;
mod openapi;

mod adoption;
mod alone;
mod backup;
mod bad_input;
mod commands;
mod contracts;
mod crashes;
mod dashboards;
mod deliveries;
mod directory;
mod flaws;
mod guard;
mod hostile;
mod indicators;
mod jail;
mod lanes;
mod life;
mod main_job;
mod metrics;
mod no_room;
mod officers;
mod other_kho;
mod own_key;
mod people;
mod points;
mod privacy;
mod proof;
mod readers;
mod reading;
mod receiver;
mod refused;
mod spreadsheets;
mod stations;
mod story;
mod succession;
mod text_layers;
mod topic;
mod traces;
mod typed;
mod unsound;
mod useless_directory;
