//! Page images whose heads are read to put them into a PDF as they are: the first five bytes say
//! what the file is said to be, the rest is the file.

use schemas::ids::Blake3;
use schemas::reading::{PageImage, PageReading};
use sealing::{SealPage, Title};

/// Panics where a promise is broken.
pub fn run(bytes: &[u8]) {
    let Some((&[w1, w0, h1, h0, components], file)) = bytes.split_first_chunk() else { return };
    let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
    let (width, height) = (u32::from(width), u32::from(height));
    let reading = PageReading { width, height, ..PageReading::unread(0, Blake3([0; 32])) };
    let title =
        Title { title: "", subject: None, creator_tool: "", created: jiff::Timestamp::UNIX_EPOCH };
    for image in [
        PageImage::Jpeg { width, height, components },
        PageImage::Ccitt { width, height },
        PageImage::Png { width, height },
    ] {
        let page = SealPage { image, bytes: file, reading: &reading };
        let Ok(pdf) = sealing::seal(&[page], &title) else { continue };
        assert!(pdf.starts_with(b"%PDF-"));
    }
}
