//! What one would notice about pages of the generator: that they differ, that they are quick,
//! that programs can read them, and that the shipped sample is theirs.

use std::collections::HashSet;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use papers::sample::{self, Dossier};
use papers::{Card, Decision, Family, Kind, Press, Scan, Wear};
use schemas::record::FieldName;

fn press() -> Press {
    Press::open().expect("fonts-liberation2 is installed")
}

fn sample_dir() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/sample"))
}

#[test]
fn the_shipped_sample_is_exactly_what_the_generator_makes() {
    let made = sample::make(&press()).unwrap();
    let mut size = 0;
    for (name, bytes) in &made {
        let shipped = std::fs::read(sample_dir().join(name)).unwrap_or_default();
        assert!(shipped == *bytes, "{name} differs: papers sample tests/papers/sample");
        size += bytes.len();
    }
    assert!(size < 1_500_000, "{size} bytes are too many to ship");
    let mut shipped = 0;
    for folder in ["", "khai-sinh", "thuong-tru"] {
        let entries = std::fs::read_dir(sample_dir().join(folder)).unwrap();
        shipped += entries.filter(|e| e.as_ref().unwrap().path().is_file()).count();
    }
    assert_eq!(shipped, made.len(), "a file is left over");
}

#[test]
fn a_dossier_of_the_sample_names_its_files_and_a_subject_whose_number_agrees() {
    for folder in ["khai-sinh", "thuong-tru"] {
        let dir = sample_dir().join(folder);
        let text = std::fs::read_to_string(dir.join(sample::DESCRIPTION)).unwrap();
        let dossier: Dossier = serde_json::from_str(&text).unwrap();
        assert_eq!(dossier.subject.check(), Ok(()));
        for file in &dossier.files {
            assert!(dir.join(&file.name).is_file(), "{}", file.name);
            for page in &file.pages {
                assert!(page.kind.parse::<Kind>().is_ok(), "{}", page.kind);
            }
        }
    }
}

#[test]
fn pages_of_different_seeds_are_different_pages_and_of_one_seed_the_same() {
    let press = press();
    let scan = Scan { dpi: 60, ..Scan::default() };
    let pages: Vec<Vec<u8>> = (0..200).map(|s| scan.jpeg(&press.page(s)).unwrap()).collect();
    assert_eq!(pages.iter().collect::<HashSet<_>>().len(), 200);
    assert_eq!(scan.jpeg(&press.page(17)).unwrap(), pages[17]);
}

/// CPU time of this thread so far, in hundredths of a second (Linux's clock ticks).
fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("this is Linux");
    // Behind the name, which ends with the last parenthesis: state is the 3rd field, user and
    // system time are the 14th and 15th (proc(5)).
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    fields[11..13].iter().map(|t| t.parse::<u64>().unwrap_or(0)).sum()
}

#[test]
fn a_worn_grey_page_at_200_dpi_takes_about_a_tenth_of_a_second() {
    let press = press();
    let start = cpu_ticks();
    for seed in 0..10 {
        let scan = Scan { wear: Wear::light(seed), ..Scan::default() };
        assert!(!scan.jpeg(&press.page(seed)).unwrap().is_empty());
    }
    // Measured 0.085 s; twice the promise, since busy neighbours slow a core down.
    let ticks = cpu_ticks() - start;
    assert!(ticks <= 200, "{ticks} hundredths of a second for ten pages");
}

#[test]
fn a_back_shows_only_the_pale_ghost_of_the_seal_where_the_front_has_it_mirrored() {
    let press = press();
    let front = press.birth_certificate(&Family::new(3));
    let (seal, ghost) = (front.render(50), front.back(0.12).render(50));
    assert!(ghost.pixels().all(|p| p.0.iter().all(|v| *v > 200)), "something is dark");
    let redness = |p: &image::Rgb<u8>| i32::from(p[0]) - i32::from(p[1]);
    // The star's middle is solid red; the certificate's border is no part of the seal.
    let inner = |x: u32, y: u32| (40..370).contains(&x) && (40..540).contains(&y);
    let mut found = 0;
    for (x, y, p) in seal.enumerate_pixels().filter(|(x, y, _)| inner(*x, *y)) {
        if redness(p) > 125 {
            found += 1;
            assert!(redness(ghost.get_pixel(seal.width() - 1 - x, y)) > 5, "at {x} {y}");
        }
    }
    assert!(found > 50, "{found}");
}

#[test]
fn a_tiff_holds_every_sheet_of_a_paper_at_the_resolution_asked_for() {
    let sheets = press().decision(&Decision::by_chance(4));
    let bytes = Scan::default().tiff(&sheets).unwrap();
    let mut tiff = tiff::decoder::Decoder::new(Cursor::new(bytes)).unwrap();
    let mut pages = 1;
    loop {
        assert_eq!(tiff.dimensions().unwrap(), (1654, 2339));
        assert_eq!(tiff.get_tag_u32(tiff::tags::Tag::Compression).unwrap(), 4);
        if !tiff.more_images() {
            break;
        }
        tiff.next_image().unwrap();
        pages += 1;
    }
    assert_eq!(pages, sheets.len());
}

#[test]
fn a_decision_states_its_fields_on_the_page_where_they_stand() {
    let decision = Decision::by_chance(9);
    let sheets = press().decision(&decision);
    let number = decision.number_symbol();
    assert_eq!(sheets[0].fact(FieldName::NumberSymbol), Some(number.as_str()));
    assert!(sheets[0].text().contains(&number));
    let signer = sheets[1].fact(FieldName::Signer).unwrap();
    assert_eq!(sheets[1].lines.last().map(String::as_str), Some(signer));
}

#[test]
fn codes_of_a_scanned_card_and_a_separator_sheet_can_be_read() {
    let press = press();
    let card = Card::of(&Family::new(5).father);
    let [front, _] = press.identity_card(&card);
    let sheet = press.separator("H99.01.01-260316-0001", "1.001193-TP06");
    for (sheet, dpi) in [(front, 300), (sheet, 200)] {
        let page = Wear::light(5).grey(sheet.render_grey(dpi));
        let (width, height) = page.dimensions();
        let view = zxingcpp::ImageView::from_slice(
            page.as_raw(),
            width,
            height,
            zxingcpp::ImageFormat::Lum,
        )
        .unwrap();
        let found = zxingcpp::read().from(view).unwrap();
        let texts: Vec<String> = found.iter().map(zxingcpp::Barcode::text).collect();
        assert_eq!(texts, sheet.codes);
    }
}

/// Runs the program `tesseract` where it is installed.
#[test]
fn an_engine_reads_clean_pages_with_few_errors() {
    let dir = tempfile::tempdir().unwrap();
    let press = press();
    for kind in [Kind::BirthCertificate, Kind::ResidenceDeclaration, Kind::Decision] {
        let sheet = press.paper(kind, 6).swap_remove(0);
        let path = dir.path().join("page.jpg");
        let scan = Scan { wear: Wear::default(), ..Scan::default() };
        std::fs::write(&path, scan.jpeg(&sheet).unwrap()).unwrap();
        let run = Command::new("tesseract")
            .args([path.as_os_str(), "stdout".as_ref(), "-l".as_ref(), "vie".as_ref()])
            .env("OMP_THREAD_LIMIT", "1")
            .output();
        let Ok(run) = run else {
            eprintln!("skipped: the program tesseract is not installed");
            return;
        };
        if !run.status.success() {
            eprintln!("skipped: tesseract cannot read Vietnamese here");
            return;
        }
        let read = schemas::text::tidy(&String::from_utf8_lossy(&run.stdout));
        let (mut wrong, mut all) = (0, 0);
        for line in &sheet.lines {
            all += line.chars().count();
            wrong += least_edits(line, &read).min(line.chars().count());
        }
        assert!(wrong * 100 <= all * 3, "{kind:?}: {wrong} of {all} characters are wrong");
    }
}

/// Least edits that turn a line into any stretch of a text.
fn least_edits(line: &str, text: &str) -> usize {
    let text: Vec<char> = text.chars().collect();
    let mut before = vec![0; text.len() + 1];
    for (i, c) in line.chars().enumerate() {
        let mut now = vec![i + 1];
        for (j, d) in text.iter().enumerate() {
            let swapped = before[j] + usize::from(c != *d);
            now.push(swapped.min(before[j + 1] + 1).min(now[j] + 1));
        }
        before = now;
    }
    before.into_iter().min().unwrap_or(0)
}
