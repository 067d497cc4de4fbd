//! The first start of an office: the key and the person without whom nobody could do anything.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use access::MadeKey;
use anyhow::{Context, anyhow};
use archive::{Archive, ArchiveError, NewPerson, NewPrincipal};
use jiff::{SignedDuration, Timestamp};
use people::{GIVEN_DAYS, Passwords, given_password};
use schemas::access::{Grant, PrincipalKind, Role, Secret};
use schemas::audit::Actor;
use schemas::ids::{OfficeCode, PrincipalId};

use crate::show;

/// How long the first key lasts. An office's own machine must not stop at its counter because
/// a year is over; `sohoa access key rotate` ends them earlier.
const DAYS: i64 = 3650;

/// File of the key with which this machine's own commands work.
const LOCAL: &str = "key";

/// Login name of the first person, who says who may do what.
const ADMINISTRATOR: &str = "administrator";

/// File of the password that they log in with the first time.
const PASSWORD: &str = "administrator.password";

/// Makes this machine's key and the first administrator, where nobody is known yet, and writes key
/// and password into the data folder, for its owner alone.
pub(crate) async fn start(
    archive: &Archive,
    data: &Path,
    office: &OfficeCode,
) -> anyhow::Result<()> {
    if archive.records.has_principals().await? {
        return Ok(());
    }
    let master = Archive::own_master(data);
    if master.exists() {
        let file = master.display();
        show::note(&format!("Khoá chính: {file}. Mất nó là mất mọi giấy tờ: hãy giữ bản sao."));
    }
    let of = |role| Grant { role, office: Some(office.clone()) };
    let here =
        principal(PrincipalKind::System, "local", &[of(Role::Officer), of(Role::BackOffice)]);
    let key = make_key(Vec::new(), DAYS)?;
    let made = async { archive.records.put_principal(&here, Some(&key.kept)).await };
    hand_over(data, (LOCAL, "Khoá của máy này"), &key.shown.reveal(), made).await?;

    let everywhere = [Grant { role: Role::Administrator, office: None }];
    let (password, given) = give_password().await?;
    let administrator = NewPerson {
        principal: principal(PrincipalKind::Person, ADMINISTRATOR, &everywhere),
        full_name: None,
        password: Some(given),
    };
    let made = async { archive.records.put_person(&administrator).await };
    let what = "Mật khẩu lần đầu của administrator";
    hand_over(data, (PASSWORD, what), password.reveal(), made).await
}

fn principal(kind: PrincipalKind, name: &str, grants: &[Grant]) -> NewPrincipal {
    NewPrincipal {
        id: PrincipalId::random(),
        kind,
        name: name.to_owned(),
        grants: grants.to_vec(),
        made_by: Actor::Program,
    }
}

/// Writes a secret into a file, and makes what it opens.
async fn hand_over(
    data: &Path,
    (file, what): (&str, &str),
    secret: &str,
    made: impl Future<Output = Result<bool, ArchiveError>>,
) -> anyhow::Result<()> {
    // Written before it is good: a file with a secret that isn't is made again at the next start,
    // and a secret that nobody has would lock everyone out.
    let path = data.join(file);
    let beside = data.join(format!("{file}.new"));
    write(&beside, secret).with_context(|| format!("writing {}", beside.display()))?;
    if made.await? {
        std::fs::rename(&beside, &path).with_context(|| format!("writing {}", path.display()))?;
        show::note(&format!("{what}: {}", path.display()));
    } else {
        // Another process was first.
        std::fs::remove_file(&beside)?;
    }
    Ok(())
}

/// A password to be given to somebody, with its hash and until when it is good.
pub(crate) async fn give_password() -> anyhow::Result<(Secret, (Secret, Timestamp))> {
    let broken = |_| anyhow!("no random bytes");
    let password = given_password().map_err(broken)?;
    let hash = Passwords::new().map_err(broken)?.hash(&password).await.map_err(broken)?;
    let until = Timestamp::now() + SignedDuration::from_hours(24 * GIVEN_DAYS);
    Ok((password, (hash, until)))
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
