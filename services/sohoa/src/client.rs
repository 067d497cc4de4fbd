//! Speaks to a Sohoa server: JSON in and out, refusals as problem documents.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use schemas::api::Problem;
use serde::de::DeserializeOwned;

/// Why a server's answer is not what was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The server refused, with a reason.
    #[error("{} [{}]{}", .0.title, .0.code, detail(.0))]
    Refused(Problem),
    /// The server can't be reached.
    #[error("không kết nối được với máy chủ {0}; máy chủ đã chạy chưa (sohoa all)?")]
    Unreachable(String),
    /// The server's answer makes no sense.
    #[error("máy chủ trả lời không đúng định dạng: {0}")]
    Nonsense(String),
}

fn detail(problem: &Problem) -> String {
    problem.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default()
}

/// Where the key of this machine's own commands lies, beside the data: made at the first start.
const USUAL_KEYS: [&str; 2] = ["sohoa-data/key", "/var/lib/sohoa/key"];

/// Which server a command speaks to, and with what key.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Server {
    /// The server.
    #[arg(long, global = true, default_value = "http://127.0.0.1:7070", value_name = "URL")]
    server: Url,
    /// File that holds the key to show; when left out `sohoa-data/key`, or `/var/lib/sohoa/key`.
    #[arg(long, global = true, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl Server {
    /// The key, where there is one.
    fn key(&self) -> anyhow::Result<Option<String>> {
        let usual = || USUAL_KEYS.iter().map(Path::new).find(|path| path.is_file());
        let Some(path) = self.key_file.as_deref().or_else(usual) else { return Ok(None) };
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("reading the key in {}", path.display()))?;
        Ok(Some(text.trim().to_owned()))
    }
}

/// A server.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
}

impl Client {
    /// A client of that server. Without a key it asks all the same, and is told what is missing.
    pub(crate) fn new(server: &Server) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        if let Some(key) = server.key()? {
            let mut shown = HeaderValue::from_str(&format!("Bearer {key}"))
                .context("the file of the key holds something else")?;
            shown.set_sensitive(true);
            headers.insert(AUTHORIZATION, shown);
        }
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .connect_timeout(Duration::from_secs(5))
            // One that the environment names would be shown the key.
            .no_proxy()
            .user_agent(concat!("sohoa/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, base: server.server.clone() })
    }

    /// A request to `path`, which begins with a slash.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let base = self.base.as_str().trim_end_matches('/');
        self.http.request(method, format!("{base}{path}"))
    }

    /// Gets JSON.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.answer(self.request(Method::GET, path)).await
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn answer<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, ClientError> {
        let response = self.send(request).await?;
        response.json().await.map_err(|e| ClientError::Nonsense(e.without_url().to_string()))
    }

    /// Sends a request; an answer other than success is an error.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = self.try_send(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(response).await)
    }

    /// Sends a request; any answer will do.
    pub(crate) async fn try_send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        request.send().await.map_err(|_| ClientError::Unreachable(self.base.to_string()))
    }
}

/// What a refusal says.
pub(crate) async fn refusal(response: Response) -> ClientError {
    let status = response.status();
    match response.json::<Problem>().await {
        Ok(problem) => ClientError::Refused(problem),
        Err(_) => ClientError::Nonsense(format!("HTTP {}", status.as_u16())),
    }
}

/// How long a server that is busy asks to wait; at most a minute.
pub(crate) fn come_back(response: &Response) -> Option<Duration> {
    let busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
    if !busy.contains(&response.status()) {
        return None;
    }
    let header = response.headers().get("retry-after")?;
    let seconds = header.to_str().ok()?.parse::<u64>().ok()?;
    Some(Duration::from_secs(seconds.clamp(1, 60)))
}
