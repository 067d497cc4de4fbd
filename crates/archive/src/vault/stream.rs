//! A blob encrypted: written and read in one go, with little memory, however long it is.
//!
//! ```text
//! 8 bytes             what this is, and of which version
//! 16 bytes            id of its key
//! 64 KiB + 16 bytes   a chunk with its tag, as often as it takes; the last may be shorter
//! 32 bytes            blake3 of everything before, to tell damage without the key
//! ```
//!
//! Each chunk's nonce is its number and whether it is the last (the STREAM construction, Hoang and
//! others 2015, as age has it), so that none can be taken out, put elsewhere or cut off. A key is
//! used for one writing of one blob.

use std::io::{self, Cursor};

use futures_util::stream::try_unfold;
use schemas::Uuid;
use schemas::ids::Blake3;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

use super::DataKey;
use super::cipher::{Cipher, TAG};
use crate::error::ArchiveError;

/// No format that is taken in begins so.
const MARK: [u8; 8] = *b"\x89sohoa\n\x01";

/// Bytes of the clear in a chunk.
const CHUNK: usize = 64 << 10;

const SHUT: u64 = (CHUNK + TAG) as u64;

/// Bytes before the first chunk.
pub(crate) const HEAD: usize = 24;

const TRAILER: usize = 32;

/// The key that what begins so is encrypted with; none when it isn't.
pub(crate) fn key_id(head: &[u8]) -> Option<Uuid> {
    let id = head.strip_prefix(&MARK)?.first_chunk::<16>()?;
    Some(Uuid::from_bytes(*id))
}

/// A blob being encrypted.
pub(crate) struct Encrypting {
    key: DataKey,
    cipher: Cipher,
    /// The clear that may be the last chunk.
    chunk: Vec<u8>,
    chunks: u64,
    hasher: blake3::Hasher,
    /// What is written next.
    out: Vec<u8>,
}

impl Encrypting {
    pub(crate) fn new() -> Result<Self, ArchiveError> {
        let key = DataKey::new()?;
        let cipher = Cipher::new(&key.bytes);
        let out = [MARK.as_slice(), key.id.as_bytes()].concat();
        let (chunk, hasher) = (Vec::with_capacity(CHUNK + TAG), blake3::Hasher::new());
        Ok(Self { key, cipher, chunk, chunks: 0, hasher, out })
    }

    /// Takes what comes next; answers with what is to be written.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<Vec<u8>, ArchiveError> {
        while !bytes.is_empty() {
            if self.chunk.len() == CHUNK {
                self.shut(false)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(self.written())
    }

    /// The rest that is to be written, and the key.
    pub(crate) fn finish(mut self) -> Result<(Vec<u8>, DataKey), ArchiveError> {
        self.shut(true)?;
        let mut rest = self.written();
        rest.extend_from_slice(self.hasher.finalize().as_bytes());
        Ok((rest, self.key))
    }

    fn shut(&mut self, last: bool) -> Result<(), ArchiveError> {
        self.cipher.shut(nonce(self.chunks, last), &[], &mut self.chunk, 0)?;
        self.out.append(&mut self.chunk);
        self.chunks += 1;
        Ok(())
    }

    fn written(&mut self) -> Vec<u8> {
        self.hasher.update(&self.out);
        std::mem::take(&mut self.out)
    }
}

/// Encrypted bytes that so many of the clear become.
pub(crate) fn shut_len(clear: u64) -> u64 {
    let shut = clear.saturating_add(clear.div_ceil(CHUNK as u64).max(1) * TAG as u64);
    shut.saturating_add((HEAD + TRAILER) as u64)
}

/// Bytes of the clear in so many encrypted ones; none when it can't be so many.
pub(crate) fn clear_len(len: u64) -> Option<u64> {
    let shut = len.checked_sub((HEAD + TRAILER) as u64)?;
    shut.checked_sub(shut.div_ceil(SHUT) * TAG as u64).filter(|_| shut > 0)
}

/// The clear of a blob that is so long, whose head was read already.
pub(crate) fn decrypting(
    from: impl AsyncRead + Send + Unpin + 'static,
    len: u64,
    key: DataKey,
) -> impl AsyncRead + Send {
    let left = len.saturating_sub((HEAD + TRAILER) as u64);
    let begin = (from, Cipher::new(&key.bytes), 0, left);
    StreamReader::new(Box::pin(try_unfold(begin, |(mut from, cipher, chunks, left)| async move {
        if left == 0 {
            return Ok::<_, io::Error>(None);
        }
        let now = left.min(SHUT);
        let mut chunk = vec![0; usize::try_from(now).unwrap_or(usize::MAX)];
        from.read_exact(&mut chunk).await?;
        let opened = cipher.open(nonce(chunks, now == left), &[], &mut chunk);
        opened.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it does not open"))?;
        Ok(Some((Cursor::new(chunk), (from, cipher, chunks + 1, left - now))))
    })))
}

fn nonce(chunk: u64, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&chunk.to_be_bytes());
    nonce[11] = u8::from(last);
    nonce
}

/// Tells of bytes that come whether they are what was written under a name, encrypted or not:
/// without a key.
#[derive(Default)]
pub(crate) struct Wholeness {
    head: Vec<u8>,
    hasher: blake3::Hasher,
    /// The last of what came, which may be the trailer.
    tail: Vec<u8>,
}

impl Wholeness {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let missing = (HEAD - self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..missing]);
        self.tail.extend_from_slice(bytes);
        let sure = self.tail.len().saturating_sub(TRAILER);
        self.hasher.update(&self.tail[..sure]);
        self.tail.drain(..sure);
    }

    pub(crate) fn is_of(&self, name: Blake3) -> bool {
        if key_id(&self.head).is_some() {
            return self.tail == self.hasher.finalize().as_bytes();
        }
        *self.hasher.clone().update(&self.tail).finalize().as_bytes() == name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn opened(shut: Vec<u8>, key: &DataKey) -> io::Result<Vec<u8>> {
        let len = shut.len() as u64;
        let key = DataKey { id: key.id, bytes: key.bytes };
        let reader = decrypting(Cursor::new(shut[HEAD..].to_vec()), len, key);
        let mut clear = Vec::new();
        std::pin::pin!(reader).read_to_end(&mut clear).await?;
        Ok(clear)
    }

    fn shut(clear: &[u8], at_once: usize) -> (Vec<u8>, DataKey) {
        let mut encrypting = Encrypting::new().unwrap();
        let mut shut = Vec::new();
        for bytes in clear.chunks(at_once) {
            shut.extend(encrypting.write(bytes).unwrap());
        }
        let (rest, key) = encrypting.finish().unwrap();
        shut.extend(rest);
        (shut, key)
    }

    fn is_whole(bytes: &[u8], name: Blake3) -> bool {
        let mut seen = Wholeness::default();
        bytes.chunks(7).for_each(|few| seen.update(few));
        seen.is_of(name)
    }

    #[tokio::test]
    async fn what_was_encrypted_comes_back_and_is_so_long() {
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7] {
            let clear: Vec<u8> = (0..=250).cycle().take(len).collect();
            for at_once in [1000, CHUNK, 5 * CHUNK] {
                let (shut, key) = shut(&clear, at_once);
                assert_eq!(clear_len(shut.len() as u64), Some(len as u64));
                assert_eq!(shut_len(len as u64), shut.len() as u64);
                assert_eq!(key_id(&shut), Some(key.id));
                assert!(opened(shut, &key).await.unwrap() == clear, "{len}");
            }
        }
        assert_eq!((clear_len(3), clear_len((HEAD + TRAILER) as u64)), (None, None));
    }

    #[tokio::test]
    async fn a_chunk_that_is_cut_off_moved_or_altered_does_not_open() {
        let (whole, key) = shut(&vec![7; 3 * CHUNK], CHUNK);
        let chunk = CHUNK + TAG;
        let mut moved = whole.clone();
        moved[HEAD..HEAD + 2 * chunk].rotate_left(chunk);
        let mut altered = whole.clone();
        altered[HEAD + chunk + 5] ^= 1;
        let mut cut_off = whole.clone();
        cut_off.drain(HEAD + 2 * chunk..HEAD + 3 * chunk);
        let name = Blake3([0; 32]);
        for bad in [moved, altered, cut_off, whole[..whole.len() - chunk].to_vec()] {
            assert!(!is_whole(&bad, name));
            assert!(opened(bad, &key).await.is_err());
        }
        assert!(is_whole(&whole, name), "without its key nobody knows what it is");
        assert!(opened(whole, &DataKey::new().unwrap()).await.is_err());
    }

    #[test]
    fn what_is_not_encrypted_is_what_its_name_promises() {
        for bytes in [b"".as_slice(), b"short", &[9; 1000]] {
            let name = Blake3(*blake3::hash(bytes).as_bytes());
            assert!(is_whole(bytes, name) && !is_whole(&[bytes, b"x"].concat(), name));
        }
    }
}
