//! What makes a side blank and what doesn't.

use imaging::is_blank;

use crate::drawing::{Dice, Paper};

/// Crumbs of a ring, as a seal presses through.
fn ghost(paper: &mut Paper) {
    let mut dice = Dice(3);
    for _ in 0..120 {
        let angle = dice.below(628) as f32 / 100.0;
        let radius = 17.0 - dice.below(50) as f32 / 10.0;
        let size = if dice.below(12) == 0 { 0.9 } else { 0.3 };
        let tone = 120 + dice.below(80) as u8;
        paper.disc(80.0 + radius * angle.cos(), 230.0 + radius * angle.sin(), size, tone);
    }
}

#[test]
fn white_paper_with_grain_is_blank() {
    assert!(is_blank(&Paper::a4(150).image));
    assert!(is_blank(&Paper::a4(150).grainy(20).image));
}

#[test]
fn punched_holes_and_the_lids_shadow_are_no_writing() {
    let mut paper = Paper::a4(150);
    paper.disc(12.0, 108.0, 3.0, 20);
    paper.disc(12.0, 188.0, 3.0, 20);
    let width = paper.image.width as usize;
    for line in paper.image.pixels.chunks_exact_mut(width) {
        line[width - 25..].fill(10);
    }
    assert!(is_blank(&paper.grainy(8).image));
}

#[test]
fn the_ghost_of_a_seal_is_blank() {
    let mut paper = Paper::a4(200);
    ghost(&mut paper);
    assert!(is_blank(&paper.grainy(5).image));
}

#[test]
fn text_that_shines_through_faintly_is_blank() {
    let mut paper = Paper::letter(150, 6);
    for tone in &mut paper.image.pixels {
        *tone = 225 + *tone / 10;
    }
    assert!(is_blank(&paper.image));
}

#[test]
fn a_page_number_alone_is_something() {
    let mut paper = Paper::a4(150);
    paper.print("2", 104.0, 15.0, 13.0);
    assert!(!is_blank(&paper.grainy(6).image));
}

#[test]
fn a_line_of_handwriting_is_something() {
    let mut paper = Paper::a4(150);
    let mut x = 60.0;
    while x < 120.0 {
        paper.disc(x, 120.0 + (x * 1.7).sin() * 2.5, 0.35, 90);
        x += 0.1;
    }
    assert!(!is_blank(&paper.grainy(6).image));
}

#[test]
fn a_line_of_print_beside_the_ghost_of_a_seal_is_something() {
    let mut paper = Paper::a4(200);
    ghost(&mut paper);
    paper.print("Chứng thực bản sao đúng với bản chính", 30.0, 40.0, 12.0);
    assert!(!is_blank(&paper.grainy(5).image));
}
