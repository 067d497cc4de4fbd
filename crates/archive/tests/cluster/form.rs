//! The cluster form: a database of the test's own on a real PostgreSQL.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use archive::{Archive, Place};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};
use tempfile::TempDir;
use tokio::sync::OnceCell;

pub(crate) struct Form {
    dir: TempDir,
    base: String,
    database: String,
}

impl Form {
    /// A database of its own, with the present schema.
    pub(crate) async fn new() -> Self {
        // Bringing one up to date takes longer than copying one that is.
        static MODEL: OnceCell<String> = OnceCell::const_new();
        let model = MODEL.get_or_init(|| async {
            forget_the_dead().await;
            let form = Self::copy(server(), "template0").await;
            Archive::migrate(&form.place()).await.unwrap();
            std::mem::ManuallyDrop::new(form).database.clone()
        });
        Self::copy(server(), model.await).await
    }

    /// A database of its own on that server, with what is in the other.
    pub(crate) async fn copy(base: &str, model: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let database = format!("test_{}_{nth}", std::process::id());
        say(base, format!("create database {database} template {model}")).await;
        let base = base.to_owned();
        // Nothing in the folder has to outlive the machine.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self { dir, base, database }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    pub(crate) fn url(&self) -> String {
        let (server, _) = self.base.rsplit_once('/').unwrap();
        format!("{server}/{}", self.database)
    }

    /// Where a process of its own works: the database shared, the folder not.
    pub(crate) fn place(&self) -> Place {
        let database = Some(self.url().parse().unwrap());
        Place { database, ..crate::bed::at(self.dir()) }
    }

    /// The place's name, for another process.
    pub(crate) fn name(&self) -> OsString {
        format!("{}\n{}", self.url(), self.dir().display()).into()
    }

    /// The place that was so named.
    pub(crate) fn named(name: &OsStr) -> Place {
        let (url, dir) = name.to_str().unwrap().split_once('\n').unwrap();
        Place { database: Some(url.parse().unwrap()), ..crate::bed::at(dir) }
    }

    /// A connection of one's own to the database, which breaks what it likes.
    pub(crate) async fn tool(&self) -> AnyConnection {
        let mut tool = connect(&self.url()).await;
        tool.execute("set session_replication_role = replica").await.unwrap();
        tool
    }

    /// Nobody is heard of any more.
    pub(crate) async fn leases_run_out(&self) {
        let over = "update job set due_at = 0 where lease is not null";
        self.tool().await.execute(over).await.unwrap();
    }
}

impl Drop for Form {
    fn drop(&mut self) {
        let (base, database) = (self.base.clone(), self.database.clone());
        // In a thread of its own, which nobody waits for: connections that the test has open end
        // only when its thread goes on. What isn't dropped in time the next run drops.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let drop = AssertSqlSafe(format!("drop database {database} with (force)"));
                if let Ok(mut tool) = AnyConnection::connect(&base).await {
                    _ = tool.execute(drop).await.is_ok();
                }
            });
        });
    }
}

/// The server of the tests, started when it doesn't run: its URL.
pub(crate) fn server() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| script("start", "postgres"))
}

/// What is tested here must survive the death of processes, not of the machine, so the servers of
/// the tests need not wait for the disk.
pub(crate) async fn without_waiting_for_the_disk(base: &str) -> AnyConnection {
    let mut tool = connect(base).await;
    for sql in ["alter system set fsync = off", "alter system set full_page_writes = off"] {
        tool.execute(sql).await.unwrap();
    }
    tool.execute("select pg_reload_conf() is null").await.unwrap();
    tool
}

/// Drops what test runs that were killed left behind.
async fn forget_the_dead() {
    let mut tool = without_waiting_for_the_disk(server()).await;
    let all = "select cast(datname as text) as name from pg_database where datname like 'test_%'";
    for row in sqlx::query(all).fetch_all(&mut tool).await.unwrap() {
        let name: String = row.get("name");
        let process = name.split('_').nth(1).unwrap_or_default().to_owned();
        if !Path::new("/proc").join(process).exists() {
            let drop = format!("drop database if exists {name} with (force)");
            _ = tool.execute(AssertSqlSafe(drop)).await.is_ok();
        }
    }
}

/// Where a private server has its data.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/cluster").join(name)
}

/// Runs the script of the private PostgreSQL; answers with what it says.
pub(crate) fn script(action: &str, name: &str) -> String {
    run("postgres", action, name)
}

/// The part of the cluster of that name, started when it doesn't run: its URL.
pub(crate) fn part(name: &str) -> String {
    run(name, "start", name)
}

fn run(part: &str, action: &str, name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let ran = Command::new(root.join(format!("deploy/cluster/{part}.sh")))
        .args([Path::new(action), &folder(name)])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

/// A server of the test's own; gone with it.
pub(crate) struct Server {
    name: String,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(name: &str) -> Self {
        let name = format!("{name}-{}", std::process::id());
        let url = script("start", &name);
        Self { name, url }
    }

    /// Where its data are.
    pub(crate) fn data(&self) -> PathBuf {
        folder(&self.name).join("data")
    }

    /// Stops it as a crash does: nobody is asked to finish, nothing is written that wasn't.
    pub(crate) fn crash(&self) {
        let pid = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap();
        // PostgreSQL's word for "immediately".
        assert!(Command::new("kill").args(["-QUIT", pid]).status().unwrap().success());
        while Path::new("/proc").join(pid).exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    pub(crate) fn start_again(&self) {
        assert_eq!(script("start", &self.name), self.url);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        script("stop", &self.name);
        _ = std::fs::remove_dir_all(folder(&self.name)).is_ok();
    }
}

pub(crate) async fn connect(url: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(url).await.unwrap()
}

async fn say(url: &str, sql: String) {
    let mut tool = connect(url).await;
    tool.execute(AssertSqlSafe(sql)).await.unwrap();
    tool.close().await.unwrap();
}
