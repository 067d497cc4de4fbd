//! The suite: a real `sohoa all` with real readers, and papers put through it.
#![allow(missing_docs, reason = "tests")]

mod layers;
mod messages;
mod openapi;

// mod main_job;
mod bad_input;
mod readers;
mod crashes;
mod stations;
// mod commands;
mod hostile;
