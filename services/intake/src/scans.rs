//! Receiving scans.

use access::Asker;
use archive::{AcceptError, Accepted, Dossier, NewScan};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use failpoints::{Point, here};
use jiff::Timestamp;
use problem::{Answer, Json, Path, Problem};
use schemas::api::{AskReason, DossierState, Receipt, Warning};
use schemas::catalogue::{Component, Digitise, SubmitMode};
use schemas::code::Reason;
use schemas::ids::ComponentId;
use tracing::Instrument;

use crate::desk::IntakeDesk;
use crate::dossiers::dossier;
use crate::upload::{self, Limits};
use crate::{again, pressure};

/// Longest idempotency key, in characters.
const LONGEST_KEY: usize = 200;
/// Longest name of a station, in characters.
const LONGEST_STATION: usize = 64;

/// Receive a scan.
///
/// The body is the file as the scanner made it: JPEG, PNG, TIFF (many pages, group 4), PDF,
/// WebP, BMP or JPEG 2000, told by content. The receipt is given when the bytes are durable.
/// The same bytes sent again, or the same key, get the same receipt. Who scanned is whoever was
/// let in with it the first time: a person who has logged in, or who holds the key. No header
/// says so.
#[utoipa::path(
    post,
    path = "/v1/dossiers/{code}/scans",
    tag = "intake",
    extensions(("x-permission" = json!(["scan"]))),
    params(
        ("code" = String, Path, description = "Code of the dossier", example = "H26-261120-0001"),
        ("Idempotency-Key" = Option<String>, Header, description = "Chosen by the sender, at most 200 printable ASCII characters; a key stands for one scan of the dossier"),
        ("Sohoa-Component" = Option<String>, Header, description = "Component that the officer says the scan is for", example = "1.001193-TP01"),
        ("Sohoa-Ask-Again" = Option<schemas::api::AskReason>, Header, description = "Lawful reason to take the paper of a component that a record stands for", example = "authenticity"),
        ("Sohoa-Asked-By" = Option<String>, Header, description = "Officer who states it; the station when left out", example = "can-bo-quay-3"),
        ("Sohoa-Station" = Option<String>, Header, description = "Station that sends it", example = "quay-3"),
    ),
    request_body(content = schemas::api::Binary, content_type = "application/octet-stream", description = "The file"),
    responses(
        (status = 201, description = "Kept", body = Receipt),
        (status = 200, description = "Had been kept before", body = Receipt),
        (status = 400, description = "`request.cut_short`, `request.invalid`; nothing was kept"),
        (status = 404, description = "`dossier.unknown`"),
        (status = 409, description = "`dossier.closed`, `idempotency.reused`; `component.held`: a record stands for it, and no lawful reason was stated"),
        (status = 413, description = "`scan.too_large`"),
        (status = 415, description = "`scan.unknown_format`"),
        (status = 422, description = "`scan.empty`, `component.unknown`"),
        (status = 429, description = "`server.busy`; come back after Retry-After seconds"),
        (status = 507, description = "`storage.full`"),
    ),
)]
pub(crate) async fn receive_scan(
    State(desk): State<IntakeDesk>,
    asker: Asker,
    Path(code): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer<(StatusCode, Json<Receipt>)> {
    let mut body = body.into_data_stream();
    let mut came = 0;
    let received = receive(&desk, &asker, &code, &headers, &mut body, &mut came).await;
    match &received {
        Ok((_, Json(receipt))) => vitals::scan_accepted(receipt.bytes, receipt.repeated),
        Err(problem) => vitals::scan_refused(problem.reason(), came),
    }
    // A sender that waits to be told to go on has nothing on its way.
    if received.is_err() && !headers.contains_key(header::EXPECT) {
        upload::linger(&mut body).await;
    }
    received
}

async fn receive(
    desk: &IntakeDesk,
    asker: &Asker,
    code: &str,
    headers: &HeaderMap,
    body: &mut axum::body::BodyDataStream,
    came: &mut u64,
) -> Answer<(StatusCode, Json<Receipt>)> {
    let dossier = dossier(desk, asker, code).await?;
    let slip = Slip::of(headers)?;
    // What was accepted under its key is answered again, whatever has become of the dossier since.
    let known = match &slip.key {
        Some(key) => desk.archive.records.knows_key(dossier.id, key).await?,
        None => false,
    };
    if dossier.state == DossierState::Closed && !known {
        return Err(Reason::DossierClosed.into());
    }
    let component = match &slip.component {
        Some(id) => component(desk, &dossier, id).await?,
        None => None,
    };
    let hint = component.as_ref().map(|component| &component.id).filter(|_| !known);
    let (stated, judged_by) = again::allowed(desk, asker, &dossier, hint, &slip).await?;
    let turn = pressure::turn(desk).await?;
    let limits = Limits {
        bytes: desk.settings.max_scan_bytes,
        promised: promised(headers)?,
        stall: desk.settings.stall,
    };
    let kept = upload::receive(&desk.archive.blobs, body, limits, came).await?;
    here(Point::ScanKept);
    let scan = NewScan {
        dossier: dossier.id,
        blake3: kept.blob.blake3,
        bytes: kept.blob.bytes,
        media_type: kept.format.media_type().to_owned(),
        idempotency_key: slip.key.clone(),
        component: slip.component.clone(),
        station: slip.station.clone(),
        scanned_by: asker.id,
        stated,
        judged_by,
    };
    let accepted = accept(desk, asker, &dossier, &slip, scan).await;
    drop(turn);
    let accepted = accepted?;
    here(Point::ScanAccepted);
    // Bytes that lay there as nobody's may have been removed since, but will not be after this: the
    // row that needs them is found.
    if !kept.blob.first && !desk.archive.blobs.contains(kept.blob.blake3).await? {
        tracing::error!(
            scan.id = %accepted.scan.id,
            dossier.code = %dossier.code,
            "the scan was removed before its row was there: it is to be sent again"
        );
        return Err(Reason::Unavailable.into());
    }
    tracing::info!(
        scan.id = %accepted.scan.id,
        dossier.code = %dossier.code,
        scan.bytes = accepted.scan.bytes,
        repeated = accepted.repeated,
        "scan received"
    );
    let status = if accepted.repeated { StatusCode::OK } else { StatusCode::CREATED };
    let receipt = Receipt {
        scan: accepted.scan.id,
        dossier: dossier.code,
        blake3: accepted.scan.blake3,
        bytes: accepted.scan.bytes,
        media_type: accepted.scan.media_type,
        received_at: accepted.scan.received_at.to_string(),
        repeated: accepted.repeated,
        warnings: component.as_ref().and_then(warning).into_iter().collect(),
    };
    Ok((status, Json(receipt)))
}

/// Accepts a scan. An upload takes its time: where other records are in use by now than the guard
/// went by, it looks again.
async fn accept(
    desk: &IntakeDesk,
    asker: &Asker,
    dossier: &Dossier,
    slip: &Slip,
    mut scan: NewScan,
) -> Answer<Accepted> {
    loop {
        let accepting = desk.archive.records.accept_scan(&scan, Timestamp::now());
        let accepted = accepting.instrument(tracing::info_span!("accept scan")).await;
        match accepted {
            Ok(accepted) => return Ok(accepted),
            Err(AcceptError::Changed) => {
                let hint = scan.component.as_ref();
                (scan.stated, scan.judged_by) =
                    again::allowed(desk, asker, dossier, hint, slip).await?;
            }
            Err(AcceptError::Closed) => return Err(Reason::DossierClosed.into()),
            Err(AcceptError::KeyReused) => return Err(Reason::KeyReused.into()),
            Err(AcceptError::Archive(error)) => return Err(error.into()),
        }
    }
}

/// What comes with a scan, in headers.
pub(crate) struct Slip {
    key: Option<String>,
    component: Option<ComponentId>,
    station: Option<String>,
    /// Why the paper is taken although a record stands for its component.
    pub(crate) again: Option<AskReason>,
    /// Officer who states the reason, or the station.
    pub(crate) said_by: Option<String>,
}

impl Slip {
    fn of(headers: &HeaderMap) -> Answer<Self> {
        let key = idempotency_key(headers)?;
        let station = short(headers, "sohoa-station", LONGEST_STATION)?;
        let component = match short(headers, "sohoa-component", LONGEST_KEY)? {
            Some(id) => Some(id.parse().map_err(|_| Problem::new(Reason::ComponentUnknown))?),
            None => None,
        };
        let again = match short(headers, "sohoa-ask-again", LONGEST_KEY)? {
            Some(name) => Some(AskReason::from_name(&name).ok_or_else(again::unknown)?),
            None => None,
        };
        let officer = short(headers, "sohoa-asked-by", LONGEST_KEY)?;
        let said_by = officer.or_else(|| station.clone());
        Ok(Self { key, component, station, again, said_by })
    }
}

/// The key by which a repeat is known.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Answer<Option<String>> {
    short(headers, "idempotency-key", LONGEST_KEY)
}

/// A header of at most `longest` printable ASCII characters.
fn short(headers: &HeaderMap, name: &str, longest: usize) -> Answer<Option<String>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str().ok().filter(|text| (1..=longest).contains(&text.len())) {
        Some(text) => Ok(Some(text.to_owned())),
        None => {
            let detail = format!("{name} has 1 to {longest} printable ASCII characters");
            Err(Problem::new(Reason::RequestInvalid).because(detail))
        }
    }
}

fn promised(headers: &HeaderMap) -> Answer<Option<u64>> {
    let Some(length) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    match length.to_str().ok().and_then(|text| text.parse().ok()) {
        Some(length) => Ok(Some(length)),
        None => Err(Problem::new(Reason::RequestInvalid).because("content-length is not a number")),
    }
}

/// The component of that id among those that the dossier's case asks for; none where it is the
/// code of what the procedure ends with.
async fn component(
    desk: &IntakeDesk,
    dossier: &Dossier,
    id: &ComponentId,
) -> Answer<Option<Component>> {
    let procedure = desk.archive.records.procedure_of(dossier).await?.procedure;
    if procedure.ends_with(id) {
        return Ok(None);
    }
    let found = procedure
        .components_of(dossier.case.as_ref())
        .find(|component| component.id == *id && component.submit != SubmitMode::Note);
    let found = found.cloned().ok_or_else(|| {
        let asked = procedure
            .components_of(dossier.case.as_ref())
            .filter(|component| component.submit != SubmitMode::Note && !component.internal)
            .map(|component| format!("{} ({})", component.id, component.name));
        let asked = asked.collect::<Vec<_>>().join("; ");
        Problem::new(Reason::ComponentUnknown).because(format!("the components are: {asked}"))
    })?;
    Ok(Some(found))
}

/// What the officer should know when a paper is scanned that must not be. It is kept all the
/// same: whether to go on is the officer's to say.
fn warning(component: &Component) -> Option<Warning> {
    let text = match (component.submit, component.digitise) {
        (SubmitMode::PresentOnly, _) => {
            "Giấy tờ này chỉ xuất trình để đối chiếu rồi trả lại, không thuộc diện phải sao chụp \
             vào hồ sơ điện tử (Thông tư 03/2025/TT-VPCP, Điều 5). Bản quét đã được giữ; hãy xem \
             lại có cần quét hay không."
        }
        (_, Digitise::Never) => {
            "Danh mục ghi giấy tờ này không số hoá: chỉ xuất trình, thuộc diện bí mật hoặc đã có \
             trong cơ sở dữ liệu được chia sẻ (Thông tư 01/2023/TT-VPCP, Điều 4). Bản quét đã \
             được giữ; hãy xem lại có cần quét hay không."
        }
        (SubmitMode::Submit | SubmitMode::Note, Digitise::Must | Digitise::May) => return None,
    };
    Some(Warning { code: "component.present_only".to_owned(), text: text.to_owned() })
}
