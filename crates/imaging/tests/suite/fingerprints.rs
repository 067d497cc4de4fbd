//! The same sheet is known again, another with the same letterhead isn't.

use imaging::{Grey, fingerprint, straighten, turn_back};
use schemas::reading::{Fingerprint, SAME_PAPER};

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
        let bits = first.distance(print_of(image, *quality));
        assert!(bits <= SAME_PAPER, "scan {number} differs by {bits}");
    }
}

#[test]
fn papers_with_the_same_letterhead_are_told_apart() {
    let prints: Vec<Fingerprint> =
        (0..8).map(|seed| print_of(&Paper::letter(150, seed * 37).image, 80)).collect();
    for (one, a) in prints.iter().enumerate() {
        for (other, b) in prints.iter().enumerate().skip(one + 1) {
            let bits = a.distance(*b);
            assert!(bits > SAME_PAPER, "papers {one} and {other} differ by {bits}");
        }
    }
}

#[test]
fn an_empty_page_has_a_fingerprint_too() {
    let white = print_of(&Grey::filled(800, 1100, 255), 80);
    let tiny = print_of(&Grey::filled(3, 2, 0), 80);
    assert!(white.distance(tiny) <= 256);
}
