//! Everything an operator can set: one file, read once, refused whole when a part of it is
//! wrong. Code of ours reads nothing from the environment but `SUDO_USER`, by which the audit names
//! who runs a command line (`outside.rs`).

mod access;
mod audit;
mod cluster;
mod exchange;
mod file;
mod keys;
mod openid;
mod retention;
mod signing;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use reqwest::Url;
use schemas::ids::OfficeCode;
use schemas::reader::Wall;
use serde::Deserialize;

pub(crate) use access::{AccessConfig, Watching};
pub(crate) use audit::AuditConfig;
pub(crate) use cluster::{BrokerConfig, Cluster, DatabaseConfig, StoreConfig};
pub(crate) use exchange::ExchangeConfig;
pub(crate) use keys::KeysConfig;
pub(crate) use openid::OpenIdConfig;
pub(crate) use retention::RetentionConfig;
pub(crate) use signing::SigningConfig;

/// The configuration file, whole. Every part has defaults that are safe in production.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) office: OfficeConfig,
    pub(crate) intake: IntakeConfig,
    pub(crate) reader: ReaderConfig,
    pub(crate) filing: FilingConfig,
    pub(crate) signing: SigningConfig,
    pub(crate) audit: AuditConfig,
    pub(crate) retention: RetentionConfig,
    pub(crate) telemetry: TelemetryConfig,
    pub(crate) access: AccessConfig,
    pub(crate) exchange: ExchangeConfig,
    pub(crate) keys: KeysConfig,
    /// The cluster's three parts: all of them, or none for the embedded forms.
    database: Option<DatabaseConfig>,
    broker: Option<BrokerConfig>,
    store: Option<StoreConfig>,
}

/// The office that this machine serves.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OfficeConfig {
    /// Its electronic identifier (mã định danh điện tử).
    pub(crate) code: OfficeCode,
    /// Template of dossier codes: `{office}`, `{yymmdd}`, `{n:4}`.
    pub(crate) dossier_code: String,
    /// Template of digitisation codes: `{owner}`, `{kind}`, `{number}`, `{n:2}`.
    pub(crate) digitisation_code: String,
}

/// What an intake accepts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IntakeConfig {
    /// Largest scan, in bytes.
    pub(crate) max_scan_bytes: u64,
    /// Scans received at once; the next ones wait a little and are then told when to come back.
    pub(crate) max_uploads: usize,
    /// Jobs waiting before stations are told to come back.
    pub(crate) max_waiting_jobs: u32,
}

/// The readers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReaderConfig {
    /// The program; beside `sohoa` when left out.
    pub(crate) program: Option<PathBuf>,
    /// PDFium's library; looked for beside the program, in `.parts` and `/usr/lib/sohoa` when
    /// left out.
    pub(crate) pdfium: Option<PathBuf>,
    /// Folder of the first engine's weights (`det.onnx`, `rec.onnx`, `meta.json`); found by itself
    /// in a checkout.
    pub(crate) models: Option<PathBuf>,
    /// Folder of Tesseract's models.
    pub(crate) tessdata: PathBuf,
    /// Readers; as many as there are cores when 0.
    pub(crate) count: usize,
    /// Address space of a reader, in megabytes.
    pub(crate) memory_mb: u64,
    /// Longest time to count a scan's pages, in seconds.
    pub(crate) unpack_seconds: u64,
    /// Longest time to read a page, in seconds.
    pub(crate) read_seconds: u64,
    /// Most pages in a scan.
    pub(crate) max_pages: u32,
    /// Most pixels in a page, in millions.
    pub(crate) max_megapixels: u64,
    /// Walls of the reader's jail to go without where this machine's kernel lacks them:
    /// `landlock`, `seccomp`.
    pub(crate) without_walls: Vec<Wall>,
}

/// Filing and publishing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FilingConfig {
    /// How long a dossier must be quiet before its documents are published, in seconds.
    pub(crate) quiet_seconds: u64,
}

/// What a process tells of itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TelemetryConfig {
    /// How logs are written; by itself text on a terminal and JSON elsewhere.
    pub(crate) log: Option<LogForm>,
    /// Base address of an OTLP collector (`http://127.0.0.1:4318`) that traces go to.
    pub(crate) otlp: Option<Address>,
}

/// Where something answers over HTTP.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Address(pub(crate) Url);

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let url = Url::parse(&text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        url.map(Self).ok_or("not an http:// or https:// address")
    }
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogForm {
    /// An object a line.
    Json,
    /// For people.
    Text,
}

impl Default for OfficeConfig {
    fn default() -> Self {
        Self {
            code: "H00.00.00".parse().unwrap_or_else(|_| unreachable!("a fixed, valid code")),
            dossier_code: "{office}-{yymmdd}-{n:4}".to_owned(),
            digitisation_code: "{owner}.{kind}.{number}.{n:2}".to_owned(),
        }
    }
}

impl Default for IntakeConfig {
    fn default() -> Self {
        Self { max_scan_bytes: 256 << 20, max_uploads: 64, max_waiting_jobs: 20_000 }
    }
}

impl Default for ReaderConfig {
    fn default() -> Self {
        Self {
            program: None,
            pdfium: None,
            models: None,
            tessdata: PathBuf::from("/usr/share/tesseract-ocr/5/tessdata"),
            count: 0,
            memory_mb: 1536,
            unpack_seconds: 30,
            read_seconds: 60,
            max_pages: 500,
            max_megapixels: 80,
            without_walls: Vec::new(),
        }
    }
}

impl Default for FilingConfig {
    fn default() -> Self {
        Self { quiet_seconds: 3 }
    }
}

impl Config {
    /// Reads the file, or takes the defaults when none is named.
    pub(crate) fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("reading configuration {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text).map_err(|error| unquoted(&error, text))?;
        let Self { office, intake, reader, telemetry, .. } = &config;
        ensure!(
            office.dossier_code.contains("{n"),
            "office.dossier_code needs a counter {{n:4}}, or codes would not be unique"
        );
        ensure!(
            office.digitisation_code.contains("{n"),
            "office.digitisation_code needs a counter {{n:2}}, or codes would not be unique"
        );
        ensure!(0 < intake.max_uploads, "intake.max_uploads must not be 0");
        ensure!(
            (1..=1 << 30).contains(&intake.max_scan_bytes),
            "intake.max_scan_bytes must be from 1 to {}",
            1 << 30
        );
        ensure!(256 <= reader.memory_mb, "reader.memory_mb must be at least 256");
        ensure!(0 < reader.read_seconds, "reader.read_seconds must not be 0");
        ensure!(0 < reader.unpack_seconds, "reader.unpack_seconds must not be 0");
        ensure!(
            reader.read_seconds.max(reader.unpack_seconds) <= LONGEST_QUESTION,
            "reader.read_seconds and reader.unpack_seconds must be at most {LONGEST_QUESTION}"
        );
        if let Some(otlp) = &telemetry.otlp {
            ensure!(otlp.0.scheme() == "http", "telemetry.otlp must be an http:// address");
        }
        config.access.check()?;
        config.signing.check()?;
        config.audit.check()?;
        config.exchange.check()?;
        let there = [config.database.is_some(), config.broker.is_some(), config.store.is_some()];
        if there != [true; 3] && there != [false; 3] {
            bail!("[database], [broker] and [store] go together: all three, or none of them");
        }
        config.cluster()?;
        config.keys.masters()?;
        Ok(config)
    }

    /// The cluster's parts, their secrets read; none for the embedded forms.
    pub(crate) fn cluster(&self) -> anyhow::Result<Option<Cluster>> {
        match (&self.database, &self.broker, &self.store) {
            (Some(database), Some(broker), Some(store)) => {
                Cluster::of(database, broker, store).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// Longest time that a reader may be given, in seconds: somebody waits for the page.
const LONGEST_QUESTION: u64 = 120;

/// What is wrong and in which line, without the line itself: it may hold a secret.
fn unquoted(error: &toml::de::Error, text: &str) -> anyhow::Error {
    let before = error.span().and_then(|span| text.get(..span.start));
    match before {
        Some(before) => {
            anyhow!("line {}: {}", before.matches('\n').count() + 1, error.message())
        }
        None => anyhow!("{}", error.message()),
    }
}

impl ReaderConfig {
    /// How many readers to run.
    pub(crate) fn count(&self) -> usize {
        match self.count {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        }
    }

    /// The reader program, with its arguments and limits.
    pub(crate) fn program(&self) -> anyhow::Result<worker::ReaderProgram> {
        let here = std::env::current_exe().context("finding this program")?;
        let beside = here.parent().unwrap_or(Path::new("."));
        let program = self.program.clone().unwrap_or_else(|| beside.join("sohoa-reader"));
        ensure!(program.is_file(), "reader program {} is missing", program.display());
        let models = find(self.models.as_ref(), beside, "models");
        let models = models.context("the reading models are missing; see reader.models")?;
        let mut args = vec!["--tessdata".into(), self.tessdata.clone().into_os_string()];
        args.extend(["--models".into(), models.into_os_string()]);
        if let Some(pdfium) = find(self.pdfium.as_ref(), beside, "libpdfium.so") {
            args.extend(["--pdfium".into(), pdfium.into_os_string()]);
        }
        args.extend(["--max-megapixels".into(), self.max_megapixels.to_string().into()]);
        for wall in &self.without_walls {
            args.extend(["--without-wall".into(), wall.name().into()]);
        }
        let limits = worker::ReaderLimits {
            unpack: Duration::from_secs(self.unpack_seconds),
            read: Duration::from_secs(self.read_seconds),
            memory: self.memory_mb << 20,
            scan_pages: self.max_pages,
            ..worker::ReaderLimits::default()
        };
        Ok(worker::ReaderProgram { program, args, limits })
    }
}

/// A part of the reader: where the configuration says, or beside this program, where set-up puts
/// it in a checkout, or where a package would.
fn find(said: Option<&PathBuf>, beside: &Path, name: &str) -> Option<PathBuf> {
    if said.is_some() {
        return said.cloned();
    }
    let near = [beside, &beside.join("../../.parts"), Path::new("/usr/lib/sohoa")];
    near.into_iter().map(|folder| folder.join(name)).find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::Command;

    use clap::Parser;

    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<(), &str>) {
        let got = Config::parse(text).map(|_| ()).map_err(|e| e.to_string());
        match want {
            Ok(()) => assert_eq!(got, Ok(()), "{text}"),
            Err(part) => assert!(got.as_ref().is_err_and(|e| e.contains(part)), "{text}: {got:?}"),
        }
    }

    #[test]
    fn the_configuration_that_the_readme_shows_is_one() {
        let shown = shown();
        Config::parse(shown[0]).unwrap();
        // The cluster's is one but for the files that it names.
        let cluster = Config::parse(shown[1]).unwrap_err().to_string();
        assert!(cluster.contains("broker.ca names a file"), "{cluster}");
        Config::parse(shown[2]).unwrap();
        Config::parse(shown[3]).unwrap();
    }

    #[test]
    fn what_the_readme_shows_is_what_it_is_when_left_out() {
        let shown = shown();
        let usual = Config::default();
        let mut config = Config::parse(shown[0]).unwrap();
        // Examples, of what has no default.
        config.office.code = usual.office.code.clone();
        config.access.openid = None;
        config.telemetry = usual.telemetry.clone();
        assert_eq!(format!("{config:#?}"), format!("{usual:#?}"));

        // Of the cluster's, all but its examples.
        let usual = (Some(BrokerConfig::default()), Some(StoreConfig::default()));
        let named = ["[", "window", "delivery_limit", "region", "path_style"];
        let lines = shown[1].lines().filter(|line| named.iter().any(|own| line.starts_with(own)));
        let config: Config = toml::from_str(&lines.collect::<Vec<_>>().join("\n")).unwrap();
        assert_eq!(format!("{:#?}", (config.broker, config.store)), format!("{usual:#?}"));

        // Everyone who is spoken with is an example.
        let config = Config::parse(shown[3].split("\n\n").next().unwrap()).unwrap();
        assert_eq!(format!("{:#?}", config.exchange), format!("{:#?}", ExchangeConfig::default()));
    }

    #[test]
    fn the_readme_names_whatever_can_be_set() {
        let shown = shown().join("\n");
        let between = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let words: BTreeSet<&str> = shown.split(between).collect();
        let names = names_below("");
        for deep in ["delivery_limit", "pin_file", "secret_file", "name_claim"] {
            assert!(names.iter().any(|name| name == deep), "{deep} is not in {names:?}");
        }
        for name in names {
            // A secret is shown in a file of its own.
            let in_file = format!("{name}_file");
            assert!(words.contains(name.as_str()) || words.contains(in_file.as_str()), "{name}");
        }
    }

    /// What README shows of the configuration, in its order: one machine's, the cluster's, the
    /// keys', whom to speak with.
    fn shown() -> Vec<&'static str> {
        let readme = include_str!("../../../README.md");
        let blocks = readme.split("```toml\n").skip(1);
        blocks.map(|block| block.split("```").next().unwrap()).collect()
    }

    /// Every name that can be set below that one, as the refusal of another tells them.
    fn names_below(above: &str) -> Vec<String> {
        let headers = match above {
            "" => vec![String::new()],
            _ => vec![format!("[{above}]\n"), format!("[[{above}]]\n")],
        };
        let refused = headers.iter().find_map(|header| {
            let error = toml::from_str::<Config>(&format!("{header}no_such_name = 0")).err()?;
            let names = error.message().strip_prefix("unknown field `no_such_name`, expected ")?;
            Some(names.to_owned())
        });
        // What is no section is refused in other words.
        let Some(refused) = refused else { return Vec::new() };
        let mut names = Vec::new();
        for name in refused.split('`').skip(1).step_by(2) {
            let dot = if above.is_empty() { "" } else { "." };
            names.extend(names_below(&format!("{above}{dot}{name}")));
            names.push(name.to_owned());
        }
        names
    }

    fn deploy() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
    }

    #[test]
    fn the_settings_that_are_shipped_are_taken_with_the_secrets_that_they_name() {
        let folder = tempfile::tempdir().unwrap();
        let make = deploy().join("compose/secrets.sh");
        assert!(Command::new(make).arg(folder.path()).status().unwrap().success());
        let here = format!("{}/", folder.path().display());
        for (form, secrets) in [("compose", "/run/secrets/"), ("kubernetes", "/etc/sohoa/secrets/")]
        {
            let text = std::fs::read_to_string(deploy().join(form).join("sohoa.toml")).unwrap();
            assert!(text.contains(secrets), "{form}");
            let config = Config::parse(&text.replace(secrets, &here)).unwrap();
            assert!(config.cluster().unwrap().is_some(), "{form}");
            assert!(config.keys.masters().unwrap().is_some(), "{form} keeps papers plain");
            assert!(config.audit.signer().unwrap().is_some(), "{form} has no key for heads");
            assert_ne!(config.office.code, OfficeConfig::default().code, "{form}");
        }
    }

    #[test]
    fn the_program_takes_the_words_that_it_is_called_with_by_what_is_shipped() {
        let folders = ["kubernetes", "systemd"].map(|name| deploy().join(name).read_dir().unwrap());
        let files = folders.into_iter().flatten().map(|file| file.unwrap().path());
        let mut commands = BTreeSet::new();
        for file in files.chain([deploy().join("compose.yaml")]) {
            for words in called(&std::fs::read_to_string(&file).unwrap()) {
                let all = std::iter::once("sohoa".to_owned()).chain(words.clone());
                let refused = crate::Args::try_parse_from(all).err().map(|why| why.to_string());
                assert_eq!(refused, None, "{}: {words:?}", file.display());
                commands.extend(words.into_iter().next());
            }
        }
        let all = ["all", "backup", "intake", "migrate", "records", "review", "work"];
        assert_eq!(commands, BTreeSet::from(all.map(str::to_owned)));
    }

    /// What the program is called with in a unit, a manifest or Compose's file, call by call: in a
    /// shell's words, or in a list of YAML of either form.
    fn called(text: &str) -> Vec<Vec<String>> {
        let text = text.replace("\\\n", " ");
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let mut called: Vec<Vec<String>> = Vec::new();
        for (nth, line) in lines.iter().copied().enumerate() {
            let line = line.strip_prefix("ExecStart=/usr/bin/").unwrap_or(line);
            let list = line.strip_prefix("command: [").or_else(|| line.strip_prefix("args: ["));
            if let Some(words) = line.strip_prefix("sohoa ") {
                called.push(words.split_whitespace().map(str::to_owned).collect());
            } else if let Some(list) = list {
                let words = list.trim_end_matches(']').split(", ");
                called.push(words.map(|word| word.trim_matches('"').to_owned()).collect());
            } else if line == "args:" {
                let words = lines[nth + 1..].iter().map_while(|line| line.strip_prefix("- "));
                called.push(words.map(str::to_owned).collect());
            }
        }
        // PostgreSQL is called, too.
        called.retain(|words| words.first().is_some_and(|first| first != "postgres"));
        called
    }

    #[test]
    fn other_kho_are_still_read_by_their_former_name() {
        let read = |called: &str| {
            let text = format!(
                "[[exchange.{called}]]\nname = 'kho-tinh'\n\
                 results = 'https://kho.example.vn/a'\nfiles = 'https://kho.example.vn/b'"
            );
            format!("{:#?}", Config::parse(&text).unwrap().exchange)
        };
        let kho = read("kho");
        assert!(kho.contains("kho-tinh"), "{kho}");
        assert_eq!(read("stores"), kho);
    }

    #[test]
    fn a_bad_configuration_says_what_is_bad() {
        check("", Ok(()));
        check("office.code = 'H26.01.02'", Ok(()));
        check("office.dossier_code = '{office}'", Err("counter"));
        check("office.code = 'Hà Nội'", Err("an office code"));
        check("[intake]\nmax_uploads = 0", Err("must not be 0"));
        check("[reader]\nreaders = 2", Err("unknown field `readers`"));
        check("[reader]\nmemory_mb = 1", Err("at least 256"));
        check("[reader]\nwithout_walls = ['landlock']", Ok(()));
        check("[reader]\nwithout_walls = ['all']", Err("expected `landlock` or `seccomp`"));
        check("[reader]\nread_seconds = 400", Err("at most 120"));
        check("[signing.agency]\npkcs12 = '/k.p12'\npassword_file = '/k'", Ok(()));
        check("[signing.agency]\npkcs12 = '/k.p12'", Err("password_file"));
        check("[signing.agency]\npassword = 'abc'", Err("unknown field `password`"));
        check("[signing.agency]\nvisible = true", Err("one of pkcs12 and pkcs11"));
        let token = "pkcs11 = { module = '/m.so', token = 't', key = 'k', pin_file = '/p' }";
        check(&format!("[signing.officer]\n{token}"), Ok(()));
        check(&format!("[signing.officer]\npkcs12 = '/k.p12'\n{token}"), Err("one of pkcs12"));
        let own = |name: &str| {
            format!("[[signing.officers]]\nname = '{name}'\npkcs12 = '/k'\npassword_file = '/p'\n")
        };
        let (one, other) = (own("can-bo-3"), own("quay-3"));
        check(&format!("{one}{other}"), Ok(()));
        check(&format!("{one}{one}"), Err("signing.officers[2] has the name of one before"));
        check(&own(" "), Err("signing.officers[1] has no name"));
        check(&format!("[[signing.officers]]\nname = 'can-bo-3'\n{token}"), Ok(()));
        check(&format!("{one}{token}"), Err("signing.officers[1] needs one of pkcs12"));
        check("[[signing.officers]]\npkcs12 = '/k'", Err("missing field `name`"));
        check(&format!("{one}visible = true"), Err("unknown field `visible`"));
        check(&format!("[signing]\npersonal_only = true\n{one}"), Ok(()));
        check("[signing]\npersonal_only = true", Err("nobody has a key"));
        check(&format!("[signing]\ntimestamp_url = 'http://127.0.0.1:1'\n{one}"), Ok(()));
        check("[signing]\ntimestamp_url = 'http://127.0.0.1:1'", Err("nobody signs"));
        check("[retention]\nbirth_certificate = 'permanent'\nresidence_form = 5", Ok(()));
        check("[retention]\nbirth_certificate = 'never'", Err("did not match"));
        check("[keys]\nmaster_file = '/no/such'", Err("keys.master_file"));
        check("[keys]\nformer_files = ['/no/such']", Err("keys.master_file is missing"));
        check("[audit]\nhead_minutes = 0", Err("from 1 to 1440"));
        check("[audit]\nkey_file = '/k'\ncertificate_file = '/c'", Ok(()));
        check("[audit]\nkey_file = '/k'", Err("audit.certificate_file go together"));
        check("[access]\nproxies = ['10.0.0.0/8']\nsecond_factor = []", Ok(()));
        check("[access]\nproxies = ['proxy']", Err("neither an address"));
        check("[access]\nidle_minutes = 0", Err("access.idle_minutes"));
        check("[access]\nsession_hours = 48", Err("access.session_hours"));
        check("[access]\nsecond_factor = ['boss']", Err("unknown variant `boss`"));
        let openid = |issuer: &str, more: &str| {
            format!(
                "[access.openid]\nissuer = '{issuer}'\nclient_id = 'sohoa'\n\
                 client_secret_file = '/s'\npublic = 'https://sohoa.example.vn'\n{more}"
            )
        };
        let good = "https://id.example.vn/realms/can-bo";
        check(&openid(good, "demand = ['mfa']"), Ok(()));
        check(&openid("http://id.example.vn", ""), Err("must be https://"));
        check(&openid("http://id.example.vn", "plain = true"), Ok(()));
        check(&openid("id.example.vn", ""), Err("access.openid.issuer"));
        check(&openid("https://a:b@id.example.vn", ""), Err("access.openid.issuer"));
        check(&openid(good, "landing = '//khac.example.vn'"), Err("access.openid.landing"));
        check(&openid(good, "landing = '/\"><script>'"), Err("access.openid.landing"));
        check(&openid(good, "client_secret = 'abc'"), Err("unknown field `client_secret`"));
        check("[telemetry]\nlog = 'json'\notlp = 'http://127.0.0.1:4318'", Ok(()));
        let webhook = "[[exchange.webhooks]]\nsecret_file = '/s'\nurl = 'https://a.vn'\n";
        check(&format!("{webhook}name = 'mot-cua'"), Ok(()));
        check(&format!("{webhook}name = 'Một cửa'"), Err("a name has"));
        check(&format!("{webhook}name = 'a'\nevents = ['x']"), Err("unknown variant `x`"));
        check(&format!("{webhook}name = 'a'\n{webhook}name = 'a'"), Err("the same name"));
        check(&format!("{webhook}name = 'topic'\n[exchange.topic]"), Err("the same name"));
        check(&format!("{webhook}name = 'a'\nsecret = 's'"), Err("unknown field `secret`"));
        check("[exchange]\nfirst_pause_seconds = 9999", Err("must not be below"));
        check("[telemetry]\nlog = 'xml'", Err("expected `json` or `text`"));
        check("[telemetry]\notlp = 'https://collector'", Err("http://"));
    }
}
