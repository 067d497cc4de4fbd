//! Stable codes for everything that can be refused or parked: one list for programs (the code)
//! and for people (the sentence in Vietnamese).

use serde::{Deserialize, Serialize};

use crate::subject::NumberError;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $vi:literal;)*) => {
        /// Why something was refused or parked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Reason::$name => $code,)* }
            }

            /// HTTP status of a refusal for this reason.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Reason::$name => $status,)* }
            }

            /// What a person reads, and what they can do about it.
            #[must_use]
            pub fn vi(self) -> &'static str {
                match self { $(Reason::$name => $vi,)* }
            }

            /// The reason with that code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.code() == code)
            }
        }
    };
}

reasons! {
    /// The request is not what the interface describes.
    RequestInvalid = "request.invalid", 400, "Yêu cầu không đúng định dạng.";
    /// There is nothing at that address.
    NotFound = "request.not_found", 404, "Không có gì ở địa chỉ này.";
    /// Nothing answers to that method at that address.
    MethodNotAllowed = "request.method", 405, "Địa chỉ này không nhận phương thức này.";
    /// The body was cut short or exceeds what its length promised.
    BodyCutShort = "request.cut_short", 400, "Dữ liệu gửi lên bị ngắt giữa chừng. Hãy gửi lại.";
    /// Too much at once.
    Busy = "server.busy", 429, "Hệ thống đang bận. Hãy thử lại sau số giây được ghi trong Retry-After.";
    /// Something broke on our side.
    Internal = "server.internal", 500, "Hệ thống gặp lỗi. Hãy thử lại; nếu vẫn lỗi, báo cho người quản trị.";
    /// A part that we lean on can't be reached.
    Unavailable = "server.unavailable", 503, "Một phần của hệ thống tạm thời không hoạt động. Hãy thử lại sau.";
    /// The disk is full.
    StorageFull = "storage.full", 507, "Ổ đĩa đã đầy, bản quét chưa được lưu. Báo cho người quản trị rồi gửi lại.";

    /// Nobody that is known asks.
    Unauthenticated = "access.unauthenticated", 401, "Cần đăng nhập hoặc có khoá truy cập còn hiệu lực.";
    /// Who asks may not.
    Forbidden = "access.forbidden", 403, "Tài khoản hoặc khoá này không được phép làm việc này.";
    /// Nobody has that name and that password.
    LoginFailed = "access.login", 401, "Tên đăng nhập hoặc mật khẩu không đúng.";
    /// The password is right, and the code of the second factor is missing, wrong or used.
    SecondFactorNeeded = "access.second_factor", 401, "Cần mã xác thực lớp thứ hai, đúng và chưa dùng.";
    /// The password was given by another and not used in time.
    PasswordEnded = "access.password_ended", 401, "Mật khẩu cấp một lần đã hết hạn. Hãy nhờ người quản trị cấp lại.";
    /// Too many attempts under that name or from that address.
    LoginPaused = "access.paused", 429, "Đăng nhập sai quá nhiều lần. Hãy đợi số giây được ghi trong Retry-After rồi thử lại.";
    /// So many attempts under that name that no more is taken.
    LockedOut = "access.locked_out", 403, "Tên đăng nhập này đã bị khoá vì sai quá nhiều lần. Hãy nhờ người quản trị mở khoá.";
    /// The password that another gave is to be changed first.
    PasswordMustChange = "access.password_must_change", 403, "Hãy đổi mật khẩu được cấp trước khi làm việc khác.";
    /// A second factor is to be set up first.
    SecondFactorMustBeSetUp = "access.second_factor_must_be_set_up", 403, "Vai trò này cần xác thực hai lớp. Hãy cài đặt trước khi làm việc khác.";
    /// Another site's page asks in the name of whoever is logged in here.
    CrossOrigin = "access.cross_origin", 403, "Yêu cầu đến từ trang của nơi khác nên bị từ chối.";
    /// A password would travel in the open.
    Insecure = "access.insecure", 403, "Chỉ đăng nhập được qua HTTPS, hoặc ngay trên máy chủ.";
    /// No directory vouches for people here.
    DirectoryNone = "access.directory_none", 404, "Nơi này không dùng danh bạ để đăng nhập. Hãy đăng nhập bằng tài khoản của Sohoa.";
    /// The browser was not sent to the directory from here, or is back too late or again.
    DirectoryVisit = "access.directory_visit", 400, "Lần đăng nhập qua danh bạ này đã quá lâu, đã dùng, hoặc bắt đầu ở trình duyệt khác. Hãy đăng nhập lại từ đầu.";
    /// The directory doesn't say who it is, or not in a way that can be believed.
    DirectoryRefused = "access.directory_refused", 401, "Danh bạ không xác nhận lần đăng nhập này. Hãy đăng nhập lại; nếu vẫn lỗi, báo cho người quản trị.";
    /// The directory vouches, and not as strongly as the office demands.
    DirectoryWeak = "access.directory_weak", 403, "Danh bạ chưa xác thực đủ mạnh. Hãy bật xác thực hai lớp ở danh bạ rồi đăng nhập lại.";
    /// The directory knows somebody who has no place here, or has it no longer.
    DirectoryStranger = "access.directory_stranger", 403, "Danh bạ biết người này, nhưng Sohoa chưa có tài khoản hoặc tài khoản đã ngừng. Hãy nhờ người quản trị.";
    /// The directory doesn't answer.
    DirectoryDown = "access.directory_down", 503, "Danh bạ không trả lời. Hãy thử lại sau; tài khoản có mật khẩu của Sohoa vẫn đăng nhập được.";
    /// A password that is too short, too long or too easily guessed.
    PasswordUnfit = "person.password", 422, "Mật khẩu cần 12 đến 128 ký tự, không quá đơn giản và không chứa tên đăng nhập.";
    /// Not a login name, or nothing granted.
    PersonInvalid = "person.invalid", 422, "Tên đăng nhập cần 2 đến 64 chữ thường không dấu, chữ số hoặc . - _ @; cần ít nhất một vai trò, nhiều nhất 50.";
    /// Another has that name.
    PersonNameTaken = "person.name_taken", 409, "Tên đăng nhập này đã có.";
    /// No such person.
    PersonUnknown = "person.unknown", 404, "Không có người dùng với mã này.";
    /// What nobody does to themselves.
    PersonOneself = "person.oneself", 409, "Không tự làm việc này với tài khoản của chính mình được. Hãy nhờ người quản trị khác.";
    /// No second factor was offered, or another since, or too long ago.
    FactorNotOffered = "second_factor.not_offered", 409, "Chưa xin khoá của lớp xác thực thứ hai, đã xin khoá khác, hoặc đã xin quá mười phút. Hãy làm lại từ đầu.";
    /// The code is not the authenticator's.
    FactorWrong = "second_factor.wrong", 422, "Mã xác thực không đúng. Hãy kiểm tra giờ của điện thoại rồi thử lại.";

    /// No such procedure.
    ProcedureUnknown = "procedure.unknown", 404, "Không có thủ tục hành chính với mã này trong danh mục.";
    /// The procedure has no such case.
    CaseUnknown = "case.unknown", 422, "Thủ tục không có trường hợp này.";
    /// The procedure has several cases and none was named.
    CaseNeeded = "case.needed", 422, "Thủ tục có nhiều trường hợp; hãy chọn một trường hợp.";
    /// The procedure has no such component, or not in that case.
    ComponentUnknown = "component.unknown", 422, "Thủ tục không có thành phần hồ sơ này.";
    /// Not a citizen's number.
    NumberDigits = "subject.number.digits", 422, "Số định danh phải có đủ 12 chữ số (tổ chức: mã số thuế 10 hoặc 10-3 chữ số).";
    /// The number names no province.
    NumberProvince = "subject.number.province", 422, "Ba chữ số đầu của số định danh không ứng với tỉnh, thành phố nào.";
    /// The number's check digit is wrong.
    NumberCheckDigit = "subject.number.check_digit", 422, "Chữ số kiểm tra của mã số không đúng.";
    /// The year of birth differs from the number.
    BornDiffers = "subject.born", 422, "Năm sinh không khớp với số định danh.";
    /// The same number stands in the records with another name or birth date.
    SubjectDiffers = "subject.differs", 409, "Số định danh này đã có trong hệ thống với họ tên hoặc ngày sinh khác. Hãy đối chiếu giấy tờ; nếu đã nhập đúng, hãy xác nhận là đã đối chiếu.";
    /// No such lookup.
    LookupUnknown = "lookup.unknown", 404, "Không có lần tra cứu này.";
    /// What would be used was not shown to the citizen first.
    LookupNotShown = "lookup.not_shown", 409, "Hãy cho người dân xem bản số hoá trước khi dùng.";
    /// No such near match.
    NearUnknown = "lookup.near_unknown", 404, "Không có lần đối chiếu này.";
    /// No such dossier.
    DossierUnknown = "dossier.unknown", 404, "Không có hồ sơ với mã này.";
    /// The dossier takes no more scans.
    DossierClosed = "dossier.closed", 409, "Hồ sơ đã đóng, không nhận thêm gì nữa.";
    /// The idempotency key was used for something else.
    KeyReused = "idempotency.reused", 409, "Khoá chống gửi trùng đã được dùng cho nội dung khác.";
    /// No such record.
    RecordUnknown = "record.unknown", 404, "Không có giấy tờ số hoá với mã này.";
    /// The record was erased, as its owner has a right to.
    RecordErased = "record.erased", 410, "Nội dung giấy tờ số hoá này đã được xoá theo yêu cầu của chủ sở hữu.";
    /// The record can't be used: revoked, superseded, expired.
    RecordNotUsable = "record.not_usable", 409, "Giấy tờ số hoá này không còn dùng được.";
    /// The subject is nearly one that is known: a person must compare the papers.
    SubjectNear = "subject.near", 409, "Thông tin người này gần khớp nhưng không khớp hết. Hãy chuyển cán bộ đối chiếu giấy tờ; chưa dùng được bản số hoá.";
    /// A record stands for the component, and no lawful reason was stated for asking again.
    ComponentHeld = "component.held", 409, "Thành phần này đã có bản số hoá còn giá trị, không được yêu cầu nộp lại. Nếu vẫn phải nhận giấy, hãy nêu lý do pháp luật cho phép.";
    /// No such parked job.
    ParkedUnknown = "parked.unknown", 404, "Không có việc tạm giữ với mã này.";
    /// No such delivery, or not in a state to be changed.
    DeliveryUnknown = "delivery.unknown", 404, "Không có việc gửi đi nào với mã này đang chờ hoặc đang treo.";
    /// No such question to another Kho.
    InquiryUnknown = "inquiry.unknown", 404, "Không có câu hỏi nào gửi Kho khác với mã này.";
    /// The answer has no paper that could be used for a component.
    InquiryNotUsable = "inquiry.not_usable", 409, "Kho khác chưa trả lời, hoặc câu trả lời không có giấy tờ dùng được cho thành phần này.";
    /// What would be used of the answer was not shown to the citizen first.
    InquiryNotShown = "inquiry.not_shown", 409, "Hãy cho người dân xem giấy tờ mà Kho khác trả lời trước khi dùng.";
    /// As many questions to other Kho as a dossier may have were asked for it.
    InquiryTooMany = "inquiry.too_many", 409, "Hồ sơ này đã hỏi các Kho khác quá nhiều lần. Hãy dùng các câu trả lời đã có.";
    /// No other Kho of that name.
    KhoUnknown = "kho.unknown", 422, "Cấu hình không có Kho dữ liệu nào với tên này.";
    /// No such file in the answers of our Kho.
    FileUnknown = "file.unknown", 404, "Không có tệp nào ở đường dẫn này, hoặc tệp được trả lời cho hệ thống khác.";
    /// No such document.
    DocumentUnknown = "document.unknown", 404, "Không có giấy tờ với mã này.";
    /// No such page.
    PageUnknown = "page.unknown", 404, "Không có trang với mã này.";

    /// Nothing in the file.
    ScanEmpty = "scan.empty", 422, "Tệp rỗng. Hãy quét lại.";
    /// Not a format we read.
    ScanUnknownFormat = "scan.unknown_format", 415, "Không nhận ra định dạng tệp. Nhận: JPEG, PNG, TIFF, PDF, WebP, BMP, JPEG 2000.";
    /// More bytes than allowed.
    ScanTooLarge = "scan.too_large", 413, "Tệp quá lớn. Hãy chia nhỏ hoặc quét ở độ phân giải thấp hơn.";
    /// More pages than allowed.
    ScanTooManyPages = "scan.too_many_pages", 422, "Tệp có quá nhiều trang. Hãy chia thành nhiều tệp.";
    /// More pixels than allowed.
    ScanTooManyPixels = "scan.too_many_pixels", 422, "Ảnh có quá nhiều điểm ảnh. Hãy quét ở độ phân giải thấp hơn.";
    /// The file is broken.
    ScanBroken = "scan.broken", 422, "Tệp bị hỏng, không mở được. Hãy quét lại.";
    /// The file asks for a password.
    ScanEncrypted = "scan.encrypted", 422, "Tệp có mật khẩu. Hãy bỏ mật khẩu rồi gửi lại.";
    /// The file has no pages.
    ScanNoPages = "scan.no_pages", 422, "Tệp không có trang nào.";

    /// Reading took too long.
    ReaderTimeLimit = "reader.time_limit", 422, "Đọc trang quá lâu nên đã dừng. Hãy xem ảnh và quét lại nếu cần.";
    /// Reading took too much memory.
    ReaderMemoryLimit = "reader.memory_limit", 422, "Trang cần quá nhiều bộ nhớ nên đã dừng. Hãy quét ở độ phân giải thấp hơn.";
    /// The reader died on this page.
    ReaderCrashed = "reader.crashed", 422, "Bộ đọc dừng đột ngột ở trang này. Hãy quét lại; nếu vẫn lỗi, báo cho người quản trị.";
    /// The reader's answer makes no sense.
    ReaderNonsense = "reader.nonsense", 500, "Bộ đọc trả lời sai định dạng. Báo cho người quản trị.";
    /// The kernel lacks a wall of the reader's jail.
    ReaderNoWall = "reader.no_wall", 503, "Máy này không dựng được lớp bảo vệ của bộ đọc nên bộ đọc không chạy. Báo cho người quản trị.";
    /// The page could not be sealed into a PDF.
    SealFailed = "seal.failed", 500, "Không tạo được tệp PDF của giấy tờ. Báo cho người quản trị.";
    /// The images of a document's pages are more than are sealed into one PDF.
    SealTooLarge = "seal.too_large", 422, "Giấy tờ có quá nhiều trang hoặc ảnh quá lớn nên chưa tạo được tệp PDF. Hãy chia nhỏ hoặc quét lại ở độ phân giải thấp hơn.";
    /// The signing key or the time stamp authority could not be reached, again and again.
    SignFailed = "sign.failed", 500, "Chưa ký số được giấy tờ: không dùng được khoá ký hoặc máy chủ dấu thời gian. Kiểm tra thiết bị ký, rồi cho làm lại.";
    /// Whoever scanned the paper has no key, and nobody signs in their place.
    NoOfficer = "sign.no_officer", 500, "Chưa ký số được giấy tờ: người quét chưa có khoá ký cá nhân trong cấu hình, và không ai ký thay. Báo cho người quản trị thêm khoá của người đó, rồi cho làm lại.";
    /// The job was given out again and again, and whoever had it never ended it.
    DeliveryLimit = "queue.delivery_limit", 500, "Việc này đã giao nhiều lần mà không lần nào xong. Hãy xem ảnh và báo cho người quản trị trước khi thử lại.";
    /// A message of a later version than this program knows.
    MessageUnknown = "message.unknown", 409, "Việc này do phiên bản mới hơn gửi đến. Hãy nâng cấp chương trình.";
}

impl From<NumberError> for Reason {
    fn from(error: NumberError) -> Self {
        match error {
            NumberError::Digits => Self::NumberDigits,
            NumberError::Province => Self::NumberProvince,
            NumberError::Born => Self::BornDiffers,
            NumberError::CheckDigit => Self::NumberCheckDigit,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_code_of_its_own_and_a_sentence() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
            assert!(
                reason.vi().ends_with('.') && (400..600).contains(&reason.status()),
                "{reason:?}"
            );
        }
    }
}
