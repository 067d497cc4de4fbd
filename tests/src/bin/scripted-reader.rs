//! A reader that misbehaves when a scan tells it to, and is the real one otherwise.
//!
//! It stands where the real reader would (`reader.program`), passes every question on to the
//! real one, which lies beside it, and looks for a marker at the end of the scan: `#crash`,
//! `#hang`, `#eat`, `#nonsense`, `#liar`; `#once:FILE`, which hangs unless the file is there, and
//! leaves it behind; and `#stop-once:FILE`, whose engine stops in the same way, and stays so.
#![allow(missing_docs, clippy::unwrap_used, reason = "test support")]

use std::io::{Write, stdin, stdout};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use schemas::code::Reason;
use schemas::reader::{Answer, Ask, read_frame, write_frame};

fn main() {
    let real = std::env::current_exe().unwrap().with_file_name("sohoa-reader");
    let mut real = Command::new(real)
        .args(std::env::args_os().skip(1))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut ask_real, mut told) = (real.stdin.take().unwrap(), real.stdout.take().unwrap());
    let (mut from, mut to) = (stdin().lock(), stdout().lock());

    let (ready, _) = read_frame::<Answer>(&mut told).unwrap().unwrap();
    write_frame(&mut to, &ready, &[]).unwrap();
    let mut stopped = false;
    while let Some((ask, scan)) = read_frame::<Ask>(&mut from).unwrap() {
        let misbehave = matches!(ask, Ask::Read { .. });
        if misbehave && scan.ends_with(b"#crash") {
            std::process::abort();
        }
        if misbehave && scan.ends_with(b"#hang") {
            std::thread::sleep(Duration::from_secs(3600));
        }
        if misbehave && first_time(&scan, b"#once:") {
            std::thread::sleep(Duration::from_secs(3600));
        }
        stopped |= misbehave && first_time(&scan, b"#stop-once:");
        if stopped {
            let detail = "the engine stopped: a scan told it to".to_owned();
            let refused = Answer::Refused { reason: Reason::ReaderCrashed, detail };
            write_frame(&mut to, &refused, &[]).unwrap();
            continue;
        }
        if misbehave && scan.ends_with(b"#eat") {
            eat();
        }
        if misbehave && scan.ends_with(b"#nonsense") {
            to.write_all(&[0xFF; 64]).unwrap();
            to.flush().unwrap();
            std::thread::sleep(Duration::from_secs(3600));
        }
        write_frame(&mut ask_real, &ask, &scan).unwrap();
        let (mut answer, body) = loop {
            let (answer, body) = read_frame::<Answer>(&mut told).unwrap().unwrap();
            match answer {
                Answer::Seen { .. } => write_frame(&mut to, &answer, &body).unwrap(),
                answer => break (answer, body),
            }
        };
        if let (true, Answer::Read { reading, .. }) = (scan.ends_with(b"#liar"), &mut answer) {
            reading.confidence = 7.0;
        }
        write_frame(&mut to, &answer, &body).unwrap();
    }
    drop(ask_real);
    drop(real.wait());
}

/// Whether the scan names, behind the marker, a file that is not there yet; it is from now on.
fn first_time(scan: &[u8], marker: &[u8]) -> bool {
    let at = scan.windows(marker.len()).rposition(|window| window == marker);
    let Some(at) = at else { return false };
    let file = std::str::from_utf8(&scan[at + marker.len()..]).unwrap();
    std::fs::File::create_new(file).is_ok()
}

/// Takes memory until there is no more, under the limit that the worker asks for.
fn eat() {
    let mut args = std::env::args().skip_while(|arg| arg != "--memory");
    let memory: u64 = args.nth(1).unwrap().parse().unwrap();
    let at_most = Rlimit { current: Some(memory), maximum: Some(memory) };
    setrlimit(Resource::As, at_most).unwrap();
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(vec![1; 16 << 20]);
    }
}
