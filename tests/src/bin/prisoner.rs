//! Shuts itself into the reader's jail and tries to get out: `prisoner ATTEMPT [--without WALL]`.
//!
//! Enters by the same functions as the reader does, with a thread beside it as the reader has, then
//! makes one attempt. Writes `refused: …` when the kernel refused, `out: …` when it got through, and
//! neither when it was killed over it.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "test support")]

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, ExitCode};

use clap::Parser;
use rustix::process::{Pid, Resource, Rlimit, Signal};
use schemas::reader::Wall;
use sohoa_reader::jail::Jail;

#[derive(Debug, Parser)]
struct Args {
    attempt: String,
    /// Something the attempt is made on: a path, an address, a process.
    #[arg(long, default_value = "")]
    on: String,
    /// A path that stays readable.
    #[arg(long)]
    readable: Option<String>,
    #[arg(long)]
    without: Vec<Wall>,
    #[arg(long, default_value_t = 512 << 20)]
    memory: u64,
    #[arg(long, default_value_t = 2)]
    cpu_seconds: u64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let jail = Jail {
        memory: args.memory,
        cpu_seconds: args.cpu_seconds,
        readable: args.readable.iter().map(Into::into).collect(),
        without: args.without.clone(),
    };
    jail.limit().unwrap();
    // What an intruder might have found open.
    let handed = tempfile::tempfile().unwrap();
    if args.attempt == "enter with a thread running" {
        std::thread::spawn(|| std::thread::sleep(std::time::Duration::from_secs(60)));
    }
    let fenced = match jail.fence() {
        Ok(fenced) => fenced,
        Err(error) => return told(Err(io::Error::other(error))),
    };
    let (ask, asked) = std::sync::mpsc::channel::<String>();
    let (tell, told_by_it) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        while let Ok(path) = asked.recv() {
            tell.send(File::open(path).map(|_| String::new())).unwrap();
        }
    });
    let walls = fenced.close().unwrap();
    println!("walls: {walls:?}");
    io::stdout().flush().unwrap();

    if args.attempt == "read a file in another thread" {
        ask.send(args.on).unwrap();
        return told(told_by_it.recv().unwrap());
    }
    told(attempt(&args, handed))
}

fn told(outcome: io::Result<String>) -> ExitCode {
    match outcome {
        Ok(how) => println!("out: {how}"),
        Err(error) => println!("refused: {error}"),
    }
    io::stdout().flush().unwrap();
    ExitCode::SUCCESS
}

fn attempt(args: &Args, handed: File) -> io::Result<String> {
    let on = args.on.as_str();
    let nothing = |()| String::new();
    match args.attempt.as_str() {
        "read a file" => File::open(on).and_then(io::read_to_string),
        "look at a file" => std::fs::metadata(on).map(|_| String::new()),
        "read a folder" => std::fs::read_dir(on).map(|entries| entries.count().to_string()),
        "write a file" => OpenOptions::new().write(true).open(on).map(|_| String::new()),
        "make a file" => File::create_new(Path::new(on).join("made")).map(|_| String::new()),
        "make a folder" => std::fs::create_dir(Path::new(on).join("made")).map(nothing),
        "remove a file" => std::fs::remove_file(on).map(nothing),
        "rename a file" => std::fs::rename(on, format!("{on}.renamed")).map(nothing),
        "link a file" => std::os::unix::fs::symlink("/", format!("{on}.link")).map(nothing),
        "let a file grow" => (&handed).write_all(b"grown").map(nothing),
        "open descriptors without end" => {
            let mut held = Vec::new();
            while held.len() < 100_000 {
                held.push(File::open(on)?);
            }
            Ok(held.len().to_string())
        }
        "copy a descriptor" => handed.try_clone().map(|_| String::new()),
        "listen" => TcpListener::bind(on).map(|_| String::new()),
        "connect" => TcpStream::connect(on).map(|_| String::new()),
        "send a datagram" => UdpSocket::bind("127.0.0.1:0").map(|_| String::new()),
        "connect to a local socket" => UnixStream::connect(on).map(|_| String::new()),
        "listen on a local socket" => UnixListener::bind(on).map(|_| String::new()),
        "run a program" => Command::new(on).output().map(|_| String::new()),
        "become a program" => Err(std::os::unix::process::CommandExt::exec(&mut Command::new(on))),
        "start a thread" => std::thread::Builder::new().spawn(|| {}).map(|_| String::new()),
        "kill a process" => {
            rustix::process::kill_process(pid(on), Signal::KILL)?;
            Ok(String::new())
        }
        "open a process" => {
            let flags = rustix::process::PidfdFlags::empty();
            rustix::process::pidfd_open(pid(on), flags)?;
            Ok(String::new())
        }
        "raise a limit" => {
            let more = Rlimit { current: Some(1 << 40), maximum: Some(1 << 40) };
            rustix::process::setrlimit(Resource::As, more)?;
            Ok(String::new())
        }
        "take memory without end" => {
            let mut held: Vec<Vec<u8>> = Vec::new();
            loop {
                held.push(vec![1; 16 << 20]);
                if 1 << 10 < held.len() {
                    return Ok("16 GB".to_owned());
                }
            }
        }
        "work without end" => loop {
            std::hint::spin_loop();
        },
        "fork" => call(libc::SYS_clone, [libc::SIGCHLD.into(), 0, 0, 0, 0, 0]),
        "fork the old way" => call(libc::SYS_fork, [0; 6]),
        "trace a process" => {
            let attach = libc::PTRACE_ATTACH.into();
            call(libc::SYS_ptrace, [attach, on.parse().unwrap(), 0, 0, 0, 0])
        }
        "read a process" => call(libc::SYS_process_vm_readv, [on.parse().unwrap(), 0, 0, 0, 0, 0]),
        "signal a process's thread" => {
            let other = on.parse().unwrap();
            call(libc::SYS_tgkill, [other, other, libc::SIGKILL.into(), 0, 0, 0])
        }
        "make memory code" => {
            let all = (libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC).into();
            let of_its_own = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS).into();
            call(libc::SYS_mmap, [0, 4096, all, of_its_own, -1, 0])
        }
        "make a file of memory" => call(libc::SYS_memfd_create, [0; 6]),
        "ask by a ring" => call(libc::SYS_io_uring_setup, [8, 0, 0, 0, 0, 0]),
        "ask by another table of calls" => call(libc::SYS_getpid | 0x4000_0000, [0; 6]),
        "leave for another root" => {
            call(libc::SYS_unshare, [libc::CLONE_NEWUSER.into(), 0, 0, 0, 0, 0])
        }
        other => panic!("no attempt {other}"),
    }
}

/// Asks the kernel directly, as somebody would who has taken the process over.
#[expect(unsafe_code, reason = "no safe interface lets one ask for what a jail forbids")]
fn call(number: i64, args: [i64; 6]) -> io::Result<String> {
    let [a, b, c, d, e, f] = args;
    // SAFETY: none of the calls made here touches memory that this program uses: those that take
    // addresses are given null or no length.
    match unsafe { libc::syscall(number, a, b, c, d, e, f) } {
        -1 => Err(io::Error::last_os_error()),
        0 if matches!(number, libc::SYS_clone | libc::SYS_fork) => std::process::exit(0),
        got => Ok(got.to_string()),
    }
}

fn pid(text: &str) -> Pid {
    Pid::from_raw(text.parse().unwrap()).unwrap()
}
