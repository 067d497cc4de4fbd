//! A dossier as the national portal takes it (`HoSoDongBoDVC`, sent as `DongBoHoSoMC`), field by
//! field as running provincial systems send it: every value is text, and fields that have none
//! are there and empty. What those systems don't tell is left empty rather than guessed:
//! `HinhThuc`, `NoiNopHoSo`, `MaLinhVuc`, `DuocThanhToanTrucTuyen`, and every day that this office
//! doesn't know (`NgayHenTra`, `NgayTra`, `NgayKetThucXuLy`).

use archive::{Archive, ArchiveError, Dossier, Inquiry, Relied, drawn};
use jiff::Timestamp;
use jiff::tz;
use reqwest::Url;
use schemas::api::{DocumentVerdict, DossierState};
use schemas::catalogue::Procedure;
use schemas::ids::{ComponentId, DossierCode, RecordId};
use schemas::record::{Record, RecordState};
use schemas::subject::Subject;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a configuration says of the contract.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Where files of records are to be had, as the other side reaches this office; without it
    /// their addresses are left empty.
    pub files: Option<Url>,
    /// `TrangThaiHoSo` of a dossier that takes scans; 2 with running systems (đã tiếp nhận).
    pub open: String,
    /// `TrangThaiHoSo` of one that takes no more; 4 with running systems (đang xử lý). What was
    /// decided on it this office doesn't know.
    pub closed: String,
}

impl Default for Terms {
    fn default() -> Self {
        Self { files: None, open: "2".to_owned(), closed: "4".to_owned() }
    }
}

/// The body of `DongBoHoSoMC`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Synchronisation {
    /// Whether the other side knows the dossiers already.
    #[serde(rename = "isUpdating")]
    pub is_updating: bool,
    /// The dossiers.
    pub data: Vec<NationalDossier>,
}

/// A dossier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NationalDossier {
    /// Its code.
    #[serde(rename = "MaHoSo")]
    pub code: String,
    /// Code of the procedure.
    #[serde(rename = "MaTTHC")]
    pub procedure: String,
    /// Its name.
    #[serde(rename = "TenTTHC")]
    pub procedure_name: String,
    /// Code of its field; not in our catalogue.
    #[serde(rename = "MaLinhVuc")]
    pub field_code: String,
    /// Name of its field.
    #[serde(rename = "TenLinhVuc")]
    pub field_name: String,
    /// 1: at a counter.
    #[serde(rename = "KenhThucHien")]
    pub channel: String,
    /// Number of the applicant.
    #[serde(rename = "SoGiayToChuHoSo")]
    pub applicant_number: String,
    /// Name of the applicant.
    #[serde(rename = "ChuHoSo")]
    pub applicant_name: String,
    /// 1: a citizen; 4: an organisation.
    #[serde(rename = "LoaiDoiTuong")]
    pub applicant_kind: String,
    /// Technical id of the applicant at the portal, for dossiers from there alone.
    #[serde(rename = "MaDoiTuong")]
    pub applicant_id: String,
    /// Not known here.
    #[serde(rename = "ThongTinKhac")]
    pub other: String,
    /// Not known here.
    #[serde(rename = "Email")]
    pub email: String,
    /// Not known here.
    #[serde(rename = "Fax")]
    pub fax: String,
    /// Not known here.
    #[serde(rename = "SoDienThoai")]
    pub telephone: String,
    /// What it is about, at most 1,000 letters: the procedure.
    #[serde(rename = "TrichYeuHoSo")]
    pub summary: String,
    /// When it was received: `yyyyMMddHHmmss`, in Vietnam.
    #[serde(rename = "NgayTiepNhan")]
    pub received: String,
    /// When the result is due; not known.
    #[serde(rename = "NgayHenTra")]
    pub due: String,
    /// Its state, by the terms.
    #[serde(rename = "TrangThaiHoSo")]
    pub state: String,
    /// When the result was handed over; not known.
    #[serde(rename = "NgayTra")]
    pub handed_over: String,
    /// Not known here.
    #[serde(rename = "ThongTinTra")]
    pub handing_over: String,
    /// Not told by any source.
    #[serde(rename = "HinhThuc")]
    pub form: String,
    /// When it was decided; not known.
    #[serde(rename = "NgayKetThucXuLy")]
    pub decided: String,
    /// Code of the office.
    #[serde(rename = "DonViXuLy")]
    pub office: String,
    /// Not known here.
    #[serde(rename = "GhiChu")]
    pub note: String,
    /// What was handed in, and what a record or another Kho's paper stood in for.
    #[serde(rename = "TaiLieuNop")]
    pub papers: Vec<Paper>,
    /// Fees; not known.
    #[serde(rename = "DanhSachLePhi")]
    #[schema(value_type = Vec<Object>)]
    pub fees: [(); 0],
    /// Other papers; not known.
    #[serde(rename = "DanhSachTepDinhKemKhac")]
    #[schema(value_type = Vec<Object>)]
    pub others: [(); 0],
    /// What was asked for later; not known.
    #[serde(rename = "DanhSachHoSoBoSung")]
    #[schema(value_type = Vec<Object>)]
    pub supplements: [(); 0],
    /// Results of the procedure that are electronic.
    #[serde(rename = "DanhSachGiayToKetQua")]
    pub results: Vec<ResultPaper>,
    /// Not told by any source.
    #[serde(rename = "NoiNopHoSo")]
    pub place: String,
    /// 1 where a paper was digitised, or a digitised one reused.
    #[serde(rename = "HoSoCoThanhPhanSoHoa")]
    pub digitised: String,
    /// 0: the account wasn't verified here.
    #[serde(rename = "TaiKhoanDuocXacThucVoiVNeID")]
    pub verified: String,
    /// Not known.
    #[serde(rename = "DuocThanhToanTrucTuyen")]
    pub paid_online: String,
    /// When it was refused; not known.
    #[serde(rename = "NgayTuChoi")]
    pub refused: String,
    /// Numbers of the applicant.
    #[serde(rename = "DinhDanhCHS")]
    pub identities: Vec<Identity>,
    /// When it was handed in: `yyyyMMddHHmmss`, in Vietnam.
    #[serde(rename = "NgayNopHoSo")]
    pub handed_in: String,
    /// Databases that were asked; none.
    #[serde(rename = "DSKetNoiCSDL")]
    #[schema(value_type = Vec<Object>)]
    pub databases: [(); 0],
}

/// A paper of a dossier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Paper {
    /// Id of the record, or of the question that another Kho answered with the paper; empty while
    /// there is none.
    #[serde(rename = "TepDinhKemId")]
    pub file_id: String,
    /// Name of the file.
    #[serde(rename = "TenTepDinhKem")]
    pub file_name: String,
    /// `False`.
    #[serde(rename = "IsDeleted")]
    pub deleted: String,
    /// Id of the component.
    #[serde(rename = "MaThanhPhanHoSo")]
    pub component: String,
    /// Where the file is to be had.
    #[serde(rename = "DuongDanTaiTepTin")]
    pub address: String,
    /// 1 where it was digitised, here or earlier; 0 where it is not yet.
    #[serde(rename = "DuocSoHoa")]
    pub digitised: String,
    /// 0: not reused; 1: from the same component of another dossier; 2: from another procedure's
    /// result.
    #[serde(rename = "DuocTaiSuDung")]
    pub reused: String,
    /// 1 where it was taken from the Kho of the national portal; 0 where it wasn't.
    #[serde(rename = "DuocLayTuKhoDMQG")]
    pub from_national: String,
    /// Code of the result that stood in for it, where one did.
    #[serde(rename = "MaKetQuaThayThe")]
    pub result: String,
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResultPaper {
    /// Name of the paper.
    #[serde(rename = "TenGiayTo")]
    pub name: String,
    /// What it was filed under: its code.
    #[serde(rename = "MaThanhPhanHoSo")]
    pub component: String,
    /// Id of the record.
    #[serde(rename = "GiayToId")]
    pub id: String,
    /// Where the file is to be had.
    #[serde(rename = "DuongDanTepTinKetQua")]
    pub address: String,
    /// Code of the result.
    #[serde(rename = "MaGiayToKetQua")]
    pub result: String,
}

/// A number of the applicant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Identity {
    /// 1: số định danh.
    #[serde(rename = "LoaiDinhDanh")]
    pub kind: String,
    /// The number.
    #[serde(rename = "SoDinhDanh")]
    pub number: String,
}

/// What is known of a dossier.
pub(crate) struct Known {
    dossier: Dossier,
    procedure: Procedure,
    /// Papers that were filed, with their records where some are in force.
    filed: Vec<(ComponentId, String, Option<Record>)>,
    /// Records that stood in for components, and still do.
    reused: Vec<(ComponentId, Record)>,
    /// Papers of other Kho that are used for components.
    drawn: Vec<DrawnPaper>,
    /// What the procedure ended with.
    results: Vec<(ComponentId, Record)>,
}

/// A paper of another Kho that is used for a component.
struct DrawnPaper {
    component: ComponentId,
    /// The question that was answered with it, and where its first file stands in the answer.
    asked: String,
    place: Option<usize>,
    name: String,
    result: String,
    national: bool,
}

impl Known {
    /// Everything that is known of a dossier; none where its procedure is not there.
    pub(crate) async fn of(
        archive: &Archive,
        dossier: Dossier,
    ) -> Result<Option<Self>, ArchiveError> {
        let records = &archive.records;
        let entry =
            records.procedure_version(&dossier.procedure, dossier.procedure_version).await?;
        let Some(entry) = entry else { return Ok(None) };
        let (mut filed, mut results) = (Vec::new(), Vec::new());
        for row in records.documents(dossier.id).await? {
            let (DocumentVerdict::Filed, Some(component)) = (row.doc.verdict, row.doc.component)
            else {
                continue;
            };
            let record = match row.record {
                Some((id, version)) => records.record(id, Some(version)).await?,
                None => None,
            };
            let record = record.filter(|record| record.state == RecordState::Published);
            if entry.procedure.ends_with(&component) {
                let is_it = |record: &Record| {
                    record.result.as_ref().is_some_and(|code| code.as_str() == component.as_str())
                };
                results.extend(record.filter(is_it).map(|record| (component, record)));
                continue;
            }
            let name = entry.procedure.components.iter().find(|one| one.id == component);
            let name = name.map_or_else(String::new, |component| component.name.clone());
            filed.push((component, name, record));
        }
        let lost = records.lost(dossier.id).await?;
        let again = |component: &ComponentId, original: bool| {
            !original && filed.iter().any(|(filed, ..)| filed == component)
        };
        let mut reused = Vec::new();
        for Relied { component, record, version, original, .. } in
            records.relied(dossier.id).await?
        {
            // Collected all the same, it wasn't reused, but where the original has to come in too.
            if again(&component, original) || lost.contains(&component) {
                continue;
            }
            if let Some(record) = records.record(record, Some(version)).await? {
                reused.push((component, record));
            }
        }
        let inquiries = records.inquiries(dossier.id).await?;
        let mut taken = Vec::new();
        for used in drawn(&inquiries) {
            let is_reused = reused.iter().any(|(component, _)| component == used.component);
            if !is_reused && !again(used.component, used.original) {
                taken.extend(drawn_paper(used.inquiry, used.paper));
            }
        }
        Ok(Some(Self { dossier, procedure: entry.procedure, filed, reused, drawn: taken, results }))
    }

    /// Results that are told with the address of their file.
    pub(crate) fn told_results(&self, terms: &Terms) -> Vec<RecordId> {
        let told = self.results.iter().filter(|_| terms.files.is_some());
        told.map(|(_, record)| record.id).collect()
    }

    /// Its code, and the versions of records that the contract is told of with it.
    pub(crate) fn records(&self) -> (DossierCode, Vec<(RecordId, u32)>) {
        let filed = self.filed.iter().filter_map(|(_, _, record)| record.as_ref());
        let others = self.reused.iter().chain(&self.results).map(|(_, record)| record);
        let records = filed.chain(others);
        (self.dossier.code.clone(), records.map(|record| (record.id, record.version)).collect())
    }

    /// The dossier as the contract has it.
    pub(crate) fn told(&self, terms: &Terms) -> NationalDossier {
        let Self { dossier, procedure, filed, reused, drawn, .. } = self;
        let (kind, identities) = match &dossier.subject {
            Subject::Citizen { number, .. } => {
                let number = number.reveal().to_owned();
                ("1", vec![Identity { kind: "1".to_owned(), number }])
            }
            Subject::Organisation { .. } => ("4", Vec::new()),
        };
        let stands_in = |id: &ComponentId| reused.iter().find(|(component, _)| component == id);
        let mut papers: Vec<Paper> = filed
            .iter()
            .map(|(component, name, record)| {
                let reuse = stands_in(component).map(|(_, record)| record);
                paper(component, name, record.as_ref(), reuse, terms)
            })
            .collect();
        for (component, record) in reused {
            if !filed.iter().any(|(filed, ..)| filed == component) {
                papers.push(paper(component, &record.name, Some(record), Some(record), terms));
            }
        }
        papers.extend(drawn.iter().map(|drawn| drawn.told(terms)));
        let digitised = papers.iter().any(|paper| paper.digitised == "1");
        let none = String::new;
        NationalDossier {
            code: dossier.code.to_string(),
            procedure: dossier.procedure.to_string(),
            procedure_name: procedure.name.clone(),
            field_code: none(),
            field_name: procedure.field.clone(),
            channel: "1".to_owned(),
            applicant_number: dossier.subject.reveal_number().to_owned(),
            applicant_name: dossier.subject.name().reveal().to_owned(),
            applicant_kind: kind.to_owned(),
            applicant_id: none(),
            other: none(),
            email: none(),
            fax: none(),
            telephone: none(),
            summary: shortened(&procedure.name, 1000),
            received: moment(dossier.opened_at),
            due: none(),
            state: match dossier.state {
                DossierState::Open => terms.open.clone(),
                DossierState::Closed => terms.closed.clone(),
            },
            handed_over: none(),
            handing_over: none(),
            form: none(),
            decided: none(),
            office: dossier.office.to_string(),
            note: none(),
            results: self.results(terms),
            papers,
            fees: [],
            others: [],
            supplements: [],
            place: none(),
            digitised: flag(digitised),
            verified: flag(false),
            paid_online: none(),
            refused: none(),
            identities,
            handed_in: moment(dossier.opened_at),
            databases: [],
        }
    }

    fn results(&self, terms: &Terms) -> Vec<ResultPaper> {
        let told = self.results.iter().map(|(component, record)| ResultPaper {
            name: shortened(&record.name, 2000),
            component: component.to_string(),
            id: record.id.to_string(),
            address: address(record, terms),
            result: component.to_string(),
        });
        told.collect()
    }
}

/// A paper of an answer; none where the answer has no such one.
fn drawn_paper(inquiry: &Inquiry, place: u32) -> Option<DrawnPaper> {
    let papers = inquiry.papers();
    let place = usize::try_from(place).ok()?;
    let paper = papers.get(place)?;
    // Files stand in the answer one paper after the other; those beyond the most were left.
    let first: usize = papers[..place].iter().map(|before| before.files.len()).sum();
    Some(DrawnPaper {
        component: inquiry.component.clone()?,
        asked: inquiry.id.to_string(),
        place: (!paper.files.is_empty() && first < inquiry.files.len()).then_some(first),
        name: paper.name.clone(),
        result: paper.code.clone(),
        national: inquiry.national,
    })
}

impl DrawnPaper {
    fn told(&self, terms: &Terms) -> Paper {
        let files = terms.files.as_ref().zip(self.place);
        let address = files.map(|(files, place)| {
            format!("{}/v1/inquiries/{}/files/{place}", base(files), self.asked)
        });
        Paper {
            file_id: self.asked.clone(),
            file_name: format!("{}.pdf", shortened(&self.name, 3996)),
            deleted: "False".to_owned(),
            component: self.component.to_string(),
            address: address.unwrap_or_default(),
            digitised: flag(true),
            reused: "2".to_owned(),
            from_national: flag(self.national),
            result: self.result.clone(),
        }
    }
}

fn paper(
    component: &ComponentId,
    name: &str,
    record: Option<&Record>,
    reuse: Option<&Record>,
    terms: &Terms,
) -> Paper {
    let result = reuse.and_then(|record| record.result.as_ref());
    let reused = match (reuse, result) {
        (None, _) => "0",
        (Some(_), None) => "1",
        (Some(_), Some(_)) => "2",
    };
    Paper {
        file_id: record.map(|record| record.id.to_string()).unwrap_or_default(),
        file_name: format!("{}.pdf", shortened(name, 3996)),
        deleted: "False".to_owned(),
        component: component.to_string(),
        address: record.map(|record| address(record, terms)).unwrap_or_default(),
        digitised: flag(record.is_some()),
        reused: reused.to_owned(),
        from_national: flag(false),
        result: result.map(ToString::to_string).unwrap_or_default(),
    }
}

fn address(record: &Record, terms: &Terms) -> String {
    let Some(files) = &terms.files else { return String::new() };
    format!("{}/v1/records/{}/file", base(files), record.id)
}

fn base(files: &Url) -> &str {
    files.as_str().trim_end_matches('/')
}

fn flag(yes: bool) -> String {
    if yes { "1".to_owned() } else { "0".to_owned() }
}

/// A moment as the contract writes it: `yyyyMMddHHmmss`, in Vietnam.
fn moment(at: Timestamp) -> String {
    tz::offset(7).to_datetime(at).strftime("%Y%m%d%H%M%S").to_string()
}

/// At most so many letters.
fn shortened(text: &str, letters: usize) -> String {
    text.chars().take(letters).collect()
}
