//! Papers to send: the shipped sample, and as many more pages as a test wants.

use std::path::Path;

use papers::sample::{DESCRIPTION, Dossier};
use papers::{Family, Press, Scan, Wear};
use schemas::api::{OpenDossier, RawSubject};
use schemas::ids::CaseId;
use schemas::message::Lane;
use schemas::subject::Subject;

/// A dossier of the shipped sample, ready to be sent.
pub struct Story {
    /// What it is about and what its pages are.
    pub dossier: Dossier,
    /// The scans, in order.
    pub scans: Vec<Vec<u8>>,
}

impl Story {
    /// The one in that folder of the sample: `khai-sinh`, `thuong-tru`.
    pub fn told(folder: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("papers/sample").join(folder);
        let text = std::fs::read(folder.join(DESCRIPTION)).unwrap();
        let dossier: Dossier = serde_json::from_slice(&text).unwrap();
        let scans =
            dossier.files.iter().map(|file| std::fs::read(folder.join(&file.name)).unwrap());
        Self { scans: scans.collect(), dossier }
    }

    /// What opens it.
    pub fn opening(&self, case: Option<&str>) -> OpenDossier {
        OpenDossier {
            procedure: self.dossier.procedure.clone(),
            case: case.map(|case| case.parse::<CaseId>().unwrap()),
            ..opening(&self.dossier.subject)
        }
    }

    pub fn scans(&self) -> Vec<&[u8]> {
        self.scans.iter().map(Vec::as_slice).collect()
    }
}

/// Opens a birth registration for somebody.
pub fn opening(subject: &Subject) -> OpenDossier {
    OpenDossier {
        procedure: "1.001193".parse().unwrap(),
        case: None,
        subject: raw(subject),
        others: Vec::new(),
        lane: Lane::Counter,
        office: None,
        answers: schemas::api::Answers::new(),
        identity_checked: false,
    }
}

/// A subject as an officer types it.
pub fn raw(subject: &Subject) -> RawSubject {
    let name = subject.name().reveal().to_owned();
    match subject {
        Subject::Citizen { number, born, .. } => {
            RawSubject::Citizen { number: number.reveal().to_owned(), name, born: *born }
        }
        Subject::Organisation { number, .. } => {
            RawSubject::Organisation { number: number.reveal().to_owned(), name }
        }
    }
}

/// The father of the made-up family with that seed.
pub fn somebody(seed: u64) -> Subject {
    Family::new(seed).father.subject()
}

/// A scanned page, unlike that of any other seed, small enough to be read fast.
pub fn jpeg_page(seed: u64) -> Vec<u8> {
    let press = Press::open().unwrap();
    let scan = Scan { dpi: 120, wear: Wear::light(seed), ..Scan::default() };
    scan.jpeg(&press.page(seed)).unwrap()
}
