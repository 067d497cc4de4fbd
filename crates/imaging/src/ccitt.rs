//! Fax compression: group 3 and group 4 as TIFF holds them (ITU-T T.4, T.6; TIFF 6.0 sections 10
//! and 11), and group 4 as we write it.

use std::convert::Infallible;

use fax::decoder::{DecodeStatus, Group4Decoder};
use fax::encoder::Encoder;
use fax::maps::{Mode, black, mode, white};
use fax::{BitReader, BitWriter, Bits, ByteReader, Color};

use crate::Grey;

/// The fax compressions of TIFF, with what their option tags say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fax {
    /// Compression 2: lines without end-of-line codes, each begins on a byte.
    Huffman,
    /// Compression 3 (T.4); lines may lean on the line above where `two_dimensional`.
    Group3 {
        /// Bit 0 of tag `T4Options`.
        two_dimensional: bool,
    },
    /// Compression 4 (T.6).
    Group4,
}

/// Widest image written as group 4; the encoder counts in 16 bits.
const MAX_WIDTH: u32 = 30_000;

/// Writes lines of runs into `out`, one byte a pixel, 0 for black runs, 255 for white ones.
/// Returns how many lines were whole.
pub(crate) fn decode(data: &[u8], fax: Fax, width: u32, out: &mut [u8]) -> u32 {
    let lines = out.chunks_exact_mut(width as usize);
    let mut done = 0;
    match fax {
        Fax::Group4 => {
            let Ok(mut decoder) =
                Group4Decoder::new(data.iter().map(|&byte| Ok::<u8, Infallible>(byte)), width);
            let height = u32::try_from(lines.len()).unwrap_or(u32::MAX);
            for line in lines {
                match decoder.advance() {
                    Ok(DecodeStatus::Incomplete) => draw(decoder.transition(), line),
                    // Some encoders leave out white lines at the foot; nothing at all is a fault.
                    Ok(DecodeStatus::End) if done > 0 => return height,
                    Ok(DecodeStatus::End) | Err(_) => break,
                }
                done += 1;
            }
            done
        }
        Fax::Huffman | Fax::Group3 { .. } => {
            let Ok(mut reader) = ByteReader::new(data.iter().map(|&byte| Ok(byte)));
            let mut above = Vec::new();
            for line in lines {
                let Some(runs) = next_line(&mut reader, fax, width, &above) else { break };
                draw(&runs, line);
                above = runs;
                done += 1;
            }
            done
        }
    }
}

/// Colours the runs of a line between its changes of colour, which begin with white.
fn draw(changes: &[u32], line: &mut [u8]) {
    line.fill(255);
    let end = line.len();
    for run in changes.chunks(2) {
        let from = (run[0] as usize).min(end);
        let to = run.get(1).map_or(end, |&at| at as usize).min(end);
        if from < to {
            line[from..to].fill(0);
        }
    }
}

/// The changes of colour of the next line; `None` at the end of the data or of sense.
fn next_line<I: Iterator<Item = Result<u8, Infallible>>>(
    reader: &mut ByteReader<I>,
    fax: Fax,
    width: u32,
    above: &[u32],
) -> Option<Vec<u32>> {
    let mut leans = false;
    match fax {
        Fax::Huffman => skip(reader, reader.bits_to_byte_boundary()),
        Fax::Group3 { two_dimensional } => {
            let mut ends = 0;
            // Eleven zeros begin no code of a run: fill bits, then an end-of-line code.
            while reader.peek(11) == Some(0) {
                while reader.peek(1) == Some(0) {
                    skip(reader, 1);
                }
                skip(reader, 1);
                if two_dimensional {
                    leans = reader.peek(1) == Some(0);
                    skip(reader, 1);
                }
                ends += 1;
                if ends >= 3 {
                    return None;
                }
            }
        }
        Fax::Group4 => leans = true,
    }
    if leans { leaning_line(reader, width, above) } else { plain_line(reader, width) }
}

fn plain_line(reader: &mut impl BitReader, width: u32) -> Option<Vec<u32>> {
    let (mut at, mut colour, mut changes) = (0, Color::White, Vec::new());
    while at < width {
        at = run(reader, colour)?.checked_add(at)?;
        changes.push(at.min(width));
        colour = !colour;
    }
    Some(changes)
}

/// T.4 section 4.2: a line as differences from the line above.
fn leaning_line(reader: &mut impl BitReader, width: u32, above: &[u32]) -> Option<Vec<u32>> {
    let mut changes = Vec::new();
    let mut colour = Color::White;
    let (mut at, mut first) = (0, true);
    while at < width {
        // b1: the first change above, right of here, to the other colour; b2: the one after it.
        let b1_index = above
            .iter()
            .enumerate()
            .position(|(index, &change)| {
                let to_black = index % 2 == 0;
                (change > at || (first && change == at)) && to_black == (colour == Color::White)
            })
            .unwrap_or(above.len());
        let b1 = above.get(b1_index).copied().unwrap_or(width);
        let b2 = above.get(b1_index + 1).copied().unwrap_or(width);
        match mode::decode(reader)? {
            Mode::Pass => at = b2,
            Mode::Vertical(by) => {
                at = b1.checked_add_signed(i32::from(by))?.min(width);
                changes.push(at);
                colour = !colour;
            }
            Mode::Horizontal => {
                for _ in 0..2 {
                    at = run(reader, colour)?.checked_add(at)?.min(width);
                    changes.push(at);
                    colour = !colour;
                }
            }
            Mode::Extension | Mode::EOF => return None,
        }
        first = false;
    }
    Some(changes)
}

/// Length of the next run: make-up codes, then a terminating one.
fn run(reader: &mut impl BitReader, colour: Color) -> Option<u32> {
    let mut length = 0_u32;
    loop {
        let part = match colour {
            Color::White => white::decode(reader)?,
            Color::Black => black::decode(reader)?,
        };
        length = length.checked_add(u32::from(part))?;
        if part < 64 {
            return Some(length);
        }
    }
}

fn skip<I: Iterator<Item = Result<u8, Infallible>>>(reader: &mut ByteReader<I>, bits: u8) {
    let Ok(()) = reader.consume(bits);
}

/// Bits into bytes, first bit highest.
#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    pending: u64,
    bits: u32,
}

impl BitWriter for Written {
    type Error = Infallible;

    #[expect(clippy::cast_possible_truncation, reason = "one byte is taken off at a time")]
    fn write(&mut self, bits: Bits) -> Result<(), Infallible> {
        self.pending = (self.pending << bits.len) | u64::from(bits.data);
        self.bits += u32::from(bits.len);
        while self.bits >= 8 {
            self.bits -= 8;
            self.bytes.push((self.pending >> self.bits) as u8);
            self.pending &= (1 << self.bits) - 1;
        }
        Ok(())
    }
}

/// The image as group 4 data without a container; tones from 128 are white, white is the bit 0.
/// `None` where the image is too wide for it.
pub(crate) fn encode(image: &Grey) -> Option<Vec<u8>> {
    if image.width > MAX_WIDTH {
        return None;
    }
    let mut encoder = Encoder::new(Written::default());
    for y in 0..image.height {
        let pels =
            image.row(y).iter().map(|&tone| if tone < 128 { Color::Black } else { Color::White });
        let Ok(()) = encoder.encode_line(pels, image.width);
    }
    let Ok(mut written) = encoder.finish();
    let Ok(()) = written.write(Bits { data: 0, len: 7 });
    Some(written.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(width: u32, height: u32) -> Grey {
        let mut image = Grey::filled(width, height, 255);
        let mut state = 7_u32;
        for (index, tone) in image.pixels.iter_mut().enumerate() {
            if index % 5 == 0 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            }
            *tone = if state >> 30 == 0 { 0 } else { 255 };
        }
        image
    }

    #[test]
    fn group_4_gives_back_every_pixel() {
        for (width, height) in [(1, 1), (7, 3), (64, 64), (2481, 40), (5000, 9)] {
            let image = pattern(width, height);
            let data = encode(&image).unwrap();
            let mut back = vec![9; image.pixels.len()];
            assert_eq!(decode(&data, Fax::Group4, width, &mut back), height);
            assert!(back == image.pixels, "{width}x{height} differs");
        }
    }

    /// Two lines of 4 white, 8 black, 4 white, by the tables of T.4.
    fn bits(codes: &[&str]) -> Vec<u8> {
        let all: Vec<u8> = codes.concat().bytes().map(|digit| digit - b'0').collect();
        all.chunks(8)
            .map(|byte| byte.iter().enumerate().fold(0, |sum, (at, bit)| sum | bit << (7 - at)))
            .collect()
    }

    #[test]
    fn group_3_is_read_with_and_without_leaning_lines() {
        const END: &str = "000000000001";
        let line = "1011".to_owned() + "000101" + "1011";
        let wanted: Vec<u8> = [[255; 4], [0; 4], [0; 4], [255; 4]].concat().repeat(2);
        let mut out = vec![9; 32];
        let plain = bits(&[END, &line, END, &line, END, END, END, END, END, END]);
        assert_eq!(decode(&plain, Fax::Group3 { two_dimensional: false }, 16, &mut out), 2);
        assert!(out == wanted);
        out.fill(9);
        // The second line is the first again: three vertical codes of no offset.
        let leaning = bits(&[END, "1", &line, END, "0", "111", END, "1", END, "1", END, "1"]);
        assert_eq!(decode(&leaning, Fax::Group3 { two_dimensional: true }, 16, &mut out), 2);
        assert!(out == wanted);
        out.fill(9);
        let bytewise = bits(&[&line, "00", &line]);
        assert_eq!(decode(&bytewise, Fax::Huffman, 16, &mut out), 2);
        assert!(out == wanted);
    }

    #[test]
    fn a_leaning_line_reads_like_group_4() {
        let image = pattern(300, 50);
        let data = encode(&image).unwrap();
        let Ok(mut reader) = ByteReader::new(data.iter().map(|&byte| Ok::<u8, Infallible>(byte)));
        let mut above = Vec::new();
        for y in 0..image.height {
            let runs = leaning_line(&mut reader, image.width, &above).unwrap();
            let mut line = vec![9; 300];
            draw(&runs, &mut line);
            assert!(line == image.row(y), "line {y} differs");
            above = runs;
        }
    }
}
