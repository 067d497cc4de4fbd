//! The font of the text layer: no shapes, only boxes half an em wide and one em high. A
//! character's code is its place in Unicode, so that even a viewer that ignores the map back to
//! Unicode finds the right letters.

use std::collections::BTreeSet;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, Str};

use crate::flate::deflate;

/// Width of every character, in parts of the font size.
pub(crate) const ADVANCE: f64 = 0.5;

/// See `glyphless.md`.
const FILE: &[u8] = include_bytes!("../glyphless.ttf");
const NAME: Name = Name(b"GlyphLessFont");
const IDENTITY: SystemInfo =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Ids of the objects that make up the font.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FontIds {
    pub(crate) font: Ref,
    pub(crate) descendant: Ref,
    pub(crate) descriptor: Ref,
    pub(crate) file: Ref,
    pub(crate) glyphs: Ref,
    pub(crate) unicode: Ref,
}

/// Writes the font for the characters that the document uses.
pub(crate) fn write(pdf: &mut Pdf, ids: FontIds, used: &BTreeSet<u16>) {
    pdf.type0_font(ids.font)
        .base_font(NAME)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(ids.descendant)
        .to_unicode(ids.unicode);

    let mut descendant = pdf.cid_font(ids.descendant);
    descendant
        .subtype(CidFontType::Type2)
        .base_font(NAME)
        .system_info(IDENTITY)
        .font_descriptor(ids.descriptor)
        .default_width(500.0)
        .cid_to_gid_map_stream(ids.glyphs);
    descendant.finish();

    // A descent of 0 counts as missing and is guessed, which makes selections hang too low.
    pdf.font_descriptor(ids.descriptor)
        .name(NAME)
        .flags(FontFlags::FIXED_PITCH | FontFlags::SYMBOLIC)
        .bbox(Rect::new(0.0, 0.0, 500.0, 1000.0))
        .italic_angle(0.0)
        .ascent(1000.0)
        .descent(-1.0)
        .cap_height(1000.0)
        .stem_v(80.0)
        .font_file2(ids.file);

    let file = deflate(FILE);
    let mut stream = pdf.stream(ids.file, &file);
    stream.filter(Filter::FlateDecode);
    if let Ok(length) = i32::try_from(FILE.len()) {
        stream.pair(Name(b"Length1"), length);
    }
    stream.finish();

    // Every code shows the font's only box, glyph 1.
    let highest = used.last().copied().map_or(0, usize::from);
    let glyphs = deflate(&[0, 1].repeat(highest + 1));
    pdf.stream(ids.glyphs, &glyphs).filter(Filter::FlateDecode);

    let mut unicode = UnicodeCmap::<u16>::new(Name(b"Sohoa-Identity-UCS2"), IDENTITY);
    for code in used {
        if let Some(letter) = char::from_u32(u32::from(*code)) {
            unicode.pair(*code, letter);
        }
    }
    let unicode = deflate(&unicode.finish());
    pdf.cmap(ids.unicode, &unicode).filter(Filter::FlateDecode);
}
