//! The reader shuts itself in before it takes the first question: every byte after that is a
//! stranger's, and goes through more than a million lines of decoders.
//!
//! From the outside in: limits that every kernel has (`limits`); Landlock, which leaves the files
//! named and those for reading only (`files`); seccomp, which leaves the calls of the kernel that
//! reading takes (`calls`). What isn't allowed is refused with an error, because libraries ask
//! harmless things of the kernel and go on without. What only somebody asks who has taken the
//! reader over kills it, so that there is no second try.
//!
//! What stays open: the three pipes it was started with, the fonts, and the processor until the
//! worker's clock runs out.

mod calls;
mod files;
mod limits;

use std::path::PathBuf;

use rustix::process::DumpableBehavior;
use schemas::reader::Wall;

/// A jail as it is wanted.
#[derive(Debug, Clone)]
pub struct Jail {
    /// Address space, in bytes.
    pub memory: u64,
    /// Processor time over the whole life, in seconds.
    pub cpu_seconds: u64,
    /// Folders whose files, and files that, can be read, though not listed. What is absent is
    /// passed over.
    pub readable: Vec<PathBuf>,
    /// Walls to go without, named by whoever answers for it.
    pub without: Vec<Wall>,
}

/// Why the jail can't be shut.
#[derive(Debug, thiserror::Error)]
pub enum JailError {
    /// The kernel can't give a wall that was not named as one to go without.
    #[error("no {wall} wall: {detail}")]
    NoWall {
        /// Which.
        wall: Wall,
        /// What the kernel said.
        detail: String,
    },
    /// A thread that runs already would stay outside.
    #[error("{0} threads run where one may")]
    Threads(usize),
    /// The kernel refuses a limit, as it does for those above the ones inherited.
    #[error("setting a limit")]
    Limit(#[source] std::io::Error),
}

impl Jail {
    /// The limits that hold from the start, so that loading is under them too. To be called before
    /// the program opens anything: descriptors but the first three are closed.
    ///
    /// # Errors
    /// [`JailError::Limit`].
    pub fn limit(&self) -> Result<(), JailError> {
        limits::close_inherited()
            .and_then(|()| limits::from_the_start(self.memory))
            .map_err(JailError::Limit)
    }

    /// Shuts the files out. Libraries and models are loaded before; threads start after, because
    /// only those of this one's making are inside with it.
    ///
    /// # Errors
    /// See [`JailError`].
    pub fn fence(self) -> Result<Fenced, JailError> {
        let mut walls = Vec::new();
        if !self.without.contains(&Wall::Landlock) {
            match threads().map_err(JailError::Limit)? {
                1 => files::shut(&self.readable)?,
                more => return Err(JailError::Threads(more)),
            }
            walls.push(Wall::Landlock);
        }
        Ok(Fenced { jail: self, walls })
    }
}

/// A process without files that may still start threads.
#[derive(Debug)]
pub struct Fenced {
    jail: Jail,
    walls: Vec<Wall>,
}

impl Fenced {
    /// Shuts everything else out, for every thread, and tells which walls stand. Nothing undoes it.
    ///
    /// # Errors
    /// See [`JailError`].
    pub fn close(mut self) -> Result<Vec<Wall>, JailError> {
        limits::from_now_on(self.jail.cpu_seconds).map_err(JailError::Limit)?;
        let hardened = rustix::thread::set_no_new_privs(true)
            // Whoever else runs as the same user can't look into this process either: it holds pages.
            .and_then(|()| rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable));
        hardened.map_err(|e| JailError::Limit(e.into()))?;
        if !self.jail.without.contains(&Wall::Seccomp) {
            // Where Landlock doesn't say which files, none is opened at all.
            let may_open = self.walls.contains(&Wall::Landlock);
            calls::shut(may_open)?;
            self.walls.push(Wall::Seccomp);
        }
        Ok(self.walls)
    }
}

fn threads() -> std::io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}
