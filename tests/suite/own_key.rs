//! Officers with keys of their own where nobody signs for another: a paper waits for its key. Who
//! signs where others may is in `officers.rs`.

use std::process::Command;

use reqwest::Client;
use schemas::access::Role;
use schemas::api::{DossierView, ParkedView, Receipt};
use tests::{Story, expect, opening};

use crate::Stage;
use crate::proof::{Held, Keys, first_record, pyhanko};

/// The stage's office.
pub(crate) const OFFICE: &str = "H26.01.02";
const DECLARATION: &str = "1.001193-TP01";

/// The agency's key, and those of whoever has that name.
pub(crate) fn config(keys: &Keys, officers: &[(&str, &str)]) -> String {
    let own = |(name, file): &(&str, &str)| {
        format!("[[signing.officers]]\nname = {name:?}\n{}", keys.named(file))
    };
    let officers: String = officers.iter().map(own).collect();
    format!("{officers}[signing.agency]\n{}", keys.named("agency"))
}

/// Sends a page of the declaration as whoever the client is, with whatever headers they like.
pub(crate) async fn send(
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
pub(crate) async fn paper(stage: &Stage, dossier: &DossierView) -> Held {
    let view = stage.settled(dossier).await;
    assert_eq!(view.documents.len(), 1, "{:#?}", view.documents);
    Held::of(stage, first_record(&view).0).await
}

/// Its signatures are that officer's, shown at the top left of the first page, and the agency's.
#[track_caller]
pub(crate) fn is_signed_by(keys: &Keys, held: &Held, officer: &str) {
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
