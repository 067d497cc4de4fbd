//! What a page says about its place in a paper: a page number, and "issued together with".

use schemas::text;

use crate::layout::{Layout, Line};

/// A page's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// The first page, said outright: `Trang 1/3`.
    First,
    /// A later page by a number alone in the margin: `2`, `- 2 -`.
    Later,
    /// A later page, said outright: `Trang 2/3`.
    LaterOf,
}

/// The page number in the upper or lower margin.
pub(crate) fn number(layout: &Layout<'_>) -> Option<Number> {
    let margin = |line: &&Line| {
        let middle = line.middle() / layout.height;
        !(0.09..=0.92).contains(&middle)
    };
    let said = layout.lines.iter().filter(margin).filter_map(|l| said(&l.text, layout.centred(l)));
    said.max_by_key(|number| match number {
        Number::Later => 0,
        Number::First => 1,
        Number::LaterOf => 2,
    })
}

fn said(line: &str, centred: f32) -> Option<Number> {
    let folded = text::fold(line);
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let page = |text: &str| text.parse::<u16>().ok().filter(|n| (1..=999).contains(n));
    let of = |n: u16| if n == 1 { Number::First } else { Number::LaterOf };
    match words.as_slice() {
        ["trang" | "page", n, rest @ ..] if rest.len() <= 2 => page(n).map(of),
        [n, total] if folded.contains('/') => {
            let (n, total) = (page(n)?, page(total)?);
            (n <= total && total < 200).then(|| of(n))
        }
        // Official papers number from the second page, in the middle of the upper margin, and
        // leave the first bare (Decree 30/2020/NĐ-CP, appendix I). A lone 1 may be dirt.
        [n] if centred > 0.85 => page(n).filter(|n| (2..=99).contains(n)).map(|_| Number::Later),
        _ => None,
    }
}

/// The symbol of the paper that this page says it is an annex of: `QĐ-TTg` from `(Kèm theo
/// Quyết định số 707/QĐ-TTg …)`, folded. A form says "kèm theo Thông tư số …" of the circular
/// that laid it down, so only the paper before it can tell whether it is its annex.
pub(crate) fn annexed_to(layout: &Layout<'_>) -> Option<String> {
    let upper = layout.lines.iter().filter(|l| l.middle() < 0.45 * layout.height);
    let text = upper.map(|l| l.plain.as_str()).collect::<Vec<_>>().join(" ");
    let (_, rest) = text.split_once("kem theo")?;
    let after = rest.chars().take(80).collect::<String>();
    after.split_whitespace().find_map(symbol)
}

/// The symbol of a number such as `707/QĐ-TTg`: what follows the last slash, folded.
pub(crate) fn symbol(number: &str) -> Option<String> {
    let (_, symbol) = number.rsplit_once('/')?;
    let symbol: String = text::fold(symbol).chars().filter(char::is_ascii_alphanumeric).collect();
    (symbol.len() > 2 && symbol.bytes().any(|b| b.is_ascii_alphabetic())).then_some(symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_numbers_are_told_from_other_numbers() {
        assert_eq!(said("- 2 -", 1.0), Some(Number::Later));
        assert_eq!(said("2", 0.3), None);
        assert_eq!(said("1", 1.0), None);
        assert_eq!(said("Trang 2/3", 0.0), Some(Number::LaterOf));
        assert_eq!(said("Trang 1 / 3", 0.0), Some(Number::First));
        assert_eq!(said("2/3", 0.0), Some(Number::LaterOf));
        assert_eq!(said("05/2025", 1.0), None);
        assert_eq!(said("Trang trí nội thất", 1.0), None);
    }

    #[test]
    fn the_symbol_of_a_number_is_compared_without_its_accents() {
        assert_eq!(symbol("707/QĐ-TTg"), Some("qdttg".to_owned()));
        assert_eq!(symbol("17/01/2025"), None);
        assert_eq!(symbol("QĐ-TTg"), None);
    }
}
