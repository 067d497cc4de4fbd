//! The directory, as it answers over HTTP: where it is reached (OpenID Connect Discovery), its keys
//! and its tokens. Nothing of it is kept from one login to the next: people log in a few times a
//! day, and a key that was rotated is the present one at once.

use std::time::Duration;

use access::Visit;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use problem::{Answer, Problem};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder, Url};
use ring::digest::{SHA256, digest};
use schemas::access::Secret;
use schemas::code::Reason;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::token::{self, Claims};

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(3);

/// Until all that one step asks is answered. Shorter than the time that a process has to end in.
const ANSWER: Duration = Duration::from_secs(6);

/// Longest answer that is read, in bytes.
const LONGEST: usize = 256 << 10;

/// Steps that may wait for the directory at once.
const AT_ONCE: usize = 64;

/// Where the browser comes back to, below the office's own address.
const RETURN: &str = "v1/session/openid/return";

/// Where the directory is, and what was agreed with it.
#[derive(Debug, Clone)]
pub struct DirectoryTerms {
    /// Who it is (`iss`), and below which address its configuration is.
    pub issuer: String,
    /// What it calls this office.
    pub client_id: String,
    /// What this office shows it.
    pub client_secret: Secret,
    /// This office's own address, as browsers reach it.
    pub public: Url,
    /// The path that somebody is led to who is logged in.
    pub landing: String,
    /// Which claim holds somebody's login name, for the first time.
    pub name_claim: String,
    /// Of what `acr` or `amr` must hold one; nothing is demanded when empty.
    pub demand: Vec<String>,
    /// Certificates (PEM) that may vouch for it beside the usual.
    pub ca: Option<Vec<u8>>,
    /// Whether it may be asked without TLS.
    pub plain: bool,
}

/// No directory can be asked.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Certificates that can't be read.
    #[error("certificates can't be read")]
    Certificates(#[source] reqwest::Error),
    /// No client.
    #[error("no client can be made")]
    Client(#[source] reqwest::Error),
    /// The office's own address has no paths.
    #[error("the address that browsers reach can't be one")]
    Public,
}

/// A directory that vouches for people.
pub struct Directory {
    pub(super) terms: DirectoryTerms,
    client: Client,
    returns_to: Url,
    turns: Semaphore,
}

/// What the directory says of itself (OpenID Connect Discovery, section 3).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

impl Directory {
    /// A directory by those terms. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub fn new(terms: DirectoryTerms) -> Result<Self, DirectoryError> {
        let mut client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .https_only(!terms.plain)
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .user_agent(concat!("sohoa/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &terms.ca {
            for one in Certificate::from_pem_bundle(pem).map_err(DirectoryError::Certificates)? {
                client = client.add_root_certificate(one);
            }
        }
        let client = client.build().map_err(DirectoryError::Client)?;
        let returns_to = terms.public.join(RETURN).map_err(|_| DirectoryError::Public)?;
        token::prepare();
        Ok(Self { terms, client, returns_to, turns: Semaphore::new(AT_ONCE) })
    }

    /// The page that a browser is sent to.
    pub(super) async fn page(&self, visit: &Visit) -> Answer<Url> {
        let metadata = self.in_time(self.metadata()).await?;
        let mut page = self.place(&metadata.authorization_endpoint)?;
        let challenge = digest(&SHA256, visit.verifier().as_bytes());
        page.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.terms.client_id)
            .append_pair("redirect_uri", self.returns_to.as_str())
            .append_pair("scope", "openid profile")
            .append_pair("state", &visit.state())
            .append_pair("nonce", &visit.nonce())
            .append_pair("code_challenge", &BASE64_URL_SAFE_NO_PAD.encode(challenge))
            .append_pair("code_challenge_method", "S256");
        if !self.terms.demand.is_empty() {
            page.query_pairs_mut().append_pair("acr_values", &self.terms.demand.join(" "));
        }
        Ok(page)
    }

    /// What the directory vouches for, to whoever has a code.
    pub(super) async fn token(&self, code: &str, visit: &Visit) -> Answer<Claims> {
        let asked = async {
            let metadata = self.metadata().await?;
            let tokens: Tokens = self.asked(self.exchange(&metadata, code, visit)?).await?;
            let keys: Keys = self.asked(self.client.get(self.place(&metadata.jwks_uri)?)).await?;
            Ok((tokens.id_token, keys.keys))
        };
        let (token, keys) = self.in_time(asked).await?;
        let Self { terms, .. } = self;
        token::check(&token, &keys, (&terms.issuer, &terms.client_id), &visit.nonce()).map_err(
            |why| {
                tracing::warn!(why = &why as &dyn std::error::Error, "a token that is none");
                Problem::new(Reason::DirectoryRefused)
            },
        )
    }

    /// Asks for the token behind a code (RFC 6749, section 4.1.3).
    fn exchange(&self, metadata: &Metadata, code: &str, visit: &Visit) -> Answer<RequestBuilder> {
        let terms = &self.terms;
        let (id, secret) = (terms.client_id.as_str(), terms.client_secret.reveal());
        let verifier = visit.verifier();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.returns_to.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let request = self.client.post(self.place(&metadata.token_endpoint)?);
        let takes = |method: &str| match &metadata.token_endpoint_auth_methods_supported {
            Some(methods) => methods.iter().any(|one| one == method),
            None => method == "client_secret_basic",
        };
        if takes("client_secret_post") && !takes("client_secret_basic") {
            form.extend([("client_id", id), ("client_secret", secret)]);
            return Ok(request.form(&form));
        }
        // Both are encoded first (RFC 6749, section 2.3.1).
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        Ok(request.basic_auth(encoded(id), Some(encoded(secret))).form(&form))
    }

    async fn metadata(&self) -> Answer<Metadata> {
        let issuer = &self.terms.issuer;
        let known = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata: Metadata = self.asked(self.client.get(self.place(&known)?)).await?;
        // Section 4.3: or somebody speaks for another.
        match metadata.issuer == *issuer {
            true => Ok(metadata),
            false => Err(down("it says that it is another")),
        }
    }

    /// An address that the directory names.
    fn place(&self, text: &str) -> Answer<Url> {
        let url = Url::parse(text).ok();
        let fits =
            |url: &Url| url.scheme() == "https" || (self.terms.plain && url.scheme() == "http");
        url.filter(fits).ok_or_else(|| down("an address that isn't https://"))
    }

    /// What it answers, read to a length.
    async fn asked<T: DeserializeOwned>(&self, request: RequestBuilder) -> Answer<T> {
        let broken = |error: reqwest::Error| down(&told(error));
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status();
        if status.is_client_error() {
            tracing::warn!(status = status.as_u16(), "the directory refuses");
            return Err(Reason::DirectoryRefused.into());
        }
        if !status.is_success() {
            return Err(down(status.as_str()));
        }
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(broken)? {
            if LONGEST < body.len() + part.len() {
                return Err(down("an answer that is too long"));
            }
            body.extend(part);
        }
        serde_json::from_slice(&body).map_err(|_| down("an answer of another form"))
    }

    async fn in_time<T>(&self, step: impl Future<Output = Answer<T>>) -> Answer<T> {
        let _turn = self.turns.try_acquire().map_err(|_| Problem::new(Reason::Busy))?;
        match tokio::time::timeout(ANSWER, step).await {
            Ok(answer) => answer,
            Err(_) => Err(down("it took too long")),
        }
    }
}

fn down(why: &str) -> Problem {
    tracing::warn!(why, "the directory doesn't answer as it should");
    Reason::DirectoryDown.into()
}

/// An error with its causes, and without the address: it may hold a code.
fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        told.push_str(&format!(": {error}"));
        cause = error.source();
    }
    told
}
