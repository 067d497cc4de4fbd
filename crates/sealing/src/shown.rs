//! What a signature shows on the page: whose it is and when it was made, in the page's margin.
//! Without a ground of its own, since a letter below is worth more than a handsome box.

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Chunk, Content, Filter, Finish, Name, Rect, Ref, Settings, Str};
use subsetter::GlyphRemapper;
use ttf_parser::Face;

use crate::flate::deflate;
use crate::sheet::coordinate;

/// See `stamp.md`.
const FILE: &[u8] = include_bytes!("../stamp.ttf");
const FONT: Name = Name(b"F");
const IDENTITY: SystemInfo =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Height of letters, in points; smaller where a name would not fit beside its neighbour.
const SIZE: f64 = 8.0;
/// From line to line, in letters' heights.
const LEADING: f64 = 1.25;
/// Share of the page's width that one signature may take.
const SHARE: f64 = 0.46;
/// From the page's edges, in points.
const EDGE: f64 = 12.0;

/// Where on the first page a signature shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corner {
    /// The officer's who scanned (Circular 01/2023/TT-VPCP, article 8).
    TopLeft,
    /// The agency's (Decree 30/2020/NĐ-CP, annex I).
    TopRight,
}

/// A signature as it will show, and the objects that make it up.
pub(crate) struct Shown {
    /// Left, bottom, right, top, in points.
    pub(crate) area: [f64; 4],
    /// The form that shows it.
    pub(crate) form: Ref,
    /// Objects, each with its number.
    pub(crate) objects: Vec<(Ref, Vec<u8>)>,
}

/// Sets the lines in a corner of a page of that size; takes numbers from `next`.
pub(crate) fn show(
    lines: &[String],
    corner: Corner,
    page: (f64, f64),
    next: &mut Ref,
) -> Option<Shown> {
    let face = Face::parse(FILE, 0).ok()?;
    let em = f64::from(face.units_per_em());
    let mut letters = Letters { face, used: GlyphRemapper::new(), meant: BTreeMap::new() };
    let lines: Vec<Vec<u16>> = lines.iter().map(|line| letters.codes(line)).collect();
    let widest = lines.iter().map(|line| letters.width(line)).fold(0.0, f64::max) / em;
    let size = SIZE.min(page.0 * SHARE / widest.max(1.0)).max(1.0);
    let count = u32::try_from(lines.len()).ok()?;
    let (width, height) = (widest * size, f64::from(count) * LEADING * size);
    let left = match corner {
        Corner::TopLeft => EDGE,
        Corner::TopRight => (page.0 - EDGE - width).max(0.0),
    };
    let top = (page.1 - EDGE).max(height);
    let area = [left, top - height, left + width, top];

    let mut drawing = Content::with_settings(Settings { pretty: false });
    drawing.begin_text().set_font(FONT, coordinate(size));
    // Dark blue: apart from the print, and still read on a grey copy.
    drawing.set_fill_rgb(0.0, 0.0, 0.55);
    for (n, line) in (0_u32..).zip(&lines) {
        let base = height - (f64::from(n) * LEADING + 1.0) * size;
        drawing.set_text_matrix([1.0, 0.0, 0.0, 1.0, 0.0, coordinate(base)]);
        let bytes: Vec<u8> = line.iter().flat_map(|code| code.to_be_bytes()).collect();
        drawing.show(Str(&bytes));
    }
    drawing.end_text();

    let (form, font) = (next.bump(), next.bump());
    let mut chunk = chunk();
    let drawing = deflate(&drawing.finish());
    let mut object = chunk.form_xobject(form, &drawing);
    object.filter(Filter::FlateDecode);
    object.bbox(Rect::new(0.0, 0.0, coordinate(width), coordinate(height)));
    object.resources().fonts().pair(FONT, font);
    object.finish();
    let mut objects = vec![(form, chunk.as_bytes().to_vec())];
    letters.write(font, next, &mut objects)?;
    Some(Shown { area, form, objects })
}

fn chunk() -> Chunk {
    Chunk::with_settings(Settings { pretty: false })
}

/// The letters used, as the font in the file counts them.
struct Letters {
    face: Face<'static>,
    used: GlyphRemapper,
    /// What each of the file's codes means.
    meant: BTreeMap<u16, char>,
}

impl Letters {
    /// A line's codes; a letter that the font lacks becomes a question mark.
    fn codes(&mut self, line: &str) -> Vec<u16> {
        let mut codes = Vec::new();
        for letter in schemas::text::tidy(line).chars() {
            let own = self.face.glyph_index(letter).map(|glyph| (letter, glyph));
            let found = own.or_else(|| Some(('?', self.face.glyph_index('?')?)));
            let Some((letter, glyph)) = found else { continue };
            let code = self.used.remap(glyph.0);
            self.meant.insert(code, letter);
            codes.push(code);
        }
        codes
    }

    /// In the font's units.
    fn advance(&self, code: u16) -> f64 {
        let glyph = self.used.remapped_gids().nth(usize::from(code)).unwrap_or(0);
        f64::from(self.face.glyph_hor_advance(ttf_parser::GlyphId(glyph)).unwrap_or(0))
    }

    fn width(&self, codes: &[u16]) -> f64 {
        codes.iter().map(|code| self.advance(*code)).sum()
    }

    fn write(&self, font: Ref, next: &mut Ref, objects: &mut Vec<(Ref, Vec<u8>)>) -> Option<()> {
        let (descendant, descriptor) = (next.bump(), next.bump());
        let (file, unicode) = (next.bump(), next.bump());
        let subset = subsetter::subset(FILE, 0, &self.used).ok()?;
        // Six letters in front say that it isn't the whole font.
        let tag = blake3::hash(&subset);
        let tag: String =
            tag.as_bytes()[..6].iter().map(|byte| char::from(b'A' + byte % 26)).collect();
        let name = format!("{tag}+DejaVuSansCondensed");
        let name = Name(name.as_bytes());
        let em = f64::from(self.face.units_per_em());
        let parts = |units: f64| coordinate(1000.0 * units / em);

        let mut add = |id: Ref, chunk: Chunk| objects.push((id, chunk.as_bytes().to_vec()));
        let mut chunk = self::chunk();
        chunk
            .type0_font(font)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(descendant)
            .to_unicode(unicode);
        add(font, chunk);

        let mut chunk = self::chunk();
        let mut cid = chunk.cid_font(descendant);
        cid.subtype(CidFontType::Type2)
            .base_font(name)
            .system_info(IDENTITY)
            .font_descriptor(descriptor)
            .cid_to_gid_map_predefined(Name(b"Identity"));
        let widths = (0..self.used.num_gids()).map(|code| parts(self.advance(code)));
        cid.widths().consecutive(0, widths);
        cid.finish();
        add(descendant, chunk);

        let mut chunk = self::chunk();
        let bounds = self.face.global_bounding_box();
        let [left, bottom, right, top] = [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max]
            .map(|edge| parts(f64::from(edge)));
        let height = self.face.capital_height().unwrap_or_else(|| self.face.ascender());
        chunk
            .font_descriptor(descriptor)
            .name(name)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(left, bottom, right, top))
            .italic_angle(0.0)
            .ascent(parts(f64::from(self.face.ascender())))
            .descent(parts(f64::from(self.face.descender())))
            .cap_height(parts(f64::from(height)))
            .stem_v(80.0)
            .font_file2(file);
        add(descriptor, chunk);

        let mut chunk = self::chunk();
        let packed = deflate(&subset);
        let mut stream = chunk.stream(file, &packed);
        stream.filter(Filter::FlateDecode);
        stream.pair(Name(b"Length1"), i32::try_from(subset.len()).ok()?);
        stream.finish();
        add(file, chunk);

        let mut chunk = self::chunk();
        let mut map = UnicodeCmap::<u16>::new(Name(b"Sohoa-Stamp-UCS2"), IDENTITY);
        for (code, letter) in &self.meant {
            map.pair(*code, *letter);
        }
        let packed = deflate(&map.finish());
        chunk.cmap(unicode, &packed).filter(Filter::FlateDecode);
        add(unicode, chunk);
        Some(())
    }
}
