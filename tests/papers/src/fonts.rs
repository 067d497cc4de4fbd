//! The typefaces: Debian's `fonts-liberation2`, whose Serif has the widths of Times New Roman, the
//! face that Decree 30/2020 asks of official papers. (Debian 12's `fonts-liberation` is version 1
//! and lacks half of the Vietnamese letters.)

use std::path::{Path, PathBuf};

use ab_glyph::{Font, FontVec, GlyphId, PxScale, ScaleFont};

/// Where Debian's `fonts-liberation2` lies.
pub const FONTS_DIR: &str = "/usr/share/fonts/truetype/liberation2";

/// A typeface cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FontsError {
    /// The file is absent or is no font.
    #[error("cannot use the typeface {path} (Debian: fonts-liberation2)")]
    Unusable {
        /// The file in question.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
    /// The font would print boxes for Vietnamese letters.
    #[error("the typeface {path} lacks Vietnamese letters (Debian: fonts-liberation2)")]
    NotVietnamese {
        /// The file in question.
        path: PathBuf,
    },
}

/// A typeface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Face {
    Regular,
    Bold,
    Italic,
    BoldItalic,
    Sans,
    SansBold,
    Mono,
}

const FILES: [(Face, &str); 7] = [
    (Face::Regular, "LiberationSerif-Regular.ttf"),
    (Face::Bold, "LiberationSerif-Bold.ttf"),
    (Face::Italic, "LiberationSerif-Italic.ttf"),
    (Face::BoldItalic, "LiberationSerif-BoldItalic.ttf"),
    (Face::Sans, "LiberationSans-Regular.ttf"),
    (Face::SansBold, "LiberationSans-Bold.ttf"),
    (Face::Mono, "LiberationMono-Bold.ttf"),
];

/// Millimetres in a point, 1/72 inch.
pub(crate) const MM_PER_PT: f32 = 25.4 / 72.0;

/// All faces, loaded.
#[derive(Debug)]
pub(crate) struct Fonts(Vec<FontVec>);

impl Fonts {
    pub(crate) fn load(dir: &Path) -> Result<Self, FontsError> {
        let load = |(_, file): &(Face, &str)| {
            let path = dir.join(file);
            let no_font = |e| std::io::Error::new(std::io::ErrorKind::InvalidData, e);
            let font = std::fs::read(&path)
                .and_then(|bytes| FontVec::try_from_vec(bytes).map_err(no_font))
                .map_err(|source| FontsError::Unusable { path: path.clone(), source })?;
            // One letter of each sort that older versions lack.
            if "ẠỆỐỬỹ".chars().any(|c| font.glyph_id(c).0 == 0) {
                return Err(FontsError::NotVietnamese { path });
            }
            Ok(font)
        };
        FILES.iter().map(load).collect::<Result<_, _>>().map(Self)
    }

    /// The face, scaled so that one em is `em` pixels (or millimetres, for measuring).
    pub(crate) fn face(&self, face: Face, em: f32) -> ab_glyph::PxScaleFont<&FontVec> {
        let font = &self.0[face as usize];
        // ab_glyph scales by the height between ascent and descent; type is sized by its em.
        let units = font.units_per_em().unwrap_or(2048.0);
        font.as_scaled(PxScale::from(em * font.height_unscaled() / units))
    }

    /// Width of a text in millimetres at `pt` points. The text is NFC, so a letter is a glyph.
    pub(crate) fn width(&self, face: Face, pt: f32, text: &str) -> f32 {
        let font = self.face(face, pt * MM_PER_PT);
        let mut last: Option<GlyphId> = None;
        let mut width = 0.0;
        for c in text.chars() {
            let id = font.glyph_id(c);
            width += last.map_or(0.0, |l| font.kern(l, id)) + font.h_advance(id);
            last = Some(id);
        }
        width
    }
}
