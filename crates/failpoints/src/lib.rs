//! Moments in a page's life at which a test kills the process, as a power cut would. Only builds
//! for tests have them: without the feature `armed`, and in every release build, [`here`] is
//! nothing at all.
//!
//! A test arms a point of a running process by putting a file of the point's name into the folder
//! that the process said is its own ([`listen_in`]). Whoever comes by takes the file away and dies,
//! so that each arming kills once.

use std::path::Path;

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal,)*) => {
        /// A moment in a page's life.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Point {
            $($(#[$doc])* $point,)*
        }

        impl Point {
            /// All of them, in the order in which a page comes by.
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            /// What it is called.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)*
                }
            }
        }
    };
}

points! {
    /// An intake: a scan's bytes are kept, its row isn't.
    ScanKept = "scan-kept",
    /// An intake: the scan's row is there, its receipt wasn't given.
    ScanAccepted = "scan-accepted",
    /// Whoever sends jobs: the broker has them, the ledger doesn't say so.
    JobsSent = "jobs-sent",
    /// A worker: it has the job, and has done nothing.
    JobTaken = "job-taken",
    /// A worker: the scan's pages are known, and not written down.
    ScanUnpacked = "scan-unpacked",
    /// A worker: the page is read, nothing of it is kept.
    PageRead = "page-read",
    /// A worker: the page's image is kept, its reading isn't.
    ImageKept = "image-kept",
    /// A worker: the dossier's documents are known, and not written down.
    DossierFiled = "dossier-filed",
    /// A worker: the document's PDF is kept, and there is no record.
    DocumentSealed = "document-sealed",
    /// A worker: the record is published, and not proven.
    RecordPublished = "record-published",
    /// A worker: the job's result is stored, the job isn't ended.
    ResultStored = "result-stored",
    /// Who erases: the dossier's rows are gone, its blobs aren't.
    DossierErased = "dossier-erased",
}

/// Dies where a test wants it to, and does nothing otherwise.
#[inline]
pub fn here(point: Point) {
    #[cfg(all(feature = "armed", debug_assertions))]
    armed::here(point);
    _ = point;
}

/// Says in which folder a test arms points of this process; until then none is.
pub fn listen_in(folder: &Path) {
    #[cfg(all(feature = "armed", debug_assertions))]
    armed::listen_in(folder);
    _ = folder;
}

#[cfg(all(feature = "armed", debug_assertions))]
mod armed {
    use std::path::{Path, PathBuf};
    use std::sync::OnceLock;

    use rustix::process::{Signal, getpid, kill_process};

    use super::Point;

    static FOLDER: OnceLock<PathBuf> = OnceLock::new();

    pub(super) fn listen_in(folder: &Path) {
        FOLDER.get_or_init(|| folder.to_owned());
    }

    pub(super) fn here(point: Point) {
        let Some(folder) = FOLDER.get() else { return };
        if std::fs::remove_file(folder.join(point.name())).is_ok() {
            // Nothing is left to run when the signal was not to be had.
            kill_process(getpid(), Signal::KILL).unwrap_or_else(|_| std::process::abort());
            loop {
                std::thread::park();
            }
        }
    }
}
