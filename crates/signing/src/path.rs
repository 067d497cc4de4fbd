//! Whether a certificate leads to a root that is trusted: names, signatures, days, and what each
//! may be used for (RFC 5280, section 6, as far as signatures on papers need it). Nobody is asked
//! whether a certificate was revoked: that needs a network.

use der::Encode;
use der::asn1::ObjectIdentifier;
use jiff::Timestamp;
use schemas::subject::Name;
use x509_cert::Certificate;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

use crate::cms::common_name;
use crate::hash::{Hash, has_signed};

/// Most certificates from a signer's own to the root.
const LONGEST: usize = 8;

/// Extensions that may be critical: the ones looked at here, and those that say nothing about
/// who signed (names of the holder, policies, extended usage).
const KNOWN: [ObjectIdentifier; 5] = [
    ObjectIdentifier::new_unwrap("2.5.29.15"),
    ObjectIdentifier::new_unwrap("2.5.29.19"),
    ObjectIdentifier::new_unwrap("2.5.29.17"),
    ObjectIdentifier::new_unwrap("2.5.29.32"),
    ObjectIdentifier::new_unwrap("2.5.29.37"),
];

/// Certificates that are trusted.
#[derive(Debug, Clone, Default)]
pub struct Roots(Vec<Certificate>);

/// What came of looking for a way to a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// It leads to this root.
    Trusted(Option<Name>),
    /// It leads to none of them.
    Unrooted,
    /// It leads there, but a certificate wasn't valid at that time.
    OutOfDate,
}

impl Roots {
    /// From PEM: one certificate or many.
    ///
    /// # Errors
    /// When there is none, or one can't be read.
    pub fn of_pem(pem: &[u8]) -> Result<Self, der::Error> {
        Certificate::load_pem_chain(pem).map(Self)
    }

    /// Adds another's.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks for a way from the first certificate over the others to a root, all of them valid
    /// at that time.
    #[must_use]
    pub fn trust(&self, certificates: &[Certificate], at: Timestamp) -> Trust {
        let Some(own) = certificates.first() else { return Trust::Unrooted };
        if !may_sign(own) {
            return Trust::Unrooted;
        }
        match self.root_of(own, certificates, 0) {
            None => Trust::Unrooted,
            Some(path) if !path.iter().all(|one| is_valid(one, at)) => Trust::OutOfDate,
            Some(path) => Trust::Trusted(
                path.last().and_then(|root| common_name(root.tbs_certificate().subject())),
            ),
        }
    }

    /// The certificates from one to a root.
    fn root_of<'a>(
        &'a self,
        own: &'a Certificate,
        others: &'a [Certificate],
        depth: usize,
    ) -> Option<Vec<&'a Certificate>> {
        if LONGEST < depth || has_unknown(own) {
            return None;
        }
        if self.0.iter().any(|root| same(root, own)) {
            return Some(vec![own]);
        }
        if let Some(root) = self.0.iter().find(|root| issued(root, own, depth)) {
            return Some(vec![own, root]);
        }
        let above = others.iter().filter(|above| !same(above, own) && issued(above, own, depth));
        above.into_iter().find_map(|above| {
            let mut path = self.root_of(above, others, depth + 1)?;
            path.insert(0, own);
            Some(path)
        })
    }
}

fn same(one: &Certificate, other: &Certificate) -> bool {
    one.to_der().ok() == other.to_der().ok()
}

/// Whether one certificate is of an authority that issued the other, which has `below`
/// authorities between itself and the signer's own.
fn issued(above: &Certificate, own: &Certificate, below: usize) -> bool {
    let (issuer, tbs) = (above.tbs_certificate(), own.tbs_certificate());
    if issuer.subject() != tbs.issuer() || has_unknown(above) {
        return false;
    }
    let is_authority = match issuer.get_extension::<BasicConstraints>() {
        Ok(Some((_, basic))) => {
            let most = basic.path_len_constraint.map_or(usize::MAX, usize::from);
            basic.ca && below <= most
        }
        Ok(None) | Err(_) => false,
    };
    let may = match issuer.get_extension::<KeyUsage>() {
        Ok(Some((_, usage))) => usage.key_cert_sign(),
        Ok(None) => true,
        Err(_) => false,
    };
    let Some(hash) = Hash::of_certificate(own.signature_algorithm().oid) else { return false };
    let (Ok(signed), Some(signature)) = (tbs.to_der(), own.signature().as_bytes()) else {
        return false;
    };
    let key = issuer.subject_public_key_info();
    is_authority && may && has_signed(key, hash, &hash.digest(&[&signed]), signature) == Some(true)
}

/// Whether a certificate's key may sign documents.
fn may_sign(own: &Certificate) -> bool {
    match own.tbs_certificate().get_extension::<KeyUsage>() {
        Ok(Some((_, usage))) => usage.digital_signature() || usage.non_repudiation(),
        Ok(None) => true,
        Err(_) => false,
    }
}

/// Whether there is a critical extension that isn't understood here.
fn has_unknown(own: &Certificate) -> bool {
    let extensions = own.tbs_certificate().extensions().into_iter().flatten();
    extensions.into_iter().any(|one| one.critical && !KNOWN.contains(&one.extn_id))
}

fn is_valid(own: &Certificate, at: Timestamp) -> bool {
    let validity = own.tbs_certificate().validity();
    let seconds = |time: &x509_cert::time::Time| time.to_unix_duration().as_secs();
    let Ok(at) = u64::try_from(at.as_second()) else { return false };
    (seconds(&validity.not_before)..=seconds(&validity.not_after)).contains(&at)
}
