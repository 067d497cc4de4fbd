//! A dossier's pages, sorted: which are one paper, what paper, for which component.

use schemas::catalogue::Procedure;
use schemas::codes::Separator;
use schemas::ids::{CaseId, ComponentId, DossierCode, PageId};
use schemas::reading::{CodeKind, KindGuess, PageReading};

use crate::again::scanned_again;
use crate::kinds::Kinds;
use crate::lay::lay;
use crate::layout::Layout;
use crate::split::{Piece, split};
use crate::told;

/// A page as it arrived.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// The page.
    pub page: PageId,
    /// What was read off it.
    pub reading: &'a PageReading,
    /// The component that the officer who scanned it said it is for, as a separator sheet would.
    pub said: Option<&'a ComponentId>,
}

/// A paper among the pages.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its pages, as places among the sheets, in order.
    pub pages: Vec<usize>,
    /// What kind it is taken for.
    pub kind: Option<KindGuess>,
    /// The component it is filed under; only when it is [`Verdict::Filed`].
    pub component: Option<ComponentId>,
    /// How sure the filing is, 0 to 1.
    pub confidence: f32,
    /// What became of it.
    pub verdict: Verdict,
    /// Why, in Vietnamese, for the counter. Holds nothing that was read off the paper.
    pub why: String,
}

/// What became of a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It lies on a component.
    Filed,
    /// A person must look.
    Unsure,
    /// The dossier does not ask for it: the counter must not collect it.
    Outside,
}

/// A dossier's pages, sorted. Every sheet is in exactly one of the lists, as page of a document,
/// blank, separator or the first of a pair of duplicates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filing {
    /// The papers, in the order of their first pages.
    pub documents: Vec<Document>,
    /// Pages with nothing on them.
    pub blanks: Vec<usize>,
    /// Separator sheets.
    pub separators: Vec<usize>,
    /// Pages scanned again: (again, first).
    pub duplicates: Vec<(usize, usize)>,
}

/// Groups a dossier's pages into papers and lays them on the components of the procedure's case.
/// `sheets` are in order of arrival. What stands behind a separator sheet of another dossier is
/// left for a person.
#[must_use]
pub fn file(
    kinds: &Kinds,
    procedure: &Procedure,
    case: Option<&CaseId>,
    dossier: &DossierCode,
    sheets: &[Sheet<'_>],
) -> Filing {
    let mut filing = Filing::default();
    let mut written = Vec::new();
    for (place, sheet) in sheets.iter().enumerate() {
        if sheet.reading.codes.iter().any(|c| c.kind == CodeKind::Separator) {
            filing.separators.push(place);
        } else if sheet.reading.blank {
            filing.blanks.push(place);
        } else {
            written.push((place, sheet.reading));
        }
    }
    filing.duplicates = scanned_again(&written);
    let skipped = |place: &usize| {
        filing.blanks.contains(place) || filing.duplicates.iter().any(|(again, _)| again == place)
    };
    let mut said = None;
    let mut pieces = Vec::new();
    for (place, sheet) in sheets.iter().enumerate().filter(|(place, _)| !skipped(place)) {
        if sheet.said != said {
            said = sheet.said;
            let named = |component: &ComponentId| Separator {
                dossier: dossier.clone(),
                component: component.clone(),
            };
            pieces.push(Piece::Separator(said.map(named)));
        }
        pieces.push(if filing.separators.contains(&place) {
            Piece::Separator(told::separator(sheet.reading))
        } else {
            Piece::Page(place, Box::new(Layout::new(sheet.reading)))
        });
    }
    let runs = split(kinds, pieces.into_iter());
    filing.documents = lay(kinds, procedure, case, dossier, runs);
    filing
}
