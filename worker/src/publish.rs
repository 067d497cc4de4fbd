//! From a filed document to the draft of its record: PDF/A, fields, owners, validity.

use std::collections::HashMap;

use archive::{Dossier, FiledDocument, Page, Scan};
use filing::{fields, valid_until};
use schemas::Date;
use schemas::codes::{IdentityCard, Mrz};
use schemas::ids::{Blake3, RecordId, ScanId};
use schemas::kind::{Owners, Validity};
use schemas::reading::{CodeKind, PageImage, PageReading};
use schemas::record::{
    BoundBy, Field, FieldName, FieldSource, Owner, Record, RecordPage, RecordState,
};
use schemas::subject::{CitizenNumber, Name, Subject};
use schemas::text::fold;
use sealing::{SealError, SealPage, Title};

use crate::consume::{Desk, Failure};
use crate::sign::sign;

/// A document could not be made a PDF/A.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealFailed {
    #[error("document can't be sealed")]
    Sealing(#[from] SealError),
    #[error("document has no {0}")]
    Lacks(&'static str),
    #[error("sealing panicked")]
    Panicked,
}

/// A page with all that sealing needs of it.
struct Leaf {
    page: Page,
    scan: Scan,
    reading: PageReading,
    image: PageImage,
    key: Blake3,
}

/// Everything of a record that publishing doesn't hand out itself: version, digitisation code,
/// time and hash stay empty here.
pub(crate) async fn draft(
    desk: &Desk,
    dossier: &Dossier,
    document: &FiledDocument,
    pages: &[Page],
) -> Result<Record, Failure> {
    let leaves = leaves(desk, pages).await?;
    let first = leaves.first().ok_or(SealFailed::Lacks("pages"))?;
    let component = document.component.clone().ok_or(SealFailed::Lacks("component"))?;
    let guess = document.kind.as_ref().ok_or(SealFailed::Lacks("kind"))?;
    let kind = desk.kinds.get(&guess.id).ok_or(SealFailed::Lacks("known kind"))?.clone();

    let readings: Vec<&PageReading> = leaves.iter().map(|leaf| &leaf.reading).collect();
    let mut fields = fields(&desk.kinds, Some(&kind.id), &readings);
    let last_day = valid_until(&kind, &fields);
    if let (Validity::Months { .. }, Some(day)) = (kind.validity, last_day) {
        fields.push(by_policy(day));
    }
    let owners = owners(kind.owners, &dossier.subject, &readings, &fields);

    let created = first.scan.received_at;
    let record_pages = leaves.iter().map(Leaf::record_page).collect();
    let pdf = seal(desk, leaves, kind.name.clone(), created).await?;
    let (pdf, pdf_bytes) = sign(desk, pdf).await?;

    Ok(Record {
        id: RecordId::of(document.id),
        version: 0,
        document: document.id,
        kind: kind.id,
        name: kind.name,
        result: kind.results.first().cloned().filter(|_| kind.results.len() == 1),
        digitisation_code: String::new(),
        owners,
        fields,
        validity: kind.validity,
        valid_until: last_day,
        state: RecordState::Published,
        sensitive: kind.sensitive,
        dossier: dossier.code.clone(),
        office: dossier.office.clone(),
        procedure: dossier.procedure.clone(),
        procedure_version: dossier.procedure_version,
        component,
        pages: record_pages,
        pdf,
        pdf_bytes,
        published_at: String::new(),
        before: None,
        hash: None,
    })
}

async fn leaves(desk: &Desk, pages: &[Page]) -> Result<Vec<Leaf>, Failure> {
    let mut scans: HashMap<ScanId, Scan> = HashMap::new();
    let mut leaves = Vec::with_capacity(pages.len());
    for page in pages {
        let scan = match scans.get(&page.scan) {
            Some(scan) => scan.clone(),
            None => {
                let scan = desk.archive.records.scan(page.scan).await?;
                let scan = scan.ok_or(SealFailed::Lacks("scan"))?;
                scans.insert(page.scan, scan.clone());
                scan
            }
        };
        let reading = page.reading.clone().ok_or(SealFailed::Lacks("reading"))?;
        let (image, key) = page.image.ok_or(SealFailed::Lacks("page image"))?;
        leaves.push(Leaf { page: page.clone(), scan, reading, image, key });
    }
    Ok(leaves)
}

impl Leaf {
    fn record_page(&self) -> RecordPage {
        RecordPage {
            page: self.page.id,
            scan: self.scan.blake3,
            seq: self.page.seq,
            image: self.key,
            dpi: self.reading.dpi,
            rotation_deg: self.reading.rotation_deg,
            skew_deg: self.reading.skew_deg,
            blank: self.reading.blank,
        }
    }
}

/// The PDF/A. Equal documents give equal bytes: the date in it is when the first page came in.
async fn seal(
    desk: &Desk,
    leaves: Vec<Leaf>,
    title: String,
    created: jiff::Timestamp,
) -> Result<Vec<u8>, Failure> {
    let mut images = Vec::with_capacity(leaves.len());
    for leaf in &leaves {
        images.push(desk.archive.blobs.get(leaf.key).await?);
    }
    let made_by = desk.made_by.clone();
    #[expect(clippy::disallowed_methods, reason = "the worker's one door to CPU work of its own")]
    let sealed = tokio::task::spawn_blocking(move || {
        let pages: Vec<SealPage<'_>> = leaves
            .iter()
            .zip(&images)
            .map(|(leaf, bytes)| SealPage { image: leaf.image, bytes, reading: &leaf.reading })
            .collect();
        sealing::seal(
            &pages,
            &Title { title: &title, subject: None, creator_tool: &made_by, created },
        )
    });
    let sealed = sealed.await.map_err(|_| SealFailed::Panicked)?;
    Ok(sealed.map_err(SealFailed::Sealing)?)
}

fn by_policy(day: Date) -> Field {
    Field {
        name: FieldName::ValidUntil,
        value: day.to_string(),
        confidence: 1.0,
        source: FieldSource::Policy,
        page: None,
        area: None,
    }
}

/// Whose paper it is.
///
/// A card's code decides. A paper about one person is that person's, whoever else it names; any
/// other paper is the applicant's when it shows their number or name. A paper that shows another
/// person and nothing of the applicant is nobody's until a person says whose: better asked for
/// again than held for the wrong citizen.
fn owners(
    whose: Owners,
    applicant: &Subject,
    pages: &[&PageReading],
    fields: &[Field],
) -> Vec<Owner> {
    let bound = |subject: &Subject, bound_by| vec![Owner { subject: subject.clone(), bound_by }];
    let cards: Vec<Subject> = pages.iter().filter_map(|page| card_holder(page)).collect();
    if cards.iter().any(|holder| holder.agrees(applicant)) {
        return bound(applicant, BoundBy::Number);
    }
    if let Some(holder) = cards.first() {
        return bound(holder, BoundBy::Number);
    }
    let written = |name| fields.iter().find(|field| field.name == name).map(|f| f.value.as_str());
    let (holder_number, holder_name) =
        (written(FieldName::HolderNumber), written(FieldName::HolderName));
    let own_number = applicant.reveal_number();
    let own_name = fold(applicant.name().reveal());
    let (shows_number, shows_name) = match whose {
        Owners::Holder => (
            holder_number == Some(own_number),
            holder_number.is_none() && holder_name.is_some_and(|name| fold(name) == own_name),
        ),
        Owners::Named => {
            let digits: String = pages.iter().map(|page| digits_of(&page.text)).collect();
            let named = pages.iter().any(|page| holds_name(&page.text, &own_name));
            (digits.contains(own_number), named)
        }
    };
    match (shows_number, shows_name, labelled_holder(fields)) {
        (true, ..) => bound(applicant, BoundBy::Number),
        (false, true, _) => bound(applicant, BoundBy::Name),
        (false, false, Some(holder)) => bound(&holder, BoundBy::Number),
        (false, false, None) if whose == Owners::Holder || holder_number.is_some() => Vec::new(),
        (false, false, None) => bound(applicant, BoundBy::Dossier),
    }
}

/// The holder of an identity card, by its QR or its machine-readable zone with a name beside it.
fn card_holder(page: &PageReading) -> Option<Subject> {
    page.codes.iter().find_map(|code| match code.kind {
        CodeKind::IdentityCard => IdentityCard::parse(&code.text).map(|card| Subject::Citizen {
            number: card.number,
            name: card.name,
            born: card.born,
        }),
        CodeKind::Mrz => Mrz::parse(&code.text).map(|zone| Subject::Citizen {
            number: zone.number,
            name: zone.name,
            born: zone.born,
        }),
        CodeKind::Separator | CodeKind::Other => None,
    })
}

/// The person that labelled lines name in full: number, name and date of birth, all read well.
fn labelled_holder(fields: &[Field]) -> Option<Subject> {
    const SURE: f32 = 0.8;
    let value = |name| {
        let field = fields.iter().find(|f| f.name == name && SURE <= f.confidence)?;
        Some(field.value.as_str())
    };
    let subject = Subject::Citizen {
        number: value(FieldName::HolderNumber)?.parse::<CitizenNumber>().ok()?,
        name: value(FieldName::HolderName)?.parse::<Name>().ok()?,
        born: value(FieldName::HolderBorn)?.parse().ok()?,
    };
    subject.check().is_ok().then_some(subject)
}

/// Runs of digits, each on its own, gaps within a number closed: `001 199 000013`.
fn digits_of(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' => out.push(c),
            ' ' | '.' => {}
            _ if out.ends_with(' ') => {}
            _ => out.push(' '),
        }
    }
    out.push(' ');
    out
}

/// Whether the folded name stands in the text as whole words.
fn holds_name(text: &str, name: &str) -> bool {
    let words: String =
        fold(text).chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    format!(" {words} ").contains(&format!(" {name} "))
}

#[cfg(test)]
mod tests {
    use schemas::reading::Code;

    use super::*;

    fn applicant() -> Subject {
        Subject::Citizen {
            number: "001199000013".parse().unwrap(),
            name: "Nguyễn Thị Mẫu".parse().unwrap(),
            born: "1999-01-01".parse().unwrap(),
        }
    }

    fn page(text: &str, codes: Vec<Code>) -> PageReading {
        PageReading {
            width: 1654,
            height: 2339,
            dpi: 200,
            fingerprint: "0".repeat(64),
            text: text.to_owned(),
            confidence: 0.9,
            codes,
            ..PageReading::unread(0, Blake3([0; 32]))
        }
    }

    fn field(name: FieldName, value: &str) -> Field {
        let value = value.to_owned();
        let source = FieldSource::Ocr;
        Field { name, value, confidence: 0.9, source, page: Some(0), area: None }
    }

    #[track_caller]
    fn check(whose: Owners, page: PageReading, fields: &[Field], want: &[(&str, BoundBy)]) {
        let got = owners(whose, &applicant(), &[&page], fields);
        let got: Vec<_> = got.iter().map(|o| (o.subject.reveal_number(), o.bound_by)).collect();
        assert_eq!(got, want);
    }

    const OWN: &str = "001199000013";
    const OTHER: &str = "001099000027";

    #[test]
    fn a_paper_is_bound_to_whom_it_names() {
        let check = |text: &str, bound_by| {
            check(Owners::Named, page(text, vec![]), &[], &[(OWN, bound_by)]);
        };
        check("Số định danh: 001199000013", BoundBy::Number);
        check("Số định danh cá nhân: 001 199 000 013.", BoundBy::Number);
        check("Họ tên: NGUYEN THỊ MẪU, sinh năm", BoundBy::Name);
        check("Một tờ giấy", BoundBy::Dossier);
    }

    #[test]
    fn anothers_paper_is_never_bound_to_the_applicant() {
        let qr = "001099000027||Trần Văn Thử|02031999|Nam|Hà Nội|01012022";
        let code = Code { kind: CodeKind::IdentityCard, text: qr.to_owned() };
        let card = page("CĂN CƯỚC", vec![code]);
        check(Owners::Holder, card, &[], &[(OTHER, BoundBy::Number)]);

        let number = field(FieldName::HolderNumber, OTHER);
        check(Owners::Named, page("Số định danh: 001099000027", vec![]), &[number], &[]);
    }

    #[test]
    fn a_childs_birth_certificate_is_not_the_mothers() {
        let text = "Họ tên: Trần Văn Thử. Họ tên mẹ: Nguyễn Thị Mẫu, số 001199000013";
        let child = [
            field(FieldName::HolderName, "Trần Văn Thử"),
            field(FieldName::HolderNumber, OTHER),
            field(FieldName::HolderBorn, "1999-03-02"),
        ];
        check(Owners::Holder, page(text, vec![]), &child, &[(OTHER, BoundBy::Number)]);
        check(Owners::Holder, page(text, vec![]), &child[..1], &[]);
        check(Owners::Holder, page(text, vec![]), &[], &[]);
        let own = [field(FieldName::HolderName, "NGUYỄN THỊ MẪU")];
        check(Owners::Holder, page(text, vec![]), &own, &[(OWN, BoundBy::Name)]);
    }
}
