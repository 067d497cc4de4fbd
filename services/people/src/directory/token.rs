//! Whether a token is the directory's word about whoever is at the door now (OpenID Connect Core,
//! section 3.1.3.7). `jsonwebtoken` knows tokens and keys; signatures are checked by `ring`, which
//! TLS brings along.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind, new_error};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Validation, decode, decode_header};
use ring::signature as signed;
use serde::Deserialize;
use serde_json::{Map, Value};

/// How far the directory's clock may be off, in seconds.
const LEEWAY: u64 = 60;

/// Longest name of somebody (section 2).
const LONGEST_SUBJECT: usize = 255;

/// Why a token is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    /// Broken, not signed by the directory, for others, or over.
    #[error("it isn't good")]
    Bad(#[from] Error),
    /// No key of the directory's fits.
    #[error("it names a key that the directory doesn't have")]
    Key,
    /// It is another login's.
    #[error("it is of another login")]
    Nonce,
    /// It was given to another.
    #[error("it was given to another")]
    Party,
    /// It says who it is in no way that can be kept.
    #[error("its subject is none")]
    Subject,
}

/// What the directory says of somebody.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    iss: String,
    /// What it calls them, and nobody else ever.
    pub(super) sub: String,
    aud: Value,
    azp: Option<String>,
    nonce: Option<String>,
    acr: Option<String>,
    #[serde(default)]
    amr: Vec<String>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Claims {
    /// Somebody's login name.
    pub(super) fn named(&self, claim: &str) -> Option<&str> {
        match claim {
            "sub" => Some(&self.sub),
            _ => self.more.get(claim)?.as_str(),
        }
    }

    /// Whether they showed who they are in one of these ways, where any is demanded.
    pub(super) fn meets(&self, demand: &[String]) -> bool {
        let holds = |one: &String| self.acr.as_ref() == Some(one) || self.amr.contains(one);
        demand.is_empty() || demand.iter().any(holds)
    }
}

/// What a token says, if it is that issuer's word to that client about the login of that nonce.
pub(super) fn check(
    token: &str,
    keys: &[Value],
    (issuer, client): (&str, &str),
    nonce: &str,
) -> Result<Claims, TokenError> {
    let header = decode_header(token)?;
    let key = key_of(keys, header.kid.as_deref(), header.alg).ok_or(TokenError::Key)?;
    let mut rules = Validation::new(header.alg);
    rules.leeway = LEEWAY;
    rules.validate_nbf = true;
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules.set_issuer(&[issuer]);
    rules.set_audience(&[client]);
    let claims: Claims = decode(token, &key, &rules)?.claims;
    // For several it is, where it says so, for the one that it was given to.
    let several = claims.aud.as_array().is_some_and(|aud| aud.len() > 1);
    let party = claims.azp.as_deref();
    if claims.iss != issuer || party.map_or(several, |party| party != client) {
        return Err(TokenError::Party);
    }
    if claims.nonce.as_deref() != Some(nonce) {
        return Err(TokenError::Nonce);
    }
    if !(1..=LONGEST_SUBJECT).contains(&claims.sub.len()) {
        return Err(TokenError::Subject);
    }
    Ok(claims)
}

/// The key that a token names; of one that names none, the one that fits, where no other does.
fn key_of(keys: &[Value], id: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
    // Keys of sorts that nobody knows here may stand beside it.
    let keys = keys.iter().filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
    let mut fitting = keys.filter_map(|key| {
        let common = &key.common;
        let meant =
            common.key_algorithm.is_none_or(|it| it.to_string() == format!("{algorithm:?}"));
        let named = id.is_none_or(|id| common.key_id.as_deref() == Some(id));
        let signs = common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
        let key = DecodingKey::from_jwk(&key).ok().filter(|_| meant && named && signs)?;
        (key.family() == algorithm.family()).then_some(key)
    });
    let key = fitting.next()?;
    fitting.next().is_none().then_some(key)
}

/// Has `ring` check signatures. A second time changes nothing.
pub(super) fn prepare() {
    RING.install_default().ok();
}

static RING: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(new_error(ErrorKind::InvalidAlgorithm)),
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if key.family() != algorithm.family() {
        return Err(new_error(ErrorKind::InvalidAlgorithm));
    }
    Ok(Box::new(Key { algorithm: *algorithm, key: key.clone() }))
}

struct Key {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtVerifier for Key {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for Key {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let good = match self.key.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                let way = match self.algorithm {
                    Algorithm::RS256 => &signed::RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::RS384 => &signed::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::RS512 => &signed::RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::PS256 => &signed::RSA_PSS_2048_8192_SHA256,
                    Algorithm::PS384 => &signed::RSA_PSS_2048_8192_SHA384,
                    Algorithm::PS512 => &signed::RSA_PSS_2048_8192_SHA512,
                    _ => return Err(signature::Error::new()),
                };
                signed::RsaPublicKeyComponents { n, e }.verify(way, message, signature)
            }
            DecodingKeyKind::SecretOrDer(point) => {
                let way: &dyn signed::VerificationAlgorithm = match self.algorithm {
                    Algorithm::ES256 => &signed::ECDSA_P256_SHA256_FIXED,
                    Algorithm::ES384 => &signed::ECDSA_P384_SHA384_FIXED,
                    Algorithm::EdDSA => &signed::ED25519,
                    // With a secret that both sides know, either could have written the token.
                    _ => return Err(signature::Error::new()),
                };
                signed::UnparsedPublicKey::new(way, point).verify(message, signature)
            }
        };
        good.map_err(|_| signature::Error::new())
    }
}

#[cfg(test)]
mod tests;
