//! A reader whose worker died ends at once, and not after the page in hand: nobody waits for
//! that any more, and the worker's successor starts readers of its own.

use std::io;

use rustix::event::{PollFd, PollFlags, poll};

/// Watches, in a thread of its own, the pipe that questions come by. Nobody but the worker holds
/// its other end, so that end closes when the worker ends, however it does.
///
/// # Errors
/// When the thread can't be started.
pub(crate) fn watch() -> io::Result<()> {
    // Native code needs nothing of this thread, so a small stack does.
    std::thread::Builder::new().stack_size(64 << 10).spawn(|| {
        let pipe = io::stdin();
        loop {
            // Asked for nothing, the kernel tells of the end alone.
            let mut waited = [PollFd::new(&pipe, PollFlags::empty())];
            match poll(&mut waited, None) {
                Ok(_) if waited[0].revents().contains(PollFlags::HUP) => break,
                Err(rustix::io::Errno::INTR) => {}
                // Without a watch, the end of the pipe still ends it after the page in hand.
                Ok(_) | Err(_) => return,
            }
        }
        // Not by way of `exit`, which would take the engine apart while it works.
        std::process::abort();
    })?;
    Ok(())
}
