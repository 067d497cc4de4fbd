//! How the whole system stands, as the outside world told it a moment ago: what no process has
//! counted by itself. Kept apart from the counters, so that a figure that could not be asked is
//! missing and not old.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::counts::One;

/// How the system stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    /// The queue, lane by lane; empty where it could not be asked.
    pub lanes: Vec<Lane>,
    /// How long the oldest announcement that is due has waited for the queue, and how many jobs
    /// are parked; `None` where the database could not be asked.
    pub outbox_lag: Option<Duration>,
    /// Jobs parked.
    pub parked: Option<u64>,
    /// Deliveries that hang until a person decides, and how long the oldest that is due has been
    /// waiting to leave; `None` where the database could not be asked.
    pub deliveries: Option<(u64, Duration)>,
    /// What the process leans on, and whether it is there.
    pub dependencies: Vec<(&'static str, bool)>,
}

/// A lane of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// Its name.
    pub name: &'static str,
    /// Jobs in it, those in hand included.
    pub jobs: u64,
    /// How long the oldest job that is due has been; zero where none is.
    pub oldest: Duration,
}

impl Standing {
    pub(crate) fn registry(&self) -> Registry {
        let mut r = Registry::default();
        let jobs = Family::<One, Gauge<f64, AtomicU64>>::default();
        let oldest = Family::<One, Gauge<f64, AtomicU64>>::default();
        let there = Family::<One, Gauge<f64, AtomicU64>>::default();
        for lane in &self.lanes {
            jobs.get_or_create(&[("lane", lane.name)]).set(number(lane.jobs));
            oldest.get_or_create(&[("lane", lane.name)]).set(lane.oldest.as_secs_f64());
        }
        for (name, ok) in &self.dependencies {
            there.get_or_create(&[("dependency", name)]).set(f64::from(u8::from(*ok)));
        }
        r.register("sohoa_queue_jobs", "Jobs in the queue, those in hand included", jobs);
        let help = "Age of the oldest job that is due";
        r.register_with_unit("sohoa_queue_oldest_due", help, Unit::Seconds, oldest);
        if let Some(lag) = self.outbox_lag {
            let gauge = Gauge::<f64, AtomicU64>::default();
            gauge.set(lag.as_secs_f64());
            let help = "How long the oldest announcement has waited to go to the queue";
            r.register_with_unit("sohoa_outbox_lag", help, Unit::Seconds, gauge);
        }
        if let Some(parked) = self.parked {
            let gauge = Gauge::<f64, AtomicU64>::default();
            gauge.set(number(parked));
            r.register("sohoa_parked_jobs", "Jobs that a person must look at", gauge);
        }
        if let Some((hung, oldest)) = self.deliveries {
            let gauge = Gauge::<f64, AtomicU64>::default();
            gauge.set(number(hung));
            r.register("sohoa_deliveries_hung", "Deliveries that a person must decide on", gauge);
            let gauge = Gauge::<f64, AtomicU64>::default();
            gauge.set(oldest.as_secs_f64());
            let help = "Age of the oldest delivery that waits";
            r.register_with_unit("sohoa_delivery_oldest", help, Unit::Seconds, gauge);
        }
        let help = "Whether what the process leans on is there";
        r.register("sohoa_dependency_ready", help, there);
        r
    }
}

/// Counts are far below 2⁵².
fn number(count: u64) -> f64 {
    count as f64
}
