//! Formats of scans, told by content. Names and content types that senders give decide nothing.

/// How far a scan must be looked into: a PDF's header may stand anywhere in its first 1,024
/// bytes (PDF 1.7, annex H, note 13).
pub(crate) const HEAD: usize = 1024;

/// The media type of a scan that begins with `head`; none when it isn't a format we read.
pub(crate) fn media_type(head: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if starts(&[0xFF, 0xD8, 0xFF]) {
        Some("image/jpeg")
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if starts(b"II*\0") || starts(b"MM\0*") || starts(b"II+\0") || starts(b"MM\0+") {
        Some("image/tiff")
    } else if starts(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        Some("image/webp")
    } else if starts(b"BM") && head.get(6..10) == Some(&[0; 4]) {
        // The four reserved bytes of the header tell a bitmap from a text that begins with BM.
        Some("image/bmp")
    } else if starts(b"\0\0\0\x0CjP  \r\n\x87\n") {
        Some("image/jp2")
    } else if starts(&[0xFF, 0x4F, 0xFF, 0x51]) {
        Some("image/j2c")
    } else if head.windows(5).any(|window| window == b"%PDF-") {
        Some("application/pdf")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::media_type;

    #[test]
    fn a_format_is_told_by_its_first_bytes() {
        let late_pdf = [b"\xEF\xBB\xBF\r\n".as_slice(), b"%PDF-1.7\n"].concat();
        for (head, want) in [
            (b"\xFF\xD8\xFF\xE0\0\x10JFIF".as_slice(), Some("image/jpeg")),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some("image/png")),
            (b"II*\0\x08\0\0\0", Some("image/tiff")),
            (b"MM\0*\0\0\0\x08", Some("image/tiff")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0", Some("image/bmp")),
            (b"BM is how this text begins", None),
            (b"\0\0\0\x0CjP  \r\n\x87\n\0\0\0\x14ftyp", Some("image/jp2")),
            (b"\xFF\x4F\xFF\x51\0\x2F", Some("image/j2c")),
            (b"%PDF-1.7\n", Some("application/pdf")),
            (&late_pdf, Some("application/pdf")),
            (b"PK\x03\x04", None),
            (b"<html>", None),
            (b"", None),
        ] {
            assert_eq!(media_type(head), want, "{:?}", head.escape_ascii().to_string());
        }
    }
}
