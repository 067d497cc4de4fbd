//! Somebody who is told what happens, and answers as the test says.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use schemas::event::CloudEvent;
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(crate) const SECRETS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c29tZXRoaW5nIGVsc2UgdGhhdCBpcyBsb25n"];

/// What the national portal says when all is well, and nobody else minds.
const WELL: &str = r#"{"error_code":"0","message":"Thành công"}"#;

/// An authority of nobody's, and a certificate for `localhost`.
const CERTIFY: &str = "
    new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'
    openssl req -x509 $new -subj /CN=authority -keyout authority.key -out authority.pem
    openssl req -x509 $new -subj /CN=localhost -CA authority.pem -CAkey authority.key \
        -addext subjectAltName=DNS:localhost -addext basicConstraints=CA:FALSE \
        -keyout localhost.key -out localhost.pem";

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(one, _)| one == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn event(&self) -> CloudEvent {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether it is signed with that secret, as Python sees it.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        const VERIFY: &str = "import base64, hashlib, hmac, sys\n\
            secret, id, seconds, body, signatures = sys.argv[1:]\n\
            key = base64.b64decode(secret.removeprefix('whsec_'))\n\
            text = f'{id}.{seconds}.{body}'.encode()\n\
            mac = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()\n\
            sys.exit('v1,' + mac not in signatures.split(' '))";
        let told = ["webhook-id", "webhook-timestamp"].map(|name| self.header(name));
        Command::new("python3")
            .args(["-c", VERIFY, secret, told[0], told[1], &self.body])
            .arg(self.header("webhook-signature"))
            .status()
            .unwrap()
            .success()
    }
}

/// Somebody who is told, and answers as the test says.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    pub(crate) heard: Arc<Mutex<Vec<Heard>>>,
    pub(crate) answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
    secrets: TempDir,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            port: listener.local_addr().unwrap().port(),
            heard: Arc::default(),
            answers: Arc::default(),
            secrets: TempDir::new().unwrap(),
        };
        for (name, secret) in ["present", "previous"].iter().zip(SECRETS) {
            std::fs::write(receiver.secrets.path().join(name), format!("{secret}\n")).unwrap();
        }
        let (heard, answers) = (receiver.heard.clone(), receiver.answers.clone());
        let app = Router::new().fallback(async move |headers: HeaderMap, body: Bytes| {
            let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
            let headers = headers.iter().map(|(name, value)| (name.to_string(), text(value)));
            let body = String::from_utf8(body.to_vec()).unwrap();
            heard.lock().unwrap().push(Heard { headers: headers.collect(), body });
            let (status, says) = answers.lock().unwrap().pop_front().unwrap_or((200, WELL));
            let location = [("location", "http://127.0.0.1:9/elsewhere")];
            (StatusCode::from_u16(status).unwrap(), location, says).into_response()
        });
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        receiver
    }

    /// A way to it by TLS: its port on `localhost`, and the file of the authority that vouches for
    /// that name.
    pub(crate) async fn over_tls(&self) -> (u16, PathBuf) {
        let folder = self.secrets.path();
        let certify = Command::new("sh").args(["-ec", CERTIFY]).current_dir(folder).output();
        let certified = certify.unwrap();
        assert!(certified.status.success(), "{}", String::from_utf8_lossy(&certified.stderr));
        let chain = CertificateDer::from_pem_file(folder.join("localhost.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.join("localhost.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)
            .unwrap();
        let (acceptor, plain) = (TlsAcceptor::from(Arc::new(config)), self.port);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Whoever trusts nobody here hangs up.
                    let Ok(mut caller) = acceptor.accept(caller).await else { return };
                    let mut receiver = TcpStream::connect(("127.0.0.1", plain)).await.unwrap();
                    _ = copy_bidirectional(&mut caller, &mut receiver).await.is_ok();
                });
            }
        });
        (port, folder.join("authority.pem"))
    }

    /// What is answered next, before all is well again.
    pub(crate) fn answers(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses.iter().map(|status| (*status, WELL)));
    }

    /// What the office's configuration says of it.
    pub(crate) fn config(&self, more: &str) -> String {
        let address = format!("http://127.0.0.1:{}", self.port);
        self.config_at(&address, &format!("plain = true\n{more}"))
    }

    /// What it says where the receiver is called at that address.
    pub(crate) fn config_at(&self, address: &str, more: &str) -> String {
        let secret = |name: &str| self.secrets.path().join(name).display().to_string();
        format!(
            "[exchange]\nfirst_pause_seconds = 1\n[[exchange.webhooks]]\nname = \"mot-cua\"\n\
             url = \"{address}/nhan\"\ninside = true\n\
             secret_file = \"{}\"\nprevious_secret_file = \"{}\"\n{more}",
            secret("present"),
            secret("previous")
        )
    }

    /// Waits until so many requests have come.
    pub(crate) async fn heard(&self, count: usize) -> Vec<Heard> {
        let since = Instant::now();
        loop {
            let heard = self.heard.lock().unwrap().clone();
            if count <= heard.len() {
                return heard;
            }
            assert!(since.elapsed() < Duration::from_secs(60), "only {} came", heard.len());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
