//! The same sheet is known again, another with the same letterhead isn't.

use imaging::{Fingerprint, Grey, SAME_PAPER, distance, fingerprint, straighten, turn_back};

use crate::drawing::{Paper, first_page, jpeg};

fn print_of(image: &Grey, quality: u8) -> Fingerprint {
    fingerprint(&straighten(&first_page(&jpeg(image, quality)), 0))
}

#[test]
fn a_sheet_scanned_again_is_known() {
    let first = print_of(&Paper::letter(300, 7).image, 90);
    let again = [
        (Paper::letter(300, 7).grainy(15).image, 60),
        (turn_back(Paper::letter(200, 7).grainy(5).image, 1.3), 75),
        (turn_back(Paper::letter(150, 7).image, -0.6), 40),
    ];
    for (number, (image, quality)) in again.iter().enumerate() {
        let bits = distance(first, print_of(image, *quality));
        assert!(bits <= SAME_PAPER, "scan {number} differs by {bits}");
    }
}

#[test]
fn papers_with_the_same_letterhead_are_told_apart() {
    let prints: Vec<Fingerprint> =
        (0..8).map(|seed| print_of(&Paper::letter(150, seed * 37).image, 80)).collect();
    for (one, a) in prints.iter().enumerate() {
        for (other, b) in prints.iter().enumerate().skip(one + 1) {
            let bits = distance(*a, *b);
            assert!(bits > SAME_PAPER, "papers {one} and {other} differ by {bits}");
        }
    }
}

#[test]
fn a_fingerprint_is_written_in_64_digits_and_read_again() {
    let print = print_of(&Paper::letter(100, 1).image, 80);
    let text = print.to_string();
    assert_eq!(text.len(), 64);
    assert_eq!(text.parse(), Ok(print));
    for wrong in ["", "12", &text[1..], &format!("{}g", &text[1..]), &format!("+{}", &text[1..])] {
        assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
    }
}

#[test]
fn an_empty_page_has_a_fingerprint_too() {
    let white = print_of(&Grey::filled(800, 1100, 255), 80);
    let tiny = print_of(&Grey::filled(3, 2, 0), 80);
    assert!(distance(white, tiny) <= 256);
}
