//! Where an S3 store is and how to speak to it: what the configuration says, and nothing else.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A bucket of an S3-compatible store.
#[derive(Debug, Clone)]
pub struct Store {
    /// Its address: `https://s3.example.vn`; the region's own at AWS when left out.
    pub endpoint: Option<String>,
    /// The region that requests are signed for; most stores take any.
    pub region: String,
    /// The bucket; it must be there.
    pub bucket: String,
    /// What every key begins with: `sohoa/`. Empty when the bucket is Sohoa's alone.
    pub prefix: String,
    /// The access key.
    pub access_key: String,
    /// The secret key.
    pub secret_key: SecretKey,
    /// Certificates (PEM) of the only authorities that vouch for the store; those that the
    /// system trusts when left out.
    pub ca: Option<PathBuf>,
    /// Whether the bucket is named in the path (`/bucket/key`, as most stores want it) or in the
    /// host's name.
    pub path_style: bool,
    /// How the store must encrypt what it keeps; as the bucket is set up when left out.
    pub encryption: Option<Encryption>,
    /// How long to wait for it.
    pub patience: Patience,
}

/// A secret key. It shows itself to nobody.
#[derive(Clone)]
pub struct SecretKey(String);

impl SecretKey {
    /// Takes the secret.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

/// Encryption by the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// With keys of its own (SSE-S3).
    Own,
    /// With this key of a key service, or the bucket's own there (SSE-KMS).
    Kms(Option<String>),
}

/// How long to wait for a store before giving up.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For one attempt; sending or fetching many bytes has a second more for each mebibyte.
    pub attempt: Duration,
    /// Attempts, the first one included.
    pub attempts: u32,
    /// An upload begun so long ago is nobody's any more, and `check --mend` clears it away. The
    /// largest scan takes minutes.
    pub abandoned: Duration,
}

impl Default for Patience {
    /// Half a minute in all: a station that waits longer has given up itself.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        let abandoned = seconds(24 * 3600);
        Self { connect: seconds(3), attempt: seconds(10), attempts: 3, abandoned }
    }
}

impl Patience {
    /// For one attempt at so many bytes.
    pub(super) fn attempt(&self, bytes: u64) -> Duration {
        self.attempt + Duration::from_secs(bytes >> 20)
    }

    /// For all attempts at so many bytes.
    pub(super) fn whole(&self, bytes: u64) -> Duration {
        self.attempt(bytes) * self.attempts
    }
}
