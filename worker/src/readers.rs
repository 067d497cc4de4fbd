//! Readers: child processes that do everything native code does to a stranger's bytes.
//!
//! Each is kept warm, given one question at a time over its pipe, and killed when it is late.
//! Whatever it does, that costs one attempt of one page: the next question finds a new reader.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use schemas::code::Reason;
use schemas::reader::{Answer, Ask, frame_head, frame_lengths};
use schemas::reading::{PageImage, PageReading};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinHandle;
use tracing::{debug, warn};

/// The reader program and how it is started.
#[derive(Debug, Clone)]
pub struct ReaderProgram {
    /// Path of `sohoa-reader`.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What it may take.
    pub limits: ReaderLimits,
}

/// What a reader may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderLimits {
    /// Longest start until it is ready.
    pub start: Duration,
    /// Longest time to count a scan's pages.
    pub unpack: Duration,
    /// Longest time to read a page.
    pub read: Duration,
    /// Address space in bytes, given to the reader as `--memory`.
    pub memory: u64,
    /// Pages after which a reader is replaced, so that what native code leaks stays small.
    pub pages: u32,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(20),
            unpack: Duration::from_secs(30),
            read: Duration::from_secs(60),
            memory: 1536 << 20,
            pages: 1000,
        }
    }
}

/// A scan's pages, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// How many.
    pub pages: u32,
    /// Media type, told by content.
    pub media_type: String,
}

/// A page, read, and its image as it is to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct PageRead {
    /// What was read.
    pub reading: PageReading,
    /// How `bytes` are coded.
    pub image: PageImage,
    /// The page image.
    pub bytes: Vec<u8>,
}

/// Why a reader has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The reader refused the scan or page, for good.
    #[error("refused: {detail}")]
    Refused {
        /// Why.
        reason: Reason,
        /// What the decoder said.
        detail: String,
    },
    /// The reader was late and has been killed.
    #[error("reader passed its time limit of {} s", .0.as_secs())]
    TimeLimit(Duration),
    /// The reader asked for more memory than it may have.
    #[error("reader passed its memory limit")]
    MemoryLimit,
    /// The reader died.
    #[error("reader died: {0}")]
    Crashed(String),
    /// The reader's answer can't be what it must be.
    #[error("reader answered nonsense: {0}")]
    Nonsense(&'static str),
    /// The reader can't be started.
    #[error("reader can't be started: {0}")]
    Unstartable(String),
}

impl ReaderError {
    /// The stable reason of the failure.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            ReaderError::Refused { reason, .. } => *reason,
            ReaderError::TimeLimit(_) => Reason::ReaderTimeLimit,
            ReaderError::MemoryLimit => Reason::ReaderMemoryLimit,
            ReaderError::Crashed(_) => Reason::ReaderCrashed,
            ReaderError::Nonsense(_) => Reason::ReaderNonsense,
            ReaderError::Unstartable(_) => Reason::Unavailable,
        }
    }
}

/// A fixed number of readers, one a core.
#[derive(Debug)]
pub struct Readers {
    program: ReaderProgram,
    /// Permits are idle seats.
    idle: Semaphore,
    /// A seat holds a warm reader, or none before the first question and after a failure.
    seats: Vec<Mutex<Option<Reader>>>,
}

impl Readers {
    /// Seats for `count` readers; each starts with its first question.
    #[must_use]
    pub fn new(program: ReaderProgram, count: usize) -> Self {
        let count = count.max(1);
        Self {
            program,
            idle: Semaphore::new(count),
            seats: (0..count).map(|_| Mutex::new(None)).collect(),
        }
    }

    /// How many questions can be worked on at once.
    #[must_use]
    pub fn count(&self) -> usize {
        self.seats.len()
    }

    /// Counts a scan's pages.
    ///
    /// # Errors
    /// See [`ReaderError`].
    pub async fn unpack(&self, scan: &[u8]) -> Result<Unpacked, ReaderError> {
        let (answer, body) = self.ask(&Ask::Unpack, scan, self.program.limits.unpack).await?;
        match answer {
            Answer::Unpacked { pages, media_type } if pages != 0 && body.is_empty() => {
                Ok(Unpacked { pages, media_type })
            }
            Answer::Refused { reason, detail } => Err(ReaderError::Refused { reason, detail }),
            _ => Err(ReaderError::Nonsense("not an answer to unpack")),
        }
    }

    /// Takes the page at place `seq` of a scan its way.
    ///
    /// # Errors
    /// See [`ReaderError`].
    pub async fn read(&self, scan: &[u8], seq: u32) -> Result<PageRead, ReaderError> {
        let (answer, bytes) = self.ask(&Ask::Read { seq }, scan, self.program.limits.read).await?;
        match answer {
            Answer::Read { reading, image } => {
                check(&reading, image, &bytes, seq)?;
                Ok(PageRead { reading: *reading, image, bytes })
            }
            Answer::Refused { reason, detail } => Err(ReaderError::Refused { reason, detail }),
            _ => Err(ReaderError::Nonsense("not an answer to read")),
        }
    }

    /// Lets every reader end, and waits until it has; questions asked later start new ones.
    pub async fn close(&self) {
        for seat in &self.seats {
            if let Some(reader) = seat.lock().await.take() {
                reader.end().await;
            }
        }
    }

    /// Puts a question to an idle reader. A reader that fails is gone; its seat stays.
    async fn ask(
        &self,
        ask: &Ask,
        scan: &[u8],
        limit: Duration,
    ) -> Result<(Answer, Vec<u8>), ReaderError> {
        let _permit = self
            .idle
            .acquire()
            .await
            .map_err(|_| ReaderError::Unstartable("no seats".to_owned()))?;
        let mut seat = loop {
            if let Some(seat) = self.seats.iter().find_map(|seat| seat.try_lock().ok()) {
                break seat;
            }
            tokio::task::yield_now().await;
        };
        let mut reader = match seat.take() {
            Some(warm) => warm,
            None => Reader::start(&self.program).await?,
        };
        match tokio::time::timeout(limit, reader.exchange(ask, scan)).await {
            Ok(Ok(answer)) => {
                reader.asked += 1;
                if reader.asked < self.program.limits.pages {
                    *seat = Some(reader);
                }
                Ok(answer)
            }
            Ok(Err(Broken::Nonsense(what))) => Err(ReaderError::Nonsense(what)),
            Ok(Err(Broken::Pipe)) => Err(reader.autopsy().await),
            Err(_late) => {
                warn!(reader.pid = reader.child.id(), limit_s = limit.as_secs(), "reader killed");
                Err(ReaderError::TimeLimit(limit))
            }
        }
    }
}

/// A running reader. Dropping it kills it.
#[derive(Debug)]
struct Reader {
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
    complaints: JoinHandle<String>,
    asked: u32,
}

/// How an exchange ended early.
enum Broken {
    /// The pipe closed: the reader is dead or dying.
    Pipe,
    /// A frame that is none.
    Nonsense(&'static str),
}

impl Reader {
    async fn start(program: &ReaderProgram) -> Result<Self, ReaderError> {
        let unstartable = |e: std::io::Error| ReaderError::Unstartable(e.kind().to_string());
        let mut child = Command::new(&program.program)
            .args(&program.args)
            .arg("--memory")
            .arg(program.limits.memory.to_string())
            .env_clear()
            // Tesseract's threads cost three times the CPU of one; it looks only here, once.
            .env("OMP_THREAD_LIMIT", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(unstartable)?;
        let (Some(to), Some(from), Some(complaints)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(ReaderError::Unstartable("no pipes".to_owned()));
        };
        let complaints = tokio::spawn(tail(complaints));
        let mut reader = Self { child, to, from, complaints, asked: 0 };
        match tokio::time::timeout(program.limits.start, reader.answer()).await {
            Ok(Ok((Answer::Ready { version }, _))) if version == env!("CARGO_PKG_VERSION") => {
                debug!(reader.pid = reader.child.id(), "reader ready");
                Ok(reader)
            }
            Ok(Ok((Answer::Ready { .. }, _))) => {
                Err(ReaderError::Unstartable("it is of another version".to_owned()))
            }
            Ok(_) => {
                let said = reader.last_words().await;
                Err(ReaderError::Unstartable(said))
            }
            Err(_late) => Err(ReaderError::Unstartable("it never got ready".to_owned())),
        }
    }

    /// One question, one answer. A reader takes the whole question before it answers.
    async fn exchange(&mut self, ask: &Ask, scan: &[u8]) -> Result<(Answer, Vec<u8>), Broken> {
        let (lengths, head) =
            frame_head(ask, scan.len()).map_err(|_| Broken::Nonsense("scan too long"))?;
        let sent = async {
            self.to.write_all(&lengths).await?;
            self.to.write_all(&head).await?;
            self.to.write_all(scan).await?;
            self.to.flush().await
        };
        sent.await.map_err(|_| Broken::Pipe)?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<(Answer, Vec<u8>), Broken> {
        let mut lengths = [0; 12];
        self.from.read_exact(&mut lengths).await.map_err(|_| Broken::Pipe)?;
        let (head, body) =
            frame_lengths(lengths).map_err(|_| Broken::Nonsense("frame too long"))?;
        let head = self.part(head).await?;
        let body = self.part(body).await?;
        let answer =
            serde_json::from_slice(&head).map_err(|_| Broken::Nonsense("not an answer"))?;
        Ok((answer, body))
    }

    /// Exactly `len` bytes, allocated as they come.
    async fn part(&mut self, len: usize) -> Result<Vec<u8>, Broken> {
        let mut part = Vec::new();
        let wanted = u64::try_from(len).map_err(|_| Broken::Nonsense("frame too long"))?;
        let read = (&mut self.from).take(wanted).read_to_end(&mut part).await;
        read.map_err(|_| Broken::Pipe)?;
        if part.len() == len { Ok(part) } else { Err(Broken::Pipe) }
    }

    /// Closes its pipe, which ends it.
    async fn end(self) {
        let Self { mut child, to, .. } = self;
        drop(to);
        drop(tokio::time::timeout(Duration::from_secs(2), child.wait()).await);
    }

    /// What a reader died of.
    async fn autopsy(mut self) -> ReaderError {
        let status = tokio::time::timeout(Duration::from_secs(2), self.child.wait()).await;
        let said = self.last_words().await;
        // Rust, C++ and mimalloc-like allocators say so before they abort.
        if ["memory allocation of", "bad_alloc", "out of memory"].iter().any(|w| said.contains(w)) {
            return ReaderError::MemoryLimit;
        }
        match status {
            Ok(Ok(status)) => ReaderError::Crashed(status.to_string()),
            _ => ReaderError::Crashed("its pipe closed".to_owned()),
        }
    }

    async fn last_words(&mut self) -> String {
        drop(self.child.start_kill());
        match tokio::time::timeout(Duration::from_secs(2), &mut self.complaints).await {
            Ok(Ok(said)) => said,
            _ => String::new(),
        }
    }
}

/// The last few lines of what a reader complains. Only ever searched or shown when a reader
/// can't start; a reader writes no text of a page to it.
async fn tail(mut pipe: impl AsyncRead + Unpin) -> String {
    const KEPT: usize = 4096;
    let (mut kept, mut chunk) = (Vec::new(), [0; 1024]);
    while let Ok(n @ 1..) = pipe.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..n]);
        if 2 * KEPT < kept.len() {
            kept.drain(..kept.len() - KEPT);
        }
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

/// Refuses a reading that cannot be one. A reader works on a stranger's bytes, so what it says
/// is a stranger's word.
fn check(
    reading: &PageReading,
    image: PageImage,
    bytes: &[u8],
    seq: u32,
) -> Result<(), ReaderError> {
    let (width, height) = image.size();
    let sane_size = |n: u32| (1..=100_000).contains(&n);
    let part = |n: f32| (0.0..=1.0).contains(&n);
    let sane = [
        (reading.seq == seq, "another page"),
        (sane_size(width) && sane_size(height), "image size"),
        (sane_size(reading.width) && sane_size(reading.height), "page size"),
        (matches!(reading.rotation_deg, 0 | 90 | 180 | 270), "rotation"),
        (reading.skew_deg.abs() <= 45.0, "skew"),
        ((1..=10_000).contains(&reading.dpi), "resolution"),
        (
            part(reading.confidence) && reading.words.iter().all(|w| part(w.confidence)),
            "confidence",
        ),
        (reading.words.len() <= 100_000 && reading.text.len() <= 8 << 20, "too many words"),
        (!bytes.is_empty() && *blake3::hash(bytes).as_bytes() == reading.blake3.0, "image hash"),
        (reading.fingerprint.len() == 64, "fingerprint"),
        (
            reading.marks.len() <= 1_000 && reading.marks.iter().all(|m| part(m.confidence)),
            "marks",
        ),
        (reading.flaws.len() <= 16, "flaws"),
    ];
    match sane.into_iter().find(|(ok, _)| !ok) {
        None => Ok(()),
        Some((_, what)) => Err(ReaderError::Nonsense(what)),
    }
}
