//! QR codes on a page.

use schemas::codes::{IdentityCard, Separator};
use schemas::reading::{Code, CodeKind};
use zxingcpp::{BarcodeFormat, ImageFormat, ImageView};

use crate::engine::Picture;

/// The QR codes on the picture, at any angle, each text once. What can't be decoded without
/// error isn't among them.
#[must_use]
pub fn find_qr(picture: &Picture<'_>) -> Vec<Code> {
    // The library counts bytes in 32 bits.
    if !picture.is_whole() || i32::try_from(picture.grey.len()).is_err() {
        return Vec::new();
    }
    let view = ImageView::from_slice(picture.grey, picture.width, picture.height, ImageFormat::Lum);
    let reader = zxingcpp::read().formats(BarcodeFormat::QRCode).try_harder(true).try_invert(false);
    let mut codes: Vec<Code> = Vec::new();
    for found in view.and_then(|view| reader.from(&view)).unwrap_or_default() {
        let text = found.text();
        if found.is_valid() && !text.is_empty() && codes.iter().all(|code| code.text != text) {
            codes.push(Code { kind: kind_of(&text), text });
        }
    }
    codes
}

fn kind_of(text: &str) -> CodeKind {
    if Separator::parse(text).is_some() {
        CodeKind::Separator
    } else if IdentityCard::parse(text).is_some() {
        CodeKind::IdentityCard
    } else {
        CodeKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: i32 = 1000;

    /// A sheet of `SIDE` by `SIDE` pixels with a QR code in its middle, turned clockwise.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the sheet")]
    fn sheet(text: &str, module: f64, degrees: f64) -> Vec<u8> {
        let code = qrcode::QrCode::new(text).unwrap();
        let (width, colours) = (code.width() as i32, code.to_colors());
        let (sin, cos) = degrees.to_radians().sin_cos();
        let mut grey = vec![240; (SIDE * SIDE) as usize];
        for (at, pixel) in (0..).zip(&mut grey) {
            let (x, y) = (f64::from(at % SIDE - SIDE / 2), f64::from(at / SIDE - SIDE / 2));
            let place = |v: f64| (v / module + f64::from(width) / 2.0).floor() as i32;
            let (column, row) = (place(x * cos + y * sin), place(y * cos - x * sin));
            if (0..width).contains(&column)
                && (0..width).contains(&row)
                && colours[(row * width + column) as usize] == qrcode::Color::Dark
            {
                *pixel = 20;
            }
        }
        grey
    }

    #[track_caller]
    fn check(text: &str, kind: CodeKind) {
        for degrees in [0.0, 3.0, 90.0, 183.0, 271.5, 30.0] {
            let grey = sheet(text, 5.0, degrees);
            let picture = Picture { width: 1000, height: 1000, dpi: 300, grey: &grey };
            let want = Code { kind, text: text.to_owned() };
            assert_eq!(find_qr(&picture), [want], "turned by {degrees}");
        }
    }

    #[test]
    fn an_identity_cards_qr_is_found_at_any_angle() {
        check(
            "001199000013||Nguyễn Thị Mẫu|01011999|Nữ|Phường Mẫu, Hà Nội|02032022",
            CodeKind::IdentityCard,
        );
    }

    #[test]
    fn a_separator_sheet_is_known_by_its_qr() {
        check("SOHOA|1|H26.01.02-261123-0007|1.001193-TP01", CodeKind::Separator);
    }

    #[test]
    fn any_other_qr_is_only_handed_on() {
        check("QĐ-1234", CodeKind::Other);
        check("003199000013||Nguyễn Thị Mẫu|01011999|Nữ|Hà Nội|02032022", CodeKind::Other);
    }

    #[test]
    fn a_page_without_codes_has_none() {
        let picture = Picture { width: 100, height: 100, dpi: 300, grey: &[255; 10_000] };
        assert_eq!(find_qr(&picture), []);
        assert_eq!(find_qr(&Picture { width: 101, ..picture }), []);
        assert_eq!(find_qr(&Picture { width: 0, height: 0, grey: &[], ..picture }), []);
    }
}
