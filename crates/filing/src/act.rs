//! The day of the act that an extract is of: of the judgement that a marriage was divorced by.
//!
//! It is read where it can be no other day: right behind the number of what is named there as the
//! judgement or decision. An extract names more days, that of its entry in the register among them.

use jiff::civil::Date;

use crate::dates;
use crate::holder::under;
use crate::layout::Layout;
use crate::letterhead::Read;

/// What the act is done by, folded.
const BY: [&str; 2] = ["ban an", "quyet dinh"];

/// What stands behind it is said of the register.
const REGISTER: &str = "vao so";

pub(crate) fn on(layout: &Layout<'_>) -> Option<Read<Date>> {
    layout.lines.iter().find_map(|line| {
        let named = BY.iter().filter_map(|by| line.plain.split_once(*by)).map(|(_, rest)| rest);
        let named = named.min_by_key(|rest| rest.len())?.split(REGISTER).next()?;
        let below = under(layout, line).map_or("", |below| below.plain.as_str());
        let dated = behind_number(&named.replace([':', ','], " "), below)?;
        let confidence = (line.confidence * 0.85 * dated.sure).clamp(0.0, 1.0);
        Some(Read { value: dated.date, confidence, area: line.area() })
    })
}

/// The day behind a number: `số 12/2011/HNGĐ-ST ngày 03 tháng 02 năm 2011`. It may run over to the
/// line below.
fn behind_number(named: &str, below: &str) -> Option<dates::Dated> {
    let mut numbers = named.match_indices(" so ").map(|(at, so)| &named[at + so.len()..]);
    let number = numbers.find(|number| number.trim_start().starts_with(is_digit))?;
    let text = format!("{number} {below}");
    let (number, day) = text.split_once("ngay")?;
    let numbered = |word: &str| word.contains(|c: char| is_digit(c) || matches!(c, '/' | '-'));
    if !number.split_whitespace().all(numbered) {
        return None;
    }
    let day = day.split("ngay").next()?;
    let first = day.split_whitespace().next()?;
    dates::in_digits(first).or_else(|| dates::in_words(&format!("ngay {day}")))
}

fn is_digit(letter: char) -> bool {
    letter.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_day_stands_right_behind_the_number_of_the_judgement() {
        let judged = Some(date(2011, 2, 3));
        for (named, below, want) in [
            (" so 12/2011/hngd-st ngay 03 thang 02 nam 2011 cua toa an", "", judged),
            (" so tham so  12/2011/hngd-st  ngay 3/2/2011", "", judged),
            (" so 12/2011/hngd-st ngay 03", "thang 02 nam 2011 cua toa an", judged),
            (" so 12/2011/hngd-st", "ngay 03/02/2011 cua toa an, ngay 05/05/2022", judged),
            // It can't be read, or isn't there.
            (" so 12/2011/hngd-st ngay ... thang 02 nam 2011", "ngay 05/05/2022", None),
            (" so 12/2011/hngd-st", "da ghi ngay 05/05/2022", None),
            (" cua toa an", "so 7 ngay 05/05/2022", None),
            (" ly hon", "", None),
        ] {
            let day = behind_number(named, below).map(|dated| dated.date);
            assert_eq!(day, want, "{named} {below}");
        }
    }
}
