//! `sohoa keys`: the master key is changed.

use anyhow::Context;
use archive::Archive;

use crate::exit::Exit;
use crate::outside::At;
use crate::{outside, show};

/// Change the master key (khoá chính), under which the keys of papers are kept.
///
/// `rotate` wraps every key anew and touches no paper. On one machine it makes the new master key
/// itself; no server may be running there. In a cluster, name the new one as `keys.master_file`
/// and the one before in `keys.former_files`, restart every process, call this, and take the
/// former one out again. Then back up at once, for the copy of the keys from before is worth
/// nothing without the former master key, and destroy that: with it, whatever was erased is gone
/// from earlier copies of the keys and of the database, too.
///
/// Examples:
///
///   sohoa keys rotate --data ./sohoa-data
///   sohoa keys rotate --config /etc/sohoa.toml
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
}

impl KeysCommand {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let What::Rotate { at } = self.what;
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
}
