//! What this process may take at most; the worker's clock is its time limit.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Caps the address space at `memory` bytes, and writes no core file: it would hold a page.
///
/// # Errors
/// When the kernel refuses, as it does for limits above the ones inherited.
pub(crate) fn set(memory: u64) -> std::io::Result<()> {
    let at_most = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    setrlimit(Resource::As, at_most(memory))?;
    setrlimit(Resource::Core, at_most(0))?;
    setrlimit(Resource::Fsize, at_most(0))?;
    Ok(())
}
