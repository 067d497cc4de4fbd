//! Who may do what, as it is kept.

use archive::{LinesAsked, NewKey, NewPerson, NewPrincipal};
use jiff::{SignedDuration, Timestamp};
use schemas::access::{Grant, Permission, PrincipalKind, Reach, Role, Secret};
use schemas::audit::{Act, Actor};
use schemas::ids::{Blake3, KeyId, PrincipalId};

use crate::bed::bed;

fn by() -> Actor {
    Actor::Operator("quản trị".to_owned())
}

fn principal(name: &str) -> NewPrincipal {
    NewPrincipal {
        id: PrincipalId::random(),
        kind: PrincipalKind::System,
        name: name.to_owned(),
        grants: vec![
            Grant { role: Role::Officer, office: Some("H26.01".parse().unwrap()) },
            Grant { role: Role::System, office: None },
        ],
        made_by: by(),
    }
}

fn key(hours: i64) -> NewKey {
    NewKey {
        id: KeyId::random(),
        digest: Blake3([7; 32]),
        only: vec![Permission::Scan],
        expires_at: Timestamp::now() + SignedDuration::from_hours(hours),
    }
}

#[tokio::test]
async fn a_key_comes_back_with_all_that_its_holder_was_granted() {
    let bed = bed().await;
    let records = &bed.archive.records;
    assert!(!records.has_principals().await.unwrap());
    let (holder, first, second) = (principal("một cửa"), key(1), key(2));
    assert!(records.put_principal(&holder, Some(&first)).await.unwrap());
    assert!(records.has_principals().await.unwrap());
    assert!(!records.put_principal(&principal("một cửa"), Some(&key(1))).await.unwrap());
    records.put_key(holder.id, &second, &by()).await.unwrap();

    let kept = records.key(first.id).await.unwrap().unwrap();
    assert_eq!((kept.digest, kept.only.as_slice()), (first.digest, &[Permission::Scan][..]));
    assert_eq!((kept.holder.id, kept.holder.grants.len()), (holder.id, 2));
    assert!(!kept.revoked && !kept.holder.locked);
    assert_eq!(records.keys().await.unwrap().len(), 2, "the refused one left none");
    assert_eq!(records.principal_name(holder.id).await.unwrap().as_deref(), Some("một cửa"));
    assert_eq!(records.principal_name(PrincipalId::random()).await.unwrap(), None);
    assert!(records.is_principal_name("một cửa").await.unwrap());
    assert!(!records.is_principal_name("Một cửa").await.unwrap());
    assert_eq!(records.key(KeyId::random()).await.unwrap(), None);
}

#[tokio::test]
async fn a_key_ends_when_it_is_said_to_and_never_later() {
    let bed = bed().await;
    let records = &bed.archive.records;
    let made = key(10);
    records.put_principal(&principal("a"), Some(&made)).await.unwrap();
    let now = Timestamp::now();
    let soon = now + SignedDuration::from_hours(1);
    assert!(records.end_key(made.id, soon, &by()).await.unwrap());
    assert!(!records.end_key(made.id, now + SignedDuration::from_hours(5), &by()).await.unwrap());
    let kept = records.key(made.id).await.unwrap().unwrap();
    assert_eq!(kept.expires_at.as_microsecond(), soon.as_microsecond());

    assert!(records.revoke_key(made.id, now, &by()).await.unwrap());
    assert!(!records.revoke_key(made.id, now, &by()).await.unwrap(), "once");
    assert!(records.key(made.id).await.unwrap().unwrap().revoked);
    assert!(records.lock_principal("a", true, now, &by()).await.unwrap());
    assert!(records.key(made.id).await.unwrap().unwrap().holder.locked);
    assert!(records.lock_principal("a", false, now, &by()).await.unwrap());
    assert!(!records.key(made.id).await.unwrap().unwrap().holder.locked);
    assert!(!records.lock_principal("b", true, now, &by()).await.unwrap());
}

#[tokio::test]
async fn the_audit_says_who_gave_and_took_what() {
    let bed = bed().await;
    let records = &bed.archive.records;
    let (holder, made, now) = (principal("can-bo"), key(10), Timestamp::now());
    let new = NewPerson { principal: holder.clone(), full_name: None, password: None };
    assert!(records.put_person(&new).await.unwrap());
    let chief = Actor::Principal(PrincipalId::random());
    let less = [Grant { role: Role::Officer, office: None }];
    records.set_grants(holder.id, &less, &chief).await.unwrap();
    records.put_key(holder.id, &made, &chief).await.unwrap();
    records.revoke_key(made.id, now, &chief).await.unwrap();
    let hash: Secret = serde_json::from_value("hash".into()).unwrap();
    records.give_password(holder.id, &hash, (now, &chief)).await.unwrap();
    // One's own is nobody else's doing.
    assert!(records.change_password(holder.id, (&hash, &hash)).await.unwrap());
    records.forget_factor(holder.id, &chief).await.unwrap();
    records.leave_to_directory(holder.id, &chief).await.unwrap();
    records.lock_principal("can-bo", true, now, &chief).await.unwrap();
    records.lock_principal("can-bo", false, now, &by()).await.unwrap();
    records.link_audit().await.unwrap();

    let lines = records.audit(&LinesAsked::default(), 100).await.unwrap();
    let mut lines: Vec<_> = lines.into_iter().map(|linked| linked.line).collect();
    lines.reverse();
    let acts: Vec<_> = lines.iter().map(|line| line.act).collect();
    let [first, .., last] = lines.as_slice() else { panic!("{acts:?}") };
    let reset = Act::LoginReset;
    let of_chief = [Act::Granted, Act::KeyGiven, Act::KeyEnded, reset, reset, reset, Act::Locked];
    assert_eq!(acts, [&[Act::Granted][..], &of_chief, &[Act::Unlocked]].concat());
    assert!(lines.iter().all(|line| line.holder == Some(holder.id)));
    for line in [first, last] {
        assert_eq!((line.principal, line.operator.as_deref()), (None, Some("quản trị")));
    }
    for line in &lines[1..lines.len() - 1] {
        let who = line.principal.map(Actor::Principal);
        assert_eq!((who.as_ref(), line.operator.as_ref()), (Some(&chief), None));
    }
    assert_eq!(
        (first.grants.as_slice(), lines[1].grants.as_slice()),
        (&holder.grants[..], &less[..])
    );
}

#[tokio::test]
async fn parked_jobs_are_listed_for_offices_within_reach_alone() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    bed.scan(dossier.id, b"one scan").await;
    let delivery = bed.archive.queue.take().await.unwrap().unwrap();
    let reason = schemas::code::Reason::ScanBroken;
    let records = &bed.archive.records;
    records.park(&delivery.message, 1, reason, "broken").await.unwrap();
    for (offices, seen) in [
        (&["H26"][..], 1),
        (&["H26.01"], 1),
        (&["H26", "H26.01"], 1),
        (&["H26.0"], 0),
        (&["H26.01.02"], 0),
        (&["H26_01"], 0),
        (&[], 0),
    ] {
        let reach = Reach::Offices(offices.iter().map(|office| office.parse().unwrap()).collect());
        let found = records.parked_within(&reach, None, 10).await.unwrap();
        assert_eq!(found.len(), seen, "{offices:?}");
    }
    assert_eq!(records.parked_within(&Reach::Everywhere, None, 10).await.unwrap().len(), 1);
}
