//! scratch
use imaging::*;
use std::collections::BTreeMap;
fn variant(g: &Grey, k: u32) -> Grey {
    // k: scale %, noise, contrast
    let (scale, noise, lo, ang): (f32, i32, i32, f32) = match k { 0 => (1.0, 12, 0, 0.4), 1 => (0.6667, 6, 30, -0.7), 2 => (0.5, 0, 0, 1.1), 3 => (1.0, 25, 10, -1.6), _ => (0.8, 10, 50, 0.2) };
    let g = turn_back(g.clone(), -ang);
    let (w, h) = ((g.width as f32 * scale) as u32, (g.height as f32 * scale) as u32);
    let mut o = Grey::filled(w, h, 255);
    let mut st = 12345u32 + k;
    for y in 0..h { for x in 0..w {
        let (fx, fy) = ((x as f32 + 0.5) / scale, (y as f32 + 0.5) / scale);
        let r = (0.5 / scale).max(0.5);
        let (mut s, mut n) = (0u32, 0u32);
        let mut yy = (fy - r) as u32; while (yy as f32) < fy + r { let mut xx = (fx - r) as u32; while (xx as f32) < fx + r { s += g.at(xx, yy) as u32; n += 1; xx += 1; } yy += 1; }
        st = st.wrapping_mul(1664525).wrapping_add(1013904223);
        let nz = if noise > 0 { ((st >> 16) as i32 % (2 * noise + 1)) - noise } else { 0 };
        let v = lo + (s / n.max(1)) as i32 * (255 - lo) / 255 + nz;
        o.pixels[(y * w + x) as usize] = v.clamp(0, 255) as u8;
    } }
    // shift by crop/pad: few mm
    let dx = (k * 7 % 20) as usize; let dy = (k * 11 % 23) as usize;
    let mut p = Grey::filled(w, h, 250);
    for y in dy..h as usize { let (a, b) = ((y - dy) * w as usize, y * w as usize); let n = w as usize - dx; let (src, dst) = (&o.pixels[a..a + n], &mut p.pixels[b + dx..b + dx + n]); dst.copy_from_slice(src); }
    // jpeg
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 40 + 10 * k as u8).encode(&p.pixels, w, h, image::ExtendedColorType::L8).unwrap();
    Scan::open(&bytes, Limits::default(), None).unwrap().page(0).unwrap().grey()
}
fn upright(g: &Grey) -> Upright {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95).encode(&g.pixels, g.width, g.height, image::ExtendedColorType::L8).unwrap();
    straighten(&Scan::open(&bytes, Limits::default(), None).unwrap().page(0).unwrap(), 0)
}
fn main() {
    let pdf = Pdf::bind(std::path::Path::new("/work/main/.parts/libpdfium.so")).unwrap();
    let mode = std::env::args().nth(1).unwrap();
    let mut errs: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    let mut prints: Vec<(String, Fingerprint)> = vec![]; let mut same = vec![];
    let (mut right, mut wrong, mut unsure, mut total) = (0, 0, 0, 0);
    for file in std::env::args().skip(2) {
        let bytes = std::fs::read(&file).unwrap();
        let name = file.rsplit('/').next().unwrap().to_string();
        let scan = Scan::open(&bytes, Limits::default(), Some(&pdf)).unwrap();
        for seq in 0..scan.page_count().min(8) {
            let d = scan.page(seq).unwrap(); let g = d.grey();
            if mode == "blank" || is_blank(&g) { println!("{name} {seq} blank {}", is_blank(&g)); continue }
            if mode == "skew" {
                let s0 = skew(&g);
                for a in [0.3f32, -1.0, 3.0, -7.0, 14.0, -14.0] {
                    if (s0 + a).abs() > 15.0 { continue }
                    let e = skew(&turn_back(g.clone(), -a)) - s0 - a;
                    if e.abs() > 0.1 { println!("{name} {seq} s0 {s0:.2} turned {a} err {e:.3}"); }
                    errs.entry(format!("{:4.1}", a.abs())).or_default().push(e.abs());
                }
            }
            if mode == "orient" {
                for t in [0u16, 90, 180, 270] {
                    let mut q = d.clone(); q.pixels = Pixels::Grey(quarter_turn(g.clone(), t));
                    let o = orientation(&q); let want = (360 - t) % 360; total += 1;
                    let ok = o.rotation_deg == want;
                    if !ok || o.axis == Axis::None { println!("{name} {seq} turned {t}: want {want} got {o:?}"); }
                    if !o.is_sure() { unsure += 1 } 
                    if ok { right += 1 } else { wrong += 1 }
                }
            }
            if mode == "fp" {
                let f = fingerprint(&straighten(&d, orientation(&d).rotation_deg));
                for k in 0..5 { same.push((distance(f, fingerprint(&upright(&variant(&g, k)))), format!("{name} {seq} v{k}"))); }
                prints.push((format!("{name} {seq}"), f));
            }
        }
    }
    for (a, v) in &errs { println!("{a}: n {} mean {:.4} max {:.4}", v.len(), v.iter().sum::<f32>() / v.len() as f32, v.iter().cloned().fold(0., f32::max)); }
    if total > 0 { println!("right {right} wrong {wrong} of {total}, unsure {unsure}"); }
    if mode == "fp" {
        same.sort(); println!("same: n {} median {} p95 {} max {:?}", same.len(), same[same.len()/2].0, same[same.len()*95/100].0, &same[same.len().saturating_sub(6)..]);
        let mut diff = vec![];
        for i in 0..prints.len() { for j in 0..i { diff.push((distance(prints[i].1, prints[j].1), prints[i].0.clone(), prints[j].0.clone())); } }
        diff.sort(); println!("diff: n {} min {:?} p5 {} median {}", diff.len(), &diff[..10.min(diff.len())], diff[diff.len()/20].0, diff[diff.len()/2].0);
    }
}
