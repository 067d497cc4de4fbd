//! Officers with keys of their own: each paper is signed by whoever scanned its first page. On one
//! machine alone: a worker knows who scanned from the database, wherever it is; `own_key.rs` shows
//! that on both forms.

use schemas::access::Role;
use schemas::api::DossierView;
use serde_json::{Value, json};
use tests::{Stage, Story, expect, opening, with_key};

use crate::own_key::{OFFICE, config, is_signed_by, paper, send};
use crate::proof::{Held, Keys, first_record};

#[tokio::test(flavor = "multi_thread")]
async fn each_paper_is_signed_by_the_officer_who_scanned_its_first_page() {
    let keys = Keys::made();
    let officers = [
        ("can-bo-1", "first"),
        ("can-bo-2", "second"),
        // A station that only can-bo-2 uses; and whoever corrects has a key, too.
        ("quay-2", "second"),
        ("doi-chieu", "second"),
        ("nguoi-cu", "expired"),
    ];
    let office = format!("[signing.officer]\n{}", keys.named("officer"));
    let stage = Stage::start_with(&(config(&keys, &officers) + &office)).await;
    let log = stage.log();
    let warned = |text: &str| log.lines().filter(|line| line.contains(text)).collect::<Vec<_>>();
    let expired = warned("the certificate has expired");
    assert_eq!(expired.len(), 1, "{log}");
    assert!(expired[0].contains("signing.officers[5]"), "{}", expired[0]);
    assert_eq!(warned("nobody has the name").len(), officers.len(), "nobody was made yet");
    assert!(!log.contains("nguoi-cu") && !log.contains("mat khau thu"), "{log}");

    let first = stage.person("can-bo-1", Role::Officer, OFFICE).await.http();
    let second = stage.person("can-bo-2", Role::Officer, OFFICE).await.http();
    let station =
        |name: &str| with_key(&stage.new_key(&[name, "--role", "station", "--office", OFFICE]));
    let (bound, shared) = (station("quay-2"), station("quay-3"));
    let story = Story::told("khai-sinh");
    let [front, note] = [story.scans()[0], story.scans()[1]];
    let open = async || stage.open(&opening(&story.dossier.subject)).await;

    let mut papers = Vec::new();
    let office = "Nguyễn Thị Quét";
    // What a station says of somebody proves nothing.
    let said = [("Sohoa-Asked-By", "can-bo-1"), ("Sohoa-Station", "can-bo-1")];
    for (who, said, scanned_by, signer) in [
        (&first, &[][..], "can-bo-1", "Lê Thị Một"),
        (&second, &[], "can-bo-2", "Phạm Văn Hai"),
        (&bound, &[], "quay-2", "Phạm Văn Hai"),
        (&shared, &said[..], "quay-3", office),
    ] {
        let dossier = open().await;
        send(&stage, who, (&dossier, front), said).await;
        let held = paper(&stage, &dossier).await;
        is_signed_by(&keys, &held, signer);
        let view: DossierView = stage.get(&format!("/v1/dossiers/{}", dossier.code)).await;
        assert_eq!(view.scans[0].scanned_by.as_deref(), Some(scanned_by));
        papers.push((dossier, held));
    }

    // One paper, its pages by two officers; the first page was sent again by the other.
    let dossier = open().await;
    assert!(!send(&stage, &second, (&dossier, front), &[]).await.repeated);
    assert!(send(&stage, &first, (&dossier, front), &[]).await.repeated);
    send(&stage, &first, (&dossier, note), &[]).await;
    let both = paper(&stage, &dossier).await;
    is_signed_by(&keys, &both, "Phạm Văn Hai");
    let view: DossierView = stage.get(&format!("/v1/dossiers/{}", dossier.code)).await;
    assert_eq!(view.documents[0].pages.len(), 2);
    let scanned_by: Vec<_> = view.scans.iter().map(|scan| scan.scanned_by.as_deref()).collect();
    assert_eq!(scanned_by, [Some("can-bo-2"), Some("can-bo-1")]);

    // Who puts a record right didn't scan it.
    let (dossier, before) = &papers[0];
    let (record, _) = first_record(&stage.settled(dossier).await);
    let back_office = stage.person("doi-chieu", Role::BackOffice, OFFICE).await.http();
    let word = json!({
        "version": 1, "reason": "Đọc sai người ký", "by": "doi-chieu",
        "fields": [{ "name": "signer", "value": "Nguyễn Văn Mẫu" }],
    });
    let url = stage.url(&format!("/v1/records/{record}/correct"));
    let _: Value = expect(back_office.post(url).json(&word).send().await.unwrap(), "correct").await;
    let after = Held::of(&stage, record).await;
    assert!(after.proof["body"].as_str().unwrap().contains("\"version\":2"));
    assert!(before.pdf == after.pdf, "the paper is what it was, and who scanned it");

    // As a program of the version before left it: it isn't known who scanned.
    let dossier = open().await;
    send(&stage, &first, (&dossier, front), &[]).await;
    is_signed_by(&keys, &paper(&stage, &dossier).await, "Lê Thị Một");
    stage.sql(&format!(
        "update scan set scanned_by = null where dossier_id =
         (select dossier_id from dossier where code = '{}')",
        dossier.code
    ));
    send(&stage, &second, (&dossier, note), &[]).await;
    is_signed_by(&keys, &paper(&stage, &dossier).await, office);
    assert_eq!(stage.check()["check"]["findings"], Value::Array(vec![]));
}
