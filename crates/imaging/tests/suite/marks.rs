//! Seals, stamps and signatures are found where they stand, and coloured seals are lifted.

use imaging::{Decoded, Geometry, Grey, Pixels, Rgb, even, keep, lift, marks, quarter_turn};
use schemas::reading::{Mark, MarkKind};

use crate::drawing::{Paper, first_page, jpeg};
use crate::real::each_page;
use crate::worn;

const RED: [f32; 3] = [0.85, 0.2, 0.25];
const BLACK: [f32; 3] = [0.1, 0.1, 0.1];
const BLUE: [f32; 3] = [0.2, 0.25, 0.65];

/// A page in colour; places in millimetres.
struct Sheet {
    pixels: Rgb,
    dpi: f32,
}

impl Sheet {
    fn of(paper: &Grey, dpi: u32) -> Sheet {
        let pixels = paper.pixels.iter().flat_map(|&tone| [tone; 3]).collect();
        Sheet { pixels: Rgb { width: paper.width, height: paper.height, pixels }, dpi: dpi as f32 }
    }

    /// Ink on every pixel within a box of which `inked` says so.
    fn ink(&mut self, area: [f32; 4], ink: [f32; 3], inked: impl Fn(f32, f32) -> bool) {
        let px = |mm: f32| (mm / 25.4 * self.dpi) as u32;
        let [left, top, right, bottom] = area;
        for y in px(top)..px(bottom).min(self.pixels.height) {
            for x in px(left)..px(right).min(self.pixels.width) {
                let (at_x, at_y) = (x as f32 / self.dpi * 25.4, y as f32 / self.dpi * 25.4);
                if inked(at_x, at_y) {
                    let at = 3 * (y * self.pixels.width + x) as usize;
                    for (channel, share) in self.pixels.pixels[at..at + 3].iter_mut().zip(ink) {
                        *channel = (f32::from(*channel) * share) as u8;
                    }
                }
            }
        }
    }

    /// Two rims, a star in the middle, and letters between them, all of them blots.
    fn seal(&mut self, x: f32, y: f32, radius: f32, ink: [f32; 3]) {
        self.ink([x - radius, y - radius, x + radius, y + radius], ink, |at_x, at_y| {
            let (dx, dy) = (at_x - x, at_y - y);
            let far = dx.hypot(dy);
            let turn = dy.atan2(dx);
            let star = radius * (0.3 + 0.12 * (5.0 * turn).sin());
            let letter = (turn * 15.0).sin() > 0.2 && (0.72..0.84).contains(&(far / radius));
            (radius - 1.0..radius).contains(&far)
                || (radius * 0.65..radius * 0.65 + 0.5).contains(&far)
                || far < star
                || letter
        });
    }

    /// Loops of a pen, 0.5 mm wide.
    fn signature(&mut self, x: f32, y: f32, ink: [f32; 3]) {
        let mut dots = Vec::new();
        for step in 0..900_u16 {
            let t = f32::from(step) / 900.0;
            dots.push((x + 45.0 * t + 4.0 * (t * 31.0).sin(), y + 7.0 * (t * 26.0).cos()));
        }
        self.ink([x - 5.0, y - 9.0, x + 50.0, y + 9.0], ink, |at_x, at_y| {
            dots.iter().any(|(x, y)| (at_x - x).hypot(at_y - y) < 0.25)
        });
    }

    /// Four rules.
    fn frame(&mut self, area: [f32; 4], ink: [f32; 3]) {
        let [left, top, right, bottom] = area;
        self.ink(area, ink, |x, y| (x - left).min(right - x).min(y - top).min(bottom - y) < 0.6);
    }

    fn decoded(&self) -> Decoded<'static> {
        let one = jpeg(&Grey::filled(1, 1, 255), 90);
        let mut decoded = first_page(&one).into_owned();
        decoded.dpi = self.dpi as u32;
        decoded.pixels = Pixels::Rgb(self.pixels.clone());
        decoded
    }
}

fn upright(decoded: &Decoded<'_>, rotation_deg: u16) -> Vec<Mark> {
    let (width, height) = (decoded.pixels.width(), decoded.pixels.height());
    marks(decoded).upright(&Geometry { width, height, rotation_deg, skew_deg: 0.0 })
}

/// Whether there is a mark of a kind, its box within 1.5 mm of what is given, in millimetres.
fn is_there(marks: &[Mark], kind: MarkKind, area: [f32; 4], dpi: f32) -> bool {
    marks.iter().any(|mark| {
        let edges = [mark.x, mark.y, mark.x + mark.w, mark.y + mark.h];
        mark.kind == kind
            && edges.iter().zip(area).all(|(px, mm)| (*px as f32 / dpi * 25.4 - mm).abs() < 1.5)
    })
}

#[test]
fn a_red_seal_over_print_is_found_where_it_stands() {
    for (dpi, radius) in [(150, 18.0), (200, 21.0), (300, 16.0)] {
        let mut sheet = Sheet::of(&Paper::letter(dpi, 5).image, dpi);
        sheet.seal(120.0, 90.0, radius, RED);
        let found = upright(&sheet.decoded(), 0);
        let place = [120.0 - radius, 90.0 - radius, 120.0 + radius, 90.0 + radius];
        assert!(is_there(&found, MarkKind::Seal, place, dpi as f32), "{dpi} dpi: {found:?}");
        assert_eq!(found.len(), 1, "{dpi} dpi: {found:?}");
    }
}

#[test]
fn a_seal_in_black_and_white_is_found_and_turned_with_its_page() {
    let mut sheet = Sheet::of(&Paper::letter(200, 8).image, 200);
    sheet.seal(150.0, 200.0, 18.0, BLACK);
    let mut decoded = sheet.decoded();
    let black = worn::toned(decoded.grey(), |tone| if tone < 140.0 { 0.0 } else { 255.0 });
    // The scanner had it on its side.
    decoded.pixels = Pixels::Grey(quarter_turn(black, 270));
    let found = upright(&decoded, 90);
    assert!(is_there(&found, MarkKind::Seal, [132.0, 182.0, 168.0, 218.0], 200.0), "{found:?}");
}

#[test]
fn print_and_tables_are_no_marks() {
    let letter = Sheet::of(&Paper::letter(200, 9).image, 200);
    assert_eq!(upright(&letter.decoded(), 0), []);
    let mut table = Sheet::of(&Paper::letter(200, 10).image, 200);
    for row in 0..8_u8 {
        for column in 0..4_u8 {
            let (x, y) = (20.0 + f32::from(column) * 42.0, 170.0 + f32::from(row) * 12.0);
            table.frame([x, y, x + 42.6, y + 12.6], BLACK);
        }
    }
    assert_eq!(upright(&table.decoded(), 0), []);
}

#[test]
fn a_signature_across_a_seal_is_found_beside_it() {
    for (ink, seal_ink) in [(BLUE, RED), (BLACK, RED), (BLACK, BLACK)] {
        let mut sheet = Sheet::of(&Paper::a4(200).image, 200);
        sheet.seal(110.0, 220.0, 18.0, seal_ink);
        sheet.signature(118.0, 222.0, ink);
        let found = upright(&sheet.decoded(), 0);
        let count = |kind| found.iter().filter(|mark| mark.kind == kind).count();
        assert_eq!((count(MarkKind::Seal), count(MarkKind::Signature)), (1, 1), "{found:?}");
        let signature = found.iter().find(|mark| mark.kind == MarkKind::Signature).unwrap();
        let right = (signature.x + signature.w) as f32 / 200.0 * 25.4;
        assert!((right - 164.0).abs() < 4.0, "{signature:?}");
    }
}

#[test]
fn a_framed_stamp_is_found() {
    for ink in [RED, BLUE] {
        let mut sheet = Sheet::of(&Paper::letter(200, 11).image, 200);
        sheet.frame([20.0, 230.0, 75.0, 255.0], ink);
        for line in 0..3_u8 {
            for letter in 0..9_u8 {
                let (x, y) = (24.0 + f32::from(letter) * 5.0, 234.0 + f32::from(line) * 7.0);
                sheet.ink([x, y, x + 2.0, y + 3.5], ink, |_, _| true);
            }
        }
        let found = upright(&sheet.decoded(), 0);
        assert!(is_there(&found, MarkKind::Stamp, [20.0, 230.0, 75.0, 255.0], 200.0), "{found:?}");
    }
}

#[test]
fn print_under_a_red_seal_comes_out_and_red_print_elsewhere_stays() {
    let paper = Paper::letter(200, 5).image;
    let mut sheet = Sheet::of(&paper, 200);
    sheet.seal(120.0, 90.0, 19.0, RED);
    sheet.ink([40.0, 200.0, 80.0, 206.0], RED, |_, _| true);
    let mut decoded = sheet.decoded();
    let found = marks(&decoded);
    let (sealed, kept) = (decoded.grey(), keep(&decoded).unwrap());
    lift(&mut decoded, &found);
    let lifted = decoded.grey();
    let px = |mm: f32| (mm / 25.4 * 200.0) as u32;
    let off = |page: &Grey| {
        let (mut off, mut count) = (0, 0);
        for y in px(72.0)..px(108.0) {
            for x in px(102.0)..px(138.0) {
                off += u32::from(page.at(x, y).abs_diff(paper.at(x, y)));
                count += 1;
            }
        }
        off as f32 / count as f32
    };
    assert!(off(&sealed) > 30.0 && off(&lifted) < 5.0, "{} and {}", off(&sealed), off(&lifted));
    assert_eq!(lifted.at(px(60.0), px(203.0)), sealed.at(px(60.0), px(203.0)));
    assert!(lifted.at(px(60.0), px(203.0)) < 120);
    assert!(kept == keep(&decoded).unwrap(), "what is kept stays as it was scanned");
}

#[test]
fn an_even_page_stays_as_it_is_and_a_shaded_one_is_evened() {
    let scan = jpeg(&Paper::letter(150, 4).grainy(4).image, 90);
    let mut page = first_page(&scan);
    let before = page.grey();
    even(&mut page);
    assert!(page.grey() == before);

    let mut shaded = before.clone();
    for (at, tone) in shaded.pixels.iter_mut().enumerate() {
        let x = (at % before.width as usize) as f32 / before.width as f32;
        *tone = (f32::from(*tone) * (1.0 - 0.5 * (-(x / 0.2).powi(2)).exp())) as u8;
    }
    let mut page = first_page(&scan);
    page.pixels = Pixels::Grey(shaded);
    let mut evened = page.clone();
    even(&mut evened);
    let worst = |page: &Grey| {
        let off = page.pixels.iter().zip(&before.pixels).map(|(a, b)| a.abs_diff(*b));
        off.map(f64::from).sum::<f64>() / page.pixels.len() as f64
    };
    // Both are cut at white, and grain is lost there.
    let (shaded, evened) = (worst(&page.grey()), worst(&evened.grey()));
    assert!(shaded > 15.0 && evened < 4.0, "off by {shaded} and {evened}");
}

/// Seals of the scans: file, page from 0, middle in millimetres.
const SEALS: &[(&str, u32, f32, f32)] = &[
    ("ct_08_ccitt.pdf", 2, 127.0, 188.0),
    ("cv_299.pdf", 0, 123.0, 241.0),
    ("cv_575.pdf", 0, 130.0, 209.0),
    ("moet_qd_01.pdf", 1, 142.0, 166.0),
    ("moet_qd_02.pdf", 0, 137.0, 247.0),
    ("moet_qd_03.pdf", 0, 112.0, 249.0),
    ("moet_qd_09.pdf", 0, 134.0, 239.0),
    ("qd_47.pdf", 1, 132.0, 84.0),
    ("qd_707_ttg.pdf", 1, 141.0, 67.0),
    ("qd_707_ttg.pdf", 2, 38.0, 29.0),
    ("qd_84.pdf", 2, 126.0, 126.0),
    ("tt_21_bct_fuel.pdf", 1, 137.0, 70.0),
    ("ttr_22.pdf", 0, 119.0, 233.0),
    ("ttr_24.pdf", 0, 128.0, 241.0),
];

#[test]
fn every_whole_seal_of_the_real_scans_is_found_and_at_most_one_other() {
    let (mut found, mut others) = (0, Vec::new());
    if each_page(|name, seq, page| {
        for mark in upright(page, 0).iter().filter(|mark| mark.kind == MarkKind::Seal) {
            let mm = |pixels: u32| pixels as f32 / page.dpi as f32 * 25.4;
            let (x, y) = (mm(mark.x + mark.w / 2), mm(mark.y + mark.h / 2));
            let known = SEALS.iter().any(|&(file, at, seal_x, seal_y)| {
                file == name && at == seq && (x - seal_x).hypot(y - seal_y) < 3.0
            });
            if known {
                found += 1;
            } else {
                others.push((name.to_owned(), seq, x, y));
            }
        }
    }) {
        eprintln!("seals: {found} of {} found, {} others", SEALS.len(), others.len());
        // The loops of one signature look like a seal.
        assert!(found == SEALS.len() && others.len() < 2, "{found} found, others: {others:?}");
    }
}
