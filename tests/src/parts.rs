//! What a cluster stands on, private and on loopback: PostgreSQL, RabbitMQ and an S3 store, started
//! by the scripts of `deploy/cluster`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The three of them, by the folder that they live in.
pub struct Parts {
    dir: PathBuf,
    /// URL of PostgreSQL, whose path is the database.
    pub(crate) postgres: String,
    /// URL of RabbitMQ's first node, whose path is the virtual host.
    pub(crate) rabbitmq: String,
    /// How many nodes RabbitMQ has.
    pub(crate) nodes: u16,
    /// Where the store answers.
    pub(crate) store: SocketAddr,
    /// Whether there is a model of databases.
    model: OnceLock<()>,
}

/// A database that is up to date and empty: to copy it is quicker than to bring another there.
const MODEL: &str = "model";

impl Parts {
    /// Those that tests share; RabbitMQ has one node. They outlive the tests, and whoever ran
    /// these stops them.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Parts> = OnceLock::new();
        SHARED.get_or_init(|| Self::start("stage", 0, 1))
    }

    /// Starts those of `target/NAME` where they aren't up yet.
    pub fn start(name: &str, nth: u16, nodes: u16) -> Self {
        // Two copies of this source on one machine are to get along with each other.
        let root = root();
        let here = root.as_os_str().as_encoded_bytes().iter();
        let here = here.fold(0_u16, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        let first = 12_000 + 20 * (here % 200) + 8000 * nth;
        let mut parts = Self {
            dir: root.join("target").join(name),
            postgres: String::new(),
            rabbitmq: String::new(),
            nodes,
            store: SocketAddr::from(([127, 0, 0, 1], first + 10)),
            model: OnceLock::new(),
        };
        parts.postgres = parts.run("postgres", "start", &[&(first + 9).to_string()]);
        let (port, nodes) = (first.to_string(), nodes.to_string());
        parts.rabbitmq = parts.run("rabbitmq", "start", &[&port, &nodes]);
        parts.run("seaweedfs", "start", &[&parts.store.port().to_string()]);
        parts.forget();
        parts
    }

    /// Stops all of them; what they hold stays.
    pub fn stop(&self) {
        let port = self.store.port().to_string();
        self.run("seaweedfs", "stop", &[&port]);
        self.run("rabbitmq", "stop", &[]);
        self.run("postgres", "stop", &[]);
    }

    /// What earlier runs left in the broker goes.
    fn forget(&self) {
        let ctl = |words: &[&str]| self.run("rabbitmq", "ctl", &[&["1", "-q"], words].concat());
        if ctl(&["list_vhosts"]).lines().any(|name| name == VHOST) {
            ctl(&["delete_vhost", VHOST]);
        }
        ctl(&["add_vhost", VHOST]);
        ctl(&["set_permissions", "-p", VHOST, "sohoa", ".*", ".*", ".*"]);
    }

    /// Has RabbitMQ copy everything that is published and delivered.
    pub(crate) fn trace(&self) {
        self.run("rabbitmq", "ctl", &["1", "-q", "trace_on", "-p", VHOST]);
    }

    /// Queues, exchanges and what binds them, by their names.
    pub(crate) fn names(&self) -> String {
        let list = |what: &str| self.run("rabbitmq", "ctl", &["1", "-q", what, "-p", VHOST]);
        ["list_queues", "list_exchanges", "list_bindings"].map(list).concat()
    }

    /// Creates a database; says whether it is up to date.
    pub(crate) fn create(&self, database: &str) -> bool {
        let is_there = self.model.get().is_some();
        let model = if is_there { MODEL } else { "template0" };
        self.sql("postgres", &format!("create database {database} template {model}"));
        is_there
    }

    /// Has later databases be as that one is now, which nobody works with yet.
    pub(crate) fn take_for_model(&self, database: &str) {
        self.model.get_or_init(|| {
            self.sql("postgres", &format!("drop database if exists {MODEL} with (force)"));
            self.sql("postgres", &format!("create database {MODEL} template {database}"));
        });
    }

    /// Runs something in a database; answers with its rows.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let output = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set", "ON_ERROR_STOP=1", "--command", sql])
            .arg(self.database(database))
            .output()
            .unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a file of statements in a database, which nothing holds against each other.
    pub(crate) fn sql_of(&self, database: &str, statements: &Path) {
        let output = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"])
            .args(["--command", "set session_replication_role = replica", "--file"])
            .arg(statements)
            .arg(self.database(database))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The URL of a database.
    pub(crate) fn database(&self, name: &str) -> String {
        let (server, _) = self.postgres.rsplit_once('/').unwrap();
        format!("{server}/{name}")
    }

    /// The URL of the tests' virtual host.
    pub(crate) fn broker(&self) -> String {
        self.rabbitmq.replace("/%2f", &format!("/{VHOST}"))
    }

    /// Where RabbitMQ's node listens, from 1.
    pub(crate) fn node(&self, nth: u16) -> SocketAddr {
        let mut first = address(&self.rabbitmq);
        first.set_port(first.port() + nth - 1);
        first
    }

    /// Kills a node of RabbitMQ as a power cut would.
    pub(crate) fn kill_node(&self, nth: u16) {
        self.run("rabbitmq", "kill-node", &[&nth.to_string()]);
    }

    /// Starts a node again and waits until it answers.
    pub(crate) fn start_node(&self, nth: u16) {
        self.run("rabbitmq", "start-node", &[&nth.to_string()]);
    }

    /// Starts every node again: those of a cluster may wait for each other.
    pub(crate) fn start_nodes(&self) {
        self.run("rabbitmq", "start", &[]);
    }

    /// Stops PostgreSQL as a crash does: nobody is asked to finish, nothing is written that wasn't.
    pub(crate) fn crash_postgres(&self) {
        let pid = self.dir.join("postgres/data/postmaster.pid");
        let pid = std::fs::read_to_string(pid).unwrap();
        let pid = pid.lines().next().unwrap();
        // What `pg_ctl stop -m immediate` sends.
        assert!(Command::new("kill").args(["-QUIT", pid]).status().unwrap().success());
        while Path::new("/proc").join(pid).exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    pub(crate) fn start_postgres(&self) {
        self.run("postgres", "start", &[]);
    }

    fn run(&self, part: &str, action: &str, words: &[&str]) -> String {
        run(&self.dir, part, action, words)
    }
}

/// RabbitMQ alone, the one of the archive's tests, started where it isn't up yet: its URL.
pub(crate) fn rabbitmq() -> String {
    // The port that they find it on.
    let here = blake3::hash(root().as_os_str().as_encoded_bytes()).as_bytes()[0];
    let port = 25_600 + 2 * (u16::from(here) % 24);
    run(&root().join("target/cluster"), "rabbitmq", "start", &[&port.to_string()])
}

/// Has a part that lives in the folder do something; tells what it says.
fn run(dir: &Path, part: &str, action: &str, words: &[&str]) -> String {
    let output = Command::new(root().join(format!("deploy/cluster/{part}.sh")))
        .arg(action)
        .arg(dir.join(part))
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{part} {action}: {}", output.status);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The virtual host of the tests: queues of earlier runs go with it.
const VHOST: &str = "stage";

/// Host and port of a URL with name and password.
pub(crate) fn address(url: &str) -> SocketAddr {
    let (_, rest) = url.split_once('@').unwrap();
    rest.split('/').next().unwrap().parse().unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}
