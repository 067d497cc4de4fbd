//! Fonts that a PDF names and doesn't hold. PDFium lists those of the machine when it first needs
//! one, and opens each when it needs that one.

use imaging::{Limits, Pdf, Scan};

/// Where PDFium looks.
pub(crate) const FOLDERS: [&str; 4] = [
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/usr/share/X11/fonts/Type1",
    "/usr/share/X11/fonts/TTF",
];

/// A page with a letter in a font that it doesn't hold.
const NEEDS_A_FONT: &[u8] = b"%PDF-1.7
1 0 obj
<</Type/Catalog/Pages 2 0 R>>
endobj
2 0 obj
<</Type/Pages/Kids[3 0 R]/Count 1>>
endobj
3 0 obj
<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<</Font<</F 4 0 R>>>>/Contents 5 0 R>>
endobj
4 0 obj
<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>
endobj
5 0 obj
<</Length 27>>stream
BT/F 9 Tf 1 1 Td(a)Tj ET   
endstream
endobj
trailer
<</Size 6/Root 1 0 R>>
%%EOF
";

/// Has PDFium list the machine's fonts, so that no folder need be readable later.
pub(crate) fn list(pdfium: &Pdf) {
    let limits = Limits { max_pages: 1, max_pixels: 1 << 20 };
    // A page that can't be drawn lists nothing; substitutes are drawn in PDFium's own fonts then.
    drop(Scan::open(NEEDS_A_FONT, limits, Some(pdfium)).and_then(|scan| scan.page(0).map(drop)));
}
