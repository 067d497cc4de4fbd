//! What a person sees on a terminal: tables in Vietnamese, or JSON for programs.

use std::io::Write;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use schemas::api::{
    ComponentStatus, ComponentView, DeliveryView, DocumentVerdict, DossierView, FlawView,
    HeldAgain, PageState, PageView, ParkedView, ProcedureSummary, Report, ScanState, ScanView,
};
use schemas::ids::ComponentId;
use schemas::reading::Flaw;
use schemas::subject::Name;
use serde::Serialize;

/// A remark beside the output.
#[expect(clippy::print_stderr, reason = "a command speaks to the person who called it")]
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// Writes to the standard output; a reader that has gone away is an error like any other.
pub(crate) fn out(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// Writes JSON to the standard output.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    out(&serde_json::to_string_pretty(value)?)
}

/// A dossier: its components, what is not on the list, its blanks and what is laid aside.
pub(crate) fn dossier(view: &DossierView, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return json(view);
    }
    out(&format!("Hồ sơ {}: {} ({})", view.code, view.procedure_name, view.procedure))?;
    let mut table = table(&["#", "Thành phần hồ sơ", "Tình trạng", "Giải thích"]);
    for (i, component) in view.components.iter().enumerate() {
        table.add_row([
            (i + 1).to_string(),
            shortened(&component.name, 90),
            status(component.status).to_owned(),
            explained(view, component),
        ]);
    }
    out(&table.to_string())?;
    strays(view)?;
    signatures(view)?;
    for warning in &view.warnings {
        out(&format!("Chú ý, {}: {}", called(view, &warning.component), warning.text))?;
    }
    for again in view.asked_again.iter().filter(|again| again.reasons.is_empty()) {
        out(&format!("Chú ý, {}: {}", called(view, &again.component), HeldAgain::VI))?;
    }
    let pages = view.pages;
    out(&format!(
        "Trang: {} (đã đọc {}, trắng {}, tạm giữ {}, đang chờ {})",
        pages.total, pages.read, pages.blank, pages.parked, pages.waiting
    ))
}

/// A component by its row in the table, and by its id.
fn called(view: &DossierView, id: &ComponentId) -> String {
    match view.components.iter().position(|component| component.id == *id) {
        Some(row) => format!("thành phần {} ({id})", row + 1),
        None => format!("thành phần {id}"),
    }
}

/// A report: a row for each figure of each group.
pub(crate) fn report(report: &Report, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return json(report);
    }
    out(&format!("Kỳ {}: {} đến {}", report.period, report.first, report.last))?;
    let mut table = table(&["Đơn vị", "Chỉ số", "Đạt", "Trên", "%", "Điểm"]);
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
    for row in &report.rows {
        for of in &row.indicators {
            table.add_row([
                row.key.clone().unwrap_or_else(|| "Tất cả".to_owned()),
                of.figure.vi().to_owned(),
                of.of.to_string(),
                of.all.to_string(),
                number(of.percent),
                number(of.score),
            ]);
        }
    }
    out(&table.to_string())?;
    for code in &report.dossiers {
        out(code.as_str())?;
    }
    Ok(())
}

/// Documents that no component took, and scans and pages laid aside.
fn strays(view: &DossierView) -> anyhow::Result<()> {
    for document in &view.documents {
        let heading = match document.verdict {
            DocumentVerdict::Filed => continue,
            DocumentVerdict::Unsure => "Cần xác nhận",
            DocumentVerdict::Outside => "Ngoài danh mục (không được thu)",
        };
        let name = document.kind_name.as_deref().unwrap_or("chưa rõ loại giấy tờ");
        out(&format!("{heading}: {name}, {} trang. {}", document.pages.len(), document.why))?;
    }
    for scan in &view.scans {
        if let (ScanState::Parked, Some(reason)) = (scan.state, &scan.reason) {
            out(&format!("Tạm giữ: bản quét {}. {reason}", &scan.blake3.to_string()[..12]))?;
        }
        for page in &scan.pages {
            if let (PageState::Parked, Some(reason)) = (page.state, &page.reason) {
                out(&format!("Tạm giữ: trang {}. {reason}", page.seq + 1))?;
            }
            for flaw in &page.flaws {
                out(&flawed(scan, page, flaw))?;
            }
        }
    }
    Ok(())
}

/// Who signed the scans that came as signed PDFs.
fn signatures(view: &DossierView) -> anyhow::Result<()> {
    for signature in view.scans.iter().flat_map(|scan| &scan.signatures) {
        let signer = signature.signer.as_ref().map_or("không rõ người ký", Name::reveal);
        let at = signature.signed_at.as_deref().unwrap_or("không rõ thời gian");
        out(&format!("Chữ ký số: {signer}, {at}, {}", signature.state.vi()))?;
    }
    Ok(())
}

/// A page that should be scanned again. One that lay on its head was turned; it is told as well,
/// for a person to look at.
pub(crate) fn flawed(scan: &ScanView, page: &PageView, flaw: &FlawView) -> String {
    let heading = if flaw.code == Flaw::UpsideDown { "Lưu ý" } else { "Quét lại" };
    let scan = &scan.blake3.to_string()[..12];
    format!("{heading}: bản quét {scan}, trang {}. {}", page.seq + 1, flaw.text)
}

/// Whether something of the dossier was laid aside.
pub(crate) fn has_parked(view: &DossierView) -> bool {
    view.pages.parked != 0 || view.scans.iter().any(|scan| scan.state == ScanState::Parked)
}

fn explained(view: &DossierView, component: &ComponentView) -> String {
    let filed = view.documents.iter().filter(|d| component.documents.contains(&d.id));
    let papers: Vec<String> = filed
        .map(|d| {
            let name = d.kind_name.as_deref().unwrap_or("giấy tờ");
            let record = if d.record.is_some() { ", đã số hoá" } else { "" };
            format!("{name}, {} trang, tin cậy {:.2}{record}", d.pages.len(), d.confidence)
        })
        .collect();
    if papers.is_empty() { component.reason.clone() } else { papers.join("; ") }
}

fn status(status: ComponentStatus) -> &'static str {
    match status {
        ComponentStatus::Filed => "đã nộp",
        ComponentStatus::Unsure => "cần xác nhận",
        ComponentStatus::Held => "đã có",
        ComponentStatus::HeldOriginalNeeded => "đã có, cần bản gốc",
        ComponentStatus::Needed => "cần nộp",
        ComponentStatus::Conditional => "nếu thuộc trường hợp",
        ComponentStatus::NotNeeded => "không cần",
        ComponentStatus::PresentOnly => "xuất trình",
        ComponentStatus::Database => "từ cơ sở dữ liệu",
        ComponentStatus::Pending => "đang chờ Kho khác",
    }
}

/// Jobs laid aside.
pub(crate) fn parked(parked: &[ParkedView], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return json(&parked);
    }
    let mut table = table(&["Mã", "Hồ sơ", "Việc", "Lý do", "Chi tiết"]);
    for view in parked {
        table.add_row([
            view.id.to_string(),
            view.dossier.to_string(),
            view.job.clone(),
            format!("{} [{}]", view.reason, view.code),
            format!("{} (lần {})", view.detail, view.attempts),
        ]);
    }
    out(&table.to_string())?;
    for dropped in parked.iter().filter_map(|view| view.dropped.as_ref()) {
        out(&format!("Đã bỏ lúc {}: {}", dropped.at, dropped.reason))?;
    }
    Ok(())
}

/// What must leave.
pub(crate) fn deliveries(deliveries: &[DeliveryView], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return json(&deliveries);
    }
    let mut table = table(&["Mã", "Nơi nhận", "Hồ sơ", "Sự kiện", "Tình trạng", "Vì sao"]);
    for view in deliveries {
        let again = view.due_at.as_ref().filter(|_| 0 < view.attempts);
        let again = again.map_or_else(String::new, |at| format!(", thử lại lúc {at}"));
        let status = view.status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
        table.add_row([
            view.id.to_string(),
            view.subscriber.clone(),
            view.dossier.to_string(),
            view.event.as_str().to_owned(),
            format!("{}, lần {}{again}", view.fate.vi(), view.attempts),
            format!("{}{status}", view.trouble_vi.as_deref().unwrap_or_default()),
        ]);
    }
    out(&table.to_string())
}

/// Procedures in a list.
pub(crate) fn procedures(list: &[ProcedureSummary], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return json(&list);
    }
    let mut table = table(&["Mã", "Thủ tục", "Lĩnh vực", "Bản", "Thành phần"]);
    for procedure in list {
        table.add_row([
            procedure.code.to_string(),
            procedure.name.clone(),
            procedure.field.clone(),
            procedure.version.to_string(),
            procedure.components.to_string(),
        ]);
    }
    out(&table.to_string())
}

/// An empty table with these headings, as wide as the terminal allows.
pub(crate) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(headings);
    if table.width().is_none() {
        table.set_width(120);
    }
    table
}

/// At most `most` characters, cut at a word.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most).collect();
    format!("{}…", cut.rsplit_once(' ').map_or(cut.as_str(), |(kept, _)| kept))
}
