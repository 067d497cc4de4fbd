//! What a PDF states of its text, held against a picture and an engine that say whatever they
//! like: what is taken over lies on the page.

use reading::{Engine, LayerWord, Line, Picture, ReadError, Word};

const SIDE: u32 = 256;

/// Text, left, top, width, height, line, and a byte for the rest.
type Stated = (String, u8, u8, u8, u8, u8, u8);

/// Words, lines that the engine says, and an area that a signature printed.
pub type Input = (Vec<Stated>, Vec<String>, [u8; 4]);

/// Says the same of every picture.
struct Says(Vec<String>);

impl Engine for Says {
    fn read(&mut self, picture: &Picture<'_>) -> Result<Vec<Line>, ReadError> {
        let word = |text: &str| Word {
            text: text.to_owned(),
            w: picture.width,
            h: picture.height,
            confidence: 0.5,
            ..Word::default()
        };
        let lines = self.0.iter().map(|line| line.split_whitespace().map(word).collect::<Vec<_>>());
        let lines = lines.filter(|words| !words.is_empty());
        Ok(lines.map(|words| Line { words, ..Line::default() }).collect())
    }
}

/// Panics where a promise is broken.
pub fn run((stated, said, printed): Input) {
    let mut grey = vec![255; (SIDE * SIDE) as usize];
    let mut words = Vec::new();
    for (text, x, y, w, h, line, rest) in stated.into_iter().take(500) {
        let (x, y) = (u32::from(x), u32::from(y));
        let (w, h) = (u32::from(w).clamp(1, SIDE - x), u32::from(h).clamp(1, SIDE - y));
        // Seven of eight can be seen.
        if rest & 7 != 0 {
            for row in y..y + h {
                for pixel in (x..x + w).step_by(2) {
                    grey[(row * SIDE + pixel) as usize] = 0;
                }
            }
        }
        words.push(LayerWord {
            text,
            x,
            y,
            w,
            h,
            row_top: y.saturating_sub(u32::from(rest >> 6)),
            row_bottom: y + h,
            line: line.into(),
            font: usize::from(rest >> 4 & 3),
            printed: rest & 8 != 0,
        });
    }
    let picture = Picture { width: SIDE, height: SIDE, dpi: 100, grey: &grey };
    let [left, top, width, height] = printed.map(u32::from);
    let overlays = [(left, top, width, height)];
    let taken = reading::stated_lines(words, &overlays, &picture, &mut Says(said));
    let Ok(Ok(lines)) = taken else { return };
    for word in lines.iter().flat_map(|line| &line.words) {
        assert!(word.x + word.w <= SIDE && word.y + word.h <= SIDE && !word.text.is_empty());
    }
}
