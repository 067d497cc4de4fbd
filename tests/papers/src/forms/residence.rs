//! The residence form CT01 (Circular 53/2025/TT-BCA) and an authorisation.

use std::sync::Arc;

use crate::compose::{Align, Composer, Signer};
use crate::fonts::{Face, Fonts};
use crate::marks::{BLACK, Mark};
use crate::person::{Family, day, long_day};
use crate::press::TODAY;
use crate::sheet::Sheet;

pub(crate) fn declaration(fonts: &Arc<Fonts>, family: &Family) -> Sheet {
    let (father, mother, child) = (&family.father, &family.mother, &family.child);
    let mut page = Composer::a4(fonts);
    page.pt = 12.5;
    page.y = 14.0;
    for line in ["Mẫu CT01 ban hành kèm theo", "Thông tư số 53/2025/TT-BCA"] {
        page.at(192.0, Align::Right, Face::Italic, 10.5, line);
        page.skip(4.6);
    }
    page.skip(3.0);
    page.motto();
    page.centre(Face::Bold, 14.5, "TỜ KHAI THAY ĐỔI THÔNG TIN CƯ TRÚ");
    page.skip(2.0);
    page.centre(Face::Regular, 13.0, &format!("Kính gửi: Công an {}", father.place.full()));
    page.skip(4.0);
    page.answer("1. Họ, chữ đệm và tên:", &mother.name.to_uppercase());
    page.answers(&[
        (25.0, "2. Ngày, tháng, năm sinh:", &day(mother.born)),
        (125.0, "3. Giới tính:", mother.sex_word()),
    ]);
    page.boxes("4. Số định danh cá nhân:", mother.number.reveal());
    let phone = format!("0900 000 {:03}", family.seed % 1000);
    page.answers(&[(25.0, "5. Số điện thoại liên hệ:", &phone), (125.0, "6. Email:", "")]);
    page.answers(&[
        (25.0, "7. Họ, chữ đệm và tên chủ hộ:", &father.name),
        (125.0, "8. Mối quan hệ với chủ hộ:", "Vợ"),
    ]);
    page.boxes("9. Số định danh cá nhân của chủ hộ:", father.number.reveal());
    page.answer(
        "10. Nội dung đề nghị:",
        &format!("Đăng ký thường trú cho tôi và con tại {}, cùng hộ với chồng.", father.address()),
    );
    page.answer("11. Những thành viên trong hộ gia đình cùng thay đổi:", "");
    table(
        &mut page,
        &[
            child.name.clone(),
            day(child.born),
            child.sex_word().to_owned(),
            child.number.reveal().to_owned(),
            "Con".to_owned(),
        ],
    );
    page.skip(7.0);
    page.at(
        190.0,
        Align::Right,
        Face::Italic,
        12.5,
        &format!("{}, {}", father.place.town(), long_day(TODAY)),
    );
    page.skip(7.0);
    page.pt = 11.0;
    page.signatures(&[
        Signer {
            heading: vec!["Ý KIẾN CỦA CHỦ HỘ", "(Ký, ghi rõ họ, tên)"],
            name: &father.name,
            hand: family.seed ^ 2,
            seal: None,
        },
        Signer {
            heading: vec!["Ý KIẾN CỦA CHỦ SỞ HỮU", "(Ký, ghi rõ họ, tên)"],
            name: &father.name,
            hand: family.seed ^ 2,
            seal: None,
        },
        Signer {
            heading: vec!["NGƯỜI KÊ KHAI", "(Ký, ghi rõ họ, tên)"],
            name: &mother.name,
            hand: family.seed ^ 4,
            seal: None,
        },
    ]);
    page.finish()
}

/// The table of those who move along, with one of them.
fn table(page: &mut Composer, person: &[String; 5]) {
    const EDGES: [f32; 7] = [25.0, 34.0, 82.0, 110.0, 128.0, 162.0, 192.0];
    const HEADS: [&str; 6] = [
        "TT",
        "Họ, chữ đệm và tên",
        "Ngày sinh",
        "Giới tính",
        "Số định danh",
        "Quan hệ với chủ hộ",
    ];
    let top = page.y - 4.0;
    let rows = [7.5, 7.5, 7.5];
    let mut y = top;
    for height in rows {
        for pair in EDGES.windows(2) {
            page.frame(pair[0], y, pair[1] - pair[0], height);
        }
        y += height;
    }
    let first = ["1", &person[0], &person[1], &person[2], &person[3], &person[4]];
    for (row, (cells, face)) in
        [(HEADS, Face::Bold), (first, Face::Regular)].into_iter().enumerate()
    {
        let baseline = top + 7.5 * row as f32 + 5.2;
        for (cell, edge) in cells.iter().zip(EDGES.windows(2)) {
            let width = page.width(face, 9.5, cell);
            let x = f32::midpoint(edge[0], edge[1]) - width / 2.0;
            page.mark(Mark::Text {
                x,
                y: baseline,
                pt: 9.5,
                face,
                ink: BLACK,
                text: (*cell).to_owned(),
            });
        }
        page.note(&cells.join(" "));
    }
    page.y = y + 2.0;
}

pub(crate) fn authorisation(fonts: &Arc<Fonts>, family: &Family) -> Sheet {
    let (father, mother) = (&family.father, &family.mother);
    let mut page = Composer::a4(fonts);
    page.motto();
    page.centre(Face::Bold, 17.0, "GIẤY ỦY QUYỀN");
    page.skip(3.0);
    page.paragraph(10.0, "Căn cứ Bộ luật Dân sự số 91/2015/QH13 ngày 24 tháng 11 năm 2015;");
    page.paragraph(
        10.0,
        &format!(
            "Hôm nay, {}, tại {}, chúng tôi gồm có:",
            long_day(family.child.born.tomorrow().unwrap_or(TODAY)),
            father.place.full()
        ),
    );
    for (title, who) in [("I. BÊN ỦY QUYỀN", father), ("II. BÊN ĐƯỢC ỦY QUYỀN", mother)]
    {
        page.paragraph(0.0, &format!("*{title}*"));
        page.answer("Họ và tên:", &who.name.to_uppercase());
        page.answer("Ngày, tháng, năm sinh:", &day(who.born));
        page.answer("Số định danh cá nhân:", who.number.reveal());
        page.answer("Nơi cư trú:", &who.address());
    }
    page.paragraph(0.0, "*III. NỘI DUNG ỦY QUYỀN*");
    page.paragraph(10.0, &format!("Bên ủy quyền ủy quyền cho Bên được ủy quyền thay mặt mình làm thủ tục đăng ký khai sinh cho con là *{}* tại Ủy ban nhân dân {}, nộp và nhận các giấy tờ có liên quan.", family.child.name, father.place.ward));
    page.paragraph(10.0, "Giấy ủy quyền có hiệu lực kể từ ngày ký đến khi công việc nêu trên được thực hiện xong. Hai bên cam kết chịu trách nhiệm trước pháp luật về nội dung ủy quyền.");
    page.skip(5.0);
    page.signatures(&[
        Signer {
            heading: vec!["BÊN ĐƯỢC ỦY QUYỀN", "(Ký, ghi rõ họ tên)"],
            name: &mother.name,
            hand: family.seed ^ 4,
            seal: None,
        },
        Signer {
            heading: vec!["BÊN ỦY QUYỀN", "(Ký, ghi rõ họ tên)"],
            name: &father.name,
            hand: family.seed ^ 2,
            seal: None,
        },
    ]);
    page.finish()
}
