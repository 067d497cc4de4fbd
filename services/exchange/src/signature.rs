//! Signatures of webhooks, by the Standard Webhooks scheme (standardwebhooks.com, version 1):
//! HMAC-SHA256 over `id.seconds.body`. While a secret is changed both sign, and whoever receives
//! takes either.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How a secret begins, so that one that was lost can be searched for.
const PREFIX: &str = "whsec_";

/// A secret that a subscriber and we share: `whsec_` and 24 to 64 bytes as base64. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// It isn't a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a secret: `whsec_` and 24 to 64 bytes as base64")]
pub struct SecretError;

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let digits = text.trim().strip_prefix(PREFIX).ok_or(SecretError)?;
        let bytes = STANDARD.decode(digits).map_err(|_| SecretError)?;
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(SecretError) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The secrets that sign: one, or two while it is changed.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// The one to stay.
    pub present: Secret,
    /// The one that goes.
    pub previous: Option<Secret>,
}

impl Secrets {
    /// The header `webhook-signature` of a body.
    pub(crate) fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let one = |secret: &Secret| {
            #[expect(clippy::unwrap_used, reason = "HMAC takes keys of every length")]
            let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).unwrap();
            mac.update(format!("{id}.{seconds}.{body}").as_bytes());
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        };
        let mut signatures = one(&self.present);
        if let Some(previous) = &self.previous {
            signatures.push(' ');
            signatures.push_str(&one(previous));
        }
        signatures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// The example of the scheme's own libraries.
    #[test]
    fn a_body_is_signed_as_the_scheme_says() {
        let secrets = Secrets { present: SECRET.parse().unwrap(), previous: None };
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = secrets.sign(id, 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let other: Secret = format!("whsec_{}", STANDARD.encode([7; 32])).parse().unwrap();
        let both = Secrets { present: other, previous: Some(secrets.present) };
        let both = both.sign(id, 1_614_265_330, "{\"test\": 2432232314}");
        assert!(both.ends_with(&format!(" {signature}")) && both.starts_with("v1,"), "{both}");
    }

    #[test]
    fn a_secret_has_its_form_and_is_never_shown() {
        assert_eq!(format!("{:?}", SECRET.parse::<Secret>().unwrap()), "Secret(…)");
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        for bad in ["", "whsec_", &SECRET[6..], &short, &long, "whsec_???"] {
            assert_eq!(bad.parse::<Secret>(), Err(SecretError), "{bad}");
        }
    }
}
