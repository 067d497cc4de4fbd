//! Which pages are one paper, and which component it stands for.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/mod.rs"]
mod support;

use filing::{Filing, Kinds, Sheet, Verdict, file};
use schemas::Uuid;
use schemas::catalogue::Procedure;
use schemas::ids::{Blake3, PageId};
use schemas::reading::{Code, CodeKind, Fingerprint, PageReading};
use support::Paper;

/// A procedure of components given as (id, kinds, more).
fn procedure(components: &[(&str, &str, &str)]) -> Procedure {
    let components: Vec<String> = (components.iter().enumerate())
        .map(|(place, (id, kinds, more))| {
            let kinds: Vec<String> = kinds.split_whitespace().map(|k| format!("\"{k}\"")).collect();
            let (kinds, order) = (kinds.join(","), place + 1);
            format!(r#"{{"id":"{id}","name":"{id}","kinds":[{kinds}],"required":true,"order":{order}{more}}}"#)
        })
        .collect();
    let components = components.join(",");
    serde_json::from_str(&format!(
        r#"{{"code":"1.001193","name":"-","components":[{components}]}}"#
    ))
    .unwrap()
}

fn sheet(reading: &PageReading) -> Sheet<'_> {
    Sheet { page: PageId::from_uuid(Uuid::nil()), reading, said: None }
}

fn filed(procedure: &Procedure, pages: &[PageReading]) -> Filing {
    let sheets: Vec<Sheet<'_>> = pages.iter().map(sheet).collect();
    file(&Kinds::shipped(), procedure, None, &"H26-1".parse().unwrap(), &sheets)
}

#[track_caller]
fn check(
    procedure: &Procedure,
    pages: &[PageReading],
    want: &[(&[usize], Option<&str>, Verdict)],
) -> Filing {
    let filing = filed(procedure, pages);
    let got: Vec<_> = (filing.documents.iter())
        .map(|d| (d.pages.as_slice(), d.component.as_ref().map(|c| c.as_str()), d.verdict))
        .collect();
    assert_eq!(got, want, "{:#?}", filing.documents);
    filing
}

fn birth_certificate(name: &str) -> PageReading {
    Paper::new()
        .form_head()
        .title("GIẤY KHAI SINH")
        .body(&format!("Họ, chữ đệm, tên: {name}"))
        .body("Ngày, tháng, năm sinh: 01/02/2020")
        .body("Nơi sinh: Bệnh viện đa khoa tỉnh")
        .body("Nơi đăng ký khai sinh: Ủy ban nhân dân phường Nghĩa Lộ")
        .read()
}

fn decision(number: &str) -> PageReading {
    Paper::new()
        .head(
            ["ỦY BAN NHÂN DÂN", "TỈNH QUẢNG NGÃI"],
            number,
            "Quảng Ngãi, ngày 17 tháng 01 năm 2025",
        )
        .title("QUYẾT ĐỊNH")
        .line("Về việc kinh phí thực hiện hỗ trợ quà Tết cho hộ nghèo", 0.5, support::BODY)
        .skip(40)
        .body("Căn cứ Luật Tổ chức chính quyền địa phương ngày 19/6/2015;")
        .body("Theo đề nghị của Giám đốc Sở Tài chính.")
        .read()
}

fn going_on(number: Option<&str>, text: &str) -> PageReading {
    let paper = Paper::new().at(0.04);
    let paper = match number {
        Some(number) => paper.line(number, 0.5, support::BODY),
        None => paper,
    };
    paper.at(0.1).body(text).body("Nơi nhận: như trên và các đơn vị có liên quan").read()
}

fn blank() -> PageReading {
    Paper::new().with(|r| r.blank = true).read()
}

fn coded(kind: CodeKind, text: &str) -> PageReading {
    Paper::new()
        .with(|r| r.codes.push(Code { kind, text: text.to_owned() }))
        .line(text, 0.5, 20)
        .read()
}

const ZONE: &str = "IDVNM1990000139001199000013<<0\n9901018F3901016VNM<<<<<<<<<<<2\nNGUYEN<<THI<MAU<<<<<<<<<<<<<<<";
/// The zone of a card of somebody born on the first of January 1999, with its check digits.
fn zone(number: &str) -> String {
    let digit = |data: &str| {
        let value = |b: u8| match b {
            b'0'..=b'9' => u32::from(b - b'0'),
            b'A'..=b'Z' => u32::from(b - b'A') + 10,
            _ => 0,
        };
        data.bytes().zip([7, 3, 1].into_iter().cycle()).map(|(b, w)| value(b) * w).sum::<u32>() % 10
    };
    let document = &number[3..];
    let first = format!("IDVNM{document}{}{number}<<<", digit(document));
    let (born, until) = ("990101", "390101");
    let dates = (format!("{born}{}", digit(born)), format!("{until}{}", digit(until)));
    let all = digit(&format!("{}{}{}{}", &first[5..], dates.0, dates.1, "<".repeat(11)));
    format!(
        "{first}\n{}M{}VNM{}{all}\nTRAN<<VAN<KHAC{}",
        dates.0,
        dates.1,
        "<".repeat(11),
        "<".repeat(16)
    )
}

const QR: &str = "001199000013||Nguyễn Thị Mẫu|01011999|Nữ|Số 1 phố Mẫu|10052021";

#[test]
fn a_page_that_says_nothing_goes_on_and_a_blank_back_breaks_nothing() {
    let asked = procedure(&[("a", "decision", ""), ("b", "birth_certificate", "")]);
    let pages = [
        decision("Số: 47/QĐ-UBND"),
        blank(),
        going_on(Some("2"), "Điều 3. Quyết định này có hiệu lực kể từ ngày ký."),
        going_on(None, "Danh sách các hộ được hỗ trợ theo Điều 1."),
        birth_certificate("NGUYỄN THỊ MẪU"),
    ];
    let filing = check(
        &asked,
        &pages,
        &[(&[0, 2, 3], Some("a"), Verdict::Filed), (&[4], Some("b"), Verdict::Filed)],
    );
    assert_eq!(filing.blanks, [1]);
}

#[test]
fn a_letterhead_starts_a_new_paper() {
    let asked = procedure(&[("a", "decision", r#","copies":2"#)]);
    let pages = [decision("Số: 47/QĐ-UBND"), decision("Số: 1234/QĐ-STC")];
    check(&asked, &pages, &[(&[0], Some("a"), Verdict::Filed), (&[1], Some("a"), Verdict::Filed)]);
}

#[test]
fn an_annex_stays_with_its_paper_although_it_has_a_letterhead() {
    let annex = Paper::new()
        .head(["ỦY BAN NHÂN DÂN", "TỈNH QUẢNG NGÃI"], "", "")
        .title("KẾ HOẠCH")
        .line("(Kèm theo Quyết định số 47/QĐ-UBND ngày 17 tháng 01 năm 2025)", 0.5, support::BODY)
        .read();
    let pages = [decision("Số: 47/QĐ-UBND"), annex];
    check(&procedure(&[("a", "decision", "")]), &pages, &[(&[0, 1], Some("a"), Verdict::Filed)]);
}

#[test]
fn both_sides_of_an_identity_card_are_one_paper() {
    let asked = procedure(&[("a", "identity_card", "")]);
    let front = Paper::new()
        .title("CĂN CƯỚC CÔNG DÂN")
        .title("Citizen Identity Card")
        .body("Họ và tên / Full name: NGUYỄN THỊ MẪU")
        .read();
    let pages = [front, coded(CodeKind::Mrz, ZONE)];
    check(&asked, &pages, &[(&[0, 1], Some("a"), Verdict::Filed)]);
}

#[test]
fn two_fronts_and_then_their_backs_find_one_another_by_number() {
    let other = zone("001099000021");
    let pages = [
        coded(CodeKind::IdentityCard, QR),
        coded(CodeKind::IdentityCard, &QR.replace("001199000013", "001099000021")),
        coded(CodeKind::Mrz, ZONE),
        coded(CodeKind::Mrz, &other),
    ];
    let asked = procedure(&[("a", "identity_card", r#","copies":2"#)]);
    check(
        &asked,
        &pages,
        &[(&[0, 2], Some("a"), Verdict::Filed), (&[1, 3], Some("a"), Verdict::Filed)],
    );
}

#[test]
fn what_no_component_accepts_is_not_collected() {
    let pages = [birth_certificate("NGUYỄN THỊ MẪU")];
    let filing =
        check(&procedure(&[("a", "decision", "")]), &pages, &[(&[0], None, Verdict::Outside)]);
    assert!(filing.documents[0].why.contains("Không thu"), "{}", filing.documents[0].why);
    let shown = procedure(&[("a", "birth_certificate", r#","submit":"present_only""#)]);
    let filing = check(&shown, &pages, &[(&[0], None, Verdict::Outside)]);
    assert!(filing.documents[0].why.contains("xuất trình"), "{}", filing.documents[0].why);
}

#[test]
fn half_a_title_of_a_paper_that_is_asked_for_waits_for_a_person() {
    let page = Paper::new()
        .form_head()
        .title("TỜ KHAI")
        .body("Kính gửi: Ủy ban nhân dân phường Nghĩa Lộ")
        .body("Tôi tên là: NGUYỄN VĂN MẪU")
        .body("Tôi xin cam đoan những lời khai trên là đúng sự thật")
        .body("Người làm đơn");
    let pages = [page.read()];
    let asked = procedure(&[("a", "birth_registration_form", "")]);
    check(&asked, &pages, &[(&[0], None, Verdict::Unsure)]);
    check(&procedure(&[("a", "decision", "")]), &pages, &[(&[0], None, Verdict::Outside)]);
}

#[test]
fn a_separator_sheet_says_where_the_pages_after_it_belong() {
    let asked = procedure(&[("a", "birth_certificate", ""), ("b", "birth_certificate", "")]);
    let separator = |component| coded(CodeKind::Separator, &format!("SOHOA|1|H26-1|{component}"));
    let scrawl = || Paper::new().body("Một trang viết tay không có tiêu đề nào đọc được").read();
    let pages = [
        separator("b"),
        birth_certificate("NGUYỄN THỊ MẪU"),
        scrawl(),
        separator("a"),
        scrawl(),
        separator("none"),
        birth_certificate("TRẦN VĂN KHÁC"),
    ];
    let mut pages = pages.to_vec();
    pages[4].blake3.0[1] ^= 7;
    pages[4].fingerprint.0 = pages[4].fingerprint.0.map(|bits| !bits);
    let filing = check(
        &asked,
        &pages,
        &[
            (&[1, 2], Some("b"), Verdict::Filed),
            (&[4], Some("a"), Verdict::Filed),
            (&[6], None, Verdict::Unsure),
        ],
    );
    assert_eq!(filing.separators, [0, 3, 5]);
}

#[test]
fn what_an_officer_says_a_scan_is_for_counts_like_a_separator_sheet() {
    let asked = procedure(&[("a", "birth_certificate", ""), ("b", "birth_certificate", "")]);
    let pages = [birth_certificate("NGUYỄN THỊ MẪU"), birth_certificate("TRẦN VĂN KHÁC")];
    let said = "b".parse().unwrap();
    let sheets = [Sheet { said: Some(&said), ..sheet(&pages[0]) }, sheet(&pages[1])];
    let filing = file(&Kinds::shipped(), &asked, None, &"H26-1".parse().unwrap(), &sheets);
    let laid: Vec<_> =
        filing.documents.iter().map(|d| d.component.as_ref().map(|c| c.as_str())).collect();
    assert_eq!(laid, [Some("b"), Some("a")]);
}

#[test]
fn papers_behind_another_dossiers_separator_wait_for_a_person() {
    let asked = procedure(&[("a", "birth_certificate", "")]);
    let pages =
        [coded(CodeKind::Separator, "SOHOA|1|H26-2|a"), birth_certificate("NGUYỄN THỊ MẪU")];
    check(&asked, &pages, &[(&[1], None, Verdict::Unsure)]);
}

#[test]
fn what_is_not_recognised_waits_for_a_person() {
    let page = Paper::new().body("Một trang viết tay không có tiêu đề nào đọc được").read();
    check(&procedure(&[("a", "decision", "")]), &[page], &[(&[0], None, Verdict::Unsure)]);
}

#[test]
fn nothing_that_was_read_is_repeated_in_the_reason() {
    let asked = procedure(&[("a", "decision", "")]);
    let filing = filed(&asked, &[birth_certificate("NGUYỄN THỊ MẪU")]);
    assert!(!filing.documents[0].why.to_lowercase().contains("mẫu"));
}

#[test]
fn a_paper_takes_the_place_that_no_other_could() {
    // Both places take a birth certificate, the first alone takes a decision too.
    let asked =
        procedure(&[("a", "birth_certificate decision", ""), ("b", "birth_certificate", "")]);
    let pages = [birth_certificate("NGUYỄN THỊ MẪU"), decision("Số: 47/QĐ-UBND")];
    check(&asked, &pages, &[(&[0], Some("b"), Verdict::Filed), (&[1], Some("a"), Verdict::Filed)]);
}

#[test]
fn one_of_a_group_is_enough() {
    let group = r#","one_of":"g""#;
    let asked = procedure(&[
        ("a", "decision", group),
        ("b", "birth_certificate", group),
        ("c", "birth_certificate", ""),
    ]);
    let pages = [decision("Số: 47/QĐ-UBND"), birth_certificate("NGUYỄN THỊ MẪU")];
    check(&asked, &pages, &[(&[0], Some("a"), Verdict::Filed), (&[1], Some("c"), Verdict::Filed)]);
}

#[test]
fn the_same_paper_scanned_again_counts_once() {
    let mut first = birth_certificate("NGUYỄN THỊ MẪU");
    first.fingerprint = Fingerprint([0x55; 4]);
    let mut again = first.clone();
    again.fingerprint.0[3] ^= 2;
    again.blake3.0[0] ^= 1;
    let mut other = birth_certificate("TRẦN VĂN KHÁC");
    other
        .words
        .iter_mut()
        .filter(|w| w.text.contains('/'))
        .for_each(|w| w.text = "09/08/2019".to_owned());
    other.fingerprint = first.fingerprint;
    let asked = procedure(&[("a", "birth_certificate", "")]);
    let filing = check(
        &asked,
        &[first, again, other],
        &[(&[0], Some("a"), Verdict::Filed), (&[2], Some("a"), Verdict::Filed)],
    );
    assert_eq!(filing.duplicates, [(1, 0)]);
}

#[test]
fn one_form_filled_in_for_many_people_is_as_many_papers_and_each_is_known_again() {
    let form = |person: u8| {
        let page = Paper::new()
            .form_head()
            .title("GIẤY KHAI SINH")
            .body("Họ, chữ đệm, tên: NGUYỄN THỊ MẪU")
            .body(&format!("Ngày, tháng, năm sinh: {:02}/01/2020", person % 28 + 1))
            .body(&format!("Số định danh cá nhân: 001220000{person:03}"))
            .body("Nơi sinh: Bệnh viện đa khoa tỉnh")
            .body("Nơi đăng ký khai sinh: Ủy ban nhân dân phường Nghĩa Lộ");
        PageReading {
            fingerprint: Fingerprint([0x55; 4]),
            blake3: Blake3([person; 32]),
            ..page.read()
        }
    };
    let again = |person: u8| {
        let mut page = form(person);
        page.blake3 = Blake3([100 + person; 32]);
        page.fingerprint.0[1] ^= 0b111;
        page.words[0].text = "GỘNG".to_owned();
        page
    };
    let pages: Vec<PageReading> = (0..40).map(form).chain((0..40).map(again)).collect();
    let filing = filed(&procedure(&[("a", "birth_certificate", "")]), &pages);
    let papers: Vec<&[usize]> = filing.documents.iter().map(|d| d.pages.as_slice()).collect();
    let first: Vec<[usize; 1]> = (0..40).map(|page| [page]).collect();
    assert_eq!(papers, first);
    assert_eq!(filing.duplicates, (0..40).map(|page| (40 + page, page)).collect::<Vec<_>>());
}

#[test]
fn what_a_procedure_ends_with_is_filed_under_its_code_and_a_refusal_is_not() {
    let mut asked = procedure(&[("TP1", "identity_card", "")]);
    let results = r#"[
        {"code":"KQ.G15.000031","name":"Giấy khai sinh","evidence":true},
        {"code":"KQ.G01.000067","name":"Phiếu từ chối","evidence":false}
    ]"#;
    let page = [birth_certificate("Nguyễn Văn A")];
    check(&asked, &page, &[(&[0], None, Verdict::Outside)]);
    asked.results = serde_json::from_str(results).unwrap();
    check(&asked, &page, &[(&[0], Some("KQ.G15.000031"), Verdict::Filed)]);
    assert!(asked.ends_with(&"KQ.G15.000031".parse().unwrap()));
    assert!(!asked.ends_with(&"KQ.G01.000067".parse().unwrap()), "a refusal proves nothing");
    // What the procedure asks for goes before what it ends with.
    asked.components = procedure(&[("TP2", "birth_certificate", "")]).components;
    check(&asked, &page, &[(&[0], Some("TP2"), Verdict::Filed)]);
}
