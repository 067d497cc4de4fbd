//! The cluster's three parts: PostgreSQL, RabbitMQ and an S3-compatible store. A secret stands in
//! the file itself or, better, in one of its own that the file names.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail, ensure};
use archive::{Broker, Encryption, Patience, PostgresUrl, SecretKey, Store};
use schemas::access::Secret;
use serde::Deserialize;

use super::{Address, file};

/// PostgreSQL.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DatabaseConfig {
    /// `postgres://user:password@host/name?sslmode=verify-full`.
    url: Option<Secret>,
    /// File that holds it.
    url_file: Option<PathBuf>,
}

/// RabbitMQ.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BrokerConfig {
    /// `amqps://user:password@host/vhost`.
    url: Option<Secret>,
    /// File that holds it.
    url_file: Option<PathBuf>,
    /// Its other nodes, `host:port` each.
    nodes: Vec<String>,
    /// Certificates of the authority that vouches for it, as PEM; the usual ones when left out.
    ca: Option<PathBuf>,
    /// Jobs that may be on their way to workers at once.
    window: u32,
    /// How often a job that ends with its worker is given to another.
    delivery_limit: u32,
    /// What the names of exchange and queues begin with; the usual when left out.
    prefix: Option<String>,
}

/// An S3-compatible store.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StoreConfig {
    /// `https://host`; the region's own at AWS when left out.
    endpoint: Option<Address>,
    region: String,
    bucket: String,
    /// What every key begins with.
    prefix: String,
    access_key: String,
    secret_key: Option<Secret>,
    /// File that holds it.
    secret_key_file: Option<PathBuf>,
    /// Certificates of the authority that vouches for it, as PEM; the usual ones when left out.
    ca: Option<PathBuf>,
    /// Whether the bucket stands in the path and not in the host's name.
    path_style: bool,
    /// Server-side encryption.
    sse: Option<Sse>,
}

/// Server-side encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Sse {
    /// With the store's own keys.
    #[serde(rename = "AES256")]
    Aes256,
    /// With keys of its key management.
    #[serde(rename = "aws:kms")]
    Kms,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            nodes: Vec::new(),
            ca: None,
            window: 64,
            delivery_limit: 20,
            prefix: None,
        }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: "us-east-1".to_owned(),
            bucket: String::new(),
            prefix: String::new(),
            access_key: String::new(),
            secret_key: None,
            secret_key_file: None,
            ca: None,
            path_style: true,
            sse: None,
        }
    }
}

/// The cluster's parts, ready to be opened: checked, their secrets read.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) database: PostgresUrl,
    pub(crate) broker: Broker,
    pub(crate) store: Store,
}

impl Cluster {
    /// What the three sections say, refused where a part of it is missing or can't be.
    pub(crate) fn of(
        database: &DatabaseConfig,
        broker: &BrokerConfig,
        store: &StoreConfig,
    ) -> anyhow::Result<Self> {
        for (name, ca) in [("broker.ca", &broker.ca), ("store.ca", &store.ca)] {
            let there = ca.as_ref().is_none_or(|ca| ca.is_file());
            ensure!(there, "{name} names a file that is not there");
        }
        Ok(Self { database: database.opened()?, broker: broker.opened()?, store: store.opened()? })
    }
}

impl DatabaseConfig {
    fn opened(&self) -> anyhow::Result<PostgresUrl> {
        let url = secret("database.url", &self.url, &self.url_file)?;
        url.reveal().parse().map_err(|error| anyhow!("database.url: {error}"))
    }
}

impl BrokerConfig {
    pub(super) fn opened(&self) -> anyhow::Result<Broker> {
        ensure!(0 < self.window, "broker.window must not be 0");
        ensure!(0 < self.delivery_limit, "broker.delivery_limit must not be 0");
        let url = secret("broker.url", &self.url, &self.url_file)?;
        let url = url.reveal().parse().map_err(|error| anyhow!("broker.url: {error}"))?;
        let nodes = self
            .nodes
            .iter()
            .map(|node| node.parse().map_err(|error| anyhow!("broker.nodes: {error}")));
        let usual = Broker::at(url);
        Ok(Broker {
            nodes: nodes.collect::<anyhow::Result<_>>()?,
            ca: self.ca.clone(),
            counter_window: self.window,
            backlog_window: self.window,
            delivery_limit: self.delivery_limit,
            prefix: self.prefix.clone().unwrap_or(usual.prefix),
            url: usual.url,
        })
    }
}

impl StoreConfig {
    fn opened(&self) -> anyhow::Result<Store> {
        ensure!(!self.bucket.is_empty(), "store.bucket is missing");
        ensure!(!self.access_key.is_empty(), "store.access_key is missing");
        let secret_key = secret("store.secret_key", &self.secret_key, &self.secret_key_file)?;
        Ok(Store {
            endpoint: self.endpoint.as_ref().map(|Address(url)| url.as_str().to_owned()),
            region: self.region.clone(),
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            access_key: self.access_key.clone(),
            secret_key: SecretKey::new(secret_key.reveal().to_owned()),
            ca: self.ca.clone(),
            path_style: self.path_style,
            encryption: self.sse.map(|sse| match sse {
                Sse::Aes256 => Encryption::Own,
                Sse::Kms => Encryption::Kms(None),
            }),
            patience: Patience::default(),
        })
    }
}

/// A secret that is written out or stands in a file.
fn secret(name: &str, said: &Option<Secret>, kept: &Option<PathBuf>) -> anyhow::Result<Secret> {
    match (said, kept) {
        (Some(secret), None) => Ok(secret.clone()),
        (None, Some(path)) => file::secret(path).with_context(|| format!("{name}_file")),
        (None, None) => bail!("{name} is missing; write it, or {name}_file"),
        (Some(_), Some(_)) => bail!("{name} and {name}_file exclude each other"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    const WHOLE: &str = "
        [database]
        url = 'postgres://sohoa:verysecret@db/sohoa'
        [broker]
        url = 'amqp://sohoa:verysecret@mq/%2f'
        [store]
        endpoint = 'http://127.0.0.1:28333'
        bucket = 'sohoa'
        access_key = 'sohoa'
        secret_key = 'verysecret'
        sse = 'AES256'
    ";

    #[track_caller]
    fn check(from: &str, to: &str, want: Result<(), &str>) {
        let text = WHOLE.replacen(from, to, 1);
        assert_ne!((text.as_str(), from), (WHOLE, to), "nothing was replaced");
        let got = Config::parse(&text).map(|_| ()).map_err(|e| format!("{e:#}"));
        match want {
            Ok(()) => assert_eq!(got, Ok(()), "{text}"),
            Err(part) => assert!(got.as_ref().is_err_and(|e| e.contains(part)), "{to}: {got:?}"),
        }
        // Neither what is told nor what might be logged holds a secret.
        assert!(got.is_ok() || !got.unwrap_err().contains("verysecret"), "{to}");
    }

    #[test]
    fn the_cluster_is_refused_whole_when_a_part_of_it_is_wrong() {
        check("'sohoa'", "'sohoa2'", Ok(()));
        check("[store]", "[shop]", Err("unknown field `shop`"));
        check("bucket = 'sohoa'", "", Err("store.bucket is missing"));
        check("url = 'amqp:", "url = 'http:", Err("of the form amqp://"));
        check("url = 'postgres:", "url = 'mysql:", Err("postgres://"));
        check("url = 'postgres:", "uri = 'postgres:", Err("line 3: unknown field `uri`"));
        check("sse = 'AES256'", "sse = 'ROT13'", Err("expected `AES256` or `aws:kms`"));
        check("secret_key = 'verysecret'", "secret_key_file = '/no'", Err("secret_key_file"));
        check("secret_key = 'v", "secret_key_file = 'x'\nsecret_key = 'v", Err("exclude"));
        check("endpoint = 'http:", "endpoint = 'ftp:", Err("not an http://"));
        check("[broker]", "[broker]\nnodes = ['mq-2:5672', 'mq-3:5672']", Ok(()));
        check("[broker]", "[broker]\nnodes = ['mq-2']", Err("broker.nodes: not of the form"));
        check("[broker]", "[broker]\nwindow = 0", Err("broker.window"));
        check("[broker]", "[broker]\nca = '/no/such.pem'", Err("broker.ca"));
        let lone = Config::parse("[database]\nurl = 'postgres://db'").unwrap_err();
        assert!(lone.to_string().contains("go together"), "{lone}");
    }

    #[test]
    fn a_secret_may_stand_in_a_file_and_is_never_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "fromfile\n").unwrap();
        let named = format!("secret_key_file = {:?}", file.path());
        let text = WHOLE.replacen("secret_key = 'verysecret'", &named, 1);
        let config = Config::parse(&text).unwrap();
        let cluster = config.cluster().unwrap().unwrap();
        let shown = format!("{config:?} {cluster:?}");
        assert!(!shown.contains("verysecret") && !shown.contains("fromfile"), "{shown}");
    }
}
