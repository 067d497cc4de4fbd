//! Lines that are drawn, not written: the rulings of tables.

use crate::engine::Picture;

/// A stroke is a ruling's from this length on, in heights of a line of text: no letter is as long.
const SHORTEST_STROKE: i64 = 2;
/// Strokes less than this many heights apart, one behind the other, are one ruling: print and
/// scan break it.
const BREAK: i64 = 1;
/// Pixels are looked at in every n-th row for upright strokes and every n-th column for level ones.
const STRIDE: usize = 2;
/// A page with more strokes than this is a picture, or dark.
const MOST_STROKES: usize = 8000;

/// A straight stroke along one axis, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ruling {
    /// Where it stands across its length: x of an upright one, y of a level one.
    pub(super) at: i64,
    /// Where it begins along its length.
    pub(super) from: i64,
    /// Where it ends.
    pub(super) to: i64,
}

impl Ruling {
    /// Whether it passes a place along its length, give or take `slack` pixels.
    pub(super) fn passes(&self, along: i64, slack: i64) -> bool {
        (self.from - slack..=self.to + slack).contains(&along)
    }
}

/// The rulings of a page.
#[derive(Debug, Default)]
pub(super) struct Rulings {
    pub(super) upright: Vec<Ruling>,
    pub(super) level: Vec<Ruling>,
}

impl Rulings {
    /// What is drawn on a picture whose lines of text are `em` pixels high.
    pub(super) fn of(picture: &Picture<'_>, em: i64) -> Self {
        if !picture.is_whole() {
            return Self::default();
        }
        let dark = dark_below(picture);
        let width = picture.width as usize;
        let (mut upright, mut level) = (Strokes::new(em, width), Strokes::new(em, 1));
        for (y, row) in picture.grey.chunks_exact(width).enumerate() {
            if y % STRIDE == 0 {
                for (x, tone) in row.iter().enumerate() {
                    upright.step(x, (x, y), *tone < dark);
                }
            }
            for x in (0..width).step_by(STRIDE) {
                level.step(0, (y, x), row[x] < dark);
            }
            level.end(0, (y, width));
        }
        for x in 0..width {
            upright.end(x, (x, picture.height as usize));
        }
        Self { upright: upright.joined(), level: level.joined() }
    }
}

/// Tones below this are ink: three quarters of the paper's, which is the commonest.
fn dark_below(picture: &Picture<'_>) -> u8 {
    let mut counts = [0_u32; 256];
    for tone in picture.grey.iter().step_by(7) {
        counts[usize::from(*tone)] += 1;
    }
    let paper = (0..=u8::MAX).max_by_key(|tone| counts[usize::from(*tone)]).unwrap_or(u8::MAX);
    paper / 4 * 3
}

/// Strokes along one axis, while the pixels go by.
struct Strokes {
    em: i64,
    /// Where the stroke in hand began, for each lane that is followed at once.
    began: Vec<Option<usize>>,
    found: Vec<Ruling>,
}

impl Strokes {
    fn new(em: i64, lanes: usize) -> Self {
        Self { em, began: vec![None; lanes], found: Vec::new() }
    }

    /// The next pixel of a lane; `place` is where it stands across and along the stroke.
    fn step(&mut self, lane: usize, place: (usize, usize), dark: bool) {
        match (dark, self.began[lane]) {
            (true, None) => self.began[lane] = Some(place.1),
            (false, Some(_)) => self.end(lane, place),
            _ => {}
        }
    }

    /// The stroke of a lane, if there is one, ends before a place.
    fn end(&mut self, lane: usize, (across, along): (usize, usize)) {
        let Some(began) = self.began[lane].take() else { return };
        let pixels = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let (at, from, to) = (pixels(across), pixels(began), pixels(along));
        if SHORTEST_STROKE * self.em <= to - from && self.found.len() <= MOST_STROKES {
            self.found.push(Ruling { at, from, to });
        }
    }

    /// Rulings: strokes side by side or one behind the other. What is wider than a line of text is
    /// high is a dark edge or a picture.
    fn joined(mut self) -> Vec<Ruling> {
        if MOST_STROKES < self.found.len() {
            return Vec::new();
        }
        self.found.sort_by_key(|stroke| (stroke.at, stroke.from));
        let mut bundles: Vec<(Ruling, i64)> = Vec::new();
        let near = (self.em / 8).max(2);
        for stroke in self.found {
            let gap = BREAK * self.em;
            let one = bundles.iter_mut().find(|(bundle, last)| {
                stroke.at - last <= near
                    && stroke.from <= bundle.to + gap
                    && bundle.from <= stroke.to + gap
            });
            match one {
                Some((bundle, last)) => {
                    bundle.from = bundle.from.min(stroke.from);
                    bundle.to = bundle.to.max(stroke.to);
                    *last = stroke.at;
                }
                None => bundles.push((stroke, stroke.at)),
            }
        }
        let thin = |&(ruling, last): &(Ruling, i64)| {
            (last - ruling.at < self.em)
                .then_some(Ruling { at: i64::midpoint(ruling.at, last), ..ruling })
        };
        bundles.iter().filter_map(thin).collect()
    }
}
