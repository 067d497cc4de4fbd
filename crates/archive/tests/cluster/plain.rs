//! A cluster without a master key, and one that gets one later.

use archive::ArchiveError;

use crate::bed::{bed_with, findings, masters};

#[tokio::test]
async fn what_came_before_the_master_key_is_read_as_it_is() {
    let bed = bed_with(|place| place.masters = None).await;
    let dossier = bed.dossier().await;
    let plain = bed.scan(dossier.id, b"one scan").await.blake3;
    assert_eq!(std::fs::read(bed.blob(plain)).unwrap(), b"one scan");
    let bed = bed.again_with(|place| place.masters = Some(masters("5e", &[]))).await;
    let shut = bed.scan(dossier.id, b"another scan").await.blake3;
    assert_eq!(bed.archive.blobs.get(plain).await.unwrap(), b"one scan");
    assert_eq!(bed.archive.blobs.get(shut).await.unwrap(), b"another scan");
    assert_ne!(std::fs::read(bed.blob(shut)).unwrap(), b"another scan");
    assert_eq!(findings(&bed.archive).await, [""; 0]);
    // From then on nobody does without.
    let mut place = bed.form.place();
    place.masters = None;
    let refused = archive::Archive::open(&place).await.err();
    assert!(matches!(refused, Some(ArchiveError::OtherMaster)), "{refused:?}");
}
