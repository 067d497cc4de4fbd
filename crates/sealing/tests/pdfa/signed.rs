//! Sealed files, signed, and what others say of them.

use std::path::Path;
use std::process::Command;

use sealing::{Corner, Mark, RoomError, make_room};
use signing::{Signer, SoftKey, ranges};
use tempfile::TempDir;

use crate::sheets::{Coding, Sheet, empty, scanned, seal};
use crate::tools::{File, pyhanko, verapdf};

/// Keys of an officer and an agency, by one authority.
struct Keys(TempDir);

impl Keys {
    fn made() -> Self {
        let folder = TempDir::new().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/pyhanko/keys.sh");
        assert!(Command::new(script).arg(folder.path()).status().unwrap().success());
        Self(folder)
    }

    fn open(&self, name: &str) -> SoftKey {
        let read = |name: &str| std::fs::read(self.0.path().join(name)).unwrap();
        let password = String::from_utf8(read("password")).unwrap();
        SoftKey::open(&read(name), &password).unwrap()
    }
}

fn signed(pdf: &[u8], key: &dyn Signer, role: &str, corner: Option<Corner>) -> Vec<u8> {
    let name = key.chain().name().unwrap();
    let at = "2026-11-25T15:50:00Z".parse().unwrap();
    let mark = Mark { name: name.reveal(), role, at, corner, room: key.chain().room() };
    let room = make_room(pdf, &mark).unwrap();
    let signature = signing::sign(key, &signing::sha256(&room.covered())).unwrap();
    room.fill(&signature.to_der().unwrap()).unwrap()
}

fn twice(pdf: &[u8], keys: &Keys) -> Vec<u8> {
    let once = signed(pdf, &keys.open("officer.p12"), "Người số hóa", Some(Corner::TopLeft));
    signed(&once, &keys.open("agency.p12"), "Cơ quan", Some(Corner::TopRight))
}

#[test]
fn a_file_signed_twice_is_still_pdf_a_2u_and_both_signatures_hold_for_others() {
    let keys = Keys::made();
    let sheets: [&[Sheet]; 3] =
        [&[scanned(Coding::Grey, 0, 0.0), empty()], &[empty()], &[scanned(Coding::Ccitt, 90, 1.0)]];
    let mut files: Vec<File> =
        sheets.iter().map(|sheets| File::of(&twice(&seal(sheets), &keys))).collect();
    let invisible = signed(&seal(&[empty()]), &keys.open("agency.p12"), "Cơ quan", None);
    files.push(File::of(&invisible));
    files.iter().for_each(File::check_syntax);
    let verdicts = verapdf(&files);
    assert!(verdicts.iter().all(|line| line.starts_with("PASS ")), "{verdicts:#?}");

    for (n, file) in files.iter().enumerate() {
        let told = pyhanko(&keys.0.path().join("root.pem"), file);
        assert_eq!(told.len(), if n == 3 { 1 } else { 2 }, "{told:#?}");
        for line in &told {
            assert!(line.contains("intact valid trusted") && line.contains("untouched"), "{line}");
            assert!(line.ends_with("PASS"), "{line}");
        }
        assert!(told.last().unwrap().contains(" whole "), "{told:#?}");
    }
}

#[test]
fn a_signature_shows_who_and_when_in_its_corner() {
    let keys = Keys::made();
    let file = File::of(&twice(&seal(&[empty(), empty()]), &keys));
    let lines = file.lines("-layout").join("\n");
    for part in [
        "Người số hóa: Nguyễn Thị Quét",
        "Cơ quan: ỦY BAN NHÂN DÂN XÃ MẪU",
        "Thời gian ký: 25/11/2026 22:50:00 +07:00",
    ] {
        assert!(lines.contains(part), "no `{part}` in {lines}");
    }
    let words = file.words();
    let edges = |text: &str| words.iter().find(|own| own.text == text).unwrap().edges;
    let ([left, top, ..], agency) = (edges("Người"), edges("Cơ"));
    assert!(left < 20.0 && top < 20.0, "{left} {top}");
    assert!(agency[0] > 300.0 && agency[1] < 20.0, "{agency:?}");
    assert!(words.iter().all(|word| word.page == 0), "on the first page alone");
}

#[test]
fn what_was_there_before_is_not_touched() {
    let keys = Keys::made();
    let pdf = seal(&[scanned(Coding::Colour, 0, 0.0)]);
    let once = signed(&pdf, &keys.open("officer.p12"), "Người số hóa", Some(Corner::TopLeft));
    let again = twice(&pdf, &keys);
    assert!(again.starts_with(&pdf) && once.starts_with(&pdf));
    let found = ranges(&again);
    assert_eq!(found.len(), 2);
    let states = found.iter().map(|one| signing::look(&one.contents, Some(one.parts(&again))));
    for signed in states {
        assert_eq!(signed.state, schemas::signature::SignatureState::Intact);
        assert_eq!(signed.certificates.len(), 2);
        assert_eq!(signed.time, None, "PAdES has it in the dictionary");
    }
    assert_eq!(found[1].appended(&again), 0);
    let more = again.len() - pdf.len();
    assert!(more < 120_000, "{more} bytes for two signatures");
}

#[test]
fn a_file_that_was_not_sealed_here_is_refused_and_so_is_a_signature_without_room() {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let mark = Mark { name: "A", role: "B", at, corner: None, room: 10 };
    for strange in [&b""[..], b"%PDF-1.7\n%%EOF", b"startxref\n0\n%%EOF"] {
        assert_eq!(make_room(strange, &mark).unwrap_err(), RoomError::Strange);
    }
    let room = make_room(&seal(&[empty()]), &mark).unwrap();
    assert_eq!(room.fill(&[1; 11]), Err(RoomError::TooLong(11)));
}
