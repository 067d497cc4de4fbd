//! A key that somebody makes for themselves, with a certificate that nobody vouches for: whoever
//! is to trust it is given the certificate.

use std::str::FromStr;
use std::time::Duration;

use der::EncodePem;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::EncodePrivateKey;
use p256::pkcs8::der::pem::LineEnding;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::time::Validity;

use crate::make::SignFailed;

/// How long such a certificate is good: as long as anybody keeps what was signed.
const YEARS: u64 = 30;

/// A key and its certificate.
pub struct OwnKey {
    /// The key as PKCS #8, DER: a secret.
    pub key: Vec<u8>,
    /// Its certificate as PEM.
    pub pem: String,
}

/// Signs documents, under a name, and vouches for nobody.
struct Own(Name);

impl BuilderProfile for Own {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.0.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        Ok(vec![KeyUsage(KeyUsages::DigitalSignature.into()).to_extension(tbs.subject(), &[])?])
    }
}

impl OwnKey {
    /// The P-256 key that 32 random bytes are, and a certificate of that common name from now on.
    ///
    /// # Errors
    /// [`SignFailed::NoKey`] when the bytes are no key (one time in 2³²: take others), or the name
    /// can't stand in a certificate.
    pub fn of(secret: &[u8; 32], name: &str) -> Result<Self, SignFailed> {
        let no_key = || SignFailed::NoKey;
        let key = SigningKey::from_slice(secret).map_err(|_| no_key())?;
        let name = Name::from_str(&format!("CN={name}")).map_err(|_| no_key())?;
        let public = SubjectPublicKeyInfoOwned::from_key(key.verifying_key());
        let lasts = Duration::from_secs(YEARS * 365 * 24 * 3600);
        let builder = CertificateBuilder::new(
            Own(name),
            SerialNumber::from(1_u32),
            Validity::from_now(lasts)?,
            public.map_err(|_| no_key())?,
        );
        let built = builder.and_then(|builder| builder.build::<_, DerSignature>(&key));
        let certificate = built.map_err(|_| no_key())?;
        Ok(Self {
            key: key.to_pkcs8_der().map_err(|_| no_key())?.as_bytes().to_vec(),
            pem: certificate.to_pem(LineEnding::LF)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use schemas::signature::SignatureState;

    use super::*;
    use crate::{Roots, SoftKey, Trust, detached, look};

    #[test]
    fn what_ones_own_key_signs_is_trusted_by_whoever_has_its_certificate_and_nobody_else() {
        let [own, other] = [[7; 32], [9; 32]].map(|secret| OwnKey::of(&secret, "Sohoa").unwrap());
        let key = SoftKey::of_pem(&own.key, own.pem.as_bytes()).unwrap();
        let signature = detached(&key, b"a head").unwrap();
        let signed = look(&signature, Some([b"a head", b""]));
        assert_eq!(signed.state, SignatureState::Intact);
        assert_eq!(look(&signature, Some([b"a tail", b""])).state, SignatureState::Altered);
        let trust = |pem: &str| {
            let roots = Roots::of_pem(pem.as_bytes()).unwrap();
            roots.trust(&signed.certificates, Timestamp::now())
        };
        assert!(matches!(trust(&own.pem), Trust::Trusted(_)));
        assert_eq!(trust(&other.pem), Trust::Unrooted);
        assert!(SoftKey::of_pem(&own.key, b"no certificate").is_err());
        // A key that isn't the certificate's never signs.
        let mixed = SoftKey::of_pem(&own.key, other.pem.as_bytes()).unwrap();
        assert!(matches!(detached(&mixed, b"a head"), Err(SignFailed::OtherKey)));
    }
}
