//! Papers of a hospital: a health certificate, after the forms of Circular 32/2023/TT-BYT.

use std::sync::Arc;

use jiff::civil::Date;
use schemas::record::FieldName;
use schemas::subject::Sex;

use crate::compose::{Composer, Signer};
use crate::fonts::{Face, Fonts};
use crate::person::{Person, day, long_day};
use crate::sheet::Sheet;

/// Giấy khám sức khỏe of that person. Whoever brought a child to the hospital is named on it, too.
pub(crate) fn certificate(
    fonts: &Arc<Fonts>,
    person: &Person,
    brought_by: Option<&Person>,
    issued: Date,
) -> Sheet {
    let place = &person.place;
    let hand = u64::from(issued.day().unsigned_abs()) ^ person.name.len() as u64;
    let number = format!("{}/GKSK-BVĐK", 100 + hand);
    let hospital = format!("BỆNH VIỆN ĐA KHOA {}", place.town().to_uppercase());
    let doctor = Person::adult(hand ^ 0xD0C, Sex::Female);
    let mut page = Composer::a4(fonts);
    let above = format!("SỞ Y TẾ {}", place.town().to_uppercase());
    let dated = format!("{}, {}", place.town(), long_day(issued));
    page.letterhead(&above, &[&hospital], &[&format!("Số: {number}")], Some(&dated));
    page.centre(Face::Bold, 18.0, "GIẤY KHÁM SỨC KHỎE");
    page.skip(4.0);
    page.answer("Họ và tên:", &format!("*{}*", person.name.to_uppercase()));
    page.answer("Giới tính:", person.sex_word());
    page.answer("Ngày, tháng, năm sinh:", &day(person.born));
    page.answer("Số định danh cá nhân:", person.number.reveal());
    page.answer("Chỗ ở hiện tại:", &person.address());
    if let Some(parent) = brought_by {
        page.answer("Người đưa trẻ đến khám:", &parent.name);
    }
    page.answer("Lý do khám sức khỏe:", "Hoàn thiện hồ sơ theo yêu cầu");
    page.skip(3.0);
    for line in [
        "*TIỀN SỬ BỆNH CỦA ĐỐI TƯỢNG KHÁM SỨC KHỎE*",
        "Tiền sử gia đình: không có người mắc bệnh truyền nhiễm, tim mạch, đái tháo đường.",
        "*I. KHÁM THỂ LỰC* Phân loại thể lực: loại II.",
        "*II. KHÁM LÂM SÀNG* Nội khoa, ngoại khoa, mắt, tai mũi họng, răng hàm mặt: bình thường.",
        "*III. KHÁM CẬN LÂM SÀNG* Xét nghiệm máu và nước tiểu trong giới hạn bình thường.",
        "*IV. KẾT LUẬN* Phân loại sức khỏe: loại II. Các bệnh, tật nếu có: không.",
    ] {
        page.paragraph(0.0, line);
    }
    page.skip(6.0);
    page.sign(
        140.0,
        &Signer {
            heading: vec!["NGƯỜI KẾT LUẬN", "(Ký, ghi rõ họ tên và đóng dấu)"],
            name: &doctor.name,
            hand,
            seal: Some((&hospital, &place.town().to_uppercase())),
        },
    );
    page.fact(FieldName::NumberSymbol, number);
    page.fact(FieldName::IssuedOn, issued.to_string());
    page.fact(FieldName::Signer, doctor.name);
    page.finish()
}
