//! What only a real connection shows: senders that go away, and senders that don't listen while
//! they talk.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Office, PNG, office, office_with};

/// Serves the office on a port of its own, and begins to send a scan of `promised` bytes.
async fn begin(office: &Office, promised: usize) -> TcpStream {
    let dossier = office.open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = office.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/dossiers/{}/scans HTTP/1.1\r\nhost: sohoa\r\ncontent-length: {promised}\r\n\r\n",
        dossier.code
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(PNG).await.unwrap();
    stream
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_leaves_nothing() {
    let office = office().await;
    let mut stream = begin(&office, 1000).await;
    stream.shutdown().await.unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).await.unwrap();
    let dossier = office.open().await;
    office.keeps_nothing(&dossier).await;
    assert!(told.is_empty() || told.contains("request.cut_short"), "{told}");
}

#[tokio::test]
async fn a_sender_that_first_sends_it_all_still_reads_its_refusal() {
    let office = office_with(|settings, _| settings.max_scan_bytes = 1000).await;
    let rest = vec![0; 8 << 20];
    let mut stream = begin(&office, PNG.len() + rest.len()).await;
    stream.write_all(&rest).await.unwrap();
    let mut told = vec![0; 4096];
    let length = stream.read(&mut told).await.unwrap();
    let told = String::from_utf8_lossy(&told[..length]).into_owned();
    assert!(told.starts_with("HTTP/1.1 413") && told.contains("scan.too_large"), "{told}");
}
