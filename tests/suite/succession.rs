//! Papers that end others: a divorce the marriage, a marriage the status confirmed before it.

use std::time::{Duration, Instant};

use failpoints::Point;
use jiff::ToSpan;
use jiff::civil::Date;
use papers::{Family, Press, Scan, Sheet, Wear};
use reqwest::Client;
use schemas::api::{
    ComponentStatus, ComponentView, DocumentView, DossierView, OpenDossier, RecordChange,
    RecordVersion, Requirements,
};
use schemas::ids::{KindId, RecordId};
use schemas::record::RecordState;
use serde_json::{Value, json};
use tests::{opening, problem, raw, with_key};

use crate::Stage;

const FAMILY: u64 = 20;
/// Residence registration of a family, in a home that is not one's own; and what proves that they
/// are one.
const RESIDENCE: &str = "1.004222";
const WITH_FAMILY: &str = "dang-ky-thuong-tru-tai-cho-o-hop-phap-khong-57cf1af3";
const KINSHIP: &str = "1.004222-TP07";

/// An office with somebody who files, puts right and withdraws.
struct Office {
    stage: Stage,
    family: Family,
    press: Press,
    back_office: Client,
}

impl Office {
    async fn opened() -> Self {
        let stage = Stage::start().await;
        let key = stage.new_key(&["doi-chieu", "--role", "back_office", "--office", "H26.01"]);
        let (family, press) = (Family::new(FAMILY), Press::open().unwrap());
        Self { back_office: with_key(&key), stage, family, press }
    }

    fn residence(&self) -> OpenDossier {
        OpenDossier {
            procedure: RESIDENCE.parse().unwrap(),
            case: Some(WITH_FAMILY.parse().unwrap()),
            ..opening(&self.family.father.subject())
        }
    }

    /// A dossier of the father's into which the sheet is scanned, and what it became.
    async fn scanned(&self, sheet: &Sheet) -> DocumentView {
        let dossier = self.stage.open(&self.residence()).await;
        let scan = Scan { wear: Wear::light(FAMILY), ..Scan::default() };
        self.stage.scan(&dossier, &scan.jpeg(sheet).unwrap()).await;
        let view = self.stage.settled(&dossier).await;
        view.documents.into_iter().next().unwrap()
    }

    /// Says what is to become of a record or a document.
    async fn say(&self, place: &str, word: Value) {
        let request = self.back_office.post(self.stage.url(place)).json(&word);
        let response = request.send().await.unwrap();
        let status = response.status();
        assert!(status.is_success(), "{place}: {status} {}", response.text().await.unwrap());
    }

    /// Files a document as that kind of paper; it is a record a moment later.
    async fn file(&self, document: &DocumentView, kind: &str) -> RecordId {
        let place = format!("/v1/documents/{}/assign", document.id);
        let word = json!({
            "component": KINSHIP, "kind": kind, "by": "can-bo-7", "again": "replaced",
        });
        self.say(&place, word).await;
        let id = RecordId::of(document.id);
        until("published", async || !self.versions(id).await.is_empty()).await;
        id
    }

    async fn versions(&self, record: RecordId) -> Vec<RecordVersion> {
        let url = self.stage.url(&format!("/v1/records/{record}/versions"));
        let response = self.stage.http.get(url).send().await.unwrap();
        if response.status() == 404 { Vec::new() } else { response.json().await.unwrap() }
    }

    async fn state(&self, record: RecordId) -> (RecordState, Option<RecordId>) {
        let version = self.versions(record).await.remove(0);
        (version.state, version.superseded_by)
    }

    /// How the proof of kinship stands for the father.
    async fn kinship(&self) -> ComponentView {
        let asked = json!({
            "procedure": RESIDENCE, "case": WITH_FAMILY,
            "subject": raw(&self.family.father.subject()), "purpose": "Đăng ký thường trú",
        });
        let asked: Requirements = self.stage.post("/v1/requirements", &asked).await;
        asked.components.into_iter().find(|c| c.id.as_str() == KINSHIP).unwrap()
    }

    /// The parents' marriage certificate as a record, its day as the paper has it.
    async fn marriage(&self) -> RecordId {
        let document = self.scanned(&self.press.marriage_certificate(&self.family)).await;
        let record = document.record.unwrap_or_else(|| panic!("{}", document.why));
        self.issued(record, self.family.married).await;
        record
    }

    /// Says on which day a paper was issued.
    async fn issued(&self, record: RecordId, on: Date) {
        self.dated(record, 1, "issued_on", on).await;
    }

    /// Says what day a version of a record names.
    async fn dated(&self, record: RecordId, version: u32, name: &str, on: Date) {
        let fields = json!([{ "name": name, "value": on.to_string() }]);
        let word = json!({
            "version": version, "fields": fields, "reason": "Đọc sót ngày", "by": "can-bo-7",
        });
        self.say(&format!("/v1/records/{record}/correct"), word).await;
    }

    async fn warned(&self, dossier: &DossierView) -> Vec<RecordChange> {
        let view: DossierView = self.stage.get(&format!("/v1/dossiers/{}", dossier.code)).await;
        view.warnings.iter().map(|warning| warning.change).collect()
    }
}

async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !is().await {
        assert!(since.elapsed() < Duration::from_secs(60), "never {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marriage_that_is_held_ends_with_the_divorce_and_comes_back_if_that_was_wrong() {
    let mut office = Office::opened().await;
    let married = office.marriage().await;
    let held = office.kinship().await;
    assert_eq!((held.status, held.record), (ComponentStatus::Held, Some(married)));
    let open = office.stage.open(&office.residence()).await;

    let married_on = office.family.married;
    let [divorced_on, on] = [1.year(), 2.years()].map(|span| married_on.checked_add(span).unwrap());
    let sheet = office.press.divorce_extract(&office.family, on);
    let document = office.scanned(&sheet).await;
    assert_eq!(document.kind.as_ref().map(KindId::as_str), Some("divorce_extract"));
    assert_eq!(document.record, None, "nobody asked for it");
    // Whoever publishes it dies before it ended anything, and the next one ends it.
    office.stage.arm(Point::RecordPublished);
    let place = format!("/v1/documents/{}/assign", document.id);
    let word = json!({ "component": KINSHIP, "by": "can-bo-7", "again": "replaced" });
    office.say(&place, word).await;
    office.stage.died();
    let ended = office.stage.sql("select record_id from record where superseded_by is not null");
    assert_eq!(ended.trim(), "");
    office.stage.launch();
    let divorced = RecordId::of(document.id);
    until("published", async || !office.versions(divorced).await.is_empty()).await;
    office.issued(divorced, on).await;
    // It doesn't say since when they are divorced: a person does.
    office.dated(divorced, 2, "act_on", divorced_on).await;
    until("ended", async || office.state(married).await.0 == RecordState::Superseded).await;
    assert_eq!(office.state(married).await, (RecordState::Superseded, Some(divorced)));

    until("warned", async || office.warned(&open).await == [RecordChange::Superseded]).await;
    let ended = office.kinship().await;
    assert_ne!(ended.status, ComponentStatus::Held);
    let by = "đã có giấy tờ khác thay thế: bản số hoá «Trích lục ghi chú ly hôn»";
    assert!(ended.reason.contains(by), "{}", ended.reason);
    let url = office.stage.url(&format!("/v1/records/{married}"));
    let asked = office.stage.http.get(url).header("Sohoa-Purpose", "Kiem thu");
    let asked = asked.header("Sohoa-Asked-By", "can-bo-3").send().await.unwrap();
    let (status, refusal) = problem(asked).await;
    assert_eq!((status, refusal.code.as_str()), (409, "record.not_usable"));
    assert!(refusal.detail.unwrap().contains(&divorced.to_string()));

    let word = json!({ "reason": "Quét nhầm giấy của người khác", "by": "can-bo-7" });
    office.say(&format!("/v1/records/{divorced}/revoke"), word).await;
    until("in use again", async || office.state(married).await.0 == RecordState::Published).await;
    assert_eq!(office.kinship().await.record, Some(married));
    assert_eq!(office.warned(&open).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_ended_by_a_later_marriage_and_not_by_an_earlier_one() {
    let office = Office::opened().await;
    let mut confirmed = Vec::new();
    for span in [(-1).months(), 1.months()] {
        let on = office.family.married.checked_add(span).unwrap();
        let document = office.scanned(&office.press.marital_status(&office.family, on)).await;
        let record = office.file(&document, "marital_status_certificate").await;
        office.issued(record, on).await;
        confirmed.push(record);
    }
    let married = office.marriage().await;
    let ended = (RecordState::Superseded, Some(married));
    until("ended", async || office.state(confirmed[0]).await == ended).await;
    assert_eq!(office.state(confirmed[1]).await, (RecordState::Published, None));
    // Nor is that a moment later.
    let word = json!({ "version": 2, "reason": "Đã được cấp lại", "by": "can-bo-7" });
    office.say(&format!("/v1/records/{}/supersede", confirmed[1]), word).await;
    assert_eq!(office.state(confirmed[1]).await, (RecordState::Superseded, None));
}
