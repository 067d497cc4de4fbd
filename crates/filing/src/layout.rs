//! Where things stand on a page: lines cut at the gutter between columns, what looks like a
//! title, the two blocks of a letterhead.
//!
//! Engines read the letterhead's two columns across as one line, or apart, as they please; so
//! lines are cut again by where their words stand.

use std::rc::Rc;
use std::sync::LazyLock;

use schemas::reading::{PageReading, Word};
use schemas::record::Area;
use schemas::text;

use crate::matching::{Phrase, Searched, Text};

/// Widest space within a line, in heights of its words. Justified text stays below, the gutter
/// of a letterhead seldom does; where it does, the national name tells the gutter.
const WIDEST_SPACE: f32 = 1.5;

/// A stretch of words that stand on one line and in one column.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// The text in small letters without accents, punctuation kept.
    pub(crate) plain: String,
    pub(crate) folded: Text,
    pub(crate) x0: f32,
    pub(crate) x1: f32,
    pub(crate) y0: f32,
    pub(crate) y1: f32,
    /// Height of its words, in pixels: the median.
    pub(crate) height: f32,
    /// Share of upper-case letters among its letters.
    pub(crate) upper: f32,
    /// Mean confidence of its words.
    pub(crate) confidence: f32,
}

impl Line {
    pub(crate) fn centre(&self) -> f32 {
        f32::midpoint(self.x0, self.x1)
    }

    pub(crate) fn middle(&self) -> f32 {
        f32::midpoint(self.y0, self.y1)
    }

    pub(crate) fn beside(&self, other: &Line) -> bool {
        let shared = self.y1.min(other.y1) - self.y0.max(other.y0);
        shared > 0.5 * self.height.min(other.height)
    }

    /// A line of these words, without the dirt at its ends; `None` when there is nothing else.
    fn of(words: &[&Word]) -> Option<Self> {
        let told: Vec<_> =
            words.iter().filter(|w| w.text.chars().any(char::is_alphanumeric)).collect();
        let (first, last) =
            (words.iter().position(|w| tells(w))?, words.iter().rposition(|w| tells(w))?);
        let text =
            words[first..=last].iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
        let text = text::tidy(&text);
        let mut heights: Vec<_> = told.iter().map(|w| w.h).collect();
        heights.sort_unstable();
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        let capitals = text.chars().filter(|c| c.is_uppercase()).count();
        let edge = |pick: fn(&Word) -> u32, fold: fn(u32, u32) -> u32| {
            told.iter().map(|w| pick(w)).reduce(fold).map_or(0.0, pixels)
        };
        // A stamp that crosses the line makes one word's box tall: the median is not moved.
        let median = |pick: fn(&Word) -> u32| {
            let mut edges: Vec<_> = told.iter().map(|w| pick(w)).collect();
            edges.sort_unstable();
            edges.get(edges.len() / 2).map_or(0.0, |e| pixels(*e))
        };
        let plain = text::fold(&text);
        Some(Self {
            folded: Text::of_folded(&plain),
            plain,
            x0: edge(|w| w.x, u32::min),
            x1: edge(|w| w.x.saturating_add(w.w), u32::max),
            y0: median(|w| w.y),
            y1: median(|w| w.y.saturating_add(w.h)),
            height: pixels(heights[heights.len() / 2]).max(1.0),
            upper: share(capitals, letters),
            confidence: told.iter().map(|w| w.confidence).sum::<f32>() * share(1, told.len()),
            text,
        })
    }
}

fn tells(word: &Word) -> bool {
    word.text.chars().any(char::is_alphanumeric)
}

/// A page as it is laid out.
pub(crate) struct Layout<'a> {
    pub(crate) page: &'a PageReading,
    /// From top to bottom, and from left to right where they stand side by side.
    pub(crate) lines: Vec<Line>,
    /// The whole page as it was read, for phrases that run over line ends.
    pub(crate) running: Rc<Searched>,
    /// Height of the words of the body: the median.
    pub(crate) body: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// The letterhead, where the page has one.
    pub(crate) head: Option<Letterhead>,
}

impl<'a> Layout<'a> {
    pub(crate) fn new(page: &'a PageReading) -> Self {
        let mut lines = Vec::new();
        let mut rest = page.words.as_slice();
        while let Some(first) = rest.first() {
            let count = rest.iter().take_while(|w| w.line == first.line).count();
            cut(&rest[..count], pixels(page.height), &mut lines);
            rest = &rest[count..];
        }
        order(&mut lines);
        let mut heights: Vec<_> = page.words.iter().filter(|w| tells(w)).map(|w| w.h).collect();
        heights.sort_unstable();
        let running = page.words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
        let mut layout = Self {
            page,
            lines,
            running: Rc::new(Searched::new(Text::new(&running))),
            body: heights.get(heights.len() / 2).map_or(1.0, |h| pixels(*h)).max(1.0),
            width: pixels(page.width).max(1.0),
            height: pixels(page.height).max(1.0),
            head: None,
        };
        layout.head = layout.letterhead();
        layout
    }

    /// Whether a line stands out as a title does: in capitals or larger than the body, in the
    /// upper part, and neither in the left nor in the right margin.
    pub(crate) fn looks_like_title(&self, line: &Line) -> bool {
        let upper = line.middle() < 0.62 * self.height;
        let large = line.upper > 0.7 || (line.height > 1.25 * self.body && line.upper > 0.1);
        let letters = line.text.chars().filter(|c| c.is_alphabetic()).count() > 3;
        upper && large && letters
    }

    /// How near a line's middle is to the page's, 1 to 0.
    pub(crate) fn centred(&self, line: &Line) -> f32 {
        let off = (line.centre() - self.width / 2.0).abs() / self.width;
        (1.0 - 2.5 * (off - 0.05).max(0.0)).clamp(0.0, 1.0)
    }

    fn letterhead(&self) -> Option<Letterhead> {
        let top = || self.lines.iter().enumerate().filter(|(_, l)| l.middle() < 0.45 * self.height);
        let find = |phrase: &'static Option<Phrase>| {
            let phrase = phrase.as_ref()?;
            top().find(|(_, l)| phrase.find_at_start(&l.folded).is_some()).map(|(place, _)| place)
        };
        let (nation, motto) = (find(&NATION), find(&MOTTO));
        let mark = &self.lines[nation.or(motto)?];
        // Without the national name: the motto stands under its middle and is about as much
        // narrower.
        let inset = if nation.is_some() { 0.0 } else { 0.25 * (mark.x1 - mark.x0) };
        let from = mark.y0 - 4.0 * self.body;
        let to = mark.y0 + 20.0 * self.body;
        Some(Letterhead { gutter: mark.x0 - inset, centre: mark.centre(), from, to, top: mark.y0 })
    }

    /// Lines that stand in one row, from left to right, joined.
    pub(crate) fn rows<'l>(lines: impl Iterator<Item = &'l Line>) -> Vec<Line> {
        let mut rows: Vec<Line> = Vec::new();
        for line in lines {
            match rows.last_mut() {
                Some(row) if row.beside(line) => row.absorb(line),
                _ => rows.push(line.clone()),
            }
        }
        rows
    }
}

impl Line {
    /// Takes in a line to its right, or below it.
    pub(crate) fn absorb(&mut self, other: &Line) {
        let (mine, theirs) = (self.folded.len(), other.folded.len());
        let weight = share(mine, mine + theirs);
        self.text = format!("{} {}", self.text, other.text);
        self.plain = format!("{} {}", self.plain, other.plain);
        self.folded = Text::of_folded(&self.plain);
        self.confidence = self.confidence * weight + other.confidence * (1.0 - weight);
        self.upper = self.upper * weight + other.upper * (1.0 - weight);
        (self.x0, self.y0) = (self.x0.min(other.x0), self.y0.min(other.y0));
        (self.x1, self.y1) = (self.x1.max(other.x1), self.y1.max(other.y1));
    }

    /// Where it stands on the page.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "edges come from u32 pixels and are never negative"
    )]
    pub(crate) fn area(&self) -> Area {
        let (x, y) = (self.x0 as u32, self.y0 as u32);
        Area { x, y, w: (self.x1 - self.x0) as u32, h: (self.y1 - self.y0) as u32 }
    }
}

/// The head of an official paper: the authority and its number on the left, the nation and the
/// date on the right (Decree 30/2020/NĐ-CP, appendix I).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letterhead {
    /// Left edge of the right block.
    gutter: f32,
    /// Middle of the right block.
    centre: f32,
    from: f32,
    to: f32,
    /// Upper edge of the nation's name.
    pub(crate) top: f32,
}

impl Letterhead {
    /// Whether the authority stands on the left: not so where the nation's name is centred, as
    /// on application forms.
    pub(crate) fn has_left_block(&self, layout: &Layout<'_>) -> bool {
        self.centre > 0.55 * layout.width && self.gutter > 0.2 * layout.width
    }

    /// Whether a line is part of the letterhead: the nation, the motto, or beside and above them.
    pub(crate) fn holds(&self, layout: &Layout<'_>, line: &Line) -> bool {
        let is = |p: &Option<Phrase>| {
            p.as_ref().is_some_and(|p| p.find_at_start(&line.folded).is_some())
        };
        if is(&NATION) || is(&MOTTO) {
            return true;
        }
        let beside = line.y0 < self.top + 4.0 * layout.body;
        beside && self.has_left_block(layout) && line.centre() < self.gutter - 2.0 * layout.body
    }

    /// Rows of the left block from the top, as far down as a subject line may reach.
    pub(crate) fn left(&self, layout: &Layout<'_>) -> Vec<Line> {
        if !self.has_left_block(layout) {
            return Vec::new();
        }
        let within = |l: &&Line| {
            // What belongs to the left column has its middle left of the gutter and does not
            // reach far across it.
            l.y0 > self.from
                && l.y0 < self.to
                && l.x1 < self.gutter + 1.5 * layout.body
                && l.centre() < self.gutter - 2.0 * layout.body
        };
        Layout::rows(layout.lines.iter().filter(within))
    }

    /// Lines of the right block and what may be meant as such.
    pub(crate) fn right<'l>(&self, layout: &'l Layout<'_>) -> impl Iterator<Item = &'l Line> {
        let (from, to, edge) = (self.from, self.to, self.gutter - 5.0 * layout.body);
        layout.lines.iter().filter(move |l| l.y0 > from && l.y0 < to && l.x0 > edge)
    }
}

/// Puts lines in order: rows from top to bottom, within a row from left to right.
fn order(lines: &mut [Line]) {
    lines.sort_by(|a, b| a.middle().total_cmp(&b.middle()));
    let mut rest = lines;
    while let Some(first) = rest.first().cloned() {
        let count = rest.iter().take_while(|l| l.beside(&first)).count().max(1);
        let (row, below) = rest.split_at_mut(count);
        row.sort_by(|a, b| a.x0.total_cmp(&b.x0));
        rest = below;
    }
}

/// Cuts a line as the engine saw it into columns.
fn cut(words: &[Word], page_height: f32, lines: &mut Vec<Line>) {
    let mut words: Vec<&Word> = words.iter().collect();
    words.sort_by_key(|w| w.x);
    let mut heights: Vec<_> = words.iter().filter(|w| tells(w)).map(|w| w.h).collect();
    heights.sort_unstable();
    let Some(height) = heights.get(heights.len() / 2).map(|h| pixels(*h)) else { return };
    let mut start = 0;
    for next in 1..words.len() {
        let gap =
            pixels(words[next].x) - pixels(words[next - 1].x.saturating_add(words[next - 1].w));
        let top = pixels(words[next].y) < 0.45 * page_height;
        if gap > WIDEST_SPACE * height || (top && begins_right_block(&words[next..])) {
            lines.extend(Line::of(&words[start..next]));
            start = next;
        }
    }
    lines.extend(Line::of(&words[start..]));
}

static NATION: LazyLock<Option<Phrase>> =
    LazyLock::new(|| Phrase::new("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"));
static MOTTO: LazyLock<Option<Phrase>> =
    LazyLock::new(|| Phrase::new("Độc lập - Tự do - Hạnh phúc"));

fn begins_right_block(words: &[&Word]) -> bool {
    let first = words[0].text.chars().next();
    if !first.is_some_and(|c| matches!(c, 'C' | 'c' | 'Đ' | 'Ð' | 'D' | 'đ')) {
        return false;
    }
    let text = words.iter().take(10).map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
    let text = Text::new(&text);
    let starts =
        |phrase: &Option<Phrase>| phrase.as_ref().is_some_and(|p| p.find_at_start(&text).is_some());
    starts(&NATION) || starts(&MOTTO)
}

/// Pixels as numbers to reckon with; a page has less than 2^24 of them a side.
#[expect(clippy::cast_precision_loss, reason = "pages are narrower than 2^24 pixels")]
pub(crate) fn pixels(count: u32) -> f32 {
    count as f32
}

#[expect(clippy::cast_precision_loss, reason = "counts of letters and words on one page")]
pub(crate) fn share(part: usize, whole: usize) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}
