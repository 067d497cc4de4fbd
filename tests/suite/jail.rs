//! The walls of the reader's jail, each by somebody who tries to climb it; and what becomes of a
//! reader whose kernel lacks one.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use schemas::api::{DossierView, PageState};
use serde_json::Value;
use tests::{Stage, binary, jpeg_page, opening, somebody};

/// How an attempt to get out ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// The kernel said no.
    Refused,
    /// It cost the process its life.
    Killed(i32),
    /// The wall doesn't stand.
    Out,
}

const FORBIDDEN: End = End::Killed(Signal::SYS.as_raw());

/// Makes one attempt from inside, and tells how it ended with what was said about it.
fn attempt(what: &str, args: &[&str]) -> (End, String) {
    use std::os::unix::process::ExitStatusExt;
    let output = Command::new(binary("prisoner"))
        .arg(what)
        .args(args)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let end = if let Some(signal) = output.status.signal() {
        End::Killed(signal)
    } else if said.contains("\nrefused: ") || said.starts_with("refused: ") {
        End::Refused
    } else {
        End::Out
    };
    (end, format!("{said}{}", String::from_utf8_lossy(&output.stderr)))
}

#[track_caller]
fn check(what: &str, on: impl AsRef<Path>, want: End) {
    let on = on.as_ref().to_str().unwrap();
    let (end, said) = attempt(what, &["--on", on]);
    assert!(said.contains("walls: [Landlock, Seccomp]"), "{what}: {said}");
    assert_eq!(end, want, "{what}: {said}");
}

/// Something to be looked at, signalled or traced.
struct Bystander(Child);

impl Bystander {
    fn start() -> Self {
        Self(Command::new("sleep").arg("60").spawn().unwrap())
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn no_file_is_read_but_what_was_handed_over() {
    let place = tempfile::tempdir().unwrap();
    let (inside, secret) = (place.path().join("fonts"), place.path().join("secret"));
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(inside.join("font"), "letters").unwrap();
    std::fs::write(&secret, "secret").unwrap();
    for on in [secret.as_path(), Path::new("/etc/passwd"), Path::new("/proc/self/environ")] {
        check("read a file", on, End::Refused);
        check("read a file in another thread", on, End::Refused);
        check("look at a file", on, End::Refused);
    }
    check("read a folder", place.path(), End::Refused);

    let (font, fonts) = (inside.join("font"), inside.to_str().unwrap());
    let read =
        |on: &Path| attempt("read a file", &["--on", on.to_str().unwrap(), "--readable", fonts]);
    let (end, said) = read(&font);
    assert!(end == End::Out && said.contains("letters"), "{said}");
    // Neither dots nor a link that was laid there leads out again.
    std::os::unix::fs::symlink(&secret, inside.join("link")).unwrap();
    for way_out in [inside.join("../secret"), inside.join("link")] {
        assert_eq!(read(&way_out).0, End::Refused, "{}", way_out.display());
    }
}

#[test]
fn nothing_is_written_anywhere() {
    let place = tempfile::tempdir().unwrap();
    let (folder, file) = (place.path().to_str().unwrap(), place.path().join("file"));
    std::fs::write(&file, "as it was").unwrap();
    for what in ["write a file", "remove a file", "rename a file", "link a file"] {
        check(what, &file, End::Refused);
        // Not even where reading is allowed.
        let args = ["--on", file.to_str().unwrap(), "--readable", folder];
        assert_eq!(attempt(what, &args).0, End::Refused, "{what}");
    }
    check("make a file", place.path(), End::Refused);
    check("make a folder", place.path(), End::Refused);
    check("make a file of memory", "", FORBIDDEN);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "as it was");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
    // A file that was found open can't grow either.
    check("let a file grow", "", End::Killed(Signal::XFSZ.as_raw()));
}

#[test]
fn there_is_no_network() {
    let place = tempfile::tempdir().unwrap();
    let there = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = place.path().join("socket");
    let _local = UnixListener::bind(&socket).unwrap();
    check("connect", there.local_addr().unwrap().to_string(), FORBIDDEN);
    check("listen", "127.0.0.1:0", FORBIDDEN);
    check("send a datagram", "", FORBIDDEN);
    check("connect to a local socket", &socket, FORBIDDEN);
    check("listen on a local socket", place.path().join("new"), FORBIDDEN);
    there.set_nonblocking(true).unwrap();
    assert!(there.accept().is_err());
}

#[test]
fn there_is_no_further_process_or_thread() {
    check("run a program", "/bin/true", End::Refused);
    check("become a program", "/bin/true", FORBIDDEN);
    check("fork", "", End::Refused);
    check("fork the old way", "", FORBIDDEN);
    check("start a thread", "", End::Refused);
}

#[test]
fn other_processes_are_out_of_reach() {
    let mut bystander = Bystander::start();
    for what in ["kill a process", "open a process", "trace a process", "read a process"] {
        check(what, bystander.pid(), FORBIDDEN);
    }
    check("signal a process's thread", bystander.pid(), End::Refused);
    assert!(bystander.is_alive());
}

#[test]
fn memory_time_and_descriptors_have_an_end() {
    let since = Instant::now();
    check("take memory without end", "", End::Killed(Signal::ABORT.as_raw()));
    check("raise a limit", "", End::Refused);
    check("work without end", "", End::Killed(Signal::XCPU.as_raw()));
    assert!(since.elapsed() < Duration::from_secs(60));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let args = ["--on", file, "--readable", file];
    let (end, said) = attempt("open descriptors without end", &args);
    assert!(end == End::Refused && said.contains("Too many open files"), "{said}");
    check("copy a descriptor", "", End::Refused);
}

#[test]
fn nothing_new_is_run_and_no_other_door_stands_open() {
    check("make memory code", "", End::Refused);
    check("ask by a ring", "", FORBIDDEN);
    check("ask by another table of calls", "", End::Refused);
    check("leave for another root", "", FORBIDDEN);
}

#[test]
fn the_jail_is_not_shut_around_a_thread_that_would_stay_outside() {
    let (end, said) = attempt("enter with a thread running", &[]);
    assert!(end == End::Refused && said.contains("2 threads run where one may"), "{said}");
}

#[test]
fn without_landlock_no_file_is_opened_at_all() {
    let here = env!("CARGO_MANIFEST_DIR");
    let file = format!("{here}/Cargo.toml");
    let args = ["--on", &file, "--readable", here, "--without", "landlock"];
    let (end, said) = attempt("read a file", &args);
    assert!(end == End::Refused && said.contains("walls: [Seccomp]"), "{said}");
    assert_eq!(attempt("connect", &["--on", "127.0.0.1:1", "--without", "landlock"]).0, FORBIDDEN);
}

#[test]
fn without_seccomp_files_are_still_out_of_reach() {
    let (end, said) = attempt("read a file", &["--on", "/etc/passwd", "--without", "seccomp"]);
    assert!(end == End::Refused && said.contains("walls: [Landlock]"), "{said}");
}

/// A page that says `Giấy khai sinh` in Liberation Serif, which it doesn't hold; PDFium's own fonts
/// have no `ấ`.
const WITHOUT_ITS_FONT: &str = "%PDF-1.7
1 0 obj
<</Type/Catalog/Pages 2 0 R>>
endobj
2 0 obj
<</Type/Pages/Kids[3 0 R]/Count 1>>
endobj
3 0 obj
<</Type/Page/Parent 2 0 R/MediaBox[0 0 500 200]/Resources<</Font<</F 4 0 R>>>>/Contents 6 0 R>>
endobj
4 0 obj
<</Type/Font/Subtype/TrueType/BaseFont/LiberationSerif/FontDescriptor 5 0 R
/Encoding<</Type/Encoding/BaseEncoding/WinAnsiEncoding/Differences[65/uni1EA5]>>>>
endobj
5 0 obj
<</Type/FontDescriptor/FontName/LiberationSerif/Flags 32/FontBBox[-500 -300 1500 1000]
/ItalicAngle 0/Ascent 900/Descent -200/CapHeight 700/StemV 80>>
endobj
6 0 obj
<</Length 47>>stream
BT/F 36 Tf 20 100 Td(GiAy khai sinh)Tj ET      
endstream
endobj
trailer
<</Size 7/Root 1 0 R>>
%%EOF
";

#[test]
fn a_font_that_a_pdf_does_not_hold_is_found_from_inside() {
    let place = tempfile::tempdir().unwrap();
    let (page, config) = (place.path().join("page.pdf"), place.path().join("sohoa.toml"));
    std::fs::write(&page, WITHOUT_ITS_FONT).unwrap();
    let image = |walls: &str| {
        std::fs::write(&config, format!("reader.without_walls = [{walls}]\n")).unwrap();
        let mut sohoa = Command::new(binary("sohoa"));
        sohoa.args(["read", "--json", "-", "--config"]).arg(&config).arg(&page);
        let pages: Value = serde_json::from_slice(&sohoa.output().unwrap().stdout).unwrap();
        pages[0]["blake3"].as_str().unwrap().to_owned()
    };
    let outside = image("'landlock', 'seccomp'");
    assert_eq!(image(""), outside);
    // As the configuration says of itself: gone without Landlock, no font is opened.
    assert_ne!(image("'landlock'"), outside);
}

/// A configuration whose reader runs as on a kernel that lacks a wall.
fn on_older_kernel(place: &Path, wall: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let program = place.join("sohoa-reader");
    let (older, reader) = (binary("older-kernel"), binary("sohoa-reader"));
    std::fs::write(&program, format!("#!/bin/sh\nexec {older:?} {wall} {reader:?} \"$@\"\n"))
        .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    format!("[reader]\nprogram = {program:?}\ncount = 1\n")
}

#[test]
fn a_kernel_without_a_wall_is_refused_until_the_wall_is_named() {
    let place = tempfile::tempdir().unwrap();
    let (page, config) = (place.path().join("page.jpg"), place.path().join("sohoa.toml"));
    std::fs::write(&page, jpeg_page(1)).unwrap();
    for (wall, other) in [("landlock", "seccomp"), ("seccomp", "landlock")] {
        let lines = on_older_kernel(place.path(), wall);
        let run = |command: &str, more: &str| {
            std::fs::write(&config, format!("{lines}{more}")).unwrap();
            let data = place.path().join("data");
            let mut sohoa = Command::new(binary("sohoa"));
            match command {
                "read" => sohoa.arg("read").arg(&page),
                _ => sohoa.args(["all", "--listen", "127.0.0.1:0", "--data"]).arg(&data),
            };
            sohoa.arg("--config").arg(&config).output().unwrap()
        };
        for command in ["read", "all"] {
            for more in ["", &format!("without_walls = [\"{other}\"]")] {
                let refused = run(command, more);
                let said = String::from_utf8_lossy(&refused.stderr);
                assert_eq!(refused.status.code(), Some(1), "{command} {wall} {more}: {said}");
                assert!(said.contains("[reader.no_wall]"), "{command} {wall}: {said}");
                let remedy = format!("without_walls = [\"{wall}\"]");
                assert!(said.contains(&remedy), "{command} {wall}: {said}");
            }
        }
        let read = run("read", &format!("without_walls = [\"{wall}\"]"));
        let said = String::from_utf8_lossy(&read.stderr);
        assert!(read.status.success() && !read.stdout.is_empty(), "{wall}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_at_work_is_inside_with_every_thread_and_holds_three_pipes() {
    let stage = Stage::start().await;
    let told = r#""message":"readers are jailed","reader.walls":"[Landlock, Seccomp]""#;
    assert!(stage.log().contains(told), "{}", stage.log());
    let dossier = stage.open(&opening(&somebody(1))).await;
    stage.scan(&dossier, &jpeg_page(1)).await;
    let view: DossierView = stage.settled(&dossier).await;
    assert_eq!(view.scans[0].pages[0].state, PageState::Read);

    let [reader, ..] = stage.readers()[..] else { panic!("no reader") };
    let lines = |file: String| std::fs::read_to_string(file).unwrap();
    for thread in std::fs::read_dir(format!("/proc/{reader}/task")).unwrap() {
        let thread = thread.unwrap().path();
        let status = lines(format!("{}/status", thread.display()));
        for fact in ["NoNewPrivs:\t1", "Seccomp:\t2", "Seccomp_filters:\t2"] {
            assert!(status.contains(fact), "{}: {status}", thread.display());
        }
    }
    let limits = lines(format!("/proc/{reader}/limits"));
    for (limit, most) in
        [("Max file size", "0"), ("Max core file size", "0"), ("Max processes", "0")]
    {
        let line = limits.lines().find(|line| line.starts_with(limit)).unwrap();
        assert_eq!(line[limit.len()..].split_whitespace().next(), Some(most), "{line}");
    }
    for entry in std::fs::read_dir(format!("/proc/{reader}/fd")).unwrap() {
        let held = std::fs::read_link(entry.unwrap().path()).unwrap();
        assert!(held.to_str().unwrap().starts_with("pipe:"), "{}", held.display());
    }
}
