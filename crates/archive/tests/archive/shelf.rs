//! An archive whose blobs are in one form or the other, and hands that reach past it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use archive::{Archive, Patience, Place, SecretKey, Store};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use schemas::Uuid;
use schemas::ids::Blake3;
use tempfile::TempDir;

pub(crate) struct Shelf {
    pub(crate) dir: TempDir,
    pub(crate) archive: Archive,
    pub(crate) store: Option<Store>,
}

/// One archive of each form.
pub(crate) async fn both() -> [Shelf; 2] {
    [shelf(None).await, shelf(Some(store())).await]
}

pub(crate) async fn shelf(store: Option<Store>) -> Shelf {
    let dir = tempfile::tempdir().unwrap();
    let place = Place { store: store.clone(), ..Place::at(dir.path()) };
    let archive = Archive::open(&place).await.unwrap();
    Shelf { dir, archive, store }
}

/// A part of the tests' bucket that nobody else has, in a store that runs.
pub(crate) fn store() -> Store {
    started();
    Store {
        endpoint: Some(format!("http://{STORE}")),
        region: "us-east-1".to_owned(),
        bucket: "sohoa".to_owned(),
        prefix: format!("{}/", Uuid::new_v4()),
        access_key: "sohoa".to_owned(),
        secret_key: SecretKey::new("sohoa-local".to_owned()),
        ca: None,
        path_style: true,
        encryption: None,
        patience: Patience::default(),
    }
}

/// The store's folder; it runs when this returns.
pub(crate) fn started() -> &'static Path {
    static STARTED: OnceLock<PathBuf> = OnceLock::new();
    STARTED.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        let folder = root.join("target/cluster/seaweedfs");
        let script = root.join("deploy/cluster/seaweedfs.sh");
        let status = Command::new(script).arg("start").arg(&folder).status();
        assert!(status.unwrap().success(), "the store does not start");
        folder
    })
}

pub(crate) const STORE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 28333);

/// As the store, but given up soon.
pub(crate) fn impatient(store: Store) -> Store {
    let patience = Patience {
        connect: Duration::from_millis(300),
        attempt: Duration::from_millis(700),
        attempts: 2,
        ..Patience::default()
    };
    Store { patience, ..store }
}

impl Shelf {
    /// Somebody changes what is stored.
    pub(crate) async fn overwrite(&self, key: Blake3, bytes: &[u8]) {
        match &self.store {
            None => std::fs::write(self.file(key), bytes).unwrap(),
            Some(store) => {
                let put = client().put_object().bucket("sohoa").key(name(store, key));
                put.body(bytes.to_vec().into()).send().await.unwrap();
            }
        }
    }

    /// What is stored.
    pub(crate) async fn stored(&self, key: Blake3) -> Vec<u8> {
        match &self.store {
            None => std::fs::read(self.file(key)).unwrap(),
            Some(store) => {
                let get = client().get_object().bucket("sohoa").key(name(store, key));
                get.send().await.unwrap().body.collect().await.unwrap().to_vec()
            }
        }
    }

    /// Somebody removes what is stored.
    pub(crate) async fn lose(&self, key: Blake3) {
        match &self.store {
            None => std::fs::remove_file(self.file(key)).unwrap(),
            Some(store) => {
                let delete = client().delete_object().bucket("sohoa").key(name(store, key));
                delete.send().await.unwrap();
            }
        }
    }

    /// Files that are being received.
    pub(crate) fn incoming(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("incoming")).unwrap().count()
    }

    fn file(&self, key: Blake3) -> PathBuf {
        let name = key.to_string();
        self.dir.path().join("blobs").join(&name[..2]).join(&name[2..])
    }
}

pub(crate) fn name(store: &Store, key: Blake3) -> String {
    let name = key.to_string();
    format!("{}blobs/{}/{}", store.prefix, &name[..2], &name[2..])
}

/// A client of one's own.
pub(crate) fn client() -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(format!("http://{STORE}"))
        .force_path_style(true)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("sohoa", "sohoa-local", None, None, "test"));
    Client::from_conf(config.build())
}

/// Uploads of a store that are not finished.
pub(crate) async fn uploads(store: &Store) -> usize {
    let list = client().list_multipart_uploads().bucket("sohoa").prefix(&store.prefix);
    list.send().await.unwrap().uploads().len()
}

/// Bytes that don't repeat and compress badly.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let mut reader = blake3::Hasher::new().update(&seed.to_be_bytes()).finalize_xof();
    reader.fill(&mut bytes);
    bytes
}
