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
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::config::AuditConfig;
use crate::first;

/// How long a line waits at most before it is bound.
const TICK: Duration = Duration::from_millis(500);

/// How long a key may take for a head: on a token it waits half a minute for its turn, and signs in
/// a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it may take for the last one. Where it hangs, jobs have waited for it for six seconds
/// by then, and the process ends after seven and a half.
const LAST_HEAD: Duration = Duration::from_millis(1200);

/// Pause after a head couldn't be signed.
const AGAIN: Duration = Duration::from_secs(10);

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

    /// Keeps the audit until `stop`. What fails is tried again: lines wait in the database, and
    /// none of them waits for a head to be signed.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::join!(self.bind_lines(&stop), self.sign_heads(&stop));
        Ok(())
    }

    async fn bind_lines(&self, stop: &CancellationToken) {
        // The same trouble is told once.
        let mut failing = false;
        loop {
            let done = self.archive.records.link_audit().await;
            match &done {
                Err(trouble) if !failing => {
                    let error = trouble as &dyn std::error::Error;
                    error!(error, "the audit isn't being bound");
                }
                Ok(_) if failing => info!("the audit is being bound again"),
                Err(_) | Ok(_) => {}
            }
            failing = done.is_err();
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(TICK) => {}
            }
        }
    }

    async fn sign_heads(&self, stop: &CancellationToken) {
        let mut failing = false;
        loop {
            let done = self.sign_head(self.apart, PATIENCE, stop).await;
            match &done {
                Err(trouble) if !failing => {
                    let error = format!("{trouble:#}");
                    warn!(error, "heads of the audit aren't being signed");
                }
                Ok(()) if failing => info!("heads of the audit are being signed again"),
                Err(_) | Ok(()) => {}
            }
            failing = done.is_err();
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(if failing { AGAIN } else { TICK }) => {}
            }
        }
    }

    /// Binds what was left last, and signs what the chain has come to, if the key does that soon:
    /// else the next start does.
    pub(crate) async fn end(&self) -> anyhow::Result<()> {
        self.archive.records.link_audit().await?;
        let never = CancellationToken::new();
        if let Err(trouble) = self.sign_head(SignedDuration::ZERO, LAST_HEAD, &never).await {
            let error = format!("{trouble:#}");
            warn!(error, "the audit's last head waits for the next start");
        }
        Ok(())
    }

    /// Signs what the chain has come to since a head that is older than `apart`. No key is waited
    /// for longer than `limit`, or than `stop`.
    async fn sign_head(
        &self,
        apart: SignedDuration,
        limit: Duration,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let records = &self.archive.records;
        let Some(head) = records.head_due(apart, Timestamp::now()).await? else { return Ok(()) };
        let body = serde_json::to_string(&head)?;
        let signature = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            signature = self.signature(body.clone(), limit) => signature?,
        };
        let signed = SignedHead { body, signature: STANDARD.encode(signature) };
        if records.put_head(&signed).await? {
            self.write_down(&signed)?;
        }
        Ok(())
    }

    /// The key's signature of a text. A key may block: a token takes a second, and one that hangs
    /// for ever. A call that is late is left behind, and what it signs is nobody's.
    async fn signature(&self, body: String, limit: Duration) -> anyhow::Result<Vec<u8>> {
        let signer = self.signer.clone();
        #[expect(clippy::disallowed_methods, reason = "one signature in minutes")]
        let asked =
            tokio::task::spawn_blocking(move || signing::detached(&*signer, body.as_bytes()));
        let answer = timeout(limit, asked).await;
        let answer = answer.map_err(|_| anyhow!("the key gave no answer within {limit:?}"))?;
        Ok(answer??)
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Instant;

    use archive::{LinesAsked, Place};
    use schemas::Uuid;
    use schemas::ids::{PrincipalId, RecordId};
    use signing::{Chain, SignFailed};
    use tempfile::TempDir;
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    use super::*;

    /// Longest time for what waits for nothing, and less than a key has.
    const SOON: Duration = Duration::from_secs(20);

    /// A key that hangs until the test lets it go on.
    struct Hangs {
        key: Arc<dyn Signer>,
        tells: UnboundedSender<()>,
        waits: Mutex<Receiver<()>>,
    }

    impl Signer for Hangs {
        fn chain(&self) -> &Chain {
            self.key.chain()
        }

        fn sign(&self, digest: &[u8; 32]) -> Result<Vec<u8>, SignFailed> {
            _ = self.tells.send(()).is_ok();
            assert!(self.waits.lock().unwrap().recv().is_err());
            self.key.sign(digest)
        }
    }

    /// An audit whose key hangs.
    struct Audit {
        keeper: Arc<Keeper>,
        /// Tells that the key was asked.
        asked: UnboundedReceiver<()>,
        /// Once it is gone the key answers. The runtime waits for whatever blocks.
        hanging: Sender<()>,
        _dir: TempDir,
    }

    async fn audit() -> Audit {
        let dir = TempDir::new().unwrap();
        let archive = Archive::open(&Place::at(dir.path())).await.unwrap();
        let ((tells, asked), (hanging, waits)) = (unbounded_channel(), channel());
        let key = own_key(dir.path()).unwrap();
        let key = Arc::new(Hangs { key, tells, waits: Mutex::new(waits) });
        let keeper = Keeper::new(archive, Some(key), dir.path(), SignedDuration::ZERO).unwrap();
        Audit { keeper: Arc::new(keeper), asked, hanging, _dir: dir }
    }

    impl Audit {
        /// Leaves a line.
        async fn leave(&self) {
            let (record, who) = (RecordId::from_uuid(Uuid::from_u128(7)), PrincipalId::random());
            let records = &self.keeper.archive.records;
            let whose = [(record, 1)];
            records.told(&whose, (who, "Đăng ký kết hôn"), Timestamp::now()).await.unwrap();
        }

        /// How many lines are bound.
        async fn bound(&self) -> usize {
            let records = &self.keeper.archive.records;
            records.audit(&LinesAsked::default(), 100).await.unwrap().len()
        }

        /// How many heads are signed.
        async fn signed(&self) -> usize {
            self.keeper.archive.records.heads(0, 100).await.unwrap().len()
        }
    }

    #[tokio::test]
    async fn while_a_key_hangs_lines_are_bound_and_the_process_can_end() {
        let mut audit = audit().await;
        let stop = CancellationToken::new();
        let kept = tokio::spawn(Arc::clone(&audit.keeper).run(stop.clone()));
        audit.leave().await;
        timeout(SOON, audit.asked.recv()).await.unwrap().unwrap();
        audit.leave().await;
        let since = Instant::now();
        while audit.bound().await < 2 {
            assert!(since.elapsed() < SOON, "it waits for the key");
            sleep(TICK / 10).await;
        }
        stop.cancel();
        timeout(SOON, kept).await.unwrap().unwrap().unwrap();
        audit.leave().await;
        timeout(SOON, audit.keeper.end()).await.unwrap().unwrap();
        assert_eq!((audit.bound().await, audit.signed().await), (3, 0));
        drop(audit.hanging);
    }

    #[tokio::test]
    async fn a_head_that_a_key_did_not_sign_in_time_is_signed_once_it_answers() {
        let audit = audit().await;
        audit.leave().await;
        audit.keeper.archive.records.link_audit().await.unwrap();
        let (keeper, stop) = (Arc::clone(&audit.keeper), CancellationToken::new());
        let sign = async |limit| keeper.sign_head(SignedDuration::ZERO, limit, &stop).await;
        let late = timeout(SOON, sign(TICK)).await.unwrap().unwrap_err().to_string();
        assert!(late.contains("no answer within 500ms"), "{late}");
        assert_eq!(audit.signed().await, 0);
        drop(audit.hanging);
        sign(PATIENCE).await.unwrap();
        assert_eq!(keeper.archive.records.heads(0, 100).await.unwrap().len(), 1);
        let written = std::fs::read_to_string(keeper.folder.join(HEADS)).unwrap();
        assert_eq!(written.lines().count(), 1);
    }
}
