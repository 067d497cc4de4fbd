//! Which kind a page is taken for.

#[path = "support/mod.rs"]
mod support;

use filing::{Kinds, recognise};
use schemas::reading::{Code, CodeKind, PageReading};
use support::Paper;

#[track_caller]
fn check(page: &PageReading, want: Option<&str>, least: f32) {
    let guesses = recognise(&Kinds::shipped(), page);
    let best = guesses.first().filter(|g| g.confidence >= least);
    assert_eq!(best.map(|g| g.id.as_str()), want, "{:?}", &guesses[..guesses.len().min(3)]);
}

fn birth_certificate() -> Paper {
    Paper::new()
        .form_head()
        .title("GIẤY KHAI SINH")
        .body("Họ, chữ đệm, tên: NGUYỄN THỊ MẪU")
        .body("Ngày, tháng, năm sinh: 01/02/2020")
        .body("Nơi sinh: Bệnh viện đa khoa tỉnh")
        .body("Nơi đăng ký khai sinh: Ủy ban nhân dân phường Nghĩa Lộ")
}

#[test]
fn a_title_in_capitals_and_its_phrases_make_a_kind_sure() {
    check(&birth_certificate().read(), Some("birth_certificate"), filing::THRESHOLD);
}

#[test]
fn misread_letters_in_the_title_are_forgiven() {
    let page = Paper::new()
        .form_head()
        .title("GlẤY KHAl SlNH".replace('l', "I").as_str())
        .body("Ho, chu dêm, tên: NGUYỄN THỊ MẪU")
        .body("Noi đăng ky khai sình: UBND phường Nghĩa Lộ");
    check(&page.read(), Some("birth_certificate"), filing::THRESHOLD);
}

#[test]
fn an_application_to_register_a_birth_is_no_birth_certificate() {
    let page = Paper::new()
        .form_head()
        .title("TỜ KHAI ĐĂNG KÝ KHAI SINH")
        .body("Kính gửi: Ủy ban nhân dân phường Nghĩa Lộ")
        .body("Họ, chữ đệm, tên người yêu cầu: NGUYỄN VĂN MẪU")
        .body("Đề nghị cơ quan đăng ký khai sinh cho người dưới đây:")
        .body("Họ, chữ đệm, tên: NGUYỄN THỊ MẪU")
        .body("Ngày, tháng, năm sinh: 01/02/2020")
        .body("Nơi sinh: Bệnh viện đa khoa tỉnh");
    check(&page.read(), Some("birth_registration_form"), filing::THRESHOLD);
}

#[test]
fn the_longer_title_is_meant_where_a_shorter_one_begins_it() {
    let page = Paper::new().form_head().title("TỜ KHAI ĐĂNG KÝ LẠI KHAI SINH");
    check(&page.read(), Some("birth_reregistration_form"), 0.5);
}

#[test]
fn a_title_over_two_lines_is_one_title() {
    let page = Paper::new().form_head().title("TỜ KHAI").title("ĐĂNG KÝ KHAI SINH");
    check(&page.read(), Some("birth_registration_form"), filing::THRESHOLD);
}

#[test]
fn a_form_code_tells_the_form() {
    let page = Paper::new().line("Mẫu CT01 ban hành kèm theo", 0.8, support::BODY).form_head();
    let page = page.body("Kính gửi: Công an phường").body("Họ, chữ đệm và tên: NGUYỄN VĂN MẪU");
    check(&page.read(), Some("residence_change_form"), 0.4);
}

#[test]
fn the_code_of_an_identity_card_is_enough() {
    let zone = "IDVNM1990000139001199000013<<0\n9901018F3901016VNM<<<<<<<<<<<2\nNGUYEN<<THI<MAU<<<<<<<<<<<<<<<";
    let code = Code { kind: CodeKind::Mrz, text: zone.to_owned() };
    check(&Paper::new().with(|r| r.codes.push(code)).read(), Some("identity_card"), 0.9);
}

#[test]
fn an_official_letter_is_known_by_its_subject_under_the_number() {
    let page = Paper::new()
        .head(
            ["ỦY BAN NHÂN DÂN", "TỈNH QUẢNG NGÃI"],
            "Số: 575/UBND-KTTH",
            "Quảng Ngãi, ngày 04 tháng 02 năm 2025",
        )
        .across("V/v tham gia ý kiến các", "")
        .across("dự thảo Nghị định", "")
        .skip(40)
        .line("Kính gửi: Sở Tài chính", 0.55, support::BODY)
        .body("Theo đề nghị của Bộ Tài chính tại các công văn nêu trên.");
    check(&page.read(), Some("official_letter"), filing::THRESHOLD);
}

#[test]
fn a_page_that_speaks_of_papers_is_none_of_them() {
    let page = Paper::new()
        .body("Người yêu cầu nộp giấy khai sinh, giấy chứng nhận kết hôn hoặc")
        .body("giấy chứng nhận quyền sử dụng đất theo quy định của pháp luật.");
    check(&page.read(), None, 0.3);
}

#[test]
fn an_empty_page_is_nothing() {
    assert!(recognise(&Kinds::shipped(), &Paper::new().read()).is_empty());
}
