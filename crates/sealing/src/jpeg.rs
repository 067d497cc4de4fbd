//! The head of a JPEG file: as much as a PDF has to know of it.

use crate::ImageFault;

/// What a JPEG's frame header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
    /// Number of colour components.
    pub(crate) components: u8,
    /// Three components that are RGB already, by their names, with no marker that says so.
    /// PDF readers take such a file for YCbCr unless told.
    pub(crate) plain_rgb: bool,
}

/// Reads the marker segments up to the frame header (ITU-T T.81, annex B).
pub(crate) fn frame(bytes: &[u8]) -> Result<Frame, ImageFault> {
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8]).ok_or(ImageFault::NotJpeg)?;
    let mut says_its_colours = false;
    loop {
        let (marker, body, next) = segment(rest).ok_or(ImageFault::NotJpeg)?;
        rest = next;
        match marker {
            // Baseline, extended and progressive, all with Huffman codes.
            0xc0..=0xc2 => return of_frame_header(body, says_its_colours),
            // DHT, JPG and DAC share the range of the frame headers.
            0xc4 | 0xc8 | 0xcc => {}
            0xc3..=0xcf => return Err(ImageFault::JpegCoding),
            // Neither a scan nor the end may come before the frame header.
            0xd8..=0xda => return Err(ImageFault::NotJpeg),
            0xe0 => says_its_colours |= body.starts_with(b"JFIF\0"),
            0xee => says_its_colours |= body.starts_with(b"Adobe"),
            _ => {}
        }
    }
}

/// The next segment: marker, body, what follows. `None` where the file isn't made of segments.
fn segment(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let fills = bytes.iter().take_while(|b| **b == 0xff).count();
    if fills == 0 {
        return None;
    }
    let (marker, rest) = bytes[fills..].split_first()?;
    // Markers without a body: TEM and the restarts.
    if matches!(marker, 0x01 | 0xd0..=0xd7) {
        return Some((*marker, &[], rest));
    }
    let (length, _) = rest.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    Some((*marker, rest.get(2..length)?, &rest[length..]))
}

fn of_frame_header(body: &[u8], says_its_colours: bool) -> Result<Frame, ImageFault> {
    let &[precision, h1, h0, w1, w0, components, ref specs @ ..] = body else {
        return Err(ImageFault::NotJpeg);
    };
    if precision != 8 {
        return Err(ImageFault::JpegCoding);
    }
    let names = specs.chunks_exact(3).map(|spec| spec[0]);
    Ok(Frame {
        width: u16::from_be_bytes([w1, w0]).into(),
        height: u16::from_be_bytes([h1, h0]).into(),
        components,
        plain_rgb: !says_its_colours && names.eq(*b"RGB"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(segments: &[(u8, &[u8])]) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8];
        for (marker, body) in segments {
            let length = u16::try_from(body.len() + 2).unwrap();
            file.extend([0xff, *marker]);
            file.extend(length.to_be_bytes());
            file.extend(*body);
        }
        file
    }

    const HEADER: &[u8] = &[8, 0, 20, 0, 10, 3, b'R', 0x11, 0, b'G', 0x11, 0, b'B', 0x11, 0];

    #[test]
    fn size_and_components_are_read_after_other_segments() {
        let bytes = file(&[(0xe0, b"JFIF\0"), (0xc4, b"tables"), (0xc2, HEADER)]);
        let frame = frame(&bytes).unwrap();
        assert_eq!((frame.width, frame.height, frame.components), (10, 20, 3));
        assert!(!frame.plain_rgb, "a JFIF file is YCbCr whatever its components are called");
    }

    #[test]
    fn components_called_r_g_b_are_rgb_where_no_marker_says_otherwise() {
        assert!(frame(&file(&[(0xc0, HEADER)])).unwrap().plain_rgb);
        assert!(!frame(&file(&[(0xee, b"Adobe....."), (0xc0, HEADER)])).unwrap().plain_rgb);
    }

    #[test]
    fn a_jpeg_of_a_rare_coding_is_refused() {
        assert_eq!(frame(&file(&[(0xc3, HEADER)])), Err(ImageFault::JpegCoding));
        assert_eq!(frame(&file(&[(0xc9, HEADER)])), Err(ImageFault::JpegCoding));
        let twelve_bits = [&[12], &HEADER[1..]].concat();
        assert_eq!(frame(&file(&[(0xc1, &twelve_bits)])), Err(ImageFault::JpegCoding));
    }

    #[test]
    fn a_head_cut_anywhere_is_refused_and_never_panics() {
        let whole = file(&[(0xe0, b"JFIF\0"), (0xc0, HEADER)]);
        for end in 0..whole.len() {
            assert_eq!(frame(&whole[..end]), Err(ImageFault::NotJpeg), "cut at {end}");
        }
        assert_eq!(frame(&[0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0]), Err(ImageFault::NotJpeg));
    }
}
