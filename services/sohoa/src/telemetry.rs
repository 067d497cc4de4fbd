//! What a process tells while it runs. Logs go to the standard error output, readable on a
//! terminal and JSON elsewhere; traces go to a collector where one is configured. Ids and codes
//! only; no part of Sohoa logs what it has read or whom it belongs to.

mod otlp;

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogForm, TelemetryConfig};

/// Whose spans are exported: ours, and not those of what carries them away.
const OURS: [&str; 11] = [
    "access", "archive", "exchange", "intake", "people", "problem", "records", "review", "sohoa",
    "vitals", "worker",
];

/// Logs and traces under way.
pub(crate) struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

/// Starts logging by `filter` (one that can't be understood is `info`), and exporting traces
/// where the configuration says whereto.
pub(crate) fn start(filter: &str, config: &TelemetryConfig, runtime: &Handle) -> Telemetry {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let terminal = std::io::stderr().is_terminal();
    let form = config.log.unwrap_or(if terminal { LogForm::Text } else { LogForm::Json });
    let logs = match form {
        LogForm::Text => logs.compact().with_ansi(terminal).boxed(),
        LogForm::Json => logs.json().flatten_event(true).boxed(),
    };
    let traces = config.otlp.as_ref().and_then(|collector| otlp::provider(&collector.0, runtime));
    let layer = traces.as_ref().map(|traces| {
        let ours =
            OURS.into_iter().fold(Targets::new(), |t, name| t.with_target(name, Level::INFO));
        tracing_opentelemetry::layer()
            .with_tracer(traces.tracer("sohoa"))
            .with_location(false)
            .with_threads(false)
            .with_filter(ours)
    });
    tracing_subscriber::registry().with(logs.with_filter(filter)).with(layer).init();
    if let Some(traces) = &traces {
        opentelemetry::global::set_tracer_provider(traces.clone());
    }
    Telemetry { traces }
}

impl Telemetry {
    /// Sends what has not been sent yet. Not from within the runtime that carries it away.
    pub(crate) fn end(self) {
        if let Some(traces) = self.traces {
            // A collector that is not there has been complained about before.
            traces.shutdown_with_timeout(otlp::LAST).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn whatever_of_ours_tells_something_is_exported() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folders = [root.clone(), root.join("crates"), root.join("services")];
        let mut found = 0;
        for entry in folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
            let manifest = std::fs::read_to_string(entry.unwrap().path().join("Cargo.toml"));
            let Ok(manifest) = manifest else { continue };
            let manifest: toml::Table = toml::from_str(&manifest).unwrap();
            let tells = manifest.get("dependencies").and_then(|all| all.get("tracing")).is_some();
            let name = manifest["package"]["name"].as_str().unwrap();
            assert!(!tells || OURS.contains(&name), "{name}");
            found += usize::from(tells);
        }
        assert_eq!(found, OURS.len());
    }
}
