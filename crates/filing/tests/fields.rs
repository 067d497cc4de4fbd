//! What officers would otherwise type off a paper.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/mod.rs"]
mod support;

use filing::{Kinds, Parties, describe, fields, valid_until};
use schemas::ids::KindId;
use schemas::reading::{Code, CodeKind, PageReading};
use schemas::record::{Field, FieldName, FieldSource};
use schemas::subject::{People, Subject};
use support::{BODY, Paper};

fn found(pages: &[&PageReading], kind: Option<&str>) -> Vec<Field> {
    let kind = kind.map(|k| k.parse::<KindId>().unwrap());
    fields(&Kinds::shipped(), kind.as_ref(), pages)
}

#[track_caller]
fn check(fields: &[Field], name: FieldName, want: Option<&str>) {
    let value = fields.iter().find(|f| f.name == name).map(|f| f.value.as_str());
    assert_eq!(value, want, "{name:?}");
}

fn decision() -> Paper {
    Paper::new()
        .head(
            ["ỦY BAN NHÂN DÂN", "TỈNH QUẢNG NGÃI"],
            "Số: 47 /QĐ-UBND",
            "Quảng Ngãi, ngày 17 tháng 01 năm 2025",
        )
        .title("QUYẾT ĐỊNH")
        .line("Về việc kinh phí thực hiện hỗ trợ quà Tết cho hộ nghèo, cận nghèo", 0.5, BODY)
        .line("trên địa bàn tỉnh nhân dịp Tết nguyên đán Ất Tỵ - năm 2025", 0.5, BODY)
        .skip(30)
        .title("ỦY BAN NHÂN DÂN TỈNH QUẢNG NGÃI")
        .body("Căn cứ Quyết định số 759/QĐ-UBND ngày 12 tháng 12 năm 2024 của UBND tỉnh;")
}

fn last_page() -> Paper {
    Paper::new()
        .at(0.04)
        .line("2", 0.5, BODY)
        .at(0.1)
        .body("Điều 3. Quyết định này có hiệu lực kể từ ngày ký.")
        .skip(40)
        .across("Nơi nhận:", "TM. ỦY BAN NHÂN DÂN")
        .across("- Như Điều 4;", "CHỦ TỊCH")
        .skip(150)
        .line("Nguyễn Văn Mẫu", 0.68, BODY)
}

#[test]
fn an_official_papers_fields_are_read_where_they_stand() {
    let fields = found(&[&decision().read(), &last_page().read()], Some("decision"));
    check(&fields, FieldName::NumberSymbol, Some("47/QĐ-UBND"));
    check(&fields, FieldName::IssuedOn, Some("2025-01-17"));
    check(&fields, FieldName::Issuer, Some("ỦY BAN NHÂN DÂN TỈNH QUẢNG NGÃI"));
    check(
        &fields,
        FieldName::Abstract,
        Some(
            "Về việc kinh phí thực hiện hỗ trợ quà Tết cho hộ nghèo, cận nghèo trên địa bàn tỉnh nhân dịp Tết nguyên đán Ất Tỵ - năm 2025",
        ),
    );
    check(&fields, FieldName::Signer, Some("Nguyễn Văn Mẫu"));
    let signer = fields.iter().find(|f| f.name == FieldName::Signer).unwrap();
    assert!(signer.page == Some(1) && signer.area.is_some() && signer.confidence > 0.9);
}

#[test]
fn of_two_bodies_in_the_letterhead_the_lower_one_issues() {
    let page = Paper::new()
        .head(
            ["UBND TỈNH QUẢNG NGÃI", "SỞ TƯ PHÁP"],
            "Số: 12/STP-HCTP",
            "Quảng Ngãi, ngày 04 tháng 02 năm 2025",
        )
        .across("V/v trả lời công dân", "")
        .across("về việc cấp phiếu", "")
        .skip(60)
        .line("Kính gửi: Sở Tài chính", 0.55, BODY);
    let fields = found(&[&page.read()], None);
    check(&fields, FieldName::Issuer, Some("SỞ TƯ PHÁP"));
    check(&fields, FieldName::Abstract, Some("V/v trả lời công dân về việc cấp phiếu"));
}

#[test]
fn numbers_and_dates_of_other_papers_in_the_body_are_not_taken() {
    let page = Paper::new()
        .head(["ỦY BAN NHÂN DÂN", "TỈNH QUẢNG NGÃI"], "", "Quảng Ngãi, ngày … tháng … năm 2025")
        .title("QUYẾT ĐỊNH")
        .at(0.5)
        .body("Căn cứ Quyết định số 759/QĐ-UBND ngày 12 tháng 12 năm 2024;");
    let fields = found(&[&page.read()], None);
    check(&fields, FieldName::NumberSymbol, None);
    check(&fields, FieldName::IssuedOn, None);
}

#[test]
fn a_certificates_date_stands_above_its_signature() {
    let page = Paper::new()
        .form_head()
        .title("GIẤY KHAI SINH")
        .body("Họ, chữ đệm, tên: NGUYỄN THỊ MẪU    Giới tính: Nữ")
        .body("Ngày, tháng, năm sinh: 01/02/2020")
        .body("Số định danh cá nhân: 001 320 000 013")
        .body("Họ, chữ đệm, tên người mẹ: TRẦN THỊ KHÁC")
        .at(0.7)
        .line("Nghĩa Lộ, ngày 03 tháng 02 năm 2020", 0.7, BODY)
        .line("NGƯỜI KÝ GIẤY KHAI SINH", 0.7, BODY)
        .skip(120)
        .line("Lê Văn Mẫu", 0.7, BODY);
    let fields = found(&[&page.read()], Some("birth_certificate"));
    check(&fields, FieldName::IssuedOn, Some("2020-02-03"));
    check(&fields, FieldName::Signer, Some("Lê Văn Mẫu"));
    check(&fields, FieldName::HolderName, Some("NGUYỄN THỊ MẪU"));
    check(&fields, FieldName::HolderNumber, Some("001320000013"));
    check(&fields, FieldName::HolderBorn, Some("2020-02-01"));
}

#[test]
fn the_applicants_name_is_not_the_holders() {
    let page = Paper::new()
        .form_head()
        .title("GIẤY KHAI SINH")
        .body("Họ, chữ đệm, tên người đi khai sinh: NGUYỄN VĂN KHÁC")
        .body("Họ, chữ đệm, tên người mẹ: TRẦN THỊ KHÁC");
    check(&found(&[&page.read()], Some("birth_certificate")), FieldName::HolderName, None);
}

#[test]
fn what_a_code_tells_goes_before_what_was_read() {
    let text = "001199000013||Nguyễn Thị Mẫu|01011999|Nữ|Số 1 phố Mẫu|10052021";
    let front = Paper::new()
        .title("CĂN CƯỚC CÔNG DÂN")
        .body("Số / No.: 001199000018")
        .body("Họ và tên / Full name:")
        .body("NGUYÊN THI MẦU")
        .body("Có giá trị đến: 01/01/2039")
        .with(|r| r.codes.push(Code { kind: CodeKind::IdentityCard, text: text.to_owned() }));
    let fields = found(&[&front.read()], Some("identity_card"));
    check(&fields, FieldName::HolderNumber, Some("001199000013"));
    check(&fields, FieldName::HolderName, Some("Nguyễn Thị Mẫu"));
    check(&fields, FieldName::HolderBorn, Some("1999-01-01"));
    check(&fields, FieldName::IssuedOn, Some("2021-05-10"));
    check(&fields, FieldName::ValidUntil, Some("2039-01-01"));
    assert!(
        fields.iter().any(|f| f.source == FieldSource::Qr)
            && fields.iter().any(|f| f.source == FieldSource::Ocr)
    );
}

#[test]
fn a_term_in_months_ends_with_the_last_month() {
    let kinds = Kinds::shipped();
    let kind = kinds.get(&"marital_status_certificate".parse().unwrap()).unwrap();
    let page = Paper::new().head(
        ["ỦY BAN NHÂN DÂN", "PHƯỜNG NGHĨA LỘ"],
        "Số: 12/UBND-XNTTHN",
        "Nghĩa Lộ, ngày 31 tháng 8 năm 2025",
    );
    let fields = found(&[&page.read()], Some("marital_status_certificate"));
    assert_eq!(valid_until(kind, &fields).map(|d| d.to_string()).as_deref(), Some("2026-02-28"));
    let until = fields.iter().find(|f| f.name == FieldName::ValidUntil).unwrap();
    assert_eq!((until.source, until.value.as_str()), (FieldSource::Policy, "2026-02-28"));
    assert_eq!(valid_until(kind, &[]), None);
}

#[test]
fn an_extract_tells_the_day_of_its_act_beside_that_of_its_issue() {
    let act_on = |kind: &str, lines: [&str; 2]| {
        let page = Paper::new()
            .head(
                ["ỦY BAN NHÂN DÂN", "PHƯỜNG NGHĨA LỘ"],
                "Số: 12/TLGCLH",
                "Nghĩa Lộ, ngày 31 tháng 8 năm 2025",
            )
            .title("TRÍCH LỤC GHI CHÚ LY HÔN")
            .body(lines[0])
            .body(lines[1]);
        let fields = found(&[&page.read()], Some(kind));
        check(&fields, FieldName::IssuedOn, Some("2025-08-31"));
        let act = fields.into_iter().find(|field| field.name == FieldName::ActOn);
        act.map(|field| field.value)
    };
    let judged = ["Ly hôn theo Bản án số 12/2011/HNGĐ-ST ngày 03", "tháng 02 năm 2011 của Tòa án"];
    assert_eq!(act_on("divorce_extract", judged).as_deref(), Some("2011-02-03"));
    assert_eq!(act_on("marriage_extract", judged), None, "it ends nothing");
    for unsaid in [
        ["Đã ly hôn theo Bản án/Quyết định của Tòa án", "Vào Sổ hộ tịch số 7 ngày 05/05/2012"],
        ["Đã ly hôn theo Quyết định", "số 7 ngày 05/05/2012"],
        ["Ly hôn theo Quyết định, ghi vào sổ số 7 ngày 05/05/2012", "của Ủy ban nhân dân"],
    ] {
        assert_eq!(act_on("divorce_extract", unsaid), None, "{unsaid:?}");
    }
}

/// Giấy chứng nhận kết hôn, in two columns; the husband's number as given.
fn marriage(his: &str) -> PageReading {
    Paper::new()
        .title("GIẤY CHỨNG NHẬN KẾT HÔN")
        .across("Họ, chữ đệm, tên vợ:", "Họ, chữ đệm, tên chồng:")
        .across("NGUYỄN THỊ MẪU", "TRẦN VĂN KHÁC")
        .across("Ngày, tháng, năm sinh: 01/01/1999", "Ngày, tháng, năm sinh: 02/03/1997")
        .across("Giấy tờ tùy thân: Căn cước", "Giấy tờ tùy thân: Căn cước")
        .across("số 001199000013", his)
        .skip(60)
        .across("(Ký, ghi rõ họ, chữ đệm, tên)", "(Ký, ghi rõ họ, chữ đệm, tên)")
        .across("Nguyễn Thị Mẫu", "Trần Văn Khác")
        .read()
}

#[test]
fn a_marriage_is_both_spouses_and_nobody_is_guessed() {
    let kinds = Kinds::shipped();
    let kind = kinds.get(&"marriage_certificate".parse().unwrap()).unwrap();
    let citizen = |number: &str, name: &str, born: &str| Subject::Citizen {
        number: number.parse().unwrap(),
        name: name.parse().unwrap(),
        born: born.parse().unwrap(),
    };
    let wife = citizen("001199000013", "Nguyễn Thị Mẫu", "1999-01-01");
    let husband = citizen("001097000026", "Trần Văn Khác", "1997-03-02");
    let other = citizen("001199000039", "Lê Thị Lạ", "1999-05-05");
    let owners = |applicant: &Subject, page: &PageReading| {
        let people = People { applicant, others: &[] };
        let parties = Parties { people, whose: None };
        let mut owners = describe(&kinds, kind, parties, &[page], &[]).owners;
        owners.sort_by_key(|owner| owner.subject.reveal_number().to_owned());
        owners.into_iter().map(|owner| owner.subject).collect::<Vec<_>>()
    };
    let page = marriage("số 001097000026");
    for applicant in [&wife, &husband, &other] {
        let owners = owners(applicant, &page);
        assert_eq!(owners.len(), 2, "{applicant:?}: {owners:?}");
        assert!(owners[0].agrees(&husband) && owners[1].agrees(&wife));
    }
    // A number that can't be read, and one that isn't of the year beside it.
    for unsure in ["số 0010970000", "số 001085000026"] {
        assert_eq!(owners(&wife, &marriage(unsure)), std::slice::from_ref(&wife), "{unsure}");
    }
}
