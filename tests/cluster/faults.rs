//! Whatever breaks, every acknowledged page is there once. `make bench-faults` does each of these
//! many times.

use tests::Parts;
use tests::faults::{Fault, Trial};

/// Breaks a cluster in these ways, one after the other.
async fn check(faults: &[Fault]) {
    let mut trial = Trial::begin(Parts::shared()).await;
    for (seed, fault) in (1..).zip(faults) {
        let outcome = trial.run(*fault, seed).await;
        assert!(outcome.is_whole(), "{fault}: {outcome:?}");
        assert_ne!(outcome.pages, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_death_of_any_process_loses_and_doubles_nothing() {
    check(&[Fault::Intake, Fault::Reader, Fault::Worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_dies_or_fails_loses_and_doubles_nothing() {
    check(&[Fault::Broker, Fault::Database, Fault::StoreFails, Fault::BrokerCut]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_tomorrow_waits_for_a_person_and_stops_nothing() {
    check(&[Fault::Tomorrow]).await;
}
