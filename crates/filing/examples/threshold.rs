//! Draws `filing::THRESHOLD`: of the papers that recognition would file at each threshold, how
//! many are filed wrong, and how many of those it could file are left to a person.
//!
//! `cargo run -p filing --example threshold [-- --wrong]`; `--wrong` shows what was taken for what.
//!
//! The papers are assembled from the kinds' own evidence, with none to all of their phrases, at
//! times without issuer, form or title, and with letters misread at random; then each kind's
//! paper again with the kind itself taken out of the file, since most papers of the world are in
//! no file; then the texts of `shared/data`, which are of few kinds or none. Noise of one's own
//! making is kinder than a scanner's: what is measured here is a lower bound of the errors.

#![allow(
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement that prints"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use filing::{Kinds, recognise};
use schemas::kind::{Kind, KindsFile, SHIPPED};
use schemas::reading::PageReading;
use schemas::text::fold;
use support::Paper;

/// One in how many letters is misread, as shares.
const NOISE: [f64; 4] = [0.0, 0.02, 0.05, 0.10];

/// What was guessed of a paper.
struct Guessed {
    confidence: f32,
    right: bool,
    /// Whether some answer would have been right.
    known: bool,
}

fn main() {
    let file: KindsFile = toml::from_str(SHIPPED).unwrap();
    let kinds = Kinds::shipped();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut took = Took::default();
    let of_kind: Vec<&Kind> = file
        .kind
        .iter()
        .filter(|k| !(k.evidence.titles.is_empty() && k.evidence.forms.is_empty()))
        .collect();

    for noise in NOISE {
        let mut known = Vec::new();
        for kind in &of_kind {
            for _ in 0..3 {
                let page = assembled(kind, &mut dice, noise);
                known.push(took.judge(&kinds, &page, |id| id == kind.id.as_str()));
            }
        }
        println!("papers of known kinds, {:.0} % of letters misread", noise * 100.0);
        table(&known);
        took.all.extend(known);
    }

    let mut strange = Vec::new();
    for kind in &of_kind {
        let others: Vec<Kind> = file.kind.iter().filter(|k| k.id != kind.id).cloned().collect();
        let others = Kinds::parse(&toml::to_string(&KindsFile { kind: others }).unwrap()).unwrap();
        for noise in [0.0, 0.05] {
            let page = assembled(kind, &mut dice, noise);
            // "Đơn" for an application of a kind that is not in the file is no error.
            let wider = |id: &str| {
                let guessed = file.kind.iter().find(|k| k.id.as_str() == id);
                guessed.is_some_and(|g| {
                    let titles =
                        |k: &Kind| k.evidence.titles.iter().map(|t| fold(t)).collect::<Vec<_>>();
                    titles(kind).iter().any(|t| titles(g).iter().any(|w| t.starts_with(w.as_str())))
                })
            };
            let guess = took.judge(&others, &page, wider);
            strange.push(Guessed { known: false, ..guess });
        }
    }
    println!("papers of kinds that are not in the file");
    table(&strange);
    took.all.extend(strange);

    let texts = texts();
    println!("texts of shared/data: {} pages", texts.len());
    let mut real = Vec::new();
    for (page, kind) in &texts {
        let guess = took.judge(&kinds, page, |id| Some(id) == *kind);
        real.push(Guessed { known: kind.is_some(), ..guess });
    }
    table(&real);
    took.all.extend(real);

    println!("everything");
    table(&took.all);
    println!(
        "{:.2} ms a page over {} pages",
        took.time.as_secs_f64() * 1000.0 / f64::from(took.pages),
        took.pages
    );
}

#[derive(Default)]
struct Took {
    time: Duration,
    pages: u32,
    all: Vec<Guessed>,
}

impl Took {
    fn judge(
        &mut self,
        kinds: &Kinds,
        page: &PageReading,
        right: impl Fn(&str) -> bool,
    ) -> Guessed {
        let start = Instant::now();
        let guesses = recognise(kinds, page);
        self.time += start.elapsed();
        self.pages += 1;
        let best = guesses.first();
        let wrong = best.filter(|b| b.confidence >= 0.6 && !right(b.id.as_str()));
        if let (Some(best), true) = (wrong, std::env::args().any(|a| a == "--wrong")) {
            let text: String = page.text.chars().take(160).collect();
            println!("  {} {:.2}: {text}", best.id, best.confidence);
        }
        Guessed {
            confidence: best.map_or(0.0, |b| b.confidence),
            right: best.is_some_and(|b| right(b.id.as_str())),
            known: true,
        }
    }
}

fn table(guesses: &[Guessed]) {
    let known = guesses.iter().filter(|g| g.known).count();
    for step in 10..=19 {
        let threshold = step as f32 / 20.0;
        let filed: Vec<_> = guesses.iter().filter(|g| g.confidence >= threshold).collect();
        let wrong = filed.iter().filter(|g| !g.right).count();
        let covered = filed.iter().filter(|g| g.right && g.known).count();
        println!(
            "  {threshold:.2}: filed {:5}, of them wrong {wrong:4} ({:5.2} %), covered {:5.1} %",
            filed.len(),
            100.0 * wrong as f64 / filed.len().max(1) as f64,
            100.0 * covered as f64 / known.max(1) as f64,
        );
    }
}

/// A first page of a paper of the kind, with what its evidence says may stand on it.
fn assembled(kind: &Kind, dice: &mut Dice, noise: f64) -> PageReading {
    let evidence = &kind.evidence;
    let mut paper = Paper::new();
    if !evidence.forms.is_empty() && dice.chance(0.8) {
        paper = paper.line(
            &noisy(&dice.pick(&evidence.forms).clone(), dice, noise),
            0.85,
            support::BODY,
        );
    }
    let issuer =
        if evidence.issuers.is_empty() { None } else { Some(dice.pick(&evidence.issuers).clone()) };
    let motto = ["CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc"];
    paper = match issuer.filter(|_| dice.chance(0.9)) {
        Some(issuer) => paper
            .across(&noisy(&issuer, dice, noise), &noisy(motto[0], dice, noise))
            .across(&noisy("Số: 12/2024", dice, noise), &noisy(motto[1], dice, noise)),
        None => paper.title(&noisy(motto[0], dice, noise)).title(&noisy(motto[1], dice, noise)),
    };
    paper = paper.skip(30);
    if !evidence.titles.is_empty() && dice.chance(0.92) {
        // Long titles run over two lines.
        let title = noisy(&dice.pick(&evidence.titles).clone(), dice, noise);
        let words: Vec<&str> = title.split(' ').collect();
        let cut = if title.chars().count() > 40 { words.len() / 2 } else { words.len() };
        paper = paper.title(&words[..cut].join(" "));
        if cut < words.len() {
            paper = paper.title(&words[cut..].join(" "));
        }
    }
    paper = paper.skip(40);
    let share = 0.3 + 0.7 * dice.share();
    for phrase in &evidence.phrases {
        if dice.chance(share) {
            let filled = format!("{phrase}: {}", dice.pick(&FILLER.map(str::to_owned)));
            paper = paper.body(&noisy(&filled, dice, noise));
        }
    }
    for _ in 0..10 {
        paper = paper.body(&noisy(&dice.pick(&FILLER.map(str::to_owned)).clone(), dice, noise));
    }
    paper.read()
}

/// What any paper may say.
const FILLER: [&str; 8] = [
    "tại số 12 đường Trần Phú, phường Nghĩa Lộ",
    "theo quy định của pháp luật hiện hành và các văn bản liên quan",
    "Nguyễn Văn Mẫu, sinh ngày 01 tháng 02 năm 1990",
    "xin cam đoan những nội dung khai trên đây là đúng sự thật",
    "trong thời hạn mười lăm ngày kể từ ngày nhận đủ hồ sơ hợp lệ",
    "số 001199000013 cấp ngày 10/05/2021",
    "cơ quan, tổ chức, cá nhân có liên quan chịu trách nhiệm thực hiện",
    "không có",
];

/// Letters misread at random: another letter, or none, or two.
fn noisy(text: &str, dice: &mut Dice, noise: f64) -> String {
    const LETTERS: &[u8] = b"aeioubcdhlmnprstvyg10";
    let mut misread = String::new();
    for letter in text.chars() {
        if letter == ' ' || !dice.chance(noise as f32) {
            misread.push(letter);
            continue;
        }
        let other = char::from(LETTERS[dice.below(LETTERS.len())]);
        let other = if letter.is_uppercase() { other.to_ascii_uppercase() } else { other };
        match dice.below(6) {
            0 => {}
            1 => misread.extend([letter, other]),
            _ => misread.push(other),
        }
    }
    misread
}

/// Texts of the shared data as pages, with the kind that each is of, where it is of one.
fn texts() -> Vec<(PageReading, Option<&'static str>)> {
    let Some(data) = support::shared_data() else { return Vec::new() };
    let kind_of = |name: &str| match name {
        n if n.starts_with("cv_575") => Some("official_letter"),
        n if n.starts_with("moet_qd")
            || n.contains("qd_47-p1")
            || n.contains("qd_707_ttg-01")
            || n.starts_with("hanoi_qd") =>
        {
            Some("decision")
        }
        n if n.starts_with("tt_21_bct_fuel-1") => Some("circular"),
        n if n.contains("ttg-03") => Some("plan"),
        n if n.starts_with("qngai") => Some("notice"),
        n if n.contains("contract_lao_dong") => Some("labour_contract"),
        n if n.contains("contract_thue_nha") => Some("house_lease_contract"),
        n if n.contains("contract_03") => Some("service_contract"),
        n if n.contains("contract") => Some("contract"),
        n if n.contains("hoa_don") => Some("sales_invoice"),
        n if n.contains("quyet_dinh") => Some("decision"),
        n if n.contains("thong_bao") => Some("notice"),
        n if n.contains("cong_van") => Some("official_letter"),
        n if n.contains("cu_tru") || n.contains("form_01") => Some("confirmation"),
        n if n.contains("form") => Some("application"),
        _ => None,
    };
    let mut pages = Vec::new();
    for folder in ["scans/gold", "born_digital"] {
        for entry in std::fs::read_dir(data.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "txt") {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&path).unwrap();
                // A page of the gold texts is a file; the others run on.
                let lines = if folder == "scans/gold" { 500 } else { 45 };
                for (place, chunk) in text.lines().collect::<Vec<_>>().chunks(lines).enumerate() {
                    pages.push((page_of(chunk), kind_of(&name).filter(|_| place == 0)));
                }
            }
        }
    }
    for line in std::fs::read_to_string(data.join("synthetic/metadata.jsonl")).unwrap().lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let said = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let (title, text) = (said("title"), said("full_text") + &said("text"));
        let lines: Vec<String> = text.lines().map(|l| l.chars().take(95).collect()).collect();
        let mut lines: Vec<&str> = lines.iter().map(String::as_str).take(45).collect();
        if lines.first() != Some(&title.as_str()) {
            lines.insert(0, &title);
        }
        pages.push((page_of(&lines), kind_of(&said("doc_id"))));
    }
    let statutes =
        std::fs::read_to_string(data.join("text/nomvn_vn_legal.txt")).unwrap_or_default();
    let lines: Vec<&str> = statutes.lines().collect();
    pages.extend(
        lines
            .chunks(40)
            .step_by((lines.len() / 40 / 150).max(1))
            .map(|chunk| (page_of(chunk), None)),
    );
    pages
}

/// Lines of a text as a page: the letterhead's blocks side by side, capitals in the middle.
fn page_of(lines: &[&str]) -> PageReading {
    let mut paper = Paper::new();
    let shown: Vec<&str> =
        lines.iter().copied().filter(|l| !l.starts_with('#') && !l.trim().is_empty()).collect();
    let nation =
        shown.iter().position(|l| fold(l).starts_with("cong hoa xa hoi")).filter(|n| *n < 9);
    for (place, line) in shown.iter().enumerate() {
        let line: String = line.chars().take(95).collect();
        let capitals = line.chars().all(|c| !c.is_lowercase());
        paper = match nation {
            Some(nation) if place < nation => paper.line(&line, 0.26, support::BODY),
            Some(nation) if place == nation => paper.at(0.058).line(&line, 0.68, support::BODY),
            Some(nation) if place <= nation + 2 => paper.line(&line, 0.68, support::BODY),
            Some(nation) if place == nation + 3 => paper.at(0.2).title(&line),
            _ if capitals => paper.title(&line),
            _ => paper.body(&line),
        };
    }
    paper.read()
}

/// Dice that fall the same way every time (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    fn share(&mut self) -> f32 {
        self.below(10_000) as f32 / 10_000.0
    }

    fn chance(&mut self, share: f32) -> bool {
        self.share() < share
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
