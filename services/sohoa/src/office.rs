//! An office at work: the roles of this process, from their opening to the last page in hand.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use archive::Archive;
use exchange::{Sender, Target};
use filing::Kinds;
use jiff::SignedDuration;
use schemas::catalogue::{national, shipped, shipped_earlier};
use schemas::clock::today;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use worker::{Desk, LONGEST_JOB, Readers, Signing};

use crate::audit::Keeper;
use crate::config::Config;
use crate::exit::Exit;
use crate::{first, http, outside, show};

/// How long the roles may take to end: with what ends after them, that is within ten seconds.
const LONGEST: Duration = Duration::from_millis(7500);

/// How often it is looked whether a record's last day is over.
const LOOKS_AT_CALENDAR: Duration = Duration::from_secs(600);

/// The roles of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Roles {
    /// Opens dossiers, receives scans.
    pub(crate) intake: bool,
    /// Answers what a citizen already has.
    pub(crate) records: bool,
    /// Shows what a person must look at.
    pub(crate) review: bool,
    /// Takes jobs.
    pub(crate) work: bool,
}

impl Roles {
    /// None.
    pub(crate) const NONE: Self =
        Self { intake: false, records: false, review: false, work: false };
    /// All of them.
    pub(crate) const ALL: Self = Self { intake: true, records: true, review: true, work: true };
}

/// Runs the roles until the process is asked to stop, and lets them end.
pub(crate) async fn run(
    roles: Roles,
    config: Config,
    data: &Path,
    listen: Option<SocketAddr>,
) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen()?;
    let parts = Parts::open(roles, &config, data).await?;
    let (archive, keeper) = (parts.archive.clone(), parts.keeper.clone());
    let stop = CancellationToken::new();
    let mut at_work = start(parts, (roles, &config), listen, &stop).await?;
    // A role that ends by itself takes the others along: half an office serves nobody.
    tokio::select! {
        () = signals.next() => {}
        Some(ended) = at_work.join_next() => return ended?.map(|()| Exit::Failed),
    }
    info!("stopping");
    stop.cancel();
    tokio::select! {
        ended = wind_down(at_work, keeper, archive) => ended,
        // What they lean on may be gone, too, and can't be waited for.
        () = tokio::time::sleep(LONGEST) => {
            warn!("stopped before everything had ended");
            Ok(Exit::Failed)
        }
        // Whoever asks twice doesn't want to wait. Readers end with this process, and what is
        // in hand comes back when its lease is over.
        () = signals.next() => Ok(Exit::Failed),
    }
}

/// What the roles work with.
struct Parts {
    archive: Archive,
    readers: Option<Arc<Readers>>,
    signing: Signing,
    /// Who is told of what happens.
    targets: Vec<Target>,
    keeper: Option<Arc<Keeper>>,
}

impl Parts {
    async fn open(roles: Roles, config: &Config, data: &Path) -> anyhow::Result<Self> {
        if roles != Roles::ALL && config.cluster()?.is_none() {
            bail!(
                "một vai trò riêng chỉ chạy trên cụm: tệp cấu hình cần [database], [broker] và \
                 [store]; trên một máy hãy chạy `sohoa all` (a role of its own needs the \
                 cluster's parts in the configuration; on one machine run `sohoa all`)"
            );
        }
        let readers = match roles.work {
            true => Some(Arc::new(outside::office_readers(config).await?)),
            false => None,
        };
        // Whoever answers for records signs the audit's heads.
        let signing = match roles.work || roles.records {
            true => config.signing.open().await?,
            false => Signing::default(),
        };
        let heads = match roles.records {
            true => config.audit.signer()?.or_else(|| signing.agency.clone()),
            false => None,
        };
        let targets = if roles.records {
            let broker = config.cluster()?.map(|cluster| cluster.broker);
            config.exchange.targets(broker).await?
        } else {
            Vec::new()
        };
        failpoints::listen_in(data);
        let archive = Archive::open(&outside::place(data, config)?)
            .await
            .with_context(|| format!("opening {}", data.display()))?;
        if !archive.encrypts() {
            warn!("papers are not encrypted: no master key is configured");
        }
        if roles.records && heads.is_none() && config.cluster()?.is_some() {
            warn!(
                "heads of the audit are signed with a key of this process's own, which no other \
                 trusts: neither audit.key_file nor signing.agency is configured"
            );
        }
        if roles == Roles::ALL {
            load_shipped(&archive).await?;
            first::start(&archive, data, &config.office.code).await?;
        }
        if roles.work {
            look_for_signers(&archive, config).await?;
        }
        let apart = SignedDuration::from_mins(config.audit.head_minutes.into());
        let keeper =
            roles.records.then(|| Keeper::new(archive.clone(), heads, data, apart).map(Arc::new));
        let keeper = keeper.transpose()?;
        Ok(Self { archive, readers, signing, targets, keeper })
    }
}

/// Warns of names that are nobody's: with one that is mistyped somebody else signs, or nobody.
async fn look_for_signers(archive: &Archive, config: &Config) -> anyhow::Result<()> {
    for (key, name) in config.signing.names() {
        if !archive.records.is_principal_name(name).await? {
            warn!(key, "nobody has the name that this key is for");
        }
    }
    Ok(())
}

/// Starts the roles, which go on until `stop`.
async fn start(
    parts: Parts,
    (roles, config): (Roles, &Config),
    listen: Option<SocketAddr>,
    stop: &CancellationToken,
) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
    let Parts { archive, readers, signing, targets, keeper } = parts;
    let mut at_work = JoinSet::new();
    if let Some(listen) = listen {
        let listener =
            TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
        let address = listener.local_addr()?;
        let served = http::Served {
            roles,
            archive: archive.clone(),
            readers: readers.clone(),
            config: config.clone(),
        };
        at_work.spawn(http::serve(listener, served, stop.clone()));
        show::note(&format!("Sohoa đang chạy tại http://{address}"));
    } else {
        show::note("Sohoa đang chạy");
    }
    if roles.records {
        at_work.spawn(calendar(archive.clone(), stop.clone()));
        let backoff = config.exchange.backoff();
        let sender = Sender { archive: archive.clone(), targets, backoff };
        let stop = stop.clone();
        at_work.spawn(async move {
            exchange::run(sender, stop).await;
            Ok(())
        });
    }
    if let Some(readers) = readers {
        let desk = Arc::new(desk(archive, readers, signing, config));
        at_work.spawn(worker::run(desk, stop.clone()));
    }
    if let Some(keeper) = keeper {
        at_work.spawn(keeper.run(stop.clone()));
    }
    Ok(at_work)
}

/// Waits for the roles, which were asked to stop, and closes what they worked with.
async fn wind_down(
    mut at_work: JoinSet<anyhow::Result<()>>,
    keeper: Option<Arc<Keeper>>,
    archive: Archive,
) -> anyhow::Result<Exit> {
    while let Some(ended) = at_work.join_next().await {
        ended??;
    }
    if let Some(keeper) = keeper
        && let Err(trouble) = keeper.end().await
    {
        let error = format!("{trouble:#}");
        warn!(error, "the audit's last lines wait for the next start");
    }
    // So that the next one sends to the broker at once.
    archive.close().await;
    Ok(Exit::Done)
}

/// Notes what has run out, soon after each day begins, until `stop`.
async fn calendar(archive: Archive, stop: CancellationToken) -> anyhow::Result<()> {
    loop {
        if let Err(error) = archive.records.expire(jiff::Timestamp::now()).await {
            // It is noted the next time.
            warn!(error = &error as &dyn std::error::Error, "what has run out was not noted");
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOKS_AT_CALENDAR) => {}
        }
    }
}

fn desk(archive: Archive, readers: Arc<Readers>, signing: Signing, config: &Config) -> Desk {
    Desk {
        archive,
        readers,
        kinds: Kinds::shipped(),
        quiet: Duration::from_secs(config.filing.quiet_seconds),
        longest_job: LONGEST_JOB,
        signing,
        made_by: concat!("Sohoa ", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

/// A new office starts with the catalogue that comes with Sohoa.
pub(crate) async fn load_shipped(archive: &Archive) -> anyhow::Result<()> {
    if archive.records.has_procedures().await? {
        return Ok(());
    }
    for text in [shipped_earlier(), shipped()] {
        let import = national::import(text.as_bytes())?;
        let day = import.valid_from.unwrap_or_else(today);
        let counts = archive.records.import(&import.procedures, day).await?;
        info!(added = counts.added, changed = counts.changed, "shipped catalogue loaded");
    }
    Ok(())
}

/// SIGTERM and Ctrl-C.
struct Signals {
    term: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits until the process is asked to stop.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
