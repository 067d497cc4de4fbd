//! The shipped sample: the papers of one made-up family, as two dossiers that `make run` sends.
//! The child's birth is registered first; then mother and child move in with the father, for
//! which the marriage and birth certificates are handed in once and held from then on.

use schemas::ids::{ComponentId, ProcedureCode};
use schemas::subject::Subject;
use serde::{Deserialize, Serialize};

use crate::forms::card::Card;
use crate::forms::official::Decision;
use crate::person::Family;
use crate::press::{Kind, Press};
use crate::scan::{Scan, ScanError};
use crate::sheet::Sheet;
use crate::wear::Wear;

/// The seed of the sample's family. Change it and the whole sample changes.
const SEED: u64 = 2026;

/// The name of the file that describes a dossier of the sample, beside its scans.
pub const DESCRIPTION: &str = "dossier.json";

/// A dossier of the sample, as `dossier.json` describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dossier {
    /// What happens, in Vietnamese, for whoever looks on.
    pub title: String,
    /// The procedure: `1.001193`.
    pub procedure: ProcedureCode,
    /// The procedure's case, by its heading in the catalogue; none where it has no cases.
    pub case: Option<String>,
    /// Who applies.
    pub subject: Subject,
    /// The scans in the order in which they are sent.
    pub files: Vec<File>,
}

/// A scan of the sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name beside `dossier.json`.
    pub name: String,
    /// What its pages are, in order.
    pub pages: Vec<Page>,
}

/// A page of the sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The kind of paper, by [`Kind::id`].
    pub kind: String,
    /// The component it belongs to; none for blanks and papers outside the list.
    pub component: Option<ComponentId>,
}

/// A file of the sample folder: path within it, with `/` between folders, and bytes.
pub type Made = (String, Vec<u8>);

/// How a file is scanned.
enum Way {
    Grey,
    Colour,
    /// A card by itself, at 300 dpi.
    Card,
    /// Black and white TIFF.
    Fax,
}

/// One paper on its way into the sample.
struct Item {
    file: &'static str,
    kind: Kind,
    component: Option<&'static str>,
    way: Way,
    sheets: Vec<Sheet>,
}

/// Makes the whole sample: every call makes the same bytes.
///
/// # Errors
/// [`ScanError`] when a page cannot be encoded.
pub fn make(press: &Press) -> Result<Vec<Made>, ScanError> {
    let family = Family::new(SEED);
    let mut made = vec![("README.md".to_owned(), README.as_bytes().to_vec())];

    let note = press.birth_note(&family);
    let [front, back] = press.identity_card(&Card::of(&family.father));
    let ghost = note.back(0.12);
    let item = |file, kind, component, way, sheets| Item { file, kind, component, way, sheets };
    let birth = [
        item(
            "01-to-khai-dang-ky-khai-sinh.jpg",
            Kind::BirthDeclaration,
            Some("1.001193-TP01"),
            Way::Grey,
            vec![press.birth_declaration(&family)],
        ),
        item(
            "02-giay-chung-sinh.jpg",
            Kind::BirthNote,
            Some("1.001193-TP06"),
            Way::Colour,
            vec![note],
        ),
        item("03-mat-sau-giay-chung-sinh.jpg", Kind::BlankBack, None, Way::Colour, vec![ghost]),
        item(
            "04-can-cuoc-mat-truoc.jpg",
            Kind::IdentityCard,
            Some("1.001193-TP08"),
            Way::Card,
            vec![front],
        ),
        item(
            "05-can-cuoc-mat-sau.jpg",
            Kind::IdentityCard,
            Some("1.001193-TP08"),
            Way::Card,
            vec![back],
        ),
        item(
            "06-quyet-dinh.tif",
            Kind::Decision,
            None,
            Way::Fax,
            press.decision(&Decision::by_chance(SEED)),
        ),
    ];
    let title = "Đăng ký khai sinh cho con mới sinh";
    dossier(&mut made, "khai-sinh", title, "1.001193", None, family.father.subject(), &birth)?;

    let move_in = [
        item(
            "01-to-khai-ct01.jpg",
            Kind::ResidenceDeclaration,
            Some("1.004222-TP01"),
            Way::Grey,
            vec![press.residence_declaration(&family)],
        ),
        item(
            "02-giay-chung-nhan-ket-hon.jpg",
            Kind::MarriageCertificate,
            Some("1.004222-TP07"),
            Way::Colour,
            vec![press.marriage_certificate(&family)],
        ),
        item(
            "03-giay-khai-sinh.jpg",
            Kind::BirthCertificate,
            Some("1.004222-TP07"),
            Way::Colour,
            vec![press.birth_certificate(&family)],
        ),
    ];
    let title = "Đăng ký thường trú cho vợ và con về ở với chồng";
    let case = "Đăng ký thường trú tại chỗ ở hợp pháp không thuộc quyền sở hữu của mình đối với những trường hợp quy định tại khoản 2 Điều 20 Luật Cư trú";
    dossier(
        &mut made,
        "thuong-tru",
        title,
        "1.004222",
        Some(case),
        family.mother.subject(),
        &move_in,
    )?;
    Ok(made)
}

/// Scans a dossier's papers and describes it.
fn dossier(
    made: &mut Vec<Made>,
    folder: &str,
    title: &str,
    procedure: &str,
    case: Option<&str>,
    subject: Subject,
    items: &[Item],
) -> Result<(), ScanError> {
    let mut files = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let wear = Wear { noise: 1.0, ..Wear::light(SEED + n as u64) };
        let scan = Scan { dpi: 200, colour: false, quality: 60, wear };
        let bytes = match item.way {
            Way::Grey => scan.jpeg(&item.sheets[0])?,
            Way::Colour => Scan { colour: true, ..scan }.jpeg(&item.sheets[0])?,
            Way::Card => {
                Scan { colour: true, dpi: 300, quality: 80, ..scan }.jpeg(&item.sheets[0])?
            }
            Way::Fax => scan.tiff(&item.sheets)?,
        };
        made.push((format!("{folder}/{}", item.file), bytes));
        let page = || Page {
            kind: item.kind.id().to_owned(),
            component: item.component.map(|c| c.parse().unwrap_or_else(|_| unreachable!("{c}"))),
        };
        let pages = item.sheets.iter().map(|_| page()).collect();
        files.push(File { name: item.file.to_owned(), pages });
    }
    let dossier = Dossier {
        title: title.to_owned(),
        procedure: procedure.parse().unwrap_or_else(|_| unreachable!("{procedure}")),
        case: case.map(str::to_owned),
        subject,
        files,
    };
    let mut text = serde_json::to_string_pretty(&dossier)
        .unwrap_or_else(|_| unreachable!("a description has only texts"));
    text.push('\n');
    made.push((format!("{folder}/{DESCRIPTION}"), text.into_bytes()));
    Ok(())
}

const README: &str = "\
# Hồ sơ mẫu / Sample dossiers

Giấy tờ trong thư mục này do chương trình tạo ra. Người, số định danh, địa chỉ, chữ ký và con dấu
đều là giả định, không phải của ai.

These papers were made by the program `papers` of this project (`cargo run -p papers -- sample
tests/papers/sample`). The people, numbers, addresses, signatures and seals are made up and
nobody's. Don't edit the files: a test checks that they are exactly what the generator makes.

- `khai-sinh/`: a birth is registered (procedure 1.001193): declaration, the hospital's note and
  its blank back, the father's identity card (to be presented only, not collected), and a decision
  that nobody asked for.
- `thuong-tru/`: mother and child move in with the father (procedure 1.004222): form CT01, marriage
  certificate, birth certificate.

`dossier.json` names procedure, case, applicant and the files in the order they are sent, and for
each page its kind and component.
";
