//! Formats that a scan may come in, told by its first bytes. Names and content types that senders
//! give decide nothing.

/// How far a scan must be looked into: the header of a PDF may stand anywhere in its first 1,024
/// bytes (PDF 1.7, annex H, note 13). All other formats are told by fewer.
pub const HEAD: usize = 1024;

/// A format that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG (ITU-T T.81), baseline or progressive.
    Jpeg,
    /// PNG.
    Png,
    /// TIFF or `BigTIFF`, one page or many.
    Tiff,
    /// PDF.
    Pdf,
    /// WebP; the first frame of an animated one.
    WebP,
    /// Windows bitmap.
    Bmp,
    /// JPEG 2000 in a JP2 file (ITU-T T.800, annex I).
    Jp2,
    /// A codestream of JPEG 2000 and no file around it (ITU-T T.800, annex A).
    J2c,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 8] = [
        Format::Jpeg,
        Format::Png,
        Format::Tiff,
        Format::Pdf,
        Format::WebP,
        Format::Bmp,
        Format::Jp2,
        Format::J2c,
    ];

    /// The format of a file, by its content; `None` where it is none of ours. No more than the
    /// first [`HEAD`] bytes are looked at.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Format> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Format::Png),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::WebP),
            [b'B', b'M', ..] if has_bmp_header(bytes) => Some(Format::Bmp),
            [0, 0, 0, 12, b'j', b'P', b' ', b' ', 0x0d, 0x0a, 0x87, 0x0a, ..] => Some(Format::Jp2),
            [0xff, 0x4f, 0xff, 0x51, ..] => Some(Format::J2c),
            _ => {
                let head = &bytes[..bytes.len().min(HEAD)];
                head.windows(5).any(|window| window == b"%PDF-").then_some(Format::Pdf)
            }
        }
    }

    /// The media type, as IANA registered it. A codestream alone is no `image/jp2`: of that the
    /// file around it is a part (RFC 3745, section 1).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Jpeg => "image/jpeg",
            Format::Png => "image/png",
            Format::Tiff => "image/tiff",
            Format::Pdf => "application/pdf",
            Format::WebP => "image/webp",
            Format::Bmp => "image/bmp",
            Format::Jp2 => "image/jp2",
            Format::J2c => "image/j2c",
        }
    }
}

/// "BM" alone also begins plain texts: the size of the second header must be one that exists, of
/// Windows (12, 40, 52, 56, 108, 124) or of OS/2 (12, 16, 64). Four bytes before are reserved, but
/// some programs write there.
fn has_bmp_header(bytes: &[u8]) -> bool {
    matches!(bytes.get(14..18), Some([12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_format_is_told_by_its_first_bytes() {
        let late_pdf = [b"\xEF\xBB\xBF\r\n".as_slice(), b"%PDF-1.7\n"].concat();
        let too_late_pdf = [[b' '; HEAD - 4].as_slice(), b"%PDF-1.7\n"].concat();
        for (head, want) in [
            (b"\xFF\xD8\xFF\xE0\0\x10JFIF".as_slice(), Some(Format::Jpeg)),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some(Format::Png)),
            (b"II*\0\x08\0\0\0", Some(Format::Tiff)),
            (b"MM\0*\0\0\0\x08", Some(Format::Tiff)),
            (b"II+\0\x08\0\0\0", Some(Format::Tiff)),
            (b"MM\0+\0\x08\0\0", Some(Format::Tiff)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some(Format::WebP)),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", Some(Format::Bmp)),
            (b"BM\x36\0\0\0Meta\x36\0\0\0\x28\0\0\0", Some(Format::Bmp)),
            (b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x29\0\0\0", None),
            (b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0", None),
            (b"BM is how this text begins", None),
            (b"BMW is a car, not a bitmap at all", None),
            (b"\0\0\0\x0CjP  \r\n\x87\n\0\0\0\x14ftyp", Some(Format::Jp2)),
            (b"\0\0\0\x0CjP  \n\x87\n\0\0\0\x14ftyp", None),
            (b"\xFF\x4F\xFF\x51\0\x2F", Some(Format::J2c)),
            (b"%PDF-1.7\n", Some(Format::Pdf)),
            (&late_pdf, Some(Format::Pdf)),
            (&too_late_pdf, None),
            (b"GIF89a......", None),
            (b"PK\x03\x04", None),
            (b"<html>", None),
            (b"", None),
        ] {
            assert_eq!(Format::of(head), want, "{:?}", head.escape_ascii().to_string());
        }
    }

    #[test]
    fn every_format_has_a_media_type_of_its_own() {
        let types: HashSet<_> = Format::ALL.iter().map(|format| format.media_type()).collect();
        assert_eq!(types.len(), Format::ALL.len());
    }
}
