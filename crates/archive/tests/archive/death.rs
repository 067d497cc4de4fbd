//! A process that dies at a random moment: what it acknowledged is there, what it was doing comes
//! back.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use archive::Archive;
use schemas::ids::ScanId;
use schemas::message::{Job, Lane};

use crate::bed::{accept, findings, open};
use crate::form::Form;

/// Names the archive to the child; without it the child's part does nothing.
const PLACE: &str = "SOHOA_TEST_PLACE";

/// Not a test of its own: the process that is killed.
#[tokio::test]
#[ignore = "run as a child by the test below"]
async fn child() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    let archive = Archive::open(&Form::named(&place)).await.unwrap();
    let dossier = open(&archive, "H26.01", Lane::Counter).await;
    for n in 0_u32.. {
        let scan = accept(&archive, dossier.id, &n.to_be_bytes().repeat(5000)).await.scan;
        eprintln!("receipt {}", scan.id);
        if n == 0 {
            let leased = archive.queue.take().await.unwrap().unwrap();
            eprintln!("leased {:?}", leased.attempt);
        }
    }
}

#[tokio::test]
async fn what_a_killed_process_acknowledged_is_there_and_its_job_comes_back() {
    let form = Form::new().await;
    for round in 1..=3_u32 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "death::child", "--ignored", "--nocapture"])
            .env(PLACE, form.name())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut receipts: Vec<ScanId> = Vec::new();
        let said = BufReader::new(child.stderr.take().unwrap());
        for line in said.lines() {
            let line = line.unwrap();
            receipts.extend(line.strip_prefix("receipt ").map(|id| id.parse::<ScanId>().unwrap()));
            if receipts.len() == 7 * round as usize {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(receipts.len() >= 7 * round as usize, "the child died early");

        form.leases_run_out().await;
        let archive = Archive::open(&form.place()).await.unwrap();
        for id in &receipts {
            let scan = archive.records.scan(*id).await.unwrap().expect("acknowledged, so there");
            archive.blobs.get(scan.blake3).await.expect("acknowledged, so there");
        }
        assert_eq!(findings(&archive).await, [""; 0]);
        let (mut jobs, mut again) = (Vec::new(), 0);
        while let Some(delivery) = archive.queue.take().await.unwrap() {
            again += u32::from(delivery.attempt == 2);
            let Job::Unpack { scan } = delivery.message.job else { panic!("{delivery:?}") };
            jobs.push(scan);
            archive.queue.done(delivery).await.unwrap();
        }
        assert_eq!(again, 1, "the leased job came back, the attempt counted");
        assert!(receipts.iter().all(|id| jobs.contains(id)), "every scan has its job");
        // What was in hand is done; the next round starts with an empty queue.
        for scan in jobs {
            archive.records.unpacked(scan, 0, "image/jpeg", &[]).await.unwrap();
        }
        while let Some(delivery) = archive.queue.take().await.unwrap() {
            archive.queue.done(delivery).await.unwrap();
        }
        for dossier in dossiers(&form).await {
            archive
                .records
                .put_filing(dossier, (0, None), &[], &[], std::time::Duration::ZERO)
                .await
                .unwrap();
        }
        archive.close().await;
    }
}

async fn dossiers(form: &Form) -> Vec<schemas::ids::DossierId> {
    use sqlx::Row;
    let mut on = form.tool().await;
    let rows = sqlx::query("select dossier_id from dossier").fetch_all(&mut on).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0).parse().unwrap()).collect()
}
