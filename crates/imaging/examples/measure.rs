//! scratch
use imaging::*;
use std::time::Instant;
fn main() {
    let pdf = Pdf::bind(std::path::Path::new("/work/main/.parts/libpdfium.so")).unwrap();
    for file in std::env::args().skip(1) {
        let bytes = std::fs::read(&file).unwrap();
        let name = file.rsplit('/').next().unwrap();
        let scan = match Scan::open(&bytes, Limits::default(), Some(&pdf)) { Ok(s) => s, Err(e) => { println!("{name}: {e}"); continue } };
        for seq in 0..scan.page_count().min(6) {
            let t = Instant::now();
            let d = match scan.page(seq) { Ok(d) => d, Err(e) => { println!("{name} {seq}: {e}"); continue } };
            let t_dec = t.elapsed().as_millis();
            let t = Instant::now();
            let (kept, kb) = keep(&d).unwrap();
            let t_keep = t.elapsed().as_millis();
            let g = d.grey();
            let t = Instant::now(); let s = skew(&g); let t_s = t.elapsed().as_millis();
            let t = Instant::now(); let b = is_blank(&g); let t_b = t.elapsed().as_millis();
            let t = Instant::now(); let a = text_axis(&g); let t_a = t.elapsed().as_millis();
            let h = upright_hint(&g);
            let t = Instant::now(); let o = orientation(&d); let t_o = t.elapsed().as_millis();
            let t = Instant::now(); let u = straighten(&d, o.rotation_deg); let t_u = t.elapsed().as_millis();
            let t = Instant::now(); let _f = fingerprint(&u); let t_f = t.elapsed().as_millis();
            println!("{name:18} {seq} {}x{} {}dpi rot{} {} {:?} {}k | skew {s:.3} blank {b} {a:?} hint {h:.3} o {} {:.3}| ms dec {t_dec} keep {t_keep} skew {t_s} blank {t_b} axis {t_a} orient {t_o} straighten {t_u} fp {t_f}",
                g.width, g.height, d.dpi, d.rotation_deg, if d.bilevel {"bi"} else {""}, kept.media_type(), kb.len()/1024, o.rotation_deg, o.hint);
        }
    }
}
