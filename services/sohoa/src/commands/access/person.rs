//! `sohoa access person`: people who log in.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use archive::{Archive, NewPerson, NewPrincipal, Person};
use jiff::Timestamp;
use people::{GIVEN_DAYS, Login, MOST_GRANTS, is_login_name, login_digest, wait};
use schemas::access::{Grant, PrincipalKind, Role};
use schemas::ids::{OfficeCode, PrincipalId};
use schemas::subject::Name;
use serde_json::json;

use super::{granted, hand_over, told};
use crate::outside::operator;
use crate::{first, show};

#[derive(Debug, clap::Subcommand)]
pub(super) enum PersonWhat {
    /// Make a person, and print the password that they log in with the first time.
    Add {
        /// Login name: small letters, digits, `.`, `-`, `_` or `@`.
        name: String,
        /// Name as a person has it.
        #[arg(long, value_name = "NAME")]
        full_name: Option<Name>,
        #[command(flatten)]
        may: May,
        /// No password: whoever has that name in the office's directory logs in by it.
        #[arg(long, conflicts_with = "to")]
        directory: bool,
        /// Write the password into this file, for its owner alone, instead of printing it.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// List the people: what they may, and how they stand at the door.
    List,
    /// Say what a person may, in place of what they might; holds from their next request on.
    Grant {
        /// Login name.
        name: String,
        #[command(flatten)]
        may: May,
    },
    /// Give a person another password for the first time, and end their sessions.
    Password {
        /// Login name.
        name: String,
        /// Write it into this file, for its owner alone, instead of printing it.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Have a person log in by the office's directory alone, as whoever has their name there next,
    /// and end their sessions.
    Directory {
        /// Login name.
        name: String,
    },
    /// Let a person in no more, and end their sessions.
    Disable {
        /// Login name.
        name: String,
    },
    /// Let a person in again.
    Enable {
        /// Login name.
        name: String,
    },
    /// Take attempts to log in again, after too many that went wrong.
    Unlock {
        /// Login name.
        name: String,
    },
    /// Take a person's second factor away, and end their sessions: the telephone is lost.
    ForgetFactor {
        /// Login name.
        name: String,
    },
}

/// What somebody may, and where.
#[derive(Debug, clap::Args)]
pub(super) struct May {
    /// What they may: `officer`, `back_office`, `administrator`, `station`, `system`.
    #[arg(long = "role", required = true, value_name = "ROLE")]
    pub(super) roles: Vec<Role>,
    /// Where: this office and those below it. May be given more than once.
    #[arg(long = "office", value_name = "CODE", required_unless_present = "everywhere")]
    pub(super) offices: Vec<OfficeCode>,
    /// In every office.
    #[arg(long, conflicts_with = "offices")]
    pub(super) everywhere: bool,
}

impl May {
    /// Each role in each office.
    pub(super) fn grants(&self) -> Vec<Grant> {
        let offices: Vec<Option<OfficeCode>> = match self.everywhere {
            true => vec![None],
            false => self.offices.iter().cloned().map(Some).collect(),
        };
        let each = self.roles.iter().flat_map(|role| {
            offices.iter().map(|office| Grant { role: *role, office: office.clone() })
        });
        each.collect()
    }
}

impl PersonWhat {
    pub(super) async fn run(&self, archive: &Archive, as_json: bool) -> anyhow::Result<()> {
        let records = &archive.records;
        match self {
            Self::Add { name, full_name, may, directory, to } => {
                let name = Login::typed(name).0;
                ensure!(is_login_name(&name), "{}", schemas::code::Reason::PersonInvalid.vi());
                let grants = may.grants();
                ensure!(grants.len() <= MOST_GRANTS, "at most {MOST_GRANTS} roles and offices");
                let given = if *directory { None } else { Some(first::give_password().await?) };
                let (password, given) = given.unzip();
                let principal = NewPrincipal {
                    id: PrincipalId::random(),
                    kind: PrincipalKind::Person,
                    name,
                    grants,
                    made_by: operator(),
                };
                let new = NewPerson { principal, full_name: full_name.clone(), password: given };
                if !records.put_person(&new).await? {
                    bail!("tên này đã có (that name is taken)");
                }
                match password {
                    Some(password) => {
                        note_password(&new.principal.name);
                        hand_over(password.reveal(), to.as_ref())?;
                    }
                    None => show::note("Đã tạo; người này đăng nhập qua danh bạ."),
                }
            }
            Self::List => list(archive, as_json).await?,
            Self::Grant { name, may } => {
                let grants = may.grants();
                ensure!(grants.len() <= MOST_GRANTS, "at most {MOST_GRANTS} roles and offices");
                let id = named(archive, name).await?.principal.id;
                records.set_grants(id, &grants, &operator()).await?;
                show::note("Đã đổi quyền.");
            }
            Self::Password { name, to } => {
                let person = named(archive, name).await?.principal;
                let (password, (hash, until)) = first::give_password().await?;
                records.give_password(person.id, &hash, (until, &operator())).await?;
                note_password(&person.name);
                hand_over(password.reveal(), to.as_ref())?;
            }
            Self::Directory { name } => {
                let id = named(archive, name).await?.principal.id;
                archive.records.leave_to_directory(id, &operator()).await?;
                show::note("Từ nay người này chỉ đăng nhập qua danh bạ.");
            }
            Self::Disable { name } => lock(archive, name, true).await?,
            Self::Enable { name } => lock(archive, name, false).await?,
            Self::Unlock { name } => {
                let person = named(archive, name).await?.principal;
                records.forget_attempts(login_digest(&person.name)).await?;
                show::note("Đã mở khoá đăng nhập.");
            }
            Self::ForgetFactor { name } => {
                let id = named(archive, name).await?.principal.id;
                records.forget_factor(id, &operator()).await?;
                show::note("Đã bỏ lớp xác thực thứ hai.");
            }
        }
        Ok(())
    }
}

fn note_password(name: &str) {
    show::note(&format!("Mật khẩu lần đầu của {name}, dùng được {GIVEN_DAYS} ngày:"));
}

async fn named(archive: &Archive, name: &str) -> anyhow::Result<Person> {
    let person = archive.records.person_named(&Login::typed(name).0).await?;
    person.context("không có người dùng tên này")
}

async fn lock(archive: &Archive, name: &str, locked: bool) -> anyhow::Result<()> {
    let person = named(archive, name).await?.principal;
    let (now, by) = (Timestamp::now(), operator());
    archive.records.lock_principal(&person.name, locked, now, &by).await?;
    show::note(if locked {
        "Đã ngừng cho đăng nhập."
    } else {
        "Đã cho đăng nhập lại."
    });
    Ok(())
}

async fn list(archive: &Archive, as_json: bool) -> anyhow::Result<()> {
    let mut listed = Vec::new();
    for person in archive.records.persons().await? {
        let tried = archive.records.attempts(login_digest(&person.principal.name)).await?;
        let (attempts, until) = tried.unwrap_or_default();
        listed.push((person, attempts, until));
    }
    let now = Timestamp::now();
    if as_json {
        let listed: Vec<_> = listed
            .iter()
            .map(|(person, attempts, until)| {
                json!({
                    "id": person.principal.id,
                    "name": person.principal.name,
                    "full_name": person.full_name,
                    "grants": person.principal.grants,
                    "disabled": person.principal.locked,
                    "second_factor": person.factor.is_some(),
                    "password_given": person.given_until.is_some(),
                    "by_directory": person.password.is_none(),
                    "attempts": attempts,
                    "wait_until": (now < *until).then(|| until.to_string()),
                    "locked_out": wait(*attempts).is_none(),
                })
            })
            .collect();
        return show::json(&listed);
    }
    let mut table = show::table(&["Tên đăng nhập", "Họ tên", "Quyền", "Tình trạng"]);
    for (person, attempts, until) in listed {
        let mut state = vec![match () {
            () if person.principal.locked => "đã ngừng",
            () if wait(attempts).is_none() => "bị khoá vì sai quá nhiều lần",
            () if now < until => "đang phải đợi vì sai nhiều lần",
            () if person.password.is_none() => "đăng nhập qua danh bạ",
            () => "đăng nhập được",
        }];
        state.extend(person.given_until.map(|_| "chưa đổi mật khẩu được cấp"));
        state.extend(person.factor.as_ref().map(|_| "xác thực hai lớp"));
        table.add_row([
            person.principal.name,
            told(person.full_name.as_ref()),
            granted(&person.principal.grants),
            state.join(", "),
        ]);
    }
    show::out(&table.to_string())
}
