//! Which pages are one paper: a page starts a new one when it shows a letterhead, a title or a
//! form's code; it goes on when it is numbered so, or says nothing. Where both are possible a
//! new one is started: a paper cut in two is seen by a person, a page glued to a stranger's
//! paper is not.

use schemas::codes::Separator;
use schemas::reading::KindGuess;

use crate::card::Side;
use crate::kinds::Kinds;
use crate::layout::Layout;
use crate::letterhead;
use crate::numbering::{self, Number};
use crate::recognise::{Sign, signs};

/// How well a title must stand on a page to start a paper. Below, it is as likely a heading.
const TITLED: f32 = 0.5;

/// Lowest place of a title that starts a paper, as a share of the page's height.
const TITLE_REGION: f32 = 0.4;

/// A run of pages.
pub(crate) struct Run {
    /// Places among the sheets, in order.
    pub(crate) pages: Vec<usize>,
    /// Guesses of its kind, best first, from the page that tells most.
    pub(crate) signs: Vec<Sign>,
    /// What the separator sheet before it names.
    pub(crate) named: Option<Separator>,
    /// Sides of an identity card that are in it.
    sides: Vec<Side>,
    /// Symbol of its number, to know its annexes by.
    symbol: Option<String>,
}

/// What stands between the runs.
pub(crate) enum Piece<'a> {
    /// A sheet that names dossier and component of the pages after it, if it can be read.
    Separator(Option<Separator>),
    /// A page that says something.
    Page(usize, Box<Layout<'a>>),
}

/// Groups pages into papers.
pub(crate) fn split<'a>(kinds: &Kinds, pieces: impl Iterator<Item = Piece<'a>>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut named: Option<Separator> = None;
    let mut fresh = true;
    for piece in pieces {
        let (place, layout) = match piece {
            Piece::Separator(separator) => {
                named = separator;
                fresh = true;
                continue;
            }
            Piece::Page(place, layout) => (place, layout),
        };
        let signs = signs(kinds, &layout);
        let side = Side::of(&layout, &signs);
        // Between two separators a person has said what belongs together.
        let goes_on = match runs.last() {
            None => false,
            Some(_) if named.is_some() => !fresh,
            Some(_) if fresh => false,
            Some(last) => goes_on(last, &layout, &signs, side.as_ref()),
        };
        let other_side = || runs.iter().rposition(|run| run.lacks(side.as_ref()));
        let joined = if goes_on {
            runs.len().checked_sub(1)
        } else if named.is_none() {
            other_side()
        } else {
            None
        };
        fresh = false;
        match joined.and_then(|run| runs.get_mut(run)) {
            Some(run) => {
                run.pages.push(place);
                run.sides.extend(side);
                let tells_more = |s: &Sign| {
                    run.signs.first().is_none_or(|f| f.guess.confidence < s.guess.confidence)
                };
                if !run.sides.is_empty() && signs.first().is_some_and(tells_more) {
                    run.signs = signs;
                }
            }
            None => runs.push(Run {
                pages: vec![place],
                signs,
                named: named.clone(),
                sides: side.into_iter().collect(),
                symbol: letterhead::number_symbol(&layout)
                    .and_then(|n| numbering::symbol(&n.value)),
            }),
        }
    }
    runs
}

impl Run {
    /// What it is taken for.
    pub(crate) fn best(&self) -> Option<&KindGuess> {
        self.signs.first().map(|sign| &sign.guess)
    }

    /// Whether it is one side of the card of which this is the other: by the number where both
    /// sides tell it.
    fn lacks(&self, side: Option<&Side>) -> bool {
        match (self.sides.as_slice(), side, self.pages.len()) {
            ([one], Some(other), 1) => self.named.is_none() && one.number_agrees(other),
            _ => false,
        }
    }
}

/// Whether a page goes on with the paper before it.
fn goes_on(last: &Run, layout: &Layout<'_>, signs: &[Sign], side: Option<&Side>) -> bool {
    if let Some(side) = side {
        return last.pages.len() == 1
            && last.sides.first().is_some_and(|s| s.may_be_other_side(side));
    }
    if !last.sides.is_empty() {
        return false;
    }
    let number = numbering::number(layout);
    match number {
        Some(Number::LaterOf) => return true,
        Some(Number::First) => return false,
        Some(Number::Later) | None => {}
    }
    let annexed = numbering::annexed_to(layout);
    if annexed.is_some() && annexed == last.symbol {
        return true;
    }
    let titled = signs.iter().any(|s| s.title >= TITLED && s.title_at < TITLE_REGION);
    let formed = signs.iter().any(|s| s.form >= 0.9);
    if layout.head.is_some() || formed {
        return number.is_some() && !titled;
    }
    number.is_some() || !(titled || headed(layout))
}

/// Whether a page without letterhead begins with a title of its own, although no kind has it.
fn headed(layout: &Layout<'_>) -> bool {
    let Some(first) = layout.lines.first() else { return false };
    let plain = &first.plain;
    let section =
        ["dieu", "chuong", "phan", "muc", "phu luc", "ket luan", "noi nhan", "kt", "tm", "tl"];
    let is_section = section
        .iter()
        .any(|s| plain.strip_prefix(s).is_some_and(|r| !r.starts_with(char::is_alphabetic)));
    let wordy = plain.split(' ').filter(|w| w.len() > 1).count() > 1;
    let next = layout.lines.get(1).map_or(layout.height, |l| l.y0);
    let apart = next - first.y1 > 0.5 * first.height;
    wordy
        && !is_section
        && apart
        && first.upper > 0.8
        && layout.centred(first) > 0.95
        && first.middle() < 0.22 * layout.height
        && plain.starts_with(char::is_alphabetic)
}
