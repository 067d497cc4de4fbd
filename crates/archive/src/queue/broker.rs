//! RabbitMQ: where it is, how it is reached, and how long to wait before it is tried again.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lapin::tcp::OwnedTLSConfig;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use schemas::Uuid;

use super::DELIVERY_LIMIT;
use crate::error::{ArchiveError, Doing};

/// Longest time until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);

/// How often each side of an idle connection says that it lives, in seconds, unless the URL says
/// otherwise. Twice that without a word, and the other side is taken for gone.
const HEARTBEAT: u16 = 10;

/// First and longest pause before the broker is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(15));

/// The broker that carries jobs to workers, and how much of them it is given at a time.
#[derive(Debug, Clone)]
pub struct Broker {
    /// Where it is, and who we are to it.
    pub url: BrokerUrl,
    /// Its other nodes, `host:port` each, where the same name and password are known. They are
    /// called in turns: a node that is lost takes nobody along for longer than a call.
    pub nodes: Vec<BrokerNode>,
    /// Certificates that may vouch for it beside those of the system, in PEM, for `amqps`.
    pub ca: Option<PathBuf>,
    /// Jobs of the lane `counter` that may lie at the broker before a worker has leased them. An
    /// office's job waits behind as many at most. Twice the readers of all workers or more, or
    /// some of them stand idle.
    pub counter_window: u32,
    /// The same of the lane `backlog`.
    pub backlog_window: u32,
    /// How often a job is given out before a person looks at it; and how often the broker may
    /// carry one message, where it has no queues yet.
    pub delivery_limit: u32,
    /// What the names of exchange and queues begin with: several archives may share a broker.
    pub prefix: String,
}

impl Broker {
    /// The usual settings.
    #[must_use]
    pub fn at(url: BrokerUrl) -> Self {
        Self {
            url,
            nodes: Vec::new(),
            ca: None,
            counter_window: 64,
            backlog_window: 64,
            delivery_limit: DELIVERY_LIMIT,
            prefix: "sohoa.v1".to_owned(),
        }
    }
}

/// Where the broker is: `amqp://name:password@host:port/vhost`, or `amqps`. Never shows its
/// password.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl(AMQPUri);

impl FromStr for BrokerUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What the parser says might quote the password.
        text.parse().map(Self).map_err(|_| "not a URL of the form amqp://name:password@host/vhost")
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { scheme, authority, .. } = &self.0;
        write!(f, "{scheme}://…@{}:{}/…", authority.host, authority.port)
    }
}

/// A node of the broker: `host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerNode {
    host: String,
    port: u16,
}

impl FromStr for BrokerNode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match parts {
            Some((host, port)) if !host.is_empty() && !host.contains(['/', '@']) => {
                Ok(Self { host: host.to_owned(), port })
            }
            _ => Err("not of the form host:port"),
        }
    }
}

/// A broker that was looked at once and can be called again and again.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Of every node.
    urls: Arc<[BrokerUrl]>,
    /// Calls so far, which tells whose turn it is.
    calls: Arc<AtomicUsize>,
    ca: Option<String>,
}

impl Caller {
    /// Reads what it takes to call.
    pub(crate) async fn new(broker: &Broker) -> Result<Self, ArchiveError> {
        let doing = "reading the certificates that vouch for the broker";
        let ca = match &broker.ca {
            Some(path) => Some(tokio::fs::read_to_string(path).await.doing(doing)?),
            None => None,
        };
        let mut urls = vec![broker.url.clone()];
        for BrokerNode { host, port } in &broker.nodes {
            let mut url = broker.url.clone();
            url.0.authority.host.clone_from(host);
            url.0.authority.port = *port;
            urls.push(url);
        }
        // Each process begins with another node, so that none has them all.
        let (chance, _) = Uuid::new_v4().as_u64_pair();
        let first = usize::from((chance >> 48) as u16);
        Ok(Self { urls: urls.into(), calls: Arc::new(AtomicUsize::new(first)), ca })
    }

    /// A connection to the node whose turn it is, known to the broker by what it is for.
    pub(crate) async fn call(&self, purpose: &str) -> Result<Connection, Trouble> {
        let turn = self.calls.fetch_add(1, Ordering::Relaxed) % self.urls.len();
        let mut uri = self.urls[turn].0.clone();
        uri.query.heartbeat = uri.query.heartbeat.or(Some(HEARTBEAT));
        let longest = u64::try_from(CONNECT.as_millis()).unwrap_or(u64::MAX);
        uri.query.connection_timeout = uri.query.connection_timeout.or(Some(longest));
        let properties =
            ConnectionProperties::default().with_connection_name(format!("sohoa {purpose}").into());
        let tls = OwnedTLSConfig { identity: None, cert_chain: self.ca.clone() };
        let runtime = lapin::runtime::default_runtime()?;
        let call = Connection::connect_uri_with_config(uri, properties, tls, runtime);
        in_time(async { Ok(call.await?) }).await
    }
}

/// Anything said to the broker, but for publishing, which may have to wait. One that has just come
/// back, or was just lost, may leave a word unanswered for ever, where the next connection is
/// answered at once.
pub(crate) async fn in_time<T>(
    asking: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    tokio::time::timeout(CONNECT, asking).await.map_err(|_| Trouble::Late)?
}

/// Why the broker is of no use just now. Nothing is lost by it, so nobody but the log hears.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Broker(#[from] lapin::Error),
    #[error("the broker did not answer in time")]
    Late,
    #[error("the broker ended the connection")]
    Gone,
    #[error("the broker refused {0} messages")]
    Refused(usize),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Pauses that grow, each of its own length, so that a broker that comes back is not called by
/// everybody at once.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    before: u32,
}

impl Pauses {
    pub(super) fn next(&mut self) -> Duration {
        let (first, longest) = PAUSES;
        let pause = first.saturating_mul(1 << self.before.min(16)).min(longest);
        self.before += 1;
        let (chance, _) = Uuid::new_v4().as_u64_pair();
        // Between half of it and all of it, by 16 random bits.
        pause / 2 + (pause / 2).mul_f32(f32::from((chance >> 48) as u16) / 65_536.0)
    }

    pub(super) fn begin_anew(&mut self) {
        self.before = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let url = "amqp://sohoa:secret@broker.example:5672/office".parse::<BrokerUrl>().unwrap();
        let shown = format!("{:?}", Broker::at(url));
        assert!(shown.contains("broker.example:5672") && !shown.contains("secret"), "{shown}");
        let refused = "http://sohoa:secret@broker".parse::<BrokerUrl>().unwrap_err();
        assert!(!refused.contains("secret"));
    }

    #[tokio::test]
    async fn every_node_is_called_in_its_turn_as_the_same_user() {
        let url = "amqp://sohoa:secret@a.example:5672/office".parse::<BrokerUrl>().unwrap();
        let nodes = ["b.example:5673", "c.example:5674"].map(|node| node.parse().unwrap());
        let broker = Broker { nodes: nodes.to_vec(), ..Broker::at(url) };
        let caller = Caller::new(&broker).await.unwrap();
        let called = caller.urls.iter().map(|url| format!("{url:?}")).collect::<Vec<_>>();
        assert!(called[0].contains("a.example:5672"), "{called:?}");
        assert!(called[1].contains("b.example:5673"), "{called:?}");
        assert!(called[2].contains("c.example:5674"), "{called:?}");
        assert!(caller.urls.iter().all(|url| url.0.authority.userinfo.password == "secret"));
        for wrong in ["b.example", ":5672", "amqp://b.example:5672", "sohoa:secret@b:5672"] {
            assert!(wrong.parse::<BrokerNode>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn pauses_grow_to_their_longest_and_begin_anew() {
        let mut pauses = Pauses::default();
        let first = pauses.next();
        assert!((PAUSES.0 / 2..=PAUSES.0).contains(&first), "{first:?}");
        let last = (0..40).map(|_| pauses.next()).last().unwrap();
        assert!((PAUSES.1 / 2..=PAUSES.1).contains(&last), "{last:?}");
        pauses.begin_anew();
        assert!(pauses.next() <= PAUSES.0);
    }
}
