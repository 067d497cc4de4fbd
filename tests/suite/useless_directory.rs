//! Directories that are of no use: too weak, of another office, silent, none. A process refuses
//! them by itself, so one machine is enough.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use reqwest::Method;
use schemas::access::Role;
use serde_json::json;
use tests::Stage;

use crate::directory::{Browser, OFFICE, PASSWORD, Provider, add, code};

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_too_weak_knows_us_not_or_hangs_is_refused() {
    let provider = Provider::start();
    let weak = Stage::start_with(&provider.config("demand = ['mfa', 'otp']")).await;
    add(&weak, "can-bo", Role::Officer);
    let refused = Browser::default().log_in(&weak, "can-bo").await;
    assert_eq!(code(refused).await, "access.directory_weak");

    let config = provider.config("").replace("/sohoa\"", "/khac\"");
    let stranger = Stage::start_beside(&config).await;
    let refused = Browser::default().log_in(&stranger, "can-bo").await;
    assert_eq!(code(refused).await, "access.directory_refused");

    // One that takes a connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let config = provider.config("").replace(&provider.port.to_string(), &port);
    let hanging = Stage::start_beside(&config).await;
    let since = Instant::now();
    let refused = Browser::default().get(&hanging, "/v1/session/openid").await;
    assert_eq!(code(refused).await, "access.directory_down");
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    hanging.person("nguoi-khac", Role::Officer, OFFICE).await;

    let without = Stage::start_beside("").await;
    let refused = Browser::default().get(&without, "/v1/session/openid").await;
    assert_eq!(code(refused).await, "access.directory_none");
    let body = json!({ "name": "can-bo", "password": PASSWORD });
    let local = Browser::default().ask(&weak, Method::POST, "/v1/session", body).await;
    assert_eq!(code(local).await, "access.login", "nobody has a password there");
}
