//! Whatever dies at whatever moment, every page that was acknowledged is there once.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use schemas::api::{DossierView, PageState, ScanState};
use tests::{Stage, jpeg_page, opening, somebody};

/// Pages sent, over ten dossiers.
const PAGES: u64 = 100;
const KILLS: u64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_there_once_after_ten_kills_at_random_moments() {
    let mut stage = Stage::start().await;
    let mut dossiers = Vec::new();
    for seed in 0..10 {
        dossiers.push(stage.open(&opening(&somebody(seed))).await);
    }
    let mut chance = Chance(0x5EED);
    let mut acknowledged = BTreeSet::new();
    for page in 0..PAGES {
        let dossier = &dossiers[usize::try_from(page % 10).unwrap()];
        let scan = jpeg_page(1000 + page);
        acknowledged.insert(stage.scan(dossier, &scan).await.blake3);
        // Kills come between and within the work of ten pages.
        if page % (PAGES / KILLS) == PAGES / KILLS - 1 {
            tokio::time::sleep(Duration::from_millis(chance.below(1500))).await;
            if chance.below(2) == 0 {
                stage.kill();
                stage.launch().await;
            } else {
                kill_a_reader(&stage, &mut chance);
            }
        }
    }
    let mut found = BTreeSet::new();
    for dossier in &dossiers {
        let view: DossierView = stage.settled(dossier).await;
        assert_eq!(view.pages.parked, 0, "{view:?}");
        for scan in &view.scans {
            assert_eq!(scan.state, ScanState::Unpacked);
            assert_eq!(scan.pages.len(), 1);
            assert_eq!(scan.pages[0].state, PageState::Read);
            assert!(found.insert(scan.blake3), "a scan is there twice");
        }
    }
    assert_eq!(found, acknowledged);
    let check = stage.check();
    assert_eq!(check["check"]["findings"], serde_json::json!([]), "{check}");
}

/// Kills one of the readers running, if one is.
fn kill_a_reader(stage: &Stage, chance: &mut Chance) {
    let readers = stage.readers();
    if readers.is_empty() {
        return;
    }
    let which = usize::try_from(chance.below(readers.len() as u64)).unwrap();
    // It may have ended by itself.
    drop(Command::new("kill").args(["-KILL", &readers[which].to_string()]).status());
}

/// Numbers by a seed (splitmix64), so that a failure can be run again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }
}
