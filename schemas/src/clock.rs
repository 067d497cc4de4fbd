//! The office's calendar: days are Vietnam's (UTC+7, without summer time), times are UTC.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz;

/// The day in Vietnam at a moment.
#[must_use]
pub fn day_of(moment: Timestamp) -> Date {
    tz::offset(7).to_datetime(moment).date()
}

/// Today in Vietnam.
#[must_use]
pub fn today() -> Date {
    day_of(Timestamp::now())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_day_begins_at_midnight_in_vietnam() {
        let day = |text: &str| day_of(text.parse().unwrap());
        assert_eq!(day("2026-11-22T16:59:59Z"), date(2026, 11, 22));
        assert_eq!(day("2026-11-22T17:00:00Z"), date(2026, 11, 23));
    }
}
