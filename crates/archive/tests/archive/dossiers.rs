//! Opening and closing dossiers, and the catalogue they stand under.

use std::collections::BTreeSet;

use archive::{Archive, ArchiveError, NewDossier, OpenError, Place};
use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use schemas::access::Reach;
use schemas::api::{DossierEvent, DossierState, ImportCounts};
use schemas::catalogue::Procedure;
use schemas::message::Lane;

use crate::bed::{NUMBER, bed, bed_with, citizen, new_dossier, open_new};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_openings_at_once_give_two_hundred_consecutive_codes() {
    let bed = bed().await;
    let now: Timestamp = "2026-03-02T02:00:00Z".parse().unwrap();
    let openings = (0..200).map(|_| {
        let records = bed.archive.records.clone();
        tokio::spawn(async move {
            let opened = open_new(&records, &new_dossier("H26.01", Lane::Counter), now).await;
            let code = opened.unwrap().code;
            // Readers at the same time, so that a busy database would show.
            assert!(records.dossier(&code).await.unwrap().is_some());
            code.to_string()
        })
    });
    let mut codes = BTreeSet::new();
    for opening in openings.collect::<Vec<_>>() {
        codes.insert(opening.await.unwrap());
    }
    let expected: BTreeSet<_> = (1..=200).map(|n| format!("H26.01-260302-{n:04}")).collect();
    assert_eq!(codes, expected);
}

#[tokio::test]
async fn opening_twice_with_the_same_id_opens_one_dossier() {
    let bed = bed().await;
    let new = new_dossier("H26.01", Lane::Counter);
    let records = &bed.archive.records;
    let once = open_new(records, &new, Timestamp::now()).await.unwrap();
    let twice = open_new(records, &new, Timestamp::now()).await.unwrap();
    assert_eq!(once, twice);
    assert_eq!(records.dossier_by_id(once.id).await.unwrap(), Some(once));
}

#[tokio::test]
async fn a_code_is_never_given_out_again_even_under_another_template() {
    let bed = bed().await;
    let now: Timestamp = "2026-03-02T02:00:00Z".parse().unwrap();
    let new = new_dossier("A", Lane::Counter);
    let first = open_new(&bed.archive.records, &new, now).await.unwrap();
    assert_eq!(first.code.as_str(), "A-260302-0001");
    bed.archive.close().await;

    let place = Place { code_template: "A-{yymmdd}-{n:4}".to_owned(), ..bed.form.place() };
    let archive = Archive::open(&place).await.unwrap();
    let second = open_new(&archive.records, &new_dossier("B", Lane::Counter), now).await;
    assert_eq!(second.unwrap().code.as_str(), "A-260302-0002");
}

#[tokio::test]
async fn a_known_number_with_another_name_is_refused_and_says_no_name() {
    let bed = bed().await;
    bed.dossier().await;
    let mut new = new_dossier("H26.01", Lane::Counter);
    new.subject = citizen("NGUYEN THI MAU");
    let records = &bed.archive.records;
    assert!(open_new(records, &new, Timestamp::now()).await.is_ok(), "accents aside");

    new = new_dossier("H26.01", Lane::Counter);
    new.subject = citizen("Trần Văn Khác");
    let error = open_new(records, &new, Timestamp::now()).await.unwrap_err();
    assert!(matches!(error, OpenError::SubjectDiffers));
    let said = format!("{error} {error:?}");
    assert!(!said.contains("Khác") && !said.contains(NUMBER), "{said}");
    assert!(records.dossier_by_id(new.id).await.unwrap().is_none());
}

#[tokio::test]
async fn what_was_mistyped_of_somebody_keeps_them_out_of_no_office_whose_officer_compared_papers() {
    let bed = bed().await;
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let first = bed.dossier().await;
    let other = NewDossier {
        subject: citizen("Nguyễn Thị Mận"),
        identity_checked: true,
        ..new_dossier("H26.02", Lane::Counter)
    };
    let other = open_new(records, &other, now).await.unwrap();
    assert!(other.subject.agrees(&citizen("Nguyễn Thị Mận")));
    assert!(records.dossier_by_id(first.id).await.unwrap().unwrap().subject.agrees(&first.subject));
    let again = open_new(records, &new_dossier("H26.01", Lane::Counter), now).await;
    assert!(matches!(again, Err(OpenError::SubjectDiffers)), "it stands for the others, too");

    // A paper bears it out.
    let sql = format!(
        "insert into record_owner (number, record_id, version) values ('{NUMBER}', 'r', 1)"
    );
    assert_eq!(bed.tamper(sql.leak()).await, 1);
    let checked = NewDossier { identity_checked: true, ..new_dossier("H26.01", Lane::Counter) };
    let refused = open_new(records, &checked, now).await;
    assert!(matches!(refused, Err(OpenError::SubjectDiffers)), "{refused:?}");
}

#[tokio::test]
async fn an_error_names_the_column_and_never_what_stands_in_it() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let damage = "update dossier set subject = replace(subject, 'citizen', 'Bùi Thị Lộ')";
    assert_eq!(bed.tamper(damage).await, 1);
    let error = bed.archive.records.dossier_by_id(dossier.id).await.unwrap_err();
    let said = format!("{error} {error:?}");
    assert!(said.contains("subject"), "{said}");
    for secret in ["Lộ", "Mẫu", NUMBER, "1999-01-01"] {
        assert!(!said.contains(secret), "{said}");
    }
}

#[tokio::test]
async fn dossiers_within_reach_are_read_a_part_at_a_time_none_twice_and_none_left_out() {
    // Codes that say nothing of offices, so that these take turns.
    let bed = bed_with(|place| place.code_template = "H-{yymmdd}-{n:4}".to_owned()).await;
    let (records, now) = (&bed.archive.records, Timestamp::now());
    let mut all = Vec::new();
    for office in ["H26.01", "H26.02", "H26.01.02", "H27", "H26.011", "H26.01.02", "H26.01"] {
        all.push(open_new(records, &new_dossier(office, Lane::Counter), now).await.unwrap());
    }
    let period = (now, now + SignedDuration::from_secs(1));
    let check = async |reach: &Reach, count| {
        let wanted: Vec<_> = all.iter().filter(|one| reach.covers(&one.office)).collect();
        assert_eq!(wanted.len(), count);
        for limit in 1..=4 {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let part = records.opened(period, reach, after.as_ref(), limit).await.unwrap();
                assert!(part.len() <= usize::try_from(limit).unwrap());
                let Some(last) = part.last() else { break };
                after = Some(last.code.clone());
                found.extend(part);
            }
            assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{limit} at a time");
        }
    };
    check(&Reach::Everywhere, 7).await;
    let of = |offices: &[&str]| {
        Reach::Offices(offices.iter().map(|office| office.parse().unwrap()).collect())
    };
    // One of them lies below another.
    check(&of(&["H27", "H26.01.02", "H26.01"]), 5).await;
    check(&of(&["H26.011"]), 1).await;
    check(&of(&[]), 0).await;
    let before = (now - SignedDuration::from_secs(1), now);
    assert!(records.opened(before, &Reach::Everywhere, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_dossier_closes_once() {
    let bed = bed().await;
    let dossier = bed.dossier().await;
    let records = &bed.archive.records;
    records.close_dossier(dossier.id).await.unwrap();
    records.close_dossier(dossier.id).await.unwrap();
    let closed = records.dossier_by_id(dossier.id).await.unwrap().unwrap();
    assert_eq!(closed.state, DossierState::Closed);
    let events = records.events(dossier.id, 0, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].1, DossierEvent::Closed);
}

#[tokio::test]
async fn a_dossier_keeps_the_version_of_its_procedure_that_it_was_opened_under() {
    let bed = bed().await;
    let (dossier, records) = (bed.dossier().await, &bed.archive.records);
    let unknown = records.procedure_of(&dossier).await;
    assert!(matches!(unknown, Err(ArchiveError::Missing(_))), "{unknown:?}");
    let mut procedures = [procedure("1.001193", "Đăng ký khai sinh")];
    records.import(&procedures, date(2026, 1, 1)).await.unwrap();
    procedures[0].notes.push("Sửa đổi".to_owned());
    records.import(&procedures, date(2026, 7, 1)).await.unwrap();
    assert_eq!(records.procedure_of(&dossier).await.unwrap().version, 1);
}

#[tokio::test]
async fn importing_a_catalogue_again_changes_nothing_and_a_change_makes_a_version() {
    let bed = bed().await;
    let records = &bed.archive.records;
    let mut procedures =
        vec![procedure("1.001193", "Đăng ký khai sinh"), procedure("1.000894", "Đăng ký kết hôn")];
    let import = records.import(&procedures, date(2026, 1, 1)).await.unwrap();
    assert_eq!(import, ImportCounts { added: 2, ..Default::default() });
    let import = records.import(&procedures, date(2026, 6, 1)).await.unwrap();
    assert_eq!(import, ImportCounts { unchanged: 2, ..Default::default() });

    procedures[0].notes.push("Sửa đổi".to_owned());
    let import = records.import(&procedures, date(2026, 7, 1)).await.unwrap();
    assert_eq!(import, ImportCounts { changed: 1, unchanged: 1, ..Default::default() });

    let code = "1.001193".parse().unwrap();
    let june = records.procedure(&code, date(2026, 6, 30)).await.unwrap().unwrap();
    assert_eq!((june.version, june.valid_to), (1, Some(date(2026, 6, 30))));
    let july = records.procedure(&code, date(2026, 7, 1)).await.unwrap().unwrap();
    assert_eq!((july.version, july.valid_to), (2, None));
    assert_eq!(records.procedure(&code, date(2025, 12, 31)).await.unwrap(), None);
    assert_eq!(records.procedure_version(&code, 1).await.unwrap(), Some(june));

    let day = date(2026, 7, 1);
    let found = records.procedures(Some("KHAI sinh"), day, 10, 0).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code.as_str(), found[0].version), ("1.001193", 2));
    assert!(records.procedures(Some("100%"), day, 10, 0).await.unwrap().is_empty());
    assert_eq!(records.procedures(None, day, 10, 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_version_is_listed_and_found_on_the_days_when_it_is_in_force_alone() {
    let bed = bed().await;
    let records = &bed.archive.records;
    assert!(!records.has_procedures().await.unwrap());
    records.import(&[procedure("1.001193", "Đăng ký khai sinh")], date(2026, 1, 1)).await.unwrap();
    let next_year =
        [procedure("1.001193", "Ghi nhận khai sinh"), procedure("1.000894", "Ghi nhận kết hôn")];
    records.import(&next_year, date(2027, 1, 1)).await.unwrap();
    assert!(records.has_procedures().await.unwrap());
    let found = async |search, on| {
        let found = records.procedures(search, on, 10, 0).await.unwrap();
        found.into_iter().map(|found| (found.code.to_string(), found.version)).collect::<Vec<_>>()
    };
    let (before, last, first) = (date(2025, 12, 31), date(2026, 12, 31), date(2027, 1, 1));
    let entry = |code: &str, version| (code.to_owned(), version);
    assert_eq!(found(None, before).await, []);
    assert_eq!(found(None, last).await, [entry("1.001193", 1)]);
    assert_eq!(found(Some("dang ky"), last).await, [entry("1.001193", 1)]);
    assert_eq!(found(Some("ghi nhan"), last).await, []);
    assert_eq!(found(None, first).await, [entry("1.000894", 1), entry("1.001193", 2)]);
    assert_eq!(found(Some("dang ky"), first).await, []);

    // Of two that are in force, the later one counts, as where one is asked for.
    records.import(&[procedure("1.001193", "Khai sinh sớm")], date(2026, 7, 1)).await.unwrap();
    assert_eq!(found(None, date(2026, 8, 1)).await, [entry("1.001193", 3)]);
}

fn procedure(code: &str, name: &str) -> Procedure {
    let json = format!(r#"{{"code":"{code}","name":"{name}","field":"Hộ tịch","components":[]}}"#);
    serde_json::from_str(&json).unwrap()
}
