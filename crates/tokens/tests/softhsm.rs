//! Keys on a token of SoftHSM, which the set-up installs.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, CertificateType, ObjectClass};
use cryptoki::session::UserType;
use schemas::signature::SignatureState;
use signing::{SignFailed, Signer};
use tokens::{Token, TokenPlace};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "492817";

/// SoftHSM is told where its tokens are by its environment alone, and that of a running process
/// can't be changed: so the test that follows runs in a process of its own.
#[test]
fn keys_on_a_token_sign_and_never_leave_it() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/pyhanko/keys.sh");
    run(Command::new(keys).arg(folder.path()));
    let config = folder.path().join("softhsm.conf");
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    let line = format!("directories.tokendir = {}/tokens\n", folder.path().display());
    std::fs::write(&config, line).unwrap();
    let softhsm = |args: &[&str]| {
        run(Command::new("softhsm2-util").env("SOFTHSM2_CONF", &config).args(args));
    };
    softhsm(&["--init-token", "--free", "--label", "quay-3", "--so-pin", "1234", "--pin", PIN]);
    for (id, name) in [("01", "agency"), ("02", "officer")] {
        let key = folder.path().join(format!("{name}.key"));
        let token = ["--token", "quay-3", "--pin", PIN, "--label", name, "--id", id];
        softhsm(&[&["--import", key.to_str().unwrap()], &token[..]].concat());
    }
    let mut itself = Command::new(std::env::current_exe().unwrap());
    itself.args(["--exact", "on_the_token", "--ignored", "--nocapture"]);
    run(itself.current_dir(folder.path()).env("SOFTHSM2_CONF", &config));
}

#[test]
#[ignore = "run by the test above"]
fn on_the_token() {
    for name in ["agency", "officer", "root"] {
        put_certificate(name);
    }
    // Two keys of one module, both in use.
    let (agency, officer) = (open("agency", PIN).unwrap(), open("officer", PIN).unwrap());
    for (key, name) in [(&agency, "ỦY BAN NHÂN DÂN XÃ MẪU"), (&officer, "Nguyễn Thị Quét")]
    {
        for bytes in [b"mot", b"hai"] {
            let signature = signing::detached(key, bytes).unwrap();
            let seen = signing::look(&signature, Some([bytes, b""]));
            assert_eq!(seen.state, SignatureState::Intact);
            assert_eq!(seen.signer.unwrap().reveal(), name);
        }
        assert_eq!(key.chain().name().unwrap().reveal(), name);
    }
    assert!(!format!("{agency:?}").contains(PIN));

    assert!(matches!(open("nobody", PIN), Err(SignFailed::NoKey)));
    let elsewhere = TokenPlace { token: "khac".to_owned(), ..place("agency") };
    assert!(matches!(Token::open(elsewhere, PIN), Err(SignFailed::Key(_))));
    let missing = TokenPlace { module: PathBuf::from("/none.so"), ..place("agency") };
    assert!(matches!(Token::open(missing, PIN), Err(SignFailed::Key(_))));
}

fn place(key: &str) -> TokenPlace {
    TokenPlace { module: PathBuf::from(MODULE), token: "quay-3".to_owned(), key: key.to_owned() }
}

fn open(key: &str, pin: &str) -> Result<Token, SignFailed> {
    Token::open(place(key), pin)
}

fn put_certificate(name: &str) {
    let der = Command::new("openssl")
        .args(["x509", "-outform", "DER", "-in", &format!("{name}.pem")])
        .output()
        .unwrap()
        .stdout;
    let library = Pkcs11::new(MODULE).unwrap();
    // Refused the second time, and no harm.
    drop(library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)));
    let session = library.open_rw_session(library.get_slots_with_token().unwrap()[0]).unwrap();
    session.login(UserType::User, Some(&PIN.into())).unwrap();
    let template = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Label(name.into()),
        Attribute::Subject(Vec::new()),
        Attribute::Value(der),
    ];
    session.create_object(&template).unwrap();
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
