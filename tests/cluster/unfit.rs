//! A worker that can't work, beside one that can.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use tests::{Cluster, binary, jpeg_page, opening, somebody};

const PAGES: u64 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_readers_cannot_start_leaves_every_page_to_the_other() {
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("sohoa-reader");
    // The first worker alone is started with a configuration of that name.
    let script = format!(
        "#!/bin/sh\n/bin/grep -q first.toml /proc/$PPID/cmdline && exit 1\nexec {:?} \"$@\"\n",
        binary("sohoa-reader")
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o700)).unwrap();
    let cluster = Cluster::start_with(&format!("reader.program = {program:?}\n")).await;
    let since = Instant::now();
    while cluster.log().matches("jobs come from the broker").count() < 2 {
        assert!(since.elapsed() < Duration::from_secs(30), "{}", cluster.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let dossier = cluster.open(&opening(&somebody(1))).await;
    for nth in 0..PAGES {
        cluster.scan(&dossier, &jpeg_page(nth)).await;
    }
    let view = cluster.settled(&dossier).await;
    assert_eq!((u64::from(view.pages.read), view.pages.parked), (PAGES, 0));
    let log = cluster.log();
    assert_eq!(log.matches("takes no jobs until it can").count(), 1, "{log}");
    assert!(!log.contains("job failed"), "an attempt was counted: {log}");
}
