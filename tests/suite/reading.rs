//! What is read off pages whose truth is known: text, turns, lean, codes, blanks; and that the
//! same paper is known again.

use std::path::{Path, PathBuf};
use std::process::Command;

use image::codecs::jpeg::JpegEncoder;
use papers::{Card, Kind, Person, Press, Scan, Sheet, Wear};
use schemas::codes::IdentityCard;
use schemas::reading::{PageReading, SAME_PAPER};
use schemas::subject::Sex;
use schemas::text::{fold, tidy};
use serde::Deserialize;
use tests::binary;

/// An entry of `sohoa read --json`.
#[derive(Deserialize)]
struct Entry {
    #[serde(flatten)]
    reading: PageReading,
}

/// Reads scans, in order.
fn read(scans: &[Vec<u8>]) -> Vec<PageReading> {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> =
        (0..scans.len()).map(|i| folder.path().join(format!("{i:03}.jpg"))).collect();
    for (path, scan) in paths.iter().zip(scans) {
        std::fs::write(path, scan).unwrap();
    }
    let out = folder.path().join("out.json");
    run(&paths, &out);
    let entries: Vec<Entry> = serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap();
    assert_eq!(entries.len(), scans.len());
    entries.into_iter().map(|entry| entry.reading).collect()
}

fn run(paths: &[PathBuf], out: &Path) {
    let mut sohoa = Command::new(binary("sohoa"));
    sohoa.args(["--log", "error", "read", "--json"]).arg(out).args(paths);
    let output = sohoa.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Share of the sheet's characters that were misread; each printed line is looked for anywhere.
fn misread(sheet: &Sheet, text: &str) -> f64 {
    let text: Vec<char> = tidy(text).chars().collect();
    let lines: Vec<Vec<char>> =
        sheet.text().lines().map(|line| tidy(line).chars().collect()).collect();
    let wrong: usize = lines.iter().map(|line| least_edits(line, &text).min(line.len())).sum();
    wrong as f64 / lines.iter().map(Vec::len).sum::<usize>() as f64
}

/// Least edits that turn `line` into any stretch of `text`.
fn least_edits(line: &[char], text: &[char]) -> usize {
    let mut row = vec![0; text.len() + 1];
    for (i, a) in line.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in text.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(a != b)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row.into_iter().min().unwrap_or_default()
}

#[test]
fn papers_of_every_kind_are_read_with_few_misread_letters() {
    let press = Press::open().unwrap();
    let kinds = [
        (Kind::BirthCertificate, "birth_certificate"),
        (Kind::BirthDeclaration, "birth_registration_form"),
        (Kind::MarriageCertificate, "marriage_certificate"),
        (Kind::ResidenceDeclaration, "residence_change_form"),
        (Kind::Decision, "decision"),
        (Kind::Letter, "official_letter"),
    ];
    let sheets: Vec<Sheet> =
        kinds.iter().map(|(kind, _)| press.paper(*kind, 31).swap_remove(0)).collect();
    let scan = Scan { wear: Wear::light(5), ..Scan::default() };
    let scans: Vec<Vec<u8>> = sheets.iter().map(|sheet| scan.jpeg(sheet).unwrap()).collect();
    for ((reading, sheet), (_, kind)) in read(&scans).iter().zip(&sheets).zip(kinds) {
        let share = misread(sheet, &reading.text);
        assert!(share < 0.04, "{kind}: {share:.3}\n{}", reading.text);
        let guess = reading.kind.as_ref().unwrap();
        // A decision may be told as one of a narrower kind, and is then half as sure: the broader
        // kind's title stands there as well.
        let narrower = guess.id.as_str() != kind;
        assert!(guess.id.as_str().ends_with(kind), "{kind}: {}", guess.id);
        let sure = if narrower { 0.4 } else { filing::THRESHOLD };
        assert!(sure <= guess.confidence, "{kind}: {}", guess.confidence);
        assert!(0.7 < reading.confidence, "{kind}: {}", reading.confidence);
    }
}

#[test]
fn a_page_turned_by_a_known_angle_is_turned_back() {
    let press = Press::open().unwrap();
    let sheet = press.paper(Kind::Decision, 8).swap_remove(0);
    let angles = [0.0_f32, 0.4, -1.3, 3.0, -6.5, 12.0];
    let scans: Vec<Vec<u8>> = angles
        .iter()
        .map(|skew_deg| {
            let wear = Wear { skew_deg: *skew_deg, ..Wear::light(3) };
            Scan { wear, ..Scan::default() }.jpeg(&sheet).unwrap()
        })
        .collect();
    let readings = read(&scans);
    for (reading, angle) in readings.iter().zip(angles) {
        assert!((reading.skew_deg - angle).abs() < 0.1, "{angle}: {}", reading.skew_deg);
        let share = misread(&sheet, &reading.text);
        assert!(share < 0.05, "{angle}: {share:.3}");
    }
    // The one paper, however it lay.
    for reading in &readings[1..4] {
        assert!(reading.fingerprint.distance(readings[0].fingerprint) <= SAME_PAPER);
    }
}

#[test]
fn a_page_fed_sideways_or_on_its_head_is_stood_upright() {
    let press = Press::open().unwrap();
    let sheet = press.paper(Kind::MarriageCertificate, 4).swap_remove(0);
    let upright = Scan::default().wear.grey(sheet.render_grey(200));
    let turns = [
        (upright.clone(), 0),
        (image::imageops::rotate90(&upright), 270),
        (image::imageops::rotate180(&upright), 180),
        (image::imageops::rotate270(&upright), 90),
    ];
    let scans: Vec<Vec<u8>> = turns
        .iter()
        .map(|(page, _)| {
            let mut jpeg = Vec::new();
            page.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 80)).unwrap();
            jpeg
        })
        .collect();
    for (reading, (_, turn)) in read(&scans).iter().zip(turns) {
        assert_eq!(reading.rotation_deg, turn);
        assert!(fold(&reading.text).contains("giay chung nhan ket hon"), "{turn}");
    }
}

#[test]
fn a_cards_code_names_its_holder_and_a_ghost_of_a_seal_is_blank() {
    let press = Press::open().unwrap();
    let person = Person::adult(12, Sex::Female);
    let [front, _] = press.identity_card(&Card::of(&person));
    let certificate = press.paper(Kind::BirthCertificate, 12).swap_remove(0);
    let fine = Scan { dpi: 300, colour: true, ..Scan::default() };
    let scans = [
        fine.jpeg(&front).unwrap(),
        fine.jpeg(&certificate.back(0.25)).unwrap(),
        fine.jpeg(&certificate).unwrap(),
    ];
    let readings = read(&scans);
    let card = readings[0].codes.iter().find_map(|code| IdentityCard::parse(&code.text)).unwrap();
    assert_eq!(card.number, person.number);
    assert_eq!(card.name.reveal(), person.name);
    assert_eq!([false, true, false], [0, 1, 2].map(|i: usize| readings[i].blank));
    assert_eq!(readings[1].text, "");
}
