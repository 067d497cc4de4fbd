//! Formats that a scan may come in, told by their first bytes and never by a file's name.

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
    /// JPEG 2000, in a JP2 box file or as a bare codestream.
    Jpeg2000,
}

/// How far into a file the `%PDF-` may stand; readers have always tolerated junk before it
/// (PDF 1.7 reference, implementation note 13).
const PDF_HEADER_WITHIN: usize = 1024;

impl Format {
    /// The format of a file, by its content; `None` where it is none of ours.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Format> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Format::Png),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::WebP),
            [b'B', b'M', ..] if bytes.len() > 26 && is_bmp_header(bytes) => Some(Format::Bmp),
            [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => {
                Some(Format::Jpeg2000)
            }
            _ => {
                let head = &bytes[..bytes.len().min(PDF_HEADER_WITHIN)];
                head.windows(5).any(|window| window == b"%PDF-").then_some(Format::Pdf)
            }
        }
    }

    /// The media type, as IANA registered it.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Jpeg => "image/jpeg",
            Format::Png => "image/png",
            Format::Tiff => "image/tiff",
            Format::Pdf => "application/pdf",
            Format::WebP => "image/webp",
            Format::Bmp => "image/bmp",
            Format::Jpeg2000 => "image/jp2",
        }
    }
}

/// "BM" alone also begins plain texts: the size of the second header must be one that exists.
fn is_bmp_header(bytes: &[u8]) -> bool {
    matches!(bytes[14..18], [12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0])
}
