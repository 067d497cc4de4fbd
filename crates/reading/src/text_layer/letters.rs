//! Whether stated letters can be what is printed on a Vietnamese paper.

use unicode_normalization::UnicodeNormalization;

use super::LayerWord;

/// Share of a page's characters that may be none of print: a bullet here and there is drawn from
/// a typeface of signs.
const STRAY: f32 = 0.02;

/// Share in one line, from which it is not Vietnamese text in Unicode. TCVN3 and VNI, read as
/// Latin-1, have every fifth character wrong.
const STRAY_IN_LINE: f32 = 0.12;

/// Characters of a line that must be there to tell.
const LINE: usize = 12;

/// How many characters the words have.
pub(super) fn count(words: &[LayerWord]) -> usize {
    words.iter().map(|word| word.text.chars().count()).sum()
}

/// Whether the letters, over the page or in any line, are too often none.
pub(super) fn are_garbled(words: &[LayerWord]) -> bool {
    let stray = |words: &[LayerWord]| {
        let strays = words.iter().flat_map(|word| word.text.chars()).filter(|c| !is_print(*c));
        super::ratio(strays.count(), count(words))
    };
    STRAY < stray(words)
        || words
            .chunk_by(|a, b| a.line == b.line)
            .any(|line| LINE <= count(line) && STRAY_IN_LINE < stray(line))
}

/// Whether it is a character of Vietnamese print: its letters, or the figures and signs that stand
/// among them.
pub(super) fn is_print(c: char) -> bool {
    const SIGNS: &str = "–—‑−“”‘’„«»…•·●○◦■□▪▫◆◊✓✔☐☑☒→←↑↓⇒≤≥≠≈±×÷°º²³¹½¼¾‰µμ€£₫§©®™†‡√∑∞∆ΔΩαβγπσ′″";
    match c {
        ' '..='~' => true,
        c if SIGNS.contains(c) => true,
        c => is_vietnamese(c),
    }
}

/// Whether it is one of the 134 letters of Vietnamese that ASCII lacks.
fn is_vietnamese(c: char) -> bool {
    let plain = std::iter::once(c).nfd().next().unwrap_or(c);
    let marks = std::iter::once(c).nfd().skip(1);
    match c {
        'đ' | 'Đ' => true,
        _ => {
            // Breve, circumflex and horn make letters; grave, acute, hook, tilde and dot, tones.
            let known =
                |mark| "\u{306}\u{302}\u{31b}\u{300}\u{301}\u{309}\u{303}\u{323}".contains(mark);
            "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY".contains(plain) && c != plain && marks.clone().all(known)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<LayerWord> {
        let mut words: Vec<LayerWord> = text.split(' ').map(LayerWord::of_text).collect();
        words.iter_mut().for_each(LayerWord::tidy);
        words.retain(|word| !word.text.is_empty());
        words
    }

    #[test]
    fn vietnamese_is_print_and_texts_of_before_unicode_are_garbled() {
        assert!(!are_garbled(&words("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM Độc lập – Tự do; 5 m²")));
        assert!(!are_garbled(&words(
            "\u{f0b7} Căn cứ Luật Tổ chức chính quyền địa phương ngày 16/6/2025;"
        )));
        // TCVN3 and VNI, as a viewer without their tables gives them out.
        assert!(are_garbled(&words(
            "Céng hoµ x· héi chñ nghÜa ViÖt Nam §éc lËp - Tù do - H¹nh phóc"
        )));
        assert!(are_garbled(&words("Coäng hoøa xaõ hoäi chuû nghóa Vieät Nam Ñoäc laäp Töï do")));
        assert!(are_garbled(&words("\u{fffd}\u{fffd}\u{1}\u{2}\u{f001}\u{f002}")));
    }

    #[test]
    fn letters_of_other_tongues_are_not_of_vietnamese_print() {
        assert!("ạảấầậẩẫắằặẳẵẹẻẽếềệểễịỉĩọỏốồộổỗớờợởỡụủũứừựửữỳỵỷỹđ".chars().all(is_print));
        assert!("ßñäöüåçøœ§".chars().filter(|c| is_print(*c)).eq(['§']));
    }
}
