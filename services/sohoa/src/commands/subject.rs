//! `sohoa subject`: what a data subject has a right to: a copy of what is kept of them, and its
//! erasure.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use archive::{Archive, Dossier, Ground, Kept};
use jiff::Timestamp;
use schemas::audit::Act;
use schemas::clock::today;
use schemas::ids::{DossierCode, RecordId};
use schemas::record::Record;
use schemas::subject::Subject;
use serde::Serialize;
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::config::RetentionConfig;
use crate::exit::Exit;
use crate::fate::Fate;
use crate::outside::{At, operator};
use crate::show;
use crate::who::Who;

/// Answer a data subject's request: a copy of everything, or its erasure (quyền của chủ thể dữ
/// liệu, Luật 91/2025/QH15).
///
/// Works on the archive itself, beside a server that may be running. Number, name and date of
/// birth must be those of the subject: to anybody else nothing is there.
///
/// `export` writes a folder: each record's PDF and data, the dossiers (those of somebody else that
/// name them, too), and who looked, when and why; of somebody else's dossier, that another Kho was
/// asked for their paper. `erase` goes dossier by dossier, and keeps what must be kept: open
/// dossiers, those of somebody else that name them, records that belong to somebody else as well,
/// and what [retention] in the configuration has not let go (without a word there about a kind of
/// paper, its records are kept). It only tells what it would do until it is given --yes. The audit
/// stays whole. With their keys papers are erased in every backup, too, once the copy of the keys
/// is replaced (`sohoa backup`); rows of backups made before still hold what is erased, until they
/// are replaced.
///
/// Examples:
///
///   sohoa subject export --citizen 001199000013 --name 'Nguyễn Thị Mẫu' --born 1999-01-01 \
///       --reason 'Đơn số 12/2026' --to /tmp/ban-sao --data ./sohoa-data
///   sohoa subject erase --citizen 001199000013 --name 'Nguyễn Thị Mẫu' --born 1999-01-01 \
///       --reason 'Đơn số 13/2026' --config /etc/sohoa.toml
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct SubjectCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Write down everything that is kept of them.
    Export {
        #[command(flatten)]
        of: Of,
        /// Folder to write to; made, for its owner alone.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Erase what may be erased.
    Erase {
        #[command(flatten)]
        of: Of,
        /// Erase, and not only tell what would be.
        #[arg(long)]
        yes: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Of whom, why, and where that is kept.
#[derive(Debug, clap::Args)]
struct Of {
    #[command(flatten)]
    who: Who,
    /// What it is done for, 5 to 500 characters: the number of the request. Stands in the audit,
    /// so it must not name anybody.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    at: At,
}

/// Lines of the audit read at a time.
const LINES: u32 = 1000;

/// What is read of a PDF at a time.
const CHUNK: usize = 1 << 18;

impl SubjectCommand {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let of = match &self.what {
            What::Export { of, .. } | What::Erase { of, .. } => of,
        };
        let subject = of.subject()?;
        let length = of.reason.trim().chars().count();
        ensure!((5..=500).contains(&length), "--reason has 5 to 500 characters");
        let named = subject.is_named_in(&of.reason);
        ensure!(!named, "--reason stands in the audit and must not name the subject");
        let config = of.at.read_config()?;
        let archive = of.at.open(&config).await?;
        let done = match &self.what {
            What::Export { of, to } => export(&archive, &subject, &of.reason, to).await,
            What::Erase { of, yes, json } => {
                let erasing = Erasing { reason: &of.reason, policy: &config.retention, yes: *yes };
                erasing.run(&archive, &subject, *json).await
            }
        };
        archive.close().await;
        done
    }
}

impl Of {
    fn subject(&self) -> anyhow::Result<Subject> {
        let subject = self.who.raw()?.parse();
        subject.map_err(|reason| anyhow!("{} [{}]", reason.vi(), reason.code()))
    }
}

/// Refuses a reason that names one of those whose papers or dossiers it is to stand with.
fn names_nobody<'a>(
    reason: &str,
    mut people: impl Iterator<Item = &'a Subject>,
) -> anyhow::Result<()> {
    let named = people.any(|person| person.is_named_in(reason));
    ensure!(!named, "--reason stands in the audit and must not name anybody");
    Ok(())
}

/// Whether a dossier names the subject beside its applicant.
fn names(dossier: &Dossier, subject: &Subject) -> bool {
    dossier.others.iter().any(|other| other.agrees(subject))
}

async fn export(
    archive: &Archive,
    subject: &Subject,
    reason: &str,
    to: &Path,
) -> anyhow::Result<Exit> {
    let records = &archive.records;
    let mut kept = records.ever_owned(subject.reveal_number()).await?;
    kept.retain(|record| record.is_of(subject));
    let dossiers = records.dossiers_with(subject).await?;
    let codes = dossiers.codes();
    if kept.is_empty() && codes.is_empty() {
        show::note("Không lưu gì của người này (hoặc số, họ tên, ngày sinh không khớp).");
        return Ok(Exit::Refused);
    }
    let owners = kept.iter().flat_map(|record| &record.owners).map(|owner| &owner.subject);
    let all = dossiers.own.iter().chain(&dossiers.naming);
    names_nobody(reason, owners.chain(all.flat_map(|dossier| dossier.people().all())))?;
    let doing = || format!("writing into {}", to.display());
    let made = std::fs::DirBuilder::new().mode(0o700).create(to);
    made.with_context(|| format!("making {}; it must not be there yet", to.display()))?;
    let ids: BTreeSet<RecordId> = kept.iter().map(|record| record.id).collect();
    let ids: Vec<RecordId> = ids.into_iter().collect();
    // Before anything is handed out, that it is.
    let why = (&operator(), reason);
    records.note_given(Act::Exported, (&ids, &codes), why, Timestamp::now()).await?;
    for record in &kept {
        let pdf = to.join(format!("{}-v{}.pdf", record.id, record.version));
        write_pdf(archive, record, &pdf).await?;
    }
    let mut accesses = Vec::new();
    let mut before = None;
    loop {
        let page = records.accesses((&ids, &codes), before, LINES).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.line.place);
        accesses.extend(page.into_iter().filter(|access| dossiers.tells(access)));
    }
    let looked: Vec<_> = accesses
        .iter()
        .map(|access| {
            let asked_by = access.lookup.as_ref().map(|lookup| &lookup.asked_by);
            json!({ "line": access.line, "principal": access.principal, "asked_by": asked_by })
        })
        .collect();
    // Of somebody else's dossier, that it is there and what it says of them.
    let told = |dossier: &Dossier, whose: &str| {
        json!({
            "code": dossier.code,
            "office": dossier.office,
            "procedure": dossier.procedure,
            "opened_at": dossier.opened_at.to_string(),
            "state": dossier.state,
            whose: dossier.people().all().find(|person| person.agrees(subject)),
        })
    };
    let own = dossiers.own.iter().map(|own| told(own, "subject"));
    let naming = dossiers.naming.iter().map(|naming| told(naming, "other"));
    let dossiers: Vec<_> = own.chain(naming).collect();
    let counts = (kept.len(), dossiers.len(), looked.len());
    write_json(&to.join("records.json"), &kept).with_context(doing)?;
    write_json(&to.join("dossiers.json"), &dossiers).with_context(doing)?;
    write_json(&to.join("accesses.json"), &looked).with_context(doing)?;
    show::out(&format!(
        "Đã trích xuất {} bản giấy tờ số hoá, {} hồ sơ, {} lượt sử dụng vào {}.",
        counts.0,
        counts.1,
        counts.2,
        to.display()
    ))?;
    Ok(Exit::Done)
}

async fn write_pdf(archive: &Archive, record: &Record, path: &Path) -> anyhow::Result<()> {
    let doing = || format!("writing {}", path.display());
    let (mut reader, _) = archive.blobs.reader(record.pdf).await.with_context(doing)?;
    let mut file = std::fs::File::create_new(path).with_context(doing)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match reader.read(&mut chunk).await.with_context(doing)? {
            0 => return Ok(file.sync_all()?),
            read => file.write_all(&chunk[..read]).with_context(doing)?,
        }
    }
}

fn write_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    Ok(std::fs::write(path, serde_json::to_vec_pretty(value)?)?)
}

/// How something is erased.
struct Erasing<'a> {
    reason: &'a str,
    policy: &'a RetentionConfig,
    yes: bool,
}

impl Erasing<'_> {
    async fn run(&self, archive: &Archive, subject: &Subject, json: bool) -> anyhow::Result<Exit> {
        let mut fates = Vec::new();
        let (day, now, by) = (today(), Timestamp::now(), operator());
        let mut dossiers = archive.records.dossiers_of(subject.reveal_number()).await?;
        dossiers.retain(|own| own.subject.agrees(subject));
        // With their dossier those go whom it names.
        names_nobody(self.reason, dossiers.iter().flat_map(|own| own.people().all()))?;
        for own in dossiers {
            let policy = |record: &Record| self.policy.lets_go(record, day);
            let why = (Ground::Request, self.reason);
            let done = archive.erase_dossier(own.id, why, policy, (self.yes, now), &by).await?;
            fates.push(Fate::new(own.code, done));
        }
        let naming = archive.records.dossiers_naming(subject.reveal_number()).await?;
        let naming = naming.into_iter().filter(|dossier| names(dossier, subject));
        let naming: BTreeSet<DossierCode> = naming.map(|dossier| dossier.code).collect();
        // Theirs as well, in the dossier of somebody else.
        let mut joint = archive.records.ever_owned(subject.reveal_number()).await?;
        joint.retain(|record| record.is_of(subject));
        let joint: BTreeSet<DossierCode> = joint.into_iter().map(|record| record.dossier).collect();
        let told = |code: &DossierCode| fates.iter().any(|fate: &Fate| fate.dossier == *code);
        let joint: Vec<DossierCode> = joint.into_iter().filter(|code| !told(code)).collect();
        let named: Vec<_> = naming.difference(&joint.iter().cloned().collect()).cloned().collect();
        fates.extend(joint.into_iter().map(|dossier| Fate::new(dossier, Err(Kept::Shared))));
        fates.extend(named.into_iter().map(|dossier| Fate::new(dossier, Err(Kept::Named))));
        let stays = fates.iter().any(|fate| fate.kept.is_some());
        if json {
            show::json(&json!({ "erased": self.yes, "dossiers": fates }))?;
        } else if fates.is_empty() {
            show::note(
                "Không lưu hồ sơ nào của người này (hoặc số, họ tên, ngày sinh không khớp).",
            );
        } else {
            fates.iter().try_for_each(|fate| fate.tell(self.yes))?;
            let erases = fates.iter().any(|fate| fate.erased.is_some());
            match (erases, self.yes) {
                (true, true) => {
                    show::note("Bản sao lưu cũ vẫn còn dữ liệu đã xoá cho tới khi được thay.");
                }
                (true, false) => show::note("Chưa xoá gì. Thêm --yes để xoá."),
                (false, _) => {}
            }
        }
        Ok(match (fates.is_empty(), stays) {
            (true, _) => Exit::Refused,
            (false, true) => Exit::Amiss,
            (false, false) => Exit::Done,
        })
    }
}
