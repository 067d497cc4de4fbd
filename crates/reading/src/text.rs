//! Lines in reading order, as the text and the words of a page reading.

use schemas::reading::{self, Zone};

use crate::engine::Line;

/// The text line by line, its confidence, and the words with lines and blocks counted over the
/// page from 0 in the order given. The confidence is the words' mean weighted by their
/// characters, 0 where there are none. Overlays are no text of the paper: their words are there
/// with their zone, and that is all.
#[must_use]
pub fn page_text(lines: &[Line]) -> (String, f32, Vec<reading::Word>) {
    let mut text = String::new();
    let mut words = Vec::new();
    let (mut sure, mut letters) = (0.0_f32, 0.0_f32);
    let mut block = 0;
    for ((number, line), before) in
        (0..).zip(lines).zip([None].into_iter().chain(lines.iter().map(Some)))
    {
        if before.is_some_and(|before| before.block != line.block) {
            block += 1;
        }
        let is_text = line.zone != Zone::Overlay;
        if is_text {
            text.push_str(&line.text());
            text.push('\n');
        }
        for word in &line.words {
            let weight = f32::from(u16::try_from(word.text.chars().count()).unwrap_or(u16::MAX));
            let weight = if is_text { weight } else { 0.0 };
            letters += weight;
            sure += weight * word.confidence;
            words.push(reading::Word {
                text: word.text.clone(),
                x: word.x,
                y: word.y,
                w: word.w,
                h: word.h,
                confidence: word.confidence,
                line: number,
                block,
                zone: line.zone,
                engine: word.engine,
                otherwise: word.otherwise.clone(),
            });
        }
    }
    let confidence = if letters > 0.0 { sure / letters } else { 0.0 };
    (text, confidence, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Word;

    fn line(block: u32, words: &[(&str, f32)]) -> Line {
        let word = |&(text, confidence): &(&str, f32)| Word {
            text: text.to_owned(),
            x: 1,
            y: 2,
            w: 3,
            h: 4,
            confidence,
            ..Word::default()
        };
        Line { block, words: words.iter().map(word).collect(), ..Line::default() }
    }

    #[test]
    fn lines_and_blocks_are_counted_in_reading_order() {
        let lines =
            [line(7, &[("Số:", 1.0), ("12", 0.5)]), line(7, &[("a", 1.0)]), line(3, &[("b", 1.0)])];
        let (text, confidence, words) = page_text(&lines);
        assert_eq!(text, "Số: 12\na\nb\n");
        assert_eq!(
            words.iter().map(|w| (w.line, w.block)).collect::<Vec<_>>(),
            [(0, 0), (0, 0), (1, 0), (2, 1)]
        );
        assert!((confidence - 6.0 / 7.0).abs() < 1e-6, "{confidence}");
    }

    #[test]
    fn no_lines_are_no_text_and_no_confidence() {
        assert_eq!(page_text(&[]), (String::new(), 0.0, Vec::new()));
    }
}
