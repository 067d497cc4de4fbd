//! Says how pages lie, by their pixels alone: `straight FILE…`
//!
//! One line a file (its first page): quarter turns that make it upright, whether the pixels are
//! sure of that (else the reader also asks its engine), lean in degrees. `make bench-deskew`
//! measures with it.

use std::error::Error;
use std::io::Write;

use imaging::{Limits, Scan};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    for path in std::env::args_os().skip(1) {
        let bytes = std::fs::read(&path)?;
        let scan = Scan::open(&bytes, Limits::default(), None)?;
        let decoded = scan.page(0)?;
        let orientation = imaging::orientation(&decoded);
        let page = imaging::quarter_turn(decoded.grey(), orientation.rotation_deg);
        let (sure, skew) = (orientation.is_sure(), imaging::skew(&page));
        writeln!(out, "{} {sure} {skew}", orientation.rotation_deg)?;
    }
    Ok(())
}
