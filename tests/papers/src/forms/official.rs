//! Official papers after Decree 30/2020: a decision of two pages and a letter.

use std::sync::Arc;

use jiff::civil::{Date, date};
use schemas::record::FieldName;
use schemas::subject::Sex;

use crate::chance::Chance;
use crate::compose::{Align, Composer, Signer};
use crate::fonts::{Face, Fonts};
use crate::forms::civil::seal;
use crate::person::{Person, Place, long_day};
use crate::sheet::Sheet;

/// What decisions are about: trích yếu, and what article 1 orders. `{}` is a person's name.
const DECISIONS: [(&str, &str); 4] = [
    (
        "Về việc trợ cấp xã hội hàng tháng đối với đối tượng bảo trợ xã hội",
        "Trợ cấp xã hội hàng tháng đối với ông (bà) {}, kể từ tháng liền sau tháng ký Quyết định này. Mức trợ cấp được xác định theo mức chuẩn trợ giúp xã hội nhân với hệ số tương ứng theo quy định hiện hành.",
    ),
    (
        "Về việc phân công công chức làm việc tại Bộ phận Một cửa",
        "Phân công ông (bà) {}, công chức Văn phòng Hội đồng nhân dân và Ủy ban nhân dân, làm việc tại Trung tâm Phục vụ hành chính công, thực hiện nhiệm vụ tiếp nhận hồ sơ và trả kết quả giải quyết thủ tục hành chính.",
    ),
    (
        "Về việc hỗ trợ kinh phí sửa chữa nhà ở cho hộ nghèo",
        "Hỗ trợ kinh phí sửa chữa nhà ở cho hộ gia đình ông (bà) {} từ nguồn ngân sách địa phương và nguồn vận động xã hội hóa theo danh sách đã được Mặt trận Tổ quốc rà soát, bình xét công khai.",
    ),
    (
        "Về việc kiện toàn Tổ công tác triển khai số hóa giấy tờ",
        "Kiện toàn Tổ công tác triển khai số hóa hồ sơ, giấy tờ, kết quả giải quyết thủ tục hành chính; ông (bà) {} làm Tổ trưởng. Tổ công tác làm việc theo chế độ kiêm nhiệm và tự giải thể khi hoàn thành nhiệm vụ.",
    ),
];

/// What letters are about: after `V/v`, and the body. `{}` is a day.
const LETTERS: [(&str, &str); 4] = [
    (
        "phối hợp rà soát thông tin hộ tịch",
        "Để bảo đảm dữ liệu hộ tịch điện tử đúng, đủ, sạch, sống, Ủy ban nhân dân đề nghị quý cơ quan phối hợp rà soát, đối chiếu thông tin của công dân đang cư trú trên địa bàn với sổ hộ tịch đang lưu trữ, gửi kết quả trước {}.",
    ),
    (
        "báo cáo kết quả số hóa hồ sơ",
        "Thực hiện quy định về số hóa hồ sơ, giấy tờ trong giải quyết thủ tục hành chính, Ủy ban nhân dân đề nghị quý cơ quan tổng hợp số lượng hồ sơ đã tiếp nhận, số hồ sơ đã số hóa và khó khăn, vướng mắc, gửi báo cáo trước {}.",
    ),
    (
        "cử cán bộ tham gia tập huấn",
        "Ủy ban nhân dân trân trọng đề nghị quý cơ quan cử cán bộ trực tiếp làm công tác tiếp nhận hồ sơ tham gia lớp tập huấn kỹ năng số, gửi danh sách về Văn phòng trước {} để tổng hợp, bố trí chỗ ngồi và tài liệu.",
    ),
    (
        "trả lời kiến nghị của công dân",
        "Sau khi xem xét đơn kiến nghị của công dân về thời gian trả kết quả, Ủy ban nhân dân đã chỉ đạo bộ phận chuyên môn kiểm tra, giải quyết dứt điểm và đề nghị quý cơ quan thông báo cho công dân được biết trước {}.",
    ),
];

/// A decision (quyết định) of a ward's people's committee.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The ward.
    pub place: Place,
    /// Number in the year's book: 12 of `12/QĐ-UBND`.
    pub number: u32,
    /// Day of issue.
    pub issued: Date,
    /// Trích yếu: `Về việc …`.
    pub about: &'static str,
    orders: &'static str,
    about_whom: Person,
    signer: Person,
    hand: u64,
}

impl Decision {
    /// A decision by chance.
    #[must_use]
    pub fn by_chance(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0xDEC);
        let (about, orders) = *chance.pick(&DECISIONS);
        Self {
            place: Place::by_chance(&mut chance),
            number: u32::try_from(chance.whole(10, 2400)).unwrap_or(10),
            issued: some_day(&mut chance),
            about,
            orders,
            about_whom: Person::adult(chance.next(), Sex::Female),
            signer: Person::adult(chance.next(), Sex::Male),
            hand: chance.next(),
        }
    }

    /// Số ký hiệu: `12/QĐ-UBND`.
    #[must_use]
    pub fn number_symbol(&self) -> String {
        format!("{}/QĐ-UBND", self.number)
    }

    pub(crate) fn sheets(&self, fonts: &Arc<Fonts>) -> Vec<Sheet> {
        let place = &self.place;
        let ward = place.ward.to_uppercase();
        let mut page = Composer::a4(fonts);
        let numbered = format!("Số: {}", self.number_symbol());
        let dated = format!("{}, {}", ward_name(place), long_day(self.issued));
        page.letterhead("ỦY BAN NHÂN DÂN", &[&ward], &[&numbered], Some(&dated));
        page.centre(Face::Bold, 14.0, "QUYẾT ĐỊNH");
        page.centre(Face::Bold, 13.5, self.about);
        page.skip(5.0);
        page.centre(Face::Bold, 13.0, &format!("CHỦ TỊCH ỦY BAN NHÂN DÂN {ward}"));
        page.skip(4.0);
        page.pt = 13.5;
        for ground in [
            "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;",
            "Căn cứ Nghị định số 118/2025/NĐ-CP ngày 09 tháng 6 năm 2025 của Chính phủ về thực hiện thủ tục hành chính theo cơ chế một cửa, một cửa liên thông tại Bộ phận Một cửa và Cổng Dịch vụ công quốc gia;",
            "Căn cứ Nghị định số 30/2020/NĐ-CP ngày 05 tháng 3 năm 2020 của Chính phủ về công tác văn thư;",
            "Theo đề nghị của Chánh Văn phòng Hội đồng nhân dân và Ủy ban nhân dân và kết quả thẩm tra hồ sơ của bộ phận chuyên môn.",
        ] {
            page.paragraph(10.0, ground);
        }
        page.skip(3.0);
        page.centre(Face::Bold, 14.0, "QUYẾT ĐỊNH:");
        page.skip(3.0);
        page.paragraph(
            10.0,
            &format!("*Điều 1.* {}", self.orders.replace("{}", &self.about_whom.name)),
        );
        page.paragraph(10.0, "*Điều 2.* Văn phòng Hội đồng nhân dân và Ủy ban nhân dân chủ trì, phối hợp với các cơ quan, đơn vị có liên quan hướng dẫn, theo dõi, đôn đốc việc thực hiện; tổng hợp khó khăn, vướng mắc phát sinh, báo cáo Chủ tịch Ủy ban nhân dân xem xét, quyết định. Kinh phí thực hiện được bố trí trong dự toán ngân sách được giao và các nguồn hợp pháp khác theo quy định của pháp luật.");
        page.paragraph(10.0, "Định kỳ trước ngày 20 tháng cuối quý, các cơ quan, đơn vị được giao nhiệm vụ gửi báo cáo kết quả thực hiện về Văn phòng để tổng hợp chung.");
        page.paragraph(10.0, "Giao Trung tâm Phục vụ hành chính công niêm yết công khai Quyết định này tại trụ sở, cập nhật thông tin lên Hệ thống thông tin giải quyết thủ tục hành chính và lưu trữ hồ sơ điện tử theo quy định; không yêu cầu người dân nộp lại giấy tờ đã được số hóa, còn giá trị sử dụng.");
        page.paragraph(10.0, "Giao Phòng Văn hóa - Xã hội theo dõi, kiểm tra việc thực hiện tại các thôn, tổ dân phố; kịp thời đề xuất điều chỉnh khi có thay đổi về đối tượng, mức hưởng hoặc thời gian thực hiện; tổ chức sơ kết vào quý cuối của năm và đề xuất khen thưởng tập thể, cá nhân có thành tích.");
        self.facts(&mut page);
        let first = page.finish();

        let mut page = Composer::a4(fonts);
        page.y = 14.0;
        page.centre(Face::Regular, 13.0, "2");
        page.y = 26.0;
        page.pt = 13.5;
        page.paragraph(10.0, "*Điều 3.* Quyết định này có hiệu lực thi hành kể từ ngày ký.");
        page.paragraph(10.0, "*Điều 4.* Chánh Văn phòng Hội đồng nhân dân và Ủy ban nhân dân, Thủ trưởng các cơ quan, đơn vị có liên quan và cá nhân có tên tại Điều 1 chịu trách nhiệm thi hành Quyết định này./.");
        page.skip(6.0);
        end(
            &mut page,
            &["- Như Điều 4;", "- Đảng ủy, HĐND;", "- Trung tâm Phục vụ HCC;", "- Lưu: VT."],
            &["CHỦ TỊCH"],
            &self.signer,
            self.hand,
            place,
        );
        page.fact(FieldName::Signer, self.signer.name.clone());
        vec![first, page.finish()]
    }

    fn facts(&self, page: &mut Composer) {
        page.fact(FieldName::NumberSymbol, self.number_symbol());
        page.fact(FieldName::IssuedOn, self.issued.to_string());
        page.fact(FieldName::Issuer, format!("Ủy ban nhân dân {}", self.place.ward));
        page.fact(FieldName::Abstract, self.about);
    }
}

/// A letter (công văn) of a ward's people's committee.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// The ward.
    pub place: Place,
    /// Number in the year's book: 12 of `12/UBND-VP`.
    pub number: u32,
    /// Day of issue.
    pub issued: Date,
    /// Trích yếu, without `V/v`.
    pub about: &'static str,
    body: &'static str,
    due: Date,
    signer: Person,
    hand: u64,
}

impl Letter {
    /// A letter by chance.
    #[must_use]
    pub fn by_chance(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x1E77);
        let (about, body) = *chance.pick(&LETTERS);
        let issued = some_day(&mut chance);
        Self {
            place: Place::by_chance(&mut chance),
            number: u32::try_from(chance.whole(10, 1900)).unwrap_or(10),
            issued,
            about,
            body,
            due: issued.checked_add(jiff::Span::new().days(chance.whole(7, 30))).unwrap_or(issued),
            signer: Person::adult(chance.next(), Sex::Female),
            hand: chance.next(),
        }
    }

    /// Số ký hiệu: `12/UBND-VP`.
    #[must_use]
    pub fn number_symbol(&self) -> String {
        format!("{}/UBND-VP", self.number)
    }

    pub(crate) fn sheet(&self, fonts: &Arc<Fonts>) -> Sheet {
        let place = &self.place;
        let ward = place.ward.to_uppercase();
        let mut page = Composer::a4(fonts);
        let numbered = format!("Số: {}", self.number_symbol());
        let about = format!("V/v {}", self.about);
        let dated = format!("{}, {}", ward_name(place), long_day(self.issued));
        page.letterhead("ỦY BAN NHÂN DÂN", &[&ward], &[&numbered, &about], Some(&dated));
        page.skip(2.0);
        page.pt = 13.5;
        let to = format!("Kính gửi: Trung tâm Phục vụ hành chính công {}", place.ward);
        page.at(108.0, Align::Centre, Face::Regular, 13.5, &to);
        page.skip(12.0);
        page.paragraph(10.0, &self.body.replace("{}", &long_day(self.due)));
        page.paragraph(10.0, "Trong quá trình thực hiện, nếu có khó khăn, vướng mắc, đề nghị phản ánh về Văn phòng Hội đồng nhân dân và Ủy ban nhân dân để được hướng dẫn, giải quyết kịp thời.");
        page.paragraph(10.0, "Đầu mối tiếp nhận thông tin là công chức phụ trách cải cách hành chính của Văn phòng. Báo cáo, danh sách gửi qua Hệ thống quản lý văn bản và điều hành; không gửi bản giấy nếu bản điện tử đã được ký số theo quy định.");
        page.paragraph(10.0, "Rất mong nhận được sự quan tâm, phối hợp của quý cơ quan./.");
        page.skip(6.0);
        end(
            &mut page,
            &["- Như trên;", "- Chủ tịch, các PCT;", "- Lưu: VT, VP."],
            &["KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH"],
            &self.signer,
            self.hand,
            place,
        );
        page.fact(FieldName::NumberSymbol, self.number_symbol());
        page.fact(FieldName::IssuedOn, self.issued.to_string());
        page.fact(FieldName::Issuer, format!("Ủy ban nhân dân {}", place.ward));
        page.fact(FieldName::Abstract, self.about);
        page.fact(FieldName::Signer, self.signer.name.clone());
        page.finish()
    }
}

/// `Hoàn Kiếm`, as it stands before a date.
fn ward_name(place: &Place) -> &str {
    place.ward.split_once(' ').map_or(place.ward, |(_, name)| name)
}

/// A working year's day before everything on these papers.
fn some_day(chance: &mut Chance) -> Date {
    let month = i8::try_from(chance.whole(7, 12)).unwrap_or(7);
    let day = i8::try_from(chance.whole(1, 28)).unwrap_or(1);
    date(2025, month, day)
}

/// Recipients on the left, signature on the right.
fn end(page: &mut Composer, to: &[&str], heading: &[&str], who: &Person, hand: u64, place: &Place) {
    let top = page.y;
    page.small(page.left, 12.0, Face::BoldItalic, "Nơi nhận:");
    page.skip(5.0);
    for line in to {
        page.small(page.left, 11.0, Face::Regular, line);
        page.skip(4.6);
    }
    let low = page.y;
    page.y = top;
    let words = seal(place);
    page.sign(
        147.0,
        &Signer {
            heading: heading.to_vec(),
            name: &who.name,
            hand,
            seal: Some((&words.0, &words.1)),
        },
    );
    page.y = page.y.max(low);
}
