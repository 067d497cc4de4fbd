//! Pages turned by known angles are measured and turned back.

use imaging::{
    Axis, Grey, orientation, quarter_turn, skew, straighten, text_axis, turn_back, upright_hint,
};

use crate::drawing::{Paper, first_page, jpeg};

#[test]
fn a_page_turned_by_known_angles_is_measured_to_a_twentieth_of_a_degree() {
    let page = Paper::letter(200, 1).grainy(8).image;
    for angle in [0.3, -0.3, 1.0, -1.0, 3.0, -3.0, 7.0, -7.0, 14.0, -14.0_f32] {
        let leaning = turn_back(page.clone(), -angle);
        let found = skew(&leaning);
        assert!((found - angle).abs() < 0.05, "turned by {angle}, measured {found}");
        let again = skew(&turn_back(leaning, found));
        assert!(again.abs() < 0.05, "turned back from {angle}, measured {again}");
    }
}

#[test]
fn a_page_turned_clockwise_leans_positively() {
    // The right end of every line moves down the page.
    let mut image = Grey::filled(1000, 1000, 255);
    for line in 1..20 {
        for x in 100..900_usize {
            let y = line * 45 + x / 20;
            image.pixels[y * 1000 + x] = 0;
            image.pixels[(y + 1) * 1000 + x] = 0;
        }
    }
    let found = skew(&image);
    assert!((found - (1.0_f32 / 20.0).atan().to_degrees()).abs() < 0.1, "measured {found}");
}

#[test]
fn a_straight_page_is_left_as_it_is() {
    let scan = jpeg(&Paper::letter(150, 2).image, 90);
    let decoded = first_page(&scan);
    let upright = straighten(&decoded, 0);
    assert_eq!(upright.skew_deg(), 0.0);
    assert_eq!((upright.rotation_deg(), upright.dpi()), (0, 150));
    assert!(*upright.image() == decoded.grey());
}

#[test]
fn a_leaning_page_keeps_its_canvas_and_is_filled_up_with_white() {
    let leaning = turn_back(Paper::letter(150, 3).image, -5.0);
    let scan = jpeg(&leaning, 90);
    let upright = straighten(&first_page(&scan), 0);
    assert!((upright.skew_deg() - 5.0).abs() < 0.1);
    assert_eq!((upright.image().width, upright.image().height), (leaning.width, leaning.height));
    assert_eq!(upright.image().at(0, 0), 255);
}

#[test]
fn nothing_is_turned_where_no_line_is() {
    assert_eq!(skew(&Grey::filled(1240, 1754, 255)), 0.0);
    assert_eq!(skew(&Paper::a4(150).grainy(20).image), 0.0);
    assert_eq!(skew(&Grey::filled(1, 1, 0)), 0.0);
    assert_eq!(text_axis(&Grey::filled(1240, 1754, 255)), Axis::None);
}

#[test]
fn a_page_is_stood_upright_from_all_four_turns() {
    let page = turn_back(Paper::letter(150, 4).grainy(6).image, -0.8);
    assert_eq!(text_axis(&page), Axis::Horizontal);
    assert_eq!(text_axis(&quarter_turn(page.clone(), 90)), Axis::Vertical);
    assert!(upright_hint(&page) > 0.0);
    assert!(upright_hint(&quarter_turn(page.clone(), 180)) < 0.0);
    for turned in [0, 90, 180, 270] {
        let scan = jpeg(&quarter_turn(page.clone(), turned), 85);
        let found = orientation(&first_page(&scan));
        assert_eq!(found.rotation_deg, (360 - turned) % 360, "turned by {turned}");
        assert!(found.is_sure(), "turned by {turned}: {found:?}");
        let upright = straighten(&first_page(&scan), found.rotation_deg);
        assert!((upright.skew_deg() - 0.8).abs() < 0.1, "turned by {turned}");
    }
}

#[test]
fn four_quarter_turns_are_none() {
    let page = Paper::letter(75, 5).image;
    let mut turned = page.clone();
    for _ in 0..4 {
        turned = quarter_turn(turned, 90);
    }
    assert!(turned == page);
    assert!(quarter_turn(quarter_turn(page.clone(), 90), 270) == page);
    let corner = Grey { width: 2, height: 1, pixels: vec![1, 2] };
    assert_eq!(quarter_turn(corner, 90).pixels, [1, 2]);
    let column = Grey { width: 1, height: 2, pixels: vec![1, 2] };
    assert_eq!(quarter_turn(column, 90).pixels, [2, 1]);
}
