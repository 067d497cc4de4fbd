//! The sheet that a counter lays between papers: a QR code names dossier and component.

use std::sync::Arc;

use crate::compose::Composer;
use crate::fonts::{Face, Fonts};
use crate::sheet::Sheet;

pub(crate) fn sheet(fonts: &Arc<Fonts>, dossier: &str, component: &str) -> Sheet {
    let mut page = Composer::a4(fonts);
    page.skip(30.0);
    page.centre(Face::Bold, 26.0, "TỜ PHÂN CÁCH HỒ SƠ");
    page.skip(6.0);
    page.centre(Face::Regular, 14.0, "Đặt tờ này trước giấy tờ của thành phần hồ sơ ghi dưới đây");
    page.qr(65.0, 90.0, 87.0, &format!("SOHOA|1|{dossier}|{component}"));
    page.y = 195.0;
    page.centre(Face::Regular, 15.0, "Mã hồ sơ");
    page.skip(3.0);
    page.centre(Face::Bold, 20.0, dossier);
    page.skip(6.0);
    page.centre(Face::Regular, 15.0, "Thành phần hồ sơ");
    page.skip(3.0);
    page.centre(Face::Bold, 20.0, component);
    page.finish()
}
