//! A report as a spreadsheet: the figures on one sheet, the dossiers behind them on another.
//! Numbers are numbers, headings are what people read, and stay in sight.

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use schemas::api::{DossierState, Report};
use schemas::facts::DossierFacts;

/// Media type of a spreadsheet (ISO/IEC 29500).
pub(super) const MEDIA_TYPE: &str =
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Dossiers on a sheet at most: it has room for 1,048,576 rows.
const MOST: usize = 1_000_000;

/// Headings of the figures, each with the width of its column in letters.
const FIGURES: [(&str, f64); 9] = [
    ("Đơn vị, thủ tục", 24.0),
    ("Số hồ sơ", 10.0),
    ("Chỉ số", 48.0),
    ("Đạt", 10.0),
    ("Trên", 10.0),
    ("Tỷ lệ (%)", 10.0),
    ("Điểm", 8.0),
    ("Điểm tối đa", 12.0),
    ("Trung vị từ quét đến số hoá (giây)", 32.0),
];

/// Headings of the dossiers.
const DOSSIERS: [(&str, f64); 14] = [
    ("Mã hồ sơ", 26.0),
    ("Đơn vị", 18.0),
    ("Thủ tục", 14.0),
    ("Trạng thái", 12.0),
    ("Giấy tờ đã xếp", 14.0),
    ("Kết quả điện tử", 14.0),
    ("Thành phần dùng lại được", 24.0),
    ("Đã dùng lại", 12.0),
    ("Đồng bộ với Cổng DVCQG", 24.0),
    ("Thu lại dù đã có", 16.0),
    ("Trong đó không nêu lý do", 24.0),
    ("Số trang", 10.0),
    ("Trang phải sửa", 14.0),
    ("Số giấy tờ số hoá", 18.0),
];

/// The file.
pub(super) fn workbook(report: &Report, dossiers: &[DossierFacts]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    figures(book.add_worksheet(), report)?;
    behind(book.add_worksheet(), dossiers)?;
    book.save_to_buffer()
}

fn figures(sheet: &mut Worksheet, report: &Report) -> Result<(), XlsxError> {
    sheet.set_name("Chỉ số")?;
    let day = |day: jiff::civil::Date| day.strftime("%d/%m/%Y").to_string();
    let period = format!("Kỳ {}: {} đến {}", report.period, day(report.first), day(report.last));
    sheet.write_with_format(0, 0, period, &Format::new().set_bold())?;
    headings(sheet, 1, &FIGURES)?;
    let hundredths = Format::new().set_num_format("0.00");
    let mut at = 2;
    for row in &report.rows {
        for of in &row.indicators {
            sheet.write(at, 0, row.key.as_deref().unwrap_or("Tất cả"))?;
            sheet.write(at, 1, row.dossiers)?;
            sheet.write(at, 2, of.figure.vi())?;
            sheet.write(at, 3, of.of)?;
            sheet.write(at, 4, of.all)?;
            for (column, value) in [(5, of.percent), (6, of.score), (7, of.most)] {
                if let Some(value) = value {
                    sheet.write_with_format(at, column, value, &hundredths)?;
                }
            }
            if let Some(median) = row.median_seconds {
                sheet.write(at, 8, median)?;
            }
            at += 1;
        }
    }
    Ok(())
}

fn behind(sheet: &mut Worksheet, dossiers: &[DossierFacts]) -> Result<(), XlsxError> {
    sheet.set_name("Hồ sơ")?;
    headings(sheet, 0, &DOSSIERS)?;
    for (at, of) in (1..).zip(dossiers.iter().take(MOST)) {
        let state = match of.state {
            DossierState::Open => "Đang nhận",
            DossierState::Closed => "Đã đóng",
        };
        let texts = [of.code.as_str(), of.office.as_str(), of.procedure.as_str(), state];
        for (column, text) in (0..).zip(texts) {
            sheet.write(at, column, text)?;
        }
        let numbers = [
            of.filed,
            of.results.len() as u64,
            of.reusable,
            of.reused,
            u64::from(of.synced),
            of.asked_again,
            of.unreasoned,
            of.pages,
            of.corrected,
            of.waits.len() as u64,
        ];
        for (column, number) in (4..).zip(numbers) {
            sheet.write(at, column, number)?;
        }
    }
    Ok(())
}

/// Headings, which stay when the rows below them are leafed through.
fn headings(sheet: &mut Worksheet, at: u32, headings: &[(&str, f64)]) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    for (column, (heading, width)) in (0..).zip(headings) {
        sheet.set_column_width(column, *width)?;
        sheet.write_with_format(at, column, *heading, &bold)?;
    }
    sheet.set_freeze_panes(at + 1, 1)?;
    Ok(())
}
