//! The Kho (kho quản lý dữ liệu điện tử) as others ask it, in the shape that they do: which results
//! has the owner of that number, and then a file that an answer named. Shapes in
//! `schemas/contracts`.
//!
//! An answer is a read of each record in it, and leaves a lookup for each; a file is given to
//! whom its lookup answered, for a day, and each time is a read again.

use access::Asker;
use archive::LookupError;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use problem::{Answer, Json, Problem};
use schemas::Uuid;
use schemas::api::{KhoFile, KhoPaper, Lookup, LookupRequest, RawSubject};
use schemas::clock::today;
use schemas::code::Reason;
use schemas::ids::{LookupId, ProcedureCode, ResultCode};
use schemas::record::{Field, FieldName, Owner, Record};
use schemas::subject::{CitizenNumber, NumberError, OrganisationNumber, Subject};
use schemas::text::has_length;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ExchangeDesk;

/// Results in one question, at most.
pub(crate) const MOST: usize = 50;

/// Records in one answer, at most.
const MOST_RECORDS: usize = 100;

/// How long a file may be fetched after its lookup, in hours.
const FETCHED_WITHIN: i64 = 24;

/// `errorCode` of an answer.
pub(crate) const NO_ERROR: &str = "0";

/// Asks a Kho which results the owner of a number has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KhoQuestion {
    /// Number of the owner.
    #[serde(rename = "SoDinhDanhChuSoHuu")]
    pub owner: String,
    /// Name of whoever asks.
    #[serde(rename = "HoTenNguoiYeuCau")]
    pub asker_name: String,
    /// 1 at a counter, 2 online, 3 by post.
    #[serde(rename = "KenhThucHien")]
    pub channel: String,
    /// Number of whoever asks.
    #[serde(rename = "SoDinhDanhNguoiYeuCau")]
    pub asker_number: String,
    /// Procedure that it is for.
    #[serde(rename = "MaThuTuc")]
    pub procedure: String,
    /// The results.
    #[serde(rename = "DanhSachDanhMucKetQua")]
    pub results: Vec<WantedResult>,
}

/// A result that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedResult {
    /// Its code.
    #[serde(rename = "MaKetQua")]
    pub code: String,
    /// Its number and symbol; any when empty.
    #[serde(rename = "SoKyHieu", default)]
    pub number_symbol: String,
}

/// The answer of a Kho.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KhoAnswer {
    /// `0` where it is an answer.
    #[serde(rename = "errorCode")]
    pub error_code: String,
    /// What happened.
    #[serde(default)]
    pub message: String,
    /// Not used here.
    #[serde(default)]
    pub signature: String,
    /// What there is.
    pub result: KhoResult,
}

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KhoResult {
    /// The papers.
    #[serde(rename = "DanhSachGiayToKetQua", default)]
    pub papers: Vec<KhoPaper>,
}

/// Asks a Kho for a file that it named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KhoFileQuestion {
    /// Agency that has it.
    #[serde(rename = "CoQuanChuQuan")]
    pub agency: String,
    /// By what it is asked for.
    #[serde(rename = "DuongDan")]
    pub path: String,
}

/// Ask this Kho which results the owner of a number has.
///
/// In the shape that the Kho of the national portal is asked in. Records in use that hold good
/// today and are one of the results; each leaves a lookup.
#[utoipa::path(
    post,
    path = "/v1/kho/results",
    tag = "exchange",
    extensions(("x-permission" = json!(["look_up"]))),
    request_body(
        content = KhoQuestion,
        example = json!({
            "SoDinhDanhChuSoHuu": "001199000013",
            "HoTenNguoiYeuCau": "Cán bộ một cửa",
            "KenhThucHien": "1",
            "SoDinhDanhNguoiYeuCau": "001199000013",
            "MaThuTuc": "1.004222",
            "DanhSachDanhMucKetQua": [{ "MaKetQua": "KQ.G15.000031", "SoKyHieu": "" }],
        }),
    ),
    responses(
        (status = 200, description = "What there is; nothing is an answer, too", body = KhoAnswer),
        (status = 400, description = "`request.invalid`"),
        (status = 422, description = "`subject.number.digits`, `subject.number.province`, `subject.number.check_digit`"),
    ),
)]
pub(crate) async fn ask_kho(
    State(desk): State<ExchangeDesk>,
    asker: Asker,
    Json(question): Json<KhoQuestion>,
) -> Answer<Json<KhoAnswer>> {
    let (number, wanted) = check(&question)?;
    let records = &desk.archive.records;
    let mut papers = Vec::new();
    for record in records.records_of(&number).await? {
        let has_run_out = record.valid_until.is_some_and(|last| last < today());
        let Some(owner) = owner_of(&record, &number) else { continue };
        if has_run_out || !wanted.iter().any(|wanted| wanted.is(&record)) {
            continue;
        }
        let request = asked(&question, &record, owner);
        let kept = records.put_lookup(asker.id, &request, &record, Timestamp::now()).await;
        match kept {
            Ok(lookup) => papers.push(paper(&lookup)),
            // It went out of use a moment ago.
            Err(LookupError::NotUsable) => {}
            Err(LookupError::Reused) => return Err(Reason::KeyReused.into()),
            Err(LookupError::Archive(error)) => return Err(error.into()),
        }
        if MOST_RECORDS <= papers.len() {
            break;
        }
    }
    tracing::info!(principal.id = %asker.id, papers = papers.len(), "the Kho was asked");
    Ok(Json(KhoAnswer {
        error_code: NO_ERROR.to_owned(),
        message: "Thành công".to_owned(),
        signature: String::new(),
        result: KhoResult { papers },
    }))
}

/// Ask this Kho for a file that it named.
///
/// For a day, and only for whom it was named. The answer is the file's bytes as base64, a JSON
/// string. That it is read stands in the audit.
#[utoipa::path(
    post,
    path = "/v1/kho/files",
    tag = "exchange",
    extensions(("x-permission" = json!(["look_up"]))),
    request_body = KhoFileQuestion,
    responses(
        (status = 200, description = "The PDF/A, as base64", body = String),
        (status = 400, description = "`request.invalid`"),
        (status = 404, description = "`file.unknown`"),
    ),
)]
pub(crate) async fn fetch_from_kho(
    State(desk): State<ExchangeDesk>,
    asker: Asker,
    Json(question): Json<KhoFileQuestion>,
) -> Answer<Json<String>> {
    let id: LookupId = question.path.trim().parse().map_err(|_| Reason::FileUnknown)?;
    let records = &desk.archive.records;
    let lookup = records.lookup(id).await?;
    let lookup = lookup.filter(|lookup| lookup.principal == Some(asker.id) && is_fresh(lookup));
    let lookup = lookup.ok_or(Reason::FileUnknown)?;
    records.read_again(asker.id, &lookup, Timestamp::now()).await?;
    Ok(Json(STANDARD.encode(desk.archive.blobs.get(lookup.record.pdf).await?)))
}

/// A result that is asked for, checked.
struct Wanted {
    code: ResultCode,
    number_symbol: String,
}

impl Wanted {
    fn is(&self, record: &Record) -> bool {
        record.result.as_ref() == Some(&self.code)
            && (self.number_symbol.is_empty()
                || self.number_symbol == tight(&number_symbol(record)))
    }
}

/// The owner's number, and the results that are asked for.
fn check(question: &KhoQuestion) -> Answer<(String, Vec<Wanted>)> {
    let invalid = |field: &str| {
        Problem::new(Reason::RequestInvalid).because(format!("`{field}` is not as described"))
    };
    let number = number_of(question.owner.trim()).map_err(Reason::from)?;
    if !has_length(&question.asker_name, &(1..=200)) {
        return Err(invalid("HoTenNguoiYeuCau"));
    }
    if !has_length(&question.asker_number, &(1..=50)) {
        return Err(invalid("SoDinhDanhNguoiYeuCau"));
    }
    if !["1", "2", "3"].contains(&question.channel.as_str()) {
        return Err(invalid("KenhThucHien"));
    }
    question.procedure.parse::<ProcedureCode>().map_err(|_| invalid("MaThuTuc"))?;
    if !(1..=MOST).contains(&question.results.len()) {
        return Err(invalid("DanhSachDanhMucKetQua"));
    }
    let wanted = question.results.iter().map(|result| {
        let code = result.code.parse().map_err(|_| invalid("MaKetQua"))?;
        Ok(Wanted { code, number_symbol: tight(&result.number_symbol) })
    });
    let wanted = wanted.collect::<Answer<Vec<_>>>()?;
    Ok((number, wanted))
}

/// The number as records have it, however it was typed.
fn number_of(typed: &str) -> Result<String, NumberError> {
    match typed.parse::<CitizenNumber>() {
        Ok(citizen) => Ok(citizen.reveal().to_owned()),
        Err(NumberError::Digits) => Ok(typed.parse::<OrganisationNumber>()?.reveal().to_owned()),
        Err(error) => Err(error),
    }
}

fn owner_of<'a>(record: &'a Record, number: &str) -> Option<&'a Owner> {
    record.owners.iter().find(|owner| owner.subject.reveal_number() == number)
}

/// The question as a lookup keeps it.
fn asked(question: &KhoQuestion, record: &Record, owner: &Owner) -> LookupRequest {
    let name = owner.subject.name().reveal().to_owned();
    let number = owner.subject.reveal_number().to_owned();
    let channel = match question.channel.as_str() {
        "1" => "trực tiếp",
        "2" => "trực tuyến",
        _ => "bưu chính",
    };
    LookupRequest {
        request: Uuid::new_v4(),
        record: record.id,
        subject: match &owner.subject {
            Subject::Citizen { born, .. } => RawSubject::Citizen { number, name, born: *born },
            Subject::Organisation { .. } => RawSubject::Organisation { number, name },
        },
        purpose: format!("Hỏi Kho cho thủ tục {}, kênh {channel}", question.procedure),
        legal_basis: None,
        dossier: None,
        asked_by: question.asker_name.trim().to_owned(),
        on_behalf_of: Some(question.asker_number.trim().to_owned()),
        component: None,
    }
}

fn paper(lookup: &Lookup) -> KhoPaper {
    let record = &lookup.record;
    KhoPaper {
        code: record.result.as_ref().map(ToString::to_string).unwrap_or_default(),
        name: record.name.clone(),
        number_symbol: number_symbol(record).chars().take(60).collect(),
        agency: record.office.to_string(),
        files: vec![KhoFile { name: format!("{}.pdf", record.name), path: lookup.id.to_string() }],
    }
}

/// Số ký hiệu, as it was read best.
fn number_symbol(record: &Record) -> String {
    let fields = record.fields.iter().filter(|field| field.name == FieldName::NumberSymbol);
    let best = fields.max_by(|a: &&Field, b| a.confidence.total_cmp(&b.confidence));
    best.map(|field| field.value.clone()).unwrap_or_default()
}

/// Without white space, which people put into numbers as they like.
fn tight(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}

fn is_fresh(lookup: &Lookup) -> bool {
    let until = |at: Timestamp| at.saturating_add(SignedDuration::from_hours(FETCHED_WITHIN));
    let until = lookup.asked_at.parse().ok().and_then(|at| until(at).ok());
    until.is_some_and(|until| Timestamp::now() < until)
}
