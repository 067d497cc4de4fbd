//! Records and lookups.

use archive::{LookupError, SealedPdf};
use jiff::Timestamp;
use schemas::ids::{Blake3, PrincipalId, RecordId};
use schemas::record::{Field, FieldName, FieldSource, Record, RecordState};

use crate::bed::{Bed, NUMBER, SOMEBODY, bed, draft, filed, findings, request};

async fn published(bed: &Bed) -> Record {
    let (dossier, pages) = bed.read_dossier(2).await;
    let document = filed(&pages[..1], "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    bed.publish(&dossier, document.id).await
}

#[tokio::test]
async fn publishing_twice_gives_one_version() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(1).await;
    let document = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    let first = bed.publish(&dossier, document.id).await;
    assert_eq!((first.version, first.id), (1, RecordId::of(document.id)));
    assert_eq!(first.digitisation_code, format!("{NUMBER}.birth_certificate..01"));
    assert_eq!(bed.publish(&dossier, document.id).await, first);
    let records = &bed.archive.records;
    assert_eq!(records.record(first.id, None).await.unwrap(), Some(first.clone()));
    assert_eq!(records.versions(first.id).await.unwrap().len(), 1);
    assert_eq!(records.records_of(NUMBER).await.unwrap(), std::slice::from_ref(&first));
    assert!(records.records_of("079305000013").await.unwrap().is_empty());

    let told = Record { hash: None, ..first.clone() };
    let json = serde_json::to_vec(&told).unwrap();
    assert_eq!(first.hash.unwrap().0, *blake3::hash(&json).as_bytes(), "anyone can check it");
}

#[tokio::test]
async fn a_sealed_pdf_is_signed_once_by_each_officer_and_once_for_the_office() {
    let bed = bed().await;
    let records = &bed.archive.records;
    let officers = [None, Some(PrincipalId::random()), Some(PrincipalId::random())];
    let sealed = |officer| SealedPdf { blake3: Blake3([7; 32]), officer };
    let now = Timestamp::now();
    for (n, officer) in (0..).zip(officers) {
        let (sealed, pdf) = (sealed(officer), Blake3([n; 32]));
        assert_eq!(records.signed_pdf(sealed).await.unwrap(), None, "{officer:?}");
        for late in [pdf, Blake3([9; 32])] {
            assert_eq!(records.put_signed_pdf(sealed, late, None, now).await.unwrap(), pdf);
        }
        assert_eq!(records.signed_pdf(sealed).await.unwrap(), Some(pdf));
    }
    for (n, officer) in (0..).zip(officers) {
        let (gone, anew) = (Blake3([n; 32]), Blake3([20 + n; 32]));
        assert_eq!(records.signed_pdf(sealed(officer)).await.unwrap(), Some(gone), "its own");
        let stands = records.put_signed_pdf(sealed(officer), anew, Some(gone), now).await.unwrap();
        assert_eq!(stands, anew, "what is gone is signed anew");
    }
}

#[tokio::test]
async fn a_changed_document_supersedes_its_record_and_keeps_its_code() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let mut document = filed(&pages[..1], "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    let first = bed.publish(&dossier, document.id).await;
    document = filed(&pages, "TP01");
    bed.file(dossier.id, std::slice::from_ref(&document)).await;
    assert!(bed.archive.records.unsettled(dossier.id).await.unwrap());
    let second = bed.publish(&dossier, document.id).await;
    assert_eq!((second.id, second.version), (first.id, 2));
    assert_eq!(second.digitisation_code, first.digitisation_code);

    let records = &bed.archive.records;
    let old = records.record(first.id, Some(1)).await.unwrap().unwrap();
    assert_eq!((old.state, old.hash), (RecordState::Superseded, first.hash));
    assert_eq!(records.records_of(NUMBER).await.unwrap(), [second]);
    let versions = records.versions(first.id).await.unwrap();
    assert_eq!(versions.iter().map(|v| v.version).collect::<Vec<_>>(), [2, 1]);
    // Nobody ended the jobs, but everything they were for is there.
    assert_eq!(findings(&bed.archive).await, [""; 0]);
}

#[tokio::test]
async fn two_papers_of_one_owner_get_codes_of_their_own() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(2).await;
    let documents = [filed(&pages[..1], "TP01"), filed(&pages[1..], "TP02")];
    bed.file(dossier.id, &documents).await;
    let first = bed.publish(&dossier, documents[0].id).await;
    let second = bed.publish(&dossier, documents[1].id).await;
    assert!(first.digitisation_code.ends_with(".01"));
    assert!(second.digitisation_code.ends_with(".02"));
}

#[tokio::test]
async fn a_number_that_was_not_read_well_is_not_made_part_of_a_code() {
    for (confidence, code) in [(0.95, "47/QĐ-UBND"), (0.3, "")] {
        let bed = bed().await;
        let (dossier, pages) = bed.read_dossier(1).await;
        let document = filed(&pages, "TP01");
        bed.file(dossier.id, std::slice::from_ref(&document)).await;
        let pdf = bed.archive.blobs.put(b"pdf").await.unwrap();
        let number = Field {
            name: FieldName::NumberSymbol,
            value: "47/QĐ-UBND".to_owned(),
            confidence,
            source: FieldSource::Ocr,
            page: Some(0),
            area: None,
        };
        let draft = Record { fields: vec![number], ..draft(&dossier, document.id, pdf) };
        let records = &bed.archive.records;
        let now = Timestamp::now();
        let record = records.publish(document.id, &document.revision, draft, now).await.unwrap();
        let want = format!("{NUMBER}.birth_certificate.{code}.01");
        assert_eq!(record.unwrap().digitisation_code, want);
    }
}

#[tokio::test]
async fn a_document_that_is_gone_is_not_published() {
    let bed = bed().await;
    let (dossier, pages) = bed.read_dossier(1).await;
    let document = filed(&pages, "TP01");
    let pdf = bed.archive.blobs.put(b"pdf").await.unwrap();
    let draft = draft(&dossier, document.id, pdf);
    let records = &bed.archive.records;
    let published = records.publish(document.id, &document.revision, draft, Timestamp::now());
    assert_eq!(published.await.unwrap(), None);
}

#[tokio::test]
async fn a_lookup_is_answered_again_as_it_was() {
    let bed = bed().await;
    let record = published(&bed).await;
    let records = &bed.archive.records;
    let mut request = request(&record, "Đăng ký kết hôn");
    let first = records.put_lookup(SOMEBODY, &request, &record, Timestamp::now()).await.unwrap();
    let second = records.put_lookup(SOMEBODY, &request, &record, Timestamp::now()).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(first.record, record);
    let another = PrincipalId::random();
    let theirs = records.put_lookup(another, &request, &record, Timestamp::now()).await;
    assert!(matches!(theirs, Err(LookupError::Reused)));
    assert!(matches!(records.answered(&request, another).await, Err(LookupError::Reused)));
    request.purpose.push_str(" khác");
    let reused = records.put_lookup(SOMEBODY, &request, &record, Timestamp::now()).await;
    assert!(matches!(reused, Err(LookupError::Reused)));
}

#[tokio::test]
async fn a_superseded_version_is_not_handed_out() {
    let bed = bed().await;
    let record = published(&bed).await;
    let request = request(&record, "Đăng ký kết hôn");
    assert_eq!(bed.tamper("update record set state = 'superseded'").await, 1);
    let asked = bed.archive.records.put_lookup(SOMEBODY, &request, &record, Timestamp::now()).await;
    assert!(matches!(asked, Err(LookupError::NotUsable)));
}
