//! A proxy that misbehaves when told to. It stands before a real server, of which it knows only
//! the address, and carries bytes; when its mood changes, it cuts every connection there is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How it treats whoever connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Carries everything both ways.
    Fair,
    /// Closes the connection at once.
    Refuses,
    /// Takes what it is sent, carries nothing and answers nothing.
    Hangs,
    /// Carries so many bytes a second each way.
    Slow(u64),
    /// Answers every HTTP request with this status by itself.
    Answers(u16),
    /// Carries so many bytes to the server and then cuts.
    CutsGoing(u64),
    /// Carries so many bytes from the server and then cuts.
    CutsComing(u64),
    /// Carries everything, but flips a bit of this byte of what goes to the server.
    Flips(u64),
    /// Says that every object is old, and carries removals on only after so long, whoever waits.
    Old(Duration),
}

/// Stops listening when dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    mood: watch::Sender<Mood>,
    connections: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Before the server at `before`.
    pub(crate) async fn start(before: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mood, told) = watch::channel(Mood::Fair);
        let connections = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                let mut told = told.clone();
                let mood = *told.borrow_and_update();
                tokio::spawn(async move {
                    tokio::select! {
                        () = serve(client, before, mood) => {}
                        _ = told.changed() => {}
                    }
                });
            }
        });
        Self { address, mood, connections, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on; connections there are, are cut.
    pub(crate) fn is(&self, mood: Mood) {
        self.mood.send(mood).unwrap();
    }

    /// Connections made since this was last asked.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection, until either side has enough of it.
async fn serve(mut client: TcpStream, before: SocketAddr, mood: Mood) {
    let (mut going, mut coming, mut rate, mut flip) = (u64::MAX, u64::MAX, u64::MAX, None);
    match mood {
        Mood::Fair => {}
        Mood::Refuses => return,
        Mood::Hangs => {
            carry(client, tokio::io::sink(), u64::MAX, u64::MAX).await;
            return std::future::pending().await;
        }
        Mood::Answers(status) => return answer(&mut client, status).await,
        Mood::Slow(bytes) => rate = bytes,
        Mood::CutsGoing(bytes) => going = bytes,
        Mood::CutsComing(bytes) => coming = bytes,
        Mood::Flips(byte) => flip = Some(byte),
        Mood::Old(late) => return grow_old(client, before, late).await,
    }
    let Ok(server) = TcpStream::connect(before).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let mut from_client = from_client;
    if let Some(byte) = flip {
        let mut start = vec![0; usize::try_from(byte).unwrap() + 1];
        if from_client.read_exact(&mut start).await.is_err() {
            return;
        }
        *start.last_mut().unwrap() ^= 1;
        if to_server.write_all(&start).await.is_err() {
            return;
        }
    }
    tokio::select! {
        () = carry(from_client, to_server, going, rate) => {}
        () = carry(from_server, to_client, coming, rate) => {}
    }
}

/// Requests one after the other, of which each head comes in one piece, until one removes.
async fn grow_old(mut client: TcpStream, before: SocketAddr, late: Duration) {
    const WRITTEN: &[u8] = b"Last-Modified: ";
    const LONG_AGO: &[u8] = b"Mon, 01 Jan 2024 00:00:00 GMT";
    let Ok(mut server) = TcpStream::connect(before).await else { return };
    let (mut asked, mut told, mut removes) = (vec![0; 65_536], vec![0; 65_536], false);
    loop {
        tokio::select! {
            read = client.read(&mut asked), if !removes => {
                let Ok(read @ 1..) = read else { return };
                removes = asked[..read].starts_with(b"DELETE ");
                if removes {
                    tokio::time::sleep(late).await;
                }
                if server.write_all(&asked[..read]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut told) => {
                let Ok(read @ 1..) = read else { return };
                if let Some(at) = told[..read].windows(WRITTEN.len()).position(|it| it == WRITTEN) {
                    told[at + WRITTEN.len()..][..LONG_AGO.len()].copy_from_slice(LONG_AGO);
                }
                // Whoever asked for a removal may have gone.
                if client.write_all(&told[..read]).await.is_err() || removes {
                    return;
                }
            }
        }
    }
}

/// Carries at most so many bytes, and no faster than so many a second.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    most: u64,
    rate: u64,
) {
    let tenth = usize::try_from((rate / 10).clamp(1, 65_536)).unwrap();
    let (mut left, mut buffer) = (most, vec![0; tenth]);
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let carried = usize::try_from(left).unwrap_or(usize::MAX).min(read);
        if to.write_all(&buffer[..carried]).await.is_err() || carried < read {
            return;
        }
        left -= carried as u64;
        if rate != u64::MAX {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Answers each request of a connection, when its head is there; bodies are taken for heads
/// that never end.
async fn answer(client: &mut TcpStream, status: u16) {
    let (mut seen, mut buffer) = (Vec::new(), vec![0; 65_536]);
    while let Ok(read @ 1..) = client.read(&mut buffer).await {
        seen.extend_from_slice(&buffer[..read]);
        if seen.windows(4).any(|end| end == b"\r\n\r\n") {
            break;
        }
    }
    let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    if client.write_all(answer.as_bytes()).await.is_ok() && client.shutdown().await.is_ok() {
        // A body that is still coming would reset the connection before the answer is read.
        carry(client, tokio::io::sink(), u64::MAX, u64::MAX).await;
    }
}
