//! Officers with keys of their own: each paper is signed by whoever scanned its first page.

use std::process::Command;

use reqwest::Client;
use schemas::access::Role;
use schemas::api::{DossierView, ParkedView, Receipt};
use serde_json::{Value, json};
use tests::{Story, expect, opening, with_key};

use crate::Stage;
use crate::proof::{Held, Keys, first_record, pyhanko};

const OFFICE: &str = "H26.01.02";
const DECLARATION: &str = "1.001193-TP01";

/// The agency's key, and those of whoever has that name.
fn config(keys: &Keys, officers: &[(&str, &str)]) -> String {
    let own = |(name, file): &(&str, &str)| {
        format!("[[signing.officers]]\nname = {name:?}\n{}", keys.named(file))
    };
    let officers: String = officers.iter().map(own).collect();
    format!("{officers}[signing.agency]\n{}", keys.named("agency"))
}

/// Sends a page of the declaration as whoever the client is, with whatever headers they like.
async fn send(
    stage: &Stage,
    who: &Client,
    (dossier, page): (&DossierView, &[u8]),
    said: &[(&'static str, &str)],
) -> Receipt {
    let url = stage.url(&format!("/v1/dossiers/{}/scans", dossier.code));
    let mut request = who.post(url).header("Sohoa-Component", DECLARATION).body(page.to_vec());
    for (name, value) in said {
        request = request.header(*name, *value);
    }
    expect(request.send().await.unwrap(), "scan").await
}

/// The only paper of a dossier, signed.
async fn paper(stage: &Stage, dossier: &DossierView) -> Held {
    let view = stage.settled(dossier).await;
    assert_eq!(view.documents.len(), 1, "{:#?}", view.documents);
    Held::of(stage, first_record(&view).0).await
}

/// Its signatures are that officer's, shown at the top left of the first page, and the agency's.
#[track_caller]
fn is_signed_by(keys: &Keys, held: &Held, officer: &str) {
    let told = pyhanko(keys, &held.pdf);
    let line = |name: &str, more: &str| {
        format!("giay.pdf [{name}] intact valid trusted{more} untouched PASS")
    };
    assert_eq!(told, [line(officer, ""), line("ỦY BAN NHÂN DÂN XÃ MẪU", " whole")]);
    // 240 by 40 points at the corner.
    let corner = ["-f", "1", "-l", "1", "-x", "0", "-y", "0", "-W", "240", "-H", "40"];
    let shown = Command::new("pdftotext")
        .args([&corner[..], &["-layout"]].concat())
        .arg(keys.path("giay.pdf"))
        .arg("-")
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains(&format!("Người số hóa: {officer}")), "{shown}");
    assert!(shown.contains("Thời gian ký: "), "{shown}");
}

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

#[tokio::test(flavor = "multi_thread")]
async fn where_each_signs_alone_a_paper_waits_for_the_key_of_whoever_scanned_it() {
    let keys = Keys::made();
    let office = format!("[signing.officer]\n{}", keys.named("officer"));
    let config = config(&keys, &[("can-bo-1", "first")]) + &office;
    let mut stage = Stage::start_with(&format!("[signing]\npersonal_only = true\n{config}")).await;
    let first = stage.person("can-bo-1", Role::Officer, OFFICE).await.http();
    let second = stage.person("can-bo-2", Role::Officer, OFFICE).await.http();
    let story = Story::told("khai-sinh");
    let [mine, others] = [
        stage.open(&opening(&story.dossier.subject)).await,
        stage.open(&opening(&story.dossier.subject)).await,
    ];
    send(&stage, &first, (&mine, story.scans()[0]), &[]).await;
    send(&stage, &second, (&others, story.scans()[0]), &[]).await;
    is_signed_by(&keys, &paper(&stage, &mine).await, "Lê Thị Một");

    let view = stage.settled(&others).await;
    assert_eq!(view.documents[0].record, None, "nobody else signed it");
    let parked: Vec<ParkedView> = stage.get("/v1/parked").await;
    assert_eq!(parked.len(), 1, "{parked:?}");
    assert_eq!((parked[0].job.as_str(), parked[0].code.as_str()), ("seal", "sign.no_officer"));
    assert_eq!(parked[0].dossier, others.code);

    // Given a key, it is done again.
    assert!(stage.terminate().success());
    let own = format!("[[signing.officers]]\nname = \"can-bo-2\"\n{}", keys.named("second"));
    stage.configure(&own);
    stage.launch();
    let retry = stage.url(&format!("/v1/parked/{}/retry", parked[0].id));
    assert!(stage.http.post(retry).send().await.unwrap().status().is_success());
    is_signed_by(&keys, &paper(&stage, &others).await, "Phạm Văn Hai");
}
