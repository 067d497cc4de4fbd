//! What becomes of real scans: kinds, documents and fields of the pages of `shared/data`, read by
//! the Tesseract command line, beside the truth for three of them.
//!
//! `cargo run -p filing --example real [TSV…]`; with tables of words as arguments (`tesseract X
//! stdout tsv`) those are taken as the pages of one scan instead.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement that prints")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use filing::{Kinds, Sheet, fields, file, recognise};
use schemas::Uuid;
use schemas::catalogue::Procedure;
use schemas::ids::PageId;
use schemas::reading::PageReading;

const PICTURES: [&str; 9] = [
    "qd_47-p1.jpg",
    "cv_575_qngai-1.jpg",
    "qd_47-p2.jpg",
    "moet_qd_09-1.jpg",
    "qd_707_ttg-01.tif",
    "qd_707_ttg-02.tif",
    "qd_707_ttg-03.tif",
    "tt_21_bct_fuel-1.tif",
    "tt_21_bct_fuel-2.tif",
];

fn main() {
    let kinds = Kinds::shipped();
    let tables: Vec<String> = std::env::args().skip(1).collect();
    let readings: Vec<(String, PageReading)> = if tables.is_empty() {
        let Some(data) = support::shared_data() else { return };
        let path = |name: &&str| data.join("scans/gold").join(name);
        let read = |name: &&str| Some(((*name).to_owned(), support::tesseract(&path(name), 300)?));
        PICTURES.iter().filter_map(read).collect()
    } else {
        let read = |name: &String| {
            (name.clone(), support::from_tsv(&std::fs::read_to_string(name).unwrap()).unwrap())
        };
        tables.iter().map(read).collect()
    };
    for (name, reading) in &readings {
        let start = Instant::now();
        let guesses = recognise(&kinds, reading);
        let took = start.elapsed();
        let guesses: Vec<String> =
            guesses.iter().take(3).map(|g| format!("{} {:.2}", g.id, g.confidence)).collect();
        println!("{name}: {} ({:.1} ms)", guesses.join(", "), took.as_secs_f64() * 1000.0);
    }
    let procedure: Procedure =
        serde_json::from_str(r#"{"code":"1.000000","name":"-","components":[]}"#).unwrap();
    let sheets: Vec<Sheet<'_>> = readings
        .iter()
        .map(|(_, reading)| Sheet { page: PageId::from_uuid(Uuid::nil()), reading, said: None })
        .collect();
    let dossier = "H26-1".parse().unwrap();
    let filing = file(&kinds, &procedure, None, &dossier, &sheets);
    println!("blank {:?} again {:?}", filing.blanks, filing.duplicates);
    for document in &filing.documents {
        let names: Vec<&str> = document.pages.iter().map(|p| readings[*p].0.as_str()).collect();
        println!("{names:?} {:?} {}", document.verdict, document.why);
        let pages: Vec<&PageReading> = document.pages.iter().map(|p| &readings[*p].1).collect();
        let start = Instant::now();
        let found = fields(&kinds, document.kind.as_ref().map(|k| &k.id), &pages);
        let took = start.elapsed();
        for field in found {
            println!(
                "    {:?} p{:?} {:.2} {:?}: {}",
                field.name, field.page, field.confidence, field.source, field.value
            );
        }
        println!("    ({:.1} ms)", took.as_secs_f64() * 1000.0);
    }
}
