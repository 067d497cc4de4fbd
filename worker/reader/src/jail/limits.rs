//! What this process may take at most; the worker's clock is its time limit.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Descriptors: three pipes, and a font or two.
const DESCRIPTORS: u64 = 16;

/// Caps the address space at `memory` bytes, lets no file grow, and writes no core file: it would
/// hold a page.
pub(super) fn from_the_start(memory: u64) -> io::Result<()> {
    at_most(Resource::As, memory)?;
    at_most(Resource::Core, 0)?;
    at_most(Resource::Fsize, 0)
}

/// Closes what the worker, or whoever started the worker, left open across the start by mistake.
/// To be called before this program opens anything.
#[expect(unsafe_code, reason = "no safe interface closes what nobody in the program owns")]
pub(super) fn close_inherited() -> io::Result<()> {
    // SAFETY: closing is unsound only where somebody goes on to use the number; of those above the
    // three standard ones the program knows none yet.
    match unsafe { libc::close_range(3, libc::c_uint::MAX, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Caps processor time, descriptors and processes, once everything that takes more is loaded.
pub(super) fn from_now_on(cpu_seconds: u64) -> io::Result<()> {
    // The first tells what it was (SIGXCPU); the second can't be caught.
    let cpu = Rlimit { current: Some(cpu_seconds), maximum: Some(cpu_seconds.saturating_add(1)) };
    setrlimit(Resource::Cpu, cpu)?;
    at_most(Resource::Nofile, DESCRIPTORS)?;
    // Threads that run already stay. Root passes this limit; seccomp stops root, too.
    at_most(Resource::Nproc, 0)
}

fn at_most(what: Resource, most: u64) -> io::Result<()> {
    Ok(setrlimit(what, Rlimit { current: Some(most), maximum: Some(most) })?)
}
