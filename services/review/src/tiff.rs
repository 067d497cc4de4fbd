//! A container for a page that is kept as bare group 4 data: the least TIFF that viewers open
//! (TIFF 6.0, sections 2, 4 and 11), one strip, little-endian.

const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;

/// Entries of the directory, each of 12 bytes.
const ENTRIES: u16 = 12;
/// Where the two resolutions stand: after the header and the directory.
const RESOLUTIONS: u32 = 8 + 2 + 12 * ENTRIES as u32 + 4;
/// Where the strip begins.
const STRIP: u32 = RESOLUTIONS + 16;

/// Wraps CCITT group 4 data, whose 0 bits are white, in a TIFF. `dpi` is 0 where it isn't
/// known.
pub(crate) fn of_group4(width: u32, height: u32, dpi: u32, strip: &[u8]) -> Vec<u8> {
    // A strip that is longer than a TIFF can say was never let in: scans are capped far below.
    let length = u32::try_from(strip.len()).unwrap_or(u32::MAX);
    let dpi = if dpi == 0 { 200 } else { dpi };
    let entries: [(u16, u16, u32); ENTRIES as usize] = [
        (256, LONG, width),
        (257, LONG, height),
        (258, SHORT, 1),     // bits per sample
        (259, SHORT, 4),     // compression: T.6
        (262, SHORT, 0),     // white is zero
        (273, LONG, STRIP),  // where the strip begins
        (277, SHORT, 1),     // samples per pixel
        (278, LONG, height), // rows in the strip
        (279, LONG, length), // bytes in the strip
        (282, RATIONAL, RESOLUTIONS),
        (283, RATIONAL, RESOLUTIONS + 8),
        (296, SHORT, 2), // resolution in inches
    ];
    let mut tiff = Vec::with_capacity(strip.len() + 256);
    tiff.extend(b"II*\0");
    tiff.extend(8_u32.to_le_bytes());
    tiff.extend(ENTRIES.to_le_bytes());
    for (tag, field, value) in entries {
        tiff.extend(tag.to_le_bytes());
        tiff.extend(field.to_le_bytes());
        tiff.extend(1_u32.to_le_bytes());
        // A short stands in the lower half of the four bytes, which is where it lies anyway.
        tiff.extend(value.to_le_bytes());
    }
    tiff.extend(0_u32.to_le_bytes());
    for _ in 0..2 {
        tiff.extend(dpi.to_le_bytes());
        tiff.extend(1_u32.to_le_bytes());
    }
    tiff.extend(strip);
    tiff
}
