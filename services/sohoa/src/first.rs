//! The first start of an office: the keys without which nobody could do anything.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use access::MadeKey;
use anyhow::{Context, anyhow};
use archive::{Archive, NewPrincipal};
use jiff::{SignedDuration, Timestamp};
use schemas::access::{Grant, PrincipalKind, Role};
use schemas::ids::{OfficeCode, PrincipalId};

use crate::show;

/// How long the first keys last. An office's own machine must not stop at its counter because
/// a year is over; `sohoa access key rotate` ends them earlier.
const DAYS: i64 = 3650;

/// File of the key with which this machine's own commands work.
const LOCAL: &str = "key";

/// File of the key of whoever says who may do what.
const ADMINISTRATOR: &str = "administrator.key";

/// Makes the first keys, where nobody is known yet, and writes them into the data folder, for
/// its owner alone.
pub(crate) async fn start(
    archive: &Archive,
    data: &Path,
    office: &OfficeCode,
) -> anyhow::Result<()> {
    if archive.records.has_principals().await? {
        return Ok(());
    }
    let of = |role| Grant { role, office: Some(office.clone()) };
    let here = [of(Role::Officer), of(Role::BackOffice)];
    let all = [Grant { role: Role::Administrator, office: None }];
    make(archive, data, (LOCAL, "local"), &here).await?;
    make(archive, data, (ADMINISTRATOR, "administrator"), &all).await
}

async fn make(
    archive: &Archive,
    data: &Path,
    (file, name): (&str, &str),
    grants: &[Grant],
) -> anyhow::Result<()> {
    let new = NewPrincipal {
        id: PrincipalId::random(),
        kind: PrincipalKind::System,
        name: name.to_owned(),
        grants: grants.to_vec(),
        made_by: "first start".to_owned(),
    };
    let key = make_key(Vec::new(), DAYS)?;
    // Written before it is good: a file with a key that isn't is made again at the next start,
    // and a key that nobody has would lock everyone out.
    let path = data.join(file);
    let beside = data.join(format!("{file}.new"));
    write(&beside, &key.shown.reveal()).with_context(|| format!("writing {}", beside.display()))?;
    if archive.records.put_principal(&new, Some(&key.kept)).await? {
        std::fs::rename(&beside, &path).with_context(|| format!("writing {}", path.display()))?;
        show::note(&format!("Khoá {name}: {}", path.display()));
    } else {
        // Another process was first.
        std::fs::remove_file(&beside)?;
    }
    Ok(())
}

/// Makes a key that lasts so many days.
pub(crate) fn make_key(
    only: Vec<schemas::access::Permission>,
    days: i64,
) -> anyhow::Result<MadeKey> {
    let lasts = SignedDuration::from_hours(24 * days);
    MadeKey::make(only, Timestamp::now() + lasts).map_err(|_| anyhow!("no random bytes"))
}

/// Writes a secret of one line for the owner of the file alone.
pub(crate) fn write(path: &Path, secret: &str) -> std::io::Result<()> {
    write_secret(path, format!("{secret}\n").as_bytes())
}

/// Writes a secret for the owner of the file alone.
pub(crate) fn write_secret(path: &Path, secret: &[u8]) -> std::io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // One that was there may have been readable by others.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    file.write_all(secret)?;
    file.sync_all()
}
