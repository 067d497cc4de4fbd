//! PDFs that state their own text: it is taken where it is what the page shows, and only there.

use std::collections::BTreeMap;
use std::process::Command;

use ab_glyph::{Font, FontRef};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use papers::{Kind, Press};
use schemas::reading::{EngineId, PageReading, TextSource};
use schemas::signature::{DigitalSignature, SignatureState};
use schemas::text::tidy;
use serde::Deserialize;
use tests::{Stage, binary};

/// From the Debian package `fonts-liberation2`.
const TYPEFACE: &str = "/usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf";

const LINES: [&str; 8] = [
    "ỦY BAN NHÂN DÂN PHƯỜNG MỸ ĐỨC",
    "Căn cứ Luật Hộ tịch ngày 20 tháng 11 năm 2014;",
    "Xét đề nghị của công chức tư pháp, hộ tịch về việc đăng ký",
    "khai sinh cho trẻ em cư trú tại phường, Ủy ban nhân dân",
    "quyết định giao bộ phận một cửa tiếp nhận hồ sơ số 0575,",
    "trả kết quả trong ngày làm việc theo quy định.",
    "Quyết định này có hiệu lực từ ngày 05 tháng 9 năm 2026.",
    "Chủ tịch phường Nguyễn Văn Mẫu",
];

const OTHER_LINES: [&str; 4] = [
    "Hợp đồng chuyển nhượng quyền sử dụng đất giữa hai bên",
    "được lập thành ba bản có giá trị pháp lý như nhau,",
    "mỗi bên giữ một bản, số tiền là 1.250.000.000 đồng,",
    "thanh toán một lần sau khi công chứng hợp đồng này.",
];

/// A page of A4 in making: text is drawn as letters, with an embedded typeface.
struct Page {
    face: Vec<u8>,
    content: String,
    /// What each glyph is said to be.
    said: BTreeMap<u16, char>,
    image: Option<(u32, u32, Vec<u8>)>,
    entries: &'static str,
}

impl Page {
    fn new() -> Self {
        let face = std::fs::read(TYPEFACE).unwrap();
        let (content, said) = (String::new(), BTreeMap::new());
        Self { face, content, said, image: None, entries: "" }
    }

    /// Draws lines from `top` points down; `operators` are set before, and each letter is said to
    /// be what `said` makes of it.
    fn lines(mut self, lines: &[&str], top: i32, operators: &str, said: fn(char) -> char) -> Self {
        let face = FontRef::try_from_slice(&self.face).unwrap();
        self.content += &format!("q {operators} BT /F 13 Tf 60 {top} Td ");
        for line in lines {
            let mut codes = String::new();
            for letter in line.chars() {
                let glyph = face.glyph_id(letter).0;
                self.said.insert(glyph, said(letter));
                codes += &format!("{glyph:04x}");
            }
            self.content += &format!("<{codes}> Tj 0 -24 Td ");
        }
        self.content += "ET Q ";
        self
    }

    /// Lays a picture over what there is, with its lower left corner and size in points.
    fn picture(mut self, (width, height, jpeg): (u32, u32, Vec<u8>), place: [i32; 4]) -> Self {
        let [x, y, w, h] = place;
        self.content += &format!("q {w} 0 0 {h} {x} {y} cm /I Do Q ");
        self.image = Some((width, height, jpeg));
        self
    }

    fn pdf(&self) -> Vec<u8> {
        let face = FontRef::try_from_slice(&self.face).unwrap();
        let em = face.units_per_em().unwrap();
        let widths: String = self
            .said
            .keys()
            .map(|glyph| {
                let wide = face.h_advance_unscaled(ab_glyph::GlyphId(*glyph)) * 1000.0 / em;
                format!("{glyph}[{wide:.0}]")
            })
            .collect();
        let said: String = self
            .said
            .iter()
            .map(|(glyph, letter)| format!("<{glyph:04x}> <{:04x}>\n", u32::from(*letter)))
            .collect();
        let unicode = format!(
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /U def \
             /CMapType 2 def 1 begincodespacerange <0000> <ffff> endcodespacerange \
             {} beginbfchar\n{said}endbfchar endcmap end end",
            self.said.len()
        );
        let (width, height, jpeg) = self.image.clone().unwrap_or((1, 1, Vec::new()));
        let objects = [
            b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
            format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R{}\
                 /Resources<</Font<</F 5 0 R>>/XObject<</I 10 0 R>>>>>>",
                self.entries
            )
            .into_bytes(),
            stream("", self.content.as_bytes()),
            b"<</Type/Font/Subtype/Type0/BaseFont/Liberation/Encoding/Identity-H\
              /DescendantFonts[6 0 R]/ToUnicode 9 0 R>>"
                .to_vec(),
            format!(
                "<</Type/Font/Subtype/CIDFontType2/BaseFont/Liberation/CIDToGIDMap/Identity\
                 /CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>\
                 /FontDescriptor 7 0 R/W[{widths}]>>"
            )
            .into_bytes(),
            b"<</Type/FontDescriptor/FontName/Liberation/Flags 4/FontBBox[-500 -300 1300 1000]\
              /ItalicAngle 0/Ascent 891/Descent -216/CapHeight 660/StemV 80/FontFile2 8 0 R>>"
                .to_vec(),
            stream(&format!("/Length1 {}", self.face.len()), &self.face),
            stream("", unicode.as_bytes()),
            stream(
                &format!(
                    "/Type/XObject/Subtype/Image/Width {width}/Height {height}\
                     /ColorSpace/DeviceGray/BitsPerComponent 8/Filter/DCTDecode"
                ),
                &jpeg,
            ),
        ];
        let mut bytes = b"%PDF-1.7\n".to_vec();
        let mut places = Vec::new();
        for (number, object) in objects.iter().enumerate() {
            places.push(bytes.len());
            bytes.extend(format!("{} 0 obj\n", number + 1).as_bytes());
            bytes.extend(object);
            bytes.extend(b"\nendobj\n");
        }
        let table = bytes.len();
        bytes.extend(b"xref\n0 11\n0000000000 65535 f \n");
        places.iter().for_each(|at| bytes.extend(format!("{at:010} 00000 n \n").as_bytes()));
        let end = format!("trailer<</Size 11/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n");
        bytes.extend(end.as_bytes());
        bytes
    }
}

fn stream(entries: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("<<{entries}/Length {}>>stream\n", body.len());
    [head.as_bytes(), body, b"\nendstream"].concat()
}

fn as_it_is(letter: char) -> char {
    letter
}

/// Another letter for each, as legal as the right one.
fn next_but_two(letter: char) -> char {
    const LETTERS: &str =
        "aàảãáạăâbcdđeèẻẽéẹêghiìíklmnoòóôơpqrstuùúưvxyýAÁÂBCDĐEÊGHIKLMNOÔƠPQRSTUƯVXY";
    let letters: Vec<char> = LETTERS.chars().collect();
    let at = letters.iter().position(|own| *own == letter);
    at.map_or(letter, |at| letters[(at + 3) % letters.len()])
}

/// A paper of the press as a picture, and its text.
fn paper() -> ((u32, u32, Vec<u8>), String) {
    let sheet = Press::open().unwrap().paper(Kind::Decision, 12).swap_remove(0);
    let grey = sheet.render_grey(200);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 85)
        .encode(grey.as_raw(), grey.width(), grey.height(), ExtendedColorType::L8)
        .unwrap();
    ((grey.width(), grey.height(), jpeg), sheet.text())
}

/// An entry of `sohoa read --json`.
#[derive(Deserialize)]
struct Entry {
    #[serde(flatten)]
    reading: PageReading,
    #[serde(default)]
    signatures: Vec<DigitalSignature>,
}

fn read(page: &Page) -> PageReading {
    read_file(&page.pdf()).swap_remove(0).reading
}

fn read_file(pdf: &[u8]) -> Vec<Entry> {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("page.pdf"), folder.path().join("out.json"));
    std::fs::write(&path, pdf).unwrap();
    let mut sohoa = Command::new(binary("sohoa"));
    sohoa.args(["--log", "error", "read", "--json"]).arg(&out).arg(&path);
    let output = sohoa.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap()
}

/// How many of the lines stand in the text, letter by letter.
fn found(lines: &[&str], reading: &PageReading) -> usize {
    let text = tidy(&reading.text);
    lines.iter().filter(|line| text.contains(**line)).count()
}

#[test]
fn text_that_is_what_the_page_shows_is_taken_however_the_page_is_turned() {
    for entries in ["", "/Rotate 90", "/Rotate 180", "/Rotate 270"] {
        let page = Page { entries, ..Page::new().lines(&LINES, 750, "", as_it_is) };
        let reading = read(&page);
        assert_eq!(reading.text_from, TextSource::TextLayer, "{entries}");
        assert_eq!(found(&LINES, &reading), LINES.len(), "{entries}: {}", reading.text);
        assert!(reading.words.iter().all(|word| word.engine == EngineId::TextLayer));
        assert!((0.95..1.0).contains(&reading.confidence));
        // Upright: the first line is at the top, and each word within the page.
        let (first, last) = (&reading.words[0], reading.words.last().unwrap());
        assert!(first.y + first.h < last.y, "{entries}");
        assert!(reading.words.iter().all(|w| w.x + w.w <= reading.width && w.w > 0 && w.h > 0));
    }
}

#[test]
fn letters_that_are_said_to_be_others_are_read_off_the_page() {
    let garbled = Page::new().lines(&LINES, 750, "", next_but_two);
    let private = Page::new()
        .lines(&LINES, 750, "", |c| char::from_u32(0xf000 + u32::from(c) % 256).unwrap());
    for page in [garbled, private] {
        let reading = read(&page);
        assert_eq!(reading.text_from, TextSource::Pixels);
        assert!(found(&LINES, &reading) >= 6, "{}", reading.text);
    }
}

#[test]
fn figures_that_are_said_to_be_others_are_read_off_the_page() {
    let page = Page::new().lines(&LINES, 750, "", |letter| match letter {
        '0'..='9' => char::from_digit((letter.to_digit(10).unwrap() + 3) % 10, 10).unwrap(),
        letter => letter,
    });
    let reading = read(&page);
    assert_eq!(reading.text_from, TextSource::Pixels);
    assert!(reading.text.contains("2014"), "{}", reading.text);
}

#[test]
fn text_that_cannot_be_seen_is_not_taken() {
    let (picture, _) = paper();
    let inset = [30, 42, 535, 757];
    let hidden =
        Page::new().picture(picture.clone(), inset).lines(&OTHER_LINES, 700, "3 Tr", as_it_is);
    let white =
        Page::new().picture(picture.clone(), inset).lines(&OTHER_LINES, 100, "1 g", as_it_is);
    let under = Page::new().lines(&OTHER_LINES, 700, "", as_it_is).picture(picture.clone(), inset);
    let scan =
        Page::new().lines(&OTHER_LINES, 700, "", as_it_is).picture(picture, [0, 0, 595, 842]);
    for (what, page) in [("hidden", hidden), ("white", white), ("under", under), ("scan", scan)] {
        let reading = read(&page);
        assert_eq!(reading.text_from, TextSource::Pixels, "{what}");
        assert_eq!(found(&OTHER_LINES, &reading), 0, "{what}: {}", reading.text);
        assert!(reading.words.len() > 30, "{what}");
    }
}

#[test]
fn a_page_that_states_only_part_of_what_it_shows_is_read() {
    let (picture, text) = paper();
    // The picture below a stated head.
    let page =
        Page::new().lines(&LINES[..3], 800, "", as_it_is).picture(picture, [60, 20, 475, 672]);
    let reading = read(&page);
    assert_eq!(reading.text_from, TextSource::Pixels);
    let lines: Vec<&str> = text.lines().filter(|line| line.chars().count() > 12).collect();
    assert!(2 * found(&lines, &reading) > lines.len(), "{}", reading.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signatures_of_a_pdf_are_told_with_its_scan_and_its_first_page() {
    let pdf = include_bytes!("../../crates/imaging/tests/papers/signed_three_times.pdf");
    let entries = read_file(pdf);
    assert!(entries[1..].iter().all(|entry| entry.signatures.is_empty()));
    let told = &entries[0].signatures;
    let signers: Vec<&str> = told.iter().map(|own| own.signer.as_ref().unwrap().reveal()).collect();
    assert_eq!(signers, ["Nguyễn Thị Mẫu", "ỦY BAN NHÂN DÂN XÃ MẪU", "Trần Văn Mẫu"]);
    assert!(told.iter().all(|own| own.state == SignatureState::Intact));

    let stage = Stage::start().await;
    let view = stage.put_through(&tests::opening(&tests::somebody(3)), &[pdf]).await;
    assert_eq!(&view.scans[0].signatures, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn signers_are_named_in_the_view_and_not_in_the_log() {
    let stage = Stage::start().await;
    let pdf = include_bytes!("../../crates/imaging/tests/papers/signed_three_times.pdf");
    let view = stage.put_through(&tests::opening(&tests::somebody(4)), &[pdf]).await;
    assert_eq!(view.scans[0].signatures.len(), 3);
    let shown = stage.command(&["dossier", view.code.as_str(), "--server", stage.address()]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("Chữ ký số: Nguyễn Thị Mẫu, 2026-"), "{shown}");
    assert!(!stage.log().contains("Nguyễn Thị Mẫu") && !stage.log().contains("XÃ MẪU"));
}
