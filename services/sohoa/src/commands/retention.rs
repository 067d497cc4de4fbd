//! `sohoa retention`: which dossiers have been kept for as long as they had to be; they go.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use archive::{Archive, Ground};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use schemas::clock::today;
use schemas::ids::KindId;
use schemas::record::Record;
use serde_json::json;

use crate::config::RetentionConfig;
use crate::exit::Exit;
use crate::fate::Fate;
use crate::outside::{At, operator};
use crate::show;

/// Erase what has been kept for as long as the law has it kept (hết thời hạn bảo quản, Luật Lưu
/// trữ 33/2024/QH15).
///
/// [retention] in the configuration says how long, by kind of paper. A dossier goes as a whole,
/// once it is closed and the time of every paper in it is over, whoever's they are; one that holds
/// a paper whose kind isn't named there stays, and so does one without a digitised paper. What is
/// erased and what stays of it is as `sohoa subject erase` says.
///
/// Nobody but a person decides that: it only tells what it would do until it is given --yes, and
/// nothing calls it by itself. Works on the archive itself, beside a server that may be running;
/// what was cut off is gone on with by calling it again.
///
/// Examples:
///
///   sohoa retention --data ./sohoa-data --config /etc/sohoa.toml
///   sohoa retention --config /etc/sohoa.toml --reason 'Quyết định huỷ số 14/QĐ-UBND' --yes
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Retention {
    /// Erase, and not only tell what would be.
    #[arg(long, requires = "reason")]
    yes: bool,
    /// The decision to destroy, 5 to 500 characters. Stands in the audit, so it must not name
    /// anybody.
    #[arg(long)]
    reason: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

/// Dossiers read at a time.
const DOSSIERS: u32 = 200;

/// What was found, and what became of it.
#[derive(Default)]
struct Found {
    fates: Vec<Fate>,
    /// Dossiers that stay, for the time of a paper in them is not over.
    not_yet: u64,
    /// Dossiers that stay, by the kinds in them of which it isn't said how long.
    unsaid: BTreeMap<KindId, u64>,
}

impl Retention {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let reason = self.reason.as_deref().unwrap_or_default().trim();
        let length = reason.chars().count();
        ensure!(
            self.reason.is_none() || (5..=500).contains(&length),
            "--reason has 5 to 500 characters"
        );
        let config = self.at.read_config()?;
        let archive = self.at.open(&config).await?;
        let mut found = Found::default();
        let looked = self.look(&archive, &config.retention, reason, &mut found).await;
        archive.close().await;
        if self.json {
            show::json(&json!({
                "erased": self.yes,
                "dossiers": found.fates,
                "not_yet": found.not_yet,
                "unsaid": found.unsaid,
            }))?;
        } else {
            found.fates.iter().try_for_each(|fate| fate.tell(self.yes))?;
        }
        // What is gone is told, even where something stopped the rest.
        looked?;
        if !self.json {
            self.sum_up(&found);
        }
        let stays = found.fates.iter().any(|fate| fate.kept.is_some());
        Ok(if stays { Exit::Amiss } else { Exit::Done })
    }

    async fn look(
        &self,
        archive: &Archive,
        policy: &RetentionConfig,
        reason: &str,
        found: &mut Found,
    ) -> anyhow::Result<()> {
        let (day, now, by) = (today(), Timestamp::now(), operator());
        let goes = |record: &Record| policy.lets_go(record, day);
        // All are looked at before the first is erased, for whom the reason may name.
        let mut ends = Vec::new();
        let style = ProgressStyle::with_template("{spinner} {pos} hồ sơ đã xem, {msg}")?;
        let bar = ProgressBar::no_length().with_style(style);
        let mut after = None;
        loop {
            let ended = archive.records.ended_dossiers(after, DOSSIERS).await?;
            let Some((last, _)) = ended.last_key_value() else { break };
            after = Some(*last);
            for (id, records) in ended {
                bar.inc(1);
                if !records.iter().all(goes) {
                    found.keep(&records, policy);
                    continue;
                }
                let Some(dossier) = archive.records.dossier_by_id(id).await? else { continue };
                let owners = records.iter().flat_map(|record| &record.owners);
                let named = owners
                    .map(|owner| &owner.subject)
                    .chain(dossier.people().all())
                    .any(|subject| subject.is_named_in(reason));
                ensure!(!named, "--reason stands in the audit and must not name anybody");
                ends.push((id, dossier.code));
            }
        }
        for (id, code) in ends {
            let why = (Ground::Period, reason);
            let done = archive.erase_dossier(id, why, goes, (self.yes, now), &by).await?;
            found.fates.push(Fate::new(code, done));
            bar.set_message(format!("{} hồ sơ hết thời hạn lưu", found.fates.len()));
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn sum_up(&self, found: &Found) {
        for (kind, dossiers) in &found.unsaid {
            show::note(&format!(
                "{dossiers} hồ sơ giữ lại: [retention] chưa khai thời hạn lưu của {kind}."
            ));
        }
        if found.not_yet > 0 {
            show::note(&format!("{} hồ sơ chưa hết thời hạn lưu.", found.not_yet));
        }
        let erases = found.fates.iter().any(|fate| fate.erased.is_some());
        show::note(match (erases, self.yes) {
            (false, _) => "Không có hồ sơ nào được xoá vì hết thời hạn lưu.",
            (true, true) => "Bản sao lưu cũ vẫn còn dữ liệu đã xoá cho tới khi được thay.",
            (true, false) => "Chưa xoá gì. Thêm --yes và --reason (quyết định huỷ) để xoá.",
        });
    }
}

impl Found {
    /// A dossier that stays.
    fn keep(&mut self, records: &[Record], policy: &RetentionConfig) {
        let unsaid = records.iter().filter(|record| !policy.names(&record.kind));
        let unsaid: BTreeSet<&KindId> = unsaid.map(|record| &record.kind).collect();
        if unsaid.is_empty() {
            self.not_yet += 1;
        }
        for kind in unsaid {
            *self.unsaid.entry(kind.clone()).or_default() += 1;
        }
    }
}
