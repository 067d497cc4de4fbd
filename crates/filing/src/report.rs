//! Reports: the indicators of Decision 766/QĐ-TTg as the ministry's note computes them, beside
//! figures that say what those don't: whether what could be reused was. Of the ministry's
//! indicators those are left out of which an office that digitises has no facts ([`Figure`]).

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, ISOWeekDate, Weekday};
use schemas::api::{Figure, Indicator, ReportGroup, ReportRow};
use schemas::facts::DossierFacts;
use schemas::ids::{DossierCode, ProcedureCode, ResultCode};

/// Results that procedures must end with, by code and version; a procedure that need not end with
/// a paper isn't there.
pub type MustYield = BTreeMap<(ProcedureCode, u32), Vec<ResultCode>>;

/// First and last day of a period: `2026`, `2026-H2`, `2026-Q4`, `2026-11`, `2026-W47`; none when
/// it isn't one.
#[must_use]
pub fn period(text: &str) -> Option<(Date, Date)> {
    let (year, part) = text.split_once('-').map_or((text, None), |(year, part)| (year, Some(part)));
    let is_year = year.len() == 4 && year.bytes().all(|digit| digit.is_ascii_digit());
    let year: i16 = year.parse().ok().filter(|year| is_year && 1 <= *year)?;
    let months = |first: i8, count: i8| {
        let start = Date::new(year, first, 1).ok()?;
        Some((start, Date::new(year, first + count - 1, 1).ok()?.last_of_month()))
    };
    let Some(part) = part else { return months(1, 12) };
    let number = |digits: &str, length: usize| {
        let fits = digits.len() == length && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse::<i8>().ok().filter(|_| fits)
    };
    match part.split_at_checked(1)? {
        ("H", half) => months(6 * number(half, 1)?.checked_sub(1)? + 1, 6).filter(|_| half <= "2"),
        ("Q", quarter) => {
            let quarter = number(quarter, 1).filter(|quarter| (1..=4).contains(quarter))?;
            months(3 * (quarter - 1) + 1, 3)
        }
        ("W", week) => {
            let monday = ISOWeekDate::new(year, number(week, 2)?, Weekday::Monday).ok()?.date();
            Some((monday, monday.checked_add(6.days()).ok()?))
        }
        _ => months(number(part, 2)?, 1),
    }
}

/// The figures of everything together, then of each office or procedure in order.
#[must_use]
pub fn rows(facts: &[DossierFacts], must_yield: &MustYield, by: ReportGroup) -> Vec<ReportRow> {
    let mut groups: BTreeMap<String, Vec<&DossierFacts>> = BTreeMap::new();
    for of in facts {
        let key = match by {
            ReportGroup::All => continue,
            ReportGroup::Office => of.office.to_string(),
            ReportGroup::Procedure => of.procedure.to_string(),
        };
        groups.entry(key).or_default().push(of);
    }
    let all: Vec<&DossierFacts> = facts.iter().collect();
    let mut rows = vec![row(None, &all, must_yield)];
    rows.extend(groups.into_iter().map(|(key, facts)| row(Some(key), &facts, must_yield)));
    rows
}

/// Dossiers that count towards a figure's numerator.
#[must_use]
pub fn behind(facts: &[DossierFacts], must_yield: &MustYield, figure: Figure) -> Vec<DossierCode> {
    let counts = |of: &&DossierFacts| 0 < share(of, must_yield, figure).0;
    facts.iter().filter(counts).map(|of| of.code.clone()).collect()
}

/// A report as a spreadsheet reads it (RFC 4180), one line per row.
#[must_use]
pub fn csv(rows: &[ReportRow]) -> String {
    let mut out = "key,dossiers".to_owned();
    for figure in Figure::ALL {
        let name = figure.as_str();
        out.push_str(&format!(",{name},{name}_all,{name}_percent,{name}_score"));
    }
    out.push_str(",median_seconds\r\n");
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
    for row in rows {
        // Codes of offices and procedures hold nothing that a spreadsheet takes for a formula.
        out.push_str(&format!("{},{}", row.key.as_deref().unwrap_or("all"), row.dossiers));
        for of in &row.indicators {
            let (percent, score) = (number(of.percent), number(of.score));
            out.push_str(&format!(",{},{},{percent},{score}", of.of, of.all));
        }
        let median = row.median_seconds.map_or_else(String::new, |seconds| seconds.to_string());
        out.push_str(&format!(",{median}\r\n"));
    }
    out
}

fn row(key: Option<String>, facts: &[&DossierFacts], must_yield: &MustYield) -> ReportRow {
    let indicators = Figure::ALL.map(|figure| {
        let shares = facts.iter().map(|facts| share(facts, must_yield, figure));
        let (of, all) = shares.fold((0, 0), |(a, b), (of, all)| (a + of, b + all));
        indicator(figure, of, all)
    });
    let mut waits: Vec<u64> = facts.iter().flat_map(|facts| facts.waits.iter().copied()).collect();
    waits.sort_unstable();
    ReportRow {
        key,
        dossiers: facts.len() as u64,
        indicators: indicators.into(),
        median_seconds: median(&waits),
    }
}

/// What a dossier adds to a figure's numerator and denominator.
fn share(facts: &DossierFacts, must_yield: &MustYield, figure: Figure) -> (u64, u64) {
    let wanted = must_yield.get(&(facts.procedure.clone(), facts.procedure_version));
    let has_result =
        wanted.is_some_and(|wanted| facts.results.iter().any(|result| wanted.contains(result)));
    match figure {
        Figure::ResultAvailable => {
            let finished = facts.state == schemas::api::DossierState::Closed;
            let counts = finished && wanted.is_some();
            (u64::from(counts && has_result), u64::from(counts))
        }
        Figure::Digitised => {
            // What is reused is attached, too.
            let attached = 0 < facts.filed + facts.reused;
            let digitised = attached && (wanted.is_none() || has_result);
            (u64::from(digitised), 1)
        }
        Figure::Reused => (u64::from(0 < facts.reused), 1),
        Figure::Synced => (u64::from(facts.synced), 1),
        Figure::ReusedOfReusable => (facts.reused, facts.reusable),
        Figure::AskedAgain => (facts.asked_again, facts.reusable),
        Figure::AskedAgainUnreasoned => (facts.unreasoned, facts.reusable),
        Figure::PagesCorrected => (facts.corrected, facts.pages),
    }
}

/// Most points of a figure, and the percentage from which all of them are given.
fn points(figure: Figure) -> Option<(f64, f64)> {
    match figure {
        Figure::ResultAvailable => Some((6.0, 100.0)),
        Figure::Digitised => Some((4.0, 80.0)),
        Figure::Reused => Some((2.0, 80.0)),
        Figure::Synced => Some((4.0, 100.0)),
        Figure::ReusedOfReusable
        | Figure::AskedAgain
        | Figure::AskedAgainUnreasoned
        | Figure::PagesCorrected => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of dossiers and pages are far below 2⁵³")]
fn indicator(figure: Figure, of: u64, all: u64) -> Indicator {
    let ratio = (0 < all).then(|| 100.0 * of as f64 / all as f64);
    let points = points(figure);
    Indicator {
        figure,
        of,
        all,
        percent: ratio.map(hundredths),
        score: points
            .map(|(most, full)| hundredths((most * ratio.unwrap_or(0.0) / full).min(most))),
        most: points.map(|(most, _)| most),
    }
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The middle of sorted values, or the mean of the two in the middle, rounded down.
fn median(sorted: &[u64]) -> Option<u64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(sorted[middle - 1].midpoint(sorted[middle])),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use schemas::api::DossierState;

    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<(Date, Date)>) {
        assert_eq!(period(text), want, "{text}");
    }

    #[test]
    fn a_period_is_a_year_or_a_part_of_one() {
        check("2026", Some((date(2026, 1, 1), date(2026, 12, 31))));
        check("2026-H1", Some((date(2026, 1, 1), date(2026, 6, 30))));
        check("2026-H2", Some((date(2026, 7, 1), date(2026, 12, 31))));
        check("2026-Q4", Some((date(2026, 10, 1), date(2026, 12, 31))));
        check("2028-02", Some((date(2028, 2, 1), date(2028, 2, 29))));
        check("2026-W01", Some((date(2025, 12, 29), date(2026, 1, 4))));
        check("2026-W47", Some((date(2026, 11, 16), date(2026, 11, 22))));
        for nonsense in ["", "26", "2026-", "2026-H3", "2026-H0", "2026-Q5", "2026-13", "2026-1"] {
            check(nonsense, None);
        }
        for nonsense in ["2026-W54", "2026-W00", "2026-é1", "-026", "2026-+1", "2026-Q99"] {
            check(nonsense, None);
        }
    }

    fn facts(code: &str, office: &str) -> DossierFacts {
        DossierFacts {
            code: code.parse().unwrap(),
            office: office.parse().unwrap(),
            procedure: "1.000001".parse().unwrap(),
            procedure_version: 1,
            state: DossierState::Closed,
            filed: 1,
            results: Vec::new(),
            reusable: 0,
            reused: 0,
            synced: false,
            asked_again: 0,
            unreasoned: 0,
            pages: 4,
            corrected: 0,
            waits: Vec::new(),
        }
    }

    /// Five dossiers of two offices.
    ///
    /// | dossier | result (synced) | filed | reusable | reused | again (unreasoned) | pages (corrected) |
    /// |---|---|---|---|---|---|---|
    /// | A-1 | yes (yes) | 1 | 2 | 2 | 0 | 4 (1) |
    /// | A-2 | no | 1 | 1 | 0 | 1 (0) | 4 |
    /// | A-3, open | yes | 0 | 1 | 0 | 1 (1) | 4 |
    /// | B-1 | yes | 1 | 0 | 0 | 0 | 4 |
    /// | B-2, no result needed | no | 0 | 1 | 1 | 0 | 4 |
    #[test]
    fn figures_are_those_computed_by_hand() {
        let result: ResultCode = "KQ.G15.000031".parse().unwrap();
        let results = vec![result.clone()];
        let one = ("1.000001".parse().unwrap(), 1);
        let must_yield = MustYield::from([(one, vec![result])]);
        let all = [
            DossierFacts {
                results: results.clone(),
                reusable: 2,
                reused: 2,
                synced: true,
                corrected: 1,
                waits: vec![10, 30],
                ..facts("A-1", "H26.01")
            },
            DossierFacts { reusable: 1, asked_again: 1, ..facts("A-2", "H26.01") },
            DossierFacts {
                state: DossierState::Open,
                results: results.clone(),
                filed: 0,
                reusable: 1,
                asked_again: 1,
                unreasoned: 1,
                waits: vec![20],
                ..facts("A-3", "H26.01")
            },
            DossierFacts { results, waits: vec![50], ..facts("B-1", "H26.02") },
            DossierFacts {
                procedure: "1.000002".parse().unwrap(),
                filed: 0,
                reusable: 1,
                reused: 1,
                ..facts("B-2", "H26.02")
            },
        ];
        let got = rows(&all, &must_yield, ReportGroup::Office);
        let told = |row: &ReportRow| -> Vec<(u64, u64, Option<f64>, Option<f64>)> {
            row.indicators.iter().map(|i| (i.of, i.all, i.percent, i.score)).collect()
        };
        assert_eq!(got.iter().map(|row| row.dossiers).collect::<Vec<_>>(), [5, 3, 2]);
        assert_eq!(
            told(&got[0]),
            [
                (2, 3, Some(66.67), Some(4.0)), // 6 · 2/3
                (3, 5, Some(60.0), Some(3.0)),  // 4 · 60/80
                (2, 5, Some(40.0), Some(1.0)),  // 2 · 40/80
                (1, 5, Some(20.0), Some(0.8)),  // 4 · 20/100
                (3, 5, Some(60.0), None),
                (2, 5, Some(40.0), None),
                (1, 5, Some(20.0), None),
                (1, 20, Some(5.0), None),
            ]
        );
        assert_eq!(
            told(&got[2]),
            [
                (1, 1, Some(100.0), Some(6.0)),
                (2, 2, Some(100.0), Some(4.0)), // no more than there are
                (1, 2, Some(50.0), Some(1.25)),
                (0, 2, Some(0.0), Some(0.0)),
                (1, 1, Some(100.0), None),
                (0, 1, Some(0.0), None),
                (0, 1, Some(0.0), None),
                (0, 8, Some(0.0), None),
            ]
        );
        let medians: Vec<_> = got.iter().map(|row| row.median_seconds).collect();
        assert_eq!(medians, [Some(25), Some(20), Some(50)]);
        let codes = |figure| {
            let behind = behind(&all, &must_yield, figure);
            behind.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(codes(Figure::AskedAgain), ["A-2", "A-3"]);
        assert_eq!(codes(Figure::Digitised), ["A-1", "B-1", "B-2"]);
        let empty = rows(&[], &must_yield, ReportGroup::All).remove(0).indicators.remove(2);
        assert_eq!((empty.percent, empty.score), (None, Some(0.0)));
    }

    #[test]
    fn a_report_is_a_table_for_spreadsheets() {
        let of = DossierFacts { reusable: 3, reused: 1, ..facts("A-1", "H26.01") };
        let table = csv(&rows(&[of], &MustYield::new(), ReportGroup::Office));
        let lines: Vec<&str> = table.split("\r\n").collect();
        assert!(lines[0].starts_with("key,dossiers,result_available,result_available_all,"));
        assert!(lines[2].starts_with("H26.01,1,0,0,,0.00,1,1,100.00,4.00,"), "{}", lines[2]);
        assert!(lines[2].contains(",1,3,33.33,,"), "{}", lines[2]);
        let cells: Vec<usize> = lines[..3].iter().map(|line| line.split(',').count()).collect();
        assert_eq!(cells, [35; 3]);
    }
}
