//! Counters and histograms, registered in one place. Every series of a closed set is there from
//! the start, at zero: a rate over a series that has just appeared misses its first step.

use std::sync::LazyLock;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use schemas::code::Reason;
use schemas::reading::STAGES;

/// One label and its value.
pub(crate) type One = [(&'static str, &'static str); 1];
type Two = [(&'static str, &'static str); 2];
/// Method, route and status of a request.
type Request = [(&'static str, String); 3];
type Timed<L> = Family<L, Histogram, fn() -> Histogram>;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$word_doc])* $word,)*
        }

        impl $name {
            const ALL: &'static [Self] = &[$(Self::$word,)*];

            fn word(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }
        }
    };
}

words! {
    /// What became of an attempt at a page.
    PageFate {
        /// It was read.
        Read = "read",
        /// It was read and is blank.
        Blank = "blank",
        /// A person must look at it.
        Parked = "parked",
        /// It will be tried again.
        Retried = "retried",
    }
}

words! {
    /// What became of an attempt at a job.
    JobFate {
        /// It is done.
        Done = "done",
        /// It will be tried again.
        Retried = "retried",
        /// A person must look at it.
        Parked = "parked",
        /// The process was asked to stop before it was done, or lacks what it takes.
        HandedBack = "handed_back",
        /// Somebody else has it: this worker was not heard of in time.
        Lost = "lost",
    }
}

words! {
    /// Why a reader is no more.
    Death {
        /// It died by itself, or was killed from outside.
        Crashed = "crashed",
        /// It was late and was killed.
        TimeLimit = "time_limit",
        /// It asked for more memory than it may have.
        MemoryLimit = "memory_limit",
        /// It answered nonsense and was killed.
        Nonsense = "nonsense",
        /// It could not be started, or not behind its walls.
        Unstartable = "unstartable",
        /// It has read so many pages that another takes its place.
        Worn = "worn",
    }
}

/// Names of jobs, as storage has them.
const JOBS: [&str; 4] = ["unpack", "read", "file", "seal"];

/// How a scan that is kept is counted: for the first time, or sent again.
const ACCEPTED: [&str; 2] = ["accepted", "repeated"];

/// Refusals that somebody is called for.
const WATCHED: [Reason; 3] = [Reason::Busy, Reason::StorageFull, Reason::Unavailable];

pub(crate) struct Counts {
    pub(crate) registry: Registry,
    pages: Family<One, Counter>,
    stages: Timed<One>,
    jobs: Family<Two, Counter>,
    scans: Family<One, Counter>,
    scan_bytes: Family<One, Counter>,
    requests: Family<Request, Counter>,
    request_seconds: Timed<[(&'static str, String); 1]>,
    reader_starts: Counter,
    reader_deaths: Family<One, Counter>,
    published: Counter,
    lookups: Counter,
}

/// What this process has counted.
pub(crate) static COUNTS: LazyLock<Counts> = LazyLock::new(Counts::new);

impl Counts {
    fn new() -> Self {
        let pages = Family::<One, Counter>::default();
        // 1 ms to 33 s: a stage takes milliseconds, reading a crowded page some seconds.
        let stages: Timed<One> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 16)));
        let jobs = Family::<Two, Counter>::default();
        let scans = Family::<One, Counter>::default();
        let scan_bytes = Family::<One, Counter>::default();
        let requests = Family::<Request, Counter>::default();
        // 1 ms to 16 s: what takes longer is a large scan over a slow line.
        let request_seconds: Timed<_> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 4.0, 8)));
        let reader_starts = Counter::default();
        let reader_deaths = Family::<One, Counter>::default();
        let published = Counter::default();
        let lookups = Counter::default();

        let mut r = Registry::default();
        let pages_help = "Attempts at pages by what became of them";
        r.register("sohoa_pages", pages_help, pages.clone());
        let stage_help = "Time that a page spent in a stage";
        r.register_with_unit("sohoa_page_stage", stage_help, Unit::Seconds, stages.clone());
        r.register("sohoa_jobs", "Attempts at jobs by what became of them", jobs.clone());
        r.register("sohoa_scans", "Scans sent: accepted, repeated or refused", scans.clone());
        let bytes_help = "Bytes of scans sent: accepted, repeated or refused";
        r.register_with_unit("sohoa_scan", bytes_help, Unit::Bytes, scan_bytes.clone());
        r.register("sohoa_http_requests", "Requests answered", requests.clone());
        let http_help = "Time until a request was answered";
        let http = request_seconds.clone();
        r.register_with_unit("sohoa_http_request", http_help, Unit::Seconds, http);
        r.register("sohoa_reader_starts", "Readers that got ready", reader_starts.clone());
        r.register("sohoa_reader_deaths", "Readers gone, by why", reader_deaths.clone());
        r.register("sohoa_records_published", "Versions of records published", published.clone());
        r.register("sohoa_lookups", "Lookups answered with a record", lookups.clone());

        for fate in PageFate::ALL {
            drop(pages.get_or_create(&[("fate", fate.word())]));
        }
        for stage in STAGES {
            drop(stages.get_or_create(&[("stage", stage)]));
        }
        for job in JOBS {
            for fate in JobFate::ALL {
                drop(jobs.get_or_create(&[("job", job), ("fate", fate.word())]));
            }
        }
        for code in ACCEPTED {
            drop(scans.get_or_create(&[("code", code)]));
            drop(scan_bytes.get_or_create(&[("code", code)]));
        }
        for reason in WATCHED {
            drop(scans.get_or_create(&[("code", reason.code())]));
            drop(scan_bytes.get_or_create(&[("code", reason.code())]));
        }
        for death in Death::ALL {
            drop(reader_deaths.get_or_create(&[("reason", death.word())]));
        }
        Self {
            registry: r,
            pages,
            stages,
            jobs,
            scans,
            scan_bytes,
            requests,
            request_seconds,
            reader_starts,
            reader_deaths,
            published,
            lookups,
        }
    }

    fn scan(&self, code: &'static str, bytes: u64) {
        self.scans.get_or_create(&[("code", code)]).inc();
        self.scan_bytes.get_or_create(&[("code", code)]).inc_by(bytes);
    }
}

/// An attempt at a page ended so.
pub fn page(fate: PageFate) {
    COUNTS.pages.get_or_create(&[("fate", fate.word())]).inc();
}

/// A page spent so long in a stage; one that isn't among [`STAGES`] is not counted.
pub fn stage(name: &str, millis: u32) {
    if let Some(stage) = STAGES.into_iter().find(|stage| *stage == name) {
        COUNTS.stages.get_or_create(&[("stage", stage)]).observe(f64::from(millis) / 1000.0);
    }
}

/// An attempt at a job ended so.
pub fn job(name: &'static str, fate: JobFate) {
    COUNTS.jobs.get_or_create(&[("job", name), ("fate", fate.word())]).inc();
}

/// A scan is kept; `repeated` when its bytes had been before.
pub fn scan_accepted(bytes: u64, repeated: bool) {
    COUNTS.scan(ACCEPTED[usize::from(repeated)], bytes);
}

/// A scan was refused after so many bytes of it had come.
pub fn scan_refused(reason: Reason, bytes: u64) {
    COUNTS.scan(reason.code(), bytes);
}

/// A request to that route was answered. The route is the template, never the address itself.
pub fn request(method: &str, route: &str, status: u16, seconds: f64) {
    let labels = [
        ("method", method.to_owned()),
        ("route", route.to_owned()),
        ("status", status.to_string()),
    ];
    COUNTS.requests.get_or_create(&labels).inc();
    COUNTS.request_seconds.get_or_create(&[("route", route.to_owned())]).observe(seconds);
}

/// A reader got ready.
pub fn reader_started() {
    COUNTS.reader_starts.inc();
}

/// A reader is gone.
pub fn reader_died(why: Death) {
    COUNTS.reader_deaths.get_or_create(&[("reason", why.word())]).inc();
}

/// A version of a record was published.
pub fn record_published() {
    COUNTS.published.inc();
}

/// A lookup was answered with a record.
pub fn lookup_answered() {
    COUNTS.lookups.inc();
}
