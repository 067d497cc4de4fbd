//! Personal data is in records and blobs only. A whole run at its most talkative, and then
//! everything that went in or was read off its papers is looked for where it must not be.

use std::collections::BTreeSet;

use schemas::access::Role;
use schemas::api::{
    Lookup, LookupRequest, OpenDossier, RawSubject, Requirements, RequirementsRequest,
};
use schemas::reading::PageReading;
use tests::{Story, code_of, jpeg_page, opening, raw, somebody};

use crate::Stage;

/// Everything of ours is told, and what others say from `info` on.
const TALKATIVE: &str = "info,access=debug,archive=debug,intake=debug,people=debug,problem=debug,\
    records=debug,review=debug,sohoa=debug,vitals=debug,worker=debug";

const WITH_FAMILY: &str = "dang-ky-thuong-tru-tai-cho-o-hop-phap-khong-57cf1af3";

/// A number that somebody puts where none belongs: into an address.
const LOST: &str = "001099000027";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_is_told_by_logs_metrics_or_the_queue() {
    let stage = Stage::start_telling(TALKATIVE, "").await;
    let mut secrets = Secrets::default();
    let mut queue = stage.queued().await;
    for (folder, case) in [("khai-sinh", None), ("thuong-tru", Some(WITH_FAMILY))] {
        let story = Story::told(folder);
        secrets.subject(&raw(&story.dossier.subject));
        let spouse = raw(&somebody(folder.len() as u64));
        secrets.subject(&spouse);
        let opening = OpenDossier { others: vec![spouse.clone()], ..story.opening(case) };
        let dossier = stage.open(&opening).await;
        for scan in story.scans() {
            stage.scan(&dossier, scan).await;
            queue.push_str(&stage.queued().await);
        }
        let view = stage.settled(&dossier).await;
        for page in view.scans.iter().flat_map(|scan| &scan.pages) {
            let reading: PageReading = stage.get(&format!("/v1/pages/{}/reading", page.id)).await;
            secrets.text(&reading.text);
        }
        ask(&stage, &story, spouse, &mut secrets).await;
    }
    go_wrong(&stage, &mut secrets).await;
    log_in(&stage, &mut secrets).await;
    queue.push_str(&stage.queued().await);

    assert!(200 < secrets.0.len(), "too little was looked for: {:?}", secrets.0);
    let log = stage.log();
    assert!(log.contains("job done") && log.contains("\"level\":\"DEBUG\""), "{log}");
    assert!(queue.contains("unpack"), "the queue was never looked at in time");
    for (place, text) in [("log", log), ("metrics", stage.metrics().await), ("queue", queue)] {
        for secret in &secrets.0 {
            let found = text.lines().find(|line| line.contains(secret.as_str()));
            assert!(found.is_none(), "{secret} stands in the {place}: {found:?}");
        }
    }
}

/// Asks for records as a procedure does.
async fn ask(stage: &Stage, story: &Story, spouse: RawSubject, secrets: &mut Secrets) {
    let purpose = "Đăng ký cho con thứ hai của gia đình".to_owned();
    secrets.put(&purpose);
    let mut request = RequirementsRequest {
        procedure: "1.004222".parse().unwrap(),
        case: Some(WITH_FAMILY.parse().unwrap()),
        subject: raw(&story.dossier.subject),
        others: vec![spouse.clone()],
        purpose: purpose.clone(),
        answers: schemas::api::Answers::new(),
        office: None,
    };
    let asked: Requirements = stage.post("/v1/requirements", &request).await;
    // Lines of the audit outlive whoever they are about: a purpose that names them is refused.
    request.purpose = format!("Đăng ký cho {}", story.dossier.subject.name().reveal());
    assert_eq!(stage.refused("/v1/requirements", &request).await.0, 400);
    let (RawSubject::Citizen { name, .. } | RawSubject::Organisation { name, .. }) = spouse;
    request.purpose = format!("Đăng ký cho {name}");
    assert_eq!(stage.refused("/v1/requirements", &request).await.0, 400);
    for record in asked.components.iter().filter_map(|component| component.record) {
        let request = LookupRequest {
            request: record.as_uuid(),
            record,
            subject: raw(&story.dossier.subject),
            purpose: purpose.clone(),
            legal_basis: None,
            dossier: None,
            asked_by: "Nguyễn Văn Cán Bộ".to_owned(),
            on_behalf_of: None,
            component: None,
        };
        let answer: Lookup = stage.post("/v1/lookups", &request).await;
        secrets.put(&answer.record.digitisation_code);
        for field in &answer.record.fields {
            secrets.field(&field.value);
        }
    }
    secrets.put("Nguyễn Văn Cán Bộ");
}

/// What is refused, parked or lost tells no more than what goes well.
async fn go_wrong(stage: &Stage, secrets: &mut Secrets) {
    let somebody = raw(&somebody(3));
    secrets.subject(&somebody);
    secrets.put(LOST);
    let RawSubject::Citizen { number, name, .. } = somebody else { unreachable!() };
    let wrong = RawSubject::Citizen { number, name, born: "1901-02-03".parse().unwrap() };
    secrets.put("1901-02-03");
    let mut opening = opening(&tests::somebody(3));
    let dossier = stage.open(&opening).await;
    opening.subject = wrong;
    assert_eq!(stage.refused("/v1/dossiers", &opening).await.0, 422);
    let nonsense = serde_json::json!({ "subject": { "number": LOST } });
    assert_eq!(stage.refused("/v1/requirements", &nonsense).await.0, 400);
    for path in ["/v1/citizens/", "/v1/records/", "/v1/dossiers/", "/v1/pages/"] {
        for method in [reqwest::Method::GET, reqwest::Method::DELETE] {
            let url = stage.url(&format!("{path}{LOST}?of={LOST}"));
            let request = stage.http.request(method, url).header("sohoa-asked-by", LOST);
            assert!(!request.send().await.unwrap().status().is_success());
        }
    }
    let broken = [&jpeg_page(5)[..600], LOST.as_bytes()].concat();
    stage.scan(&dossier, &broken).await;
    assert_eq!(stage.send(&dossier, LOST.as_bytes()).await.status(), 415);
    stage.settled(&dossier).await;
}

/// Somebody logs in, well and badly: nothing tells what opened the door, or who stood before it.
async fn log_in(stage: &Stage, secrets: &mut Secrets) {
    let given = stage.new_person("nguyen.van.mau", Role::Administrator, "H26.01.02");
    secrets.put(&given.name);
    secrets.put(&given.password);
    let person = stage.settle_in(given).await;
    secrets.put(&person.password);
    secrets.put(person.cookie.trim_start_matches("sohoa="));
    secrets.put(stage.key().rsplit('_').next().unwrap());
    let factor = person.factor.unwrap();
    secrets.put(&factor);
    person.recovery.iter().for_each(|code| secrets.put(code));
    for (name, password, code) in [
        (person.password.as_str(), "mật khẩu sai hẳn", None),
        (person.name.as_str(), "mật khẩu sai hẳn", None),
        (person.name.as_str(), person.password.as_str(), Some("sai-ma-khoi-phuc")),
        (person.name.as_str(), person.password.as_str(), Some(person.recovery[0].as_str())),
    ] {
        stage.log_in(name, password, code).await;
        secrets.put(password);
        code.into_iter().for_each(|code| secrets.put(code));
    }
    let next = code_of(&factor, 1);
    assert_eq!(stage.log_in(&person.name, &person.password, Some(&next)).await.status(), 201);
    assert!(stage.log().contains("logged in"));
}

/// What must not be told.
#[derive(Default)]
struct Secrets(BTreeSet<String>);

impl Secrets {
    fn put(&mut self, secret: &str) {
        self.0.insert(secret.trim().to_owned());
    }

    fn subject(&mut self, subject: &RawSubject) {
        let (RawSubject::Citizen { number, name, .. } | RawSubject::Organisation { number, name }) =
            subject;
        self.put(number);
        self.put(name);
        if let RawSubject::Citizen { born, .. } = subject {
            self.put(&born.to_string());
            self.put(&born.strftime("%d/%m/%Y").to_string());
        }
    }

    /// What a paper says: its longer lines (names, places and addresses are among them), its
    /// dates and its longer numbers.
    fn text(&mut self, text: &str) {
        for line in text.lines().filter(|line| 12 <= line.trim().chars().count()) {
            self.put(line);
            for words in
                line.split([':', ',', ';']).filter(|part| 3 <= part.split_whitespace().count())
            {
                self.put(words);
            }
        }
        for word in text.split_whitespace() {
            self.number(word.trim_matches(|c: char| !c.is_ascii_digit()));
        }
    }

    fn field(&mut self, value: &str) {
        if 8 <= value.chars().count() {
            self.put(value);
        }
    }

    /// Shorter ones stand in many an id and moment.
    fn number(&mut self, word: &str) {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let date = word.contains('/') && digits == 8;
        if date || (9 <= digits && digits == word.len()) {
            self.put(word);
        }
    }
}
