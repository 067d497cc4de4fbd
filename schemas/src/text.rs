//! Vietnamese text: normal forms, and the folding that comparisons use.

use std::ops::RangeInclusive;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Text as it is kept: NFC, zero-width and control characters dropped, white space of any kind
/// folded to single spaces, none at the ends.
#[must_use]
pub fn tidy(text: &str) -> String {
    let visible = text.nfc().filter(|c| !is_invisible(*c)).collect::<String>();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same letters, however a keyboard wrote them: NFC.
#[must_use]
pub fn nfc(text: &str) -> String {
    text.nfc().collect()
}

/// Text as it is compared: lower case, accents off, `đ` as `d`, white space folded.
///
/// ```
/// assert_eq!(schemas::text::fold("  ĐĂNG KÝ\u{200b} Khai sinh"), "dang ky khai sinh");
/// ```
#[must_use]
pub fn fold(text: &str) -> String {
    let folded: String = text
        .nfd()
        .filter(|c| !is_combining_mark(*c) && !is_invisible(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'đ' { 'd' } else { c })
        .collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a text has so many characters: the least without white space at its ends, the most with
/// it, which is kept.
#[must_use]
pub fn has_length(text: &str, length: &RangeInclusive<usize>) -> bool {
    *length.start() <= text.trim().chars().count() && text.chars().count() <= *length.end()
}

/// Zero-width and control characters that web pages leave between letters. White space is not
/// among them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
        || (c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tidying_composes_and_folds_space() {
        assert_eq!(tidy("  Gia\u{302}\u{301}y\u{a0}\u{200b}khai\tsinh\n"), "Giấy khai sinh");
        assert_eq!(tidy(&tidy("ươ\u{feff}ng")), "ương");
    }

    #[test]
    fn blanks_are_neither_enough_nor_free() {
        assert!(has_length("ba ơi", &(5..=5)));
        assert!(!has_length("    .    ", &(5..=20)));
        assert!(!has_length("ba ơi ", &(5..=5)));
    }

    #[test]
    fn folding_forgets_accents_and_case() {
        assert_eq!(fold("Nguyễn Thị Đỗ Ưởng"), "nguyen thi do uong");
        assert_eq!(fold("NGUYÊ\u{303}N"), fold("nguyễn"));
    }
}
