//! What a worker and its reader say to each other over a pipe.
//!
//! A frame is two lengths (`u32` of the head, `u64` of the body, little-endian), the head as
//! JSON, and the body as raw bytes. The worker sends an [`Ask`], the reader answers it with an
//! [`Answer`], before which one [`Answer::Seen`] may come; there is never more than one question
//! open. The reader's first frame is [`Answer::Ready`]. Lengths are checked before anything is
//! allocated, on both sides.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::code::Reason;
use crate::reading::{Flaw, PageImage, PageReading};
use crate::signature::DigitalSignature;

/// Longest head: the words of a crowded A3 page are about 2 MB.
pub const MAX_HEAD: u32 = 64 << 20;
/// Longest body: the largest scan that an intake can be told to accept.
pub const MAX_BODY: u64 = 1 << 30;

/// A wall around the reader that only the kernel can put up. What needs none of its favour (memory,
/// time, descriptors, processes: limits that every kernel has) can't be gone without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wall {
    /// No file but the fonts, and those to be read. Where it is gone without, no file at all is
    /// opened, and a PDF's fonts that aren't embedded are drawn in PDFium's own, which lack most
    /// Vietnamese letters.
    Landlock,
    /// No calls of the kernel but those that reading takes: no network, no process, no file to
    /// be written, no other process touched.
    Seccomp,
}

impl Wall {
    /// Every wall there is.
    pub const ALL: [Self; 2] = [Self::Landlock, Self::Seccomp];

    /// As it is called in the configuration and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        }
    }
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Wall {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|wall| wall.name() == name);
        named.ok_or("not a wall: landlock, seccomp")
    }
}

/// A question to the reader. The scan's bytes are the frame's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// How many pages has this scan?
    Unpack,
    /// What stands on this page?
    Read {
        /// Place in the scan, from 0.
        seq: u32,
    },
}

/// What the reader answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The engines are warm; ask.
    Ready {
        /// Version of the program: worker and reader must be of one build.
        version: String,
        /// The walls that stand around it.
        #[serde(default)]
        walls: Vec<Wall>,
    },
    /// Instead of `Ready`: the kernel can't give a wall, and nobody said to go without it.
    NoWall {
        /// Which.
        wall: Wall,
        /// What the kernel said.
        detail: String,
    },
    /// A scan's pages.
    Unpacked {
        /// How many.
        pages: u32,
        /// Media type, told by content.
        media_type: String,
        /// Digital signatures, in the order of the file's own list.
        #[serde(default)]
        signatures: Vec<DigitalSignature>,
    },
    /// A page should be scanned again, and is being read all the same: said while the citizen is
    /// still there, at most once before the answer proper.
    Seen {
        /// Why.
        flaws: Vec<Flaw>,
    },
    /// A page, read. The frame's body is the page image as it is to be kept.
    Read {
        /// What was read.
        reading: Box<PageReading>,
        /// How the image in the body is coded.
        image: PageImage,
    },
    /// The scan or page can't be had.
    Refused {
        /// Why.
        reason: Reason,
        /// For the log and the operator: what the decoder said. Never text of the page.
        detail: String,
    },
}

/// Writes a frame and flushes.
///
/// # Errors
/// When the pipe is closed, or a part is longer than its cap.
pub fn write_frame(pipe: &mut impl Write, head: &impl Serialize, body: &[u8]) -> io::Result<()> {
    let (lengths, head) = frame_head(head, body.len())?;
    pipe.write_all(&lengths)?;
    pipe.write_all(&head)?;
    pipe.write_all(body)?;
    pipe.flush()
}

/// The lengths and the head of a frame, ready to be written before the body.
///
/// # Errors
/// When a part is longer than its cap.
pub fn frame_head(head: &impl Serialize, body: usize) -> io::Result<([u8; 12], Vec<u8>)> {
    let head = serde_json::to_vec(head).map_err(io::Error::other)?;
    let head_len = u32::try_from(head.len()).ok().filter(|n| *n <= MAX_HEAD);
    let body_len = u64::try_from(body).ok().filter(|n| *n <= MAX_BODY);
    let (Some(head_len), Some(body_len)) = (head_len, body_len) else {
        return Err(io::Error::other("frame too long"));
    };
    let mut lengths = [0; 12];
    lengths[..4].copy_from_slice(&head_len.to_le_bytes());
    lengths[4..].copy_from_slice(&body_len.to_le_bytes());
    Ok((lengths, head))
}

/// The two lengths at the start of a frame, checked against their caps.
///
/// # Errors
/// `InvalidData` when a length passes its cap.
pub fn frame_lengths(lengths: [u8; 12]) -> io::Result<(usize, usize)> {
    let [a, b, c, d, rest @ ..] = lengths;
    let (head, body) = (u32::from_le_bytes([a, b, c, d]), u64::from_le_bytes(rest));
    if MAX_HEAD < head || MAX_BODY < body {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "frame too long"));
    }
    let too_long = |_| io::Error::new(io::ErrorKind::InvalidData, "frame too long");
    Ok((usize::try_from(head).map_err(too_long)?, usize::try_from(body).map_err(too_long)?))
}

/// Reads a frame; `None` at the end of the pipe.
///
/// # Errors
/// When the pipe ends within a frame, a length passes its cap, or the head isn't what it must be.
pub fn read_frame<Head: DeserializeOwned>(
    pipe: &mut impl Read,
) -> io::Result<Option<(Head, Vec<u8>)>> {
    let mut lengths = [0; 12];
    match pipe.read_exact(&mut lengths) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    let (head_len, body_len) = frame_lengths(lengths)?;
    let head = read_part(pipe, head_len)?;
    let body = read_part(pipe, body_len)?;
    let head =
        serde_json::from_slice(&head).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
    Ok(Some((head, body)))
}

/// Reads exactly `len` bytes, growing as they come: a promise alone allocates nothing.
fn read_part(pipe: &mut impl Read, len: usize) -> io::Result<Vec<u8>> {
    let mut part = Vec::new();
    let wanted = u64::try_from(len).map_err(io::Error::other)?;
    pipe.by_ref().take(wanted).read_to_end(&mut part)?;
    if part.len() == len { Ok(part) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_out_as_it_went_in() {
        let mut pipe = Vec::new();
        write_frame(&mut pipe, &Ask::Read { seq: 3 }, b"bytes").unwrap();
        let mut pipe = pipe.as_slice();
        let (head, body) = read_frame::<Ask>(&mut pipe).unwrap().unwrap();
        assert_eq!((head, body.as_slice()), (Ask::Read { seq: 3 }, b"bytes".as_slice()));
        assert!(read_frame::<Ask>(&mut pipe).unwrap().is_none());
    }

    #[test]
    fn a_frame_that_promises_too_much_or_ends_early_is_refused() {
        let mut greedy = [0xFF; 12].as_slice();
        assert!(read_frame::<Ask>(&mut greedy).is_err());
        let mut pipe = Vec::new();
        write_frame(&mut pipe, &Ask::Unpack, b"0123456789").unwrap();
        let mut short = &pipe[..pipe.len() - 1];
        assert!(read_frame::<Ask>(&mut short).is_err());
    }
}
