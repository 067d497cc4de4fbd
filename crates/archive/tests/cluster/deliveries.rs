//! What must leave goes by the database's clock, whatever that of the machine says.

use std::time::Duration;

use archive::{Archive, Outcome, Subscriber};
use schemas::access::Reach;
use schemas::api::{DeliveryFate, DeliveryTrouble};
use schemas::message::Lane;
use sqlx::{AssertSqlSafe, Executor};

use crate::bed::open;
use crate::form::Form;

/// Who hears of everything.
const NAME: &str = "mot-cua";

/// A database whose clock is an hour ahead of this machine's.
async fn an_hour_ahead() -> Form {
    let form = Form::new().await;
    let mut tool = form.tool().await;
    for sql in [
        "create schema ahead".to_owned(),
        "create function ahead.clock_timestamp() returns timestamptz language sql as
            'select pg_catalog.clock_timestamp() + interval ''1 hour'''"
            .to_owned(),
        format!("alter database {} set search_path = ahead, pg_catalog, public", form.database()),
    ] {
        tool.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    form
}

#[tokio::test]
async fn what_must_leave_is_due_and_grows_old_by_the_databases_clock() {
    let form = an_hour_ahead().await;
    let archive = Archive::open(&form.place()).await.unwrap();
    let records = &archive.records;
    let (name, events) = (NAME.to_owned(), Vec::new());
    let subscriber = Subscriber { name, listens: true, events, office: None };
    records.put_subscribers(&[subscriber]).await.unwrap();
    let dossier = open(&archive, "H26.01", Lane::Counter).await;
    let due = async || records.due_deliveries(NAME, 10).await.unwrap();
    let tried = async |id, outcome| records.tried_delivery(id, outcome, None).await.unwrap();

    let first = due().await.remove(0);
    assert!(first.age < Duration::from_secs(60), "{first:?}");
    let again = |pause| Outcome::Again(DeliveryTrouble::Late, pause);
    tried(first.id, again(Duration::from_secs(60))).await;
    assert_eq!(due().await, []);
    tried(first.id, again(Duration::ZERO)).await;
    assert_eq!(due().await[0].attempts, 2);

    tried(first.id, Outcome::Delivered).await;
    records.close_dossier(dossier.id).await.unwrap();
    tried(due().await[0].id, Outcome::Delivered).await;
    let kept = async |long| {
        records.forget_deliveries(long).await.unwrap();
        let delivered = records.deliveries(&Reach::Everywhere, DeliveryFate::Delivered, 10);
        delivered.await.unwrap().len()
    };
    assert_eq!(kept(Duration::from_secs(60)).await, 2);
    assert_eq!(kept(Duration::ZERO).await, 1, "the last one stays");
}
