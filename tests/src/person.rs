//! People of the office, as they log in.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::header::{COOKIE, HeaderValue, SET_COOKIE};
use reqwest::{Client, Response};
use schemas::access::Role;
use schemas::api::{FactorOffer, RecoveryCodes, SessionView};
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::station::{Station, expect};

/// What people choose when they are asked to.
const CHOSEN: &str = "bốn con trâu trắng";

/// Somebody who was made and has not been here yet.
pub struct Given {
    pub name: String,
    pub password: String,
}

/// Somebody who is logged in.
#[derive(Clone)]
pub struct PersonThere {
    pub name: String,
    pub password: String,
    pub cookie: String,
    /// The secret of the second factor.
    pub factor: Option<String>,
    /// The code that confirmed it, which is used up.
    pub confirmed: Option<String>,
    /// What opens the door without it.
    pub recovery: Vec<String>,
}

impl PersonThere {
    /// A client in their name.
    pub fn http(&self) -> Client {
        with_cookie(&self.cookie)
    }
}

impl Station {
    /// Makes a person with `sohoa access person add`.
    pub fn new_person(&self, name: &str, role: Role, office: &str) -> Given {
        let add = ["person", "add", name, "--role", role.as_str(), "--office", office];
        let password = self.access(&add).trim().to_owned();
        Given { name: name.to_owned(), password }
    }

    /// Makes a person who logs in and has done what must be done first.
    pub async fn person(&self, name: &str, role: Role, office: &str) -> PersonThere {
        self.settle_in(self.new_person(name, role, office)).await
    }

    /// Logs somebody in for the first time: another password, a second factor where one is due.
    pub async fn settle_in(&self, given: Given) -> PersonThere {
        let response = self.log_in(&given.name, &given.password, None).await;
        let cookie = cookie_of(&response);
        let change = json!({ "current": given.password, "new": CHOSEN });
        let url = self.url("/v1/session/password");
        let response = with_cookie(&cookie).put(url).json(&change).send().await.unwrap();
        let mut person = PersonThere {
            name: given.name,
            password: CHOSEN.to_owned(),
            cookie: cookie_of(&response),
            factor: None,
            confirmed: None,
            recovery: Vec::new(),
        };
        let session: SessionView = expect(response, "changing the password").await;
        if !session.duties.is_empty() {
            self.set_up_factor(&mut person).await;
        }
        person
    }

    /// Sets up a second factor.
    pub async fn set_up_factor(&self, person: &mut PersonThere) {
        let (http, url) = (person.http(), self.url("/v1/session/second-factor"));
        let ask = json!({ "password": person.password });
        let offer = http.post(&url).json(&ask).send().await.unwrap();
        let offer: FactorOffer = expect(offer, "asking for a secret").await;
        let secret = offer.secret.reveal().to_owned();
        let code = code_of(&secret, 0);
        let confirm = json!({ "code": code });
        let codes = http.put(&url).json(&confirm).send().await.unwrap();
        let codes: RecoveryCodes = expect(codes, "confirming it").await;
        person.recovery = codes.codes.iter().map(|code| code.reveal().to_owned()).collect();
        person.factor = Some(secret);
        person.confirmed = Some(code);
    }

    /// Tries to log in.
    pub async fn log_in(&self, name: &str, password: &str, code: Option<&str>) -> Response {
        let mut login: Value = json!({ "name": name, "password": password });
        if let Some(code) = code {
            login["code"] = json!(code);
        }
        Client::new().post(self.url("/v1/session")).json(&login).send().await.unwrap()
    }
}

/// What an authenticator shows, or will in so many half minutes.
pub fn code_of(secret: &str, steps: u64) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    totp.generate(now + 30 * steps).to_string()
}

/// The cookie that an answer sets, as a browser sends it back.
pub fn cookie_of(response: &Response) -> String {
    let status = response.status();
    let set = response.headers().get(SET_COOKIE);
    let set = set.unwrap_or_else(|| panic!("no cookie with {status}")).to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

/// A client that shows a cookie with everything it asks.
pub fn with_cookie(cookie: &str) -> Client {
    let mut shown = HeaderValue::from_str(cookie).unwrap();
    shown.set_sensitive(true);
    Client::builder().default_headers([(COOKIE, shown)].into_iter().collect()).build().unwrap()
}
