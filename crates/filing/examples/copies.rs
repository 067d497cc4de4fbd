//! How long it takes to file many copies of one form, each filled in for another person: they look
//! alike, so each is compared with all before it.
//!
//! `cargo run --release -p filing --example copies`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement that prints")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use filing::{Kinds, Sheet, file};
use schemas::Uuid;
use schemas::catalogue::Procedure;
use schemas::ids::{Blake3, PageId};
use schemas::reading::{Fingerprint, PageReading};
use support::Paper;

/// Lines of a page that is written full.
const LINES: u32 = 40;

fn main() {
    let kinds = Kinds::shipped();
    let procedure: Procedure =
        serde_json::from_str(r#"{"code":"1.000000","name":"-","components":[]}"#).unwrap();
    let dossier = "H26-1".parse().unwrap();
    for count in [100, 200, 400, 800] {
        let pages: Vec<PageReading> = (0..count).map(copy).collect();
        let sheet = |reading| Sheet { page: PageId::from_uuid(Uuid::nil()), reading, said: None };
        let sheets: Vec<Sheet<'_>> = pages.iter().map(sheet).collect();
        let start = Instant::now();
        let filing = file(&kinds, &procedure, None, &dossier, &sheets);
        let took = start.elapsed();
        assert!(filing.duplicates.is_empty());
        println!("{count} copies: {} ms, {} µs a copy", took.as_millis(), took.as_micros() / count);
    }
}

/// A copy of the form.
fn copy(person: u128) -> PageReading {
    let mut paper = Paper::new().form_head().title("GIẤY KHAI SINH");
    for line in 0..LINES {
        let text = match line % 8 {
            0 => format!("Số định danh cá nhân: {line:02}{person:010}"),
            _ => "Nơi đăng ký khai sinh: Ủy ban nhân dân phường Nghĩa Lộ".to_owned(),
        };
        paper = paper.body(&text);
    }
    let blake3 = Blake3::of(&person.to_be_bytes());
    PageReading { blake3, fingerprint: Fingerprint::default(), ..paper.read() }
}
