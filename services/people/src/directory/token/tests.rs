use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;

use super::*;

const ISSUER: &str = "https://id.example.vn";

/// A key of a directory's.
struct Signer {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Signer {
    fn new() -> Self {
        let (way, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let bytes = EcdsaKeyPair::generate_pkcs8(way, &random).unwrap();
        Self { pair: EcdsaKeyPair::from_pkcs8(way, bytes.as_ref(), &random).unwrap(), random }
    }

    fn jwk(&self, id: &str) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y), "kid": id, "use": "sig" })
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let part = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&self.random, message.as_bytes()).unwrap();
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

fn now() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// What a directory says of somebody, with changes.
fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "sub": "s-1", "aud": "sohoa", "exp": now() + 300, "iat": now(),
        "nonce": "nonce", "preferred_username": "can-bo", "amr": ["pwd", "otp"],
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn checked(token: &str, keys: &[Value]) -> Result<Claims, TokenError> {
    prepare();
    check(token, keys, (ISSUER, "sohoa"), "nonce")
}

#[test]
fn a_token_counts_that_the_directory_wrote_for_this_login_and_no_other() {
    let signer = Signer::new();
    let keys = [json!({ "kty": "new", "kid": "2" }), signer.jwk("1")];
    let header = json!({ "alg": "ES256", "kid": "1" });
    let token = |changes| signer.token(&header, &claims(changes));
    let good = checked(&token(json!({})), &keys).unwrap();
    assert_eq!((good.sub.as_str(), good.named("preferred_username")), ("s-1", Some("can-bo")));
    assert!(good.meets(&[]) && good.meets(&["mfa".to_owned(), "otp".to_owned()]));
    assert!(!good.meets(&["mfa".to_owned()]));
    for good in [
        json!({ "aud": ["sohoa"] }),
        json!({ "aud": ["sohoa", "khac"], "azp": "sohoa" }),
        json!({ "exp": now() - 30 }),
    ] {
        assert!(checked(&token(good.clone()), &keys).is_ok(), "{good}");
    }
    for bad in [
        json!({ "iss": "https://khac.example.vn" }),
        json!({ "iss": [ISSUER, "https://khac.example.vn"] }),
        json!({ "aud": "khac" }),
        json!({ "aud": null }),
        json!({ "aud": ["sohoa", "khac"] }),
        json!({ "azp": "khac" }),
        json!({ "exp": now() - 120 }),
        json!({ "exp": null }),
        json!({ "nbf": now() + 120 }),
        json!({ "nonce": "khac" }),
        json!({ "nonce": null }),
        json!({ "sub": "" }),
        json!({ "sub": null }),
        json!({ "sub": "s".repeat(256) }),
    ] {
        assert!(checked(&token(bad.clone()), &keys).is_err(), "{bad}");
    }
}

#[test]
fn a_token_is_signed_by_a_key_that_the_directory_has_now() {
    let (signer, other) = (Signer::new(), Signer::new());
    let keys = [signer.jwk("1")];
    let header = |alg: &str, kid: Value| json!({ "alg": alg, "kid": kid });
    let is_good = |signer: &Signer, header, keys: &[Value]| {
        checked(&signer.token(&header, &claims(json!({}))), keys).is_ok()
    };
    assert!(is_good(&signer, header("ES256", json!("1")), &keys));
    assert!(is_good(&signer, json!({ "alg": "ES256" }), &keys), "the one that fits");
    assert!(!is_good(&signer, json!({ "alg": "ES256" }), &[signer.jwk("1"), other.jwk("2")]));
    assert!(!is_good(&other, header("ES256", json!("1")), &keys), "another's signature");
    assert!(!is_good(&other, header("ES256", json!("2")), &keys), "a key that is gone");
    assert!(is_good(&other, header("ES256", json!("2")), &[signer.jwk("1"), other.jwk("2")]));
    for alg in ["none", "HS256", "ES384", "RS256"] {
        assert!(!is_good(&signer, header(alg, json!("1")), &keys), "{alg}");
    }
    // With a key that everybody knows, as if it were a secret.
    let secret = json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "1" });
    assert!(!is_good(&signer, header("HS256", json!("1")), &[secret]));
    let mut encrypts = signer.jwk("1");
    encrypts["use"] = json!("enc");
    assert!(!is_good(&signer, header("ES256", json!("1")), &[encrypts]));

    // Not a letter of it is another.
    let token = signer.token(&header("ES256", json!("1")), &claims(json!({})));
    let [head, body, signature]: [&str; 3] =
        token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other = BASE64_URL_SAFE_NO_PAD.encode(claims(json!({ "sub": "s-2" })).to_string());
    assert!(checked(&format!("{head}.{other}.{signature}"), &keys).is_err());
    for cut in [format!("{head}.{body}."), format!("{head}.{body}"), String::new()] {
        assert!(checked(&cut, &keys).is_err(), "{cut}");
    }
}
