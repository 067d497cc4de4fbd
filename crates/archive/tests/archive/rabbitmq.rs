//! A real RabbitMQ, and a wire to it that can be cut.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use archive::{Broker, BrokerUrl};
use schemas::Uuid;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A RabbitMQ of one node, by the folder that it lives in.
pub(crate) struct RabbitMq {
    dir: PathBuf,
    pub(crate) port: u16,
    url: String,
}

impl RabbitMq {
    /// Starts it where it isn't up yet.
    pub(crate) fn start(name: &str, nth: u16) -> Self {
        let dir = root().join("target/cluster").join(name);
        // Two copies of this source on one machine are to get along with each other.
        let here = blake3::hash(root().as_os_str().as_encoded_bytes()).as_bytes()[0];
        let wanted = 25600 + 2 * (u16::from(here) % 24) + nth;
        let mut rabbitmq = Self { dir, port: wanted, url: String::new() };
        let said = rabbitmq.run("start", &[&wanted.to_string()]);
        rabbitmq.url = said.trim().to_owned();
        // It keeps to the port that it was first started on.
        let port = rabbitmq.url.trim_end_matches("/%2f").rsplit(':').next();
        rabbitmq.port = port.unwrap().parse().unwrap();
        rabbitmq
    }

    /// Ends without a word.
    pub(crate) fn kill(&self) {
        self.run("kill-node", &["1"]);
    }

    pub(crate) fn restart(&self) {
        self.run("start-node", &["1"]);
    }

    pub(crate) fn stop(&self) {
        self.run("stop", &[]);
    }

    pub(crate) fn ctl(&self, arguments: &[&str]) -> String {
        self.run("ctl", &[&["1", "-q"], arguments].concat())
    }

    /// An exchange and queues of one's own, reached on that port.
    pub(crate) fn broker(&self, vhost: &str, port: u16) -> Broker {
        let url = self.url(vhost).replace(&format!(":{}/", self.port), &format!(":{port}/"));
        let broker = Broker::at(url.parse::<BrokerUrl>().unwrap());
        Broker { prefix: format!("sohoa.{}", Uuid::new_v4().simple()), ..broker }
    }

    /// Where that virtual host is.
    pub(crate) fn url(&self, vhost: &str) -> String {
        self.url.replace("/%2f", &format!("/{vhost}"))
    }

    /// The same over TLS, vouched for by the authority of its folder.
    pub(crate) fn broker_over_tls(&self, vhost: &str) -> Broker {
        let broker = self.broker(vhost, self.port);
        let url = self.url.replace("amqp://", "amqps://");
        let url =
            url.replace(&format!(":{}/%2f", self.port), &format!(":{}/{vhost}", self.port + 150));
        let ca = Some(self.dir.join("tls/ca.pem"));
        Broker { url: url.parse().unwrap(), ca, ..broker }
    }

    fn run(&self, command: &str, arguments: &[&str]) -> String {
        let done = Command::new(root().join("deploy/cluster/rabbitmq.sh"))
            .arg(command)
            .arg(&self.dir)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(done.status.success(), "{command}: {}", done.status);
        String::from_utf8(done.stdout).unwrap()
    }
}

/// Queues of earlier runs go with their virtual host.
pub(crate) const VHOST: &str = "archive";

/// The RabbitMQ that tests share.
pub(crate) fn shared() -> &'static RabbitMq {
    static SHARED: OnceLock<RabbitMq> = OnceLock::new();
    SHARED.get_or_init(|| {
        let rabbitmq = RabbitMq::start("rabbitmq", 0);
        if rabbitmq.ctl(&["list_vhosts"]).lines().any(|name| name == VHOST) {
            rabbitmq.ctl(&["delete_vhost", VHOST]);
        }
        rabbitmq.ctl(&["add_vhost", VHOST]);
        rabbitmq.ctl(&["set_permissions", "-p", VHOST, "sohoa", ".*", ".*", ".*"]);
        rabbitmq
    })
}

/// A broker of one's own, as far as one can tell.
pub(crate) fn broker() -> Broker {
    broker_at(shared().port)
}

/// The same, reached on that port.
pub(crate) fn broker_at(port: u16) -> Broker {
    shared().broker(VHOST, port)
}

/// A wire to a broker.
pub(crate) struct Wire {
    pub(crate) port: u16,
    cut: watch::Sender<u32>,
    dead: watch::Sender<u32>,
}

impl Wire {
    /// A wire from any port to that one.
    pub(crate) async fn to(port: u16) -> Self {
        Self::from_to(TcpListener::bind("127.0.0.1:0").await.unwrap(), port)
    }

    pub(crate) fn from_to(listener: TcpListener, to: u16) -> Self {
        let port = listener.local_addr().unwrap().port();
        let cut = watch::Sender::new(0);
        let cuts = cut.subscribe();
        let dead = watch::Sender::new(0);
        let deaths = dead.subscribe();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cuts = cuts.clone();
                cuts.mark_unchanged();
                let mut deaths = deaths.clone();
                deaths.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(("127.0.0.1", to)).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cuts.changed() => {}
                        Ok(()) = deaths.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Self { port, cut, dead }
    }

    /// Cuts every connection that stands; new ones may be made.
    pub(crate) fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Carries nothing more for any connection that stands, and lets neither end know; new ones
    /// may be made.
    pub(crate) fn go_dead(&self) {
        self.dead.send_modify(|deaths| *deaths += 1);
    }
}

/// A wire to the shared broker, and a broker at its end.
pub(crate) async fn broker_by_wire() -> (Wire, Broker) {
    let wire = Wire::to(shared().port).await;
    let broker = broker_at(wire.port);
    (wire, broker)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
