//! How many of a paper are asked for, and the one way in which the national list spoils it:
//! "Mẫu số 18" and "1 bản chính" in neighbouring cells read as "181 bản chính".

use serde_json::Value;

use super::MAX_QUANTITY;
use crate::text::fold;

/// A quantity as it was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantity {
    pub(super) count: u16,
    pub(super) repaired: bool,
}

/// The quantity that `raw` means in a line of that name; none when it can't be told.
pub(super) fn read(raw: Option<&Value>, name: &str, form: Option<&str>) -> Option<Quantity> {
    let number = match raw {
        None | Some(Value::Null) => 0,
        Some(Value::Number(number)) => number.as_u64()?,
        Some(_) => return None,
    };
    if let Some(count) = u16::try_from(number).ok().filter(|n| *n <= MAX_QUANTITY) {
        return Some(Quantity { count, repaired: false });
    }
    let count = unglue(number, name).or_else(|| unglue(number, form?))?;
    Some(Quantity { count, repaired: true })
}

/// The quantity behind a form's number: 181 in a line that names "Mẫu số 18" is 1.
fn unglue(number: u64, text: &str) -> Option<u16> {
    let digits = number.to_string();
    let mut meant = form_numbers(text).into_iter().filter_map(|form| {
        let rest = digits.strip_prefix(form.trim_start_matches('0'))?;
        let count: u16 = rest.parse().ok()?;
        (!rest.starts_with('0') && (1..=MAX_QUANTITY).contains(&count)).then_some(count)
    });
    let first = meant.next()?;
    meant.all(|other| other == first).then_some(first)
}

/// The numbers of the forms that a text names, as they stand there: `18` for "Mẫu số 18".
fn form_numbers(text: &str) -> Vec<String> {
    let folded = fold(text);
    let mut words =
        folded.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).peekable();
    let mut numbers = Vec::new();
    while let Some(word) = words.next() {
        if word != "mau" {
            continue;
        }
        let _ = words.next_if_eq(&"so");
        let Some(word) = words.peek() else { break };
        let number: String = word.chars().take_while(char::is_ascii_digit).collect();
        if !number.trim_start_matches('0').is_empty() {
            numbers.push(number);
        }
    }
    numbers
}

/// Whether a name holds two lines of the source: "… Mẫu số 051 bản chínhĐiều lệ công ty". File
/// names are glued on the same way, but go on in letters without accents and hyphens.
pub(super) fn is_glued(name: &str) -> bool {
    ["bản chính", "bản sao"].iter().any(|unit| {
        name.match_indices(unit).any(|(at, _)| {
            let before = name.get(..at).unwrap_or_default().trim_end();
            let rest = name.get(at + unit.len()..).unwrap_or_default();
            let starts_a_line = rest.chars().next().is_some_and(char::is_uppercase);
            let is_prose = rest.split(' ').take(3).filter(|word| !word.is_empty()).count() == 3;
            before.ends_with(|c: char| c.is_ascii_digit()) && starts_a_line && is_prose
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn count(raw: &Value, name: &str) -> Option<(u16, bool)> {
        read(Some(raw), name, None).map(|q| (q.count, q.repaired))
    }

    #[test]
    fn a_quantity_glued_to_a_form_number_is_recovered() {
        assert_eq!(count(&json!(181), "Đơn đăng ký biến động theo Mẫu số 18"), Some((1, true)));
        assert_eq!(count(&json!(22), "Giấy đề nghị - Mẫu 02"), Some((2, true)));
        assert_eq!(read(Some(&json!(181)), "Đơn", Some("Mẫu số 18")).map(|q| q.count), Some(1));
    }

    #[test]
    fn a_quantity_that_nobody_can_mean_is_not_guessed() {
        let name = "Đơn theo Mẫu số 18";
        for raw in [json!(191), json!(180), json!(-1), json!(1.5), json!("1"), json!(u64::MAX)] {
            assert_eq!(count(&raw, name), None, "{raw}");
        }
        // Two forms, two readings.
        assert_eq!(count(&json!(111), "Mẫu số 1 hoặc Mẫu số 11"), None);
    }

    #[test]
    fn a_sane_quantity_is_left_alone() {
        assert_eq!(count(&json!(2), "Đơn theo Mẫu số 18"), Some((2, false)));
        assert_eq!(count(&Value::Null, "Đơn"), Some((0, false)));
    }

    #[test]
    fn glued_lines_are_told_from_glued_file_names() {
        assert!(is_glued("Giấy đề nghị - Mẫu 021 bản chínhĐiều lệ công ty"));
        assert!(!is_glued("Báo cáo - 01 (một) bản chínhTTHC1-Mu09-HsGTxuynbingii (1)"));
        assert!(!is_glued("Đơn đề nghị: 01 bản chínhTTHC1-Mu09-HsGTxuynbingii.docx"));
        assert!(!is_glued("01 bản chính Đơn đề nghị cấp phép"));
    }
}
