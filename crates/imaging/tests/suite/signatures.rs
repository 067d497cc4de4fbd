//! Digital signatures: of a made-up paper with made-up signers, and of real ones where the data
//! folder is.

use std::path::Path;

use imaging::{Limits, Scan};
use schemas::signature::{DigitalSignature, MAX_SIGNATURES, SignatureState};

/// Signed by an RSA key, then by a P-256 key, then by a P-384 key in a field below another,
/// which PDFium doesn't list.
const SIGNED: &[u8] = include_bytes!("../papers/signed_three_times.pdf");

fn signatures(file: &[u8]) -> Option<Vec<DigitalSignature>> {
    let pdfium = crate::pdfs::pdfium()?;
    Some(Scan::open(file, Limits::default(), Some(&pdfium)).unwrap().signatures())
}

fn states(file: &[u8]) -> Option<Vec<SignatureState>> {
    Some(signatures(file)?.iter().map(|signature| signature.state).collect())
}

/// The file with one byte of `text`'s first place changed.
fn altered(text: &[u8]) -> Vec<u8> {
    let mut file = SIGNED.to_vec();
    let at = file.windows(text.len()).position(|window| window == text).unwrap();
    file[at + text.len() - 1] ^= 1;
    file
}

#[test]
fn a_signatures_signer_issuer_time_and_state_are_noted() {
    let Some(found) = signatures(SIGNED) else { return };
    let name = |name: &Option<schemas::subject::Name>| name.as_ref().unwrap().reveal().to_owned();
    let signers: Vec<String> = found.iter().map(|own| name(&own.signer)).collect();
    assert_eq!(signers, ["Nguyễn Thị Mẫu", "ỦY BAN NHÂN DÂN XÃ MẪU", "Trần Văn Mẫu"]);
    for own in &found {
        assert_eq!(own.state, SignatureState::Intact);
        assert_eq!(name(&own.issuer), "Cơ quan chứng thực mẫu");
        assert!(own.signed_at.as_ref().unwrap().starts_with("2026-11-25T10:52:5"));
        assert!(own.is_sane());
    }
    let appended: Vec<bool> = found.iter().map(|own| own.appended_bytes > 0).collect();
    assert_eq!(appended, [true, true, false], "signed over once more, but the last");
}

#[test]
fn names_do_not_show_in_what_is_logged() {
    let Some(found) = signatures(SIGNED) else { return };
    let logged = format!("{found:?}");
    assert!(!logged.contains("Nguyễn") && !logged.contains("chứng thực"), "{logged}");
}

#[test]
fn a_changed_byte_is_found_by_every_signature_over_it() {
    use SignatureState::{Altered, Intact};
    let Some(found) = states(&altered(b"QUYET DINH 5")) else { return };
    // The third isn't on PDFium's list, and is noted only where its bytes hold.
    assert_eq!(found, [Altered, Altered]);
    // In what came with the second signature, and then with the third.
    let second = altered(b"/T (Ky2");
    assert_eq!(states(&second), Some(vec![Intact, Altered]));
}

#[test]
fn a_changed_signature_is_not_intact() {
    let mut file = SIGNED.to_vec();
    // The last digits before the zeros that fill the first signature's room.
    let room = file.windows(40).position(|window| window == [b'0'; 40]).unwrap();
    file[room - 3] = if file[room - 3] == b'1' { b'2' } else { b'1' };
    assert_eq!(states(&file).map(|found| found[0]), Some(SignatureState::Altered));
}

#[test]
fn a_file_of_nothing_but_byte_ranges_has_no_signatures() {
    let ranges = b"/ByteRange [0 4 10 2]<4142>\n".repeat(100_000);
    let many = [SIGNED, &ranges].concat();
    assert_eq!(
        signatures(&many).map(|found| found.len()),
        Some(3).filter(|_| crate::pdfs::pdfium().is_some())
    );
    const { assert!(3 < MAX_SIGNATURES) };
}

#[test]
fn every_signature_of_the_real_papers_is_intact() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let mut found = Vec::new();
    for folder in ["scans/pdf", "born_digital"] {
        let Ok(entries) = std::fs::read_dir(data.join(folder)) else { continue };
        let files = entries.flatten().map(|entry| entry.path());
        for file in files.filter(|path| path.extension().is_some_and(|kind| kind == "pdf")) {
            found.extend(signatures(&std::fs::read(file).unwrap()).unwrap_or_default());
        }
    }
    if found.is_empty() {
        eprintln!("skipped: no signed papers at {}", data.display());
        return;
    }
    eprintln!("{} signatures", found.len());
    assert!(found.iter().all(|own| own.state == SignatureState::Intact && own.signer.is_some()));
    assert!(found.iter().all(|own| own.issuer.is_some() && own.signed_at.is_some()));
}

#[test]
fn bytes_put_after_a_signature_are_counted() {
    let extra = [SIGNED, b"\n% one more remark\n"].concat();
    let Some(found) = signatures(&extra) else { return };
    let last = found.last().unwrap();
    assert_eq!((last.state, last.appended_bytes), (SignatureState::Intact, 18));
}
