//! One HTTP request to somebody outside: no redirect is followed, nothing is asked of a proxy, an
//! answer has a time and a length, and addresses inside are for those whom the configuration
//! names.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, StatusCode, Url};
use schemas::api::DeliveryTrouble;
use tokio::time::{Instant, timeout_at};

use crate::address::{Inside, OutsideOnly, is_outside};

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);

/// Until the whole answer is there, unless it is long.
const ANSWER: Duration = Duration::from_secs(6);

/// Slowest that a long answer may come, in bytes a second: 4 Mbit/s, so that the longest file takes
/// two minutes and not for ever. A process that ends doesn't wait for it.
const SLOWEST: usize = 512 << 10;

/// Longest answer that is read, in bytes, unless a file is asked for.
pub(crate) const SHORT: usize = 256 << 10;

/// Where a request may go beyond what is safe everywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// To addresses inside: private, of this machine, of this wire.
    pub inside: bool,
    /// Without TLS.
    pub plain: bool,
}

/// An address can't be posted to.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// Not HTTPS, where nothing says that it need not be.
    #[error("the address must be https:// (or say `plain = true`)")]
    Plain,
    /// It names an address inside, where nothing says that it may.
    #[error("the address lies inside (say `inside = true` where that is meant)")]
    Inside,
    /// A name or a password in the address, which logs would show.
    #[error("the address holds a name or a password")]
    Password,
    /// Certificates that can't be read.
    #[error("certificates can't be read")]
    Certificates(#[source] reqwest::Error),
    /// No client.
    #[error("no client can be made")]
    Client(#[source] reqwest::Error),
}

/// Somewhere to post to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Post {
    client: Client,
    url: Url,
}

/// What came back: a success.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Nothing of use came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) trouble: DeliveryTrouble,
    pub(crate) status: Option<u16>,
    /// How long the other side asks to wait.
    pub(crate) wait: Option<Duration>,
}

impl From<DeliveryTrouble> for Failed {
    fn from(trouble: DeliveryTrouble) -> Self {
        Self { trouble, status: None, wait: None }
    }
}

impl Post {
    /// A place to post to; `ca` are certificates (PEM) that may vouch for it beside the usual.
    ///
    /// # Errors
    /// [`PostError`], where it must not be posted to.
    pub fn to(url: Url, reach: Reach, ca: Option<&[u8]>) -> Result<Self, PostError> {
        if url.scheme() != "https" && !reach.plain {
            return Err(PostError::Plain);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(PostError::Password);
        }
        // A resolver is not asked for a host that is an address already.
        let literal = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse().ok());
        if !reach.inside && literal.is_some_and(|address| !is_outside(address)) {
            return Err(PostError::Inside);
        }
        let mut client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .https_only(!reach.plain)
            .connect_timeout(CONNECT)
            .user_agent(concat!("sohoa/", env!("CARGO_PKG_VERSION")));
        if !reach.inside {
            client = client.dns_resolver(std::sync::Arc::new(OutsideOnly));
        }
        if let Some(pem) = ca {
            for one in Certificate::from_pem_bundle(pem).map_err(PostError::Certificates)? {
                client = client.add_root_certificate(one);
            }
        }
        Ok(Self { client: client.build().map_err(PostError::Client)?, url })
    }

    /// Posts a body; anything but a success is a failure.
    pub(crate) async fn send(
        &self,
        media_type: &'static str,
        mut headers: HeaderMap,
        body: String,
        longest: usize,
    ) -> Result<Answer, Failed> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        let request = self.client.post(self.url.clone()).headers(headers).body(body);
        let begun = Instant::now();
        let late = |_| Failed::from(DeliveryTrouble::Late);
        let sent = timeout_at(begun + ANSWER, request.send()).await.map_err(late)?;
        let mut response = sent.map_err(|error| trouble(&error))?;
        let status = response.status();
        let failed = |trouble| Failed { trouble, status: Some(status.as_u16()), wait: None };
        if status == StatusCode::GONE {
            return Err(failed(DeliveryTrouble::Gone));
        }
        if status.is_redirection() {
            return Err(failed(DeliveryTrouble::Redirected));
        }
        if !status.is_success() {
            let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let wait = wait.and_then(|value| value.parse().ok()).map(Duration::from_secs);
            return Err(Failed { wait, ..failed(DeliveryTrouble::Refused) });
        }
        let mut body = Vec::new();
        loop {
            let part = timeout_at(begun + time_for(body.len()), response.chunk()).await;
            let part = part.map_err(late)?.map_err(|error| trouble(&error))?;
            let Some(part) = part else { break };
            if longest < body.len() + part.len() {
                return Err(failed(DeliveryTrouble::Nonsense));
            }
            body.extend(part);
        }
        Ok(Answer { status: status.as_u16(), body })
    }
}

/// How long an answer may have taken of which so many bytes are there.
fn time_for(bytes: usize) -> Duration {
    ANSWER + Duration::from_secs((bytes / SLOWEST) as u64)
}

/// What an error of the client means.
fn trouble(error: &reqwest::Error) -> Failed {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(one) = cause {
        if one.is::<Inside>() {
            return DeliveryTrouble::Address.into();
        }
        cause = one.source();
    }
    let trouble = if error.is_timeout() {
        DeliveryTrouble::Late
    } else if error.is_decode() || error.is_body() {
        DeliveryTrouble::Nonsense
    } else {
        DeliveryTrouble::Unreachable
    };
    trouble.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, reach: Reach, good: bool) {
        let made = Post::to(url.parse().unwrap(), reach, None);
        assert_eq!(made.is_ok(), good, "{url} {reach:?}: {made:?}");
    }

    #[test]
    fn only_what_the_configuration_names_is_posted_to_inside_or_in_plain_text() {
        let inside = Reach { inside: true, ..Reach::default() };
        let plain = Reach { plain: true, ..Reach::default() };
        check("https://motcua.example.vn/nhan", Reach::default(), true);
        check("http://motcua.example.vn/nhan", Reach::default(), false);
        check("http://motcua.example.vn/nhan", plain, true);
        check("https://10.0.0.7/nhan", Reach::default(), false);
        check("https://[::1]/nhan", Reach::default(), false);
        check("https://10.0.0.7/nhan", inside, true);
        check("https://name:password@motcua.example.vn/nhan", inside, false);
    }

    #[test]
    fn only_a_long_answer_has_longer_and_only_while_it_comes() {
        assert_eq!([time_for(0), time_for(SHORT)], [ANSWER; 2]);
        assert_eq!(time_for(48 << 20), ANSWER + Duration::from_secs(96));
    }

    #[tokio::test]
    async fn a_name_that_points_inside_is_not_followed() {
        let reach = Reach { plain: true, ..Reach::default() };
        let post = Post::to("http://localhost:9/".parse().unwrap(), reach, None).unwrap();
        let failed = post.send("application/json", HeaderMap::new(), String::new(), SHORT).await;
        assert_eq!(failed.unwrap_err().trouble, DeliveryTrouble::Address);
        let reach = Reach { inside: true, plain: true };
        let post = Post::to("http://localhost:9/".parse().unwrap(), reach, None).unwrap();
        let failed = post.send("application/json", HeaderMap::new(), String::new(), SHORT).await;
        assert_eq!(failed.unwrap_err().trouble, DeliveryTrouble::Unreachable);
    }
}
