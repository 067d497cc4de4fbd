//! What a PDF needs to know of a PNG with a palette, to take its data as they are.

use crate::ImageFault;

/// A PNG of one byte a pixel, not interlaced, without transparency.
pub(crate) struct Paletted {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Red, green, blue of each colour; 1 to 256 of them.
    pub(crate) palette: Vec<u8>,
    /// The compressed rows, each with its filter before it.
    pub(crate) data: Vec<u8>,
}

/// Takes a PNG apart. Checksums aren't looked at, and the rows not unpacked.
pub(crate) fn paletted(bytes: &[u8]) -> Result<Paletted, ImageFault> {
    let mut rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n").ok_or(ImageFault::NotPng)?;
    let head = chunk(&mut rest).ok_or(ImageFault::NotPng)?;
    let (b"IHDR", &[w3, w2, w1, w0, h3, h2, h1, h0, 8, 3, 0, 0, 0]) = head else {
        return Err(ImageFault::PngCoding);
    };
    let (width, height) =
        (u32::from_be_bytes([w3, w2, w1, w0]), u32::from_be_bytes([h3, h2, h1, h0]));
    let (mut palette, mut data) = (Vec::new(), Vec::new());
    loop {
        match chunk(&mut rest).ok_or(ImageFault::NotPng)? {
            (b"PLTE", colours) => palette = colours.to_vec(),
            (b"IDAT", part) => data.extend_from_slice(part),
            (b"tRNS", _) => return Err(ImageFault::PngCoding),
            (b"IEND", _) => break,
            _ => {}
        }
    }
    if palette.is_empty() || !palette.len().is_multiple_of(3) || 3 * 256 < palette.len() {
        return Err(ImageFault::PngCoding);
    }
    if data.is_empty() {
        return Err(ImageFault::Empty);
    }
    Ok(Paletted { width, height, palette, data })
}

/// The next chunk: its name and what it holds.
fn chunk<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8; 4], &'a [u8])> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (name, after) = after.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let body = after.get(..length)?;
    // After it come four bytes of checksum.
    *rest = after.get(length.checked_add(4)?..)?;
    Some((name, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        for (name, body) in chunks {
            file.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
            file.extend(*name);
            file.extend(*body);
            file.extend([0; 4]);
        }
        file
    }

    const HEAD: &[u8] = &[0, 0, 0, 10, 0, 0, 0, 20, 8, 3, 0, 0, 0];

    #[test]
    fn size_palette_and_data_are_taken_out() {
        let parts: &[(&[u8; 4], &[u8])] = &[
            (b"IHDR", HEAD),
            (b"PLTE", &[0, 0, 0, 255, 255, 255]),
            (b"IDAT", b"one"),
            (b"tEXt", b"remark"),
            (b"IDAT", b"two"),
            (b"IEND", b""),
        ];
        let whole = file(parts);
        let found = paletted(&whole).unwrap();
        assert_eq!((found.width, found.height), (10, 20));
        assert_eq!((found.palette.len(), found.data.as_slice()), (6, b"onetwo".as_slice()));
        for end in 0..whole.len() {
            assert_eq!(paletted(&whole[..end]).err(), Some(ImageFault::NotPng), "cut at {end}");
        }
    }

    #[test]
    fn other_sorts_of_png_are_refused() {
        let with = |head: &[u8], palette: &[u8], more: &[u8; 4]| {
            let parts: &[(&[u8; 4], &[u8])] =
                &[(b"IHDR", head), (b"PLTE", palette), (more, b"x"), (b"IEND", b"")];
            paletted(&file(parts)).err()
        };
        let interlaced = [&HEAD[..12], &[1]].concat();
        let true_colour = [&HEAD[..9], &[2, 0, 0, 0]].concat();
        assert_eq!(with(&interlaced, &[0; 3], b"IDAT"), Some(ImageFault::PngCoding));
        assert_eq!(with(&true_colour, &[0; 3], b"IDAT"), Some(ImageFault::PngCoding));
        assert_eq!(with(HEAD, &[0; 3], b"tRNS"), Some(ImageFault::PngCoding));
        assert_eq!(with(HEAD, &[0; 4], b"IDAT"), Some(ImageFault::PngCoding));
        assert_eq!(with(HEAD, &[], b"IDAT"), Some(ImageFault::PngCoding));
        assert_eq!(with(HEAD, &[0; 3], b"none"), Some(ImageFault::Empty));
    }
}
