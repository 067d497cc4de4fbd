//! A process of Sohoa: started, listened to, killed.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use crate::stage::binary;

/// What a process runs in.
#[derive(Debug, Clone)]
pub(crate) enum Surroundings {
    /// The machine as it is.
    Usual,
    /// Its data folder is a disk of 4 MB of its own, that nobody else sees and that goes with it.
    SmallDisk(PathBuf),
    /// The machine as it is, and that program in the place of `sohoa`.
    Program(PathBuf),
    /// Its clock is off by what that file says, `+3600`; a clock that only counts goes on.
    Clock(PathBuf),
}

/// One process at a time, on the same port each time. Dropping it kills it.
pub(crate) struct Process {
    arguments: Vec<OsString>,
    surroundings: Surroundings,
    child: Option<Child>,
    /// Where it answers, once it was launched.
    pub(crate) address: String,
    log: Arc<Mutex<String>>,
}

impl Process {
    /// `sohoa` with these arguments, not launched yet.
    pub(crate) fn new(arguments: impl IntoIterator<Item = OsString>) -> Self {
        Self {
            arguments: arguments.into_iter().collect(),
            surroundings: Surroundings::Usual,
            child: None,
            address: "http://127.0.0.1:0".to_owned(),
            log: Arc::default(),
        }
    }

    /// Starts it and waits until it listens: on whatever port is free the first time, on the same
    /// later.
    pub(crate) fn launch(&mut self) {
        let mut child = self
            .surroundings
            .command()
            .args(&self.arguments)
            .args(["--listen", self.address.trim_start_matches("http://")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, mut lines) = (self.log.clone(), BufReader::new(child.stderr.take().unwrap()));
        let mut line = String::new();
        // The first line that isn't a log line says where it listens.
        self.address = loop {
            line.clear();
            if lines.read_line(&mut line).unwrap() == 0 {
                let told = told.lock().unwrap().clone();
                panic!("{told}");
            }
            told.lock().unwrap().push_str(&line);
            if let Some((_, address)) = line.trim().split_once("http://") {
                break format!("http://{address}");
            }
        };
        std::thread::spawn(move || {
            let mut line = String::new();
            while matches!(lines.read_line(&mut line), Ok(1..)) {
                told.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        self.child = Some(child);
    }

    /// Ends it, and starts it again in other surroundings.
    pub(crate) fn move_to(&mut self, surroundings: Surroundings) {
        self.end();
        self.surroundings = surroundings;
        self.launch();
    }

    /// A path as the process sees it, for who doesn't see the same disks.
    pub(crate) fn seen_by_it(&self, path: &Path) -> PathBuf {
        let root = Path::new("/proc").join(self.pid().to_string()).join("root");
        root.join(path.strip_prefix("/").unwrap())
    }

    /// Everything that was logged, by every process it has been.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Megabytes of memory that it has, and most that it ever had.
    pub(crate) fn memory(&self) -> [f64; 2] {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        ["VmRSS:", "VmHWM:"].map(|name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
        })
    }

    /// Whether it runs.
    pub(crate) fn lives(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Kills it if it runs.
    pub(crate) fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Asks it to stop.
    pub(crate) fn ask_to_stop(&self) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.take().unwrap().wait().unwrap()
    }

    /// Process ids of the readers running now.
    pub(crate) fn readers(&self) -> Vec<u32> {
        let mut found = Vec::new();
        for task in std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap() {
            // A thread may have ended since.
            let children = std::fs::read_to_string(task.unwrap().path().join("children"));
            let children = children.unwrap_or_default();
            found.extend(children.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()));
        }
        found
    }
}

impl Surroundings {
    /// Whether one who isn't root, or is, may have a small disk here.
    pub(crate) fn may_mount() -> bool {
        let mut unshare = Command::new("unshare");
        let mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", "/mnt"];
        unshare.args(["--user", "--map-root-user", "--mount"]).args(mount);
        unshare.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// `sohoa` in them.
    fn command(&self) -> Command {
        let sohoa = binary("sohoa");
        match self {
            Self::Usual => Command::new(sohoa),
            Self::Program(other) => Command::new(other),
            Self::SmallDisk(at) => {
                // In a name space of its own, which needs no rights but to make one.
                const MOUNT: &str = "mount -t tmpfs -o size=4m none \"$0\" && exec \"$@\"";
                let mut command = Command::new("unshare");
                command.args(["--user", "--map-root-user", "--mount", "sh", "-c", MOUNT]);
                command.arg(at).arg(sohoa);
                command
            }
            Self::Clock(file) => {
                let mut command = Command::new(sohoa);
                command.env("LD_PRELOAD", faketime()).env("FAKETIME_TIMESTAMP_FILE", file);
                command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
                command
            }
        }
    }
}

/// The library that tells a process another time.
fn faketime() -> PathBuf {
    let place = |arch: &str| PathBuf::from(format!("/usr/lib/{arch}-linux-gnu/faketime"));
    let found = place(std::env::consts::ARCH).join("libfaketimeMT.so.1");
    assert!(found.is_file(), "{} is missing: deploy/setup.sh test", found.display());
    found
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            let who = self.arguments.iter().map(|word| word.to_string_lossy());
            let who = who.collect::<Vec<_>>().join(" ");
            eprintln!("--- the end of the log of {who}, latest first\n{}", tail.join("\n"));
        }
    }
}
