//! People, their sessions and their attempts to log in, as they are kept.

use archive::{Archive, Attempt, InDirectory, NewPerson, NewPrincipal, NewSession, Person};
use jiff::{SignedDuration, Timestamp};
use schemas::access::{Grant, PrincipalKind, Role, Secret};
use schemas::audit::Actor;
use schemas::ids::{Blake3, PrincipalId};
use tokio::task::JoinSet;

use crate::bed::bed;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn person(name: &str) -> NewPerson {
    let in_an_hour = Timestamp::now() + SignedDuration::from_hours(1);
    NewPerson {
        principal: NewPrincipal {
            id: PrincipalId::random(),
            kind: PrincipalKind::Person,
            name: name.to_owned(),
            grants: vec![
                Grant { role: Role::Officer, office: Some("H26.01".parse().unwrap()) },
                Grant { role: Role::Administrator, office: None },
            ],
            made_by: Actor::Program,
        },
        full_name: Some("Nguyễn Văn Mẫu".parse().unwrap()),
        password: Some((secret("hash"), in_an_hour)),
    }
}

/// A session whose token has that hash, of somebody who was recognised by their password; it lasts
/// an hour.
fn session(person: &Person, digest: Blake3, made_at: Timestamp) -> NewSession<'_> {
    let ends_at = made_at + SignedDuration::from_hours(1);
    NewSession { digest, person, directory: None, made_at, ends_at }
}

/// Begins such a session of a person as they are now.
async fn begin(archive: &Archive, person: PrincipalId, digest: Blake3, made_at: Timestamp) {
    let person = archive.records.person(person).await.unwrap().unwrap();
    assert!(archive.records.put_session(&session(&person, digest, made_at)).await.unwrap());
}

#[tokio::test]
async fn a_person_comes_back_by_id_by_name_and_by_session() {
    let bed = bed().await;
    let (records, new, now) = (&bed.archive.records, person("can-bo"), Timestamp::now());
    assert!(records.put_person(&new).await.unwrap());
    assert!(!records.put_person(&person("can-bo")).await.unwrap());
    let id = new.principal.id;
    let kept = records.person(id).await.unwrap().unwrap();
    assert_eq!((kept.principal.grants.len(), kept.full_name.clone()), (2, new.full_name));
    assert_eq!(kept.password, Some(secret("hash")));
    assert_eq!(records.person_named("can-bo").await.unwrap().as_ref(), Some(&kept));
    assert_eq!(records.persons().await.unwrap(), std::slice::from_ref(&kept));
    begin(&bed.archive, id, Blake3([1; 32]), now).await;
    let session = records.session(Blake3([1; 32])).await.unwrap().unwrap();
    assert!(!session.by_directory);
    assert_eq!((session.person, session.made_at.as_microsecond()), (kept, now.as_microsecond()));
    assert_eq!(records.session(Blake3([2; 32])).await.unwrap(), None);

    let less = [Grant { role: Role::Officer, office: None }];
    records.set_grants(id, &less, &Actor::Program).await.unwrap();
    assert_eq!(records.person(id).await.unwrap().unwrap().principal.grants, less);
}

#[tokio::test]
async fn sessions_end_with_a_password_a_lock_and_one_too_many() {
    let bed = bed().await;
    let (archive, records, now) = (&bed.archive, &bed.archive.records, Timestamp::now());
    let (mine, other) = (person("mine"), person("other"));
    for new in [&mine, &other] {
        records.put_person(new).await.unwrap();
    }
    let (id, digest) = (mine.principal.id, |n: u8| Blake3([n; 32]));
    begin(archive, other.principal.id, digest(100), now).await;
    for n in 0..21 {
        begin(archive, id, digest(n), now + SignedDuration::from_secs(i64::from(n))).await;
    }
    assert_eq!(records.session(digest(0)).await.unwrap(), None, "the oldest of too many");
    assert!(records.session(digest(1)).await.unwrap().is_some());
    let (first, another) = (secret("hash"), secret("another"));
    assert!(records.change_password(id, (&first, &another)).await.unwrap());
    assert_eq!(records.session(digest(20)).await.unwrap(), None);
    let kept = records.person(id).await.unwrap().unwrap();
    assert_eq!((kept.password, kept.given_until), (Some(another), None));

    begin(archive, id, digest(30), now).await;
    assert!(records.lock_principal("mine", true, now, &Actor::Program).await.unwrap());
    assert_eq!(records.session(digest(30)).await.unwrap(), None);
    assert!(records.session(digest(100)).await.unwrap().is_some(), "another's goes on");
    assert!(records.lock_principal("mine", false, now, &Actor::Program).await.unwrap());
    // Those that ended are forgotten when the next begins.
    begin(archive, id, digest(31), now + SignedDuration::from_hours(2)).await;
    assert_eq!(records.session(digest(100)).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_begins_only_while_what_somebody_was_recognised_by_holds() {
    let bed = bed().await;
    let (records, new, now) = (&bed.archive.records, person("can-bo"), Timestamp::now());
    records.put_person(&new).await.unwrap();
    let id = new.principal.id;
    let kept = async || records.person(id).await.unwrap().unwrap();
    let begins = async |person: &Person| {
        let digest = Blake3([1; 32]);
        let begun = records.put_session(&session(person, digest, now)).await.unwrap();
        assert_eq!(records.session(digest).await.unwrap().is_some(), begun);
        records.end_session(digest).await.unwrap();
        begun
    };
    let given = kept().await;
    assert!(begins(&given).await);

    let (first, chosen) = (secret("hash"), secret("chosen"));
    assert!(records.change_password(id, (&first, &chosen)).await.unwrap());
    assert!(!begins(&given).await, "by the password of before");
    let late = records.change_password(id, (&first, &secret("late"))).await.unwrap();
    assert!(!late, "nor is it changed by that");
    let without_code = kept().await;
    assert_eq!(without_code.password, Some(chosen));
    assert!(begins(&without_code).await);

    records.offer_factor(id, &secret("GEZDGNBVGY3TQOJQ")).await.unwrap();
    let offered = kept().await.factor_next.unwrap();
    assert!(records.confirm_factor(id, (&offered, 1), &[], Blake3([2; 32])).await.unwrap());
    assert!(!begins(&without_code).await, "a second factor was set up meanwhile");
    let with_code = kept().await;
    assert!(begins(&with_code).await);
    // One from before there were keys is encrypted by its use.
    bed.tamper("update person set factor = 'GEZDGNBVGY3TQOJQ'").await;
    let in_clear = kept().await;
    assert!(!begins(&with_code).await);
    assert!(records.take_step(id, 7).await.unwrap());
    assert_ne!(kept().await.factor, in_clear.factor);
    assert!(begins(&in_clear).await);
    records.forget_factor(id, &Actor::Program).await.unwrap();
    assert!(!begins(&in_clear).await, "it was taken away");

    let person = kept().await;
    for locked in [true, false] {
        records.lock_principal("can-bo", locked, now, &Actor::Program).await.unwrap();
        assert_eq!(begins(&person).await, !locked);
    }
    records.leave_to_directory(id, &Actor::Program).await.unwrap();
    assert!(!begins(&person).await, "the password was taken away");
    assert!(!begins(&kept().await).await, "no password is none to be recognised by");
}

#[tokio::test]
async fn a_code_is_taken_once_and_no_older_one_after_it() {
    let bed = bed().await;
    let (records, new) = (&bed.archive.records, person("can-bo"));
    records.put_person(&new).await.unwrap();
    let (id, mine) = (new.principal.id, Blake3([1; 32]));
    begin(&bed.archive, id, mine, Timestamp::now()).await;
    begin(&bed.archive, id, Blake3([2; 32]), Timestamp::now()).await;
    assert!(!records.take_step(id, 1).await.unwrap(), "nothing is set up");
    records.offer_factor(id, &secret("A")).await.unwrap();
    let offered = async || records.person(id).await.unwrap().unwrap().factor_next.unwrap();
    let first = offered().await;
    records.offer_factor(id, &secret("B")).await.unwrap();
    let second = offered().await;
    assert_eq!(records.factor_secret(id, &second).await.unwrap(), secret("B"));
    let codes = [Blake3([8; 32]), Blake3([9; 32])];
    assert!(!records.confirm_factor(id, (&first, 10), &codes, mine).await.unwrap());
    assert!(records.confirm_factor(id, (&second, 10), &codes, mine).await.unwrap());
    assert!(records.session(mine).await.unwrap().is_some());
    assert_eq!(records.session(Blake3([2; 32])).await.unwrap(), None);
    for (step, taken) in [(10, false), (11, true), (11, false), (9, false), (13, true)] {
        assert_eq!(records.take_step(id, step).await.unwrap(), taken, "{step}");
    }
    for (code, taken) in [(7, false), (8, true), (8, false)] {
        let digest = Blake3([code; 32]);
        assert_eq!(records.take_recovery_code(id, digest).await.unwrap(), taken, "{code}");
    }
    records.forget_factor(id, &Actor::Program).await.unwrap();
    let kept = records.person(id).await.unwrap().unwrap();
    assert_eq!((kept.factor, kept.factor_next), (None, None));
    assert!(!records.take_recovery_code(id, Blake3([9; 32])).await.unwrap());
    assert_eq!(records.session(mine).await.unwrap(), None);
}

#[tokio::test]
async fn a_second_factor_is_confirmed_within_ten_minutes_of_its_offer_and_not_later() {
    let bed = bed().await;
    let (records, new) = (&bed.archive.records, person("can-bo"));
    records.put_person(&new).await.unwrap();
    let id = new.principal.id;
    for (since, confirmed) in [
        ("update person set factor_next_at = factor_next_at - 601000000", false),
        // As a program of the version before offers it.
        ("update person set factor_next_at = null", false),
        ("update person set factor_next_at = factor_next_at - 540000000", true),
    ] {
        records.offer_factor(id, &secret("GEZDGNBVGY3TQOJQ")).await.unwrap();
        assert_eq!(bed.tamper(since).await, 1);
        let offered = records.person(id).await.unwrap().unwrap().factor_next.unwrap();
        let done = records.confirm_factor(id, (&offered, 1), &[], Blake3([1; 32])).await.unwrap();
        let kept = records.person(id).await.unwrap().unwrap();
        assert_eq!((done, kept.factor.is_some()), (confirmed, confirmed), "{since}");
    }
}

/// A pause from the third attempt on, and none after the fifth.
fn wait(attempts: u32) -> Option<i64> {
    match attempts {
        0..3 => Some(0),
        3..5 => Some(60),
        _ => None,
    }
}

#[tokio::test]
async fn attempts_side_by_side_are_no_more_than_one_after_the_other() {
    let bed = bed().await;
    let (name, now) = (Blake3([1; 32]), Timestamp::now());
    let mut tried = JoinSet::new();
    for _ in 0..12 {
        let records = bed.archive.records.clone();
        tried.spawn(async move { records.attempt(name, now, wait).await.unwrap() });
    }
    let tried = tried.join_all().await;
    let taken = tried.iter().filter(|attempt| **attempt == Attempt::Taken).count();
    assert_eq!(taken, 3, "{tried:?}");

    let records = &bed.archive.records;
    let minutes = |n| now + SignedDuration::from_mins(n);
    let (attempts, until) = records.attempts(name).await.unwrap().unwrap();
    assert_eq!((attempts, until.as_microsecond()), (3, minutes(1).as_microsecond()));
    for (at, want) in [
        (0, Attempt::Wait(until)),
        (1, Attempt::Taken),
        (2, Attempt::Taken),
        (3, Attempt::LockedOut),
        (60, Attempt::LockedOut),
    ] {
        assert_eq!(records.attempt(name, minutes(at), wait).await.unwrap(), want, "{at}");
    }
    let another = records.attempt(Blake3([2; 32]), now, wait).await.unwrap();
    assert_eq!(another, Attempt::Taken, "another's name is not paused");
    assert!(records.forget_attempts(name).await.unwrap());
    assert!(!records.forget_attempts(name).await.unwrap());
    assert_eq!(records.attempt(name, minutes(3), wait).await.unwrap(), Attempt::Taken);
}

#[tokio::test]
async fn a_person_is_who_the_directory_says_by_its_subject_and_a_name_links_only_once() {
    let bed = bed().await;
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let with_password = person("quan-tri");
    let mut left = person("can-bo");
    left.password = None;
    records.put_person(&with_password).await.unwrap();
    records.put_person(&left).await.unwrap();
    let known = async |issuer, subject, name| {
        let found = records.person_in_directory(InDirectory { issuer, subject, name }, now).await;
        found.unwrap().map(|person| person.principal.id)
    };
    let (id, here) = (Some(left.principal.id), "https://id.example.vn");
    assert_eq!(known(here, "s-1", None).await, None);
    assert_eq!(known(here, "s-1", Some("quan-tri")).await, None, "who has a password is taken");
    assert_eq!(known(here, "s-1", Some("khong-ai")).await, None);
    records.lock_principal("can-bo", true, now, &Actor::Program).await.unwrap();
    assert_eq!(known(here, "s-1", Some("can-bo")).await, None);
    records.lock_principal("can-bo", false, now, &Actor::Program).await.unwrap();
    assert_eq!(known(here, "s-1", Some("can-bo")).await, id);
    assert_eq!(known(here, "s-1", Some("ten-khac")).await, id, "the subject counts");
    assert_eq!(known(here, "s-2", Some("can-bo")).await, None, "somebody new with the name");
    assert_eq!(known("https://khac.example.vn", "s-1", None).await, None);

    let (digest, who) = (Blake3([1; 32]), InDirectory { issuer: here, subject: "s-1", name: None });
    let person = records.person(left.principal.id).await.unwrap().unwrap();
    let new = NewSession { directory: Some(who), ..session(&person, digest, now) };
    assert!(records.put_session(&new).await.unwrap());
    assert!(records.session(digest).await.unwrap().unwrap().by_directory);
    records.leave_to_directory(left.principal.id, &Actor::Program).await.unwrap();
    assert_eq!(records.session(digest).await.unwrap(), None);
    assert!(!records.put_session(&new).await.unwrap(), "it is to say anew who that is");
    assert_eq!(known(here, "s-1", None).await, None);
    assert_eq!(known(here, "s-2", Some("can-bo")).await, id);

    records.leave_to_directory(with_password.principal.id, &Actor::Program).await.unwrap();
    let kept = records.person(with_password.principal.id).await.unwrap().unwrap();
    assert_eq!((kept.password, kept.given_until), (None, None));
    assert_eq!(known(here, "s-1", Some("quan-tri")).await, Some(with_password.principal.id));
}

#[tokio::test]
async fn who_comes_back_from_the_directory_does_so_once_and_in_time() {
    let bed = bed().await;
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let (one, two) = (Blake3([1; 32]), Blake3([2; 32]));
    let later = now + SignedDuration::from_mins(10);
    records.put_visit(one, now, later).await.unwrap();
    assert!(!records.take_visit(two, now).await.unwrap());
    let mut back = JoinSet::new();
    for _ in 0..8 {
        let records = records.clone();
        back.spawn(async move { records.take_visit(one, now).await.unwrap() });
    }
    assert_eq!(back.join_all().await.into_iter().filter(|taken| *taken).count(), 1);
    records.put_visit(two, now, later).await.unwrap();
    assert!(!records.take_visit(two, later).await.unwrap(), "too late");
}

#[tokio::test]
async fn however_many_stay_away_the_next_one_comes_back() {
    let bed = bed().await;
    let records = &bed.archive.records;
    let now = Timestamp::from_second(1000).unwrap();
    let minutes = |n| now + SignedDuration::from_mins(n);
    let (first, last) = (Blake3([1; 32]), Blake3([2; 32]));
    records.put_visit(first, now, minutes(1)).await.unwrap();
    let away = "insert into directory_visit (digest, ends_at)
        with recursive away (n) as (select 1 union all select n + 1 from away where n < 9999)
        select 'away-' || cast(n as text), 1500000000 + n from away";
    assert_eq!(bed.tamper(away).await, 9999);
    records.put_visit(last, now, minutes(10)).await.unwrap();
    let there = "update directory_visit set ends_at = ends_at";
    assert_eq!(bed.tamper(there).await, 10_000, "no more than before");
    assert!(!records.take_visit(first, now).await.unwrap(), "it made room");
    assert!(records.take_visit(last, now).await.unwrap());
}

#[tokio::test]
async fn whoever_has_a_password_is_not_vouched_for_by_the_directory() {
    let bed = bed().await;
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let mut new = person("can-bo");
    new.password = None;
    records.put_person(&new).await.unwrap();
    let (id, digest) = (new.principal.id, Blake3([1; 32]));
    let issuer = "https://id.example.vn";
    let by_name = InDirectory { issuer, subject: "s-1", name: Some("can-bo") };
    let linked = InDirectory { name: None, ..by_name };
    let known =
        async |who| records.person_in_directory(who, now).await.unwrap().map(|of| of.principal.id);
    let begins = async || {
        let person = records.person(id).await.unwrap().unwrap();
        let new = NewSession { directory: Some(linked), ..session(&person, digest, now) };
        records.put_session(&new).await.unwrap()
    };
    assert_eq!(known(by_name).await, Some(id));
    assert!(begins().await);

    let until = now + SignedDuration::from_hours(1);
    records.give_password(id, &secret("hash"), (until, &Actor::Program)).await.unwrap();
    assert_eq!(records.session(digest).await.unwrap(), None, "it came by the directory");
    assert_eq!((known(by_name).await, begins().await), (None, false));
    bed.tamper("update person set password = null").await;
    assert_eq!((known(linked).await, begins().await), (None, false), "the link is gone");
    assert_eq!(known(by_name).await, Some(id));
    assert!(begins().await);
    records.end_session(digest).await.unwrap();

    // Nor does a link count that was left there.
    bed.tamper("update person set password = 'hash'").await;
    assert_eq!(known(linked).await, None);
    assert!(!begins().await);
}
