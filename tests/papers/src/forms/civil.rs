//! Papers of the civil status registry (hộ tịch), after the forms of Circular 04/2020/TT-BTP and
//! its successors, and the hospital's note of a birth.

use std::sync::Arc;

use jiff::civil::Date;
use schemas::record::FieldName;

use crate::chance::Chance;
use crate::compose::{Align, Composer, Signer};
use crate::fonts::{Face, Fonts};
use crate::marks::{Mark, RED};
use crate::person::{Family, Person, Place, day, long_day, spelt};
use crate::press::TODAY;
use crate::sheet::Sheet;

/// What an office is called in its letterhead: `ỦY BAN NHÂN DÂN`, `PHƯỜNG HOÀN KIẾM`.
fn committee(place: &Place) -> [String; 2] {
    ["ỦY BAN NHÂN DÂN".to_owned(), place.ward.to_uppercase()]
}

/// Words of a committee's seal: above the star, below it.
pub(crate) fn seal(place: &Place) -> (String, String) {
    (format!("ỦY BAN NHÂN DÂN {}", place.ward.to_uppercase()), place.town().to_uppercase())
}

fn chairman(seed: u64) -> Person {
    Person::adult(seed ^ 0xC4A1, schemas::subject::Sex::Male)
}

/// The day of a birth's registration, a week or so after it.
fn registered(family: &Family, chance: &mut Chance) -> Date {
    let days = chance.whole(6, 20);
    family.child.born.checked_add(jiff::Span::new().days(days)).unwrap_or(TODAY)
}

pub(crate) fn birth_certificate(fonts: &Arc<Fonts>, family: &Family) -> Sheet {
    let mut chance = Chance::new(family.seed ^ 0xB1C7);
    let place = &family.father.place;
    let issued = registered(family, &mut chance);
    let number = format!("{}/{}", chance.whole(3, 480), issued.year());
    let [body, ward] = committee(place);
    let issuer = format!("{} {}", "Ủy ban nhân dân", place.full());
    let chairman = chairman(family.seed);

    let mut page = Composer::a4(fonts);
    page.paper([250, 246, 236]);
    border(&mut page);
    page.y = 26.0;
    page.left = 28.0;
    page.right = 184.0;
    page.letterhead(&place.province.to_uppercase(), &[&body, &ward], &[], None);
    page.y += 4.0;
    page.centre(Face::Bold, 24.0, "GIẤY KHAI SINH");
    page.centre(Face::Regular, 13.0, &format!("Số: {number}"));
    page.skip(5.0);
    let child = &family.child;
    page.answer("Họ, chữ đệm, tên:", &format!("*{}*", child.name.to_uppercase()));
    page.answer("Ngày, tháng, năm sinh:", &day(child.born));
    page.answer("ghi bằng chữ:", &spelt(child.born));
    page.answers(&[
        (28.0, "Giới tính:", child.sex_word()),
        (76.0, "Dân tộc:", "Kinh"),
        (124.0, "Quốc tịch:", "Việt Nam"),
    ]);
    page.answer("Nơi sinh:", &format!("{}, {}", hospital(place), place.full()));
    page.answer("Quê quán:", &place.full());
    page.answer("Số định danh cá nhân:", child.number.reveal());
    for (whom, parent) in [("mẹ", &family.mother), ("cha", &family.father)] {
        page.skip(2.0);
        page.answer(
            &format!("Họ, chữ đệm, tên người {whom}:"),
            &format!("*{}*", parent.name.to_uppercase()),
        );
        let year = parent.born.year().to_string();
        page.answers(&[
            (28.0, "Năm sinh:", &year),
            (76.0, "Dân tộc:", "Kinh"),
            (124.0, "Quốc tịch:", "Việt Nam"),
        ]);
        page.answer("Nơi cư trú:", &parent.address());
    }
    page.skip(2.0);
    page.answer("Họ, chữ đệm, tên người đi khai sinh:", &family.father.name);
    page.answer(
        "Giấy tờ tùy thân:",
        &format!("Căn cước công dân số {}", family.father.number.reveal()),
    );
    page.answer("Nơi đăng ký khai sinh:", &issuer);
    page.answer("Ngày, tháng, năm đăng ký:", &day(issued));
    page.skip(4.0);
    let seal = seal(place);
    page.sign(
        140.0,
        &Signer {
            heading: vec!["NGƯỜI KÝ GIẤY KHAI SINH", "CHỦ TỊCH"],
            name: &chairman.name,
            hand: family.seed ^ 1,
            seal: Some((&seal.0, &seal.1)),
        },
    );
    page.fact(FieldName::NumberSymbol, number);
    page.fact(FieldName::IssuedOn, issued.to_string());
    page.fact(FieldName::Issuer, issuer);
    page.fact(FieldName::Signer, chairman.name);
    holder(&mut page, child);
    page.finish()
}

fn holder(page: &mut Composer, person: &Person) {
    page.fact(FieldName::HolderName, person.name.clone());
    page.fact(FieldName::HolderNumber, person.number.reveal());
    page.fact(FieldName::HolderBorn, person.born.to_string());
}

/// The printed border of a certificate.
fn border(page: &mut Composer) {
    const TINT: [u8; 3] = [196, 120, 96];
    for (inset, w) in [(12.0, 0.9), (14.0, 0.3)] {
        let (l, t, r, b) = (inset, inset, 210.0 - inset, 297.0 - inset);
        for (from, to) in [((l, t), (r, t)), ((r, t), (r, b)), ((r, b), (l, b)), ((l, b), (l, t))] {
            page.mark(Mark::Rule { from, to, w, ink: TINT });
        }
    }
    for (x, y) in [(13.0, 13.0), (197.0, 13.0), (13.0, 284.0), (197.0, 284.0)] {
        page.mark(Mark::Disc { x, y, r: 1.8, ink: RED });
    }
}

fn hospital(place: &Place) -> String {
    format!("Bệnh viện Phụ sản {}", place.town())
}

pub(crate) fn birth_declaration(fonts: &Arc<Fonts>, family: &Family) -> Sheet {
    let mut chance = Chance::new(family.seed ^ 0xB1DE);
    let asked = registered(family, &mut chance);
    let (father, mother, child) = (&family.father, &family.mother, &family.child);
    let mut page = Composer::a4(fonts);
    page.pt = 12.5;
    page.dotted = true;
    page.motto();
    page.centre(Face::Bold, 15.0, "TỜ KHAI ĐĂNG KÝ KHAI SINH");
    page.skip(2.0);
    page.centre(Face::Regular, 13.0, &format!("Kính gửi: Ủy ban nhân dân {}", father.place.full()));
    page.skip(3.0);
    page.answer("Họ, chữ đệm, tên người yêu cầu:", &father.name.to_uppercase());
    page.answer("Ngày, tháng, năm sinh:", &day(father.born));
    page.answer("Số định danh cá nhân:", father.number.reveal());
    page.answer("Nơi cư trú:", &father.address());
    page.answer("Quan hệ với người được khai sinh:", "Cha");
    page.skip(1.0);
    page.paragraph(0.0, "*Đề nghị cơ quan đăng ký khai sinh cho người dưới đây:*");
    page.answer("Họ, chữ đệm, tên:", &child.name.to_uppercase());
    page.answers(&[
        (25.0, "Ngày, tháng, năm sinh:", &day(child.born)),
        (105.0, "ghi bằng chữ:", ""),
    ]);
    page.answer("", &spelt(child.born));
    page.answers(&[
        (25.0, "Giới tính:", child.sex_word()),
        (75.0, "Dân tộc:", "Kinh"),
        (125.0, "Quốc tịch:", "Việt Nam"),
    ]);
    page.answer("Nơi sinh:", &format!("{}, {}", hospital(&child.place), child.place.full()));
    page.answer("Quê quán:", &child.place.full());
    for (whom, parent) in [("mẹ", mother), ("cha", father)] {
        page.answer(&format!("Họ, chữ đệm, tên người {whom}:"), &parent.name.to_uppercase());
        let year = parent.born.year().to_string();
        page.answers(&[
            (25.0, "Năm sinh:", &year),
            (75.0, "Dân tộc:", "Kinh"),
            (125.0, "Quốc tịch:", "Việt Nam"),
        ]);
        page.answer("Nơi cư trú:", &parent.address());
    }
    page.skip(1.0);
    page.paragraph(8.0, "Tôi cam đoan nội dung đề nghị đăng ký khai sinh trên đây là đúng sự thật, được sự thỏa thuận nhất trí của các bên liên quan theo quy định pháp luật.");
    page.paragraph(
        8.0,
        "Tôi chịu hoàn toàn trách nhiệm trước pháp luật về nội dung cam đoan của mình.",
    );
    let copies = format!("Đề nghị cấp bản sao: Có, số lượng: {:02} bản", chance.whole(1, 9));
    page.small(25.0, 12.5, Face::Bold, &copies);
    page.skip(8.0);
    page.at(
        145.0,
        Align::Centre,
        Face::Italic,
        12.5,
        &format!("Làm tại {}, {}", father.place.ward, long_day(asked)),
    );
    page.skip(5.6);
    page.sign(
        145.0,
        &Signer {
            heading: vec!["Người yêu cầu", "(Ký, ghi rõ họ, chữ đệm, tên)"],
            name: &father.name,
            hand: family.seed ^ 2,
            seal: None,
        },
    );
    page.finish()
}

pub(crate) fn birth_note(fonts: &Arc<Fonts>, family: &Family) -> Sheet {
    let mut chance = Chance::new(family.seed ^ 0xB107);
    let (father, mother, child) = (&family.father, &family.mother, &family.child);
    let place = &child.place;
    let number = format!("{}/{}", chance.whole(100, 2900), child.born.year());
    let name = hospital(place);
    let body = name.to_uppercase();
    let book = format!("Quyển số: {:02}", chance.whole(1, 12));
    let numbered = format!("Số: {number}");
    let mut page = Composer::a4(fonts);
    page.letterhead(
        &format!("SỞ Y TẾ {}", place.town().to_uppercase()),
        &[&body],
        &[&numbered, &book],
        None,
    );
    page.centre(Face::Bold, 18.0, "GIẤY CHỨNG SINH");
    page.skip(5.0);
    page.dotted = true;
    page.answer("Họ và tên mẹ/Người nuôi dưỡng:", &format!("*{}*", mother.name.to_uppercase()));
    page.answers(&[
        (25.0, "Ngày, tháng, năm sinh:", &day(mother.born)),
        (125.0, "Dân tộc:", "Kinh"),
    ]);
    page.answer("Nơi đăng ký thường trú:", &mother.address());
    page.answer("Số định danh cá nhân:", mother.number.reveal());
    page.answer("Họ và tên cha:", &format!("*{}*", father.name.to_uppercase()));
    let (hour, minute) = (chance.whole(0, 23), chance.whole(0, 59));
    page.answer(
        "Đã sinh con vào lúc:",
        &format!("{hour:02} giờ {minute:02} phút, {}", long_day(child.born)),
    );
    page.answer("Tại:", &format!("{name}, {}", place.full()));
    page.answers(&[(25.0, "Số lần sinh:", "01"), (110.0, "Số con hiện sống:", "01")]);
    page.answer("Số con trong lần sinh này:", "01");
    let weight = format!("{} g", chance.whole(54, 78) * 50);
    page.answers(&[(25.0, "Giới tính của con:", child.sex_word()), (110.0, "Cân nặng:", &weight)]);
    page.answer("Tình trạng của con:", "Khỏe mạnh");
    page.answer("Dự kiến đặt tên con là:", &child.name);
    page.answer(
        "Người đỡ đẻ:",
        &Person::adult(family.seed ^ 0xD0C, schemas::subject::Sex::Female).name,
    );
    page.skip(4.0);
    let head = Person::adult(family.seed ^ 0x4EAD, schemas::subject::Sex::Male);
    page.at(
        190.0,
        Align::Right,
        Face::Italic,
        13.0,
        &format!("{}, {}", place.town(), long_day(child.born)),
    );
    page.skip(7.0);
    let seal_town = place.town().to_uppercase();
    page.signatures(&[
        Signer {
            heading: vec!["CHA, MẸ", "(Ký, ghi rõ họ tên)"],
            name: &father.name,
            hand: family.seed ^ 2,
            seal: None,
        },
        Signer {
            heading: vec!["THỦ TRƯỞNG CƠ SỞ Y TẾ", "(Ký tên, đóng dấu)"],
            name: &head.name,
            hand: family.seed ^ 3,
            seal: Some((&body, &seal_town)),
        },
    ]);
    page.fact(FieldName::NumberSymbol, number);
    page.fact(FieldName::IssuedOn, child.born.to_string());
    page.fact(FieldName::Issuer, name);
    page.fact(FieldName::Signer, head.name);
    page.finish()
}

pub(crate) fn marriage_certificate(fonts: &Arc<Fonts>, family: &Family) -> Sheet {
    let mut chance = Chance::new(family.seed ^ 0x3A2);
    let place = &family.father.place;
    let number = format!("{}/{}", chance.whole(3, 310), family.married.year());
    let [body, ward] = committee(place);
    let issuer = format!("Ủy ban nhân dân {}", place.full());
    let chairman = chairman(family.seed ^ 5);
    let mut page = Composer::a4(fonts);
    page.paper([250, 244, 240]);
    border(&mut page);
    page.y = 26.0;
    page.letterhead(&place.province.to_uppercase(), &[&body, &ward], &[], None);
    page.y += 4.0;
    page.left = 20.0;
    page.right = 190.0;
    page.centre(Face::Bold, 22.0, "GIẤY CHỨNG NHẬN KẾT HÔN");
    page.centre(Face::Regular, 13.0, &format!("Số: {number}"));
    page.skip(6.0);
    let top = page.y;
    let mut low = top;
    for (left, whom, who) in [(20.0, "vợ", &family.mother), (108.0, "chồng", &family.father)] {
        (page.left, page.right, page.y) = (left, left + 80.0, top);
        page.answer(&format!("Họ, chữ đệm, tên {whom}:"), "");
        page.answer(&format!("*{}*", who.name.to_uppercase()), "");
        page.answer("Ngày, tháng, năm sinh:", &day(who.born));
        page.answer("Dân tộc:", "Kinh");
        page.answer("Quốc tịch:", "Việt Nam");
        page.answer("Nơi cư trú:", &who.address());
        page.answer("Giấy tờ tùy thân:", &format!("Căn cước công dân số {}", who.number.reveal()));
        low = low.max(page.y);
    }
    page.mark(Mark::Rule {
        from: (104.0, top - 4.0),
        to: (104.0, low),
        w: 0.2,
        ink: [196, 120, 96],
    });
    (page.left, page.right, page.y) = (20.0, 190.0, low + 6.0);
    page.answer("Nơi đăng ký kết hôn:", &issuer);
    page.answer("Ngày, tháng, năm đăng ký:", &day(family.married));
    page.skip(8.0);
    page.signatures(&[
        Signer {
            heading: vec!["VỢ", "(Ký, ghi rõ họ, chữ đệm, tên)"],
            name: &family.mother.name,
            hand: family.seed ^ 4,
            seal: None,
        },
        Signer {
            heading: vec!["CHỒNG", "(Ký, ghi rõ họ, chữ đệm, tên)"],
            name: &family.father.name,
            hand: family.seed ^ 2,
            seal: None,
        },
    ]);
    page.skip(8.0);
    let seal = seal(place);
    page.sign(
        140.0,
        &Signer {
            heading: vec!["NGƯỜI KÝ GIẤY CHỨNG NHẬN KẾT HÔN", "CHỦ TỊCH"],
            name: &chairman.name,
            hand: family.seed ^ 6,
            seal: Some((&seal.0, &seal.1)),
        },
    );
    page.fact(FieldName::NumberSymbol, number);
    page.fact(FieldName::IssuedOn, family.married.to_string());
    page.fact(FieldName::Issuer, issuer);
    page.fact(FieldName::Signer, chairman.name);
    page.finish()
}

/// A paper of the registry with its day in the letterhead, up to whom it is about.
fn extract(fonts: &Arc<Fonts>, (family, salt): (&Family, u64), on: Date, title: &str) -> Composer {
    let place = &family.father.place;
    let number = Chance::new(family.seed ^ salt).whole(3, 310);
    let [body, ward] = committee(place);
    let mut page = Composer::a4(fonts);
    page.letterhead(
        &place.province.to_uppercase(),
        &[&body, &ward],
        &[&format!("Số: {number}/TLHT")],
        Some(&format!("{}, {}", place.ward, long_day(on))),
    );
    page.skip(4.0);
    page.centre(Face::Bold, 18.0, title);
    page.skip(6.0);
    page.fact(FieldName::IssuedOn, on.to_string());
    page
}

/// The registrar's signature at its end.
fn registrar(page: &mut Composer, family: &Family) {
    let seal = seal(&family.father.place);
    let name = chairman(family.seed ^ 7).name;
    page.skip(8.0);
    page.sign(
        140.0,
        &Signer {
            heading: vec!["NGƯỜI KÝ TRÍCH LỤC", "CHỦ TỊCH"],
            name: &name,
            hand: family.seed ^ 8,
            seal: Some((&seal.0, &seal.1)),
        },
    );
}

pub(crate) fn divorce_extract(fonts: &Arc<Fonts>, family: &Family, on: Date) -> Sheet {
    let mut page = extract(fonts, (family, 0xD1), on, "TRÍCH LỤC GHI CHÚ LY HÔN");
    for (whom, who) in [("vợ", &family.mother), ("chồng", &family.father)] {
        page.answer(
            &format!("Họ, chữ đệm, tên {whom}:"),
            &format!("*{}*", who.name.to_uppercase()),
        );
        page.answer("Ngày, tháng, năm sinh:", &day(who.born));
        page.answer("Giấy tờ tùy thân:", &format!("Căn cước công dân số {}", who.number.reveal()));
        page.skip(3.0);
    }
    page.paragraph(8.0, "Đã ly hôn theo Bản án/Quyết định của Tòa án nhân dân có thẩm quyền.");
    registrar(&mut page, family);
    page.finish()
}

pub(crate) fn marital_status(fonts: &Arc<Fonts>, family: &Family, on: Date) -> Sheet {
    let who = &family.father;
    let title = "GIẤY XÁC NHẬN TÌNH TRẠNG HÔN NHÂN";
    let mut page = extract(fonts, (family, 0x57), on, title);
    page.paragraph(0.0, "Xác nhận ông/bà:");
    page.answer("Họ, chữ đệm, tên:", &format!("*{}*", who.name.to_uppercase()));
    page.answer("Ngày, tháng, năm sinh:", &day(who.born));
    page.answer("Giấy tờ tùy thân:", &format!("Căn cước công dân số {}", who.number.reveal()));
    page.answer("Nơi cư trú:", &who.address());
    page.answer("Tình trạng hôn nhân:", "Hiện tại chưa đăng ký kết hôn với ai");
    page.paragraph(8.0, "Giấy này được cấp để bổ túc hồ sơ.");
    page.paragraph(8.0, "Giấy này có giá trị sử dụng trong thời hạn 6 tháng, kể từ ngày cấp.");
    registrar(&mut page, family);
    page.finish()
}
