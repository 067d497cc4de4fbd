//! Somebody who is told what happens, and answers as the test says.

use std::collections::VecDeque;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use schemas::event::CloudEvent;
use tempfile::TempDir;

pub(crate) const SECRETS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c29tZXRoaW5nIGVsc2UgdGhhdCBpcyBsb25n"];

/// What the national portal says when all is well, and nobody else minds.
const WELL: &str = r#"{"error_code":"0","message":"Thành công"}"#;

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
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
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

    /// What is answered next, before all is well again.
    pub(crate) fn answers(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses.iter().map(|status| (*status, WELL)));
    }

    /// What the office's configuration says of it.
    pub(crate) fn config(&self, more: &str) -> String {
        let secret = |name: &str| self.secrets.path().join(name).display().to_string();
        format!(
            "[exchange]\nfirst_pause_seconds = 1\n[[exchange.webhooks]]\nname = \"mot-cua\"\n\
             url = \"http://127.0.0.1:{}/nhan\"\nplain = true\ninside = true\n\
             secret_file = \"{}\"\nprevious_secret_file = \"{}\"\n{more}",
            self.port,
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
