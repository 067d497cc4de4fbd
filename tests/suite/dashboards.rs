//! The dashboard and the alert rules match what a running Sohoa tells: a real Prometheus looks at
//! it, evaluates the rules and answers every query of the dashboard.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tests::Story;

use crate::Stage;
use crate::receiver::Receiver;

/// Rules by which somebody would be called after what happens here.
const CALLED_FOR: [&str; 4] =
    ["SohoaDeliveriesHang", "SohoaDeliveriesWait", "SohoaPagesParked", "SohoaParked"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Set-up takes it out of its Debian package.
fn program(name: &str) -> PathBuf {
    let path = root().join(".parts/prometheus").join(name);
    assert!(path.is_file(), "{} is missing: deploy/setup.sh test", path.display());
    path
}

#[test]
fn the_rules_are_rules() {
    let rules = root().join("deploy/prometheus/alerts.yaml");
    let output = Command::new(program("promtool")).args(["check", "rules"]).arg(rules).output();
    let output = output.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_run_answers_every_query_of_the_dashboard_and_of_the_rules() {
    let receiver = Receiver::start().await;
    // What is told first hangs, and what comes after waits.
    receiver.answers(&[&[410][..], &[503; 100]].concat());
    let stage = Stage::start_with(&receiver.config("")).await;
    let prometheus = Prometheus::start(&stage).await;
    let story = Story::told("khai-sinh");
    let dossier = stage.put_through(&story.opening(None), &story.scans()).await;
    // One thing for a person to look at.
    stage.scan(&dossier, b"\x89PNG\r\n\x1a\n and nothing after it").await;
    stage.settled(&dossier).await;
    stage.sql("update delivery set made_at = made_at - 7200000000 where fate = 'waiting'");
    let parked = Instant::now();
    while prometheus.ask("ALERTS").await.len() < CALLED_FOR.len() {
        assert!(parked.elapsed() < Duration::from_secs(20), "nobody would be called");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    let told = Told::of(&stage.metrics().await);
    let queries = dashboard();
    told.shown_by(&queries);
    for query in &queries {
        told.check(query);
        assert!(!prometheus.ask(query).await.is_empty(), "no answer: {query}");
    }
    let rules = prometheus.rules().await;
    assert!(CALLED_FOR.len() < rules.len());
    for rule in &rules {
        told.check(rule["query"].as_str().unwrap());
        assert_eq!((&rule["health"], &rule["type"]), (&"ok".into(), &"alerting".into()), "{rule}");
        let name = rule["name"].as_str().unwrap();
        let called_for = CALLED_FOR.contains(&name);
        assert_eq!(rule["state"], if called_for { "pending" } else { "inactive" }, "{rule}");
    }
}

/// The dashboard's queries.
fn dashboard() -> Vec<String> {
    let text = std::fs::read(root().join("deploy/grafana/sohoa.json")).unwrap();
    let dashboard: Value = serde_json::from_slice(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// The names of ours in a query.
fn names(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("sohoa_"))
}

/// The names that a running Sohoa tells, with their labels.
struct Told(BTreeMap<String, BTreeSet<String>>);

impl Told {
    fn of(metrics: &str) -> Self {
        let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in metrics.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let labels = line.split_once('{').map_or("", |(_, rest)| rest);
            let labels = labels.split("\",").filter_map(|label| label.split_once("=\""));
            told.entry(name.to_owned())
                .or_default()
                .extend(labels.map(|(name, _)| name.to_owned()));
        }
        Self(told)
    }

    /// Every name that is told is in one of the queries: what nobody sees nobody misses.
    fn shown_by(&self, queries: &[String]) {
        let shown: BTreeSet<&str> = queries.iter().flat_map(|query| names(query)).collect();
        let parts = ["_bucket", "_count", "_sum"];
        let family = |name: &str| {
            let part = parts.iter().find_map(|part| name.strip_suffix(part));
            part.unwrap_or(name).to_owned()
        };
        let shown: BTreeSet<String> = shown.into_iter().map(family).collect();
        let told: BTreeSet<String> = self.0.keys().map(|name| family(name)).collect();
        assert_eq!(told.difference(&shown).collect::<Vec<_>>(), Vec::<&String>::new());
    }

    /// Every name in a query is told, with the labels that the query asks for.
    fn check(&self, query: &str) {
        let mut known = BTreeSet::new();
        let mut rest = query;
        while let Some(at) = rest.find("sohoa_") {
            rest = &rest[at..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
            let labels = self.0.get(name).unwrap_or_else(|| panic!("{name} is not told: {query}"));
            if let Some(selector) = after.strip_prefix('{') {
                for matcher in selector.split('}').next().unwrap().split(',') {
                    let label = matcher.split(['=', '!']).next().unwrap().trim();
                    assert!(labels.contains(label), "{name} has no label {label}: {query}");
                }
            }
            known.extend(labels);
            rest = after;
        }
        assert!(query.contains("sohoa_"), "{query}");
        for by in query.split("by (").skip(1) {
            for label in by.split(')').next().unwrap().split(',') {
                assert!(known.contains(&label.trim().to_owned()), "no label {label}: {query}");
            }
        }
    }
}

/// A Prometheus that looks at a stage every second. Dropping it kills it.
struct Prometheus {
    process: Child,
    address: String,
    http: reqwest::Client,
    _folder: TempDir,
}

impl Prometheus {
    async fn start(stage: &Stage) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let targets: Vec<&str> = stage.hosts().collect();
        let rules = root().join("deploy/prometheus/alerts.yaml").canonicalize().unwrap();
        let text = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [{rules:?}]\n\
             scrape_configs: [{{ job_name: sohoa, static_configs: [{{ targets: {targets:?} }}] }}]\n"
        );
        std::fs::write(&config, text).unwrap();
        // Whatever is free: between this and Prometheus somebody might take it, and hardly does.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new(program("prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={free}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (address, http) = (format!("http://{free}"), reqwest::Client::new());
        let prometheus = Self { process, address, http, _folder: folder };
        let since = Instant::now();
        // Two looks, so that there are rates.
        while !prometheus.sees().await {
            assert!(since.elapsed() < Duration::from_secs(30), "Prometheus sees nothing");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        prometheus
    }

    async fn sees(&self) -> bool {
        let url = format!("{}/-/ready", self.address);
        let ready = self.http.get(url).send().await.is_ok_and(|r| r.status().is_success());
        ready && !self.ask("rate(sohoa_pages_total[1m])").await.is_empty()
    }

    /// What a query finds now.
    async fn ask(&self, query: &str) -> Vec<Value> {
        let url = format!("{}/api/v1/query", self.address);
        let answer = self.http.get(url).query(&[("query", query)]).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }

    async fn rules(&self) -> Vec<Value> {
        let url = format!("{}/api/v1/rules", self.address);
        let answer: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        let groups = answer["data"]["groups"].as_array().unwrap().iter();
        groups.flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
