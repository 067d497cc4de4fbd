//! Where places of a page stand when it is upright, measured on pages that were turned.

use imaging::{Area, Decoded, Geometry, Grey, orientation, quarter_turn, straighten, turn_back};

use crate::drawing::{Paper, first_page, jpeg};

/// Turned as `straighten` turns.
fn turned(page: Grey, rotation_deg: u16, skew_deg: f32) -> Grey {
    turn_back(quarter_turn(page, rotation_deg), skew_deg)
}

/// The middle of what is dark, in pixels.
fn middle_of_ink(page: &Grey) -> (f32, f32) {
    let (mut sum, mut sum_x, mut sum_y) = (0.0_f64, 0.0, 0.0);
    for (at, &tone) in page.pixels.iter().enumerate() {
        let ink = f64::from(255 - tone);
        sum += ink;
        sum_x += ink * ((at % page.width as usize) as f64 + 0.5);
        sum_y += ink * ((at / page.width as usize) as f64 + 0.5);
    }
    ((sum_x / sum) as f32, (sum_y / sum) as f32)
}

#[test]
fn a_dot_is_found_where_the_turned_page_has_it() {
    for rotation_deg in [0, 90, 180, 270] {
        for skew_deg in [0.0, 0.7, -3.0, 14.0_f32] {
            let (mut page, (x, y)) = (Grey::filled(300, 420, 255), (201_u32, 133_u32));
            for dot in 0..9 {
                page.pixels[((y + dot / 3) * 300 + x + dot % 3) as usize] = 0;
            }
            let geometry = Geometry { width: 300, height: 420, rotation_deg, skew_deg };
            let found = geometry.to_upright(x as f32 + 1.5, y as f32 + 1.5);
            let upright = turned(page, rotation_deg, skew_deg);
            let is = middle_of_ink(&upright);
            assert_eq!(geometry.upright_size(), (upright.width, upright.height));
            assert!(
                (found.0 - is.0).abs() < 0.1 && (found.1 - is.1).abs() < 0.1,
                "turned by {rotation_deg} and {skew_deg}: {found:?} for {is:?}"
            );
        }
    }
}

#[test]
fn a_box_is_turned_with_the_page_and_covers_the_same_pixels() {
    for (rotation_deg, area) in [
        (0, Area { x: 10, y: 20, w: 30, h: 5 }),
        (90, Area { x: 75, y: 10, w: 5, h: 30 }),
        (180, Area { x: 160, y: 75, w: 30, h: 5 }),
        (270, Area { x: 20, y: 160, w: 5, h: 30 }),
    ] {
        let geometry = Geometry { width: 200, height: 100, rotation_deg, skew_deg: 0.0 };
        assert_eq!(geometry.area_to_upright(10.0, 20.0, 40.0, 25.0), Some(area));
    }
}

#[test]
fn a_box_that_turns_off_the_image_is_cut_and_then_gone() {
    let geometry = Geometry { width: 1000, height: 1000, rotation_deg: 0, skew_deg: 10.0 };
    // The right upper corner turns back up and out, the right lower one inwards.
    let cut = geometry.area_to_upright(900.0, 60.0, 960.0, 120.0).unwrap();
    assert!(cut.y == 0 && cut.h < 60 && cut.w == 61, "{cut:?}");
    assert_eq!(geometry.area_to_upright(900.0, 0.0, 960.0, 40.0), None);
    assert_eq!(geometry.area_to_upright(500.0, 500.0, 500.0, 600.0), None);
}

#[test]
fn an_upright_page_says_how_it_was_turned() {
    let leaning = turn_back(Paper::letter(150, 3).image, -2.0);
    let scan = jpeg(&quarter_turn(leaning, 270), 90);
    let decoded: Decoded<'_> = first_page(&scan);
    let upright = straighten(&decoded, orientation(&decoded).rotation_deg);
    let geometry = upright.geometry();
    assert_eq!((geometry.rotation_deg, geometry.skew_deg), (90, upright.skew_deg()));
    assert_eq!(
        (geometry.width, geometry.height),
        (decoded.pixels.width(), decoded.pixels.height())
    );
    assert_eq!(geometry.upright_size(), (upright.image().width, upright.image().height));
}
