//! `sohoa keys`: the master key is changed, and what is plain is encrypted.

use anyhow::Context;
use archive::{Archive, Encrypted};
use indicatif::{ProgressBar, ProgressStyle};

use crate::exit::Exit;
use crate::outside::At;
use crate::{outside, show};

/// Change the master key (khoá chính), under which the keys of papers are kept; encrypt what came
/// before there was one.
///
/// `rotate` wraps every key anew and touches no paper. On one machine it makes the new master key
/// itself; no server may be running there. In a cluster, keep this order. Name the new one as
/// `keys.master_file` and the one before in `keys.former_files`, for every process and command, and
/// restart every process, all of this version: until `rotate` is called, keys come under the one
/// before, which everybody has. Call it. Take the former one out again, and restart once more.
///
/// From the moment when it is called, whatever lacks the new master key keeps nothing any more (a
/// process that was left out, a command that began before): a scan is refused and can be sent
/// again, a command ends and is called again. Such a process reads what isn't wrapped anew yet, and
/// doesn't start again. Cut off, `rotate` is called again; only when it says that it is done is
/// nothing left under the former one.
///
/// Then back up at once, for the copy of the keys from before is worth nothing without the former
/// master key, and destroy that: with it, whatever was erased is gone from earlier copies of the
/// keys and of the database, too.
///
/// `encrypt` encrypts every scan, page image and PDF that was kept before there was a master key,
/// each with a key of its own, while work goes on; cut off, it is called again. First give every
/// process the master key. Back up afterwards, into the folder of before: what lies plain there is
/// encrypted, too. Other copies stay plain, and so do earlier versions that a store keeps.
///
/// Examples:
///
///   sohoa keys rotate --data ./sohoa-data
///   sohoa keys rotate --config /etc/sohoa.toml
///   sohoa keys encrypt --config /etc/sohoa.toml --count
///   sohoa keys encrypt --config /etc/sohoa.toml
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct KeysCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Wrap every key under the new master key.
    Rotate {
        #[command(flatten)]
        at: At,
    },
    /// Encrypt what is plain.
    Encrypt {
        /// Only tell how many are plain.
        #[arg(long)]
        count: bool,
        #[command(flatten)]
        at: At,
    },
}

impl KeysCommand {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        match self.what {
            What::Rotate { at } => rotate(&at).await,
            What::Encrypt { count, at } => encrypt(&at, count).await,
        }
    }
}

async fn rotate(at: &At) -> anyhow::Result<Exit> {
    let config = at.read_config()?;
    at.must_be_there(&config)?;
    let place = outside::place(&at.data, &config)?;
    let wrapped = if Archive::has_own_master(&place) {
        let changed = Archive::change_master(&place).await;
        changed.with_context(|| format!("changing the master key in {}", at.data.display()))?
    } else {
        let archive = at.open(&config).await?;
        let wrapped = archive.rewrap_keys().await;
        archive.close().await;
        wrapped.context("wrapping keys anew")?
    };
    show::out(&format!("Đã chuyển {wrapped} khoá sang khoá chính mới."))?;
    show::note("Hãy cất một bản khoá chính mới ở nơi khác, sao lưu lại ngay, rồi huỷ khoá cũ.");
    Ok(Exit::Done)
}

async fn encrypt(at: &At, count: bool) -> anyhow::Result<Exit> {
    let config = at.read_config()?;
    let archive = at.open(&config).await?;
    let style = ProgressStyle::with_template("{spinner} {pos} tệp đã xem, {msg}")?;
    let bar = ProgressBar::no_length().with_style(style);
    let tell = |so_far: &Encrypted| {
        bar.set_position(so_far.seen);
        bar.set_message(format!("đã mã hoá {}", so_far.encrypted));
    };
    let done = archive.encrypt_plain(!count, &tell).await;
    archive.close().await;
    bar.finish_and_clear();
    let done = done.context("encrypting what is plain")?;
    if count {
        show::out(&format!("Đã xem {} tệp: {} chưa mã hoá.", done.seen, done.plain))?;
        return Ok(Exit::Done);
    }
    show::out(&format!("Đã xem {} tệp, mã hoá {}.", done.seen, done.encrypted))?;
    if done.plain > 0 || done.missing > 0 {
        show::note(&format!(
            "Chưa mã hoá: {} tệp bị hỏng, {} tệp bị mất; `sohoa check` nêu tên.",
            done.plain, done.missing
        ));
        return Ok(Exit::Amiss);
    }
    if done.encrypted > 0 {
        show::note("Hãy sao lưu lại ngay, rồi huỷ các bản sao cũ còn giữ tệp chưa mã hoá.");
    }
    Ok(Exit::Done)
}
