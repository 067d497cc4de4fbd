//! Asking another Kho for a dossier. The question leaves like everything that must, so it is
//! pending until an answer is there; one that comes late is kept with the dossier.

use access::Asker;
use archive::{
    Archive, ArchiveError, AskedKho, Dossier, DueDelivery, Inquiry, InquiryFile, InquiryWord,
    NewInquiry,
};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use problem::{Answer, Json, Path, Problem};
use reqwest::header::HeaderMap;
use schemas::Uuid;
use schemas::api::{
    DeliveryTrouble, DossierState, InquirySaid, InquiryState, KhoPaper, LookupWord, SayOfInquiry,
};
use schemas::catalogue::{Component, Whose};
use schemas::code::Reason;
use schemas::ids::{ComponentId, DossierCode, InquiryId, ResultCode};
use schemas::subject::Subject;
use schemas::text::has_length;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ExchangeDesk;
use crate::kho::{KhoAnswer, KhoFileQuestion, KhoQuestion, MOST, NO_ERROR, WantedResult};
use crate::post::{Failed, Post, SHORT};

const JSON: &str = "application/json";

/// Files that are taken of an answer, at most.
const MOST_FILES: usize = 20;

/// Longest answer with a file, in bytes: 48 MB as base64.
const LONGEST_FILE: usize = 64 << 20;

/// Another Kho: where it is asked, and where its files are to be had.
#[derive(Debug, Clone)]
pub struct OtherKho {
    /// Where it is asked.
    pub results: Post,
    /// Where its files are.
    pub files: Post,
    /// What it is shown.
    pub headers: HeaderMap,
}

/// Asks another Kho for papers of one of a dossier's people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskKho {
    /// Chosen by the asker; a repeat asks nothing new.
    #[schema(value_type = String, format = Uuid)]
    pub request: Uuid,
    /// The Kho, by its name in the configuration.
    pub kho: String,
    /// Dossier that it is for.
    pub dossier: DossierCode,
    /// Component that it is for.
    #[serde(default)]
    pub component: Option<ComponentId>,
    /// Codes of results that would do, 1 to 50.
    pub results: Vec<ResultCode>,
    /// Name of the officer who asks.
    pub asked_by: String,
    /// Number of the officer who asks.
    pub asked_by_number: String,
}

/// A question to another Kho.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InquiryView {
    /// Its id.
    pub id: InquiryId,
    /// The Kho.
    pub kho: String,
    /// Component that it is for.
    pub component: Option<ComponentId>,
    /// Where it stands.
    pub state: InquiryState,
    /// When it was asked; RFC 3339, UTC.
    pub asked_at: String,
    /// When the answer came.
    pub answered_at: Option<String>,
    /// Papers that the other Kho has.
    pub papers: Vec<KhoPaper>,
    /// Files that came with them.
    pub files: Vec<InquiryFileView>,
    /// What became of the answer, earliest first; of used and declined the last counts.
    #[serde(default)]
    pub words: Vec<InquirySaid>,
}

/// A file that came with an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InquiryFileView {
    /// What the other Kho calls it.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Ask another Kho for papers that an open dossier needs.
///
/// The applicant's, or those of the only other whom the dossier names, where the catalogue says
/// that the component asks for another's. It is asked as soon as may be, and again until it
/// answers; until then the question is pending.
#[utoipa::path(
    post,
    path = "/v1/inquiries",
    tag = "exchange",
    extensions(("x-permission" = json!(["look_up"]))),
    request_body = AskKho,
    responses(
        (status = 202, description = "It will be asked", body = InquiryView),
        (status = 400, description = "`request.invalid`"),
        (status = 404, description = "`dossier.unknown`"),
        (status = 409, description = "`dossier.closed`; `idempotency.reused`: the request id was used for another question; `inquiry.too_many`: 100 were asked for the dossier"),
        (status = 422, description = "`kho.unknown`; `component.unknown`: not one of the dossier's"),
    ),
)]
pub(crate) async fn ask(
    State(desk): State<ExchangeDesk>,
    asker: Asker,
    Json(asked): Json<AskKho>,
) -> Answer<(StatusCode, Json<InquiryView>)> {
    check_length("asked_by", &asked.asked_by, 200)?;
    check_length("asked_by_number", &asked.asked_by_number, 50)?;
    if !(1..=MOST).contains(&asked.results.len()) {
        return Err(Problem::new(Reason::RequestInvalid).because("`results` has 1 to 50"));
    }
    let kho = desk.kho.iter().find(|kho| kho.name == asked.kho);
    let national = kho.ok_or(Reason::KhoUnknown)?.national;
    let records = &desk.archive.records;
    let dossier = asker.reached(records.dossier(&asked.dossier).await?);
    let dossier = dossier.ok_or(Reason::DossierUnknown)?;
    let id = InquiryId::of(asked.request);
    // Asked before, it has its answer whatever became of the dossier.
    if let Some(kept) = records.inquiry(id).await? {
        return asked_before(&desk, &asker, &dossier, (&asked, &kept)).await;
    }
    if dossier.state == DossierState::Closed {
        return Err(Reason::DossierClosed.into());
    }
    let owner = owner(&desk, &dossier, asked.component.as_ref()).await?;
    let wanted =
        |code: &ResultCode| WantedResult { code: code.to_string(), number_symbol: String::new() };
    let question = KhoQuestion {
        owner: owner.reveal_number().to_owned(),
        asker_name: asked.asked_by.trim().to_owned(),
        channel: "1".to_owned(),
        asker_number: asked.asked_by_number.trim().to_owned(),
        procedure: dossier.procedure.to_string(),
        results: asked.results.iter().map(wanted).collect(),
    };
    let new = NewInquiry {
        id,
        dossier: dossier.id,
        kho: asked.kho.clone(),
        national,
        component: asked.component.clone(),
        principal: asker.id,
        question: serde_json::to_string(&question).map_err(|_| Reason::Internal)?,
    };
    match records.ask(&new, Timestamp::now()).await? {
        AskedKho::Asked => {}
        AskedKho::TooMany => return Err(Reason::InquiryTooMany.into()),
        AskedKho::Closed => return Err(Reason::DossierClosed.into()),
    }
    let kept = records.inquiry(id).await?.ok_or(Reason::Internal)?;
    asked_before(&desk, &asker, &dossier, (&asked, &kept)).await
}

/// A question as it is kept, where it is the one that is asked. Another dossier's of the same id
/// stays theirs.
async fn asked_before(
    desk: &ExchangeDesk,
    asker: &Asker,
    dossier: &Dossier,
    (asked, kept): (&AskKho, &Inquiry),
) -> Answer<(StatusCode, Json<InquiryView>)> {
    if kept.dossier != dossier.id || !asks(asked, kept) {
        return Err(Reason::KeyReused.into());
    }
    if kept.answer.is_some() {
        let records = &desk.archive.records;
        records.inquiry_read(asker.id, &dossier.code, None, Timestamp::now()).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(view(kept))))
}

/// Whether that is asked by a question: of the same Kho, for the same component and results.
fn asks(asked: &AskKho, kept: &Inquiry) -> bool {
    let results = asked.results.iter().map(ResultCode::as_str);
    let question = serde_json::from_str::<KhoQuestion>(&kept.question);
    kept.kho == asked.kho
        && kept.component == asked.component
        && question.is_ok_and(|question| {
            question.results.iter().map(|wanted| wanted.code.as_str()).eq(results)
        })
}

/// Questions to other Kho that were asked for a dossier, oldest first.
#[utoipa::path(
    get,
    path = "/v1/dossiers/{code}/inquiries",
    tag = "exchange",
    extensions(("x-permission" = json!(["look_up"]))),
    params(("code" = String, Path, description = "The dossier")),
    responses(
        (status = 200, description = "The questions, with their answers", body = [InquiryView]),
        (status = 404, description = "`dossier.unknown`"),
    ),
)]
pub(crate) async fn of_dossier(
    State(desk): State<ExchangeDesk>,
    asker: Asker,
    Path(code): Path<String>,
) -> Answer<Json<Vec<InquiryView>>> {
    let records = &desk.archive.records;
    let code: DossierCode = code.parse().map_err(|_| Reason::DossierUnknown)?;
    let dossier = asker.reached(records.dossier(&code).await?);
    let found = records.inquiries(dossier.ok_or(Reason::DossierUnknown)?.id).await?;
    if found.iter().any(|inquiry| inquiry.answer.is_some()) {
        records.inquiry_read(asker.id, &code, None, Timestamp::now()).await?;
    }
    Ok(Json(found.iter().map(view).collect()))
}

/// A file that came with another Kho's answer.
#[utoipa::path(
    get,
    path = "/v1/inquiries/{id}/files/{n}",
    tag = "exchange",
    extensions(("x-permission" = json!(["look_up"]))),
    params(
        ("id" = String, Path, format = Uuid, description = "The question"),
        ("n" = u32, Path, description = "Its place in the answer, from 0"),
    ),
    responses(
        (status = 200, description = "The file as it came", body = schemas::api::Binary, content_type = "application/octet-stream"),
        (status = 404, description = "`inquiry.unknown`, `file.unknown`"),
    ),
)]
pub(crate) async fn file(
    State(desk): State<ExchangeDesk>,
    asker: Asker,
    Path((id, n)): Path<(String, String)>,
) -> Answer<Response> {
    let (inquiry, dossier) = within_reach(&desk, &asker, &id).await?;
    let place: Option<usize> = n.parse().ok();
    let file = place.and_then(|place| inquiry.files.get(place)).ok_or(Reason::FileUnknown)?;
    let (code, read) = (&dossier.code, Some(file.blake3));
    desk.archive.records.inquiry_read(asker.id, code, read, Timestamp::now()).await?;
    tracing::info!(inquiry.id = %inquiry.id, principal.id = %asker.id, "file of an answer read");
    let bytes = desk.archive.blobs.get(file.blake3).await?;
    // Another's bytes: never shown by a browser as something of ours.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"tep.pdf\""),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, bytes).into_response())
}

/// Say what becomes of another Kho's answer.
///
/// A paper of it that the component accepts is shown to the citizen first, and then used for the
/// component or declined; a citizen may think better of it. What is used is not collected again.
/// Where the answer was declined, or never came, the paper may be handed in. Everything that was
/// said is kept.
#[utoipa::path(
    post,
    path = "/v1/inquiries/{id}/words",
    tag = "exchange",
    extensions(("x-permission" = json!(["look_up"]))),
    params(("id" = String, Path, format = Uuid, description = "The question")),
    request_body(
        content = SayOfInquiry,
        example = json!({ "word": "shown", "paper": 0, "by": "can-bo-quay-3" }),
    ),
    responses(
        (status = 200, description = "The question, with all that was said", body = InquiryView),
        (status = 400, description = "`request.invalid`"),
        (status = 404, description = "`inquiry.unknown`"),
        (status = 409, description = "`inquiry.not_usable`: there is no such paper, or none that the component accepts; `inquiry.not_shown`; `dossier.closed`"),
    ),
)]
pub(crate) async fn say(
    State(desk): State<ExchangeDesk>,
    asker: Asker,
    Path(id): Path<String>,
    Json(said): Json<SayOfInquiry>,
) -> Answer<Json<InquiryView>> {
    let (inquiry, dossier) = within_reach(&desk, &asker, &id).await?;
    check_length("by", &said.by, 200)?;
    if let Some(reason) = &said.reason {
        check_length("reason", reason, 500)?;
    }
    let component = match &inquiry.component {
        Some(id) => component_of(&desk, &dossier, id).await?,
        None => None,
    };
    let component = component.ok_or(Reason::InquiryNotUsable)?;
    let paper = match said.word {
        // Whoever wants to hand the paper in need not wait for an answer.
        LookupWord::Declined => None,
        LookupWord::Shown | LookupWord::Used => Some(paper_of(&inquiry, &component, said.paper)?),
    };
    let was_shown = paper.is_some_and(|paper| inquiry.was_shown(paper));
    if said.word == LookupWord::Used && !was_shown {
        return Err(Reason::InquiryNotShown.into());
    }
    let word = InquiryWord {
        word: said.word,
        paper,
        original: component.needs_original(),
        by: said.by,
        reason: said.reason,
        at: Timestamp::now(),
    };
    let records = &desk.archive.records;
    if !records.say_of_inquiry(asker.id, &inquiry, &word).await? {
        return Err(Reason::DossierClosed.into());
    }
    tracing::info!(inquiry.id = %inquiry.id, principal.id = %asker.id, "word about an answer kept");
    let kept = records.inquiry(inquiry.id).await?.ok_or(Reason::InquiryUnknown)?;
    Ok(Json(view(&kept)))
}

fn view(inquiry: &Inquiry) -> InquiryView {
    InquiryView {
        id: inquiry.id,
        kho: inquiry.kho.clone(),
        component: inquiry.component.clone(),
        state: inquiry.state(),
        asked_at: inquiry.asked_at.to_string(),
        answered_at: inquiry.answered_at.map(|at| at.to_string()),
        papers: inquiry.papers(),
        files: inquiry
            .files
            .iter()
            .map(|file| InquiryFileView { name: file.name.clone(), bytes: file.bytes })
            .collect(),
        words: inquiry.words.iter().map(said).collect(),
    }
}

fn said(word: &InquiryWord) -> InquirySaid {
    InquirySaid {
        word: word.word,
        paper: word.paper,
        by: word.by.clone(),
        reason: word.reason.clone(),
        at: word.at.to_string(),
    }
}

/// A question, and the dossier that it is for, if that one's office is within reach: to others it
/// isn't there.
async fn within_reach(desk: &ExchangeDesk, asker: &Asker, id: &str) -> Answer<(Inquiry, Dossier)> {
    let records = &desk.archive.records;
    let id: InquiryId = id.parse().map_err(|_| Reason::InquiryUnknown)?;
    let inquiry = records.inquiry(id).await?.ok_or(Reason::InquiryUnknown)?;
    let dossier = asker.reached(records.dossier_by_id(inquiry.dossier).await?);
    Ok((inquiry, dossier.ok_or(Reason::InquiryUnknown)?))
}

/// Whose papers are asked for: another's where the component asks for theirs, else the applicant's.
async fn owner<'d>(
    desk: &ExchangeDesk,
    dossier: &'d Dossier,
    component: Option<&ComponentId>,
) -> Answer<&'d Subject> {
    let Some(id) = component else { return Ok(&dossier.subject) };
    let component = component_of(desk, dossier, id).await?.ok_or(Reason::ComponentUnknown)?;
    match (component.whose, dossier.others.as_slice()) {
        (Some(Whose::Applicant) | None, _) => Ok(&dossier.subject),
        (Some(Whose::Other), [other]) => Ok(other),
        (Some(Whose::Other), _) => {
            let detail = "`component` asks for another's paper; the dossier names not just one";
            Err(Problem::new(Reason::RequestInvalid).because(detail))
        }
    }
}

/// A component, where it is among those that the dossier's case asks for.
async fn component_of(
    desk: &ExchangeDesk,
    dossier: &Dossier,
    id: &ComponentId,
) -> Answer<Option<Component>> {
    let (code, version) = (&dossier.procedure, dossier.procedure_version);
    let entry = desk.archive.records.procedure_version(code, version).await?;
    let component = entry.as_ref().and_then(|entry| {
        let mut asked = entry.procedure.components_of(dossier.case.as_ref());
        asked.find(|component| component.id == *id)
    });
    Ok(component.cloned())
}

/// The place of the paper that is meant: the one that was named, or the first that the component
/// accepts.
fn paper_of(inquiry: &Inquiry, component: &Component, named: Option<u32>) -> Answer<u32> {
    let mut papers = (0..).zip(inquiry.papers());
    let is_meant = |place: u32| named.is_none_or(|named| named == place);
    let meant = papers.find(|(place, paper)| is_meant(*place) && component.takes(paper));
    Ok(meant.ok_or(Reason::InquiryNotUsable)?.0)
}

fn check_length(field: &str, text: &str, longest: usize) -> Answer<()> {
    if has_length(text, &(1..=longest)) {
        return Ok(());
    }
    let detail = format!("`{field}` has 1 to {longest} characters");
    Err(Problem::new(Reason::RequestInvalid).because(detail))
}

/// Asks the other Kho once, and keeps its answer with every file that it names.
pub(crate) async fn send(
    archive: &Archive,
    kho: &OtherKho,
    delivery: &DueDelivery,
) -> Result<Option<u16>, Failed> {
    let inquiry = archive.records.inquiry_of(delivery.id).await.map_err(away)?;
    let inquiry = inquiry.ok_or(DeliveryTrouble::Missing)?;
    let body = inquiry.question.clone();
    let answer = kho.results.send(JSON, kho.headers.clone(), body, SHORT).await?;
    let nonsense = || Failed { status: Some(answer.status), ..DeliveryTrouble::Nonsense.into() };
    let said: KhoAnswer = serde_json::from_slice(&answer.body).map_err(|_| nonsense())?;
    if said.error_code != NO_ERROR {
        return Err(Failed { status: Some(answer.status), ..DeliveryTrouble::Refused.into() });
    }
    let papers = said.result.papers;
    let mut named = Vec::new();
    for paper in &papers {
        for file in &paper.files {
            let question =
                KhoFileQuestion { agency: paper.agency.clone(), path: file.path.clone() };
            named.push((question, file.name.chars().take(200).collect::<String>()));
        }
    }
    named.truncate(MOST_FILES);
    let mut files = Vec::new();
    for (question, name) in named {
        let body = serde_json::to_string(&question).map_err(|_| nonsense())?;
        let answer = kho.files.send(JSON, kho.headers.clone(), body, LONGEST_FILE).await?;
        let text: String = serde_json::from_slice(&answer.body).map_err(|_| nonsense())?;
        let bytes = STANDARD.decode(text).map_err(|_| nonsense())?;
        let blake3 = archive.blobs.put(&bytes).await.map_err(away)?;
        files.push(InquiryFile { name, blake3, bytes: bytes.len() as u64 });
    }
    let found = u32::try_from(papers.len()).unwrap_or(u32::MAX);
    let kept = serde_json::to_string(&papers).map_err(|_| nonsense())?;
    let records = &archive.records;
    records.put_answer(&inquiry, &kept, (&files, found), Timestamp::now()).await.map_err(away)?;
    // Bytes that lay there as nobody's may have been removed since, but will not be after this: the
    // row that needs them is found. What is asked for again is put again.
    let standing = records.inquiry(inquiry.id).await.map_err(away)?;
    for file in standing.iter().flat_map(|standing| &standing.files) {
        if !archive.blobs.contains(file.blake3).await.map_err(away)? {
            return Err(away(ArchiveError::Missing(format!("blob {}", file.blake3))));
        }
    }
    Ok(Some(answer.status))
}

/// Our own side can't do its part just now.
fn away(error: ArchiveError) -> Failed {
    tracing::warn!(error = &error as &dyn std::error::Error, "an answer can't be kept");
    DeliveryTrouble::Unreachable.into()
}

/// A Kho that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kho {
    /// What it is called here.
    pub name: String,
    /// Whether it is the Kho of the national portal: what is taken from there is told so.
    pub national: bool,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use archive::{NewDossier, Place, Reliance, Subscriber};
    use axum::{Router, routing};
    use jiff::civil::date;
    use schemas::ids::{Blake3, DossierId, PrincipalId};
    use schemas::message::Lane;
    use tempfile::TempDir;
    use tokio::net::TcpListener;

    use super::*;
    use crate::post::Reach;

    /// An answer with one paper, of two files.
    const ANSWER: &str = r#"{ "errorCode": "0", "result": { "DanhSachGiayToKetQua": [{
        "MaKetQua": "KQ.G15.000031",
        "TenGiayTo": "Giấy khai sinh",
        "CoQuanChuQuan": "H27",
        "DanhSachTepDinhKem": [
            { "TenTep": "truoc.pdf", "DuongDan": "first" },
            { "TenTep": "sau.pdf", "DuongDan": "second" }
        ]
    }] } }"#;

    /// Another Kho. When it is asked for the second file for the first time the first one goes, as
    /// what lay there as nobody's may before its row is there.
    async fn kho(archive: &Archive) -> OtherKho {
        let (archive, gone) = (archive.clone(), Arc::new(AtomicBool::new(false)));
        let files = move |asked: String| {
            let (archive, gone) = (archive.clone(), Arc::clone(&gone));
            async move {
                let asked: KhoFileQuestion = serde_json::from_str(&asked).unwrap();
                if asked.path == "second" && !gone.swap(true, Ordering::Relaxed) {
                    archive.blobs.remove(Blake3::of(b"first")).await.unwrap();
                }
                axum::Json(STANDARD.encode(asked.path))
            }
        };
        let results = routing::post(|| async { ANSWER });
        let router = Router::new().route("/results", results).route("/files", routing::post(files));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let post = |path: &str| {
            let url = format!("http://{address}{path}").parse().unwrap();
            Post::to(url, Reach { inside: true, plain: true }, None).unwrap()
        };
        let (results, files) = (post("/results"), post("/files"));
        OtherKho { results, files, headers: HeaderMap::new() }
    }

    /// A question to that Kho.
    async fn asked(archive: &Archive) -> InquiryId {
        let (records, now) = (&archive.records, Timestamp::now());
        let new = NewDossier {
            id: DossierId::new(),
            office: "H26.01".parse().unwrap(),
            procedure: "1.001193".parse().unwrap(),
            procedure_version: 1,
            case: None,
            lane: Lane::Counter,
            subject: Subject::Citizen {
                number: "001199000013".parse().unwrap(),
                name: "Nguyễn Thị Mẫu".parse().unwrap(),
                born: date(1999, 1, 1),
            },
            others: Vec::new(),
            identity_checked: false,
        };
        let (by, reliance) = (PrincipalId::random(), Reliance::default());
        let dossier = records.open_dossier(by, &new, &reliance, now).await.unwrap();
        let (name, events) = ("kho-tinh".to_owned(), Vec::new());
        let subscriber = Subscriber { name, listens: false, events, office: None };
        records.put_subscribers(&[subscriber]).await.unwrap();
        let new = NewInquiry {
            id: InquiryId::of(Uuid::new_v4()),
            dossier: dossier.id,
            kho: "kho-tinh".to_owned(),
            national: false,
            component: None,
            principal: by,
            question: "{}".to_owned(),
        };
        assert_eq!(records.ask(&new, now).await.unwrap(), AskedKho::Asked);
        new.id
    }

    #[tokio::test]
    async fn an_answer_is_taken_again_where_a_file_went_before_its_row_was_there() {
        let dir = TempDir::new().unwrap();
        let archive = Archive::open(&Place::at(dir.path().join("data"))).await.unwrap();
        let (records, kho, id) = (&archive.records, kho(&archive).await, asked(&archive).await);
        let due = records.due_deliveries("kho-tinh", 10).await.unwrap();
        let [due] = due.as_slice() else { panic!("{due:?}") };
        let failed = send(&archive, &kho, due).await.unwrap_err();
        assert_eq!(failed.trouble, DeliveryTrouble::Unreachable);
        assert_eq!(send(&archive, &kho, due).await.unwrap(), Some(200));
        let files = records.inquiry(id).await.unwrap().unwrap().files;
        assert_eq!(files.len(), 2);
        for (file, bytes) in files.iter().zip([b"first".as_slice(), b"second"]) {
            assert_eq!(archive.blobs.get(file.blake3).await.unwrap(), bytes);
        }
    }
}
