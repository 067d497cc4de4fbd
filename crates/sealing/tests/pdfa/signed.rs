//! Sealed files, signed, and what others say of them.

use std::path::Path;
use std::process::Command;

use sealing::{Corner, Mark, RoomError, Sealed, make_room};
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
    let mark = Mark { name: name.reveal(), role, at, corner, room: key.chain().room(false) };
    let room = make_room(pdf.to_vec(), &mark).unwrap();
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
    assert!(more < 40_000, "{more} bytes for two signatures");
}

#[test]
fn a_file_that_was_not_sealed_here_is_refused_and_so_is_a_signature_without_room() {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let mark = Mark { name: "A", role: "B", at, corner: None, room: 10 };
    for strange in [&b""[..], b"%PDF-1.7\n%%EOF", b"startxref\n0\n%%EOF"] {
        assert_eq!(make_room(strange.to_vec(), &mark).unwrap_err(), RoomError::Strange);
    }
    let room = make_room(seal(&[empty()]), &mark).unwrap();
    assert_eq!(room.fill(&[1; 11]), Err(RoomError::TooLong(11)));
}

#[test]
fn a_file_is_signed_where_it_lies_in_memory() {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let mark = Mark { name: "A", role: "B", at, corner: Some(Corner::TopLeft), room: 10 };
    let mut pdf = seal(&[empty()]);
    pdf.reserve(1 << 20);
    let place = pdf.as_ptr();
    let room = make_room(pdf, &mark).unwrap();
    assert_eq!(room.covered()[0].as_ptr(), place);
    let filled = room.fill(&[1; 10]).unwrap();
    assert_eq!(filled.as_ptr(), place);
}

#[test]
fn what_comes_between_two_signatures_may_be_nothing_but_a_signature() {
    let keys = Keys::made();
    let pdf = seal(&[scanned(Coding::Grey, 0, 0.0), empty()]);
    let once = signed(&pdf, &keys.open("officer.p12"), "Người số hóa", Some(Corner::TopLeft));
    let end = once.len();
    let again = |pdf: &[u8]| signed(pdf, &keys.open("agency.p12"), "Cơ quan", None);
    let since = |pdf: &[u8]| Sealed::of(pdf).map(|sealed| sealed.only_signed_since(end));
    assert_eq!(since(&again(&once)), Some(true));
    assert_eq!(since(&once), Some(true), "nothing came");
    assert_eq!(Sealed::of(&again(&once)).unwrap().signature_fields(), 2);

    // The first page shows the second one's picture; a form field more; the whole pages changed.
    let text = String::from_utf8_lossy(&once).into_owned();
    let object = |mark: &str| {
        let at = text.rfind(mark).unwrap();
        let from = text[..at].rfind(" 0 obj").unwrap();
        let id = text[..from].rsplit(['\n', ' ']).next().unwrap().to_owned();
        let body = &text[from + 6..from + text[from..].find("endobj").unwrap()];
        (id, body.trim().to_owned())
    };
    let (page, body) = object("/MediaBox");
    let (form, fields) = object("/Fields[");
    let (field, widget) = object("/FT/Sig");
    for (id, body) in [
        (&page, body.replace("/Contents ", "/Contents 1 0 R/Was ")),
        (&field, widget.replace("/F 132", "/F 132/AA<<>>")),
    ] {
        assert!(text.contains(&format!("{id} 0 obj")) && body.starts_with("<<"), "{id} {body}");
        let changed = update(&once, id, &body);
        assert!(changed.starts_with(&once));
        assert_eq!(since(&again(&changed)), Some(false), "{body}");
    }
    // Of the form, the next signature writes a new one.
    let changed = update(&once, &form, &fields.replace("/Fields", "/NeedAppearances true/Fields"));
    assert_eq!((since(&changed), since(&again(&changed))), (Some(false), Some(true)));
}

/// The file with another object of that number, added as an editor would.
fn update(pdf: &[u8], id: &str, body: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(pdf);
    let start = text.rsplit("startxref\n").next().unwrap().lines().next().unwrap();
    let trailer = &text[text.rfind("trailer\n<<").unwrap() + 10..];
    let size = trailer.split("/Size ").nth(1).unwrap().split('/').next().unwrap();
    let root = trailer.split("/Root ").nth(1).unwrap().split('/').next().unwrap();
    let info = trailer.split("/Info ").nth(1).unwrap().split('/').next().unwrap();
    let (place, table) = (pdf.len(), pdf.len() + format!("{id} 0 obj\n{body}\nendobj\n").len());
    let more = format!(
        "{id} 0 obj\n{body}\nendobj\nxref\n{id} 1\n{place:010} 00000 n\r\n\
         trailer\n<</Size {size}/Root {root}/Info {info}/Prev {start}>>\nstartxref\n{table}\n%%EOF\n"
    );
    [pdf, more.as_bytes()].concat()
}

#[test]
fn the_images_in_a_file_are_the_ones_that_were_kept() {
    let sheets = [scanned(Coding::Grey, 0, 0.0), scanned(Coding::Ccitt, 90, 1.0)];
    let pdf = twice(&seal(&sheets), &Keys::made());
    let images = Sealed::of(&pdf).unwrap().images().unwrap();
    let kept: Vec<_> = sheets.iter().map(|sheet| Some(sheet.bytes.as_slice())).collect();
    assert_eq!(images, kept);
    let paletted = seal(&[scanned(Coding::Paletted, 0, 0.0)]);
    assert_eq!(Sealed::of(&paletted).unwrap().images(), Some(vec![None]));
}

#[test]
fn a_damaged_file_is_refused_or_found_changed_and_nothing_worse() {
    let pdf = twice(&seal(&[empty()]), &Keys::made());
    let look = |pdf: &[u8]| {
        let Some(sealed) = Sealed::of(pdf) else { return };
        let ends = signing::ranges(pdf).into_iter().map(|range| range.end);
        for end in ends.chain([0, pdf.len(), usize::MAX]) {
            std::hint::black_box(sealed.only_signed_since(end));
        }
        std::hint::black_box((sealed.images(), sealed.moment(&[1]), sealed.signature_fields()));
    };
    for at in (0..pdf.len()).step_by(41) {
        look(&pdf[..at]);
        for byte in *b"<[(9 >" {
            let mut damaged = pdf.clone();
            damaged[at] = byte;
            look(&damaged);
        }
    }
}
