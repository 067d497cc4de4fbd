//! Logs: to the standard error output, readable on a terminal and JSON elsewhere. Ids and codes
//! only; no part of Sohoa logs what it has read or whom it belongs to.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging by `filter`; a filter that can't be understood is `info`.
pub(crate) fn start(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        logs.compact().init();
    } else {
        logs.json().flatten_event(true).init();
    }
}
