//! The two sides of an identity card, which scanners deliver as two pages.

use schemas::reading::CodeKind;
use schemas::subject::CitizenNumber;

use crate::layout::Layout;
use crate::recognise::{IDENTITY_CARD, Sign};
use crate::told;

/// A side of an identity card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Side {
    /// The holder's number, where a code tells it.
    number: Option<CitizenNumber>,
    /// Whether it shows the machine-readable zone: the back of every card with one.
    back: bool,
    /// Whether it shows the card's title: the front.
    front: bool,
}

/// How sure the words must be that they are of a card when no code says so.
const BY_WORDS: f32 = 0.5;

impl Side {
    /// The side that a page shows, if it shows one.
    pub(crate) fn of(layout: &Layout<'_>, signs: &[Sign]) -> Option<Self> {
        let card =
            |s: &&Sign| s.guess.id.as_str() == IDENTITY_CARD && s.guess.confidence >= BY_WORDS;
        let worded = signs.first().filter(card);
        let coded = told::told(layout.page);
        let back = layout.page.codes.iter().any(|c| c.kind == CodeKind::Mrz);
        let front = !back && worded.is_some_and(|s| s.title >= BY_WORDS);
        let number = coded.into_iter().next().map(|told| told.number);
        (back || number.is_some() || worded.is_some()).then_some(Self { number, back, front })
    }

    /// Whether both sides tell the same number.
    pub(crate) fn number_agrees(&self, other: &Side) -> bool {
        self.number.is_some() && self.number == other.number && !self.alike(other)
    }

    /// Whether the page after this one may be its other side.
    pub(crate) fn may_be_other_side(&self, next: &Side) -> bool {
        // The front of the older card tells its number by QR, that of the newer by nothing
        // that a code reader sees.
        let same = match (&self.number, &next.number) {
            (Some(one), Some(other)) => one == other,
            (Some(_) | None, _) => true,
        };
        same && !self.alike(next)
    }

    fn alike(&self, other: &Side) -> bool {
        (self.back && other.back) || (self.front && other.front)
    }
}
