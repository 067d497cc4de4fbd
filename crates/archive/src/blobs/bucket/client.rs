//! The client of a store: nothing of it comes from the environment, and it gives up.

use std::panic::catch_unwind;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use tokio::fs;

use super::trouble::StoreTrouble;
use crate::blobs::store::Store;
use crate::error::{ArchiveError, Doing};

/// Pause before the second attempt; later ones grow from it.
const PAUSE: Duration = Duration::from_millis(200);

/// Longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

pub(super) async fn of(store: &Store) -> Result<Client, ArchiveError> {
    let schemes = ["http://", "https://"];
    if store.endpoint.as_ref().is_some_and(|at| !schemes.iter().any(|s| at.starts_with(s))) {
        return Err(wrong("the store's endpoint must begin with https:// or http://"));
    }
    let provider = Provider::Rustls(CryptoMode::Ring);
    let tls = tls(store).await?;
    // A certificate that can't be parsed makes the connector panic; better now than at a scan.
    let connector = || Connector::builder().tls_provider(provider.clone()).tls_context(tls.clone());
    if catch_unwind(|| drop(connector().build())).is_err() {
        return Err(wrong("no certificate of an authority can be read"));
    }
    let http = Builder::new().tls_provider(provider).tls_context(tls).build_https();
    let (id, secret) = (store.access_key.as_str(), store.secret_key.reveal());
    let retries = RetryConfig::standard()
        .with_max_attempts(store.patience.attempts)
        .with_initial_backoff(PAUSE)
        .with_max_backoff(LONGEST_PAUSE);
    let stalls = StalledStreamProtectionConfig::enabled().grace_period(store.patience.attempt(0));
    let mut config = aws_sdk_s3::Config::builder();
    config.set_endpoint_url(store.endpoint.clone());
    let config = config
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .force_path_style(store.path_style)
        .region(Region::new(store.region.clone()))
        .credentials_provider(Credentials::new(id, secret, None, None, "configuration"))
        .retry_config(retries)
        .timeout_config(timeouts(store, 0))
        .stalled_stream_protection(stalls.build())
        // What is sent carries a checksum; what comes is checked against its name.
        .request_checksum_calculation(RequestChecksumCalculation::WhenSupported)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Ok(Client::from_conf(config))
}

/// Limits for sending so many bytes.
pub(super) fn timeouts(store: &Store, bytes: u64) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(store.patience.connect)
        .operation_attempt_timeout(store.patience.attempt(bytes))
        .operation_timeout(store.patience.whole(bytes))
        .build()
}

async fn tls(store: &Store) -> Result<TlsContext, ArchiveError> {
    let mut trust = TrustStore::default();
    if let Some(ca) = &store.ca {
        let pem = fs::read_to_string(ca).await.doing("reading the store's authorities")?;
        if !pem.contains("-----BEGIN CERTIFICATE-----") {
            return Err(wrong("the store's authorities are no PEM certificates"));
        }
        trust = TrustStore::empty().with_pem_certificate(pem);
    }
    let context = TlsContext::builder().with_trust_store(trust).build();
    context.map_err(|_| wrong("the store's certificate authorities can't be used"))
}

fn wrong(says: &str) -> ArchiveError {
    let source = StoreTrouble { code: "configuration".to_owned(), says: says.to_owned() };
    ArchiveError::Unavailable { what: "opening the store", source: source.into() }
}
