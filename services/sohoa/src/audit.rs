//! The audit kept: lines bound into the chain a moment after they were left, and the chain's head
//! signed now and then, for the database and for a file that can be carried elsewhere.
//!
//! Every process that answers for records does this; the archive lets one at a time.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use archive::Archive;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use schemas::audit::SignedHead;
use schemas::signature::SignatureState;
use signing::{OwnKey, Roots, Signer, SoftKey, Trust};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::config::AuditConfig;
use crate::first;

/// How long a line waits at most before it is bound.
const TICK: Duration = Duration::from_millis(500);

/// Folder in the data folder.
const FOLDER: &str = "audit";
const KEY: &str = "key.p8";
const CERTIFICATE: &str = "certificate.pem";
const HEADS: &str = "heads.jsonl";

/// Keeps the audit.
pub(crate) struct Keeper {
    archive: Archive,
    signer: Arc<dyn Signer>,
    folder: PathBuf,
    /// Between heads.
    apart: SignedDuration,
}

impl Keeper {
    /// A keeper that signs with the key that is configured, or with one of this installation's
    /// own, made at its first start.
    pub(crate) fn new(
        archive: Archive,
        configured: Option<Arc<dyn Signer>>,
        data: &Path,
        apart: SignedDuration,
    ) -> anyhow::Result<Self> {
        let folder = data.join(FOLDER);
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let signer = match configured {
            Some(configured) => configured,
            None => own_key(&folder)?,
        };
        Ok(Self { archive, signer, folder, apart })
    }

    /// Keeps the audit until `stop`. What fails is tried again: lines wait in the database.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        // The same trouble is told once.
        let mut failing = false;
        loop {
            let done = self.step(self.apart).await;
            match &done {
                Err(trouble) if !failing => {
                    error!(error = format!("{trouble:#}"), "the audit isn't being bound");
                }
                Ok(()) if failing => info!("the audit is being bound again"),
                Err(_) | Ok(()) => {}
            }
            failing = done.is_err();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// Binds what was left last, and signs what the chain has come to.
    pub(crate) async fn end(&self) -> anyhow::Result<()> {
        self.step(SignedDuration::ZERO).await
    }

    async fn step(&self, apart: SignedDuration) -> anyhow::Result<()> {
        let records = &self.archive.records;
        records.link_audit().await?;
        let Some(head) = records.head_due(apart, Timestamp::now()).await? else { return Ok(()) };
        let body = serde_json::to_string(&head)?;
        let (signer, bytes) = (self.signer.clone(), body.clone());
        // A token takes its time.
        #[expect(clippy::disallowed_methods, reason = "one signature in minutes")]
        let signature =
            tokio::task::spawn_blocking(move || signing::detached(&*signer, bytes.as_bytes()))
                .await??;
        let signed = SignedHead { body, signature: STANDARD.encode(signature) };
        if records.put_head(&signed).await? {
            self.write_down(&signed)?;
        }
        Ok(())
    }

    /// Adds a head to the file of heads.
    fn write_down(&self, signed: &SignedHead) -> anyhow::Result<()> {
        let path = self.folder.join(HEADS);
        let doing = || format!("writing {}", path.display());
        let file = OpenOptions::new().append(true).create(true).open(&path);
        let mut file = file.with_context(doing)?;
        writeln!(file, "{}", serde_json::to_string(signed)?).with_context(doing)?;
        file.sync_data().with_context(doing)
    }
}

/// The installation's own key; made where there is none.
fn own_key(folder: &Path) -> anyhow::Result<Arc<dyn Signer>> {
    let (key, certificate) = (folder.join(KEY), folder.join(CERTIFICATE));
    if !certificate.exists() {
        let made = (0..8).find_map(|_| {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret).ok()?;
            OwnKey::of(&secret, "Sohoa").ok()
        });
        let made = made.ok_or_else(|| anyhow!("no key of the audit can be made"))?;
        // The certificate last: where it is, the key is whole.
        first::write_secret(&key, &made.key)
            .with_context(|| format!("writing {}", key.display()))?;
        std::fs::write(&certificate, made.pem)
            .with_context(|| format!("writing {}", certificate.display()))?;
    }
    let read =
        |path: &Path| std::fs::read(path).with_context(|| format!("reading {}", path.display()));
    let signer = SoftKey::of_pem(&read(&key)?, &read(&certificate)?);
    Ok(Arc::new(signer.with_context(|| format!("opening {}", key.display()))?))
}

/// Who is trusted to have signed heads: this installation, if it has a key of its own, whoever is
/// configured to sign them, and whoever the certificates in these files vouch for.
pub(crate) fn roots(
    data: &Path,
    config: &AuditConfig,
    trusted: &[PathBuf],
) -> anyhow::Result<Roots> {
    let own = data.join(FOLDER).join(CERTIFICATE);
    let own = own.exists().then_some(own);
    let mut roots = Roots::default();
    for file in own.iter().chain(&config.certificate_file).chain(trusted) {
        let pem = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        let more = Roots::of_pem(&pem).ok().filter(|more| !more.is_empty());
        let more = more.with_context(|| format!("no certificate in {}", file.display()))?;
        roots = roots.and(more);
    }
    Ok(roots)
}

/// What is wrong with a head's signature: the code of a finding.
pub(crate) fn amiss(signed: &SignedHead, roots: &Roots) -> Option<&'static str> {
    let head = signed.head();
    let at = head.as_ref().and_then(|head| head.at.parse().ok());
    let (Some(_), Some(at)) = (head, at) else { return Some("audit.head_forged") };
    let signature = STANDARD.decode(&signed.signature).unwrap_or_default();
    let own = signing::look(&signature, Some([signed.body.as_bytes(), b""]));
    if own.state != SignatureState::Intact {
        return Some("audit.head_forged");
    }
    match roots.trust(&own.certificates, at) {
        Trust::Trusted(_) => None,
        Trust::Unrooted | Trust::OutOfDate => Some("audit.head_untrusted"),
    }
}

/// Heads that were kept in a file: one a line, or as the interface answers with them.
pub(crate) fn anchors(file: &Path) -> anyhow::Result<Vec<SignedHead>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let list: Result<Vec<SignedHead>, _> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(&text),
        false => {
            text.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str).collect()
        }
    };
    list.map_err(|_| anyhow!("{} holds something else than heads of an audit", file.display()))
}
