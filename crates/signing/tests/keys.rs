//! Keys as OpenSSL makes them, signatures as others would change them.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::path::Path;
use std::process::Command;

use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfos};
use der::asn1::SetOfVec;
use der::{Any, Decode, Encode};
use jiff::{Timestamp, ToSpan};
use schemas::signature::SignatureState;
use signing::{Roots, SignFailed, Signer, SoftKey, Trust};
use tempfile::TempDir;
use x509_cert::Certificate;

struct Keys(TempDir);

impl Keys {
    fn made() -> Self {
        let folder = TempDir::new().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/pyhanko/keys.sh");
        assert!(Command::new(script).arg(folder.path()).status().unwrap().success());
        Self(folder)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(name)).unwrap()
    }

    fn open(&self, name: &str) -> SoftKey {
        let password = String::from_utf8(self.read("password")).unwrap();
        SoftKey::open(&self.read(name), &password).unwrap()
    }

    fn roots(&self, name: &str) -> Roots {
        Roots::of_pem(&self.read(name)).unwrap()
    }

    /// Has OpenSSL do something in the folder.
    fn openssl(&self, args: &[&str]) -> Vec<u8> {
        let output =
            Command::new("openssl").args(args).current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

const TEXT: &[u8] = b"mot to giay";

fn state(signature: &[u8], text: &[u8]) -> SignatureState {
    signing::look(signature, Some([text, &[]])).state
}

#[test]
fn both_sorts_of_key_sign_what_openssl_finds_good() {
    let keys = Keys::made();
    for name in ["officer.p12", "agency.p12"] {
        let signature = signing::detached(&keys.open(name), TEXT).unwrap();
        assert_eq!(state(&signature, TEXT), SignatureState::Intact);
        assert_eq!(state(&signature, b"mot to giay khac"), SignatureState::Altered);
        std::fs::write(keys.0.path().join("signature"), &signature).unwrap();
        std::fs::write(keys.0.path().join("text"), TEXT).unwrap();
        let verify = ["cms", "-verify", "-inform", "DER", "-in", "signature", "-content", "text"];
        let rest = ["-binary", "-CAfile", "root.pem", "-purpose", "any", "-cades"];
        assert_eq!(keys.openssl(&[&verify[..], &rest].concat()), TEXT);
    }
}

#[test]
fn a_file_with_another_password_or_without_a_key_is_refused() {
    let keys = Keys::made();
    let open = |file: &[u8], password| SoftKey::open(file, password);
    assert!(matches!(open(&keys.read("officer.p12"), "khac"), Err(SignFailed::Closed)));
    assert!(matches!(open(b"no such thing", ""), Err(SignFailed::Closed)));
    let only = ["pkcs12", "-export", "-nokeys", "-in", "root.pem", "-passout", "pass:x"];
    assert!(matches!(open(&keys.openssl(&only), "x"), Err(SignFailed::NoKey)));
    assert!(!format!("{:?}", keys.open("officer.p12")).contains("Quét"));
}

#[test]
fn a_certificate_tells_until_when_it_is_good() {
    let keys = Keys::made();
    let until = |name: &str| keys.open(name).chain().good_until().unwrap();
    assert_eq!(until("expired.p12").to_string(), "2021-01-01T00:00:00Z");
    let day = jiff::SignedDuration::from_hours(24);
    let (first, now) = (until("first.p12"), Timestamp::now());
    assert!((now + day * 364..=now + day * 365).contains(&first), "{first}");
}

#[test]
fn a_certificate_leads_to_its_root_while_it_is_valid_and_to_no_other() {
    let keys = Keys::made();
    let signature = signing::detached(&keys.open("agency.p12"), TEXT).unwrap();
    let own = signing::look(&signature, Some([TEXT, &[]])).certificates;
    let now = Timestamp::now();
    let (root, stranger) = (keys.roots("root.pem"), keys.roots("stranger-root.pem"));
    let trusted = root.trust(&own, now);
    assert!(
        matches!(&trusted, Trust::Trusted(Some(name)) if name.reveal() == "Cơ quan chứng thực mẫu")
    );
    assert_eq!(stranger.trust(&own, now), Trust::Unrooted);
    assert!(matches!(stranger.and(root.clone()).trust(&own, now), Trust::Trusted(_)));
    for days in [-2, 400] {
        let at = now + (24 * days).hours();
        assert_eq!(root.trust(&own, at), Trust::OutOfDate, "{days}");
    }
    // The key of a certificate that is no authority's vouches for nobody.
    assert_eq!(keys.roots("agency.pem").trust(&own[1..], now), Trust::Unrooted);
    assert_eq!(root.trust(&[], now), Trust::Unrooted);
    assert!(Roots::of_pem(b"no certificate").map_or(true, |none| none.is_empty()));
}

#[test]
fn an_authority_between_is_followed_and_one_that_is_none_is_not() {
    let keys = Keys::made();
    let issue = |name: &str, above: &str, extensions: &str| {
        std::fs::write(keys.0.path().join("ext"), extensions).unwrap();
        let (pem, key) = (format!("{name}.pem"), format!("{name}.key"));
        let (ca, ca_key) = (format!("{above}.pem"), format!("{above}.key"));
        let curve = ["-pkeyopt", "ec_paramgen_curve:P-256"];
        keys.openssl(
            &[&["genpkey", "-quiet", "-algorithm", "EC", "-out", &key], &curve[..]].concat(),
        );
        let subject = format!("/CN={name}");
        keys.openssl(&["req", "-new", "-key", &key, "-subj", &subject, "-out", "csr"]);
        let out = ["-out", &pem, "-days", "9", "-extfile", "ext"];
        let by = ["-CA", &ca, "-CAkey", &ca_key, "-CAcreateserial"];
        keys.openssl(&[&["x509", "-req", "-in", "csr"], &by[..], &out].concat());
        Certificate::load_pem_chain(&keys.read(&pem)).unwrap().remove(0)
    };
    let authority = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign\n";
    let middle = issue("middle", "root", authority);
    let own = issue("own", "middle", "keyUsage=digitalSignature\n");
    let trust = |path: &[&Certificate]| {
        let path: Vec<Certificate> = path.iter().map(|&one| one.clone()).collect();
        keys.roots("root.pem").trust(&path, Timestamp::now())
    };
    assert!(matches!(trust(&[&own, &middle]), Trust::Trusted(_)));
    assert_eq!(trust(&[&own]), Trust::Unrooted, "nobody between");
    // Made by somebody who has a certificate, but is no authority.
    let false_one = issue("false", "agency", "keyUsage=digitalSignature\n");
    let agency = Certificate::load_pem_chain(&keys.read("agency.pem")).unwrap().remove(0);
    assert_eq!(trust(&[&false_one, &agency]), Trust::Unrooted);
    let below = issue("below", "middle", authority);
    let deep = issue("deep", "below", "keyUsage=digitalSignature\n");
    assert_eq!(trust(&[&deep, &below, &middle]), Trust::Unrooted, "one authority too deep");
    let wrong = issue("wrong", "root", "keyUsage=keyEncipherment\n");
    assert_eq!(trust(&[&wrong]), Trust::Unrooted, "not a key to sign with");
    let odd = issue("odd", "root", "1.2.3.4=critical,DER:0500\n");
    assert_eq!(trust(&[&odd]), Trust::Unrooted, "critical, and not understood");
}

#[test]
fn a_certificate_swapped_for_another_over_the_same_key_is_found() {
    let keys = Keys::made();
    let signature = signing::detached(&keys.open("agency.p12"), TEXT).unwrap();
    let other = Certificate::load_pem_chain(&keys.read("renamed.pem")).unwrap().remove(0);
    let info = ContentInfo::from_der(&signature).unwrap();
    let mut data: SignedData = info.content.decode_as().unwrap();
    let mut signer = data.signer_infos.0.get(0).unwrap().clone();
    let SignerIdentifier::IssuerAndSerialNumber(id) = &mut signer.sid else { panic!() };
    id.serial_number = other.tbs_certificate().serial_number().clone();
    data.signer_infos = SignerInfos(SetOfVec::try_from(vec![signer]).unwrap());
    data.certificates = Some(vec![CertificateChoices::Certificate(other)].try_into().unwrap());
    let content = Any::encode_from(&data).unwrap();
    let swapped = ContentInfo { content, ..info }.to_der().unwrap();
    let seen = signing::look(&swapped, Some([TEXT, &[]]));
    assert_eq!(seen.signer.unwrap().reveal(), "ỦY BAN NHÂN DÂN XÃ KHÁC");
    assert_eq!(seen.state, SignatureState::Altered);
}

#[test]
fn a_time_stamp_is_taken_only_for_its_own_signature_and_question() {
    let keys = Keys::made();
    let sign = || signing::sign(&keys.open("officer.p12"), &signing::sha256(&[TEXT])).unwrap();
    let stamp = |request: &[u8]| {
        std::fs::write(keys.0.path().join("question"), request).unwrap();
        keys.openssl(&["ts", "-reply", "-config", "tsa.conf", "-queryfile", "question"])
    };
    let signature = sign();
    let answer = stamp(&signature.stamp_request(u64::MAX).unwrap());
    let stamped = signature.stamped(&answer, u64::MAX).unwrap().to_der().unwrap();
    assert_eq!(state(&stamped, TEXT), SignatureState::Intact);
    let found = signing::stamp_of(&stamped).unwrap();
    assert_eq!(found.state, SignatureState::Intact);
    assert!(found.at.duration_since(Timestamp::now()).as_secs().abs() < 60, "{}", found.at);
    assert!(matches!(
        keys.roots("root.pem").trust(&found.certificates, found.at),
        Trust::Trusted(_)
    ));

    let refused = |answer: &[u8], nonce| match sign().stamped(answer, nonce) {
        Err(SignFailed::Stamp(why)) => why,
        other => panic!("{:?}", other.map(|_| ())),
    };
    let signature = sign();
    let answer = stamp(&signature.stamp_request(7).unwrap());
    assert_eq!(refused(&answer, 8), "it answers another question");
    let other = signing::sign(&keys.open("agency.p12"), &signing::sha256(&[TEXT])).unwrap();
    let answer = stamp(&other.stamp_request(7).unwrap());
    assert_eq!(refused(&answer, 7), "it isn't of this signature");
    assert_eq!(refused(b"", 7), "not an answer");
    // `rejection`, and no token.
    assert_eq!(refused(&[0x30, 5, 0x30, 3, 2, 1, 2], 7), "the authority refused");
    assert!(signing::stamp_of(&keys.read("agency.p12")).is_none());
    assert!(keys.open("agency.p12").chain().room(true) > stamped.len());
}
