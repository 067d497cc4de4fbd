//! Readers: child processes that do everything native code does to a stranger's bytes.
//!
//! Each is kept warm, given one question at a time over its pipe, and killed when it is late or
//! answers nonsense. Whatever it does, that costs one attempt of one page: the next question finds a
//! new reader.

mod failure;

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use filing::Kinds;
use rustix::process::Signal;
use schemas::code::Reason;
use schemas::message::Lane;
use schemas::reader::{Answer, Ask, Wall, frame_head, frame_lengths};
use schemas::reading::{Flaw, PageImage, PageReading};
use schemas::signature::DigitalSignature;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, MutexGuard, Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tracing::{debug, warn};
use vitals::Death;

use crate::check;

pub use failure::ReaderError;

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
    /// Most pages in a scan, given to the reader as `--max-pages`.
    pub scan_pages: u32,
    /// Pages after which a reader is replaced, so that what native code leaks stays small.
    pub pages: u32,
}

impl ReaderLimits {
    /// Processor time over a reader's whole life, given to the reader as `--cpu-seconds`. An
    /// honest reader works in one thread at a time and is replaced before it gets there.
    fn life(&self) -> Duration {
        self.start + 20 * self.longest()
    }

    /// Longest time for any question.
    fn longest(&self) -> Duration {
        self.unpack.max(self.read)
    }
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(20),
            unpack: Duration::from_secs(30),
            read: Duration::from_secs(60),
            memory: 1536 << 20,
            scan_pages: 500,
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
    /// Digital signatures.
    pub signatures: Vec<DigitalSignature>,
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

/// A fixed number of readers, one a core; and one more where it is kept for the counter, which
/// has the processor before them.
#[derive(Debug)]
pub struct Readers {
    program: ReaderProgram,
    /// Kinds of paper that a reader may name.
    kinds: Kinds,
    /// Permits are idle seats.
    idle: Semaphore,
    /// A seat holds a warm reader, or none before the first question and after a failure.
    seats: Vec<Seat>,
    /// For questions of the counter; those that find it taken go to the others.
    kept: Option<Seat>,
    /// Permits are questions of the counter that may be asked beside those that are: of the
    /// counter alone, too, no more are worked on at once than there are seats of any lane.
    counter: Semaphore,
    /// Whether the last reader that was started got ready.
    startable: AtomicBool,
}

type Seat = Mutex<Option<Reader>>;

/// How much less of the processor than others a reader asks for, where one is kept for the counter:
/// a tenth, when there is not enough.
const YIELDING: u8 = 10;

impl Readers {
    /// Seats for `count` readers; each starts with its first question.
    #[must_use]
    pub fn new(program: ReaderProgram, count: usize) -> Self {
        let count = count.max(1);
        Self {
            program,
            kinds: Kinds::shipped(),
            idle: Semaphore::new(count),
            seats: (0..count).map(|_| Mutex::new(None)).collect(),
            kept: None,
            counter: Semaphore::new(count),
            startable: AtomicBool::new(true),
        }
    }

    /// The same, and a seat that is kept for the counter.
    #[must_use]
    pub fn with_one_for_the_counter(self) -> Self {
        Self { kept: Some(Mutex::new(None)), ..self }
    }

    /// How many questions of any lane can be worked on at once.
    #[must_use]
    pub fn count(&self) -> usize {
        self.seats.len()
    }

    /// Starts a reader if there is none yet, so that what it lacks is known before the first
    /// question; tells the walls that stand around it.
    ///
    /// # Errors
    /// [`ReaderError::Unstartable`], [`ReaderError::NoWall`].
    pub async fn warm(&self) -> Result<Vec<Wall>, ReaderError> {
        // The one that is asked first, which stands back for nobody.
        let first = self.kept.as_ref().or(self.seats.first());
        let Some(seat) = first else { return Ok(Vec::new()) };
        let mut seat = seat.lock().await;
        let reader = match seat.take() {
            Some(warm) => warm,
            None => self.start(0).await?,
        };
        Ok(seat.insert(reader).walls.clone())
    }

    /// Whether pages can be read: the last reader that was started got ready. Where it didn't,
    /// one is started now, for until a job comes nobody else would.
    pub async fn ready(&self) -> bool {
        self.startable.load(Ordering::Relaxed) || self.warm().await.is_ok()
    }

    /// Counts a scan's pages.
    ///
    /// # Errors
    /// See [`ReaderError`].
    pub async fn unpack(&self, lane: Lane, scan: &[u8]) -> Result<Unpacked, ReaderError> {
        let ReaderLimits { unpack, scan_pages, .. } = self.program.limits;
        self.ask(lane, &Ask::Unpack, scan, unpack, None, |answer, body| match answer {
            Answer::Unpacked { pages, media_type, signatures } => {
                check::unpacked(pages, &media_type, &signatures, &body, scan_pages)?;
                Ok(Unpacked { pages, media_type, signatures })
            }
            _ => Err("not an answer to unpack"),
        })
        .await
    }

    /// Takes the page at place `seq` of a scan its way. Where it should be scanned again, `seen`
    /// hears so as soon as the reader knows, long before the page is read.
    ///
    /// # Errors
    /// See [`ReaderError`].
    pub async fn read(
        &self,
        lane: Lane,
        scan: &[u8],
        seq: u32,
        seen: oneshot::Sender<Vec<Flaw>>,
    ) -> Result<PageRead, ReaderError> {
        let limit = self.program.limits.read;
        self.ask(lane, &Ask::Read { seq }, scan, limit, Some(seen), |answer, bytes| match answer {
            Answer::Read { reading, image } => {
                check::read(&reading, image, &bytes, seq, &self.kinds)?;
                Ok(PageRead { reading: *reading, image, bytes })
            }
            _ => Err("not an answer to read"),
        })
        .await
    }

    /// Lets every reader end, and waits until it has; questions asked later start new ones.
    pub async fn close(&self) {
        let mut ending = JoinSet::new();
        for seat in self.seats.iter().chain(&self.kept) {
            if let Some(reader) = seat.lock().await.take() {
                ending.spawn(reader.end());
            }
        }
        ending.join_all().await;
    }

    /// By how much a reader of any lane stands back.
    fn manners(&self) -> u8 {
        if self.kept.is_some() { YIELDING } else { 0 }
    }

    /// A new reader.
    async fn start(&self, nice: u8) -> Result<Reader, ReaderError> {
        let started = Reader::start(&self.program, nice).await;
        self.startable.store(started.is_ok(), Ordering::Relaxed);
        match &started {
            Ok(_) => vitals::reader_started(),
            Err(_) => vitals::reader_died(Death::Unstartable),
        }
        started
    }

    /// Puts a question to an idle reader; `checked` takes the answer, unless that is a refusal. A
    /// reader that fails or answers nonsense is gone, with whatever else it has said: that must not
    /// answer the next question, which is about another's page. Its seat stays.
    async fn ask<T>(
        &self,
        lane: Lane,
        ask: &Ask,
        scan: &[u8],
        limit: Duration,
        seen: Option<oneshot::Sender<Vec<Flaw>>>,
        checked: impl FnOnce(Answer, Vec<u8>) -> Result<T, &'static str>,
    ) -> Result<T, ReaderError> {
        let _counter = match lane {
            Lane::Counter => self.counter.acquire().await.ok(),
            Lane::Backlog => None,
        };
        let (_permit, mut seat, nice) = match &self.kept {
            Some(kept) if lane == Lane::Counter => tokio::select! {
                biased;
                seat = kept.lock() => (None, seat, 0),
                permit = self.idle.acquire() => (permit.ok(), self.seat().await, YIELDING),
            },
            _ => (self.idle.acquire().await.ok(), self.seat().await, self.manners()),
        };
        let mut reader = match seat.take() {
            Some(warm) => warm,
            None => self.start(nice).await?,
        };
        let since = Instant::now();
        let limits = &self.program.limits;
        let answered = match tokio::time::timeout(limit, reader.exchange(ask, scan, seen)).await {
            Ok(Ok((Answer::Refused { reason, detail }, body))) => {
                Err(refused(reason, detail, &body))
            }
            Ok(Ok((answer, body))) => checked(answer, body).map_err(ReaderError::Nonsense),
            Ok(Err(Broken::Nonsense(what))) => Err(ReaderError::Nonsense(what)),
            Ok(Err(Broken::Pipe)) => Err(reader.autopsy(limits).await),
            Err(_late) => {
                warn!(reader.pid = reader.child.id(), limit_s = limit.as_secs(), "reader killed");
                Err(ReaderError::TimeLimit(limit))
            }
        };
        if let Some(death) = answered.as_ref().err().and_then(ReaderError::death) {
            vitals::reader_died(death);
            return answered;
        }
        reader.asked += 1;
        reader.busy += since.elapsed();
        let lives_on = limits.start + reader.busy + limits.longest() < limits.life();
        if lives_on && reader.asked < limits.pages {
            *seat = Some(reader);
        } else {
            vitals::reader_died(Death::Worn);
        }
        answered
    }

    /// A seat of any lane, for who has the permit.
    async fn seat(&self) -> MutexGuard<'_, Option<Reader>> {
        loop {
            if let Some(seat) = self.seats.iter().find_map(|seat| seat.try_lock().ok()) {
                return seat;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Longest page image of a reader's own making, in bytes; a scan's own image may be as long as
/// the scan.
const MAX_IMAGE: usize = 256 << 20;

/// A running reader. Dropping it kills it.
#[derive(Debug)]
struct Reader {
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
    complaints: JoinHandle<String>,
    walls: Vec<Wall>,
    asked: u32,
    /// Time that questions took: no less than their processor time.
    busy: Duration,
}

/// The refusal that a reader gave, if a reader may give it.
fn refused(reason: Reason, detail: String, body: &[u8]) -> ReaderError {
    match check::refused(reason, &detail, body) {
        // The page may be as good as any; a fresh engine may read it.
        Ok(()) if reason == Reason::ReaderCrashed => ReaderError::Crashed(detail),
        Ok(()) => ReaderError::Refused { reason, detail },
        Err(what) => ReaderError::Nonsense(what),
    }
}

/// How an exchange ended early.
enum Broken {
    /// The pipe closed: the reader is dead or dying.
    Pipe,
    /// A frame that is none.
    Nonsense(&'static str),
}

impl Reader {
    async fn start(program: &ReaderProgram, nice: u8) -> Result<Self, ReaderError> {
        let unstartable = |e: std::io::Error| ReaderError::Unstartable(e.kind().to_string());
        let mut child = Command::new(&program.program)
            .args(&program.args)
            .arg("--memory")
            .arg(program.limits.memory.to_string())
            .arg("--max-pages")
            .arg(program.limits.scan_pages.to_string())
            .arg("--cpu-seconds")
            .arg(program.limits.life().as_secs().to_string())
            .arg("--nice")
            .arg(nice.to_string())
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
        let (walls, busy) = (Vec::new(), Duration::ZERO);
        let mut reader = Self { child, to, from, complaints, walls, asked: 0, busy };
        match tokio::time::timeout(program.limits.start, reader.answer(0)).await {
            Ok(Ok((Answer::Ready { version, walls }, _)))
                if version == env!("CARGO_PKG_VERSION") =>
            {
                debug!(reader.pid = reader.child.id(), ?walls, "reader ready");
                Ok(Self { walls, ..reader })
            }
            Ok(Ok((Answer::NoWall { wall, detail }, _))) => {
                Err(ReaderError::NoWall { wall, detail })
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

    /// One question, one answer, and what is seen before it. A reader takes the whole question
    /// before it answers.
    async fn exchange(
        &mut self,
        ask: &Ask,
        scan: &[u8],
        seen: Option<oneshot::Sender<Vec<Flaw>>>,
    ) -> Result<(Answer, Vec<u8>), Broken> {
        // What came unasked would be taken for the answer.
        if rustix::io::ioctl_fionread(&self.from).map_err(|_| Broken::Pipe)? != 0 {
            return Err(Broken::Nonsense("an answer to no question"));
        }
        let (lengths, head) =
            frame_head(ask, scan.len()).map_err(|_| Broken::Nonsense("scan too long"))?;
        let sent = async {
            self.to.write_all(&lengths).await?;
            self.to.write_all(&head).await?;
            self.to.write_all(scan).await?;
            self.to.flush().await
        };
        sent.await.map_err(|_| Broken::Pipe)?;
        let longest_body = MAX_IMAGE.max(scan.len());
        match (self.answer(longest_body).await?, seen) {
            ((Answer::Seen { flaws }, body), Some(seen)) => {
                check::seen(&flaws, &body).map_err(Broken::Nonsense)?;
                // Whoever asked may not care.
                drop(seen.send(flaws));
                self.answer(longest_body).await
            }
            (answer, _) => Ok(answer),
        }
    }

    async fn answer(&mut self, longest_body: usize) -> Result<(Answer, Vec<u8>), Broken> {
        let mut lengths = [0; 12];
        self.from.read_exact(&mut lengths).await.map_err(|_| Broken::Pipe)?;
        let (head, body) =
            frame_lengths(lengths).map_err(|_| Broken::Nonsense("frame too long"))?;
        if longest_body < body {
            return Err(Broken::Nonsense("body too long"));
        }
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
    async fn autopsy(&mut self, limits: &ReaderLimits) -> ReaderError {
        let status = tokio::time::timeout(Duration::from_secs(2), self.child.wait()).await;
        let said = self.last_words().await;
        // Rust, C++ and mimalloc-like allocators say so before they abort.
        if ["memory allocation of", "bad_alloc", "out of memory"].iter().any(|w| said.contains(w)) {
            return ReaderError::MemoryLimit;
        }
        let Ok(Ok(status)) = status else {
            return ReaderError::Crashed("its pipe closed".to_owned());
        };
        let died_of = |signal: Signal| status.signal() == Some(signal.as_raw());
        if died_of(Signal::XCPU) {
            return ReaderError::TimeLimit(limits.life());
        }
        if died_of(Signal::SYS) {
            warn!("reader killed: it asked the kernel for what its jail forbids");
        }
        ReaderError::Crashed(status.to_string())
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

#[cfg(test)]
mod tests;
