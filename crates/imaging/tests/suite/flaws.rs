//! Every flaw is told from good pages: drawn ones, and real ones that were spoilt on purpose.

use imaging::{
    Decoded, Grey, flaws, is_blank, marks, orientation, quarter_turn, straighten, turn_back,
};
use schemas::reading::Flaw;

use crate::drawing::{Paper, first_page, jpeg};
use crate::real::each_page;
use crate::worn;

fn verdict(page: &Decoded<'_>) -> Vec<Flaw> {
    let upright = straighten(page, orientation(page).rotation_deg);
    flaws(page, &marks(page), &upright, is_blank(&page.grey()))
}

fn verdict_on(image: &Grey) -> Vec<Flaw> {
    verdict(&first_page(&jpeg(image, 85)))
}

#[test]
fn good_pages_have_no_flaw() {
    for (dpi, seed) in [(150, 1), (200, 2), (300, 3)] {
        let page = Paper::letter(dpi, seed).grainy(6).image;
        assert_eq!(verdict_on(&page), [], "{dpi} dpi");
        assert_eq!(verdict_on(&turn_back(page, -1.4)), [], "{dpi} dpi, leaning");
    }
}

#[test]
fn blank_pages_have_no_flaw_but_darkness() {
    let blank = Paper::a4(150).grainy(6).image;
    assert_eq!(verdict_on(&blank), []);
    assert_eq!(verdict_on(&worn::toned(blank, |tone| tone * 0.3)), [Flaw::TooDark]);
}

#[test]
fn light_and_dark_pages_are_told() {
    let page = Paper::letter(200, 4).grainy(6).image;
    let dark = worn::toned(page.clone(), |tone| tone * 0.35);
    assert_eq!(verdict_on(&dark), [Flaw::TooDark]);
    let light = worn::toned(page, |tone| 255.0 - (255.0 - tone) * 0.35);
    assert_eq!(verdict_on(&light), [Flaw::TooLight]);
}

#[test]
fn soft_and_shaken_pages_are_told() {
    let page = Paper::letter(200, 5).grainy(3).image;
    assert_eq!(verdict_on(&worn::blurred(page.clone(), 1.0)), []);
    assert_eq!(verdict_on(&worn::blurred(page.clone(), 3.4)), [Flaw::Blurred]);
    assert_eq!(verdict_on(&worn::shaken(&page, 14)), [Flaw::Blurred]);
}

#[test]
fn coarse_pages_are_told() {
    assert_eq!(verdict_on(&Paper::letter(75, 6).image), [Flaw::TooCoarse]);
    assert_eq!(verdict_on(&Paper::letter(60, 7).image), [Flaw::TooCoarse]);
}

#[test]
fn text_that_an_edge_cuts_is_told_and_a_punched_edge_is_not() {
    let page = Paper::letter(150, 8).image;
    assert_eq!(verdict_on(&worn::cut(&page, 0.2, 0.0)), [Flaw::CutOff]);
    // Through the second line of the letterhead.
    assert_eq!(verdict_on(&worn::cut(&page, 0.0, 29.5 / 297.0)), [Flaw::CutOff]);
    let mut punched = Paper::letter(150, 9);
    for hole in 0..20_u8 {
        punched.disc(0.5, 20.0 + f32::from(hole) * 12.0, 2.0, 30);
    }
    assert_eq!(verdict_on(&punched.image), []);
}

#[test]
fn two_sheets_at_once_are_told() {
    let (under, over) = (Paper::letter(150, 10).image, Paper::letter(150, 11).image);
    let both = worn::covered(&under, &over, 0.0, 0.3, 4.0);
    assert!(verdict_on(&both).contains(&Flaw::TwoSheets));
}

#[test]
fn a_page_that_lay_on_its_head_is_told_beside_its_other_flaws() {
    let page = Paper::letter(150, 12).image;
    assert_eq!(verdict_on(&quarter_turn(page.clone(), 180)), [Flaw::UpsideDown]);
    assert_eq!(verdict_on(&quarter_turn(page.clone(), 90)), [Flaw::UpsideDown]);
    let cut = quarter_turn(worn::cut(&page, 0.2, 0.0), 90);
    assert_eq!(verdict_on(&cut), [Flaw::CutOff, Flaw::UpsideDown]);
}

/// Pages of each file that are spoilt: more would be more of the same.
const SPOILT: u32 = 2;

type Spoil = Box<dyn Fn(&Decoded<'_>) -> Decoded<'static>>;

/// Ways to spoil a page, what that should be told as, and the least share of pages told.
fn spoils() -> Vec<(&'static str, Flaw, f32, Spoil)> {
    fn toned(tone: fn(f32) -> f32) -> Spoil {
        Box::new(move |page| worn::with(page, worn::toned(page.grey(), tone), 1.0))
    }
    /// Deviation at 300 dots per inch.
    fn soft(sigma: f32) -> Spoil {
        Box::new(move |page| {
            worn::with(page, worn::blurred(page.grey(), sigma * page.dpi as f32 / 300.0), 1.0)
        })
    }
    fn shaken(pixels: f32) -> Spoil {
        Box::new(move |page| {
            let pixels = (pixels * page.dpi as f32 / 300.0).round() as usize;
            worn::with(page, worn::shaken(&page.grey(), pixels), 1.0)
        })
    }
    fn coarse(dpi: f32) -> Spoil {
        Box::new(move |page| {
            let share = dpi / page.dpi as f32;
            worn::with(page, worn::coarser(&page.grey(), share), share)
        })
    }
    fn cut(left: f32, top: f32) -> Spoil {
        Box::new(move |page| worn::with(page, worn::cut(&page.grey(), left, top), 1.0))
    }
    fn covered(right: f32, down: f32, turned_deg: f32) -> Spoil {
        Box::new(move |page| {
            let grey = page.grey();
            worn::with(page, worn::covered(&grey, &grey, right, down, turned_deg), 1.0)
        })
    }
    vec![
        ("tones at 35 %", Flaw::TooDark, 1.0, toned(|tone| tone * 0.35)),
        ("tones less 160", Flaw::TooDark, 0.9, toned(|tone| tone - 160.0)),
        ("contrast at 35 %", Flaw::TooLight, 1.0, toned(|tone| 255.0 - (255.0 - tone) * 0.35)),
        ("tones plus 160", Flaw::TooLight, 0.9, toned(|tone| tone + 160.0)),
        ("soft by 4 pixels", Flaw::Blurred, 0.9, soft(4.0)),
        ("soft by 6 pixels", Flaw::Blurred, 0.9, soft(6.0)),
        ("shaken by 16 pixels", Flaw::Blurred, 0.8, shaken(16.0)),
        ("shaken by 20 pixels", Flaw::Blurred, 0.9, shaken(20.0)),
        ("75 dpi", Flaw::TooCoarse, 0.9, coarse(75.0)),
        ("60 dpi", Flaw::TooCoarse, 1.0, coarse(60.0)),
        ("left fifth cut off", Flaw::CutOff, 0.9, cut(0.2, 0.0)),
        ("second sheet turned by 2°", Flaw::TwoSheets, 0.75, covered(0.1, 0.35, 2.0)),
        ("second sheet turned by -4°", Flaw::TwoSheets, 0.75, covered(0.1, 0.4, -4.0)),
        ("second sheet turned by 7°", Flaw::TwoSheets, 0.75, covered(0.2, 0.3, 7.0)),
    ]
}

#[test]
fn no_good_scan_is_refused_and_spoilt_ones_are() {
    let spoils = spoils();
    let mut caught = vec![0; spoils.len()];
    let (mut good, mut spoilt, mut refused) = (0, 0, Vec::new());
    if each_page(|name, seq, page| {
        good += 1;
        let found = verdict(page);
        if !found.is_empty() {
            refused.push((name.to_owned(), seq, found));
        }
        // Tables and pages with a few lines only show less.
        if seq < SPOILT && !is_blank(&page.grey()) {
            spoilt += 1;
            for ((_, flaw, _, spoil), caught) in spoils.iter().zip(&mut caught) {
                *caught += i32::from(verdict(&spoil(page)).contains(flaw));
            }
        }
    }) {
        eprintln!("good pages: {} of {good} refused", refused.len());
        for ((name, flaw, _, _), caught) in spoils.iter().zip(&caught) {
            eprintln!("{name}: {caught} of {spoilt} told as {flaw:?}");
        }
        assert!(refused.is_empty(), "{refused:?}");
        for ((name, _, least, _), caught) in spoils.iter().zip(&caught) {
            assert!(*caught as f32 >= least * spoilt as f32, "{name}: {caught} of {spoilt}");
        }
    }
}
