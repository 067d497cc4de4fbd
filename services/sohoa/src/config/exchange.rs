//! Whom to tell what happens. Secrets stand in files of their own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use archive::{Broker, Subscriber, Topic};
use exchange::{Backoff, Channel, Key, Kho, OtherKho, Post, Reach, Secret, Secrets, Target, Terms};
use schemas::event::EventKind;
use schemas::ids::OfficeCode;
use serde::Deserialize;

use super::{Address, BrokerConfig, file};

/// Whom this office speaks with; nobody when left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ExchangeConfig {
    /// Age at which what couldn't be delivered is given up, until a person decides.
    give_up_hours: u32,
    /// Longest pause after the first attempt; each later one doubles it.
    first_pause_seconds: u32,
    /// Longest pause.
    longest_pause_seconds: u32,
    /// Who is told by signed requests.
    webhooks: Vec<WebhookConfig>,
    /// A topic of a broker.
    topic: Option<TopicConfig>,
    /// Who takes dossiers by the national contract.
    national: Option<NationalConfig>,
    /// Other Kho that may be asked; `stores` is what this was called before.
    #[serde(alias = "stores")]
    kho: Vec<KhoConfig>,
}

/// Another Kho.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct KhoConfig {
    /// What it is called here, for ever.
    name: String,
    /// Where it is asked which results there are.
    results: Address,
    /// Where it is asked for a file.
    files: Address,
    /// Whether it is the Kho of the national portal.
    #[serde(default)]
    national: bool,
    ca: Option<PathBuf>,
    #[serde(default)]
    inside: bool,
    #[serde(default)]
    plain: bool,
    /// File that holds the key to show; none is shown when left out.
    key_file: Option<PathBuf>,
}

/// Who takes dossiers by the national contract: the adapter of the province's axis.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct NationalConfig {
    /// Its address; dossiers are only exported on demand when left out.
    url: Option<Address>,
    ca: Option<PathBuf>,
    #[serde(default)]
    inside: bool,
    #[serde(default)]
    plain: bool,
    /// File that holds the key to show; none is shown when left out.
    key_file: Option<PathBuf>,
    /// Where files of records are to be had, as the other side reaches this office.
    files: Option<Address>,
    /// `TrangThaiHoSo` of a dossier that takes scans, and of one that takes no more.
    open: Option<String>,
    closed: Option<String>,
    /// Of which office and those below it; of all when left out.
    office: Option<OfficeCode>,
}

/// A topic of a broker.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TopicConfig {
    /// What it is called at the broker.
    exchange: Option<String>,
    /// The broker, where it isn't the one that carries jobs.
    broker: Option<BrokerConfig>,
    /// What is told; everything when left out.
    events: Vec<EventKind>,
    /// Of which office and those below it; of all when left out.
    office: Option<OfficeCode>,
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        Self {
            give_up_hours: 72,
            first_pause_seconds: 5,
            longest_pause_seconds: 3600,
            webhooks: Vec::new(),
            topic: None,
            national: None,
            kho: Vec::new(),
        }
    }
}

/// Where somebody is, and how that place is reached.
#[derive(Debug, Clone)]
struct PlaceConfig {
    /// Its address.
    url: Address,
    /// Certificates of the authority that vouches for it, as PEM; the usual ones when left out.
    ca: Option<PathBuf>,
    /// Whether the address may lie inside: private, of this machine.
    inside: bool,
    /// Whether it need not be HTTPS.
    plain: bool,
}

/// Somebody who is told by signed requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookConfig {
    /// What it is called here, for ever.
    name: String,
    /// Its address.
    url: Address,
    ca: Option<PathBuf>,
    #[serde(default)]
    inside: bool,
    #[serde(default)]
    plain: bool,
    /// File that holds the secret that it and we share: `whsec_…`.
    secret_file: PathBuf,
    /// File that holds the one before, while it is being changed.
    previous_secret_file: Option<PathBuf>,
    /// What it hears of; everything when left out.
    #[serde(default)]
    events: Vec<EventKind>,
    /// Of which office and those below it; of all when left out.
    office: Option<OfficeCode>,
}

/// What the topic is called among those who are told.
const TOPIC: &str = "topic";

/// What the taker of the national contract is called among those who are told.
const NATIONAL: &str = "national";

/// After what a dossier is told anew by the national contract: the first says that it was
/// received, the others that what is known of it has changed.
const TOLD_AFTER: [EventKind; 5] = [
    EventKind::Opened,
    EventKind::Settled,
    EventKind::Closed,
    EventKind::Published,
    EventKind::Revoked,
];

/// What it is called at the broker, unless said otherwise.
const EXCHANGE: &str = "sohoa.events";

/// Longest name of a subscriber, in letters.
const LONGEST_NAME: usize = 64;

/// Most subscribers: each change writes a line for each.
const MOST: usize = 32;

impl ExchangeConfig {
    /// Refuses what can't be meant.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(0 < self.give_up_hours, "exchange.give_up_hours must not be 0");
        ensure!(0 < self.first_pause_seconds, "exchange.first_pause_seconds must not be 0");
        ensure!(
            self.first_pause_seconds <= self.longest_pause_seconds,
            "exchange.longest_pause_seconds must not be below exchange.first_pause_seconds"
        );
        let names: Vec<&str> = self.names().collect();
        ensure!(names.len() <= MOST, "exchange: at most {MOST} others can be spoken with");
        for name in &names {
            let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            ensure!(
                (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(letters),
                "exchange: a name has 1 to {LONGEST_NAME} letters a to z, digits and hyphens"
            );
        }
        let different: BTreeSet<&str> = names.iter().copied().collect();
        ensure!(different.len() == names.len(), "exchange: two have the same name");
        Ok(())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let webhooks = self.webhooks.iter().map(|webhook| webhook.name.as_str());
        let national = self.national.as_ref().and_then(|national| national.url.as_ref());
        let kho = self.kho.iter().map(|kho| kho.name.as_str());
        let topic = self.topic.as_ref().map(|_| TOPIC);
        webhooks.chain(kho).chain(topic).chain(national.map(|_| NATIONAL))
    }

    /// The other Kho.
    pub(crate) fn kho(&self) -> Arc<[Kho]> {
        let named = |kho: &KhoConfig| Kho { name: kho.name.clone(), national: kho.national };
        self.kho.iter().map(named).collect()
    }

    /// When what failed is sent again.
    pub(crate) fn backoff(&self) -> Backoff {
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
        Backoff {
            first: seconds(self.first_pause_seconds),
            longest: seconds(self.longest_pause_seconds),
            give_up: 3600 * seconds(self.give_up_hours),
        }
    }

    /// Everybody who is told, with what it takes: that a secret is missing or an address can't be
    /// posted to is told before anything is accepted. `broker` is the one that carries jobs.
    pub(crate) async fn targets(&self, broker: Option<Broker>) -> anyhow::Result<Vec<Target>> {
        let webhooks = self.webhooks.iter().map(|webhook| {
            webhook.target().with_context(|| format!("exchange.webhooks, {}", webhook.name))
        });
        let mut targets: Vec<Target> = webhooks.collect::<anyhow::Result<_>>()?;
        if let Some(topic) = &self.topic {
            targets.push(topic.target(broker).await.context("exchange.topic")?);
        }
        if let Some(national) = &self.national {
            targets.extend(national.target(self.terms()).context("exchange.national")?);
        }
        for kho in &self.kho {
            let target = kho.target();
            targets.push(target.with_context(|| format!("exchange.kho, {}", kho.name))?);
        }
        Ok(targets)
    }

    /// On what terms dossiers are told by the national contract.
    pub(crate) fn terms(&self) -> Arc<Terms> {
        let Some(national) = &self.national else { return Arc::default() };
        let usual = Terms::default();
        Arc::new(Terms {
            files: national.files.as_ref().map(|address| address.0.clone()),
            open: national.open.clone().unwrap_or(usual.open),
            closed: national.closed.clone().unwrap_or(usual.closed),
        })
    }
}

impl KhoConfig {
    fn target(&self) -> anyhow::Result<Target> {
        let post = |url: &Address| {
            let Self { ca, inside, plain, .. } = self.clone();
            PlaceConfig { url: url.clone(), ca, inside, plain }.post()
        };
        let key = self.key_file.as_deref().map(key).transpose()?;
        let channel = Channel::Kho(OtherKho {
            results: post(&self.results)?,
            files: post(&self.files)?,
            headers: key.map(Key::header).unwrap_or_default(),
        });
        let subscriber = Subscriber {
            name: self.name.clone(),
            // It is only asked.
            listens: false,
            events: Vec::new(),
            office: None,
        };
        Ok(Target { subscriber, channel })
    }
}

impl NationalConfig {
    fn target(&self, terms: Arc<Terms>) -> anyhow::Result<Option<Target>> {
        let Some(url) = &self.url else { return Ok(None) };
        let Self { ca, inside, plain, .. } = self.clone();
        let place = PlaceConfig { url: url.clone(), ca, inside, plain };
        let key = self.key_file.as_deref().map(key).transpose()?;
        let subscriber = Subscriber {
            name: NATIONAL.to_owned(),
            listens: true,
            events: TOLD_AFTER.to_vec(),
            office: self.office.clone(),
        };
        let channel = Channel::National(place.post()?, key, terms);
        Ok(Some(Target { subscriber, channel }))
    }
}

impl TopicConfig {
    async fn target(&self, usual: Option<Broker>) -> anyhow::Result<Target> {
        let own = self.broker.as_ref().map(BrokerConfig::opened).transpose()?;
        let broker = own.or(usual).context("there is no [broker]; name one in broker.url")?;
        let topic = Topic::open(&broker, self.exchange.as_deref().unwrap_or(EXCHANGE)).await?;
        let subscriber = Subscriber {
            name: TOPIC.to_owned(),
            listens: true,
            events: self.events.clone(),
            office: self.office.clone(),
        };
        Ok(Target { subscriber, channel: Channel::Topic(topic) })
    }
}

impl WebhookConfig {
    fn target(&self) -> anyhow::Result<Target> {
        let place = PlaceConfig {
            url: self.url.clone(),
            ca: self.ca.clone(),
            inside: self.inside,
            plain: self.plain,
        };
        let secrets = Secrets {
            present: secret(&self.secret_file)?,
            previous: self.previous_secret_file.as_deref().map(secret).transpose()?,
        };
        let subscriber = Subscriber {
            name: self.name.clone(),
            listens: true,
            events: self.events.clone(),
            office: self.office.clone(),
        };
        Ok(Target { subscriber, channel: Channel::Webhook(place.post()?, secrets) })
    }
}

impl PlaceConfig {
    fn post(&self) -> anyhow::Result<Post> {
        let ca = self.ca.as_deref().map(file::bytes).transpose()?;
        let reach = Reach { inside: self.inside, plain: self.plain };
        Ok(Post::to(self.url.0.clone(), reach, ca.as_deref())?)
    }
}

fn secret(path: &Path) -> anyhow::Result<Secret> {
    let secret = file::secret(path)?.reveal().parse().ok();
    secret.with_context(|| format!("{} holds no secret: whsec_ and base64", path.display()))
}

fn key(path: &Path) -> anyhow::Result<Key> {
    let key = Key::new(file::secret(path)?.reveal());
    key.with_context(|| format!("{} holds no key", path.display()))
}
