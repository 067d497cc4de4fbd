//! A page's own text, as the PDF states it: words with boxes. Whether it is what the page shows
//! is for others to judge; here only what no viewer shows is left out.

use std::collections::HashSet;

use pdfium_render::prelude::{
    PdfFormFieldType, PdfPage, PdfPageAnnotation, PdfPageAnnotationCommon, PdfPageText,
    PdfPageTextChar, PdfPageTextRenderMode, PdfRect,
};

use super::Place;
use crate::Area;
use crate::text_layer::{LayerWord, TextLayer};

/// Characters looked at; a crowded A3 page has a tenth of it, and pages with more are read.
const MAX_CHARS: i32 = 100_000;

/// Annotations looked at; a paper has up to seven signatures on a page.
const MAX_ANNOTATIONS: usize = 200;

/// What PDFium makes of a hyphen at the end of a line.
const LINE_END_HYPHEN: char = '\u{2}';

/// From points of the page to pixels of its image.
pub(super) struct Scale {
    left: f64,
    top: f64,
    /// Size of the page in points.
    points: (f64, f64),
    /// Size of the image in pixels.
    pixels: (u32, u32),
}

impl Scale {
    pub(super) fn of(page: &PdfPage<'_>, points: (f64, f64), pixels: (u32, u32)) -> Self {
        let bounds = page.page_size();
        let (left, top) = (f64::from(bounds.left().value), f64::from(bounds.top().value));
        Self { left, top, points, pixels }
    }

    fn place(&self, rect: &PdfRect) -> Place {
        Place {
            left: (f64::from(rect.left().value) - self.left) / self.points.0,
            top: (self.top - f64::from(rect.top().value)) / self.points.1,
            right: (f64::from(rect.right().value) - self.left) / self.points.0,
            bottom: (self.top - f64::from(rect.bottom().value)) / self.points.1,
        }
    }

    /// The pixels that a rectangle touches; none where it lies beside the page, or has no area.
    fn area(&self, place: Place) -> Option<Area> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let pixel = |share: f64, size: u32, round: fn(f64) -> f64| {
            round((share * f64::from(size)).clamp(0.0, f64::from(size))) as u32
        };
        let (width, height) = self.pixels;
        let (x, y) = (pixel(place.left, width, f64::floor), pixel(place.top, height, f64::floor));
        let right = pixel(place.right, width, f64::ceil);
        let bottom = pixel(place.bottom, height, f64::ceil);
        let found = Area { x, y, w: right.saturating_sub(x), h: bottom.saturating_sub(y) };
        (found.w > 0 && found.h > 0).then_some(found)
    }
}

/// Where signatures print themselves on the page.
pub(super) fn overlays(page: &PdfPage<'_>, scale: &Scale) -> Vec<Area> {
    let annotations = page.annotations().iter().take(MAX_ANNOTATIONS);
    let shown = annotations.filter(|annotation| match annotation {
        PdfPageAnnotation::Widget(widget) => widget
            .form_field()
            .is_some_and(|field| field.field_type() == PdfFormFieldType::Signature),
        PdfPageAnnotation::Stamp(_) => true,
        _ => false,
    });
    shown.filter_map(|own| scale.area(scale.place(&own.bounds().ok()?))).collect()
}

/// The page's own text; none where it has no visible word.
///
/// What signatures print (the number and the date of a paper often are such prints) is not part
/// of a page's content, so the page is flattened once it is known to have text of its own. That
/// changes the opened document, and nothing that was decoded of it.
pub(super) fn text_layer(page: &mut PdfPage<'_>, scale: &Scale) -> Option<TextLayer> {
    let own = words(&page.text().ok()?, scale)?;
    if own.is_empty() {
        return None;
    }
    if page.annotations().is_empty() || page.flatten().is_err() {
        return Some(TextLayer { words: own });
    }
    let mut words = words(&page.text().ok()?, scale)?;
    let own: HashSet<(&str, u32, u32)> =
        own.iter().map(|word| (word.text.as_str(), word.area.x, word.area.y)).collect();
    for word in &mut words {
        word.printed = !own.contains(&(word.text.as_str(), word.area.x, word.area.y));
    }
    Some(TextLayer { words })
}

/// The visible words in the order of the page's content; nothing where there are too many.
fn words(text: &PdfPageText<'_>, scale: &Scale) -> Option<Vec<LayerWord>> {
    if text.len() > MAX_CHARS {
        return None;
    }
    let mut fonts: Vec<String> = Vec::new();
    let mut found: Vec<LayerWord> = Vec::new();
    let mut line = 0;
    let mut open = false;
    for letter in text.chars().iter() {
        let sign = letter.unicode_char().unwrap_or(char::REPLACEMENT_CHARACTER);
        if sign == '\n' || sign == '\r' {
            line += 1;
        }
        let blank = sign.is_whitespace() || letter.is_generated().unwrap_or(true);
        if blank || !is_shown(&letter) {
            // Words end at gaps; letters that no viewer shows leave one.
            open = false;
            continue;
        }
        let Some((tight, loose)) = boxes(&letter, scale) else { continue };
        let sign = if sign == LINE_END_HYPHEN { '-' } else { sign };
        match found.last_mut().filter(|_| open) {
            Some(word) => {
                word.text.push(sign);
                word.area = word.area.around(tight);
                word.row = word.row.around(loose);
            }
            None => {
                let name = letter.font_name();
                let font = fonts.iter().position(|known| *known == name).unwrap_or_else(|| {
                    fonts.push(name);
                    fonts.len() - 1
                });
                found.push(LayerWord {
                    text: sign.into(),
                    area: tight,
                    row: loose,
                    line,
                    font,
                    printed: false,
                });
            }
        }
        open = true;
    }
    Some(found)
}

/// Whether a viewer draws the letter at all; not whether it can be seen on what is around it.
fn is_shown(letter: &PdfPageTextChar<'_>) -> bool {
    let drawn = !matches!(
        letter.render_mode(),
        Ok(PdfPageTextRenderMode::Invisible | PdfPageTextRenderMode::InvisibleClipping)
    );
    drawn && letter.fill_color().map_or(true, |colour| colour.alpha() > 0)
}

/// The box of the letter's ink and that of its place in the row, in pixels; none beside the page.
fn boxes(letter: &PdfPageTextChar<'_>, scale: &Scale) -> Option<(Area, Area)> {
    let loose = letter.loose_bounds().ok().and_then(|rect| scale.area(scale.place(&rect)));
    let tight = letter.tight_bounds().ok().and_then(|rect| scale.area(scale.place(&rect)));
    let tight = tight.or(loose)?;
    Some((tight, loose.unwrap_or(tight)))
}
