//! TIFF files: the chain of pages and fax compression read here, everything else by the `tiff`
//! crate, which knows neither group 3, nor palettes, nor bits filled from the right.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Cursor;

use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult};

use crate::ccitt::{self, Fax};
use crate::{DecodeError, Decoded, Grey, Limits, Pixels, Rgb, dpi, jpeg2000, single};

/// Tags that are read here (TIFF 6.0, section 8 and others).
mod tag {
    pub(super) const NEW_SUBFILE_TYPE: u16 = 254;
    pub(super) const WIDTH: u16 = 256;
    pub(super) const HEIGHT: u16 = 257;
    pub(super) const BITS: u16 = 258;
    pub(super) const COMPRESSION: u16 = 259;
    pub(super) const PHOTOMETRIC: u16 = 262;
    pub(super) const FILL_ORDER: u16 = 266;
    pub(super) const STRIP_OFFSETS: u16 = 273;
    pub(super) const ORIENTATION: u16 = 274;
    pub(super) const SAMPLES: u16 = 277;
    pub(super) const ROWS_PER_STRIP: u16 = 278;
    pub(super) const STRIP_LENGTHS: u16 = 279;
    pub(super) const X_RESOLUTION: u16 = 282;
    pub(super) const Y_RESOLUTION: u16 = 283;
    pub(super) const T4_OPTIONS: u16 = 292;
    pub(super) const RESOLUTION_UNIT: u16 = 296;
    pub(super) const COLOUR_MAP: u16 = 320;
}

/// Most values taken of one tag: a strip a row of the longest image.
const MAX_VALUES: u64 = 200_000;

/// An opened TIFF.
pub(crate) struct TiffScan<'a> {
    bytes: &'a [u8],
    order: Order,
    /// Full pages, each with its place in the file's own chain.
    pages: Vec<(usize, Directory)>,
}

#[derive(Debug, Clone, Copy)]
struct Order {
    little: bool,
    big_tiff: bool,
}

struct Directory {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// Where the values stand in the file.
    at: u64,
}

impl<'a> TiffScan<'a> {
    /// Follows the chain of directories, at most a little past `max_pages`, each once.
    pub(crate) fn open(bytes: &'a [u8], max_pages: u32) -> Result<Self, DecodeError> {
        let broken = || DecodeError::broken("the TIFF header is damaged");
        let order = Order { little: bytes[0] == b'I', big_tiff: bytes[2] == 43 || bytes[3] == 43 };
        let (first, size) = if order.big_tiff { (8, 8) } else { (4, 4) };
        let mut next = order.number(bytes, first, size).ok_or_else(broken)?;
        let mut seen = HashSet::new();
        let (mut pages, mut thumbnails) = (Vec::new(), Vec::new());
        while next != 0 && seen.insert(next) && pages.len() <= max_pages as usize {
            let Some((directory, after)) = order.directory(bytes, next) else { break };
            let index = seen.len() - 1;
            let reduced = directory.first(bytes, order, tag::NEW_SUBFILE_TYPE).unwrap_or(0) & 1;
            if reduced == 1 { &mut thumbnails } else { &mut pages }.push((index, directory));
            if seen.len() > 4 * max_pages as usize {
                break;
            }
            next = after;
        }
        if pages.is_empty() {
            pages = thumbnails;
        }
        Ok(TiffScan { bytes, order, pages })
    }

    /// Pages found; more than the cap by one where there are too many.
    pub(crate) fn page_count(&self) -> u64 {
        self.pages.len() as u64
    }

    /// Decodes one page.
    pub(crate) fn page(&self, seq: u32, limits: &Limits) -> Result<Decoded<'static>, DecodeError> {
        let (index, directory) =
            self.pages.get(seq as usize).ok_or(DecodeError::NoSuchPage { seq })?;
        let first = |tag| directory.first(self.bytes, self.order, tag);
        let (Some(width), Some(height)) = (first(tag::WIDTH), first(tag::HEIGHT)) else {
            return Err(DecodeError::broken("a TIFF page doesn't state its size"));
        };
        limits.check_pixels(width, height)?;
        let (width, height) = (narrow(width)?, narrow(height)?);
        let fax = match first(tag::COMPRESSION) {
            Some(2) => Some(Fax::Huffman),
            Some(3) => {
                Some(Fax::Group3 { two_dimensional: first(tag::T4_OPTIONS).unwrap_or(0) & 1 == 1 })
            }
            Some(4) => Some(Fax::Group4),
            _ => None,
        };
        let one_bit = first(tag::BITS).unwrap_or(1) == 1 && first(tag::SAMPLES).unwrap_or(1) == 1;
        let (pixels, bilevel) = match fax {
            Some(fax) if one_bit => (self.faxed(directory, fax, width, height)?, true),
            Some(_) => return Err(DecodeError::broken("fax compression of more than one bit")),
            None => (self.by_crate(*index, directory, width, height)?, one_bit),
        };
        let bilevel = bilevel && matches!(pixels, Pixels::Grey(_));
        let dpi = dpi::settle(self.stated_dpi(directory), width, height);
        let mut decoded = Decoded { bilevel, ..Decoded::of(pixels, dpi) };
        decoded.rotation_deg = match first(tag::ORIENTATION) {
            Some(3) => 180,
            Some(6) => 90,
            Some(8) => 270,
            // Mirrored orientations exist in test suites only; the page is taken as it stands.
            _ => 0,
        };
        Ok(decoded)
    }

    fn stated_dpi(&self, directory: &Directory) -> Option<(f64, f64)> {
        let per_unit = |tag| {
            let entry = directory.entry(tag)?;
            let above = self.order.number(self.bytes, entry.at, 4)?;
            let below = self.order.number(self.bytes, entry.at + 4, 4)?;
            Some(f64::from(u32::try_from(above).ok()?) / f64::from(u32::try_from(below).ok()?))
        };
        let across = per_unit(tag::X_RESOLUTION)?;
        let down = per_unit(tag::Y_RESOLUTION).unwrap_or(across);
        match directory.first(self.bytes, self.order, tag::RESOLUTION_UNIT).unwrap_or(2) {
            2 => Some((across, down)),
            3 => Some((across * 2.54, down * 2.54)),
            _ => None,
        }
    }

    fn faxed(
        &self,
        directory: &Directory,
        fax: Fax,
        width: u32,
        height: u32,
    ) -> Result<Pixels, DecodeError> {
        let broken = || DecodeError::broken("the fax data of a TIFF page is damaged");
        let all = |tag| directory.all(self.bytes, self.order, tag);
        let offsets = all(tag::STRIP_OFFSETS).ok_or_else(broken)?;
        let lengths = all(tag::STRIP_LENGTHS).unwrap_or_default();
        let rows = directory
            .first(self.bytes, self.order, tag::ROWS_PER_STRIP)
            .and_then(|rows| u32::try_from(rows).ok())
            .filter(|&rows| rows > 0)
            .map_or(height, |rows| rows.min(height));
        let reversed = directory.first(self.bytes, self.order, tag::FILL_ORDER) == Some(2);
        let mut image = Grey::filled(width, height, 255);
        let mut done = 0;
        let strips = image.pixels.chunks_mut(rows as usize * width as usize);
        for (index, (strip, &offset)) in strips.zip(&offsets).enumerate() {
            let from = usize::try_from(offset).map_err(|_| broken())?.min(self.bytes.len());
            // A length of a strip may be missing or wrong; the data ends by itself.
            let length = lengths.get(index).map_or(usize::MAX, |&length| narrow_size(length));
            let data = &self.bytes[from..from.saturating_add(length).min(self.bytes.len())];
            let data = if reversed {
                Cow::Owned(data.iter().map(|byte| byte.reverse_bits()).collect())
            } else {
                Cow::Borrowed(data)
            };
            done += ccitt::decode(&data, fax, width, strip);
        }
        // Viewers show what came before a fault. Half a page is no page to file, a lost last
        // line is.
        if u64::from(done) * 10 < u64::from(height) * 9 {
            return Err(broken());
        }
        if directory.first(self.bytes, self.order, tag::PHOTOMETRIC) == Some(1) {
            image.pixels.iter_mut().for_each(|tone| *tone = !*tone);
        }
        Ok(Pixels::Grey(image))
    }

    fn by_crate(
        &self,
        index: usize,
        directory: &Directory,
        width: u32,
        height: u32,
    ) -> Result<Pixels, DecodeError> {
        let palette = (directory.first(self.bytes, self.order, tag::PHOTOMETRIC) == Some(3))
            .then(|| directory.all(self.bytes, self.order, tag::COLOUR_MAP))
            .flatten();
        let mut bytes = Cow::Borrowed(self.bytes);
        if palette.is_some()
            && let Some(entry) = directory.entry(tag::PHOTOMETRIC)
            && let Ok(at) = usize::try_from(entry.at)
        {
            // The crate refuses palettes; as a grey image it gives their indices.
            let ours = bytes.to_mut();
            ours[at..at + 2].copy_from_slice(if self.order.little { &[1, 0] } else { &[0, 1] });
        }
        let broken = |_| DecodeError::broken("the data of a TIFF page is damaged or odd");
        let mut caps = tiff::decoder::Limits::default();
        // Eight bytes a pixel: four channels of sixteen bits.
        let most = usize::try_from(u64::from(width) * u64::from(height) * 8).unwrap_or(usize::MAX);
        caps.decoding_buffer_size = most.max(1 << 20);
        caps.intermediate_buffer_size = most.max(1 << 20);
        let mut decoder = Decoder::new(Cursor::new(&bytes)).map_err(broken)?.with_limits(caps);
        decoder.seek_to_image(index).map_err(broken)?;
        let colour = decoder.colortype().map_err(broken)?;
        let data = match decoder.read_image().map_err(broken)? {
            DecodingResult::U8(data) => data,
            DecodingResult::U16(data) => data.into_iter().map(high_byte).collect(),
            _ => return Err(DecodeError::broken("a TIFF page has odd samples")),
        };
        let depth = colour.bit_depth();
        let data = if depth < 8 {
            let scale = palette.is_none();
            unpack(&data, depth, usize::from(colour.num_samples()) * width as usize, height, scale)
        } else {
            data
        };
        let area = width as usize * height as usize;
        if data.len() < area * usize::from(colour.num_samples()) {
            return Err(DecodeError::broken("a TIFF page ends early"));
        }
        Ok(match (colour, palette) {
            (ColorType::Gray(_), Some(map)) => {
                Pixels::Rgb(Rgb { width, height, pixels: through(&map, &data) })
                    .without_needless_colour()
            }
            (ColorType::Gray(_), None) => Pixels::Grey(Grey { width, height, pixels: data }),
            (ColorType::RGB(_), _) => Pixels::Rgb(Rgb { width, height, pixels: data }),
            (ColorType::RGBA(_), _) => {
                Pixels::Rgb(Rgb { width, height, pixels: single::rgba_over_white(&data) })
            }
            (ColorType::YCbCr(_), _) => Pixels::Rgb(Rgb { width, height, pixels: of_ycbcr(&data) }),
            (ColorType::CMYK(_), _) => {
                Pixels::Rgb(Rgb { width, height, pixels: jpeg2000::of_cmyk(&data) })
            }
            (ColorType::Multiband { num_samples: 2, .. }, _) => {
                let pixels = data.as_chunks::<2>().0.iter().map(|&[tone, _]| tone).collect();
                Pixels::Grey(Grey { width, height, pixels })
            }
            _ => return Err(DecodeError::broken("a TIFF page has odd colours")),
        })
    }
}

impl Directory {
    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    fn first(&self, bytes: &[u8], order: Order, tag: u16) -> Option<u64> {
        let entry = self.entry(tag)?;
        order.number(bytes, entry.at, size_of_kind(entry.kind)?)
    }

    fn all(&self, bytes: &[u8], order: Order, tag: u16) -> Option<Vec<u64>> {
        let entry = self.entry(tag)?;
        let size = size_of_kind(entry.kind)?;
        (0..entry.count.min(MAX_VALUES))
            .map(|index| order.number(bytes, entry.at.checked_add(index * size)?, size))
            .collect()
    }
}

/// Bytes of a value; only whole numbers are read here, and the first half of fractions.
fn size_of_kind(kind: u16) -> Option<u64> {
    match kind {
        1 => Some(1),
        3 => Some(2),
        4 | 13 => Some(4),
        16 | 18 => Some(8),
        _ => None,
    }
}

impl Order {
    fn number(self, bytes: &[u8], at: u64, size: u64) -> Option<u64> {
        let from = usize::try_from(at).ok()?;
        let raw = bytes.get(from..from.checked_add(usize::try_from(size).ok()?)?)?;
        let join = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
        Some(if self.little { raw.iter().rev().fold(0, join) } else { raw.iter().fold(0, join) })
    }

    /// The directory at a place, and where the next one stands.
    fn directory(self, bytes: &[u8], at: u64) -> Option<(Directory, u64)> {
        let (count_size, entry_size, inline) = if self.big_tiff { (8, 20, 8) } else { (2, 12, 4) };
        let count = self.number(bytes, at, count_size)?;
        if count > 4096 {
            return None;
        }
        let mut entries = Vec::new();
        for index in 0..count {
            let start = at.checked_add(count_size)?.checked_add(index * entry_size)?;
            let tag = u16::try_from(self.number(bytes, start, 2)?).ok()?;
            let kind = u16::try_from(self.number(bytes, start + 2, 2)?).ok()?;
            let count = self.number(bytes, start + 4, inline)?;
            let value = start + 4 + inline;
            let fits = size_of_kind(kind)
                .is_some_and(|size| count.checked_mul(size).is_some_and(|all| all <= inline));
            let at = if fits { value } else { self.number(bytes, value, inline)? };
            entries.push(Entry { tag, kind, count, at });
        }
        let end = at.checked_add(count_size)?.checked_add(count * entry_size)?;
        // A chain cut off at its end has no next page.
        let next = self.number(bytes, end, inline).unwrap_or(0);
        Some((Directory { entries }, next))
    }
}

fn narrow(size: u64) -> Result<u32, DecodeError> {
    u32::try_from(size).map_err(|_| DecodeError::broken("a TIFF page states an absurd size"))
}

fn narrow_size(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

fn high_byte(sample: u16) -> u8 {
    (sample >> 8) as u8
}

/// Samples of 1, 2 or 4 bits as bytes; rows begin on a byte. `scale` spreads them to 0..=255.
fn unpack(data: &[u8], depth: u8, samples: usize, height: u32, scale: bool) -> Vec<u8> {
    let per_byte = usize::from(8 / depth.clamp(1, 8));
    let mask = (1_u8 << depth.min(7)) - 1;
    let factor = if scale { 255 / mask } else { 1 };
    let stride = samples.div_ceil(per_byte);
    let mut unpacked = Vec::with_capacity(samples * height as usize);
    for row in data.chunks_exact(stride.max(1)).take(height as usize) {
        unpacked.extend((0..samples).map(|x| {
            let place = per_byte - 1 - x % per_byte;
            let shift = place * usize::from(depth);
            (row[x / per_byte] >> shift & mask) * factor
        }));
    }
    unpacked
}

/// Indices through a palette: all reds, then all greens, then all blues, of sixteen bits each.
fn through(map: &[u64], indices: &[u8]) -> Vec<u8> {
    let third = map.len() / 3;
    let tone = |channel: usize, index: u8| {
        let sample = map.get(channel * third + usize::from(index)).copied().unwrap_or(0);
        high_byte(u16::try_from(sample).unwrap_or(u16::MAX))
    };
    indices.iter().flat_map(|&index| [tone(0, index), tone(1, index), tone(2, index)]).collect()
}

/// JFIF's full-range conversion, which scanners mean whatever their tags say.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a tone")]
fn of_ycbcr(data: &[u8]) -> Vec<u8> {
    data.as_chunks::<3>()
        .0
        .iter()
        .flat_map(|&[luma, blue, red]| {
            let (luma, blue, red) =
                (f32::from(luma), f32::from(blue) - 128.0, f32::from(red) - 128.0);
            [luma + 1.402 * red, luma - 0.344_136 * blue - 0.714_136 * red, luma + 1.772 * blue]
                .map(|tone| tone.clamp(0.0, 255.0) as u8)
        })
        .collect()
}
