//! Connections: no more than the process can hold, none that stays silent for long, and each ended
//! after the request in hand once the process is asked to stop.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::{debug, warn};

/// Files that everything else needs: the database, the store, what is being written.
const OTHER_FILES: u64 = 256;

/// Fewest and most connections at once, however many files may be open.
const CONNECTIONS: (u64, u64) = (64, 16_384);

/// How long a connection may be silent before a request, and a request's head may take. Longer than
/// proxies and clients keep connections that they mean to use again, so that they end them.
const SILENCE: Duration = Duration::from_secs(100);

/// Pause after no connection could be taken.
const PAUSE: Duration = Duration::from_millis(200);

/// What connections must keep to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    most: u32,
    silence: Duration,
}

impl Limits {
    /// As many as the machine lets the process open files, which is raised as far as it may be.
    pub(crate) fn of_machine() -> Self {
        let files = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: files.maximum, maximum: files.maximum };
        let may = match setrlimit(Resource::Nofile, raised) {
            Ok(()) => files.maximum,
            Err(_) => files.current,
        };
        let (fewest, most) = CONNECTIONS;
        let most = may.map_or(most, |files| files.saturating_sub(OTHER_FILES).clamp(fewest, most));
        Self { most: u32::try_from(most).unwrap_or(u32::MAX), silence: SILENCE }
    }
}

/// Serves until `stop`, and then until every request in hand has its answer.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(limits.most as usize));
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => break,
            next = next(&listener, &room) => next,
        };
        let Some((stream, from, place)) = next else { break };
        tokio::spawn(converse((stream, from), app.clone(), limits.silence, stop.clone(), place));
    }
    drop(listener);
    // Who has all places is alone.
    drop(room.acquire_many(limits.most).await);
}

/// The next connection, once there is room for it.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, from)) => return Some((stream, from, place)),
            // Theirs, and gone.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionAborted
                        | ErrorKind::ConnectionRefused
                        | ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "no connection can be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Answers what comes over a connection, one request after the other.
async fn converse(
    (stream, from): (TcpStream, SocketAddr),
    app: Router,
    silence: Duration,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(error = &error as &dyn std::error::Error, "answers may come late");
    }
    let answers = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(from));
        app.clone().oneshot(request)
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(silence);
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), answers));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(error = &error as &dyn std::error::Error, "a connection broke");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";
    const SHORT: Duration = Duration::from_millis(300);
    const LONG: Duration = Duration::from_secs(20);

    async fn served(most: u32, silence: Duration) -> (SocketAddr, CancellationToken) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let slowly = || async {
            tokio::time::sleep(SHORT).await;
            "done"
        };
        let app = Router::new().route("/", get(|| async { "here" })).route("/slow", get(slowly));
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, app, Limits { most, silence }, stop.clone()));
        (address, stop)
    }

    async fn answered(stream: &mut TcpStream) -> bool {
        stream.write_all(GET).await.unwrap();
        let mut head = [0; 12];
        matches!(timeout(SHORT, stream.read_exact(&mut head)).await, Ok(Ok(_)))
            && head == *b"HTTP/1.1 200"
    }

    #[tokio::test]
    async fn one_more_than_there_is_room_for_waits_until_another_ends() {
        let (address, _stop) = served(2, LONG).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        assert!(answered(&mut first).await && answered(&mut second).await);
        let mut third = TcpStream::connect(address).await.unwrap();
        assert!(!answered(&mut third).await);
        drop(first);
        let mut head = [0; 12];
        timeout(LONG, third.read_exact(&mut head)).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn whoever_stays_silent_or_drips_a_head_is_not_kept() {
        let (address, _stop) = served(2, SHORT).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut dripping = TcpStream::connect(address).await.unwrap();
        dripping.write_all(b"GET / HT").await.unwrap();
        for stream in [&mut silent, &mut dripping] {
            let mut rest = Vec::new();
            timeout(LONG, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_request_in_hand_is_answered_though_the_process_stops() {
        let (address, stop) = served(2, LONG).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /slow HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
        tokio::time::sleep(SHORT / 3).await;
        stop.cancel();
        let mut answer = String::new();
        timeout(LONG, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.ends_with("done"), "{answer}");
        assert!(TcpStream::connect(address).await.is_err());
    }
}
