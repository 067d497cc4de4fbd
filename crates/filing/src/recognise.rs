//! Which kind of paper a page is the first page of: its title above all, then the form's code,
//! the set phrases of its body, and the body that issued it.

use std::cell::RefCell;
use std::rc::Rc;

use schemas::reading::{CodeKind, KindGuess, PageReading};

use crate::kinds::{Kinds, Prepared, rarity, skeleton};
use crate::layout::{Layout, Line};
use crate::letterhead;
use crate::matching::{Found, Searched, Text};

/// How far each sign alone carries, 0 to 1: signs add up as independent doubts multiply. A
/// title is what a paper calls itself; phrases and issuers are shared with papers about it.
const TITLE: f32 = 0.86;
const FORM: f32 = 0.55;
const PHRASES: f32 = 0.55;
const ISSUER: f32 = 0.10;

/// Guesses below this are not told at all.
const LEAST: f32 = 0.05;

/// Kind of the official letter, which bears no title: its subject stands under its number
/// instead (Decree 30/2020/NĐ-CP, appendix I).
const OFFICIAL_LETTER: &str = "official_letter";

/// Kind of the paper that a QR of an identity card or its machine-readable zone stands on.
pub(crate) const IDENTITY_CARD: &str = "identity_card";

/// Kinds that the page may be the first page of, best first; empty when nothing speaks for any.
#[must_use]
pub fn recognise(kinds: &Kinds, page: &PageReading) -> Vec<KindGuess> {
    signs(kinds, &Layout::new(page)).into_iter().map(|sign| sign.guess).collect()
}

/// A guess, and what it rests on.
#[derive(Debug, Clone)]
pub(crate) struct Sign {
    pub(crate) guess: KindGuess,
    /// How well a title of the kind stands on the page, 0 to 1.
    pub(crate) title: f32,
    /// Where that title stands: its upper edge, as a share of the page's height.
    pub(crate) title_at: f32,
    /// How well one of its form codes does.
    pub(crate) form: f32,
}

pub(crate) fn signs(kinds: &Kinds, layout: &Layout<'_>) -> Vec<Sign> {
    if layout.page.blank || (layout.lines.is_empty() && layout.page.codes.is_empty()) {
        return Vec::new();
    }
    let shown = Shown::of(kinds, layout);
    let titles = shown.titles(kinds);
    let best_title = titles.iter().map(|t| t.0).fold(0.0, f32::max);
    let mut signs: Vec<Sign> = kinds
        .iter()
        .zip(&kinds.ready.prepared)
        .zip(&titles)
        .filter(|((_, evidence), _)| !shown.rules_out(kinds, evidence))
        .filter_map(|((kind, evidence), (title, at))| {
            let id = kind.id.clone();
            let letter = shown.subject && id.as_str() == OFFICIAL_LETTER;
            let title = if letter { title.max(0.9) } else { *title };
            let form = evidence.forms.iter().filter(|f| shown.shows_form(f)).map(|f| f.tells);
            let form = form.fold(0.0, f32::max);
            let phrases = shown.phrases(kinds, evidence);
            let issuer = shown.issuer(kinds, evidence);
            let doubts = (1.0 - TITLE * title)
                * (1.0 - FORM * form)
                * (1.0 - PHRASES * phrases)
                * (1.0 - ISSUER * issuer);
            // A page that calls itself something else speaks against what its phrases say.
            let other = if title < 0.5 { 1.0 - 0.6 * best_title } else { 1.0 };
            let mut confidence = (1.0 - doubts) * other;
            if title == 0.0 && form == 0.0 && phrases == 0.0 {
                // Whoever issued it, it could be anything.
                confidence = 0.0;
            }
            if id.as_str() == IDENTITY_CARD && shown.card {
                confidence = confidence.max(0.99);
            }
            (confidence >= LEAST).then_some(Sign {
                guess: KindGuess { id, confidence },
                title,
                title_at: shown.titles.get(*at).map_or(1.0, |run| run.at),
                form,
            })
        })
        .collect();
    signs.sort_by(|a, b| b.guess.confidence.total_cmp(&a.guess.confidence));
    doubt(&mut signs);
    signs
}

/// Two kinds for which as much speaks make each other doubtful.
fn doubt(signs: &mut [Sign]) {
    if let [best, second, ..] = signs {
        let near = second.guess.confidence / best.guess.confidence;
        best.guess.confidence *= 1.0 - 0.5 * near.powi(6);
        second.guess.confidence = second.guess.confidence.min(best.guess.confidence);
    }
}

/// What a page shows, folded for comparison.
struct Shown {
    /// Runs of lines that may be a title, from the top of the page.
    titles: Vec<TitleRun>,
    /// All title-like lines.
    display: Looked,
    /// The upper third.
    head: Looked,
    /// Everything.
    page: Looked,
    /// Words of the lines in which a form's code may stand.
    codes: Vec<Vec<String>>,
    /// Whether the subject of an official letter stands under the number.
    subject: bool,
    /// Whether codes on the page say that it is an identity card.
    card: bool,
}

/// A line that looks like a title, with the lines below that may continue it.
struct TitleRun {
    text: Text,
    /// Letters up to the end of each line.
    ends: Vec<usize>,
    /// 1 for the first and centred one, less for others.
    weight: f32,
    /// Its upper edge, as a share of the page's height.
    at: f32,
}

/// Lines over which a title may run.
const TITLE_LINES: usize = 4;

/// Lowest upper edge of a form's code, as a share of the page's height.
const FORM_REGION: f32 = 0.2;

impl Shown {
    fn of(kinds: &Kinds, layout: &Layout<'_>) -> Self {
        let joined = |lines: &mut dyn Iterator<Item = &Line>| {
            let text = lines.map(|l| l.text.as_str()).collect::<Vec<_>>().join(" ");
            Looked::in_text(Rc::new(Searched::new(Text::new(&text))), kinds)
        };
        let titles = title_runs(layout);
        Self {
            titles,
            display: joined(&mut layout.lines.iter().filter(|l| layout.looks_like_title(l))),
            head: joined(&mut layout.lines.iter().filter(|l| l.y0 < 0.33 * layout.height)),
            page: Looked::in_text(layout.running.clone(), kinds),
            codes: (layout.lines.iter())
                .filter(|l| l.y0 < FORM_REGION * layout.height)
                .map(|l| skeleton(&l.text))
                .collect(),
            subject: letterhead::subject(layout).is_some(),
            card: (layout.page.codes.iter())
                .any(|c| matches!(c.kind, CodeKind::IdentityCard | CodeKind::Mrz)),
        }
    }

    /// For each kind, how well a title of it stands on the page, and in which run.
    fn titles(&self, kinds: &Kinds) -> Vec<(f32, usize)> {
        let mut best: Vec<(f32, usize, usize)> = (kinds.ready.prepared.iter())
            .map(|evidence| {
                let finds = self.titles.iter().enumerate().flat_map(|(place, run)| {
                    evidence.titles.iter().filter_map(move |t| {
                        let found = kinds.ready.phrases[*t].phrase.find_at_start(&run.text)?;
                        Some((run.weight * run.fit(found), place, found.end))
                    })
                });
                finds.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, usize::MAX, 0))
            })
            .collect();
        // "ĐƠN ĐỀ NGHỊ" is the start of "ĐƠN ĐỀ NGHỊ CẤP GIẤY PHÉP": the longer title is meant.
        let longest = |place: usize| {
            let ends = best.iter().filter(|(fit, at, _)| *fit > 0.6 && *at == place);
            ends.map(|(_, _, end)| *end).max().unwrap_or(0)
        };
        let longest: Vec<usize> = (0..self.titles.len()).map(longest).collect();
        for (fit, place, end) in &mut best {
            if longest.get(*place).is_some_and(|longest| *longest > *end + 3) {
                *fit *= 0.5;
            }
        }
        best.into_iter().map(|(fit, place, _)| (fit, place)).collect()
    }

    fn rules_out(&self, kinds: &Kinds, evidence: &Prepared) -> bool {
        evidence.not_titles.iter().any(|n| self.display.likeness(kinds, *n).is_some())
            || evidence.not_phrases.iter().any(|n| self.page.likeness(kinds, *n).is_some())
    }

    fn shows_form(&self, form: &crate::kinds::FormCode) -> bool {
        self.codes.iter().any(|line| form.stands_in(line))
    }

    /// How much the set phrases say together, 0 to 1.
    fn phrases(&self, kinds: &Kinds, evidence: &Prepared) -> f32 {
        let doubt: f32 = (evidence.phrases.iter())
            .filter_map(|p| {
                let shared = &kinds.ready.phrases[*p];
                let likeness = self.page.likeness(kinds, *p)?;
                let long = (crate::layout::share(shared.phrase.len(), 24)).min(1.0);
                Some(1.0 - 0.6 * rarity(shared.kinds) * long * sharp(likeness))
            })
            .product();
        1.0 - doubt
    }

    fn issuer(&self, kinds: &Kinds, evidence: &Prepared) -> f32 {
        let found = evidence.issuers.iter().filter_map(|i| {
            let shared = &kinds.ready.phrases[*i];
            Some(rarity(shared.kinds) * sharp(self.head.likeness(kinds, *i)?))
        });
        found.fold(0.0, f32::max)
    }
}

/// A text, and what was found in it: many kinds ask for the same phrase.
struct Looked {
    text: Rc<Searched>,
    found: RefCell<Vec<Option<Option<f32>>>>,
}

impl Looked {
    fn in_text(text: Rc<Searched>, kinds: &Kinds) -> Self {
        Self { text, found: RefCell::new(vec![None; kinds.ready.phrases.len()]) }
    }

    /// How like it the phrase stands in the text, where it does.
    fn likeness(&self, kinds: &Kinds, phrase: usize) -> Option<f32> {
        let find =
            || kinds.ready.phrases[phrase].phrase.find(&self.text).map(|found| found.likeness);
        *self.found.borrow_mut()[phrase].get_or_insert_with(find)
    }
}

impl TitleRun {
    /// How well a title explains the lines that it reaches into, 0 to 1.
    fn fit(&self, found: Found) -> f32 {
        let line_end = self.ends.iter().find(|end| **end + 2 >= found.end).copied();
        let line_end = line_end.unwrap_or(found.end).max(found.end);
        let explained = crate::layout::share(found.end, line_end);
        sharp(found.likeness) * (0.45 + 0.55 * explained)
    }
}

/// Likeness as evidence: what agrees in nine of ten letters is worth less than nine tenths.
fn sharp(likeness: f32) -> f32 {
    (1.0 - 2.0 * (1.0 - likeness)).max(0.0)
}

fn title_runs(layout: &Layout<'_>) -> Vec<TitleRun> {
    let head = layout.head;
    let in_head = |line: &Line| head.is_some_and(|head| head.holds(layout, line));
    let candidates = layout.lines.iter().enumerate();
    let candidates = candidates.filter(|(_, l)| layout.looks_like_title(l) && !in_head(l));
    let mut runs: Vec<TitleRun> = Vec::new();
    for (place, line) in candidates {
        let mut last = line;
        let mut text = line.text.clone();
        let mut ends = vec![line.folded.len()];
        for below in &layout.lines[place + 1..] {
            let gap = below.y0 - last.y1;
            if gap > 2.0 * last.height || ends.len() == TITLE_LINES {
                break;
            }
            let same_column = (below.centre() - line.centre()).abs() < 0.12 * layout.width;
            if gap < -0.5 * last.height || !same_column || below.height < 0.7 * line.height {
                continue;
            }
            text = format!("{text} {}", below.text);
            ends.push(Text::new(&text).len());
            last = below;
        }
        // Later titles are sections, signatures, or other papers that are named.
        let order = (0.94f32).powi(i32::try_from(runs.len()).unwrap_or(i32::MAX)).max(0.55);
        let weight = order * (0.75 + 0.25 * layout.centred(line));
        let at = line.y0 / layout.height;
        runs.push(TitleRun { text: Text::new(&text), ends, weight, at });
    }
    runs
}
