//! `sohoa backup`: adds the present moment to a backup, or looks whether a backup is whole.

use std::path::PathBuf;

use archive::{ArchiveError, BackedUp, BackupError, Progress, Step, Verified};
use indicatif::{ProgressBar, ProgressStyle};

use crate::exit::Exit;
use crate::outside::At;
use crate::show;

/// Back up everything into a folder, while work goes on (sao lưu).
///
/// The folder gets one more moment each time; scans and PDFs that it has already are not copied
/// again, and a backup that was cut off goes on where it stopped. Either form, embedded or
/// cluster, can be restored from it. It holds personal data: keep it as you keep the archive.
/// The configuration and its secrets are not in it, nor are the keys of papers (khoá của giấy tờ),
/// so that a paper whose key is erased is erased in every backup. Keys go into a file of their
/// own, which is written over each time: keep it elsewhere, the newest alone, and keep the master
/// key (`DIR/master.key` or `keys.master_file`). Without both no paper can be read again.
///
/// Examples:
///
///   sohoa backup /mnt/backup/sohoa --keys /mnt/keys/sohoa.keys --data ./sohoa-data
///   sohoa backup /mnt/backup/sohoa --keys /mnt/keys/sohoa.keys --config /etc/sohoa.toml
///   sohoa backup /mnt/backup/sohoa --verify
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Backup {
    /// Folder of the backup; begun when it is empty or not there.
    #[arg(value_name = "DIR")]
    target: PathBuf,
    /// File that the keys of papers are written into, over what was there; not in DIR.
    #[arg(long, value_name = "FILE", conflicts_with = "verify")]
    keys: Option<PathBuf>,
    /// Make no backup: read the newest one that is there, and name what is not as it was written.
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    at: At,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        if self.verify {
            return self.look().await;
        }
        let config = self.at.read_config()?;
        let archive = self.at.open(&config).await?;
        let bar = Bar::new();
        let done = archive
            .back_up(&self.target, self.keys.as_deref(), &|progress| bar.show(progress))
            .await;
        bar.end();
        archive.close().await;
        match done {
            Ok(done) => told(&done, self.json),
            Err(error) => refused(error),
        }
    }

    async fn look(&self) -> anyhow::Result<Exit> {
        let bar = Bar::new();
        let looked = archive::verify(&self.target, &|progress| bar.show(progress)).await;
        bar.end();
        match looked {
            Ok(verified) => looked_at(&verified, self.json),
            Err(error) => refused(error),
        }
    }
}

fn told(done: &BackedUp, json: bool) -> anyhow::Result<Exit> {
    if json {
        show::json(done)?;
    } else {
        for key in &done.missing {
            show::out(&format!("[blob.missing] {key} Kho không còn tệp này; không sao lưu được."))?;
        }
        for key in &done.damaged {
            show::out(&format!("[blob.damaged] {key} Tệp trong kho bị hỏng; không sao lưu được."))?;
        }
        show::out(&format!(
            "Đã sao lưu lần {}: {} dòng dữ liệu, {} tệp (chép mới {} tệp, {} MB), thiếu {}.",
            done.moment,
            done.rows,
            done.blobs,
            done.copied,
            megabytes(done.copied_bytes),
            done.missing.len() + done.damaged.len()
        ))?;
        if done.keys > 0 {
            show::note(&format!(
                "Đã ghi {} khoá của giấy tờ ra tệp riêng. Khôi phục cần cả tệp đó và khoá chính: hãy \
                 giữ mỗi thứ ở một nơi khác bản sao lưu, và chỉ giữ tệp khoá mới nhất.",
                done.keys
            ));
        }
    }
    let whole = done.missing.is_empty() && done.damaged.is_empty();
    if !whole {
        show::note("Hãy chạy `sohoa check` để biết các tệp thiếu thuộc hồ sơ nào.");
    }
    Ok(if whole { Exit::Done } else { Exit::Amiss })
}

fn looked_at(verified: &Verified, json: bool) -> anyhow::Result<Exit> {
    if json {
        show::json(verified)?;
    } else {
        for file in &verified.damaged_files {
            show::out(&format!(
                "[backup.file_damaged] {file} Tệp dữ liệu của bản sao lưu bị hỏng."
            ))?;
        }
        for key in &verified.missing {
            show::out(&format!(
                "[blob.missing] {key} Bản sao lưu thiếu tệp này; hãy sao lưu lại."
            ))?;
        }
        for key in &verified.damaged {
            show::out(&format!(
                "[blob.damaged] {key} Tệp trong bản sao lưu bị hỏng; hãy xoá tệp đó rồi sao lưu lại."
            ))?;
        }
        for key in &verified.lacking {
            show::out(&format!("[blob.lacking] {key} Kho đã mất tệp này từ trước khi sao lưu."))?;
        }
        show::out(&format!(
            "Bản sao lưu lần {} ({}): {} dòng dữ liệu, {} tệp: {}.",
            verified.moment,
            verified.at,
            verified.rows,
            verified.blobs,
            if verified.is_whole() { "nguyên vẹn" } else { "có sai lệch" }
        ))?;
    }
    Ok(if verified.is_whole() { Exit::Done } else { Exit::Amiss })
}

/// Tells why a backup was not made or not used; what is no refusal fails as any error does.
pub(super) fn refused(error: BackupError) -> anyhow::Result<Exit> {
    let text = match &error {
        BackupError::NotABackup(dir) => {
            format!(
                "{}: không phải bản sao lưu (không có thư mục này, hoặc trong đó có thứ khác).",
                dir.display()
            )
        }
        BackupError::OtherArchive(dir) => {
            format!("{}: là bản sao lưu của kho khác; hãy chọn thư mục khác.", dir.display())
        }
        BackupError::Unfinished(dir) => {
            format!("{}: chưa có lần sao lưu nào hoàn tất.", dir.display())
        }
        BackupError::Newer => {
            "Bản sao lưu do phiên bản mới hơn ghi; hãy dùng phiên bản đó.".to_owned()
        }
        BackupError::NotEmpty => {
            "Nơi khôi phục đã có dữ liệu; chỉ khôi phục vào nơi trống.".to_owned()
        }
        BackupError::Damaged(file) => {
            format!("Bản sao lưu bị hỏng: {file}. Không khôi phục gì.")
        }
        BackupError::KeysNowhere => {
            "Giấy tờ được mã hoá: hãy cho biết tệp khoá bằng --keys FILE, ở \
                                     nơi khác bản sao lưu."
                .to_owned()
        }
        BackupError::KeysInside(file) => {
            format!("{}: tệp khoá không được nằm trong bản sao lưu.", file.display())
        }
        BackupError::Archive(ArchiveError::OtherMaster) => {
            "Khoá chính không mở được tệp khoá: hãy đặt đúng khoá chính (master.key trong thư mục \
             dữ liệu, hoặc keys.master_file) rồi khôi phục lại."
                .to_owned()
        }
        BackupError::Archive(_) => return Err(error.into()),
    };
    show::note(&text);
    Ok(Exit::Refused)
}

/// How far it is, on a terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(super) fn show(&self, progress: Progress) {
        self.0.set_message(match progress.step {
            Step::Rows => "dữ liệu",
            Step::Blobs => "tệp",
        });
        self.0.set_length(progress.all);
        self.0.set_position(progress.done);
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}
