//! A disk that is full. One machine's holds everything; that of a cluster's intake is filled by
//! `make bench-faults`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use schemas::api::DossierView;
use tests::{Stage, jpeg_page, opening, problem, somebody};

use crate::bad_input::{assert_sound, left_behind};

/// A small file system.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one on the folder; none where the test may not mount anything.
    fn mount(folder: &Path) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: mounting a small disk needs root");
            return None;
        }
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=32m", "tmpfs"]).arg(folder);
        assert!(mount.status().unwrap().success(), "root must be able to mount a tmpfs");
        Some(Self(folder.to_owned()))
    }

    /// Takes every byte that is left.
    fn fill(&self) {
        let mut filler = std::fs::File::create(self.0.join("filler")).unwrap();
        for size in [65_536, 4096, 1] {
            while filler.write_all(&vec![1; size]).is_ok() {}
        }
    }

    /// The operator makes room.
    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
        drop(std::fs::remove_dir(&self.0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_nothing_half_stored_and_work_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else { return };
    let stage = Stage::start_in(folder, "").await;
    let dossier = stage.open(&opening(&somebody(1))).await;
    stage.scan(&dossier, &jpeg_page(1)).await;
    stage.settled(&dossier).await;

    disk.fill();
    let (status, refusal) = problem(stage.send(&dossier, &jpeg_page(2)).await).await;
    assert_eq!((status, refusal.code.as_str()), (507, "storage.full"));
    assert_eq!(left_behind(&stage), 0);
    let view: DossierView = stage.get(&format!("/v1/dossiers/{}", dossier.code)).await;
    assert_eq!(view.scans.len(), 1);

    // A disk that fills while a page is being read costs the page nothing.
    disk.make_room();
    stage.scan(&dossier, &jpeg_page(2)).await;
    disk.fill();
    tokio::time::sleep(Duration::from_secs(3)).await;
    disk.make_room();
    stage.scan(&dossier, &jpeg_page(3)).await;
    let view = stage.settled(&dossier).await;
    assert_eq!((view.pages.read, view.pages.parked), (3, 0), "{:?}", view.pages);
    assert_sound(&stage);
}
