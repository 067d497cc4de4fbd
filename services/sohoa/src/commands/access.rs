//! `sohoa access`: who may do what.

mod person;

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use archive::{Archive, NewPrincipal};
use jiff::{SignedDuration, Timestamp};
use schemas::access::{Grant, Permission, PrincipalKind, Role};
use schemas::ids::{KeyId, OfficeCode, PrincipalId};
use schemas::subject::Name;
use serde_json::json;

use self::person::{May, PersonWhat};
use crate::exit::Exit;
use crate::outside::{At, operator};
use crate::{first, show};

/// Say who may do what: people who log in (người dùng), and keys (khoá truy cập) of stations and
/// systems.
///
/// Works on the archive itself, beside a server that may be running; what it changes holds from
/// the next request on. A key is shown once, when it is made, and so is the password that a person
/// logs in with the first time.
///
/// Examples:
///
///   sohoa access person add can-bo-3 --full-name 'Nguyễn Văn Mẫu' --role officer --office H26.01
///   sohoa access person list
///   sohoa access person password can-bo-3
///   sohoa access person unlock can-bo-3
///   sohoa access key new quay-3 --role station --office H26.01.02
///   sohoa access key new mot-cua --role officer --role back_office --office H26.01
///   sohoa access key list
///   sohoa access key rotate 0193a3f2-… --grace-hours 24
///   sohoa access key revoke 0193a3f2-…
///   sohoa access lock quay-3
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::doc_markdown, reason = "examples stand as they are typed")]
pub(crate) struct Access {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    at: At,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// People who log in.
    #[command(subcommand)]
    Person(PersonWhat),
    /// Keys of stations and systems.
    #[command(subcommand)]
    Key(KeyWhat),
    /// Take nothing more of a holder, whatever key is shown.
    Lock {
        /// Its name.
        name: String,
    },
    /// Take it again.
    Unlock {
        /// Its name.
        name: String,
    },
}

#[derive(Debug, clap::Subcommand)]
enum KeyWhat {
    /// Make a holder with a key, and print the key.
    New(New),
    /// List keys; never their secrets.
    List,
    /// Make another key for the same holder, and have the old one end.
    Rotate {
        /// The old key.
        id: KeyId,
        /// How long the old key is still good, in hours.
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..=720))]
        grace_hours: i64,
        /// How long the new key lasts, in days.
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(i64).range(1..=3650))]
        days: i64,
        /// Write the new key into this file, for its owner alone, instead of printing it.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Take a key back at once.
    Revoke {
        /// The key.
        id: KeyId,
    },
}

#[derive(Debug, clap::Args)]
struct New {
    /// Name of the holder, which no other has.
    name: String,
    #[command(flatten)]
    may: May,
    /// Nothing but this of what the roles may: `open`, `scan`, `correct`, `look_up`, …
    #[arg(long = "only", value_name = "PERMISSION")]
    only: Vec<Permission>,
    /// How long it lasts, in days.
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(i64).range(0..=3650))]
    days: i64,
    /// Write the key into this file, for its owner alone, instead of printing it.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// Longest name of a holder, in characters.
const LONGEST_NAME: usize = 200;

impl Access {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let config = self.at.read_config()?;
        let archive = self.at.open(&config).await?;
        match &self.what {
            What::Person(what) => what.run(&archive, self.json).await?,
            What::Key(KeyWhat::New(new)) => new_key(&archive, new).await?,
            What::Key(KeyWhat::List) => list(&archive, self.json).await?,
            What::Key(KeyWhat::Rotate { id, grace_hours, days, to }) => {
                let keys = archive.records.keys().await?;
                let old =
                    keys.into_iter().find(|key| key.id == *id).context("không có khoá này")?;
                ensure!(!old.revoked, "khoá này đã bị thu hồi");
                let made = first::make_key(old.only, *days)?;
                archive.records.put_key(old.holder.id, &made.kept, &operator()).await?;
                let end = Timestamp::now() + SignedDuration::from_hours(*grace_hours);
                archive.records.end_key(*id, end, &operator()).await?;
                hand_over(&made.shown.reveal(), to.as_ref())?;
            }
            What::Key(KeyWhat::Revoke { id }) => {
                let done = archive.records.revoke_key(*id, Timestamp::now(), &operator()).await?;
                ensure!(done, "không có khoá này, hoặc đã bị thu hồi");
                show::note("Đã thu hồi.");
            }
            What::Lock { name } => lock(&archive, name, true).await?,
            What::Unlock { name } => lock(&archive, name, false).await?,
        }
        archive.close().await;
        Ok(Exit::Done)
    }
}

async fn lock(archive: &Archive, name: &str, locked: bool) -> anyhow::Result<()> {
    let done = archive.records.lock_principal(name, locked, Timestamp::now(), &operator()).await?;
    ensure!(done, "không có ai tên này");
    show::note(if locked { "Đã khoá." } else { "Đã mở khoá." });
    Ok(())
}

async fn new_key(archive: &Archive, new: &New) -> anyhow::Result<()> {
    let length = new.name.trim().chars().count();
    ensure!((1..=LONGEST_NAME).contains(&length), "a name has 1 to {LONGEST_NAME} characters");
    let is_station = new.may.roles.iter().all(|role| *role == Role::Station);
    let holder = NewPrincipal {
        id: PrincipalId::random(),
        kind: if is_station { PrincipalKind::Station } else { PrincipalKind::System },
        name: new.name.trim().to_owned(),
        grants: new.may.grants(),
        made_by: operator(),
    };
    let made = first::make_key(new.only.clone(), new.days)?;
    if !archive.records.put_principal(&holder, Some(&made.kept)).await? {
        bail!("tên này đã có; hãy dùng `sohoa access key rotate` (that name is taken)");
    }
    show::note(&format!("Khoá {} của {}", made.kept.id, holder.name));
    hand_over(&made.shown.reveal(), new.to.as_ref())
}

/// Shows a secret, this once.
fn hand_over(key: &str, to: Option<&PathBuf>) -> anyhow::Result<()> {
    match to {
        None => show::out(key),
        Some(path) => {
            first::write(path, key).with_context(|| format!("writing {}", path.display()))
        }
    }
}

async fn list(archive: &Archive, as_json: bool) -> anyhow::Result<()> {
    let keys = archive.records.keys().await?;
    let now = Timestamp::now();
    if as_json {
        let keys: Vec<_> = keys
            .iter()
            .map(|key| {
                json!({
                    "id": key.id,
                    "holder": key.holder.name,
                    "kind": key.holder.kind,
                    "grants": key.holder.grants,
                    "only": key.only,
                    "made_at": key.made_at.to_string(),
                    "expires_at": key.expires_at.to_string(),
                    "good": !key.revoked && !key.holder.locked && now < key.expires_at,
                })
            })
            .collect();
        return show::json(&keys);
    }
    for key in keys {
        let state = match () {
            () if key.revoked => "đã thu hồi",
            () if key.holder.locked => "đã khoá",
            () if key.expires_at <= now => "hết hạn",
            () => "còn hiệu lực",
        };
        let until = schemas::clock::day_of(key.expires_at);
        show::out(&format!(
            "{}  {}  {}  {state}, đến {until}",
            key.id,
            key.holder.name,
            granted(&key.holder.grants)
        ))?;
    }
    Ok(())
}

/// Grants in a line.
fn granted(grants: &[Grant]) -> String {
    let each = grants.iter().map(|grant| {
        let office = grant.office.as_ref().map_or("*", OfficeCode::as_str);
        format!("{}@{office}", grant.role.as_str())
    });
    each.collect::<Vec<_>>().join(" ")
}

/// A person's name for the terminal of whoever administers.
fn told(name: Option<&Name>) -> String {
    name.map_or_else(String::new, |name| name.reveal().to_owned())
}
