//! A disk that is full, on a small file system mounted for the purpose.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use archive::{Archive, ArchiveError, OpenError, Place};
use jiff::Timestamp;
use schemas::message::Lane;
use tempfile::TempDir;

use crate::bed::{accept, findings, new_dossier, new_scan, open, open_new};

pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    /// None where the test may not mount anything.
    pub(crate) fn mount() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: mounting a small disk needs root");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
            .arg(dir.path())
            .status();
        assert!(mount.unwrap().success(), "root must be able to mount a tmpfs");
        Some(Self(dir))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes every byte that is left.
    fn fill(&self) {
        let mut filler = File::create(self.path().join("filler")).unwrap();
        for size in [65_536, 4096, 1] {
            while filler.write_all(&vec![1; size]).is_ok() {}
        }
    }

    /// The operator finds a larger disk.
    fn grow(&self) {
        let mount =
            Command::new("mount").args(["-o", "remount,size=16m"]).arg(self.path()).status();
        assert!(mount.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_half_stored_and_recovers_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let archive = Archive::open(&Place::at(disk.path())).await.unwrap();
    let dossier = open(&archive, "A", Lane::Counter).await;
    let mut kept = vec![archive.blobs.put(b"first").await.unwrap()];
    accept(&archive, dossier.id, b"first").await;

    // Blobs: what was answered for is whole, the one that did not fit left nothing.
    let refused = loop {
        let bytes = vec![u8::try_from(kept.len()).unwrap(); 200_000];
        match archive.blobs.put(&bytes).await {
            Ok(key) => kept.push(key),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, ArchiveError::Full), "{refused:?}");
    assert!(kept.len() > 2);
    let mut listed = archive.blobs.list().await.unwrap();
    listed.sort();
    kept.sort();
    assert_eq!(listed, kept);
    for key in &kept {
        archive.blobs.get(*key).await.unwrap();
    }
    assert_eq!(std::fs::read_dir(disk.path().join("incoming")).unwrap().count(), 0);

    // Rows: the transaction that did not fit is as if it had never begun.
    disk.fill();
    let mut opened = 0;
    let (id, refused) = loop {
        let new = new_dossier("A", Lane::Counter);
        match open_new(&archive.records, &new, Timestamp::now()).await {
            Ok(_) => opened += 1,
            Err(error) => break (new.id, error),
        }
        assert!(opened < 5000, "the disk never filled");
    };
    assert!(matches!(refused, OpenError::Archive(ArchiveError::Full)), "{refused:?}");
    let scan = new_scan(dossier.id, kept[0], None);
    let refused = archive.records.accept_scan(&scan, Timestamp::now()).await.unwrap_err();
    assert!(refused.to_string().contains("full"), "{refused:?}");
    assert!(archive.records.dossier_by_id(id).await.unwrap().is_none());
    assert_eq!(archive.records.scans(dossier.id).await.unwrap().len(), 1, "reading still works");

    disk.grow();
    let after = open(&archive, "A", Lane::Counter).await;
    assert!(after.code.as_str().ends_with(&format!("{:04}", opened + 2)), "{}", after.code);
    archive.records.accept_scan(&scan, Timestamp::now()).await.unwrap();
    assert_eq!(findings(&archive).await, [""; 0]);
    archive.close().await;
}
