//! Setting type: lines, paragraphs, letterheads, lines to be filled in, signatures. Whatever is
//! set is drawn and noted down as a printed line in one step, so that picture and truth agree.

use std::sync::Arc;

use schemas::record::FieldName;

use crate::fonts::{Face, Fonts, MM_PER_PT};
use crate::marks::{BLACK, GREY, Ink, Mark};
use crate::sheet::Sheet;

/// Left and right edge of the text on A4, in millimetres (Decree 30/2020: 30 to 35 mm left, 15
/// to 20 mm right; forms are wider).
const LEFT: f32 = 25.0;
const RIGHT: f32 = 192.0;

/// Where a line stands relative to its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Align {
    Left,
    Centre,
    Right,
}

/// One who signs: heading lines (the first bold, the rest in italics), name, whose hand, and the
/// words of the seal over it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signer<'t> {
    pub(crate) heading: Vec<&'t str>,
    pub(crate) name: &'t str,
    pub(crate) hand: u64,
    pub(crate) seal: Option<(&'t str, &'t str)>,
}

/// Sets one sheet from top to bottom.
pub(crate) struct Composer {
    sheet: Sheet,
    /// Baseline of the next line, in millimetres.
    pub(crate) y: f32,
    pub(crate) left: f32,
    pub(crate) right: f32,
    /// Size of running text in points.
    pub(crate) pt: f32,
    /// Lines to be filled in get dots.
    pub(crate) dotted: bool,
}

impl Composer {
    /// A clean A4 sheet.
    pub(crate) fn a4(fonts: &Arc<Fonts>) -> Self {
        Self::on(Sheet::blank(fonts, 210.0, 297.0))
    }

    /// A sheet of any size.
    pub(crate) fn on(sheet: Sheet) -> Self {
        Self { sheet, y: 20.0, left: LEFT, right: RIGHT, pt: 13.0, dotted: false }
    }

    pub(crate) fn finish(self) -> Sheet {
        self.sheet
    }

    pub(crate) fn mark(&mut self, mark: Mark) {
        self.sheet.marks.push(mark);
    }

    pub(crate) fn fact(&mut self, name: FieldName, value: impl Into<String>) {
        self.sheet.facts.push((name, value.into()));
    }

    pub(crate) fn paper(&mut self, ink: Ink) {
        self.sheet.paper = ink;
    }

    pub(crate) fn width(&self, face: Face, pt: f32, text: &str) -> f32 {
        self.sheet.fonts.width(face, pt, text)
    }

    pub(crate) fn skip(&mut self, mm: f32) {
        self.y += mm;
    }

    /// Height of a line of `pt` points.
    fn leading(pt: f32) -> f32 {
        pt * MM_PER_PT * 1.28
    }

    /// Draws text without noting it down as a line; gives where it ends.
    pub(crate) fn draw(
        &mut self,
        x: f32,
        y: f32,
        face: Face,
        pt: f32,
        ink: Ink,
        text: &str,
    ) -> f32 {
        let text = text.to_owned();
        let end = x + self.width(face, pt, &text);
        self.mark(Mark::Text { x, y, pt, face, ink, text });
        end
    }

    /// Notes a line down that was drawn piece by piece.
    pub(crate) fn note(&mut self, line: &str) {
        self.sheet.lines.push(line.to_owned());
    }

    /// A line at a place of its own; `y` stays. Gives its left and right end.
    pub(crate) fn at(
        &mut self,
        x: f32,
        align: Align,
        face: Face,
        pt: f32,
        text: &str,
    ) -> (f32, f32) {
        let width = self.width(face, pt, text);
        let x = match align {
            Align::Left => x,
            Align::Centre => x - width / 2.0,
            Align::Right => x - width,
        };
        let end = self.draw(x, self.y, face, pt, BLACK, text);
        self.sheet.lines.push(text.to_owned());
        (x, end)
    }

    /// A line in the middle, then on to the next.
    pub(crate) fn centre(&mut self, face: Face, pt: f32, text: &str) {
        self.at((self.left + self.right) / 2.0, Align::Centre, face, pt, text);
        self.y += Self::leading(pt);
    }

    /// State name and motto in the middle, as forms and certificates bear them.
    pub(crate) fn motto(&mut self) {
        self.centre(Face::Bold, 13.0, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM");
        let middle = (self.left + self.right) / 2.0;
        let (from, to) =
            self.at(middle, Align::Centre, Face::Bold, 13.0, "Độc lập - Tự do - Hạnh phúc");
        self.rule(from, to, self.y + 2.0);
        self.y += 12.0;
    }

    pub(crate) fn rule(&mut self, from: f32, to: f32, y: f32) {
        self.mark(Mark::Rule { from: (from, y), to: (to, y), w: 0.25, ink: BLACK });
    }

    /// A box of rules.
    pub(crate) fn frame(&mut self, x: f32, y: f32, w: f32, h: f32) {
        let (r, b) = (x + w, y + h);
        for (from, to) in [((x, y), (r, y)), ((r, y), (r, b)), ((r, b), (x, b)), ((x, b), (x, y))] {
            self.mark(Mark::Rule { from, to, w: 0.2, ink: BLACK });
        }
    }

    /// The head of a letter in two columns (Decree 30/2020, appendix I): on the left the body
    /// above (regular), the issuing body (bold), then `below` (number, subject); on the right
    /// state name, motto, and place and date in italics where there is one.
    pub(crate) fn letterhead(
        &mut self,
        above: &str,
        body: &[&str],
        below: &[&str],
        dated: Option<&str>,
    ) {
        let top = self.y;
        let (a, b) = (57.0, 145.0);
        if !above.is_empty() {
            self.at(a, Align::Centre, Face::Regular, 12.5, above);
            self.y += 5.6;
        }
        for line in body {
            self.at(a, Align::Centre, Face::Bold, 12.5, line);
            self.y += 5.6;
        }
        self.rule(a - 12.0, a + 12.0, self.y - 3.3);
        self.y += 3.2;
        let numbered = self.y;
        for line in below {
            let pt = if line.starts_with("Số") { 13.0 } else { 12.0 };
            self.at(a, Align::Centre, Face::Regular, pt, line);
            self.y += 5.6;
        }
        let low = self.y;
        self.y = top;
        self.at(b, Align::Centre, Face::Bold, 12.5, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM");
        self.y += 5.6;
        let (from, to) = self.at(b, Align::Centre, Face::Bold, 13.0, "Độc lập - Tự do - Hạnh phúc");
        self.rule(from, to, self.y + 2.0);
        if let Some(dated) = dated {
            self.y = numbered;
            self.at(b, Align::Centre, Face::Italic, 13.0, dated);
        }
        self.y = low.max(self.y + 5.6) + 6.0;
    }

    /// Words between asterisks are bold. Wrapped to the margins; `indent` of the first line in
    /// millimetres; lines but the last are spread to both margins.
    pub(crate) fn paragraph(&mut self, indent: f32, text: &str) {
        self.set(indent, text, true);
        self.y += 1.2;
    }

    /// A line to be filled in: what is asked for, and the answer. Wraps like a paragraph, ragged.
    pub(crate) fn answer(&mut self, label: &str, value: &str) {
        let end = self.set(0.0, &format!("{label} {value}"), false);
        self.trail(end);
        self.y += 1.5;
    }

    /// Several questions side by side, each at its place: `(x, label, value)`. Each counts as a
    /// printed line: the gaps between them are those of columns.
    pub(crate) fn answers(&mut self, parts: &[(f32, &str, &str)]) {
        let mut end = self.left;
        for (x, label, value) in parts {
            if self.dotted && end > self.left {
                self.mark(Mark::Dots { x: end + 1.0, y: self.y + 0.4, to: x - 1.0 });
            }
            let text = format!("{label} {value}");
            end = self.draw(*x, self.y, Face::Regular, self.pt, BLACK, text.trim());
            self.note(text.trim());
        }
        self.trail(end);
        self.y += Self::leading(self.pt) + 1.5;
    }

    /// Dots from where an answer of the line before ends up to the margin.
    fn trail(&mut self, end: f32) {
        if self.dotted && end + 4.0 < self.right {
            self.mark(Mark::Dots {
                x: end + 1.0,
                y: self.y + 0.4 - self.wrapped(),
                to: self.right,
            });
        }
    }

    /// [`Self::set`] has moved on to the next line; [`Self::answers`] has not: dots go on the
    /// line that was set last.
    fn wrapped(&self) -> f32 {
        match self.sheet.marks.last() {
            Some(Mark::Text { y, .. }) => self.y - y,
            _ => 0.0,
        }
    }

    /// Wraps and draws; gives where the last line ends.
    fn set(&mut self, indent: f32, text: &str, spread: bool) -> f32 {
        let pt = self.pt;
        let space = self.width(Face::Regular, pt, " ");
        let mut bold = false;
        let mut words: Vec<(Face, String, f32)> = Vec::new();
        for word in text.split_whitespace() {
            bold ^= word.starts_with('*');
            let face = if bold { Face::Bold } else { Face::Regular };
            bold ^= word.len() > 1 && word.ends_with('*');
            let word = word.trim_matches('*').to_owned();
            let width = self.width(face, pt, &word);
            words.push((face, word, width));
        }
        let mut rest = words.as_slice();
        let mut start = self.left + indent;
        let mut end = start;
        while !rest.is_empty() {
            let room = self.right - start;
            let mut used = 0.0;
            let mut count = 0;
            while let Some((_, _, width)) = rest.get(count) {
                let more = used + width + if count > 0 { space } else { 0.0 };
                if count > 0 && more > room {
                    break;
                }
                used = more;
                count += 1;
            }
            let (line, after) = rest.split_at(count);
            let gaps = line.len().saturating_sub(1).max(1) as f32;
            let stretch =
                if spread && !after.is_empty() { (room - used).max(0.0) / gaps } else { 0.0 };
            let mut x = start;
            for (face, word, width) in line {
                self.draw(x, self.y, *face, pt, BLACK, word);
                x += width + space + stretch;
            }
            end = x - space - stretch;
            let printed: Vec<&str> = line.iter().map(|(_, word, _)| word.as_str()).collect();
            self.sheet.lines.push(printed.join(" "));
            self.y += Self::leading(pt);
            start = self.left;
            rest = after;
        }
        end
    }

    /// Signatures side by side over the whole width, from here down.
    pub(crate) fn signatures(&mut self, signers: &[Signer<'_>]) {
        let step = (self.right - self.left) / signers.len() as f32;
        let top = self.y;
        let mut low = top;
        for (i, signer) in signers.iter().enumerate() {
            let middle = self.left + step * (i as f32 + 0.5);
            self.y = top;
            self.sign(middle, signer);
            low = low.max(self.y);
        }
        self.y = low;
    }

    /// One signature about a place: heading, hand, seal over its left third (Decree 30/2020,
    /// article 33), name.
    pub(crate) fn sign(&mut self, middle: f32, signer: &Signer<'_>) {
        let pt = self.pt.min(12.5);
        for (i, line) in signer.heading.iter().enumerate() {
            let small = line.starts_with('(');
            let face = if small { Face::Italic } else { Face::Bold };
            let size = if small { pt - 1.5 } else { pt };
            self.at(middle, Align::Centre, face, size, line);
            self.y += Self::leading(size) * if i == 0 { 1.0 } else { 0.98 };
        }
        if !signer.name.is_empty() {
            let y = self.y + 11.0;
            self.mark(Mark::Signature { x: middle - 16.0, y, w: 28.0, seed: signer.hand });
            if let Some((upper, lower)) = signer.seal {
                // Straight or nearly so: whoever seals, turns the star up.
                let tilt_deg = (signer.hand % 17) as f32 - 8.0;
                let (upper, lower) = (upper.to_owned(), lower.to_owned());
                let x = middle - 19.0;
                self.mark(Mark::Seal { x, y: y + 2.0, r: 17.0, upper, lower, tilt_deg });
            }
            self.y += 30.0;
            self.at(middle, Align::Centre, Face::Bold, pt, signer.name);
            self.y += Self::leading(pt);
        }
    }

    /// A small line as it is set under tables and on cards.
    pub(crate) fn small(&mut self, x: f32, pt: f32, face: Face, text: &str) -> f32 {
        self.at(x, Align::Left, face, pt, text).1
    }

    /// A QR code of that text; `side` in millimetres.
    ///
    /// A text too long for any QR code leaves the place empty.
    pub(crate) fn qr(&mut self, x: f32, y: f32, side: f32, text: &str) {
        if let Ok(code) = qrcode::QrCode::new(text.as_bytes()) {
            let dark = code.to_colors().iter().map(|c| *c == qrcode::Color::Dark).collect();
            let modules = code.width();
            self.mark(Mark::Code { x, y, side, modules, dark });
            self.sheet.codes.push(text.to_owned());
        }
    }

    /// Digits, each in a box of its own, with a label before; two printed lines.
    pub(crate) fn boxes(&mut self, label: &str, digits: &str) {
        let end = self.draw(self.left, self.y, Face::Regular, self.pt, BLACK, label);
        let (side, start) = (6.2, (end + 3.0).max(self.right - 12.0 * 6.2));
        for (i, digit) in digits.chars().enumerate() {
            let x = start + i as f32 * side;
            let (right, top, low) = (x + side, self.y - 4.9, self.y + 1.4);
            for (from, to) in [
                ((x, top), (right, top)),
                ((x, low), (right, low)),
                ((x, top), (x, low)),
                ((right, top), (right, low)),
            ] {
                self.mark(Mark::Rule { from, to, w: 0.15, ink: GREY });
            }
            self.draw(x + 2.0, self.y, Face::Regular, self.pt, BLACK, &digit.to_string());
        }
        self.note(label);
        self.note(digits);
        self.y += Self::leading(self.pt) + 2.2;
    }
}
