//! Whatever breaks, every acknowledged page is there once. `make bench-faults` does each of these
//! and more, many times.

use failpoints::Point;
use tests::Parts;
use tests::faults::{Fault, Trial};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_every_acknowledged_page_is_there_once_and_the_dossier_is_the_same() {
    let mut trial = Trial::begin(Parts::shared()).await;
    for (seed, fault) in (1..).zip([Fault::At(Point::DocumentSealed), Fault::Clock]) {
        let outcome = trial.run(fault, seed).await;
        assert!(outcome.is_whole(), "{fault}: {outcome:?}");
        assert_eq!(outcome.pages, 7, "{fault}");
    }
}
